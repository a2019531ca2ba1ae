"""The value of a formula in a world of numbers: sums added up by hand, and derivatives as difference quotients."""

import pytest
import sympy as sp

from hesslib.calculus.evaluation import World, condition, definition_of, integer
from hesslib.calculus.index import Diff, KroneckerDelta, Operator, S, Tensor, Width, index
from hesslib.calculus.indicators import Holds
from hesslib.calculus.let import Let
from hesslib.calculus.prime_field import NoValueError, Residues, UndecidableError

N = sp.Symbol("N", integer=True, positive=True)
i, j = index("i j")
x, A = Tensor("x", shape=(N,)), Tensor("A", shape=(N, N))
H = Tensor("H", shape=(N, N), symmetric=True)
s, t = sp.symbols("s t")
WORLD = World(Residues("seed"), {N: 3, i: 2, j: 3}, "world")
P = WORLD.numbers.p


@pytest.mark.parametrize(
    ("e", "value"),
    [
        (S("k", N, lambda k: k**2), 14),
        (S("k", N, lambda k: S("q", k, lambda q: q)), 1 + 3 + 6),
        (S("k", N - 3, lambda k: x[k]), 0),
        (S("k", N, lambda k: KroneckerDelta(k, i) * k), 2),
        (S("k", N, lambda k: Holds(k - i)), 2),
        (sp.Rational(1, 3) * N, 1),
        (i - j, P - 1),
    ],
)
def test_a_formula_in_whole_numbers_has_the_value_that_one_counts(e, value):
    assert WORLD.value(e) == value


def test_a_sum_of_quantities_is_the_sum_of_its_entries():
    entries = [WORLD.value(x[k]) for k in (1, 2, 3)]
    assert len(set(entries)) == 3
    assert WORLD.value(S("k", N, lambda k: x[k])) == sum(entries) % P
    assert WORLD.value(x[i]) == entries[1]
    assert WORLD.value(x[1] * x[2] / x[3]) * entries[2] % P == entries[0] * entries[1] % P


def test_entries_are_those_of_the_slots_and_of_a_symmetric_tensor_in_either_order():
    assert WORLD.value(H[1, 3]) == WORLD.value(H[3, 1])
    assert WORLD.value(A[1, 3]) != WORLD.value(A[3, 1])
    for outside in (x[4], x[0]):
        with pytest.raises(NoValueError, match="x has no entry"):
            WORLD.value(outside)
    assert WORLD.value(KroneckerDelta(i, j) * x[i + 2]) == 0  # the condition comes first


def test_a_named_derivative_is_linear_and_that_of_a_number_is_zero():
    D = Operator("R")
    parts = WORLD.value(Diff(D, s)) + 2 * WORLD.value(Diff(D, t))
    assert WORLD.value(Diff(D, s + 2 * t)) == parts % P
    assert WORLD.value(Diff(D, sp.Integer(7))) == 0
    assert WORLD.value(Diff(D, s * t)) != WORLD.value(s * Diff(D, t))


def test_an_entry_varies_with_itself_and_with_no_other_one_and_partial_derivatives_commute():
    assert [WORLD.value(Diff(x[k], x[2])) for k in (1, 2, 3)] == [0, 1, 0]
    assert WORLD.value(Diff(x[1], Diff(x[2], s))) == WORLD.value(Diff(x[2], Diff(x[1], s)))
    assert WORLD.value(Diff(x[1], Diff(t, s))) != WORLD.value(Diff(t, Diff(x[1], s)))
    with pytest.raises(UndecidableError, match="derivative of a symmetric tensor"):
        WORLD.value(Diff(H[1, 2], H[1, 2]))


def test_a_defined_quantity_has_the_value_of_its_definition():
    y = Let(Tensor("y", shape=(N,)), lambda k: x[k] ** 2 + k)
    assert WORLD.value(y[2]) == (WORLD.value(x[2]) ** 2 + 2) % P
    assert definition_of(x[1]) is None


def test_widths_are_between_one_and_four_and_the_same_whenever_they_are_asked_for():
    n = Width("n", layers=1)
    widths = [WORLD.width(n, (layer,)) for layer in range(20)]
    assert set(widths) == {1, 2, 3, 4}
    assert widths == [WORLD.value(n[layer]) for layer in range(20)]
    assert World(Residues("seed"), {}, "alike", widths=2).width(n, (5,)) == 2


def test_sizes_and_conditions_are_evaluated_in_whole_numbers():
    assert integer(2 * N + sp.Max(i, j) ** 2)(WORLD, WORLD.integers) == 15
    assert condition(Holds(i - j))(WORLD, WORLD.integers) is False
    with pytest.raises(UndecidableError, match="as a size or an index"):
        integer(N / 2)


def test_a_world_too_large_to_add_up_is_left_out():
    with pytest.raises(OverflowError):
        World(Residues("seed"), {N: 200}, "large").value(S("k", N, lambda k: S("q", N, lambda q: A[k, q])))
