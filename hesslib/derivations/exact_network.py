r"""Explicit small networks in exact arithmetic: an oracle that shares nothing with the index calculus.

An `Instance` has numbers for widths: rational weights, a polynomial for $h$, a polynomial that couples all
outputs for the loss. A derivative is read off after adding $s$ (and $t$, for a second one) to the entry that is
varied: SymPy's polynomial ring carries $s$ and $t$ through the explicit network, modulo $s^2$ and $t^2$. A formula is
evaluated by summing over actual integers. Both are exact rationals: they agree or they do not, and a wrong
polynomial identity agrees at random rational numbers with probability nearly 0.

Longer than one sitting: an oracle must be readable without anything else at hand.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import sympy as sp
from sympy import QQ, Expr, Indexed, Integer, Rational, Sum, Symbol
from sympy.polys.ring_series import rs_trunc
from sympy.polys.rings import ring

from hesslib.calculus.index import Diff, Elementwise, KroneckerDelta, Operator, Tensor, freshen

from . import network as net

if TYPE_CHECKING:
    from hesslib.agreement import Check

__all__ = ["Instance", "evaluate"]

RING, S_, T_ = ring("s,t", QQ)
"""Rational polynomials in the two variations: $s$ for a first derivative, $st$ for a second one."""


def _truncated(x: Any, /) -> Any:
    """Drop what no derivative needs: powers above the first of s and of t."""
    return rs_trunc(rs_trunc(RING(x), S_, 2), T_, 2)


def evaluate(e: Any, values: Callable[[Expr, tuple], Any], sizes: Callable[[Expr], int], at: Mapping, /) -> Any:
    """The number of an index expression: ``at`` gives the free indices, ``values`` the quantities, ``sizes`` sizes.

    >>> from hesslib.calculus.index import S, Tensor
    >>> x = Tensor("x", shape=(3,))
    >>> evaluate(S("j", 3, lambda j: x[j]), lambda x, _: x.indices[0] ** 2, int, {})
    14
    """

    def visit(x: Any, at: dict) -> Any:
        if x.is_Number:
            return x
        if isinstance(x, Symbol):
            return Integer(at[x]) if x in at else values(x, ())
        if isinstance(x, (Indexed, Diff, Elementwise)):
            return values(x.xreplace({s: Integer(value) for s, value in at.items()}), ())
        if isinstance(x, KroneckerDelta):
            p, q = (visit(y, at) for y in x.args)
            return Integer(p == q)
        if isinstance(x, Sum):
            *outer, (s, _, size) = x.limits
            inner = Sum(x.function, *outer) if outer else x.function
            count = sizes(size.xreplace({y: Integer(value) for y, value in at.items()}))
            return sum((visit(inner, {**at, s: number}) for number in range(1, count + 1)), sp.S.Zero)
        return x.func(*[visit(y, at) for y in x.args])

    return visit(freshen(e), dict(at))


def _rational(x: Expr, /) -> Any:
    """A SymPy rational as a coefficient of the ring."""
    return QQ(int(x.p), int(x.q))


def _expr(x: Any, /) -> Expr:
    """A coefficient of the ring as a SymPy rational."""
    return Rational(int(x.numerator), int(x.denominator))


class Instance:
    """A network of the given widths with random rational parameters, polynomial h and polynomial loss.

    Every quantity of :mod:`hesslib.derivations.network`, and every named derivative of one, has an exact value here.

    Errors: KeyError for a quantity that a network has not; ValueError for a third derivative.

    >>> instance = Instance((2, 3, 1))
    >>> by_weight = Diff(net.w[2, 1, 1], net.E)
    >>> instance.number(by_weight - net.delta[2, 1] * net.z[1, 1], {})
    0
    """

    def __init__(self, widths: Sequence[int], /, *, seed: int = 0) -> None:
        self.widths, self.depth = tuple(widths), len(widths) - 1
        rng = random.Random(seed)

        def number() -> Expr:
            return Rational(rng.choice([-1, 1]) * rng.randint(1, 9), rng.randint(2, 7))

        self._h = [number() for _ in range(5)]
        self._x = [number() for _ in range(widths[0])]
        outputs = range(widths[-1])
        self._linear = [number() for _ in outputs]
        self._quadratic = {pair: number() for pair in itertools.combinations_with_replacement(outputs, 2)}
        self._cubic = {
            triple: number() for triple in itertools.combinations_with_replacement(range(min(3, widths[-1])), 3)
        }
        layers = range(1, self.depth + 1)
        self.parameters: dict[Indexed, Expr] = {}
        self.direction: dict[Indexed, Expr] = {}
        for y in layers:
            for unit in range(1, widths[y] + 1):
                for source in range(1, widths[y - 1] + 1):
                    self.parameters[net.w[y, unit, source]] = number()
                    self.direction[net.v[y, unit, source]] = number()
                self.parameters[net.b[y, unit]] = number()
                self.direction[net.u[y, unit]] = number()
        self._along = {
            (net.w[x.indices] if x.base == net.v else net.b[x.indices]): value for x, value in self.direction.items()
        }
        self._value = functools.cache(self._value_uncached)

    def h(self, x: Any, order: int = 0) -> Any:
        """The activation polynomial, or a derivative of it, at ``x``."""
        coefficients = [c * sp.ff(power, order) for power, c in enumerate(self._h) if power >= order]
        out = RING(0)
        for c in reversed(coefficients):  # Horner's rule
            out = _truncated(out * x) + _rational(c)
        return out

    def run(self, shift: Mapping[Indexed, Any], /) -> tuple[dict[Indexed, Any], Any]:
        """Forward pass with ``shift`` added to the named entries: all a, z and the error, as polynomials in s and t."""
        activations = {net.z[0, unit + 1]: RING(_rational(value)) for unit, value in enumerate(self._x)}
        for y in range(1, self.depth + 1):
            for unit in range(1, self.widths[y] + 1):
                total = self._shifted(net.b[y, unit], shift) + shift.get(net.a[y, unit], 0)
                for source in range(1, self.widths[y - 1] + 1):
                    total += _truncated(
                        self._shifted(net.w[y, unit, source], shift) * activations[net.z[y - 1, source]]
                    )
                activations[net.a[y, unit]] = total
                activations[net.z[y, unit]] = self.h(total)
        out = [activations[net.a[self.depth, unit]] for unit in range(1, self.widths[-1] + 1)]
        error = sum((_rational(c) * o for c, o in zip(self._linear, out, strict=True)), RING(0))
        error += sum((_rational(c) * out[r] * out[q] for (r, q), c in self._quadratic.items()), RING(0))
        error += sum((_rational(c) * out[r] * out[q] * out[p] for (r, q, p), c in self._cubic.items()), RING(0))
        return activations, _truncated(error)

    def _shifted(self, parameter: Indexed, shift: Mapping) -> Any:
        return RING(_rational(self.parameters[parameter])) + shift.get(parameter, 0)

    def _variation(self, op: Expr, by: Any) -> dict[Indexed, Any]:
        if isinstance(op, Operator):
            return {x: by * _rational(value) for x, value in self._along.items()}
        return {op: by}

    def _oracle(self, x: Expr, ops: Sequence[Expr]) -> Expr:
        """The derivative of ``x`` (an activation or the error) by each of ``ops``: read off the explicit instance."""
        if len(ops) > 2:
            raise ValueError(f"an instance takes first and second derivatives; {x} was given {len(ops)} variables")
        shift: dict[Indexed, Any] = {}
        for op, by in zip(ops, (S_, T_), strict=False):
            for entry, amount in self._variation(op, by).items():
                shift[entry] = shift.get(entry, RING(0)) + amount
        activations, error = self.run(shift)
        polynomial = RING(error if x == net.E else activations[x])
        coefficient = polynomial.coeff([1, S_, S_ * T_][len(ops)])
        return _expr(coefficient)

    def value(self, x: Expr, _: tuple = (), /) -> Expr:
        """The exact value of a quantity of the network, at integer indices."""
        return self._value(x.xreplace({net.L: Integer(self.depth)}))

    def _value_uncached(self, x: Expr) -> Expr:
        if x in self.parameters or x in self.direction:
            return self.parameters.get(x, self.direction.get(x))
        if isinstance(x, Elementwise):
            return _expr(self.h(RING(_rational(self.value(x.args[0]))), x.order).coeff(1))
        ops: list[Expr] = []
        while isinstance(x, Diff):
            ops.append(x.op)
            x = x.operand
        if isinstance(x, Indexed) and x.base in self._named:
            inner, more = self._named[x.base](self, *x.indices)
            return self._oracle(inner, [*more, *ops])
        if x == net.E or (isinstance(x, Indexed) and x.base in (net.a, net.z)):
            return self._oracle(x, ops)
        if ops and (x in self.parameters or x in self.direction):  # linear in themselves
            along = self._along.get(x, sp.S.Zero) if isinstance(ops[0], Operator) else Integer(x == ops[0])
            return along if len(ops) == 1 else sp.S.Zero
        raise KeyError(f"an instance of a network has no value for {x}")

    # What the named quantities are: a quantity, and the variables it is differentiated by.
    _named: ClassVar[dict[Tensor, Callable[..., tuple[Expr, list[Expr]]]]] = {
        net.delta: lambda self, y, j: (net.E, [net.a[y, j]]),
        net.M: lambda self, p, q: (net.E, [net.a[self.depth, p], net.a[self.depth, q]]),
        net.G: lambda self, y, x, k, j: (net.a[y, k], [net.a[x, j]]),
        net.B: lambda self, y, x, k, j: (net.E, [net.a[y, k], net.a[x, j]]),
    }

    def size(self, e: Expr, /) -> int:
        """The number a size stands for."""
        e = e.xreplace({net.L: Integer(self.depth)})
        return self.widths[int(e.indices[0])] if isinstance(e, Indexed) else int(e)

    def number(self, e: Any, at: Mapping[Any, int], /) -> Expr:
        """The exact value of an index expression at the free indices ``at``."""
        return evaluate(sp.sympify(e).xreplace({net.L: Integer(self.depth)}), self.value, self.size, at)

    def verify(self, formula: Any, places: Iterable[Mapping[Any, int]], /) -> Check:
        """The record of comparing both sides of a `Formula` or a chain of steps."""
        return self.agree(formula.lhs, formula.result, places)

    def agree(self, lhs: Any, rhs: Any, places: Iterable[Mapping[Any, int]], /, *, of: str = "a formula") -> Check:
        """The record of comparing two expressions at all ``places``: exact, so the tolerance is zero.

        Errors: ``ValueError`` if there is no place to compare at.
        """
        from hesslib.agreement import Check

        differences = [abs(self.number(lhs, at) - self.number(rhs, at)) for at in places]
        if not differences:
            raise ValueError(f"{of}: no index values to compare at")
        shape = "-".join(map(str, self.widths))
        return Check(f"exact instance {shape}, {len(differences)} entries", float(max(differences)), 0.0)
