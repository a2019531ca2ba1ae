"""From the options to a ladder with its steps chosen; from difference quotients to values and bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from hesslib.finite_difference import rounding
from hesslib.finite_difference.best_entry import TRUNCATION, select_entry
from hesslib.finite_difference.differentiability import Doubt, name_axes
from hesslib.finite_difference.estimate import Array, Estimate
from hesslib.finite_difference.evaluation import Evaluator
from hesslib.finite_difference.extrapolation import Quotients, tableau
from hesslib.finite_difference.ladder import Axes, Ladder
from hesslib.finite_difference.options import steps_from_option
from hesslib.finite_difference.steps import Plan, search, start

AnyLadder = TypeVar("AnyLadder", bound=Ladder)


def fill_ladder(
    kind: type[AnyLadder], order: int, evaluate: Evaluator, x: Array, plan: Plan, step: Any, noise: float
) -> tuple[AnyLadder, list[int]]:
    """A ladder filled along every axis, and the coarsest exponent of each: given by the user, or searched for."""
    if step is not None:
        ladder = kind(evaluate, x, steps_from_option(step, x), plan.ratio, noise)
        coarsest = [0] * len(x)
        ladder.fill_axes((i, k) for i in range(len(x)) for k in range(plan.levels))
        return ladder, coarsest
    ladder = kind(evaluate, x, start(x, plan), plan.ratio, noise)
    return ladder, search(ladder, order, plan)


@dataclass(frozen=True)
class BoundedValues:
    """Values and bounds (entries, outputs), and why a bound is infinite where it is."""

    value: Array
    error: Array
    remarks: tuple[str, ...] = ()


def extrapolate(
    ladder: Ladder, quotients: Quotients, coarsest: Sequence[int], entries: Sequence[Axes], more: int = 0
) -> BoundedValues:
    """Values and bounds of the entries, axes first; ``more`` levels are known along the axes than the quotients use."""
    columns = tableau(quotients)
    floor = ladder.floor()
    many = len(columns) > 2  # steps enough for their differences to show the rounding
    measured = rounding.pool(rounding.from_differences(columns), floor) if many else ladder.probe(coarsest)
    sigma = np.fmax(floor, measured)
    entry = select_entry(columns, sigma)
    truncation = entry.truncation
    if len(columns) == 1:
        truncation = np.fmax(truncation, TRUNCATION * ladder.unseen(coarsest, entries, entry.value, sigma))
    error = truncation + entry.rounding
    lost = np.flatnonzero(~np.isfinite(error).all(axis=1))
    if lost.size:
        raise ValueError(
            f"f is not finite near x: no usable difference quotient along {name_axes(entries[int(lost[0])])}; "
            "choose smaller steps with step=..., or a point inside the domain of f"
        )
    error = error + ladder.eps * np.abs(entry.value)
    levels = len(quotients.D)
    doubts = ladder.find_doubts(entries, coarsest, (levels + more, levels), sigma, error)
    error, remarks = _without_derivative(error, doubts, entries)
    return BoundedValues(*_in_their_own_units(entry.value, error, ladder.unit, entries), remarks)


def _without_derivative(
    error: Array, doubts: Sequence[Doubt], entries: Sequence[Axes]
) -> tuple[Array, tuple[str, ...]]:
    """Infinite bounds where there is no derivative; a kink along an axis leaves no mixed derivative with it either."""
    error, remarks = error.copy(), []
    for doubt in doubts:
        for n in np.flatnonzero(doubt.flag.any(axis=1)).tolist():
            remarks.append(doubt.words(n))
            own = doubt.entries[n]
            shared = [k for k, axes in enumerate(entries) if axes == own or (len(set(own)) == 1 and own[0] in axes)]
            error[np.ix_(np.array(shared, dtype=int), np.flatnonzero(doubt.flag[n]))] = np.inf
    return error, tuple(dict.fromkeys(remarks))


def _in_their_own_units(value: Array, error: Array, unit: Array, entries: Sequence[Axes]) -> tuple[Array, Array]:
    """From the units of the ladder to those of x: what overflows has no bound, and what underflows keeps one."""
    least = 4 * np.finfo(np.float64).smallest_subnormal
    for own in np.array(entries).T:  # one after the other: a product of units may overflow where the result does not
        u = unit[own][:, None]
        with np.errstate(over="ignore", under="ignore"):
            value, error = value / u, np.where((u != 1) & (error > 0), np.fmax(error / u, least), error)
    return value, np.where(np.isfinite(value), error, np.inf)


def as_estimate(
    value: Array, error: Array, shape: tuple[int, ...], x: Array, calls: int, remarks: tuple[str, ...] = ()
) -> Estimate:
    """In the given shape and the dtype of x, the bound rounded up."""
    upper = error.astype(x.dtype)
    if x.dtype != error.dtype:
        upper = np.where(error > 0, np.nextafter(upper, np.asarray(np.inf, dtype=x.dtype)), upper)
    return Estimate(value.reshape(shape).astype(x.dtype), upper.reshape(shape), calls, remarks)
