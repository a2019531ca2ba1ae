r"""The loop behind `bayesian_regularization`: train, estimate alpha and beta anew, and see whether it may go on.

Everything inside is in MacKay's convention. A cross-entropy has no noise level: there beta is 1, and no datum counts
for it, n = 0.

Longer than one sitting: the loop and every reason for which it may stop.
"""

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from array_api_compat import is_array_api_obj

from hesslib._arrays import Array, in_library_of, rounding_of
from hesslib._chunks import refuse_what_cannot_fit
from hesslib._options import function, one_of, real_number, whole_number
from hesslib.curvature.spectrum import CURVATURES, Curvature, Spectrum
from hesslib.evidence.laplace import Convention, effective_parameters, gaussian_log_evidence, twice_c
from hesslib.networks.losses import SquaredError
from hesslib.networks.network import Network
from hesslib.training import run as training
from hesslib.training.batch_objective import Objective
from hesslib.training.levenberg_marquardt import minimise
from hesslib.training.run import is_yes
from hesslib.training.trust_region import EPS

LoopStatus = Literal["converged", "limit", "stalled", "collapsed", "noise_free", "stopped", "interrupted"]
"""converged: alpha and beta no longer move; limit: no updates are left; stalled: no update raises the evidence;
collapsed: w = 0 from every start; noise_free: the outputs hit the targets to rounding; stopped: the callback said so;
interrupted: KeyboardInterrupt."""

COLLAPSED = 1e-2  # effective parameters: fewer are none
LEAST_TARGET = 1e-100  # of smaller ones, and of larger than its inverse, squares and their ratios are no numbers
ROUNDING = 1e3  # residuals of so many roundings of the targets are none
HALVINGS = 6  # of an update, before it is given up
SLACK = 1.0  # nats below the best evidence so far that an update may lead to
CAUTION = 1e-3  # alpha / beta at a start of our own, in units of the mean eigenvalue of J^T J
OF_SMALL = 0.1  # the same at the second start, in units of the least mean square
SPREAD = 1e4  # such a mean over one group of parameters: where it is so far below, there is a second start from there


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


UpdateCallback = Callable[[Array, Update], Any]


