r"""The loop behind `bayesian_regularization`: train, estimate alpha and beta anew, and see whether it may go on.

Everything inside is in MacKay's convention.
"""

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from hesslib._arrays import Array, eye_like, namespace
from hesslib.curvature.spectrum import Curvature, Spectrum, spectrum
from hesslib.derivatives.backprop import output_jacobian
from hesslib.evidence.laplace import Convention, effective_parameters, gaussian_log_evidence, twice_c
from hesslib.networks.network import Network, checked_batch, error, outputs
from hesslib.training.levenberg_marquardt import levenberg_marquardt

Status = Literal["converged", "limit", "stalled", "collapsed", "noise_free", "stopped", "interrupted"]
"""converged: alpha and beta no longer move; limit: no updates are left; stalled: no update raises the evidence;
collapsed: w = 0 from every start; noise_free: the outputs hit the targets to rounding; stopped: the callback said so;
interrupted: KeyboardInterrupt."""

COLLAPSED = 1e-2  # effective parameters: fewer are none
ROUNDING = 1e3  # residuals of so many roundings of the targets are none
HALVINGS = 6  # of an update, before it is given up
SLACK = 1.0  # nats below the best evidence so far that an update may lead to
CAUTION = 1e-3  # alpha / beta at a start of our own, in units of the mean eigenvalue of J^T J


class Update(NamedTuple):
    """One estimate of alpha and beta, in the convention of the caller, and what they led to.

    >>> Update(0, 0, 1.0, 1.0, 2.0, 0.5, -1.0, 3, "gauss_newton").gamma
    2.0
    """

    update: int  # 0 is the start; a restart begins at 0 again
    start: int  # 0 for the weights of the caller, then the number of the restart
    alpha: float  # $\alpha$
    beta: float  # $\beta$
    gamma: float  # the effective number of parameters
    error: float  # $E_D$
    log_evidence: float  # in nats
    iterations: int  # of Levenberg-Marquardt
    curvature: str  # the one used: gauss_newton in place of exact where the Hessian is not positive definite


Callback = Callable[[Array, Update], Any]


class State(NamedTuple):
    """Weights trained at a and b, and what is known of them; all in MacKay's convention."""

    w: Array
    a: float
    b: float
    E: float
    half_w2: float
    gamma: float
    log_evidence: float
    spectrum: Spectrum
    curvature: Curvature
    iterations: int


class Loop:
    """The problem: data, convention, and how to train at given a and b."""

    def __init__(
        self,
        net: Network,
        w: Array,
        x: Array,
        t: Array,
        convention: Convention,
        curvature: Curvature,
        tolerance: float,
        max_iterations: int,
        callback: Callback | None,
    ) -> None:
        self.factor = twice_c(convention)
        if net.loss.name != "squared_error":
            raise ValueError(f"the loss is {net.loss.name}; bayesian_regularization needs squared_error")
        w, self.x, self.t = checked_batch(net, w, x, t)
        _finite(w=w, x=self.x, t=self.t)
        self.net, self.convention, self.curvature = net, convention, curvature
        self.max_iterations, self.callback = max_iterations, callback
        self.xp = namespace(w=w)
        self.n, self.P = x.shape[0] * net.widths[-1], net.num_parameters
        self.mean_square = float(self.xp.sum(self.t**2)) / self.n
        if self.mean_square == 0:
            raise ValueError("t is 0 everywhere; there is nothing to fit, and no scale for the noise")
        eps = float(self.xp.finfo(w.dtype).eps)
        self.precision = min(math.sqrt(eps), tolerance)
        self.least_error = self.n * self.mean_square * (ROUNDING * eps) ** 2 / 2

    def start(self, w: Array, alpha: float | None, beta: float | None) -> tuple[float, float]:
        """Return a and b to begin with."""
        for name, number in (("alpha", alpha), ("beta", beta)):
            if number is not None and not 0 <= number < math.inf:
                raise ValueError(f"{name} is {number!r}; it must be finite and not negative")
        if beta == 0:
            raise ValueError("beta is 0; it must be positive")
        if alpha == 0 and self.n <= self.P:
            raise ValueError(
                f"alpha is 0, with {self.n} data for {self.P} parameters; it must be positive then: "
                "J^T J is singular, gamma would be P, and the next beta not positive. Leave alpha out"
            )
        b = 1 / self.mean_square if beta is None else self.factor * beta
        if alpha is not None:
            return self.factor * alpha, b
        mean = float(self.xp.sum(spectrum(self.net, w, self.x, self.t).values)) / self.P
        return CAUTION * b * mean, b

    def train(self, w: Array, a: float, b: float) -> State:
        """Minimise b E + a |w|^2 / 2 from w, as the squares of the residuals and of sqrt(a / b) w."""
        xp, decay = self.xp, math.sqrt(a / b)

        def residuals(v: Array) -> Array:
            e = xp.reshape(outputs(self.net, v, self.x) - self.t, (-1,))
            return xp.concat([e, decay * v])

        def jacobian(v: Array) -> Array:
            J = xp.reshape(output_jacobian(self.net, v, self.x), (self.n, self.P))
            return xp.concat([J, decay * eye_like(self.P, v)])

        found = levenberg_marquardt(
            residuals, jacobian, w, max_iterations=self.max_iterations, tolerance=self.precision, progress=False
        )
        if found.status == "interrupted":
            raise KeyboardInterrupt
        return self.state(found.w, a, b, found.history[-1].iteration)

    def state(self, w: Array, a: float, b: float, iterations: int) -> State:
        E, half_w2 = float(error(self.net, w, self.x, self.t)), float(self.xp.sum(w**2)) / 2
        used = self.curvature
        modes = spectrum(self.net, w, self.x, self.t, curvature=used)
        if used == "exact" and float(self.xp.min(modes.values)) * b + a <= 0:
            used = "gauss_newton"
            modes = spectrum(self.net, w, self.x, self.t, curvature=used)
        if a == 0:  # Foresee and Hagan's start: every parameter counts, and there is no evidence yet
            return State(w, a, b, E, half_w2, float(self.P), -math.inf, modes, used, iterations)
        gamma = float(effective_parameters(modes.values, a / b))
        evidence = float(gaussian_log_evidence(modes.values, E, half_w2, a, b, self.n))
        return State(w, a, b, E, half_w2, gamma, evidence, modes, used, iterations)


