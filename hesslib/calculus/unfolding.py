r"""Definitions inserted where their quantities stand, and names given to subexpressions.

What is inserted is reported, so that a chain of equalities knows what it rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp
from sympy import Basic, Expr, Indexed, Symbol

from .index import Tensor, freshen, insert
from .let import definition_of, meaning
from .normal import equal
from .provenance import Ground, report, silence

__all__ = ["rename", "unfold"]


def unfold(e: Any, definitions: Mapping[Tensor | Symbol, Callable[..., Any]], /) -> Expr:
    """Insert definitions, once: every quantity in ``definitions`` is replaced by what it stands for.

    >>> from .index import index
    >>> x, y, i = Tensor("x", shape=(3,)), Tensor("y", shape=(3,)), index("i")
    >>> unfold(x[i] ** 2, {x: lambda i: y[i] + 1})
    (y[i] + 1)**2
    """
    e = freshen(e)
    hits = [x for x in e.atoms(Indexed) if x.base in definitions]
    scalars = {s: freshen(definitions[s]()) for s in e.atoms(Symbol) if s in definitions}
    inserted: dict[Expr, Expr] = {}

    def visit(x: Basic) -> Basic:
        if isinstance(x, Indexed):
            if x not in hits:
                return x
            inserted[x] = insert(definitions[x.base], x)
            return inserted[x]
        if x in scalars:
            inserted[x] = freshen(scalars[x])
            return inserted[x]
        return x.func(*[visit(y) for y in x.args]) if x.args else x

    found = visit(e)
    report(
        *[_inserted(x, body) for x, body in inserted.items() if body != x],
        rewriting=lambda e: unfold(e, definitions),
    )
    return found


def _inserted(x: Expr, body: Expr) -> Ground:
    """That ``x`` was replaced by ``body``: its definition, unless it is a number, or what the quantity is not."""
    head = x.base if isinstance(x, Indexed) else x
    own = definition_of(head)
    kind = "fact" if body.is_number or body.has(head) else "definition"
    if own is not None:
        with silence():
            kind = "definition" if equal(meaning(x), body) else "fact"
    return Ground(kind, x, body, about=("definition", head))


def rename(e: Any, name: Callable[[Expr], Any], /) -> Expr:
    """Give names to subexpressions: ``name(x)`` returns the replacement of ``x``, or None to leave it.

    >>> from .index import index
    >>> x, i = Tensor("x", shape=(3,)), index("i")
    >>> rename(2 * x[i], lambda e: Symbol("u") if e == x[i] else None)
    2*u
    """

    def visit(x: Basic) -> Basic:
        replacement = name(x)
        if replacement is not None:
            return sp.sympify(replacement)
        return x.func(*[visit(y) for y in x.args]) if x.args and not isinstance(x, Indexed) else x

    return visit(freshen(e))
