r"""Backpropagation: the errors $\delta^{(l)}$, the gradient of $E$, and the Jacobian of the last pre-activations.

Index letters: n pattern; k unit of layer l + 1, or output; j unit of layer l; i unit of layer l - 1.
"""

from jaxtyping import Float

from hesslib._arrays import Array, contract, eye_like, namespace
from hesslib._chunks import refuse_what_cannot_fit
from hesslib.layers import Chain, first
from hesslib.networks.network import (
    Inputs,
    Network,
    Reduction,
    Trace,
    check_batch_of,
    forward_pass,
    reduce_patterns,
    refuse_no_model,
)

# contractions
TO_PREVIOUS_LAYER = "nk,kj->nj"  # sum_k delta_nk w_kj
OVER_PATTERNS = "nj,ni->ji"  # sum_n delta_nj z_ni
JACOBIAN_TO_PREVIOUS_LAYER = "nqk,kj->nqj"  # sum_k G_nqk w_kj, for output q
JACOBIAN_OF_WEIGHTS = "nqj,ni->nqji"  # G_nqj z_ni, for output q


def deltas(net: Network, w: Float[Array, " P"], trace: Trace, t: Array, /) -> tuple[Array, ...]:
    r"""The error signals of backpropagation: the derivative of the error by each unit's pre-activation.

    Return $\delta^{(l)}_{nj}=\partial E/\partial a^{(l)}_{nj}$: ``delta[l]`` is (N, n_l), ``delta[0]`` None.

    $\delta^{(L)}$ comes from the loss; $\delta^{(l)}_{nj}=h'(a^{(l)}_{nj})\sum_kw^{(l+1)}_{kj}\delta^{(l+1)}_{nk}$.

    Parameters
    ----------
    net, w : the network, and all its weights and biases in one vector (P,).
    trace : what `forward` returned at `w`.
    t : the targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.

    Equation: error-signal-definition, backprop.
    Shapes: a tuple of L + 1, counted like the layers; `trace` is what `forward` returned at `w`.
    Cost: one backward pass, $2NP$ operations; memory $N\sum_ln_l$ numbers.
    Errors: ValueError if `w` has not P entries or a target is refused.
    Reference: Bishop, Pattern Recognition and Machine Learning (2006), equation 5.56.

    >>> import numpy as np
    >>> from hesslib import forward
    >>> net, w = Network((1, 1)), np.array([2.0, 1.0])
    >>> deltas(net, w, forward(net, w, np.array([[3.0]])), np.array([[5.0]]))
    (None, array([[2.]]))
    """
    return _deltas(net, w, trace, net.loss.targets(t, trace.a[net.L]))


def _deltas(net: Network, w: Array, trace: Trace, t: Array) -> tuple[Array, ...]:
    W, _ = net.layers(w)
    a = trace.a
    delta: list[Array] = [None] * (net.L + 1)
    delta[net.L] = net.loss.delta(a[net.L], t)
    for l in reversed(range(1, net.L)):
        delta[l] = net.activation[l - 1].first(a[l]) * contract(TO_PREVIOUS_LAYER, delta[l + 1], W[l + 1])
    return tuple(delta)


def gradient(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    reduction: Reduction = "sum",
) -> Float[Array, " P"]:
    r"""The gradient of the error: its derivative by every weight and bias, by backpropagation.

    $\nabla E$ is $\sum_n\delta^{(l)}_{nj}z^{(l-1)}_{ni}$ for $w^{(l)}_{ji}$, $\sum_n\delta^{(l)}_{nj}$ for biases.

    With ``reduction="mean"`` both are divided by N.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    reduction : ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.

    Equation: batch-gradient, bias-gradient.
    Shapes: (P,) in the order of `w`.
    Cost: one forward and one backward pass, $6NP$ operations; memory $3N\sum_ln_l$ numbers.
    Errors: ValueError as `error` does.
    Reference: Bishop, Pattern Recognition and Machine Learning (2006), equations 5.53 to 5.56.

    >>> import numpy as np
    >>> gradient(Network((1, 1)), np.array([2.0, 1.0]), np.array([[3.0]]), np.array([[5.0]]))
    array([6., 2.])
    """
    w, x, t = check_batch_of(net, w, x, t)
    if isinstance(net, Chain):
        return reduce_patterns(first.gradient(net, w, x, t), reduction, x.shape[0])
    trace = forward_pass(net, w, x)
    delta = _deltas(net, w, trace, t)
    xp = namespace(a=trace.a[net.L])
    parts = []
    for l in range(1, net.L + 1):
        parts.append(xp.reshape(contract(OVER_PATTERNS, delta[l], trace.z[l - 1]), (-1,)))
        parts.append(xp.sum(delta[l], axis=0))
    return reduce_patterns(xp.concat(parts), reduction, x.shape[0])


