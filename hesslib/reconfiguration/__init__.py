r"""Ground states of quantum spin chains by stochastic reconfiguration, the natural gradient of a wave function.

Read the modules in this order:

* ``machine``: the wave function, a restricted Boltzmann machine, and its log-derivatives $O$
* ``hamiltonian``: the transverse-field Ising and the Heisenberg chain
* ``configurations``, ``diagonalization``, ``known_energies``: states, and energies to compare with
* ``sample_moments``: energy, metric $S$ and force $F$
* ``exact``, ``metropolis``, ``autocorrelation``: these by sums over all states, and by sampling
* ``regularization``, ``loop``: the linear system of a step, and the iteration

`log_psi`, `log_derivatives`, `moments`, `probabilities`, `local_energies` and the logarithms of the cosine take arrays
of NumPy, JAX and PyTorch; states, sampling and the iteration are NumPy's.

>>> machine = RestrictedBoltzmann(8, 2)
>>> result = stochastic_reconfiguration(ExactSums(machine, Heisenberg(8)), machine.init(0))
>>> bool(abs(result.energy - heisenberg_energy(8)) < 1e-11)
True
"""

from hesslib.reconfiguration.autocorrelation import autocorrelation_time, standard_error
from hesslib.reconfiguration.configurations import Configurations
from hesslib.reconfiguration.diagonalization import GroundState, ground_state, matrix
from hesslib.reconfiguration.exact import EnergyEstimate, ExactSums
from hesslib.reconfiguration.hamiltonian import Connections, Hamiltonian, Heisenberg, TransverseFieldIsing
from hesslib.reconfiguration.known_energies import heisenberg_energy, ising_energy
from hesslib.reconfiguration.log_cosh import log_2cosh, sum_log_2cosh
from hesslib.reconfiguration.loop import Iteration, Reconfiguration, stochastic_reconfiguration
from hesslib.reconfiguration.machine import RestrictedBoltzmann, log_derivatives, log_psi
from hesslib.reconfiguration.metropolis import Metropolis, Samples, random_states, sample, sampled_energies
from hesslib.reconfiguration.regularization import (
    SingularMetricError,
    constant,
    damped_direction,
    geometric,
    pseudo_inverse_direction,
)
from hesslib.reconfiguration.sample_moments import Moments, local_energies, moments, probabilities

__all__ = [
    "Configurations",
    "Connections",
    "EnergyEstimate",
    "ExactSums",
    "GroundState",
    "Hamiltonian",
    "Heisenberg",
    "Iteration",
    "Metropolis",
    "Moments",
    "Reconfiguration",
    "RestrictedBoltzmann",
    "Samples",
    "SingularMetricError",
    "TransverseFieldIsing",
    "autocorrelation_time",
    "constant",
    "damped_direction",
    "geometric",
    "ground_state",
    "heisenberg_energy",
    "ising_energy",
    "local_energies",
    "log_2cosh",
    "log_derivatives",
    "log_psi",
    "matrix",
    "moments",
    "probabilities",
    "pseudo_inverse_direction",
    "random_states",
    "sample",
    "sampled_energies",
    "standard_error",
    "stochastic_reconfiguration",
    "sum_log_2cosh",
]
