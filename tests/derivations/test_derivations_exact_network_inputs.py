"""Explicit networks whose inputs are varied: exact derivatives up to the third, against polynomials."""

import pytest
import sympy as sp

from hesslib.calculus.index import Diff
from hesslib.derivations.exact_network_inputs import RING, InputInstance
from hesslib.derivations.input_derivatives import da, dda, ddz, dG, dz, x
from hesslib.derivations.network import G, a, h, w, z

NETWORK = InputInstance((2, 2, 1), seed=2)
STEP = sp.Symbol("step")


def interpolated(entry, quantity, degree):
    """A quantity as a polynomial in what is added to an entry, without a derivative."""
    found = [(c, NETWORK.run({entry: RING(c)})[0][quantity].coeff(1)) for c in range(degree + 1)]
    return sp.interpolate([(c, sp.Rational(int(v.numerator), int(v.denominator))) for c, v in found], STEP)


@pytest.mark.parametrize("source", [1, 2])
def test_derivatives_by_an_input_are_those_of_the_polynomial_that_the_output_is(source):
    output = interpolated(x[source], a[2, 1], 4)
    once, twice = (sp.diff(output, STEP, order).subs(STEP, 0) for order in (1, 2))
    assert NETWORK.number(da[2, 1, source], {}) == once
    assert NETWORK.number(dda[2, 1, source, source], {}) == twice
    hidden = interpolated(x[source], z[1, 2], 4)
    assert NETWORK.number(dz[1, 2, source], {}) == sp.diff(hidden, STEP).subs(STEP, 0)
    assert NETWORK.number(ddz[1, 2, source, source], {}) == sp.diff(hidden, STEP, 2).subs(STEP, 0)


def test_a_third_derivative_by_two_inputs_and_a_weight_does_not_depend_on_the_order():
    first, second, weight = x[1], x[2], w[1, 1, 2]
    orders = [Diff(first, Diff(second, Diff(weight, a[2, 1]))), Diff(weight, dda[2, 1, 1, 2])]
    one, other = (NETWORK.number(order, {}) for order in orders)
    assert one == other != 0


def test_the_response_changes_with_an_input_as_its_definition_says():
    assert NETWORK.number(dG[2, 1, 1, 2, 1] - Diff(x[1], Diff(a[1, 2], a[2, 1])), {}) == 0
    assert NETWORK.number(G[2, 1, 1, 2] - Diff(a[1, 2], a[2, 1]), {}) == 0


def test_the_slope_of_the_activation_is_its_derivative():
    assert NETWORK.number(h(a[1, 1]).fdiff() - Diff(a[1, 1], z[1, 1]), {}) == 0


def test_an_input_moves_with_itself_alone():
    assert [NETWORK.number(dz[0, 1, source], {}) for source in (1, 2)] == [1, 0]
