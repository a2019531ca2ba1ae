r"""What of a derivative a referee looks at: all of it, or what random directions and sampled entries show.

A view is linear. For each axis of the derivative it keeps the axis, contracts it with directions ($A\mapsto AV$), or
picks entries of it. All referees of one check share the directions, so that two views have a common one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hesslib.check.blocks import Blocks

ENOUGH = 1e-3  # the probability of missing an error for which its size is stated


@dataclass(frozen=True, eq=False)
class Sampling:
    """The random directions (p, s) of a check and the block of each; or entries, where directions say nothing."""

    directions: np.ndarray
    member: np.ndarray
    each: int  # directions in each block
    entries: np.ndarray


@dataclass(frozen=True, eq=False)
class View:
    """For each axis: "kept", "directions" or "entries"."""

    axes: tuple[str, ...]
    sampling: Sampling

    @property
    def full(self) -> bool:
        return set(self.axes) <= {"kept"}

    def of(self, array: np.ndarray, seen: View | None = None) -> np.ndarray:
        """What this view shows of an array, which is whole or has been looked at through the finer view `seen`."""
        for axis, how in enumerate(self.axes):
            if seen is None or seen.axes[axis] == "kept":
                array = self._contracted(array, axis, how)
        return array

    def bound(self, error: np.ndarray, seen: View | None = None) -> np.ndarray:
        """Where a bound on the error of every entry leads to: the sum of what may go wrong."""
        for axis, how in enumerate(self.axes):
            if seen is None or seen.axes[axis] == "kept":
                array = np.abs(self.sampling.directions) if how == "directions" else None
                error = self._contracted(error, axis, how) if array is None else _along(error, axis, array)
        return error

    def common(self, other: View) -> View:
        """The finest view that both can be brought to."""
        return View(tuple(b if a == "kept" else a for a, b in zip(self.axes, other.axes, strict=True)), self.sampling)

    def members(self, axis: int, blocks: Blocks) -> np.ndarray:
        """The block of every position along an axis of what the view shows."""
        how = self.axes[axis]
        if how == "directions":
            return self.sampling.member
        return blocks.member[self.sampling.entries] if how == "entries" else blocks.member

    def misses(self, p: int) -> str:
        """What may go unseen through this view, in words; empty for the whole."""
        if self.full:
            return ""
        if "entries" in self.axes:
            seen = len(self.sampling.entries)
            return (
                f"{seen} of {p} entries were looked at: one wrong entry is missed with probability {1 - seen / p:.2g}"
            )
        contracted = self.axes.count("directions")
        return (
            f"{self.sampling.each} random directions in each block: an error in a block is missed with probability "
            f"below {ENOUGH:g} if its norm is more than {multiple(contracted, self.sampling.each):.2g} times what is "
            "allowed"
        )

    def _contracted(self, array: np.ndarray, axis: int, how: str) -> np.ndarray:
        if how == "kept":
            return array
        if how == "entries":
            return np.take(array, self.sampling.entries, axis=axis)
        return _along(array, axis, self.sampling.directions)


def multiple(contracted: int, each: int) -> float:
    r"""The size of an error, over the tolerance, that random normal directions miss with probability 1/1000.

    One direction shows of an error $e$ a normal number of deviation $|e|$, which is below $\tau$ with probability at
    most $\sqrt{2/\pi}\,\tau/|e|$; k directions all do with that to the power k. With directions on both sides the
    number is at worst a product of two normal ones, below $\tau$ with probability at most
    $\tfrac2\pi\epsilon(1.12-\ln\epsilon)$ for $\epsilon=\tau/|e|$; of the pairs only k/2 are independent of each other.

    >>> round(multiple(1, 4), 1), round(multiple(2, 4), 1)
    (4.5, 118.6)
    """
    if contracted == 1:
        return math.sqrt(2 / math.pi) * ENOUGH ** (-1 / each)
    target, low, high = ENOUGH ** (1 / (each // 2)), 1e-12, 0.5
    for _ in range(100):
        middle = math.sqrt(low * high)
        if 2 / math.pi * middle * (1.1160 - math.log(middle)) < target:
            low = middle
        else:
            high = middle
    return 1 / low


def _along(array: np.ndarray, axis: int, V: np.ndarray) -> np.ndarray:
    return np.moveaxis(np.tensordot(array, V, axes=(axis, 0)), -1, axis)
