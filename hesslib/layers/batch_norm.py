"""Batch normalisation: in training a normalisation over the patterns, in evaluation an affine function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from hesslib._arrays import Array, in_library_of, to_numpy
from hesslib._options import real_number, whole_number
from hesslib.layers.layer import Builder, Kept, Layer, Primitive, Shape, shape_of
from hesslib.layers.normalisation import Normalise, with_affine


@dataclass(frozen=True)
class Standardise(Primitive):
    """Batch normalisation in evaluation: with a mean and a variance that are given, an affine function.

    Options
    -------
    mean, variance : one for each channel.
    eps : what is added to the variance.

    Shapes: those of its inputs, the channels on the first axis after the patterns.
    Cost: two operations for each unit; memory: its inputs.
    Errors: ValueError for another number of channels.

    >>> import numpy as np
    >>> Standardise((1.0,), (4.0,), 0.0).forward(np.zeros(0), np.array([[3.0]]))[0]
    array([[1.]])
    """

    mean: tuple[float, ...]
    variance: tuple[float, ...]
    eps: float = 1e-5
    bends: ClassVar[bool] = False

    def output_shape(self, shape: Shape, /) -> Shape:
        if not shape or shape[0] != len(self.mean):
            raise shape_of("BatchNorm", shape, f"({len(self.mean)}, ...)")
        return shape

    def _channels(self, values: Any, z: Array) -> Array:
        return array_namespace(z).reshape(in_library_of(z, np.asarray(values)), (-1, *(1 for _ in z.shape[2:])))

    def forward(self, theta: Array, z: Array, /, order: int = 2) -> tuple[Array, Kept]:
        over = self._channels(1 / np.sqrt(np.asarray(self.variance) + self.eps), z)
        return (z - self._channels(self.mean, z)) * over, (over,)

    def jvp(self, kept: Kept, dz: Array | None, dtheta: Array | None, /) -> Array:
        return kept[0] * dz

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Array:
        return kept[0] * g


@dataclass(frozen=True, init=False)
class BatchNorm(Layer):
    r"""Batch normalisation: every channel is brought to mean 0 and variance 1 over the batch, then scaled and shifted.

    In training the mean and the variance are those of the batch and of all positions, divided by their number: the
    patterns are coupled, and $E$ is no sum of functions of one pattern each. In evaluation they are given, and the
    layer is affine.

    Options
    -------
    features : the number of channels, the first axis after the patterns.
    eps : what is added to the variance.
    scale, shift : whether there are $\gamma$ and $\beta$.
    mean, variance : those of evaluation, one for each channel; both None for training.

    Shapes: those of its inputs; parameters weight and bias, (features,).
    Cost: a few operations for each unit; memory: as many numbers.
    Errors: ValueError if only one of `mean` and `variance` is given, or their length is not `features`.

    >>> BatchNorm(3).parts[0].couples, BatchNorm(3, mean=(0, 0, 0), variance=(1, 1, 1)).parts[0].couples
    (True, False)
    """

    features: int
    eps: float
    scale: bool
    shift: bool
    mean: tuple[float, ...] | None
    variance: tuple[float, ...] | None

    def __init__(
        self,
        features: int,
        *,
        eps: float = 1e-5,
        scale: bool = True,
        shift: bool = True,
        mean: Any = None,
        variance: Any = None,
    ) -> None:
        if (mean is None) != (variance is None):
            missing = "mean" if mean is None else "variance"
            raise ValueError(f"{missing} is None; mean and variance must be given together, or neither")
        object.__setattr__(self, "features", whole_number("features", features, 1))
        object.__setattr__(self, "eps", real_number("eps", eps))
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "shift", shift)
        for name, values in (("mean", mean), ("variance", variance)):
            numbers = None if values is None else tuple(float(value) for value in np.ravel(to_numpy(values)))
            if numbers is not None and len(numbers) != features:
                raise ValueError(f"{name} has {len(numbers)} entries; it must have {features}, one for each channel")
            object.__setattr__(self, name, numbers)

    @property
    def parts(self) -> tuple[Primitive, ...]:
        """The functions it is made of."""
        core: Primitive = Normalise(0, self.eps)
        if self.mean is not None and self.variance is not None:
            core = Standardise(self.mean, self.variance, self.eps)
        return with_affine(core, (self.features,), self.scale, self.shift, True)

    def build(self, program: Builder, node: int, name: str, /) -> int:
        return program.add_all(self.parts, node, name)
