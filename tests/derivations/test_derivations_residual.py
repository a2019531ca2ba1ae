"""Residual layers: the identity path in Jacobian, signal and curvature; growth under random weights."""

import itertools

import numpy as np
import pytest

from hesslib.calculus.index import RangeError, S
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import residual as of
from hesslib.derivations.residual import B, F, N, Phi, delta, i, j, k, sigma, x
from hesslib.derivations.residual import l as layer

DERIVED = [
    of.jacobian,
    of.bending,
    of.signal,
    of.own_curvature,
    of.paths,
    of.growth,
]


@pytest.mark.parametrize("derivation", DERIVED)
def test_it_is_derived_and_typesets(derivation):
    chain = derivation()
    assert chain.established == "derived"
    assert chain.latex()


def test_what_is_not_derived_says_so():
    assert of.layer().established == "definition"
    assert of.mean_zero().established == "assumption"


MISPRINTS = {
    "identity lost": (of.jacobian, lambda: F[layer, k, i]),
    "identity path alone": (of.signal, lambda: delta[layer, i]),
    "branch transposed": (of.signal, lambda: delta[layer, i] + S("k", N, lambda k: delta[layer, k] * F[layer, i, k])),
    "one cross term": (
        of.own_curvature,
        lambda: (
            B[layer, i, j]
            + S("k", N, lambda k: F[layer, k, i] * B[layer, k, j])
            + S("k", N, lambda k: S("q", N, lambda q: F[layer, k, i] * B[layer, k, q] * F[layer, q, j]))
            + Phi[layer, i, j]
        ),
    ),
    "bending lost": (of.own_curvature, lambda: of.own_curvature().result - Phi[layer, i, j]),
    "two layers, three paths": (of.paths, lambda: of.paths().result - F[layer, k, i]),
    "sizes added": (of.growth, lambda: (1 + of.s * sigma) ** 2 * S("j", N, lambda j: x[j] ** 2)),
}


@pytest.mark.parametrize(("derivation", "misprint"), MISPRINTS.values(), ids=MISPRINTS.keys())
def test_a_misprint_is_refused(derivation, misprint):
    with pytest.raises((NotEqualError, RangeError)):
        derivation().stated(misprint())


def test_the_mean_over_all_signs_is_what_is_derived():
    z, size, factor = np.array([0.4, -1.1]), 0.7, 0.6
    signs = size * np.array(list(itertools.product([-1.0, 1.0], repeat=4))).reshape(-1, 2, 2)
    found = np.mean(np.sum((z + factor * signs @ z) ** 2, axis=1))
    np.testing.assert_allclose(found, (1 + factor**2 * 2 * size**2) * z @ z, rtol=1e-14)
