"""Experiments of *Conjugate gradients and the two-class problem*: the points, the animation, slips of the program.

Longer than one sitting: a chapter computes many things, and its experiments stand where its reader looks for them.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML

import hesslib
from hesslib import Network, fit
from hesslib.agreement import Check

MEANS = ([0.2, 0.4], [0.8, 0.8], [0.5, 0.7])
NARROW = [[0.04, -0.02], [-0.02, 0.02]]
COVARIANCES = (NARROW, NARROW, [[0.02, -0.03], [-0.03, 0.1]])
SHARES = (30, 20, 50)


def draw(rng: np.random.Generator, times: int = 1) -> tuple[Any, Any]:
    """Points and classes, with 100 points for each `times`."""
    parts = [
        rng.multivariate_normal(mean, cov, times * share)
        for mean, cov, share in zip(MEANS, COVARIANCES, SHARES, strict=True)
    ]
    classes = np.repeat([0.0, 0.0, 1.0], [times * share for share in SHARES])
    return np.concatenate(parts), classes[:, None]


def densities(points: Any) -> Any:
    """The density of each of the three distributions, times its share."""
    values = []
    for mean, cov, share in zip(MEANS, COVARIANCES, SHARES, strict=True):
        d = points - mean
        square = np.einsum("ni,ij,nj->n", d, np.linalg.inv(cov), d)
        height = share / (200 * np.pi * np.sqrt(np.linalg.det(cov)))
        values.append(height * np.exp(-square / 2))
    return np.array(values)


def bayes(points: Any) -> Any:
    """The probability of class 1, which knows the three distributions."""
    p = densities(points)
    return p[2] / p.sum(axis=0)


def square_grid(count: int) -> tuple[Any, Any]:
    """The places along one axis, and all points of the square."""
    axis = np.linspace(-0.15, 1.25, count)
    return axis, np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def show_points(ax: Any, x: Any, t: Any) -> None:
    """Circles and crosses."""
    zero = t[:, 0] == 0
    ax.plot(*x[zero].T, "o", mfc="none", label="class 0")
    ax.plot(*x[~zero].T, "x", label="class 1")
    ax.set(xlim=(-0.15, 1.25), ylim=(-0.15, 1.25), aspect="equal")


def draw_problem(x: Any, t: Any) -> None:
    """The points and the boundary of Bayes."""
    _, ax = plt.subplots(figsize=(4.6, 4.4))
    axis, grid = square_grid(90)
    show_points(ax, x, t)
    ax.contour(axis, axis, bayes(grid).reshape(90, 90), levels=[0.5], colors="k")
    ax.legend(loc="lower right", fontsize=8)


# Runs of the library


def run_of(net: Network, w: Any, x: Any, t: Any, method: Any) -> tuple[Any, list[Any]]:
    """The result of `fit`, and its weights after each iteration."""
    path: list[Any] = []
    options: dict[str, Any] = {"method": method, "max_iterations": 120}
    return fit(net, w, x, t, callback=lambda w, record: path.append(w.copy()), **options), path


NET = Network((2, 8, 1))  # that of the page; only its sizes count here
P, L, PATTERNS = NET.num_parameters, NET.L, sum(SHARES)
PRODUCT = (8 * L - 5) / (3 * L - 1)  # Hv over a gradient
MATRIX = 1 + (P + 1) / 6 + P**2 / (18 * PATTERNS)  # the rows b; P(P+1)/2 of each pattern; a factorisation, P^3/6


def work(record: Any) -> float:
    """Gradient evaluations, by counted multiplications: an error is a third of one with its gradient, 3P a pattern."""
    count = record.evaluations
    return count.errors / 3 + 2 * count.gradients / 3 + PRODUCT * count.products + MATRIX * count.matrices


def start_of(net: Network, seed: int) -> Any:
    """Weights of the variance that the program uses, one over the number of inputs times that of outputs of a layer."""
    draws = np.random.default_rng(seed)
    shapes = [(net.widths[y], net.widths[y - 1]) for y in range(1, net.L + 1)]
    W = [draws.normal(0, np.prod(shape) ** -0.5, shape) for shape in shapes]
    return net.ravel(W, [np.zeros(rows) for rows, _ in shapes])


def accuracy(net: Network, w: Any, x: Any, t: Any) -> float:
    """The share of points whose class is told."""
    return float(np.mean((hesslib.outputs(net, w, x)[:, 0] > 0.5) == (t[:, 0] == 1)))


def draw_errors(runs: dict[str, Any], program: Any) -> None:
    """The errors against iterations and against gradient evaluations."""
    _, axes = plt.subplots(1, 2, figsize=(7.6, 3.4), sharey=True)
    for label, run in runs.items():
        errors = [record.error for record in run.history]
        axes[0].loglog(1 + np.arange(len(errors)), errors, label=label)
        axes[1].loglog([work(record) for record in run.history], errors)
    for ax in axes:
        ax.loglog(1 + np.arange(len(program)), program, label="the program")
    axes[0].set(xlabel="1 + iterations", ylabel="error", ylim=(3, 90))
    axes[1].set(xlabel="gradient evaluations")
    axes[0].legend(fontsize=8)


# The animation


def frame(net: Network, w: Any, x: Any, t: Any, title: str) -> str:
    """One picture of the regions, as a data URI."""
    fig, ax = plt.subplots(figsize=(4.2, 4.2))
    axis, grid = square_grid(70)
    show_points(ax, x, t)
    y = hesslib.outputs(net, w, grid)[:, 0].reshape(70, 70)
    ax.contourf(axis, axis, y, levels=[0, 0.5, 1], colors=["#1f77b4", "#d62728"], alpha=0.15)
    ax.set_title(title, fontsize=10)
    data = io.BytesIO()
    fig.savefig(data, format="png", dpi=72)
    plt.close(fig)
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


PLAYER = """
<div id='boundary'><img alt='@alt' src='@first' style='max-width:100%'><br>
<button type='button'>Play</button>
<label>Iteration <input type='range' min='0' max='@last' value='0' style='max-width:60%'></label>
<output aria-live='polite'>iteration 0</output></div>
<script>(function () {
  var box = document.getElementById('boundary'), frames = [@frames], labels = [@labels],
    image = box.querySelector('img'), button = box.querySelector('button'),
    slider = box.querySelector('input'), out = box.querySelector('output'), timer = null;
  function show() { image.src = frames[slider.value]; out.textContent = labels[slider.value]; }
  function stop() { clearInterval(timer); timer = null; button.textContent = 'Play'; }
  slider.addEventListener('input', function () { stop(); show(); });
  button.addEventListener('click', function () {
    if (timer) { stop(); return; }
    if (+slider.value === frames.length - 1) { slider.value = 0; show(); }
    button.textContent = 'Pause';
    timer = setInterval(function () {
      if (+slider.value === frames.length - 1) { stop(); return; }
      slider.value = +slider.value + 1;
      show();
    }, 600);
  });
})();</script>
"""


def player(frames: list[str], labels: list[str], alt: str) -> HTML:
    """Pictures with a button that plays them and a slider; nothing moves unless it is asked to."""
    quoted = {"frames": frames, "labels": labels}
    parts = {name: ",".join(f"'{text}'" for text in texts) for name, texts in quoted.items()}
    parts |= {"alt": alt, "first": frames[0], "last": str(len(frames) - 1)}
    page = PLAYER
    for name, text in parts.items():
        page = page.replace(f"@{name}", text)
    return HTML("".join(line.strip() + "\n" for line in page.splitlines() if line.strip()))


# Slips of the program


def raises(expected: str, action: Callable[[], Any]) -> Check:
    """That an action ends in an exception of this name."""
    try:
        action()
        raised = "nothing"
    except Exception as error:  # noqa: BLE001
        raised = type(error).__name__
    return Check(f"raises {expected}", float(raised != expected), 0.0)


class Layer:
    """What the program's layers do forward, and where they look."""

    prev_layer: Any = None
    unit_number = 2

    def forward_propagation(self) -> None:
        """Ask the layer before, which the first one has not."""
        for _ in range(self.unit_number):
            for j in range(self.prev_layer.unit_number):
                self.prev_layer.outputs[j]


def store_an_array() -> None:
    """An array of one number where a number belongs."""
    Z = np.zeros((2, 2))
    Z[0][0] = np.array([0.5])


def scatter_as_printed() -> None:
    """Crosses with an edge colour, every warning an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plt.figure().gca().scatter([0], [0], facecolors="red", edgecolors="none", marker="x")


def contour_collections() -> Any:
    """What the program asks of matplotlib's contour set."""
    fig, ax = plt.subplots()
    contours: Any = ax.contour(np.eye(2))
    plt.close(fig)
    return contours.collections
