"""Experiments of *Spectra of large networks*: Lanczos by matfree, coverage of error bars, Kronecker factors.

Longer than one sitting: a chapter computes many things, and its experiments stand where its reader looks for them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matfree import decomp, stochtrace
from matplotlib.ticker import LogLocator, NullFormatter
from scipy.sparse.linalg import LinearOperator, cg, eigsh
from scipy.stats import t as student
from sklearn.datasets import load_digits

import hesslib
from hesslib import Network
from hesslib.agreement import Check, compare
from hesslib.book.measuring import seconds
from hesslib.calculus.derivation import unfold
from hesslib.curvature._passes import passes
from hesslib.derivations import kronecker, random_probes
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import i, i_, j, j_, l

CLASSES = 10
COST_PATTERNS = 200
MEAN: dict[str, Any] = {"reduction": "mean"}
SQUARED, SOFTMAX = "squared_error", "softmax_cross_entropy"


# The data and the networks


def digits() -> tuple[Any, ...]:
    """600 of scikit-learn's images and their classes to train on, and the other images with their digits."""
    data = load_digits()
    pixels = (data.data - data.data.mean()) / data.data.std()
    order = np.random.default_rng(0).permutation(len(pixels))
    train, test = order[:600], order[600:]
    return pixels[train], np.eye(CLASSES)[data.target[train]], pixels[test], data.target[test]


def single(array: Any) -> Any:
    """In single precision, for the long runs."""
    return jnp.asarray(array, jnp.float32)


def trained(net: Network, x: Any, t: Any, epochs: Iterable[int], rate: float = 1e-3, batch: int = 50) -> dict[int, Any]:
    """Adam on mini-batches; the weights after each of the epochs."""
    X, T = single(x), single(t)

    def step(state: Any, rows: Any) -> Any:
        w, m, v, count = state
        g = hesslib.gradient(net, w, X[rows], T[rows], **MEAN)
        count = count + 1
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        move = m / (1 - 0.9**count) / (jnp.sqrt(v / (1 - 0.999**count)) + 1e-8)
        return (w - rate * move, m, v, count), 0.0

    epoch = jax.jit(lambda state, rows: jax.lax.scan(step, state, rows)[0])
    rng, zero = np.random.default_rng(1), jnp.zeros(net.num_parameters, "f4")
    state = (single(net.init(0)), zero, zero, jnp.float32(0))
    kept = {0: np.asarray(state[0], float)}
    for number in range(1, max(epochs) + 1):
        state = epoch(state, jnp.asarray(rng.permutation(len(x)).reshape(-1, batch)))
        if number in epochs:
            kept[number] = np.asarray(state[0], float)
    return kept


# Lanczos, and the density from its nodes


def lanczos_nodes(net: Network, product: Callable[..., Any], steps: int, probes: int) -> Callable[..., list[Any]]:
    """Nodes, weights and residuals of Lanczos from random signs, as a function of a seed, w, x and t."""
    tridiagonal = decomp.tridiag_sym(steps, custom_vjp=False)

    @jax.jit
    def run(key: Any, w: Any, x: Any, t: Any) -> Any:
        kept = passes(net, w, x, t)  # once for all products

        def one(v: Any) -> Any:
            v = v / jnp.linalg.norm(v)
            _, T, rest, *_ = tridiagonal(lambda q: product(net, kept, q[None])[0] / len(x), v)
            theta, Y = jnp.linalg.eigh(T)
            return theta, Y[0] ** 2, jnp.abs(Y[-1]) * jnp.linalg.norm(rest)

        return jax.lax.map(one, stochtrace.sampler_signs(w, num=probes)(key))

    return lambda key, *arguments: [np.asarray(part, float) for part in run(jax.random.PRNGKey(key), *arguments)]


def mean_and_error(each: Any) -> tuple[Any, Any]:
    """The mean over probes and its standard error, which a single probe does not have."""
    probes = each.shape[-1]
    mean = each.mean(axis=-1)
    return mean, each.std(axis=-1, ddof=1) / np.sqrt(probes) if probes > 1 else np.zeros_like(mean)


def density(run: list[Any], grid: Any, width: float) -> tuple[Any, Any]:
    """The density smoothed by a bell, and its standard error over the probes."""
    theta, weight, _ = run
    bell = np.exp(-0.5 * ((grid[:, None, None] - theta) / width) ** 2)
    return mean_and_error(np.sum(bell * weight, axis=2) / (width * np.sqrt(2 * np.pi)))


