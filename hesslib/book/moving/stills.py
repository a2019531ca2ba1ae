"""How six moving figures stand on paper, where the page has no picture that shows the same: each where it starts."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np

import hesslib
from hesslib.book.moving.surface import patterns
from hesslib.book.worked_example import WorkedExample

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"


def _axes(x: tuple[float, float], y: tuple[float, float]) -> Any:
    axes = plt.subplots(figsize=(5.6, 3.4))[1]
    axes.set(xlim=x, ylim=y, aspect="equal", xlabel="$w_1$", ylabel="$w_2$")
    return axes


def _contours(axes: Any, f: Any, levels: Any) -> None:
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    x, y = np.meshgrid(np.linspace(left, right, 120), np.linspace(low, high, 120))
    axes.contour(x, y, f(x, y), levels=levels, colors="#b5b5b5", linewidths=0.8)


def _ellipse(axes: Any, A: Any, level: float, centre: Any, colour: str, label: str) -> None:
    r"""The curve $\tfrac12s^TAs$ = level about a centre."""
    turn = np.linspace(0, 2 * np.pi, 200)
    values, vectors = np.linalg.eigh(A)
    round_ = np.sqrt(2 * level / values)[:, None] * np.stack([np.cos(turn), np.sin(turn)])
    axes.plot(*(np.asarray(centre)[:, None] + vectors @ round_), color=colour, label=label)


def _arrow(axes: Any, start: Any, end: Any, colour: str) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 2})


def _turned(ratio: float, angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]]) @ np.diag([1, ratio]) @ np.array([[c, s], [-s, c]])


def inverse(b: np.ndarray) -> Any:
    """The ellipse of the inverse after none, one, three and all of the patterns, from a multiple of the identity."""
    axes = _axes((-1.6, 1.6), (-1.1, 1.1))
    for count, colour in zip((0, 1, 3, len(b)), (BLUE, ORANGE, GREEN, PURPLE), strict=True):
        _ellipse(axes, np.eye(2) + b[:count].T @ b[:count], 0.5, (0, 0), colour, f"{count} patterns")
    axes.legend()
    return axes.figure


def ellipses() -> Any:
    """The error surface and, at one point, the Hessian, the Gauss-Newton matrix and the diagonal."""
    x, t = (np.array(values) for values in patterns().values())
    net, w = hesslib.Network((1, 1, 1)), np.array([1.1, 0, 1.2, 0])
    axes = _axes((-0.5, 3), (0, 2.4))
    _contours(axes, lambda a, b: np.sum((b[..., None] * np.tanh(a[..., None] * x) - t) ** 2, -1) / 2, 12)
    H, GN = (f(net, w, x[:, None], t[:, None])[np.ix_([0, 2], [0, 2])] for f in (hesslib.hessian, hesslib.gauss_newton))
    for A, colour, label in ((H, "k", "exact"), (GN, ORANGE, "Gauss-Newton"), (np.diag(np.diag(H)), GREEN, "diagonal")):
        _ellipse(axes, A, 0.15, w[[0, 2]], colour, label)
    axes.legend()
    return axes.figure


def conjugate() -> Any:
    """Steepest descent and two conjugate directions."""
    H, axes = _turned(8, 0.35), _axes((-4, 4), (-2.5, 2.5))
    _contours(
        axes, lambda x, y: (H[0, 0] * x**2 + 2 * H[0, 1] * x * y + H[1, 1] * y**2) / 2, [0.1, 0.5, 1.5, 3, 5, 7.5]
    )
    start = np.array([-3.2, 0.4])

    def lowest(w: np.ndarray, d: np.ndarray) -> np.ndarray:
        return w - (H @ w @ d) / (d @ H @ d) * d

    steepest = [start]
    for _ in range(12):
        steepest.append(lowest(steepest[-1], -H @ steepest[-1]))
    q, g = -H @ start, H @ steepest[1]
    two = [*steepest[:2], lowest(steepest[1], -g + (q @ H @ g) / (q @ H @ q) * q)]
    axes.plot(*np.array(steepest).T, color=BLUE, lw=1, label="steepest descent")
    axes.plot(*np.array(two).T, color=ORANGE, lw=2.5, label="conjugate directions")
    axes.legend()
    return axes.figure


def pruning() -> Any:
    """A weight is removed alone, and with the other following."""
    H, w, axes = _turned(12, np.deg2rad(-35)), np.array([2.0, 1.2]), _axes((-3, 4), (-2, 3))
    for level in (0.25, 1, 2.25, 4):
        _ellipse(axes, H, level, w, "#b5b5b5", "")
    X = np.linalg.inv(H)
    axes.axvline(0, color="k")
    _arrow(axes, w, (0, w[1]), ORANGE)
    _arrow(axes, w, w - w[0] * X[:, 0] / X[0, 0], GREEN)
    return axes.figure


def direction() -> Any:
    """The error over two weights of the worked example with a direction and half its product."""
    at, angle = WorkedExample(), np.deg2rad(30)
    places = [at.place("w11"), at.place("v1")]
    v = np.zeros(9)
    v[places] = np.cos(angle), np.sin(angle)
    product = hesslib.hessian_vector_product(at.network, at.w, at.x, at.t, v)
    axes = _axes((-2, 3), (-1, 4))
    a2 = at.values["v2"] * at.values["z2"] + at.values["c"] - at.values["t"]
    rest = at.values["a1"] - at.values["w11"] * at.values["x1"]
    _contours(axes, lambda x, y: (y * np.tanh(x * at.values["x1"] + rest) + a2) ** 2 / 2, [0.02, 0.1, 0.5, 1, 2, 4, 6])
    foot = at.w[places]
    _arrow(axes, foot, foot + v[places], ORANGE)
    _arrow(axes, foot, foot + product[places] / 2, GREEN)
    return axes.figure


def evidence(data: Any) -> Any:
    """The fit with a small, a middling and a large weight decay."""
    axes = plt.subplots(figsize=(5.6, 3.4))[1]
    axes.plot(data["x"], data["t"], "k.")
    for power, colour in zip((-4, 0, 3), (BLUE, GREEN, ORANGE), strict=True):
        u = np.array(data["b"]) / (data["beta"] * np.array(data["lambda"]) + 10.0**power)
        axes.plot(data["grid"], np.array(data["at_grid"]) @ u, color=colour, label=rf"$\alpha=10^{{{power}}}$")
    axes.legend()
    return axes.figure
