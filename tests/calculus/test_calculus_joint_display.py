"""Several equations in one display, of either class; and what an equation of SymPy may be asked."""

import pytest
import sympy as sp

from hesslib.calculus import joint_display
from hesslib.calculus.equation import defined, proved
from hesslib.calculus.joint_display import Together
from hesslib.calculus.steps import Formula, NotEqualError
from hesslib.derivations import deep_hessian as second_order

x, t = sp.symbols("x t", positive=True)
f = sp.Function("f")


def test_equations_of_both_classes_stand_in_one_display_with_all_their_checks():
    both = Together(defined(sp.Symbol("y"), x), Formula(sp.Symbol("z"), t))
    assert both.latex() == "\\begin{aligned}\ny &= x \\\\\nz &= t\n\\end{aligned}"
    two = Together(proved(sp.Integral(x, (x, 0, t)), t**2 / 2), _sine())
    assert two.established == "derived"
    assert len(two.checks) == 2


def _sine():
    return proved(sp.Derivative(sp.sin(x), x), sp.cos(x))


def test_a_display_is_of_one_kind():
    with pytest.raises(ValueError, match="one kind"):
        Together(defined(sp.Symbol("y"), x), _sine())


def test_a_definition_with_a_bound_letter_is_inserted_once():
    series = sp.Sum(sp.exp(-x * sp.Symbol("m")), (sp.Symbol("m"), 1, sp.oo))
    assert proved(sp.Derivative(f(x), x) - sp.Derivative(series, x), 0, where={f(x): series}).established == "derived"


def test_an_equation_with_a_function_that_has_no_meaning_is_decided_by_its_form_alone():
    assert proved(sp.Derivative(x * f(x), x), f(x) + x * sp.Derivative(f(x), x)).established == "derived"
    with pytest.raises(NotEqualError):
        proved(sp.Derivative(x * f(x), x), f(x))


def test_erfc_is_one_minus_erf():
    assert proved(sp.erfc(x), 1 - sp.erf(x)).established == "derived"
    with pytest.raises(NotEqualError):
        proved(sp.erfc(x), sp.erf(x))


def test_formulas_shown_together_keep_their_records():
    signal, response = second_order.backpropagation(), second_order.forward_response()
    both = joint_display.Together(signal, response)
    assert both.latex()
    assert both.established == "derived"
    assert both.checks
