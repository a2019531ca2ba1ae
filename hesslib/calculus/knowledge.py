r"""What a question knows of its letters: how far indices run, and that sizes are positive whole numbers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from contextvars import ContextVar

import sympy as sp
from sympy import Expr, Indexed, Sum

from .index import Width, letters_of
from .inequalities import implies, linear
from .terms import RESERVED


class Known:
    """Ranges, sizes and what is presupposed.

    ``tops``: letter -> the last value of its range; ``sizes``: letters that are sizes; ``depths``: quantity -> its
    last layer; ``presupposed``: what is not negative because the formula speaks of an entry with that number.
    """

    def __init__(self) -> None:
        self.tops: dict[Expr, Expr] = {}
        self.sizes: set[Expr] = set()
        self.depths: dict[Expr, Expr] = {}
        self.presupposed: set[Expr] = set()

    def is_size(self, x: Expr, /) -> bool:
        """Whether a letter, or a product of letters, is at least 1 because it is a size or an index."""
        if isinstance(x, (sp.Mul, sp.Pow)):
            return all(a.is_Integer or self.is_size(a) for a in x.args)
        if isinstance(x, Indexed):
            return isinstance(x.base, Width)
        return x in self.tops or x in self.sizes or bool((x.is_integer and x.is_positive) or RESERVED.fullmatch(str(x)))

    def indices(self, e: Expr, /) -> set[Expr]:
        """The index letters in an expression: those of which no size is made."""
        return {x for x in letters_of(e) if x not in self.sizes and not x.is_positive}

    def about(self, e: Expr, /, more: Iterable[Expr] = (), tops: dict[Expr, Expr] | None = None) -> list[Expr]:
        """Inequalities for the letters of ``e``, and for those that their ranges depend on.

        ``tops`` are ranges that hold instead of the known ones.
        """
        facts: list[Expr] = [*more, *self.presupposed]
        seen: set[Expr] = set()
        waiting = [e, *facts]
        while waiting:
            row = linear(waiting.pop())
            for x, _ in row[0] if row else ():
                if x in seen:
                    continue
                seen.add(x)
                top = tops.get(x) if tops and x in tops else self.tops.get(x)
                if top is not None:
                    facts += [x - 1, top - x]
                    waiting.append(top)
                elif self.is_size(x):
                    facts.append(x - 1)
        return facts

    def proves(self, e: Expr, /, more: Iterable[Expr] = (), tops: dict[Expr, Expr] | None = None) -> bool:
        """Whether ``e >= 0``, if also the inequalities ``more`` hold."""
        return e.is_nonnegative is True or implies(self.about(e, more, tops), e)


_known: ContextVar[Known | None] = ContextVar("_known", default=None)


def known() -> Known:
    """What the present question knows."""
    return _known.get() or Known()


@contextlib.contextmanager
def knowing(what: Known, /) -> Iterator[None]:
    """Answer what is inside with this knowledge."""
    token = _known.set(what)
    try:
        yield
    finally:
        _known.reset(token)


def learn(e: Expr, /) -> None:
    """Note how far the bound indices of ``e``, which are fresh, run."""
    tops = known().tops
    for s in e.atoms(Sum):
        tops.update({v: size for v, _, size in s.limits})
