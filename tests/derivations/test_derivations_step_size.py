"""The step at which a difference quotient is best."""

import pytest

from hesslib.calculus.equation import solution
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import step_size

EQUATIONS = [step_size.slope, step_size.best_step, step_size.best_error]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_the_equation_is_derived_and_typesets(equation):
    e = equation()
    assert e.established == "derived"
    assert all(check.passed for check in e.checks)
    assert e.latex()


def test_a_wrong_best_step_is_refused():
    vanishing = step_size.slope().rhs.subs(step_size.eps, step_size.star)
    with pytest.raises(NotEqualError, match="does not hold"):
        solution(step_size.star, (step_size.q * step_size.C) ** (1 / (step_size.p + step_size.q)), vanishing)
