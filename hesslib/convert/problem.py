"""The error of a network on a batch, in somebody else's scale and order of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hesslib._arrays import Array
from hesslib.convert.order import ParameterOrder


@dataclass(frozen=True, eq=False)
class NetworkProblem:
    r"""$E=c\sum_nE_n$ of a network on patterns `x` with targets `t`, $c$ being `factor`, the parameters in `order`.

    `hesslib.check` takes it wherever it takes ``(net, x, t)``. Without an order the parameters are those of `w`.

    Shapes: `x` is (N, D); `t` is what the loss of the network takes, or None.
    Cost: none; the arrays are kept, not copied.
    Errors: none is raised here; what is wrong is refused where the problem is used.

    >>> import numpy as np
    >>> from hesslib import Network, check
    >>> problem = NetworkProblem(Network((1, 1)), np.ones((1, 1)), np.zeros((1, 1)), factor=2.0)
    >>> check.gradient(problem, np.array([1.0, 0.0]), np.array([2.0, 2.0])).ok  # of (w_1 + w_2)^2
    True
    """

    net: Any  # the `Network` or the `Chain`
    x: Array  # (N, D)
    t: Array | None  # as the loss takes them
    factor: float = 1.0  # $c$
    order: ParameterOrder | None = None  # of the parameters; None: that of `w`
    names: str = "the sum over patterns"  # what E is, in words
