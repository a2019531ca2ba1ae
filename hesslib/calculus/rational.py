r"""Partial fractions under a sum: $\frac{\lambda_i}{\alpha+\lambda_i}=1-\frac{\alpha}{\alpha+\lambda_i}$.

A factor $D^{-1}$ whose denominator $D=c\,m+r$ is linear in one of its quantities $m$ (the main one) is brought
to a form with no $m$ in the numerator and no two such denominators multiplied. That form is unique.
"""

from __future__ import annotations

import sympy as sp
from sympy import Add, Dummy, Expr, Function, Indexed, Mul, Pow, Sum

from .index import Diff
from .terms import Term, key


def _quantities(e: Expr) -> set[Expr]:
    """The indexed quantities and functions that ``e`` is a polynomial in, if it is one."""
    if isinstance(e, (Indexed, Function, Diff)):
        return {e}
    return set().union(*[_quantities(x) for x in e.args]) if isinstance(e, (Add, Mul, Pow)) else set()


def _anonymous(m: Expr) -> str:
    """The order of quantities must not depend on how bound indices happen to be called."""
    return key(m.xreplace({d: sp.Symbol("_") for d in m.free_symbols if isinstance(d, Dummy)}))


def _linear(base: Expr, m: Expr) -> tuple[Expr, Expr] | None:
    """(c, r) with base = c m + r, or None if the base is not linear in m."""
    u = Dummy("u")
    c = sp.diff(base.xreplace({m: u}), u)
    return None if c.has(u) or c == 0 else (c, sp.expand(base.xreplace({m: u}) - c * u))


def split(t: Term, /) -> Expr | None:
    """One step towards partial fractions: an expression equal to the product of the term, or None if there is none."""
    powers = {f.base: f for f in t.factors if isinstance(f, Pow) and f.exp.is_Integer and f.exp < 0 and (f.base.is_Add or f.base in _quantities(f.base))}
    bases = [b for b in powers if not b.has(Sum)]
    main: dict[Expr, dict[Expr, tuple[Expr, Expr]]] = {}
    for b in sorted(bases, key=_anonymous):  # every denominator has one main quantity, else the steps would circle
        for m in sorted(_quantities(b), key=_anonymous, reverse=True):
            if (cr := _linear(b, m)) is not None:
                main.setdefault(m, {})[b] = cr
                break
    for m, linear in main.items():
        (base, (c, r)), *others = linear.items()
        if m in t.factors:  # m = (D - r) / c
            rest = list(t.factors)
            rest.remove(m)
            return Add(*[t.coeff * Mul(*rest, x) for x in (base / c, *[-y / c for y in Add.make_args(r)])])
        if others:  # 1/(D D') = (c/D - c'/D') / (c r' - c' r)
            other, (c2, r2) = others[0]
            rest = list(t.factors)
            rest.remove(powers[base])
            rest.remove(powers[other])
            rest += [Pow(base, powers[base].exp + 1), Pow(other, powers[other].exp + 1)]
            gap = sp.expand(c * r2 - c2 * r)
            if gap == 0:
                return t.coeff * Mul(*rest, c / c2, Pow(base, -2))
            return Add(*[t.coeff * Mul(*rest, Pow(gap, -1), x) for x in (c / base, -c2 / other)])
    return None
