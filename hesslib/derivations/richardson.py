r"""Richardson's deferred approach to the limit: what a step of the tableau does to each term of the series.

$A_{k,0}=A(\epsilon\rho^{-k})$ is a symmetric quotient, whose series has even powers of the step only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy as sp
from sympy import Expr

from hesslib.calculus.equation import Equation, defined, expansion, proved

if TYPE_CHECKING:
    from hesslib.agreement import Check

__all__ = ["absolute_weights", "factor", "limit_is_kept", "next_column", "term", "to_the_parent"]

eps, rho = sp.symbols("epsilon rho", positive=True)
m, r = sp.symbols("m r", positive=True, integer=True)
c, d = sp.symbols("c d")
limit = sp.Symbol("E'", real=True)
entry, finer, coarser = sp.Symbol("A_{k,m}"), sp.Symbol("A_{k+1,m-1}"), sp.Symbol("A_{k,m-1}")

combined = (rho ** (2 * m) * finer - coarser) / (rho ** (2 * m) - 1)
factor = (rho ** (2 * m - 2 * r) - 1) / (rho ** (2 * m) - 1)
"""By what a term $c\\,\\epsilon^{2r}$ of the series is multiplied when column m is made."""


def next_column() -> Equation:
    """How an entry is made from two of the column before."""
    return defined(entry, combined)


def term() -> Equation:
    r"""One term $c\,\epsilon^{2r}$ of the series, put through `next_column`: it keeps its form, times a factor."""
    through = combined.subs({finer: c * (eps / rho) ** (2 * r), coarser: c * eps ** (2 * r)}, simultaneous=True)
    return proved(through, c * eps ** (2 * r) * factor)


def limit_is_kept() -> tuple[Check, ...]:
    """What makes it an extrapolation: the power 2m is removed, the limit is kept."""
    from hesslib.agreement import Check

    removed = factor.subs(r, m)
    kept = sp.simplify(combined.subs({finer: limit, coarser: limit}) - limit)
    return (
        Check("coefficient of $\\epsilon^{2m}$ removed, symbolic m", float(removed != 0), 0.0),
        Check("limit kept, symbolic m", float(kept != 0), 0.0),
    )


def to_the_parent() -> Equation:
    r"""The distance of an entry from its parent is the parent's error, up to the next power.

    The step of an induction over columns: entries of column m - 1 begin with $\epsilon^{2m}$.
    """

    def parent(step: Expr) -> Expr:
        return limit + c * step ** (2 * m) + d * step ** (2 * m + 2)

    models = {entry: combined, finer: parent(eps / rho), coarser: parent(eps)}
    return expansion(finer - entry, finer - limit, eps, 2 * m + 2, where=models)


def absolute_weights(ratio: Expr, columns: int) -> tuple[list[Expr], list[Expr]]:
    """The weights of the quotients in the last column, and for each column the sum of their absolute values.

    >>> absolute_weights(sp.Integer(2), 2)
    ([-1/3, 4/3], [1, 5/3])
    """
    weights: list[Expr] = [sp.Integer(1)]
    sums = [sp.Integer(1)]
    for column in range(1, columns):
        power = ratio ** (2 * column)
        weights = [(power * b - a) / (power - 1) for a, b in zip([*weights, 0], [0, *weights], strict=True)]
        sums.append(sp.Add(*map(abs, weights)))
    return weights, sums
