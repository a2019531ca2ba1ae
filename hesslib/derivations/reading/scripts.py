r"""The scripts of a letter: indices, layer numbers, primes, a power, a transpose; in whatever order they stand.

Longer than one sitting: indices, numbers and primes are read by the same signs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import sympy as sp
from sympy import Expr

from hesslib.calculus.index import Width

from .grammar import Node
from .place import ReadingError
from .vocabulary import Vocabulary

Fail = Callable[..., ReadingError]


@dataclass
class Scripts:
    """What stands above and below a letter."""

    below: list[Node] = field(default_factory=list)  # the signs of the subscript
    above: list[list[Node]] = field(default_factory=list)  # of each superscript
    primes: int = 0
    bare: bool = True  # nothing at all


def leaves(node: Node) -> Iterator[Node]:
    """The signs in a script, braces among them only where they hold the script of an index."""
    if not node.parts:
        yield node
    for part in node.parts:
        yield from leaves(part)


def scripts_of(factor: Node, fail: Fail) -> Scripts:
    """The scripts of a factor, taken apart."""
    found = Scripts(bare=len(factor.parts) == 1)
    for script in factor.parts[1:]:
        if script.kind == "prime":
            found.primes += 1
            continue
        signs = list(leaves(script.parts[1]))
        if len(signs) > 1 and signs[0].kind == "LBRACE":
            signs = signs[1:-1]
        if script.kind == "below":
            if found.below:
                raise fail("a second subscript of the same letter", script)
            found.below = signs
        elif signs and all(sign.kind == "PRIME" for sign in signs):
            found.primes += len(signs)
        else:
            found.above.append([_round(sign) for sign in signs])
    return found


def _round(sign: Node) -> Node:
    """A square bracket of a superscript as a round one: $a^{[l]}$ is $a^{(l)}$."""
    kind = {"LSQUARE": "LROUND", "RSQUARE": "RROUND"}.get(sign.kind, sign.kind)
    return replace(sign, kind=kind)


def split(signs: Sequence[Node], kind: str = "COMMA") -> list[list[Node]]:
    """The signs between commas."""
    parts: list[list[Node]] = [[]]
    depth = 0
    for sign in signs:
        depth += (sign.kind in ("LBRACE", "LROUND")) - (sign.kind in ("RBRACE", "RROUND"))
        if sign.kind == kind and depth == 0:
            parts.append([])
        else:
            parts[-1].append(sign)
    return [part for part in parts if part]


def number(signs: Sequence[Node], vocabulary: Vocabulary, fail: Fail, bound: dict[str, Expr] | None = None) -> Expr:
    """A layer number, a size or an exponent: letters, numbers, brackets, a fraction with a slash; also n with an index.

    A slash reaches over one factor, as between numbers in a line.
    """
    value, place = _sum(signs, 0, vocabulary, fail, bound or {})
    if place < len(signs):
        raise fail("this bracket was never opened", signs[place])
    return sp.expand(value)


def _sum(
    signs: Sequence[Node], place: int, vocabulary: Vocabulary, fail: Fail, bound: dict[str, Expr]
) -> tuple[Expr, int]:
    """The number that begins at ``place``, and where the bracket around it closes, or the signs end."""
    total, sign, term, divide = sp.Integer(0), 1, None, False
    while place < len(signs):
        here = signs[place]
        if here.kind in ("RROUND", "RBRACE"):
            break
        if here.kind in ("PLUS", "MINUS"):
            if divide:
                raise fail("a slash needs a number on both sides", here)
            total += sign * (term if term is not None else 0)
            sign, term = (1 if here.kind == "PLUS" else -1), None
            place += 1
            continue
        if here.kind == "SLASH":
            if term is None or divide:
                raise fail("a slash needs a number on both sides", here)
            divide = True
            place += 1
            continue
        if here.kind == "NUMBER" and len(here.value) > 9:
            raise fail("a number with more than 9 digits is not read here", here)
        if here.kind in ("LROUND", "LBRACE"):
            value, place = _sum(signs, place + 1, vocabulary, fail, bound)
            if place >= len(signs):
                raise fail("this bracket is not closed", here)
        elif here.kind == "FRAC":
            value, place = _fraction(signs, place, vocabulary, fail, bound)
        elif here.kind == "NUMBER":
            value = sp.Rational(here.value)
        elif here.kind == "LETTER":
            value, place = _letter(signs, place, vocabulary, fail, bound)
        else:
            raise fail(f"{here.value!r} cannot stand in a number", here)
        if divide and value == 0:
            raise fail("a division by zero", here)
        term = value if term is None else term / value if divide else term * value
        divide = False
        place += 1
    if divide:
        raise fail("a slash needs a number on both sides", signs[place - 1])
    return total + sign * (term if term is not None else 0), place


def _fraction(
    signs: Sequence[Node], place: int, vocabulary: Vocabulary, fail: Fail, bound: dict[str, Expr]
) -> tuple[Expr, int]:
    """The quotient of the two numbers behind the sign of a fraction, and the place of its last sign."""
    parts: list[Expr] = []
    last = place
    for _ in range(2):
        inner, last = _argument(signs, last + 1)
        digits = len(inner) == 1 and inner[0].kind == "NUMBER" and len(inner[0].value) > 1
        if not inner or (digits and signs[last].kind != "RBRACE"):
            raise fail("which digits belong to the fraction is not clear", signs[min(last, len(signs) - 1)])
        parts.append(number(inner, vocabulary, fail, bound))
    if parts[1] == 0:
        raise fail("a division by zero", signs[last])
    return parts[0] / parts[1], last


def _letter(
    signs: Sequence[Node], place: int, vocabulary: Vocabulary, fail: Fail, bound: dict[str, Expr]
) -> tuple[Expr, int]:
    here = signs[place]
    name = here.value
    if place + 1 < len(signs) and signs[place + 1].kind == "SUB":
        inner, last = _argument(signs, place + 2)
        tensor = vocabulary.tensors.get(name)
        if tensor is None or tensor.rank or not tensor.layers:
            if name in vocabulary.symbols or tensor is None:
                return vocabulary.index(name + "_" + "".join(s.value for s in inner)), last
            raise fail(f"{name} with an index is no number here", here)
        return tensor[number(inner, vocabulary, fail, bound)], last
    while place + 1 < len(signs) and signs[place + 1].kind == "PRIME":
        name, place = name + "'", place + 1
    if name in bound:
        return bound[name], place
    value = vocabulary.in_scripts.get(name, vocabulary.symbols.get(name))
    if value is None:
        return vocabulary.index(name), place
    return value, place


def _argument(signs: Sequence[Node], place: int) -> tuple[list[Node], int]:
    """What an index sign in a script takes, and the place of its last sign."""
    if place >= len(signs) or signs[place].kind != "LBRACE":
        return list(signs[place : place + 1]), place
    depth = 0
    inner: list[Node] = []
    for last in range(place, len(signs)):
        depth += (signs[last].kind == "LBRACE") - (signs[last].kind == "RBRACE")
        if depth == 0:
            return inner, last
        if last > place:
            inner.append(signs[last])
    return inner, len(signs) - 1


def _outside(signs: Sequence[Node], kind: str) -> bool:
    """Whether a sign of this kind stands outside of braces."""
    return len(split(signs, kind)) > 1 or any(sign.kind == kind for sign in (*signs[:1], *signs[-1:]))


def _primes(signs: Sequence[Node], place: int) -> tuple[int, int]:
    r"""How many primes begin at ``place``, as ``'`` or as ``^{\prime}``, and where the signs go on."""
    raised = place < len(signs) and signs[place].kind == "SUP"
    inner, last = _argument(signs, place + raised)
    if inner and all(sign.kind == "PRIME" for sign in inner):
        return len(inner), last + 1
    return 0, place


