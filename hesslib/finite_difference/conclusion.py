"""From the options to a ladder with its steps chosen; from difference quotients to values and bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from hesslib.finite_difference import rounding
from hesslib.finite_difference.choice import best
from hesslib.finite_difference.estimate import Array, Estimate
from hesslib.finite_difference.evaluation import Evaluator
from hesslib.finite_difference.extrapolation import Quotients, tableau
from hesslib.finite_difference.ladder import Ladder
from hesslib.finite_difference.options import given_steps
from hesslib.finite_difference.steps import Plan, search, start

AnyLadder = TypeVar("AnyLadder", bound=Ladder)


def climbed(
    kind: type[AnyLadder], order: int, evaluate: Evaluator, x: Array, plan: Plan, step: Any, noise: float
) -> tuple[AnyLadder, list[int]]:
    """A ladder filled along every axis, and the coarsest exponent of each: given by the user, or searched for."""
    if step is not None:
        ladder = kind(evaluate, x, given_steps(step, x), plan.ratio, noise)
        coarsest = [0] * len(x)
        ladder.fill_axes((i, k) for i in range(len(x)) for k in range(plan.levels))
        return ladder, coarsest
    ladder = kind(evaluate, x, start(x, plan), plan.ratio, noise)
    return ladder, search(ladder, ladder.first if order == 1 else ladder.second, plan)


def concluded(ladder: Ladder, quotients: Quotients, coarsest: Sequence[int]) -> tuple[Array, Array]:
    """Values and bounds: (entries, outputs)."""
    columns = tableau(quotients)
    floor = ladder.floor()
    if len(columns) > 2:
        measured = rounding.pooled(rounding.from_differences(columns), floor)
    else:
        measured = ladder.probe(coarsest)
    choice = best(columns, np.fmax(floor, measured))
    error = choice.truncation + choice.rounding
    lost = np.flatnonzero(~np.isfinite(error).all(axis=1))
    if lost.size:
        raise ValueError(
            f"f is not finite near x: no usable difference quotient along {ladder.entry(int(lost[0]))}; "
            "choose smaller steps with step=..., or a point inside the domain of f"
        )
    return choice.value, error + ladder.eps * np.abs(choice.value)


def estimate(value: Array, error: Array, shape: tuple[int, ...], x: Array, calls: int) -> Estimate:
    """In the given shape and the dtype of x, the bound rounded up."""
    upper = error.astype(x.dtype)
    if x.dtype != error.dtype:
        upper = np.where(error > 0, np.nextafter(upper, np.asarray(np.inf, dtype=x.dtype)), upper)
    return Estimate(value.reshape(shape).astype(x.dtype), upper.reshape(shape), calls)
