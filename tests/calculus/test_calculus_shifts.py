"""Sums in other summation variables: more slots are plain, and the value is that of a dumb loop."""

import pytest
import sympy as sp
from term_values import value_of

from hesslib.calculus.index import Tensor, index
from hesslib.calculus.indicators import Holds
from hesslib.calculus.knowledge import Known, knowing
from hesslib.calculus.shifts import straightened
from hesslib.calculus.terms import Term

N = sp.Symbol("N", integer=True, positive=True)
k, q, e = index("k q e")
x, w, A = Tensor("x", shape=(N,)), Tensor("w", shape=(N,)), Tensor("A", shape=(N, N))

SHIFTED = {
    "one step ahead": Term(sp.S.One, [x[k + 1], w[k]], {k: N - 1}),
    "one step ahead alone": Term(sp.S.One, [x[k + 1]], {k: N - 1}),
    "counted from the end": Term(sp.Integer(3), [x[N + 1 - k], k], {k: N}),
    "a guard of its own": Term(sp.S.One, [x[k + 1], k, Holds(N - k - 1)], {k: N}),
    "two indices": Term(sp.S.One, [A[k + 1, q], w[q]], {k: N - 1, q: N}),
    "a difference of two": Term(sp.S.One, [x[k - q + 1], w[q], Holds(k - q)], {k: N, q: N}),
}


def plain(t):
    return sum(p.is_Symbol for f in t.factors for p in getattr(f, "indices", ()))


@pytest.mark.parametrize("t", SHIFTED.values(), ids=SHIFTED)
def test_a_sum_in_other_variables_has_the_value_that_it_had(t):
    with knowing(Known()):
        found = straightened(t)
    if found is None:  # it stands as plainly as it can
        assert t in (SHIFTED["one step ahead"], SHIFTED["a difference of two"])
        return
    for n in range(1, 5):
        at = {N: sp.Integer(n)}
        assert sp.expand(value_of(found, at) - value_of(t, at)) == 0


@pytest.mark.parametrize("name", ["one step ahead alone", "counted from the end", "a guard of its own", "two indices"])
def test_more_slots_are_plain_letters_than_before(name):
    with knowing(Known()):
        assert plain(straightened(SHIFTED[name])) > plain(SHIFTED[name])


@pytest.mark.parametrize(
    "t",
    [
        Term(sp.S.One, [x[k], w[k]], {k: N}),
        Term(sp.S.One, [x[e + 1]], {k: N}),
        Term(sp.S.One, [x[k + 1]], {k: N}),  # which leaves the slot: the new letter would miss a part of the range
    ],
)
def test_what_is_plain_or_may_leave_its_slot_stays_as_it_is(t):
    with knowing(Known()):
        assert straightened(t) is None
