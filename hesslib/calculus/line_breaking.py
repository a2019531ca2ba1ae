r"""Several formulas and chains in one display, in rows that fit a phone: sums are broken between their terms."""

from __future__ import annotations

import re

import sympy as sp
from sympy import Expr

from .display import aligned
from .joint_display import _Several
from .latex import IndexPrinter, _signed, letters, tex
from .steps import Formula, Steps

__all__ = ["Narrow"]

WIDTH = 15
"""How many symbols a row may have, relation and indent not counted."""
SHORT = 7
"""A left-hand side of so many symbols stands in one row with what it is equal to."""

_NO_SYMBOL = re.compile(r"\\(?:(?:frac|left|right|kron|pd|lay|small|text|quad)(?![A-Za-z])|,)")


class Narrow(_Several):
    r"""The same equations, or chains, known as they are known, one below the other; reasons as `Steps` has them.

    Errors: ValueError if they are not established in the same way.

    >>> from sympy.abc import x, y
    >>> print(Narrow(Formula(y, x)).latex())
    \begin{aligned}
    y &= x
    \end{aligned}
    """

    def __init__(self, *formulas: Formula | Steps) -> None:
        super().__init__(*formulas)
        self.formulas = formulas

    def latex(self) -> str:
        return aligned([row for f in self.formulas for row in _rows(f)])


def _rows(f: Formula | Steps) -> list[str]:
    links = f.rows if isinstance(f, Steps) else [(f.relation, f.rhs, "")]
    left = tex(f.lhs)
    apart = symbols(left) > SHORT
    rows = [f"&{left}"] if apart else []
    indent = r"\enspace " if apart else ""  # a row that begins with \quad goes on with the one above
    for relation, e, why in links:
        start = "" if rows or apart else left
        reason = rf" && {{\small\text{{{why}}}}}" if why else ""
        first, *rest = _broken(e)
        rows.append(f"{start} &{indent}{relation} {first}{reason}")
        rows += [rf"&\quad {indent}{{}}{terms}" for terms in rest]  # after {} a sign is one between terms
    return rows


def _broken(e: Expr) -> list[str]:
    """The terms of a sum, as many in a row as fit."""
    whole = tex(e)
    if not isinstance(e, sp.Add) or symbols(whole) <= WIDTH:
        return [whole]
    printer = IndexPrinter()
    if e.has(sp.Sum, sp.Indexed):
        first, *rest = printer.terms(letters(e))
    else:
        first, *rest = [printer.doprint(term) for term in e.as_ordered_terms()]
    rows = [first]
    for term in map(_signed, rest):
        if symbols(rows[-1]) + symbols(term) <= WIDTH:
            rows[-1] += f" {term}"
        else:
            rows.append(term)
    return rows


def symbols(latex: str, /) -> int:
    r"""About how many symbols a formula shows: a command counts once, fonts, braces and scripts not at all.

    >>> symbols(r"\frac{1}{2} \, \sum_{i} x_{i}")
    6
    """
    return len(re.sub(r"[{}_^ ]", "", re.sub(r"\\[A-Za-z]+|\\.", "x", _NO_SYMBOL.sub("", latex))))
