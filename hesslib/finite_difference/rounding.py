r"""The rounding level of ``f``: how far two values of ``f`` at almost the same point differ for no good reason.

Three estimates, for each output by itself; the largest is used:

1. half a unit in the last place of the values of ``f``: no function does better without luck;
2. the quantum: if every value is a multiple of the same power of two, larger than the last place, then digits were
   lost inside ``f`` (it computed in float32, or subtracted a large offset);
3. the high differences: in a tableau every order of extrapolation removes one power of $h^2$ from the signal, but no
   noise. Where the differences stop falling as the step shrinks, noise is what is left. Where there are too few steps
   to see that, seven points very close to each other serve.
"""

from __future__ import annotations

import numpy as np

from hesslib.finite_difference.estimate import Array
from hesslib.finite_difference.extrapolation import Column

PROBE = (
    -29,
    -17,
    -6,
    7,
    16,
    31,
)  # uneven: at even distances a value that is rounded to a grid can keep in step with the grid


def unit(values: Array, eps: float, noise: float) -> Array:
    """Estimate 1: (outputs,), from values (points, outputs)."""
    return max(0.5 * eps, noise) * np.abs(values).max(axis=0, initial=0.0)


def quantum(values: Array) -> Array:
    """Estimate 2: half the largest power of two that divides every value (points, outputs); zero if all are zero."""
    mantissa, exponent = np.frexp(values)
    integer = np.ldexp(mantissa, 53).astype(np.int64)
    last_digit = (integer & -integer).astype(np.float64)
    power = np.where(integer == 0, np.inf, np.ldexp(last_digit, exponent - 53))
    smallest = power.min(axis=0, initial=np.inf)
    return np.where(np.isfinite(smallest), 0.5 * smallest, 0.0)


def from_differences(columns: list[Column]) -> Array:
    """Estimate 3: (entries, outputs).

    For every entry the smallest level, over columns and steps, of |difference| / gain, each taken as the root mean
    square over three neighbouring steps, so that a lucky zero does not pass for silence. The smallest of many samples
    is below the level: it is doubled.
    """
    found = []
    for column in columns:
        level = np.abs(column.difference) / column.difference_gain[..., None]
        n = min(3, len(level))
        found += [_root_mean_square(level[k : k + n]) for k in range(len(level) - n + 1)]
    smallest = np.fmin.reduce(np.stack(found), axis=0)
    return np.where(np.isfinite(smallest), 2 * smallest, 0.0)


def pool(own: Array, floor: Array) -> Array:
    """An entry quieter than most was lucky: it gets the median over entries, in multiples of ``floor``."""
    multiple = np.divide(own, floor, out=np.zeros_like(own), where=floor > 0)
    return np.maximum(own, np.median(multiple, axis=0) * floor)


def from_probe(values: Array) -> Array:
    """Estimate 3 where there are few steps: (outputs,), from values at 0 and at the points of `PROBE`.

    The points are so close that what a parabola leaves of the values is noise. Four samples of it are few: the level is
    taken a third higher than they say.
    """
    t = np.array((0, *PROBE)) / max(PROBE)
    q, _ = np.linalg.qr(np.vander(t, 3), mode="complete")
    return 1.3 * _root_mean_square(q[:, 3:].T @ values)


def _root_mean_square(v: Array) -> Array:
    """Along the first axis, without overflow or underflow."""
    scale = np.abs(v).max(axis=0)
    safe = np.where(scale > 0, scale, 1.0)
    return scale * np.sqrt(np.mean((v / safe) ** 2, axis=0))
