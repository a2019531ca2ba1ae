"""Sums that vanish because of their denominators, and sums that do not."""

import pytest
import sympy as sp

from hesslib.calculus.common_denominator import is_zero_sum
from hesslib.calculus.index import S, Tensor, freshen, index
from hesslib.calculus.knowledge import Known, knowing, learn
from hesslib.calculus.normal import build, flatten
from hesslib.calculus.terms import allowance

N = sp.Symbol("N", integer=True, positive=True)
x, y = Tensor("x", shape=(N,)), Tensor("y", shape=(N,))
i, j = index("i j")
a, b = sp.symbols("a b", positive=True)


def shown(e, **options):
    """Whether the sum is shown to be zero."""

    def terms(e):
        learn(fresh := freshen(e))
        return list(flatten(fresh).values())

    with knowing(Known()), allowance(60_000):
        return is_zero_sum(terms(e), build, terms, **options)


def over(f):
    return S("k", N, f)


TOTAL = over(lambda q: x[q])
PAIRS = over(lambda p: over(lambda q: x[p] / (x[p] + x[q])))
ZERO = {
    "shares add up to one": over(lambda k: x[k] / TOTAL) - 1,
    "two fractions": 1 / (a + b) - a / (a * (a + b)),
    "a difference of fractions": 1 / a - 1 / b - (b - a) / (a * b),
    "a double sum, symmetrised": PAIRS - N**2 / 2,
    "a fraction in a fraction": 1 / (1 + 1 / TOTAL) - TOTAL / (TOTAL + 1),
    "an exponential below": 1 / (1 + sp.exp(-x[i])) - sp.exp(x[i]) / (1 + sp.exp(x[i])),
}
NOT_ZERO = {
    "shares do not add up to two": over(lambda k: x[k] / TOTAL) - 2,
    "shares do not add up to their number": over(lambda k: x[k] / TOTAL) - N,
    "the sign": 1 / a - 1 / b - (a - b) / (a * b),
    "another total": over(lambda k: x[k] / over(lambda q: y[q])) - 1,
    "another index": 1 / (1 + sp.exp(-x[i])) - sp.exp(x[j]) / (1 + sp.exp(x[j])),
}


@pytest.mark.parametrize("e", ZERO.values(), ids=ZERO)
def test_a_sum_that_vanishes_is_shown_to(e):
    assert shown(e)


@pytest.mark.parametrize("e", NOT_ZERO.values(), ids=NOT_ZERO)
def test_a_sum_that_does_not_vanish_is_not(e):
    assert not shown(e)


def test_nothing_is_zero_and_without_a_round_nothing_is_shown():
    assert is_zero_sum([], build, lambda e: [])
    assert not shown(ZERO["shares add up to one"], rounds=0)
