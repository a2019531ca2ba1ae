r"""A formula rewritten by a function: whether that follows from what is known, and if not, what it takes for granted.

A rewriting function may be anything. What it did is looked at instead: the formula before and the formula after are
equal, or become so by the definitions and facts that the function reports, or by results derived before. Where none of
that explains it, the equation that it takes for granted is recorded, term by term, for the reader to see.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sympy as sp
from sympy import Add, Expr, Indexed, Symbol

from .index import Diff, RangeError, freshen
from .let import unfold_lets
from .normal import difference, equal
from .provenance import Ground, Grounds, collecting, report, silence
from .terms import WorkLimitError

__all__ = ["ContradictionError", "inserting"]

UNDECIDED = (RangeError, WorkLimitError, TypeError, ValueError, RuntimeError, LookupError, AssertionError)
"""What the calculus raises where it can't decide."""


class ContradictionError(ValueError):
    """A chain holds fixed in one place what varies in another."""


Result = Any
"""A chain of `Steps` (which is made of these functions): its ``lhs``, ``result``, ``grounds`` and ``at``."""

_results: dict[str, list[Result]] = {}
MOST_KEPT = 500
"""How many results are remembered for one kind of left side; the oldest are forgotten first."""


def remember(chain: Result, /) -> None:
    """Keep a chain as a result that later ones may use."""
    if isinstance(chain.lhs, (Indexed, Diff, Symbol)):
        kept = _results.setdefault(_kind(chain.lhs), [])
        if not any(chain is other for other in kept):
            kept.append(chain)
            del kept[:-MOST_KEPT]


def _kind(x: Expr) -> str:
    if isinstance(x, Diff):
        return f"Diff {_kind(x.operand)}"
    return str(x.base) if isinstance(x, Indexed) else type(x).__name__ + (x.name if isinstance(x, Symbol) else "")


def matched(pattern: Expr, x: Expr, letters: dict[Expr, Expr], /) -> bool:
    """Whether ``x`` is ``pattern`` at some values of its letters, which are put into ``letters``.

    >>> from .index import Tensor, index
    >>> (i, j), t = index("i j"), Tensor("t", shape=(3, 3))
    >>> matched(t[i, j], t[j, 1], found := {}), found
    (True, {i: j, j: 1})
    """
    if type(pattern) is Symbol and pattern.is_integer and not pattern.name.isupper():
        return letters.setdefault(pattern, x) == x
    if pattern.func != x.func or len(pattern.args) != len(x.args):
        return bool(sp.sympify(pattern).is_Add and _offset(pattern, x, letters))
    return pattern == x if not pattern.args else all(map(lambda p, y: matched(p, y, letters), pattern.args, x.args))


def _offset(pattern: Expr, x: Expr, letters: dict[Expr, Expr]) -> bool:
    """A layer number such as l + 1 is at L what l is at L - 1."""
    free = [s for s in pattern.free_symbols if not s.name.isupper()]
    return len(free) == 1 and letters.setdefault(free[0], sp.expand(x - pattern + free[0])) == sp.expand(
        x - pattern + free[0]
    )


def earlier(x: Expr, body: Expr | None = None, /) -> tuple[Result, Expr] | None:
    """A result whose left side is ``x``, at some letters, and its right side there (equal to ``body``, if given)."""
    for chain in reversed(_results.get(_kind(x), [])):
        letters: dict[Expr, Expr] = {}
        if not matched(chain.lhs, x, letters):
            continue
        with silence():
            try:
                found = chain.at({s: value for s, value in letters.items() if s != value})
                if body is None or equal(found, body):
                    return chain, found
            except UNDECIDED:
                continue
    return None


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


def inserting(chain: Result, /) -> Callable[[Expr], Expr]:
    """The rewriting of the left side of an earlier result as its right side, wherever it stands, at any letters.

    >>> from .index import Tensor, index
    >>> from .steps import Steps
    >>> x, y, (i, j) = Tensor("x", shape=(3,)), Tensor("y", shape=(3,)), index("i j")
    >>> inserting(Steps(y[i]).then(2 * x[i], using={y: lambda i: 2 * x[i]}))(y[j] ** 2)
    4*x[j]**2
    """

    def apply(e: Expr) -> Expr:
        e = freshen(e)
        values: dict[Expr, Expr] = {}
        with silence():
            for x in e.atoms(type(chain.lhs)):
                if matched(chain.lhs, x, letters := {}):
                    values[x] = chain.at({s: value for s, value in letters.items() if s != value})
        if values:
            report(Ground("result", chain.lhs, chain.result, about=chain), rewriting=apply)
        return e.xreplace(values)

    return apply


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
        for insert in (unfold_lets, *known):
            e, found = insert(e), insert(found)
        return equal(e, found)
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


def require_consistent(grounds: Iterable[Ground], /) -> None:
    """Refuse to hold fixed what varies: by another rule for the same derivative, or by its own definition.

    Errors: `ContradictionError`.
    """
    grounds = list(grounds)
    _require_one_rule([g for g in grounds if g.kind == "varied"])
    fixed = {(g.left, g.right): g for g in grounds if g.kind == "held fixed"}
    varied = {(g.left, g.right) for g in grounds if g.kind == "varied"}
    for head, by in fixed:
        if (head, by) in varied:
            raise ContradictionError(_says(head, by, f"{_name(head)} varies in another link"))
        if by.held is not None:
            continue
        moved = {_head(by.op), *[other for other, also in varied if also == by]}
        for other in grounds:
            if other.kind in ("definition", "result") and _head(other.left) == head and moved & _heads(other.right):
                raise ContradictionError(_says(head, by, f"it depends on it: {other}"))


def _require_one_rule(varied: Sequence[Ground]) -> None:
    """Refuse two derivatives of one name that have different values."""
    for first, second in itertools.combinations(varied, 2):
        if (first.left, first.right) != (second.left, second.right) or first.about == second.about:
            continue
        letters: dict[Expr, Expr] = {}
        (there, value), (here, other) = first.about, second.about
        with silence():
            alike = _heads(value) == _heads(other)  # else one may be the other by a definition
            if alike and matched(there, here, letters) and not _equal(value.xreplace(letters), other):
                raise ContradictionError(
                    f"the derivative by {_name(_head(first.right.op))} varies {_name(first.left)} in two ways; the two "
                    'derivatives need different names: Derivation(op, rules, held="...")'
                )


def _equal(x: Expr, y: Expr) -> bool:
    try:
        return equal(x, y)
    except UNDECIDED:
        return True  # it is not known that they differ


def _says(head: Any, by: Diff, why: str) -> str:
    return (
        f"the derivative by {_name(_head(by.op))} holds {_name(head)} fixed, but {why}; a partial derivative "
        'that holds it fixed needs a name of its own: Derivation(op, rules, held="...")'
    )


def _head(x: Expr) -> Any:
    return x.base if isinstance(x, Indexed) else x


def _heads(x: Expr) -> set[Any]:
    return {_head(y) for y in x.atoms(Indexed, Symbol)}


def _name(head: Any) -> str:
    return getattr(head, "name_", str(head))
