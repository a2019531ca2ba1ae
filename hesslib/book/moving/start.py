"""Where several figures start: the weights and the pattern of the worked example, as their functions take them."""

from __future__ import annotations

from typing import Any

from hesslib.book.worked_example import WorkedExample


def example() -> dict[str, Any]:
    """The worked example as arguments of a compiled function.

    >>> example()["x"]
    [1.0, 0.5]
    """
    at = WorkedExample()
    W, b = at.network.layers(at.w)
    return {
        "w": [None, *(weights.tolist() for weights in W[1:])],
        "b": [None, *(biases.tolist() for biases in b[1:])],
        "x": at.x[0].tolist(),
        "t": at.t[0].tolist(),
    }
