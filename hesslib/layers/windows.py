"""Which input each place of a window reads: the constant index pattern of convolutions and pools, as tables.

Positions of one or two axes are counted along one axis, row by row. A table has one more number than there are
positions for what lies outside: there an array has a zero, or whatever stands for nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from hesslib.layers.layer import Shape


@dataclass(frozen=True)
class Windows:
    """Windows of one size over positions: how far apart, with how much padding, how far apart their places."""

    size: Shape
    stride: Shape
    padding: Shape
    dilation: Shape

    def output_lengths(self, lengths: Shape, /) -> Shape:
        """Return how many windows there are along each axis; 0 or less where none fits."""
        every = zip(lengths, self.size, self.stride, self.padding, self.dilation, strict=True)
        return tuple((n + 2 * pad - gap * (k - 1) - 1) // step + 1 for n, k, step, pad, gap in every)


@cache
def reads(windows: Windows, lengths: Shape, /) -> np.ndarray:
    """Return for each output position (rows) and place of the window (columns) the input position; outside: I."""
    inside, outside = np.arange(math.prod(lengths)).reshape(lengths), math.prod(lengths)
    padded = np.pad(inside, [(pad, pad) for pad in windows.padding], constant_values=outside)
    outputs = windows.output_lengths(lengths)
    rows = [
        [padded[tuple(o * s + k * d for o, s, k, d in zip(at, windows.stride, place, windows.dilation, strict=True))]
         for place in product(*map(range, windows.size))]
        for at in product(*map(range, outputs))
    ]  # fmt: skip
    return np.array(rows, dtype=np.int64)


@cache
def read_by(windows: Windows, lengths: Shape, /) -> np.ndarray:
    """Return for each input position (rows) and place of the window (columns) the output that reads it; none: O."""
    table = reads(windows, lengths)
    outputs, places = table.shape
    inverse = np.full((math.prod(lengths) + 1, places), outputs, dtype=np.int64)
    for k in range(places):
        inverse[table[:, k], k] = np.arange(outputs)
    return inverse[:-1]
