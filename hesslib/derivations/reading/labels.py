r"""Which pattern a quantity belongs to, as it is written: $z_{nj}$, $\mathbf{x}_n$, $t^{(n)}$, $\delta^{x,l}$, $E_n$.

A display is about patterns if something in it can be nothing else. The letter of the patterns counts nothing but
patterns there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lark import Token
from sympy import Expr

from hesslib.calculus.index import Tensor

from .grammar import Node
from .notation import N, Notation
from .scripts import split

Script = tuple[str, list[Token]]


def about_patterns(tokens: Sequence[Token], notation: Notation, tensors: Mapping[str, Tensor], /) -> bool:
    """Whether something in a display says that it is about several patterns, or about a certain one."""
    letter = notation.pattern
    if not letter:
        return False
    typed = bool(notation.units)
    counted = typed or letter == notation.input  # it counts no units
    for place, token in enumerate(tokens):
        scripts = _scripts(tokens, place)
        inside = [[t.value for t in signs if t.type not in ("LBRACE", "RBRACE")] for _, signs in scripts]
        known = counted or any(part == [notation.patterns] for part in inside)
        if token.type == "SUM" and known and any(part[:1] == [letter] for part in inside):
            return True
        if token.value == notation.error and any(_says(part, letter, notation.patterns) for part in inside):
            return True
        tensor = tensors.get(token.value)
        if token.type != "LETTER" or tensor is None or not tensor.pattern:
            continue
        if any(_tells(kind, signs, letter, tensor, typed) for kind, signs in scripts):
            return True
    return False


def _says(part: Sequence[str], letter: str, last: str) -> bool:
    return [sign for sign in part if sign not in ("(", ")", "'")] in ([letter], [last])


def _tells(kind: str, signs: Sequence[Token], letter: str, tensor: Tensor, typed: bool) -> bool:
    """Whether a script of a quantity has a place for the number of a pattern, and the letter stands there."""
    told = _indices(signs)
    if kind == "SUB":
        whole = len(told) == tensor.rank + 1 and letter in (told[0], told[-1])
        return whole or (typed and told == [letter])
    if any(t.type == "COMMA" for t in signs):
        return letter in told
    return told == [letter] and (typed or not tensor.layers)


def _indices(signs: Sequence[Token]) -> list[str]:
    """The letters and numbers of a script; one that has an index of its own, $n_l$, is no letter of a pattern."""
    found: list[str] = []
    place = 0
    while place < len(signs):
        token = signs[place]
        scripts = _scripts(signs, place) if token.type == "LETTER" else []
        if token.type in ("LETTER", "NUMBER"):
            found.append("" if any(kind == "SUB" for kind, _ in scripts) else token.value)
        place += 1 + sum(1 + len(inner) for _, inner in scripts)
    return found


def _scripts(tokens: Sequence[Token], place: int) -> list[Script]:
    """The scripts of the sign at ``place``: which, and their signs."""
    found: list[Script] = []
    at = place + 1
    while at + 1 < len(tokens) and tokens[at].type in ("SUB", "SUP", "PRIME"):
        if tokens[at].type == "PRIME":
            at += 1
            continue
        kind, start, depth = tokens[at].type, at + 1, 0
        for stop in range(start, len(tokens)):
            depth += (tokens[stop].type == "LBRACE") - (tokens[stop].type == "RBRACE")
            if depth == 0:
                break
        found.append((kind, list(tokens[start : stop + 1])))
        at = stop + 1
    return found


def in_subscript(
    below: list[tuple[str, Expr]], letter: str, rank: int, typed: bool
) -> tuple[list[tuple[str, Expr]], Expr | None, str]:
    """The indices without the number of the pattern, that number, and why it can't be told, if so."""
    places = [place for place, (name, _) in enumerate(below) if name.rstrip("'") == letter]
    if rank == 0 and len(below) == 1 and (below[0][1] == N or below[0][0].isdigit()):
        return [], below[0][1], ""
    if not places and len(below) == rank + 1:  # a number says which, and N the last
        places = [p for p in (0, rank) if below[p][1] == N or below[p][0].isdigit()][:1]
    if not places:
        return below, None, ""
    if len(below) == rank + 1 and places in ([0], [rank]):
        return below[: places[0]] + below[places[0] + 1 :], below[places[0]][1], ""
    if len(below) == 1 and typed:
        return [], below[0][1], ""
    return below, None, f"{letter} counts patterns here, and this could be a pattern or a unit"


def in_superscript(above: list[list[Node]], letter: str, plain: bool) -> tuple[list[list[Node]], list[Node] | None]:
    """The superscripts without the number of the pattern, and that number; ``plain`` says that $t^n$ has one."""
    rest: list[list[Node]] = []
    number: list[Node] | None = None
    for signs in above:
        bracketed = len(signs) > 2 and signs[0].kind == "LROUND" and signs[-1].kind == "RROUND"
        inside = signs[1:-1] if bracketed else signs
        parts = split(inside)
        mine = [part for part in parts if part[0].value == letter and all(s.kind == "PRIME" for s in part[1:])]
        others = [part for part in parts if part not in mine]
        if len(mine) == 1 and number is None and (len(others) == 1 or (not others and plain)):
            number = mine[0]
            kept = others[0] if others else []
            if kept:
                rest.append([signs[0], *kept, signs[-1]] if bracketed else kept)
        else:
            rest.append(signs)
    return rest, number