def output_jacobian(net: Network | Chain, w: Float[Array, " P"], x: Inputs, /) -> Float[Array, "N *K P"]:
    r"""The derivatives of the last pre-activations by every weight and bias, for every pattern.

    Return $\partial a^{(L)}_{nq}/\partial w$, the Jacobian of the last pre-activations, for every pattern.

    With $G_{nqj}=\partial a^{(L)}_{nq}/\partial a^{(l)}_{nj}$, which is $I_{qj}$ at $l=L$ and
    $h'(a^{(l)}_{nj})\sum_kG_{nqk}w^{(l+1)}_{kj}$ below, it is $G_{nqj}z^{(l-1)}_{ni}$ for $w^{(l)}_{ji}$ and $G_{nqj}$
    for $b^{(l)}_j$. The output function is not applied: for squared_error the Jacobian of $a^{(L)}$ is that of $y$.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x : the inputs (N, D), a row for each pattern.

    Equation: forward-response-definition, jacobian-reverse.
    Shapes: (N, K, P), the parameters in the order of `w`.
    Cost: one forward and K backward passes; memory: the result, NKP numbers, twice, and $2NK\sum_ln_l$ more.
    Errors: ValueError as `forward` does; MemoryError if that is more than the memory of this machine.

    >>> import numpy as np
    >>> output_jacobian(Network((1, 1)), np.array([2.0, 1.0]), np.array([[3.0]]))
    array([[[3., 1.]]])
    """
    refuse_no_model(net)
    return output_jacobian_of(net, *net.check_inputs(w, x))


def output_jacobian_of(net: Network | Chain, w: Array, x: Array, /) -> Array:
    """`output_jacobian` of inputs that `check_inputs` returned."""
    if isinstance(net, Chain):
        return first.output_jacobian(net, w, x)
    numbers = 2 * x.shape[0] * net.widths[-1] * (net.num_parameters + sum(net.widths))
    refuse_what_cannot_fit("output_jacobian", numbers, w)
    trace = forward_pass(net, w, x)
    xp = namespace(a=trace.a[net.L])
    N, K = trace.a[net.L].shape
    G = output_sensitivities(net, w, trace)
    parts = []
    for l in range(1, net.L + 1):
        parts.append(xp.reshape(contract(JACOBIAN_OF_WEIGHTS, G[l], trace.z[l - 1]), (N, K, -1)))
        parts.append(G[l])
    return xp.concat(parts, axis=2)


def curved_sensitivities(net: Network, w: Float[Array, " P"], trace: Trace, /) -> list[tuple[Array, Array]]:
    r"""Return $G^{(L,l)}$ and $MG^{(L,l)}$, each (N, K, n_l), for $l=1,\dots,L$: Gauss-Newton in the units."""
    xp = namespace(a=trace.a[net.L])
    pairs = []
    for G in output_sensitivities(net, w, trace)[1:]:
        columns = xp.permute_dims(G, (2, 0, 1))
        pairs.append((G, xp.permute_dims(net.loss.M_times(trace.a[net.L], columns), (1, 2, 0))))
    return pairs


def output_sensitivities(net: Network, w: Float[Array, " P"], trace: Trace, /) -> tuple[Array, ...]:
    r"""Return $G^{(L,l)}_{nqj}=\partial a^{(L)}_{nq}/\partial a^{(l)}_{nj}$: ``G[l]`` is (N, K, n_l), ``G[0]`` None.

    $G^{(L,L)}=I$ and $G^{(L,l)}_{nqj}=h'(a^{(l)}_{nj})\sum_kG^{(L,l+1)}_{nqk}w^{(l+1)}_{kj}$.
    Cost: K backward passes; memory $NK\sum_ln_l$ numbers.
    """
    xp = namespace(a=trace.a[net.L])
    W, _ = net.layers(w)
    N, K = trace.a[net.L].shape
    G: list[Array] = [None] * (net.L + 1)
    G[net.L] = xp.broadcast_to(eye_like(K, trace.a[net.L]), (N, K, K))
    for l in reversed(range(1, net.L)):
        h_1 = net.activation[l - 1].first(trace.a[l])
        G[l] = h_1[:, None, :] * contract(JACOBIAN_TO_PREVIOUS_LAYER, G[l + 1], W[l + 1])
    return tuple(G)
