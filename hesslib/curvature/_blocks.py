r"""The Hessian by blocks: the sweeps for $G^{(m,l)}$ and $B^{(m,l)}$, and the sum over patterns as matrix products.

For $m\ge l$, with $\tilde z=(z,1)$ so that the last column of each layer's parameters is its biases,

$$\frac{\partial^2E}{\partial w^{(m)}_{kp}\partial w^{(l)}_{ji}}
=\sum_nB^{(m,l)}_{kj}\tilde z^{(m-1)}_p\tilde z^{(l-1)}_i
+\delta^{(m)}_k\frac{\partial\tilde z^{(m-1)}_p}{\partial a^{(l)}_j}\tilde z^{(l-1)}_i,$$

the second term for $m>l$ only. The batch is the summed index of one matrix product for each term. Two of them are
smaller than they look: in a diagonal block $B_{kj}$ and $\tilde z_p\tilde z_i$ are symmetric, so that a quarter of the
products say everything; and for $m=l+1$ the derivative of $z_p$ is $h'(a_p)I_{pj}$.

Index letters: n pattern; k unit of layer m; p unit of layer m - 1, or its bias; j unit of layer l; i unit of layer
l - 1, or its bias; q unit of layer m + 1. Arrays of $G$ and $B$ hold j before k: then each step of the recursions is
one plain matrix product.
"""

from collections.abc import Iterator

import numpy as np
from array_api_compat import array_namespace

from hesslib._arrays import Array, contract, eye_like, integers_like, write, zeros_like
from hesslib._chunks import sum_over_patterns
from hesslib.curvature._passes import Passes, passes
from hesslib.networks.network import Network

# contractions
FORWARD = "njp,kp->njk"  # sum_p (dz_p/da_j) w_kp
BACKWARD = "njq,qk->njk"  # sum_q B_qj w_qk
OUTER = "np,ni->npi"  # z_p z_i
B_Z_Z = "njk,npi->kpji"  # sum_n B_kj z_p z_i
DELTA_Z = "nk,ni->nki"  # delta_k z_i
DELTA_Z_DZ = "nki,njp->kpji"  # sum_n delta_k z_i dz_p/da_j
DELTA_Z_H = "nki,nj->kji"  # the same where dz_p/da_j = h'_j I_pj
TRIANGLES = "nr,ns->rs"  # sum_n B_kj z_p z_i for the pairs r = (k, j), k >= j, and s = (p, i), p >= i

Pair = tuple[int, int]


def lower_blocks(
    net: Network, w: Array, x: Array, t: Array, *, gauss_newton: bool = True, residual: bool = True
) -> dict[Pair, Array]:
    r"""Return the blocks (m, l), m >= l, of $H$ summed over the batch, with the axes k, p, j, i.

    `gauss_newton` and `residual` say which part is wanted: the terms with $M$, those with $\delta$, or both.
    """
    pairs = [(m, l) for l in range(1, net.L + 1) for m in range(l, net.L + 1)]

    def sums(x: Array, t: Array) -> tuple[Array, ...]:
        p = passes(net, w, x, t)
        sweeps = (_blocks_of_column(net, p, l, gauss_newton, residual) for l in range(1, net.L + 1))
        return tuple(block for sweep in sweeps for block in sweep)

    numbers_per_pattern = 2 * max(_count_numbers(net, m, l) for m, l in pairs) + 3 * max(net.widths) * sum(net.widths)
    blocks = sum_over_patterns(sums, numbers_per_pattern, x, t)
    return {
        (m, l): _from_triangles(block, net.widths[l], net.widths[l - 1] + 1) if m == l else block
        for (m, l), block in zip(pairs, blocks, strict=True)
    }


def assemble(net: Network, blocks: dict[Pair, Array], like: Array) -> Array:
    """Return the (P, P) matrix of lower blocks, mirrored to the upper ones. Consumes `blocks`."""
    H = zeros_like((net.num_parameters, net.num_parameters), like)
    for m, l in list(blocks):
        H = with_block(H, net, (m, l), blocks.pop((m, l)))
    return H


def with_block(H: Array, net: Network, pair: Pair, block: Array) -> Array:
    """Return H with a block, axes k, p, j, i, where it belongs, and mirrored: no other copy of it is made."""
    m, l = pair
    for rows, p in _weights_and_biases(net, m):
        for columns, i in _weights_and_biases(net, l):
            part = block[:, p, :, i]
            H = write(H, (rows, columns), part)
            if m > l:
                H = write(H, (columns, rows), array_namespace(part).permute_dims(part, (2, 3, 0, 1)))
    return H


def in_flat_order(block: Array) -> Array:
    """Turn the axes k, p, j, i into rows and columns: weights row by row, then biases."""
    xp = array_namespace(block)
    columns = xp.concat([xp.reshape(block[..., :-1], (*block.shape[:2], -1)), block[..., -1]], axis=2)
    return xp.concat([xp.reshape(columns[:, :-1], (-1, columns.shape[2])), columns[:, -1]], axis=0)


