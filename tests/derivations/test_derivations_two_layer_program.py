"""The Hessian of two layers of weights as one program."""

import numpy as np

from hesslib import Network, forward, gauss_newton, hessian
from hesslib.derivations import (
    two_layer_program,
)


def test_the_program_gives_the_hessian_and_without_signals_the_gauss_newton_matrix():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 2))
    two = Network((2, 3, 2))
    w, t = two.init(rng), rng.standard_normal((4, 2))
    compiled = two_layer_program.program().function(np)
    whole, without = (
        two_layer_program.run(compiled, two, w, forward(two, w, x), t, slope=slope) for slope in (True, False)
    )
    H = hessian(two, w, x, t)
    np.testing.assert_allclose(whole, H, atol=1e-13 * np.abs(H).max())
    np.testing.assert_allclose(without, gauss_newton(two, w, x, t), atol=1e-13 * np.abs(H).max())
