"""Experiments of *Groundwater*: readings of a printed formula, slips in depth, and networks trained by the equation.

Longer than one sitting: a chapter computes many things, and its experiments stand where its reader looks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import quad
from scipy.special import erfc

import hesslib
from hesslib import Network, weight_jacobians
from hesslib.book.measuring import seconds
from hesslib.derivations import input_recursions
from hesslib.derivations.exact_network_inputs import InputInstance

Groups = tuple[Any, Any, Any, Any]

LENGTH, END, START = 6.0, 1.0, 0.05


def distance(found: Any, right: Any) -> float:
    """The largest error relative to the largest entry."""
    return float(np.abs(found - right).max() / np.abs(right).max())


def rms(values: Any) -> float:
    """The root mean square."""
    return float(np.sqrt(np.mean(values**2)))


# The formula in question


def readings(net: Network, w: Any, x: Any) -> dict[str, tuple[Any, Any]]:
    """The first and the second derivative by input 0 as printed, in each of the four ways that the letters allow."""
    (W, v), _ = net.unravel(w)
    trace = hesslib.forward(net, w, x)
    slope, bend = (f(trace.a[1]) for f in (net.activation[0].first, net.activation[0].second))
    out, into = v[0], W[:, 0]
    weights = {
        "output weights": (out, 1),
        "input weights": (into, 1),
        "output weights, through $Z_i$": (out, into),
        "input weights, through $Z_i$": (into, into),
    }
    return {name: (slope @ (u * r), bend @ (u**2 * r**2)) for name, (u, r) in weights.items()}


def second_differences(net: Network, w: Any, x: Any, step: float = 1e-3) -> Any:
    """The second derivative of the output by input 0, by central differences."""
    before, here, after = (hesslib.outputs(net, w, x + np.array([s * step, 0]))[:, 0] for s in (-1, 0, 1))
    return (before - 2 * here + after) / step**2


def draw_readings(x: Any, along: Any, sparse: Any, quotient: Any, read: Iterable[tuple[str, Any]]) -> None:
    """The closed form along a line, differences on it, and what the readings say."""
    _, ax = plt.subplots()
    ax.plot(x, along, color="black", label="closed form")
    ax.plot(sparse, quotient, "x", color="black", ms=6, label="differences")
    for name, (_, second) in read:
        ax.plot(x, second, "--", lw=1.2, label=name)
    limits = (2.2 * along.min() - 1, 2.2 * along.max() + 1)
    ax.set(xlabel="$x$", ylabel=r"$\partial^2P/\partial x^2$", ylim=limits)
    ax.legend(fontsize=8, ncols=2)


def exactly(instance: InputInstance, steps: Any, places: Iterable[dict[Any, int]]) -> Any:
    """The chain on a network of exact numbers, at some indices."""
    letters = steps.lhs.free_symbols | steps.result.free_symbols
    return instance.verify(steps, [{s: at for s, at in place.items() if s in letters} for place in places])


def run_recursions(net: Network, weights: Any, x: Any, bend: Any = None) -> tuple[Any, Any]:
    """First and second derivatives by one input at a time: the derived recursions, or a slip in them, compiled."""
    program = input_recursions.program(bend).function(np)
    h = net.activation[0]
    dx = np.broadcast_to(np.eye(x.shape[1]), (len(x), x.shape[1], x.shape[1]))
    W, b = net.layers(weights)
    return program(net.L, W, b, x, dx, h, h.first, h.second)


def slips_by_depth(bends: dict[str, Any], places: Any) -> dict[str, list[float]]:
    """The error of each formula for the bend, for one to four hidden layers."""
    slips: dict[str, list[float]] = {name: [] for name in bends}
    for hidden in (1, 2, 3, 4):
        net = Network((2, *[5] * hidden, 1), activation="logistic")
        w = 3 * np.random.default_rng(hidden).standard_normal(net.num_parameters)
        right = hesslib.input_hessian(net, w, places).diagonal(axis1=2, axis2=3)
        for name, bend in bends.items():
            slips[name].append(max(distance(run_recursions(net, w, places, bend)[1], right), 1e-17))
    return slips


def draw_slips(slips: dict[str, list[float]]) -> None:
    """Bars for each number of hidden layers."""
    _, ax = plt.subplots(figsize=(6.4, 2.8))
    for position, (name, values) in enumerate(slips.items()):
        ax.bar(np.arange(1, 5) + 0.27 * (position - 1), values, 0.25, bottom=0, label=name)
    ax.set(yscale="log", ylim=(1e-17, 30), xlabel="hidden layers", ylabel="relative error", xticks=range(1, 5))
    ax.legend(ncols=3, fontsize=8)


def costs(net: Network, w: Any, x: Any) -> dict[str, float]:
    """The seconds for the network and for its derivatives by the inputs."""
    jobs = {
        "the network itself": partial(hesslib.outputs, net, w, x),
        r"$\partial P/\partial x$": partial(hesslib.input_jacobian, net, w, x, inputs=(0,)),
        r"$\partial^2P/\partial x^2$": partial(hesslib.input_hessian_diagonal, net, w, x, inputs=(0,)),
        "both entries of the diagonal": partial(hesslib.input_hessian_diagonal, net, w, x),
        "the Laplacian": partial(hesslib.laplacian, net, w, x),
    }
    return {name: seconds(job) for name, job in jobs.items()}


# The answers in closed form


def half_line(x: Any, t: Any) -> Any:
    """The pressure in an aquifer without end, at t = 0 as well."""
    root = np.sqrt(t)
    with np.errstate(divide="ignore", invalid="ignore"):
        h = np.where(t > 0, x / (2 * root), np.inf)
    h = np.where((t == 0) & (x == 0), 0.0, h)
    near = np.minimum(h, 30.0)
    return np.where(h < 30, -root * (np.exp(-(near**2)) / np.sqrt(np.pi) - near * erfc(near)), 0.0)


def total(t: float) -> float:
    """The integral of the pressure over the half line at a time, by quadrature."""
    return quad(half_line, 0, 40, args=(t,))[0]


def strip(x: Any, t: Any, terms: int = 200) -> Any:
    """The pressure in an aquifer that ends at x = 1: the series, summed."""
    r = np.pi * np.arange(1, terms + 1)
    x, t = np.broadcast_arrays(x, t)
    waves = np.cos(r * x[..., None]) * np.exp(-(r**2) * t[..., None]) / r**2
    return 0.5 * (-t - (1 - x) ** 2 / 2 + 1 / 6 + 2 * waves.sum(-1))


# Training


def points(times: Any, x: float = LENGTH) -> Groups:
    """Points inside, at the start, at the wall, and far away."""
    places = x * ((1 - np.cos(np.pi * (np.arange(22) + 0.5) / 22)) / 2) ** 1.5
    inside = np.stack(np.meshgrid(places, times[1:], indexing="ij"), -1).reshape(-1, 2)
    start = np.stack([x * np.linspace(0, 1, 40) ** 1.5, np.full(40, times[0])], 1)
    wall, far = (np.stack([np.full(len(times), q), times], 1) for q in (0.0, x))
    return inside, start, wall, far


def away() -> Groups:
    """Points from a later start, away from the corner, with times spaced by a factor."""
    return points(START * (END / START) ** np.linspace(0, 1, 16))


def targets(groups: Groups, start_values: Any, slope: float = 0.5) -> Any:
    """What the conditions at the points ask for."""
    inside, _, wall, far = map(len, groups)
    return np.concatenate([np.zeros(inside), start_values, np.full(wall, slope), np.zeros(far)])


def train(
    conditions: Callable[..., Any],
    net: Network,
    groups: Groups,
    target: Any,
    seed: int,
    iterations: int,
    watch: Callable[..., None] | None = None,
) -> Any:
    """Levenberg-Marquardt on the mean squares; the start counts three times as much in r."""
    weights = np.concatenate([np.full(len(g), q / len(g)) for g, q in zip(groups, (1, 9, 1, 1), strict=True)])
    return hesslib.levenberg_marquardt(
        lambda w: conditions(hesslib, net, w, *groups) - target,
        lambda w: conditions(weight_jacobians, net, w, *groups),
        net.init(seed, method="nguyen_widrow"),
        weights=weights,
        tolerance=1e-10,
        max_iterations=iterations,
        callback=watch,
    )


def grid_of(t0: float, x: float = LENGTH) -> Any:
    """Places and times at which a pressure is judged."""
    return np.stack(np.meshgrid(np.linspace(0, x, 121), np.linspace(t0, END, 80), indexing="ij"), -1)


def error_map(net: Network, w: Any, t0: float) -> tuple[Any, Any]:
    """The pressure of a network on the grid, and its error."""
    grid = grid_of(t0)
    P = hesslib.outputs(net, w, grid.reshape(-1, 2)).reshape(grid.shape[:2])
    return P, P - half_line(grid[..., 0], grid[..., 1])


def from_later(conditions: Callable[..., Any], net: Network, seeds: int, iterations: int) -> tuple[Any, list[Any]]:
    """Train from the exact pressure at a later start; the run of lowest cost, and its cost and error on the way."""
    groups = away()
    target = targets(groups, half_line(groups[1][:, 0], START))
    runs: list[Any] = []
    paths: list[list[Any]] = [[] for _ in range(seeds)]

    def watch(w: Any, record: Any) -> None:
        if record.iteration % 10 == 0:
            paths[len(runs)].append((record.iteration, record.error, rms(error_map(net, w, START)[1])))

    for seed in range(seeds):
        run = train(conditions, net, groups, target, seed, iterations, watch)
        runs.append(run)  # watch counts them
    lowest = int(np.argmin([run.error for run in runs]))
    return runs[lowest], paths[lowest]


def from_zero(conditions: Callable[..., Any], net: Network, times: Any, starts: int = 5) -> list[tuple[Any, Any]]:
    """The problem from t = 0: for each start the result and its error."""
    groups = points(times)
    target = targets(groups, np.zeros(40))
    runs = [train(conditions, net, groups, target, seed, 80) for seed in range(starts)]
    return [(run, error_map(net, run.w, 0.0)[1]) for run in runs]


def pressure_by(net: Network, w: Any, x: Any, t: Any) -> Any:
    """The pressure of which a network of one input is the shape: its output at x / 2 sqrt(t), times sqrt(t)."""
    root = np.sqrt(t)
    h = np.where(t > 0, x / np.where(t > 0, 2 * root, 1.0), 5.0)
    inside = hesslib.outputs(net, w, np.minimum(h, 5.0).reshape(-1, 1))
    return np.where(h < 5, root * inside.reshape(h.shape), 0.0)


def train_shape(conditions: Callable[..., Any], net: Network, at: Any, seed: int) -> tuple[Any, Any]:
    """Train the shape by its equation; the result, and the error of the pressure from t = 0."""
    wanted = np.zeros(len(at) + 2)
    wanted[-2] = 1.0
    found = hesslib.levenberg_marquardt(
        lambda w: conditions(hesslib, net, w, at) - wanted,
        lambda w: conditions(weight_jacobians, net, w, at),
        net.init(seed, method="nguyen_widrow"),
        weights=np.r_[np.full(len(at), 1 / len(at)), 1, 1],
        tolerance=1e-12,
        max_iterations=150,
    )
    x, t = np.moveaxis(grid_of(0.0), -1, 0)
    return found, pressure_by(net, found.w, x, t) - half_line(x, t)


def middle(runs: Sequence[tuple[Any, Any]]) -> Any:
    """The weights of the start whose error is the median."""
    order = np.argsort([rms(error) for _, error in runs])
    return runs[order[len(runs) // 2]][0].w


def spread(values: Iterable[float]) -> str:
    """From the smallest to the largest, in words."""
    values = list(values)
    return f"{min(values):.0e} to {max(values):.0e}"


def draw_maps(P: Any, error: Any) -> None:
    """The pressure over place and time, and its error."""
    grid = grid_of(START)
    fig, axes = plt.subplots(1, 2, sharey=True)
    top = np.abs(error).max()
    maps: tuple[tuple[Any, str, dict[str, Any]], ...] = (
        (P, "$P$", {"cmap": "viridis"}),
        (error, "error", {"cmap": "RdBu", "vmin": -top, "vmax": top}),
    )
    for ax, (values, label, look) in zip(axes, maps, strict=True):
        image = ax.pcolormesh(grid[..., 0], grid[..., 1], values, shading="gouraud", rasterized=True, **look)
        fig.colorbar(image, ax=ax, label=label)
        ax.set(xlabel="$x$")
        ax.grid(visible=False)
    axes[0].set(ylabel="$t$")


def draw_corner(progress: Any, net: Network, by_zero: Any, by_later: Any, shape: Network, by_shape: Any) -> None:
    """Left, cost and error of a training; right, the error at the wall for three ways to treat the corner."""
    _, axes = plt.subplots(1, 2)
    iteration, cost, error = np.array(progress).T
    axes[0].semilogy(iteration, cost, label="cost $E$")
    axes[0].semilogy(iteration, error, label="rms error of $P$")
    axes[0].set(xlabel="iteration")
    axes[0].legend()
    for name, (t, values) in wall_errors(net, by_zero, by_later, shape, by_shape).items():
        axes[1].semilogy(t, values + 1e-9, lw=1.2, label=name)
    axes[1].set(xlabel="$t$", ylabel="error at $x=0$", ylim=(1e-9, 10))
    axes[1].legend(fontsize=8)


def wall_errors(net: Network, by_zero: Any, by_later: Any, shape: Network, by_shape: Any) -> dict[str, Any]:
    """Times, and the error at the wall then, for three ways to treat the corner."""
    t = np.linspace(0, END, 401)
    wall = np.stack([0 * t, t], 1)
    curves = {
        "trained from $t=0$": (hesslib.outputs(net, by_zero, wall)[:, 0], t >= 0),
        "trained from $t_0$": (hesslib.outputs(net, by_later, wall)[:, 0], t >= START),
        r"$\sqrt{t}\,\varphi(\eta)$": (pressure_by(shape, by_shape, 0 * t, t), t > 0),
    }
    return {name: (t[shown], np.abs(P - half_line(0 * t, t))[shown]) for name, (P, shown) in curves.items()}
