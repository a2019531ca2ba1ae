r"""Stochastic reconfiguration: steps $w\leftarrow w-\gamma S^{-1}F$ until the state is an eigenstate.

Index letters: p iteration.

Longer than one sitting: one public function and what it returns, mostly docstring.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Inexact

from hesslib._notebook import is_interactive
from hesslib.reconfiguration.exact import EnergyEstimate
from hesslib.reconfiguration.regularization import (
    Schedule,
    SingularMetricError,
    damped_direction,
    geometric,
    pseudo_inverse_direction,
)

ReconfigurationStatus = Literal["converged", "limit", "stationary", "stopped", "singular", "not_finite", "interrupted"]

SIGMAS = 5  # the best point is that with the lowest energy + 5 errors: a lucky sample shall not pass for it
LONG = 5.0  # seconds after which somebody who watches is told how far it has come
STATIONARY = 1e-14  # |F| below this part of sqrt(tr S) * |E| is rounding


class Iteration(NamedTuple):
    """What an iteration found at its parameters, and the step it took from there.

    >>> Iteration(0, -8.0, 0.1, 0.0, 0.0, 100.0, 0.0, 0.5, 0.4).energy
    -8.0
    """

    iteration: int  # 0 is the start
    energy: float  # E
    error: float  # standard error of the energy; 0 for exact sums
    variance: float  # of the local energy
    force: float  # $|F|$
    regularization: float  # $\lambda$
    step: float  # the length of the change of `w`; 0 if none was taken
    autocorrelation: float  # of the local energy, in sweeps; NaN for exact sums
    acceptance: float  # NaN for exact sums


IterationCallback = Callable[[np.ndarray, Iteration], Any]


@dataclass(frozen=True, eq=False)
class Reconfiguration:
    """The best parameters of a run, and the whole of its course.

    >>> found = Reconfiguration(np.zeros(1), -1.0, 0.0, (), "limit", "all 0 iterations are used")
    >>> found.energies.shape
    (0,)
    """

    w: Inexact[np.ndarray, " P"]  # where energy + 5 errors was smallest
    energy: float  # there
    error: float  # there
    history: tuple[Iteration, ...]  # every point that was evaluated
    status: ReconfigurationStatus  # why it ended
    message: str  # the same in words

    @property
    def energies(self) -> np.ndarray:
        """The energy of each record."""
        return np.array([record.energy for record in self.history])


def stochastic_reconfiguration(
    estimate: Callable[[np.ndarray], EnergyEstimate],
    w0: Inexact[np.ndarray, " P"],
    /,
    *,
    max_iterations: int = 300,
    rate: float | int = 0.05,
    regularization: Schedule | None = None,
    shift: float | int = 1e-4,
    pseudo_inverse: float | None = None,
    tolerance: float = 1e-10,
    callback: IterationCallback | None = None,
    progress: bool | None = None,
) -> Reconfiguration:
    r"""Minimise the energy of a wave function by steps of stochastic reconfiguration.

    $w\leftarrow w-\gamma d$ with $(S+\lambda_p\operatorname{diag}S+\varepsilon I)d=F$, the metric $S$ and the force $F$
    of `Moments`. The step is a Gauss-Newton step towards $(1-\gamma H)\psi$, imaginary time.

    Parameters
    ----------
    estimate
        ``ExactSums(machine, hamiltonian)`` or ``Metropolis(machine, hamiltonian, ...)``: gives the moments at `w`.
    w0
        Where to start; real or complex, as the parameters shall be.
    max_iterations
        The largest number of steps. The history has one record more, that of the last point.
    rate
        $\gamma$. Too large for the curvature, the energy climbs; nothing holds it back.
    regularization
        $\lambda_p$, a function of the iteration; by default ``geometric()``, $\max(100\cdot0.9^p,10^{-4})$.
    shift
        $\varepsilon$, for parameters that do not change the state.
    pseudo_inverse
        If given, the step is $-\gamma S^+F$ over the eigenvalues of S above this part of the largest, in place of
        `regularization` and `shift`.
    tolerance
        Stop where the standard deviation of the local energy is below this part of the energy.
    callback
        Called with `w` and the record of each point; the run stops if it returns True.
    progress
        Show a progress bar; None shows one on a terminal or in a live notebook, if the run takes more
        than a few seconds.

    ``status`` is one of: ``converged`` (to `tolerance`), ``limit`` (all iterations used), ``stationary`` (F = 0 but not
    an eigenstate: the best of this machine, or a saddle point), ``stopped`` (by `callback`), ``singular``,
    ``not_finite``, ``interrupted`` (by KeyboardInterrupt); ``message`` says it in words.
    Whatever ends the run, the best point is returned: that with the smallest energy + 5 errors. Among sampled energies
    that choice favours those that came out too low; estimate again for an energy without that bias.

    Equation: reconfiguration-step.
    Shapes: `w0` is (P,), real or complex; returns a `Reconfiguration` with `w` (P,).
    Cost: one estimate and $P^3/3$ operations for each iteration ($9P^3$ with `pseudo_inverse`); memory: that of an
    estimate, and two matrices (P, P).

    Raises
    ------
    ValueError
        If `w0` is not finite, or an option is out of range; and what `estimate` raises for a wrong shape.

    Reference: Sorella, Phys. Rev. B 64, 024512 (2001); Carleo and Troyer, Science 355, 602 (2017).

    >>> from hesslib.reconfiguration import ExactSums, Heisenberg, RestrictedBoltzmann
    >>> machine = RestrictedBoltzmann(4, 1)
    >>> result = stochastic_reconfiguration(ExactSums(machine, Heisenberg(4)), machine.init(0))
    >>> result.status, round(result.energy, 9)
    ('converged', -8.0)
    """
    w = _check_start(w0, max_iterations, rate, shift, pseudo_inverse)
    schedule = geometric() if regularization is None else regularization
    history: list[Iteration] = []
    best: tuple[float, np.ndarray, Iteration | None] = (np.inf, w, None)
    status: ReconfigurationStatus = "limit"
    message = f"all {max_iterations} iterations are used"
    try:
        with np.errstate(all="ignore"):  # what is not finite ends the run and is reported
            for p in _count_iterations(max_iterations + 1, progress):
                found = estimate(w)
                m, scaled = found.moments, float(schedule(p))
                record = Iteration(
                    p, float(m.energy), found.error, float(m.variance), float(np.linalg.norm(m.F)), scaled, 0.0,
                    found.autocorrelation, found.acceptance,
                )  # fmt: skip
                ended = _end(record, m.S, tolerance)
                if ended is not None and ended[0] == "not_finite":
                    status, message = ended
                    break
                history.append(record)
                bound = record.energy + SIGMAS * record.error
                if bound < best[0]:
                    best = bound, w, record
                if ended is None and callback is not None and callback(w, record) is True:
                    ended = "stopped", f"the callback returned True in iteration {p}"
                if ended is not None:
                    status, message = ended
                    break
                if p == max_iterations:
                    break
                if pseudo_inverse is None:
                    direction = damped_direction(m.S, m.F, scaled=scaled, shift=shift)
                else:
                    direction = pseudo_inverse_direction(m.S, m.F, cutoff=pseudo_inverse)
                step = -rate * direction
                history[-1] = record._replace(step=float(np.linalg.norm(step)))
                w = w + step
    except SingularMetricError as reason:
        status, message = "singular", f"iteration {len(history) - 1}: {reason}; a shift > 0 or pseudo_inverse helps"
    except KeyboardInterrupt:
        status, message = "interrupted", f"interrupted at iteration {len(history)}"
    _, w, chosen = best
    if chosen is None:
        return Reconfiguration(w, np.nan, np.nan, tuple(history), status, f"{message}; no point was evaluated")
    if status in ("not_finite", "singular", "interrupted"):
        message += f"; the best point is that of iteration {chosen.iteration}"
    return Reconfiguration(w, chosen.energy, chosen.error, tuple(history), status, message)


def _end(record: Iteration, S: np.ndarray, tolerance: float) -> tuple[ReconfigurationStatus, str] | None:
    """Why the run ends at this point, if it does."""
    p, deviation = record.iteration, np.sqrt(record.variance)
    if not np.isfinite([record.energy, record.variance, record.force]).all() or not np.isfinite(S).all():
        why = "overflow of psi'/psi, or psi = 0 somewhere; a smaller rate, more regularisation or a smaller start helps"
        return "not_finite", f"iteration {p}: the energy is {record.energy}, its variance {record.variance} ({why})"
    if deviation <= tolerance * abs(record.energy):
        return "converged", f"the local energy varies by {deviation:.1e}: an eigenstate to the tolerance"
    if record.force <= STATIONARY * np.sqrt(np.trace(S).real) * deviation:
        why = f"the local energy still varies by {deviation:.1e}: the best that this machine can do, or a saddle point"
        return "stationary", f"iteration {p}: F is zero, and {why}"
    return None


def _check_start(
    w0: np.ndarray, max_iterations: int, rate: float | int, shift: float | int, pseudo_inverse: float | None
) -> np.ndarray:
    w = np.array(w0)
    if w.dtype.kind not in "fc":
        raise ValueError(f"w0 has dtype {w.dtype}; it must be real or complex floating")
    if not np.isfinite(w).all():
        raise ValueError(f"w0 has {np.count_nonzero(~np.isfinite(w))} entries that are not finite")
    if max_iterations < 0:
        raise ValueError(f"max_iterations is {max_iterations}; it must not be negative")
    if not 0 < rate < np.inf:
        raise ValueError(f"rate is {rate}; it must be positive and finite")
    if not 0 <= shift < np.inf:
        raise ValueError(f"shift is {shift}; it must be finite and not negative")
    if pseudo_inverse is not None and not 0 <= pseudo_inverse < 1:
        raise ValueError(f"pseudo_inverse is {pseudo_inverse}; it must be from 0 to 1")
    return w


def _count_iterations(count: int, progress: bool | None) -> Any:
    """``range(count)``, with a bar of progress where one is asked for, or somebody watches a run of some seconds."""
    if progress is False or not (progress or is_interactive()):
        return range(count)
    from tqdm.auto import tqdm

    return tqdm(range(count), desc="stochastic reconfiguration", delay=0 if progress else LONG, leave=False)
