r"""The exact Hessian of $E$ with respect to the weights, at any depth: the matrix and its blocks."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxtyping import Float

from hesslib._arrays import Array
from hesslib._chunks import refuse_what_cannot_fit
from hesslib.curvature._blocks import assemble, in_flat_order, lower_blocks
from hesslib.layers import Chain
from hesslib.layers.matrix import matrix
from hesslib.networks.network import Inputs, Network, Reduction, check_batch_of, reduce_patterns


def hessian(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    reduction: Reduction = "sum",
) -> Float[Array, "P P"]:
    r"""The Hessian of the error, whole and exact: its second derivatives by every pair of parameters.

    Return $H=\partial^2E/\partial w\,\partial w$, with ``reduction="mean"`` divided by N. Exactly symmetric.

    For $m\ge l$ the block of layers $m$ and $l$ is
    $\sum_nz^{(l-1)}_i\{h'(a^{(m-1)}_p)\,\delta^{(m)}_kG^{(m-1,l)}_{pj}+B^{(m,l)}_{kj}z^{(m-1)}_p\}$, without its first
    term for $m=l$; a bias has $z=1$ and no first term. $G^{(m,l)}=\partial a^{(m)}/\partial a^{(l)}$ comes from a
    forward sweep, $B^{(m,l)}=\partial\delta^{(m)}/\partial a^{(l)}$ from a backward sweep: $B^{(L,l)}=MG^{(L,l)}$,
    $B^{(m,l)}_{kj}=h''(a^{(m)}_k)G^{(m,l)}_{kj}\sum_qw^{(m+1)}_{qk}\delta^{(m+1)}_q
    +h'(a^{(m)}_k)\sum_qw^{(m+1)}_{qk}B^{(m+1,l)}_{qj}$. With relu it is the Hessian almost everywhere.
    The equations below are those of one pattern.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    reduction : ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.

    Equation: hessian-block-above, hessian-block-within, hessian-bias-above, hessian-bias-within.
    Shapes: (P, P) in the order of `w`.
    Cost: at most $2NP^2$ operations, those of $A^TA$ with $A$ (N, P); memory: three matrices (P, P) at most, and a
    chunk of patterns.
    Errors: ValueError as `error` does; MemoryError if three such matrices are more than the memory of this machine.
    Reference: Bishop, Neural Computation 4 (1992); PRML 5.93 to 5.95 for two layers.

    >>> import numpy as np
    >>> hessian(Network((1, 1)), np.zeros(2), np.array([[3.0]]), np.array([[5.0]]))
    array([[9., 3.],
           [3., 1.]])
    """
    w, x, t = check_batch_of(net, w, x, t)
    return reduce_patterns(hessian_of(net, w, x, t), reduction, x.shape[0])


def hessian_of(net: Network | Chain, w: Array, x: Array, t: Array, /) -> Float[Array, "P P"]:
    """`hessian` of a batch that `check_batch` returned, summed over its patterns."""
    if isinstance(net, Chain):
        return matrix(net, w, x, t)
    refuse_what_cannot_fit("hessian", 3 * net.num_parameters**2, w)
    return assemble(net, lower_blocks(net, w, x, t), w)


class Block(NamedTuple):
    r"""A block of the Hessian in its two parts, each (P_m, P_l): $\sum_nB_n^TM_nB_n$ and the terms with $\delta$.

    >>> import numpy as np
    >>> Block(np.array([[2.0]]), np.array([[-3.0]])).total
    array([[-1.]])
    """

    gauss_newton: Array  # the first
    residual: Array  # the second

    @property
    def total(self) -> Array:
        """Their sum, the block of $H$."""
        return self.gauss_newton + self.residual


def hessian_blocks(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    reduction: Reduction = "sum",
) -> Mapping[Any, Block]:
    r"""The Hessian of the error in blocks, one for each pair of layers.

    Return the blocks of `hessian`, for every pair (m, l) of layers, each in its Gauss-Newton and its residual part.

    ``hessian_blocks(net, w, x, t)[m, l].total`` is the part of $H$ in the rows of layer $m$ and the columns of layer
    $l$. Its two parts are $\sum_nB_n^TM_nB_n$, with $B_n=\partial a^{(L)}_n/\partial w$, and
    $\sum_n\sum_k\delta_{nk}\,\partial^2a^{(L)}_{nk}/\partial w\,\partial w$. With ``reduction="mean"`` both are divided
    by N.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    reduction : ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.

    Equation: hessian-two-parts.
    Shapes: a mapping from (m, l), counted from 1, to `Block`, (P_m, P_l), both in the order of `w`: weights row by row,
    then biases; $P_l=n_l(n_{l-1}+1)$. Of a chain of layers the keys are pairs of names of its parameters.
    Cost: twice that of `hessian`; memory: four matrices (P, P) at most, and a chunk of patterns.
    Errors: as `hessian` does.

    >>> import numpy as np
    >>> blocks = hessian_blocks(Network((1, 1, 1)), np.ones(4), np.array([[0.0]]), np.array([[0.0]]))
    >>> blocks[2, 1].total.shape, sorted(blocks)
    ((2, 2), [(1, 1), (1, 2), (2, 1), (2, 2)])
    """
    w, x, t = check_batch_of(net, w, x, t)
    N = x.shape[0]
    if isinstance(net, Chain):
        parts = [
            reduce_patterns(matrix(net, w, x, t, what="hessian_blocks", **only), reduction, N)
            for only in ({"residual": False}, {"gauss_newton": False})
        ]
        return {
            (m, l): Block(*(part[rows, columns] for part in parts))
            for m, rows in net.slices.items()
            for l, columns in net.slices.items()
        }
    refuse_what_cannot_fit("hessian_blocks", 4 * net.num_parameters**2, w)
    with_m = lower_blocks(net, w, x, t, residual=False)
    with_delta = lower_blocks(net, w, x, t, gauss_newton=False)
    blocks = {}
    for m, l in list(with_m):
        block = Block(
            *(reduce_patterns(in_flat_order(part.pop((m, l))), reduction, N) for part in (with_m, with_delta))
        )
        blocks[l, m] = Block(block.gauss_newton.T, block.residual.T)
        blocks[m, l] = block
    return blocks
