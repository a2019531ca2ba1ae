r"""The Gauss-Newton matrix with a Kronecker product for each layer, and nothing between layers: KFAC.

With $\tilde z=(z,1)$, so that the last column of each layer's parameters is its biases, the block of layer l is

$$\sum_nQ^{(l)}_{njj'}\tilde z_{ni}\tilde z_{ni'}\simeq B^{(l)}_{jj'}A^{(l)}_{ii'},\qquad
Q^{(l)}_{njj'}=\sum_{qq'}G_{nqj}M_{nqq'}G_{nq'j'},$$

where $A^{(l)}$ is the mean of $\tilde z\tilde z^T$ over the patterns and $B^{(l)}$ the sum of $Q^{(l)}$. A mean of
products has been replaced by the product of the means.

Index letters: n pattern; q output; j, k unit of layer l; i, p unit of layer l - 1, or its bias; v vector.

Longer than one sitting: factors, products and solves with one matrix.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

from jaxtyping import Float

from hesslib._arrays import (
    Array,
    contract,
    is_true,
    namespace,
    refuse_half_precision,
    same_floating_dtype,
    zeros_like,
)
from hesslib._chunks import refuse_what_cannot_fit, sum_over_patterns
from hesslib._options import one_of, real_number
from hesslib.curvature._blocks import with_block
from hesslib.derivatives.backprop import curved_sensitivities
from hesslib.layers import Chain
from hesslib.layers import factors as of_chain
from hesslib.layers.layer import flat
from hesslib.networks.network import Inputs, Network, Reduction, check_batch, forward_pass, reduce_patterns

Sharing = Literal["expand", "reduce"]

# contractions
OF_INPUTS = "ni,np->ip"  # sum_n z_ni z_np
OF_UNITS = "nqj,nqk->jk"  # sum_nq G_nqj (MG)_nqk
BLOCK = "kj,pi->kpji"  # B_kj A_pi
UNITS = "kj,vji->vki"  # sum_j B_kj v_ji
INPUTS = "vki,ip->vkp"  # sum_i v_ki A_ip
EIGENVALUES = "k,p->kp"  # b_k a_p


class KroneckerFactors(NamedTuple):
    r"""Two small matrices whose Kronecker product stands for the curvature of one layer.

    The two factors of one layer, whose block is $B_{jj'}A_{ii'}$.

    >>> import numpy as np
    >>> A, B = KroneckerFactors(np.array([[5.0, 2.0], [2.0, 1.0]]), np.array([[2.0]]))
    >>> np.kron(B, A)
    array([[10.,  4.],
           [ 4.,  2.]])
    """

    A: Array  # $A$, (n_{l-1} + 1, n_{l-1} + 1), of the inputs of the layer, and last of its bias
    B: Array  # $B$, (n_l, n_l), of its units


def kronecker_factors(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    reduction: Reduction = "sum",
    sharing: Sharing = "expand",
) -> tuple[KroneckerFactors, ...]:
    r"""For each layer two small matrices whose Kronecker product stands for its block of Gauss-Newton (K-FAC).

    Return $A^{(l)}=\frac1N\sum_n\tilde z_n\tilde z_n^T$ and $B^{(l)}=\sum_nG_n^TM_nG_n$ for $l=1,\dots,L$.

    $G=\partial a^{(L)}/\partial a^{(l)}$, $\tilde z=(z^{(l-1)},1)$. $M$ is the whole curvature of the loss, not a
    product of gradients at observed or sampled targets: for a cross-entropy it is the expectation over targets drawn
    from the outputs. Targets do not enter, but are checked. With ``reduction="mean"`` every $B$ is divided by N.

    The block of layer l of `gauss_newton` is $B^{(l)}\otimes A^{(l)}$, up to N times the covariance of $G^TMG$ and
    $\tilde z\tilde z^T$ over the patterns. It is exact for a single pattern; for the last layer under squared error,
    and for every layer if the network is linear as well; for a layer whose inputs are the same for all patterns.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    reduction : ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.
    sharing
        For layers of a chain whose weights R positions share: with ``"expand"`` every position counts as a pattern of
        its own, $A=\frac1{NR}\sum_{nr}\tilde z_{nr}\tilde z_{nr}^T$ and $B=\sum_{nr}G_{nr}^TM_nG_{nr}$; with
        ``"reduce"`` $\tilde z$ is the mean and $G$ the sum over positions. For a linear network under squared error the
        first is exact if every position has outputs of its own, the second if they are a mean over the positions.

    A chain has a pair for each function with parameters, in the order of `w`: $\tilde z$ of a convolution is a window
    of its inputs; query, key and value are one layer; an embedding, whose rows are its tokens, has $A$ of its features
    and $B$ of its tokens. What is no matrix (a normalisation, positions, grouped channels) has $A=1$ and its exact
    block as $B$.

    Equation: kfac-factors, kfac.
    Shapes: for each layer (n_{l-1} + 1, n_{l-1} + 1) and (n_l, n_l).
    Cost: K backward passes and $NK\sum_ln_l^2$ operations; memory: the factors, three times, and a chunk of patterns.
    For what is no matrix $B$ is as long as its parameters are.
    Errors: as `error` does; ValueError for a chain with a BatchNorm in training; MemoryError if that is more than the
    memory of this machine.
    Reference: Martens and Grosse, ICML 2015; Eschenhagen, Immer, Turner, Schneider and Hennig, NeurIPS 2023.

    >>> import numpy as np
    >>> x = np.array([[3.0], [1.0]])
    >>> kronecker_factors(Network((1, 1)), np.zeros(2), x, x)
    (KroneckerFactors(A=array([[5., 2.],
           [2., 1.]]), B=array([[2.]])),)
    """
    one_of("sharing", sharing, get_args(Sharing))
    if isinstance(net, Chain):
        return tuple(KroneckerFactors(*pair) for pair in of_chain.factors(net, w, x, t, reduction, sharing))
    w, x, t = check_batch(net, w, x, t)
    refuse_what_cannot_fit("kronecker_factors", 3 * sum((n + 1) ** 2 for n in net.widths), w)
    N = x.shape[0]

    def sums(x: Array) -> tuple[Array, ...]:
        xp = namespace(x=x)
        trace = forward_pass(net, w, x)
        parts = []
        for z, (G, MG) in zip(trace.z[:-1], curved_sensitivities(net, w, trace), strict=True):
            z_1 = xp.concat([z, xp.ones_like(x[:, :1])], axis=1)
            parts += [contract(OF_INPUTS, z_1, z_1), contract(OF_UNITS, G, MG)]
        return tuple(parts)

    found = sum_over_patterns(sums, (2 * net.widths[-1] + 4) * sum(net.widths), x)
    return tuple(
        KroneckerFactors((A + A.T) / (2 * N), reduce_patterns((B + B.T) / 2, reduction, N))
        for A, B in zip(found[::2], found[1::2], strict=True)
    )


def kronecker_matrix(net: Network | Chain, factors: Sequence[KroneckerFactors], /) -> Float[Array, "P P"]:
    r"""The matrix that Kronecker factors stand for, written out.

    Return the block-diagonal matrix of $B^{(l)}\otimes A^{(l)}$ in the order of `w`: what the factors stand for.

    Parameters
    ----------
    net : the network or chain of layers.
    factors : those of `kronecker_factors`, a pair for each layer.

    Shapes: (P, P).
    Cost: $\sum_lP_l^2$ operations, $P_l$ the parameters of layer l; memory: two matrices (P, P).
    Errors: ValueError if the factors are not those of the network; MemoryError if the result cannot fit.

    >>> import numpy as np
    >>> x = np.array([[3.0], [1.0]])
    >>> net = Network((1, 1))
    >>> kronecker_matrix(net, kronecker_factors(net, np.zeros(2), x, x))
    array([[10.,  4.],
           [ 4.,  2.]])
    """
    check_factors(net, factors)
    refuse_what_cannot_fit("kronecker_matrix", 2 * net.num_parameters**2, factors[0].B)
    if isinstance(net, Chain):
        return of_chain.written_out(net, factors)
    K = zeros_like((net.num_parameters, net.num_parameters), factors[0].B)
    for l, (A, B) in enumerate(factors, start=1):
        K = with_block(K, net, (l, l), contract(BLOCK, B, A))
    return K


def kronecker_product(
    net: Network | Chain, factors: Sequence[KroneckerFactors], v: Float[Array, " P"] | Float[Array, "P V"], /
) -> Float[Array, " P"] | Float[Array, "P V"]:
    r"""The matrix that Kronecker factors stand for times a vector, without forming the matrix.

    Return `kronecker_matrix` times one vector (P,) or the columns of (P, V): $BVA$, $V$ a layer's part of v.

    Parameters
    ----------
    net : the network or chain of layers.
    factors : those of `kronecker_factors`, a pair for each layer.
    v : a vector in the order of `w`, or several as columns.

    Shapes: that of `v`.
    Cost: $2\sum_lP_l(n_l+n_{l-1}+1)$ operations for each vector; memory: twice that of `v`; no block is formed.
    Errors: ValueError if the factors are not those of the network, or `v` has the wrong shape or dtype.

    >>> import numpy as np
    >>> x = np.array([[3.0], [1.0]])
    >>> net = Network((1, 1))
    >>> kronecker_product(net, kronecker_factors(net, np.zeros(2), x, x), np.array([1.0, 0.0]))
    array([10.,  4.])
    """
    check_factors(net, factors)
    parts = _by_layer(net, v, factors[0].B)
    return _flat(net, [_two_sided(B, V, A) for (A, B), V in zip(factors, parts, strict=True)], v)


def kronecker_solve(
    net: Network | Chain,
    factors: Sequence[KroneckerFactors],
    v: Float[Array, " P"] | Float[Array, "P V"],
    /,
    *,
    damping: float = 0.0,
) -> Float[Array, " P"] | Float[Array, "P V"]:
    r"""Solve a linear system with the Kronecker-factored curvature, damped, without forming the matrix.

    Return the solution of $(K+\mu I)u=v$, with $K$ the `kronecker_matrix` and $\mu$ the damping: exact, any $\mu$.

    With $B=Y\operatorname{diag}(b)Y^T$ and $A=X\operatorname{diag}(a)X^T$ a layer's part of $u$ is
    $Y\{(Y^TVX)_{kp}/(b_ka_p+\mu)\}X^T$. Eigenvalues that rounding has made negative count as 0.

    Parameters
    ----------
    net : the network or chain of layers.
    factors : those of `kronecker_factors`, a pair for each layer.
    v : a vector in the order of `w`, or several as columns.
    damping : $\mu$, added to every eigenvalue.

    Shapes: that of `v`.
    Cost: two eigendecompositions for each layer, $O(n_l^3+n_{l-1}^3)$ operations, and two products; memory: the
    factors twice, and one number for each parameter.
    Errors: as `kronecker_product` does; ValueError if `damping` is negative, or a block of $K+\mu I$ is singular to
    rounding.

    >>> import numpy as np
    >>> x = np.array([[3.0], [1.0]])
    >>> net = Network((1, 1))
    >>> kronecker_solve(net, kronecker_factors(net, np.zeros(2), x, x), np.array([14.0, 6.0])).round(12)
    array([1., 1.])
    """
    check_factors(net, factors)
    return solve(net, eigenbases(factors, damping), v, factors[0].B)


class Eigenbasis(NamedTuple):
    r"""$B=Y\operatorname{diag}(b)Y^T$ and $A=X\operatorname{diag}(a)X^T$ of one layer, and $b_ka_p+\mu$."""

    Y: Array
    X: Array
    values: Array


def eigenbases(factors: Sequence[KroneckerFactors], damping: float, /) -> list[Eigenbasis]:
    """Return what `kronecker_solve` needs of the factors, for several right-hand sides; refuse what it refuses."""
    damping = real_number("damping", damping)
    bases = []
    for l, (A, B) in enumerate(factors, start=1):
        refuse_half_precision(**{f"factors[{l - 1}].A": A, f"factors[{l - 1}].B": B})
        xp = namespace(A=A, B=B)
        (a, X), (b, Y) = xp.linalg.eigh(A), xp.linalg.eigh(B)
        values = contract(EIGENVALUES, xp.clip(b, min=0), xp.clip(a, min=0)) + damping
        rounding = values.shape[0] * values.shape[1] * xp.finfo(values.dtype).eps
        if not is_true(xp.min(values) > rounding * xp.max(values)):
            raise ValueError(
                f"damping is {damping}; it must be larger, the factors of layer {l} are singular to rounding"
            )
        bases.append(Eigenbasis(Y, X, values))
    return bases


def solve(net: Network | Chain, bases: Sequence[Eigenbasis], v: Array, like: Array, /) -> Array:
    """Return the solution for one vector or for columns, by bases that are at hand."""
    parts = _by_layer(net, v, like)
    solved = [
        _two_sided(Y, _two_sided(Y.T, V, X) / values, X.T) for (Y, X, values), V in zip(bases, parts, strict=True)
    ]
    return _flat(net, solved, v)


def _two_sided(B: Array, V: Float[Array, "V J I"], A: Array) -> Float[Array, "V J I"]:
    return contract(INPUTS, contract(UNITS, B, V), A)


def _by_layer(net: Network | Chain, v: Array, like: Array) -> list[Array]:
    """Return each layer's part of the vector, or of the columns, as arrays (V, n_l, n_{l-1} + 1), biases last."""
    xp = namespace(v=v, B=like)
    if v.ndim not in (1, 2) or v.shape[0] != net.num_parameters:
        raise ValueError(
            f"v has shape {tuple(v.shape)}; it must be ({net.num_parameters},) or ({net.num_parameters}, V)"
        )
    same_floating_dtype(v=v, B=like)
    rows = v[None, :] if v.ndim == 1 else v.T
    if isinstance(net, Chain):
        return of_chain.as_matrices(net, rows)
    W, b = net.layers(rows)
    return [xp.concat([W_l, b_l[..., None]], axis=-1) for W_l, b_l in zip(W[1:], b[1:], strict=True)]


def _flat(net: Network | Chain, parts: list[Array], v: Array) -> Array:
    """Return such arrays as a vector, or as columns, like `v`."""
    if isinstance(net, Chain):
        rows = of_chain.as_vectors(net, parts)
    else:
        rows = flat([part for V in parts for part in (V[..., :-1], V[..., -1])], 1)
    return rows[0] if v.ndim == 1 else rows.T


def check_factors(net: Network | Chain, factors: Sequence[KroneckerFactors], /) -> None:
    """Refuse factors that are not those of the network or chain."""
    if isinstance(net, Chain):
        sizes, whole = of_chain.sizes(net), "the chain has {} functions with parameters"
    else:
        sizes, whole = [(i + 1, j) for i, j in pairwise(net.widths)], "the network has {} layers"
    if len(factors) != len(sizes):
        raise ValueError(f"factors has {len(factors)} entries; {whole.format(len(sizes))}")
    for number, (pair, lengths) in enumerate(zip(factors, sizes, strict=True)):
        for name, factor, size in zip("AB", pair, lengths, strict=True):
            if tuple(factor.shape) != (size, size):
                raise ValueError(
                    f"factors[{number}].{name} has shape {tuple(factor.shape)}; it must be ({size}, {size})"
                )
