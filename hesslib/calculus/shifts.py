r"""Changes of the summation variable: $\sum_s w_s\,z_{t+s-1}$ and its transpose, written in one way.

Where an index is computed from a bound one, $x_{k+1}$, the sum can be written in several variables. The slots of a
term are ordered, and one after the other becomes a plain letter as far as the bound indices allow.
"""

from __future__ import annotations

import sympy as sp
from sympy import Dummy, Expr, Indexed, Symbol

from .domains import proves, slots, solved
from .index import letters_of
from .indicators import Holds
from .inequalities import linear
from .knowledge import known
from .terms import Term, key


def straightened(t: Term, /) -> Term | None:
    """The term in other summation variables, in which more slots are plain; None if there is nothing to change."""
    found = [entry for entry in slots(t.factors) if letters_of(entry[2]) & t.dummies.keys()]
    if all(isinstance(p, Symbol) for _, _, p, _ in found):
        return None
    free = {d for d, size in t.dummies.items() if not letters_of(size) & t.dummies.keys()}
    nested = {x for s in t.factors for f in s.atoms(sp.Sum) for v, _, size in f.limits for x in letters_of(size)}
    free -= nested
    replaced: dict[Expr, Expr] = {}
    plain: list[Expr] = []
    tops: dict[Expr, Expr] = {}

    def rank(entry: tuple[Indexed, int, Expr, Expr]) -> tuple:
        x, place, p, _ = entry
        row = linear(p)
        return (x.base.name_, key(x.base), place, row[1] if row else 0)

    for _, _, p, size in sorted(found, key=rank):
        here = sp.expand(p.xreplace(replaced))
        if here in plain or letters_of(size) & t.dummies.keys():
            continue
        if not isinstance(p, Symbol) and not (proves(t, p - 1) and proves(t, size - p)):
            continue  # its guard is inside a function: the new letter would miss a part of the range
        if here in free and here not in plain:
            plain.append(here)
            tops[here] = t.dummies[here]
            continue
        for d in [d for d in t.dummies if d in (letters_of(here) & free) - set(plain)]:
            new = Dummy(d.name, integer=True)
            e = solved(here - new, d)
            if e is not None:
                replaced = {y: sp.expand(v.xreplace({d: e})) for y, v in replaced.items()} | {d: e}
                plain.append(new)
                tops[new] = size
                break
    if not replaced:
        return None
    sizes = {d: size for d, size in t.dummies.items() if d not in replaced} | {
        d: size for d, size in tops.items() if d not in t.dummies
    }
    cut = [Holds(u.xreplace(replaced)) for d in replaced for u in (d - 1, t.dummies[d] - d)]
    known().tops.update(sizes)
    return Term(t.coeff, [*[f.xreplace(replaced) for f in t.factors], *cut], sizes)
