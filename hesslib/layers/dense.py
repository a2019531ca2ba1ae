r"""The dense layer $a_j=\sum_iw_{ji}z_i+b_j$, shared by all positions, and the embedding, its case of one-hot inputs.

Index letters: v direction; n pattern; r position; j output; i input, or entry of a vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace

from hesslib._arrays import Array, contract, integers_like, is_true
from hesslib._options import whole_number
from hesslib.layers.layer import Kept, Primitive, Shape, flat, shape_of, split, total

# contractions
OUTPUTS = "nri,ji->nrj"  # sum_i w_ji z_i
OF_DZ = "vnri,ji->vnrj"  # sum_i w_ji dz_i
OF_DW = "nri,vji->vnrj"  # sum_i dw_ji z_i
BACK = "vnrj,ji->vnri"  # sum_j g_j w_ji
BACK_OF_DW = "nrj,vji->vnri"  # sum_j delta_j dw_ji
WEIGHTS = "vnrj,nri->vji"  # sum_nr g_j z_i
WEIGHTS_OF_PATTERN = "vnrj,nri->vnji"  # sum_r g_j z_i
WEIGHTS_OF_DZ = "nrj,vnri->vji"  # sum_nr delta_j dz_i
WEIGHTS_OF_DZ_OF_PATTERN = "nrj,vnri->vnji"
LOOKUP = "nri,ij->nrj"  # sum_i onehot_i w_ij: the row of the token
LOOKUP_OF_DW = "nri,vij->vnrj"
ROWS = "vnrj,nri->vij"  # sum_nr g_j onehot_i
ROWS_OF_PATTERN = "vnrj,nri->vnij"


@dataclass(frozen=True)
class Dense(Primitive):
    r"""A dense layer: every output is a weighted sum of all inputs of the last axis, plus a bias.

    $a_{j}=\sum_iw_{ji}z_{i}+b_j$ along the last axis; all other axes are positions, which share the weights.

    Options
    -------
    inputs, outputs : the length of the last axis, before and after.
    bias : whether there is a bias.

    Shapes: states (N, ..., inputs) and (N, ..., outputs); parameters weight (outputs, inputs), row by row, then bias.
    Cost: one product of matrices for each pass, $2NR\,$inputs$\,\cdot\,$outputs operations for R
    positions; memory: its inputs.
    Errors: ValueError if a length is not a positive integer.

    >>> Dense(2, 3).num_parameters
    9
    """

    inputs: int
    outputs: int
    bias: bool = True

    def __post_init__(self) -> None:
        whole_number("inputs", self.inputs, 1)
        whole_number("outputs", self.outputs, 1)

    @property
    def parameters(self) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {"weight": (self.outputs, self.inputs)}
        return {**shapes, "bias": (self.outputs,)} if self.bias else shapes

    def initial(self, name: str, shape: Shape, rng: np.random.Generator, /) -> np.ndarray:
        return np.zeros(shape) if len(shape) == 1 else super().initial(name, shape, rng)

    def output_shape(self, shape: Shape, /) -> Shape:
        if not shape or shape[-1] != self.inputs:
            raise shape_of(f"Dense({self.inputs}, {self.outputs})", shape, f"(..., {self.inputs})")
        return (*shape[:-1], self.outputs)

    def _parts(self, theta: Array) -> tuple[Array, Array | None]:
        W, *b = split(theta, [(self.outputs, self.inputs), (self.outputs,)][: 2 if self.bias else 1])
        return W, b[0] if b else None

    def forward(self, theta: Array, z: Array, /, order: int = 2) -> tuple[Array, Kept]:
        W, b = self._parts(theta)
        rows = as_rows(z, 1)
        a = contract(OUTPUTS, rows, W)
        a = a if b is None else a + b
        return array_namespace(a).reshape(a, (*z.shape[:-1], self.outputs)), (W, z)

    def jvp(self, kept: Kept, dz: Array | None, dtheta: Array | None, /) -> Array:
        W, z = kept
        xp, da = array_namespace(z), None
        if dz is not None:
            da = contract(OF_DZ, as_rows(dz, 2), W)
        if dtheta is not None:
            dW, db = self._parts(dtheta)
            of_dw = contract(OF_DW, as_rows(z, 1), dW)
            da = total(da, of_dw if db is None else of_dw + db[:, None, None, :])
        assert da is not None
        return xp.reshape(da, (da.shape[0], *z.shape[:-1], self.outputs))

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Array:
        W, z = kept
        return array_namespace(z).reshape(contract(BACK, as_rows(g, 2), W), (g.shape[0], *z.shape))

    def vjp_parameters(self, kept: Kept, g: Array, /, *, patterns: bool = False) -> Array:
        xp, g = array_namespace(g), as_rows(g, 2)
        parts = [contract(WEIGHTS_OF_PATTERN if patterns else WEIGHTS, g, as_rows(kept[1], 1))]
        if self.bias:
            parts.append(xp.sum(g, axis=2 if patterns else (1, 2)))
        return flat(parts, 2 if patterns else 1)

    def second_inputs(self, kept: Kept, delta: Array, dz: Array | None, dtheta: Array | None, /) -> Array | None:
        if dtheta is None:
            return None
        dW, _ = self._parts(dtheta)
        found = contract(BACK_OF_DW, as_rows(delta, 1), dW)
        return array_namespace(found).reshape(found, (found.shape[0], *kept[1].shape))

    def second_parameters(self, kept: Kept, delta: Array, dz: Array, /, *, patterns: bool = False) -> Array:
        xp = array_namespace(dz)
        of_dz = WEIGHTS_OF_DZ_OF_PATTERN if patterns else WEIGHTS_OF_DZ
        parts = [contract(of_dz, as_rows(delta, 1), as_rows(dz, 2))]
        if self.bias:
            parts.append(xp.zeros_like(parts[0][..., 0]))
        return flat(parts, 2 if patterns else 1)


@dataclass(frozen=True)
class Embedding(Primitive):
    r"""An embedding: every token, an integer, is replaced by a vector of its own, which is learned.

    $z_{tj}=w_{x_t\,j}=\sum_i\Pi_{ti}w_{ij}$ with $\Pi_{ti}=1$ where token $t$ is number $i$ of the vocabulary.

    It stands first in a chain, whose inputs are then integers.

    Options
    -------
    vocabulary : how many tokens there are, numbered from 0.
    features : the length of their vectors.

    Shapes: tokens (N, ...) to states (N, ..., features); parameter weight (vocabulary, features), row by row.
    Cost: a product with the one-hot matrix of the tokens, which is kept in memory.
    Errors: ValueError if a token is out of range, or inputs are no integers.

    >>> Embedding(10, 4).parameters
    {'weight': (10, 4)}
    """

    vocabulary: int
    features: int

    def __post_init__(self) -> None:
        whole_number("vocabulary", self.vocabulary, 1)
        whole_number("features", self.features, 1)

    @property
    def parameters(self) -> dict[str, Shape]:
        return {"weight": (self.vocabulary, self.features)}

    def output_shape(self, shape: Shape, /) -> Shape:
        return (*shape, self.features)

    def forward(self, theta: Array, z: Array, /, order: int = 2) -> tuple[Array, Kept]:
        xp = array_namespace(theta)
        (W,) = split(theta, [(self.vocabulary, self.features)])
        places = integers_like(np.arange(self.vocabulary), theta)
        onehot = xp.astype(z[..., None] == places, theta.dtype)
        return xp.reshape(contract(LOOKUP, as_rows(onehot, 1), W), (*z.shape, self.features)), (onehot,)

    def check_tokens(self, x: Array, /) -> None:
        """Refuse tokens that are no integers of the vocabulary."""
        xp = array_namespace(x)
        if not xp.isdtype(x.dtype, "integral"):
            raise ValueError(f"x has dtype {x.dtype}; it must be integers, the numbers of tokens, for an Embedding")
        if not is_true(xp.all((x >= 0) & (x < self.vocabulary))):
            raise ValueError(f"x has a token out of range; they must be from 0 to {self.vocabulary - 1}")

    def jvp(self, kept: Kept, dz: Array | None, dtheta: Array | None, /) -> Array:
        (dW,) = split(dtheta, [(self.vocabulary, self.features)])
        found = contract(LOOKUP_OF_DW, as_rows(kept[0], 1), dW)
        return array_namespace(found).reshape(found, (found.shape[0], *kept[0].shape[:-1], self.features))

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Array:
        raise ValueError("the inputs of an Embedding are integers; there is no derivative by them")

    def vjp_parameters(self, kept: Kept, g: Array, /, *, patterns: bool = False) -> Array:
        return flat(
            [contract(ROWS_OF_PATTERN if patterns else ROWS, as_rows(g, 2), as_rows(kept[0], 1))], 2 if patterns else 1
        )


def as_rows(z: Array, lead: int, /) -> Array:
    r"""Return the array with one axis for all positions: (\\*lead, ..., i) as (\\*lead, R, i)."""
    shape = tuple(z.shape)
    if len(shape) == lead + 2:
        return z
    return array_namespace(z).reshape(z, (*shape[:lead], math.prod(shape[lead:-1]), shape[-1]))
