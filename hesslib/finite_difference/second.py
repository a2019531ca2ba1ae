"""Second derivatives: Hessian, its diagonal, and the Hessian from a gradient.

Longer than one sitting: three public functions, mostly docstring.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from hesslib.finite_difference import complex_step, first
from hesslib.finite_difference.bounded_values import BoundedValues, as_estimate, extrapolate, fill_ladder
from hesslib.finite_difference.estimate import Array, Estimate, point
from hesslib.finite_difference.evaluation import Evaluator, Function
from hesslib.finite_difference.extrapolation import concatenate
from hesslib.finite_difference.ladder import Ladder, Pair
from hesslib.finite_difference.options import plan_of, relative
from hesslib.finite_difference.steps import Plan

PLANS = {
    "central": Plan(first=4e-3, ratio=2.0, levels=2, enough=4e-6),
    "ridders": Plan(first=0.25, ratio=2**0.5, levels=7, enough=1e-11),
    "complex_step": Plan(first=0.04, ratio=2.0, levels=4, enough=1e-12),
}


ENOUGH_TO_SEE_KINKS = 4  # levels that show how the odd part falls


def hessian(
    f: Function,
    x: Any,
    /,
    *,
    method: str = "central",
    workers: int = 1,
    step: Any = None,
    levels: int | None = None,
    noise: float = 0.0,
) -> Estimate:
    r"""All second derivatives of a function from its values alone, with bounds on their errors.

    They are $\partial^2f_o/\partial x_i\partial x_j$, of any output shape: exactly symmetric.

    $H_{ii}$ from $\frac{f(x+ae_i)-2f(x)+f(x-ae_i)}{a^2}$, and $H_{ij}$ from the same quotient along $ae_i+be_j$, less
    those along its parts; so a pair costs two new values, where PRML (5.90) takes four. Only pairs i < j are evaluated.

    Equation: fd-second, fd-mixed-two, richardson, ridders-estimate.
    Shapes: `x` is (p,), `f` gives any shape; `Estimate` of value and error (\*out_shape, p, p).
    Cost: $2p^2+2p+7$ calls (central), $7p(p+1)+1$ (ridders), $4p(p+1)+p+8$ (complex_step); more where the steps must be
    searched for; memory: the values of all calls.
    Errors: as for `jacobian`.

    Parameters
    ----------
    f : a function of a vector; it gives a number or an array.
    x : the point, a vector of float32 or float64, or a list of numbers.

    Options
    -------
    method : ``"central"`` (two steps, extrapolated once), ``"ridders"`` (seven steps, the best entry of the tableau) or
        ``"complex_step"`` (``f`` must accept complex arguments and be analytic).
    workers : number of processes that call ``f``; more than one needs an ``f`` that other processes can import.
    step : the coarsest step, one number or one for each coordinate; without it the steps are searched for.
    levels : how many steps, each smaller than the one before.
    noise : the relative accuracy of the values of ``f``, where that is worse than their dtype (an iterative solver).

    >>> import numpy as np
    >>> estimate = hessian(lambda x: np.sin(x[0]) + x[0] * x[1] + x[1] ** 2, [0.5, 2.0])
    >>> estimate.value.round(6)
    array([[-0.479426,  1.      ],
           [ 1.      ,  2.      ]])
    """
    x = point(x)
    p = len(x)
    pairs = list(combinations(range(p), 2))
    with Evaluator(f, workers) as evaluate:
        found = _entries(evaluate, x, pairs, plan_of(PLANS, method, levels), method, step, relative(noise))
        H, bound = _mirror(found.value, pairs, p), _mirror(found.error, pairs, p)
        return as_estimate(H, bound, (*evaluate.shape, p, p), x, evaluate.calls, found.remarks)


def hessian_diagonal(
    f: Function,
    x: Any,
    /,
    *,
    method: str = "central",
    workers: int = 1,
    step: Any = None,
    levels: int | None = None,
    noise: float = 0.0,
) -> Estimate:
    r"""The unmixed second derivatives of a function from its values alone, with bounds on their errors.

    They are $\partial^2f_o/\partial x_i^2$, the diagonal of `hessian`. No mixed partial is evaluated.

    From $\frac{f(x+ae_i)-2f(x)+f(x-ae_i)}{a^2}$, extrapolated to $a\to0$.

    Equation: fd-second, richardson, ridders-estimate.
    Shapes: `x` is (p,), `f` gives any shape; `Estimate` of value and error (\*out_shape, p).
    Cost: 4p + 7 calls (central), 14p + 1 (ridders), 9p + 8 (complex_step); more where the steps must be searched for;
    memory: the values of all calls.
    Errors: as for `jacobian`.

    Parameters
    ----------
    f : a function of a vector; it gives a number or an array.
    x : the point, a vector of float32 or float64, or a list of numbers.

    Options
    -------
    method : ``"central"`` (two steps, extrapolated once), ``"ridders"`` (seven steps, the best entry of the tableau) or
        ``"complex_step"`` (``f`` must accept complex arguments and be analytic).
    workers : number of processes that call ``f``; more than one needs an ``f`` that other processes can import.
    step : the coarsest step, one number or one for each coordinate; without it the steps are searched for.
    levels : how many steps, each smaller than the one before.
    noise : the relative accuracy of the values of ``f``, where that is worse than their dtype (an iterative solver).

    >>> hessian_diagonal(lambda x: x[0] ** 3 * x[1], [2.0, 5.0], method="ridders").value.round(9) + 0.0
    array([60.,  0.])
    """
    x = point(x)
    with Evaluator(f, workers) as evaluate:
        found = _entries(evaluate, x, [], plan_of(PLANS, method, levels), method, step, relative(noise))
        return as_estimate(found.value.T, found.error.T, (*evaluate.shape, len(x)), x, evaluate.calls, found.remarks)


def hessian_from_gradient(
    g: Function,
    x: Any,
    /,
    *,
    method: str = "central",
    workers: int = 1,
    step: Any = None,
    levels: int | None = None,
    noise: float = 0.0,
) -> Estimate:
    r"""The Hessian of a function from values of its gradient, with bounds on the errors.

    Of a scalar, or of several, from differences of its gradient.

    Each column is a symmetric quotient $\frac{g(x+ae_i)-g(x-ae_i)}{2a}$ of gradients. Both triangles come out; the
    value is their mean, and their distance is heard when the error is estimated.

    Equation: fd-of-gradients, richardson, ridders-estimate.
    Shapes: `x` is (p,), `g` gives (\*out_shape, p); `Estimate` of value and error (\*out_shape, p, p).
    Cost: as for `jacobian`, in calls of `g`.
    Errors: as for `jacobian`, and ValueError if `g` does not return (\*out_shape, p), or if what comes out is so
    asymmetric that `g` is the gradient of nothing.
    Reference: PRML (5.91).

    Parameters
    ----------
    g : the gradient: a function of a vector that gives one of the same length.
    x : the point, a vector of float32 or float64, or a list of numbers.

    Options
    -------
    method : ``"central"`` (two steps, extrapolated once), ``"ridders"`` (seven steps, the best entry of the tableau) or
        ``"complex_step"`` (``g`` must accept complex arguments and be analytic).
    workers : number of processes that call ``g``; more than one needs a ``g`` that other processes can import.
    step : the coarsest step, one number or one for each coordinate; without it the steps are searched for.
    levels : how many steps, each smaller than the one before.
    noise : the relative accuracy of the values of ``g``, where that is worse than their dtype (an iterative solver).

    >>> estimate = hessian_from_gradient(lambda x: [2 * x[0] * x[1], x[0] ** 2], [2.0, 5.0], method="ridders")
    >>> estimate.value.round(10) + 0.0
    array([[10.,  4.],
           [ 4.,  0.]])
    """
    x = point(x)
    p = len(x)
    with Evaluator(g, workers) as evaluate:
        found = first.entries(evaluate, x, method, step, levels, relative(noise))
        shape = evaluate.shape
        if shape[-1:] != (p,):
            raise ValueError(f"g returned shape {shape}; a gradient at x of shape {x.shape} must end in ({p},)")
        J, E = (part.T.reshape(*shape, p) for part in (found.value, found.error))
        Jt, Et = np.swapaxes(J, -1, -2), np.swapaxes(E, -1, -2)
        gap = np.abs(J - Jt)
        worst = np.unravel_index(int(np.argmax(gap - 10 * (E + Et))), gap.shape)
        if gap[worst] > 10 * (E + Et)[worst] + 1e-3 * np.abs(J[np.isfinite(E)]).max(initial=0.0):
            raise ValueError(
                f"g is not the gradient of anything: its Jacobian has {J[worst]:g} at {tuple(map(int, worst))} "
                f"and {Jt[worst]:g} at the mirrored place; it must be symmetric"
            )
        # two estimates of one number: their mean, whose error is seen from their distance as well
        value, error = (J + Jt) / 2, np.maximum((E + Et) / 2, gap / 2)
        return as_estimate(value, error, (*shape, p), x, evaluate.calls, found.remarks)


def _entries(
    evaluate: Evaluator, x: Array, pairs: list[Pair], plan: Plan, method: str, step: Any, noise: float
) -> BoundedValues:
    """Values and bounds, the diagonal first and then the pairs."""
    if method == "complex_step":
        return complex_step.second(evaluate, x, pairs, plan, step, noise)
    ladder, coarsest = fill_ladder(Ladder, 2, evaluate, x, plan, step, noise)
    ladder.fill_pairs(pairs, coarsest, plan.levels)
    diagonal, mixed = ladder.second(coarsest, plan.levels), ladder.mixed(pairs, coarsest, plan.levels)
    more = 0
    if plan.levels < ENOUGH_TO_SEE_KINKS and ladder.may_have_a_kink(coarsest, plan.levels):
        more = ENOUGH_TO_SEE_KINKS - plan.levels
        ladder.fill_axes((i, e + plan.levels + k) for i, e in enumerate(coarsest) for k in range(more))
    entries = [*((i, i) for i in range(len(x))), *pairs]
    return extrapolate(ladder, concatenate(diagonal, mixed), coarsest, entries, more)


def _mirror(entries: Array, pairs: list[Pair], p: int) -> Array:
    """(entries, outputs) to (outputs, p, p)."""
    i, j = np.array([(i, i) for i in range(p)] + pairs).T
    H = np.empty((entries.shape[1], p, p))
    H[:, i, j] = H[:, j, i] = entries.T
    return H
