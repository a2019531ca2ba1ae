"""What rounding makes of a derivative: how it changes when x is moved by a unit in the last place.

A derivative that is small because large terms cancel, at a minimum or for a harmonic function, is not small to
rounding: its natural size is that of the terms, and is seen nowhere in the result. It is heard in this change.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hesslib.check.quantity import Quantity
from hesslib.check.sizes import sizes
from hesslib.check.views import View

SAFETY = 16.0  # multiples of the change under a few ulps that are allowed


def rounding_noise(
    at: Callable[[np.ndarray], np.ndarray], x: np.ndarray, value: np.ndarray, quantity: Quantity, view: View, times: int
) -> np.ndarray:
    """The largest change of a derivative over so many moves of x by one to three ulps, by block."""
    rng = np.random.default_rng(0)
    largest = np.zeros_like(value)
    typical = np.where(x != 0, np.abs(x), np.median(np.abs(x)))
    for _ in range(times):
        moved = x + (rng.choice([-3, -2, -1, 1, 2, 3], size=x.shape) * np.finfo(x.dtype).eps / 2 * typical).astype(
            x.dtype
        )
        change = np.abs(at(moved.astype(x.dtype)) - value)
        largest = np.fmax(largest, np.where(np.isfinite(change), change, 0.0))
    return sizes(largest, quantity, view)
