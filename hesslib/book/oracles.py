r"""The network and its error written anew for JAX, sharing nothing with hesslib but the letters of the layout.

Chapters differentiate these to have a referee that knows nothing of the derivation. Nothing is called here that hesslib
computes with: widths, the names of activation and loss, and the flat order of the weights are all that is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hesslib.networks.network import Network

__all__ = ["jax_error", "jax_input_derivatives", "jax_outputs"]


def jax_outputs(net: Network, w: Any, x: Any, /) -> Any:
    r"""The pre-activations $a^{(L)}$ of the last layer, by JAX, from the flat weights.

    Shapes: `w` (P,), `x` (N, n_0); returns (N, n_L).
    Cost: one forward pass; memory: N n_l numbers for each layer.
    Errors: KeyError for an activation other than tanh, logistic, relu and identity.

    >>> import numpy as np
    >>> from hesslib import Network
    >>> jax_outputs(Network((1, 1)), np.array([2.0, 1.0]), np.array([[3.0]])).tolist()
    [[7.0]]
    """
    import jax
    import jax.numpy as jnp

    functions = {"tanh": jnp.tanh, "logistic": jax.nn.sigmoid, "relu": jax.nn.relu, "identity": lambda a: a}
    z, start = jnp.asarray(x), 0
    w = jnp.asarray(w)
    for layer, (into, out) in enumerate(zip(net.widths[:-1], net.widths[1:], strict=True), 1):
        weights = w[start : start + into * out].reshape(out, into)
        start += into * out
        z = jnp.einsum("ni,ji->nj", z, weights) + w[start : start + out]
        start += out
        if layer < len(net.widths) - 1:
            z = functions[net.activation[layer - 1].name](z)
    return z


def jax_error(net: Network, w: Any, x: Any, t: Any, /) -> Any:
    r"""The error $E$ summed over patterns, by JAX: half the square, or a cross-entropy, as the loss of `net` is named.

    Shapes: `w` (P,), `x` (N, n_0), `t` (N, n_L); returns a scalar.
    Cost: one forward pass; memory: N n_l numbers for each layer.
    Errors: KeyError for a loss other than squared_error, binary_cross_entropy, softmax_cross_entropy.

    >>> import numpy as np
    >>> from hesslib import Network
    >>> float(jax_error(Network((1, 1)), np.array([2.0, 1.0]), np.array([[3.0]]), np.array([[5.0]])))
    2.0
    """
    import jax
    import jax.numpy as jnp

    a, t = jax_outputs(net, w, x), jnp.asarray(t)
    return {
        "squared_error": lambda: 0.5 * jnp.sum((a - t) ** 2),
        "binary_cross_entropy": lambda: jnp.sum(jax.nn.softplus(a) - t * a),
        "softmax_cross_entropy": lambda: -jnp.sum(t * jax.nn.log_softmax(a)),
    }[net.loss.name]()


def jax_input_derivatives(net: Network, w: Any, x: Any, /) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    r"""The first and second derivatives of the outputs by the inputs, and both of these by the weights, by JAX.

    The outputs are softmax probabilities for softmax_cross_entropy, and the pre-activations $a^{(L)}$ otherwise.

    Shapes: `w` (P,), `x` (N, n_0); returns (N, n_L, n_0), (N, n_L, n_0, n_0), and the same with an axis P at the end.
    Cost: $n_0^2$ forward passes, and as many backward ones for each output, compiled once; memory: none to speak of.
    Errors: KeyError for an activation other than tanh, logistic, relu and identity.

    >>> import numpy as np
    >>> from hesslib import Network
    >>> (first, _), (by_w, _) = jax_input_derivatives(Network((1, 1)), np.array([2.0, 1.0]), np.array([[3.0]]))
    >>> first.tolist(), by_w.tolist()
    ([[[2.0]]], [[[[1.0, 0.0]]]])
    """
    import jax

    def outputs(x: Any, w: Any) -> Any:
        a = jax_outputs(net, w, x[None])[0]
        return jax.nn.softmax(a) if net.loss.name == "softmax_cross_entropy" else a

    by_x = jax.jacfwd(outputs), jax.jacfwd(jax.jacfwd(outputs))

    def of_pattern(x: Any) -> Any:
        return tuple(f(x, w) for f in by_x), tuple(jax.jacrev(f, 1)(x, w) for f in by_x)

    return jax.jit(jax.vmap(of_pattern))(x)
