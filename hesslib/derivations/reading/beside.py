r"""A formula beside one that was derived: whether it is the same, written otherwise, and if not, which terms differ.

`check_latex` knows the letters of networks. A chapter has letters of its own, and a derivation that proves what they
obey. A `Sheet` holds such a formula as plain data, so that somebody can change it and have it decided where the chapter
does not run.

Longer than one sitting: what a sheet holds, how it is made and how it is decided belong together.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.decision import DisagreementError, decide
from hesslib.calculus.denominators import MayVanishError
from hesslib.calculus.index import RangeError, Tensor, freshen, signature
from hesslib.calculus.latex import tex, with_letters
from hesslib.calculus.let import heads_of, meaning, unfold_lets
from hesslib.calculus.macros import expand
from hesslib.calculus.normal import equal

from .declared import UnsayableError, as_data, from_data, read_in
from .grammar import require_bounds
from .judgement import MAX_WORK, Judge, Work, judged, together
from .network_form import Assumed
from .notation import BOOK, Notation, notation_of
from .place import ReadingError
from .statements import Statement, statements
from .verdict import Verdict
from .vocabulary import Vocabulary

__all__ = ["Sheet", "check_sheet"]

OTHER = "it is not the formula that is derived here"
FOREIGN = "neither side is one that is derived here, and by themselves they are not shown to be equal"


@dataclass(frozen=True)
class Sheet:
    r"""A formula to be changed, and what it is decided by.

    ``words`` is the name of a notation, for `check_latex`; or the letters as data, and ``known`` are then the equations
    that were derived, each as the LaTeX of its sides.

    >>> x, y = sp.symbols("x y")
    >>> Sheet.of([(y, x**2)]).text
    'y = x^{2}'
    """

    text: str
    words: str | Mapping[str, Any]
    known: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, equations: Sequence[tuple[Any, Any]], /, *around: Any, wrong: Any = None) -> Sheet | None:
        """The sheet for equations that were derived; None if what is printed is not read again as the same.

        ``around`` are formulas whose letters may be used as well; ``wrong`` is what stands on the sheet instead of the
        right side of the only equation.
        """
        for others in (around, ()) if around else ((),):  # a step on the way may hold what is not read
            with contextlib.suppress(Exception):  # integrals, matrices and sets fail in many ways when they are read
                if (found := cls._of(equations, *others, wrong=wrong)) is not None:
                    return found
        return None

    @classmethod
    def _of(cls, equations: Sequence[tuple[Any, Any]], *around: Any, wrong: Any) -> Sheet | None:
        sides = with_letters(*[sp.sympify(side) for pair in equations for side in pair], *around, wrong)
        bodies = _definitions(*[side for side in sides if side is not None])
        told = [body for _, body in bodies.values()]
        words = Vocabulary.of(*[side for side in (*sides, *told) if side is not None])
        defined = {_spelled(head): (at, _printed(body, words)) for head, (at, body) in bodies.items()}
        printed = [_printed(side, words) for side in sides[: 2 * len(equations)]]
        known = tuple((printed[i], printed[i + 1]) for i in range(0, len(printed), 2))
        text = _rows(known if wrong is None else [(printed[0], _printed(sides[-1], words))])
        if _holds_in_the_book(_rows(known)):
            return cls(text, BOOK.name)
        sheet = cls(text, as_data(words, defined), known)
        return sheet if judged_on(text, sheet.data(), Work(MAX_WORK)).holds is (wrong is None) else None

    @classmethod
    def of_text(cls, text: str, /) -> Sheet | None:
        r"""The sheet for a formula about networks in the letters of this book; None if it does not hold.

        >>> Sheet.of_text(r"z_j^{(l)} = h(a_j^{(l)})").words
        'book'
        """
        return cls(text, BOOK.name) if judged(text, BOOK, Work(MAX_WORK)).holds else None

    def data(self) -> dict[str, Any]:
        """The sheet as JSON has it."""
        return {"text": self.text, "words": self.words, "known": [list(pair) for pair in self.known]}


def check_sheet(text: str, sheet: Mapping[str, Any], /) -> Verdict:
    r"""The verdict on a formula that stands on a sheet: by its notation, or by what was derived there.

    >>> x, y = sp.symbols("x y")
    >>> sheet = Sheet.of([(y, x**2)]).data()
    >>> check_sheet("y = x x", sheet).holds, check_sheet("y = x", sheet).lacks
    (True, ('x^{2}',))
    """
    return judged_on(text, sheet, Work())


def judged_on(text: str, sheet: Mapping[str, Any], work: Work, /) -> Verdict:
    """The verdict, with so much work spent already on looking for slips."""
    if isinstance(sheet["words"], str):
        return judged(text, notation_of(sheet["words"]), work)
    words = from_data(sheet["words"])
    try:
        found = statements(text, names=words.spellings)
        for statement in found:
            for side in statement.sides:
                require_bounds(side, text)
        known = [(read_in(one, words), read_in(other, words)) for one, other in sheet["known"]]
        links = [link for statement in found for link in _Beside(statement, text, words, known, work).links()]
    except ReadingError as why:
        return Verdict(text, None, reason=str(why))
    except RecursionError:
        return Verdict(text, None, reason="the formula is too deep")
    return together(text, links)


_IN_BRACES = re.compile(r"\{(\\?[A-Za-z]+)\}\^\{\(")
"""A letter in braces before its layer number, which needs none."""


def _rows(equations: Sequence[tuple[str, str]]) -> str:
    """Equations as one reads them: one in a line, several aligned."""
    return " \\\\\n".join(f"{one} {'&' * (len(equations) > 1)}= {other}" for one, other in equations)


def _holds_in_the_book(text: str) -> bool:
    """Whether the formula is one about networks, in the letters of this book, that holds for every width and depth."""
    verdict = judged(text, BOOK, Work(MAX_WORK))
    return verdict.holds is True and not verdict.condition


def _printed(e: Any, words: Vocabulary) -> str:
    """The LaTeX of a side, with the ends of its sums where it is not read as the same without.

    Errors: ReadingError, or another, if it is not read as the same at all.
    """
    for limits in (False, True):
        text = _IN_BRACES.sub(r"\1^{(", expand(tex(e, limits=limits)).replace(r" \, ", " "))
        try:
            again = read_in(text, words)
            if signature(again) == signature(e) or equal(again, e):
                return text
        except (ReadingError, RangeError):
            if limits:
                raise
    raise UnsayableError(f"{text} is not read as what it was printed from")


def _definitions(*formulas: Any) -> dict[Any, tuple[tuple[str, ...], Expr]]:
    """What the quantities stand for that have a definition, those that it mentions included; each at certain letters.

    The quantities of layers keep their names: their definitions lead from layer to layer.
    """
    found: dict[Any, tuple[tuple[str, ...], Expr]] = {}
    waiting = [head for e in formulas for head in sorted(heads_of(sp.sympify(e)), key=str)]
    while waiting:
        head = waiting.pop(0)
        if head in found or (isinstance(head, Tensor) and head.layers):
            continue
        letters = tuple(f"q_{{{place}}}" for place in range(head.rank)) if isinstance(head, Tensor) else ()
        at = [sp.Symbol(letter, integer=True) for letter in letters]
        body = meaning(head[tuple(at)]) if at else meaning(head)
        found[head] = letters, body
        waiting += sorted(heads_of(body), key=str)
    return found


def _spelled(head: Any) -> str:
    return head.tex if isinstance(head, Tensor) else tex(head)


class _Beside(Judge):
    """The judgement by equations that were derived, in the letters that they have."""

    def __init__(
        self, statement: Statement, text: str, words: Vocabulary, known: Sequence[tuple[Expr, Expr]], work: Work
    ) -> None:
        self.statement, self.text, self.words, self.known, self.work = statement, text, words, known, work
        self.notation, self.two, self.one_output, self.any_number = Notation(), False, False, False

    def _decided(self, one: Expr, other: Expr, text: str) -> Verdict:
        try:
            decision = decide(*self._forms(one, other, Assumed()))
        except (MayVanishError, DisagreementError, ValueError) as why:
            if isinstance(why, RangeError):
                return self._wrong(one, other, text, expand(str(why)), None)
            return Verdict(text, None, reason=str(why))
        if decision.word == "equal":
            return Verdict(text, True)
        if self._equal_by_definition(one, other):
            return Verdict(text, True)
        if decision.word == "undecided":
            return Verdict(text, None, reason=decision.reason)
        if not any(self._has(side) for side in (one, other)):
            return Verdict(text, None, reason=FOREIGN)
        told = str(decision.counterexample) if decision.counterexample else ""
        return self._wrong(one, other, text, OTHER, None, told)

    def _equal_by_definition(self, one: Expr, other: Expr) -> bool:
        """Whether the sides are equal once every quantity that has a definition is replaced by it."""
        forms = self._forms(one, other, Assumed())
        if not any(heads_of(e) for e in forms):
            return False
        try:
            return decide(*map(unfold_lets, forms)).word == "equal"
        except (MayVanishError, DisagreementError, ValueError):
            return False

    def _forms(self, one: Expr, other: Expr, assumed: Assumed) -> tuple[Expr, Expr]:
        return self._inserted(one), self._inserted(other)

    def _inserted(self, e: Expr) -> Expr:
        """The formula with what was derived in the place of what it was derived for.

        One equation may be about what stands in another: what is put in is gone through once more, and no further.
        """
        e = next((right for left, right in self.known if signature(e) == signature(left)), e)
        for left, right in self.known:
            e = e.xreplace({left: freshen(right)})
        return freshen(e)

    def _has(self, e: Expr) -> bool:
        return any(signature(e) == signature(left) or e.has(left) for left, _ in self.known)

    def _write(self, e: Expr) -> str:
        loose = {s: sp.Symbol(s.name, integer=True) for s in e.free_symbols if isinstance(s, sp.Dummy)}
        return expand(tex(e.xreplace(loose))).replace(r" \, ", " ")