class Run:
    """The loop from one start."""

    def __init__(self, loop: Loop, start: int) -> None:
        self.loop, self.start = loop, start
        self.best: State | None = None
        self.best_evidence = -math.inf
        self.history: list[Update] = []
        self.status: Status = "limit"
        self.message = ""

    def go(self, w: Array, a: float, b: float, max_updates: int, tolerance: float) -> None:
        try:
            self.status, self.message = self._go(w, a, b, max_updates, tolerance)
        except KeyboardInterrupt:
            self.status, self.message = "interrupted", f"interrupted after {max(len(self.history) - 1, 0)} updates"

    def _go(self, w: Array, a: float, b: float, max_updates: int, tolerance: float) -> tuple[Status, str]:
        loop = self.loop
        s = loop.train(w, a, b)
        for update in range(max_updates + 1):
            if self._recorded(update, s):
                return "stopped", f"the callback returned True after update {update}"
            if s.gamma < COLLAPSED:
                return "collapsed", f"gamma is {s.gamma:.1e}: the weights are 0, and the noise explains the targets"
            if loop.least_error >= s.E:
                return "noise_free", f"the error is {s.E:.1e}, rounding of the targets: there is no noise to estimate"
            step_a, step_b = s.gamma / (2 * s.half_w2), (loop.n - s.gamma) / (2 * s.E)
            if s.a > 0 and max(abs(math.log(step_a / s.a)), abs(math.log(step_b / s.b))) <= tolerance:
                return "converged", f"alpha and beta are constant to {tolerance:.0e} after {update} updates"
            if update < max_updates:
                new = self._improved(s, step_a, step_b)
                if new is None:
                    return "stalled", f"no update of alpha and beta raises the evidence after {update} updates"
                s = new
        return "limit", f"all {max_updates} updates are used"

    def _improved(self, s: State, a: float, b: float) -> State | None:
        """Train at the new a and b, or at what lies between the old and the new if the evidence would fall."""
        train, halvings = self.loop.train, HALVINGS if s.a > 0 else 1
        for part in (0.5**k for k in range(halvings)):
            new = train(s.w, _between(s.a, a, part), _between(s.b, b, part))
            if not new.log_evidence < self.best_evidence - SLACK:
                return new
        # s may not have been at the minimum of F: what counts is the evidence there
        new = train(s.w, s.a, s.b)
        if abs(new.log_evidence - s.log_evidence) <= SLACK / 10:
            return None
        self.best_evidence = new.log_evidence
        return new

    def _recorded(self, update: int, s: State) -> bool:
        self.best, self.best_evidence = s, max(self.best_evidence, s.log_evidence)
        factor = self.loop.factor
        row = Update(
            update,
            self.start,
            s.a / factor,
            s.b / factor,
            s.gamma,
            factor * s.E,
            s.log_evidence,
            s.iterations,
            s.curvature,
        )
        self.history.append(row)
        return self.loop.callback is not None and self.loop.callback(s.w, row) is True


def _between(old: float, new: float, part: float) -> float:
    """Return what lies at `part` of the way from old to new, in the logarithm."""
    return new if part == 1 else old * (new / old) ** part


def _finite(**arrays: Array) -> None:
    for name, array in arrays.items():
        bad = ~namespace(array=array).isfinite(array)
        if bool(namespace(array=array).any(bad)):
            where = tuple(int(i[0]) for i in np.nonzero(np.asarray(bad)))
            raise ValueError(f"{name} has {float(array[where])} in entry {where}; it must be finite")
