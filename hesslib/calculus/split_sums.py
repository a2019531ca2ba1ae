r"""Sums over cut domains, compared: $\sum_{k\le N}x_k=\sum_{k\le N-1}x_k+x_N$, a triangle and its mirror image.

Only a decision that the normal form leaves open comes here, so that no formula is displayed in pieces. A step writes
a term as several: the whole domain less a few points, a half and its complement, two halves of a symmetric square.
"""

from __future__ import annotations

import sympy as sp
from sympy import Expr, Rational

from .canonical import Names
from .domains import conditions, in_range, proves, slots, solved, substituted
from .index import KroneckerDelta, letters_of
from .indicators import Holds
from .inequalities import linear
from .knowledge import known
from .terms import Term, charge, key, renamed

MOST_POINTS = 4
"""So many points are taken out of a sum, or written out."""


def cut(t: Term, names: Names, /) -> list[Term] | None:
    """Terms that add up to ``t``, nearer to sums over whole ranges; None if there is nothing to do."""
    charge(20, "comparing the domains of sums")
    t = _roomy(t)
    return _written_out(t) or _filled(t) or _widened(t) or _turned(t, names)


def _roomy(t: Term) -> Term:
    """The term with ranges as long as the slots, where its indicators cut off as much."""
    cut_ones = {d for u in conditions(t) for d in letters_of(u)}
    for d in [d for d in t.dummies if d in cut_ones]:
        for end in sorted({end for _, _, p, end in slots(t.factors) if p == d}, key=key):
            wide = Term(t.coeff, t.factors, t.dummies | {d: end})
            if end != t.dummies[d] and proves(wide, t.dummies[d] - d):
                t = wide
    return t


def _written_out(t: Term) -> list[Term] | None:
    """A sum over few numbers, term by term."""
    for d, size in t.dummies.items():
        if size.is_Integer and size <= MOST_POINTS:
            return [substituted(t, d, sp.Integer(value)) for value in range(1, int(size) + 1)]
    return None


def _without(t: Term, u: Expr) -> Term:
    return Term(t.coeff, [f for f in t.factors if f != Holds(u)], t.dummies)


def _times(t: Term, f: Expr, number: Expr = sp.S.One) -> Term:
    return renamed(Term(number * t.coeff, [*t.factors, f], t.dummies))


def _equals(u: Expr, value: int, dummies: dict[Expr, Expr]) -> Expr:
    """The delta that says that ``u`` has a value."""
    for d in sorted(letters_of(u), key=lambda x: (x not in dummies, str(x))):
        e = solved(u - value, d)
        if e is not None:
            return KroneckerDelta(d, e)
    return KroneckerDelta(u, value)


def _filled(t: Term) -> list[Term] | None:
    """An indicator that leaves out a few points: all, less these."""
    for u in sorted(conditions(t), key=key):
        rest = _without(t, u)
        for points in range(1, MOST_POINTS + 1):
            outside = Term(t.coeff, [*rest.factors, Holds(-u - 1)], t.dummies)
            if proves(outside, u + points):
                if not in_range(rest):
                    break
                return [
                    renamed(rest),
                    *[_times(rest, _equals(u, -s, t.dummies), -sp.S.One) for s in range(1, points + 1)],
                ]
    return None


def _widened(t: Term) -> list[Term] | None:
    """A sum that ends a few numbers before the slots that its index fills: all, less the last ones."""
    cut_ones = {d for u in conditions(t) for d in letters_of(u)}
    for d, size in t.dummies.items():
        if d in cut_ones or any(d in letters_of(s) for s in t.dummies.values()):
            continue
        ends = {end for _, _, p, end in slots(t.factors) if p == d}
        for end in sorted(ends, key=key):
            gap = sp.expand(end - size)
            if gap.is_Integer and 1 <= gap <= MOST_POINTS:
                wide = renamed(Term(t.coeff, t.factors, t.dummies | {d: end}))
                e = dict(zip(t.dummies, wide.dummies, strict=True))[d]
                if in_range(wide):
                    known().tops.update(wide.dummies)
                    return [wide, *[_minus(substituted(wide, e, end - s)) for s in range(int(gap))]]
    return None


def _minus(t: Term) -> Term:
    return Term(-t.coeff, t.factors, t.dummies)


def _turned(t: Term, names: Names) -> list[Term] | None:
    """An indicator the other way round, or with another constant; half of the whole if the rest is symmetric."""
    bare = [f for f in t.factors if not isinstance(f, Holds)]
    for u in sorted(conditions(t), key=key):
        row = linear(u)
        if row is None:
            continue
        rest, slopes = _without(t, u), dict(row[0])
        if not in_range(rest):
            continue
        tie, lead = _lead(bare, t, slopes, names)
        if slopes[lead] < 0 and not tie:
            return [renamed(rest), _times(rest, Holds(-u - 1), -sp.S.One)]
        constant = row[1]
        if 0 < abs(constant) <= MOST_POINTS:
            moved = Holds(u - constant)
            values = range(-constant, 0) if constant > 0 else range(-constant)
            sign = sp.S.One if constant > 0 else -sp.S.One
            plain = u - constant
            return [_times(rest, moved), *[_times(rest, _equals(plain, v, t.dummies), sign) for v in values]]
        if tie and constant == 0 and len(slopes) == 2 and sum(slopes.values()) == 0:
            a, b = slopes
            if names.twins(rest.factors, t.dummies, a, b):
                return [_times(rest, sp.S.One, Rational(1, 2)), _times(rest, KroneckerDelta(a, b), Rational(1, 2))]
    return None


def _lead(bare: list[Expr], t: Term, slopes: dict[Expr, int], names: Names) -> tuple[bool, Expr]:
    """The letter whose sign an indicator is written by, and whether another one could as well be."""
    inside = [d for d in t.dummies if d in slopes]
    if not inside:
        return False, max(slopes, key=key)
    colour = names.refine(bare, t.dummies, dict.fromkeys(t.dummies, 0))
    first = max(colour[d] for d in inside)
    leaders = [d for d in inside if colour[d] == first]
    if len(leaders) > 1:
        return True, leaders[0]
    return False, leaders[0]
