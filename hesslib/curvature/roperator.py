r"""Products of the Hessian, and of its Gauss-Newton part, with vectors, at the cost of two to three gradients each.

Pearlmutter's operator $\mathcal R\{f\}=\frac{\partial}{\partial r}f(w+rv)\big|_{r=0}$ applied to the forward and the
backward pass gives $\mathcal R\{\nabla E\}=Hv$ (Neural Computation 6, 1994; PRML 5.96 to 5.111).

Index letters: n pattern; k unit of layer l + 1; j unit of layer l; i unit of layer l - 1; v vector.
"""

from collections.abc import Callable

from jaxtyping import Float

from hesslib._arrays import Array, contract, namespace
from hesslib._chunks import sum_over_patterns
from hesslib.curvature._passes import Passes, passes
from hesslib.layers import Chain, second
from hesslib.networks.network import Inputs, Network, Reduction, check_batch, check_vectors, reduce_patterns

Product = Callable[[Network, Passes, Array], Array]

# contractions
R_THROUGH_WEIGHTS = "vni,ji->vnj"  # sum_i R{z}_vni w_ji
R_OF_WEIGHTS = "ni,vji->vnj"  # sum_i z_ni v_vji
R_BACK_THROUGH_WEIGHTS = "vnk,kj->vnj"  # sum_k R{delta}_vnk w_kj
R_BACK_OF_WEIGHTS = "nk,vkj->vnj"  # sum_k delta_nk v_vkj
R_OF_DELTA = "vnj,ni->vji"  # sum_n R{delta}_vnj z_ni
R_OF_Z = "nj,vni->vji"  # sum_n delta_nj R{z}_vni


def hessian_vector_product(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    v: Float[Array, " P"] | Float[Array, "P V"],
    /,
    *,
    reduction: Reduction = "sum",
) -> Float[Array, " P"] | Float[Array, "P V"]:
    r"""The Hessian times a vector, at the price of two to three gradients and without forming the matrix.

    Return $Hv$, where $H=\nabla\nabla E$, for one vector (P,) or for the columns of (P, V).

    With $\mathcal R\{w\}=v$, forward $\mathcal R\{a^{(l)}_j\}=\sum_iw^{(l)}_{ji}\mathcal
    R\{z^{(l-1)}_i\}+v^{(l)}_{ji}z^{(l-1)}_i$ plus the entry of $v$ for the bias, $\mathcal R\{z^{(l)}_j\}=h'\mathcal
    R\{a^{(l)}_j\}$; backward $\mathcal R\{\delta^{(L)}\}=M\,\mathcal R\{a^{(L)}\}$ and $\mathcal
    R\{\delta^{(l)}_j\}=h''\mathcal R\{a^{(l)}_j\}\sum_kw_{kj}\delta_k +h'\sum_k(v_{kj}\delta_k+w_{kj}\mathcal
    R\{\delta_k\})$; then $(Hv)_{ji}=\sum_n\mathcal R\{\delta_j\}z_i+\delta_j\mathcal R\{z_i\}$. With
    ``reduction="mean"`` divided by N.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    v : a vector in the order of `w`, or several as columns.
    reduction : ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.

    Equation: r-forward, r-delta-output, r-delta, hessian-vector-product.
    Shapes: that of `v`, (P,) or (P, V), in the order of `w`.
    Cost: $8L-5$ products of matrices where a gradient has $3L-1$, less than 8/3 gradients; for V vectors at once
    $2L-1+(6L-4)V$; memory is that of a chunk of patterns and of the result.
    Errors: ValueError as `error` does, and if `v` has the wrong shape, dtype or library.
    Reference: Pearlmutter, Neural Computation 6 (1994); PRML 5.96 to 5.111.

    >>> import numpy as np
    >>> net, x = Network((1, 1)), np.array([[3.0]])
    >>> hessian_vector_product(net, np.zeros(2), x, x, np.array([1.0, 0.0]))
    array([9., 3.])
    """
    if isinstance(net, Chain):
        return second.vector_product(net, w, x, t, v, reduction, second.hessian_product)
    return _product(net, w, x, t, v, reduction, hessian_product)


