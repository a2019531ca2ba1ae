r"""A link that uses a fact, decided by values that satisfy the fact.

The normal form decides such a link after the fact was used on both sides; that it was used rightly, it can't see. Here
both sides are evaluated as they stand, before the fact was used, at numbers at which it holds: the fact is an equation
at all values of its letters, and if it is linear in the entries of one of its quantities, those are solved for
($\sum_kt_k=1$ for one of the $t_k$, $HX=I$ for X). Where that can't be done, the link was decided once, and why is
told.

Longer than one sitting: the worlds, and the linear equations that make a fact hold in them.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import sympy as sp
from sympy import Expr, Indexed
from sympy.core.function import Function

from .comparison import _with_numbered_letters
from .evaluation import Label, World, entry, program
from .index import Diff
from .prime_field import NoValueError, Residues, UndecidableError
from .provenance import Ground
from .trial_values import Letters, worlds

__all__ = ["UnfaithfulError", "unconfirmed"]

Equation = tuple[Expr, Expr | None]
"""Left minus right, and the quantity that it defines, if it is a definition."""

WORLDS = 4
MOST_EQUATIONS = MOST_UNKNOWNS = 16
"""So large may the systems be that are solved; larger worlds are left out."""


class UnfaithfulError(ArithmeticError):
    """A rewriting did something else than the fact says that it declares."""


class Recorded(Residues):
    """Random values that remember which of them must be positive."""

    def __init__(self, seed: str, level: int = 0) -> None:
        super().__init__(seed, level)
        self.must_be_positive: set[Any] = set()

    def draw(self, key: Any, *, positive: bool = False) -> int:
        if positive:
            self.must_be_positive.add(key)
        return super().draw(key, positive=positive)


def unconfirmed(x: Expr, y: Expr, facts: Sequence[Ground], /) -> str:
    """Why values that satisfy the facts do not confirm that two formulas are equal; nothing if they do.

    Errors: `UnfaithfulError` if the values satisfy the facts, and differ.

    >>> from .index import S, Tensor
    >>> K, c = sp.Symbol("K", integer=True), sp.Symbol("c")
    >>> t = Tensor("t", shape=(K,))
    >>> total = S("k", K, lambda k: t[k])
    >>> unconfirmed(c * total, c, [Ground("fact", total, sp.S.One)])
    ''
    >>> unconfirmed(c * S("k", K, lambda k: t[k] ** 2), c, [Ground("fact", S("k", K, lambda k: t[k] ** 2), sp.S.One)])
    'no values were found that satisfy the fact'
    """
    if any(isinstance(g.left, str) for g in facts):
        return "its fact is a sentence, which has no values"
    sides = [sp.sympify(e) for g in facts for e in (g.left, g.right)]
    x, y, *sides = _with_numbered_letters([x, y, *sides])
    told = list(zip(facts, sides[::2], sides[1::2], strict=True))
    bare = [left if isinstance(left, Indexed) and not right.has(left.base) else None for _, left, right in told]
    equations = [(left - right, alone) for (g, left, right), alone in zip(told, bare, strict=True) if g.kind == "fact"]
    # a definition gives what it defines its value, the last one first: those before it may mention that
    equations += [(left - right, left) for g, left, right in reversed(told) if g.kind != "fact"]
    try:
        return _unconfirmed(x, y, equations)
    except UndecidableError as reason:
        return str(reason)
    except RecursionError:
        return "it is nested deeper than the interpreter's stack"


def _unconfirmed(x: Expr, y: Expr, equations: Sequence[Equation]) -> str:
    formulas = [x, y, *[e for e, _ in equations]]
    letters = Letters(formulas)
    same, why = 0, "no values were found that satisfy the fact"
    for world in worlds(letters, letters.candidates()[:3], 3 * WORLDS, "fact"):
        with contextlib.suppress(NoValueError, OverflowError):
            here = _solved(world, equations)
            if here is None:
                return why
            if here.value(x) != here.value(y):
                if x.has(Diff) or y.has(Diff):
                    return "its fact is used under a derivative, and values satisfy it at one point only"
                if any(not isinstance(f, sp.KroneckerDelta) for e in formulas for f in e.atoms(Function)):
                    return "where its fact holds, it depends on what its functions are"
                raise UnfaithfulError("where the fact holds that it assumes, the two sides have different values")
            same += 1
        if same >= WORLDS:
            break
    return "" if same >= WORLDS // 2 else why


def _solved(world: World, equations: Sequence[Equation]) -> World | None:
    """The world with values at which all equations hold at all values of their indices; None if none are found."""
    numbers = Recorded(world.name)
    for e, defined in equations:
        if not _solve(world, numbers, e, defined):
            return None
    holds = all(value == 0 for e, _ in equations for value in _gaps(world, numbers, e))
    return world.with_numbers(numbers) if holds else None


def _gaps(world: World, numbers: Recorded, e: Expr) -> list[int]:
    """The values of an equation, left minus right, at all values of its indices."""
    here, run = world.with_numbers(numbers), program(e)
    return [run(here, at, ()) for at in _places(world, e)]


def _places(world: World, e: Expr) -> list[dict[Expr, int]]:
    """All values of the indices of an equation; one that stands in a delta alone is given, and keeps its value."""
    letters = Letters([e])
    ends = [range(1, letters.end(s, world, 1) + 1) for s in letters.slots]
    places = list(itertools.islice(itertools.product(*ends), MOST_EQUATIONS + 1))
    if len(places) > MOST_EQUATIONS:
        raise OverflowError
    return [{**world.integers, **dict(zip(letters.slots, at, strict=True))} for at in places]


def _solve(world: World, numbers: Recorded, e: Expr, defined: Expr | None) -> bool:
    """Give the entries of one quantity, or of the one that is ``defined``, values with which the equation holds."""
    before = dict(numbers._drawn)
    if not any(_gaps(world, numbers, e)):
        return True
    if isinstance(defined, Indexed):
        which, here = entry(defined), world.with_numbers(numbers)
        labels = [which(here, at) for at in _places(world, e)]
        if not numbers.must_be_positive.intersection(labels):
            numbers._drawn.update(dict.fromkeys(labels, 0))
            numbers._drawn.update(zip(labels, [-gap % numbers.p for gap in _gaps(world, numbers, e)], strict=True))
            return True  # whether the equation holds is looked at when all of them are solved
    mentioned = set(numbers._drawn)
    if defined is not None:
        numbers._drawn = {}
        _gaps(world, numbers, defined)
        mentioned = set(numbers._drawn)
        numbers._drawn = before
        _gaps(world, numbers, e)
    groups: dict[Label, list[Label]] = {}
    for key in numbers._drawn:
        able = key[0] in ("entry", "symmetric", "symbol", "derivative") and key not in numbers.must_be_positive
        if able and key in mentioned:
            groups.setdefault(_quantity(key), []).append(key)
    new_first = sorted(groups.values(), key=lambda keys: all(key in before for key in keys))
    return any(_solve_for(world, numbers, e, keys) for keys in new_first if len(keys) <= MOST_UNKNOWNS)


def _quantity(key: Label) -> Label:
    return ("derivative", key[1][:3]) if key[0] == "derivative" else key if key[0] == "symbol" else key[:3]


def _solve_for(world: World, numbers: Recorded, e: Expr, keys: Sequence[Label]) -> bool:
    """The same, where the equation is linear in the quantity whose entries are ``keys``."""
    p, drawn = numbers.p, [numbers._drawn[key] for key in keys]

    def gaps(values: Sequence[int]) -> list[int]:
        numbers._drawn.update(zip(keys, values, strict=True))
        return _gaps(world, numbers, e)

    units = [[int(s == t) for s in range(len(keys))] for t in range(len(keys))]
    at_zero = gaps([0] * len(keys))
    columns = [[(u - z) % p for u, z in zip(gaps(unit), at_zero, strict=True)] for unit in units]
    rows = [[*row, -z % p] for *row, z in zip(*columns, at_zero, strict=True)]
    values = _eliminated(rows, drawn, p)
    if values is not None and not any(gaps(values)):
        return True
    numbers._drawn.update(zip(keys, drawn, strict=True))
    return False


def _eliminated(rows: list[list[int]], drawn: Sequence[int], p: int) -> list[int] | None:
    """A solution of linear equations modulo p in which what they leave free has the values that were drawn."""
    pivots: dict[int, list[int]] = {}
    for given in rows:
        row = given
        for column, pivot in pivots.items():
            row = [(a - row[column] * b) % p for a, b in zip(row, pivot, strict=True)]
        lead = next((column for column in _columns(row) if row[column]), None)
        if lead is None:
            if row[-1]:
                return None
            continue
        inverse = pow(row[lead], -1, p)
        row = [a * inverse % p for a in row]
        pivots = {c: [(a - r[lead] * b) % p for a, b in zip(r, row, strict=True)] for c, r in pivots.items()}
        pivots[lead] = row
    values = list(drawn)
    for lead, row in pivots.items():
        others = sum(row[c] * drawn[c] for c in _columns(row) if c not in pivots)
        values[lead] = (row[-1] - others) % p
    return values


def _columns(row: Sequence[int]) -> Iterator[int]:
    return iter(range(len(row) - 1))
