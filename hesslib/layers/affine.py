r"""Scales and shifts that are learned: $z'_i=\gamma_iz_i+\beta_i$, shared by patterns and positions.

The arrays are brought to the axes n, p, f, s: pattern; positions before the features; features; positions after them.

Index letters: v direction; n pattern; p, s positions; f feature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace

from hesslib._arrays import Array, contract
from hesslib._options import whole_number
from hesslib.layers.layer import Kept, Primitive, Shape, flat, shape_of, split, total

# contractions
SCALED = "vnpfs,npfs->vf"  # sum g z over patterns and positions
SCALED_OF_PATTERN = "vnpfs,npfs->vnf"
OF_DZ = "npfs,vnpfs->vf"  # sum delta dz
OF_DZ_OF_PATTERN = "npfs,vnpfs->vnf"


@dataclass(frozen=True)
class Affine(Primitive):
    """Every feature times a number of its own, plus one of its own, both learned.

    Options
    -------
    features : the lengths of the axes of the features.
    scale, shift : whether there is the factor, and the summand.
    channels : whether the features are the first axis after the patterns (else the last axes).

    Shapes: those of its inputs; parameters weight and bias, each of the shape of the features.
    Cost: two operations for each unit; memory: its inputs.
    Errors: ValueError for inputs without these features.

    >>> Affine((3,)).parameters
    {'weight': (3,), 'bias': (3,)}
    """

    features: Shape
    scale: bool = True
    shift: bool = True
    channels: bool = False

    @property
    def parameters(self) -> dict[str, Shape]:
        both = (("weight", self.scale), ("bias", self.shift))
        return {name: self.features for name, there in both if there}

    def initial(self, name: str, shape: Shape, rng: np.random.Generator, /) -> np.ndarray:
        return np.ones(shape) if name == "weight" else np.zeros(shape)

    def output_shape(self, shape: Shape, /) -> Shape:
        k = len(self.features)
        there = shape[:k] if self.channels else shape[len(shape) - k :]
        if there != self.features:
            listed = ", ".join(map(str, self.features))
            wanted = f"({listed}, ...)" if self.channels else f"(..., {listed})"
            raise shape_of("a layer with features", shape, wanted)
        return shape

    def _axes(self, z: Array, lead: int) -> Array:
        """The array with the axes p, f, s after `lead` leading ones."""
        rest, size = math.prod(z.shape[lead:]), math.prod(self.features)
        p, s = (1, rest // size) if self.channels else (rest // size, 1)
        return array_namespace(z).reshape(z, (*z.shape[:lead], p, size, s))

    def _parts(self, theta: Array, lead: int) -> tuple[Array | None, Array | None]:
        """The factors and the summands, as (..., 1, f, 1) with `lead` axes in front."""
        parts = split(theta, [(math.prod(self.features),)] * (self.scale + self.shift))
        parts = [part[(..., *(None for _ in range(lead)), slice(None), None)] for part in parts]
        return parts[0] if self.scale else None, parts[-1] if self.shift else None

    def forward(self, theta: Array, z: Array, /, order: int = 2) -> tuple[Array, Kept]:
        gamma, beta = self._parts(theta, 2)
        out = self._axes(z, 1)
        out = out if gamma is None else out * gamma
        out = out if beta is None else out + beta
        return array_namespace(z).reshape(out, z.shape), (gamma, z)

    def jvp(self, kept: Kept, dz: Array | None, dtheta: Array | None, /) -> Array:
        gamma, z = kept
        found = None
        if dz is not None:
            found = self._axes(dz, 2) if gamma is None else self._axes(dz, 2) * gamma
        if dtheta is not None:
            dgamma, dbeta = self._parts(dtheta, 2)
            of_gamma = None if dgamma is None else self._axes(z, 1) * dgamma
            if of_gamma is None and dbeta is not None:
                dbeta = dbeta + array_namespace(z).zeros_like(self._axes(z, 1))
            found = total(found, of_gamma, dbeta)
        assert found is not None
        return array_namespace(z).reshape(found, (found.shape[0], *z.shape))

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Array:
        gamma, _ = kept
        return g if gamma is None else array_namespace(g).reshape(self._axes(g, 2) * gamma, g.shape)

    def vjp_parameters(self, kept: Kept, g: Array, /, *, patterns: bool = False) -> Array:
        _, z = kept
        xp, g = array_namespace(z), self._axes(g, 2)
        parts = []
        if self.scale:
            parts.append(contract(SCALED_OF_PATTERN if patterns else SCALED, g, self._axes(z, 1)))
        if self.shift:
            parts.append(xp.sum(g, axis=(2, 4) if patterns else (1, 2, 4)))
        return flat(parts, 2 if patterns else 1)

    def second_inputs(self, kept: Kept, delta: Array, dz: Array | None, dtheta: Array | None, /) -> Array | None:
        if dtheta is None or not self.scale:
            return None
        dgamma, _ = self._parts(dtheta, 2)
        return array_namespace(delta).reshape(self._axes(delta, 1) * dgamma, (dtheta.shape[0], *delta.shape))

    def second_parameters(self, kept: Kept, delta: Array, dz: Array, /, *, patterns: bool = False) -> Array | None:
        if not self.scale:
            return None
        xp = array_namespace(dz)
        spec = OF_DZ_OF_PATTERN if patterns else OF_DZ
        parts = [contract(spec, self._axes(delta, 1), self._axes(dz, 2))]
        if self.shift:
            parts.append(xp.zeros_like(parts[0]))
        return flat(parts, 2 if patterns else 1)


def Scale(features: int | Shape = ()) -> Affine:
    """A layer that multiplies by numbers that are learned: one for each feature of the last axis, or one for all.

    Options
    -------
    features : the length of the last axis, or () for one number.

    Shapes: those of its inputs; parameter weight.
    Cost: one operation for each unit; memory: its inputs.
    Errors: ValueError for inputs without these features.

    >>> Scale(3).parameters, Scale().parameters
    ({'weight': (3,)}, {'weight': ()})
    """
    shape = features if isinstance(features, tuple) else (whole_number("features", features, 1),)
    return Affine(shape, True, False)


def Position(length: int, features: int) -> Affine:
    """A layer that adds to each position a vector of its own, which is learned.

    Options
    -------
    length : the number of positions.
    features : the length of the last axis.

    Shapes: (N, length, features); parameter bias (length, features).
    Cost: one operation for each unit; memory: its inputs.
    Errors: ValueError for inputs of another shape.

    >>> Position(5, 3).parameters
    {'bias': (5, 3)}
    """
    return Affine((whole_number("length", length, 1), whole_number("features", features, 1)), False, True)
