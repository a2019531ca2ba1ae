"""Which entry of the tableau to believe, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hesslib.finite_difference.estimate import Array
from hesslib.finite_difference.extrapolation import Column

# The four constants of the bound. They were set on a panel of functions (tests/finite_difference_panel.py) so that at
# least 99 % of all errors stay below it, and checked on another.
ROUNDING = 5.0  # standard deviations of the propagated rounding
OF_MANY = 1.5  # more of them for each further column of the tableau: the smallest bound of many is also the luckiest
TRUNCATION = 3.0  # multiples of the estimated truncation
SHARE = 200.0  # see `_truncation`


@dataclass(frozen=True)
class BestEntry:
    """For every entry and output: the value, and the two parts of its bound (infinite where nothing was usable)."""

    value: Array
    truncation: Array
    rounding: Array


def select_entry(columns: list[Column], sigma: Array) -> BestEntry:
    """The entry of smallest bound among all columns: arrays (entries, outputs).

    ``sigma``: rounding level of ``f``, one standard deviation, (entries or 1, outputs).
    """
    A = np.concatenate([column.A for column in columns])
    deviations = ROUNDING + OF_MANY * (len(columns) - 1)
    rounding = np.concatenate([deviations * column.gain[..., None] * sigma for column in columns])
    truncation = np.concatenate([TRUNCATION * _truncation(column, columns) for column in columns])
    truncation = np.where(np.isnan(A), np.inf, truncation)
    index = np.argmin(truncation + rounding, axis=0)[None]
    value, T, R = (np.take_along_axis(part, index, axis=0)[0] for part in (A, truncation, rounding))
    return BestEntry(value, T, R)


def _truncation(column: Column, columns: list[Column]) -> Array:
    """The difference to the better parent is the error of the parent.

    With more than two steps that is the estimate: the search for the smallest one takes what there is to gain. A
    difference much smaller than the one above it in the column, further than the order explains, is luck and not used.

    With two steps there is no choice, and the parent is far worse than the extrapolation: the latter is smaller in
    about the proportion in which the parent's error is smaller than the derivative itself.
    """
    T = column.truncation
    if len(columns) > 1:
        above = np.concatenate([T[:1], T[:-1] / column.decay])
        return np.fmax(T, above)
    share = np.divide(T, np.abs(column.A), out=np.ones_like(T), where=np.abs(column.A) > T)
    return T * np.minimum(1.0, SHARE * share)
