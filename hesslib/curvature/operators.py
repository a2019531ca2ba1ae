"""The Hessian, its Gauss-Newton part and the inverse of its Kronecker factors as SciPy linear operators.

They are for `eigsh`, `cg` and the like. An operator computes once, at a fixed `w`, what all its products share: the
forward and the backward pass, so that a product costs half as much as one of `hessian_vector_product`; or the
eigenvectors of the factors. An operator can be pickled: that copies what it keeps.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from hesslib._arrays import Array, dtype_name, namespace, of_numpy
from hesslib.curvature._passes import Passes, passes
from hesslib.curvature.kronecker import Eigenbasis, KroneckerFactors, check_factors, eigenbases, solve
from hesslib.curvature.roperator import gauss_newton_product, hessian_product
from hesslib.layers import Chain, second
from hesslib.layers.passes import Both, both
from hesslib.networks.network import Inputs, Network, Reduction, check_batch_of, reduce_patterns

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator


def hessian_operator(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    reduction: Reduction = "sum",
) -> "LinearOperator":
    r"""The Hessian as an operator for SciPy: it multiplies vectors, and is never formed.

    Return $v\mapsto Hv$ as a symmetric SciPy ``LinearOperator`` (P, P); with ``reduction="mean"`` divided by N.

    It runs the forward and the backward pass once, at `w`, and keeps what they computed.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    reduction : ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.

    Equation: hessian-vector-product.
    Shapes: takes and gives NumPy vectors (P,) or (P, V), whatever library `w` comes from, of the dtype of `w`.
    Cost: one gradient to make; a product then costs less than two, $6L-4$ products of matrices; memory: about
    $7N\sum_ln_l$ numbers as long as it lives.
    Errors: ValueError as `error` does. Needs SciPy.

    >>> import numpy as np
    >>> hessian_operator(Network((1, 1)), np.zeros(2), np.array([[3.0]]), np.array([[5.0]])) @ np.array([1.0, 0.0])
    array([9., 3.])
    """
    return _operator(net, w, x, t, reduction, second.hessian_product if isinstance(net, Chain) else hessian_product)


def gauss_newton_operator(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    reduction: Reduction = "sum",
) -> "LinearOperator":
    r"""The Gauss-Newton matrix as an operator for SciPy: it multiplies vectors, and is never formed.

    Return $v\mapsto\sum_nB_n^TM_nB_nv$ as a symmetric, positive semidefinite SciPy ``LinearOperator`` (P, P).

    $B_n=\partial a^{(L)}_n/\partial w$; with ``reduction="mean"`` divided by N.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    reduction : ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.

    Shapes: as for `hessian_operator`.
    Cost: as for `hessian_operator`, with $4L-2$ products of matrices.
    Errors: as for `hessian_operator`.

    >>> import numpy as np
    >>> gauss_newton_operator(Network((1, 1)), np.zeros(2), np.array([[3.0]]), np.array([[5.0]])) @ np.eye(2)
    array([[9., 3.],
           [3., 1.]])
    """
    product = second.gauss_newton_product if isinstance(net, Chain) else gauss_newton_product
    return _operator(net, w, x, t, reduction, product)


def kronecker_inverse_operator(
    net: Network | Chain, factors: Sequence[KroneckerFactors], /, *, damping: float = 0.0
) -> "LinearOperator":
    r"""The inverse of the Kronecker-factored curvature as an operator for SciPy, to precondition with.

    Return $v\mapsto(K+\mu I)^{-1}v$, as `kronecker_solve`, as a symmetric SciPy ``LinearOperator`` (P, P).

    It is a preconditioner for the Gauss-Newton matrix plus $\mu I$. Needs SciPy.

    Parameters
    ----------
    net : the network or chain of layers.
    factors : those of `kronecker_factors`, a pair for each layer.
    damping : $\mu$, added to every eigenvalue.

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
    return _symmetric(net, Products(partial(_solve_rows, net), bases, like))


def _operator(
    net: Network | Chain, w: Array, x: Array, t: Array, reduction: Reduction, product: Callable[..., Array]
) -> "LinearOperator":
    w, x, t = check_batch_of(net, w, x, t)
    xp, N = namespace(w=w), x.shape[0]
    w, x = xp.asarray(w, copy=True), xp.asarray(x, copy=True)  # what is kept has views; both may be changed in place
    kept = both(net.program, w, x, t) if isinstance(net, Chain) else passes(net, w, x, t)
    return _symmetric(net, Products(partial(_product_rows, net, product, reduction, N), kept, w[:1]))


def _product_rows(
    net: Network | Chain, product: Callable[..., Array], reduction: Reduction, N: int, kept: Passes | Both, rows: Array
) -> Array:
    return reduce_patterns(product(net, kept, rows), reduction, N)


def _solve_rows(net: Network | Chain, bases: Sequence[Eigenbasis], rows: Array) -> Array:
    return solve(net, bases, rows.T, bases[0].Y).T


class Products:
    """The products of one operator: ``of_rows(kept, rows)`` in NumPy. It can be copied, pickled and sent elsewhere.

    What JAX has compiled stays where it is, and is compiled again there.
    """

    def __init__(self, of_rows: Callable[[Any, Array], Array], kept: Any, like: Array) -> None:
        self.of_rows, self.kept, self.like = of_rows, kept, like
        self.call = of_numpy(of_rows, kept, like)

    def __reduce__(self) -> tuple[Any, ...]:
        return Products, (self.of_rows, self.kept, self.like)

    def of_vector(self, v: np.ndarray, /) -> np.ndarray:
        """Return the product with one vector, (P,) or (P, 1)."""
        return self.call(v.reshape(1, -1))[0]

    def of_columns(self, v: np.ndarray, /) -> np.ndarray:
        """Return the product with each column of (P, V)."""
        return self.call(np.ascontiguousarray(v.T)).T


def _symmetric(net: Network | Chain, products: Products) -> "LinearOperator":
    from scipy.sparse.linalg import LinearOperator

    P, like = net.num_parameters, products.like
    kind = np.dtype("float32" if dtype_name(like) == "bfloat16" else dtype_name(like))  # NumPy has no bfloat16
    one, many = products.of_vector, products.of_columns
    return LinearOperator((P, P), matvec=one, rmatvec=one, matmat=many, rmatmat=many, dtype=kind)
