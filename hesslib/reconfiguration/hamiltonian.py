r"""Hamiltonians of a periodic chain of N spins $\sigma_i=\pm1$, in Pauli matrices (four times the spin-1/2 energies).

A Hamiltonian is a sparse symmetric matrix over states. All that is needed of it are the entries of a row: the states
that $\sigma$ is connected with, itself first, and the matrix elements.

Index letters: n state; c connection; i site.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Integer

States = Integer[np.ndarray, "n N"]


class Connections(NamedTuple):
    r"""The entries $H_{\sigma\sigma'}$ of the rows of given states; a connection that is not there has the value 0.

    >>> Heisenberg(4).connections(np.array([[1, 1, -1, -1]])).states[0, 2]
    array([ 1, -1,  1, -1])
    """

    states: Integer[np.ndarray, "n C N"]  # $\sigma'$, the state itself first
    values: Float[np.ndarray, "n C"]  # $H_{\sigma\sigma'}$


@runtime_checkable
class Hamiltonian(Protocol):
    """What the rest asks of a Hamiltonian: anything that has these three is one.

    Shapes: `connections` takes states (n, N) and gives `Connections` (n, C, N) and (n, C).
    Cost: $O(nCN)$ operations and numbers.
    Errors: ValueError if the states have another length.

    >>> isinstance(Heisenberg(4), Hamiltonian)
    True
    """

    @property
    def N(self) -> int:
        """The number of spins."""
        ...

    @property
    def magnetization(self) -> int | None:
        r"""The conserved $\sum_i\sigma_i$ of the ground state, or None if it is not conserved.

        It says which states count, and whether a Metropolis step exchanges two spins or flips one.
        """
        ...

    def connections(self, states: States, /) -> Connections:
        """The states that each is connected with, itself first, and the matrix elements."""
        ...


@dataclass(frozen=True)
class TransverseFieldIsing:
    r"""$H=-h\sum_i\sigma^x_i-\sum_i\sigma^z_i\sigma^z_{i+1}$ with the transverse field h.

    Shapes: as for every `Hamiltonian`, with N + 1 connections.
    Cost: as for every `Hamiltonian`.
    Errors: ValueError if N is not at least 3, the field is not finite, or states have another length.

    >>> TransverseFieldIsing(4, 0.5).connections(np.array([[1, 1, 1, -1]])).values
    array([[ 0. , -0.5, -0.5, -0.5, -0.5]])
    """

    N: int
    field: float | int

    magnetization = None

    def __post_init__(self) -> None:
        _check_length(self.N)
        if not np.isfinite(self.field):
            raise ValueError(f"field is {self.field}; it must be finite")

    def connections(self, states: States, /) -> Connections:
        """The diagonal, and one flip at each site."""
        states = _check(states, self.N)
        diagonal = 0.0 - np.sum(states * np.roll(states, -1, axis=1), axis=1, dtype=float)
        flips = states[:, None, :] * (1 - 2 * np.eye(self.N, dtype=states.dtype))
        field = np.full(states.shape, -float(self.field))
        return Connections(_with_itself(states, flips), np.column_stack([diagonal, field]))


@dataclass(frozen=True)
class Heisenberg:
    r"""$H=\sum_i\boldsymbol\sigma_i\cdot\boldsymbol\sigma_{i+1}$, the antiferromagnetic chain with $\sum_i\sigma_i=0$.

    An antiparallel bond is exchanged with the matrix element +2. With ``marshall`` every second spin is rotated about
    its z axis: the element becomes -2, the spectrum stays, and the ground state becomes positive. Every closed path of
    exchanges has an even number of them on a ring of even length, which is why N must be even.

    Shapes: as for every `Hamiltonian`, with N + 1 connections.
    Cost: as for every `Hamiltonian`.
    Errors: ValueError if N is not even and at least 4, or states have another length.
    Reference: Marshall (1955).

    >>> Heisenberg(4).connections(np.array([[1, 1, -1, -1]])).values
    array([[ 0.,  0., -2.,  0., -2.]])
    """

    N: int
    marshall: bool = True

    magnetization = 0

    def __post_init__(self) -> None:
        _check_length(self.N)
        if self.N % 2:
            raise ValueError(f"N is {self.N}; it must be even: no state of an odd chain has magnetization 0")

    def connections(self, states: States, /) -> Connections:
        """The diagonal, and the exchange of the two spins of each bond."""
        states = _check(states, self.N)
        following = np.roll(states, -1, axis=1)
        diagonal = np.sum(states * following, axis=1, dtype=float)
        antiparallel = states != following
        bonds = np.eye(self.N, dtype=states.dtype)
        flipped = bonds + np.roll(bonds, 1, axis=1)  # bond i: sites i and i + 1
        exchanges = states[:, None, :] * np.where(antiparallel[:, :, None], 1 - 2 * flipped, 1)
        element = np.where(antiparallel, -2.0 if self.marshall else 2.0, 0.0)
        return Connections(_with_itself(states, exchanges), np.column_stack([diagonal, element]))


def _with_itself(states: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.concatenate([states[:, None, :], others], axis=1)


def _check_length(N: int) -> None:
    if not isinstance(N, int | np.integer) or N < 3:
        raise ValueError(f"N is {N!r}; it must be an integer of at least 3, or a bond of the ring counts twice")


def _check(states: np.ndarray, N: int) -> np.ndarray:
    states = np.asarray(states)
    if states.ndim != 2 or states.shape[1] != N:
        raise ValueError(f"states has shape {states.shape}; it must be (n, {N})")
    return states