def _weights_and_biases(net: Network, l: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return where they lie in `w`, and where on the axis p or i of a block."""
    return (net.weight_slice(l), slice(None, -1)), (net.bias_slice(l), slice(-1, None))


def _blocks_of_column(net: Network, p: Passes, l: int, gauss_newton: bool, residual: bool) -> Iterator[Array]:
    """Yield the triangles of block (l, l), then the blocks (l + 1, l), ..., (L, l), each with the axes k, p, j, i."""
    dz_da, G = _forward_sweep(net, p, l)
    B = _backward_sweep(net, p, l, G, gauss_newton, residual)
    z_1 = p.z_1[l - 1]
    yield contract(TRIANGLES, _triangle(B[l]), _triangle(contract(OUTER, z_1, z_1)))
    for m in range(l + 1, net.L + 1):
        block = contract(B_Z_Z, B[m], contract(OUTER, p.z_1[m - 1], z_1))
        if residual:
            delta_z = contract(DELTA_Z, p.delta[m], z_1)
            if m == l + 1:
                I = eye_like(net.widths[l] + 1, z_1)[:, :-1]  # no unit is the bias
                block = block + I[:, :, None] * contract(DELTA_Z_H, delta_z, p.h_1[l])[:, None, :, :]
            else:
                block = block + contract(DELTA_Z_DZ, delta_z, dz_da[m - 1])
        yield block


def _forward_sweep(net: Network, p: Passes, l: int) -> tuple[list[Array], list[Array]]:
    r"""Return $\partial\tilde z^{(m)}_p/\partial a^{(l)}_j$ for $l\le m<L$ and $G^{(m,l)}_{kj}$ for $l\le m\le L$."""
    xp = array_namespace(p.a_L)
    N, n_l = p.delta[l].shape
    dz_da: list[Array] = [None] * net.L
    G: list[Array] = [None] * (net.L + 1)
    G[l] = xp.broadcast_to(eye_like(n_l, p.a_L), (N, n_l, n_l))
    for m in range(l + 1, net.L + 1):
        dz = p.h_1[m - 1][:, None, :] * G[m - 1]
        G[m] = contract(FORWARD, dz, p.W[m])
        dz_da[m - 1] = xp.concat([dz, xp.zeros_like(dz[:, :, :1])], axis=2)  # a constant 1 has no derivative
    return dz_da, G


def _backward_sweep(net: Network, p: Passes, l: int, G: list[Array], gauss_newton: bool, residual: bool) -> list[Array]:
    r"""Return $B^{(m,l)}_{kj}=\partial\delta^{(m)}_k/\partial a^{(l)}_j$ for $l\le m\le L$, or its parts."""
    xp = array_namespace(p.a_L)
    B: list[Array] = [None] * (net.L + 1)
    if gauss_newton:
        columns = xp.permute_dims(G[net.L], (1, 0, 2))
        B[net.L] = xp.permute_dims(net.loss.M_times(p.a_L, columns), (1, 0, 2))
    else:
        B[net.L] = xp.zeros_like(G[net.L])
    for m in reversed(range(l, net.L)):
        B[m] = p.h_1[m][:, None, :] * contract(BACKWARD, B[m + 1], p.W[m + 1])
        if residual:
            B[m] = p.s[m][:, None, :] * G[m] + B[m]
    return B


def _count_numbers(net: Network, m: int, l: int) -> int:
    """Numbers for each pattern in the factors of block (m, l)."""
    n = net.widths
    return n[m] * n[l] + (n[m - 1] + 1) * (n[l - 1] + 1) + n[m] * (n[l - 1] + 1) + n[l] * (n[m - 1] + 1)


def _triangle(A: Array) -> Array:
    """Return the entries k >= j of symmetric matrices (N, n, n), row by row, as (N, n (n + 1) / 2)."""
    N, n, _ = A.shape
    k, j = np.tril_indices(n)
    xp = array_namespace(A)
    return xp.take(xp.reshape(A, (N, n * n)), integers_like(k * n + j, A), axis=1)


def _from_triangles(A: Array, n_l: int, n_before: int) -> Array:
    """Return the block, axes k, p, j, i, whose triangles are the rows and the columns of A. Exactly symmetric."""
    xp = array_namespace(A)
    for axis, n in enumerate((n_l, n_before)):
        k, j = np.maximum(*np.indices((n, n))), np.minimum(*np.indices((n, n)))
        A = xp.take(A, integers_like(np.ravel(k * (k + 1) // 2 + j), A), axis=axis)
    return xp.permute_dims(xp.reshape(A, (n_l, n_l, n_before, n_before)), (0, 2, 1, 3))
