"""Formulas of normalisation as numbers, and PyTorch's second derivatives of two layers, put to the checker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from hesslib.derivations import normalisation as derived
from hesslib.derivations.exact_network import evaluate


def normalised(x: np.ndarray, eps: float, /) -> tuple[np.ndarray, float]:
    """The normalised numbers, and the scale r."""
    r = 1 / np.sqrt(x.var() + eps)
    return r * (x - x.mean()), float(r)


def as_numbers(formula: Any, x: np.ndarray, gamma: np.ndarray, eps: float, /) -> np.ndarray:
    """The right-hand side of a derived formula at every value of its letters j and j'."""
    xhat, r = normalised(x, eps)
    mean, tilt = gamma.mean(), (gamma * xhat).mean()
    known = {derived.x: x, derived.gamma: gamma, derived.xhat: xhat, derived.s: r * (gamma - mean - xhat * tilt)}
    scalars = {derived.mu: x.mean(), derived.v: x.var(), derived.r: r, derived.eps: eps, derived.K: len(x)}

    def value(e: Any, _: Any) -> Any:
        if e in scalars:
            return sp.Float(scalars[e], 30)
        return sp.Float(known[e.base][int(e.indices[0]) - 1], 30)

    letters = [s for s in (derived.i, derived.j, derived.j_) if s in formula.result.free_symbols]
    places = np.ndindex(*[len(x)] * len(letters))
    found = [
        float(evaluate(formula.result, value, lambda _: len(x), dict(zip(letters, [p + 1 for p in at], strict=True))))
        for at in places
    ]
    return np.array(found).reshape([len(x)] * len(letters))


# ------------------------------------------------------------------------------------------------------ weight decay
def invariant_error(w: Any, x: Any, t: Any, /) -> Any:
    """An error that does not depend on the scale of w: a unit, normalised over the patterns."""
    import jax.numpy as jnp

    a = x @ w
    return jnp.mean((jnp.tanh((a - a.mean()) / a.std()) - t) ** 2) / 2


def decay(x: Any, t: Any, w: np.ndarray, /, *, rate: float, strength: float, steps: int) -> np.ndarray:
    """Gradient descent with weight decay: in each step the length of w, that of its gradient, and w g."""
    import jax

    gradient = jax.jit(jax.grad(lambda w: invariant_error(w, x, t)))
    rows = []
    for _ in range(steps):
        g = np.asarray(gradient(w))
        rows.append([np.linalg.norm(w), np.linalg.norm(g), w @ g])
        w = w - rate * (g + strength * w)
    return np.array(rows)


# --------------------------------------------------------------------------------------------------------- PyTorch
class Asked(NamedTuple):
    """A layer, how its second derivatives were asked for, and what is known of them."""

    layer: str
    mode: str
    ok: bool  # what the checker says
    error: float  # the largest difference from the derived formula, over the largest entry
    symmetric: bool


MODES = ("forward over reverse", "reverse over reverse", "forward over forward")


def layers() -> dict[str, tuple[Callable[[Any], Any], Any]]:
    """A scalar function of one layer each, in PyTorch, and its point."""
    import torch
    from torch.nn import functional

    weights = torch.arange(1.0, 7.0, dtype=torch.float64)
    point = torch.tensor([0.3, -1.2, 0.8, 2.0, -0.5, 0.1], dtype=torch.float64)

    def layer_norm(x: Any) -> Any:
        return (functional.layer_norm(x.reshape(2, 3), (3,), eps=0.25).ravel() * weights).sum()

    def batch_norm(x: Any) -> Any:
        return (functional.batch_norm(x.reshape(3, 2), None, None, training=True, eps=0.25).ravel() * weights).sum()

    def by_hand(x: Any) -> Any:
        rows = x.reshape(2, 3)
        centred = rows - rows.mean(1, keepdim=True)
        return ((centred / torch.sqrt((centred**2).mean(1, keepdim=True) + 0.25)).ravel() * weights).sum()

    return {"layer_norm": (layer_norm, point), "batch_norm": (batch_norm, point), "written out": (by_hand, point)}


def bending(x: np.ndarray, gamma: np.ndarray, eps: float, /) -> np.ndarray:
    """The derived second derivative of one group, as an array."""
    xhat, r = normalised(x, eps)
    K, tilt = len(x), (gamma * xhat).mean()
    s = r * (gamma - gamma.mean() - xhat * tilt)
    slope = r * (np.eye(K) - 1 / K - np.outer(xhat, xhat) / K)
    return -r / K * (np.outer(xhat, s) + np.outer(s, xhat)) - r * tilt * slope


def _by_formula(groups: np.ndarray, point: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """The whole Hessian: groups do not see each other."""
    H = np.zeros((len(point), len(point)))
    for group in groups:
        H[np.ix_(group, group)] = bending(point[group], gamma[group], 0.25)
    return H


def ask() -> list[Asked]:
    """Every layer in every mode: the checker's verdict, and the distance from the derived formula."""
    import torch

    from hesslib import check

    func = torch.func
    modes = {
        MODES[0]: lambda f: func.jacfwd(func.jacrev(f)),
        MODES[1]: lambda f: func.jacrev(func.jacrev(f)),
        MODES[2]: lambda f: func.jacfwd(func.jacfwd(f)),
    }
    numbers, gamma, out = np.arange(6), np.arange(1.0, 7.0), []
    for name, (f, point) in layers().items():
        groups = numbers.reshape(3, 2).T if name == "batch_norm" else numbers.reshape(2, 3)
        right = _by_formula(groups, point.numpy(), gamma)
        for mode, second in modes.items():
            claimed = second(f)(point)
            report = check.hessian(f, point, claimed, progress=False)
            found = claimed.numpy()
            off = np.abs(found - right).max() / np.abs(right).max()
            out.append(
                Asked(name, mode, report.ok, float(off), bool(np.allclose(found, found.T, rtol=1e-9, atol=1e-9)))
            )
    return out


def in_words(asked: list[Asked], version: str, /) -> str:
    """What was found, as a sentence."""
    refused = [a for a in asked if not a.ok]
    if not refused:
        return f"With PyTorch {version} the checker accepts all of them: the faults of earlier releases are mended."
    which = " and ".join(sorted({f"`{a.layer}` in the mode {a.mode}" for a in refused}))
    return f"With PyTorch {version} the checker refuses {which}; what was asked for in the other ways it accepts."
