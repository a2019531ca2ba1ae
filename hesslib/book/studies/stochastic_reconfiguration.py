"""Experiments of *Natural gradient and stochastic reconfiguration*: a machine for JAX, runs and their errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from hesslib import reconfiguration as sr
from hesslib.book.measuring import seconds
from hesslib.calculus.derivation import unfold
from hesslib.calculus.einsum_program import source
from hesslib.derivations import reconfiguration as derived
from hesslib.reconfiguration import ExactSums, Heisenberg, Metropolis, RestrictedBoltzmann

FLOOR = 1e-16
SMOOTH = 25  # iterations of a running mean
"""Errors of rounding size are drawn here."""


def relative(energies: Any, exact: float) -> Any:
    """The relative error of energies."""
    return (np.asarray(energies) - exact) / abs(exact)


def draw_error(ax: Any, energies: Any, exact: float, label: str) -> None:
    """The error against the iteration, on a logarithmic axis."""
    ax.semilogy(np.maximum(relative(energies, exact), FLOOR), label=label)
    ax.set(xlabel="iteration")


def descent(sums: Any, start: Any, rate: float, iterations: int = 300) -> list[float]:
    """The energies along the plain gradient at a constant rate."""
    at, energies = start, []
    for _ in range(iterations):
        found = sums(at).moments
        energies.append(found.energy)
        at = at - rate * found.F
    return energies


# The referees: JAX on an explicit sum over states, and the derived S and F compiled


class BySums:
    """A machine with six spins, written anew for JAX: all translations of one filter, all states summed."""

    def __init__(self, hamiltonian: Any) -> None:
        self.every = sr.Configurations(6, 0)
        self.dense = jnp.asarray(sr.matrix(hamiltonian, self.every).toarray())
        self.spins = jnp.asarray(self.every.states)

    def log_psi(self, w: Any) -> Any:
        """Return the logarithm of the amplitude of every state."""
        turned = jnp.stack([jnp.roll(self.spins, -t, axis=1) for t in range(6)], 1)
        theta = w[1] + turned @ w[2:]
        return w[0] * self.spins.sum(axis=1) + jnp.log(2 * jnp.cosh(theta)).sum(axis=1)

    def probabilities(self, w: Any) -> Any:
        """Return the probability of every state."""
        return jax.nn.softmax(2 * self.log_psi(w))

    def energy(self, w: Any) -> Any:
        """Return the energy."""
        psi = jnp.exp(self.log_psi(w))
        return psi @ self.dense @ psi / (psi @ psi)

    def divergence(self, w: Any, at: Any) -> Any:
        """Return how far the distribution at w is from that at another point."""
        p = self.probabilities(at)
        return jnp.sum(p * jnp.log(p / self.probabilities(w)))

    def all_of(self, w: Any) -> tuple[Any, ...]:
        """Return the energy, its gradient, and the curvature of the divergence where both points meet."""

        @jax.jit
        def found(w: Any) -> Any:
            return self.energy(w), jax.grad(self.energy)(w), jax.hessian(self.divergence)(w, w)

        return tuple(map(np.asarray, found(w)))


def compiled(formula: Any, arrays: dict[str, Any], *letters: Any) -> Any:
    """A derived mean over states, compiled to NumPy and evaluated."""
    return eval(source(derived.real(unfold(formula, derived.means)), *letters), {"einsum": np.einsum, **arrays})


def central(energy: Callable[[Any], float], w: Any, factors: tuple[complex, ...] = (1,), step: float = 1e-5) -> Any:
    """The slope of the energy by central differences, in each parameter, along each factor."""

    def along(e: Any, factor: complex) -> Any:
        return factor * (energy(w + step * factor * e) - energy(w - step * factor * e)) / (2 * step)

    return np.array([sum(along(e, factor) for factor in factors) / len(factors) for e in np.eye(len(w))])


def least_squares_step(p: Any, O: Any, local: Any, rate: float) -> Any:
    """The change of ln psi if NumPy's least squares solves the weighted residual, with a free factor."""
    root = np.sqrt(p)[:, None]
    columns = np.column_stack([np.ones(len(local)), O])
    change = O @ np.linalg.lstsq(root * columns, -rate * root[:, 0] * local, rcond=1e-9)[0][1:]
    return change - change.mean()


# Runs


def densities(model: Any, rate: float) -> dict[int, tuple[Any, float, float]]:
    """For each hidden density the run with exact sums, the energy of the ground state, and the seconds it took."""
    runs = {}
    for density in (1, 2, 4):
        machine = RestrictedBoltzmann(model.N, density)
        sums = ExactSums(machine, model)
        ground = sums.ground_energy()
        begun = time.perf_counter()
        run = sr.stochastic_reconfiguration(sums, machine.init(0), rate=rate)
        runs[density] = run, ground, time.perf_counter() - begun
    return runs


def stored_course() -> dict[str, Any]:
    """The runs of 40 spins that ``tools/heisenberg_chain.py`` has kept, with their settings."""
    course = files("hesslib.reconfiguration") / "data" / "heisenberg_chain.json"
    return json.loads(course.read_text(encoding="utf-8"))


def draw_course(stored: dict[str, Any], exact: float) -> dict[int, Any]:
    """The stored courses, smoothed, and new samples at their last parameters, which are returned."""
    _, ax = plt.subplots()
    fresh, N = {}, stored["settings"]["N"]
    for name, run in stored["runs"].items():
        smooth = np.convolve(relative(run["energy"], exact), np.full(SMOOTH, 1 / SMOOTH), mode="valid")
        (line,) = ax.semilogy(np.arange(len(smooth)) + SMOOTH // 2, smooth, label=rf"$\alpha={name}$")
        machine = RestrictedBoltzmann(N, int(name))
        sampler = Metropolis(machine, Heisenberg(N), chains=100, sweeps=20, discard=15, seed=1)
        new = fresh[int(name)] = sampler(np.array(run["w"]))
        at = relative(new.moments.energy, exact), new.error / abs(exact)
        ax.errorbar(510, *at, fmt="o", color=line.get_color(), capsize=3)
    ax.set(xlabel="iteration", ylabel=r"$(E-E_0)/|E_0|$", ylim=(2e-6, 1))
    ax.legend()
    return fresh


def cost_by_size(sizes: tuple[int, ...]) -> tuple[dict[bool, list[float]], dict[bool, list[int]]]:
    """Seconds of one estimate by exact sums, with and without translation symmetry, and the states it sums over."""
    cost: dict[bool, list[float]] = {True: [], False: []}
    states: dict[bool, list[int]] = {True: [], False: []}
    for tied, spent in cost.items():
        for N in sizes:
            machine = RestrictedBoltzmann(N, 1, symmetric=tied)
            estimate, at = ExactSums(machine, Heisenberg(N)), machine.init(0)
            spent.append(seconds(partial(estimate, at), repeat=3))
            states[tied].append(len(estimate.configurations.states))
    return cost, states
