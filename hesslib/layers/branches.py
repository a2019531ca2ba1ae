"""Layers made of several: identity paths, sums, products and concatenations of branches.

A branch is a layer or a sequence of layers, one after the other; an empty sequence is the identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hesslib._options import integer
from hesslib.layers.layer import Builder, Layer
from hesslib.layers.merges import Add, Join, Merge, Times

Branch = tuple[Layer, ...]


@dataclass(frozen=True, init=False)
class Sum(Layer):
    """The sum of branches that start from one state.

    Options
    -------
    branches : each a layer or a sequence of layers; an empty sequence is the identity.

    Shapes: those of the branches, which end in one shape.
    Cost: that of the branches, in operations and in memory.
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

    def _merge(self) -> Merge:
        """The function that the branches end in."""
        return Add(len(self.branches))

    def build(self, program: Builder, node: int, name: str, /) -> int:
        ends = tuple(
            program.add_all(branch, node, f"{name}.{number}", numbered=True)
            for number, branch in enumerate(self.branches)
        )
        return program.add(self._merge(), ends, name)


@dataclass(frozen=True, init=False)
class Product(Sum):
    """The product of two branches that start from one state, unit by unit: gates.

    Options
    -------
    branches : two, each a layer or a sequence of layers; an empty sequence is the identity.

    Shapes: those of the branches, which end in one shape.
    Cost: that of the branches, in operations and in memory.
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

    def _merge(self) -> Merge:
        return Times()


@dataclass(frozen=True, init=False)
class Concatenate(Sum):
    """Branches that start from one state, and whose ends stand side by side.

    Options
    -------
    branches : each a layer or a sequence of layers; an empty sequence is the identity.
    axis : along which axis, counted with that of the patterns, which is 0, or from the end.

    Shapes: those of the branches, which may differ along the axis.
    Cost: that of the branches, in operations and in memory.
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

    def _merge(self) -> Merge:
        return Join(self.axis)


@dataclass(frozen=True, init=False)
class Residual(Layer):
    r"""Layers with an identity path around them: $z'=z+f(z)$.

    Options
    -------
    layers : those of $f$, one after the other.

    Shapes: those of its inputs, to which $f$ must come back.
    Cost: that of the layers, in operations and in memory.
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


def branch_of(layers: Layer | Sequence[Layer], /) -> Branch:
    """Return a layer or a sequence of layers as a tuple of layers."""
    every = (layers,) if isinstance(layers, Layer) else tuple(layers)
    for layer in every:
        if not isinstance(layer, Layer):
            raise ValueError(  # noqa: TRY004  (as for every other bad argument)
                f"layers has a {type(layer).__name__}; it must have layers of hesslib.layers"
            )
    return every
