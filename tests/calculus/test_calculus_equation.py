"""Equations of ordinary SymPy: what holds is accepted, what does not is refused."""

import pytest
import sympy as sp

from hesslib.calculus.equation import expansion, proved, solution
from hesslib.calculus.steps import NotEqualError

x, y, m = sp.symbols("x y m", positive=True)
WRONG = {
    "a wrong coefficient": lambda: expansion(sp.exp(x), 1 + 2 * x, x, 2),
    "an order too high": lambda: expansion(sp.exp(x), 1 + x, x, 3),
    "a symbolic order too high": lambda: expansion(y + x**m, y, x, m + 1),
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
