r"""Kronecker factors of the layers of a chain, with the two ways to treat weights that positions share.

With $z_{nr}$ the inputs of a layer at position $r$ of R and $G_{nr}=\partial a/\partial a^{(l)}_{nr}$ the block of
Gauss-Newton is $\sum_n\sum_{rr'}(G_{nr}^TM_nG_{nr'})\otimes(z_{nr}z_{nr'}^T)$. ``expand`` takes every position for a
pattern of its own and leaves out $r\ne r'$; ``reduce`` takes the mean of $z$ and the sum of $G$ over the positions.

Index letters: n pattern; q output; r position; j, k unit; i, p input, or its bias.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from hesslib._arrays import Array, contract, integers_like, write, zeros_like
from hesslib._chunks import refuse_what_cannot_fit, sum_over_patterns
from hesslib.layers.chain import Chain
from hesslib.layers.convolution import Convolution
from hesslib.layers.dense import Dense, Embedding, as_rows
from hesslib.layers.first import each_output, numbers, refuse_coupled
from hesslib.layers.layer import flat
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
    refuse_what_cannot_fit("kronecker_factors", 3 * sum(i**2 + j**2 for i, j in sizes(chain)), w)
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
    directions = xp.reshape(columns, (-1, *a.shape))
    turned = xp.reshape(M_times(chain.program, a, directions), columns.shape)
    return xp.permute_dims(turned, tuple(order.index(axis) for axis in range(G.ndim)))


def _inputs(layer: Any, kept: tuple[Array, ...]) -> Array | None:
    """The inputs of a layer that is a matrix, (N, R, i), and 1 for its bias; None for any other."""
    if isinstance(layer, Embedding):
        return as_rows(kept[0], 1)
    if not _is_matrix(layer):
        return None
    if isinstance(layer, Convolution):
        xp, patches = array_namespace(kept[2]), kept[2][:, 0, ...]
        z = xp.permute_dims(patches, (0, 2, 1, 3))
        z = xp.reshape(z, (*z.shape[:2], -1))
    else:
        xp, z = array_namespace(kept[1]), as_rows(kept[1], 1)
    return xp.concat([z, xp.ones_like(z[..., :1])], axis=2) if layer.bias else z


def _units(layer: Any, G: Array) -> Array:
    """The derivatives by the outputs of such a layer, (Q, N, R, j)."""
    if isinstance(layer, Convolution):
        xp = array_namespace(G)
        return xp.permute_dims(xp.reshape(G, (*G.shape[:3], -1)), (0, 1, 3, 2))
    return as_rows(G, 2)


def sizes(chain: Chain, /) -> list[tuple[int, int]]:
    """Return the lengths of A and B of each layer with parameters."""
    if chain.program.tied:
        name, other = next(iter(chain.program.tied.items()))
        raise ValueError(
            f"net has {name} tied to {other}; Kronecker factors are of layers with parameters of their own (take "
            "gauss_newton, or its products)"
        )
    found = []
    for layer in _layers(chain):
        columns = 1
        if isinstance(layer, Embedding):
            columns = layer.features
        elif _is_matrix(layer):
            columns = layer.num_parameters // layer.outputs
        found.append((columns, layer.num_parameters // columns))
    return found


def as_matrices(chain: Chain, v: Array, /) -> list[Array]:
    """Return the part of each layer in vectors (V, P) as matrices (V, B, A), biases in the last column."""
    xp, found, program = array_namespace(v), [], chain.program
    for number, layer, (columns, rows) in zip(program.with_parameters, _layers(chain), sizes(chain), strict=True):
        part = v[:, program.steps[number].where]
        if _is_matrix(layer) and layer.bias:
            W = xp.reshape(part[:, :-rows], (v.shape[0], rows, columns - 1))
            found.append(xp.concat([W, part[:, -rows:, None]], axis=2))
        else:
            found.append(xp.reshape(part, (v.shape[0], rows, columns)))
    return found


def as_vectors(chain: Chain, parts: Sequence[Array], /) -> Array:
    """Return such matrices as vectors (V, P)."""
    every = []
    for layer, V in zip(_layers(chain), parts, strict=True):
        every += [V[..., :-1], V[..., -1]] if _is_matrix(layer) and layer.bias else [V]
    return flat(every, 1)


def written_out(chain: Chain, pairs: Sequence[tuple[Array, Array]], /) -> Array:
    """Return the block-diagonal matrix that the factors stand for, in the order of `w`."""
    like = pairs[0][0]
    K, xp = zeros_like((chain.num_parameters, chain.num_parameters), like), array_namespace(like)
    for number, layer, (A, B) in zip(chain.program.with_parameters, _layers(chain), pairs, strict=True):
        where, (rows, columns) = chain.program.steps[number].where, (B.shape[0], A.shape[0])
        block = xp.reshape(contract(KRONECKER, B, A), (rows * columns, rows * columns))
        if _is_matrix(layer) and layer.bias:
            places = np.arange(rows * columns).reshape(rows, columns)
            order = integers_like(np.concatenate([places[:, :-1].reshape(-1), places[:, -1]]), like)
            block = xp.take(xp.take(block, order, axis=0), order, axis=1)
        K = write(K, (where, where), block)
    return K


def _layers(chain: Chain) -> list[Any]:
    return [chain.program.steps[number].layer for number in chain.program.with_parameters]


def _is_matrix(layer: Any) -> bool:
    """Whether a layer is one matrix that is applied to its inputs, or to windows of them."""
    return isinstance(layer, Dense) or (isinstance(layer, Convolution) and layer.groups == 1)
