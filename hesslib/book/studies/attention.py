"""One attention layer against JAX, and how large the blocks of its Hessian are, at the start and while it learns."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

from hesslib.derivations import attention as derived

FEATURES, HEAD, POSITIONS = 6, 4, 5
NAMES = ("query", "key", "value", "output")


def causal(positions: int, /) -> np.ndarray:
    """The mask that lets a position look at itself and at what came before."""
    return np.tril(np.ones((positions, positions)))


def layer(Q: Any, K: Any, V: Any, x: Any, mask: Any, /) -> Any:
    """Attention as it is usually written, for a batch of sequences."""
    scores = (x @ Q) @ jnp.swapaxes(x @ K, 1, 2) / np.sqrt(Q.shape[1])
    weights = jax.nn.softmax(jnp.where(mask > 0, scores, -jnp.inf), axis=2)
    return weights @ (x @ V)


# ------------------------------------------------------------------------------------------------ formulas against JAX
def derived_parts(weights: tuple[Any, Any, Any], x: Any, mask: Any, target: Any, /) -> dict[str, Any]:
    """The gradient, the functional part and the Gauss-Newton part of half the squared error, by the derived program."""
    Q, K, V = weights
    run = derived.program().function(np)
    (T, _), A, F = x.shape[1:], Q.shape[1], V.shape[1]
    _, _, g, J, H = run(x, Q, K, V, mask, 1 / np.sqrt(A), A, F, T, lambda o: o - target)
    flat = {name: J[name].reshape(-1, g[name].size) for name in "QKV"}
    slopes = np.concatenate([flat[name] for name in "QKV"], axis=1)
    sizes = {name: g[name].size for name in "QKV"}
    rows = []
    for first in "QKV":
        row = []
        for second in "QKV":
            shape = (sizes[first], sizes[second])
            if first + second in H:
                row.append(H[first + second].reshape(shape))
            elif second + first in H:
                row.append(H[second + first].reshape(shape[::-1]).T)
            else:
                row.append(np.zeros(shape))
        rows.append(row)
    gradient = np.concatenate([g[name].ravel() for name in "QKV"])
    return {"gradient": gradient, "functional": np.block(rows), "outer": slopes.T @ slopes}


def referee(weights: tuple[Any, Any, Any], x: Any, mask: Any, target: Any, /) -> tuple[Any, Any, Any]:
    """Gradient, Hessian and Gauss-Newton matrix by JAX."""
    flat, unravel = jax.flatten_util.ravel_pytree(tuple(map(jnp.asarray, weights)))

    def outputs(w: Any) -> Any:
        Q, K, V = unravel(w)
        return layer(Q, K, V, x, mask).ravel()

    def error(w: Any) -> Any:
        return jnp.sum((outputs(w) - target.ravel()) ** 2) / 2

    def everything(w: Any) -> tuple[Any, Any, Any]:
        J = jax.jacobian(outputs)(w)
        return jax.grad(error)(w), jax.hessian(error)(w), J.T @ J

    return jax.jit(everything)(flat)


# ------------------------------------------------------------------------------------------------- blocks and training
def initial(rng: np.random.Generator, /, scale: float = 1.0) -> dict[str, Any]:
    """Random weights, of the variance scale**2 over the number of inputs."""
    shapes = {"query": (FEATURES, HEAD), "key": (FEATURES, HEAD), "value": (FEATURES, HEAD), "output": (HEAD, FEATURES)}
    return {name: scale * rng.standard_normal(shape) / np.sqrt(shape[0]) for name, shape in shapes.items()}


def _outputs(w: dict[str, Any], x: Any, linear: bool = False) -> Any:
    mask = causal(x.shape[1])
    if linear:
        scores = mask * ((x @ w["query"]) @ jnp.swapaxes(x @ w["key"], 1, 2)) / np.sqrt(HEAD) / x.shape[1]
        return scores @ (x @ w["value"]) @ w["output"]
    return layer(w["query"], w["key"], w["value"], x, mask) @ w["output"]


def teacher(rng: np.random.Generator, sequences: int, /) -> tuple[Any, Any]:
    """Sequences, and what another layer with sharper attention makes of them."""
    x = rng.standard_normal((sequences, POSITIONS, FEATURES))
    w = initial(rng)
    w |= {"query": 2 * w["query"], "key": 2 * w["key"]}
    return x, np.asarray(_outputs(w, x))


def error(w: dict[str, Any], x: Any, t: Any, /, linear: bool = False) -> Any:
    """Half the squared error, the mean over sequences and positions."""
    return jnp.sum((_outputs(w, x, linear) - t) ** 2) / (2 * x.shape[0] * x.shape[1])


@functools.partial(jax.jit, static_argnames="linear")
def _parts(w: dict[str, Any], x: Any, t: Any, linear: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """The squared norms of the diagonal blocks: of the Hessian, and of its Gauss-Newton part."""
    whole = jax.hessian(lambda w: error(w, x, t, linear))(w)
    slopes = jax.jacobian(lambda w: _outputs(w, x, linear).reshape(-1) / np.sqrt(x.shape[0] * x.shape[1]))(w)
    flat = {name: slopes[name].reshape(slopes[name].shape[0], -1) for name in NAMES}
    outer = {name: jnp.linalg.norm(flat[name].T @ flat[name]) for name in NAMES}
    return {name: jnp.linalg.norm(whole[name][name]) for name in NAMES}, outer


def blocks(w: dict[str, Any], x: Any, t: Any, /, *, linear: bool = False) -> np.ndarray:
    """The norms of the four diagonal blocks: first of the Hessian, then of its Gauss-Newton part."""
    whole, outer = _parts(w, x, t, linear)
    return np.array([[float(part[name]) for name in NAMES] for part in (whole, outer)])


@jax.jit
def _adam(w: Any, m: Any, v: Any, count: Any, x: Any, t: Any) -> Any:
    g = jax.grad(error)(w, x, t)
    m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
    v = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b**2, v, g)
    step = jax.tree.map(lambda a, b: (a / (1 - 0.9**count)) / (jnp.sqrt(b / (1 - 0.999**count)) + 1e-8), m, v)
    return jax.tree.map(lambda a, b: a - 0.01 * b, w, step), m, v


def learn(seed: int, /, *, steps: int, every: int, scale: float = 0.5) -> dict[str, np.ndarray]:
    """Training by Adam from small weights: the error and the norms of the blocks on the way."""
    rng = np.random.default_rng(seed)
    x, t = teacher(rng, 32)
    w = jax.tree.map(jnp.asarray, initial(rng, scale))
    m = jax.tree.map(jnp.zeros_like, w)
    v, errors, sizes = m, [], []
    for count in range(steps + 1):
        if count % every == 0:
            errors.append(float(error(w, x, t)))
            sizes.append(blocks(w, x, t))
        w, m, v = _adam(w, m, v, count + 1, x, t)
    return {"error": np.array(errors), "sizes": np.array(sizes)}
