"""Experiments of *Forward and reverse mode*: a chain of layers, what its two modes multiply, hold and take.

Longer than one sitting: a chapter computes many things, and its experiments stand where its reader looks for them.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp

from hesslib.book.measuring import seconds
from hesslib.calculus.derivation import unfold
from hesslib.calculus.index import Diff
from hesslib.derivations import modes
from hesslib.derivations.exact_network import Instance, evaluate
from hesslib.derivations.network import L, a, delta, hp, w

ORANGE, BLUE, GREEN = "#D55E00", "#0072B2", "#009E73"


# A chain of steps v -> tanh(W v), its Jacobians, and the product of these from either end


def random_chain(widths: Sequence[int], seed: int = 0) -> tuple[list[Any], Any]:
    """The matrices of a chain, and an input."""
    draw = np.random.default_rng(seed)
    W = [draw.standard_normal((up, down)) / np.sqrt(down) for down, up in pairwise(widths)]
    return W, draw.standard_normal(widths[0])


def step_jacobians(W: Sequence[Any], x: Any) -> list[Any]:
    """J[s][p, q] = d v^(s)_p / d v^(s-1)_q; J[0] is not used."""
    J: list[Any] = [None]
    value = x
    for Ws in W:
        value = np.tanh(Ws @ value)
        J.append((1 - value**2)[:, None] * Ws)
    return J


def from_the_input(J: Sequence[Any], seed: Any) -> list[Any]:
    """The products J^(s) ... J^(1) seed, for every s."""
    products = [seed]
    for Js in J[1:]:
        products.append(Js @ products[-1])
    return products


def from_the_output(J: Sequence[Any], seed: Any) -> list[Any]:
    """The products seed J^(L) ... J^(s+1), for every s."""
    products = [seed]
    for Js in reversed(J[1:]):
        products.append(products[-1] @ Js)
    return products[::-1]


@jax.jit
def by_jax(W: Any, x: Any, xdot: Any, ybar: Any) -> Any:
    """Everything JAX knows about the chain, in one compilation."""

    def chain(u: Any) -> Any:
        for Ws in W:
            u = jnp.tanh(Ws @ u)
        return u

    def products(u: Any) -> Any:
        return u[0] * u[1] * jnp.tanh(u[0]) + u[1] * u[1]

    gradient, curvature = jax.jvp(jax.grad(lambda u: ybar @ chain(u)), (x,), (xdot,))
    along = jax.jvp(chain, (x,), (xdot,))[1]
    return jax.jacfwd(chain)(x), jax.jacrev(chain)(x), along, gradient, curvature, jax.grad(products)(x)


# The recursions on an explicit network with polynomial activation: v is a, t is a^(1)_r, E the error

IN_NETWORK: dict[Any, Callable[..., Any]] = {
    modes.J: lambda y, p, q: w[y, p, q] * hp(y - 1, q),
    modes.vdot: lambda y, p: Diff(a[1, modes.r], a[y, p]),
    modes.vbar: lambda y, p: delta[y, p],
}
EXPLICIT = Instance((2, 2, 3, 2))


def on_network(chain: Any, places: Iterable[dict[Any, int]]) -> Any:
    """Both sides of a chain in exact arithmetic."""
    left, right = (unfold(side, IN_NETWORK) for side in (chain.lhs, chain.result))
    return EXPLICIT.agree(left, right, places)


# The figure of both orders


def draw_two_bracketings(widths: tuple[int, ...], J: Sequence[Any], by_input: Any, of_output: Any) -> dict[str, int]:
    """The program as a graph, and the products from either end; returns their multiplications."""
    gap, level = 12, {"graph": 20, "forward": 8, "reverse": -1}
    totals: dict[str, int] = {}
    _, ax = plt.subplots(figsize=(7.6, 4.6))
    ax.axis("off")

    def height(layer: int, unit: int) -> float:
        return level["graph"] + unit - (widths[layer] - 1) / 2

    for layer, Js in enumerate(J[1:], start=1):
        for (to, source), entry in np.ndenumerate(Js):
            ends = [height(layer - 1, source), height(layer, to)]
            ax.plot([gap * (layer - 1), gap * layer], ends, color="#b8b8b8", lw=2 * abs(entry), zorder=1)
    for layer, width in enumerate(widths):
        heights = [height(layer, unit) for unit in range(width)]
        ax.scatter([gap * layer] * width, heights, s=42, color="white", edgecolor="black", zorder=2)
        ax.text(gap * layer, 24, f"$v^{{({layer})}}$", ha="center", fontsize=14)
    for name, products, colour, above, end in (
        ("forward", by_input, ORANGE, 4.2, 4),
        ("reverse", of_output, BLUE, 2.6, 0),
    ):
        total = 0
        across: dict[str, Any] = {"fontsize": 13, "color": colour}
        for layer, product in enumerate(products):
            tall, wide = product.shape
            corner = gap * layer - wide / 2, level[name] - tall / 2
            extent, bound = (corner[0], corner[0] + wide, corner[1], corner[1] + tall), np.abs(product).max()
            ax.imshow(product, cmap="coolwarm", vmin=-bound, vmax=bound, zorder=2, extent=extent)
            frame: dict[str, Any] = {"fill": False, "zorder": 3, "lw": 2.2 if layer == end else 0.6, "color": "black"}
            ax.add_patch(plt.Rectangle(corner, wide, tall, **frame))
            if layer < 4:
                cost = widths[layer] * widths[layer + 1] * (widths[0] if name == "forward" else widths[-1])
                total += cost
                places = [(gap * layer + 3.6, level[name]), (gap * (layer + 1) - 3.6, level[name])]
                arrow = {"arrowstyle": "->", "color": colour, "lw": 1.6}
                end_to_start = places[::-1] if name == "forward" else places
                ax.annotate("", end_to_start[0], end_to_start[1], arrowprops=arrow)
                ax.text(gap * (layer + 0.5), level[name] + 0.6, str(cost), ha="center", **across)
        ax.text(-3, level[name] + above, f"{name} mode: {total} multiplications", **across)
        totals[name] = total
    ax.set(xlim=(-4, 52), ylim=(-2, 27))
    ax.set_aspect("equal")
    return totals


# Multiplications, counted one by one


class Counted:
    """A number that only counts how often it is multiplied."""

    count = 0

    def __mul__(self, other: Any) -> Counted:
        Counted.count += 1
        return self

    def __add__(self, other: Any) -> Counted:
        return self


def multiplications(widths: Sequence[int], mode: str) -> int:
    """The multiplications that ``@`` performs, one by one, for the Jacobian of a chain of these widths."""

    def filled(*shape: int) -> Any:
        return np.full(shape, Counted(), dtype=object)

    J = [None, *(filled(up, down) for down, up in pairwise(widths))]
    Counted.count = 0
    run, end = (from_the_input, widths[0]) if mode == "forward" else (from_the_output, widths[-1])
    run(J, filled(end, end))
    return Counted.count


def number_of(formula: Any, widths: Sequence[int]) -> int:
    """The value of a cost formula for actual widths; the depth is one less than their number."""
    return int(evaluate(formula, lambda e, _: sp.Integer(widths[int(e.indices[0])]), int, {L: len(widths) - 1}))


# Time


def time_of_jacobians(
    forward: Callable[..., Any], reverse: Callable[..., Any], fixed: int, hidden: tuple[int, ...], sweep: Sequence[int]
) -> tuple[dict[Any, float], dict[Any, int]]:
    """Milliseconds and counted multiplications of both modes, against the number of inputs, then of outputs."""
    measured: dict[Any, float] = {}
    counts: dict[Any, int] = {}
    for varied in ("inputs", "outputs"):
        for count in sweep:
            first, last = (count, fixed) if varied == "inputs" else (fixed, count)
            W, x = random_chain((first, *hidden, last))
            for mode, run, end in (("forward", forward, first), ("reverse", reverse, last)):
                measured[varied, mode, count] = 1e3 * seconds(partial(run, W, x, np.eye(end)), repeat=4)
                counts[varied, mode, count] = end * sum(Ws.size for Ws in W)
    return measured, counts


def draw_times(measured: dict[Any, float], counts: dict[Any, int], fixed: int, sweep: Sequence[int]) -> None:
    """The times, and the counts at one common speed."""
    speed = np.median([measured[key] / counts[key] for key in measured])
    _, axes = plt.subplots(1, 2, figsize=(7.6, 3.2), sharey=True)
    for ax, varied in zip(axes, ("inputs", "outputs"), strict=True):
        for mode, colour, marker in (("forward", ORANGE, "o"), ("reverse", BLUE, "s")):
            times, counted = (np.array([found[varied, mode, size] for size in sweep]) for found in (measured, counts))
            ax.loglog(sweep, times, marker + "-", color=colour, label=f"{mode} mode")
            ax.loglog(sweep, speed * counted, "--", color=colour, lw=0.9)
        ax.axvline(fixed, color="#888888", lw=0.8, zorder=0)
        ax.set(xlabel=f"number of {varied}", title=f"{fixed} {'outputs' if varied == 'inputs' else 'inputs'}")
    axes[0].set_ylabel("milliseconds")
    axes[0].legend()


# Memory


def forward_one(W: Sequence[Any], x: Any, tangents: Any) -> Any:
    """Forward mode for one tangent a pattern: columns are patterns."""
    value = x
    for Ws in W:
        value = np.tanh(Ws @ value)
        tangents = (1 - value**2) * (Ws @ tangents)
    return tangents


def reverse_one(W: Sequence[Any], x: Any, adjoints: Any) -> Any:
    """Reverse mode for one adjoint a pattern, every value kept."""
    value, kept = x, []
    for Ws in W:
        value = np.tanh(Ws @ value)
        kept.append(value)
    for Ws in reversed(W):
        adjoints = Ws.T @ (adjoints * (1 - kept.pop() ** 2))
    return adjoints


def peak_of(run: Callable[..., Any], *arguments: Any) -> int:
    """The most bytes that were allocated at any moment of the run."""
    tracemalloc.start()
    run(*arguments)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def draw_memory(peaks: dict[str, Any], depths: Sequence[int], layer: int) -> None:
    """Peak memory against depth, in layers."""
    _, ax = plt.subplots()
    for (name, peak), style, colour in zip(peaks.items(), ("o-", "s-", "^-"), (ORANGE, BLUE, GREEN), strict=True):
        ax.loglog(depths, peak / layer, style, color=colour, label=name)
    ax.set(xlabel="number of layers $L$", ylabel="peak memory, in layers")
    ax.set_xticks(depths, map(str, depths))
    ax.set_yticks([5, 10, 20, 50, 100, 200], ["5", "10", "20", "50", "100", "200"])
    ax.minorticks_off()
    ax.legend()


# What is stored, and what it buys


class Meter:
    """Products of a matrix with a vector or matrix, counted as they are carried out, and the values held at once."""

    def __init__(self) -> None:
        self.products, self.held = 0, 0

    def times(self, left: Any, right: Any) -> Any:
        """Return the product, and count its multiplications."""
        self.products += left.size * right.size // left.shape[-1]
        return left @ right

    def hold(self, values: int) -> None:
        """Note how many values are held."""
        self.held = max(self.held, values)

    def values(self, W: Sequence[Any], x: Any) -> list[Any]:
        """All values of the program, the input first."""
        found = [x]
        for Ws in W:
            found.append(np.tanh(self.times(Ws, found[-1])))
        return found

    def back(self, W: Sequence[Any], values: Sequence[Any], bar: Any) -> Any:
        """The adjoint before the steps W, whose results are the values."""
        for Ws, value in zip(reversed(W), reversed(values), strict=True):
            bar = self.times(Ws.T, bar * (1 - value**2))
        return bar


def forward_nothing_stored(meter: Meter, W: Sequence[Any], x: Any) -> Any:
    """One input at a time; values are computed anew for each and forgotten at once."""
    columns = []
    for dot in np.eye(len(x)):
        value = x
        for Ws in W:
            value = np.tanh(meter.times(Ws, value))
            dot = (1 - value**2) * meter.times(Ws, dot)  # noqa: PLW2901
        columns.append(dot[0])
    meter.hold(1)
    return np.array(columns)


def forward_all_stored(meter: Meter, W: Sequence[Any], x: Any) -> Any:
    """One input at a time, with all values at hand."""
    values, columns = meter.values(W, x)[1:], []
    meter.hold(len(W))
    for dot in np.eye(len(x)):
        for Ws, value in zip(W, values, strict=True):
            dot = (1 - value**2) * meter.times(Ws, dot)  # noqa: PLW2901
        columns.append(dot[0])
    return np.array(columns)


def reverse_all_stored(meter: Meter, W: Sequence[Any], x: Any) -> Any:
    """One sweep back, with all values at hand."""
    meter.hold(len(W))
    return meter.back(W, meter.values(W, x)[1:], np.ones(1))


def reverse_checkpoints(meter: Meter, W: Sequence[Any], x: Any, every: int = 4) -> Any:
    """Every fourth value kept; the rest are computed once more."""
    kept, bar = meter.values(W, x)[:-1:every], np.ones(1)
    for start in reversed(range(0, len(W), every)):
        segment = W[start : start + every]
        meter.hold(len(kept) + len(segment))
        bar = meter.back(segment, meter.values(segment, kept.pop())[1:], bar)
    return bar


def reverse_nothing_stored(meter: Meter, W: Sequence[Any], x: Any) -> Any:
    """Every value computed anew from the input, when it is needed."""
    bar = np.ones(1)
    for last in range(len(W), 0, -1):
        bar = meter.back(W[last - 1 : last], meter.values(W[:last], x)[-1:], bar)
    meter.hold(1)
    return bar


VARIANTS = {
    ("forward", "nothing"): forward_nothing_stored,
    ("forward", "all values"): forward_all_stored,
    ("reverse", "all values"): reverse_all_stored,
    ("reverse", "every fourth"): reverse_checkpoints,
    ("reverse", "nothing"): reverse_nothing_stored,
}


def in_order(J: Sequence[Any], order: Any, meter: Meter) -> Any:
    """The product of the Jacobians in the order that a nested tuple of step numbers says."""
    if isinstance(order, int):
        return J[order]
    return meter.times(*(in_order(J, part, meter) for part in order))
