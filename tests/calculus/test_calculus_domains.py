"""The domain of a sum is put in order, and its value at small sizes stays what a dumb loop finds."""

import itertools

import pytest
import sympy as sp
from term_values import value_of

from hesslib.calculus.domains import contracted, in_range, proves, settle, solved, substituted
from hesslib.calculus.index import KroneckerDelta, Tensor, index
from hesslib.calculus.indicators import Holds, at_most
from hesslib.calculus.terms import Term

N, M = sp.symbols("N M", integer=True, positive=True)
e, k, p, q = index("e k p q")
x, A = Tensor("x", shape=(N,)), Tensor("A", shape=(N, N))
I = KroneckerDelta

TERMS = {
    "a delta": Term(sp.S.One, [I(k, e), x[k]], {k: N}),
    "a delta of a shifted index": Term(sp.S.One, [I(k, e + 1), x[k]], {k: N}),
    "a delta of two bound indices": Term(sp.Integer(2), [I(p, q), A[p, q], x[p]], {p: N, q: N}),
    "a delta of two ranges": Term(sp.S.One, [I(p, q), x[p]], {p: N, q: M}),
    "a triangle": Term(sp.S.One, [x[p], x[q]], {p: N, q: p}),
    "a triangle, counted": Term(sp.S.One, [x[p]], {p: N, q: p}),
    "a strict triangle, counted": Term(sp.S.One, [x[p], at_most(q + 1, p)], {p: N, q: N}),
    "a sum of numbers": Term(sp.S.One, [q], {q: N}),
    "a sum of squares": Term(sp.S.One, [q, q], {q: N}),
    "a sum from two on": Term(sp.S.One, [q, Holds(q - 2)], {q: N}),
    "what always holds": Term(sp.S.One, [x[p], Holds(p - 1), Holds(N - p)], {p: N}),
    "what never holds": Term(sp.S.One, [x[p], Holds(p - N - 1)], {p: N}),
    "one point": Term(sp.S.One, [x[p], Holds(p - N)], {p: N}),
    "a sum of one": Term(sp.S.One, [x[p], A[p, e]], {p: sp.S.One}),
    "two ends": Term(sp.S.One, [x[p], Holds(M - p)], {p: N}),
}


@pytest.mark.parametrize("t", TERMS.values(), ids=TERMS)
def test_a_term_in_order_has_the_value_that_it_had(t):
    found = settle(t)
    for n, m in itertools.product(range(1, 5), repeat=2):
        for place in range(1, n + 1):
            at = {N: sp.Integer(n), M: sp.Integer(m), e: sp.Integer(place)}
            assert sp.expand(value_of(found, at) - value_of(t, at)) == 0


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("a delta", 0),
        ("a triangle, counted", 1),
        ("a sum of squares", 0),
        ("one point", 0),
        ("a delta of two bound indices", 1),
    ],
)
def test_a_term_in_order_has_no_more_sums_than_it_needs(name, count):
    assert len(settle(TERMS[name]).dummies) == count


def test_what_says_nothing_is_dropped_and_what_contradicts_itself_is_zero():
    assert settle(TERMS["what never holds"]) is None
    assert settle(TERMS["what always holds"]).factors == [x[p]]


def test_an_index_is_fixed_with_an_indicator_where_it_may_leave_its_range():
    found = substituted(Term(sp.S.One, [x[k]], {k: N}), k, e + 1)
    assert {f.inside for f in found.factors if isinstance(f, Holds)} == {e, N - e - 1}
    assert substituted(Term(sp.S.One, [A[k, q]], {k: N, q: N}), k, q).factors == [A[q, q]]


def test_a_delta_is_carried_out_where_it_needs_no_condition():
    assert contracted(Term(sp.S.One, [I(p, q), x[p]], {p: N, q: N})).dummies in ({p: N}, {q: N})
    assert solved(2 * p - q + 1, q) == 2 * p + 1
    assert solved(2 * p - q, p) is None


def test_what_follows_from_the_range_of_a_sum_is_proved_and_nothing_else():
    t = Term(sp.S.One, [x[p], Holds(M - p)], {p: N})
    assert proves(t, N - p)
    assert proves(t, M - p)
    assert proves(t, p - 1)
    assert not proves(t, p - 2)
    assert in_range(Term(sp.S.One, [x[p]], {p: N}))
    assert not in_range(Term(sp.S.One, [x[p + 1]], {p: N}))
    assert in_range(Term(sp.S.One, [x[p + 1], Holds(N - p - 1)], {p: N}))
