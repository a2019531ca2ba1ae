"""Difference quotients: what they state holds, and no more than that."""

import pytest
import sympy as sp
from derived_chains import require_derived

from hesslib.derivations import difference_quotients as dq

REAL = [q for q in dq.QUOTIENTS if q is not dq.complex_step]
EQUATIONS = [
    *(pytest.param(lambda q=q: dq.expanded(q), id=str(q.formula)) for q in dq.QUOTIENTS),
]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_the_equation_is_derived_and_typesets(equation):
    require_derived(equation())


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


def test_a_quotient_of_a_square_is_what_one_computes_by_hand():
    x = sp.Symbol("x")
    one_sided = dq.Quotient((dq.E_p - dq.E_0) / dq.eps, {dq.E_p: (dq.eps,), dq.E_0: (0,)})
    assert one_sided.of_function(lambda step: (x + step) ** 2) == 2 * x + dq.eps
