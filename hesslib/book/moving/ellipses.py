"""Approximations of the Hessian as ellipses on the error surface of two weights."""

from __future__ import annotations

from typing import Any

from hesslib.book.javascript import Function, Scalars
from hesslib.book.moving import Moving, stills
from hesslib.book.moving.surface import PATTERNS, pattern_functions, patterns
from hesslib.derivations import outer_products as outer


def functions() -> tuple[Function, ...]:
    """The surface, and the two approximations by outer products over all patterns."""
    scalars = Scalars({outer.N: PATTERNS, outer.K: 1, outer.P: 2})

    def over(result: Any) -> list[list[Any]]:
        return [[scalars(result, {outer.r: row, outer.s: column}) for column in (1, 2)] for row in (1, 2)]

    arguments = {"J": scalars.array(outer.J), "M": scalars.array(outer.M), "delta": scalars.array(outer.delta)}
    results = {
        "gauss_newton": over(outer.gauss_newton_of(outer.general()).result),
        "of_gradients": over(outer.outer_product().result),
    }
    return *pattern_functions(), Function("outer_products", arguments, {}, results)


def figure() -> Moving:
    """The figure."""
    return Moving(
        "ellipses",
        functions(),
        r"The error of $w_2\tanh(w_1x)$ over its two weights. At the point that you drag, each matrix $A$ is drawn as "
        r"the ellipse $\tfrac12s^{\mathsf T}As$ = const; where a matrix is not positive there is none. Near the "
        r"valley's floor the exact one and Gauss-Newton coincide. Compiled from {eq}`hessian-block-within`, "
        r"{eq}`hessian-block-above`, "
        r"{eq}`gauss-newton-regression` and {eq}`outer-product-of-gradients`.",
        "An error surface over two weights with a point that can be moved, and around it one ellipse for each "
        "approximation of the Hessian.",
        "",
        patterns(),
        picture=stills.ellipses,
    )
