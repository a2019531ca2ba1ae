r"""Bayesian regularization: training with a weight decay and a noise level that the data choose.

The loop alternates Levenberg-Marquardt steps on $\beta E_D+\alpha E_W$ with new estimates of $\alpha$ and $\beta$ from
the effective number of parameters. It is guarded in the two places where the loop of the literature fails: an update
that lowers the evidence is shortened, and a run that collapses to $w=0$ starts again.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from hesslib._arrays import Array, contract, eye_like, namespace
from hesslib.backprop import output_jacobian
from hesslib.curvature import Curvature, Spectrum, spectrum
from hesslib.evidence import Convention, effective_parameters, gaussian_log_evidence, log_evidences, twice_c
from hesslib.levenberg_marquardt import levenberg_marquardt
from hesslib.network import Network, checked_batch, error, outputs

# contractions
ALONG_EIGENVECTORS = "nqa,ai->nqi"  # sum_a g_nqa V_ai

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
    """One estimate of alpha and beta, in the convention of the caller, and what they led to."""

    update: int  # 0 is the start; a restart begins at 0 again
    start: int  # 0 for the weights of the caller, then the number of the restart
    alpha: float
    beta: float
    gamma: float
    error: float  # E_D
    log_evidence: float
    iterations: int  # of Levenberg-Marquardt
    curvature: str  # the one used: gauss_newton in place of exact where the Hessian is not positive definite


Callback = Callable[[Array, Update], Any]


@dataclass(frozen=True)
class Regularized:
    """A trained network with its error bars, in the convention of the call."""

    w: Array
    alpha: float
    beta: float
    gamma: float  # the effective number of parameters
    log_evidence: float
    log_evidences: dict[str, float]  # with each curvature, at the same w, alpha and beta
    sigma: float  # the standard deviation of the noise
    history: tuple[Update, ...]
    status: Status
    message: str
    net: Network = field(repr=False)
    spectrum: Spectrum = field(repr=False)
    a: float = field(repr=False)  # MacKay's alpha and beta
    b: float = field(repr=False)

    def predict(self, x: Float[Array, "N D"], /, *, noise: bool = True) -> tuple[Array, Array]:
        r"""Return the outputs and their error bars, (N, K) each: $\sigma^2(x)=\sigma^2+g^TA^{-1}g$.

        Here $g=\partial y/\partial w$ and $\sigma^2$ is the variance of the noise. With ``noise=False`` without it:
        how well the function is known, not how far a new target may lie from it. Equation: error-bars.
        """
        g = output_jacobian(self.net, self.w, x)
        along = contract(ALONG_EIGENVECTORS, g, self.spectrum.vectors)
        xp = namespace(g=g)
        variance = xp.sum(along**2 / (self.b * self.spectrum.values + self.a), axis=-1)
        return outputs(self.net, self.w, x), xp.sqrt(variance + (1 / self.b if noise else 0.0))


def bayesian_regularization(
    net: Network,
    w: Float[Array, " P"],
    x: Float[Array, "N D"],
    t: Array,
    /,
    *,
    convention: Convention = "mackay",
    curvature: Curvature = "gauss_newton",
    alpha: float | None = None,
    beta: float | None = None,
    max_updates: int = 100,
    tolerance: float = 1e-6,
    max_iterations: int = 50,
    restarts: int = 3,
    rng: np.random.Generator | int = 0,
    callback: Callback | None = None,
) -> Regularized:
    r"""Minimise $\beta E_D+\alpha E_W$ over $w$, with the $\alpha$ and $\beta$ of the largest evidence.

    $$\gamma=\sum_i\frac{\lambda_i}{\lambda_i+\alpha/\beta},\qquad\alpha=\frac\gamma{2E_W},\qquad
    \beta=\frac{n-\gamma}{2E_D}$$

    repeated to a fixed point, with $E_D=c\sum e^2$, $E_W=c\sum w^2$ and $\lambda_i$ the eigenvalues of the `curvature`
    of $\tfrac12\sum e^2$. ``convention="mackay"`` has $c=\tfrac12$ and noise of variance $1/\beta$, ``"foresee_hagan"``
    $c=1$ and $1/2\beta$ (see :mod:`hesslib.evidence`): `alpha` and `beta`, given and returned, and the errors of the
    history are in that convention; everything else is the same.

    Between two updates, `levenberg_marquardt` minimises from where it was. The update holds the $\lambda_i$ fixed while
    $w$ moves, which is exact for a network without hidden layers only; so the fixed point is near the maximum of the
    evidence and not at it. An update that leads more than a nat below the best evidence so far is halved, in the
    logarithms, until it does not. A run in which $\gamma$ falls to 0, and $w$ with it, is given up, and
    another starts at new weights drawn from `rng`, up to `restarts` times; of all of them the one with the largest
    evidence is returned. Without `alpha` and `beta` the start is one that works for any number of data:
    $\beta$ from the variance of the targets, and $\alpha/\beta$ a thousandth of the mean eigenvalue of $J^TJ$.
    Foresee and Hagan's start is ``alpha=0, beta=1``; with no more data than parameters it gives $\gamma=P\ge n$ and a
    $\beta$ that is not positive, and is refused.

    Equation: evidence-alpha, evidence-beta. Cost: $O(NKP^2+P^3)$ for each update and each iteration of
    Levenberg-Marquardt. Takes arrays of any library, and returns `w` in that of the argument; not for ``jit``.
    Reference: MacKay, Neural Computation 4 (1992); Foresee and Hagan, ICNN 1997.

    Parameters
    ----------
    net
        With loss squared_error.
    w
        The weights to start from.
    tolerance
        The relative change of alpha and beta at which they are called constant.
    max_iterations
        Of Levenberg-Marquardt between two updates. 1 is the loop of Foresee and Hagan, with its dangers.
    callback
        Called as ``callback(w, update)`` after each update; if it returns True, the loop stops.

    Raises
    ------
    ValueError
        If the loss is not squared_error; if shapes, dtypes or libraries disagree; if an entry of `w`, `x` or `t` is
        not finite; if all targets are 0; if `alpha` or `beta` cannot be a start.

    A KeyboardInterrupt ends the loop; what has been found is returned, with status interrupted.

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 30)[:, None]
    >>> t = 2 * x + 0.1 * np.random.default_rng(0).standard_normal((30, 1))
    >>> found = bayesian_regularization(Network((1, 1)), np.ones(2), x, t)
    >>> found.status, round(found.gamma, 1), round(found.sigma, 2)
    ('converged', 2.0, 0.08)
    """
    loop = _Loop(net, w, x, t, convention, curvature, tolerance, max_iterations, callback)
    a, b = loop.start(w, alpha, beta)
    runs: list[_Run] = []
    rng = np.random.default_rng(rng)
    for start in range(restarts + 1):
        run = _Run(loop, start)
        runs.append(run)
        run.go(w, a, b, max_updates, tolerance)
        if run.status != "collapsed":
            break
        w = namespace(w=w).asarray(net.init(rng, dtype=np.float64), dtype=w.dtype)
        a, b = loop.start(w, None, None)
    finished = [run for run in runs if run.best is not None]
    if not finished:
        raise KeyboardInterrupt
    best = max(finished, key=lambda run: (run.status != "collapsed", run.history[-1].log_evidence))
    return loop.result(best, runs)


class _State(NamedTuple):
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


class _Loop:
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

    def train(self, w: Array, a: float, b: float) -> _State:
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

    def state(self, w: Array, a: float, b: float, iterations: int) -> _State:
        E, half_w2 = float(error(self.net, w, self.x, self.t)), float(self.xp.sum(w**2)) / 2
        used = self.curvature
        modes = spectrum(self.net, w, self.x, self.t, curvature=used)
        if used == "exact" and float(self.xp.min(modes.values)) * b + a <= 0:
            used = "gauss_newton"
            modes = spectrum(self.net, w, self.x, self.t, curvature=used)
        if a == 0:  # Foresee and Hagan's start: every parameter counts, and there is no evidence yet
            return _State(w, a, b, E, half_w2, float(self.P), -math.inf, modes, used, iterations)
        gamma = float(effective_parameters(modes.values, a / b))
        evidence = float(gaussian_log_evidence(modes.values, E, half_w2, a, b, self.n))
        return _State(w, a, b, E, half_w2, gamma, evidence, modes, used, iterations)

    def result(self, best: "_Run", runs: "list[_Run]") -> Regularized:
        s = best.best
        assert s is not None
        alpha, beta = s.a / self.factor, s.b / self.factor
        data = self.net, s.w, self.x, self.t
        apart = log_evidences(*data, alpha=alpha, beta=beta, convention=self.convention) if alpha else {}
        message = best.message
        if best.status == "collapsed":
            message = f"{message}, from {len(runs)} start(s); perhaps the targets do not depend on the inputs"
        elif best.start > 0:
            message = f"collapsed to w = 0 from the first start; restart {best.start}: {message}"
        return Regularized(
            w=s.w,
            alpha=alpha,
            beta=beta,
            gamma=s.gamma,
            log_evidence=s.log_evidence,
            log_evidences=apart,
            sigma=1 / math.sqrt(s.b),
            history=tuple(update for run in runs for update in run.history),
            status=best.status,
            message=message,
            net=self.net,
            spectrum=s.spectrum,
            a=s.a,
            b=s.b,
        )


class _Run:
    """The loop from one start."""

    def __init__(self, loop: _Loop, start: int) -> None:
        self.loop, self.start = loop, start
        self.best: _State | None = None
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

    def _improved(self, s: _State, a: float, b: float) -> _State | None:
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

    def _recorded(self, update: int, s: _State) -> bool:
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
