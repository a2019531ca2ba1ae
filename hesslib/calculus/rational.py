r"""Partial fractions under a sum: $\frac{\lambda_i}{\alpha+\lambda_i}=1-\frac{\alpha}{\alpha+\lambda_i}$.

A factor $D^{-1}$ whose denominator $D=c\,m+r$ is linear in one of its quantities $m$ (the main one) is brought
to a form with no $m$ in the numerator and no two such denominators multiplied. That form is unique. Where only the
names of bound indices would decide which quantity is the main one, or which of two denominators comes first, the
product is left as it is.
"""

from __future__ import annotations

import functools

import sympy as sp
from sympy import Add, Dummy, Expr, Function, Indexed, Mul, Pow, Sum

from .denominators import may_vanish
from .index import Diff, letters_of
from .terms import Term, charge, key


def _quantities(e: Expr, *more: type) -> set[Expr]:
    """The indexed quantities and functions (and ``more``) that ``e`` is a polynomial in, if it is one."""
    if isinstance(e, (Indexed, Function, Diff, *more)):
        return {e}
    return set().union(*[_quantities(x, *more) for x in e.args]) if isinstance(e, (Add, Mul, Pow)) else set()


def _anonymous(e: Expr) -> str:
    """A key that does not depend on how bound indices happen to be called."""
    return key(e.xreplace({d: sp.Symbol("_") for d in letters_of(e) if isinstance(d, Dummy)}))


@functools.lru_cache(maxsize=10_000)
def factored(f: Expr, /) -> Expr:
    r"""A denominator as a product of what divides it: numbers, scalars, and factors of positive sign.

    So $1/(2\alpha\lambda-2\alpha\mu)$ and $-\frac1{2\alpha}/(\mu-\lambda)$ are the same product. What is no such
    denominator comes back as it is.
    """
    if not (isinstance(f, Pow) and f.exp.is_Integer and f.exp < 0 and f.base.is_Add):
        return f
    letters = {m: Dummy("m") for m in sorted(_quantities(f.base, Sum), key=key)}
    flat = f.base.xreplace(letters)
    if not flat.is_polynomial(*letters.values()):
        return f
    charge(20 * len(flat.args), "factoring a denominator")
    top, bottom = sp.fraction(sp.together(flat))
    content, parts = sp.factor_list(top)
    back = {letter: m for m, letter in letters.items()}
    product = [content / bottom, *[_positive(p.xreplace(back)) ** k for p, k in parts]]
    sign = sp.cancel(flat / Mul(*[x.xreplace(letters) for x in product]))
    return Mul(*[x**f.exp for x in (sign, *product)])


def _positive(part: Expr) -> Expr:
    """The factor or its negative: the one whose first term is positive, in an order that letters do not decide."""
    if not part.is_Add:
        return part
    first, *others = sorted(part.args, key=lambda x: _anonymous(x.as_coeff_Mul()[1]))
    decided = _anonymous(first.as_coeff_Mul()[1]) != _anonymous(others[0].as_coeff_Mul()[1])
    return -part if decided and first.could_extract_minus_sign() else part


def _linear(base: Expr, m: Expr) -> tuple[Expr, Expr] | None:
    """(c, r) with base = c m + r, or None if the base is not linear in m."""
    u = Dummy("u")
    c = sp.diff(base.xreplace({m: u}), u)
    return None if c.has(u) or c == 0 else (c, sp.expand(base.xreplace({m: u}) - c * u))


def _main(base: Expr) -> tuple[Expr, tuple[Expr, Expr]] | None:
    """The main quantity of a denominator, and (c, r): the last one it is linear in, if letters do not decide which."""
    found = [(_anonymous(m), m, cr) for m in _quantities(base) if (cr := _linear(base, m)) is not None]
    found.sort(key=lambda entry: entry[0], reverse=True)
    if not found or (len(found) > 1 and found[0][0] == found[1][0]):
        return None
    return found[0][1], found[0][2]


def split(t: Term, /) -> Expr | None:
    """One step towards partial fractions: an expression equal to the product of the term, or None if there is none."""
    powers = {f.base: f for f in t.factors if isinstance(f, Pow) and f.exp.is_Integer and f.exp < 0 and f.base.is_Add}
    main: dict[Expr, dict[Expr, tuple[Expr, Expr]]] = {}
    for b in sorted(powers, key=_anonymous):
        if not b.has(Sum) and (found := _main(b)) is not None:
            main.setdefault(found[0], {})[b] = found[1]
    for m, linear in main.items():
        if len({_anonymous(b) for b in linear}) < len(linear):
            continue
        (base, (c, r)), *others = linear.items()
        if m not in t.factors and not others:
            continue
        charge(20, "splitting into partial fractions")
        rest = list(t.factors)
        if m not in t.factors:
            c2, r2 = others[0][1]
            gap = sp.expand(c * r2 - c2 * r)
            if may_vanish(gap) is not None:
                continue
        if m in t.factors:  # m = (D - r) / c
            rest.remove(m)
            return Add(*[t.coeff * Mul(*rest, 1 / c, x) for x in (base, *[-y for y in Add.make_args(r)])])
        other = others[0][0]  # 1/(D D') = (c/D - c'/D') / (c r' - c' r)
        rest.remove(powers[base])
        rest.remove(powers[other])
        rest += [Pow(base, powers[base].exp + 1), Pow(other, powers[other].exp + 1)]
        if gap == 0:
            return t.coeff * Mul(*rest, c / c2, Pow(base, -2))
        return Add(*[t.coeff * Mul(*rest, Pow(gap, -1), *x) for x in ((c, 1 / base), (-c2, 1 / other))])
    return None
