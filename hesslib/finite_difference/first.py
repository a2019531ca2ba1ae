"""First derivatives: gradient and Jacobian."""

from __future__ import annotations

from typing import Any

from hesslib.finite_difference import complex_step
from hesslib.finite_difference.bounded_values import BoundedValues, as_estimate, extrapolate, fill_ladder
from hesslib.finite_difference.estimate import Array, Estimate, point
from hesslib.finite_difference.evaluation import Evaluator, Function
from hesslib.finite_difference.ladder import Ladder
from hesslib.finite_difference.options import plan_of, relative
from hesslib.finite_difference.steps import Plan

PLANS = {
    "central": Plan(first=6e-4, ratio=2.0, levels=2, enough=4e-9),
    "ridders": Plan(first=0.25, ratio=2**0.5, levels=7, enough=1e-12),
}


def jacobian(
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
    r"""All first derivatives of a function from its values alone, with bounds on their errors.

    They are $\partial f_o/\partial x_i$, of any output shape: value (\*out_shape, p).

    From the symmetric quotients $\frac{f(x+ae_i)-f(x-ae_i)}{2a}=\partial_if+O(a^2)$, extrapolated to $a\to0$; by the
    complex step from $\operatorname{Im}f(x+ihe_i)/h$.

    Of the equations below the first is the quotient of ``"central"`` and ``"ridders"``, and the second extrapolates it,
    once for ``"central"``; by the third ``"ridders"`` chooses its entry. The last is ``"complex_step"``.

    Equation: fd-central, richardson, ridders-estimate, complex-step.
    Shapes: `x` is (p,), `f` gives any shape; `Estimate` of value and error (\*out_shape, p).
    Cost: 4p + 7 calls (central), 14p + 1 (ridders), 2p + 7 (complex_step); more where the steps must be searched for;
    memory: the values of all calls.
    Errors: ValueError for an `x` that is not a finite vector of floats, for an `f` that is not finite at or near `x`,
    changes its shape, cannot be pickled (``workers > 1``) or is not analytic (complex_step); for a wrong option.
    Reference: PRML (5.69).

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
    >>> estimate = jacobian(lambda x: [x[0] * x[1], np.exp(x[0])], [0.0, 3.0], method="ridders")
    >>> np.round(estimate.value, 10) + 0.0
    array([[3., 0.],
           [1., 0.]])
    >>> bool((abs(estimate.value - [[3, 0], [1, 0]]) <= estimate.error).all())
    True
    """
    x = point(x)
    with Evaluator(f, workers) as evaluate:
        found = entries(evaluate, x, method, step, levels, relative(noise))
        return as_estimate(found.value.T, found.error.T, (*evaluate.shape, len(x)), x, evaluate.calls, found.remarks)


def gradient(
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
    r"""The gradient of a function from its values alone, with a bound on its error.

    It is $\partial f/\partial x_i$: value (p,) for a scalar function, never (p, 1).

    The same as `jacobian`, under the name that a scalar function calls for; the options are those of `jacobian`, and so
    is the method that each of the equations below belongs to.

    Parameters
    ----------
    f : a function of a vector; it gives a number or an array.
    x : the point, a vector of float32 or float64, or a list of numbers.
    method, workers, step, levels, noise : as for `jacobian`.

    Equation: fd-central, richardson, ridders-estimate, complex-step.
    Shapes: `x` is (p,); `Estimate` of value and error (p,), or (\*out_shape, p) for any other output shape.
    Cost: as for `jacobian`.
    Errors: as for `jacobian`.

    >>> estimate = gradient(lambda x: x[0] ** 2 + 3 * x[1], [2.0, 5.0])
    >>> estimate.value.round(8)
    array([4., 3.])
    >>> estimate.calls
    15
    """
    return jacobian(f, x, method=method, workers=workers, step=step, levels=levels, noise=noise)


def entries(evaluate: Evaluator, x: Array, method: str, step: Any, levels: int | None, noise: float) -> BoundedValues:
    """Values and bounds: (p, outputs)."""
    if method == "complex_step":
        if step is not None or levels is not None:
            raise ValueError("step and levels are given; the complex step of a first derivative has neither")
        return complex_step.first(evaluate, x, noise)
    plan = plan_of(PLANS, method, levels)
    ladder, coarsest = fill_ladder(Ladder, 1, evaluate, x, plan, step, noise)
    return extrapolate(ladder, ladder.first(coarsest, plan.levels), coarsest, [(i,) for i in range(len(x))])
