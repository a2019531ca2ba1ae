r"""Results derived so far, to be recognised where a later derivation uses them.

A chain is a result: its left side equals its right side, at any values of its letters, on the grounds that it has. Who
uses that equation, under whatever guise, inherits the grounds; so an approximation can't become an equality by being
put in by hand.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import sympy as sp
from sympy import Expr, Indexed, Symbol

from .comparison import told_apart
from .index import Diff, RangeError, freshen, signature
from .normal import equal
from .provenance import Ground, report, silence
from .terms import WorkLimitError

__all__ = ["inserting"]

UNDECIDED = (RangeError, WorkLimitError, TypeError, ValueError, RuntimeError, LookupError, AssertionError)
"""What the calculus raises where it can't decide."""


Result = Any
"""A chain of `Steps` (which is made of these functions): its ``lhs``, ``result``, ``grounds`` and ``at``."""

_results: dict[str, list[tuple[Result, tuple[Any, ...]]]] = {}
MOST_KEPT = 500
"""How many results are remembered for one kind of left side; the oldest are forgotten first."""


def remember(chain: Result, /) -> None:
    """Keep a chain as a result that later ones may use, in the place of one that says the same on the same grounds."""
    if isinstance(chain.lhs, (Indexed, Diff, Symbol)):
        kept = _results.setdefault(_kind(chain.lhs), [])
        what = _says(chain)
        kept[:] = [(other, says) for other, says in kept if other is not chain and says != what][1 - MOST_KEPT :]
        kept.append((chain, what))


@contextlib.contextmanager
def forgetting() -> Iterator[None]:
    """What is derived inside is known inside only.

    >>> from .steps import Steps
    >>> y, x = sp.symbols("y x")
    >>> with forgetting():
    ...     chain = Steps(y).then(2 * x, using={y: lambda: 2 * x})
    >>> earlier(y) is None
    True
    """
    before = {kind: list(kept) for kind, kept in _results.items()}
    try:
        yield
    finally:
        _results.clear()
        _results.update(before)


def _says(chain: Result) -> tuple[Any, ...]:
    """What a chain says, and on which grounds, as something to compare."""
    own = frozenset(
        (g.kind, *[x if isinstance(x, str) else signature(x) for x in (g.left, g.right) if x is not None])
        for g in chain.own
    )
    return signature(chain.lhs), signature(chain.result), chain.established, own


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
    others = set()  # what was found to be another equation: many chains say the same, on other grounds
    for chain, (left, right, *_) in reversed(_results.get(_kind(x), [])):
        letters: dict[Expr, Expr] = {}
        if (left, right) in others or not matched(chain.lhs, x, letters):
            continue
        values = {s: value for s, value in letters.items() if s != value}
        with silence():
            try:
                if body is not None and not _is_equal(freshen(chain.result).xreplace(values), body):
                    others.add((left, right))
                    continue
                return chain, chain.at(values)
            except UNDECIDED:
                continue
    return None


def _is_equal(x: Expr, y: Expr) -> bool:
    """Whether two formulas are equal: most are told apart by a value, or are alike as they stand."""
    return signature(x) == signature(y) or (not told_apart(x, y) and equal(x, y))


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
                letters: dict[Expr, Expr] = {}
                if matched(chain.lhs, x, letters):
                    values[x] = chain.at({s: value for s, value in letters.items() if s != value})
        if values:
            report(Ground("result", chain.lhs, chain.result, about=chain), rewriting=apply)
        return e.xreplace(values)

    return apply
