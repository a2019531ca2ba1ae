r"""All states of a chain, or one out of each class of translations, as rows of $\pm1$.

Index letters: n state; i site. A state has a number: bit i is set where $\sigma_i=+1$.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Integer

LARGEST = 24  # spins: 2^24 states are 16 million


@dataclass(frozen=True, eq=False)
class Configurations:
    r"""States $\sigma_n$ and how many each stands for; with ``translations`` one stands for all its translations.

    Sums over all states of quantities that translations do not change, $\psi$ of a symmetric machine and its local
    energy, are sums over these few with the weights ``multiplicity``.

    Parameters
    ----------
    N
        The number of spins, at most 24.
    magnetization
        Take the states with $\sum_i\sigma_i$ equal to this; None takes all.
    translations
        Take one state, that with the smallest number, out of each class of translations.

    Shapes: `states` is (n, N), `multiplicity` (n,).
    Cost: $O(2^NN)$ operations, once; memory: a few arrays of $2^N$ numbers, and (n, N) bytes.
    Errors: ValueError if N is out of range, or no state has the magnetization.

    >>> len(Configurations(10).states), len(Configurations(10, magnetization=0, translations=True).states)
    (1024, 26)
    """

    N: int
    magnetization: int | None = None
    translations: bool = False
    states: Integer[np.ndarray, "n N"] = field(init=False, repr=False)  # rows of 1 and -1
    multiplicity: Float[np.ndarray, " n"] = field(init=False, repr=False)  # how many states each row stands for
    _numbers: Integer[np.ndarray, " n"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.N <= LARGEST:
            raise ValueError(f"N is {self.N}; it must be from 1 to {LARGEST} if all states are to be listed")
        numbers = np.arange(2**self.N)
        if self.magnetization is not None:
            numbers = numbers[2 * np.bitwise_count(numbers).astype(int) - self.N == self.magnetization]
            if not len(numbers):
                raise ValueError(f"magnetization is {self.magnetization}; no state of {self.N} spins has it")
        if self.translations:
            numbers, counts = np.unique(_smallest(numbers, self.N), return_counts=True)
        else:
            counts = np.ones(len(numbers), dtype=int)
        states = 2 * (numbers[:, None] >> np.arange(self.N) & 1).astype(np.int8) - 1
        for name, array in (("states", states), ("multiplicity", counts.astype(float)), ("_numbers", numbers)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def positions(self, states: Integer[np.ndarray, "*shape N"], /) -> Integer[np.ndarray, "*shape"]:
        """Return in which row each of the given states is, or that one which stands for it.

        Errors: ValueError if a state is not among them, having another magnetization.
        """
        numbers = (states > 0) @ (1 << np.arange(self.N))
        if self.translations:
            numbers = _smallest(numbers, self.N)
        positions = np.minimum(np.searchsorted(self._numbers, numbers), len(self._numbers) - 1)
        if not np.array_equal(self._numbers[positions], numbers):
            raise ValueError("states has rows with another magnetization; the Hamiltonian does not conserve it")
        return positions


def _smallest(numbers: np.ndarray, N: int) -> np.ndarray:
    """The smallest number among the translations of each state: N rotations of the bits."""
    smallest, rotated = numbers, numbers
    for _ in range(N - 1):
        rotated = rotated >> 1 | (rotated & 1) << (N - 1)
        smallest = np.minimum(smallest, rotated)
    return smallest
