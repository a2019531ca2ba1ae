"""Sums over cut domains in pieces: the pieces add up to the whole, at every small size."""

import itertools

import pytest
import sympy as sp
from term_values import value_of

from hesslib.calculus.canonical import Names
from hesslib.calculus.index import KroneckerDelta, S, Tensor, index
from hesslib.calculus.indicators import Holds, at_most
from hesslib.calculus.knowledge import Known, knowing
from hesslib.calculus.normal import equal, opaque
from hesslib.calculus.split_sums import cut
from hesslib.calculus.terms import Term

N = sp.Symbol("N", integer=True, positive=True)
k, q, e = index("k q e")
x, A = Tensor("x", shape=(N,)), Tensor("A", shape=(N, N))
B = Tensor("B", shape=(N, N), symmetric=True)

CUT = {
    "all but the first": Term(sp.S.One, [x[k], Holds(k - 2)], {k: N}),
    "all but the last": Term(sp.Integer(2), [x[k]], {k: N - 1}),
    "all but the last two": Term(sp.S.One, [x[k], x[k]], {k: N - 2}),
    "three numbers": Term(sp.S.One, [x[k], k], {k: sp.Integer(3)}),
    "a triangle": Term(sp.S.One, [A[k, q], at_most(q, k)], {k: N, q: N}),
    "the other triangle": Term(sp.S.One, [A[k, q], at_most(k, q)], {k: N, q: N}),
    "a strict triangle": Term(sp.S.One, [A[k, q], at_most(q + 1, k)], {k: N, q: N}),
    "half of a symmetric square": Term(sp.S.One, [B[k, q], x[k], x[q], at_most(q, k)], {k: N, q: N}),
}


@pytest.mark.parametrize("t", CUT.values(), ids=CUT)
def test_the_pieces_add_up_to_the_whole(t):
    with knowing(Known()):
        pieces = cut(t, Names(opaque))
    if pieces is None:  # one of the two triangles is the one that others are written by
        assert len(t.factors) == 2
        return
    sizes = range(3, 6) if any(size == 3 for size in t.dummies.values()) else range(2, 5)
    for n in sizes:
        at = {N: sp.Integer(n)}
        total = sum(value_of(piece, at) for piece in pieces) - value_of(t, at)
        same = {B[p, r]: B[r, p] for p, r in itertools.combinations(range(1, n + 1), 2)}
        assert sp.expand(total.xreplace(same)) == 0


def test_one_of_two_triangles_is_written_by_the_other():
    with knowing(Known()):
        found = [cut(CUT[name], Names(opaque)) for name in ("a triangle", "the other triangle")]
    assert sorted(0 if pieces is None else len(pieces) for pieces in found) == [0, 2]


def test_a_sum_over_its_whole_range_is_not_cut():
    with knowing(Known()):
        assert cut(Term(sp.S.One, [x[k]], {k: N}), Names(opaque)) is None
        assert cut(Term(sp.S.One, [x[e]], {}), Names(opaque)) is None


def test_sums_over_cut_domains_are_compared():
    first = S("k", N, lambda k: x[k])
    assert equal(first, S("k", N - 1, lambda k: x[k]) + x[N])
    triangle = S("k", N, lambda k: S("q", k, lambda q: x[k] * x[q]))
    assert equal(2 * triangle, first**2 + S("k", N, lambda k: x[k] ** 2))
    assert not equal(2 * triangle, first**2 - S("k", N, lambda k: x[k] ** 2))
    assert not equal(2 * triangle, first**2 + S("k", N, lambda k: x[k] ** 2 * KroneckerDelta(k, 1)))
