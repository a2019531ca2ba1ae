"""The two sweeps of the exact Hessian, an array at a time: G upwards from the identity, B downwards from the loss."""

from __future__ import annotations

from typing import Any

import sympy as sp

from hesslib.book.javascript import Function
from hesslib.book.moving import Moving
from hesslib.book.moving.network import Passes

WIDTHS = (2, 2, 2, 1)
START = {
    "w": [None, [[0.5, -1.0], [1.0, 0.6]], [[0.8, -0.5], [0.4, 1.1]], [[1.5, -0.8]]],
    "b": [None, [0.2, -0.4], [0.1, -0.3], [0.3]],
    "x": [1.0, 0.5],
    "t": [1.0],
}


def functions() -> tuple[Function, ...]:
    """All arrays of both families: of layers m, l with m at least l."""
    net = Passes(WIDTHS)

    def arrays(entry: Any) -> list[Any]:
        def array(above: int, below: int) -> list[list[sp.Symbol]]:
            return [[entry(above, below, to, source) for source in net.units(below)] for to in net.units(above)]

        layers = range(1, net.depth + 1)
        return [None, *([None, *(array(above, below) for below in layers if below <= above)] for above in layers)]

    results = {"G": arrays(net.response), "B": arrays(net.bend)}
    return (Function("sweeps", net.arguments(), net.lines, results),)


def figure() -> Moving:
    """The figure."""
    return Moving(
        "sweeps",
        functions(),
        r"The two families of a 2-2-2-1 network, one array at a time: $G^{(m,l)}$ from below, starting from the "
        r"identity; then $B^{(m,l)}$ from above. Marked are the arrays that the present one is made of. Compiled from "
        r"{eq}`g-base`, {eq}`g-step`, {eq}`b-base` and {eq}`b-step`.",
        "Two triangles of small matrices, which are filled step by step. Buttons go forward and back, and the first "
        "weight can be moved.",
        "fig-sweeps",
        START,
    )
