r"""One concept for every derivative of the book.

A *derivation* $D$ is linear, obeys Leibniz and the chain rule, and commutes with sums:

    D(x + y) = Dx + Dy,   D(xy) = x Dy + y Dx,   D f(x) = f'(x) Dx,   D Sum = Sum D.

$\partial/\partial w_{ji}$, $\partial/\partial a_j$ and Pearlmutter's $\mathcal R\{\cdot\}$ differ only in their
*rules*: what D does to the quantities that nothing else is known about.

Longer than one sitting: rules, chain rule and what is held fixed are one concept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import sympy as sp
from sympy import Add, Basic, Expr, Indexed, Mul, Pow, Sum, Symbol
from sympy.core.function import AppliedUndef, Function

from .index import (
    Diff,
    Elementwise,
    KroneckerDelta,
    Tensor,
    Width,
    delta_product,
    freshen,
    insert,
    layers_of,
    letters_of,
    slots_of,
)
from .indicators import Holds
from .let import definition_of, meaning, recursive
from .normal import equal
from .provenance import Ground, report, silence
from .terms import admit, bounded, charge
from .tidy import tidy
from .unfolding import rename, unfold

__all__ = ["CONSTANT", "NAMED", "Derivation", "MissingRuleError", "Through", "rename", "same", "unfold"]

CONSTANT = "constant"
"""The rule of what does not depend on the variable: its derivative is 0."""
NAMED = "named"
"""The rule of what is left as D{x}, a named derivative, not worked out."""


@dataclass(frozen=True)
class Through:
    r"""The chain rule as a rule: ``what`` varies only with the entries of ``by``, and its slope by them has a name.

    $D\,what=\sum_{letter\le size}slope\;D\,by$. The slope is a derivative with a name, $\partial\,what/\partial\,by$;
    the chain rests on that definition. In other layers than that of ``what`` the derivative stays named. What varies
    with several things has a tuple of these as its rule; those that are about its layer are added.
    In its own layer the variable is itself.

    >>> from .index import Tensor, index
    >>> k, K, E, c = index("k"), Symbol("K", integer=True), Symbol("E"), Symbol("c")
    >>> a, delta = Tensor("a", shape=(K,)), Tensor("delta", shape=(K,))
    >>> D = Derivation(c, {E: Through(E, delta[k], a[k], k, K), a: NAMED})
    >>> D(E)
    Sum(Diff(c, a[_k])*delta[_k], (_k, 1, K))
    """

    what: Expr
    slope: Expr
    by: Expr
    letter: Expr
    size: Expr


Rule = str | Through | tuple[Through, ...] | Callable[..., Any]


class MissingRuleError(LookupError):
    """The derivation met a quantity it has no rule for. It is never taken for a constant."""


class Derivation:
    r"""``Derivation(op, rules)``: the derivation by ``op`` that treats every quantity as its rule says.

    ``op`` is the variable, $\partial/\partial\,$op, or an `Operator`. ``rules`` maps a
    tensor or a symbol to a function of its indices that returns its derivative, or to `CONSTANT` or
    `NAMED`. What has a definition (see `Let`) needs no rule, nor has an independent variable. ``held`` names the
    derivative, where there is another one by the same variable that holds something else fixed.

    >>> from .index import S, Tensor, index
    >>> i, j, N = *index("i j"), sp.Symbol("N", integer=True)
    >>> x, c = Tensor("x", shape=(N,)), Tensor("c", shape=(N,))
    >>> D = Derivation(x[j], {x: same(j), c: CONSTANT})
    >>> D(S("i", N, lambda i: c[i] * x[i] ** 2))
    2*c[j]*x[j]

    Errors: `MissingRuleError` for a quantity without a rule; ValueError for a rule that is none, for a size as the
    variable, for one entry of a symmetric tensor with a rule that moves that entry alone, and for holding fixed what by
    its definition varies.
    """

    def __init__(self, op: Any, rules: Mapping[Any, Any] | None = None, /, *, held: Any = None) -> None:
        self.op = sp.sympify(op)
        self.held = held
        self.rules = dict(rules or {})
        for head, rule in self.rules.items():
            self._require_rule(head, rule)
        if isinstance(self.op, Indexed) and isinstance(self.op.base, Width):
            raise ValueError(f"{self.op} is a size; there is no derivative by a size")  # noqa: TRY004
        if isinstance(self.op, Indexed) and isinstance(self.op.base, Tensor) and self.op.base.symmetric:
            self._require_symmetric(self.op.base)
        else:
            self._require_own()

    def _require_rule(self, head: Any, rule: Any) -> None:
        if not callable(rule) and not _chained(rule) and rule not in (CONSTANT, NAMED):
            name = getattr(head, "name_", head)
            raise ValueError(f"the rule of {name} is {rule!r}; it must be a function of its indices, CONSTANT or NAMED")

    def _require_symmetric(self, t: Tensor) -> None:
        """An entry of a symmetric tensor is two entries: a rule says what becomes of both."""
        rule = self.rules.get(t)
        letters = [sp.Dummy(f"p{s}", integer=True) for s in range(t.rank)]
        layers = layers_of(self.op)
        if callable(rule) and equal(rule(*layers, *letters), rule(*layers, *letters[::-1])):
            return
        raise ValueError(
            f"{t.name_} is symmetric, so an entry is no variable by itself; give it a rule that is symmetric as well"
        )

    def _require_own(self) -> None:
        """The derivative of the variable by itself is no matter of choice: it is one, by its other entries zero.

        A rule for quantities of every layer, of which the variable is one, is told by the chain as all rules are.
        """
        indexed = isinstance(self.op, Indexed) and isinstance(self.op.base, Tensor)
        head = self.op.base if indexed else self.op
        if self.rules.get(head, NAMED) == NAMED or (indexed and layers_of(self.op)):
            return
        rule, slots = self.rules[head], slots_of(self.op) if indexed else ()
        letters = [sp.Dummy(str(slot), integer=True) for slot in slots]
        found = rule(*letters) if callable(rule) and not _chained(rule) else sp.Integer(0)
        if not equal(found, delta_product(letters, slots)):
            name = getattr(head, "name_", head)
            raise ValueError(f"the rule of {name} says {found}; it is the variable itself, whose rule is same(...)")

    @property
    def of_the_calculus(self) -> bool:
        """Whether its rules of calculation are those of this package, and nobody's own."""
        return type(self).__module__.startswith("hesslib.") and not any(
            hasattr(type(self), name) for name in vars(self)
        )

    def _reported(self) -> None:
        """Tell that named derivatives were worked out, which explains what became of a formula, if one may trust it."""
        if self.of_the_calculus:
            report(rewriting=self.evaluate)

    def but(self, rules: Mapping[Any, Any], /) -> Self:
        """The same derivation with other rules for some quantities."""
        D = copy(self)
        D.rules = {**self.rules, **rules}
        for head, rule in rules.items():
            self._require_rule(head, rule)
        return D

    def __call__(self, e: Any, /) -> Expr:
        """The derivative, contracted and collected."""
        self._reported()
        with bounded():
            return tidy(self.raw(e), (self.op, e))

    def raw(self, e: Any, /) -> Expr:
        """The derivative as the rules leave it, before any contraction: a step one may want to show."""
        with bounded():
            e = sp.sympify(e)
            admit(e)
            return self.push(freshen(e))

    def named(self, e: Any, /) -> Diff:
        """The derivative, named only."""
        return Diff(self.op, e, self.held)

    def evaluate(self, e: Any, /) -> Expr:
        """Work out the derivatives by ``op`` that are only named in ``e``."""

        def visit(x: Basic) -> Basic:
            if isinstance(x, Diff) and x.op == self.op and x.held == self.named(x.operand).held:
                return self.push(visit(x.operand))
            if not x.args or isinstance(x, Indexed):
                return x
            return x.func(*[visit(y) for y in x.args])

        with bounded():
            e = sp.sympify(e)
            admit(e)
            found = tidy(freshen(visit(freshen(e))), (self.op, e))
        self._reported()
        return found

    def push(self, e: Expr, /) -> Expr:
        """One derivative of ``e``, whose bound indices must be fresh."""
        if e.is_Number or e.is_NumberSymbol or isinstance(e, (KroneckerDelta, Holds)):
            return sp.S.Zero
        if isinstance(e, Symbol):
            return self._apply_rule(e, e)
        if isinstance(e, Indexed):
            return self._apply_rule(e.base, e)
        if isinstance(e, Diff):
            return self.named(e)
        if isinstance(e, Add):
            return Add(*[self.push(x) for x in e.args])
        if isinstance(e, Mul):
            charge(len(e.args), "the product rule")
            return Add(*[Mul(*e.args[:p], self.push(x), *e.args[p + 1 :]) for p, x in enumerate(e.args)])
        if isinstance(e, Sum):
            if any(self.op in letters_of(size) for _, *sizes in e.limits for size in sizes):
                raise ValueError(f"{self.op} is a size here, of the sum {e}; there is no derivative by a size")
            return Sum(self.push(e.function), *e.limits)
        if isinstance(e, Pow):
            return self._power(e)
        if isinstance(e, (Function, Elementwise)):
            return Add(*[_slope(e, p) * self.push(x) for p, x in enumerate(e.args)])
        raise TypeError(f"no rule of calculation for {type(e).__name__}: {e}")

    def _power(self, e: Pow) -> Expr:
        base, exponent = e.args
        slope = sp.S.Zero if _is_number(base) else exponent * base ** (exponent - 1) * self.push(base)
        if _is_number(exponent) or (change := self.push(exponent)) == 0:
            return slope
        return slope + e * sp.log(base) * change

    def _apply_rule(self, head: Any, e: Expr) -> Expr:
        if isinstance(head, Tensor) and self.op in set().union(*map(letters_of, head.sizes(*layers_of(e)))):
            raise ValueError(f"{self.op} is a size here, of {head.name_}; there is no derivative by a size")
        if head not in self.rules:  # the number of units of a layer depends on nothing
            return sp.S.Zero if isinstance(head, Width) else self._without_rule(head, e)
        rule = self.rules[head]
        self._require_rule(head, rule)
        if rule == NAMED:
            return self.named(e)
        if rule == CONSTANT:
            self._require_constant(head, e)
            report(Ground("held fixed", head, _variable(self.op, self.held)))
            return sp.S.Zero
        if _chained(rule):
            return self._through(_chained(rule), head, e)
        assert callable(rule)
        found = insert(rule, e) if isinstance(e, Indexed) else freshen(rule())
        self._varies(head, e, found)
        if not (head == _head(self.op) and found == self._own(e)):  # written by hand: the reader is told
            report(Ground("rule", self.named(e), found))
        return found

    def _varies(self, head: Any, e: Expr, found: Expr) -> None:
        """Report what becomes of a quantity, so that nobody holds it fixed elsewhere."""
        if not found.has(Diff):
            report(Ground("varied", head, _variable(self.op, self.held), about=(self.named(e), found)))

    def _own(self, e: Expr) -> Expr:
        """What the derivative of the variable by itself is: the deltas of all its indices."""
        return delta_product(e.indices, self.op.indices) if isinstance(e, Indexed) else sp.S.One

    def _through(self, rules: tuple[Through, ...], head: Any, e: Expr) -> Expr:
        """The chain rule, with the names that the slopes have."""
        layers = layers_of(e) if isinstance(e, Indexed) else ()
        here = [rule for rule in rules if not isinstance(e, Indexed) or layers_of(rule.what) == layers]
        if not here:
            own = head == _head(self.op) and layers == layers_of(self.op)
            return self._own(e) if own else self.named(e)
        found = Add(*[self._one_way(rule, e) for rule in here])
        self._varies(head, e, found)
        return found

    def _one_way(self, rule: Through, e: Expr) -> Expr:
        letters = dict(zip(slots_of(rule.what), slots_of(e), strict=True)) if isinstance(e, Indexed) else {}

        def term(letter: Expr) -> Expr:
            here = {**letters, rule.letter: letter}
            return rule.slope.xreplace(here) * self.raw(rule.by.xreplace(here))

        letter = sp.Dummy(str(rule.letter), integer=True)
        report(Ground("definition", rule.slope, Diff(rule.by, rule.what)))
        return Sum(term(letter), (letter, 1, rule.size))

    def _without_rule(self, head: Any, e: Expr) -> Expr:
        """The derivative of what needs no rule: an independent variable, and what has a definition."""
        own = _head(self.op)
        if getattr(head, "independent", False) and (head == own or getattr(own, "independent", False)):
            return self._own(e) if head == own else sp.S.Zero
        if definition_of(head) is not None and not recursive(head):
            return self.push(meaning(e))
        if isinstance(head, Symbol) and head.is_integer and head != self.op:
            return sp.S.Zero  # a size, a layer number or an index: nothing moves it
        name = getattr(head, "name_", head)
        raise MissingRuleError(f"the derivation by {self.op} has no rule for {name}; give one, or CONSTANT")

    def _require_constant(self, head: Any, e: Expr) -> None:
        """Refuse to hold fixed the variable, and what varies by its own definition unless the derivative has a name."""
        layered = isinstance(head, Tensor) and isinstance(e, Indexed)
        if head == _head(self.op) and (not layered or layers_of(e) == layers_of(self.op)):
            raise ValueError(f"the derivative by {self.op} can't hold {e} fixed, which is its variable")
        if self.held is not None or definition_of(head) is None or recursive(head):
            return
        with silence():
            found = self.push(meaning(e))
        if not equal(found, sp.S.Zero):
            raise ValueError(
                f"{getattr(head, 'name_', head)} is held fixed, but by its definition it varies with {self.op}; "
                'a partial derivative that holds it fixed needs a name of its own: Derivation(op, rules, held="...")'
            )


