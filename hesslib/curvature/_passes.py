r"""What every second derivative needs of one forward and one backward pass, kept.

Index letters: n pattern; k unit of layer l + 1; j unit of layer l.
"""

from typing import NamedTuple

from hesslib._arrays import Array, contract, namespace
from hesslib.derivatives.backprop import TO_PREVIOUS_LAYER
from hesslib.networks.network import Network, forward_pass


class Passes(NamedTuple):
    r"""The quantities of one batch at one `w`, counted by layer; entries that mean nothing are None."""

    W: list[Array]  # W[l], (n_l, n_{l-1})
    a_L: Array  # (N, K)
    z: list[Array]  # z^(l), (N, n_l), for l < L
    z_1: list[Array]  # z^(l) and a last column of ones, (N, n_l + 1), for l < L: weights and biases become one matrix
    h_1: list[Array]  # h'(a^(l)), (N, n_l), for hidden l
    delta: list[Array]  # delta^(l), (N, n_l)
    s: list[Array]  # h''(a^(l)_j) sum_k w_kj delta_k, (N, n_l), for hidden l: the curvature of the unit itself


def passes(net: Network, w: Array, x: Array, t: Array, /) -> Passes:
    """Run both passes on a batch that `check_batch` returned. Cost: that of a gradient."""
    trace = forward_pass(net, w, x)
    a, z = trace
    W, _ = net.layers(w)
    xp = namespace(x=x)
    ones = xp.ones_like(x[:, :1])
    h_1: list[Array] = [None] * (net.L + 1)
    delta, s = h_1.copy(), h_1.copy()
    delta[net.L] = net.loss.delta(a[net.L], t)
    for l in reversed(range(1, net.L)):
        h = net.activation[l - 1]
        received = contract(TO_PREVIOUS_LAYER, delta[l + 1], W[l + 1])
        h_1[l] = h.first(a[l])
        delta[l] = h_1[l] * received
        s[l] = h.second(a[l]) * received
    z_1 = [xp.concat([z_l, ones], axis=1) for z_l in z[:-1]]
    return Passes(W, a[net.L], list(z[:-1]), z_1, h_1, delta, s)
