r"""Energy, metric and force by sums over every state of a short chain.

Index letters: n state; e entry of the Hamiltonian.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Inexact

from hesslib.reconfiguration.configurations import Configurations
from hesslib.reconfiguration.diagonalization import entries, ground_state
from hesslib.reconfiguration.hamiltonian import Hamiltonian
from hesslib.reconfiguration.machine import RestrictedBoltzmann, check_states, log_derivatives, log_psi_of
from hesslib.reconfiguration.sample_moments import Moments, moments, probabilities


class EnergyEstimate(NamedTuple):
    """The moments at some parameters, and how they were found.

    >>> from hesslib.reconfiguration import Heisenberg
    >>> ExactSums(RestrictedBoltzmann(4, 1), Heisenberg(4))(np.zeros(6)).error
    0.0
    """

    moments: Moments  # energy, variance, S and F
    error: float = 0.0  # standard error of the energy; 0 for sums over all states
    autocorrelation: float = float("nan")  # in sweeps, of the local energy
    acceptance: float = float("nan")  # of the Metropolis steps


class ExactSums:
    r"""$E$, $S$ and $F$ of a machine by sums over all states that the Hamiltonian can reach.

    For a symmetric machine one state stands for all its translations, up to N of them. The entries of the Hamiltonian
    are listed once; an estimate then evaluates $\psi$ once for each state.

    Parameters
    ----------
    machine, hamiltonian
        Of the same number of spins, at most 24.

    Equation: energy-as-mean.
    Shapes: called with `w` (P,) it returns an `EnergyEstimate`, whose moments have S (P, P) and F (P,).
    Cost: to make it, the entries of `matrix`; a call takes $2nMN$ operations for $\psi$ and $2nP^2$ for $S$; memory:
    the entries, and some arrays (n, P).
    Errors: ValueError if the numbers of spins differ or are too large, or `w` is not (P,) and floating.

    >>> from hesslib.reconfiguration import Heisenberg
    >>> sums = ExactSums(RestrictedBoltzmann(4, 1), Heisenberg(4))
    >>> round(float(sums(np.zeros(6)).moments.energy), 12)  # equal amplitudes: 4 (1/3 - 2/3) - 2 * 8/3
    -6.666666666667
    """

    def __init__(self, machine: RestrictedBoltzmann, hamiltonian: Hamiltonian, /) -> None:
        if machine.N != hamiltonian.N:
            raise ValueError(f"machine has {machine.N} spins; the Hamiltonian has {hamiltonian.N}")
        self.machine, self.hamiltonian = machine, hamiltonian
        self.configurations = Configurations(
            machine.N, magnetization=hamiltonian.magnetization, translations=machine.symmetric
        )
        self._rows, self._columns, self._values = entries(hamiltonian, self.configurations)
        self._first = np.searchsorted(self._rows, np.arange(len(self.configurations.states)))

    def ground_energy(self) -> float:
        """Return the lowest energy that the machine could reach: among the states it has, by diagonalisation."""
        return ground_state(self.hamiltonian, self.configurations).energy

    def __call__(self, w: Inexact[np.ndarray, " P"], /) -> EnergyEstimate:
        """Return the moments at `w`."""
        w, states = check_states(self.machine, w, self.configurations.states)
        psi = log_psi_of(self.machine.unravel(w), states)
        ratios = np.exp(psi[self._columns] - psi[self._rows])
        E = np.add.reduceat(self._values * ratios, self._first)
        p = probabilities(psi, self.configurations.multiplicity)
        return EnergyEstimate(moments(p, log_derivatives(self.machine, w, self.configurations.states), E))
