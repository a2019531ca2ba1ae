"""Architectures in exact arithmetic: derivatives that one knows, and what an instance cannot have."""

import pytest
import sympy as sp

from hesslib.calculus.architecture import Architecture
from hesslib.calculus.exact_instance import ExactInstance, NoRootError, P
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, Width, elementwise, index
from hesslib.calculus.indicators import Holds
from hesslib.calculus.steps import Formula

N = sp.Symbol("N", integer=True, positive=True)
i, j = index("i j")
h = elementwise("h")
E = sp.Symbol("E")
x, y, A = Tensor("x", shape=(N,), independent=True), Tensor("y", shape=(N,)), Tensor("A", shape=(N, N))
NET = Architecture(
    {
        y: lambda i: h(S("j", N, lambda j: A[i, j] * x[j])),
        E: lambda: S("i", N, lambda i: y[i] ** 3),
    }
)
NETWORK = ExactInstance(NET, {N: 3})


def zero(e, **at):
    return NETWORK.number(e, {sp.Symbol(name, integer=True): value for name, value in at.items()}) == 0


def test_first_and_second_derivatives_are_those_that_one_writes_down():
    inside = S("k", N, lambda k: A[i, k] * x[k])
    slope, bend = h(inside).fdiff(), h(inside).fdiff().fdiff()
    for place in (1, 2, 3):
        assert zero(Diff(y[i], E) - 3 * y[i] ** 2, i=place)
        assert zero(Diff(x[j], y[i]) - slope * A[i, j], i=place, j=2)
        assert zero(Diff(x[j], Diff(x[1], y[i])) - bend * A[i, j] * A[i, 1], i=place, j=3)
        assert not zero(Diff(x[j], y[i]) - slope * A[j, i], i=place, j=1 + place % 3)
    assert zero(Diff(y[1], Diff(y[2], E)))
    assert zero(Diff(y[1], Diff(y[1], E)) - 6 * y[1])


def test_numbers_sums_and_conditions_are_counted():
    assert NETWORK.number(S("k", N, lambda k: k * Holds(k - 2) + KroneckerDelta(k, i)), {i: 1}) == 2 + 3 + 1
    assert NETWORK.number(sp.Rational(1, 2), {}) * 2 % P == 1
    n = Width("n", layers=1)
    layered = ExactInstance(Architecture({E: lambda: sp.Integer(0)}), {n: {1: 4, 2: 5}})
    assert layered.number(n[1] * n[2], {}) == 20


def test_a_square_root_is_one_or_the_number_has_none():
    y, root = sp.Symbol("y"), sp.sqrt(x[1])
    found = {}
    for seed in range(20):
        instance = ExactInstance(Architecture({y: lambda: root}), {N: 1}, seed=seed)
        try:
            found[seed] = [instance.number(e, {}) for e in (y * y - x[1], 2 * y * Diff(x[1], y) - 1)]
        except NoRootError:
            found[seed] = None
    assert {tuple(values) if values else None for values in found.values()} == {(0, 0), None}


def test_a_quantity_may_be_named_and_is_then_what_it_is_said_to_be():
    J = Tensor("J", shape=(N, N))
    named = ExactInstance(NET, {N: 2}, named={J: lambda i, j: Diff(x[j], y[i])})
    assert named.number(J[1, 2] - Diff(x[2], y[1]), {}) == 0
    assert named.number(J[1, 2] - J[2, 1], {}) != 0


def test_a_formula_is_compared_at_places_and_a_third_derivative_is_refused():
    places = [{i: place} for place in (1, 2, 3)]
    assert NETWORK.verify(Formula(Diff(y[i], E), 3 * y[i] ** 2), places).passed
    wrong = NETWORK.verify(Formula(Diff(y[i], E), 2 * y[i] ** 2), places)
    assert (wrong.passed, wrong.agreement) == (False, 3)
    with pytest.raises(ValueError, match="no index values"):
        NETWORK.verify(Formula(E, x[1]), [])
    with pytest.raises(ValueError, match="first and second derivatives"):
        NETWORK.number(Diff(x[1], Diff(x[1], Diff(x[1], E))), {})
    with pytest.raises(ValueError, match="whole and half powers"):
        NETWORK.number(sp.cbrt(x[1]), {})
    with pytest.raises(KeyError):
        ExactInstance(NET, {}).number(Width("n", layers=1)[1], {})
