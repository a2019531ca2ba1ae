"""What every optimiser returns: the best point, a record of each iteration, and why it stopped.

Longer than one sitting: every optimiser returns this record; what it holds and why a run stops belong together.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from hesslib._arrays import Array, in_library_of, rounding_of, same_floating_dtype, to_numpy
from hesslib._notebook import is_interactive
from hesslib._options import function, real_number, whole_number

Status = Literal["converged", "stationary", "target", "limit", "stalled", "stopped", "interrupted"]
"""converged: a test of convergence holds; stationary: the gradient is 0 at the start, and it is no minimum; target: the
error asked for is reached; limit: no iterations are left; stalled: no step makes the error smaller; stopped: the
callback said so; interrupted: KeyboardInterrupt."""

LONG = 5.0  # seconds after which somebody who watches is told how far it has come


class Evaluations(NamedTuple):
    """How often each quantity was computed so far.

    >>> sum(Evaluations(errors=3, gradients=2))
    5
    """

    errors: int = 0  # values of E
    gradients: int = 0  # of E
    products: int = 0  # $Hv$, or the Gauss-Newton matrix times $v$
    matrices: int = 0  # Jacobians or Hessians


class Record(NamedTuple):
    """One iteration: where it ended, and what it took to get there.

    >>> Record(0, 0.5, 1.0, 0.0, Evaluations(errors=1)).evaluations.errors
    1
    """

    iteration: int  # 0 is the start
    error: float  # E there
    gradient_norm: float  # Euclidean
    damping: float  # $\mu$ of the step that was taken; 0 where there is none
    evaluations: Evaluations  # the totals until here


Callback = Callable[[Array, Record], Any]


@dataclass(frozen=True)
class Result:
    """The best point that was found, and the way there.

    Shapes: `w` is (P,), the Jacobian (m, P), the covariance (P, P).
    Cost: none; the covariance is a decomposition of the Jacobian, $O(mP^2)$ operations, and memory as for the Jacobian.
    Errors: ValueError from what is asked of a Jacobian where the method formed none.

    >>> import numpy as np
    >>> from hesslib import levenberg_marquardt
    >>> found = levenberg_marquardt(lambda w: w - 1, lambda w: np.eye(1), np.zeros(1))
    >>> found.w, found.error, found.status
    (array([1.]), 0.0, 'converged')
    """

    w: Array  # (P,), of the library and dtype of the start: where E was lowest of all steps
    error: float  # E there
    history: tuple[Record, ...]  # the start, and every step that was taken
    status: Status  # a test of convergence holds, the target is reached, iterations used up, no step helps, and so on
    message: str  # the same in words, with the figures
    evaluations: Evaluations  # in all; the last steps may have been tried in vain
    jacobian: np.ndarray | None = None  # (m, P) at `w`, weighted: $J^TJ$ is the curvature; None where none was formed
    noise: float | None = None  # the standard deviation of a residual, if it is known: 1 for a cross-entropy

    @property
    def iterations(self) -> int:
        """The number of steps that were taken."""
        return self.history[-1].iteration

    @property
    def rank(self) -> int:
        r"""The number of directions in which the residuals move.

        It is the number of singular values of $J$, with its columns scaled to 1, that are above rounding.

        Errors: ValueError if the method formed no Jacobian.
        """
        s = np.linalg.svd(self._normalise_columns()[0], compute_uv=False)
        return int(np.sum(s > max(self._normalise_columns()[0].shape) * np.finfo(np.float64).eps * s[0]))

    def covariance(self) -> np.ndarray:
        r"""The covariance $\sigma^2(J^TJ)^{-1}$ of the parameters.

        It is that of the minimum over data sets if the residuals are independent, normal and of one variance
        $\sigma^2$ (after weighting), the model is right, and near `w` as good as linear. $\sigma^2$ is estimated by
        $2E/(m-P)$; for a cross-entropy it is 1, and $J^TJ$ the Fisher information.

        Errors: ValueError if there is no Jacobian, its rank is below P, or there are no more residuals than parameters.
        """
        J, scale = self._normalise_columns()
        m, P = J.shape
        if self.rank < P:
            raise ValueError(f"the rank of the Jacobian is {self.rank}; it must be {P}: the data leave directions open")
        if self.noise is None and m <= P:
            raise ValueError(f"there are {m} residuals for {P} parameters; they must be more to estimate the noise")
        _, s, Vt = np.linalg.svd(J, full_matrices=False)
        root = Vt.T / s / scale[:, None]
        sigma2 = 2 * self.error / (m - P) if self.noise is None else self.noise**2
        return sigma2 * (root @ root.T)

    def standard_errors(self) -> np.ndarray:
        """The standard deviation of each parameter, the root of the diagonal of `covariance`, under what it assumes."""
        return np.sqrt(np.diagonal(self.covariance()))

    def _normalise_columns(self) -> tuple[np.ndarray, np.ndarray]:
        """The Jacobian with columns of norm 1, and those norms; a column of zeros stays."""
        if self.jacobian is None:
            raise ValueError("no Jacobian was formed; use levenberg_marquardt or gauss_newton")
        largest = np.abs(self.jacobian).max(axis=0, initial=0.0)
        safe = np.where(largest > 0, largest, 1.0)
        norms = safe * np.sqrt(((self.jacobian / safe) ** 2).sum(axis=0))
        norms = np.where(norms > 0, norms, 1.0)
        return self.jacobian / norms, norms


class Stop(Exception):
    """The end of the iterations, raised where it is decided."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Run:
    """One run of an optimiser: its best point, its history, its limits, its bar of progress.

    The optimiser begins at the array `start` and calls `step` there and after each step that it takes, which raises
    `Stop` when the run is over.
    """

    def __init__(
        self,
        method: str,
        w0: Array,
        /,
        *,
        tolerance: float | None,
        target: float | None,
        max_iterations: int,
        callback: Callback | None,
        progress: bool | None,
    ) -> None:
        max_iterations = whole_number("max_iterations", max_iterations, 0)
        if target is not None:
            target = real_number("target", target)
        if callback is not None:
            function("callback", callback)
        self.start = _check_start(w0)
        self.eps = rounding_of(w0)
        self.tolerance = math.sqrt(self.eps) if tolerance is None else real_number("tolerance", tolerance)
        if not self.tolerance < 1:
            raise ValueError(f"tolerance is {tolerance}; it must be at least 0 and less than 1")
        self.method, self.w0, self.max_iterations = method, w0, max_iterations
        self.target = -math.inf if target is None else float(target)
        self.callback = callback
        self.history: list[Record] = []
        self.best: np.ndarray | None = None
        self.best_error = math.inf
        self.jacobian: np.ndarray | None = None  # where the optimiser is; it says so before each step
        self.best_jacobian: np.ndarray | None = None
        self.noise: float | None = None
        self.errors = self.gradients = self.products = self.matrices = 0  # evaluations; the optimiser counts
        self.bar = _Bar(method, max_iterations, progress)

    @property
    def evaluations(self) -> Evaluations:
        return Evaluations(self.errors, self.gradients, self.products, self.matrices)

    def step(self, w: np.ndarray, error: float, gradient: np.ndarray, damping: float = 0.0) -> None:
        """Record an iteration that ended at `w`; the first call is the start."""
        with np.errstate(over="ignore", invalid="ignore"):
            norm = math.sqrt(gradient @ gradient)
        record = Record(len(self.history), error, norm, damping, self.evaluations)
        self.history.append(record)
        if self.best is None or error < self.best_error:
            self.best, self.best_error, self.best_jacobian = w, error, self.jacobian
        self.bar.show(record)
        if self.callback is not None and is_yes(self.callback(in_library_of(self.w0, w), record)):
            raise Stop("stopped", f"the callback returned True in iteration {record.iteration}")
        if error <= self.target:
            raise Stop("target", f"the error {error:.6g} is at most the target {self.target:.6g}")
        if record.iteration >= self.max_iterations:
            raise Stop("limit", f"all {self.max_iterations} iterations are used; the error is {error:.6g}")

    def result(self, iterate: Callable[[], None], /) -> Result:
        """Run `iterate` until it stops or is interrupted, and return the best point."""
        try:
            iterate()
            raise AssertionError(f"{self.method} ended without a reason")
        except Stop as stop:
            status, message = stop.status, stop.message
        except KeyboardInterrupt:
            if self.best is None:
                raise
            status, message = "interrupted", f"interrupted after iteration {self.history[-1].iteration}"
        finally:
            self.bar.close()
        assert self.best is not None
        best = in_library_of(self.w0, self.best)
        return Result(
            best,
            self.best_error,
            tuple(self.history),
            status,
            message,
            self.evaluations,
            self.best_jacobian,
            self.noise,
        )


