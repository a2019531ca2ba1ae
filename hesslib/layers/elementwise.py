r"""The layer of an activation: $z'=h(z)$ for every unit by itself."""

from __future__ import annotations

from dataclasses import dataclass

from hesslib._arrays import Array
from hesslib.layers.layer import Kept, Primitive, Shape
from hesslib.networks import activations


@dataclass(frozen=True, init=False)
class Activation(Primitive):
    r"""A layer that applies one function to every unit.

    $z'_i=h(z_i)$, with $\dot z'=h'\dot z$ and $\sum_o\delta_o\,\partial^2f_o\,\dot z=\delta h''\dot z$.

    Options
    -------
    activation : a name, as a `Network` takes it, or a `hesslib.Activation`.

    Shapes: those of its inputs.
    Cost: a few operations for each unit; memory: as many numbers.
    Errors: ValueError if the name is unknown.

    >>> Activation("tanh").activation.name
    'tanh'
    """

    activation: activations.Activation

    def __init__(self, activation: str | activations.Activation) -> None:
        object.__setattr__(self, "activation", activations.resolve(activation))

    def output_shape(self, shape: Shape, /) -> Shape:
        return shape

    def forward(self, theta: Array, z: Array, /, order: int = 2) -> tuple[Array, Kept]:
        h, *derivatives = self.activation.derivatives(z, order)
        return h, tuple(derivatives)

    def jvp(self, kept: Kept, dz: Array | None, dtheta: Array | None, /) -> Array:
        return kept[0] * dz

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Array:
        return kept[0] * g

    def second_inputs(self, kept: Kept, delta: Array, dz: Array | None, dtheta: Array | None, /) -> Array | None:
        return (delta * kept[1]) * dz
