r"""Softmax attention: $o=Av$ with $A=\operatorname{softmax}(c\,qk^T)$, for each head by itself.

With $S=c\,qk^T$ and $g$ what the error is sensitive to in $o$: $g_v=A^Tg$, $g_A=gv^T$,
$g_S=A\circ(g_A-\sum A\circ g_A)$, $g_q=c\,g_Sk$, $g_k=c\,g_S^Tq$, the sum over the keys. The second derivatives are the
derivative of these at fixed $g$.

Index letters: v direction; n pattern; h head; q query position; k key position; d feature of a head.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace

from hesslib._arrays import Array, contract, integers_like
from hesslib._options import real_number, whole_number
from hesslib.layers.layer import Kept, Primitive, Shape, shape_of

# contractions
SCORES = "nhqd,nhkd->nhqk"  # sum_d q_qd k_kd
SCORES_OF_DQ = "vnhqd,nhkd->vnhqk"
SCORES_OF_DK = "nhqd,vnhkd->vnhqk"
VALUES = "nhqk,nhkd->nhqd"  # sum_k A_qk v_kd
VALUES_OF_DA = "vnhqk,nhkd->vnhqd"
VALUES_OF_DV = "nhqk,vnhkd->vnhqd"
TO_KEYS = "vnhqk,nhqd->vnhkd"  # sum_q g_qk q_qd
TO_KEYS_OF_DIRECTIONS = "nhqk,vnhqd->vnhkd"
LOWEST = 1e30  # a score so far below the others has no share


@dataclass(frozen=True)
class SoftmaxAttention(Primitive):
    r"""Attention without its projections: of queries, keys and values that stand side by side on the last axis.

    $o_q=\sum_kA_{qk}v_k$, $A_{qk}=e^{c\,q_q\cdot k_k}/\sum_{k'}e^{c\,q_q\cdot k_{k'}}$, for each head by itself.

    Options
    -------
    heads : the number of heads, which share the features evenly.
    causal : whether a position attends to itself and those before it only.
    scale : $c$; None for one over the root of the features of a head.

    Shapes: (N, T, 3d) to (N, T, d).
    Cost: $O(NT^2d)$ operations; memory $O(NT^2)$ numbers for each head and direction.
    Errors: ValueError if the features are not three times a multiple of the heads.

    >>> SoftmaxAttention(2).output_shape((5, 12))
    (5, 4)
    """

    heads: int
    causal: bool = False
    scale: float | None = None

    def __post_init__(self) -> None:
        whole_number("heads", self.heads, 1)
        if self.scale is not None:
            real_number("scale", self.scale, positive=True)

    def output_shape(self, shape: Shape, /) -> Shape:
        if len(shape) != 2 or shape[1] % (3 * self.heads):
            raise shape_of(f"SoftmaxAttention({self.heads})", shape, f"(T, a multiple of {3 * self.heads})")
        return shape[0], shape[1] // 3

    def _heads(self, z: Array, parts: int) -> list[Array]:
        """The parts of the last axis of (..., T, parts h d), each (..., h, T, d)."""
        xp, shape, lead = array_namespace(z), tuple(z.shape), z.ndim - 2
        z = xp.reshape(z, (*shape[:-1], parts, self.heads, shape[-1] // (parts * self.heads)))
        order = (lead + 1, *range(lead), lead + 2, lead, lead + 3)
        z = xp.permute_dims(z, order)
        return [z[i, ...] for i in range(parts)]

    def _side_by_side(self, parts: list[Array]) -> Array:
        """The inverse of `_heads`."""
        xp, lead = array_namespace(parts[0]), parts[0].ndim - 3
        z = xp.stack(parts, axis=0)
        z = xp.permute_dims(z, (*range(1, lead + 1), lead + 2, 0, lead + 1, lead + 3))
        return xp.reshape(z, (*z.shape[: lead + 1], math.prod(z.shape[lead + 1 :])))

    def _scale(self, q: Array) -> float:
        return 1 / math.sqrt(q.shape[-1]) if self.scale is None else float(self.scale)

    def forward(self, theta: Array, z: Array, /, order: int = 2) -> tuple[Array, Kept]:
        o, kept = self.of_heads(*self._heads(z, 3))
        return self._side_by_side([o]), kept

    def jvp(self, kept: Kept, dz: Array | None, dtheta: Array | None, /) -> Array:
        return self._side_by_side([self.jvp_of_heads(kept, *self._heads(dz, 3))])

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Array:
        return self._side_by_side(self.vjp_of_heads(kept, *self._heads(g, 1)))

    def second_inputs(self, kept: Kept, delta: Array, dz: Array | None, dtheta: Array | None, /) -> Array | None:
        return self._side_by_side(self.second_of_heads(kept, *self._heads(delta, 1), *self._heads(dz, 3)))

    def of_heads(self, q: Array, k: Array, v: Array, /) -> tuple[Array, Kept]:
        """The outputs of arrays (..., h, T, d), and what derivatives need."""
        xp = array_namespace(q)
        S = contract(SCORES, self._scale(q) * q, k)
        if self.causal:
            T = S.shape[-1]
            seen = integers_like(np.tril(np.ones((T, T), dtype=bool)), S)
            S = xp.where(seen, S, xp.zeros_like(S) - LOWEST)
        e = xp.exp(S - xp.max(S, axis=-1, keepdims=True))
        A = e / xp.sum(e, axis=-1, keepdims=True)
        return contract(VALUES, A, v), (q, k, v, A)

    def _dA(self, kept: Kept, dq: Array, dk: Array) -> Array:
        q, k, _, A = kept
        dS = self._scale(q) * (contract(SCORES_OF_DQ, dq, k) + contract(SCORES_OF_DK, q, dk))
        return A * (dS - array_namespace(A).sum(A * dS, axis=-1, keepdims=True))

    def jvp_of_heads(self, kept: Kept, dq: Array, dk: Array, dv: Array, /) -> Array:
        """The derivative of the outputs along directions."""
        _, _, v, A = kept
        return contract(VALUES_OF_DA, self._dA(kept, dq, dk), v) + contract(VALUES_OF_DV, A, dv)

    def vjp_of_heads(self, kept: Kept, g: Array, /) -> list[Array]:
        """The sensitivities of queries, keys and values."""
        q, k, v, A = kept
        gA = contract(SCORES_OF_DQ, g, v)
        cgS = self._scale(q) * A * (gA - array_namespace(A).sum(A * gA, axis=-1, keepdims=True))
        return [contract(VALUES_OF_DA, cgS, k), contract(TO_KEYS, cgS, q), contract(TO_KEYS_OF_DIRECTIONS, A, g)]

    def second_of_heads(self, kept: Kept, g: Array, dq: Array, dk: Array, dv: Array, /) -> list[Array]:
        """The derivative of these sensitivities along directions, at fixed sensitivities of the outputs."""
        q, k, v, A = kept
        xp, c = array_namespace(A), self._scale(q)
        dA = self._dA(kept, dq, dk)
        gA, dgA = contract(SCORES, g, v), contract(SCORES_OF_DK, g, dv)
        less = gA - xp.sum(A * gA, axis=-1, keepdims=True)
        cgS = c * A * less
        moved = dA * less
        dgS = moved + A * (dgA - xp.sum(moved + A * dgA, axis=-1, keepdims=True))
        cdgS = c * dgS
        return [
            contract(VALUES_OF_DA, cdgS, k) + contract(VALUES_OF_DV, cgS, dk),
            contract(TO_KEYS, cdgS, q) + contract(TO_KEYS_OF_DIRECTIONS, cgS, dq),
            contract(TO_KEYS, dA, g),
        ]