def trace(run: list[Any], P: int) -> tuple[Any, Any]:
    """The trace of a matrix with P rows from the nodes, and its standard error."""
    theta, weight, _ = run
    return mean_and_error(P * np.sum(theta * weight, axis=1))


def share_below(run: list[Any], limit: float) -> tuple[Any, Any]:
    """The share of eigenvalues below a limit from the nodes, and its standard error."""
    theta, weight, _ = run
    return mean_and_error(np.sum(weight * (theta < limit), axis=1))


def draw_densities(runs: Mapping[Any, Any], top: Mapping[Any, Any], lowest: Mapping[Any, Any], moments: Any) -> None:
    """A panel for each moment: the density of both matrices with its error, and ticks at the ten largest values."""
    _, axes = plt.subplots(1, 3, figsize=(8.2, 3.1), sharey=True)
    for ax, (moment, title) in zip(axes, moments.items(), strict=True):
        reach = top["H", moment][0]
        grid = np.linspace(1.3 * lowest["H", moment] - 0.05 * reach, 1.08 * reach, 700)
        for name, style, color in (("H", "-", "C0"), ("G", "--", "C1")):
            mean, spread = density(runs[name, moment], grid, 0.01 * reach)
            ax.semilogy(grid, mean * reach, style, color=color, lw=1.2)
            ax.fill_between(grid, (mean - spread) * reach, (mean + spread) * reach, color=color, alpha=0.3, lw=0)
        ax.plot(top["H", moment][:10], np.full(10, 3e-5), "|", color="black", ms=9)
        ax.set(title=title, xlabel="eigenvalue", ylim=(1.5e-5, 2e2))
    axes[0].set_ylabel("density (largest eigenvalue = 1)")


def draw_small_density(run: list[Any], truth: Any) -> float:
    """The estimated density and distribution over the true ones; returns the share of the mass that is misplaced."""
    width = 0.015 * truth[-1]
    grid = np.linspace(truth[0] - 4 * width, truth[-1] + 4 * width, 900)
    mean, spread = density(run, grid, width)
    bell = np.exp(-0.5 * ((grid[:, None] - truth) / width) ** 2)
    smoothed = bell.mean(axis=1) / (width * np.sqrt(2 * np.pi))
    _, (left, right) = plt.subplots(1, 2, figsize=(7.8, 3.1))
    left.hist(truth, bins=70, density=True, color="#bbbbbb", label="histogram")
    left.plot(grid, smoothed, color="black", lw=0.9, label="smoothed, exact")
    left.plot(grid, mean, "--", color="C0", lw=1.4, label="quadrature")
    left.fill_between(grid, mean - spread, mean + spread, color="C0", alpha=0.3)
    left.set_yscale("log")
    left.set(xlabel="eigenvalue", ylabel="density", ylim=(3e-4, 2e1))
    left.legend(fontsize=8)
    zoom = np.linspace(truth[0], -3 * truth[0], 500)
    share = [share_below(run, np.nextafter(place, np.inf))[0] for place in zoom]
    right.plot(zoom, np.searchsorted(truth, zoom) / len(truth), color="#888888", lw=2.5, label="exact")
    right.plot(zoom, share, color="C0", lw=1.1, label="quadrature")
    right.set(xlabel="eigenvalue", ylabel="share below")
    right.legend()
    return float(np.sum(np.abs(mean - smoothed)) * (grid[1] - grid[0]) / 2)


def draw_outliers(runs: Mapping[Any, Any], top: Mapping[Any, Any], moments: Any, shown: int = 15) -> dict[Any, Any]:
    """The largest Ritz values, filled where their bound is one percent; returns which are, by matrix and moment."""
    _, axes = plt.subplots(1, 3, figsize=(8.2, 2.9))
    sharp = {key: run[2][:, ::-1].max(axis=0) < 0.01 * top[key] for key, run in runs.items()}
    number = np.arange(1, shown + 1)
    for ax, (moment, title) in zip(axes, moments.items(), strict=True):
        values, known = top["H", moment][:shown], sharp["H", moment][:shown]
        ax.semilogy(number, values, "o", color="C0", ms=4.5, mfc="none", label="Hessian")
        ax.semilogy(number[known], values[known], "o", color="C0", ms=4.5)
        ax.semilogy(number, top["G", moment][:shown], "x", color="C1", ms=4.5, label="Gauss-Newton")
        ax.axvline(CLASSES - 0.5, color="#777777", lw=0.8, ls="--")
        ax.set(title=title, xlabel="number", xticks=[1, 5, 9, 13])
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter(NullFormatter())
    axes[0].set_ylabel("eigenvalue")
    axes[0].legend(fontsize=8)
    return sharp


