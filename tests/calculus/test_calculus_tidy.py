"""The readable form of a formula: the same formula, contracted and collected, what all terms share in front."""

import pytest
import sympy as sp

from hesslib.calculus.index import KroneckerDelta, S, Tensor, index
from hesslib.calculus.normal import equal
from hesslib.calculus.tidy import tidy

N = sp.Symbol("N", integer=True, positive=True)
i, j, k = index("i j k")
x, y, A = Tensor("x", shape=(N,)), Tensor("y", shape=(N,)), Tensor("A", shape=(N, N))
I = KroneckerDelta


def over(f):
    return S("p", N, f)


TIDIED = {
    "a delta is contracted": (over(lambda p: I(i, p) * x[p]) + x[i], 2 * x[i]),
    "what all share comes first": (x[i] * y[j] + x[i] * y[k], x[i] * (y[j] + y[k])),
    "with multiplicity": (x[i] ** 2 * y[j] + x[i] ** 3, x[i] ** 2 * (y[j] + x[i])),
    "nothing in common": (x[i] + y[j], x[i] + y[j]),
    "nothing is left": (over(lambda p: x[p]) - S("k", N, lambda k: x[k]), sp.S.Zero),
    "a delta is spelled so that more is shared": (
        I(i, j) * x[i] * y[k] - x[j] * y[k] * y[i],
        x[j] * y[k] * (I(i, j) - y[i]),
    ),
    "a delta of a number": (I(i, 2) * x[i] + x[2] * y[j], x[2] * (I(i, 2) + y[j])),
}


@pytest.mark.parametrize(("e", "expected"), TIDIED.values(), ids=TIDIED)
def test_a_formula_is_written_readably_and_stays_the_same(e, expected):
    found = tidy(e)
    assert found == expected
    assert equal(found, e)


def test_a_factor_that_needs_another_one_to_keep_its_index_in_its_slot_stays_with_it():
    e = over(lambda p: x[p]) * y[i] + over(lambda p: A[i, p]) * y[i]
    found = tidy(e)
    assert isinstance(found, sp.Mul)
    assert y[i] in found.args
    assert equal(found, e)


def test_indices_of_a_sum_are_not_taken_out_of_it():
    e = over(lambda p: A[i, p] * x[p]) + over(lambda p: A[i, p] * y[p])
    assert isinstance(tidy(e), sp.Add)
    assert equal(tidy(e), e)
