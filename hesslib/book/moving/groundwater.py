"""The pressure in an aquifer that is drawn upon at one end, in time: on the half line and on a strip with a wall."""

from __future__ import annotations

import sympy as sp

from hesslib.book.javascript import Function
from hesslib.book.moving import Moving
from hesslib.derivations import diffusion

WAVES = 60
"""How many cosines of the series are summed; from the second frame on, far more than can be seen."""


def functions() -> tuple[Function, ...]:
    """The closed form with its slope, and the series of the strip with as many cosines as `WAVES`."""
    x, t = (sp.Symbol(name, real=True) for name in "xt")
    letters = {diffusion.x: x, diffusion.t: t}
    closed, series = diffusion.pressure().rhs, diffusion.strip().rhs
    (waves,) = series.atoms(sp.Sum)
    finite = series.xreplace(
        {waves: sp.Add(*[waves.function.subs(diffusion.m, count) for count in range(1, WAVES + 1)])}
    )
    slope = sp.diff(closed, diffusion.x)
    both = {"x": x, "t": t}
    return (
        Function("half_line", both, {}, {"P": closed.xreplace(letters), "slope": slope.xreplace(letters)}),
        Function("strip", both, {}, {"P": finite.xreplace(letters)}),
    )


def figure() -> Moving:
    """The figure."""
    return Moving(
        "groundwater",
        functions(),
        r"Water is drawn at $x=0$ at a constant rate. On the half line the pressure falls there as $\sqrt t$, and the "
        r"trough widens as $\sqrt t$; with a wall at $x=1$ it falls everywhere as soon as the trough has reached "
        r"the wall. Compiled from {eq}`groundwater-pressure` and {eq}`groundwater-strip`.",
        "The pressure against the distance from the well, at a time that can be moved, with and without a wall at "
        "distance one.",
        "fig-groundwater-maps",
    )
