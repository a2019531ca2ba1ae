"""The Hessian, its Gauss-Newton part and the inverse of its Kronecker factors as SciPy linear operators.

They are for `eigsh`, `cg` and the like. An operator computes once, at a fixed `w`, what all its products share: the
forward and the backward pass, so that a product costs half as much as one of `hessian_vector_product`; or the
eigenvectors of the factors.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from hesslib._arrays import Array, dtype_name, namespace, of_numpy
from hesslib.curvature._passes import passes
from hesslib.curvature.kronecker import KroneckerFactors, check_factors, eigenbases, solved
from hesslib.curvature.roperator import Product, gauss_newton_product, hessian_product
from hesslib.networks.network import Network, Reduction, checked_batch, reduced

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator


def hessian_operator(
    net: Network,
    w: Float[Array, " P"],
    x: Float[Array, "N D"],
    t: Array,
    /,
    *,
    reduction: Reduction = "sum",
) -> "LinearOperator":
    r"""Return $v\mapsto Hv$ as a symmetric SciPy ``LinearOperator`` (P, P); with ``reduction="mean"`` divided by N.

    It runs the forward and the backward pass once, at `w`, and keeps what they computed.

    Equation: hessian-vector-product.
    Shapes: takes and gives NumPy vectors (P,) or (P, V), whatever library `w` comes from, of the dtype of `w`.
    Cost: one gradient to make; a product then costs less than two, $6L-4$ products of matrices; memory: about
    $7N\sum_ln_l$ numbers as long as it lives.
    Errors: ValueError as `error` does. Needs SciPy.

    >>> import numpy as np
    >>> hessian_operator(Network((1, 1)), np.zeros(2), np.array([[3.0]]), np.array([[5.0]])) @ np.array([1.0, 0.0])
    array([9., 3.])
    """
    return _operator(net, w, x, t, reduction, hessian_product)


def gauss_newton_operator(
    net: Network,
    w: Float[Array, " P"],
    x: Float[Array, "N D"],
    t: Array,
    /,
    *,
    reduction: Reduction = "sum",
) -> "LinearOperator":
    r"""Return $v\mapsto\sum_nB_n^TM_nB_nv$ as a symmetric, positive semidefinite SciPy ``LinearOperator`` (P, P).

    $B_n=\partial a^{(L)}_n/\partial w$; with ``reduction="mean"`` divided by N.

    Shapes: as for `hessian_operator`.
    Cost: as for `hessian_operator`, with $4L-2$ products of matrices.
    Errors: as for `hessian_operator`.

    >>> import numpy as np
    >>> gauss_newton_operator(Network((1, 1)), np.zeros(2), np.array([[3.0]]), np.array([[5.0]])) @ np.eye(2)
    array([[9., 3.],
           [3., 1.]])
    """
    return _operator(net, w, x, t, reduction, gauss_newton_product)


def kronecker_inverse_operator(
    net: Network, factors: Sequence[KroneckerFactors], /, *, damping: float = 0.0
) -> "LinearOperator":
    r"""Return $v\mapsto(K+\mu I)^{-1}v$, as `kronecker_solve`, as a symmetric SciPy ``LinearOperator`` (P, P).

    It is a preconditioner for the Gauss-Newton matrix plus $\mu I$. Needs SciPy.

    Shapes: (P, P).
    Cost: that of `kronecker_solve` once, then $4\sum_lP_l(n_l+n_{l-1}+1)$ operations for each product; memory: the
    factors twice, and one number for each parameter.
    Errors: as `kronecker_solve` does.

    >>> import numpy as np
    >>> from hesslib.curvature.kronecker import kronecker_factors
    >>> net, x = Network((1, 1)), np.array([[3.0], [1.0]])
    >>> inverse = kronecker_inverse_operator(net, kronecker_factors(net, np.zeros(2), x, x))
    >>> (inverse @ np.array([14.0, 6.0])).round(12)
    array([1., 1.])
    """
    check_factors(net, factors)
    bases, like = eigenbases(factors, damping), factors[0].B
    of_rows = of_numpy(lambda bases, rows: solved(net, bases, rows.T, like).T, bases, like)
    return _symmetric(net, of_rows, like)


def _operator(net: Network, w: Array, x: Array, t: Array, reduction: Reduction, product: Product) -> "LinearOperator":
    w, x, t = checked_batch(net, w, x, t)
    xp, N = namespace(w=w), x.shape[0]
    w, x = xp.asarray(w, copy=True), xp.asarray(x, copy=True)  # what is kept has views; both may be changed in place
    kept = passes(net, w, x, t)
    of_rows = of_numpy(lambda kept, rows: reduced(product(net, kept, rows), reduction, N), kept, w)
    return _symmetric(net, of_rows, w)


def _symmetric(net: Network, of_rows: Callable[[np.ndarray], np.ndarray], like: Array) -> "LinearOperator":
    from scipy.sparse.linalg import LinearOperator

    def matvec(v: np.ndarray) -> np.ndarray:
        return of_rows(v.reshape(1, -1))[0]

    def matmat(v: np.ndarray) -> np.ndarray:
        return of_rows(np.ascontiguousarray(v.T)).T

    shape, kind = (net.num_parameters, net.num_parameters), np.dtype(dtype_name(like))
    return LinearOperator(shape, matvec=matvec, rmatvec=matvec, matmat=matmat, rmatmat=matmat, dtype=kind)
