r"""Damping turns the step: from Gauss-Newton's at $\mu=0$ to a short one down the gradient."""

from __future__ import annotations

from typing import Any

import sympy as sp

from hesslib.book.javascript import Function, Scalars, symbol
from hesslib.book.moving import Moving
from hesslib.book.moving.surface import PATTERNS, pattern_functions, patterns
from hesslib.derivations import least_squares as squares


def functions() -> tuple[Function, ...]:
    """The surface, and the damped step: the solution of the two equations of the formula."""
    scalars = Scalars({squares.P: 2, squares.m: PATTERNS})
    arguments = {"J": scalars.array(squares.J), "e": scalars.array(squares.e), "mu": symbol(squares.mu)}
    formula, unknown = squares.damped(), scalars.array(squares.p)
    equations = [sp.expand(scalars(formula.lhs - formula.rhs, {squares.r: row})) for row in (1, 2)]
    lines: dict[Any, Any] = {}
    named: list[Any] = []
    for row, equation in enumerate(equations):
        parts = [sp.Symbol(f"part_{row}_{column}", real=True) for column in range(3)]
        values = [equation.coeff(unknown[0]), equation.coeff(unknown[1]), equation.subs(dict.fromkeys(unknown, 0))]
        lines |= dict(zip(parts, values, strict=True))
        named.append(parts[0] * unknown[0] + parts[1] * unknown[1] + parts[2])
    solved = sp.solve(named, unknown)
    return *pattern_functions(), Function("damped", arguments, lines, {"step": [solved[p] for p in unknown]})


def figure() -> Moving:
    """The figure."""
    return Moving(
        "damping",
        functions(),
        r"The error of $w_2\tanh(w_1x)$ over its two weights. The step of Levenberg and Marquardt starts at the point "
        r"that you drag; the thin curve is where it ends for every damping $\mu$, from Gauss-Newton's step to the "
        r"direction of steepest descent. Compiled from {eq}`levenberg-step`, {eq}`weight-gradient` and "
        r"{eq}`delta-squared-error`.",
        "An error surface over two weights with a step from a point that can be moved. The damping turns and shortens "
        "the step.",
        "fig-ways-down",
        patterns(),
    )
