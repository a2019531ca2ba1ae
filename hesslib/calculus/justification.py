r"""A formula rewritten by a function: whether that follows from what is known, and if not, what it takes for granted.

A rewriting function may be anything. What it did is looked at instead: the formula before and the formula after are
equal, or become so by the definitions and facts that the function reports, or by results derived before. Where none of
that explains it, the equation that it takes for granted is recorded, term by term, for the reader to see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sympy as sp
from sympy import Add, Expr, Indexed, Symbol

from .held_fixed import ContradictionError, require_consistent
from .index import Diff, freshen
from .let import unfold_lets
from .normal import difference, equal
from .provenance import Ground, Grounds, collecting, report, silence
from .results import UNDECIDED, Result, earlier


def recognised(used: Iterable[Ground], /) -> list[Ground]:
    """The grounds, with an equation that is an earlier result called one."""
    out: dict[Ground, None] = {}
    for g in used:
        if g.kind in ("definition", "fact") and isinstance(g.left, (Indexed, Symbol, Diff)):
            known = earlier(g.left, g.right)
            if known is not None and known[0].established != "conditional":  # what is declared stays declared
                g = Ground("result", g.left, g.right, about=known[0])  # noqa: PLW2901
        out.setdefault(g)
    return list(out)


def expanded(own: Iterable[Ground], /) -> Grounds:
    """The grounds of a chain with those of the earlier results among them.

    A result that was only recognised, and whose grounds contradict those of the chain, is of other quantities with the
    same names: the equation is then taken for granted.
    """
    own = list(own)
    plain = [g for g in own if g.kind != "result" or g.about is None]
    out = Grounds(plain)
    for g in own:
        if g.kind != "result" or g.about is None:
            continue
        theirs = list(g.about.grounds)
        try:
            require_consistent([*plain, *theirs])
        except ContradictionError:
            if g.about.grounds.established == "derived":
                out.add(Ground("rewriting", g.left, g.right))
                continue
        out.add(g)
        out.update(theirs)
    return out


def rewritten(e: Expr, function: Callable[[Expr], Any], known: Sequence[Callable[[Expr], Expr]] = (), /) -> Expr:
    """``function(e)``, after what that takes for granted was reported; ``known`` insert what the chain has defined."""
    with collecting() as used:
        found = sp.sympify(function(e))
    report(*used)
    with silence():
        explained = _follows(e, found, used.rewritings) or _unfolded_alike(e, found, known)
        results = [] if explained else _by_results(e, found)
    if explained:
        return found
    if results:
        report(*[Ground("result", chain.lhs, chain.result, about=chain) for chain in results])
        return found
    with silence():
        left, right = _changed(e, found)
    report(Ground("rewriting", left, right))
    return found


def _follows(e: Expr, found: Expr, rewritings: Sequence[Callable[[Expr], Expr]]) -> bool:
    """Whether the two are equal, or become so by what the function says that it applied, in its order."""
    try:
        if equal(e, found):
            return True
        for rewriting in rewritings:
            e = rewriting(e)
        if rewritings and equal(e, found):
            return True
        for rewriting in rewritings:
            found = rewriting(found)
        return bool(rewritings) and equal(e, found)
    except UNDECIDED:
        return False


def _unfolded_alike(e: Expr, found: Expr, known: Sequence[Callable[[Expr], Expr]]) -> bool:
    """Whether the two are equal once all definitions are inserted."""
    try:
        for insert in known:
            e, found = insert(e), insert(found)
        return equal(e, found) or equal(unfold_lets(e), unfold_lets(found))
    except UNDECIDED:
        return False


def _by_results(e: Expr, found: Expr) -> list[Result]:
    """The earlier results that turn one into the other, none if they do not."""
    gone = {x for x in freshen(e).atoms(Diff, Indexed, Symbol) if not found.has(x)}
    known = {x: chain for x in gone if (chain := earlier(x)) is not None}
    if not known:
        return []
    for chosen in ([x] for x in known) if len(known) > 1 else ():
        if _inserts(e, found, {x: known[x][1] for x in chosen}):
            return [known[x][0] for x in chosen]
    return [chain for chain, _ in known.values()] if _inserts(e, found, {x: y for x, (_, y) in known.items()}) else []


def _inserts(e: Expr, found: Expr, values: dict[Expr, Expr]) -> bool:
    try:
        return equal(freshen(e).xreplace(values), found)
    except UNDECIDED:
        return False


def _changed(e: Expr, found: Expr) -> tuple[Expr, Expr]:
    """The terms that the two do not share."""
    try:
        missing, extra = difference(e, found)
    except UNDECIDED:
        return e, found
    return Add(*missing), Add(*extra)
