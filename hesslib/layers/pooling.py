"""Pools: the mean or the largest of each window of positions, for each channel by itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from hesslib._arrays import Array, integers_like
from hesslib.layers.convolution import gathered, output_lengths, windows_of
from hesslib.layers.layer import Kept, Primitive, Shape
from hesslib.layers.windows import read_by, reads


@dataclass(frozen=True, init=False)
class AveragePool(Primitive):
    r"""A pool that takes the mean of each window; zeros of the padding count.

    Options
    -------
    size : that of the window, a number for one axis of positions or (height, width) for two.
    stride : a number, or one for each axis; None for that of the window.
    padding : a number, or one for each axis.

    Shapes: (N, channels, \*positions) before and after.
    Cost: a sum for each window; memory: a copy of the inputs for each place of the window.
    Errors: ValueError if an option is no positive integer.

    >>> AveragePool(2).output_shape((3, 6))
    (3, 3)
    """

    windows: Any  # size, stride, padding and dilation, each with an entry for each axis
    bends = False

    def __init__(self, size: int | Shape, *, stride: int | Shape | None = None, padding: int | Shape = 0) -> None:
        object.__setattr__(self, "windows", windows_of(size, size if stride is None else stride, padding, 1))

    def output_shape(self, shape: Shape, /) -> Shape:
        return (shape[0], *output_lengths("AveragePool", self.windows, shape))

    def forward(self, theta: Array, z: Array, /, order: int = 2) -> tuple[Array, Kept]:
        return self._means(z, 1), (z,)

    def _means(self, z: Array, lead: int) -> Array:
        lengths = tuple(z.shape[lead + 1 :])
        xp, out = array_namespace(z), self.windows.output_lengths(lengths)
        means = xp.mean(gathered(z, lead + 1, reads(self.windows, lengths)), axis=-1)
        return xp.reshape(means, (*z.shape[: lead + 1], *out))

    def jvp(self, kept: Kept, dz: Array | None, dtheta: Array | None, /) -> Array:
        assert dz is not None
        return self._means(dz, 2)

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Array:
        (z,) = kept
        xp, share = array_namespace(g), g / math.prod(self.windows.size)
        found = xp.sum(gathered(share, 3, read_by(self.windows, tuple(z.shape[2:]))), axis=-1)
        return xp.reshape(found, (g.shape[0], *z.shape))


@dataclass(frozen=True, init=False)
class MaxPool(Primitive):
    r"""A pool that takes the largest of each window, the first of equals.

    It is linear but at the points where two entries of a window are equal and largest; its second derivatives are 0
    almost everywhere.

    Options
    -------
    size : that of the window, a number for one axis of positions or (height, width) for two.
    stride : a number, or one for each axis; None for that of the window.
    padding, dilation : a number, or one for each axis; the padding is never the largest.

    Shapes: (N, channels, \*positions) before and after.
    Cost: a comparison for each place of each window; memory: a copy of the inputs for each place.
    Errors: ValueError if an option is no positive integer.

    >>> import numpy as np
    >>> MaxPool(2).forward(np.zeros(0), np.array([[[1.0, 3.0, 2.0, 0.0]]]))[0]
    array([[[3., 2.]]])
    """

    windows: Any  # size, stride, padding and dilation, each with an entry for each axis
    bends = False

    def __init__(
        self,
        size: int | Shape,
        *,
        stride: int | Shape | None = None,
        padding: int | Shape = 0,
        dilation: int | Shape = 1,
    ) -> None:
        object.__setattr__(self, "windows", windows_of(size, size if stride is None else stride, padding, dilation))

    def output_shape(self, shape: Shape, /) -> Shape:
        return (shape[0], *output_lengths("MaxPool", self.windows, shape))

    def forward(self, theta: Array, z: Array, /, order: int = 2) -> tuple[Array, Kept]:
        xp, lengths = array_namespace(z), tuple(z.shape[2:])
        every = gathered(z, 2, reads(self.windows, lengths), -math.inf)
        places = integers_like(np.arange(every.shape[-1]), z)
        chosen = xp.astype(places == xp.argmax(every, axis=-1, keepdims=True), z.dtype)
        found = xp.reshape(xp.max(every, axis=-1), (*z.shape[:2], *self.windows.output_lengths(lengths)))
        return found, (z, chosen)

    def jvp(self, kept: Kept, dz: Array | None, dtheta: Array | None, /) -> Array:
        z, chosen = kept
        assert dz is not None
        xp, lengths = array_namespace(z), tuple(z.shape[2:])
        found = xp.sum(gathered(dz, 3, reads(self.windows, lengths)) * chosen, axis=-1)
        return xp.reshape(found, (*dz.shape[:3], *self.windows.output_lengths(lengths)))

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Array:
        z, chosen = kept
        xp, table = array_namespace(z), read_by(self.windows, tuple(z.shape[2:]))
        outputs, places = chosen.shape[-2:]
        flat = np.where(table == outputs, outputs * places, table * places + np.arange(places))
        every = xp.reshape(g, (*g.shape[:3], outputs))[..., None] * chosen
        return xp.reshape(xp.sum(gathered(every, 3, flat), axis=-1), (g.shape[0], *z.shape))
