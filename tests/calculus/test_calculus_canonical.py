"""Bound letters get names that do not depend on what they were called, and free deltas are used."""

import itertools

import pytest
import sympy as sp

from hesslib.calculus.canonical import Names, components, identified, is_zero, level_of, limits_of, parted, unify
from hesslib.calculus.index import KroneckerDelta, S, Tensor, index
from hesslib.calculus.terms import Term

N = sp.Symbol("N", integer=True, positive=True)
i, j, k, p, q, r = index("i j k p q r")
x, A = Tensor("x", shape=(N,)), Tensor("A", shape=(N, N))
NAMES = Names(lambda e: e)
I = KroneckerDelta

PRODUCTS = [
    [I(i, j), x[j], A[i, j]],
    [I(i, 2), x[i], A[j, i]],
    [I(i, j), I(j, k), x[k], x[i]],
    [I(i, j + 1), x[i], A[j, k]],
    [I(i, k + 1), I(j, k), A[i, j]],
]


@pytest.mark.parametrize("factors", PRODUCTS, ids=str)
def test_a_product_with_its_deltas_used_has_the_same_value_everywhere(factors):
    used = unify(factors)
    assert used != factors
    for place in itertools.product(range(1, 4), repeat=3):
        at = dict(zip((i, j, k), map(sp.Integer, place), strict=True))
        assert sp.Mul(*[f.xreplace(at) for f in used]) == sp.Mul(*[f.xreplace(at) for f in factors])


def test_letters_that_are_one_are_written_as_the_first_and_a_number_comes_before_letters():
    assert sp.Mul(*unify([I(i, j), x[j]])) == I(i, j) * x[i]
    replacements, left = identified([I(i, 2), x[i]])
    assert replacements == [{i: 2}]
    assert left == [I(i, 2)]


def test_deltas_that_ask_one_index_to_be_two_numbers_make_a_product_zero():
    assert is_zero([I(i, 1), I(i, 2)])
    assert is_zero([I(i, 1), I(i, j), I(j, 2)])
    assert is_zero([I(i, j), I(i, j + 1)])
    assert not is_zero([I(i, 1), I(j, 2)])


SAME = [
    (([A[p, q], x[q]], {p: N, q: N}), ([x[k], A[j, k]], {k: N, j: N})),
    (([A[p, q], A[q, r]], {p: N, q: N, r: N}), ([A[i, j], A[k, i]], {i: N, j: N, k: N})),
    (([A[p, q], A[q, p]], {p: N, q: N}), ([A[q, p], A[p, q]], {q: N, p: N})),
]
OTHER = [
    (([A[p, q], x[q]], {p: N, q: N}), ([A[p, q], x[p]], {p: N, q: N})),
    (([A[p, q], A[q, r]], {p: N, q: N, r: N}), ([A[p, q], A[r, q]], {p: N, q: N, r: N})),
    (([x[p]], {p: N}), ([x[p]], {p: N + 1})),
]


@pytest.mark.parametrize("pair", SAME, ids=str)
def test_a_product_has_one_key_whatever_its_letters_are_called(pair):
    assert len({NAMES.key(Term(sp.S.One, *product)) for product in pair}) == 1


@pytest.mark.parametrize("pair", OTHER, ids=str)
def test_products_that_differ_have_different_keys(pair):
    assert len({NAMES.key(Term(sp.S.One, *product)) for product in pair}) == 2


def test_two_indices_are_twins_if_exchanging_them_changes_nothing():
    assert NAMES.twins([A[p, q], A[q, p]], {p: N, q: N}, p, q)
    assert not NAMES.twins([A[p, q], x[p]], {p: N, q: N}, p, q)
    assert not NAMES.twins([x[p], x[q]], {p: N, q: p}, p, q)


def test_a_product_falls_apart_into_what_no_index_links():
    factors, dummies = [x[i], A[p, q], x[q], x[r]], {p: N, q: N, r: N}
    outer, sums = components(factors, dummies)
    assert outer == [x[i]]
    assert sums == [([A[p, q], x[q]], {p: N, q: N}), ([x[r]], {r: N})]
    assert parted(factors, dummies) == (outer, sums)


def test_a_sum_whose_size_is_an_index_stands_inside_and_names_are_numbered_by_depth():
    first, second = sp.symbols("_0_0 _0_1", integer=True)
    assert limits_of({p: N, q: p}, {p: first, q: second}) == [(second, 1, first), (first, 1, N)]
    assert level_of([x[i]]) == 0
    assert level_of([sp.exp(sp.Sum(x[first], (first, 1, N)))]) == 1
    assert level_of([S("p", N, lambda p: x[p])]) == 0
