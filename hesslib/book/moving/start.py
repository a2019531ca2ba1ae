"""Where several figures start: the weights and the pattern of the worked example, as their functions take them."""

from __future__ import annotations

from typing import Any

from hesslib.book.worked_example import WorkedExample

__all__ = ["example"]


def example() -> dict[str, Any]:
    """The worked example as arguments of a compiled function.

    >>> example()["x"]
    [1.0, 0.5]
    """
    at = WorkedExample()
    return {
        "w": [None, at.W1.tolist(), at.W2.tolist()],
        "b": [None, at.b1.tolist(), at.b2.tolist()],
        "x": at.x.tolist(),
        "t": at.t.tolist(),
    }
