r"""The Hamiltonian as a sparse matrix over listed states, and its lowest eigenvalue and eigenvector.

Index letters: n, m state; c connection.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from hesslib.reconfiguration.configurations import Configurations
from hesslib.reconfiguration.hamiltonian import Hamiltonian

if TYPE_CHECKING:
    from scipy.sparse import csr_array

DENSE = 200  # states up to which all eigenvalues are found faster than one by iteration


class GroundState(NamedTuple):
    """The lowest eigenvalue of a Hamiltonian and its normalised eigenvector, with a positive sum.

    >>> from hesslib.reconfiguration import Heisenberg
    >>> ground_state(Heisenberg(4), Configurations(4, magnetization=0)).vector.shape
    (6,)
    """

    energy: float  # the eigenvalue
    vector: Float[np.ndarray, " n"]  # over the states of the configurations


def matrix(hamiltonian: Hamiltonian, configurations: Configurations, /) -> "csr_array":
    r"""Return H over the states of `configurations`, a symmetric SciPy sparse matrix.

    If one state stands for $m_n$ translations, the basis vectors are the equal superpositions of these: H is then the
    part of the Hamiltonian with momentum 0, $H_{nm}=\sqrt{m_n/m_m}\sum_{\sigma'}H_{\sigma_n\sigma'}$ over the
    translations $\sigma'$ of $\sigma_m$.

    Shapes: (n, n) for n states.
    Cost: at most n C entries for C connections, in operations and memory, and a search for each.
    Errors: ValueError if the chains differ in length, or the Hamiltonian leads out of the states.

    >>> from hesslib.reconfiguration import Heisenberg
    >>> matrix(Heisenberg(4), Configurations(4, magnetization=0, translations=True)).toarray()
    array([[ 0.        , -5.65685425],
           [-5.65685425, -4.        ]])
    """
    from scipy.sparse import csr_array

    rows, columns, values = entries(hamiltonian, configurations)
    m = configurations.multiplicity
    n = len(m)
    return csr_array((values * np.sqrt(m[rows] / m[columns]), (rows, columns)), shape=(n, n))


def ground_state(hamiltonian: Hamiltonian, configurations: Configurations, /) -> GroundState:
    """Return the lowest eigenvalue of `matrix` and its eigenvector.

    By all eigenvalues up to 200 states, beyond that by Lanczos iteration (``scipy.sparse.linalg.eigsh``) to rounding,
    from a start vector that is always the same.

    Shapes: a `GroundState` with a vector (n,).
    Cost: $O(n^3)$ up to 200 states; beyond, as many products with the sparse matrix as Lanczos takes, and the memory of
    about 20 vectors.
    Errors: as for `matrix`, and what ``eigsh`` raises if it does not converge.

    >>> from hesslib.reconfiguration import Heisenberg
    >>> round(ground_state(Heisenberg(4), Configurations(4, magnetization=0)).energy, 12)
    -8.0
    """
    from scipy.sparse.linalg import eigsh

    H = matrix(hamiltonian, configurations)
    n = H.shape[0]
    if n <= DENSE:
        energies, vectors = np.linalg.eigh(H.toarray())
    else:
        energies, vectors = eigsh(H, k=1, which="SA", v0=np.random.default_rng(0).standard_normal(n))
    vector = vectors[:, 0]
    return GroundState(float(energies[0]), vector * (1.0 if vector.sum() >= 0 else -1.0))


def entries(
    hamiltonian: Hamiltonian, configurations: Configurations, /
) -> tuple[np.ndarray, np.ndarray, Float[np.ndarray, " e"]]:
    """Return rows, columns and values of the entries that are not 0, row by row, the diagonal first in each."""
    if hamiltonian.N != configurations.N:
        raise ValueError(f"configurations have {configurations.N} spins; the Hamiltonian has {hamiltonian.N}")
    states, values = hamiltonian.connections(configurations.states)
    present = values != 0
    present[:, 0] = True  # each row has an entry, even if it is 0
    rows, _ = np.nonzero(present)
    return rows, configurations.positions(states[present]), values[present]
