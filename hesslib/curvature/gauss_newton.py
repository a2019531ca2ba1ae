r"""The Gauss-Newton matrix and the outer product of gradients: two approximations of the Hessian that are not the same.

Index letters: n pattern; q output; j unit of layer l; i unit of layer l - 1.

Longer than one sitting: the two, and their diagonal and rows.
"""

from jaxtyping import Float

from hesslib._arrays import Array, contract, namespace
from hesslib._chunks import refuse_what_cannot_fit, sum_over_patterns
from hesslib.curvature._blocks import assemble, lower_blocks
from hesslib.curvature._passes import passes
from hesslib.curvature.diagonal import diagonal_of_parameters
from hesslib.derivatives.backprop import curved_sensitivities
from hesslib.layers import Chain, first
from hesslib.layers.matrix import diagonal, matrix
from hesslib.networks.network import Inputs, Network, Reduction, check_batch_of, forward_pass, reduce_patterns

# contractions
GRADIENT_OF_PATTERN = "nj,ni->nji"  # delta_j z_i
OUTER_PRODUCTS = "na,nb->ab"  # sum_n g_na g_nb, for parameters a and b
SQUARED_SENSITIVITIES = "nqj,nqj->nj"  # sum_q G_qj (MG)_qj


def gauss_newton(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    reduction: Reduction = "sum",
) -> Float[Array, "P P"]:
    r"""The Gauss-Newton matrix: the Hessian of the error without the second derivatives of the network.

    Return $\sum_nB_n^TM_nB_n$ with $B_n=\partial a^{(L)}_n/\partial w$, the part of $H$ without $\delta$.

    $M$ is $I$ for squared error, $\operatorname{diag}y(1-y)$ for binary and $\operatorname{diag}y-yy^T$ for softmax
    cross-entropy: positive semidefinite, and so is the result, which is exactly symmetric. Targets do not enter, but
    are checked. With ``reduction="mean"`` divided by N.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    reduction : ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.

    Equation: gauss-newton-regression, gauss-newton-logistic, gauss-newton-softmax.
    Shapes: (P, P) in the order of `w`.
    Cost: about $NP^2$ operations, whatever the number of outputs; memory: three matrices (P, P), and a chunk of
    patterns.
    Errors: as `hessian` does.
    Reference: PRML 5.84, 5.85.

    >>> import numpy as np
    >>> net, x, t = Network((1, 1), loss="binary_cross_entropy"), np.array([[2.0]]), np.array([[1.0]])
    >>> gauss_newton(net, np.zeros(2), x, t)
    array([[1.  , 0.5 ],
           [0.5 , 0.25]])
    """
    w, x, t = check_batch_of(net, w, x, t)
    return reduce_patterns(gauss_newton_of(net, w, x, t), reduction, x.shape[0])


def gauss_newton_of(net: Network | Chain, w: Array, x: Array, t: Array, /) -> Float[Array, "P P"]:
    """`gauss_newton` of a batch that `check_batch` returned, summed over its patterns."""
    if isinstance(net, Chain):
        return matrix(net, w, x, t, what="gauss_newton", residual=False)
    refuse_what_cannot_fit("gauss_newton", 3 * net.num_parameters**2, w)
    return assemble(net, lower_blocks(net, w, x, t, residual=False), w)


def gauss_newton_diagonal(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    reduction: Reduction = "sum",
) -> Float[Array, " P"]:
    r"""The diagonal of the Gauss-Newton matrix, without forming the matrix.

    Return the diagonal of `gauss_newton`, exactly: $\sum_nz_i^2\sum_{qq'}G_{qj}M_{qq'}G_{q'j}$, without the rest.

    $G=\partial a^{(L)}/\partial a^{(l)}$; $z=1$ for a bias. With ``reduction="mean"`` divided by N.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    reduction : ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.

    Shapes: (P,) in the order of `w`.
    Cost: K backward passes; memory: a chunk of patterns and (P,).
    Errors: ValueError as `error` does.

    >>> import numpy as np
    >>> net, x, t = Network((1, 1), loss="binary_cross_entropy"), np.array([[2.0]]), np.array([[1.0]])
    >>> gauss_newton_diagonal(net, np.zeros(2), x, t)
    array([1.  , 0.25])
    """
    w, x, t = check_batch_of(net, w, x, t)
    return reduce_patterns(gauss_newton_diagonal_of(net, w, x, t), reduction, x.shape[0])


