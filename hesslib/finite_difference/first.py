"""First derivatives: gradient and Jacobian."""

from __future__ import annotations

from typing import Any

from hesslib.finite_difference import complex_step
from hesslib.finite_difference.conclusion import climbed, concluded, estimate
from hesslib.finite_difference.estimate import Array, Estimate, point
from hesslib.finite_difference.evaluation import Evaluator, Function
from hesslib.finite_difference.ladder import Ladder
from hesslib.finite_difference.options import planned, relative
from hesslib.finite_difference.steps import Plan

PLANS = {
    "central": Plan(first=2e-3, ratio=2.0, levels=2, enough=1e-9),
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
    x = point(x)
    with Evaluator(f, workers) as evaluate:
        value, error = entries(evaluate, x, method, step, levels, relative(noise))
        return estimate(value.T, error.T, evaluate, x, 1)


gradient = jacobian


def entries(
    evaluate: Evaluator, x: Array, method: str, step: Any, levels: int | None, noise: float
) -> tuple[Array, Array]:
    """Values and bounds: (p, outputs)."""
    if method == "complex_step":
        if step is not None or levels is not None:
            raise ValueError("step and levels are given; the complex step of a first derivative has neither")
        return complex_step.first(evaluate, x, noise)
    plan = planned(PLANS, method, levels)
    ladder, coarsest = climbed(Ladder, 1, evaluate, x, plan, step, noise)
    return concluded(ladder, ladder.first(coarsest, plan.levels), coarsest)
