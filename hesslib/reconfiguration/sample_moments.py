r"""What one step needs of a state: the energy, its variance, the metric $S$ and the force $F$.

Index letters: n state; c connection; k, l parameter.
"""

from typing import NamedTuple

from jaxtyping import Float, Inexact

from hesslib._arrays import Array, contract, namespace

# contractions
MEAN = "n,nk->k"  # sum_n p_n O_nk
COVARIANCE = "nk,nl->kl"  # sum_n (p_n conj O_nk) O_nl
FORCE = "nk,n->k"  # sum_n (p_n conj O_nk) E_n


class Moments(NamedTuple):
    r"""Averages with the probabilities $p_n=|\psi_n|^2/\sum_m|\psi_m|^2$, over all states or over a sample.

    >>> import numpy as np
    >>> moments(np.array([0.5, 0.5]), np.array([[1.0], [-1.0]]), np.array([3.0, 1.0])).energy.item()
    2.0
    """

    energy: Array  # $\langle E\rangle$, real
    variance: Array  # $\langle|E-\langle E\rangle|^2\rangle$: 0 if and only if the state is an eigenstate
    S: Array  # $\langle\bar O_kO_l\rangle-\langle\bar O_k\rangle\langle O_l\rangle$, (P, P)
    F: Array  # $\langle\bar O_kE\rangle-\langle\bar O_k\rangle\langle E\rangle$, (P,)


def probabilities(log_psi: Inexact[Array, " n"], multiplicity: Float[Array, " n"], /) -> Float[Array, " n"]:
    r"""Return $p_n=m_n|\psi_n|^2/\sum_{n'}m_{n'}|\psi_{n'}|^2$; the largest $|\psi_n|$ is divided out first.

    Equation: wave-function.
    Shapes: (n,), real, for $\log\psi$ and the multiplicities $m$, (n,) each.
    Cost: $O(n)$ operations and numbers.
    Errors: ValueError if the libraries differ.

    >>> import numpy as np
    >>> probabilities(np.array([1000.0, 1000.0]), np.array([1.0, 3.0]))
    array([0.25, 0.75])
    """
    xp = namespace(log_psi=log_psi, multiplicity=multiplicity)
    real = xp.real(log_psi) if xp.isdtype(log_psi.dtype, "complex floating") else log_psi
    p = multiplicity * xp.exp(2 * (real - xp.max(real)))
    return p / xp.sum(p)


def local_energies(
    log_psi: Inexact[Array, " n"], connected: Inexact[Array, "n C"], values: Float[Array, "n C"], /
) -> Inexact[Array, " n"]:
    r"""Return $E_n=\sum_cH_{nc}\,\psi_c/\psi_n$ from $\log\psi$ of the states and of those they are connected with.

    Equation: wave-function.
    Shapes: (n,), for `log_psi` (n,) and `connected` and `values` (n, C).
    Cost: $O(nC)$ operations and numbers.
    Errors: ValueError if the libraries differ.

    >>> import numpy as np
    >>> local_energies(np.zeros(1), np.log(np.array([[1.0, 3.0]])), np.array([[2.0, -1.0]])).round(12)
    array([-1.])
    """
    xp = namespace(log_psi=log_psi, connected=connected, values=values)
    return xp.sum(values * xp.exp(connected - log_psi[:, None]), axis=1)


def moments(p: Float[Array, " n"], O: Inexact[Array, "n P"], E: Inexact[Array, " n"], /) -> Moments:
    r"""Return energy, variance, $S$ and $F$ for probabilities $p$, log-derivatives $O$ and local energies $E$.

    $S_{kl}=\langle\bar O_kO_l\rangle-\langle\bar O_k\rangle\langle O_l\rangle$ and $F_k=\langle\bar
    O_kE\rangle-\langle\bar O_k\rangle\langle E\rangle$, computed from $O-\langle O\rangle$, so that nothing cancels and
    $S$ has no negative eigenvalue beyond rounding. For real parameters the gradient of the energy is $2F$; for complex
    ones $F_k=\partial E/\partial\bar w_k$.

    Equation: metric, force.
    Shapes: `p` and `E` are (n,), `O` is (n, P); `Moments` with S (P, P) and F (P,).
    Cost: $2nP^2$ operations; memory: two matrices (n, P) and the result.
    Errors: ValueError if the shapes or the libraries do not fit.

    >>> import numpy as np
    >>> m = moments(np.array([0.5, 0.5]), np.array([[1.0], [-1.0]]), np.array([3.0, 1.0]))
    >>> m.energy.item(), m.variance.item(), m.S.item(), m.F.item()
    (2.0, 1.0, 1.0, 1.0)
    """
    xp = namespace(p=p, O=O, E=E)
    complex_O, complex_E = (xp.isdtype(x.dtype, "complex floating") for x in (O, E))
    probability = xp.astype(p, O.dtype)
    energy = xp.sum(p * E)
    around = E - energy
    centred = O - contract(MEAN, probability, O)
    weighted = probability[:, None] * (xp.conj(centred) if complex_O else centred)
    S = contract(COVARIANCE, weighted, centred)
    S = (S + (xp.conj(S.T) if complex_O else S.T)) / 2
    variance = xp.sum(p * xp.abs(around) ** 2)
    return Moments(xp.real(energy) if complex_E else energy, variance, S, contract(FORCE, weighted, around))
