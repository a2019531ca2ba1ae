"""Random probes and the quadrature of Lanczos: decided for all sizes, and exact on small ones."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from hesslib.calculus.index import KroneckerDelta
from hesslib.calculus.steps import NotEqualError, Steps
from hesslib.derivations import random_probes as spectra
from hesslib.derivations.exact_network import evaluate

RULES = {1: {-1: Fraction(1, 2), 1: Fraction(1, 2)}, 4: {-2: Fraction(1, 8), 0: Fraction(3, 4), 2: Fraction(1, 8)}}
"""Distributions of variance 1 whose fourth moment is the key: random signs, and one with zeros."""
A = sp.Matrix([[2, -1, 3], [-1, 0, 5], [3, 5, -4]])


def mean_over(kappa: int, of) -> sp.Rational:
    """The exact mean over all probes with three entries."""
    total = Fraction(0)
    for entries in itertools.product(RULES[kappa].items(), repeat=3):
        mass = np.prod([weight for _, weight in entries])
        total += mass * of(sp.Matrix([value for value, _ in entries]))
    return sp.nsimplify(total)


def value_of(formula: Steps, kappa: int, **at: int) -> sp.Expr:
    """The formula at the matrix A."""
    letters = {getattr(spectra, name): number for name, number in at.items()}

    def value(x, _):
        if x == spectra.kappa:
            return sp.Integer(kappa)
        row, column = map(int, x.indices)
        return A[row - 1, column - 1]

    return evaluate(formula.result, value, lambda size: 3, letters)


@pytest.mark.parametrize("kappa", RULES)
def test_the_trace_estimator_has_the_mean_and_the_variance_of_all_its_probes(kappa):
    mean = mean_over(kappa, lambda v: (v.T * A * v)[0])
    variance = mean_over(kappa, lambda v: (v.T * A * v)[0] ** 2) - mean**2
    assert mean == value_of(spectra.trace_estimator(), kappa) == A.trace()
    assert variance == value_of(spectra.trace_variance(), kappa)
    if kappa == 1:
        assert variance == value_of(spectra.signs_variance(), kappa)
    else:
        assert variance != value_of(spectra.signs_variance(), kappa)


@pytest.mark.parametrize("kappa", RULES)
@pytest.mark.parametrize("entry", [1, 2, 3])
def test_the_diagonal_estimator_has_the_mean_and_the_variance_of_all_its_probes(kappa, entry):
    def each(v):
        return v[entry - 1] * (A * v)[entry - 1]

    mean = mean_over(kappa, each)
    assert mean == value_of(spectra.diagonal_estimator(), kappa, i=entry)
    assert mean_over(kappa, lambda v: each(v) ** 2) - mean**2 == value_of(spectra.diagonal_variance(), kappa, i=entry)


def test_the_fourth_moment_is_right_for_every_coincidence_of_four_indices():
    letters = (spectra.i, spectra.j, spectra.p, spectra.q)
    result, moment = spectra.fourth_moment().result, {0: 1, 1: 0, 2: 1, 3: 0, 4: spectra.kappa}
    for at in itertools.product((1, 2, 3, 4), repeat=4):
        expected = sp.prod([moment[at.count(entry)] for entry in (1, 2, 3, 4)])
        assert sp.expand(result.subs(dict(zip(letters, at, strict=True))) - expected) == 0


def test_a_fourth_moment_with_two_pairings_is_refused():
    I = KroneckerDelta
    p, q = spectra.p, spectra.q
    two = I(spectra.i, p) * I(spectra.j, q) + I(spectra.i, q) * I(spectra.j, p)
    with pytest.raises(NotEqualError):
        Steps(spectra.fourth_moment().result).then(two, "one pairing lost", using={})


def rational_lanczos(v: sp.Matrix, steps: int) -> sp.Matrix:
    """Lanczos without roots: vectors that are orthogonal, not of length one; the matrix is similar to T."""
    T = sp.zeros(steps, steps)
    vectors = [v]
    for step in range(steps):
        w = A4 * vectors[step]
        for number in range(max(step - 1, 0), step + 1):
            T[number, step] = (vectors[number].T * w)[0] / (vectors[number].T * vectors[number])[0]
            w = w - T[number, step] * vectors[number]
        if step + 1 < steps:
            T[step + 1, step] = 1
        vectors.append(w)
    return T


A4 = sp.Matrix([[2, -1, 3, 0], [-1, 1, 5, 1], [3, 5, -4, 2], [0, 1, 2, 3]])


def test_the_quadrature_is_exact_up_to_degree_2k_minus_1_and_not_beyond():
    v = sp.Matrix([1, 2, -1, 3])
    for steps in (1, 2, 3):
        T = rational_lanczos(v, steps)
        moments = [(v.T * A4**degree * v)[0] / (v.T * v)[0] for degree in range(2 * steps + 1)]
        found = [(T**degree)[0, 0] for degree in range(2 * steps + 1)]
        assert found[:-1] == moments[:-1]
        assert found[-1] != moments[-1]


def test_every_link_about_lanczos_is_decided():
    chains = (spectra.projection, spectra.ritz_residual, spectra.power_step, spectra.quadrature)
    assert [derive().established for derive in chains] == ["derived"] * 4


def test_the_projection_is_not_found_if_the_rest_is_not_orthogonal():
    chain = Steps(spectra.projection().lhs)
    with pytest.raises(NotEqualError):
        chain.then(
            spectra.projection().result,
            "no $Q^Tr=0$",
            using=lambda e: spectra.columns_are_orthonormal(spectra.lanczos(e)),
        )


def test_another_degree_of_the_quadrature_is_refused():
    d, d_, theta, tau = spectra.d, spectra.d_, spectra.theta, spectra.tau
    one_too_many = spectra.S("m", spectra.K, lambda m: tau[m] ** 2 * theta[m] ** (d + d_ + 2))
    with pytest.raises(NotEqualError):
        Steps(spectra.quadrature().result).then(one_too_many, "", using=spectra._apart)


def test_the_quadrature_of_a_trace_is_a_definition():
    assert spectra.quadrature_of_trace().established == "definition"
