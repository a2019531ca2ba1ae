r"""A chain as a list of functions: each is applied to states that are there, and makes the next one.

State 0 is the inputs $x$, state i + 1 what function i gives. Branches are states that several functions take; where
they meet, a function takes several.

Where functions share parameters every function has its own in the vector $u=Sw$, whose entries are entries of $w$: with
$S$ of zeros and ones $\partial E/\partial w=S^T\partial E/\partial u$ and $H_w=S^TH_uS$.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from array_api_compat import array_namespace

from hesslib._arrays import Array
from hesslib.layers.dense import Embedding
from hesslib.layers.layer import Builder, Layer, Primitive, Shape
from hesslib.layers.merges import Merge
from hesslib.networks.losses import Loss


class Step(NamedTuple):
    """A function of a program, the states it takes, and where its parameters lie in the vector that shares nothing."""

    layer: Primitive
    inputs: tuple[int, ...]
    where: slice
    name: str


class Program(Builder):
    """The functions of a chain, in an order in which they can be computed, and its loss."""

    def __init__(self, layers: Sequence[Layer], loss: Loss, tied: Mapping[str, str]) -> None:
        self.loss = loss
        self.steps: list[Step] = []
        self.length = 0  # of the vector u, in which every function has parameters of its own
        self.places: dict[str, slice] = {}  # of each parameter in u
        self.shapes: dict[str, Shape] = {}
        self.add_all(layers, 0, "", numbered=True)
        self.tied = self._resolved(tied)
        self.slices: dict[str, slice] = {}  # of each parameter in w
        self.num_parameters = 0
        for name, place in self.places.items():
            if name not in self.tied:
                end = self.num_parameters + place.stop - place.start
                self.slices[name] = slice(self.num_parameters, end)
                self.num_parameters = end

    def add(self, layer: Primitive, inputs: tuple[int, ...], name: str, /) -> int:
        start = self.length
        for parameter, shape in layer.parameters.items():
            end = self.length + math.prod(shape)
            if f"{name}.{parameter}" in self.places:
                raise ValueError(f"two layers have the parameter {name}.{parameter}; they must have names of their own")
            self.places[f"{name}.{parameter}"] = slice(self.length, end)
            self.shapes[f"{name}.{parameter}"] = shape
            self.length = end
        self.steps.append(Step(layer, inputs, slice(start, self.length), name))
        return len(self.steps)

    def _resolved(self, tied: Mapping[str, str]) -> dict[str, str]:
        """For each parameter that is another one its name, once all is well."""
        for name, other in tied.items():
            for one in (name, other):
                if one not in self.shapes:
                    raise ValueError(f"tied has {one}; the parameters are {', '.join(self.shapes)}")
            if other in tied or name == other:
                raise ValueError(
                    f"tied has {name} for {other}, which is tied itself; it must be a parameter of its own"
                )
            if self.shapes[name] != self.shapes[other]:
                shapes = f"{self.shapes[name]} and {self.shapes[other]}"
                raise ValueError(f"tied has {name} for {other}, of shapes {shapes}; they must be one")
        return dict(tied)

    def spread(self, w: Array, /) -> Array:
        r"""Return $u=Sw$ along the last axis: for every function its own parameters."""
        if not self.tied:
            return w
        return array_namespace(w).concat(
            [w[..., self.slices[self.tied.get(name, name)]] for name in self.places], axis=-1
        )

    def gather(self, u: Array, /) -> Array:
        r"""Return $S^Tu$ along the last axis: the sum over all functions that share a parameter."""
        if not self.tied:
            return u
        parts = {name: u[..., self.places[name]] for name in self.slices}
        for name, other in self.tied.items():
            parts[other] = parts[other] + u[..., self.places[name]]
        return array_namespace(u).concat(list(parts.values()), axis=-1)

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
