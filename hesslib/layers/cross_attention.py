r"""Cross-attention: queries from one state, keys and values from others, which may have more or fewer positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from hesslib._arrays import Array
from hesslib._options import real_number, whole_number
from hesslib.layers.layer import Kept, Shape
from hesslib.layers.merges import Merge
from hesslib.layers.softmax_attention import SoftmaxAttention


@dataclass(frozen=True)
class CrossAttention(Merge):
    r"""Attention of one state to others: a function of three states, the queries, the keys and the values.

    $o_q=\sum_kA_{qk}v_k$, $A_{qk}=e^{c\,q_q\cdot k_k}/\sum_{k'}e^{c\,q_q\cdot k_{k'}}$, for each head by itself: what
    `SoftmaxAttention` is, without that the three stand side by side in one state. The projections are dense layers
    before and after it, in a `Graph`.

    Options
    -------
    heads : the number of heads, which share the features evenly.
    scale : $c$; None for one over the root of the features of a head.
    causal : whether a query attends to the keys at its own position and before it only; then T = S.

    Shapes: (N, T, d), (N, S, d) and (N, S, e) to (N, T, e).
    Cost: $O(NTSd)$ operations; memory $O(NTS)$ numbers for each head and direction.
    Errors: ValueError if the shapes of the states do not fit, or the heads do not divide the features.

    >>> CrossAttention(2).merged_shape([(5, 4), (3, 4), (3, 6)])
    (5, 6)
    """

    heads: int
    scale: float | None = None
    causal: bool = False

    def __post_init__(self) -> None:
        whole_number("heads", self.heads, 1)
        if self.scale is not None:
            real_number("scale", self.scale, positive=True)

    @property
    def attention(self) -> SoftmaxAttention:
        """The attention itself."""
        return SoftmaxAttention(self.heads, self.causal, self.scale)

    def merged_shape(self, shapes: Sequence[Shape], /) -> Shape:
        fit = len(shapes) == 3 and all(len(one) == 2 and one[1] % self.heads == 0 for one in shapes)
        if not fit or shapes[0][1] != shapes[1][1] or shapes[1][0] != shapes[2][0]:
            raise ValueError(
                f"CrossAttention has states of shapes {', '.join(map(str, shapes))}; they must be (T, d), (S, d) and "
                f"(S, e), d and e multiples of {self.heads}"
            )
        if self.causal and shapes[0][0] != shapes[1][0]:
            raise ValueError(
                f"CrossAttention with causal=True has {shapes[0][0]} queries and {shapes[1][0]} keys; they must be "
                "as many"
            )
        return shapes[0][0], shapes[2][1]

    def _heads(self, z: Array) -> Array:
        return self.attention._heads(z, 1)[0]

    def forward(self, theta: Array, z: Any, /, order: int = 2) -> tuple[Array, Kept]:
        o, kept = self.attention.of_heads(*map(self._heads, z))
        return self.attention._side_by_side([o]), kept

    def _directions(self, kept: Kept, dz: Any) -> list[Array]:
        """The directions of the three, zeros where there is none."""
        V = next(d.shape[0] for d in dz if d is not None)
        xp = array_namespace(kept[0])
        none = [xp.broadcast_to(xp.zeros_like(one)[None, ...], (V, *one.shape)) for one in kept[:3]]
        return [zero if d is None else self._heads(d) for d, zero in zip(dz, none, strict=True)]

    def jvp(self, kept: Kept, dz: Any, dtheta: Array | None, /) -> Array:
        return self.attention._side_by_side([self.attention.jvp_of_heads(kept, *self._directions(kept, dz))])

    def vjp_inputs(self, kept: Kept, g: Array, /) -> Any:
        found = self.attention.vjp_of_heads(kept, self._heads(g))
        return [self.attention._side_by_side([one]) for one in found]

    def second_inputs(self, kept: Kept, delta: Array, dz: Any, dtheta: Array | None, /) -> Any:
        found = self.attention.second_of_heads(kept, self._heads(delta), *self._directions(kept, dz))
        return [self.attention._side_by_side([one]) for one in found]
