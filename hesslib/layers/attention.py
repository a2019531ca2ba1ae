r"""Self-attention with its projections: dense layers before and after the attention itself."""

from __future__ import annotations

from dataclasses import dataclass

from hesslib._options import real_number, whole_number
from hesslib.layers.dense import Dense
from hesslib.layers.layer import Builder, Layer, Shape
from hesslib.layers.softmax_attention import SoftmaxAttention


@dataclass(frozen=True)
class QueryKeyValue(Dense):
    """The three projections of attention, side by side: one dense layer whose parameters have names of their own.

    Options
    -------
    inputs, outputs : the features, and three times the features.
    bias : whether there are biases.

    Shapes: (N, T, d) to (N, T, 3d).
    Cost: that of `Dense`.
    Errors: as `Dense`.

    >>> list(QueryKeyValue(2, 6, False).parameters)
    ['query.weight', 'key.weight', 'value.weight']
    """

    @property
    def parameters(self) -> dict[str, Shape]:
        names, third = ("query", "key", "value"), self.outputs // 3
        weights: dict[str, Shape] = {f"{name}.weight": (third, self.inputs) for name in names}
        return {**weights, **({f"{name}.bias": (third,) for name in names} if self.bias else {})}


@dataclass(frozen=True)
class Attention(Layer):
    r"""Self-attention with several heads: positions look at each other, and mix what they see.

    $z'=W_O\,o+b_O$ with $o$ the `SoftmaxAttention` of $q=W_Qz+b_Q$, $k=W_Kz+b_K$, $v=W_Vz+b_V$.

    Options
    -------
    features : the length of the last axis.
    heads : the number of heads, which share the features evenly.
    causal : whether a position attends to itself and those before it only.
    scale : of the scores; None for one over the root of the features of a head.
    bias : whether the four projections have biases.

    Shapes: (N, T, features) before and after; parameters query.weight, key.weight, value.weight, query.bias, key.bias,
    value.bias, output.weight, output.bias, in this order, which is that of ``torch.nn.MultiheadAttention``.
    Cost: that of four dense layers and of $O(NT^2)$ scores for each head, in operations and in memory.
    Errors: ValueError if the heads do not share the features evenly, or an option is out of range.

    >>> Attention(4, 2).projections[0].num_parameters
    60
    """

    features: int
    heads: int
    causal: bool = False
    scale: float | None = None
    bias: bool = True

    def __post_init__(self) -> None:
        whole_number("features", self.features, 1)
        whole_number("heads", self.heads, 1)
        if self.features % self.heads:
            raise ValueError(f"heads is {self.heads}; it must divide the number of features, {self.features}")
        if self.scale is not None:
            real_number("scale", self.scale, positive=True)

    @property
    def projections(self) -> tuple[QueryKeyValue, Dense]:
        """The dense layers before and after the attention itself."""
        d = self.features
        return QueryKeyValue(d, 3 * d, self.bias), Dense(d, d, self.bias)

    def build(self, program: Builder, node: int, name: str, /) -> int:
        before, after = self.projections
        node = program.add(before, (node,), name)
        node = program.add(SoftmaxAttention(self.heads, self.causal, self.scale), (node,), name)
        return program.add(after, (node,), f"{name}.output")
