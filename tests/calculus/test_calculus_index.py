"""Tensors, sums and letters: what cannot be captured, and what cannot be built."""

import pickle

import pytest
import sympy as sp

from hesslib.calculus.index import (
    Diff,
    KroneckerDelta,
    RangeError,
    S,
    Tensor,
    Width,
    apart,
    bound_letters,
    elementwise,
    freshen,
    index,
    insert,
    layers_of,
    slots_of,
    specialise,
    with_pattern,
)
from hesslib.calculus.normal import equal
from hesslib.derivations.network import a, b, delta, h, hp, hpp, j, k, l, n, w, z

N, K = sp.symbols("N K", integer=True, positive=True)
i = index("i")
x, y = Tensor("x", shape=(N,)), Tensor("y", shape=(N,))
A = Tensor("A", shape=(N, N))


def test_the_slots_of_a_tensor_are_counted():
    assert w.rank == 2
    assert w.sizes(l) == (n[l], n[l - 1])
    assert layers_of(w[l + 1, k, j]) == (l + 1,)
    assert slots_of(w[l + 1, k, j]) == (k, j)
    with pytest.raises(RangeError, match="w was given 2 indices; it takes 1 layer number"):
        w[l, j]
    with pytest.raises(RangeError, match="x was given 2 indices"):
        x[i, j]


def test_only_slots_of_one_size_may_be_symmetric():
    with pytest.raises(RangeError, match="B is declared symmetric"):
        Tensor("B", shape=(N, K), symmetric=True)


@pytest.mark.parametrize(
    "other",
    [
        Tensor("A", shape=(N, N), symmetric=True),
        Tensor("A", shape=(N, K)),
        Tensor("A", shape=(N, N), latex="B"),
        Tensor("A", shape=(N, N), pattern=True),
        Tensor("B", shape=(N, N)),
    ],
    ids=["symmetry", "size", "letter", "pattern", "name"],
)
def test_tensors_that_differ_in_anything_are_different(other):
    assert other != A
    assert not equal(A[1, 2], other[1, 2])


def test_tensors_that_agree_in_everything_are_the_same():
    assert Tensor("A", shape=(N, N)) == A
    assert hash(Tensor("A", shape=(N, N))) == hash(A)
    assert equal(Tensor("A", shape=(N, N))[i, j], A[i, j])


def test_a_tensor_is_a_leaf_and_is_not_pickled():
    assert A[i, j].xreplace({sp.Symbol("A"): sp.Symbol("B")}) == A[i, j]
    assert A.free_symbols == set()
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(A)


def test_the_body_of_a_sum_is_a_function(as_installed):
    for body in (x[i], sp.S.One, 3):
        with pytest.raises(TypeError, match="a function of its index"):
            S("i", N, body)


def test_a_sum_cannot_capture_a_letter_of_its_body():
    outer = S("i", N, lambda s: A[i, s] * S("i", N, lambda r: A[s, r] * x[i]))
    assert outer.free_symbols == {i, N}
    assert equal(outer, x[i] * S("p", N, lambda p: S("q", N, lambda q: A[i, p] * A[p, q])))


def test_fresh_letters_respect_shadowing():
    inner = sp.Sum(y[i], (i, 1, N))
    shadowed = sp.Sum(x[i] * inner, (i, 1, N))
    assert equal(shadowed, S("p", N, lambda p: x[p]) * S("q", N, lambda q: y[q]))
    twice = sp.Sum(sp.Sum(x[i], (i, 1, N)), (i, 1, N))
    assert equal(twice, N * S("p", N, lambda p: x[p]))
    fresh = freshen(shadowed)
    assert i not in fresh.atoms(sp.Symbol)
    assert freshen(x[i]) == x[i]


def test_fresh_letters_reach_the_sizes_of_inner_sums():
    total = freshen(S("l", N, lambda y: S("j", n[y], lambda j: a[y, j])))
    assert total.free_symbols == {N}


@pytest.mark.parametrize(
    ("formulas", "new"),
    [
        ([S("k", N, lambda k: x[k]), S("k", N, lambda k: y[k])], [False, False]),  # their letters are two
        ([sp.Sum(x[i], (i, 1, N)), y[i]], [True, False]),  # free in the other
        ([y[i], sp.Sum(x[i], (i, 1, N))], [False, True]),
        ([sp.Sum(x[i], (i, 1, N)), sp.Sum(y[i], (i, 1, N))], [False, True]),  # bound in both
        ([sp.Sum(x[i], (i, 1, N)) * sp.Sum(y[i], (i, 1, N))], [True]),  # bound twice
        ([sp.Sum(x[i], (i, 1, N)) ** 2], [False]),
    ],
)
def test_formulas_are_apart_where_no_bound_letter_occurs_elsewhere(formulas, new):
    found = apart(*formulas)
    letters = [letter for e in found for letter in bound_letters(e)]
    assert len(letters) == len(set(letters))
    assert not {letter for e in found for letter in e.free_symbols} & set(letters)
    assert [one != other for one, other in zip(found, formulas, strict=True)] == new
    assert all(equal(one, other) for one, other in zip(found, formulas, strict=True))


def test_formulas_that_are_apart_have_deltas_of_ours():
    assert isinstance(apart(sp.KroneckerDelta(i, j))[0], KroneckerDelta)


def test_a_definition_cannot_capture_the_letters_it_is_used_with():
    def careless(j):
        return sp.Sum(A[j, i] * x[i], (i, 1, N))  # a plain SymPy sum over a plain letter

    assert equal(insert(careless, x[i]), S("s", N, lambda s: A[i, s] * x[s]))


def test_an_elementwise_function_has_all_its_derivatives():
    assert hp(l, j) == h(a[l, j]).fdiff()
    assert hpp(l, j).order == 2
    assert elementwise("h", 1) is type(hp(l, j))
    assert specialise(hpp(l, j) * x[i], "h", sp.sin) == -sp.sin(a[l, j]) * x[i]
    assert specialise(hpp(l, j), "g", sp.sin) == hpp(l, j)


def test_a_formula_of_one_pattern_becomes_that_of_all():
    pattern = index("n'")
    gradient = S("n", N, lambda s: with_pattern(delta[l, j] * z[l - 1, i] * w[l, j, i], s, N))
    assert {str(t.base) for t in gradient.atoms(sp.Indexed) if t.base.rank} == {"delta", "z", "w"}
    batched = with_pattern(delta[l, j], pattern, N)
    assert batched.base.sizes(l) == (N, n[l])
    assert slots_of(batched) == (pattern, j)
    assert with_pattern(b[l, j], pattern, N) == b[l, j]


def test_letters_and_names():
    assert index("k'").name == "k'"
    assert len(index("i j k")) == 3
    assert isinstance(n, Width)
    assert n.rank == 0
    d = Diff(x[i], y[j])
    assert (d.op, d.operand) == (x[i], y[j])
    assert d.is_commutative
