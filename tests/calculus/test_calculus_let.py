"""Quantities that carry their definition: one letter, whose derivative and value follow from what it stands for."""

import pytest
import sympy as sp

from hesslib.calculus.derivation import Derivation, same
from hesslib.calculus.index import RangeError, S, Tensor, index
from hesslib.calculus.let import (
    Let,
    belongs_to_a_pattern,
    definition_of,
    fold,
    heads_of,
    lets_of,
    meaning,
    recursive,
    unfold_lets,
)
from hesslib.calculus.normal import equal

K = sp.Symbol("K", integer=True, positive=True)
i, j, k = index("i j k")
x, s, t = sp.symbols("x s t")
a = Tensor("a", shape=(K,), independent=True)
Z = Let(sp.Symbol("Z", positive=True), lambda: S("m", K, lambda m: sp.exp(a[m])))
y = Let(Tensor("y", shape=(K,)), lambda k: sp.exp(a[k]) / Z)


def test_softmax_has_its_derivative_without_a_rule():
    D = Derivation(a[j], {a: same(j)})
    expected = y[i] * (sp.KroneckerDelta(i, j) - y[j])
    assert equal(D(y[i]), unfold_lets(expected, y))
    assert not equal(D(y[i]), unfold_lets(-expected, y))
    assert D(y[i]).has(Z)


def test_a_defined_letter_cancels_like_a_letter():
    assert Z / Z == 1
    assert definition_of(Z) is not None
    assert definition_of(a) is definition_of(x) is None
    assert Let(sp.Symbol("Z", positive=True), lambda: x) != Z


def test_it_is_replaced_by_what_it_stands_for_once_or_until_none_is_left():
    inner = Let(sp.Symbol("u"), lambda: x + 1)
    outer = Let(sp.Symbol("v"), lambda: inner**2)
    assert unfold_lets(3 * outer) == 3 * (x + 1) ** 2
    assert unfold_lets(3 * outer, outer) == 3 * inner**2
    assert unfold_lets(3 * outer, inner) == 3 * outer
    assert heads_of(outer * inner + x) == {outer, inner}
    assert meaning(outer) == inner**2
    with pytest.raises(TypeError, match="x has no definition"):
        meaning(x)


def test_a_recurrence_leads_back_to_itself_and_is_left_as_it_is():
    z = Let(Tensor("z", layers=1, shape=lambda l: (K,)), lambda l, k: 2 * z[l - 1, k])
    layer = sp.Symbol("l", integer=True)
    assert recursive(z)
    assert not recursive(y)
    assert unfold_lets(z[layer, k]) == z[layer, k]
    assert unfold_lets(z[layer, k], z) == 2 * z[layer - 1, k]


def test_a_sum_is_folded_wherever_it_stands_and_under_its_own_letter():
    whole = S("p", K, lambda p: sp.exp(a[p]))
    assert fold(Z)(x * whole + 1) == x * Z + 1
    assert fold(Z)(S("p", K, lambda p: sp.exp(2 * a[p]))) != Z
    row = Let(Tensor("r", shape=(K,)), lambda i: 2 * S("p", K, lambda p: a[p] * a[i] * sp.exp(a[p])))
    moment = Let(Tensor("q", shape=(K,)), lambda i: 2 * S("p", K, lambda p: sp.exp(a[p] * a[i])))
    assert fold(moment)(S("p", K, lambda p: sp.exp(a[p] * a[j]))) == moment[j] / 2
    with pytest.raises(ValueError, match="is no single sum; unfold it instead"):
        fold(row)
    with pytest.raises(ValueError, match="is no single sum; unfold it instead"):
        fold(y)


def test_it_belongs_to_a_pattern_if_anything_does_that_it_is_made_of():
    z = Tensor("z", shape=(K,), pattern=True)
    mean = Let(sp.Symbol("m"), lambda: S("k", K, lambda k: z[k]) / K)
    assert belongs_to_a_pattern(Let(sp.Symbol("d"), lambda: mean + 1))
    assert not belongs_to_a_pattern(y)


REFUSED = {
    "a second definition": (lambda: Let(Z, lambda: x), TypeError, "a quantity has one only"),
    "a formula for a function": (lambda: Let(s, x + 1), TypeError, "is a function of its indices"),
    "an independent variable": (lambda: Let(a, lambda k: x), ValueError, "is declared independent"),
    "a formula with a name": (lambda: Let(x + 1, lambda: x), TypeError, "that of a tensor or a symbol"),
    "several, of which one has none": (
        lambda: lets_of([Z, x]),
        TypeError,
        "must hold quantities that have a definition",
    ),
}


@pytest.mark.parametrize(("what", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_definition_is_refused(what, kind, message):
    with pytest.raises(kind, match=message):
        what()


def test_a_definition_stays_as_it_is():
    with pytest.raises(AttributeError, match="define another quantity"):
        Let(s, lambda: x).definition = lambda: 2 * x
    with pytest.raises(RangeError, match="has no definition there"):
        meaning(Let(Tensor("z", layers=1, shape=lambda l: ()), lambda l: Tensor("b", layers=1, between=(1, 3))[l])[4])
