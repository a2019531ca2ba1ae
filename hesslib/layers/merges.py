"""Functions of several states, which branches end in: their sum, their product, their concatenation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from hesslib._arrays import Array
from hesslib.layers.layer import Kept, Primitive, Shape, shape_of, total


class Merge(Primitive):
    """A function of several states: what branches end in. Each product takes and gives a sequence, one for each.

    Shapes: those of each function.
    Cost: an operation for each unit; memory: its inputs.
    Errors: ValueError if the shapes of the states do not fit.

    >>> Add(2).merged_shape([(3,), (3,)])
    (3,)
    """

    @abstractmethod
    def merged_shape(self, shapes: Sequence[Shape], /) -> Shape:
        """Return the shape of the outputs for inputs of the given shapes."""

    def output_shape(self, shape: Shape, /) -> Shape:
        return self.merged_shape([shape])


@dataclass(frozen=True)
class Add(Merge):
    """The sum of several states of one shape.

    Options
    -------
    count : how many they are.

    >>> Add(2).vjp_inputs((), 1.0)
    [1.0, 1.0]
    """

    count: int
    bends = False

    def merged_shape(self, shapes: Sequence[Shape], /) -> Shape:
        return _one_shape("a sum", shapes)

    def forward(self, theta: Array, z: Any, /, order: int = 2) -> tuple[Array, Kept]:
        return total(*z), ()

    def jvp(self, kept: Kept, dz: Any, dtheta: Array | None, /) -> Array:
        return total(*dz)

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Any:
        return [g] * self.count


@dataclass(frozen=True)
class Join(Merge):
    """Several states side by side along one axis.

    Options
    -------
    axis : its number, counted with that of the patterns, which is 0, or from the end.

    >>> Join(-1).merged_shape([(2, 3), (2, 4)])
    (2, 7)
    """

    axis: int
    bends = False

    def merged_shape(self, shapes: Sequence[Shape], /) -> Shape:
        at = self.axis - 1 if self.axis > 0 else self.axis + len(shapes[0])
        if not 0 <= at < len(shapes[0]):
            raise shape_of("Concatenate", shapes[0], f"with an axis {self.axis}")
        rest = [(*shape[:at], *shape[at + 1 :]) for shape in shapes]
        _one_shape("a concatenation", rest)
        return (*shapes[0][:at], sum(shape[at] for shape in shapes), *shapes[0][at + 1 :])

    def forward(self, theta: Array, z: Any, /, order: int = 2) -> tuple[Array, Kept]:
        return array_namespace(*z).concat(list(z), axis=self.axis), tuple(z)

    def jvp(self, kept: Kept, dz: Any, dtheta: Array | None, /) -> Array:
        V = next(d.shape[0] for d in dz if d is not None)
        xp = array_namespace(kept[0])
        filled = [
            xp.broadcast_to(xp.zeros_like(z)[None, ...], (V, *z.shape)) if d is None else d
            for d, z in zip(dz, kept, strict=True)
        ]
        return xp.concat(filled, axis=self.axis + 1 if self.axis > 0 else self.axis)

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Any:
        at = self.axis + 1 if self.axis > 0 else self.axis + g.ndim
        parts, start = [], 0
        for z in kept:
            size = z.shape[at - 1]
            parts.append(g[(*(slice(None) for _ in range(at)), slice(start, start + size))])
            start += size
        return parts


@dataclass(frozen=True)
class Times(Merge):
    """The product of two states of one shape, unit by unit.

    >>> Times().merged_shape([(3,), (3,)])
    (3,)
    """

    def merged_shape(self, shapes: Sequence[Shape], /) -> Shape:
        return _one_shape("a product", shapes)

    def forward(self, theta: Array, z: Any, /, order: int = 2) -> tuple[Array, Kept]:
        return z[0] * z[1], tuple(z)

    def jvp(self, kept: Kept, dz: Any, dtheta: Array | None, /) -> Array:
        return total(*(d * other for d, other in zip(dz, kept[::-1], strict=True) if d is not None))

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Any:
        return [g * kept[1], g * kept[0]]

    def second_inputs(self, kept: Kept, delta: Array, dz: Any, dtheta: Array | None, /) -> Any:
        return [None if d is None else delta * d for d in dz[::-1]]


def _one_shape(what: str, shapes: Sequence[Shape]) -> Shape:
    for shape in shapes[1:]:
        if shape != shapes[0]:
            raise ValueError(f"{what} has branches of shapes {shapes[0]} and {shape}; they must be one")
    return shapes[0]
