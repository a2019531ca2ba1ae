"""The two passes of PRML's network and their mirror images: the compiled product, and the rates one knows."""

import numpy as np

from hesslib import Network, hessian
from hesslib.calculus.normal import equal
from hesslib.derivations import mirrored_passes as of
from hesslib.derivations.mirrored_passes import R_two, a, delta_k, i, j, k, n, t, v, w, x, y, z

RATES = {
    a[j]: of.S("i", n[0], lambda i: v[1, j, i] * x[i]),
    z[j]: of.h(a[j]).fdiff() * R_two.named(a[j]),
    y[k]: of.S("j", n[1], lambda j: w[2, k, j] * R_two.named(z[j]) + v[2, k, j] * z[j]),
    delta_k[k]: R_two.named(y[k]),
}


def test_the_mirror_images_are_the_equations_of_the_book():
    pairs = {known.lhs: rate for known, rate in (*of.forward().pairs, *of.backward().pairs)}
    for quantity, rate in RATES.items():
        assert pairs[quantity].lhs == R_two.named(quantity)
        assert equal(pairs[quantity].rhs, rate)
        assert not equal(pairs[quantity].rhs, -rate)


def test_targets_and_inputs_do_not_move_and_weights_move_along_the_direction():
    assert R_two(t[k]) == R_two(x[i]) == 0
    assert R_two(w[1, j, i]) == v[1, j, i]
    assert of.of_the_parameters().established == "derived"


def test_the_compiled_right_column_is_the_product_with_the_hessian():
    rng = np.random.default_rng(4)
    net = Network((2, 3, 2))
    W, V = ([rng.standard_normal((3, 2)), rng.standard_normal((2, 3))] for _ in range(2))
    none = [np.zeros(3), np.zeros(2)]
    x, t = rng.standard_normal((5, 2)), rng.standard_normal((5, 2))
    right = net.layers(hessian(net, net.ravel(W, none), x, t) @ net.ravel(V, none))[0]
    h = net.activation[0]
    a = x @ W[0].T
    z = h(a)
    e = z @ W[1].T - t
    d = h.first(a) * (e @ W[1])
    found = of.program().function(np)([None, *W], [None, *V], x, a, z, d, e, h.first, h.second)
    for layer in (1, 2):
        difference = np.abs(found[layer - 1] - right[layer]).max()
        assert difference <= 1024 * 2**-52 * np.abs(right[layer]).max()
