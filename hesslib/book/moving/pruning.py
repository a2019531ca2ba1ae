"""A weight is removed: alone, as optimal brain damage does, or with the others following, as the surgeon does."""

from __future__ import annotations

import sympy as sp

from hesslib.book.javascript import Function, Scalars
from hesslib.book.moving import Moving, stills
from hesslib.derivations import pruning as derived


def functions() -> tuple[Function, ...]:
    """For each of two weights: both saliencies, and the surgeon's change of both weights."""
    scalars = Scalars({derived.P: 2})
    H, X = scalars.array(derived.H), scalars.array(derived.X)
    inverse = sp.Matrix(H).inv()
    lines = {X[row][column]: inverse[row, column] for row in (0, 1) for column in (0, 1) if row <= column}
    places = (1, 2)
    step = derived.surgeon_step().result
    results = {
        "damage": [scalars(derived.damage().result, {derived.q: place}) for place in places],
        "surgeon": [scalars(derived.surgeon().result, {derived.q: place}) for place in places],
        "step": [[scalars(step, {derived.q: removed, derived.i: place}) for place in places] for removed in places],
    }
    return (Function("removal", {"H": H, "w": scalars.array(derived.w)}, lines, results),)


def figure() -> Moving:
    """The figure."""
    return Moving(
        "pruning",
        functions(),
        r"A quadratic error with its minimum at the point that you drag. To remove a weight is to go to its axis: "
        r"straight (optimal brain damage), or to the lowest point of the axis (the surgeon). The narrower and the more "
        r"slanted the valley, the more the straight way costs. Compiled from {eq}`saliency-obd`, {eq}`surgeon-step` "
        r"and {eq}`saliency-obs`.",
        "The contours of a quadratic error over two weights and two arrows to the axis where one of them is zero. The "
        "minimum and the shape of the valley can be moved.",
        "",
        picture=stills.pruning,
    )
