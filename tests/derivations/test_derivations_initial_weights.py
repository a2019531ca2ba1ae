"""What random weights do to what passes through a layer."""

import itertools

import numpy as np

from hesslib.derivations import initial_weights as derived


def test_both_directions_are_derived():
    assert derived.forward().established == derived.backward().established == "derived"
    assert derived.independent().established == "assumption"


def test_the_mean_over_all_signs_is_what_is_derived():
    z = np.array([0.4, -1.1, 0.2])
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=6))).reshape(-1, 2, 3)
    np.testing.assert_allclose(np.mean((signs @ z) ** 2, axis=0), z @ z, rtol=1e-14)


def test_a_lost_square_is_refused():
    total = derived.S("i", derived.n, lambda i: derived.z[i] ** 2)
    assert derived.forward().refuses(derived.sigma * total, "the square of sigma")
