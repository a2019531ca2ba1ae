"""Normalisation to second order, in rows and in batches, and weights whose scale has no effect."""

import numpy as np
import pytest

from hesslib.calculus.architecture import Architecture
from hesslib.calculus.exact_instance import ExactInstance, NoRootError
from hesslib.calculus.index import Diff, KroneckerDelta, RangeError, S
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import normalisation as of
from hesslib.derivations.normalisation import K, N, P, eps, eta, gamma, i, j, j_, lam, m, mu, n, r, s, v, w0, x, xhat

ONE = [
    of.mean,
    of.variance,
    of.scale,
    of.jacobian,
    of.signal,
    of.bending,
    of.radial,
    of.shifted,
    of.batch,
    of.evaluation,
    of.invariant_gradient,
    of.null_direction,
    of.step_with_decay,
]


@pytest.mark.parametrize("derivation", ONE)
def test_it_is_derived_and_typesets(derivation):
    assert derivation().established == "derived"
    assert derivation().latex()


def test_the_sums_of_normalised_numbers_are_derived_and_the_rest_is_defined():
    assert {chain.established for chain in of.sums()} == {"derived"}
    assert {f.established for f in of.definitions()} == {"definition"}


MISPRINTS = {
    "variance without its two": (of.variance, lambda: (x[j] - mu) / K),
    "power -1/2": (of.scale, lambda: -r * xhat[j] / K),
    "mean held fixed": (of.jacobian, lambda: r * (KroneckerDelta(i, j) - xhat[i] * xhat[j] / K)),
    "variance held fixed": (of.jacobian, lambda: r * (KroneckerDelta(i, j) - 1 / K)),
    "both held fixed": (of.signal, lambda: r * gamma[j]),
    "sum for mean": (
        of.signal,
        lambda: r * (gamma[j] - S("k", K, lambda k: gamma[k]) - xhat[j] * S("k", K, lambda k: gamma[k] * xhat[k])),
    ),
    "one of two outer products": (
        of.bending,
        lambda: -2 * r / K * xhat[j] * s[j_] - r * S("k", K, lambda k: gamma[k] * xhat[k]) / K * of.slope(j, j_),
    ),
    "tilt lost": (of.bending, lambda: -r / K * (xhat[j] * s[j_] + xhat[j_] * s[j])),
    "sign of the tilt": (
        of.bending,
        lambda: (
            -r / K * (xhat[j] * s[j_] + xhat[j_] * s[j])
            + r * S("k", K, lambda k: gamma[k] * xhat[k]) / K * of.slope(j, j_)
        ),
    ),
    "scale not seen at all": (of.radial, lambda: 0 * xhat[i]),
    "epsilon without a square": (of.radial, lambda: eps * r * xhat[i]),
    "patterns apart": (of.batch, lambda: of.r_b[i] * KroneckerDelta(i, j) * KroneckerDelta(n, m)),
    "batch of features": (
        of.batch,
        lambda: of.r_b[i] * (KroneckerDelta(n, m) - 1 / N - of.X_hat[n, i] * of.X_hat[m, i] / N),
    ),
    "gradient for minus gradient": (of.null_direction, lambda: -of.null_direction().result),
    "decay twice": (
        of.step_with_decay,
        lambda: (1 - 2 * eta * lam) * S("p", P, lambda p: w0[p] ** 2) + eta**2 * S("p", P, lambda p: of.g[p] ** 2),
    ),
}


@pytest.mark.parametrize(("derivation", "misprint"), MISPRINTS.values(), ids=MISPRINTS.keys())
def test_a_misprint_is_refused(derivation, misprint):
    with pytest.raises((NotEqualError, RangeError)):
        derivation().stated(misprint())


def test_signal_and_second_derivative_hold_in_an_exact_instance():
    error = of.E
    net = Architecture({mu: None, v: None, r: None, xhat: None, error: lambda: S("i", K, lambda i: gamma[i] * xhat[i])})
    named = {s: of.passed_back}
    for seed in range(60):
        instance = ExactInstance(net, {K: 3}, named=named, seed=seed)
        try:
            for place in ({j: 1, j_: 1}, {j: 1, j_: 2}, {j: 3, j_: 2}):
                assert instance.number(Diff(x[j], error) - of.signal().result, place) == 0
                assert instance.number(Diff(x[j_], Diff(x[j], error)) - of.bending().result, place) == 0
                assert instance.number(Diff(x[j_], Diff(x[j], error)) - 2 * of.bending().result, place) != 0
        except NoRootError:
            continue
        return
    pytest.fail("no seed has all square roots")


def test_a_jacobian_by_finite_differences():
    values, size = np.array([0.3, -1.2, 0.8, 2.0]), 0.25

    def hats(u):
        return (u - u.mean()) / np.sqrt(u.var() + size)

    step = 1e-6 * np.eye(4)
    found = np.array([(hats(values + e) - hats(values - e)) / 2e-6 for e in step]).T
    hat, scale = hats(values), 1 / np.sqrt(values.var() + size)
    np.testing.assert_allclose(found, scale * (np.eye(4) - 1 / 4 - np.outer(hat, hat) / 4), atol=1e-8)
