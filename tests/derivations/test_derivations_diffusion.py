"""The aquifer in closed form: every equation is decided, and a wrong sign, factor or boundary value is refused."""

import pytest
import sympy as sp

from hesslib.calculus.equation import Equation, proved
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import diffusion
from hesslib.derivations.diffusion import P, along, half, pressure, profile, strip, t, x

DERIVED = [
    diffusion.similarity,
    diffusion.profile_meets,
    diffusion.pressure_meets,
    diffusion.mirrored,
    diffusion.corner,
    diffusion.strip_meets,
    diffusion.sigmoid,
    lambda: (
        diffusion.without_itself(),
        pressure(),
        diffusion.stored(),
        diffusion.square_of_rate(),
        diffusion.in_other_units(),
    ),
    lambda: diffusion.steady(1),
    lambda: diffusion.steady(-1),
]


@pytest.mark.parametrize("group", DERIVED)
def test_every_equation_of_the_aquifer_is_decided(group):
    for equation in group():
        assert isinstance(equation, Equation)
        assert equation.established == "derived"
        assert all(equation.checks)


def test_the_problem_is_assumed_and_the_series_of_the_strip_a_definition():
    assert {equation.established for equation in diffusion.problem()} == {"assumption"}
    assert strip().established == "definition"


WRONG = {
    "the other sign of the pressure": (P, -pressure().rhs, {P: sp.sqrt(t) * profile().subs(diffusion.eta, along)}),
    "water put in, not taken out": (diffusion.stored().lhs, t / 2, {P: pressure().rhs}),
    "the wrong slope at the wall": (sp.Subs(sp.Derivative(P, x), x, 0), -half, {P: pressure().rhs}),
    "flow through the wall of the strip": (sp.Subs(sp.Derivative(P, x), x, 1), half, {P: strip().rhs}),
    "water flows without bound": (sp.Derivative(P, x), 1 / sp.sqrt(t), {P: pressure().rhs}),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_hold_in_the_aquifer_is_refused(name):
    left, right, meaning = WRONG[name]
    with pytest.raises(NotEqualError):
        proved(left, right, where=meaning)
