r"""What a chain holds fixed must not vary: neither by another rule for the same derivative, nor by its own definition.

A stop-gradient slip is of this kind: the mean held fixed in one link, and defined by what is varied in another. Nor may
one name have two meanings in a chain.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from sympy import Expr, Function, Indexed, Symbol

from .comparison import told_apart
from .index import Diff, Tensor, freshen, layers_of, signature
from .normal import equal
from .provenance import Ground, silence
from .results import UNDECIDED, matched

__all__ = ["ContradictionError"]


class ContradictionError(ValueError):
    """A chain holds fixed in one place what varies in another."""


def require_consistent(grounds: Iterable[Ground], /) -> None:
    """Refuse two meanings of one name, and to hold fixed what varies: by another rule, or by its own definition.

    Errors: `ContradictionError`.
    """
    grounds = list(grounds)
    require_one_meaning(grounds)
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


def require_one_meaning(grounds: Iterable[Ground], /) -> None:
    """Refuse two definitions of one quantity that differ, and two facts that say two numbers of one formula.

    A layer of its own may have a definition of its own, and a definition in words of other quantities may be another
    one unfolded: neither is compared.

    Errors: `ContradictionError`.
    """
    equations = [g for g in grounds if g.kind in ("definition", "fact") and isinstance(g.right, Expr)]
    for first, second in itertools.combinations(equations, 2):
        if _contradict(first, second):
            raise ContradictionError(f"two grounds of the chain contradict each other: {first}; {second}")


@functools.lru_cache(maxsize=1 << 16)  # chains inherit their grounds, so the same pairs come again and again
def _contradict(first: Ground, second: Ground) -> bool:
    """Whether the two give different meanings to one name, or different numbers to one formula."""
    if first.kind != second.kind or first.left.func != second.left.func or first.right == second.right:
        return False
    one, other = first.right, second.right
    if first.kind == "fact":
        numbers = not one.atoms(Indexed, Function) and not other.atoms(Indexed, Function)
        if not (numbers and signature(first.left) == signature(second.left)):
            return False
    else:
        letters: dict[Expr, Expr] = {}
        if not _same_place(first.left, second.left, letters) or _quantities(one) != _quantities(other):
            return False
        one, other = freshen(one).xreplace(letters), freshen(other)
    with silence():
        return signature(one) != signature(other) and told_apart(one, other) and not _equal(one, other)


def _same_place(x: Expr, y: Expr, letters: dict[Expr, Expr]) -> bool:
    """Whether two names are of one quantity, in the same layers, at letters that correspond."""
    if not isinstance(x, Indexed) or not isinstance(y, Indexed):
        return x == y
    if x.base != y.base or (isinstance(x.base, Tensor) and layers_of(x) != layers_of(y)):
        return False
    letters.update(zip(x.indices, y.indices, strict=True))
    return all(s.is_Symbol for s in x.indices) and len(set(y.indices)) == len(y.indices) == len(letters)


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


def _quantities(x: Expr) -> set[Any]:
    """The heads that are no letters of indices."""
    return {head for head in _heads(x) if not (isinstance(head, Symbol) and head.is_integer)}


def _name(head: Any) -> str:
    return getattr(head, "name_", str(head))
