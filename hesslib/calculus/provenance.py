r"""What a chain of equalities rests on: definitions, facts, earlier results, what was held fixed, what was neglected.

An equality is decided between two expressions, and the ways from a formula to what is decided are where a false one
could slip in. Each of them reports here what it used, a `Ground`; the chain keeps the grounds, the ledger prints them,
and whatever is built on the chain inherits them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from sympy import Expr

from .latex import tex, with_letters

__all__ = ["Ground", "Grounds"]

SAYS = {
    "definition": "by definition",
    "fact": "assuming",
    "name": "by name",
    "result": "by an earlier result",
    "held fixed": "held fixed under",
    "varied": "varied under",
    "rule": "by the rule",
    "condition": "where nothing vanishes in",
    "rewriting": "taken for granted",
    "neglect": "neglecting",
}
"""The kinds of grounds, and how the ledger introduces them."""


@dataclass(frozen=True)
class Ground:
    """One thing that a chain rests on: an equation, a quantity that was held fixed, or a sentence.

    >>> x, y = sp.symbols("x y")
    >>> print(Ground("fact", x, y))
    assuming $x = y$
    """

    kind: str
    left: Any
    right: Any = None
    relation: str = "="
    about: Any = field(default=None, compare=False, repr=False)  # the object behind it, to tell contradictions

    def __post_init__(self) -> None:
        if self.kind not in SAYS:
            raise ValueError(f"a ground is of the kind {self.kind!r}; it must be one of {', '.join(SAYS)}")

    def __str__(self) -> str:
        if isinstance(self.left, str):
            return f"{SAYS[self.kind]} {self.left}"
        left, right = with_letters(self.left, self.right)
        if right is None:
            return f"{SAYS[self.kind]} ${tex(left)}$"
        return f"{SAYS[self.kind]} ${tex(left)} {self.relation} {tex(right)}$"


class Grounds:
    """An ordered set of grounds that contradict each other nowhere.

    >>> grounds = Grounds()
    >>> grounds.add(Ground("neglect", "the second term"))
    >>> grounds.established, [str(g) for g in grounds]
    ('approximation', ['neglecting the second term'])
    """

    def __init__(self, grounds: Iterable[Ground] = ()) -> None:
        self._grounds: dict[Ground, None] = {}
        self.rewritings: list[
            Callable[[Expr], Expr]
        ] = []  # what was applied, in order, to explain a whole by its parts
        for g in grounds:
            self.add(g)

    def add(self, ground: Ground, /) -> None:
        """One more, unless it is there already."""
        self._grounds.setdefault(ground)

    def update(self, grounds: Iterable[Ground], /) -> None:
        """All of ``grounds`` as well."""
        for g in grounds:
            self.add(g)

    def __iter__(self) -> Iterator[Ground]:
        return iter(self._grounds)

    def __len__(self) -> int:
        return len(self._grounds)

    @property
    def established(self) -> str:
        """How what rests on these is known, as a word of the ledger."""
        kinds = {g.kind for g in self}
        return "approximation" if "neglect" in kinds else "conditional" if "rewriting" in kinds else "derived"

    @property
    def lines(self) -> tuple[str, ...]:
        """What the ledger prints, each ground once: by kind, and within a kind by its words, the same in every run."""
        kinds = [*SAYS]
        told = sorted(
            {str(g): kinds.index(g.kind) for g in self if g.kind not in ("held fixed", "varied")}.items(),
            key=lambda ground: (ground[1], ground[0]),
        )
        fixed: dict[str, set[str]] = {}
        for g in self:
            if g.kind == "held fixed":
                fixed.setdefault(tex(g.right.op), set()).add(f"${tex(g.left)}$")
        held = [f"by ${op}$, held fixed: {', '.join(sorted(names))}" for op, names in sorted(fixed.items())]
        return (*(words for words, _ in told), *held)


_open: ContextVar[Grounds | None] = ContextVar("_open", default=None)


@contextlib.contextmanager
def collecting() -> Iterator[Grounds]:
    """Collect what everything inside reports."""
    grounds = Grounds()
    token = _open.set(grounds)
    try:
        yield grounds
    finally:
        _open.reset(token)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Work of which nothing is reported, because it decides nothing."""
    token = _open.set(None)
    try:
        yield
    finally:
        _open.reset(token)


def report(*grounds: Ground, rewriting: Callable[[Expr], Expr] | None = None) -> None:
    """Tell the chain that is being built, if there is one, what is used."""
    found = _open.get()
    if found is None:
        return
    found.update(grounds)
    if rewriting is not None:
        found.rewritings.append(rewriting)


def conditions(*sides: Expr) -> list[Ground]:
    """The denominators that must not vanish for the formulas to mean anything."""
    bases: dict[Expr, None] = {}
    for side in sides:
        for power in sp.sympify(side).atoms(sp.Pow):
            if power.exp.is_Number and power.exp.is_negative and not power.base.is_nonzero:
                bases.setdefault(power.base)
    return [Ground("condition", b) for b in sorted(bases, key=str)]
