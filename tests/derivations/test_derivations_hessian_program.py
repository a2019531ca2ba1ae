"""The exact Hessian at any depth as one program."""

import numpy as np

from hesslib import Network, hessian
from hesslib.derivations import (
    hessian_program,
)


def test_the_program_of_the_hessian_gives_the_hessian():
    rng = np.random.default_rng(0)
    net = Network((2, 3, 3, 2), loss="softmax_cross_entropy")
    case = (net, net.init(rng), rng.standard_normal((4, 2)), rng.dirichlet(np.ones(2), 4))
    H = hessian(*case)
    at_any_depth = hessian_program.run(hessian_program.program().function(np), *case)
    np.testing.assert_allclose(at_any_depth, H, atol=1e-13 * np.abs(H).max())
