r"""A weight is moved, and $\delta$ flows back: the two passes of the worked example, with the gradient at the edges."""

from __future__ import annotations

from typing import Any

import sympy as sp

from hesslib.book.javascript import Function, symbol
from hesslib.book.moving import Moving
from hesslib.book.moving.network import Passes
from hesslib.book.moving.start import example
from hesslib.derivations.network import a, delta, z


def functions() -> tuple[Function, ...]:
    """Both passes, and the gradient in the flat order of the weights."""
    net = Passes((2, 2, 1))

    def of_units(head: Any, first: int, last: int) -> list[Any]:
        return [None] * first + [[symbol(head[y, unit]) for unit in net.units(y)] for y in range(first, last + 1)]

    results = {
        "a": of_units(a, 1, 2),
        "z": of_units(z, 0, 1),
        "delta": of_units(delta, 1, 2),
        "E": sp.Symbol("E", real=True),
        "gradient": net.gradient(),
    }
    return (Function("passes", net.arguments(), net.lines, results),)


def figure() -> Moving:
    """The figure."""
    return Moving(
        "weights",
        functions(),
        r"The worked example. Choose a weight and move it: activations change to its right, error signals to its left. "
        r"Each line is as thick as the derivative $\delta_jz_i$ of its weight. Compiled from {eq}`pre-activation`, "
        r"{eq}`activation`, {eq}`delta-squared-error`, {eq}`backprop` and {eq}`weight-gradient`.",
        "A network with two inputs, two hidden units and one output. Every unit shows its activation and its error "
        "signal, every line the size of the derivative by its weight. Each weight can be moved.",
        "fig-two-passes",
        example(),
    )
