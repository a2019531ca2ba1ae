"""Layers made of several: identity paths, sums, products and concatenations of branches.

A branch is a layer or a sequence of layers, one after the other; an empty sequence is the identity.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from hesslib._arrays import Array
from hesslib._options import integer
from hesslib.layers.layer import Builder, Kept, Layer, Primitive, Shape, shape_of, total

Branch = tuple[Layer, ...]


class Merge(Primitive):
    """A function of several states: what branches end in. Each product takes and gives a sequence, one for each."""

    @abstractmethod
    def merged_shape(self, shapes: Sequence[Shape], /) -> Shape:
        """Return the shape of the outputs for inputs of the given shapes."""

    def output_shape(self, shape: Shape, /) -> Shape:
        return self.merged_shape([shape])


@dataclass(frozen=True)
class Add(Merge):
    """The sum of several states of one shape."""

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
    """Several states side by side along one axis, counted with that of the patterns, or from the end."""

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
    """The product of two states of one shape, unit by unit."""

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


@dataclass(frozen=True, init=False)
class Sum(Layer):
    """The sum of branches that start from one state.

    Options
    -------
    branches : each a layer or a sequence of layers; an empty sequence is the identity.

    Shapes: those of the branches, which end in one shape.
    Cost: that of the branches.
    Errors: ValueError if there are fewer than two branches, or they end in different shapes.

    >>> from hesslib.layers import Dense
    >>> len(Sum(Dense(2, 2), ()).branches)
    2
    """

    branches: tuple[Branch, ...]

    def __init__(self, *branches: Layer | Sequence[Layer]) -> None:
        object.__setattr__(self, "branches", tuple(branch_of(branch) for branch in branches))
        if len(branches) < 2:
            raise ValueError(f"branches has {len(branches)} entries; it must have at least two")

    def merge(self) -> Merge:
        """The function that the branches end in."""
        return Add(len(self.branches))

    def build(self, program: Builder, node: int, name: str, /) -> int:
        ends = tuple(
            program.add_all(branch, node, f"{name}.{number}", numbered=True)
            for number, branch in enumerate(self.branches)
        )
        return program.add(self.merge(), ends, name)


@dataclass(frozen=True, init=False)
class Product(Sum):
    """The product of two branches that start from one state, unit by unit: gates.

    Options
    -------
    branches : two, each a layer or a sequence of layers; an empty sequence is the identity.

    Shapes: those of the branches, which end in one shape.
    Cost: that of the branches.
    Errors: ValueError if there are not two branches, or they end in different shapes.

    >>> from hesslib.layers import Activation, Dense
    >>> gated = Product(Dense(2, 3), (Dense(2, 3), Activation("logistic")))
    >>> len(gated.branches)
    2
    """

    def __init__(self, *branches: Layer | Sequence[Layer]) -> None:
        super().__init__(*branches)
        if len(branches) != 2:
            raise ValueError(f"branches has {len(branches)} entries; it must have two")

    def merge(self) -> Merge:
        return Times()


@dataclass(frozen=True, init=False)
class Concatenate(Sum):
    """Branches that start from one state, and whose ends stand side by side.

    Options
    -------
    branches : each a layer or a sequence of layers; an empty sequence is the identity.
    axis : along which axis, counted with that of the patterns, which is 0, or from the end.

    Shapes: those of the branches, which may differ along the axis.
    Cost: that of the branches.
    Errors: ValueError if the ends do not fit, or `axis` is 0, that of the patterns.

    >>> from hesslib.layers import Dense
    >>> Concatenate(Dense(2, 3), ()).axis
    -1
    """

    axis: int

    def __init__(self, *branches: Layer | Sequence[Layer], axis: int = -1) -> None:
        super().__init__(*branches)
        if integer(axis) is None or axis == 0:
            raise ValueError(f"axis is {axis!r}; it must be the number of an axis, not 0, that of the patterns")
        object.__setattr__(self, "axis", axis)

    def merge(self) -> Merge:
        return Join(self.axis)


@dataclass(frozen=True, init=False)
class Residual(Layer):
    r"""Layers with an identity path around them: $z'=z+f(z)$.

    Options
    -------
    layers : those of $f$, one after the other.

    Shapes: those of its inputs, to which $f$ must come back.
    Cost: that of the layers.
    Errors: ValueError if there are no layers, or their outputs have another shape than their inputs.

    >>> from hesslib.layers import Activation, Dense
    >>> len(Residual(Dense(2, 2), Activation("tanh")).layers)
    2
    """

    layers: Branch

    def __init__(self, *layers: Layer) -> None:
        object.__setattr__(self, "layers", branch_of(layers))
        if not layers:
            raise ValueError("layers is empty; a residual connection goes around at least one layer")

    def build(self, program: Builder, node: int, name: str, /) -> int:
        end = program.add_all(self.layers, node, name, numbered=True)
        return program.add(Add(2), (node, end), name)


@dataclass(frozen=True)
class Graph(Layer):
    """Layers that take the outputs of any layers before them: what is no chain, sums and residuals.

    Options
    -------
    nodes
        For each layer its name, the layer, and the numbers of the states it takes: 0 is the input of the graph, i + 1
        what node i gives. Several states go to a function that takes several, such as a sum. The last node gives the
        outputs.

    Shapes: those of the layers.
    Cost: that of the layers.
    Errors: ValueError if a node takes a state that is not there yet.

    >>> from hesslib.layers import Activation, Add, Dense
    >>> graph = Graph((("a", Dense(2, 2), (0,)), ("h", Activation("tanh"), (1,)), ("sum", Add(2), (1, 2))))
    >>> len(graph.nodes)
    3
    """

    nodes: tuple[tuple[str, Layer, tuple[int, ...]], ...]

    def __post_init__(self) -> None:
        for number, (name, layer, inputs) in enumerate(self.nodes):
            branch_of([layer])
            if not inputs or not all(0 <= node <= number for node in inputs):
                raise ValueError(f"nodes[{number}], {name}, takes the states {inputs}; they must be from 0 to {number}")
            if (len(inputs) > 1) != isinstance(layer, Merge):
                raise ValueError(
                    f"nodes[{number}], {name}, takes {len(inputs)} states; {type(layer).__name__} does not"
                )

    def build(self, program: Builder, node: int, name: str, /) -> int:
        states = [node]
        for place, layer, inputs in self.nodes:
            if isinstance(layer, Merge):
                states.append(program.add(layer, tuple(states[i] for i in inputs), place))
            else:
                states.append(layer.build(program, states[inputs[0]], place))
        return states[-1]


def branch_of(layers: Layer | Sequence[Layer], /) -> Branch:
    """Return a layer or a sequence of layers as a tuple of layers."""
    every = (layers,) if isinstance(layers, Layer) else tuple(layers)
    for layer in every:
        if not isinstance(layer, Layer):
            raise ValueError(  # noqa: TRY004  (as for every other bad argument)
                f"layers has a {type(layer).__name__}; it must have layers of hesslib.layers"
            )
    return every


def _one_shape(what: str, shapes: Sequence[Shape]) -> Shape:
    for shape in shapes[1:]:
        if shape != shapes[0]:
            raise ValueError(f"{what} has branches of shapes {shapes[0]} and {shape}; they must be one")
    return shapes[0]
