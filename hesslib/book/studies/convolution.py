"""One convolutional layer against JAX, and how much of its Gauss-Newton block two Kronecker products keep."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hesslib.derivations import convolution as derived


def pattern(inputs: int, size: int, /, *, stride: int = 1, padding: int = 0, dilation: int = 1) -> np.ndarray:
    """The constant array Pi along one axis: which input an output reads at an offset of the kernel."""
    outputs = (inputs + 2 * padding - dilation * (size - 1) - 1) // stride + 1
    o, k, i = np.ogrid[:outputs, :size, :inputs]
    return (i == stride * o + dilation * k - padding).astype(float)


class Head(NamedTuple):
    """What comes after the layer, and how it is called."""

    name: str
    positions: bool  # a loss at every position, or one of their mean
    bent: bool  # tanh and a dense map for each position before it


HEADS = (
    Head("linear, a loss at every position", True, False),
    Head("linear, loss of the mean", False, False),
    Head("tanh, a loss at every position", True, True),
    Head("tanh, loss of the mean", False, True),
)


def _outputs(head: Head, V: Any, a: Any) -> Any:
    """The network's outputs for one pattern, from the layer's pre-activations (channels, positions)."""
    out = V @ (jnp.tanh(a) if head.bent else a)
    return out.ravel() if head.positions else out.mean(axis=1)


def referee(head: Head, w: Any, b: Any, z: Any, V: Any, target: Any, **how: int) -> tuple[Any, Any, Any]:
    """By JAX alone: the gradients by weights, biases and inputs, the block of the weights, its Gauss-Newton part."""
    stride, padding, dilation = (
        how.get(key, default) for key, default in (("stride", 1), ("padding", 0), ("dilation", 1))
    )

    def outputs(w: Any, b: Any, z: Any) -> Any:
        a = jax.lax.conv_general_dilated(z, w, (stride,), [(padding, padding)], rhs_dilation=(dilation,))
        return jax.vmap(lambda row: _outputs(head, V, row))(a + b[:, None])

    def error(w: Any, b: Any, z: Any) -> Any:
        return jnp.sum((outputs(w, b, z) - target) ** 2) / 2

    def all_of(w: Any, b: Any, z: Any) -> tuple[Any, Any, Any]:
        J = jax.jacobian(outputs)(w, b, z).reshape(-1, w.size)
        return jax.grad(error, (0, 1, 2))(w, b, z), jax.hessian(error)(w, b, z), J.T @ J

    return jax.jit(all_of)(w, b, z)


def run(head: Head, w: Any, b: Any, z: Any, V: Any, target: Any, Pi: np.ndarray, /) -> dict[str, Any]:
    """The derived program: a layer with the pattern Pi, with signal and curvature of what is above it by JAX."""

    def above(a: Any, t: Any) -> Any:
        return jnp.sum((_outputs(head, V, a) - t) ** 2) / 2

    def slopes(a: Any) -> Any:
        J = jax.vmap(jax.jacobian(lambda row: _outputs(head, V, row)))(a)
        return jnp.einsum("nkco,nkdp->ncodp", J, J)

    signal = jax.jit(jax.vmap(jax.grad(above)))
    curvature = jax.jit(jax.vmap(jax.hessian(above)))
    t = target.reshape(len(z), -1)
    run_derived = derived.program().function(np)
    sizes = (w.shape[0], len(Pi))
    a, gw, gb, gz, x, H = run_derived(
        w, b, z, Pi, lambda a: np.asarray(signal(a, t)), lambda a: np.asarray(curvature(a, t)), *sizes
    )
    Q = np.asarray(jax.jit(slopes)(a))
    outer = np.einsum("ncodp,noab,npef->cabdef", Q, x, x)
    return {"gradients": (gw, gb, gz), "hessian": H, "gauss_newton": outer, "x": x, "Q": Q}


def factored(found: dict[str, Any], sharing: str, /) -> np.ndarray:
    """The Kronecker product, of a factor of the output channels and one of the patches, that stands for the block."""
    x, Q = found["x"], found["Q"]
    N, O = x.shape[:2]
    if sharing == "expand":  # every position as a pattern of its own
        A = np.einsum("noab,noef->abef", x, x) / (N * O)
        B = np.einsum("ncodo->cd", Q)
    else:  # the positions of a pattern added up first
        A = np.einsum("noab,npef->abef", x, x) / N
        B = np.einsum("ncodp->cd", Q) / O**2
    return np.einsum("cd,abef->cabdef", B, A)


def lost(found: dict[str, Any], sharing: str, /) -> float:
    """The share of the Gauss-Newton block that the Kronecker product does not have."""
    exact = found["gauss_newton"]
    return float(np.linalg.norm(factored(found, sharing) - exact) / np.linalg.norm(exact))
