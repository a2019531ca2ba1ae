r"""Sums of which some terms are written, $x_1+x_2+\dots+x_N$: the sum over an index, where the terms say which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy import Dummy, Expr, Indexed

from hesslib.calculus.index import Tensor, layers_of, slots_of
from hesslib.calculus.normal import equal
from hesslib.calculus.terms import WorkLimitError

from .grammar import Node

if TYPE_CHECKING:
    from .meaning import Meaning


def with_dots(reader: Meaning, node: Node, /) -> Expr:
    """The value of a sum with dots in it, once: the terms before them start at 1, the one behind them is the last.

    Errors: `ReadingError` if the terms do not say what the others are.
    """
    parts = [part for part in node if part.kind == "term"]
    signs = _signs(node)
    places = [place for place, part in enumerate(parts) if _dots(part)]
    if len(places) != 1 or not 0 < places[0] < len(parts) - 1:
        raise reader.fail("dots stand between terms, once in a sum", node)
    at = places[0]
    values = [reader._scalar(reader.term(list(part.parts), part), part) for part in parts if part is not parts[at]]
    terms = [sign * value for sign, value in zip(signs[:at] + signs[at + 1 :], values, strict=True)]
    k = Dummy("k", integer=True)
    found = _last(terms[at], k)
    if found is None or signs[at] < 0:
        raise reader.fail("what the dots stand for is not clear: the term behind them is not a last one", parts[at])
    body, size = found
    for first in range(at):  # the terms before the first one belong to no run
        run = terms[first:at]
        if all(_same(body.xreplace({k: sp.Integer(place)}), term) for place, term in enumerate(run, 1)):
            return sp.Add(*terms[:first], sp.Sum(body, (k, 1, size)), *terms[at + 1 :])
    raise reader.fail("what the dots stand for is not clear from the terms around them", parts[at])


def _same(one: Expr, other: Expr) -> bool:
    try:
        return equal(one, other)
    except (ValueError, TypeError, ArithmeticError, WorkLimitError):  # one of them has no meaning, or is too large
        return False


def _signs(node: Node) -> list[int]:
    signs, sign = [], 1
    for part in node:
        if part.kind == "sign":
            sign = -1 if part.parts[0].kind == "MINUS" else 1
        else:
            signs.append(sign)
            sign = 1
    return signs


def _dots(part: Node) -> bool:
    """Whether a term is dots and nothing else, without scripts."""
    leaf: Any = part
    while len(leaf.parts) == 1:
        (leaf,) = leaf.parts
    return leaf.kind == "DOTS"


def _last(term: Expr, k: Any) -> tuple[Expr, Expr] | None:
    """The term with ``k`` for the index that is the last one of its slot everywhere, and the size of that slot."""
    ends: set[Expr] = set()
    places: dict[Expr, Expr] = {}
    for x in term.atoms(Indexed):
        if not isinstance(x.base, Tensor):
            continue
        sizes = x.base.sizes(*layers_of(x))
        slots = [k if slot == size else slot for slot, size in zip(slots_of(x), sizes, strict=True)]
        ends |= {size for slot, size in zip(slots_of(x), sizes, strict=True) if slot == size}
        places[x] = Indexed(x.base, *layers_of(x), *slots)
    return (term.xreplace(places), *ends) if len(ends) == 1 else None
