r"""The grammar of a formula, in Lark: what belongs to what. What a letter means is decided later.

A term is a row of factors; sums, products and derivatives that stand alone act on all that follows in their term.
Scripts are kept as they stand, since only a letter knows whether its superscript is a layer or a power.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput
from lark.lexer import Lexer

from .brackets import CLOSING, OPENING, with_bars, with_fractions
from .place import MAX_NESTING, MAX_SUMS, MAX_TOKENS, ReadingError, TooLargeError

GRAMMAR = r"""
start: expression
expression: sign? term (sign term)*
sign: PLUS | MINUS
term: piece+
piece: factor | operation
operation: TIMES | HAD | SLASH | OUTER
factor: atom script*
script: SUB argument -> below | SUP argument -> above | PRIME -> prime
argument: LBRACE raw* RBRACE | single
single: LETTER | NUMBER | TOP | STAR | PRIME | NAME
raw: LBRACE raw* RBRACE | LETTER | NUMBER | TOP | STAR | PRIME | NAME | PLUS | MINUS | EQUALS | COMMA | LROUND
   | RROUND | LSQUARE | RSQUARE | SUB | SUP | LESS | IN | TIMES | SLASH | DOTS | STOP | PARTIAL | NABLA | FRAC
   | BAR | INFTY | NOTE | SUM
atom: LETTER | NUMBER | NAME | SUM | PROD | PARTIAL | NABLA | DOTS
    | FRAC slot slot -> fraction
    | SQRT slot -> root
    | LROUND expression (COMMA expression)* RROUND -> round
    | LSQUARE expression RSQUARE -> square
    | LSQUARE expression (LESS expression)+ RSQUARE -> indicator
    | LCURLY expression RCURLY -> curly
    | LBAR expression RBAR -> norm
    | LBRACE expression RBRACE -> group
    | LBRACE RBRACE -> nothing
slot: LBRACE expression RBRACE | LETTER | NUMBER
%declare PLUS MINUS TIMES HAD SLASH OUTER SUB SUP PRIME LBRACE RBRACE LETTER NUMBER TOP STAR NAME EQUALS COMMA LROUND
%declare RROUND LSQUARE RSQUARE LESS IN DOTS STOP PARTIAL NABLA FRAC BAR SUM PROD SQRT LCURLY RCURLY INFTY NOTE
%declare LBAR RBAR
"""


@dataclass
class Node:
    """A part of a formula: its kind, the token it rests on if it is a leaf, its parts, and its place in the text."""

    kind: str
    value: str = ""
    parts: list[Node] = field(default_factory=list)
    start: int = 0
    stop: int = 0

    def __iter__(self) -> Iterator[Node]:
        return iter(self.parts)


class _Ready(Lexer):
    """Hands Lark the tokens that the scanner made."""

    def __init__(self, lexer_conf: Any) -> None:
        pass

    def lex(self, lexer_state: Any, parser_state: Any = None) -> Iterator[Token]:
        yield from lexer_state


@functools.cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", lexer=_Ready, maybe_placeholders=False)


def parse(tokens: Sequence[Token], text: str, /) -> Node:
    """The tree of one side of an equation.

    Errors: `ReadingError` at the place where the formula breaks off or goes on wrongly; a formula that is too deep, too
    long or has too many sums is refused before it is read.
    """
    require_bounds(tokens, text)
    tokens = with_bars(with_fractions(list(tokens)))
    end = tokens[-1].end_pos if tokens else len(text)
    try:
        tree = _parser().parse(tokens)
    except UnexpectedInput as why:
        token = getattr(why, "token", None)
        if not isinstance(token, Token) or token.type == "$END":
            raise ReadingError("the formula breaks off here", text, max(0, (end or 1) - 1), end) from None
        start, stop = token.start_pos or 0, token.end_pos
        what = f"{text[start:stop]!r} cannot stand here"
        raise ReadingError(what, text, start, stop) from None
    return _node(tree.children[0], text)


def require_bounds(tokens: Sequence[Token], text: str, /) -> None:
    """Refuse what would take too long, and brackets that do not close."""
    if len(tokens) > MAX_TOKENS:
        what = f"the formula has {len(tokens)} signs; at most {MAX_TOKENS} are read"
        raise TooLargeError(what, text, tokens[MAX_TOKENS].start_pos or 0)
    sums = [token for token in tokens if token.type in ("SUM", "PROD")]
    if len(sums) > MAX_SUMS:
        what = f"the formula has {len(sums)} sums; at most {MAX_SUMS} are read"
        raise TooLargeError(what, text, sums[MAX_SUMS].start_pos or 0)
    open_brackets: list[Token] = []
    for token in tokens:
        if token.type in OPENING:
            open_brackets.append(token)
            if len(open_brackets) > MAX_NESTING:
                what = f"brackets stand more than {MAX_NESTING} deep"
                raise TooLargeError(what, text, token.start_pos or 0)
        elif token.type in CLOSING:
            if not open_brackets:
                raise ReadingError("this bracket was never opened", text, token.start_pos or 0, token.end_pos)
            opened = open_brackets.pop()
            if opened.type[1:] != token.type[1:]:
                raise ReadingError(f"this closes {opened.value!r}", text, token.start_pos or 0, token.end_pos)
    if open_brackets:
        last = open_brackets[-1]
        raise ReadingError("this bracket is not closed", text, last.start_pos or 0, last.end_pos)


def _node(tree: Any, text: str) -> Node:
    if isinstance(tree, Token):
        return Node(tree.type, str(tree), [], tree.start_pos or 0, tree.end_pos or 0)
    assert isinstance(tree, Tree)
    parts = [_node(child, text) for child in tree.children]
    start = parts[0].start if parts else 0
    return Node(str(tree.data), "", parts, start, max((part.stop for part in parts), default=start))
