r"""Quantities of one pattern out of N, $\delta_{nj}$ or $E_n$, and the error of all of them, $E=\sum_nE_n$.

What holds for one pattern is known from the network. A formula about several is taken apart until each part is about
one; that part is brought into the form of the network, and what it is made of gets the number of its pattern again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Add, Expr, Indexed, Mul, Pow, Sum

from hesslib.calculus.index import (
    Diff,
    Elementwise,
    KroneckerDelta,
    Tensor,
    freshen,
    layers_of,
    of_all_patterns,
    slots_of,
)

from .. import network as net
from .network_form import CannotTellError
from .notation import N

E_OF = Tensor("E", shape=(N,))
"""The errors of the patterns."""
SCALES = {"sum": sp.S.One, "mean": 1 / N}
WORDS = {
    "sum": "the error of all patterns is the sum of theirs",
    "mean": "the error of all patterns is the mean of theirs",
}


@functools.cache
def labelled(t: Tensor, /) -> Tensor:
    """The tensor of all patterns: the number of the pattern is its first slot.

    >>> labelled(net.delta).sizes(1)
    (N, n[1])
    """
    found = of_all_patterns(t, N)
    _plain[found] = t
    return found


_plain: dict[Tensor, Tensor] = {}
"""The tensor of one pattern, by that of all."""


def is_labelled(x: Any, /) -> bool:
    """Whether a quantity is said to belong to a certain pattern."""
    return isinstance(x, Indexed) and (x.base in _plain or x.base == E_OF)


def plain_base(x: Indexed, /) -> Any:
    """The tensor of one pattern, of a quantity of a certain pattern; of any other its own."""
    return _plain.get(x.base, x.base)


def label_of(x: Indexed, /) -> Expr:
    """The number of the pattern to which a quantity belongs."""
    return slots_of(x)[0]


def at(e: Expr, number: Expr, /) -> Expr:
    """A formula about one pattern as that about the pattern with this number."""

    def there(x: Indexed) -> Expr:
        where, slots = layers_of(x), slots_of(x)
        found = labelled(x.base)[(*where, number, *slots)]
        if not x.base.symmetric:
            return found
        return (found + labelled(x.base)[(*where, number, *slots[::-1])]) / 2  # the same, and symmetric for all to see

    e = e.xreplace({x: there(x) for x in e.atoms(Indexed) if isinstance(x.base, Tensor) and x.base.pattern})
    return e.xreplace({net.E: E_OF[number]}) if e.has(net.E) else e


def stripped(e: Expr, /) -> Expr:
    """A formula without the numbers of patterns."""

    def one(x: Indexed) -> Expr:
        return net.E if x.base == E_OF else _plain[x.base][(*layers_of(x), *slots_of(x)[1:])]

    return e.xreplace({x: one(x) for x in e.atoms(Indexed) if is_labelled(x)})


def labels(e: Expr, /) -> set[Expr]:
    """The numbers of the patterns of which a formula speaks."""
    return {label_of(x) for x in e.atoms(Indexed) if is_labelled(x)}


def of_one(*formulas: Expr) -> bool:
    """Whether formulas are about one pattern, whose number they may say, and not about the error of all."""
    numbers = set().union(*map(labels, formulas))
    several = any(e.has(net.E) or any(map(_over_patterns, e.atoms(Sum))) for e in formulas)
    return len(numbers) <= 1 and not several


def _over_patterns(s: Sum) -> bool:
    return any(high == N for _, _, high in s.limits)


class PatternForm:
    """The form of formulas about all patterns; ``one`` brings a formula about one pattern into its form.

    ``whole`` is "sum" or "mean": what the error of all patterns is; ``letter`` counts them.
    """

    def __init__(self, one: Callable[[Expr], Expr], whole: str, letter: str) -> None:
        self.one, self.whole, self.letter = one, whole, letter

    def of(self, e: Expr, /) -> Expr:
        """The formula in this form.

        Errors: `CannotTellError` for what is not said to belong to a pattern.
        """
        return freshen(self._formed(self._apart(freshen(e))))

    # ---------------------------------------------------------------------------------------- derivatives go inwards
    def _apart(self, e: Any) -> Any:
        """The error of all patterns by those of each, and derivatives inside of sums over patterns."""
        if e == net.E:
            k = sp.Dummy(self.letter, integer=True)
            return SCALES[self.whole] * Sum(E_OF[k], (k, 1, N))
        if isinstance(e, Diff):
            return self._inwards(self._apart(e.operand), e)
        if not e.args or isinstance(e, (Indexed, KroneckerDelta)):
            return e
        return e.func(*[self._apart(x) for x in e.args])

    def _inwards(self, e: Expr, by: Diff) -> Expr:
        if not e.has(Sum) or not any(_over_patterns(s) for s in e.atoms(Sum)):
            return self._within_one(by.of(e), by)
        if isinstance(e, Add):
            return Add(*[self._inwards(x, by) for x in e.args])
        if isinstance(e, Sum):
            return Sum(self._inwards(e.function, by), *e.limits)
        if isinstance(e, Mul):
            constant, rest = e.as_independent(Diff, Sum, Elementwise, *_quantities(e))
            if constant != 1:
                return constant * self._inwards(rest, by)
            return Add(*[Mul(*e.args[:p], self._inwards(x, by), *e.args[p + 1 :]) for p, x in enumerate(e.args)])
        if isinstance(e, Pow) and e.exp.is_number:
            return e.exp * e.base ** (e.exp - 1) * self._inwards(e.base, by)
        raise CannotTellError("a derivative of a function of all patterns is not known")

    @staticmethod
    def _within_one(d: Diff, by: Diff) -> Expr:
        """The derivative by a quantity of one pattern of that of another is 0."""
        numbers = labels(by.op)
        if not numbers:
            return d
        (number,) = numbers
        others = labels(d.operand)
        if len(others) != 1 or others == numbers:
            return d
        (other,) = others
        return KroneckerDelta(number, other) * Diff(d.op.xreplace({number: other}), d.operand)

    # ------------------------------------------------------------------------------------------ each part by itself
    def _formed(self, e: Any) -> Any:
        if isinstance(e, (Indexed, Diff, Elementwise)):
            return self._part(e)
        if not e.args or isinstance(e, KroneckerDelta):
            return e
        return e.func(*[self._formed(x) for x in e.args])

    def _part(self, e: Expr) -> Expr:
        if isinstance(e, Diff) and isinstance(e.operand, Add):
            return Add(*[self._formed(e.of(x)) for x in e.operand.args])
        if isinstance(e, Diff) and isinstance(e.operand, Mul):
            constant, rest = e.operand.as_independent(Diff, Sum, Elementwise, *_quantities(e.operand))
            if constant != 1:
                return constant * self._formed(e.of(rest))
        numbers = labels(e)
        bound = {k for s in e.atoms(Sum) for k, *_ in s.limits}
        if len(numbers) > 1 or numbers & bound:
            raise CannotTellError("one part of the formula is about several patterns")
        if any(isinstance(x.base, Tensor) and x.base.pattern for x in e.atoms(Indexed)):
            raise CannotTellError("to which pattern a quantity belongs is not said")
        return at(self.one(stripped(e)), *numbers) if numbers else self.one(e)


def _quantities(e: Expr) -> set[Any]:
    return {x for x in e.atoms(Indexed) if isinstance(x.base, Tensor)}
