r"""A text as tokens that know where they stand: spacing, colours, sizes and environments are taken away.

The macros of the book (``\pd``, ``\lay``, ``\Rop``, ``\kron``, ...) are spelled out on the way.

Longer than one sitting: one scanner, which goes into itself for every macro.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lark import Token

from hesslib.calculus.macros import MACROS

from .place import MAX_CHARACTERS, ReadingError, TooLargeError
from .signs import BRACES, FRAMES, FUNCTIONS, MARKS, NAMED, NOTES, SIGNS, SILENT, STYLES, WITH_ARGUMENT, WRITTEN

_TOKEN = re.compile(r"%[^\n]*|\s+|~|\\[a-zA-Z]+\*?|\\.|[0-9]+(?:\.[0-9]+)?|.", re.DOTALL)
ARGUMENTS = {"FRAC": 2, "SUP": 1, "SUB": 1}
"""How many arguments, of one sign each, LaTeX takes behind a sign where no braces stand."""


def scan(text: str, /, *, names: Sequence[str] = ()) -> list[Token]:
    r"""The tokens of a formula. ``names`` are spellings that stand for one letter each, such as ``\dot{x}``.

    >>> [token.type for token in scan(r"\delta_j = \color{red} 2")]
    ['LETTER', 'SUB', 'LETTER', 'EQUALS', 'NUMBER']
    """
    if len(text) > MAX_CHARACTERS:
        what = f"the formula has {len(text)} characters; at most {MAX_CHARACTERS} are read"
        raise TooLargeError(what, text, MAX_CHARACTERS)
    return list(_Scanner(text, sorted(names, key=len, reverse=True)).tokens(0, len(text), 0))


def _outside(tokens: Sequence[Token]) -> list[Token]:
    """The tokens that stand outside of all brackets, braces and scripts."""
    depth, found = 0, []
    for token in tokens:
        closes = token.type in ("RROUND", "RSQUARE", "RCURLY", "RBRACE")
        depth += (token.type in ("LROUND", "LSQUARE", "LCURLY", "LBRACE")) - closes
        if depth == 0 and not closes:
            found.append(token)
    return found


class _Scanner:
    def __init__(self, text: str, names: Sequence[str]) -> None:
        self.text, self.names = text, names

    def fail(self, message: str, at: int, stop: int | None = None) -> ReadingError:
        return ReadingError(message, self.text, at, stop)

    def token(self, kind: str, value: str, start: int, stop: int) -> Token:
        return Token(kind, value, start_pos=start, end_pos=stop)

    def tokens(self, at: int, end: int, depth: int) -> Iterator[Token]:
        if depth > 25:
            raise TooLargeError("macros stand in one another more than 25 deep", self.text, at)
        single = 0  # how many of the next signs are arguments of one sign each
        while at < end:
            known = next((name for name in self.names if self.text.startswith(name, at, end)), None)
            if known is not None and not (
                known[-1].isalpha() and "\\" in known and self.text[at + len(known) :][:1].isalpha()
            ):
                yield self.token("LETTER", known, at, at + len(known))
                at, single = at + len(known), max(0, single - 1)
                continue
            found = _TOKEN.match(self.text, at, end)
            assert found is not None
            word, start, at = found.group(), at, found.end()
            if word.isspace() or word[0] == "%" or word in ("~", "&", "$") or word in SILENT:
                at = self._null_delimiter(word, at, end)
            elif word in WITH_ARGUMENT:
                at = self._group(at, end, word)[1]
            elif word in (r"\begin", r"\end"):
                at = self._environment(at, end, word)
            elif word in NOTES:
                inside, at = self._group(at, end, word)
                yield self.token("NOTE", self.text[slice(*inside)], start, at)
            elif word == r"\textcolor":
                at = self._group(at, end, word)[1]
            elif word in FRAMES:
                continue
            elif word[1:] in MACROS and word[0] == "\\" and word not in SIGNS:
                arguments = []
                definition = MACROS[word[1:]]
                for _ in range(0 if isinstance(definition, str) else definition[1]):
                    inside, at = self._group(at, end, word)
                    arguments.append(inside)
                single = 0
                yield from self._spelled(word[1:], arguments, start, at, depth)
            elif word in STYLES or word in NAMED or word in MARKS:
                token, at = self._styled(word, start, at, end)
                single = max(0, single - 1)
                yield token
            elif word in BRACES:
                inside, at = self._group(at, end, word)
                held = list(self.tokens(*inside, depth + 1))
                if any(token.type in ("PLUS", "MINUS", "SLASH", "HAD", "EQUALS") for token in _outside(held)):
                    raise self.fail("braces under or over a sum could be brackets or none", start, at)
                yield from held
                at = self._past_remark(at, end)
            elif word in FUNCTIONS:
                yield self.token("NAME", word[1:], start, at)
            elif word in SIGNS:
                single = ARGUMENTS.get(SIGNS[word], 0)
                yield self.token(SIGNS[word], word, start, at)
            elif word[0] in "0123456789":
                if single:
                    word, at, single = word[0], start + 1, single - 1
                yield self.token("NUMBER", word, start, at)
            elif word.isascii() and (word.isalpha() or (word[0] == "\\" and word[1:].isalpha())):
                single = max(0, single - 1)
                yield self.token("LETTER", word, start, at)
            else:
                raise self.fail(f"{word!r} is no sign of a formula", start, at)

    def _past_remark(self, at: int, end: int) -> int:
        """Where the text goes on behind what is written below or above a brace."""
        remark = re.match(r"\s*[_^]\s*", self.text[at:end])
        if remark is None:
            return at
        at += remark.end()
        if self.text[at : at + 1] == "{":
            return self._group(at, end, "the brace")[1]
        found = _TOKEN.match(self.text, at, end)
        return found.end() if found else at

    def _spelled(
        self, name: str, arguments: list[tuple[int, int]], start: int, stop: int, depth: int
    ) -> Iterator[Token]:
        """The tokens of a macro of the book."""
        bare = {
            "pd": "FRAC LBRACE PARTIAL #1 RBRACE LBRACE PARTIAL #2 RBRACE",
            "pdd": "FRAC LBRACE PARTIAL SUP 2 #1 RBRACE LBRACE PARTIAL #2 PARTIAL #3 RBRACE",
            "Rop": r"\mathcal{R} LCURLY #1 RCURLY",
            "kron": "I SUB LBRACE #1 RBRACE",
            "lay": "#1 SUP LBRACE LROUND #2 RROUND RBRACE",
            "layT": "#1 SUP LBRACE LROUND #2 RROUND TOP RBRACE",
            "tran": "SUP TOP",
        }[name]
        for part in bare.split():
            if part[0] == "#":
                yield from self.tokens(*arguments[int(part[1]) - 1], depth + 1)
            else:
                kind = {"2": "NUMBER", "I": "LETTER", r"\mathcal{R}": "LETTER"}.get(part, part)
                yield self.token(kind, part, start, stop)

    def _null_delimiter(self, word: str, at: int, end: int) -> int:
        r"""Skip the dot after ``\\left`` and ``\\right``, which is no bracket, and the one brace before an array."""
        if word not in (r"\left", r"\right"):
            return at
        rest = self.text[at:end]
        gap = len(rest) - len(rest.lstrip())
        if rest[gap : gap + 1] == ".":
            return at + gap + 1
        frame = re.match(r"\s*\\\{\s*(?=\\begin\{(?:array|aligned|gathered|cases|split)\})", rest)
        return at + frame.end() if frame and word == r"\left" else at

    def _group(self, at: int, end: int, word: str) -> tuple[tuple[int, int], int]:
        """Where the braced group after a command begins and ends, and where the text goes on."""
        while at < end and self.text[at].isspace():
            at += 1
        if at >= end or self.text[at] != "{":
            raise self.fail(f"{word} takes an argument in braces", at)
        level, place = 0, at
        while place < end:
            if self.text[place] == "\\":
                place += 2
                continue
            level += (self.text[place] == "{") - (self.text[place] == "}")
            place += 1
            if level == 0:
                return (at + 1, place - 1), place
        raise self.fail(f"the braces after {word} do not close", at)

    def _environment(self, at: int, end: int, word: str) -> int:
        inside, at = self._group(at, end, word)
        name = self.text[slice(*inside)].rstrip("*")
        if name in {"matrix", "pmatrix", "bmatrix", "vmatrix", "Bmatrix", "Vmatrix", "smallmatrix"}:
            raise self.fail("a matrix that is written out by its entries is not read", inside[0], inside[1])
        if word == r"\begin" and name in {"cases", "dcases", "rcases"} and self._follows_relation(at):
            raise self.fail("a formula by cases is not read; write each case as an equation", inside[0], inside[1])
        if word == r"\begin" and name in {"array", "alignat", "alignedat"}:
            at = self._group(at, end, rf"\begin{{{name}}}")[1]
        return at

    def _follows_relation(self, at: int) -> bool:
        """Whether the environment that begins before ``at`` is one side of an equation."""
        before = re.split(r"\\\\|\\begin\{(?:array|aligned|gathered|split|align\*?)\}", self.text[:at])[-1]
        return bool(re.search(r"=|\\(?:equiv|approx|simeq|sim|coloneqq|triangleq|doteq)(?![a-zA-Z])", before))

    def _styled(self, word: str, start: int, at: int, end: int) -> tuple[Token, int]:
        rest = re.match(r"\s*([A-Za-z]|\\[A-Za-z]+)", self.text[at:end])
        if rest:
            inside, stop = (at + rest.start(1), at + rest.end(1)), at + rest.end()
        else:
            inside, stop = self._group(at, end, word)
        name = self.text[slice(*inside)].strip()
        if word in NAMED:
            if name in ("T", r"\top"):
                return self.token("TOP", name, start, stop), stop
            if name in WRITTEN:
                return self.token("NAME", name, start, stop), stop
            return self.token("LETTER", name, start, stop), stop
        if not re.fullmatch(r"[A-Za-z0-9]|\\[A-Za-z]+", name):
            raise self.fail(f"{word} takes one letter here, not {name!r}", *inside)
        if word in STYLES:
            if name.isdigit():
                raise self.fail(f"{word}{{{name}}} could be a number or an array of such numbers", start, stop)
            return self.token("LETTER", name, start, stop), stop
        return self.token("LETTER", f"{word}{{{name}}}", start, stop), stop