class State(NamedTuple):
    """Weights trained at a and b, and what is known of them; all in MacKay's convention."""

    w: np.ndarray
    a: float
    b: float
    E: float
    half_w2: float
    gamma: float
    log_evidence: float
    spectrum: Spectrum  # in NumPy
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
        callback: UpdateCallback | None,
    ) -> None:
        self.factor = twice_c(convention)
        self.regression = isinstance(net.loss, SquaredError)
        one_of("curvature", curvature, CURVATURES)
        if callback is not None:
            function("callback", callback)
        tolerance = real_number("tolerance", tolerance)
        self.eps = rounding_of(w) if is_array_api_obj(w) else EPS
        self.precision = min(math.sqrt(self.eps), tolerance)
        self.max_iterations = whole_number("max_iterations", max_iterations, 1)
        self.net, self.w0, self.convention, self.curvature, self.callback = net, w, convention, curvature, callback
        self.objective = Objective(net, self._run(w), x, t)
        matrices = 4 * (self.objective.t.size + net.num_parameters) * net.num_parameters
        refuse_what_cannot_fit("bayesian_regularization", matrices, self.objective.x)
        self.n, self.P = self.objective.t.size if self.regression else 0, net.num_parameters
        self.least_error = 0.0
        if self.regression:
            self.mean_square = self._mean_square()
            self.least_error = self.n * self.mean_square * (ROUNDING * self.eps) ** 2 / 2

    def _mean_square(self) -> float:
        """Return that of the targets, their scale, once they have one."""
        t, largest = self.objective.t, float(np.abs(self.objective.t).max())
        if largest == 0:
            raise ValueError("t is 0 everywhere; there is nothing to fit, and no scale for the noise")
        if not LEAST_TARGET < largest < 1 / LEAST_TARGET:
            raise ValueError(f"t has entries up to {largest:.1e}, whose squares leave the range of numbers; scale it")
        return float((t**2).sum()) / self.n

    def _run(self, w: Array) -> training.Run:
        run = training.Run(
            "levenberg_marquardt",
            w,
            tolerance=self.precision,
            target=None,
            max_iterations=self.max_iterations,
            callback=None,
            progress=False,
        )
        run.eps = EPS  # everything is computed in double precision
        return run

    def starts(self, w: np.ndarray, alpha: float | None, beta: float | None) -> list[tuple[np.ndarray, float, float]]:
        """Return w, a and b to begin with: once, or twice where parameters have scales of their own."""
        alpha = None if alpha is None else real_number("alpha", alpha)
        beta = None if beta is None else real_number("beta", beta, positive=True)
        if not self.regression:
            if beta is not None:
                raise ValueError(f"beta is {beta!r}; {self.net.loss.name} has no noise level, leave it out")
            if alpha == 0:
                raise ValueError(
                    f"alpha is 0; it must be positive for {self.net.loss.name}: the classes may be separable, and then "
                    "there is no minimum without a decay. Leave alpha out"
                )
        if alpha == 0 and self.n <= self.P:
            raise ValueError(
                f"alpha is 0, with {self.n} data for {self.P} parameters; it must be positive then: "
                "J^T J is singular, gamma would be P, and the next beta not positive. Leave alpha out"
            )
        b = self.b_of(beta)
        if alpha is not None:
            return [(w, self.factor * alpha, b)]
        self.objective.again(self._run(w), 0.0)
        self.objective.error(w)
        squares = (self.objective.linearise()[0] ** 2).sum(axis=0)
        mean, least = float(squares.mean()), self._least_scale(squares)
        usual = w, CAUTION * b * mean, b
        return [usual, (self._rescale(w), OF_SMALL * b * least, b)] if least < mean / SPREAD else [usual]

    def _rescale(self, w: np.ndarray) -> np.ndarray:
        """Return weights of the first layer that do to the inputs what `w` would do to inputs of size 1.

        From weights of size 1, inputs of 1e-6 leave every unit in the middle, where the network is linear.
        """
        sizes = np.sqrt((self.objective.x**2).mean(axis=0))
        first, w = self.net.weight_slice(1), w.copy()
        W = w[first].reshape(self.net.widths[1], self.net.widths[0])
        w[first] = (W / np.where(sizes > 0, sizes, 1.0)).reshape(-1)
        return w

    def _least_scale(self, squares: np.ndarray) -> float:
        """Return the least mean square of the Jacobian's columns: for one input, for a layer's weights or its biases.

        One prior serves all weights. If those of an input must be large, since the input is small, a decay that is
        cautious for the others holds them at 0; the evidence may then be largest far below.
        """
        net = self.net
        groups: list[float] = []
        for l in range(1, net.L + 1):
            of_weights = squares[net.weight_slice(l)].reshape(net.widths[l], net.widths[l - 1])
            groups += of_weights.mean(axis=0).tolist() if l == 1 else [float(of_weights.mean())]
            groups.append(float(squares[net.bias_slice(l)].mean()))
        return min((scale for scale in groups if scale > 0), default=math.inf)

    def b_of(self, beta: float | None) -> float:
        """Return MacKay's beta: 1 without a noise level, and the inverse of the variance of the targets at a start."""
        if not self.regression:
            return 1.0
        return 1 / self.mean_square if beta is None else self.factor * beta

    def train(self, w: np.ndarray, a: float, b: float) -> State:
        """Minimise b E + a |w|^2 / 2 from w, which is E with the decay a / b."""
        run = self._run(w)
        self.objective.again(run, a / b)
        found = minimise(self.objective, run)
        if found.status == "interrupted":
            raise KeyboardInterrupt
        return self.state(found.w, a, b, found.history[-1].iteration)

    def state(self, w: np.ndarray, a: float, b: float, iterations: int) -> State:
        half_w2 = float(w @ w) / 2
        E = self.objective.error(w) - self.objective.decay * half_w2
        used = self.curvature
        modes = self.modes(used)
        if used == "exact" and float(modes.values.min()) * b + a <= 0:
            used = "gauss_newton"
            modes = self.modes(used)
        if a == 0:  # Foresee and Hagan's start: every parameter counts, and there is no evidence yet
            return State(w, a, b, E, half_w2, float(self.P), -math.inf, modes, used, iterations)
        gamma = float(effective_parameters(modes.values, a / b))
        evidence = float(gaussian_log_evidence(modes.values, E, half_w2, a, b, self.n))
        return State(w, a, b, E, half_w2, gamma, evidence, modes, used, iterations)

    def modes(self, curvature: Curvature) -> Spectrum:
        """Return the `spectrum` of the curvature of E where the objective is, from what it has at hand."""
        decay, self.objective.decay = self.objective.decay, 0.0
        try:
            if curvature == "exact":
                return Spectrum(*np.linalg.eigh(self.objective.hessian()))
            J = self.objective.linearise()[0]
        finally:
            self.objective.decay = decay
        if curvature == "diagonal":
            return Spectrum((J**2).sum(axis=0), np.eye(self.P))
        R = np.linalg.qr(J, mode="r") if len(J) > self.P else J
        _, s, Vt = np.linalg.svd(R, full_matrices=True)
        return Spectrum(np.concatenate([s**2, np.zeros(self.P - len(s))]), Vt.T)


