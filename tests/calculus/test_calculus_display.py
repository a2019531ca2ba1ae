"""Every equation knows the function it comes from."""

import copy

import pytest
import sympy as sp

from hesslib.calculus.equation import defined
from hesslib.calculus.joint_display import Together
from hesslib.calculus.steps import Formula
from hesslib.derivations import backpropagation, modes, richardson

SIGNAL = "hesslib.derivations.backpropagation.signal"


@pytest.mark.parametrize(
    ("made", "program"),
    [
        (backpropagation.signal, SIGNAL),
        (lambda: backpropagation.signal().formula(), SIGNAL),
        (lambda: copy.copy(backpropagation.signal()), SIGNAL),
        (lambda: modes.definition(modes.J), "hesslib.derivations.modes.definition"),
        (richardson.term, "hesslib.derivations.richardson.term"),
        (lambda: Formula(sp.Symbol("y"), sp.Symbol("x")), ""),
        (lambda: defined(sp.Symbol("y"), sp.Symbol("x")), ""),
    ],
    ids=["chain", "its last line", "a copy", "definition", "equation of SymPy", "by hand", "by hand, SymPy"],
)
def test_an_equation_names_the_function_that_a_chapter_called(made, program):
    assert made().program == program


def test_several_together_name_each_function_once():
    both = Together(backpropagation.weight_gradient(), backpropagation.bias_gradient(), backpropagation.bias_gradient())
    assert both.program == ", ".join(
        f"hesslib.derivations.backpropagation.{name}" for name in ("weight_gradient", "bias_gradient")
    )