# Random probes


def moment_checks(fourth: Any) -> list[Check]:
    """The derived fourth moment against means of all products of four entries, P = 4, by independence."""
    letters = (random_probes.i, random_probes.j, random_probes.p, random_probes.q)
    places = list(itertools.product(range(4), repeat=4))

    def formula(at: tuple[int, ...], kappa: int) -> float:
        values = dict(zip(letters, (number + 1 for number in at), strict=True))
        return float(fourth.result.subs(values).subs(random_probes.kappa, kappa))

    def product(at: tuple[int, ...], kappa: int) -> float:
        moment = {0: 1, 1: 0, 2: 1, 3: 0, 4: kappa}
        return float(np.prod([moment[at.count(entry)] for entry in range(4)]))

    return [
        compare(
            f"all 256 products of four entries, kappa = {kappa}",
            [formula(at, kappa) for at in places],
            [product(at, kappa) for at in places],
            tolerance=0.0,
        )
        for kappa in (1, 3)
    ]


KAPPA = {"all signs": 1, "Gauss-Hermite, three points": 3}
RULES: dict[str, tuple[Any, Any]] = {
    "all signs": ([-1.0, 1.0], [0.5, 0.5]),
    "Gauss-Hermite, three points": (np.sqrt(3) * np.array([-1.0, 0.0, 1.0]), np.array([1, 4, 1]) / 6),
}


def tiny_hessian() -> Any:
    """A Hessian with nine parameters, for which every vector of signs can be tried."""
    net = Network((2, 2, 1))
    x = np.random.default_rng(5).standard_normal((4, 2))
    return hesslib.hessian(net, net.init(2) + 0.3, x, np.ones((4, 1)))


def moments_of_probes(A: Any) -> dict[str, tuple[Any, ...]]:
    """Mean and variance of v^T A v, then of v * Av: exact, over all vectors of signs, and for normal numbers."""
    exactly = {}
    for rule, (nodes, weights) in RULES.items():
        probes = np.array(list(itertools.product(nodes, repeat=len(A))))
        mass = np.prod(np.array(list(itertools.product(weights, repeat=len(A)))), axis=1)
        each = probes * (probes @ A)
        forms = each.sum(axis=1)
        mean, mean_each = mass @ forms, mass @ each
        exactly[rule] = mean, mass @ (forms - mean) ** 2, mean_each, mass @ (each - mean_each) ** 2
    return exactly


