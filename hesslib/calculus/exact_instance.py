r"""An architecture with numbers for its sizes and random values, in exact arithmetic: an oracle for derived formulas.

The numbers are those of the field of $2^{61}-1$ elements, so that fractions and square roots are exact too. Every
value carries two variations, $v_0+v_1s+v_2t+v_{12}st$: what a derivative means here is that $s$ (and $t$) is added to
one entry after it was computed, and what comes out downstream is read off. Neither the normal form nor any rule of
derivation is used. An elementwise function is a random polynomial; other functions are opaque values with their true
derivatives.

Longer than one sitting: an oracle must be readable without anything else at hand.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy import Add, Dummy, Expr, Indexed, Integer, Mul, Pow, Sum, Symbol

from .architecture import Architecture
from .index import Diff, Elementwise, KroneckerDelta, Tensor, Width, freshen, layers_of
from .indicators import Holds

if TYPE_CHECKING:
    from hesslib.agreement import Check

__all__ = ["ExactInstance", "NoRootError"]

P = 2**61 - 1
Jet = tuple[int, int, int, int]
"""A value, its change along s, along t, and along both."""


class NoRootError(ArithmeticError):
    """A number whose square root is wanted has none in the field; another seed has other numbers."""


def _times(x: Jet, y: Jet) -> Jet:
    return (
        x[0] * y[0] % P,
        (x[0] * y[1] + x[1] * y[0]) % P,
        (x[0] * y[2] + x[2] * y[0]) % P,
        (x[0] * y[3] + x[3] * y[0] + x[1] * y[2] + x[2] * y[1]) % P,
    )


def _plus(x: Jet, y: Jet) -> Jet:
    return tuple((p + q) % P for p, q in zip(x, y, strict=True))  # type: ignore[return-value]


def _applied(x: Jet, derivatives: Sequence[int]) -> Jet:
    """A function of ``x``, given its value and its first two derivatives there."""
    f, slope, bend = derivatives
    return f % P, slope * x[1] % P, slope * x[2] % P, (slope * x[3] + bend * x[1] * x[2]) % P


class ExactInstance:
    """The architecture at the sizes ``sizes``: of every symbol a number, of every `Width` one number for each layer.

    ``named`` says of further tensors what they are: a derivative, say, as a function of their indices.

    Errors: KeyError for a size that is not given; `NoRootError`; ValueError for a third derivative.

    >>> x, E = Tensor("x", shape=(3,), independent=True), Symbol("E")
    >>> from .index import S
    >>> net = Architecture({E: lambda: S("i", 3, lambda i: x[i] ** 2)})
    >>> ExactInstance(net, {}).number(Diff(x[1], E) - 2 * x[1], {})
    0
    """

    def __init__(
        self,
        architecture: Architecture,
        sizes: Mapping[Any, Any],
        /,
        *,
        named: Mapping[Tensor, Callable[..., Any]] | None = None,
        seed: int = 0,
    ) -> None:
        self.architecture, self.sizes, self.named, self.seed = architecture, dict(sizes), dict(named or {}), seed
        self._known: dict[Any, Jet] = {}

    def _random(self, *name: Any) -> int:
        return random.Random(f"{self.seed} {name!r}").randrange(2, P)

    # ------------------------------------------------------------------------------------------------ evaluation
    def integer(self, e: Expr, at: Mapping[Any, int], /) -> int:
        """A size, a layer number or an index."""
        e = sp.sympify(e).xreplace({s: Integer(x) for s, x in at.items()})
        widths = {x: Integer(self.sizes[x.base][self.integer(layers_of(x)[0], at)]) for x in e.atoms(Indexed)}
        return int(
            e.xreplace(widths).xreplace({s: sp.sympify(x) for s, x in self.sizes.items() if isinstance(s, Symbol)})
        )

    def jet(self, e: Expr, at: Mapping[Any, int], shift: tuple[Expr, ...] = (), /) -> Jet:
        """The value of ``e`` with the entries ``shift`` varied, the first along s and the second along t."""
        if e.is_Rational:
            return int(e.p) * pow(int(e.q), -1, P) % P, 0, 0, 0
        if isinstance(e, Symbol) and (e in at or e in self.sizes):
            return (int(at[e]) if e in at else int(self.sizes[e])) % P, 0, 0, 0
        if isinstance(e, Indexed) and isinstance(e.base, Width):
            return self.integer(e, at) % P, 0, 0, 0
        if isinstance(e, (Symbol, Indexed)):
            return self._quantity(self._placed(e, at), shift)
        if isinstance(e, KroneckerDelta):
            return int(self.integer(e.args[0], at) == self.integer(e.args[1], at)), 0, 0, 0
        if isinstance(e, Holds):
            return int(self.integer(e.inside, at) >= 0), 0, 0, 0
        if isinstance(e, Diff):
            return self._derivative(e, at, shift)
        if isinstance(e, Sum):
            *inner, (s, first, last) = e.limits
            body = Sum(e.function, *inner) if inner else e.function
            found: Jet = (0, 0, 0, 0)
            for number in range(self.integer(first, at), self.integer(last, at) + 1):
                found = _plus(found, self.jet(body, {**at, s: number}, shift))
            return found
        if isinstance(e, (Add, Mul)):
            found = (0, 0, 0, 0) if e.is_Add else (1, 0, 0, 0)
            for x in e.args:
                found = (_plus if e.is_Add else _times)(found, self.jet(x, at, shift))
            return found
        if isinstance(e, Pow):
            return self._power(self.jet(e.base, at, shift), e.exp)
        return self._function(e, self.jet(e.args[0], at, shift))

    def _placed(self, x: Expr, at: Mapping[Any, int]) -> Expr:
        """A quantity at numbers for its layer numbers and indices."""
        return x.base[tuple(Integer(self.integer(s, at)) for s in x.indices)] if isinstance(x, Indexed) else x

    def _quantity(self, x: Expr, shift: tuple[Expr, ...]) -> Jet:
        if (x, shift) not in self._known:
            head = x.base if isinstance(x, Indexed) else x
            if head in self.named:
                found = self.jet(freshen(self.named[head](*x.indices)), {}, shift)
            elif self.architecture._defined_at(x):
                found = self.jet(self.architecture.body(x), {}, shift)
            else:
                found = (self._random("value", str(x)), 0, 0, 0)
            for place, entry in enumerate(shift):
                if entry == x:
                    found = _plus(found, (0, 1 - place, place, 0))
            self._known[x, shift] = found
        return self._known[x, shift]

    def _derivative(self, e: Diff, at: Mapping[Any, int], shift: tuple[Expr, ...]) -> Jet:
        ops: list[Expr] = []
        inner: Expr = e
        while isinstance(inner, Diff):
            ops.append(self._placed(inner.op, at))
            inner = inner.operand
        if shift or len(ops) > 2:
            raise ValueError(f"an instance takes first and second derivatives; {e} needs more")
        found = self.jet(inner, at, tuple(ops))
        return (found[1] if len(ops) == 1 else found[3]), 0, 0, 0

    # ------------------------------------------------------------------------------------------------- functions
    def _power(self, x: Jet, exponent: Expr) -> Jet:
        if not exponent.is_Rational or exponent.q not in (1, 2):
            raise ValueError(f"an instance takes whole and half powers; {exponent} is none")
        p, root = int(exponent.p), x[0]
        if exponent.q == 2:
            root = pow(x[0], (P + 1) // 4, P)
            if root * root % P != x[0]:
                raise NoRootError("a number has no square root here; take another seed")
        value, first = pow(root, p, P), int(p) * pow(int(exponent.q), -1, P)
        slope = first * value * pow(x[0], -1, P) if p else 0
        bend = (first - 1) * slope * pow(x[0], -1, P) if p else 0
        return _applied(x, (value, slope, bend))

    def _function(self, e: Expr, x: Jet) -> Jet:
        if isinstance(e, Elementwise):
            coefficients = [self._random("h", e.stem, power) for power in range(5)]
            orders = range(e.order, e.order + 3)
            return _applied(
                x,
                [
                    sum(int(sp.ff(p, o)) * c * pow(x[0], p - o, P) for p, c in enumerate(coefficients) if p >= o)
                    for o in orders
                ],
            )
        u = Dummy("u")
        slopes = [sp.diff(e.func(u), u, order) for order in (1, 2)]
        return _applied(x, [self._opaque(e.func(u), u, x[0]), *[self._opaque(f, u, x[0]) for f in slopes]])

    def _opaque(self, e: Expr, u: Dummy, number: int) -> int:
        """A formula in one letter, whose functions are random values that depend on their argument only."""
        if e == u:
            return number
        if e.is_Rational:
            return int(e.p) * pow(int(e.q), -1, P) % P
        parts = [self._opaque(x, u, number) for x in e.args]
        if e.is_Add:
            return sum(parts) % P
        if e.is_Mul:
            found = 1
            for x in parts:
                found = found * x % P
            return found
        if isinstance(e, Pow):
            return self._power((parts[0], 0, 0, 0), e.exp)[0]
        return self._random(e.func.__name__, *parts)

    # ------------------------------------------------------------------------------------------------- comparing
    def number(self, e: Any, at: Mapping[Any, int], /) -> int:
        """The exact value of an index expression at the free indices and layer numbers ``at``."""
        return self.jet(freshen(e), dict(at))[0]

    def verify(self, formula: Any, places: Iterable[Mapping[Any, int]], /) -> Check:
        """The record of comparing both sides of a formula or a chain at ``places``: exact, so the tolerance is zero.

        Errors: ValueError if there is no place to compare at.
        """
        from hesslib.agreement import Check

        differ = [self.number(formula.lhs, at) != self.number(formula.result, at) for at in places]
        if not differ:
            raise ValueError("no index values to compare at")
        return Check(f"exact instance in a prime field, {len(differ)} entries", float(sum(differ)), 0.0)
