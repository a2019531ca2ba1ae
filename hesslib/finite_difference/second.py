"""Second derivatives: Hessian, its diagonal, and the Hessian from a gradient."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from hesslib.finite_difference import complex_step, first
from hesslib.finite_difference.conclusion import climbed, concluded, estimate
from hesslib.finite_difference.estimate import Array, Estimate, point
from hesslib.finite_difference.evaluation import Evaluator, Function
from hesslib.finite_difference.extrapolation import joined
from hesslib.finite_difference.ladder import Ladder, Pair
from hesslib.finite_difference.options import planned, relative
from hesslib.finite_difference.steps import Plan

PLANS = {
    "central": Plan(first=8e-3, ratio=2.0, levels=2, enough=1e-6),
    "ridders": Plan(first=0.25, ratio=2**0.5, levels=7, enough=1e-11),
    "complex_step": Plan(first=0.1, ratio=2.0, levels=4, enough=1e-12),
}


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
    x = point(x)
    pairs = list(combinations(range(len(x)), 2))
    with Evaluator(f, workers) as evaluate:
        value, error = _entries(evaluate, x, pairs, planned(PLANS, method, levels), method, step, relative(noise))
        return estimate(_mirrored(value, pairs, len(x)), _mirrored(error, pairs, len(x)), evaluate, x, 2)


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
    x = point(x)
    with Evaluator(f, workers) as evaluate:
        value, error = _entries(evaluate, x, [], planned(PLANS, method, levels), method, step, relative(noise))
        return estimate(value.T, error.T, evaluate, x, 1)


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
    x = point(x)
    p = len(x)
    with Evaluator(g, workers) as evaluate:
        value, error = first.entries(evaluate, x, method, step, levels, relative(noise))
        shape = evaluate.shape or ()
        if shape[-1:] != (p,):
            raise ValueError(f"g returned shape {shape}; a gradient at x of shape {x.shape} must end in ({p},)")
        J, E = (part.T.reshape(*shape, p) for part in (value, error))
        Jt, Et = np.swapaxes(J, -1, -2), np.swapaxes(E, -1, -2)
        gap = np.abs(J - Jt)
        worst = np.unravel_index(int(np.argmax(gap - 10 * (E + Et))), gap.shape)
        if gap[worst] > 10 * (E + Et)[worst] + 1e-3 * np.abs(J).max():
            raise ValueError(
                f"g is not the gradient of anything: its Jacobian has {J[worst]:g} at {tuple(map(int, worst))} "
                f"and {Jt[worst]:g} at the mirrored place; it must be symmetric"
            )
        # two estimates of one number: their mean, whose error is seen from their distance as well
        return Estimate(*_cast((J + Jt) / 2, np.maximum((E + Et) / 2, gap / 2), x), evaluate.calls)


def _entries(
    evaluate: Evaluator, x: Array, pairs: list[Pair], plan: Plan, method: str, step: Any, noise: float
) -> tuple[Array, Array]:
    """Values and bounds, the diagonal first and then the pairs: (entries, outputs)."""
    if method == "complex_step":
        return complex_step.second(evaluate, x, pairs, plan, step, noise)
    ladder, coarsest = climbed(Ladder, 2, evaluate, x, plan, step, noise)
    ladder.fill_pairs(pairs, coarsest, plan.levels)
    diagonal, mixed = ladder.second(coarsest, plan.levels), ladder.mixed(pairs, coarsest, plan.levels)
    return concluded(ladder, joined(diagonal, mixed), coarsest)


def _mirrored(entries: Array, pairs: list[Pair], p: int) -> Array:
    """(entries, outputs) to (outputs, p, p)."""
    i, j = np.array([(i, i) for i in range(p)] + pairs).T
    H = np.empty((entries.shape[1], p, p))
    H[:, i, j] = H[:, j, i] = entries.T
    return H
