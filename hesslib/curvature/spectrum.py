r"""Eigenvalues and eigenvectors of the curvature of $E$: Gauss-Newton, exact, or diagonal.

What the evidence and the error bars need of the curvature is $\ln|\beta H+\alpha I|$ and $(\beta H+\alpha I)^{-1}$ for
many $\alpha$ and $\beta$ at one $w$. One decomposition gives them all.
"""

import math
from typing import Literal, NamedTuple

from jaxtyping import Float

from hesslib._arrays import Array, eye_like, namespace, refuse_half_precision, zeros_like
from hesslib._chunks import BUDGET, refuse_what_cannot_fit
from hesslib._options import one_of
from hesslib.curvature.gauss_newton import gauss_newton_diagonal_of, gauss_newton_of
from hesslib.curvature.hessian import hessian_of
from hesslib.derivatives.backprop import output_jacobian_of
from hesslib.layers import Chain
from hesslib.networks.network import Inputs, Network, refuse_no_model

Curvature = Literal["gauss_newton", "exact", "diagonal"]
MATRICES = 8  # (P, P) that a decomposition holds at most
CURVATURES: tuple[Curvature, ...] = ("gauss_newton", "exact", "diagonal")


class Spectrum(NamedTuple):
    r"""$H=V\operatorname{diag}(\lambda)V^T$, the eigenvalues and eigenvectors of a symmetric matrix.

    >>> import numpy as np
    >>> values, vectors = Spectrum(np.array([3.0, 1.0]), np.eye(2))
    >>> vectors * values @ vectors.T
    array([[3., 0.],
           [0., 1.]])
    """

    values: Array  # $\lambda$, (P,)
    vectors: Array  # $V$, (P, P), with a $v_i$ in each column


def spectrum(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    curvature: Curvature = "exact",
) -> Spectrum:
    r"""The eigenvalues and eigenvectors of the Hessian of the error, or of what stands in for it.

    Return the eigenvalues $\lambda_i$ and eigenvectors $v_i$ of the Hessian of the error, $\sum_nE_n$.

    ``exact``: of the Hessian itself, which may be indefinite. ``gauss_newton``: of $\sum_nB_n^TM_nB_n$ in its place,
    positive semidefinite. For squared error that is $J^TJ$, and the eigenvalues are squares of the singular values of
    $J$, which is never multiplied by its transpose: small ones keep their digits. ``diagonal``: the diagonal of the
    Gauss-Newton matrix, with the unit vectors.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    curvature : ``"gauss_newton"``, ``"exact"`` or ``"diagonal"``.

    Shapes: `Spectrum` of (P,) and (P, P).
    Cost: $O(NKP^2+P^3)$ operations, for ``diagonal`` K backward passes; memory: eight matrices (P, P) at most, the
    working arrays of LAPACK included, and a chunk of patterns.

    Raises
    ------
    ValueError
        If `curvature` is none of the three, or as `error` does.
    MemoryError
        If eight such matrices are more than the memory of this machine.

    >>> import numpy as np
    >>> x, t = np.array([[3.0], [-3.0]]), np.zeros((2, 1))
    >>> spectrum(Network((1, 1)), np.zeros(2), x, t).values.round(12)
    array([ 2., 18.])
    """
    w, x, t = _check(net, w, x, t, curvature)
    xp = namespace(w=w)
    if curvature == "diagonal":
        return Spectrum(gauss_newton_diagonal_of(net, w, x, t), eye_like(net.num_parameters, w))
    if curvature == "exact" or net.loss.name != "squared_error" or _coupled(net):
        return Spectrum(*xp.linalg.eigh(_matrix(net, w, x, t, curvature)))
    _, s, Vt = xp.linalg.svd(_triangular_factor(net, w, x), full_matrices=True)
    return Spectrum(_squared_and_filled(net, s), Vt.T)


def eigenvalues(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    curvature: Curvature = "exact",
) -> Float[Array, " P"]:
    r"""Return the $\lambda_i$ of `spectrum` without the eigenvectors, and in an order of their own.

    Cheaper, and JAX can differentiate it, which it cannot a decomposition with all vectors. Raises as `spectrum` does.

    >>> import numpy as np
    >>> eigenvalues(Network((1, 1)), np.zeros(2), np.array([[3.0], [-3.0]]), np.zeros((2, 1))).round(12)
    array([ 2., 18.])
    """
    return eigenvalues_of(net, *_check(net, w, x, t, curvature), curvature)


def eigenvalues_of(net: Network | Chain, w: Array, x: Array, t: Array, curvature: Curvature, /) -> Float[Array, " P"]:
    """`eigenvalues` of a batch that `check_batch` returned."""
    xp = namespace(w=w)
    if curvature == "diagonal":
        return gauss_newton_diagonal_of(net, w, x, t)
    if curvature == "exact" or net.loss.name != "squared_error" or _coupled(net):
        return xp.linalg.eigvalsh(_matrix(net, w, x, t, curvature))
    return _squared_and_filled(net, xp.linalg.svdvals(_triangular_factor(net, w, x)))


def _check(net: Network | Chain, w: Array, x: Array, t: Array, curvature: Curvature) -> tuple[Array, Array, Array]:
    one_of("curvature", curvature, CURVATURES)
    refuse_no_model(net)
    w, x, t = net.check_batch(w, x, t)
    if curvature != "diagonal":
        refuse_half_precision(w=w)
    refuse_spectrum("spectrum", net, w)
    return w, x, t


def refuse_spectrum(what: str, net: Network | Chain, w: Array, /) -> None:
    """Refuse a decomposition that cannot fit, LAPACK's own arrays included."""
    refuse_what_cannot_fit(what, MATRICES * net.num_parameters**2, w)


def _matrix(net: Network | Chain, w: Array, x: Array, t: Array, curvature: Curvature) -> Array:
    return hessian_of(net, w, x, t) if curvature == "exact" else gauss_newton_of(net, w, x, t)


def _coupled(net: Network | Chain) -> bool:
    """Whether there is no Jacobian for each pattern by itself."""
    return isinstance(net, Chain) and bool(net.program.couples)


def outputs_of_pattern(net: Network | Chain, x: Array, /) -> int:
    """Return how many outputs a pattern has."""
    return math.prod(net.output_shape(tuple(x.shape[1:]))) if isinstance(net, Chain) else net.widths[-1]


def _squared_and_filled(net: Network | Chain, s: Array) -> Array:
    missing = net.num_parameters - s.shape[0]  # fewer data than parameters: the rest of the eigenvalues is 0
    return namespace(s=s).concat([s**2, zeros_like((missing,), s)]) if missing else s**2


def _triangular_factor(net: Network | Chain, w: Array, x: Array) -> Float[Array, "R P"]:
    """Return R with R^T R = J^T J, one chunk of patterns after the other; J itself if it has more columns than rows."""
    xp, P, K = namespace(w=w), net.num_parameters, outputs_of_pattern(net, x)
    size = max(BUDGET // (8 * P), P // 2) // K + 1
    R = None
    for start in range(0, x.shape[0], size):
        J = xp.reshape(output_jacobian_of(net, w, x[start : start + size]), (-1, P))
        R = J if R is None else xp.concat([R, J])
        if R.shape[0] > P:
            R = xp.linalg.qr(R)[1]
    return R
