r"""What linear inequalities between whole numbers imply: from $1\le q\le k$ and $k\le N$ follows $q\le N$.

An inequality is an expression that is at least zero. A proof is a refutation of its opposite: the letters are
eliminated one after the other (Fourier and Motzkin), every step adding two of the inequalities.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence

import sympy as sp
from sympy import Expr

from .terms import charge

__all__ = ["implies", "linear"]

MOST_ROWS = 120
"""With more inequalities than these on the way the question stays open."""

Row = tuple[frozenset, int]
"""The coefficients of the letters, and the constant."""


@functools.lru_cache(maxsize=50_000)
def linear(e: Expr, /) -> Row | None:
    """The whole coefficients of a linear expression and its constant; None if it has others.

    >>> k, N = sp.symbols("k N")
    >>> coefficients, constant = linear(2 * k - N + 3)
    >>> sorted(coefficients, key=str), constant
    ([(N, -1), (k, 2)], 3)
    """
    parts = sp.expand(e).as_coefficients_dict()
    if not all(c.is_Integer for c in parts.values()):
        return None
    constant = int(parts.pop(sp.S.One, 0))
    return frozenset((x, int(c)) for x, c in parts.items() if c != 0), constant


def _tight(coefficients: dict[Expr, int], constant: int) -> Row:
    """An inequality between whole numbers divided by what divides its coefficients; its constant is rounded down."""
    divisor = math.gcd(*coefficients.values()) or 1
    return frozenset((x, c // divisor) for x, c in coefficients.items() if c), constant // divisor


def _rows(known: Iterable[Expr]) -> list[Row]:
    return [row for e in known if (row := linear(e)) is not None]


def _without(x: Expr, rows: Sequence[Row]) -> list[Row] | None:
    """What the inequalities say of all letters but ``x``; None if that would be too many."""
    below: list[tuple[int, Row]] = []
    above: list[tuple[int, Row]] = []
    rest: list[tuple[int, Row]] = []
    for row in rows:
        c = dict(row[0]).get(x, 0)
        (below if c > 0 else above if c < 0 else rest).append((c, row))
    if len(rest) + len(below) * len(above) > MOST_ROWS:
        return None
    charge((len(below) * len(above)) // 8, "comparing ranges")
    out = {row[0]: row[1] for _, row in rest}
    for _, (terms, constant) in rest:
        out[terms] = min(out[terms], constant)
    for c, (lower, first) in below:
        for d, (upper, second) in above:
            total = {y: -d * v for y, v in lower}
            for y, v in upper:
                total[y] = total.get(y, 0) + c * v
            terms, constant = _tight({y: v for y, v in total.items() if v}, c * second - d * first)
            out[terms] = min(out.get(terms, constant), constant)
    return list(out.items())


def eliminate(letters: Iterable[Expr], rows: Sequence[Row]) -> list[Row] | None:
    """The inequalities that follow for the other letters."""
    waiting = set(letters)
    found: list[Row] | None = list(rows)
    while waiting and found is not None:
        costs = {y: _cost(y, found) for y in waiting}
        x = min(waiting, key=costs.__getitem__)
        waiting.discard(x)
        found = _without(x, found)
        if found is not None and any(not terms and constant < 0 for terms, constant in found):
            return found
    return found


def _cost(x: Expr, rows: Sequence[Row]) -> tuple[int, str]:
    signs = [c for terms, _ in rows for y, c in terms if y == x]
    return sum(c > 0 for c in signs) * sum(c < 0 for c in signs), str(x)


def project(d: Expr, others: Iterable[Expr], known: Iterable[Expr], /) -> list[Expr]:
    """The upper ends that ``known`` gives ``d``, free of ``others``; each is an expression."""
    found = eliminate(others, _rows(known)) or []
    ends = []
    for terms, constant in found:
        row = dict(terms)
        if row.get(d) == -1:
            del row[d]
            ends.append(sp.Add(*[c * x for x, c in row.items()], constant))
    return ends


def implies(known: Iterable[Expr], e: Expr, /) -> bool:
    """Whether ``e >= 0`` follows from the inequalities ``known``; what cannot be shown does not follow.

    >>> k, q, N = sp.symbols("k q N", integer=True)
    >>> implies([q - 1, k - q, N - k], N - q), implies([q - 1, k - q, N - k], N - k - 1)
    (True, False)
    """
    asked = linear(e)
    if asked is None:
        return False
    if not asked[0]:
        return asked[1] >= 0
    rows = _rows(known)
    if any(terms == asked[0] and constant <= asked[1] for terms, constant in rows):
        return True
    opposite = _tight({x: -c for x, c in asked[0]}, -asked[1] - 1)
    rows = _connected(opposite, rows)
    found = eliminate({x for terms, _ in rows for x, _ in terms}, rows)
    return found is not None and any(constant < 0 for terms, constant in found if not terms)


def _connected(start: Row, rows: Sequence[Row]) -> list[Row]:
    """The inequalities that share letters with ``start``, directly or through others."""
    reached = {x for x, _ in start[0]}
    waiting, chosen = list(rows), [start]
    while near := [row for row in waiting if any(x in reached for x, _ in row[0])]:
        waiting = [row for row in waiting if row not in near]
        chosen += near
        reached |= {x for terms, _ in near for x, _ in terms}
    return chosen
