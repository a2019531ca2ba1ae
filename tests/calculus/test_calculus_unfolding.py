"""Definitions are inserted once, without capturing a letter, and it is told what was inserted."""

import sympy as sp

from hesslib.calculus.index import S, Tensor, index
from hesslib.calculus.let import Let
from hesslib.calculus.normal import equal
from hesslib.calculus.provenance import collecting
from hesslib.calculus.unfolding import rename, unfold

N = sp.Symbol("N", integer=True, positive=True)
i, j = index("i j")
x, y, A = Tensor("x", shape=(N,)), Tensor("y", shape=(N,)), Tensor("A", shape=(N, N))
s, t = sp.symbols("s t")
DEFINITION = {y: lambda i: S("j", N, lambda j: A[i, j] * x[j])}


def kinds(e, definitions):
    with collecting() as used:
        unfold(e, definitions)
    return [(g.kind, g.left) for g in used]


def test_a_definition_is_inserted_at_the_index_that_stands_there():
    assert equal(unfold(y[j], DEFINITION), S("k", N, lambda k: A[j, k] * x[k]))
    assert not equal(unfold(y[j], DEFINITION), S("k", N, lambda k: A[k, j] * x[k]))
    whole = unfold(S("j", N, lambda j: x[j] * y[j]), DEFINITION)
    assert equal(whole, S("p", N, lambda p: S("q", N, lambda q: x[p] * A[p, q] * x[q])))


def test_two_places_have_indices_of_their_own():
    square = unfold(y[i] * y[i], DEFINITION)
    assert equal(square, S("p", N, lambda p: S("q", N, lambda q: A[i, p] * x[p] * A[i, q] * x[q])))


def test_it_is_inserted_once_only():
    assert unfold(s, {s: lambda: s + t}) == s + t
    assert unfold(x[i], {x: lambda i: y[i], y: lambda i: x[i]}) == y[i]
    assert unfold(sp.exp(t), {s: lambda: t}) == sp.exp(t)


def test_what_was_inserted_is_told_as_a_definition_or_as_a_fact():
    assert kinds(2 * x[j], {x: lambda i: 3 * t}) == [("definition", x[j])]
    assert kinds(2 * x[j], {x: lambda i: sp.S.One}) == [("fact", x[j])]
    assert kinds(2 * x[j], {x: lambda i: 2 * x[i]}) == [("fact", x[j])]
    assert kinds(2 * x[j], {x: lambda i: x[i]}) == []
    z = Let(sp.Symbol("z"), lambda: t**2)
    assert kinds(z, {z: lambda: t * t}) == [("definition", z)]
    assert kinds(z, {z: lambda: t**3}) == [("fact", z)]


def test_a_name_is_given_to_what_it_stands_for_and_to_nothing_inside_of_it():
    assert rename(2 * x[i] + x[j], lambda e: t if e == x[i] else None) == 2 * t + x[j]
    assert rename(sp.exp(s) + s, lambda e: t if e == sp.exp(s) else 5 if e == s else None) == t + 5
