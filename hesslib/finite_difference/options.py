"""The options that the functions share: read, checked, and turned into a ladder of steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hesslib.finite_difference.estimate import Array
from hesslib.finite_difference.steps import Plan

METHODS = ("central", "ridders", "complex_step")


def plan_of(plans: dict[str, Plan], method: str, levels: int | None) -> Plan:
    """The plan of a method, with another number of levels if asked for."""
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; it must be one of {', '.join(map(repr, METHODS))}")
    if levels is None:
        return plans[method]
    if isinstance(levels, bool) or not isinstance(levels, int) or levels < 2:
        raise ValueError(f"levels is {levels!r}; it must be an integer of at least 2: one step shows no error")
    return replace(plans[method], levels=levels)


def steps_from_option(step: Any, x: Array) -> Array:
    """(p,) coarsest steps from one number or one for each coordinate."""
    a = np.asarray(step, dtype=np.float64)
    if a.shape not in ((), x.shape):
        raise ValueError(f"step has shape {a.shape}; it must be one number or have the shape {x.shape} of x")
    if not (np.isfinite(a) & (a > 0)).all():
        raise ValueError(f"step is {step}; it must be positive and finite")
    a = np.broadcast_to(a, x.shape)
    lost = np.flatnonzero(a < 2**12 * np.spacing(np.abs(x)).astype(np.float64))
    if lost.size:
        i = int(lost[0])
        raise ValueError(f"step is {a[i]:g} where x[{i}] is {x[i]:g}; that is too few units in the last place of x")
    return a


def relative(noise: float) -> float:
    """The relative accuracy of ``f``, checked."""
    if not 0 <= noise < 1:
        raise ValueError(f"noise is {noise!r}; it must be a relative accuracy, at least 0 and below 1")
    return float(noise)
