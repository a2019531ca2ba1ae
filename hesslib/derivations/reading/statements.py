r"""A display as statements: equations, chains ``a = b = c`` over several lines, and what is said beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lark import Token

from .place import ReadingError
from .scanner import scan

RELATIONS = {"EQUALS", "ABOUT", "LESS", "UNEQUAL", "IN"}
GOES_ON = {"PLUS", "MINUS", "TIMES", "HAD", "SLASH"}
OPEN = {"LROUND", "LSQUARE", "LCURLY", "LBRACE", "LANGLE"}
CLOSE = {"RROUND", "RSQUARE", "RCURLY", "RBRACE", "RANGLE"}


@dataclass
class Statement:
    """Sides with a relation between each two; ``notes`` are words that stand beside it."""

    sides: list[list[Token]] = field(default_factory=lambda: [[]])
    relations: list[Token] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def start(self) -> int:
        return next((t.start_pos or 0 for side in self.sides for t in side), 0)

    @property
    def stop(self) -> int:
        return max((t.end_pos or 0 for side in self.sides for t in side), default=self.start)


def statements(text: str, /, *, names: Sequence[str] = ()) -> list[Statement]:
    r"""The statements of a display, in their order.

    >>> [len(s.sides) for s in statements(r"a &= b \\ &= c, \qquad l < L")]
    [3, 2]
    """
    found: list[Statement] = []
    main: Statement | None = None  # the one that a further line goes on with
    for number, row in enumerate(_rows(scan(text, names=names))):
        for position, cell in enumerate(_cells(row)):
            told = [t for t in cell if t.type != "NOTE"]
            notes = [str(t) for t in cell if t.type == "NOTE"]
            if not told:
                if found:
                    found[-1].notes += notes
                continue
            goes_on = told[0].type in RELATIONS or told[0].type in GOES_ON or not any(t.type in RELATIONS for t in told)
            if position == 0 and number > 0 and main is not None and goes_on:
                statement = main
            else:
                statement = Statement()
                found.append(statement)
            if position == 0:
                main = statement
            _extend(statement, told)
            statement.notes += notes
    for statement in found:
        _trim(statement, text)
    return [s for s in found if any(s.sides) and not _is_range(s)]


def _is_range(statement: Statement) -> bool:
    r"""Whether a statement says which values a letter takes, $j=1,\dots,M$, and nothing of the network."""
    if len(statement.sides) != 2 or [t.type for t in statement.relations] != ["EQUALS"]:
        return False
    left, right = statement.sides
    kinds = [t.type for t in right]
    if [t.type for t in left] not in (["LETTER"], ["LETTER", "PRIME"]) or kinds.count("DOTS") != 1:
        return False
    at = kinds.index("DOTS")
    return kinds[at - 1 : at] == ["COMMA"] and kinds[at + 1 : at + 2] == ["COMMA"] and not {"SUM", "FRAC"} & set(kinds)


def _rows(tokens: Sequence[Token]) -> list[list[Token]]:
    rows: list[list[Token]] = [[]]
    for token in tokens:
        if token.type == "ROW":
            rows.append([])
        else:
            rows[-1].append(token)
    return rows


def _cells(row: Sequence[Token]) -> list[list[Token]]:
    """A row at its wide gaps, where what stands behind the gap is a statement or a remark of its own."""
    cells: list[list[Token]] = [[]]
    depth = 0
    for token in row:
        depth += (token.type in OPEN) - (token.type in CLOSE)
        if token.type in ("GAP", "COMMA") and depth == 0:
            cells.append([token] if token.type == "COMMA" else [])
        elif token.type != "GAP":
            cells[-1].append(token)
    out: list[list[Token]] = [[]]
    for cell in cells:
        comma = bool(cell) and cell[0].type == "COMMA"
        inside = _relations(cell)
        if inside and inside[0] > comma and out[-1] and _relations(out[-1]):
            out.append(cell[comma:])
        else:
            out[-1] = out[-1] + cell
    return out


def _relations(cell: Sequence[Token]) -> list[int]:
    """The places of the relations that stand outside brackets."""
    depth, places = 0, []
    for place, token in enumerate(cell):
        depth += (token.type in OPEN) - (token.type in CLOSE)
        if depth == 0 and token.type in RELATIONS:
            places.append(place)
    return places


def _extend(statement: Statement, cell: Sequence[Token]) -> None:
    depth = 0
    for token in cell:
        depth += (token.type in OPEN) - (token.type in CLOSE)
        if depth <= 0 and token.type in RELATIONS:
            statement.relations.append(token)
            statement.sides.append([])
        else:
            statement.sides[-1].append(token)


def _trim(statement: Statement, text: str) -> None:
    """Take punctuation and equation numbers from the ends of sides."""
    for side in statement.sides:
        while side and side[-1].type in ("COMMA", "STOP"):
            side.pop()
        while len(side) > 3 and [t.type for t in side[-3:]] == ["LROUND", "NUMBER", "RROUND"] and "." in side[-2]:
            del side[-3:]  # the number of the equation
        while side and side[-1].type in ("COMMA", "STOP"):
            side.pop()
    if len(statement.sides) > 1 and not all(statement.sides[1:]):
        place = statement.relations[-1]
        raise ReadingError("a side of the equation is empty", text, place.start_pos or 0, place.end_pos)
