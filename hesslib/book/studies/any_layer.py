"""A chain of five unlike layers, each differentiated alone by JAX; *One layer, any layer* puts the pieces together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hesslib.derivations import any_layer_program

POSITIONS, CHANNELS, HEAD = 4, 3, 2


class Layer(NamedTuple):
    """A function of a vector of inputs and one of parameters, and how many of each there are."""

    name: str
    function: Callable[[Any, Any], Any]
    outputs: int
    parameters: int


def _split(theta: Any, *shapes: tuple[int, ...]) -> list[Any]:
    parts, start = [], 0
    for shape in shapes:
        count = int(np.prod(shape))
        parts.append(theta[start : start + count].reshape(shape))
        start += count
    return parts


def _convolution(z: Any, theta: Any) -> Any:
    w, b = _split(theta, (CHANNELS, CHANNELS, 3), (CHANNELS,))
    padded = jnp.pad(z.reshape(POSITIONS, CHANNELS), ((1, 1), (0, 0)))
    out = sum(padded[s : s + POSITIONS] @ w[:, :, s].T for s in range(3)) + b
    return jnp.tanh(out).ravel()


def _normalisation(z: Any, theta: Any) -> Any:
    gain, shift = _split(theta, (CHANNELS,), (CHANNELS,))
    rows = z.reshape(POSITIONS, CHANNELS)
    centred = rows - rows.mean(1, keepdims=True)
    return (gain * centred / jnp.sqrt((centred**2).mean(1, keepdims=True) + 0.01) + shift).ravel()


def _attention(z: Any, theta: Any) -> Any:
    q, k, v = _split(theta, (CHANNELS, HEAD), (CHANNELS, HEAD), (CHANNELS, CHANNELS))
    x = z.reshape(POSITIONS, CHANNELS)
    scores = (x @ q) @ (x @ k).T / np.sqrt(HEAD)
    return (jax.nn.softmax(scores, axis=1) @ (x @ v)).ravel()


def _residual(z: Any, theta: Any) -> Any:
    (w,) = _split(theta, (CHANNELS, CHANNELS))
    rows = z.reshape(POSITIONS, CHANNELS)
    return (rows + jnp.tanh(rows @ w.T)).ravel()


def _dense(z: Any, theta: Any) -> Any:
    w, b = _split(theta, (2, POSITIONS * CHANNELS), (2,))
    return w @ z + b


def five_layers() -> list[Layer]:
    """A convolution, a normalisation, an attention, a residual and a dense layer."""
    inside = POSITIONS * CHANNELS
    return [
        Layer("convolution", _convolution, inside, 3 * CHANNELS**2 + CHANNELS),
        Layer("normalisation", _normalisation, inside, 2 * CHANNELS),
        Layer("attention", _attention, inside, 2 * CHANNELS * HEAD + CHANNELS**2),
        Layer("residual", _residual, inside, CHANNELS**2),
        Layer("dense", _dense, 2, 2 * inside + 2),
    ]


def initial(chain: Sequence[Layer], rng: np.random.Generator, /) -> list[Any]:
    """Random parameters of every layer."""
    return [0.5 * rng.standard_normal(layer.parameters) for layer in chain]


def error(chain: Sequence[Layer], theta: Sequence[Any], x: Any, t: Any, /) -> Any:
    """Half the squared error of the whole chain: what JAX differentiates as a referee."""

    def outputs(z: Any) -> Any:
        for layer, own in zip(chain, theta, strict=True):
            z = layer.function(z, own)
        return z

    return jnp.sum((jax.vmap(outputs)(x) - t) ** 2) / 2


def arrays(chain: Sequence[Layer], theta: Sequence[Any], x: Any, t: Any, /) -> dict[str, Any]:
    """What each layer supplies, from that layer alone; entry 0 of a list is not used."""
    unused: list[Any] = [None]
    J, K, Phi, Psi, Omega = (unused.copy() for _ in range(5))
    z = [np.asarray(x)]
    for layer, own in zip(chain, theta, strict=True):
        out, by_input, by_parameter = jax.jit(partial(_first, layer.function))(z[-1], own)
        z.append(np.asarray(out))
        J.append(np.asarray(by_input))
        K.append(np.asarray(by_parameter))
    M = np.broadcast_to(np.eye(t.shape[1]), (len(t), t.shape[1], t.shape[1]))
    delta = {len(chain): z[-1] - t}
    gradient = any_layer_program.gradient_program().function(np)(len(chain), J, K, delta)
    for y, (layer, own) in enumerate(zip(chain, theta, strict=True), 1):
        second = jax.jit(partial(_second, layer.function))(z[y - 1], own, delta[y])
        for kept, found in zip((Phi, Psi, Omega), second, strict=True):
            kept.append(np.asarray(found))
    return {"J": J, "K": K, "Phi": Phi, "Psi": Psi, "Omega": Omega, "M": M, "delta": delta, "gradient": gradient}


def _first(f: Callable[[Any, Any], Any], z: Any, theta: Any) -> tuple[Any, Any, Any]:
    def one(u: Any) -> tuple[Any, Any, Any]:
        return f(u, theta), *jax.jacrev(f, (0, 1))(u, theta)

    return jax.vmap(one)(z)


def _second(f: Callable[[Any, Any], Any], z: Any, theta: Any, delta: Any) -> tuple[Any, Any, Any]:
    """The second derivatives, summed with the signal."""

    def one(u: Any, d: Any) -> tuple[Any, Any, Any]:
        (inputs, _), (mixed, parameters) = jax.hessian(lambda u, p: d @ f(u, p), (0, 1))(u, theta)
        return inputs, mixed, parameters

    return jax.vmap(one)(z, delta)


def assembled(chain: Sequence[Layer], known: dict[str, Any], /, *, outer: bool = False) -> Any:
    """The whole Hessian, or the Gauss-Newton matrix, from the arrays of the layers by the derived program."""
    n = [POSITIONS * CHANNELS, *[layer.outputs for layer in chain]]
    names = ("J", "K", "M") if outer else ("J", "K", "Phi", "Psi", "Omega", "M", "delta")
    program = any_layer_program.gauss_newton_program() if outer else any_layer_program.hessian_program()
    blocks = program.function(np)(len(chain), n, *[known[name] for name in names])
    layers = range(1, len(chain) + 1)
    return np.block([[np.asarray(blocks[m][l] if m >= l else blocks[l][m].T) for l in layers] for m in layers])


def products(chain: Sequence[Layer], known: dict[str, Any], vector: Sequence[Any], /) -> Any:
    """The Hessian times a vector, by the derived program."""
    names = ("J", "K", "Phi", "Psi", "Omega", "M", "delta")
    at_input = {0: np.zeros((len(known["M"]), POSITIONS * CHANNELS))}
    found = any_layer_program.product_program().function(np)(
        len(chain), *[known[name] for name in names], [None, *vector], at_input
    )
    return np.concatenate([found[y] for y in range(1, len(chain) + 1)])
