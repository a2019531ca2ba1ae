r"""Levenberg-Marquardt: least squares by steps between those of Gauss-Newton and steepest descent.

$$(J^TJ+\mu D^2)\,p=-J^Tr,\qquad w\leftarrow w+p$$

with Marquardt's scale $D$, the largest norm that each column of $J$ has had. The damping $\mu$ is that for which the
step is as long as a trust radius, which follows the gain ratio of the last step: the fall of $E$ over the model's.

Index letters: n residual; r, s parameter.

Longer than one sitting: one public function and what it returns, mostly docstring.
"""

import math
from collections.abc import Callable
from typing import NoReturn, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from hesslib._arrays import Array
from hesslib._options import function, real_number
from hesslib.training.residuals import Residuals
from hesslib.training.run import Callback, Result, Run, Stop
from hesslib.training.trust_region import DampedSteps, Step

ACCEPTED = 1e-4  # a step is taken if the error falls by this part of what the model promised
POOR, GOOD = 0.25, 0.75  # below the one the region shrinks, above the other it grows
DAMPING_AT_ZERO = 1e-3  # from w0 = 0, which has no size, the first radius is the length of the step with this damping
DENSE = 50  # up to so many parameters the Hessian is formed where its lowest curvature is asked for
ROUNDINGS = 16  # of w: a first step that is no longer and does not help ends at the minimum
MOST_REFUSALS = 100  # in a row: by then a step is a billionth of a billionth of the first


