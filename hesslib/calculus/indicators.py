r"""The indicator of a range, $[1\le e\le N]$: 1 where the inequality holds and 0 elsewhere.

It is what a sum over a Kronecker delta leaves behind, $\sum_{k=1}^NI_{ke}f_k=[1\le e\le N]\,f_e$, and what cuts a
triangle out of a square.
"""

from __future__ import annotations

import math
from typing import Any

import sympy as sp
from sympy import Expr

__all__ = ["Holds", "NoInverseError", "at_most", "within"]


class NoInverseError(ValueError, ZeroDivisionError):
    """A formula divides by a delta or an indicator, which is zero for some of its indices."""


class Holds(Expr):
    r"""$[u\ge0]$ for an expression in whole numbers: 1 if it holds, else 0.

    >>> k, q = sp.symbols("k q", integer=True)
    >>> Holds(k - q) ** 2, Holds(2 * k - 1), Holds(sp.Integer(-1))
    ([k - q >= 0], [k - 1 >= 0], 0)
    """

    is_commutative = True
    is_integer = True
    is_nonnegative = True

    def __new__(cls, u: Any) -> Expr:
        u = sp.expand(sp.sympify(u))
        if u.is_Integer:
            return sp.S.One if int(u) >= 0 else sp.S.Zero
        parts = u.as_coefficients_dict()
        constant = parts.pop(sp.S.One, sp.S.Zero)
        if all(c.is_Integer for c in parts.values()):  # the letters are whole numbers: [2 k >= 1] is [k >= 1]
            divisor = math.gcd(*[int(c) for c in parts.values()])
            u = sp.Add(*[c / divisor * x for x, c in parts.items()], sp.floor(constant / divisor))
        return Expr.__new__(cls, u)

    inside = property(lambda self: self.args[0])

    def _eval_power(self, exponent: Expr) -> Expr | None:
        if exponent.is_negative:
            raise NoInverseError(f"something is divided by zero: {self} is zero for some of its indices")
        return self if exponent.is_positive else None

    def _sympystr(self, printer: Any) -> str:
        return f"[{printer._print(self.inside)} >= 0]"

    _sympyrepr = _sympystr


def at_most(p: Any, q: Any, /) -> Expr:
    r"""$[p\le q]$.

    >>> at_most(*sp.symbols("p q", integer=True))
    [-p + q >= 0]

    Errors: TypeError if something is not known to be a whole number.
    """
    gap = sp.sympify(q) - p
    if not all(letter.is_integer for letter in gap.atoms(sp.Symbol)) or gap.has(sp.Float):
        raise TypeError(f"{gap} is not known to be a whole number; an indicator compares indices and sizes")
    return Holds(gap)


def within(low: Any, e: Any, high: Any, /) -> Expr:
    r"""$[low\le e\le high]$.

    >>> within(1, sp.Integer(2), 3)
    1

    Errors: TypeError if something is not known to be a whole number.
    """
    return at_most(low, e) * at_most(e, high)
