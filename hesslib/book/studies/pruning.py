"""Experiments of *Pruning and re-training*: one network on the diabetes data, pruned and trained again."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

import hesslib
from hesslib import Network, bayesian_regularization

NET = Network((10, 4, 1))
METHODS = {"magnitude": "magnitude", "obd": "brain damage", "obs": "brain surgeon"}


def split(seed: int) -> tuple[Any, ...]:
    """A network trained on 342 of the patients: weights and decay; inputs and targets of these; those of the others."""
    inputs, target = load_diabetes(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(inputs))
    train, test = order[:342], order[342:]
    x = (inputs - inputs[train].mean(0)) / inputs[train].std(0)
    t = ((target - target[train].mean()) / target[train].std())[:, None]
    start = NET.init(0, method="nguyen_widrow")
    found = bayesian_regularization(NET, start, x[train], t[train], tolerance=1e-6, max_iterations=200)
    return found.w, found.alpha / found.beta, x[train], t[train], x[test], t[test]


def draw_curves(curves: dict[str, Any], mean: float) -> None:
    """The error against the number of weights removed, with that of the trained network and of the mean."""
    _, ax = plt.subplots()
    for method, name in METHODS.items():
        ax.plot(curves[method].error, label=name)
    ax.axhline(curves["obs"].error[0], color="#999999", lw=0.8)
    ax.axhline(mean, color="#999999", lw=0.8)
    ax.set(xlabel="weights removed", ylabel="error with decay", ylim=(50, 260))
    ax.legend()


def removable(error: Any, allowed: float = 1.1) -> int:
    """How many go before the error has risen by a tenth."""
    error = np.array(error)
    return int(np.argmax(error > allowed * error[0])) - 1


def rms_error(w: Any, x: Any, t: Any) -> float:
    """The root mean square error on patients that were not used."""
    return float(np.sqrt(np.mean((hesslib.outputs(NET, w, x) - t) ** 2)))


def draw_predictions(predicted: Any, measured: Any, counts: Any, tests: dict[str, list[float]]) -> None:
    """Left, rises measured against rises predicted; right, test errors against the number of weights removed."""
    _, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.1))
    positive, span = measured > 0, [predicted.min() / 2, 2 * predicted.max()]
    left.loglog(span, span, color="#999999", lw=1)
    left.loglog(predicted[positive], measured[positive], "o")
    left.set(xlabel="predicted rise", ylabel="measured rise")
    for method, values in tests.items():
        right.plot(counts, values, "o-", label=METHODS[method])
    right.set(xlabel="weights removed", ylabel="test error")
    right.legend()


class Penalised:
    """The error with decay on some data, its slope and its curvature."""

    def __init__(self, decay: float, x: Any, t: Any) -> None:
        self.decay, self.data = decay, (x, t)

    def slope(self, w: Any) -> Any:
        """Return the gradient."""
        return hesslib.gradient(NET, w, *self.data) + self.decay * w

    def curvature(self, w: Any) -> Any:
        """Return the Hessian."""
        return hesslib.hessian(NET, w, *self.data) + self.decay * np.eye(len(w))

    def minimum(self, w: Any, steps: int = 6) -> Any:
        """Go to the minimum nearby, by Newton's steps to the last digit."""
        for _ in range(steps):
            w = w - np.linalg.solve(self.curvature(w), self.slope(w))
        assert np.abs(self.slope(w)).max() < 1e-8
        return w


def distances_after_a_change(w: Any, decay: float, x: Any, t: Any, sizes: Any) -> dict[str, list[float]]:
    """How far from the new minimum one is after ten patterns changed: without a step, and after either kind of one."""
    draw = np.random.default_rng(4)
    shift_x, shift_t = np.zeros_like(x), np.zeros_like(t)
    shift_x[:10] = draw.standard_normal((10, 10))
    shift_t[:10] = draw.standard_normal((10, 1))
    before = Penalised(decay, x, t)
    settled = before.minimum(w)
    X_old = np.linalg.inv(before.curvature(settled))
    assert np.linalg.eigvalsh(X_old)[0] > 0
    distances: dict[str, list[float]] = {"old weights": [], "old inverse": [], "new inverse": []}
    for size in sizes:
        after = Penalised(decay, x + size * shift_x, t + size * shift_t)
        g = after.slope(settled)
        by_new = settled - np.linalg.solve(after.curvature(settled), g)
        end = after.minimum(by_new)
        for name, point in zip(distances, (settled, settled - X_old @ g, by_new), strict=True):
            distances[name].append(float(np.linalg.norm(point - end)))
    return distances
