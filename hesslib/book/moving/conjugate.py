r"""Two conjugate directions end at the minimum of two weights; any other $\beta$ misses it."""

from __future__ import annotations

import sympy as sp

from hesslib.book.javascript import Function, Scalars, symbol
from hesslib.book.moving import Moving, stills
from hesslib.derivations import conjugate_directions as derived


def functions() -> tuple[Function, ...]:
    r"""The factor $\beta$ that makes the new direction conjugate, and the length at which the slope along one is 0."""
    forms = {
        derived.kappa: lambda: derived.form(lambda r: derived.q[r], lambda r: derived.q[r]),
        derived.sigma: lambda: derived.form(lambda r: derived.q[r], lambda r: derived.g[r]),
    }
    scalars = Scalars({derived.P: 2}, means=forms)
    H, g = scalars.array(derived.H), scalars.array(derived.g)
    slope = scalars(derived.slope_along().result)
    (length,) = sp.solve(slope, symbol(derived.alpha))
    return (
        Function(
            "direction",
            {"H": H, "g": g, "q": scalars.array(derived.q)},
            {},
            {"beta": scalars(derived.direction().result)},
        ),
        Function("line", {"H": H, "g": g, "d": scalars.array(derived.d)}, {}, {"alpha": length}),
    )


def figure() -> Moving:
    """The figure."""
    return Moving(
        "conjugate",
        functions(),
        r"A quadratic error of two weights. Both ways take every step to the lowest point of its line. Steepest "
        r"descent turns at right angles again and again; the second conjugate direction goes straight to the minimum. "
        r"With a share of $\beta$ other than one it misses. Compiled from {eq}`conjugate-direction` and "
        r"{eq}`slope-along-a-line`.",
        "The contours of a quadratic error and two paths to its minimum, by steepest descent and by conjugate "
        "directions. The start, the valley and the factor beta can be moved.",
        "",
        picture=stills.conjugate,
    )
