r"""A direction is turned, and $Hv$ with it: the plane of two weights, and the error along the line."""

from __future__ import annotations

import sympy as sp

from hesslib.book.javascript import Function
from hesslib.book.moving import Moving, stills
from hesslib.book.moving.network import Passes
from hesslib.book.moving.start import example


def functions() -> tuple[Function, ...]:
    """The error with its gradient, and the product of the Hessian with a direction."""
    net = Passes((2, 2, 1))
    product = net.along()
    return (
        Function("error", net.arguments(), net.lines, {"E": sp.Symbol("E", real=True), "gradient": net.gradient()}),
        Function("product", {**net.arguments(), **net.direction()}, net.lines, {"Hv": product}),
    )


def figure() -> Moving:
    """The figure."""
    return Moving(
        "direction",
        functions(),
        r"Left, the error of the worked example over two of its weights, with a direction $v$ and, by the passes of "
        r"the R-operator, $Hv$ (as far as it lies in this plane). Right, the error along $v$ and the parabola with the "
        r"slope $g\cdot v$ and the bend $v\cdot Hv$. Compiled from {eq}`r-forward`, {eq}`r-delta-output`, "
        r"{eq}`r-delta` and {eq}`hessian-vector-product`.",
        "An error surface with two arrows, the direction v and the product Hv, and the error along v with the parabola "
        "that has the same slope and bend. The direction can be turned and its foot moved.",
        "",
        example(),
        picture=stills.direction,
    )
