"""The Hessian of a small attention layer by blocks of query, key and value weights, as all weights grow."""

from __future__ import annotations

import functools
import itertools
from typing import Any

from sympy import Expr

from hesslib.book.javascript import Function, Scalars, symbol
from hesslib.book.moving import Moving
from hesslib.calculus.index import Tensor
from hesslib.derivations import attention as derived
from hesslib.derivations import outer_products as outer

POSITIONS, FEATURES = 3, 2
SIZES = {derived.T: POSITIONS, derived.D: FEATURES, derived.A: 1, derived.F: 1}
KINDS = (derived.QUERY, derived.KEY, derived.VALUE)
DATA = {
    "x": [[1.0, 0.3], [-0.8, 1.1], [0.5, -1.2]],
    "Q": [[0.9], [-0.6]],
    "K": [[0.7], [1.1]],
    "V": [[-0.5], [0.8]],
    "target": [[0.6], [-1.0], [0.4]],
}
"""Inputs, weights at scale one, and what the outputs should be: a single feature for queries, keys and values."""
POSITION = range(1, POSITIONS + 1)


@functools.cache
def _slope(kind: int) -> Any:
    return derived.slope_of_output(KINDS[kind]).result


@functools.cache
def _left_out(first: int, second: int) -> Any:
    return derived.functional(KINDS[first], derived.second(KINDS[second])).result


def _at(parameter: Any, feature: int) -> dict[Any, int]:
    """The number of the feature for the letters of a weight; that of the one column is 1."""
    _, row, column = parameter
    return {row: feature, column: 1}


def functions() -> tuple[Function, ...]:
    """The outputs, and the two parts of every entry of the Hessian of half the squared error."""
    scalars = Scalars(SIZES)
    lines: dict[Any, Any] = {}
    letters = (derived.t, derived.u, derived.u_)
    for formula in (*derived.definitions(), *derived.names()):
        free = [one for one in formula.lhs.indices if one in letters]
        for places in itertools.product(POSITION, repeat=len(free)):
            at = dict(zip(free, places, strict=True)) | {derived.a: 1, derived.b: 1}
            lines[symbol(formula.lhs.subs(at))] = scalars(formula.rhs, at)
    target = Tensor("target", shape=(derived.T, derived.F))
    for place in POSITION:  # the signal of half the squared error
        lines[symbol(derived.omega[place, 1])] = symbol(derived.o[place, 1]) - symbol(target[place, 1])

    def slope(place: Any, weight: Any) -> Expr:
        kind, feature = divmod(int(weight) - 1, FEATURES)
        at = _at(KINDS[kind], feature + 1) | {derived.t: int(place), derived.b_: 1}
        return scalars(_slope(kind), at)

    weights = range(1, len(KINDS) * FEATURES + 1)
    of_pairs = outer.gauss_newton_of(outer.regression()).result
    patterns = Scalars({outer.N: POSITIONS, outer.P: len(weights)}, means={outer.b: slope})
    kept = [[patterns(of_pairs, {outer.r: row, outer.s: column}) for column in weights] for row in weights]
    left_out = [[_entry(scalars, row - 1, column - 1) for column in weights] for row in weights]
    arguments = {name: scalars.array(getattr(derived, name)) for name in ("x", "Q", "K", "V", "mask")}
    arguments |= {"target": scalars.array(target), "c": symbol(derived.c)}
    outputs = [symbol(derived.o[place, 1]) for place in POSITION]
    return (Function("layer", arguments, lines, {"outputs": outputs, "kept": kept, "left_out": left_out}),)


def _entry(scalars: Scalars, row: int, column: int) -> Expr:
    """The entry of the part that Gauss-Newton leaves out; those below the diagonal by symmetry of the blocks."""
    (first, one), (second, other) = divmod(row, FEATURES), divmod(column, FEATURES)
    if first > second:
        return _entry(scalars, column, row)
    place = _at(KINDS[first], one + 1) | _at(derived.second(KINDS[second]), other + 1)
    return scalars(_left_out(first, second), place)


def figure() -> Moving:
    """The figure."""
    return Moving(
        "attention",
        functions(),
        r"The Hessian of a layer with three positions, two features, and one number for a query, a key and a value. "
        r"Lines separate its blocks. For small weights the value block stands out; with the scale the others "
        r"come up. Compiled from {eq}`attention-slope-query`, {eq}`attention-query-query`, {eq}`attention-query-key`, "
        r"the rest of their kind, and {eq}`gauss-newton-regression`.",
        "A table of second derivatives in blocks of query, key and value weights. The scale of all weights can be "
        "moved, and one can choose the mask and which part of the Hessian is shown.",
        "fig-attention-scale",
        DATA,
    )
