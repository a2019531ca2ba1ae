"""Explicit networks in exact arithmetic: known values, derivatives, and what has no value."""

import pytest
import sympy as sp

from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor
from hesslib.derivations.exact_network import RING, Instance, evaluate
from hesslib.derivations.network import E, L, M, R, a, b, delta, h, j, l, n, w, z

NETWORK = Instance((2, 2, 2, 2), seed=3)
STEP = sp.Symbol("step")


def interpolated(instance, entry, degree):
    """The error as a polynomial in what is added to one entry: interpolated, so that nothing is differentiated."""
    found = [(c, instance.run({entry: RING(c)})[1].coeff(1)) for c in range(degree + 1)]
    return sp.interpolate([(c, sp.Rational(int(e.numerator), int(e.denominator))) for c, e in found], STEP)


@pytest.mark.parametrize("entry", [w[1, 2, 1], b[1, 1], a[1, 2]])
def test_a_derivative_is_that_of_the_polynomial_that_the_error_is(entry):
    instance = Instance((2, 2, 1), seed=4)
    error = interpolated(instance, entry, 12)  # a cubic loss of a polynomial of degree four
    for order, derivative in ((1, Diff(entry, E)), (2, Diff(entry, Diff(entry, E)))):
        assert instance.number(derivative, {}) == sp.diff(error, STEP, order).subs(STEP, 0)


def test_a_sum_runs_over_all_integers_from_one_and_a_kronecker_delta_over_equal_ones():
    x = Tensor("x", shape=(3,))
    squares = {1: 1, 2: 4, 3: 9}

    def value(e, _):
        return sp.Integer(squares[int(e.indices[0])])

    assert evaluate(S("j", 3, lambda j: x[j]), value, int, {}) == 14
    assert evaluate(S("j", 3, lambda i: x[i] * KroneckerDelta(i, j)), value, int, {j: 2}) == 4


def test_sizes_and_the_last_layer_are_those_of_the_instance():
    instance = Instance((4, 3, 2))
    assert [instance.size(n[y]) for y in (0, 1, L)] == [4, 3, 2]
    assert instance.number(delta[L, 1] - Diff(a[2, 1], E), {}) == 0
    assert instance.number(M[1, 2] - M[2, 1], {}) == 0


def test_the_slopes_of_the_activation_are_its_derivatives():
    instance, a_, z_ = Instance((2, 2, 1), seed=1), a[1, 2], z[1, 2]
    assert instance.number(h(a_) - z_, {}) == 0
    assert instance.number(h(a_).fdiff() - Diff(a_, z_), {}) == 0
    assert instance.number(h(a_).fdiff().fdiff() - Diff(a_, Diff(a_, z_)), {}) == 0


def test_along_the_direction_a_parameter_moves_by_its_own_part():
    along = dict(zip(NETWORK.parameters, NETWORK.direction.values(), strict=True))
    assert all(NETWORK.number(Diff(R.op, parameter), {}) == value for parameter, value in along.items())
    assert NETWORK.number(Diff(w[1, 1, 1], w[1, 1, 1]), {}) == 1
    assert NETWORK.number(Diff(w[1, 1, 1], w[1, 1, 2]), {}) == 0


def test_a_comparison_records_the_greatest_difference():
    one, other = z[l, j], z[l, j] + KroneckerDelta(j, 2)
    check = NETWORK.agree(one, other, [{l: 1, j: 1}, {l: 1, j: 2}])
    assert (check.passed, check.agreement) == (False, 1.0)
    assert check.oracle == "exact instance 2-2-2-2, 2 entries"


def test_an_instance_says_what_it_has_no_value_for():
    with pytest.raises(KeyError, match="has no value for"):
        NETWORK.number(Tensor("q", shape=(n[l],))[j], {l: 1, j: 1})
    with pytest.raises(ValueError, match="first and second derivatives"):
        NETWORK.number(Diff(a[l, j], Diff(a[l, j], Diff(a[l, j], E))), {l: 1, j: 1})
    with pytest.raises(ValueError, match="no index values"):
        NETWORK.agree(E, E, [])