def forms_of_signs(H: Any, number: int) -> Any:
    """Many values of v^T H v for random signs."""
    draws = np.random.default_rng(6)
    chunks = (draws.choice([-1.0, 1.0], (len(H), 1000)) for _ in range(number // 1000))
    return np.concatenate([np.einsum("pn,pn->n", signs, H @ signs) for signs in chunks])


def coverage(forms: Any, truth: float, few: int) -> tuple[float, float]:
    """How often intervals from few probes hold the truth: 1.96 of matfree's standard errors, and Student's t."""
    groups = forms.reshape(-1, few)
    distance = np.abs(groups.mean(axis=1) - truth)
    naive, honest = (groups.std(axis=1, ddof=ddof) / np.sqrt(few) for ddof in (0, 1))
    quantile = student.ppf(0.975, few - 1)
    return float(np.mean(distance < 1.96 * naive)), float(np.mean(distance < quantile * honest))


# The large network


def sizes_of_parts(net: Network, w: Any, x: Any, t: Any, signs: Any) -> dict[str, Any]:
    """The Frobenius norms of the Hessian, of Gauss-Newton and of the residual part, from products with signs."""
    Hv = hesslib.hessian_operator(net, w, x, t, **MEAN) @ signs
    Gv = hesslib.gauss_newton_operator(net, w, x, t, **MEAN) @ signs
    parts = (("H", Hv), ("G", Gv), ("R", Hv - Gv))
    return {name: np.sqrt(np.mean(np.sum(product**2, axis=0))) for name, product in parts}


def counted(operator: Any) -> tuple[LinearOperator, list[int]]:
    """The operator for SciPy, and a list that grows with each product."""
    products: list[int] = []

    def matvec(v: Any) -> Any:
        products.append(1)
        return operator @ v

    return LinearOperator(operator.shape, matvec=matvec, dtype=float), products


# Kronecker factors


def kfac_checks() -> list[Check]:
    """The entries of the blocks against an exact network: weights, weight and bias, biases."""
    units = [{l: y, j: 1, j_: unit} for y in (1, 2, 3) for unit in (1, 2)]
    places = [{**at, i: p, i_: q} for at in units for p in (1, 2) for q in (1, 2)]
    instance = Instance((2, 2, 2, 2))
    entries = (kronecker.weights(), kronecker.weight_and_bias(), kronecker.biases())
    return [
        instance.agree(entry.lhs, unfold(entry.result, kronecker.names), places, of="an entry of the block")
        for entry in entries
    ]


def three_matrices(net: Network, w: Any, x: Any, t: Any) -> tuple[Any, Any, Any]:
    """Gauss-Newton, its blocks of single layers, and the Kronecker products in their place."""
    G = hesslib.gauss_newton(net, w, x, t, **MEAN)
    blocks = np.zeros_like(G)
    for part in map(net.layer_slice, range(1, net.L + 1)):
        blocks[part, part] = G[part, part]
    return G, blocks, hesslib.kronecker_matrix(net, hesslib.kronecker_factors(net, w, x, t, **MEAN))


def relative(A: Any, B: Any) -> float:
    """The relative difference in the Frobenius norm."""
    return float(np.linalg.norm(A - B) / np.linalg.norm(B))


def lost_in_layers(net: Network, blocks: Any, factored: Any, layers: Iterable[int]) -> list[float]:
    """How far the Kronecker products of some layers are from their blocks."""
    return [relative(factored[part, part], blocks[part, part]) for part in map(net.layer_slice, layers)]


def where_it_is_exact(judge: Any) -> tuple[dict[str, float], dict[str, float]]:
    """The worst block of a 4-5-6-3 network: where one of the factors is the same for all patterns, and elsewhere."""
    widths = (4, 5, 6, 3)

    def worst(loss: str, layers: Any, *, N: int = 30, activation: str = "tanh", alike: bool = False) -> float:
        net = Network(widths, loss=loss, activation=activation)
        w = net.init(judge) + 0.3 * judge.standard_normal(net.num_parameters)
        x = judge.standard_normal((N, widths[0]))
        squared = loss == SQUARED
        t = judge.standard_normal((N, widths[-1])) if squared else np.eye(widths[-1])[judge.integers(0, widths[-1], N)]
        _, blocks, factored = three_matrices(net, w, np.repeat(x[:1], N, axis=0) if alike else x, t)
        return max(lost_in_layers(net, blocks, factored, layers))

    exact = {
        "a single pattern": worst(SOFTMAX, (1, 2, 3), N=1),
        "last layer, squared error": worst(SQUARED, (3,)),
        "linear network, squared error": worst(SQUARED, (1, 2, 3), activation="identity"),
        "all inputs alike": worst(SOFTMAX, (1, 2, 3), alike=True),
    }
    other = {
        "hidden layers, squared error": worst(SQUARED, (1, 2)),
        "last layer, softmax": worst(SOFTMAX, (3,)),
        "linear network, softmax": worst(SOFTMAX, (1, 2, 3), activation="identity"),
    }
    return exact, other


def eigenvalues_of_factors(factors: Any) -> Any:
    """The eigenvalues of the Kronecker products, all products of those of the factors, largest first."""
    each = [np.outer(*map(np.linalg.eigvalsh, pair)).ravel() for pair in factors]
    return np.sort(np.concatenate(each))[::-1]


def draw_kfac(G: Any, blocks: Any, factored: Any, take: Any) -> None:
    """The entries of two matrices in the rows and columns `take`, and the eigenvalues of all three."""
    _, axes = plt.subplots(1, 3, figsize=(8.4, 2.9), width_ratios=(1, 1, 1.15))
    for ax, A, title in ((axes[0], G, "Gauss-Newton"), (axes[1], factored, "Kronecker")):
        ax.imshow(np.log10(np.abs(A[np.ix_(take, take)]) + 1e-12), vmin=-5, vmax=-1, cmap="Blues")
        ax.set(title=title, xticks=[], yticks=[])
        ax.grid(visible=False)
    for name, A, style in (("Gauss-Newton", G, "-"), ("its blocks", blocks, "--"), ("Kronecker", factored, "-.")):
        axes[2].loglog(np.arange(1, len(A) + 1), np.linalg.eigvalsh(A)[::-1], style, label=name)
    axes[2].set(xlabel="number", ylabel="eigenvalue", ylim=(1e-7, 5))
    axes[2].legend(fontsize=8)


def steps_of_cg(A: Any, b: Any, inverse: Any, rtol: float = 1e-6) -> int:
    """How many steps conjugate gradients takes with an approximate inverse."""
    count: list[int] = []
    _, info = cg(A, b, rtol=rtol, maxiter=2000, M=inverse, callback=lambda _: count.append(1))
    assert info == 0
    return len(count)


def best_decrease(net: Network, w: Any, x: Any, t: Any, A: Any) -> float:
    """The largest relative decrease of the error by one damped step, over all dampings of a grid."""
    values, basis = np.linalg.eigh(A)
    along = basis.T @ hesslib.gradient(net, w, x, t, **MEAN)
    dampings = 10.0 ** np.arange(-4.5, 2, 0.5)
    steps = [basis @ (along / (np.maximum(values, 0) + damping)) for damping in dampings]
    reached = [float(hesslib.error(net, w - step, x, t, **MEAN)) for step in steps]
    return 1 - min(reached) / float(hesslib.error(net, w, x, t, **MEAN))


def in_use(
    net: Network, w: Any, x: Any, t: Any, matrices: tuple[Any, Any, Any]
) -> tuple[dict[str, int], dict[str, float]]:
    """Steps of conjugate gradients with each approximation as preconditioner, and the decrease by a step with each."""
    G, blocks, factored = matrices
    slope = hesslib.gradient(net, w, x, t, **MEAN)
    damping = 1e-3 * np.linalg.eigvalsh(G)[-1] * np.eye(len(G))
    approximations = {"none": 0 * G, "diagonal": np.diag(np.diag(G)), "Kronecker": factored, "blocks": blocks}
    steps = {name: steps_of_cg(G + damping, -slope, np.linalg.inv(A + damping)) for name, A in approximations.items()}
    falls = {name: best_decrease(net, w, x, t, A) for name, A in {**approximations, "G": G}.items()}
    return steps, falls


def largest_of_blocks(net: Network, operator: Any, start: Any) -> float:
    """The largest eigenvalue of the blocks of single layers, from products with the whole matrix."""
    layers = [net.layer_slice(layer) for layer in range(1, net.L + 1)]

    def product(v: Any) -> Any:
        apart = np.zeros((len(v), net.L))
        for number, part in enumerate(layers):
            apart[part, number] = v[part]
        whole = operator @ apart
        return np.concatenate([whole[part, number] for number, part in enumerate(layers)])

    blocks = LinearOperator(operator.shape, matvec=product, dtype=float)
    return float(eigsh(blocks, 1, which="LA", tol=1e-2, v0=start, return_eigenvectors=False)[0])


def cg_on_gauss_newton(net: Network, w: Any, x: Any, t: Any, damping: float, factors: Any) -> dict[str, int]:
    """Steps of conjugate gradients on the damped Gauss-Newton matrix of a large network, without and with factors."""
    operator = hesslib.gauss_newton_operator(net, w, x, t, **MEAN)
    damped = LinearOperator(operator.shape, matvec=lambda v: operator @ v + damping * v, dtype=float)
    slope = hesslib.gradient(net, w, x, t, **MEAN)
    kfac = hesslib.kronecker_inverse_operator(net, factors, damping=damping)
    return {name: steps_of_cg(damped, -slope, M, rtol=1e-4) for name, M in (("plain", None), ("kfac", kfac))}


# The cost


def costs(judge: Any, largest_hessian: int = 16) -> tuple[dict[str, list[int]], dict[str, list[float]]]:
    """Numbers of weights, and the processor's seconds for what costs a few passes and for the whole Hessian."""
    counts: dict[str, list[int]] = {}
    spent: dict[str, list[float]] = {}
    for width in (8, 16, 32, 96, 288):
        net = Network((width, width, width, CLASSES), loss=SOFTMAX)
        at = (
            net.init(judge),
            judge.standard_normal((COST_PATTERNS, width)),
            np.eye(CLASSES)[judge.integers(0, CLASSES, COST_PATTERNS)],
        )
        operator, v = hesslib.hessian_operator(net, *at), judge.standard_normal(net.num_parameters)
        jobs: dict[str, Callable[[], Any]] = {
            "gradient": partial(hesslib.gradient, net, *at),
            "one product": partial(operator.matvec, v),
            "Kronecker factors": partial(hesslib.kronecker_factors, net, *at),
            "whole Hessian": partial(hesslib.hessian, net, *at),
        }
        for name, job in jobs.items():
            if name != "whole Hessian" or width <= largest_hessian:
                counts.setdefault(name, []).append(net.num_parameters)
                spent.setdefault(name, []).append(seconds(job, repeat=3, processor=True))
    return counts, spent
