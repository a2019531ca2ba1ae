"""The readable form of an expression: contracted, like terms collected, common factors taken out.

Only how a formula looks is decided here, never whether it holds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import sympy as sp
from sympy import Add, Expr, Indexed, Mul, Symbol

from .index import KroneckerDelta, letters_of, slots_of
from .normal import build, flatten
from .terms import Term

__all__ = ["tidy"]

MAX_ARRANGEMENTS = 64
"""How many ways of writing the deltas are tried in search of common factors."""


def tidy(e: Expr, /, given: Iterable[Any] = ()) -> Expr:
    """Contract, collect, and take out what all terms share.

    ``given`` are formulas that also tell how far free indices run.

    >>> from .index import S, Tensor, index
    >>> x, i = Tensor("x", shape=(3,)), index("i")
    >>> tidy(S("j", 3, lambda j: KroneckerDelta(i, j) * x[j]) + x[i])
    2*x[i]
    """
    ts = list(flatten(e, given).values())
    if not ts:
        return sp.S.Zero
    if len(ts) == 1:
        return build(ts[0])
    choices = [_spellings(t) for t in ts]
    if math.prod(map(len, choices)) > MAX_ARRANGEMENTS:
        choices = [c[:1] for c in choices]
    free = [
        [[f for f in factors if not letters_of(f) & set(t.dummies) and _stands_alone(f)] for factors in c]
        for c, t in zip(choices, ts, strict=True)
    ]
    best = max(
        itertools.product(*[range(len(c)) for c in choices]),
        key=lambda pick: len(_common([free[t][s] for t, s in enumerate(pick)])),
    )
    common = _common([free[t][s] for t, s in enumerate(best)])
    rest = []
    for t, s in enumerate(best):
        factors = list(choices[t][s])
        for f in common:
            factors.remove(f)
        rest.append(build(ts[t], factors))
    return Mul(*common, Add(*rest)) if common else Add(*rest)


def _stands_alone(f: Expr) -> bool:
    """Whether a factor needs no other one to keep its indices in their slots."""
    return all(isinstance(p, Symbol) or p.is_Integer for x in f.atoms(Indexed) for p in slots_of(x))


def _spellings(t: Term) -> list[list[Expr]]:
    """The ways to write a term that has free deltas: I_pq f_p = I_pq f_q."""
    deltas = [f for f in t.factors if isinstance(f, KroneckerDelta)]
    if not deltas or len(deltas) > 2:
        return [t.factors]
    out = []
    for flips in itertools.product((False, True), repeat=len(deltas)):
        rest = [f for f in t.factors if not isinstance(f, KroneckerDelta)]
        for d, flip in zip(deltas, flips, strict=True):
            p, q = d.args[::-1] if flip else d.args
            if p.is_Integer:  # the letter is written as the number; the number stands for other things as well
                p, q = q, p
            rest = [f.xreplace({p: q}) for f in rest]
        out.append(rest + deltas)
    return out


def _common(lists: Sequence[Sequence[Expr]]) -> list[Expr]:
    """The factors that all lists share, with multiplicity."""
    others = [list(factors) for factors in lists[1:]]
    common = []
    for f in lists[0]:
        if all(f in factors for factors in others):
            common.append(f)
            for factors in others:
                factors.remove(f)
    return common