def _chained(rule: Any) -> tuple[Through, ...]:
    """The ways in which something varies by the chain rule; none for any other rule."""
    ways = rule if isinstance(rule, tuple) else (rule,)
    return ways if all(isinstance(way, Through) for way in ways) else ()


def _is_number(e: Expr) -> bool:
    """Whether nothing in it can vary. SymPy takes a sum over layer 2 for a number, since no letter is free in it."""
    return bool(e.is_number) and not e.has(Sum)


def _head(x: Expr) -> Any:
    return x.base if isinstance(x, Indexed) else x


def _variable(op: Expr, held: Any) -> Expr:
    """What is differentiated by, whatever its index letters are."""
    if isinstance(op, Indexed) and isinstance(op.base, Tensor):
        op = op.xreplace({s: Symbol(r"{\cdot}", integer=True) for s in slots_of(op) if not s.is_Integer})
    return Diff(op, Symbol("_"), held)


def _slope(f: Expr, place: int) -> Expr:
    """The derivative of a function by one of its arguments, if it has one everywhere that is a formula."""
    if not isinstance(f, AppliedUndef):
        try:
            found = f.fdiff(place + 1)
        except (sp.core.function.ArgumentIndexError, AttributeError, TypeError, NotImplementedError):
            found = sp.nan
        if not found.has(sp.Derivative, sp.Subs, sp.sign, sp.Heaviside, sp.DiracDelta, sp.nan, sp.zoo):
            return found
    raise TypeError(f"no derivative of {f.func.__name__} is known that is a formula: {f}")


def same(*by: Any) -> Callable[..., Expr]:
    r"""The rule of the variable itself: $\partial x_i/\partial x_j=I_{ij}$.

    >>> from .index import index
    >>> i, j = index("i j")
    >>> same(j)(i)
    KroneckerDelta(i, j)
    """

    def own(*indices: Any) -> Expr:
        return delta_product(indices, by)

    return own
