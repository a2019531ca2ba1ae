r"""Energy, metric and force by sampling: many Metropolis chains side by side.

Index letters: c chain; i, s site; j hidden unit; n state of the sample.

Longer than one sitting: chains, their proposals and what is averaged along them.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Inexact, Integer

from hesslib._chunks import BUDGET
from hesslib.reconfiguration.autocorrelation import autocorrelation_time, standard_error
from hesslib.reconfiguration.exact import EnergyEstimate
from hesslib.reconfiguration.hamiltonian import Hamiltonian
from hesslib.reconfiguration.log_cosh import sum_log_2cosh
from hesslib.reconfiguration.machine import RestrictedBoltzmann, check_states, log_derivatives, log_psi_of
from hesslib.reconfiguration.sample_moments import local_energies, moments


class Samples(NamedTuple):
    """The states of C chains after each of T sweeps.

    >>> Samples(np.ones((3, 5, 4), dtype=int), 0.5).states.shape
    (3, 5, 4)
    """

    states: Integer[np.ndarray, "T C N"]  # 1 and -1
    acceptance: float  # share of the proposals that were accepted


def random_states(
    rng: np.random.Generator | int, chains: int, N: int, /, *, magnetization: int | None = None
) -> Integer[np.ndarray, "C N"]:
    r"""Return random states, each entry $\pm1$ with equal chances; with a magnetization, random among those of it.

    Shapes: (C, N) for C = `chains`.
    Cost: CN random numbers.
    Errors: ValueError if no state of N spins has the magnetization.

    >>> random_states(0, 5, 4, magnetization=0).sum(axis=1)
    array([0, 0, 0, 0, 0])
    """
    rng = np.random.default_rng(rng)
    if magnetization is None:
        return rng.choice(np.array([-1, 1]), (chains, N))
    if abs(magnetization) > N or (N + magnetization) % 2:
        raise ValueError(f"magnetization is {magnetization}; no state of {N} spins has it")
    up = np.arange(N) < (N + magnetization) // 2
    return rng.permuted(np.tile(np.where(up, 1, -1), (chains, 1)), axis=1)


def sample(
    machine: RestrictedBoltzmann,
    w: Inexact[np.ndarray, " P"],
    states: Integer[np.ndarray, "C N"],
    rng: np.random.Generator | int,
    /,
    *,
    sweeps: int,
    exchange: bool = False,
) -> Samples:
    r"""Return states distributed like $|\psi|^2$, by the rule of Metropolis, from where `states` are on.

    A step flips a random spin, or, with ``exchange``, the two spins of a random bond, which conserves
    $\sum_i\sigma_i$ if they differ and changes nothing else if they do not. It is accepted with the probability
    $\min(1,|\psi'/\psi|^2)$. A sweep has N steps. The $\theta_j$ are kept and updated: a step costs $O(M)$.

    Shapes: `states` is (C, N); the `Samples` has (T, C, N) for T = `sweeps`.
    Cost: $O(CNM)$ operations for a sweep of all chains; memory: the result in bytes, and some arrays (C, M).
    Errors: ValueError as `log_psi` does, or if `sweeps` is below 1.

    >>> machine = RestrictedBoltzmann(4, 1)
    >>> sample(machine, machine.init(0), random_states(0, 5, 4), 1, sweeps=3).states.shape
    (3, 5, 4)
    """
    rng = np.random.default_rng(rng)
    if sweeps < 1:
        raise ValueError(f"sweeps is {sweeps}; it must be at least 1")
    w, current = check_states(machine, w, np.array(states))
    a, b, W = machine.unravel(w)
    chains, N = current.shape
    columns = np.ascontiguousarray(W.T)
    every = np.arange(chains)
    theta = current @ columns + b
    hidden = sum_log_2cosh(theta)
    visited = np.empty((sweeps, chains, N), dtype=np.int8)
    accepted = 0
    for sweep in range(sweeps):
        sites = rng.integers(N, size=(N, chains))
        thresholds = np.log(rng.random((N, chains)))
        for i, threshold in zip(sites, thresholds, strict=True):
            change = -2 * current[every, i]
            moved, visible = theta + change[:, None] * columns[i], change * a[i]
            if exchange:
                s = (i + 1) % N
                other = -2 * current[every, s]
                moved, visible = moved + other[:, None] * columns[s], visible + other * a[s]
            log_2cosh = sum_log_2cosh(moved)
            accept = 2 * np.real(visible + log_2cosh - hidden) > threshold
            if exchange:
                accept &= current[every, i] != current[every, s]
                current[every[accept], s[accept]] *= -1
            current[every[accept], i[accept]] *= -1
            theta[accept], hidden[accept] = moved[accept], log_2cosh[accept]
            accepted += int(np.count_nonzero(accept))
        visited[sweep] = np.real(current)
    return Samples(visited, accepted / (sweeps * N * chains))


class Metropolis:
    """$E$, $S$ and $F$ of a machine by averages over Metropolis chains.

    The chains go on from where they were at the last estimate: from one step of an optimisation to the next the
    distribution changes little. An estimate makes `discard` sweeps, then `sweeps` more and uses the states after each.

    Parameters
    ----------
    machine, hamiltonian
        Of the same number of spins.
    chains, sweeps
        The size of the sample, n, is their product.
    discard
        Sweeps that are made and not used, at each estimate.
    seed
        A number, or a NumPy generator; the same seed gives the same run.

    Equation: energy-as-mean.
    Shapes: called with `w` (P,) it returns an `Estimate`, whose moments have S (P, P) and F (P,).
    Cost: a call takes $O(NM)$ operations for each sweep of a chain, $2nCMN$ for the energies with C connections, and
    $2nP^2$ for $S$; memory: some arrays (n, P).
    Errors: ValueError if the numbers of spins differ, there are fewer than 2 chains or sweeps, or `w` is not (P,) and
    floating.

    >>> from hesslib.reconfiguration import Heisenberg
    >>> machine = RestrictedBoltzmann(8, 1)
    >>> estimate = Metropolis(machine, Heisenberg(8), chains=50, sweeps=20)(machine.init(0))
    >>> 0 < estimate.error < 1, estimate.moments.S.shape
    (True, (10, 10))
    """

    def __init__(
        self,
        machine: RestrictedBoltzmann,
        hamiltonian: Hamiltonian,
        /,
        *,
        chains: int = 200,
        sweeps: int = 10,
        discard: int = 2,
        seed: np.random.Generator | int = 0,
    ) -> None:
        if machine.N != hamiltonian.N:
            raise ValueError(f"machine has {machine.N} spins; the Hamiltonian has {hamiltonian.N}")
        for name, value, least in (("chains", chains, 2), ("sweeps", sweeps, 2), ("discard", discard, 0)):
            if value < least:
                raise ValueError(f"{name} is {value}; it must be at least {least}")
        self.machine, self.hamiltonian = machine, hamiltonian
        self.sweeps, self.discard = sweeps, discard
        self._rng = np.random.default_rng(seed)
        self._states = random_states(self._rng, chains, machine.N, magnetization=hamiltonian.magnetization)

    def __call__(self, w: Inexact[np.ndarray, " P"], /) -> EnergyEstimate:
        """Return the moments at `w` from a new sample, with the error bar of the energy."""
        exchange = self.hamiltonian.magnetization is not None
        run = sample(self.machine, w, self._states, self._rng, sweeps=self.discard + self.sweeps, exchange=exchange)
        self._states = run.states[-1]
        used = run.states[self.discard :]
        states = used.reshape(-1, self.machine.N)
        E = sampled_energies(self.machine, self.hamiltonian, w, states)
        p = np.full(len(states), 1 / len(states))
        series = np.real(E).reshape(self.sweeps, -1)
        return EnergyEstimate(
            moments(p, log_derivatives(self.machine, w, states), E),
            standard_error(series),
            autocorrelation_time(series),
            run.acceptance,
        )


def sampled_energies(
    machine: RestrictedBoltzmann,
    hamiltonian: Hamiltonian,
    w: Inexact[np.ndarray, " P"],
    states: Integer[np.ndarray, "n N"],
    /,
) -> Inexact[np.ndarray, " n"]:
    r"""Return the local energy $\sum_{\sigma'}H_{\sigma\sigma'}\psi(\sigma')/\psi(\sigma)$ of each state.

    Equation: wave-function.
    Shapes: (n,), for `w` (P,) and `states` (n, N).
    Cost: $2nCMN$ operations for C connections, in chunks of bounded memory.
    Errors: ValueError as `log_psi` does.

    >>> from hesslib.reconfiguration import TransverseFieldIsing
    >>> machine, chain = RestrictedBoltzmann(4, 1), TransverseFieldIsing(4, 0.0)
    >>> sampled_energies(machine, chain, machine.init(0), np.ones((1, 4), dtype=int))
    array([-4.])
    """
    w, _ = check_states(machine, w, states)
    size = max(BUDGET // ((machine.N + 1) * machine.N * machine.density), 1)
    return np.concatenate(
        [_energies(machine, w, hamiltonian, states[start : start + size]) for start in range(0, len(states), size)]
    )


def _energies(machine: RestrictedBoltzmann, w: np.ndarray, hamiltonian: Hamiltonian, states: np.ndarray) -> np.ndarray:
    others, values = hamiltonian.connections(states)
    parameters = machine.unravel(w)
    here = log_psi_of(parameters, states.astype(w.dtype))
    connected = np.repeat(here[:, None], values.shape[1], axis=1)
    present = values != 0
    present[:, 0] = False  # the state itself is known
    connected[present] = log_psi_of(parameters, others[present].astype(w.dtype))
    return local_energies(here, connected, values)
