r"""Is this formula right? Read in a notation, decided by both deciders, and mended where it is wrong.

Longer than one sitting: from the text to the verdict, one step after the other.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.comparison import told_apart
from hesslib.calculus.decision import Decision, decide
from hesslib.calculus.denominators import MayVanishError
from hesslib.calculus.index import Diff, Elementwise, RangeError, Tensor, layers_of, slots_of
from hesslib.calculus.indicators import Holds, NoInverseError
from hesslib.calculus.macros import expand
from hesslib.calculus.normal import difference
from hesslib.calculus.ranges import agree_on_ranges
from hesslib.calculus.terms import WorkLimitError
from hesslib.calculus.tidy import tidy

from ..network import E, L, M, a, b, l, m, u, z
from .activations import ACTIVATIONS, may_be_written_out, same_by_exponentials, written_out
from .arrays import Array, said, sized
from .flat import FlatForm, is_flat, with_one_output
from .grammar import parse, require_bounds
from .in_notation import written
from .known import known
from .labels import about_patterns
from .meaning import Meaning
from .network_form import UNIT_LOSSES, Assumed, C, CannotTellError, NetworkForm, loose_letters
from .notation import Notation, notation_of
from .patterns import WORDS, PatternForm, at, is_labelled, of_one, stripped
from .place import ReadingError
from .slips import cost, extra_terms, mended, resized
from .statements import Statement, statements
from .verdict import Verdict

__all__ = ["check_latex"]

MAX_TRIES = 260
"""How many mended formulas are tried, to find the slip."""
MAX_WORK = 50_000
"""How much the mended formulas of one display may cost together, as they are and in the form to compare."""
DISTANCES = 3
"""How far apart the layers of a formula are taken, whose order it leaves open, to find that it is wrong."""
ONE_OUTPUT = "one output"
TWO_LAYERS = "a network with two layers"
CANONICAL = Assumed(loss="canonical").words
SOFTMAX = Assumed(loss="softmax").words
LAYOUTS = {
    "numerator": "Jacobians with a row for each entry of what is differentiated",
    "denominator": "Jacobians with a column for each entry of what is differentiated",
    "rows": "Jacobians with a row for each entry of what is differentiated and gradients as rows",
}
EXCLUSIVE = (
    set(LAYOUTS.values()),
    set(ACTIVATIONS),
    set(WORDS.values()),
    {SOFTMAX, *(words for words, _, _ in UNIT_LOSSES.values())},
    {SOFTMAX, "linear outputs", "outputs with the activation function"},
)
"""Conditions of which one display can have one."""
JOINTLY = {CANONICAL, "squared error", "outputs with the activation function"}
"""Conditions that one display cannot have all: the derivative would be output minus target, and that times a slope."""
NO_CANDIDATE = (WorkLimitError, ValueError, TypeError, LookupError, ArithmeticError)
"""What a formula that was mended by trying may raise: it has a layer too many, or divides by zero."""
NAMED = (sp.exp, sp.log, sp.tanh, sp.sin, sp.cos, sp.tan, sp.sinh, sp.cosh)
OWN_FUNCTION = "a function is written out: it holds with no activation function and no loss that are known here"
MAX_LINKS = 40
"""How many equalities of one display are decided."""


def check_latex(text: str, /, *, notation: str | Notation = "book") -> Verdict:
    r"""The verdict on a formula about the derivatives of a layered network, written in LaTeX.

    The left side means what the notation says: $\delta^{(l)}_j$ is $\partial E/\partial a^{(l)}_j$. The answer holds
    for every width and depth, since it is a proof; "does not hold" comes with numbers at which the sides differ.

    Errors: ValueError for a notation that is none. What cannot be read is no error: ``holds`` is None, and ``reason``
    points into the text.

    >>> check_latex(r"\delta_j = \sum_k w_{jk} \delta_k", notation="prml").holds
    False
    """
    return judged(text, notation_of(notation), Work())


def judged(text: str, notation: Notation, work: Work, /) -> Verdict:
    """The verdict, with so much work spent already on looking for slips."""
    try:
        words = notation.vocabulary()
        found = statements(text, names=words.spellings)
        for statement in found:
            for side in statement.sides:
                require_bounds(side, text)
        patterns = any(about_patterns(side, notation, words.tensors) for s in found for side in s.sides)
        judges = [Judge(s, text, notation, work, patterns=patterns) for s in found]
        verdict = together(text, [link for judge in judges for link in judge.links()])
        if verdict.holds is not True and up_to_the_second_layer(found, notation):
            of_two = [Judge(s, text, notation, work, patterns=patterns, two=True) for s in found]
            other = together(text, [link for judge in of_two for link in judge.links()])
            if other.holds:
                return replace(other, condition="; ".join(filter(None, (TWO_LAYERS, other.condition))))
        for word in excluding(verdict):  # one of two conditions that exclude each other may not be needed
            for judge in judges:
                judge.avoided = word
            if (other := together(text, [link for judge in judges for link in judge.links()])).holds:
                return other
    except ReadingError as why:
        return Verdict(text, None, reason=str(why))
    except RecursionError:
        return Verdict(text, None, reason="the formula is too deep")
    return verdict


def up_to_the_second_layer(found: Sequence[Statement], notation: Notation, /) -> bool:
    """Whether a display with layer numbers has no layer but the first two, so that the second may be the last."""
    tokens = [token for statement in found for side in statement.sides for token in side]
    digits = [
        [x.value for x in run[1:2]]
        for run in (tokens[place : place + 3] for place in range(len(tokens)))
        if [x.type for x in run] in (["LROUND", "NUMBER", "RROUND"], ["LSQUARE", "NUMBER", "RSQUARE"])
    ]
    layers = {digit for run in digits for digit in run}
    letters = {"l", "m", notation.depth} & {token.value for token in tokens}
    return notation.layers == "bracketed" and not notation.units and "2" in layers <= {"0", "1", "2"} and not letters


def _carried_out(e: Diff) -> Expr:
    """The derivative of a function of one number."""
    return sp.diff(e.operand, e.op)


def excluding(verdict: Verdict, /) -> list[str]:
    """The conditions of the equalities that exclude each other, if that alone keeps a display from holding."""
    if verdict.holds is not None or not all(link.holds for link in verdict.links):
        return []
    told = {word for link in verdict.links for word in words_of(link.condition)}
    return sorted(word for group in EXCLUSIVE if len(both := told & group) > 1 for word in both)


def words_of(condition: str, /) -> list[str]:
    """The single conditions of which one is made."""
    return [word for part in condition.split("; ") for word in part.split(", ") if word]


def together(text: str, links: Sequence[Verdict]) -> Verdict:
    """The verdict on a display from those on its equalities."""
    if not links:
        return Verdict(text, None, reason="there is no equation in it")
    worst = next((x for x in links if x.holds is False), next((x for x in links if x.holds is None), links[0]))
    if worst.holds:
        conditions = dict.fromkeys(part for x in links if x.condition for part in x.condition.split("; "))
        told = {word for condition in conditions for word in words_of(condition)}
        for group in (*EXCLUSIVE, JOINTLY):
            if len(both := sorted(told & group)) > 1 and (group is not JOINTLY or len(both) == len(JOINTLY)):
                reason = f"the equalities hold under conditions that exclude each other: {' and '.join(both)}"
                return Verdict(text, None, reason=reason, links=tuple(links))
        return replace(worst, text=text, condition="; ".join(conditions), links=tuple(links))
    return replace(worst, text=text, links=tuple(links))


@dataclass
class _Side:
    """One side of an equation: what it means, and where it stands."""

    value: Any
    start: int
    stop: int
    conflicts: list[str]
    refitted: list[str]  # the slips that were mended for a product to fit


@dataclass
class Work:
    """What looking for slips has cost: counted, not timed, so that the answer is the same on every machine."""

    spent: int = 0


class Judge:
    """The judgement of one statement."""

    avoided = ""  # a condition that is not assumed
    layout = "numerator"
    took_layout = False  # whether something in it is the derivative of a vector by a vector

    def __init__(
        self,
        statement: Statement,
        text: str,
        notation: Notation,
        work: Work,
        *,
        patterns: bool = False,
        two: bool = False,  # that it is about the network with two layers
    ) -> None:
        self.statement, self.text, self.notation, self.work = statement, text, notation, work
        signs = {token.value for side in statement.sides for token in side}
        self.two = two or notation.two_layered(signs)
        self.words = notation.vocabulary(two=self.two, patterns=patterns)
        self.forms: dict[Any, NetworkForm] = {}
        self.flat: dict[Assumed, FlatForm] = {}
        self.pairs: dict[tuple[Expr, Expr, Assumed, bool], tuple[Expr, Expr]] = {}
        self.one_output = False  # whether the only output has no index
        self.any_number = False  # whether the formula is about a function only

    def links(self) -> list[Verdict]:
        """The verdict on each equality, in the layout of Jacobians in which all hold, if it has any.

        Which layout is meant a formula does not say; where it holds in one only, that is its condition.
        """
        self.layout, self.took_layout = "numerator", False
        found = {self.layout: list(self._links())}
        if not self.took_layout:
            return found["numerator"]
        for self.layout in ("denominator", "rows"):
            found[self.layout] = list(self._links())
        hold = [layout for layout, links in found.items() if all(link.holds for link in links)]
        hold = [layout for layout in hold if LAYOUTS[layout] != self.avoided or len(hold) == 1]
        if not hold:
            open_ = (links for links in found.values() if all(link.holds is not False for link in links))
            return next(open_, found["numerator"])
        condition = "" if {"numerator", "denominator"} <= {*hold} else LAYOUTS[hold[0]]
        return [
            replace(link, condition="; ".join(filter(None, (link.condition, condition)))) for link in found[hold[0]]
        ]

    def _links(self) -> Iterator[Verdict]:
        """The verdict on each equality."""
        if not any(token.type in ("EQUALS", "ABOUT", "UNEQUAL") for token in self.statement.relations):
            return
        if len(self.statement.relations) > MAX_LINKS:
            place = self.statement.relations[MAX_LINKS]
            raise ReadingError(f"a chain of more than {MAX_LINKS} equalities", self.text, place.start_pos or 0)
        sides = self._sides()
        last = 0  # the last side of which it is not known that it is wrong
        for number, relation in enumerate(self.statement.relations):
            left, right = sides[last], sides[number + 1]
            text = self._said(number)
            bad = next((side for side in (left, right) if isinstance(side, ReadingError)), None)
            if bad is not None:
                last = number + 1 if isinstance(left, ReadingError) else last
                yield Verdict(text, None, reason=str(bad))
            elif relation.type in ("LESS", "IN"):
                last = number + 1
                yield Verdict(text, None, reason=f"{relation.value} is not decided, and what it joins may differ")
            else:
                assert isinstance(left, _Side)
                assert isinstance(right, _Side)
                verdict = self._link(left, right, text)
                if relation.type == "UNEQUAL" and verdict.holds is True and not verdict.condition:
                    verdict = Verdict(text, False, reason="the two sides are equal")
                elif relation.type == "UNEQUAL" or (relation.type == "ABOUT" and verdict.holds is not True):
                    what = "an approximation" if relation.type == "ABOUT" else "an inequality"
                    verdict = Verdict(text, None, reason=f"{what} is not decided; as an equality it does not hold")
                last = number + 1 if verdict.holds is not False else last
                yield verdict

    def _said(self, number: int) -> str:
        tokens = self.statement.sides[number] + self.statement.sides[number + 1]
        if not tokens:
            return self.text
        return " ".join(self.text[tokens[0].start_pos or 0 : tokens[-1].end_pos].split()).replace(" & ", " ")

    def _sides(self) -> list[_Side | ReadingError]:
        """The sides; where outputs without an index make no sense as vectors, they are those of a network with one."""
        found: list[list[_Side | ReadingError]] = []
        for self.one_output in (False, True):
            sides: list[_Side | ReadingError] = []
            took = False
            for tokens in self.statement.sides:
                try:
                    side, single = self._side(tokens)
                    took = took or single
                    sides.append(side)
                except ReadingError as why:
                    sides.append(why)
            found.append(sides)
            bad = [side for side in sides if isinstance(side, ReadingError)]
            if not bad and (self.one_output or not took):
                if self.one_output and not took:
                    break
                return sides
        self.one_output = False
        return self._of_any_number() or found[0]

    def _of_any_number(self) -> list[_Side | ReadingError] | None:
        """The sides as formulas about the activation function, at any number; None if they are about more than that."""
        self.any_number = True
        try:
            sides = [self._side(tokens)[0] for tokens in self.statement.sides]
        except ReadingError:
            sides = []
        if sides and all(isinstance(side.value, Expr) and not side.value.has(sp.Indexed, E) for side in sides):
            return list(sides)
        self.any_number = False
        return None

    def _side(self, tokens: Any) -> tuple[_Side, bool]:
        if not tokens:
            raise ReadingError("a side of the equation is empty", self.text, self.statement.start)
        reader = Meaning(self.words, self.text)
        reader.one_output, reader.any_number, reader.layout = self.one_output, self.any_number, self.layout
        try:
            value = reader.expression(parse(tokens, self.text))
        except (NoInverseError, RangeError) as why:
            raise ReadingError(str(why), self.text, tokens[0].start_pos or 0, tokens[-1].end_pos) from None
        self.took_layout = self.took_layout or reader.took_layout
        side = _Side(value, tokens[0].start_pos, tokens[-1].end_pos, reader.conflicts, reader.refitted)
        return side, reader.took_one_output

    # --------------------------------------------------------------------------------------------------- one equality
    def _link(self, left: _Side, right: _Side, text: str) -> Verdict:
        try:
            one, other = self._scalars(left.value, right.value)
        except RangeError as why:
            reason = next(iter((*left.conflicts, *right.conflicts)), str(why))
            return self._misfit(left.value, right.value, text, reason)
        conflicts = [*left.conflicts, *right.conflicts]
        refitted = (*left.refitted, *right.refitted)
        try:
            if refitted:
                meant = self._decided(one, other, text)
                slips = (*refitted, *meant.slips)
                nearest = meant.nearest or f"{self._write(one)} = {self._write(tidy(other))}" * bool(meant.holds)
                return replace(meant, holds=False, condition="", reason=conflicts[0], slips=slips, nearest=nearest)
            if conflicts:
                return self._wrong(one, other, text, conflicts[0], None)
            return self._decided(one, other, text)
        except WorkLimitError as why:
            return Verdict(text, None, reason=f"it would take too long: {why}")
        except (ValueError, TypeError, LookupError) as why:  # it can't be told, or something is divided by zero
            return Verdict(text, None, reason=str(why).strip("'\""))

    def _scalars(self, left: Any, right: Any) -> tuple[Expr, Expr]:
        """Both sides entry by entry, at the same letters."""
        if not isinstance(left, Array) and not isinstance(right, Array):
            return left, right
        if left == 0 and isinstance(right, Array):
            left = right.map(lambda e: sp.S.Zero)
        if right == 0 and isinstance(left, Array):
            right = left.map(lambda e: sp.S.Zero)
        left, right = sized(left, right), sized(right, left)
        shapes = [side.shape if isinstance(side, Array) else (None, None) for side in (left, right)]
        for one, other in zip(*shapes, strict=True):
            if (one is None) != (other is None) or (one is not None and sp.expand(one - other) != 0):
                raise RangeError(f"the sides have different shapes, {said(shapes[0])} and {said(shapes[1])}")
        letters = sp.symbols("p q", integer=True)
        at = [letter if size is not None else None for letter, size in zip(letters, shapes[0], strict=True)]
        entries = [side.entry(*at) if isinstance(side, Array) else side for side in (left, right)]
        return entries[0], entries[1]

    def _misfit(self, left: Any, right: Any, text: str, reason: str) -> Verdict:
        if isinstance(left, Array) and isinstance(right, Array) and left.shape == right.T.shape:
            return replace(
                self._decided(*self._scalars(left, right.T), text),
                holds=False,
                reason=reason,
                slips=("transpose lost: of one side",),
            )
        return Verdict(text, False, reason=reason)

    def _form(self, one: Expr, other: Expr, assumed: Assumed) -> NetworkForm | FlatForm:
        """What formulas about one pattern are compared in."""
        plain = stripped(one), stripped(other)
        if is_flat(*plain):
            if (flat := self.flat.get(assumed)) is None:
                curvature = self.words.tensors.get(self.notation.curvature, M)
                flat = self.flat[assumed] = FlatForm(assumed, curvature, self.words.last or L)
            return flat
        biases = self.notation.biases == "always" or any(
            q.base in (b, u) for e in (one, other) for q in e.atoms(sp.Indexed)
        )
        form = NetworkForm(plain, assumed, two=self.two, biases=biases)
        return self.forms.setdefault(form.key, form)

    def _forms(self, one: Expr, other: Expr, assumed: Assumed) -> tuple[Expr, Expr]:
        """Both sides in the form in which they are compared; kept, since the search for a slip asks again."""
        key = one, other, assumed, self.one_output
        if (found := self.pairs.get(key)) is None:
            found = self.pairs[key] = self._in_form(one, other, assumed)
        return found

    def _in_form(self, one: Expr, other: Expr, assumed: Assumed) -> tuple[Expr, Expr]:
        try:
            forms = self._of_patterns(one, other, self._form(one, other, assumed), assumed)
        except (CannotTellError, MayVanishError, RangeError):
            raise
        except ValueError as why:  # what the calculus refuses to assume, such as that one layer is not another
            raise CannotTellError(str(why)) from None
        if self.one_output:
            return with_one_output(forms[0], self.words.last or L), with_one_output(forms[1], self.words.last or L)
        return forms

    def _of_patterns(self, one: Expr, other: Expr, form: NetworkForm | FlatForm, assumed: Assumed) -> tuple[Expr, Expr]:
        if self.words.pattern and not of_one(one, other):
            several = PatternForm(form.of, assumed.whole, self.words.pattern)
            return several.of(one), several.of(other)
        return form.of(stripped(one)), form.of(stripped(other))

    def _assumptions(self, one: Expr, other: Expr) -> list[tuple[Assumed, str]]:
        """What may be assumed, the least first, each with the condition that it is for this notation."""
        return [found for found in self._assumable(one, other) if self.avoided not in words_of(found[1])]

    def _assumable(self, one: Expr, other: Expr) -> list[tuple[Assumed, str]]:
        n = self.notation
        if self.words.pattern and not of_one(one, other) and E in one.free_symbols | other.free_symbols:
            kinds = ("sum", "mean") if n.whole == "any" else (n.whole,)
            known = self._of_one_pattern(stripped(one), stripped(other))
            return [
                (replace(assumed, whole=kind), "; ".join(filter(None, (condition, WORDS[kind] * (n.whole == "any")))))
                for assumed, condition in known
                for kind in kinds
            ]
        return self._of_one_pattern(stripped(one), stripped(other))

    def _of_one_pattern(self, one: Expr, other: Expr) -> list[tuple[Assumed, str]]:
        n = self.notation
        found = [(Assumed(n.outputs), "")]
        about_loss = self._about_loss(one, other)
        bare = any(
            e.replace(lambda d: d.func.__name__ == "Diff" and d.args[1].has(E), lambda d: sp.Integer(1)).has(E)
            for e in (one, other)
        )
        if n.loss != "any":
            return [*found, (Assumed(n.outputs, n.loss), "")]
        if about_loss and n.outputs == "any":
            found += [(assumed, assumed.words) for assumed in (Assumed("linear"), Assumed("activated"))]
        found.append((Assumed(n.outputs, diagonal=True), Assumed(diagonal=True).words))
        if about_loss or bare:
            for loss in ("squares", "entropy"):  # squares have their factor 1/2 where a notation does not say otherwise
                for outputs in ("linear", "activated") if n.outputs == "any" else (n.outputs,):
                    assumed = Assumed(outputs, loss)
                    if loss == "squares" or (outputs == "activated" and self._writes_out(one, other)):
                        found.append((assumed, assumed.words))
            if n.outputs != "linear":
                found.append((Assumed(n.outputs, "canonical"), Assumed(n.outputs, "canonical").words))
            if n.outputs == "any":  # the last activation may be the output
                found.append((Assumed("activated", "canonical"), f"{Assumed('activated').words}, {CANONICAL}"))
                found.append((Assumed(loss="softmax"), SOFTMAX))
        return found

    def _writes_out(self, one: Expr, other: Expr) -> bool:
        """Whether formulas have a logarithm, or a quotient, of outputs or targets."""
        outer = {self.words.tensors.get(letter) for letter in (self.notation.target, self.notation.output)} | {z}
        parts = [x for e in (one, other) for x in stripped(e).atoms(sp.log, sp.Pow)]
        return any(
            (isinstance(x, sp.log) or x.exp.is_negative) and any(q.base in outer for q in x.atoms(sp.Indexed))
            for x in parts
        )

    def _about_loss(self, one: Expr, other: Expr) -> bool:
        """Whether formulas speak of targets or outputs."""
        meant = {self.words.tensors.get(letter) for letter in (self.notation.target, self.notation.output)}
        return any(q.base in meant for e in (one, other) for q in stripped(e).atoms(sp.Indexed))

    def _decided(self, one: Expr, other: Expr, text: str) -> Verdict:
        if self.any_number:
            return self._of_function(one, other, text)
        first: Decision | None = None
        of_squares: tuple[Decision, Assumed] | None = None
        of_losses: list[tuple[Assumed, str, str, str]] = []  # with the condition, the reason, the counterexample
        why: Exception | None = None
        broken: RangeError | None = None
        plain: Assumed | None = None
        for assumed, said_so in self._assumptions(one, other):
            condition = said_so
            try:
                if assumed.diagonal and not any(
                    form.has(C) for form in self._forms(one, other, Assumed(assumed.outputs))
                ):
                    continue
                if assumed.diagonal and isinstance(form := self._form(one, other, assumed), NetworkForm):
                    condition = form.of_diagonal
                decision = decide(*self._forms(one, other, assumed))
            except (CannotTellError, MayVanishError) as unknown:
                why = why or unknown
                continue
            except RangeError as range_error:
                broken = broken or range_error
                plain = plain or assumed
                if condition and not assumed.diagonal:
                    of_losses.append((assumed, condition, expand(str(range_error)), ""))
                continue
            if decision.word == "equal":
                only = ONE_OUTPUT if self.one_output else ""
                return Verdict(text, True, "; ".join(filter(None, (condition, only))))
            differs = decision.word == "different"
            if differs and assumed.loss == "squares" and of_squares is None and is_flat(one, other):
                of_squares = decision, assumed
            if differs and condition and not assumed.diagonal:
                of_losses.append((assumed, condition, "", str(decision.counterexample or "")))
            if first is None or (differs and (first.word == "undecided" or not condition)):
                first, plain = decision, assumed
        if first is not None and (condition := self._with_activation(one, other)):
            return Verdict(text, True, condition)
        if first is None and broken is None:
            return self._from_book(one, other, text, why)
        if of_squares is not None and self._about_loss(one, other):  # what differs is said for the loss that is meant
            first, plain = of_squares
        if first is not None and first.word == "undecided":
            return Verdict(text, True) if same_by_exponentials(one, other) else Verdict(text, None, reason=first.reason)
        if first is not None and self._has_own_function(one, other):
            return Verdict(text, None, reason=OWN_FUNCTION)
        told = str(first.counterexample) if first is not None and first.counterexample else ""
        if self._about_loss(one, other) and not is_flat(
            one, other
        ):  # one slip may explain it, for the loss that is meant
            for assumed, condition, reason, where in of_losses:
                found = self._wrong(one, other, text, reason, assumed, where, single=True)
                if found.slips:
                    return replace(found, condition=condition)
        return self._wrong(one, other, text, "" if first is not None else expand(str(broken)), plain, told)

    def _of_function(self, one: Expr, other: Expr, text: str) -> Verdict:
        """The verdict on an identity of the activation function, or of functions that have a name."""
        one, other = (e.replace(lambda x: isinstance(x, Diff), _carried_out) for e in (one, other))
        if not any(e.has(Elementwise) for e in (one, other)):
            if same_by_exponentials(one, other) or (first := decide(one, other)).word == "equal":
                return Verdict(text, True)
            told = str(first.counterexample) if first.counterexample else ""
            return Verdict(text, None if first.word == "undecided" else False, reason=first.reason, counterexample=told)
        if decide(one, other).word == "equal":
            return Verdict(text, True)
        for kind in ACTIVATIONS:
            if decide(written_out(one, kind, None), written_out(other, kind, None)).word == "equal":
                return Verdict(text, True, kind)
        return Verdict(text, None, reason="it holds for no activation function that is known here")

    @staticmethod
    def _has_own_function(one: Expr, other: Expr) -> bool:
        """Whether one side only has a function with a name, which may be an activation or a loss of its author."""
        named = [{type(f) for f in e.atoms(*NAMED) if f.has(sp.Indexed)} for e in (one, other)]
        return named[0] != named[1]

    def _with_activation(self, one: Expr, other: Expr) -> str:
        """The condition under which a formula holds that writes an activation function out; empty if there is none."""
        for assumed, condition in self._assumptions(one, other):
            if assumed.diagonal:
                continue
            try:
                form, forms = self._form(one, other, assumed), self._forms(one, other, assumed)
                if isinstance(form, FlatForm) or not may_be_written_out(*forms):
                    continue
                named = any(e.has(sp.exp, sp.tanh) for e in forms)
                received = functools.partial(_received, form) if named else None
                for kind in ACTIVATIONS:
                    decision = decide(*[written_out(e, kind, received) for e in forms])
                    if decision.word == "equal":
                        return "; ".join(filter(None, (condition, kind, ONE_OUTPUT * self.one_output)))
            except (CannotTellError, MayVanishError, RangeError):
                continue
        return ""

    def _from_book(self, one: Expr, other: Expr, text: str, why: Exception | None) -> Verdict:
        """The verdict by what the book derived of the left side.

        A right side that is written otherwise may still be right, since $G$ and $B$ can be taken apart from either end:
        it is wrong if it is so for layers that are a known distance apart.
        """
        for result, where, layers in known(one):
            try:
                found = decide(result, other, one)
            except RangeError as misfit:
                return Verdict(text, None, reason=expand(str(misfit)))
            if found.word == "equal":
                return Verdict(text, True, where.replace("$", ""))
            wrong = self._wrong_at_a_distance(one, other, text, layers)
            if wrong is None:
                unlike = f"it is not the form in which it is known: {self._write(one)} = {self._write(result)}"
                return Verdict(
                    text, None, reason=f"{unlike}; at distances of {DISTANCES} layers it was not found wrong"
                )
            missing, extra = difference(result, other, (one,))
            lacks, instead = ([self._write(x) for x in terms] for terms in (missing, extra))
            nearest = f"{self._write(one)} = {self._write(result)}"
            slips = self._named(lacks, instead)
            told = wrong.counterexample
            return Verdict(text, False, "", tuple(lacks), tuple(instead), slips, nearest, counterexample=told)
        return Verdict(text, None, reason=str(why or "nothing is known of it"))

    def _wrong_at_a_distance(self, one: Expr, other: Expr, text: str, layers: dict[Any, Any]) -> Verdict | None:
        """The verdict that refuses the formula where layer m is so many layers above layer l; None if none does."""
        if layers.keys() != {m, l}:
            return None
        for distance in range(1, DISTANCES + 1):
            at = {layers[m]: layers[l] + distance}
            verdict = self._decided(one.xreplace(at), other.xreplace(at), text)
            if verdict.holds is False:
                return verdict
        return None

    def _write(self, e: Expr) -> str:
        loose = {s: sp.Symbol(s.name, integer=True) for s in e.free_symbols if isinstance(s, sp.Dummy)}
        return written(e.xreplace(loose), self.notation, two=self.two)

    # ------------------------------------------------------------------------------------------------ what is wrong
    def _wrong(
        self,
        one: Expr,
        other: Expr,
        text: str,
        reason: str,
        assumed: Assumed | None,
        told: str = "",
        *,
        single: bool = False,
    ) -> Verdict:
        assumed = assumed or Assumed(self.notation.outputs)
        lacks: list[str] = []
        instead: list[str] = []
        goal = None
        try:
            goal, claim = self._forms(one, other, assumed)
            missing, extra = difference(goal, claim)
            lacks, instead = ([self._write(x) for x in terms] for terms in (missing, extra))
        except (RangeError, MayVanishError, CannotTellError, WorkLimitError):
            goal = None
        loose = sorted(map(str, loose_letters(one, other)))
        if loose and not reason:
            reason = f"{', '.join(loose)} stands on the right only"
        named = self._named(lacks, instead)
        try:
            too_many = self._without_a_term(one, other, assumed) if instead and not lacks else None
            slip, right = too_many or self._mended(
                one, other, assumed, goal, misfit=bool(reason), twice=not (named or single)
            )
        except NO_CANDIDATE:  # that the formula is wrong is known, whatever is found of its slip
            slip, right = "", None
        slips = (slip,) if slip else named
        if right is None and goal is not None:
            right = tidy(goal)
        if right is not None:
            right = _as_far_as(one, right)
        nearest = f"{self._write(one)} = {self._write(right)}" if right is not None and right != one else ""
        return Verdict(
            text,
            False,
            "",
            tuple(lacks),
            tuple(instead),
            tuple(s for x in slips for s in x.split("; ")),
            nearest,
            reason,
            told,
        )

    @staticmethod
    def _named(lacks: Sequence[str], instead: Sequence[str]) -> tuple[str, ...]:
        if lacks and not instead:
            return tuple(f"term missing: {term}" for term in lacks)
        if instead and not lacks:
            return tuple(f"term too many: {term}" for term in instead)
        return ()

    def _without_a_term(self, one: Expr, other: Expr, assumed: Assumed) -> tuple[str, Expr] | None:
        """The slip and the formula without it, if it is a term that stands there and does not belong there."""
        for name, candidate in extra_terms(other, self._write):
            if self._right(one, candidate, assumed):
                return name, candidate
        return None

    def _mended(
        self, one: Expr, other: Expr, assumed: Assumed, goal: Expr | None, *, misfit: bool, twice: bool
    ) -> tuple[str, Expr | None]:
        """The slip that explains the formula, and the formula without it: one slip, or else two.

        Two slips are sought only ``twice``, where no whole term too few or too many says it more simply.
        """
        left = tidy(goal) if goal is not None else self._left(one, assumed)
        tried = 0
        singles = []
        for name, candidate in self._candidates(left, other, misfit):
            tried += 1
            if tried > MAX_TRIES or self.work.spent >= MAX_WORK:
                break
            singles.append((name, candidate))
            if self._right(one, candidate, assumed):
                return name, candidate
        seen = {candidate for _, candidate in singles}
        for name, candidate in singles[:40] if twice else []:
            if not name.startswith(("transpose", "slope", "sum lost", "sign", "prime", "layer")):
                continue
            for second, mended_twice in self._candidates(left, candidate, misfit):
                usual = second.startswith(("transpose", "slope", "sum lost", "prime", "factor:"))
                if not usual or mended_twice in seen:  # the other order of two slips makes the same formula
                    continue
                seen.add(mended_twice)
                tried += 1
                if tried > 2 * MAX_TRIES or self.work.spent >= MAX_WORK:
                    return "", None
                if self._right(one, mended_twice, assumed):
                    return f"{name}; {second}", mended_twice
        return "", None

    def _left(self, one: Expr, assumed: Assumed) -> Expr:
        try:
            return tidy(self._forms(one, one, assumed)[0])
        except (CannotTellError, RangeError):
            return one

    def _candidates(self, left: Expr, other: Expr, misfit: bool) -> Iterator[tuple[str, Expr]]:
        seen: set[Expr] = {other}
        if misfit and (again := resized(other)) != other:
            yield "range: a sum runs further, or less far, than its terms", again
        for name, candidate in mended(left, other, self.words, self._write, misfit=misfit):
            self.work.spent += cost(candidate)
            if candidate not in seen:
                seen.add(candidate)
                yield name, resized(candidate)

    def _right(self, one: Expr, candidate: Expr, assumed: Assumed) -> bool:
        if loose_letters(one, candidate):
            return False
        try:
            agree_on_ranges(one, [], candidate)
            forms = self._forms(one, candidate, assumed)
            self.work.spent += cost(forms[1])
            return not told_apart(*forms) and decide(*forms).word == "equal"
        except NO_CANDIDATE:
            return False


def _as_far_as(one: Expr, right: Expr) -> Expr:
    """The right side without the indicators that the ranges of the left side's letters say already."""
    told: set[Expr] = set()
    for x in one.atoms(sp.Indexed):
        if isinstance(x.base, Tensor):
            for slot, size in zip(slots_of(x), x.base.sizes(*layers_of(x)), strict=True):
                told |= {sp.expand(slot - 1), sp.expand(size - slot)}
    return right.xreplace({x: sp.S.One for x in right.atoms(Holds) if x.inside in told})


def _received(form: NetworkForm, x: sp.Indexed) -> Expr:
    """What the unit receives that sends ``x``."""
    if is_labelled(x):
        layer, number, unit = x.indices
        return at(form.of(a[layer, unit]), number)
    return form.of(a[x.indices])
