"""Equations of ordinary SymPy: what holds is accepted, what does not is refused."""

import pytest
import sympy as sp

from hesslib.agreement import Check
from hesslib.calculus.equation import approximation, assumed, defined, expansion, proved, solution, unequal
from hesslib.calculus.steps import NotEqualError

x, y, m = sp.symbols("x y m", positive=True)
s = sp.Symbol("s", real=True)
WRONG = {
    "a wrong coefficient": lambda: expansion(sp.exp(x), 1 + 2 * x, x, 2),
    "an order too high": lambda: expansion(sp.exp(x), 1 + x, x, 3),
    "a symbolic order too high": lambda: expansion(y + x**m, y, x, m + 1),
    "of a variable of either sign": lambda: expansion(sp.exp(s), 1 + 2 * s, s, 2),
    "on one side of zero only": lambda: expansion(sp.Abs(s), s, s, 2),
    "what does not solve it": lambda: solution(x, sp.Integer(2), x**2 - 2),
    "a slope with the other sign": lambda: proved(x * sp.Derivative(sp.exp(x), x), -x * sp.exp(x)),
}


@pytest.mark.parametrize("claim", WRONG.values(), ids=WRONG.keys())
def test_what_does_not_hold_is_refused(claim):
    with pytest.raises(NotEqualError, match="does not hold"):
        claim()


def test_a_condition_without_its_unknown_is_no_condition():
    with pytest.raises(ValueError, match="must hold the unknown"):
        solution(x, sp.Integer(2), y - 2)


@pytest.mark.parametrize(
    ("equation", "printed"),
    [
        (expansion(sp.exp(x), 1 + x, x, 2), r"e^{x} = 1 + x + O\left(x^{2}\right)"),
        (
            expansion(sp.cos(x) / x, 1 / x - x / 2, x, 3),
            r"\frac{\cos{\left(x \right)}}{x} = \frac{1}{x} - \frac{x}{2} + O\left(x^{3}\right)",
        ),
        (expansion(sp.exp(x + y), sp.exp(y), x, 1), r"e^{x + y} = e^{y} + O\left(x\right)"),
    ],
)
def test_a_series_is_printed_by_ascending_powers(equation, printed):
    assert equation.latex() == printed


def test_a_definition_an_assumption_and_an_approximation_say_what_they_are():
    kinds = [defined(x, y), assumed(x, y), approximation(x, y, checks=(Check("x = 0", 0, 0),))]
    assert [e.established for e in kinds] == ["definition", "assumption", "approximation"]
    assert [e.relation for e in kinds] == ["=", "=", r"\simeq"]
    assert [e.result for e in kinds] == [y] * 3
    with pytest.raises(ValueError, match="must show how nearly it holds"):
        approximation(x, y, checks=())


def test_names_are_inserted_on_both_sides_and_recorded():
    f, g = sp.Function("f"), sp.Symbol("g")
    found = proved(sp.Derivative(f(x), x), 2 * g, where={f(x): x**2, g: x})
    assert found.established == "derived"
    assert any("f" in line for line in found.uses)
    with pytest.raises(NotEqualError, match="left minus right is"):
        proved(sp.Derivative(f(x), x), 2 * g, where={f(x): x**2, g: -x})


def test_two_sides_differ_at_a_point_that_the_letters_may_have():
    assert unequal((x + 1) ** 2, x**2 + 1, {x: 1}, why="no mixed term").relation == r"\neq"
    for at, message in (({x: -1}, "is not known to be positive"), ({x: 2}, "give a point where they differ")):
        with pytest.raises(ValueError, match=message):
            unequal(x**2, 2 * x, at, why="a square")
    with pytest.raises(ValueError, match="give a point where both sides have a value"):
        unequal(1 / (x - 1), x, {x: 1}, why="a pole")


def test_a_solution_of_what_holds_anyway_and_text_are_refused():
    with pytest.raises(ValueError, match="it is zero whatever x is"):
        solution(x, sp.Integer(2), x - x * 1 + (x + 1) ** 2 - x**2 - 2 * x - 1)
    with pytest.raises(TypeError, match="never text"):
        defined("x", y)
    with pytest.raises(ValueError, match="it must be one of simplify"):
        proved(x, y, by="magic")
