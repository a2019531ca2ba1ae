"""Experiments of *From steepest descent to Levenberg-Marquardt*: ways down one surface, and runs on real data."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from sklearn.datasets import load_diabetes

import hesslib
from hesslib import Network, finite_difference, fit, levenberg_marquardt


class Surface:
    """The error of ``w_2 tanh(w_1 x) - t`` at 25 points, with its derivatives by hand."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.x = np.linspace(-2, 2, 25)
        self.t = 1.5 * np.tanh(1.2 * self.x) + 0.1 * rng.standard_normal(25)

    def r(self, v: Any) -> Any:
        """Return the residuals."""
        return v[1] * np.tanh(v[0] * self.x) - self.t

    def J(self, v: Any) -> Any:
        """Return their Jacobian."""
        z = np.tanh(v[0] * self.x)
        return np.stack([v[1] * (1 - z**2) * self.x, z], axis=1)

    def H(self, v: Any) -> Any:
        """Return the Hessian of the error, both its parts."""
        z, e, J = np.tanh(v[0] * self.x), self.r(v), self.J(v)
        corner = e @ (-2 * v[1] * z * (1 - z**2) * self.x**2)
        side = e @ ((1 - z**2) * self.x)
        return J.T @ J + np.array([[corner, side], [side, 0.0]])

    def g(self, v: Any) -> Any:
        """Return the gradient."""
        return self.J(v).T @ self.r(v)

    def E(self, v: Any) -> float:
        """Return the error."""
        return float(0.5 * np.sum(self.r(v) ** 2))

    def ways_down(self, start: Any) -> tuple[dict[str, Any], Any]:
        """Walk four ways from the same start; return them, and what Levenberg-Marquardt found."""

        def path(step: Callable[[Any], Any], count: int) -> Any:
            points = [start]
            for _ in range(count):
                points.append(points[-1] + step(points[-1]))
                if not np.all(np.abs(points[-1]) < 1e3):
                    break
            return np.array(points)

        trail: list[Any] = []
        found = levenberg_marquardt(self.r, self.J, start, callback=lambda v, record: trail.append(v.copy()))
        ways = {
            "steepest descent": path(lambda v: -0.02 * self.g(v), 60),
            "Newton": path(lambda v: -np.linalg.solve(self.H(v), self.g(v)), 8),
            "Gauss-Newton": path(lambda v: -np.linalg.lstsq(self.J(v), self.r(v))[0], 8),
            "Levenberg-Marquardt": np.array(trail),
        }
        return ways, found

    def draw(self, ways: dict[str, Any], minimum: Any) -> None:
        """Draw the ways over the contours of the error."""
        a, b = np.meshgrid(np.linspace(-0.8, 4, 120), np.linspace(-0.6, 4.2, 120))
        surface = 0.5 * np.sum((b[..., None] * np.tanh(a[..., None] * self.x) - self.t) ** 2, axis=-1)
        levels = np.geomspace(surface.min() * 1.3, surface.max(), 16)
        _, ax = plt.subplots(figsize=(6.4, 4.2))
        ax.contour(a, b, surface, levels=levels, colors="#b5b5b5", linewidths=0.7)
        for (name, points), marker in zip(ways.items(), ".s^o", strict=True):
            ax.plot(*points.T, marker + "-", ms=4, lw=1, label=name)
        ax.plot(*ways["Newton"][0], "ko")
        ax.plot(*minimum, "k*", ms=12)
        ax.set(xlim=(-0.8, 4), ylim=(-0.6, 4.2), xlabel="$w_1$", ylabel="$w_2$")
        ax.legend(fontsize=8, loc="upper right")


def second_part(net: Network, w: Any, x: Any, residuals: Any) -> Any:
    """The part of the Hessian with second derivatives of the outputs, which are taken from differences."""

    def second(row: Any) -> Any:
        return finite_difference.hessian(lambda u: float(hesslib.outputs(net, u, row[None])[0, 0]), w).value

    return sum(residual * second(row) for residual, row in zip(residuals, x, strict=True))


MARGIN = 0.05  # below the error of the best linear model, where the methods are compared
MOST = 600  # iterations
SHOWN = 0  # the start of the figure
METHODS: tuple[Any, ...] = ("steepest_descent", "conjugate_gradients", "gauss_newton", "newton", "levenberg_marquardt")


def diabetes() -> tuple[Any, Any]:
    """The ten measurements of each patient and the progress of the disease, scaled to standard deviation 1."""
    inputs, target = load_diabetes(return_X_y=True)
    return inputs / inputs.std(axis=0), ((target - target.mean()) / target.std())[:, None]


class Race(NamedTuple):
    """The runs of one method, one from each start, and the milliseconds that each took."""

    runs: list[Any]
    spent: list[float]

    def median(self, number: Callable[[Any], float]) -> float:
        """The median of a number of each run."""
        return float(np.median([number(run) for run in self.runs]))


def on_real_data(starts: range = range(5)) -> tuple[float, dict[str, Race]]:
    """Train a 10-3-1 network on the diabetes data from some starts, with each method, until it is below one level.

    Return the level, 5 % below the error of the best linear model, and the races.
    """
    inputs, target = diabetes()
    net = Network((10, 3, 1))
    rows = np.hstack([inputs, np.ones((len(inputs), 1))])
    linear = rows @ np.linalg.lstsq(rows, target, rcond=None)[0]
    level = float((1 - MARGIN) * 0.5 * np.sum((linear - target) ** 2))
    races = {method: Race([], []) for method in METHODS}
    for seed in starts:
        for method, race in races.items():
            begun = time.process_time()
            race.runs.append(fit(net, net.init(seed), inputs, target, method=method, target=level, max_iterations=MOST))
            race.spent.append(1e3 * (time.process_time() - begun))
    return level, races


def troubles(surface: Surface, start: Any) -> dict[str, Any]:
    """What Levenberg-Marquardt reports where it cannot do what is asked."""
    ones, flat = np.ones(2), np.zeros((3, 2))

    def nowhere(u: Any) -> Any:
        return np.array([2.0 if u[0] == 1 else np.nan])

    return {
        "a saddle as the start": levenberg_marquardt(surface.r, surface.J, np.zeros(2)),
        "a flat error": levenberg_marquardt(lambda u: np.ones(3), lambda u: flat, ones),
        "a wrong Jacobian": levenberg_marquardt(surface.r, lambda u: -surface.J(u), start),
        "residuals that are not numbers": levenberg_marquardt(nowhere, lambda u: np.ones((1, 1)), np.ones(1)),
    }


def mixed_derivatives_at_zero() -> list[float]:
    """Both mixed second derivatives at 0 of ab(a^2 - b^2)/(a^2 + b^2), by SymPy."""
    a, b = sp.symbols("a b")
    f = a * b * (a**2 - b**2) / (a**2 + b**2)
    by_a = sp.limit(sp.diff(f, a).subs(a, 0), a, 0)
    by_b = sp.simplify(sp.diff(f, b).subs(b, 0))
    return [float(sp.diff(by_a, b)), float(sp.diff(by_b, a))]


def one_step(net: Network, w: Any, x: Any, t: Any, method: Any, step: float) -> Any:
    """Where one step of `fit` leads, up or down."""
    seen: list[Any] = []
    options: dict[str, Any] = {"method": method, "step": step, "max_iterations": 1}
    fit(net, w, x, t, callback=lambda w, record: seen.append(w.copy()), **options)
    return seen[-1]
