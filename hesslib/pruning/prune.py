r"""Pruning: parameters removed one by one, by magnitude, by optimal brain damage, or by optimal brain surgeon.

Index letters: q parameter.

Longer than one sitting: three criteria, which differ in one line.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from hesslib._arrays import (
    Array,
    as_mask,
    eye_like,
    in_library_of,
    integers_like,
    namespace,
    refuse_half_precision,
    write,
)
from hesslib._chunks import refuse_what_cannot_fit
from hesslib._options import one_of, real_number, whole_number
from hesslib.curvature.gauss_newton import gauss_newton_of
from hesslib.curvature.hessian import hessian_of
from hesslib.networks.losses import SquaredError
from hesslib.networks.network import Network, check_batch, error_of
from hesslib.pruning.saliency import (
    saliency_obd,
    saliency_obs,
    surgeon_change,
    surgeon_rise,
    surgeon_step,
    without,
)
from hesslib.training.batch_objective import Objective
from hesslib.training.levenberg_marquardt import minimise
from hesslib.training.run import Run, as_numpy

__all__ = ["Pruned", "prune", "saliency_obd", "saliency_obs", "surgeon_step", "without"]

Method = Literal["magnitude", "obd", "obs"]


class Pruned(NamedTuple):
    """What is left of a network, and what each removal cost.

    >>> import numpy as np
    >>> found = prune(Network((1, 1)), np.array([2.0, 0.0]), np.ones((1, 1)), 2 * np.ones((1, 1)), 1, alpha=0.1)
    >>> found.removed, found.w
    ((1,), array([2., 0.]))
    """

    w: Array  # (P,); the removed parameters are exactly 0
    removed: tuple[int, ...]  # in the order of removal
    predicted: tuple[float, ...]  # the saliency of each: the rise of the error that the quadratic model expects
    error: tuple[float, ...]  # $E+\frac\alpha2|w|^2$ at the start and after each removal
    status: Literal["done", "interrupted"]  # interrupted: a KeyboardInterrupt while retraining; the rest is not removed


def prune(
    net: Network,
    w: Float[Array, " P"],
    x: Float[Array, "N D"],
    t: Array,
    number: int,
    /,
    *,
    method: Method = "obs",
    alpha: float = 0.0,
    curvature: Literal["gauss_newton", "exact"] = "gauss_newton",
    recompute: int = 1,
    retrain: int = 0,
    candidates: Bool[np.ndarray, " P"] | None = None,
) -> Pruned:
    r"""Remove `number` parameters, one at a time, each time the one that costs least by the chosen measure.

    ``magnitude``: the smallest $|w_q|$; ``obd``: the smallest $\tfrac12A_{qq}w_q^2$; both set it to 0 and leave the
    others. ``obs``: the smallest $w_q^2/2[A^{-1}]_{qq}$; the others make the step of `surgeon_step`. $A=H+\alpha I$ is
    the curvature of $E+\tfrac\alpha2|w|^2$, at whose minimum `w` should be; parameters that are gone take no part.
    It is computed anew after every `recompute` removals, and in between kept, for obs by `without`.

    NumPy arrays, or others under the same conditions as for `hessian`; not for ``jit``.

    Equation: saliency-obd, saliency-obs, surgeon-step.
    Shapes: `w` is (P,); returns a `Pruned`.
    Cost: a curvature and, for obs, an inverse ($P^3$) for each recomputation, $O(P^2)$ for each removal, and what
    retraining takes; memory: five matrices (P, P).

    Parameters
    ----------
    net, w : the network, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    method : ``"magnitude"``, ``"obd"`` or ``"obs"``.
    curvature : ``"gauss_newton"`` or ``"exact"``.
    number
        How many to remove.
    alpha
        The weight decay with which `w` was trained. With 0, obs needs a curvature that is not singular.
    recompute
        After how many removals the curvature is computed anew.
    retrain
        Iterations of Levenberg-Marquardt on the parameters that are left, after each removal (squared_error only).
    candidates
        Which parameters may be removed, True or False for each; by default all, biases included.

    Raises
    ------
    ValueError
        If there are not so many candidates, an option has a value it cannot have, `w` is not finite, or (obs) $A$ is
        not positive definite; and as `error` does.
    MemoryError
        If five matrices (P, P) are more than the memory of this machine.

    >>> import numpy as np
    >>> x, t = np.array([[1.0, 0.1], [0.0, 1.0], [-1.0, 0.0]]), np.array([[2.0], [0.1], [-2.0]])
    >>> prune(Network((2, 1)), np.array([2.0, 0.1, 0.0]), x, t, 1, alpha=0.01).removed
    (2,)
    """
    w, x, t = check_batch(net, w, x, t)
    xp, P = namespace(w=w), net.num_parameters
    may_go = _check(net, w, number, method, curvature, alpha, recompute, retrain, candidates)
    refuse_what_cannot_fit("prune", 5 * P**2, w)

    def total(w: Array) -> float:
        return float(error_of(net, w, x, t)) + alpha / 2 * float(xp.sum(w**2))

    free = np.ones(P, dtype=bool)
    removed: list[int] = []
    predicted: list[float] = []
    errors = [total(w)]
    measure: Any = None  # the diagonal of A, or the inverse of A over the free parameters
    for done in range(number):
        if measure is None or done % recompute == 0:
            A = (hessian_of if curvature == "exact" else gauss_newton_of)(net, w, x, t) + alpha * eye_like(P, w)
            measure = _inverse_over(A, free, curvature, alpha) if method == "obs" else xp.linalg.diagonal(A)
        if method == "obs":
            rise = surgeon_rise(w, xp.where(integers_like(free, w), xp.linalg.diagonal(measure), xp.ones_like(w)))
        else:
            rise = saliency_obd(w, measure)
        order = xp.abs(w) if method == "magnitude" else rise
        allowed = free & may_go
        q = int(np.flatnonzero(allowed)[np.argmin(as_numpy(order)[allowed])])
        removed.append(q)
        predicted.append(float(rise[q]))
        if method == "obs":
            w = w + surgeon_change(w, measure, q)
            measure = without(measure, q)
        else:
            w = write(xp.asarray(w, copy=True), slice(q, q + 1), xp.zeros_like(w[q : q + 1]))
        free[q] = False
        interrupted = False
        if retrain:
            w, interrupted = _retrain(net, w, x, t, free, alpha, retrain)
        errors.append(total(w))
        if interrupted:
            return Pruned(w, tuple(removed), tuple(predicted), tuple(errors), "interrupted")
    return Pruned(w, tuple(removed), tuple(predicted), tuple(errors), "done")


def _check(
    net: Network,
    w: Array,
    number: int,
    method: str,
    curvature: str,
    alpha: float,
    recompute: int,
    retrain: int,
    candidates: np.ndarray | None,
) -> np.ndarray:
    """Refuse what cannot be pruned; return which parameters may go."""
    P = net.num_parameters
    if not bool(namespace(w=w).all(namespace(w=w).isfinite(w))):
        raise ValueError("w is not finite; it must be the weights of a trained network")
    one_of("method", method, ("magnitude", "obd", "obs"))
    one_of("curvature", curvature, ("gauss_newton", "exact"))
    real_number("alpha", alpha)
    if method == "obs":
        refuse_half_precision(w=w)
    whole_number("number", number, 0)
    whole_number("recompute", recompute, 1)
    if whole_number("retrain", retrain, 0) and not isinstance(net.loss, SquaredError):
        raise ValueError(f"retrain is {retrain} for {net.loss.name}; it must be 0, or positive for squared_error")
    may_go = np.ones(P, dtype=bool) if candidates is None else as_mask("candidates", candidates, P)
    if not 0 <= number <= may_go.sum():
        raise ValueError(f"number is {number}; it must be between 0 and the {may_go.sum()} candidates")
    return may_go


def _inverse_over(A: Array, free: np.ndarray, curvature: str, alpha: float) -> Array:
    """Return the inverse of the rows and columns of A that are free, and zeros in the others."""
    xp, P = namespace(A=A), A.shape[0]
    one = in_library_of(A, free)
    # a parameter that is gone gets a row of the identity, which does not couple to the others
    S = A * one[:, None] * one[None, :] + eye_like(P, A) * (1 - one)
    eigenvalues = xp.linalg.eigvalsh(S)
    smallest, largest = float(xp.min(eigenvalues)), float(xp.max(eigenvalues))
    if not smallest > P * float(xp.finfo(A.dtype).eps) * largest:
        if curvature == "exact":
            why = f"w is not at a minimum, or alpha, {alpha:g}, is too small; or use curvature='gauss_newton'"
        else:
            why = f"the data leave directions open, which alpha holds; it is {alpha:g} and must be larger"
        raise ValueError(f"the smallest eigenvalue of the curvature is {smallest:.3g}; it must be positive: {why}")
    return xp.linalg.inv(S) * one[:, None] * one[None, :]


def _retrain(
    net: Network, w: Array, x: Array, t: Array, free: np.ndarray, alpha: float, iterations: int
) -> tuple[Array, bool]:
    """Return the weights after some iterations of Levenberg-Marquardt on the free ones, and if it was interrupted."""
    places = np.flatnonzero(free)
    if len(places) == 0:
        return w, False
    of_the_free = as_numpy(w)[places]
    run = Run(
        "levenberg_marquardt",
        of_the_free,
        tolerance=None,
        target=None,
        max_iterations=iterations,
        callback=None,
        progress=False,
    )
    found = minimise(Objective(net, run, as_numpy(x), as_numpy(t), decay=alpha, free=free), run)
    whole = np.zeros(len(free))
    whole[places] = found.w
    return in_library_of(w, whole), found.status == "interrupted"