def gauss_newton_vector_product(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    v: Float[Array, " P"] | Float[Array, "P V"],
    /,
    *,
    reduction: Reduction = "sum",
) -> Float[Array, " P"] | Float[Array, "P V"]:
    r"""The Gauss-Newton matrix times a vector, without forming the matrix.

    Return $\sum_nB_n^TM_nB_nv$ with $B_n=\partial a^{(L)}_n/\partial w$, for one vector (P,) or for columns (P, V).

    $\mathcal R\{a^{(L)}\}=B_nv$ by the forward equations of `hessian_vector_product`; $M$ times it is carried back as
    $\delta$ is. It is $Hv$ without every term that contains $\delta$. With ``reduction="mean"`` divided by N.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    v : a vector in the order of `w`, or several as columns.
    reduction : ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.

    Equation: r-forward, r-delta-output.
    Shapes: that of `v`, (P,) or (P, V), in the order of `w`.
    Cost: $6L-3$ products of matrices where a gradient has $3L-1$, at most two gradients; for V vectors at once
    $2L-1+(4L-2)V$; memory as `hessian_vector_product`.
    Errors: as `hessian_vector_product`.
    Reference: Schraudolph, Neural Computation 14 (2002).

    >>> import numpy as np
    >>> net, x = Network((1, 1), loss="binary_cross_entropy"), np.array([[2.0]])
    >>> gauss_newton_vector_product(net, np.zeros(2), x, np.array([[1.0]]), np.array([1.0, 0.0]))
    array([1. , 0.5])
    """
    if isinstance(net, Chain):
        return second.vector_product(net, w, x, t, v, reduction, second.gauss_newton_product)
    return _product(net, w, x, t, v, reduction, gauss_newton_product)


def hessian_product(net: Network, p: Passes, v: Float[Array, "V P"], /) -> Float[Array, "V P"]:
    r"""Return the rows $v^TH$ for rows `v`, from passes that are at hand."""
    V, _ = net.layers(v)
    R_a, R_z = _forward(net, p, v)
    R_delta = net.loss.M_times(p.a_L, R_a[net.L])
    parts: list[Array] = []
    for l in reversed(range(1, net.L + 1)):
        parts[:0] = _parameters_of_layer(p, l, R_delta, R_z[l - 1])
        if l > 1:
            R_received = contract(R_BACK_THROUGH_WEIGHTS, R_delta, p.W[l])
            R_received = R_received + contract(R_BACK_OF_WEIGHTS, p.delta[l], V[l])
            R_delta = p.s[l - 1] * R_a[l - 1] + p.h_1[l - 1] * R_received
    return namespace(v=v).concat(parts, axis=1)


def gauss_newton_product(net: Network, p: Passes, v: Float[Array, "V P"], /) -> Float[Array, "V P"]:
    """Return the rows of the Gauss-Newton matrix times rows `v`, from passes that are at hand."""
    R_a, _ = _forward(net, p, v)
    carried = net.loss.M_times(p.a_L, R_a[net.L])
    parts: list[Array] = []
    for l in reversed(range(1, net.L + 1)):
        parts[:0] = _parameters_of_layer(p, l, carried, None)
        if l > 1:
            carried = p.h_1[l - 1] * contract(R_BACK_THROUGH_WEIGHTS, carried, p.W[l])
    return namespace(v=v).concat(parts, axis=1)


def _forward(net: Network, p: Passes, v: Array) -> tuple[list[Array], list[Array]]:
    V, c = net.layers(v)
    R_a: list[Array] = [None]
    R_z: list[Array] = [None]  # R{x} = 0
    for l in range(1, net.L + 1):
        R_a_l = contract(R_OF_WEIGHTS, p.z[l - 1], V[l]) + c[l][:, None, :]
        if l > 1:
            R_a_l = R_a_l + contract(R_THROUGH_WEIGHTS, R_z[l - 1], p.W[l])
        R_a.append(R_a_l)
        R_z.append(p.h_1[l] * R_a_l if l < net.L else None)
    return R_a, R_z


def _parameters_of_layer(p: Passes, l: int, R_delta: Array, R_z: Array | None) -> tuple[Array, Array]:
    xp = namespace(R_delta=R_delta)
    R_W = contract(R_OF_DELTA, R_delta, p.z[l - 1])
    if R_z is not None:
        R_W = R_W + contract(R_OF_Z, p.delta[l], R_z)
    return xp.reshape(R_W, (R_W.shape[0], -1)), xp.sum(R_delta, axis=1)


def _product(net: Network, w: Array, x: Array, t: Array, v: Array, reduction: Reduction, product: Product) -> Array:
    w, x, t = check_batch(net, w, x, t)
    rows = check_vectors(net, w, v)
    numbers_per_pattern = 4 * rows.shape[0] * max(net.widths) + 8 * sum(net.widths)
    (total,) = sum_over_patterns(lambda x, t: (product(net, passes(net, w, x, t), rows),), numbers_per_pattern, x, t)
    total = reduce_patterns(total, reduction, x.shape[0])
    return total[0] if v.ndim == 1 else total.T
