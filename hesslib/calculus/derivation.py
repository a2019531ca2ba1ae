r"""One concept for every derivative of the book.

A *derivation* $D$ is linear, obeys Leibniz and the chain rule, and commutes with sums:

    D(x + y) = Dx + Dy,   D(xy) = x Dy + y Dx,   D f(x) = f'(x) Dx,   D Sum = Sum D.

$\partial/\partial w_{ji}$, $\partial/\partial a_j$ and Pearlmutter's $\mathcal R\{\cdot\}$ differ only in their
*rules*: what D does to the quantities that nothing else is known about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp
from sympy import Add, Basic, Expr, Indexed, KroneckerDelta, Mul, Pow, Sum, Symbol
from sympy.core.function import ArgumentIndexError, Function

from .index import Diff, Elementwise, Tensor, delta_product, freshen, insert
from .indicators import Holds
from .terms import admit, bounded, charge
from .tidy import tidy

__all__ = ["CONSTANT", "NAMED", "Derivation", "MissingRuleError", "rename", "same", "unfold"]

CONSTANT = "constant"
"""The rule of what does not depend on the variable: its derivative is 0."""
NAMED = "named"
"""The rule of what is left as D{x}, a named derivative, not worked out."""

Rule = str | Callable[..., Any]


class MissingRuleError(LookupError):
    """The derivation met a quantity it has no rule for. It is never taken for a constant."""


class Derivation:
    r"""``Derivation(op, rules)``: the derivation by ``op`` that treats every quantity as its rule says.

    ``op`` is the variable, $\partial/\partial\,$op, or an `Operator`. ``rules`` maps a
    tensor or a symbol to a function of its indices that returns its derivative, or to `CONSTANT` or
    `NAMED`.

    >>> from .index import S, Tensor, index
    >>> i, j, N = *index("i j"), sp.Symbol("N", integer=True)
    >>> x, c = Tensor("x", shape=(N,)), Tensor("c", shape=(N,))
    >>> D = Derivation(x[j], {x: same(j), c: CONSTANT})
    >>> D(S("i", N, lambda i: c[i] * x[i] ** 2))
    2*c[j]*x[j]

    Errors: `MissingRuleError` for a quantity without a rule.
    """

    def __init__(self, op: Any, rules: Mapping[Any, Rule], /) -> None:
        self.op = sp.sympify(op)
        self.rules = dict(rules)

    def __call__(self, e: Any, /) -> Expr:
        """The derivative, contracted and collected."""
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
        return Diff(self.op, e)

    def evaluate(self, e: Any, /) -> Expr:
        """Work out the derivatives by ``op`` that are only named in ``e``."""

        def visit(x: Basic) -> Basic:
            if isinstance(x, Diff) and x.op == self.op:
                return self.push(visit(x.operand))
            if not x.args or isinstance(x, Indexed):
                return x
            return x.func(*[visit(y) for y in x.args])

        with bounded():
            e = sp.sympify(e)
            admit(e)
            return tidy(freshen(visit(freshen(e))), (self.op, e))

    def push(self, e: Expr, /) -> Expr:
        """One derivative of ``e``, whose bound indices must be fresh."""
        if e.is_Number or e.is_NumberSymbol or isinstance(e, (KroneckerDelta, Holds)):
            return sp.S.Zero
        if isinstance(e, Symbol):
            return self._apply_rule(e, e)
        if isinstance(e, Indexed):
            return self._apply_rule(e.base, e)
        if isinstance(e, Diff):
            return Diff(self.op, e)
        if isinstance(e, Add):
            return Add(*[self.push(x) for x in e.args])
        if isinstance(e, Mul):
            charge(len(e.args), "the product rule")
            return Add(*[Mul(*e.args[:p], self.push(x), *e.args[p + 1 :]) for p, x in enumerate(e.args)])
        if isinstance(e, Sum):
            return Sum(self.push(e.function), *e.limits)
        if isinstance(e, Pow) and e.exp.is_Number:
            return e.exp * e.base ** (e.exp - 1) * self.push(e.base)
        if isinstance(e, (Function, Elementwise)):
            return Add(*[_slope(e, p + 1) * self.push(x) for p, x in enumerate(e.args)])
        raise TypeError(f"no rule of calculation for {type(e).__name__}: {e}")

    def _apply_rule(self, head: Any, e: Expr) -> Expr:
        if head not in self.rules:
            name = getattr(head, "name_", head)
            raise MissingRuleError(f"the derivation by {self.op} has no rule for {name}; give one, or CONSTANT")
        rule = self.rules[head]
        if rule == CONSTANT:
            return sp.S.Zero
        if rule == NAMED:
            return Diff(self.op, e)
        assert callable(rule)
        return insert(rule, e) if isinstance(e, Indexed) else freshen(rule())


def _slope(f: Expr, place: int) -> Expr:
    """The derivative of a function by one of its arguments, where it is a function of the calculus."""
    try:
        slope = f.fdiff(place)
    except (ArgumentIndexError, NotImplementedError):
        slope = None
    if slope is None or slope.has(sp.Derivative, sp.Subs, sp.DiracDelta):
        raise TypeError(f"no rule of calculation for the derivative of {type(f).__name__}: {f}")
    return slope


def same(*by: Any) -> Callable[..., Expr]:
    r"""The rule of the variable itself: $\partial x_i/\partial x_j=I_{ij}$.

    >>> from .index import index
    >>> i, j = index("i j")
    >>> same(j)(i)
    KroneckerDelta(i, j)
    """
    return lambda *indices: delta_product(indices, by)


def unfold(e: Any, definitions: Mapping[Tensor | Symbol, Callable[..., Any]], /) -> Expr:
    """Insert definitions, once: every quantity in ``definitions`` is replaced by what it stands for.

    >>> from .index import index
    >>> x, y, i = Tensor("x", shape=(3,)), Tensor("y", shape=(3,)), index("i")
    >>> unfold(x[i] ** 2, {x: lambda i: y[i] + 1})
    (y[i] + 1)**2
    """
    e = freshen(e)
    hits = [x for x in e.atoms(Indexed) if x.base in definitions]
    scalars = {s: freshen(definitions[s]()) for s in e.atoms(Symbol) if s in definitions}

    def visit(x: Basic) -> Basic:
        if isinstance(x, Indexed):
            return insert(definitions[x.base], x) if x in hits else x
        if x in scalars:
            return freshen(scalars[x])
        return x.func(*[visit(y) for y in x.args]) if x.args else x

    return visit(e)


def rename(e: Any, name: Callable[[Expr], Any], /) -> Expr:
    """Give names to subexpressions: ``name(x)`` returns the replacement of ``x``, or None to leave it.

    >>> from .index import index
    >>> x, i = Tensor("x", shape=(3,)), index("i")
    >>> rename(2 * x[i], lambda e: Symbol("u") if e == x[i] else None)
    2*u
    """

    def visit(x: Basic) -> Basic:
        replacement = name(x)
        if replacement is not None:
            return sp.sympify(replacement)
        return x.func(*[visit(y) for y in x.args]) if x.args and not isinstance(x, Indexed) else x

    return visit(freshen(e))
