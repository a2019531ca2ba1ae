"""The error of a network on a batch, in somebody else's scale and order of parameters."""

from __future__ import annotations

from dataclasses import dataclass

from hesslib._arrays import Array
from hesslib.convert.order import ParameterOrder
from hesslib.network import Network


@dataclass(frozen=True, eq=False)
class NetworkProblem:
    r"""$E=c\sum_nE_n$ of a network on patterns `x` with targets `t`, $c$ being `factor`, the parameters in `order`.

    `hesslib.check` takes it wherever it takes ``(net, x, t)``. Without an order the parameters are those of `w`.
    """

    net: Network
    x: Array
    t: Array | None
    factor: float = 1.0
    order: ParameterOrder | None = None
    names: str = "the sum over patterns"  # what E is, in words
