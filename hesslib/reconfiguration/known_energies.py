r"""Ground-state energies that are known without diagonalising anything.

Index letters: j, k rapidity of an overturned spin.
"""

import numpy as np

STEPS = 100  # Newton's method takes about six


def ising_energy(N: int, field: float | int, /) -> float:
    r"""Return $-\sum_m\sqrt{1+h^2+2h\cos k_m}$, $k_m=(2m+1)\pi/N$: the Ising chain in a transverse field h.

    For N even and $h\geq0$, in the units of `TransverseFieldIsing`. The chain is one of free fermions, and its ground
    state has an even number of them, which makes their boundary condition antiperiodic.

    Shapes: a number.
    Cost: $O(N)$ operations and numbers.
    Errors: ValueError if `N` is odd or below 4, or `field` is negative or not finite.
    Reference: Pfeuty (1970).

    >>> round(ising_energy(8, 1.0), 10)
    -10.251661791
    """
    if N < 4 or N % 2:
        raise ValueError(f"N is {N}; it must be even and at least 4")
    if not 0 <= field < np.inf:
        raise ValueError(f"field is {field}; it must be finite and not negative")
    k = (2 * np.arange(N) + 1) * np.pi / N
    return -float(np.sum(np.sqrt(1 + field**2 + 2 * field * np.cos(k))))


def heisenberg_energy(N: int, /) -> float:
    r"""Return the energy of the antiferromagnetic Heisenberg chain in Pauli matrices, by the Bethe ansatz.

    It is $E=N-8\sum_j1/(1+4x_j^2)$. The $N/2$ overturned spins have rapidities $x_j$, the solution of $2N\arctan2x_j$
    $=2\pi I_j+2\sum_k\arctan(x_j-x_k)$ with $I_j$ in equal steps of 1 and symmetric about 0. Solved by Newton's method
    to rounding: for N = 40 the energy is -70.98609115, and for long chains $N(1-4\ln2)$.

    Shapes: a number.
    Cost: about six linear systems of N / 2 unknowns; memory: a few matrices (N / 2, N / 2).
    Errors: ValueError if `N` is odd or below 4.
    Reference: Bethe (1931); Karbach and Müller (1997).

    >>> round(heisenberg_energy(4), 10)
    -8.0
    """
    if N < 4 or N % 2:
        raise ValueError(f"N is {N}; it must be even and at least 4")
    half = N // 2
    I = np.arange(half) - (half - 1) / 2
    x = np.tan(np.pi * I / N) / 2  # as if the overturned spins did not meet
    for _ in range(STEPS):
        difference = x[:, None] - x[None, :]
        residual = 2 * N * np.arctan(2 * x) - 2 * np.pi * I - 2 * np.sum(np.arctan(difference), axis=1)
        slope = 2 / (1 + difference**2)
        jacobian = np.diag(4 * N / (1 + 4 * x**2) - slope.sum(axis=1)) + slope
        step = np.linalg.solve(jacobian, residual)
        x = x - step
        if np.max(np.abs(step)) <= 4 * np.finfo(float).eps * np.max(np.abs(x)):
            break
    return float(N - 8 * np.sum(1 / (1 + 4 * x**2)))
