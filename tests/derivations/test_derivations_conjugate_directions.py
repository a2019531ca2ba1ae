"""Conjugate directions: derived, and their slips refused."""

import numpy as np
import pytest
from derived_chains import require_negative_refused

from hesslib.derivations import conjugate_directions

DERIVED = [
    getattr(conjugate_directions, name)
    for name in ("condition", "direction", "slope_along", "curvature_from_gradients", "exact_steps", "polak_ribiere")
]


@pytest.mark.parametrize("derivation", DERIVED, ids=lambda f: f.__name__)
def test_each_step_of_training_is_derived_and_its_negative_is_refused(derivation):
    require_negative_refused(derivation())


def test_the_factor_of_polak_and_ribiere_is_that_of_conjugacy_on_a_quadratic_error():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((5, 5))
    H, w = root @ root.T + np.eye(5), rng.standard_normal(5)
    g = H @ w
    q = -g
    for _ in range(3):
        w = w - (g @ q) / (q @ H @ q) * q
        new = H @ w
        beta = new @ (new - g) / (g @ g)
        assert np.isclose(beta, (q @ H @ new) / (q @ H @ q), rtol=1e-8)
        g, q = new, -new + beta * q
