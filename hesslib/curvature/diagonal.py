r"""The diagonal of the Hessian without the rest of it: exact, and as Becker and LeCun approximate it.

Index letters: n pattern; k, q unit of layer l + 1; j, i unit of layer l, or i of layer l - 1.
"""

from collections.abc import Callable, Sequence

from jaxtyping import Float

from hesslib._arrays import Array, contract, eye_like, namespace
from hesslib._chunks import sum_over_patterns
from hesslib.curvature._passes import Passes, passes
from hesslib.layers import Chain
from hesslib.layers.matrix import diagonal
from hesslib.networks.network import Inputs, Network, Reduction, check_batch, reduce_patterns

# contractions
Q_W = "nqk,kj->nqj"  # sum_k Q_qk w_kj
W_Q_W = "nqj,qi->nji"  # sum_q (QW)_qj w_qi
W_Q_W_DIAGONAL = "nqj,qj->nj"  # its diagonal
SQUARED_WEIGHTS = "nk,kj->nj"  # sum_k b_k w_kj^2
OVER_PATTERNS = "nj,ni->ji"  # sum_n Q_jj z_i^2

CurvatureOfUnits = Callable[[Network, Passes], list[Array]]  # d2E_n/da_j^2, (N, n_l), for l = 1, ..., L


def hessian_diagonal(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    reduction: Reduction = "sum",
) -> Float[Array, " P"]:
    r"""The diagonal of the Hessian, exact, without forming the matrix.

    Return $\partial^2E/\partial w_{ji}^2=\sum_nQ^{(l)}_{jj}z_i^2$, the exact diagonal, without the rest of $H$.

    $Q^{(l)}=\partial^2E_n/\partial a^{(l)}\partial a^{(l)}$, which is $B^{(l,l)}$ in the book, is carried back whole:
    $Q^{(L)}=M$, $Q^{(l)}_{ji}=h'_jh'_i\sum_{qk}w_{qi}Q^{(l+1)}_{qk}w_{kj}+I_{ji}h''_j\sum_kw_{kj}\delta_k$; $z=1$ for a
    bias. With ``reduction="mean"`` divided by N.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    reduction : ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.

    Equation: diagonal-entry, diagonal-bias-entry, curvature-recursion.
    Shapes: (P,) in the order of `w`.
    Cost: $2N\sum_ln_ln_{l+1}(n_l+n_{l+1})$ operations, and a gradient; memory: a chunk of patterns and (P,).
    Errors: ValueError as `error` does.
    Reference: Bishop, Pattern Recognition and Machine Learning (2006), equation 5.80.

    >>> import numpy as np
    >>> hessian_diagonal(Network((1, 1)), np.zeros(2), np.array([[3.0]]), np.array([[5.0]]))
    array([9., 1.])
    """
    if isinstance(net, Chain):
        w, x, t = net.check_batch(w, x, t)
        return reduce_patterns(diagonal(net, w, x, t), reduction, x.shape[0])
    return _sum(net, w, x, t, reduction, _exact, 3 * max(net.widths) ** 2)


def becker_lecun_diagonal(
    net: Network,
    w: Float[Array, " P"],
    x: Float[Array, "N D"],
    t: Array,
    /,
    *,
    reduction: Reduction = "sum",
) -> Float[Array, " P"]:
    r"""A cheap approximation to the diagonal of the Hessian, carried back layer by layer like a gradient.

    Return the diagonal that remains if $\partial^2E_n/\partial a_k\partial a_{k'}$ is neglected for $k\ne k'$.

    $\sum_nb^{(l)}_jz_i^2$ with $b^{(L)}_k=M_{kk}$ and
    $b^{(l)}_j=h'(a_j)^2\sum_kw_{kj}^2b^{(l+1)}_k+h''(a_j)\sum_kw_{kj}\delta_k$ ($c$ in the book); $z=1$ for a bias. It
    is exact where there is nothing to neglect: without hidden layers; else if each hidden layer after the first is a
    single unit, and the outputs are a single unit or have a diagonal $M$ (squared error, binary cross-entropy). With
    ``reduction="mean"`` divided by N.

    Parameters
    ----------
    net, w : the network, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    reduction : ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.

    Equation: becker-lecun-start, becker-lecun-step.
    Shapes: (P,) in the order of `w`.
    Cost: that of a gradient; memory: a chunk of patterns and (P,).
    Errors: ValueError as `error` does.
    Reference: Becker and LeCun, Connectionist Models Summer School (1988); PRML 5.81.

    >>> import numpy as np
    >>> becker_lecun_diagonal(Network((1, 1)), np.zeros(2), np.array([[3.0]]), np.array([[5.0]]))
    array([9., 1.])
    """
    return _sum(net, w, x, t, reduction, _neglecting, 0)


def _exact(net: Network, p: Passes) -> list[Array]:
    Q = net.loss.M(p.a_L)
    diagonals = [net.loss.M_diagonal(p.a_L)]
    for l in reversed(range(1, net.L)):
        W, h_1 = p.W[l + 1], p.h_1[l]
        QW = contract(Q_W, Q, W)
        diagonals.append(h_1**2 * contract(W_Q_W_DIAGONAL, QW, W) + p.s[l])
        if l > 1:  # the layer below needs all of it
            Q = h_1[:, :, None] * contract(W_Q_W, QW, W) * h_1[:, None, :]
            Q = Q + p.s[l][:, :, None] * eye_like(net.widths[l], Q)
    return diagonals[::-1]


def _neglecting(net: Network, p: Passes) -> list[Array]:
    b = net.loss.M_diagonal(p.a_L)
    diagonals = [b]
    for l in reversed(range(1, net.L)):
        b = p.h_1[l] ** 2 * contract(SQUARED_WEIGHTS, b, p.W[l + 1] ** 2) + p.s[l]
        diagonals.append(b)
    return diagonals[::-1]


def _sum(
    net: Network, w: Array, x: Array, t: Array, reduction: Reduction, curvature_of_units: CurvatureOfUnits, held: int
) -> Array:
    w, x, t = check_batch(net, w, x, t)

    def sums(x: Array, t: Array) -> tuple[Array]:
        p = passes(net, w, x, t)
        return (diagonal_of_parameters(p.z, curvature_of_units(net, p)),)

    (total,) = sum_over_patterns(sums, held + 8 * sum(net.widths), x, t)
    return reduce_patterns(total, reduction, x.shape[0])


def diagonal_of_parameters(z: Sequence[Array], diagonals: list[Array]) -> Float[Array, " P"]:
    r"""Return $\sum_nq^{(l)}_j(z^{(l-1)}_i)^2$ for all weights and biases, from $q^{(l)}$ for $l=1,\dots,L$."""
    xp = namespace(x=z[0])
    parts = []
    for q, z_below in zip(diagonals, z, strict=True):
        parts.append(xp.reshape(contract(OVER_PATTERNS, q, z_below**2), (-1,)))
        parts.append(xp.sum(q, axis=0))
    return xp.concat(parts)
