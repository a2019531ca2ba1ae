r"""What may stand below a fraction line: nothing that is zero for some of the indices.

A quantity below a line is taken to be different from zero, as whoever wrote it must. But $x_k-x_p$ is zero at $k=p$
whatever $x$ is, and $1-I_{kp}$ too: under a sum over all $k$ such a denominator is refused, and nowhere is one made.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import sympy as sp
from sympy import Dummy, Expr, Indexed, Symbol

from .index import Elementwise, KroneckerDelta, letters_of
from .indicators import Holds
from .inequalities import linear
from .knowledge import known
from .terms import RESERVED

__all__ = ["MayVanishError"]


class MayVanishError(ValueError):
    """A denominator is made of indices, and it is not known that they keep it from being zero."""


MOST_SWITCHES = 4
"""So many deltas and indicators are tried in a denominator, each with 0 and 1."""


def _indices(e: Expr) -> set[Expr]:
    return {x for x in known().indices(e) if x.is_integer}


def _coincidences(e: Expr) -> Iterator[dict[Expr, Expr]]:
    """The ways to let indices of ``e`` coincide, with each other or with numbers."""
    letters = sorted(_indices(e), key=str)
    numbers = sorted({p for x in e.atoms(Indexed) for p in x.indices if p.is_Integer}, key=str)
    for p, q in itertools.combinations(letters, 2):
        yield {p: q}
    for p, number in itertools.product(letters, numbers):
        yield {p: number}
    for q in (*letters, *numbers):
        yield {p: q for p in letters if p != q}


def _switched(e: Expr) -> Iterator[Expr]:
    """``e`` with every delta and indicator in it either 0 or 1."""
    switches = sorted((f for f in e.atoms(KroneckerDelta, Holds) if letters_of(f) <= letters_of(e)), key=str)
    if len(switches) > MOST_SWITCHES:
        yield sp.S.Zero
        return
    for values in itertools.product((0, 1), repeat=len(switches)):
        on = [f for f, value in zip(switches, values, strict=True) if value and isinstance(f, KroneckerDelta)]
        merged = {f.args[0]: f.args[1] for f in on if isinstance(f.args[0], Symbol)}
        yield e.xreplace(dict(zip(switches, map(sp.Integer, values), strict=True))).xreplace(merged)


def may_vanish(e: Expr, /) -> dict[Expr, Expr] | None:
    """Where a denominator is zero whatever its quantities are: the indices that coincide there; None if nowhere."""
    if e.has(KroneckerDelta, Holds) and any(sp.expand(x) == 0 for x in _switched(e)):
        return {}
    if not e.is_Add:
        return None
    for together in _coincidences(e):
        if together and sp.expand(e.xreplace(together)) == 0:
            return together
    return None


def require_nonzero(e: Expr, /) -> None:
    """Refuse a denominator that is zero for some values of bound indices, or of indices alone.

    Errors: ``ValueError`` that says where; `MayVanishError`, one of its kind, where that is not known.
    """
    if e == 0:
        raise ValueError("something is divided by zero")
    letters = _indices(e)
    if any(RESERVED.fullmatch(str(x)) for x in letters):
        return  # a canonical name stands for several letters; the denominator was looked at before
    where = may_vanish(e)
    if where is not None and (not where or any(isinstance(p, Dummy) for p in (*where, *where.values()))):
        place = ", ".join(f"{p} = {q}" for p, q in where.items()) or "for some of its indices"
        raise ValueError(f"something is divided by zero: {e} is zero {'at ' * bool(where)}{place}")
    of_indices = letters and not e.has(Indexed, Elementwise, sp.Function) and letters_of(e) >= letters
    if of_indices and linear(e) is not None and not known().proves(e - 1) and not known().proves(-e - 1):
        raise MayVanishError(f"something may be divided by zero: {e} is not shown to be different from zero")
