r"""Convolution: the same weights at every position, $a_{jo}=\sum_{ck}w_{jck}\sum_i\Pi_{oki}z_{ci}+b_j$.

$\Pi_{oki}$ is 1 where output position $o$ reads at place $k$ of its window the input position $i$, else 0: padding,
stride and dilation are all in it. As a table it makes of the inputs patches, of which the layer is dense.

Index letters: v direction; n pattern; g group; j output channel of a group; c input channel of a group; o output
position; k place in the window; i input position.

Longer than one sitting: the layer, and the options that pools share with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from hesslib._arrays import Array, contract, integers_like
from hesslib._options import whole_number
from hesslib.layers.layer import Kept, Primitive, Shape, flat, shape_of, split, total
from hesslib.layers.shapes import integers
from hesslib.layers.windows import Windows, read_by, reads

# contractions
OUTPUTS = "ngcok,gjck->ngjo"  # sum_ck w_jck z_cok
OF_DZ = "vngcok,gjck->vngjo"
OF_DW = "ngcok,vgjck->vngjo"
BACK = "vngjik,gjck->vngci"  # sum_jk g_j at the output that reads i at place k, w_jck
BACK_OF_DW = "ngjik,vgjck->vngci"
WEIGHTS = "vngjo,ngcok->vgjck"  # sum_no g_jo z_cok
WEIGHTS_OF_PATTERN = "vngjo,ngcok->vngjck"
WEIGHTS_OF_DZ = "ngjo,vngcok->vgjck"
WEIGHTS_OF_DZ_OF_PATTERN = "ngjo,vngcok->vngjck"


@dataclass(frozen=True, init=False)
class Convolution(Primitive):
    r"""A convolution over one or two axes of positions: a dense layer of small windows, the same at every position.

    $a_{jo}=\sum_{c,k}w_{jck}z_{c,os+kd-p}+b_j$ with stride $s$, dilation $d$, padding $p$ with zeros, and no sum over
    channels of other groups. As everywhere in deep learning it is a correlation: the window is not turned round.

    Options
    -------
    inputs, outputs : the number of channels before and after.
    size : that of the window, a number for one axis of positions or (height, width) for two.
    stride, padding, dilation : a number for all axes, or one for each.
    groups : into how many groups the channels are divided.
    bias : whether there is a bias.

    Shapes: states (N, channels, T) or (N, channels, H, W); parameters weight (outputs, inputs / groups, \*size), row by
    row, then bias: those of ``torch.nn.Conv1d`` and ``Conv2d``.
    Cost: $2NO\,P$ operations for each pass, O the number of output positions; memory: the patches, a copy of the inputs
    for each place of the window.
    Errors: ValueError if an option is no positive integer, or the groups do not divide the channels.

    >>> layer = Convolution(1, 2, 3, padding=1)
    >>> layer.num_parameters, layer.output_shape((1, 5))
    (8, (2, 5))
    """

    inputs: int
    outputs: int
    windows: Any  # size, stride, padding and dilation, each with an entry for each axis
    groups: int
    bias: bool

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int | Shape,
        *,
        stride: int | Shape = 1,
        padding: int | Shape = 0,
        dilation: int | Shape = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        for name, number in (("inputs", inputs), ("outputs", outputs), ("groups", groups)):
            object.__setattr__(self, name, whole_number(name, number, 1))
        if inputs % groups or outputs % groups:
            raise ValueError(f"groups is {groups}; it must divide the numbers of channels, {inputs} and {outputs}")
        object.__setattr__(self, "windows", windows_of(size, stride, padding, dilation))
        object.__setattr__(self, "bias", bias)

    @property
    def parameters(self) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {"weight": (self.outputs, self.inputs // self.groups, *self.windows.size)}
        return {**shapes, "bias": (self.outputs,)} if self.bias else shapes

    def initial(self, name: str, shape: Shape, rng: np.random.Generator, /) -> np.ndarray:
        return np.zeros(shape) if name == "bias" else super().initial(name, shape, rng)

    def output_shape(self, shape: Shape, /) -> Shape:
        lengths = output_lengths("Convolution", self.windows, shape)
        if shape[0] != self.inputs:
            raise shape_of("Convolution", shape, f"({self.inputs}, ...)")
        return (self.outputs, *lengths)

    def _parts(self, theta: Array) -> tuple[Array, Array | None]:
        """The weights as (..., g, j, c, k) and the biases as (..., g, j, 1)."""
        g, k = self.groups, math.prod(self.windows.size)
        shapes: list[Shape] = [(g, self.outputs // g, self.inputs // g, k), (g, self.outputs // g, 1)]
        W, *b = split(theta, shapes[: 2 if self.bias else 1])
        return W, b[0] if b else None

    def _patches(self, z: Array, lead: int) -> Array:
        """The inputs as (..., g, c, o, k)."""
        lengths = tuple(z.shape[lead + 1 :])
        taken = gathered(z, lead + 1, reads(self.windows, lengths))
        return array_namespace(z).reshape(taken, (*z.shape[:lead], self.groups, -1, *taken.shape[lead + 1 :]))

    def _grouped(self, g: Array, lead: int) -> Array:
        """Sensitivities of the outputs as (..., g, j, o)."""
        shape = (*g.shape[:lead], self.groups, self.outputs // self.groups, math.prod(g.shape[lead + 1 :]))
        return array_namespace(g).reshape(g, shape)

    def forward(self, theta: Array, z: Array, /, order: int = 2) -> tuple[Array, Kept]:
        W, b = self._parts(theta)
        patches = self._patches(z, 1)
        a = contract(OUTPUTS, patches, W)
        a = a if b is None else a + b
        out = self.output_shape(tuple(z.shape[1:]))
        return array_namespace(a).reshape(a, (z.shape[0], *out)), (W, z, patches)

    def jvp(self, kept: Kept, dz: Array | None, dtheta: Array | None, /) -> Array:
        W, z, patches = kept
        da = None if dz is None else contract(OF_DZ, self._patches(dz, 2), W)
        if dtheta is not None:
            dW, db = self._parts(dtheta)
            of_dw = contract(OF_DW, patches, dW)
            da = total(da, of_dw if db is None else of_dw + db[:, None])
        assert da is not None
        out = self.output_shape(tuple(z.shape[1:]))
        return array_namespace(z).reshape(da, (*da.shape[:2], *out))

    def _readers(self, g: Array, z: Array, lead: int) -> Array:
        """What each input position at each place of the window is read by, (..., g, j, i, k)."""
        return gathered(self._grouped(g, lead), lead + 2, read_by(self.windows, tuple(z.shape[2:])))

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Array:
        W, z, _ = kept
        return array_namespace(z).reshape(contract(BACK, self._readers(g, z, 2), W), (g.shape[0], *z.shape))

    def vjp_parameters(self, kept: Kept, g: Array, /, *, patterns: bool = False) -> Array:
        g = self._grouped(g, 2)
        lead = 2 if patterns else 1
        found = [flat([contract(WEIGHTS_OF_PATTERN if patterns else WEIGHTS, g, kept[2])], lead)]
        if self.bias:
            found.append(array_namespace(g).sum(g, axis=4 if patterns else (1, 4)))
        return flat(found, lead)

    def second_inputs(self, kept: Kept, delta: Array, dz: Array | None, dtheta: Array | None, /) -> Array | None:
        if dtheta is None:
            return None
        z = kept[1]
        dW, _ = self._parts(dtheta)
        found = contract(BACK_OF_DW, self._readers(delta, z, 1), dW)
        return array_namespace(z).reshape(found, (found.shape[0], *z.shape))

    def second_parameters(self, kept: Kept, delta: Array, dz: Array, /, *, patterns: bool = False) -> Array:
        lead = 2 if patterns else 1
        spec = WEIGHTS_OF_DZ_OF_PATTERN if patterns else WEIGHTS_OF_DZ
        found = flat([contract(spec, self._grouped(delta, 1), self._patches(dz, 2))], lead)
        if not self.bias:
            return found
        return flat([found, array_namespace(dz).zeros_like(found[..., : self.outputs])], lead)


def gathered(z: Array, lead: int, table: np.ndarray, fill: float = 0.0) -> Array:
    r"""Return (..., \\*table.shape): the entries of a table of positions, `fill` for the number after the last one."""
    xp = array_namespace(z)
    z = xp.reshape(z, (*z.shape[:lead], -1))
    if (table == z.shape[-1]).any():
        z = xp.concat([z, xp.zeros_like(z[..., :1]) + fill], axis=-1)
    taken = xp.take(z, integers_like(table.reshape(-1), z), axis=z.ndim - 1)
    return xp.reshape(taken, (*taken.shape[:lead], *table.shape))


def windows_of(size: int | Shape, stride: int | Shape, padding: int | Shape, dilation: int | Shape, /) -> Windows:
    """Return the windows that four options describe, each one number or one for each axis."""
    axes = len(size) if isinstance(size, tuple | list) else 1
    if not 1 <= axes <= 2:
        raise ValueError(f"size is {size!r}; it must have one or two axes")
    each = []
    options = (("size", size, 1), ("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1))
    for name, value, least in options:
        numbers = integers(name, value) if isinstance(value, tuple | list) else (value,) * axes
        if len(numbers) != axes:
            raise ValueError(f"{name} is {value!r}; it must have {axes} entries, as size has")
        each.append(tuple(whole_number(name, number, least) for number in numbers))
    return Windows(*each)


def output_lengths(what: str, windows: Windows, shape: Shape, /) -> Shape:
    """Return the lengths of the axes of positions; refuse shapes over which no window fits."""
    axes = len(windows.size)
    if len(shape) != axes + 1:
        raise shape_of(what, shape, "(channels, T)" if axes == 1 else "(channels, H, W)")
    lengths = windows.output_lengths(shape[1:])
    if min(lengths) < 1:
        raise ValueError(f"{what} has windows of {windows.size}; inputs of shape {shape} are smaller")
    return lengths
