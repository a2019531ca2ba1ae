"""Gradients and curvature in the first layer of deep chains of layers, with and without an identity path."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

WIDTH = 20
DEPTHS = (2, 4, 8, 16, 32, 64)


class Case(NamedTuple):
    """How a layer is built: with an identity path or without, and the factor of its branch, given the depth."""

    name: str
    identity: bool
    gain: float  # the width times the variance of a weight
    factor: Any


CASES = (
    Case("plain, $N\\sigma^2=1/2$", False, 0.5, lambda depth: 1.0),
    Case("plain, $N\\sigma^2=1$", False, 1.0, lambda depth: 1.0),
    Case("residual, $N\\sigma^2=1/2$", True, 0.5, lambda depth: 1.0),
    Case("residual, scaled", True, 0.5, lambda depth: depth**-0.5),
)
"""Layers z' = tanh(W z), with small and with larger weights, z' = z + tanh(W z), and z' = z + tanh(W z) / sqrt(L)."""


class Sizes(NamedTuple):
    """Norms in each layer, first to last: of the gradient by its weights, and of their block of the Hessian."""

    gradient: np.ndarray
    hessian: np.ndarray
    bending: np.ndarray  # the same block without the Gauss-Newton part


def run(case: Case, depth: int, rng: np.random.Generator, /) -> dict[str, Any]:
    """A forward pass and, by {eq}`any-layer-own-curvature`, the signals and the Hessians by all outputs."""
    s = case.factor(depth)
    W = [np.sqrt(case.gain / WIDTH) * rng.standard_normal((WIDTH, WIDTH)) for _ in range(depth)]
    z = [rng.standard_normal(WIDTH)]
    for w in W:
        z.append(case.identity * z[-1] + s * np.tanh(w @ z[-1]))
    target = rng.standard_normal(WIDTH)
    delta, B, outer = z[-1] - target, np.eye(WIDTH), np.eye(WIDTH)
    layers = []
    for y in range(depth - 1, -1, -1):
        t = np.tanh(W[y] @ z[y])
        slope, bend = s * (1 - t**2), -2 * s * t * (1 - t**2)
        layers.append({"slope": slope, "bend": delta * bend, "delta": delta, "B": B, "outer": outer, "z": z[y]})
        J = case.identity * np.eye(WIDTH) + slope[:, None] * W[y]
        B = J.T @ B @ J + W[y].T @ ((delta * bend)[:, None] * W[y])
        outer = J.T @ outer @ J
        delta = J.T @ delta
    return {"W": W, "z": z, "target": target, "layers": layers[::-1], "factor": s, "at_input": (delta, B)}


def sizes(found: dict[str, Any], /) -> Sizes:
    """The norms of the blocks; a block is a matrix of units times the inputs of the layer, on both sides."""
    gradient, hessian, bending = [], [], []
    for layer in found["layers"]:
        inputs = layer["z"] @ layer["z"]
        gradient.append(np.linalg.norm(layer["slope"] * layer["delta"]) * np.sqrt(inputs))
        outer = layer["slope"][:, None] * layer["outer"] * layer["slope"]
        units = layer["slope"][:, None] * layer["B"] * layer["slope"] + np.diag(layer["bend"])
        hessian.append(np.linalg.norm(units) * inputs)
        bending.append(np.linalg.norm(units - outer) * inputs)
    return Sizes(np.array(gradient), np.array(hessian), np.array(bending))


def in_the_first_layer(case: Case, depth: int, seeds: int, /) -> np.ndarray:
    """What is left of the signal at the inputs, and the norms of the gradient, of the block and of its bending part."""
    rows = []
    for seed in range(seeds):
        found = run(case, depth, np.random.default_rng([seed, depth]))
        left = np.linalg.norm(found["at_input"][0]) / np.linalg.norm(found["z"][-1] - found["target"])
        of = sizes(found)
        rows.append([left, of.gradient[0], of.hessian[0], of.bending[0]])
    return np.array(rows)


def expected(case: Case, depth: int, /) -> float:
    """What is left of the signal on average, if the layers were linear."""
    return (case.identity + case.factor(depth) ** 2 * case.gain) ** (depth / 2)


def jax_block(found: dict[str, Any], case: Case, /) -> tuple[Any, Any]:
    """The gradient by the first layer's weights and their block of the Hessian, by JAX."""
    import jax
    import jax.numpy as jnp

    def error(first: Any) -> Any:
        z = found["z"][0]
        for w in (first.reshape(WIDTH, WIDTH), *found["W"][1:]):
            z = case.identity * z + found["factor"] * jnp.tanh(w @ z)
        return jnp.sum((z - found["target"]) ** 2) / 2

    return jax.jit(lambda w: (jax.grad(error)(w), jax.hessian(error)(w)))(found["W"][0].ravel())


def block(found: dict[str, Any], /) -> tuple[np.ndarray, np.ndarray]:
    """The same from the recursion: the block is a matrix of units times the inputs on both sides."""
    layer = found["layers"][0]
    units = layer["slope"][:, None] * layer["B"] * layer["slope"] + np.diag(layer["bend"])
    z = layer["z"]
    gradient = np.outer(layer["slope"] * layer["delta"], z).ravel()
    return gradient, np.einsum("jk,i,p->jikp", units, z, z).reshape(len(z) ** 2, -1)
