r"""Normalisation: $y=(z-\mu)/\sigma$ with the mean and the variance over some axes, which may be that of the patterns.

With $\langle\cdot\rangle$ the mean over those axes and $\sigma=\sqrt{\langle(z-\mu)^2\rangle+\varepsilon}$,

$$\dot y=\tfrac1\sigma(\dot z-\langle\dot z\rangle-y\langle y\dot z\rangle),$$

a symmetric Jacobian; the second derivatives, contracted with $\delta$, are the derivative of
$\delta\mapsto\tfrac1\sigma(\delta-\langle\delta\rangle-y\langle y\delta\rangle)$ along $\dot z$.
"""

from __future__ import annotations

from dataclasses import dataclass

from array_api_compat import array_namespace

from hesslib._arrays import Array, rounding_of
from hesslib._options import real_number, whole_number
from hesslib.layers.affine import Affine
from hesslib.layers.layer import Builder, Kept, Layer, Primitive, Shape
from hesslib.layers.shapes import integers


@dataclass(frozen=True)
class Normalise(Primitive):
    """The normalisation alone, without parameters: less the mean, over the root of the variance.

    Options
    -------
    axes : how many of the last axes the mean goes over; 0 for a batch: all axes but that of the channels, the first.
    eps : what is added to the variance; None for the eps of the dtype, as RMSNorm of PyTorch.
    centred : whether the mean is taken off.

    Shapes: those of its inputs.
    Cost: a few operations for each unit; memory: as many numbers.
    Errors: ValueError if `eps` is not positive.

    >>> import numpy as np
    >>> Normalise(1, 0.0).forward(np.zeros(0), np.array([[1.0, 3.0]]))[0]
    array([[-1.,  1.]])
    """

    axes: int
    eps: float | None = 1e-5
    centred: bool = True

    @property
    def couples(self) -> bool:  # type: ignore[override]
        """Whether patterns depend on each other."""
        return self.axes == 0

    def output_shape(self, shape: Shape, /) -> Shape:
        return shape

    def _mean(self, z: Array, lead: int) -> Array:
        """The mean over the axes of an array with `lead` axes before that of the patterns."""
        axes = tuple(range(-self.axes, 0)) if self.axes else (lead, *range(lead + 2, z.ndim))
        return array_namespace(z).mean(z, axis=axes, keepdims=True)

    def forward(self, theta: Array, z: Array, /, order: int = 2) -> tuple[Array, Kept]:
        xp = array_namespace(z)
        if self.centred:
            z = z - self._mean(z, 0)
        eps = rounding_of(z) if self.eps is None else self.eps
        over = 1 / xp.sqrt(self._mean(z * z, 0) + eps)
        return z * over, (z * over, over)

    def _projected(self, kept: Kept, u: Array, lead: int) -> Array:
        r"""Return $u-\\langle u\\rangle-y\\langle yu\\rangle$."""
        y, _ = kept
        less = u - y * self._mean(y * u, lead)
        return less - self._mean(u, lead) if self.centred else less

    def jvp(self, kept: Kept, dz: Array | None, dtheta: Array | None, /) -> Array:
        return kept[1] * self._projected(kept, dz, 1)

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Array:
        return kept[1] * self._projected(kept, g, 1)

    def second_inputs(self, kept: Kept, delta: Array, dz: Array | None, dtheta: Array | None, /) -> Array | None:
        y, over = kept
        dy = self.jvp(kept, dz, None)
        length = over * self._mean(y * dz, 1)  # the relative growth of sigma
        back = over * self._projected(kept, delta, 0)
        return -length * back - over * (dy * self._mean(y * delta, 0) + y * self._mean(dy * delta, 1))


@dataclass(frozen=True)
class LayerNorm(Layer):
    r"""Layer normalisation: every position is brought to mean 0 and variance 1, then scaled and shifted.

    $z'_i=\gamma_i(z_i-\mu)/\sqrt{\sigma^2+\varepsilon}+\beta_i$ with mean and variance over the last axes.

    Options
    -------
    features : the length of the last axis, or the lengths of the last axes.
    eps : $\varepsilon$.
    scale, shift : whether there are $\gamma$ and $\beta$.

    Shapes: those of its inputs; parameters weight and bias, each of the shape of the features.
    Cost: a few operations for each unit; memory: as many numbers.
    Errors: ValueError if `features` are not positive integers, or `eps` is negative.

    >>> LayerNorm(8).parts[1].num_parameters
    16
    """

    features: int | Shape
    eps: float = 1e-5
    scale: bool = True
    shift: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", _features(self.features))
        real_number("eps", self.eps)

    @property
    def parts(self) -> tuple[Primitive, ...]:
        """The functions it is made of."""
        assert isinstance(self.features, tuple)
        return with_affine(Normalise(len(self.features), self.eps), self.features, self.scale, self.shift, False)

    def build(self, program: Builder, node: int, name: str, /) -> int:
        return program.add_all(self.parts, node, name)


@dataclass(frozen=True)
class RMSNorm(Layer):
    r"""Normalisation by the root of the mean square, without a mean taken off, then scaled.

    $z'_i=\gamma_iz_i/\sqrt{\langle z^2\rangle+\varepsilon}$ over the last axes.

    Options
    -------
    features : the length of the last axis, or the lengths of the last axes.
    eps : $\varepsilon$; None for the eps of the dtype.
    scale : whether there is $\gamma$.

    Shapes: those of its inputs; parameter weight.
    Cost: a few operations for each unit; memory: as many numbers.
    Errors: ValueError if `features` are not positive integers, or `eps` is negative.

    >>> RMSNorm(8).parts[1].num_parameters
    8
    """

    features: int | Shape
    eps: float | None = None
    scale: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", _features(self.features))
        if self.eps is not None:
            real_number("eps", self.eps)

    @property
    def parts(self) -> tuple[Primitive, ...]:
        """The functions it is made of."""
        assert isinstance(self.features, tuple)
        return with_affine(Normalise(len(self.features), self.eps, False), self.features, self.scale, False, False)

    def build(self, program: Builder, node: int, name: str, /) -> int:
        return program.add_all(self.parts, node, name)


def with_affine(core: Primitive, features: Shape, scale: bool, shift: bool, channels: bool, /) -> tuple[Primitive, ...]:
    """Return the normalisation and the affine layer after it, which checks the features even without parameters."""
    return core, Affine(features, scale, shift, channels)


def _features(features: int | Shape) -> Shape:
    lengths = integers("features", features if isinstance(features, tuple | list) else (features,))
    for length in lengths:
        whole_number("features", length, 1)
    return lengths