def _check_start(w0: Array) -> np.ndarray:
    """Return the start as a NumPy vector of float64, once it is known to be a finite vector of floats."""
    same_floating_dtype(w0=w0)
    if w0.ndim != 1 or w0.shape[0] == 0:
        raise ValueError(f"w0 has shape {tuple(w0.shape)}; it must be (P,), with P at least 1")
    w = as_numpy(w0)
    wrong = ~np.isfinite(w)
    if wrong.any():
        raise ValueError(f"w0 has {w[wrong][0]} in entry {int(np.argmax(wrong))}; it must be finite")
    return w


def as_numpy(values: Array, /, name: str = "the array") -> np.ndarray:
    """Return the values as a NumPy array of float64, from any library and device."""
    array = to_numpy(values)
    if isinstance(values, np.ma.MaskedArray) or np.iscomplexobj(array):
        kind = "complex" if np.iscomplexobj(array) else "masked"
        raise ValueError(f"{name} is {kind}; it must be real and whole (stack real and imaginary parts, select rows)")
    return np.asarray(array, dtype=np.float64)


def is_yes(answer: Any, /) -> bool:
    """Whether a callback says True: a boolean of Python or of any array library. Whatever else it returns is no answer.

    >>> is_yes(np.True_), is_yes(None), is_yes([1])
    (True, False, False)
    """
    if isinstance(answer, bool):
        return answer
    return getattr(answer, "shape", None) == () and "bool" in str(getattr(answer, "dtype", "")) and bool(answer)


class _Bar:
    """A bar of progress on runs longer than a few seconds, where somebody watches: a terminal, or a live notebook."""

    def __init__(self, method: str, iterations: int, wanted: bool | None) -> None:
        self.method, self.iterations = method, iterations
        self.after = math.inf if wanted is False else 0.0 if wanted else time.monotonic() + LONG
        self.forced = bool(wanted)
        self.bar: Any = None

    def show(self, record: Record) -> None:
        if time.monotonic() < self.after:
            return
        if self.bar is None:
            if not (self.forced or is_interactive()):
                self.after = math.inf
                return
            from tqdm.auto import tqdm

            self.bar = tqdm(total=self.iterations, initial=record.iteration, desc=self.method, leave=False)
        self.bar.set_postfix_str(f"error {record.error:.4g}", refresh=False)
        self.bar.update(record.iteration - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
