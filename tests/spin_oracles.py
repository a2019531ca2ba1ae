"""Oracles for spin chains: Kronecker products of Pauli matrices, sums over hidden units; nothing of the package."""

import itertools

import numpy as np

PAULI = {
    "x": np.array([[0, 1], [1, 0]], dtype=complex),
    "y": np.array([[0, -1j], [1j, 0]]),
    "z": np.array([[1, 0], [0, -1]], dtype=complex),
}


def all_states(N: int) -> np.ndarray:
    """Every state, in the order of a Kronecker product: the first spin varies slowest, up comes first."""
    return np.array(list(itertools.product([1, -1], repeat=N)))


def operator(N: int, factors: dict[int, np.ndarray]) -> np.ndarray:
    """The Kronecker product with the given factors at their sites and the identity elsewhere."""
    product = np.eye(1)
    for i in range(N):
        product = np.kron(product, factors.get(i, np.eye(2)))
    return product


def ising(N: int, field: float) -> np.ndarray:
    H = sum(-field * operator(N, {i: PAULI["x"]}) for i in range(N))
    return (H - sum(operator(N, {i: PAULI["z"], (i + 1) % N: PAULI["z"]}) for i in range(N))).real


def heisenberg(N: int, marshall: bool) -> np.ndarray:
    """With the rotation of every second spin carried out as a matrix product."""
    H = sum(operator(N, {i: PAULI[c], (i + 1) % N: PAULI[c]}) for i in range(N) for c in "xyz")
    U = operator(N, dict.fromkeys(range(0, N, 2), PAULI["z"])) if marshall else np.eye(2**N)
    return (U @ H @ U.conj().T).real


def amplitude(a: np.ndarray, b: np.ndarray, W: np.ndarray, state: np.ndarray) -> complex:
    """The wave function by its definition: a sum over all values of all hidden units."""
    total = 0.0
    for h in itertools.product([1, -1], repeat=len(b)):
        total += np.exp(a @ state + np.array(h) @ (b + W @ state))
    return total


def parameters_of(machine, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """a, b, W of all units, read from the flat vector one by one; hidden unit (f, t) sees the spins shifted by t."""
    N, alpha = machine.N, machine.density
    if not machine.symmetric:
        M = alpha * N
        return w[:N], w[N : N + M], w[N + M :].reshape(M, N)
    a = np.array([w[0]] * N)
    b, W = [], []
    for f in range(alpha):
        for t in range(N):
            b.append(w[1 + f])
            row = np.zeros(N, dtype=w.dtype)
            for i in range(N):
                row[(i + t) % N] = w[1 + alpha + f * N + i]
            W.append(row)
    return a, np.array(b), np.array(W)


def energy(machine, H: np.ndarray, w: np.ndarray, keep: np.ndarray) -> float:
    """<psi|H|psi> / <psi|psi> with the full matrix, over the states that are kept."""
    states = all_states(machine.N)[keep]
    psi = np.array([amplitude(*parameters_of(machine, w), state) for state in states])
    return float((psi.conj() @ H[np.ix_(keep, keep)] @ psi).real / (psi.conj() @ psi).real)
