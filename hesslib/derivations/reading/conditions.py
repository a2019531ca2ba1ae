r"""A condition in brackets as a number: $[1\le u\le I]$ is 1 where it holds, and 0 elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy as sp
from sympy import Expr

from hesslib.calculus.indicators import at_most

from .grammar import Node

if TYPE_CHECKING:
    from .meaning import Meaning

RISING, FALLING = {r"\le": 0, r"\leq": 0, "<": 1, r"\lt": 1}, {r"\ge": 0, r"\geq": 0, ">": 1, r"\gt": 1}
"""How much less than the one above the smaller number must be."""


def indicator(reader: Meaning, atom: Node, /) -> Expr:
    """The product of the indicators of a chain of comparisons between whole numbers; all of them point one way."""
    sides = [_whole(reader, part) for part in atom if part.kind == "expression"]
    signs = [part for part in atom if part.kind == "LESS"]
    for direction in (RISING, FALLING):
        if all(sign.value in direction for sign in signs):
            pairs = zip(sides, signs, sides[1:], strict=False)
            ordered = [(one, sign, other) if direction is RISING else (other, sign, one) for one, sign, other in pairs]
            return sp.Mul(*[at_most(one + direction[sign.value], other) for one, sign, other in ordered])
    raise reader.fail("comparisons in one bracket point in one direction", atom)


def _whole(reader: Meaning, side: Node) -> Expr:
    value = reader.expression(side)
    if not isinstance(value, Expr) or not value.is_integer:
        raise reader.fail("a condition in brackets compares indices and sizes", side)
    layered = {letter for letter in reader.vocabulary.symbols.values() if letter.is_integer}
    if reader.vocabulary.last is not None and value.free_symbols & layered:
        raise reader.fail("which layers there are is understood; a condition on a layer number is not decided", side)
    return value