@runtime_checkable
class LeastSquaresObjective(Protocol):
    """An error whose curvature is modelled by a sum of squares. It counts its evaluations in its run."""

    def error(self, w: np.ndarray, /) -> float:
        """Return $E(w)$. What is not finite is no place to go."""
        ...

    def linearise(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        r"""Return $J$, $g=\nabla E$ and, if $g=J^Tr$, $r$, where `error` was called last; $J^TJ$ is the curvature."""
        ...

    def product(self, v: np.ndarray, /) -> np.ndarray:
        """Return the Hessian times v there; asked for once at most, at a start whose gradient is 0."""
        ...


def levenberg_marquardt(
    residuals: Callable[[Array], Array],
    jacobian: Callable[[Array], Array],
    w0: Float[Array, " P"],
    /,
    *,
    weights: Float[Array, " m"] | None = None,
    region: float = 1.0,
    tolerance: float | None = None,
    target: float | None = None,
    max_iterations: int = 1000,
    callback: Callback | None = None,
    progress: bool | None = None,
) -> Result:
    r"""Minimise a sum of squares by damped Newton steps (Levenberg-Marquardt) that a trust region holds back.

    Minimise $E=\frac12\sum_nc_nr_n(w)^2$ from `w0`.

    A step solves $(J^TCJ+\mu D^2)p=-J^TCr$, where $C$ holds the `weights` $c_n$ and $D_s$ is the largest norm that
    column $s$ of $\sqrt CJ$ has had (Marquardt's scaling: the way does not depend on the units of a parameter). It is
    taken if $E$ falls; else it is tried again, shorter. $\mu$ is that for which $\lVert Dp\rVert$ is the radius of a
    region in which the quadratic model is trusted, and 0 if the Gauss-Newton step lies within; the radius follows the
    gain ratio, the fall of $E$ over that of the model. Points where a residual is not finite are refused as too far.

    Parameters
    ----------
    w0 : where to start, a vector (P,).
    max_iterations : the most steps that are taken.
    residuals, jacobian
        $r(w)$, (m,), and $J_{ns}=\partial r_n/\partial w_s$, (m, P), of a `w` like `w0`: NumPy, JAX or PyTorch.
        `jacobian` is called with the very `w` that `residuals` was called with last, so that they can share work.
    weights
        $c_n\ge0$; 1 if None.
    region
        The first radius, in units of $\lVert Dw_0\rVert$: far from a minimum a large one may send parameters off to
        where nothing depends on them.
    tolerance
        Converged if the step, or the fall of $E$ done and promised, is below this part of $w$ or $E$, or $r$ is
        orthogonal to each column of $J$ to it; a step that the region holds back does not count unless the whole
        Gauss-Newton step promises as little. If None, the root of eps.
    target
        Stop as soon as $E$ is at most this.
    callback
        Called with a copy of `w` and the `Record` of every iteration, the start included; if it returns True, the run
        stops.
    progress
        True or False: a bar or none. None: one on long runs where somebody watches.

    Equation: levenberg-step.
    Shapes: `residuals` gives (m,), `jacobian` (m, P); the `Result` has `w` like `w0`, (P,), the lowest point of the
    run, the Jacobian there, its rank, and the covariance of the parameters. In the book $D=I$, $c_n=1$.
    Cost: an iteration is one Jacobian, $mP^2$ operations for $J^TJ$, and a residual and a few times $P^3/3$ for each
    trial. $J^TJ$ is not formed into a step where half of the digits would be lost: there it is the singular values of
    $J$, $6mP^2$; memory: about four matrices (m, P). Needs SciPy.

    Raises
    ------
    ValueError
        If `w0` or `weights` is not what it must be, a result has the wrong shape, the residuals at `w0` are not finite,
        or the Jacobian at a point with finite residuals is not; it names the iteration.

    Reference: Moré, The Levenberg-Marquardt algorithm: implementation and theory (1978); Marquardt (1963).

    >>> import numpy as np
    >>> x, y = np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 4.0])
    >>> found = levenberg_marquardt(lambda w: np.exp(w * x) - y, lambda w: (x * np.exp(w * x))[:, None], np.ones(1))
    >>> found.status, found.w.round(6)
    ('converged', array([0.693147]))
    """
    function("residuals", residuals)
    function("jacobian", jacobian)
    run = Run(
        "levenberg_marquardt",
        w0,
        tolerance=tolerance,
        target=target,
        max_iterations=max_iterations,
        callback=callback,
        progress=progress,
    )
    return minimise(Residuals(residuals, jacobian, run, weights), run, region=region)


def minimise(problem: LeastSquaresObjective, run: Run, /, *, region: float = 1.0) -> Result:
    """Return the result of Levenberg-Marquardt on a problem, with the start and the limits that `run` has."""
    region = real_number("region", region, positive=True)
    return run.result(lambda: _iterate(problem, run, region))


def _iterate(problem: LeastSquaresObjective, run: Run, region: float) -> NoReturn:
    w = run.start
    E = problem.error(w)
    J, g, r = problem.linearise()
    run.jacobian = J
    run.step(w, E, g)
    D = np.zeros_like(w)
    radius = mu = 0.0
    while True:
        columns = column_norms(J)
        D = np.maximum(D, columns)
        scale = np.where(D > 0, D, 1.0)
        _stop_if_stationary(g, columns, E, run, problem)
        steps = DampedSteps(J, g, scale, r)
        w_size = math.sqrt(float(((scale * w) ** 2).sum()))
        if radius == 0:
            radius = region * w_size if w_size > 0 else region * steps.at(DAMPING_AT_ZERO).length
        refused: list[Step] = []
        accepted = False
        while not accepted:
            step = steps.within(radius, mu)
            while step.damping > 0 and step.promised <= run.eps * E < steps.at(0.0).promised / ACCEPTED:
                radius, mu = 10 * radius, mu / 10  # so short that E cannot show if it helps
                step = steps.within(radius, mu)
            trial = w + step.q / scale
            E_trial = problem.error(trial)
            fall = E - E_trial
            accepted = fall >= ACCEPTED * step.promised  # False for NaN
            radius, mu = _next_radius(radius, step, fall)
            most = max(abs(fall), step.promised)
            settled = not refused and most <= run.tolerance * E and fall <= 2 * step.promised
            # a step that the region holds says how far it may go, not how far there is to go
            settled = settled and (step.damping == 0 or steps.at(0.0).promised <= run.tolerance * E)
            if accepted:
                w, before, E = trial, E, E_trial
                J, g, r = problem.linearise()
                run.jacobian = J
                run.step(w, E, g, step.damping)
                if radius <= run.tolerance * w_size:
                    raise _short(step, steps, radius / w_size, before, run)
            if settled:
                raise Stop("converged", f"the error changes by {most / E:.1e} of itself")
            if not accepted:
                if not refused and step.length <= ROUNDINGS * run.eps * w_size:
                    raise Stop("converged", f"the step is {step.length / w_size:.1e} of w, which is rounding")
                refused.append(step)
                if step.promised <= run.eps * E or np.array_equal(trial, w) or len(refused) == MOST_REFUSALS:
                    raise _stalled(refused, fall, E, run)


def _next_radius(radius: float, step: Step, fall: float) -> tuple[float, float]:
    """Return the radius and the first guess of the damping after a step along which E fell by `fall`."""
    if not fall > POOR * step.promised:
        # the lowest point of the parabola through E, its slope, and E at the end of the step
        shrink = 0.5 if fall >= 0 else step.slope / (2 * (step.slope - fall))
        shrink = max(shrink, 0.1) if math.isfinite(fall) else 0.1
        return shrink * min(radius, 10 * step.length), step.damping / shrink
    if step.damping == 0 or fall >= GOOD * step.promised:
        return 2 * step.length, step.damping / 2
    return radius, step.damping


def _short(step: Step, steps: DampedSteps, relative: float, E: float, run: Run) -> Stop:
    """Return how a run ends whose last step, from a point with the error E, was as good as none.

    A whole Gauss-Newton step ends at the minimum, and so does one that the region holds if the whole one promises
    little. If that promises much, the model is wrong however short the step.
    """
    promised = steps.at(0.0).promised / E
    if step.damping == 0 or promised <= math.sqrt(run.tolerance):
        return Stop("converged", f"the step is {relative:.1e} of w")
    return Stop(
        "stalled",
        f"the step is {relative:.1e} of w, though the model promises a fall by {promised:.1e} of the error: "
        "is the Jacobian that of the residuals, and do they have a derivative here?",
    )


def _stop_if_stationary(g: np.ndarray, columns: np.ndarray, E: float, run: Run, problem: LeastSquaresObjective) -> None:
    if E == 0:
        raise Stop("converged", "the error is 0")
    used = columns > 0
    cosine = float((np.abs(g[used]) / columns[used]).max(initial=0.0)) / math.sqrt(2 * E)
    if cosine <= run.tolerance:
        raise stationary(
            problem.product, run, f"the gradient is 0: the residuals are orthogonal to the Jacobian to {cosine:.1e}"
        )


def stationary(product: Callable[[np.ndarray], np.ndarray], run: Run, message: str, /) -> Stop:
    r"""Return how a run ends where the gradient is 0: converged after steps; at the start, as the curvature is.

    At the start nothing has led downhill: it may be a saddle or a maximum. The lowest and the largest eigenvalue of the
    Hessian tell, by products with it.
    """
    if len(run.history) > 1:
        return Stop("converged", message)
    lowest, largest = extreme_curvatures(product, len(run.start))
    if lowest < -math.sqrt(run.eps) * largest:
        return Stop("stationary", f"{message}; it is no minimum: the lowest curvature is {lowest:.3g}. Start elsewhere")
    return Stop("converged", f"{message}; the lowest curvature is {lowest:.3g}")


def extreme_curvatures(product: Callable[[np.ndarray], np.ndarray], P: int, /) -> tuple[float, float]:
    """Return the lowest eigenvalue of a symmetric matrix and the largest absolute one, from products with it."""
    if P <= DENSE:
        H = np.stack([product(e) for e in np.eye(P)])
        values = np.linalg.eigvalsh((H + H.T) / 2)
        return float(values[0]), float(np.abs(values).max())
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    H = LinearOperator((P, P), matvec=product, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(P)  # the same for every run
    try:
        values = eigsh(H, k=2, which="BE", v0=start, tol=1e-3, maxiter=20 * P, return_eigenvectors=False)
    except ArpackNoConvergence as partial:
        values = partial.eigenvalues
    return float(values.min(initial=0.0)), float(np.abs(values).max(initial=0.0))


def _stalled(refused: list[Step], fall: float, E: float, run: Run) -> Stop:
    if not math.isfinite(fall):
        why = "the error is not finite anywhere near w"
    elif refused[0].promised <= math.sqrt(run.eps) * E:
        why = "it is at its minimum to rounding"
    else:
        why = "though the Jacobian promises that it falls near w, it does not: is it that of the residuals?"
    tried = f"{len(refused)} step{'s' * (len(refused) > 1)}"
    return Stop("stalled", f"{tried} did not make the error smaller in iteration {len(run.history)}: {why}")


def column_norms(J: np.ndarray, /) -> np.ndarray:
    """Return the norm of each column, without overflow."""
    squares = np.einsum("nr,nr->r", J, J)
    if np.isfinite(squares).all():
        return np.sqrt(squares)
    largest = np.abs(J).max(axis=0)
    return largest * np.sqrt(((J / largest) ** 2).sum(axis=0))
