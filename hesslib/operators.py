"""The Hessian and its Gauss-Newton part as SciPy linear operators, for `eigsh`, `cg` and the like.

An operator runs the forward and the backward pass once, at a fixed `w`, and keeps what they computed: a product then
costs half as much as one of `hessian_vector_product`.
"""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from hesslib._arrays import Array, dtype_name, namespace, of_numpy
from hesslib.network import Network, Reduction, checked_batch, reduced
from hesslib.passes import passes
from hesslib.roperator import Product, gauss_newton_product, hessian_product

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
    Cost: one gradient to make; a product then costs half as much as one of `hessian_vector_product`; memory: about
    $6N\sum_ln_l$ numbers as long as it lives.
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
    Cost: as for `hessian_operator`.
    Errors: as for `hessian_operator`.

    >>> import numpy as np
    >>> gauss_newton_operator(Network((1, 1)), np.zeros(2), np.array([[3.0]]), np.array([[5.0]])) @ np.eye(2)
    array([[9., 3.],
           [3., 1.]])
    """
    return _operator(net, w, x, t, reduction, gauss_newton_product)


def _operator(net: Network, w: Array, x: Array, t: Array, reduction: Reduction, product: Product) -> "LinearOperator":
    from scipy.sparse.linalg import LinearOperator

    w, x, t = checked_batch(net, w, x, t)
    xp, N = namespace(w=w), x.shape[0]
    kept = passes(net, xp.asarray(w, copy=True), x, t)  # what is kept has views of w, which may be changed in place
    kind = np.dtype(dtype_name(w))
    of_rows = of_numpy(lambda kept, rows: reduced(product(net, kept, rows), reduction, N), kept, w)

    def matvec(v: np.ndarray) -> np.ndarray:
        return of_rows(v.reshape(1, -1))[0]

    def matmat(v: np.ndarray) -> np.ndarray:
        return of_rows(np.ascontiguousarray(v.T)).T

    shape = (net.num_parameters, net.num_parameters)
    return LinearOperator(shape, matvec=matvec, rmatvec=matvec, matmat=matmat, rmatmat=matmat, dtype=kind)
