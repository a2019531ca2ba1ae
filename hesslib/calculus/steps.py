r"""A chain of equalities, each one decided when it is written, and its display.

    s = Steps(Diff(a[l, j], E))
    s.then(S("k", n[l + 1], lambda k: delta[l + 1, k] * D.named(a[l + 1, k])), "chain rule", by=D)
    s.then(D(E), "insert the definition", by=D)
    s.stated(hp(l, j) * S("k", n[l + 1], lambda k: w[l + 1, k, j] * delta[l + 1, k]))

A link that does not hold raises `NotEqualError`, with the terms that differ.

Longer than one sitting: a chain, the formula it proves and the refusal of a wrong one share one decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy import Expr

from .comparison import Counterexample, compare
from .decision import Decision, decide, decided
from .denominators import MayVanishError, may_vanish
from .derivation import Derivation, unfold
from .display import Displayed, aligned
from .held_fixed import require_consistent
from .index import RangeError, freshen, letters_of, require_layers, with_pattern
from .justification import expanded, recognised, rewritten
from .latex import lines, tex
from .let import belongs_to_a_pattern, definition_of, heads_of, lets_of, unfold_lets
from .normal import difference
from .provenance import Ground, Grounds, collecting, conditions, report
from .ranges import Ranges, agree_on_ranges
from .results import remember
from .terms import WorkLimitError
from .values_under_facts import UnfaithfulError, unconfirmed

if TYPE_CHECKING:
    from hesslib.agreement import Check

__all__ = ["Formula", "NotEqualError", "Steps", "UndecidedError", "refuse", "require_equal"]


class NotEqualError(ArithmeticError):
    """A step does not follow. ``missing`` are the terms the claim lacks, ``extra`` those it has too many.

    ``counterexample`` are numbers at which the sides differ.
    """

    def __init__(
        self,
        message: str,
        missing: Sequence[Expr] = (),
        extra: Sequence[Expr] = (),
        counterexample: Counterexample | None = None,
    ) -> None:
        super().__init__(message)
        self.missing, self.extra, self.counterexample = tuple(missing), tuple(extra), counterexample


class UndecidedError(NotEqualError):
    """A step that could not be proved, and of which no numbers show that it is wrong."""


def require_equal(derived: Any, claimed: Any, /, what: str = "the claim", *, around: Sequence[Any] = ()) -> Decision:
    """Raise `NotEqualError` unless the two are the same formula; the message names terms and numbers that differ.

    ``around`` are formulas in the same letters that may say how far one of them runs.

    Errors: `NotEqualError`; `UndecidedError`, one of its kind, if it is not known to be wrong either.

    >>> from .index import Tensor, index
    >>> x, i = Tensor("x", shape=(3,)), index("i")
    >>> require_equal(2 * x[i], x[i] + x[i]).word
    'equal'
    """
    decision = decide(derived, claimed, *around)
    if decision.word == "equal":
        return decision
    missing, extra = _difference(derived, claimed, around)
    message = [f"{what} does not hold:" if decision.word == "different" else f"{what} is undecided; {decision.reason}:"]
    message += [f"  derived, but not claimed:  {tex(t)}" for t in missing]
    message += [f"  claimed, but not derived:  {tex(t)}" for t in extra]
    if decision.word == "different":
        message.append(f"  {decision.counterexample}")
    kind = NotEqualError if decision.word == "different" else UndecidedError
    raise kind("\n".join(message), missing, extra, decision.counterexample)


def _with_facts(decision: Decision, plain: Sequence[Expr], used: Sequence[Ground], what: str) -> Decision:
    """The decision on a link that used facts: twice only if values that satisfy them confirm it as it stood before.

    What else its rewriting used, definitions and earlier results, holds for these values as well.

    Errors: `NotEqualError` if the values satisfy the facts, and differ.
    """
    if decision.reason or not any(g.kind == "fact" for g in used):
        return decision
    facts = [g for g in used if g.kind in ("fact", "definition", "result", "rewriting")]
    try:
        return replace(decision, reason=unconfirmed(plain[0], plain[1], facts))
    except UnfaithfulError as why:
        raise NotEqualError(f"{what} does not hold: {why}; {', '.join(map(str, facts))}") from None


def _difference(derived: Any, claimed: Any, around: Sequence[Any]) -> tuple[list[Expr], list[Expr]]:
    """The terms that the two do not share; none where a denominator keeps them from having normal forms."""
    try:
        return difference(derived, claimed, around)
    except MayVanishError:
        return [], []


class Formula(Displayed):
    r"""An equation ``lhs = rhs``: a definition, an assumption, or the last line of a derivation.

    ``established`` says which. A derived formula comes from `Steps.formula`; writing ``derived`` by hand
    would be taking it on trust.

    Errors: ValueError if it is to be anything but a definition or an assumption.

    >>> from .index import Tensor, index
    >>> x, y, i = Tensor("x", shape=(3,)), Tensor("y", shape=(3,)), index("i")
    >>> print(Formula(y[i], -x[i]).latex())
    y_{i} = -x_{i}
    """

    SEALED = frozenset({"lhs", "rhs", "established", "relation", "checks", "grounds"})

    def __init__(self, lhs: Any, rhs: Any, /, *, established: str = "definition") -> None:
        if established not in ("definition", "assumption"):
            raise ValueError(f"established is {established!r}; by hand a formula is a definition or an assumption")
        self.lhs, self.rhs = sp.sympify(lhs), sp.sympify(rhs)
        self.established, self.relation = established, "="
        self.checks: tuple[Check, ...] = ()
        self.grounds = Grounds()

    @classmethod
    def _proved(cls, lhs: Any, rhs: Any, chain: Steps | Formula, *more: Ground) -> Formula:
        """The last line of a derivation; only a chain of steps makes one."""
        f = cls(lhs, rhs)
        known = chain.established
        f.program = chain.program or f.program
        vars(f).update(established=known, checks=chain.checks, grounds=Grounds([*chain.grounds, *more]))
        vars(f).update(relation=r"\simeq" if known == "approximation" else "=")
        return f

    @property
    def uses(self) -> tuple[str, ...]:
        """What the formula rests on, as the ledger prints it."""
        return self.grounds.lines

    def latex(self) -> str:
        first, *rest = lines(self.rhs)
        if not rest:
            return f"{tex(self.lhs)} {self.relation} {first}"
        return aligned([f"{tex(self.lhs)} &{self.relation} {first}", *[rf"&\quad {term}" for term in rest]])

    @property
    def result(self) -> Expr:
        """The right-hand side, by the name that a chain of steps has for it."""
        return self.rhs


class Steps(Displayed):
    r"""An aligned chain ``lhs = e1 = e2 = ...`` in which every ``=`` is decided.

    ``Steps(lhs)``; then `then` for each link, `neglect` for a named approximation, `stated` to
    show the last line in the arrangement the reader knows (proved equal to it).

    Errors: `NotEqualError` for a link that does not hold.

    >>> from .index import KroneckerDelta, S, Tensor, index
    >>> x, i = Tensor("x", shape=(3,)), index("i")
    >>> s = Steps(S("j", 3, lambda j: KroneckerDelta(i, j) * x[j])).then(x[i], "contract")
    >>> s.established, s.result, str(s.checks[0])
    ('derived', x[i], 'normal form, 1 link: exact')
    """

    SEALED = frozenset({"lhs", "own"})

    def __init__(self, lhs: Any, /) -> None:
        self.lhs = sp.sympify(lhs)
        self._rows: list[tuple[str, Expr, str]] = []
        self._decisions: list[Decision] = []
        self.own = Grounds()  # what the chain itself used, the grounds of earlier results not among them
        self._inserted: list[Callable[[Expr], Expr]] = []
        self._grounds: Grounds | None = None

    def __copy__(self) -> Steps:
        """A chain of its own with the same links, to go on with another way."""
        chain = Steps(self.lhs)
        chain.program = self.program or chain.program
        chain._rows, chain._decisions, chain._inserted = [*self._rows], [*self._decisions], [*self._inserted]
        chain.own.update(self.own)
        return chain

    # ------------------------------------------------------------------------------------------------ building
    def then(
        self,
        e: Any,
        why: str = "",
        *,
        by: Derivation | Sequence[Derivation] = (),
        using: Any = None,
    ) -> Steps:
        """The next link, decided now.

        ``by``: derivations whose named derivatives may be worked out, on both sides, to decide the link. What a class
        of one's own does there is taken for granted, and recorded.
        ``using``: definitions, inserted on both sides before that; a quantity made by `Let`, or several, whose own
        definitions are inserted; or a function that rewrites a side by a known fact, applied after it. What the link
        rests on is kept in `grounds`: what a function did and the calculus can't prove is recorded as taken for
        granted.

        Errors: `NotEqualError`; `ContradictionError` where something is held fixed that varies.
        """
        e = sp.sympify(e)
        require_layers(e)
        previous = self.rows[-1][1] if self.rows else self.lhs
        with collecting() as used:
            plain = [self._prepared(side, by, using) for side in (previous, e)]
        x, y = plain
        with collecting() as rewriting:
            if callable(using) and not lets_of(using):
                x, y = (rewritten(side, using, self._inserted) for side in plain)
        agree_on_ranges(self.lhs, [row[1] for row in self.rows], e)
        what, around = f"the step '{why}'" if why else "the step", (self.lhs, previous, e)
        decision = require_equal(x, y, what, around=around)
        self._rest_on([*used, *rewriting, *conditions(previous, e, x, y)])
        self._decisions.append(_with_facts(decision, plain, list(rewriting), what))
        if isinstance(using, Mapping):
            self._inserted.append(lambda e: unfold(e, using))
        self._rows.append(("=", e, why))
        remember(self)
        return self

    def neglect(self, e: Any, why: str, /) -> Steps:
        r"""A named approximation: printed with $\simeq$ and recorded as such; the only link that is not decided."""
        self._rest_on([Ground("neglect", why)])
        self._rows.append((r"\simeq", sp.sympify(e), why))
        remember(self)
        return self

    def stated(self, e: Any, /) -> Steps:
        """Show the last line in this arrangement, once it is proved equal to it.

        Errors: ValueError if there is no line yet.
        """
        previous = self.result
        agree_on_ranges(self.lhs, [row[1] for row in self.rows], sp.sympify(e))
        self._decisions.append(require_equal(previous, e, "the stated formula", around=(self.lhs,)))
        relation, _, why = self.rows[-1]
        self._rest_on(conditions(sp.sympify(e)))
        self._rows[-1] = (relation, sp.sympify(e), why)
        return self

    def _rest_on(self, grounds: Sequence[Ground]) -> None:
        found = recognised(grounds)
        require_consistent([*self.own, *found])
        self.own.update(found)
        self._grounds = None

    @property
    def grounds(self) -> Grounds:
        """What the chain rests on, with all that the results rest on that it used."""
        if self._grounds is None:
            self._grounds = expanded(g for g in self.own if g.about is not self)
        return self._grounds

    def _prepared(self, e: Expr, by: Any, using: Any) -> Expr:
        lets = lets_of(using)
        if lets:
            e = unfold_lets(e, *lets)
        elif isinstance(using, Mapping):
            e = unfold(e, using)
        for D in [by] if isinstance(by, Derivation) else by:
            if not isinstance(D, Derivation):
                raise TypeError(f"by is a {type(D).__name__}; it must be a Derivation, or several")
            e = D.evaluate(e) if D.of_the_calculus else rewritten(e, D.evaluate, self._inserted)
        return e

    # ------------------------------------------------------------------------------------------------ results
    @property
    def rows(self) -> list[tuple[str, Expr, str]]:
        """Every link: its relation, the member that it leads to, and why; a copy."""
        return [*self._rows]

    @property
    def decisions(self) -> list[Decision]:
        """By what every link was decided; a copy."""
        return [*self._decisions]

    @property
    def result(self) -> Expr:
        """The right-hand side reached so far.

        Errors: ValueError if there is none.
        """
        if not self.rows:
            raise ValueError("the chain has no link yet; its first one is written with then(...)")
        return self.rows[-1][1]

    def at(self, values: Mapping[Any, Any], /) -> Expr:
        """The result with other letters or layer numbers put in; bound indices are renewed first, so none captures.

        What is built with it inherits what the chain rests on.

        Errors: ValueError for what is no letter of the chain; `RangeError` for a layer or an index that the quantities
        of the chain have not.
        """
        values = {sp.sympify(s): sp.sympify(x) for s, x in values.items()}
        sides = [self.lhs, *[e for _, e, _ in self.rows]]
        for s in values:
            if not (isinstance(s, sp.Symbol) and s.is_integer):
                raise ValueError(f"at puts values in for letters; {s} is none")
        for side in sides:
            require_layers(freshen(side).xreplace(values))
        ranges = Ranges()
        for side in (self.lhs, self.result):
            ranges.read(freshen(freshen(side).xreplace(values)))
        ranges.sizes()
        for g in self.grounds:
            if g.kind == "condition":
                below = freshen(g.left).xreplace(values)
                where = {} if sp.expand(below) == 0 else may_vanish(below)
                if where is not None and (not where or any(isinstance(p, sp.Dummy) for p in (*where, *where.values()))):
                    raise ValueError(f"the chain holds {g}; with these letters that is zero, or is so within a sum")
        report(*self.grounds)
        return freshen(self.result).xreplace(values)

    @property
    def established(self) -> str:
        """How the result is known.

        Derived; an approximation if anything was neglected on the way to it; conditional if something was taken for
        granted that the calculus could not prove and nobody declared as a fact.
        """
        return self.grounds.established

    @property
    def uses(self) -> tuple[str, ...]:
        """What the chain rests on, as the ledger prints it."""
        return self.grounds.lines

    @property
    def checks(self) -> tuple[Check, ...]:
        """What the ledger records of the chain: by what every link was decided."""
        return decided(self.decisions)

    def formula(self, name: Any = None, /) -> Formula:
        """The first and the last member of the chain as one equation, with the chain's record.

        ``name`` may give the left-hand side a name of its own, a symbol that the formula then defines.

        Errors: ValueError for a name that the chain uses already, for one with other letters than the left-hand side,
        and for a second name of what is a named quantity itself.
        """
        if name is None:
            return Formula._proved(self.lhs, self.result, self)
        name = sp.sympify(name)
        self._require_fresh(name)
        return Formula._proved(name, self.result, self, Ground("name", name, self.lhs))

    def _require_fresh(self, name: Expr) -> None:
        head = name.base if isinstance(name, sp.Indexed) else name
        if isinstance(self.lhs, (sp.Indexed, sp.Symbol)):
            raise ValueError(f"{self.lhs} is a quantity with a name; it takes no second one, {name}")  # noqa: TRY004
        told = [self.lhs, *[e for _, e, _ in self.rows]]
        told += [side for g in self.grounds for side in (g.left, g.right) if isinstance(side, sp.Basic)]
        if definition_of(head) is not None or any(e.has(head) for e in told):
            raise ValueError(f"{name} occurs in the chain or has a definition; a name must be a fresh symbol")
        letters = list(name.indices) if isinstance(name, sp.Indexed) else []
        plain = [s for s in letters if isinstance(s, sp.Symbol)]
        if len(set(plain)) < len(plain) or {s for s in letters_of(name) if s in plain} - letters_of(self.lhs):
            raise ValueError(f"{name} must have the letters of {self.lhs}, each once")

    def for_pattern(self, number: Any, count: Any, /) -> Formula:
        """The same equation for pattern ``number`` of ``count``: what holds for one pattern holds for each.

        Errors: ValueError if the left-hand side belongs to no pattern, or the letter is taken.
        """
        one = self.formula()
        number = sp.sympify(number)
        if number in letters_of(one.lhs) | letters_of(one.rhs):
            raise ValueError(f"{number} is a letter of the formula; the pattern number needs one of its own")
        for head in sorted(heads_of(one.lhs) | heads_of(one.rhs), key=str):
            if not getattr(head, "pattern", False) and belongs_to_a_pattern(head):
                raise ValueError(
                    f"{head} depends on the pattern by its definition; unfold it, or declare it with pattern=True"
                )
        lhs, rhs = (with_pattern(side, number, count) for side in (one.lhs, one.rhs))
        if letters_of(one.lhs) == letters_of(lhs) and lhs == freshen(one.lhs) and rhs != freshen(one.rhs):
            raise ValueError(f"nothing in {one.lhs} says of which pattern it is; the equation would differ by pattern")
        return Formula._proved(lhs, rhs, self)

    def refuses(self, wrong: Any, /, why: str) -> Refusal:
        """Show that a wrong variant of the result is refused, and by which term. Accepting it would be an error."""
        return refuse(self.lhs, self.result, wrong, why)

    def latex(self) -> str:
        rows = []
        for number, (relation, e, why) in enumerate(self.rows):
            left = tex(self.lhs) if number == 0 else ""
            reason = rf" && {{\small\text{{{why}}}}}" if why else ""
            first, *rest = lines(e)
            rows.append(rf"{left} &{relation} {first}{reason}")
            rows += [rf"&\quad {term}" for term in rest]
        return aligned(rows)


class Refusal(Displayed):
    """A wrong formula, struck, with the reason for which it was refused.

    >>> print(refuse(sp.Symbol("y"), sp.Symbol("a"), sp.Symbol("b"), "another letter").checks[0])
    normal form refuses: another letter: exact
    """

    def __init__(
        self, lhs: Expr, right: Expr, wrong: Expr, why: str, reason: Exception, counterexample: Counterexample | None
    ) -> None:
        self.lhs, self.right, self.wrong, self.why, self.reason = lhs, right, wrong, why, reason
        self.counterexample = counterexample  # where the two differ; None for what has a value nowhere

    @property
    def checks(self) -> tuple[Check, ...]:
        """That it was refused, as a record for a claim, with the numbers that show it."""
        from hesslib.agreement import Check

        rows = [Check(f"normal form refuses: {self.why}", 0.0, 0.0)]
        if self.counterexample is not None:
            rows.append(Check(f"counterexample {self.counterexample}", 0.0, 0.0))
        return tuple(rows)

    def latex(self) -> str:
        start, *rest = lines(self.wrong)
        wrong = [rf"{tex(self.lhs)} &\neq {start} && {{\small\text{{{self.why}}}}}"]
        wrong += [rf"&\quad {term}" for term in rest]
        if isinstance(self.reason, NotEqualError):
            rows = [rf"&\phantom{{\neq}}\ \text{{lacks }} {tex(t)}" for t in self.reason.missing]
            rows += [rf"&\phantom{{\neq}}\ \text{{has instead }} {tex(t)}" for t in self.reason.extra]
        elif isinstance(self.reason, RangeError):
            rows = [rf"&\phantom{{\neq}}\ \text{{no such sum: }}{self.reason.latex}"]
        else:
            rows = []
        if self.counterexample is not None:
            rows.append(rf"&\phantom{{\neq}}\ {self.counterexample.latex()}")
        return aligned([*wrong, *rows])


def refuse(lhs: Any, right: Any, wrong: Any, why: str, /) -> Refusal:
    """The refusal of ``wrong`` as a formula for ``lhs`` whose right-hand side is ``right``.

    The sign is unequal because numbers say so, or because the wrong one is no formula at all.

    Errors: ``AssertionError`` if the wrong formula is accepted, so that a demonstration cannot go stale;
    `UndecidedError` if it is not accepted, but no numbers show that it is wrong.

    >>> print(refuse(sp.Symbol("y"), sp.Symbol("a"), sp.Symbol("b"), "another letter").reason)
    another letter does not hold:
      derived, but not claimed:  a
      claimed, but not derived:  b
      at a = 4, b = -1: 4 against -1
    """
    sides = [sp.sympify(e) for e in (lhs, right, wrong)]
    try:
        require_equal(right, wrong, why, around=(lhs,))
    except UndecidedError:
        raise
    except RangeError as reason:
        values = compare(right, wrong, sp.sympify(lhs))
        if values.word == "equal":
            raise UndecidedError(f"{why} is no formula for the calculus, but its values agree: {reason}") from reason
        if values.word == "undecided":
            raise UndecidedError(f"{why} is no formula for the calculus, and by evaluation {values.reason}") from reason
        return Refusal(sides[0], sides[1], sides[2], why, reason, values.counterexample)
    except NotEqualError as reason:
        return Refusal(sides[0], sides[1], sides[2], why, reason, reason.counterexample)
    except WorkLimitError:
        raise
    raise AssertionError(f"accepted, though it should be refused: {why}")
