"""What every function of this package returns, and the point it accepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A derivative, a bound on its error, and what it cost.

    >>> from hesslib.finite_difference import gradient
    >>> estimate = gradient(lambda x: x[0] ** 2, [3.0])
    >>> bool(abs(estimate.value[0] - 6) <= estimate.error[0]), estimate.calls
    (True, 11)
    """

    value: Array  # the derivative, in the dtype of `x`
    error: Array  # what |value - exact| is meant to stay below, entry by entry; infinite where that cannot be told
    calls: int  # how often `f` was called
    remarks: tuple[str, ...] = ()  # where the bound is infinite, and why


def point(x: Any) -> Array:
    """``x`` as a one-dimensional array of float32 or float64; a list of Python numbers becomes float64."""
    if isinstance(x, (list, tuple)) and all(type(v) in (int, float) for v in x):
        x = np.array(x, dtype=np.float64)
    x = np.asarray(x)
    if x.dtype not in (np.float32, np.float64):
        raise ValueError(f"x has dtype {x.dtype}; it must be float32 or float64")
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"x has shape {x.shape}; it must be one-dimensional with at least one entry")
    if not np.isfinite(x).all():
        i = int(np.flatnonzero(~np.isfinite(x))[0])
        raise ValueError(f"x[{i}] is {x[i]}; every entry must be finite")
    return x
