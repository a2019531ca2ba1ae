r"""Kronecker factors of the layers of a chain, with the two ways to treat weights that positions share.

With $z_{nr}$ the inputs of a layer at position $r$ of R and $G_{nr}=\partial a/\partial a^{(l)}_{nr}$ the block of
Gauss-Newton is $\sum_n\sum_{rr'}(G_{nr}^TM_nG_{nr'})\otimes(z_{nr}z_{nr'}^T)$. ``expand`` takes every position for a
pattern of its own and leaves out $r\ne r'$; ``reduce`` takes the mean of $z$ and the sum of $G$ over the positions.

Index letters: n pattern; q output; r position; j, k unit; i, p input, or its bias.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from array_api_compat import array_namespace

from hesslib._arrays import Array, contract, integers_like, write, zeros_like
from hesslib._chunks import sum_over_patterns
from hesslib.layers.chain import Chain
from hesslib.layers.convolution import Convolution
from hesslib.layers.dense import Dense, Embedding, as_rows
from hesslib.layers.first import each_output, numbers, refuse_coupled
from hesslib.layers.passes import M_times, pull, run
from hesslib.networks.network import Reduction, reduce_patterns

# contractions
OF_INPUTS = "nri,nrp->ip"  # sum_nr z_i z_p
OF_UNITS = "qnrj,qnrk->jk"  # sum_qnr G_qj (MG)_qk
OF_PARAMETERS = "qna,qnb->ab"  # sum_qn J_qa (MJ)_qb
KRONECKER = "kj,pi->kpji"  # B_kj A_pi


def factors(
    chain: Chain, w: Array, x: Array, t: Array, reduction: Reduction, sharing: str, /
) -> list[tuple[Array, Array]]:
    """Return A and B of each layer with parameters; 1 and the exact block where the layer is no matrix."""
    w, x, t = chain.check_batch(w, x, t)
    refuse_coupled(chain, "kronecker_factors")
    program, N = chain.program, x.shape[0]

    def sums(x: Array) -> tuple[Array, ...]:
        here = run(program, w, x, order=1)
        xp, parts = array_namespace(here.a), []
        G = pull(program, here, each_output(here.a), wanted=program.with_parameters, want=None).states
        for number in program.with_parameters:
            layer, kept = program.steps[number].layer, here.kept[number]
            z, received = _inputs(layer, kept), G[number + 1]
            if z is None:
                J = layer.vjp_parameters(kept, received, patterns=True)
                A, B = xp.ones_like(J[0, 0, :1])[:, None] * N, contract(OF_PARAMETERS, J, curved(chain, here.a, J))
            else:
                units = _units(layer, received)
                if sharing == "reduce":
                    z, units = xp.mean(z, axis=1, keepdims=True), xp.sum(units, axis=2, keepdims=True)
                A, B = contract(OF_INPUTS, z, z) / z.shape[1], contract(OF_UNITS, units, curved(chain, here.a, units))
            parts += [B, A] if isinstance(layer, Embedding) else [A, B]
        return tuple(parts)

    outputs = math.prod(chain.output_shape(tuple(x.shape[1:])))
    found = sum_over_patterns(sums, outputs * (3 * numbers(chain, x) + chain.num_parameters), x)
    pairs = []
    symmetric = [(matrix + matrix.T) / 2 for matrix in found]
    for number, A, B in zip(program.with_parameters, symmetric[::2], symmetric[1::2], strict=True):
        if isinstance(program.steps[number].layer, Embedding):
            pairs.append((reduce_patterns(A, reduction, N), B / N))
        else:
            pairs.append((A / N, reduce_patterns(B, reduction, N)))
    return pairs


def curved(chain: Chain, a: Array, G: Array, /) -> Array:
    """Return $M$ times derivatives (Q, N, ...) of the Q outputs of each pattern."""
    xp, order = array_namespace(G), (*range(2, G.ndim), 1, 0)
    columns = xp.permute_dims(G, order)
    flat = xp.reshape(columns, (-1, *a.shape))
    turned = xp.reshape(M_times(chain.program, a, flat), columns.shape)
    return xp.permute_dims(turned, tuple(order.index(axis) for axis in range(G.ndim)))


def _inputs(layer: object, kept: tuple[Array, ...]) -> Array | None:
    """The inputs of a layer that is a matrix, (N, R, i), and 1 for its bias; None for any other."""
    if isinstance(layer, Embedding):
        return as_rows(kept[0], 1)
    if isinstance(layer, Convolution) and layer.groups == 1:
        xp, patches = array_namespace(kept[2]), kept[2][:, 0, ...]
        z = xp.permute_dims(patches, (0, 2, 1, 3))
        z = xp.reshape(z, (*z.shape[:2], -1))
    elif isinstance(layer, Dense):
        xp, z = array_namespace(kept[1]), as_rows(kept[1], 1)
    else:
        return None
    return xp.concat([z, xp.ones_like(z[..., :1])], axis=2) if layer.bias else z


def _units(layer: object, G: Array) -> Array:
    """The derivatives by the outputs of such a layer, (Q, N, R, j)."""
    if isinstance(layer, Convolution):
        xp = array_namespace(G)
        return xp.permute_dims(xp.reshape(G, (*G.shape[:3], -1)), (0, 1, 3, 2))
    return as_rows(G, 2)


def check_factors_of_chain(chain: Chain, factors: Sequence[tuple[Array, Array]], /) -> list[tuple[Array, Array]]:
    """Return the factors, once they are those of the chain."""
    layers = [chain.program.steps[number].layer for number in chain.program.with_parameters]
    if len(factors) != len(layers):
        raise ValueError(f"factors has {len(factors)} entries; the chain has {len(layers)} layers with parameters")
    for number, (layer, (A, B)) in enumerate(zip(layers, factors, strict=True)):
        if A.shape[0] * B.shape[0] != layer.num_parameters:
            sizes = f"{tuple(A.shape)} and {tuple(B.shape)}"
            raise ValueError(f"factors[{number}] has {sizes}; their product must be {layer.num_parameters} long")
    return [(A, B) for A, B in factors]


def written_out(chain: Chain, pairs: list[tuple[Array, Array]], /) -> Array:
    """Return the block-diagonal matrix that the factors stand for, in the order of `w`."""
    like = pairs[0][0]
    K = zeros_like((chain.num_parameters, chain.num_parameters), like)
    for number, (A, B) in zip(chain.program.with_parameters, pairs, strict=True):
        where, layer = chain.program.steps[number].where, chain.program.steps[number].layer
        xp, rows, columns = array_namespace(like), B.shape[0], A.shape[0]
        block = xp.reshape(contract(KRONECKER, B, A), (rows * columns, rows * columns))
        if isinstance(layer, Dense | Convolution) and layer.bias and rows * columns == layer.num_parameters > rows:
            order = np.arange(rows * columns).reshape(rows, columns)
            order = np.concatenate([order[:, :-1].reshape(-1), order[:, -1]])
            if columns > 1:
                block = xp.take(xp.take(block, integers_like(order, like), axis=0), integers_like(order, like), axis=1)
        K = write(K, (where, where), block)
    return K
