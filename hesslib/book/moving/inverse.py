"""The inverse of a sum of outer products, a pattern at a time: Sherman-Morrison as a shrinking ellipse."""

from __future__ import annotations

import numpy as np

from hesslib.book.javascript import Function, Scalars
from hesslib.book.moving import Moving, stills
from hesslib.derivations import inverse_updates as updates


def functions() -> tuple[Function, ...]:
    """One update of an inverse, and of the matrix."""
    scalars, at = Scalars({updates.P: 2}), {updates.n: 1}
    arguments = {"X": scalars.array(updates.X, 0), "H": scalars.array(updates.H, 0), "b": scalars.array(updates.b, 1)}
    update = updates.sherman_morrison().result
    grown = updates.sum_of_outer_products()[1].rhs
    places = (1, 2)
    results = {
        "X": [[scalars(update, {**at, updates.i: row, updates.k: column}) for column in places] for row in places],
        "H": [[scalars(grown, {**at, updates.j: row, updates.k: column}) for column in places] for row in places],
        "sigma": scalars(updates.bXb(), at),
    }
    return (Function("update", arguments, {}, results),)


def figure() -> Moving:
    """The figure."""
    patterns = np.random.default_rng(4).normal(size=(12, 2)) @ np.array([[1.0, 0.4], [0.0, 0.5]])
    return Moving(
        "inverse",
        functions(),
        r"The inverse $X$ as the ellipse $s^{\mathsf T}X^{-1}s=1$. It starts as a circle of radius $1/\sqrt\alpha$; "
        r"every pattern $b$ presses it together, and leaves its two points at right angles to $b$ where they are. "
        r"Compiled from {eq}`sherman-morrison` and {eq}`outer-products-growth`.",
        "A circle that becomes a small ellipse as patterns are added one at a time. Buttons add and take away a "
        "pattern; the starting value can be moved.",
        "",
        {"b": patterns.round(2).tolist()},
        picture=lambda: stills.inverse(patterns),
    )
