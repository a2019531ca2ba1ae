r"""Signs that are brackets though LaTeX has no pair for them: ``{x \over y}``, and the bars of a norm."""

from __future__ import annotations

from collections.abc import Sequence

from lark import Token

OPENING = {"LROUND", "LSQUARE", "LCURLY", "LBRACE", "LANGLE"}
CLOSING = {"RROUND", "RSQUARE", "RCURLY", "RBRACE", "RANGLE"}


def with_fractions(tokens: list[Token]) -> list[Token]:
    r"""``{x \over y}`` as ``\frac{x}{y}``."""
    while (place := next((p for p, token in enumerate(tokens) if token.type == "OVER"), None)) is not None:
        start, stop = _group_around(tokens, place)
        if start is None or stop is None or (start, stop) == _group_around(tokens, _next_over(tokens, place)):
            return tokens  # and then it is refused
        over, opened, closed = tokens[place], tokens[start], tokens[stop]
        sign = Token("FRAC", over.value, start_pos=over.start_pos, end_pos=over.end_pos)
        middle = [_like(closed, "RBRACE", over), _like(opened, "LBRACE", over)]
        quotient = [sign, opened, *tokens[start + 1 : place], *middle, *tokens[place + 1 : stop], closed]
        if start and tokens[start - 1].type in ("SUB", "SUP", "FRAC", "SQRT", "RBRACE"):  # the braces are needed
            quotient = [opened, *quotient, closed]
        tokens = tokens[:start] + quotient + tokens[stop + 1 :]
    return tokens


def _next_over(tokens: Sequence[Token], place: int) -> int:
    return next((p for p in range(place + 1, len(tokens)) if tokens[p].type == "OVER"), 0)


def _like(token: Token, kind: str, place: Token) -> Token:
    return Token(kind, token.value, start_pos=place.start_pos, end_pos=place.end_pos)


def _group_around(tokens: Sequence[Token], place: int) -> tuple[int | None, int | None]:
    """The braces around a place."""
    ends: list[int | None] = []
    for run, out, into in (
        (range(place - 1, -1, -1), "LBRACE", "RBRACE"),
        (range(place, len(tokens)), "RBRACE", "LBRACE"),
    ):
        depth, found = 0, None
        for p in run:
            if tokens[p].type == out:
                if depth == 0:
                    found = p
                    break
                depth -= 1
            depth += tokens[p].type == into
        ends.append(found)
    return ends[0], ends[1]


def _doubled(tokens: Sequence[Token]) -> list[Token]:
    """Two bars side by side, which are the sign of a norm, as one."""
    found: list[Token] = []
    for token in tokens:
        last = found[-1] if found else None
        if last is not None and last.value == token.value == "|" and last.end_pos == token.start_pos:
            found[-1] = Token("BAR", "||", start_pos=last.start_pos, end_pos=token.end_pos)
        else:
            found.append(token)
    return found


def with_bars(tokens: list[Token]) -> list[Token]:
    r"""Bars that open and close a norm told apart, $\|x\|$; those in scripts stay as they are."""
    found: list[Token] = []
    tokens = _doubled(tokens)
    script = 0  # how deep in the braces of a script
    open_bars: list[int] = []  # how deep in brackets each stands
    depth = 0
    for place, token in enumerate(tokens):
        if script or (token.type == "LBRACE" and place and tokens[place - 1].type in ("SUB", "SUP")):
            script += (token.type == "LBRACE") - (token.type == "RBRACE")
            found.append(token)
            continue
        depth += (token.type in OPENING) - (token.type in CLOSING)
        if token.type != "BAR":
            found.append(token)
            continue
        closes = bool(open_bars) and open_bars[-1] == depth
        open_bars = open_bars[:-1] if closes else [*open_bars, depth]
        found.append(Token("RBAR" if closes else "LBAR", token.value, start_pos=token.start_pos, end_pos=token.end_pos))
    return found