class LoopFromStart:
    """The loop from one start."""

    def __init__(self, loop: Loop, start: int) -> None:
        self.loop, self.start = loop, start
        self.best: State | None = None
        self.best_evidence = -math.inf
        self.history: list[Update] = []
        self.status: LoopStatus = "limit"
        self.message = ""

    def go(self, w: np.ndarray, a: float, b: float, max_updates: int, tolerance: float) -> None:
        try:
            self.status, self.message = self._go(w, a, b, max_updates, tolerance)
        except KeyboardInterrupt:
            self.status, self.message = "interrupted", f"interrupted after {max(len(self.history) - 1, 0)} updates"

    def _go(self, w: np.ndarray, a: float, b: float, max_updates: int, tolerance: float) -> tuple[LoopStatus, str]:
        loop = self.loop
        s = loop.train(w, a, b)
        for update in range(max_updates + 1):
            if self._record(update, s):
                return "stopped", f"the callback returned True after update {update}"
            if s.gamma < COLLAPSED or s.half_w2 == 0:
                why = "noise explains the targets" if loop.regression else "classes are as often right everywhere"
                return "collapsed", f"gamma is {s.gamma:.1e}: the weights are 0, and the {why}"
            if loop.regression and loop.least_error >= s.E:
                return "noise_free", f"the error is {s.E:.1e}, rounding of the targets: there is no noise to estimate"
            step_a = s.gamma / (2 * s.half_w2)
            step_b = (loop.n - s.gamma) / (2 * s.E) if loop.regression else 1.0
            if s.a > 0 and max(abs(math.log(step_a / s.a)), abs(math.log(step_b / s.b))) <= tolerance:
                return "converged", f"alpha and beta are constant to {tolerance:.0e} after {update} updates"
            if update < max_updates:
                new = self._improve(s, step_a, step_b)
                if new is None:
                    return "stalled", f"no update of alpha and beta raises the evidence after {update} updates"
                s = new
        return "limit", f"all {max_updates} updates are used"

    def _improve(self, s: State, a: float, b: float) -> State | None:
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

    def _record(self, update: int, s: State) -> bool:
        self.best, self.best_evidence = s, max(self.best_evidence, s.log_evidence)
        factor = self.loop.factor
        of_data = factor if self.loop.regression else 1.0  # a cross-entropy is E_D itself, and beta is 1
        row = Update(
            update,
            self.start,
            s.a / factor,
            s.b / of_data,
            s.gamma,
            of_data * s.E,
            s.log_evidence,
            s.iterations,
            s.curvature,
        )
        self.history.append(row)
        if self.loop.callback is None:
            return False
        return is_yes(self.loop.callback(in_library_of(self.loop.w0, s.w), row))


def _between(old: float, new: float, part: float) -> float:
    """Return what lies at `part` of the way from old to new, in the logarithm."""
    return new if part == 1 else old * (new / old) ** part
