r"""A chain as a list of functions: each is applied to states that are there, and makes the next one.

State 0 is the inputs $x$, state i + 1 what function i gives. Branches are states that several functions take; where
they meet, a function takes several.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from hesslib.layers.dense import Embedding
from hesslib.layers.layer import Builder, Layer, Primitive, Shape
from hesslib.layers.merges import Merge
from hesslib.networks.losses import Loss


class Step(NamedTuple):
    """A function of a program, the states it takes, and where its parameters lie in `w`."""

    layer: Primitive
    inputs: tuple[int, ...]
    where: slice
    name: str


class Program(Builder):
    """The functions of a chain, in an order in which they can be computed, and its loss."""

    def __init__(self, layers: Sequence[Layer], loss: Loss) -> None:
        self.loss = loss
        self.steps: list[Step] = []
        self.num_parameters = 0
        self.slices: dict[str, slice] = {}
        self.shapes: dict[str, Shape] = {}
        self.add_all(layers, 0, "", numbered=True)

    def add(self, layer: Primitive, inputs: tuple[int, ...], name: str, /) -> int:
        start = self.num_parameters
        for parameter, shape in layer.parameters.items():
            end = self.num_parameters + math.prod(shape)
            self.slices[f"{name}.{parameter}"] = slice(self.num_parameters, end)
            self.shapes[f"{name}.{parameter}"] = shape
            self.num_parameters = end
        self.steps.append(Step(layer, inputs, slice(start, self.num_parameters), name))
        return len(self.steps)

    def add_all(self, layers: Sequence[Layer], node: int, name: str, /, *, numbered: bool = False) -> int:
        for number, layer in enumerate(layers):
            place = f"{name}.{number}" if name else str(number)
            node = layer.build(self, node, place if numbered else name)
        return node

    @property
    def with_parameters(self) -> tuple[int, ...]:
        """The numbers of the functions that have parameters."""
        return tuple(i for i, step in enumerate(self.steps) if step.layer.num_parameters)

    @property
    def embedding(self) -> Embedding | None:
        """The layer that takes the inputs as tokens, if there is one."""
        found = [step.layer for step in self.steps if 0 in step.inputs and isinstance(step.layer, Embedding)]
        return found[0] if found else None

    @property
    def couples(self) -> str:
        """The name of a layer that couples patterns, or nothing."""
        return next((step.name for step in self.steps if step.layer.couples), "")

    @lru_cache(maxsize=16)  # noqa: B019  (a program lives as long as its chain)
    def states(self, shape: Shape, /) -> tuple[Shape, ...]:
        """Return the shape of every state for inputs of a shape, or refuse by the name of the layer."""
        found = [shape]
        for step in self.steps:
            taken = [found[node] for node in step.inputs]
            try:
                layer = step.layer
                out = layer.merged_shape(taken) if isinstance(layer, Merge) else layer.output_shape(*taken)
            except ValueError as reason:
                raise ValueError(f"layer {step.name}: {reason}") from None
            found.append(out)
        return tuple(found)

    def depending(self, on: Collection[int], /, *, on_inputs: bool = False) -> list[bool]:
        """Return for each state whether it depends on what the functions `on` give, or on the inputs."""
        found = [on_inputs]
        for number, step in enumerate(self.steps):
            found.append(number in on or any(found[node] for node in step.inputs))
        return found
