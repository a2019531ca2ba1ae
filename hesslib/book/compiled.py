"""What the derivations compile to, run on networks of hesslib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hesslib.derivations import backpropagation

if TYPE_CHECKING:
    from hesslib.networks.network import Network

__all__ = ["derived_gradient"]


def derived_gradient(net: Network, w: Any, x: Any, t: Any, /) -> Any:
    """The gradient of the squared error by the formulas that `backpropagation` derives, compiled to NumPy.

    Shapes: `w` (P,), `x` (N, n_0), `t` (N, n_L); returns (P,).
    Cost: as `gradient`, and the derivation once.
    Errors: ValueError for another loss, or for hidden layers of several activations.

    >>> from hesslib import Network
    >>> derived_gradient(Network((1, 1)), np.array([2.0, 1.0]), np.array([[3.0]]), np.array([[5.0]])).tolist()
    [6.0, 2.0]
    """
    if net.loss.name != "squared_error":
        raise ValueError(f"the loss of net is {net.loss.name}; it must be squared_error")
    if len({h.name for h in net.activation}) > 1:
        names = ", ".join(h.name for h in net.activation)
        raise ValueError(f"net has the activations {names}; the program takes one for all layers")
    W, b = net.layers(w)
    h = net.activation[0] if net.L > 1 else None
    slope = None if h is None else h.first
    run = backpropagation.program().function(np)
    gw, gb = run(net.L, net.widths, W, b, x, lambda a: a - t, h or (lambda a: a), slope)
    return net.ravel([gw[y] for y in range(1, net.L + 1)], [gb[y] for y in range(1, net.L + 1)])