def gauss_newton_diagonal_of(net: Network | Chain, w: Array, x: Array, t: Array, /) -> Float[Array, " P"]:
    """`gauss_newton_diagonal` of a batch that `check_batch` returned, summed over its patterns."""
    if isinstance(net, Chain):
        return diagonal(net, w, x, t, residual=False)

    def sums(x: Array) -> tuple[Array]:
        trace = forward_pass(net, w, x)
        diagonals = [contract(SQUARED_SENSITIVITIES, G, MG) for G, MG in curved_sensitivities(net, w, trace)]
        return (diagonal_of_parameters(trace.z[:-1], diagonals),)

    (total,) = sum_over_patterns(sums, (2 * net.widths[-1] + 8) * sum(net.widths), x)
    return total


def pattern_gradients(net: Network | Chain, w: Float[Array, " P"], x: Inputs, t: Array, /) -> Float[Array, "N P"]:
    r"""The gradient of the error of each pattern by itself, a row for each.

    Return $g_n=\nabla E_n$ for each pattern: $\delta^{(l)}_{nj}z^{(l-1)}_{ni}$, for biases $\delta^{(l)}_{nj}$.

    Their sum is `gradient`.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.

    Equation: weight-gradient, bias-gradient.
    Shapes: (N, P), the parameters in the order of `w`.
    Cost: one gradient, and writing the result; memory: the result, twice, and both passes, $8N\sum_ln_l$ numbers.
    Errors: ValueError as `error` does; MemoryError if that is more than the memory of this machine.

    >>> import numpy as np
    >>> pattern_gradients(Network((1, 1)), np.zeros(2), np.array([[3.0], [0.0]]), np.array([[5.0], [1.0]]))
    array([[-15.,  -5.],
           [ -0.,  -1.]])
    """
    w, x, t = check_batch_of(net, w, x, t)
    if isinstance(net, Chain):
        return first.pattern_gradients(net, w, x, t)
    refuse_what_cannot_fit("pattern_gradients", x.shape[0] * (2 * net.num_parameters + 8 * sum(net.widths)), w)
    return _pattern_gradients(net, w, x, t)


def outer_product(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    reduction: Reduction = "sum",
) -> Float[Array, "P P"]:
    r"""The sum of outer products of the patterns' gradients, also called the empirical Fisher matrix.

    Return $\sum_ng_ng_n^T$ with $g_n=\nabla E_n$, the empirical Fisher matrix; with ``reduction="mean"`` over N.

    It is not the Gauss-Newton matrix: $g_n=B_n^T\delta_n$, so $\delta_n\delta_n^T$ stands in the place of $M_n$. For a
    cross-entropy the two have the same mean over targets drawn from the network's own outputs; for squared error they
    have not even the same units. Exactly symmetric, and positive semidefinite.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    reduction : ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.

    Equation: outer-product-of-gradients.
    Shapes: (P, P) in the order of `w`.
    Cost: $2NP^2$ operations; memory: three matrices (P, P), and a chunk of patterns.
    Errors: as `hessian` does.
    Reference: Kunstner, Hennig and Balles, NeurIPS 2019.

    >>> import numpy as np
    >>> outer_product(Network((1, 1)), np.zeros(2), np.array([[3.0]]), np.array([[1.0]]))
    array([[9., 3.],
           [3., 1.]])
    """
    w, x, t = check_batch_of(net, w, x, t)
    refuse_what_cannot_fit("outer_product", 3 * net.num_parameters**2, w)

    def sums(x: Array, t: Array) -> tuple[Array]:
        g = first.pattern_gradients(net, w, x, t) if isinstance(net, Chain) else _pattern_gradients(net, w, x, t)
        return (contract(OUTER_PRODUCTS, g, g),)

    (total,) = sum_over_patterns(sums, 2 * net.num_parameters, x, t)
    return reduce_patterns((total + total.T) / 2, reduction, x.shape[0])


def _pattern_gradients(net: Network, w: Array, x: Array, t: Array) -> Array:
    p = passes(net, w, x, t)
    xp, N = namespace(x=x), x.shape[0]
    parts = []
    for l in range(1, net.L + 1):
        parts.append(xp.reshape(contract(GRADIENT_OF_PATTERN, p.delta[l], p.z[l - 1]), (N, -1)))
        parts.append(p.delta[l])
    return xp.concat(parts, axis=1)