def indices(
    signs: Sequence[Node], vocabulary: Vocabulary, fail: Fail, bound: dict[str, Expr]
) -> list[tuple[str, Expr]]:
    """The indices of a subscript, each with its name as it is written; side by side, or between commas."""
    found: list[tuple[str, Expr]] = []
    for part in split(signs):
        if any(_outside(part, kind) for kind in ("PLUS", "MINUS", "SLASH")):
            found.append(("".join(sign.value for sign in part), number(part, vocabulary, fail, bound)))
            continue
        place = 0
        while place < len(part):
            here = part[place]
            place += 1
            if here.kind in ("LBRACE", "RBRACE"):
                continue
            if here.kind == "NUMBER":
                digits = [here.value] if len(split(signs)) > 1 else list(here.value)
                found += [(digit, sp.Integer(digit)) for digit in digits]
                continue
            if here.kind not in ("LETTER", "TOP"):
                raise fail(f"{here.value!r} is no index", here)
            name = here.value
            if place < len(part) and part[place].kind == "SUB":
                inner, last = _argument(part, place + 1)
                width = vocabulary.tensors.get(name)
                if isinstance(width, Width):  # the last index
                    found.append((name, width[number(inner, vocabulary, fail, bound)]))
                    place = last + 1
                    continue
                name, place = name + "_" + "".join(sign.value for sign in inner), last + 1
            while (primes := _primes(part, place))[0]:
                name, place = name + "'" * primes[0], primes[1]
            found.append((name, bound.get(name, vocabulary.index(name))))
    return found
