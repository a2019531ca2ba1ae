"""Linear networks: the specialised formulas are derived, and their usual misprints refused."""

import pytest
import sympy as sp

from hesslib.calculus.index import RangeError, S
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import linear_networks as linear
from hesslib.derivations.network import L, delta, hp, j, k, l, n, w

CHAINS = [linear.signal, linear.signal_two_below, linear.collapse, linear.smallest_hessian]


@pytest.mark.parametrize("derivation", CHAINS)
def test_it_is_derived_and_typesets(derivation):
    formula = derivation()
    assert formula.established == "derived"
    assert formula.checks
    assert formula.latex()


@pytest.mark.parametrize("derivation", [linear.signal, linear.signal_two_below, linear.collapse])
def test_the_record_says_that_the_network_is_linear(derivation):
    assert any("assuming" in line and r"= \lay{a}{l}_{j}" in line for line in derivation().uses)


MISPRINTS = {
    "the slope is kept": (linear.signal, lambda: hp(l, j) * linear.one_matrix_below()),
    "the transpose is lost": (linear.signal, lambda: S("k", n[l + 1], lambda k: w[l + 1, j, k] * delta[l + 1, k])),
    "one matrix is lost": (linear.signal_two_below, lambda: S("k", n[L - 1], lambda k: w[L - 1, k, j] * delta[L, k])),
    "a bias is lost": (linear.collapse, lambda: linear.collapse().result - linear.b[l + 1, k]),
}


@pytest.mark.parametrize(("derivation", "misprint"), MISPRINTS.values(), ids=MISPRINTS.keys())
def test_a_misprint_is_refused(derivation, misprint):
    with pytest.raises((NotEqualError, RangeError)):
        derivation().stated(misprint())


def test_the_smallest_network_has_a_saddle_at_the_origin_and_a_valley_along_the_hyperbola():
    u, v = linear.u, linear.v
    assert sorted(linear.hessian.subs({u: 0, v: 0}).eigenvals()) == [-1, 1]
    assert sp.simplify(linear.hessian.det().subs(v, 1 / u)) == 0
    assert [sp.diff(linear.error, x).subs(v, 1 / u) for x in (u, v)] == [0, 0]


def test_the_smallest_network_has_the_error_whose_hessian_is_stated():
    at = {linear.u: 2, linear.v: sp.Rational(1, 3)}
    assert linear.smallest_error().rhs.subs(at) == sp.Rational(1, 18)
    assert sp.hessian(linear.smallest_error().rhs, (linear.u, linear.v)) == linear.hessian
