"""A small language model of one Transformer block, on a text that comes with Python: trained, and its exact Hessian."""

from __future__ import annotations

import contextlib
import io
from typing import Any, NamedTuple

import numpy as np

import hesslib
from hesslib import Chain, layers

FEATURES, HEADS, HIDDEN, LENGTH = 6, 2, 12, 8
GROUPS = ("embedding", "position", "norms", "query", "key", "value", "attention output", "feed-forward", "readout")


def text() -> str:
    """The text that ``import this`` prints, in lower case."""
    with contextlib.redirect_stdout(io.StringIO()):
        import this

    return "".join(this.d.get(letter, letter) for letter in this.s).lower()


def sequences(count: int, /) -> tuple[np.ndarray, np.ndarray, str]:
    """Windows of the text as numbers of letters, the letters that follow each position, and the alphabet."""
    written = text()
    alphabet = "".join(sorted(set(written)))
    numbers = np.array([alphabet.index(letter) for letter in written])
    starts = np.linspace(0, len(numbers) - LENGTH - 1, count).astype(int)
    x = np.stack([numbers[s : s + LENGTH] for s in starts])
    return x, np.stack([numbers[s + 1 : s + LENGTH + 1] for s in starts]), alphabet


def model(letters: int, /, *, norm: bool = True) -> Chain:
    """Embedding and position, attention and feed-forward with identity paths and norms before them, a readout.

    Without ``norm`` there is none before the attention.
    """
    attention = layers.Attention(FEATURES, HEADS, causal=True, bias=False)
    attend = layers.Residual(*([layers.LayerNorm(FEATURES)] if norm else []), attention)
    forward = layers.Residual(
        layers.LayerNorm(FEATURES),
        layers.Dense(FEATURES, HIDDEN),
        layers.Activation("gelu"),
        layers.Dense(HIDDEN, FEATURES),
    )
    ends = (layers.LayerNorm(FEATURES), layers.Dense(FEATURES, letters))
    return Chain(
        [layers.Embedding(letters, FEATURES), layers.Position(LENGTH, FEATURES), attend, forward, *ends],
        loss="softmax_cross_entropy",
    )


def groups(chain: Chain, /) -> np.ndarray:
    """To which group each parameter belongs, as a number into `GROUPS`."""
    where = np.empty(chain.num_parameters, dtype=int)
    by_layer = {"0": "embedding", "1": "position", "2.0": "norms", "3.0": "norms", "4": "norms", "5": "readout"}
    for name, place in chain.slices.items():
        layer, _, own = name.rpartition(".")
        if layer.startswith("2.1"):
            part = layer.split(".")[-1] if layer.count(".") > 1 else own
            group = {"query": "query", "key": "key", "value": "value", "output": "attention output"}[part]
        else:
            group = by_layer.get(layer, "feed-forward")
        where[place] = GROUPS.index(group)
    return where


