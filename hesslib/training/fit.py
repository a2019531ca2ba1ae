r"""Training a network on one batch by one of five methods, each a way to choose the step from the quadratic model.

$E(w+p)\approx E+g\cdot p+\tfrac12p^THp$: steepest descent knows $g$ alone, conjugate gradients $H$ along one line at a
time, Newton all of $H$, Gauss-Newton $J^TJ$ in its place, Levenberg-Marquardt $J^TJ+\mu D^2$.

Longer than one sitting: five methods, which differ in one step.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, NoReturn, get_args

import numpy as np
from jaxtyping import Float

from hesslib._arrays import Array
from hesslib._chunks import refuse_what_cannot_fit
from hesslib._options import one_of, real_number
from hesslib.layers import Chain
from hesslib.networks.losses import SquaredError
from hesslib.networks.network import Inputs, Network
from hesslib.training.batch_objective import Objective
from hesslib.training.chain_objective import ChainObjective
from hesslib.training.levenberg_marquardt import minimise, stationary
from hesslib.training.line_search import Found, backtracking, wolfe
from hesslib.training.run import Callback, Result, Run, Stop, as_numpy
from hesslib.training.trust_region import EPS, DampedSteps

Method = Literal["steepest_descent", "newton", "gauss_newton", "levenberg_marquardt", "conjugate_gradients"]


def fit(
    net: Network | Chain,
    w0: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    method: Method = "levenberg_marquardt",
    step: float | None = None,
    region: float = 1.0,
    decay: float = 0.0,
    tolerance: float | None = None,
    target: float | None = None,
    max_iterations: int = 1000,
    callback: Callback | None = None,
    progress: bool | None = None,
) -> Result:
    r"""Train a network: change its weights step by step until its error on a batch is as small as it gets.

    Minimise $E(w)=\sum_nE_n$, the `error` of the network on a batch, from `w0`.

    | `method` | step | cost of an iteration, in gradients |
    |---|---|---|
    | ``"steepest_descent"`` | $-\alpha g$ | 1, and a third for each trial of $\alpha$ |
    | ``"conjugate_gradients"`` | $\alpha q$, $q=-g+\beta q_{old}$, first $\alpha=-g\cdot q/q^THq$ | 1 and 2 for $Hq$ |
    | ``"gauss_newton"`` | $-\alpha(J^TJ)^+g$ | $J$, $NKP^2$ operations |
    | ``"newton"`` | $-\alpha\lvert H\rvert^{-1}g$ | $H$, $2NP^2$ and $9P^3$ operations |
    | ``"levenberg_marquardt"`` | $-(J^TJ+\mu D^2)^{-1}g$ | $J$, $NKP^2$ operations |

    $J^TJ$ is the Gauss-Newton matrix: $J=M^{1/2}\,\partial a^{(L)}/\partial w$, for squared error the Jacobian of the
    residuals, and $E=\tfrac12\sum r^2$. $\lvert H\rvert$ has the absolute values of the eigenvalues of $H$: where $H$
    is positive definite it is $H$, elsewhere the step still leads downhill. $\beta$ is that of Polak and Ribière, not
    negative. $\alpha$ satisfies Wolfe's conditions. Everything is computed by NumPy in double precision; the result is
    of the library and dtype of `w0`.

    Parameters
    ----------
    net, w0 : the network or chain of layers, and a vector (P,) of all its weights and biases to start from.
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    method : one of those of the table.
    step
        A constant $\alpha$ instead of a search: for steepest descent the learning rate; 1 makes newton and gauss_newton
        those of the textbook, which may go uphill (then $H$ itself is solved with). None: search.
    region
        Of levenberg_marquardt: its first radius.
    decay
        $\lambda$ of a weight decay: what is minimised, and told as the error, is $E+\tfrac\lambda2\lVert w\rVert^2$.
    tolerance, target, max_iterations, callback, progress
        As for `levenberg_marquardt`. The other methods have converged when $\nabla E$ is below `tolerance` times
        $\sqrt{N\sum_n\lVert\nabla E_n\rVert^2}$, which is its largest possible norm, or, for newton and gauss_newton,
        when the model promises less than this part of E.

    Equation: newton-step, levenberg-step.
    Shapes: `w0` and the `w` of the `Result`, which has the history and what was evaluated how often, are (P,).
    Cost: that of the table for each iteration; memory: for newton five matrices (P, P), for gauss_newton and
    levenberg_marquardt four matrices (NK + P, P), for the first two that of a gradient.
    Errors: ValueError as `error` does, and if E is not finite at `w0` or an option is not one of the method;
    MemoryError if those matrices are more than the memory of this machine. A run that ends without having converged
    does not raise: the `status` of the result says why it ended.
    Reference: Nocedal and Wright, Numerical Optimization (2006).

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 9)[:, None]
    >>> found = fit(Network((1, 1)), np.zeros(2), x, 3 * x - 1, method="newton")
    >>> found.iterations, found.w.round(9), found.status
    (1, array([ 3., -1.]), 'converged')
    """
    one_of("method", method, get_args(Method))
    if step is not None and method in ("levenberg_marquardt", "conjugate_gradients"):
        raise ValueError(f"step is {step}; it must be None for {method}, which chooses its steps")
    step = None if step is None else real_number("step", step, positive=True)
    decay = real_number("decay", decay)
    run = Run(
        method,
        w0,
        tolerance=tolerance,
        target=target,
        max_iterations=max_iterations,
        callback=callback,
        progress=progress,
    )
    run.eps = EPS
    if isinstance(net, Chain):
        objective: Objective = ChainObjective(net, run, x, t, decay=decay)
    else:
        objective = Objective(net, run, x, t, decay=decay)
    refuse_what_cannot_fit(f"fit with {method}", _numbers(method, len(run.start), objective.t.size), run.start)
    if not isinstance(net.loss, SquaredError):
        run.noise = 1.0  # J has the root of M in it: J^T J is the Fisher information
    if method == "levenberg_marquardt":
        return minimise(objective, run, region=region)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is looked for, and has a message
        found = run.result(lambda: ITERATIONS[method](objective, run, step))
    if method != "gauss_newton":
        return found
    objective.error(as_numpy(found.w))  # where its last step has led there is no Jacobian yet
    return replace(found, jacobian=objective.linearise()[0])


def _numbers(method: Method, P: int, NK: int) -> int:
    """How many numbers the matrices of a method hold."""
    if method == "newton":
        return 5 * P**2
    return 4 * (NK + P) * P if method in ("gauss_newton", "levenberg_marquardt") else 0


def _steepest_descent(objective: Objective, run: Run, constant: float | None) -> NoReturn:
    w, E, g = _start(objective, run)
    alpha = 1 / math.sqrt(float(g @ g))
    while True:
        old, slope = w, float(g @ g)
        w, E, g = _move(objective, run, w, E, g, -(constant or alpha) * g, constant, 0.9)
        if constant is None:
            alpha = math.sqrt(float((w - old) @ (w - old)) * slope) / float(g @ g)  # promises as much as the last step


def _conjugate_gradients(objective: Objective, run: Run, _: float | None) -> NoReturn:
    w, E, g = _start(objective, run)
    q, length = -g, 1.0
    while True:
        length = _curvature_step(objective, g, q) or length
        g_old = g
        w, E, g = _move(objective, run, w, E, g, length * q, None, 0.1)
        beta = max(0.0, float(g @ (g - g_old)) / float(g_old @ g_old))
        q = -g + beta * q
        if float(g @ q) >= 0:  # not downhill: begin again
            q = -g


def _curvature_step(objective: Objective, g: np.ndarray, q: np.ndarray) -> float:
    r"""Return $-g\cdot q/q^THq$, where a parabola along q is lowest; 0 where it has no lowest point."""
    curvature = float(q @ objective.product(q))
    return -float(g @ q) / curvature if curvature > 0 else 0.0


def _newton(objective: Objective, run: Run, constant: float | None) -> NoReturn:
    w, E, g = _start(objective, run)
    while True:
        values, vectors = np.linalg.eigh(objective.hessian())
        size = np.abs(values)
        floor = math.sqrt(EPS) * float(size.max())
        if constant is None:
            values = np.maximum(size, floor)
        elif size.min() <= EPS * len(size) * size.max():
            raise Stop("stalled", f"the Hessian is singular in iteration {len(run.history)}: there is no Newton step")
        p = -(constant or 1.0) * (vectors @ ((g @ vectors) / values))
        w, E, g = _move(objective, run, w, E, g, p, constant, None)


def _gauss_newton(objective: Objective, run: Run, constant: float | None) -> NoReturn:
    w, E, _ = _start(objective, run)
    while True:
        J, g, r = objective.linearise()
        p = (constant or 1.0) * DampedSteps(J, g, np.ones_like(g), r).within(math.inf, 0.0).q
        w, E, g = _move(objective, run, w, E, g, p, constant, None)


ITERATIONS: dict[str, Callable[[Objective, Run, float | None], NoReturn]] = {
    "steepest_descent": _steepest_descent,
    "conjugate_gradients": _conjugate_gradients,
    "newton": _newton,
    "gauss_newton": _gauss_newton,
}


def _start(objective: Objective, run: Run) -> tuple[np.ndarray, float, np.ndarray]:
    E, g = objective.error(run.start), objective.gradient()
    run.step(run.start, E, g)
    _stop_if_stationary(objective, run, E, g)
    return run.start, E, g


def _move(
    objective: Objective,
    run: Run,
    w: np.ndarray,
    E: float,
    g: np.ndarray,
    p: np.ndarray,
    constant: float | None,
    c2: float | None,
) -> tuple[np.ndarray, float, np.ndarray]:
    """Take the step p, or what a search along it finds, and record it; stop if there is nothing to be gained."""
    promised = -float(g @ p) / 2
    settled = c2 is None and 0 <= promised <= run.tolerance * E  # the step is taken all the same
    found: Found | None
    if constant is not None:
        at = w + p
        found = Found(at, objective.error(at))
    elif c2 is None:
        found = backtracking(objective, w, E, g, p)
    else:
        found = wolfe(objective, w, E, g, p, c2)
    last = Stop("converged", f"the model promises a fall by {promised / E:.1e} of the error") if settled else None
    if found is None:
        raise last or Stop("stalled", _no_step(promised, E, len(run.history)))
    g = objective.gradient() if math.isfinite(found.error) else np.full_like(g, math.nan)
    if not np.isfinite(g).all():
        raise Stop("stalled", f"the error is {found.error:.1e} after iteration {len(run.history)}: the steps diverge")
    run.step(found.w, found.error, g)
    _stop_if_stationary(objective, run, found.error, g)
    if last is not None:
        raise last
    return found.w, found.error, g


def _stop_if_stationary(objective: Objective, run: Run, E: float, g: np.ndarray) -> None:
    if E == 0:
        raise Stop("converged", "the error is 0")
    spread, norm = objective.spread(), math.sqrt(float(g @ g))
    if norm <= run.tolerance * spread < math.inf:
        relative = norm / spread if spread > 0 else 0.0
        message = f"the gradient is 0: those of the patterns cancel to {relative:.1e}"
        raise stationary(objective.product, run, message)


def _no_step(promised: float, E: float, iteration: int) -> str:
    why = (
        "it is at its minimum to rounding"
        if promised <= math.sqrt(EPS) * E
        else "the model promises more than there is"
    )
    return f"no step along the direction of iteration {iteration} makes the error smaller: {why}"
