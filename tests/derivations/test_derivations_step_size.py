"""The step at which a difference quotient is best."""

import pytest
import sympy as sp
from derived_chains import require_derived

from hesslib.calculus.equation import solution
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import step_size

EQUATIONS = [step_size.slope, step_size.best_step, step_size.best_error]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_the_equation_is_derived_and_typesets(equation):
    require_derived(equation())


def test_a_wrong_best_step_is_refused():
    vanishing = step_size.slope().rhs.subs(step_size.eps, step_size.star)
    with pytest.raises(NotEqualError, match="does not hold"):
        solution(step_size.star, (step_size.q * step_size.C) ** (1 / (step_size.p + step_size.q)), vanishing)


@pytest.mark.parametrize(("p", "q"), [(1, 1), (1, 2), (2, 2)])
def test_at_the_best_step_the_total_error_is_least_and_what_is_stated(p, q):
    numbers = {step_size.C: 3, step_size.R: 2, step_size.u: sp.Rational(1, 10**6), step_size.p: p, step_size.q: q}
    total, best = step_size.total_error().rhs.subs(numbers), step_size.best_step().rhs.subs(numbers).evalf(30)
    around = [total.subs(step_size.eps, best * factor).evalf(30) for factor in (0.99, 1, 1.01)]
    assert around[1] == min(around)
    stated = step_size.best_error().rhs.subs(numbers).subs(step_size.star, best)
    assert abs(stated / around[1] - 1) < 1e-20


def test_the_total_error_is_an_assumption():
    assert step_size.total_error().established == "assumption"
