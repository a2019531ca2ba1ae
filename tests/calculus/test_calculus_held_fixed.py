"""What is held fixed in one place may not vary in another, and a name has one meaning."""

import pytest
import sympy as sp

from hesslib.calculus.held_fixed import ContradictionError, require_consistent, require_one_meaning
from hesslib.calculus.index import Diff, S, Tensor, index
from hesslib.calculus.provenance import Ground

N = sp.Symbol("N", integer=True, positive=True)
i, j = index("i j")
x, y, m, c = sp.symbols("x y m c")
v, u = Tensor("v", shape=(N,)), Tensor("u", shape=(N,))
BY_X = Diff(x, sp.Symbol("_"))
FIXED = Ground("held fixed", m, BY_X)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (Ground("varied", m, BY_X, about=(m, sp.S.One)), "m varies in another link"),
        (Ground("definition", m, x**2), "it depends on it"),
        (Ground("result", m, 3 * x), "it depends on it"),
    ],
)
def test_what_is_held_fixed_must_not_vary(other, why):
    with pytest.raises(ContradictionError, match=why):
        require_consistent([FIXED, other])
    with pytest.raises(ContradictionError, match=why):
        require_consistent([other, FIXED])


@pytest.mark.parametrize(
    "other",
    [
        Ground("varied", m, Diff(y, sp.Symbol("_")), about=(m, sp.S.One)),
        Ground("definition", m, y**2),
        Ground("definition", c, x**2),
        Ground("fact", m, x**2),
    ],
)
def test_what_varies_with_something_else_may_be_held_fixed(other):
    require_consistent([FIXED, other])


def test_what_depends_on_something_that_varies_is_not_fixed():
    moves = Ground("varied", y, BY_X, about=(y, sp.S.One))
    with pytest.raises(ContradictionError, match="it depends on it"):
        require_consistent([FIXED, moves, Ground("definition", m, y + 1)])


def test_a_derivative_with_a_name_of_its_own_holds_fixed_what_it_likes():
    require_consistent([Ground("held fixed", m, Diff(x, sp.Symbol("_"), "m")), Ground("definition", m, x**2)])


def test_a_name_has_one_meaning_in_whatever_letters_and_arrangement():
    first = Ground("definition", v[i], 2 * u[i] + 2 * c)
    require_one_meaning([first, Ground("definition", v[j], 2 * (u[j] + c))])
    with pytest.raises(ContradictionError, match="contradict each other"):
        require_one_meaning([first, Ground("definition", v[j], 2 * u[j] + 3 * c)])


def test_a_formula_is_one_number():
    total = S("k", N, lambda k: v[k])
    require_one_meaning([Ground("fact", total, sp.S.One), Ground("fact", S("i", N, lambda i: v[i]), sp.S.One)])
    with pytest.raises(ContradictionError, match="contradict each other"):
        require_one_meaning([Ground("fact", total, sp.S.One), Ground("fact", total, sp.S.Zero)])


def test_one_derivative_has_one_value():
    one = Ground("varied", m, BY_X, about=(Diff(x, m), c))
    require_consistent([one, Ground("varied", m, BY_X, about=(Diff(x, m), c * 1))])
    with pytest.raises(ContradictionError, match="varies m in two ways"):
        require_consistent([one, Ground("varied", m, BY_X, about=(Diff(x, m), 2 * c))])
