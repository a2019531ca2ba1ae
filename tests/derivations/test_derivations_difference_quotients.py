"""Difference quotients, the best step and the deferred limit: what they state holds, and no more than that."""

import pytest
import sympy as sp

from hesslib.calculus.equation import expansion, proved, solution
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import difference_quotients as dq
from hesslib.derivations import richardson, step_size

REAL = [q for q in dq.QUOTIENTS if q is not dq.complex_step]
EQUATIONS = [
    *(pytest.param(lambda q=q: dq.expanded(q), id=str(q.formula)) for q in dq.QUOTIENTS),
    step_size.slope,
    step_size.best_step,
    step_size.best_error,
    richardson.term,
    richardson.to_the_parent,
]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_the_equation_is_derived_and_typesets(equation):
    e = equation()
    assert e.established == "derived"
    assert all(check.passed for check in e.checks)
    assert e.latex()


@pytest.mark.parametrize("quotient", dq.QUOTIENTS, ids=lambda q: str(q.formula))
def test_the_expansion_holds_for_a_polynomial(quotient):
    assert dq.on_a_polynomial(quotient).passed


@pytest.mark.parametrize("quotient", REAL, ids=lambda q: str(q.formula))
def test_as_many_derivatives_are_needed_as_are_stated_and_no_fewer(quotient):
    order = dq.expanded(quotient).order.as_base_exp()[1]
    needed = quotient.derivatives_needed()

    def exponent(power):
        """The power of the step in the quotient of a truncated power, all of whose lower derivatives vanish at 0."""
        value = quotient.of_function(lambda *at: sp.Max(sum(at), 0) ** power)
        return sp.simplify(sp.diff(sp.log(sp.powsimp(value)), dq.eps) * dq.eps)

    half = sp.Rational(1, 2)
    assert exponent(needed - half) < order <= exponent(needed + half)


def test_a_wrong_variant_does_not_begin_with_the_derivative():
    assert dq.wrong_denominator.series()[0] != dq.central.series()[0]
    assert min(dq.wrong_sign.series()) < 0 == min(dq.mixed.series())


def test_the_next_column_keeps_the_limit_and_removes_one_power():
    assert all(check.passed for check in richardson.limit_is_kept())
    weights, sums = richardson.absolute_weights(sp.Integer(3), 4)
    assert sum(weights) == 1
    assert sums[-1] == sum(map(abs, weights))


x, y, m = sp.symbols("x y m", positive=True)
WRONG = {
    "a wrong coefficient": lambda: expansion(sp.exp(x), 1 + 2 * x, x, 2),
    "an order too high": lambda: expansion(sp.exp(x), 1 + x, x, 3),
    "a symbolic order too high": lambda: expansion(y + x**m, y, x, m + 1),
    "what does not solve it": lambda: solution(x, sp.Integer(2), x**2 - 2),
    "a wrong best step": lambda: solution(
        step_size.star,
        (step_size.q * step_size.C) ** (1 / (step_size.p + step_size.q)),
        step_size.slope().rhs.subs(step_size.eps, step_size.star),
    ),
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


def test_the_next_column_removes_its_power_and_keeps_the_limit():
    limit, power = sp.symbols("limit power")
    finer = limit + power * (richardson.eps / richardson.rho) ** (2 * richardson.m)
    coarser = limit + power * richardson.eps ** (2 * richardson.m)
    column = richardson.next_column().rhs
    assert sp.simplify(column.subs({richardson.finer: finer, richardson.coarser: coarser}) - limit) == 0


def test_a_quotient_of_a_square_is_what_one_computes_by_hand():
    x = sp.Symbol("x")
    one_sided = dq.Quotient((dq.E_p - dq.E_0) / dq.eps, {dq.E_p: (dq.eps,), dq.E_0: (0,)})
    assert one_sided.of_function(lambda step: (x + step) ** 2) == 2 * x + dq.eps