def jax_error(chain: Chain, w: Any, x: Any, t: Any, /) -> Any:
    """The same model written anew for JAX, sharing the order of the parameters only; a sum over positions."""
    import jax
    import jax.numpy as jnp

    p = {name: w[place].reshape(chain.shapes[name]) for name, place in chain.slices.items()}

    def norm(z: Any, name: str) -> Any:
        centred = z - z.mean(-1, keepdims=True)
        scaled = centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return scaled * p[f"{name}.weight"] + p[f"{name}.bias"]

    z = p["0.weight"][x] + p[next(n for n in p if n.startswith("1."))]
    y = norm(z, "2.0")
    q, k, v = (
        (y @ p[f"2.1.{name}.weight"].T).reshape(*y.shape[:2], HEADS, -1).transpose(0, 2, 1, 3)
        for name in ("query", "key", "value")
    )
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(FEATURES // HEADS)
    scores = jnp.where(np.tril(np.ones((LENGTH, LENGTH))) > 0, scores, -jnp.inf)
    mixed = (jax.nn.softmax(scores, -1) @ v).transpose(0, 2, 1, 3).reshape(y.shape)
    z = z + mixed @ p["2.1.output.weight"].T
    y = norm(z, "3.0") @ p["3.1.weight"].T + p["3.1.bias"]
    z = z + jax.nn.gelu(y, approximate=False) @ p["3.3.weight"].T + p["3.3.bias"]
    a = norm(z, "4") @ p["5.weight"].T + p["5.bias"]
    return -jnp.sum(jnp.take_along_axis(jax.nn.log_softmax(a), jnp.asarray(t)[..., None], -1))


class Moment(NamedTuple):
    """A moment of training: step, mean error of a position, weights, Adam's mean squares of the gradient."""

    step: int
    error: float
    w: np.ndarray
    squares: np.ndarray


def train(chain: Chain, x: np.ndarray, t: np.ndarray, moments: tuple[int, ...], /, *, seed: int = 0) -> list[Moment]:
    """Adam on batches of ten sequences; what is kept are the moments that are asked for."""
    rng = np.random.default_rng(seed)
    w = np.asarray(chain.init(rng))
    mean, squares, kept = np.zeros_like(w), np.zeros_like(w), []
    for step in range(1, max(moments) + 2):
        rows = rng.choice(len(x), 10, replace=False)
        g = np.asarray(hesslib.gradient(chain, w, x[rows], t[rows])) / t[rows].size
        mean, squares = 0.9 * mean + 0.1 * g, 0.99 * squares + 0.01 * g**2
        corrected = squares / (1 - 0.99**step)
        if step - 1 in moments:
            kept.append(Moment(step - 1, float(hesslib.error(chain, w, x, t)) / t.size, w, corrected))
        w = w - 0.01 * (mean / (1 - 0.9**step)) / (np.sqrt(corrected) + 1e-8)
    return kept


# ------------------------------------------------------------------------------------------------ what one sees of it
def by_group(H: np.ndarray, where: np.ndarray, /) -> np.ndarray:
    """The mean size of the entries (root of the mean square) in each diagonal block."""
    sizes = []
    for group in range(len(GROUPS)):
        rows = np.flatnonzero(where == group)
        sizes.append(np.sqrt(np.mean(H[np.ix_(rows, rows)] ** 2)))
    return np.array(sizes)


def value_over_query(letters: int, x: np.ndarray, t: np.ndarray, /, *, norm: bool, seeds: int) -> np.ndarray:
    """How many times as large entries of the value block are as those of the query block, before training."""
    chain, ratios = model(letters, norm=norm), []
    of = [next(name for name in chain.names if name.endswith(f"{part}.weight")) for part in ("value", "query")]
    for seed in range(seeds):
        H = np.asarray(hesslib.hessian(chain, chain.init(seed), x, t))
        value, query = (np.linalg.norm(H[chain.slices[name], chain.slices[name]]) for name in of)
        ratios.append(value / query)
    return np.array(ratios)


def correlation(one: np.ndarray, other: np.ndarray, /) -> float:
    """The rank correlation of two lists of numbers (Spearman)."""
    first, second = (np.argsort(np.argsort(values)).astype(float) for values in (one, other))
    return float(np.corrcoef(first, second)[0, 1])


def approximations(H: np.ndarray, G: np.ndarray, where: np.ndarray, /) -> dict[str, float]:
    """The share of the Hessian that each approximation doesn't have, in Frobenius norms."""
    own = where[:, None] == where[None, :]
    diagonal = np.eye(len(H), dtype=bool)
    kept = {
        "Gauss-Newton": G,
        "blocks of the groups": np.where(own, H, 0),
        "blocks of Gauss-Newton": np.where(own, G, 0),
        "diagonal": np.where(diagonal, H, 0),
        "diagonal of Gauss-Newton": np.where(diagonal, G, 0),
    }
    return {name: float(np.linalg.norm(H - found) / np.linalg.norm(H)) for name, found in kept.items()}
