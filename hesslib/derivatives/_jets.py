r"""The forward pass with its first two derivatives along the inputs: what every derivative by inputs is made of.

A dot stands for $\partial/\partial x_d$, two dots for a second derivative by inputs d and e. From
$\dot z^{(0)}_i=I_{id}$ and $\ddot z^{(0)}=0$,

$$\dot a_j=\sum_iw_{ji}\dot z_i,\quad\dot z_j=h'\dot a_j,\qquad
\ddot a_j=\sum_iw_{ji}\ddot z_i,\quad\ddot z_j=h''\dot a_{jd}\dot a_{je}+h'\ddot a_j.$$

Index letters: n pattern; j unit of layer l; i unit of layer l - 1; d input, or another direction in input space; e
second derivative that is wanted. The axes d and e come first. Before the first activation rates are the same for all
patterns, and then their axis n has length 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace

from hesslib._arrays import Array, contract, eye_like, integers_like
from hesslib._options import input_numbers
from hesslib.networks.network import Network, refuse_no_network

CACHE = 2**17  # numbers in the arrays of a chunk of patterns: 1 MiB of float64, so that they stay in the cache

# contractions
TO_NEXT_LAYER = "ni,ji->nj"  # sum_i z_ni w_ji
RATES_TO_NEXT_LAYER = "dni,ji->dnj"  # sum_i dz_dni w_ji


class Entries(NamedTuple):
    """Which second derivatives are wanted: pairs of directions, or the sum over all pairs (d, d)."""

    first: np.ndarray | None  # None: every direction with itself
    second: np.ndarray | None
    summed: bool

    def pairs(self, u: Array, /) -> tuple[Array, Array]:
        """Return $u_d$ and $u_{d'}$ for all pairs (d, d')."""
        if self.first is None or self.second is None:
            return u, u
        xp = array_namespace(u)
        return tuple(xp.take(u, integers_like(which, u), axis=0) for which in (self.first, self.second))

    def total(self, pairs: Array, /) -> Array:
        """Return the entries from values for all pairs."""
        return array_namespace(pairs).sum(pairs, axis=0, keepdims=True) if self.summed else pairs

    def square(self, u: Array, /) -> Array:
        """Return $u_du_{d'}$."""
        one, other = self.pairs(u)
        return self.total(one * other)

    def cross(self, u: Array, v: Array, /) -> Array:
        """Return $u_dv_{d'}+u_{d'}v_d$."""
        (u_1, u_2), (v_1, v_2) = self.pairs(u), self.pairs(v)
        return self.total(2 * u_1 * v_1 if u_1 is u_2 else u_1 * v_2 + u_2 * v_1)


DIAGONAL = Entries(None, None, summed=False)
LAPLACIAN = Entries(None, None, summed=True)


def upper_triangle(D: int, /) -> Entries:
    """The pairs d <= d' of D directions, row by row."""
    return Entries(*np.triu_indices(D), summed=False)


def pair_numbers(D: int, /) -> np.ndarray:
    """Where the pair of d and d', in either order, stands among `upper_triangle`, (D, D)."""
    numbers = np.zeros((D, D), dtype=int)
    d, e = np.triu_indices(D)
    numbers[d, e] = numbers[e, d] = np.arange(len(d))
    return numbers


@dataclass
class Jets:
    """What the sweep computed, counted like the layers; `dda` and `ddz` are None where they vanish or are not wanted.

    `h[l]` holds h(a), h'(a), ... of hidden layer l.
    """

    z: list[Array]
    dz: list[Array]
    ddz: list[Array]
    a: list[Array] = field(default_factory=lambda: [None])
    da: list[Array] = field(default_factory=lambda: [None])
    dda: list[Array] = field(default_factory=lambda: [None])
    h: list[tuple[Array, ...]] = field(default_factory=lambda: [()])


def forward_jets(
    net: Network, w: Array, x: Array, directions: Array, /, *, entries: Entries | None = None, order: int = 2
) -> Jets:
    """Return all layers with their rates along `directions` (D, n_0), and the second ones that `entries` names.

    `order` says how many derivatives of the activations are kept.
    """
    W, b = net.layers(w)
    jets = Jets(z=[x], dz=[directions[:, None, :]], ddz=[None])
    for l in range(1, net.L + 1):
        z, dz, ddz = jets.z[l - 1], jets.dz[l - 1], jets.ddz[l - 1]
        a = contract(TO_NEXT_LAYER, z, W[l]) + b[l]
        da = contract(RATES_TO_NEXT_LAYER, dz, W[l])
        dda = None if ddz is None else contract(RATES_TO_NEXT_LAYER, ddz, W[l])
        jets.a.append(a)
        jets.da.append(da)
        jets.dda.append(dda)
        if l < net.L:
            h = net.activation[l - 1].derivatives(a, order)
            jets.h.append(h)
            jets.z.append(h[0])
            jets.dz.append(h[1] * da)
            if entries is None:
                jets.ddz.append(None)
            else:
                ddz = h[2] * entries.square(da)
                jets.ddz.append(ddz if dda is None else ddz + h[1] * dda)
    return jets


def output_rates(net: Network, jets: Jets, /) -> Array:
    r"""Return $\dot y_{dnk}=\sum_r(\partial y_k/\partial a^{(L)}_r)\,\dot a^{(L)}_r$, (D, N, K)."""
    return net.loss.output_derivative(jets.a[net.L], jets.da[net.L])


def output_second_rates(net: Network, jets: Jets, entries: Entries, /) -> Array:
    r"""Return $\ddot y=y''[\dot a_d,\dot a_e]+y'[\ddot a]$ of the last layer, (E, N, K)."""
    a, dda = jets.a[net.L], jets.dda[net.L]
    ddy = entries.total(net.loss.output_derivative(a, *entries.pairs(jets.da[net.L])))
    return ddy if dda is None else ddy + net.loss.output_derivative(a, dda)


def check_inputs_of(net: Network, inputs: Sequence[int] | None, /) -> tuple[int, ...]:
    """Return the numbers of the inputs by which to derive: all of them for None."""
    refuse_no_network(net)
    return input_numbers(inputs, net.widths[0])


def coordinate_directions(net: Network, inputs: tuple[int, ...], like: Array, /) -> Array:
    """Return the unit vectors of the given inputs, as rows (D, n_0)."""
    I = eye_like(net.widths[0], like)
    return array_namespace(I).take(I, integers_like(np.asarray(inputs), like), axis=0)
