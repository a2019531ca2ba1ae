r"""The linear system of a step, $(S+\lambda\operatorname{diag}S+\varepsilon I)\,d=F$, and schedules for $\lambda$.

Index letters: k, l parameter.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Inexact

Schedule = Callable[[int], float]
"""From the number of an iteration, which starts at 0, to its lambda."""


class SingularMetricError(np.linalg.LinAlgError):
    """S, with what was added to it, is singular: some direction does not change the state.

    >>> try:
    ...     damped_direction(np.zeros((1, 1)), np.ones(1), scaled=1.0, shift=0.0)
    ... except SingularMetricError as error:
    ...     print(error)
    S has rows of zeros, parameters 0: they change only the norm of the state
    """


def geometric(start: float | int = 100.0, ratio: float = 0.9, floor: float | int = 1e-4, /) -> Schedule:
    r"""Return $\lambda(p)=\max(\text{start}\cdot\text{ratio}^p,\text{floor})$, by default that of Carleo and Troyer.

    Shapes: a function from the number of an iteration to a number.
    Cost: none.
    Errors: ValueError if a value is negative or the ratio is not below 1.

    >>> schedule = geometric()
    >>> schedule(0), schedule(1000)
    (100.0, 0.0001)
    """
    if start < 0 or floor < 0 or not 0 < ratio < 1:
        raise ValueError(f"start is {start}, ratio is {ratio}, floor is {floor}; they must be >= 0, in (0, 1), >= 0")
    return lambda p: max(start * ratio**p, floor)


def constant(value: float | int, /) -> Schedule:
    r"""Return $\lambda(p)=\text{value}$ for every iteration.

    Shapes: a function from the number of an iteration to a number.
    Cost: none.
    Errors: ValueError if `value` is negative.

    >>> constant(0.01)(7)
    0.01
    """
    if not value >= 0:
        raise ValueError(f"value is {value}; it must not be negative")
    return lambda p: value


def damped_direction(
    S: Inexact[np.ndarray, "P P"], F: Inexact[np.ndarray, " P"], /, *, scaled: float, shift: float
) -> Inexact[np.ndarray, " P"]:
    r"""Return the solution $d$ of $(S+\lambda\operatorname{diag}S+\varepsilon I)d=F$.

    $\lambda$ is `scaled` and $\varepsilon$ is `shift`. By Cholesky's factorisation. The diagonal scaling is
    Marquardt's: it does not depend on the units of the parameters; but where $S_{kk}=0$ it adds nothing, and only the
    shift helps.

    Equation: reconfiguration-step.
    Shapes: (P,), for `S` (P, P) and `F` (P,).
    Cost: $P^3/3$ operations; memory: two matrices (P, P).

    Raises
    ------
    SingularMetricError
        If a pivot vanishes to rounding; the message says which parameters are at fault when S has a row of zeros.

    >>> damped_direction(np.array([[4.0]]), np.array([2.0]), scaled=0.0, shift=0.0)
    array([0.5])
    """
    from scipy.linalg import cho_factor, cho_solve

    diagonal = np.real(np.diagonal(S))
    A = S + np.diag((scaled * diagonal + shift).astype(S.dtype))
    try:
        factor = cho_factor(A, lower=True, check_finite=False)
    except np.linalg.LinAlgError:
        raise SingularMetricError(_why(diagonal)) from None
    pivots = np.real(np.diagonal(factor[0])) ** 2
    if np.any(pivots <= len(F) * np.finfo(S.dtype).eps * np.real(np.diagonal(A))):
        raise SingularMetricError(_why(diagonal))
    return cho_solve(factor, F, check_finite=False)


def _why(diagonal: np.ndarray) -> str:
    idle = np.flatnonzero(diagonal == 0)
    if len(idle):
        return f"S has rows of zeros, parameters {', '.join(map(str, idle))}: they change only the norm of the state"
    return "S is singular: some combination of parameters does not change the state"


def pseudo_inverse_direction(
    S: Inexact[np.ndarray, "P P"], F: Inexact[np.ndarray, " P"], /, *, cutoff: float
) -> Inexact[np.ndarray, " P"]:
    """Return $S^+F$, the shortest solution, over the eigenvalues of $S$ above `cutoff` times the largest.

    Where S is zero, the result is zero.

    Equation: reconfiguration-step.
    Shapes: (P,), for `S` (P, P) and `F` (P,).
    Cost: $9P^3$ operations; memory: two matrices (P, P).
    Errors: those of ``numpy.linalg.eigh``, if it does not converge.

    >>> pseudo_inverse_direction(np.diag([4.0, 0.0]), np.array([2.0, 1.0]), cutoff=1e-10)
    array([0.5, 0. ])
    """
    eigenvalues, V = np.linalg.eigh(S)
    kept = eigenvalues > cutoff * max(eigenvalues[-1], 0.0)
    return V[:, kept] @ ((V[:, kept].conj().T @ F) / eigenvalues[kept])
