"""The product with the Hessian as one program."""

import numpy as np

from hesslib import Network, hessian
from hesslib.derivations import (
    hessian_vector_product,
)
from hesslib.derivations.network import L, R, a, k


def test_the_program_gives_the_product_with_the_hessian_and_a_slip_in_it_is_seen():
    rng = np.random.default_rng(0)
    net = Network((2, 3, 3, 2), loss="softmax_cross_entropy")
    case = (net, net.init(rng), rng.standard_normal((4, 2)), rng.dirichlet(np.ones(2), 4))
    v, H = rng.standard_normal(net.num_parameters), hessian(*case)
    right = hessian_vector_product.program().function(np)
    slipped = hessian_vector_product.program({"Rdelta at the top": R.named(a[L, k])}).function(np)
    np.testing.assert_allclose(hessian_vector_product.run(right, *case, v), H @ v, atol=1e-12 * np.abs(H @ v).max())
    assert np.abs(hessian_vector_product.run(slipped, *case, v) - H @ v).max() > 1e-3 * np.abs(H @ v).max()
