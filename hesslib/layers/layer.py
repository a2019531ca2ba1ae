r"""What a layer of a `Chain` supplies: its outputs, and its first two derivatives in closed form.

A layer is a function $z'=f(z,\theta)$ of its inputs $z$ and its parameters $\theta$. Every derivative of a chain is
made of five products of each layer: with its Jacobian, $\dot z'=\partial f/\partial z\,\dot z
+\partial f/\partial\theta\,\dot\theta$; with its transpose; and with the second derivatives, contracted with what the
error is sensitive to, $\sum_o\delta_o\,\partial^2f_o$. The functions here are affine in $\theta$ at given inputs and
affine in $z$ where they have parameters: what is not is made of several of them.

Arrays of directions have an axis more in front, so that a block of directions is one pass. A direction that is None is
zero.

Index letters: v direction; n pattern.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from array_api_compat import array_namespace

from hesslib._arrays import Array

Shape = tuple[int, ...]  # of a state, without the axis of the patterns
Kept = tuple[Any, ...]  # what a forward pass keeps of a layer for its derivatives: arrays


class Builder(ABC):
    """What layers are added to when a chain is made a list of functions."""

    @abstractmethod
    def add(self, layer: Primitive, inputs: tuple[int, ...], name: str, /) -> int:
        """Append a function of the states `inputs`; return the number of the state it makes."""

    @abstractmethod
    def add_all(self, layers: Sequence[Layer], node: int, name: str, /, *, numbered: bool = False) -> int:
        """Append layers one after the other; return the number of the state they end in."""


class Layer(ABC):
    """A part of a `Chain`: one function, or several put together.

    The base of every layer. It is described by its options alone, holds no parameters, and can be compared and hashed.

    Shapes: those of the states it takes and gives, a pattern in each row.
    Cost: none of its own.
    Errors: ValueError from each layer that is given an option it cannot take.

    >>> from hesslib.layers import Dense
    >>> isinstance(Dense(2, 3), Layer)
    True
    """

    @abstractmethod
    def build(self, program: Builder, node: int, name: str, /) -> int:
        """Add the functions of the layer to a program, applied to the state `node`; return the state they end in."""


class Primitive(Layer):
    r"""A layer that is one function, with its derivatives in closed form.

    $z'=f(z,\theta)$ with the products of its Jacobian, of the transpose, and of its second derivatives.

    Shapes: states are (N, \*shape), directions (V, N, \*shape), parameters (P,), their directions (V, P).
    Cost: said by each layer, in operations and in memory.
    Errors: ValueError from `output_shape` for a shape that the layer does not take.

    >>> import numpy as np
    >>> from hesslib.layers import Dense
    >>> layer = Dense(2, 1)
    >>> out, kept = layer.forward(np.array([3.0, 4.0, 1.0]), np.array([[1.0, 2.0]]))
    >>> out, layer.vjp_inputs(kept, np.array([[[1.0]]]))
    (array([[12.]]), array([[[3., 4.]]]))
    """

    couples: ClassVar[bool] = False  # whether an output depends on the inputs of other patterns
    bends: ClassVar[bool] = True  # whether it has second derivatives in its inputs and parameters

    @property
    def parameters(self) -> dict[str, Shape]:
        """The shape of each parameter by its name, in the order in which they lie in `w`."""
        return {}

    @property
    def num_parameters(self) -> int:
        """How many numbers its parameters are."""
        return sum(math.prod(shape) for shape in self.parameters.values())

    def build(self, program: Builder, node: int, name: str, /) -> int:
        return program.add(self, (node,), name)

    @abstractmethod
    def output_shape(self, shape: Shape, /) -> Shape:
        """Return the shape of the outputs for inputs of the given shape, both without the axis of the patterns."""

    @abstractmethod
    def forward(self, theta: Array, z: Array, /, order: int = 2) -> tuple[Array, Kept]:
        """Return the outputs, and what derivatives up to the given order need of this pass."""

    @abstractmethod
    def jvp(self, kept: Kept, dz: Array | None, dtheta: Array | None, /) -> Array:
        r"""Return $\partial f/\partial z\,\dot z+\partial f/\partial\theta\,\dot\theta$; one of the two may be None."""

    @abstractmethod
    def vjp_inputs(self, kept: Kept, g: Array, /) -> Array:
        r"""Return $\sum_og_o\,\partial f_o/\partial z$."""

    def vjp_parameters(self, kept: Kept, g: Array, /, *, patterns: bool = False) -> Array:
        r"""Return $\sum_og_o\,\partial f_o/\partial\theta$, (V, P), or (V, N, P) with `patterns` for each by itself."""
        raise NotImplementedError(f"{type(self).__name__} has no parameters")

    def second_inputs(self, kept: Kept, delta: Array, dz: Array | None, dtheta: Array | None, /) -> Array | None:
        r"""Return $\sum_o\delta_o\,\partial^2f_o/\partial z\,\partial(z,\theta)\,(\dot z,\dot\theta)$; None for 0."""
        return None

    def second_parameters(self, kept: Kept, delta: Array, dz: Array, /, *, patterns: bool = False) -> Array | None:
        r"""Return $\sum_o\delta_o\,\partial^2f_o/\partial\theta\,\partial z\,\dot z$; None for 0."""
        return None

    def initial(self, name: str, shape: Shape, rng: Any, /) -> Any:
        """Return random initial values of a parameter."""
        return rng.standard_normal(shape) / math.sqrt(math.prod(shape[1:]) or 1)


def split(theta: Array, shapes: Sequence[Shape], /) -> list[Array]:
    """Return the parameters that a flat array holds along its last axis, each in its shape, leading axes in front."""
    xp, lead, start, parts = array_namespace(theta), tuple(theta.shape[:-1]), 0, []
    for shape in shapes:
        size = math.prod(shape)
        parts.append(xp.reshape(theta[..., start : start + size], (*lead, *shape)))
        start += size
    return parts


def flat(parts: Sequence[Array], lead: int, /) -> Array:
    """Return arrays with the same `lead` leading axes as one, the others one after the other along its last axis."""
    xp = array_namespace(*parts)
    rows = [xp.reshape(part, (*part.shape[:lead], -1)) for part in parts]
    return rows[0] if len(rows) == 1 else xp.concat(rows, axis=-1)


def total(*parts: Array | None) -> Array | None:
    """Return the sum of the arrays, None counting as zero."""
    found = None
    for part in parts:
        if part is not None:
            found = part if found is None else found + part
    return found


def shape_of(where: str, shape: Shape, wanted: str, /) -> ValueError:
    """Return the refusal of a shape."""
    return ValueError(f"{where} takes inputs of shape {wanted} for each pattern; they have {shape}")
