r"""Layers that only move numbers, or take means of them: they are linear and have no parameters.

Axes are counted without that of the patterns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from array_api_compat import array_namespace

from hesslib._arrays import Array
from hesslib._options import integer
from hesslib.layers.layer import Kept, Primitive, Shape, shape_of


@dataclass(frozen=True)
class Flatten(Primitive):
    """A layer that writes all numbers of a pattern in one row.

    Shapes: (N, ...) to (N, product of the others).
    Cost: none.
    Errors: none.

    >>> Flatten().output_shape((2, 3))
    (6,)
    """

    bends = False

    def output_shape(self, shape: Shape, /) -> Shape:
        return (math.prod(shape),)

    def forward(self, theta: Array, z: Array, /, order: int = 2) -> tuple[Array, Kept]:
        out = self.output_shape(tuple(z.shape[1:]))
        return array_namespace(z).reshape(z, (z.shape[0], *out)), (z,)

    def jvp(self, kept: Kept, dz: Array | None, dtheta: Array | None, /) -> Array:
        assert dz is not None
        return array_namespace(dz).reshape(dz, (*dz.shape[:2], *self.output_shape(tuple(dz.shape[2:]))))

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Array:
        return array_namespace(g).reshape(g, (g.shape[0], *kept[0].shape))


@dataclass(frozen=True)
class Reshape(Flatten):
    r"""A layer that gives the numbers of a pattern another shape, row by row.

    Options
    -------
    shape : the new shape, without the axis of the patterns.

    Shapes: (N, ...) to (N, \\*shape).
    Cost: none.
    Errors: ValueError if the numbers do not fill the shape.

    >>> Reshape((2, 3)).output_shape((6,))
    (2, 3)
    """

    shape: Shape

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", integers("shape", self.shape))

    def output_shape(self, shape: Shape, /) -> Shape:
        if math.prod(shape) != math.prod(self.shape):
            raise shape_of(f"Reshape({self.shape})", shape, f"with {math.prod(self.shape)} numbers")
        return self.shape


@dataclass(frozen=True)
class Transpose(Primitive):
    """A layer that puts the axes of a pattern in another order.

    Options
    -------
    axes : the old number of each new axis, counted from 0 without the axis of the patterns.

    Shapes: the axes of the inputs in that order.
    Cost: one copy of the numbers.
    Errors: ValueError if `axes` is no permutation.

    >>> Transpose((1, 0)).output_shape((2, 3))
    (3, 2)
    """

    axes: Shape
    bends = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", integers("axes", self.axes))
        if sorted(self.axes) != list(range(len(self.axes))):
            raise ValueError(f"axes is {self.axes}; it must be a permutation of {tuple(range(len(self.axes)))}")

    def output_shape(self, shape: Shape, /) -> Shape:
        if len(shape) != len(self.axes):
            raise shape_of(f"Transpose({self.axes})", shape, f"with {len(self.axes)} axes")
        return tuple(shape[axis] for axis in self.axes)

    def _moved(self, z: Array, axes: Shape, lead: int) -> Array:
        order = (*range(lead), *(lead + axis for axis in axes))
        return array_namespace(z).permute_dims(z, order)

    def forward(self, theta: Array, z: Array, /, order: int = 2) -> tuple[Array, Kept]:
        return self._moved(z, self.axes, 1), ()

    def jvp(self, kept: Kept, dz: Array | None, dtheta: Array | None, /) -> Array:
        return self._moved(dz, self.axes, 2)

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Array:
        return self._moved(g, tuple(self.axes.index(i) for i in range(len(self.axes))), 2)


@dataclass(frozen=True, init=False)
class Mean(Primitive):
    """A layer that takes the mean over some axes of a pattern, such as all positions.

    Options
    -------
    axes : their numbers, counted from 0 without the axis of the patterns.

    Shapes: those axes are gone.
    Cost: a sum; memory: its outputs.
    Errors: ValueError if `axes` are not different numbers of axes.

    >>> Mean(0).output_shape((5, 3))
    (3,)
    """

    axes: Shape
    bends = False

    def __init__(self, *axes: int) -> None:
        object.__setattr__(self, "axes", integers("axes", axes))
        if not axes or len(set(axes)) < len(axes) or min(axes) < 0:
            raise ValueError(f"axes is {axes}; it must be different numbers of axes, counted from 0")

    def output_shape(self, shape: Shape, /) -> Shape:
        if max(self.axes) >= len(shape):
            raise shape_of(f"Mean{self.axes}", shape, f"with more than {max(self.axes)} axes")
        return tuple(length for axis, length in enumerate(shape) if axis not in self.axes)

    def forward(self, theta: Array, z: Array, /, order: int = 2) -> tuple[Array, Kept]:
        return array_namespace(z).mean(z, axis=tuple(axis + 1 for axis in self.axes)), (z,)

    def jvp(self, kept: Kept, dz: Array | None, dtheta: Array | None, /) -> Array:
        assert dz is not None
        return array_namespace(dz).mean(dz, axis=tuple(axis + 2 for axis in self.axes))

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Array:
        (z,) = kept
        xp, axes = array_namespace(g), tuple(axis + 1 for axis in self.axes)
        lengths = [1 if axis in axes else length for axis, length in enumerate(z.shape)]
        share = xp.reshape(g, (g.shape[0], *lengths)) / math.prod(z.shape[axis] for axis in axes)
        return xp.broadcast_to(share, (g.shape[0], *z.shape))


def integers(name: str, values: object, /) -> Shape:
    """Return a sequence of integers as a tuple, once it is one."""
    numbers = tuple(integer(value) for value in values) if isinstance(values, tuple | list) else (None,)
    if any(number is None for number in numbers):
        raise ValueError(f"{name} is {values!r}; it must be a sequence of integers")
    return tuple(number for number in numbers if number is not None)
