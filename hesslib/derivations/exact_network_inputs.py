r"""Explicit small networks in exact arithmetic whose inputs are varied as well: an oracle for third derivatives.

An `InputInstance` is an `Instance` that carries three variations, of which
any may be of an input, and gives exact values to $\dot a$, $\ddot a$, $\dot G$, $\ddot G$ and their derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import sympy as sp
from sympy import QQ, Expr, Indexed
from sympy.polys.ring_series import rs_trunc
from sympy.polys.rings import ring

from hesslib.calculus.index import Elementwise, Tensor

from . import input_derivatives as by_inputs
from . import network as net
from .exact_network import Instance, _expr, _rational

__all__ = ["InputInstance"]

RING, *VARIATIONS = ring("s,t,u", QQ)


def _truncated(polynomial: Any, /) -> Any:
    for variation in VARIATIONS:
        polynomial = rs_trunc(RING(polynomial), variation, 2)
    return polynomial


class InputInstance(Instance):
    """A network with random rational parameters and polynomial h; derivatives up to the third, by inputs as well.

    >>> instance = InputInstance((2, 2, 1))
    >>> dz = by_inputs.dz[0, 1, 1]
    >>> instance.number(dz, {})
    1
    """

    def h(self, x: Any, order: int = 0) -> Any:
        """The activation polynomial, or a derivative of it, at ``x``."""
        out = RING(0)
        for c in reversed([c * sp.ff(power, order) for power, c in enumerate(self._h) if power >= order]):
            out = _truncated(out * x) + _rational(c)
        return out

    def run(self, shift: Mapping[Indexed, Any], /) -> tuple[dict[Indexed, Any], Any]:
        """Forward pass with ``shift`` added to the named entries: all a and z, as polynomials in the variations."""

        def moved(entry: Indexed, value: Any) -> Any:
            return value + shift.get(entry, 0)

        found = {net.z[0, d]: moved(by_inputs.x[d], RING(_rational(value))) for d, value in enumerate(self._x, start=1)}
        for y in range(1, self.depth + 1):
            for unit in range(1, self.widths[y] + 1):
                total = moved(net.b[y, unit], RING(_rational(self.parameters[net.b[y, unit]])))
                for source in range(1, self.widths[y - 1] + 1):
                    weight = net.w[y, unit, source]
                    total += _truncated(
                        moved(weight, RING(_rational(self.parameters[weight]))) * found[net.z[y - 1, source]]
                    )
                found[net.a[y, unit]] = moved(net.a[y, unit], total)
                found[net.z[y, unit]] = self.h(found[net.a[y, unit]])
        return found, RING(0)

    def _oracle(self, x: Expr, ops: Sequence[Expr]) -> Expr:
        shift: dict[Indexed, Any] = {}
        monomial = RING(1)
        for op, variation in zip(ops, VARIATIONS[: len(ops)], strict=True):
            shift[op] = shift.get(op, RING(0)) + variation
            monomial *= variation
        coefficient = RING(self.run(shift)[0][x]).coeff(monomial)
        return _expr(coefficient)

    def _value_uncached(self, x: Expr) -> Expr:
        if isinstance(x, Indexed) and x.base == by_inputs.x:
            return self._x[int(x.indices[0]) - 1]
        if isinstance(x, Elementwise):
            return _expr(self.h(RING(_rational(self.value(x.args[0]))), x.order).coeff(1))
        return super()._value_uncached(x)

    _named: ClassVar[dict[Tensor, Callable[..., tuple[Expr, list[Expr]]]]] = {
        net.G: lambda self, y, x, k, j: (net.a[y, k], [net.a[x, j]]),
        by_inputs.da: lambda self, y, j, d: (net.a[y, j], [by_inputs.x[d]]),
        by_inputs.dz: lambda self, y, j, d: (net.z[y, j], [by_inputs.x[d]]),
        by_inputs.dda: lambda self, y, j, d, e: (net.a[y, j], [by_inputs.x[d], by_inputs.x[e]]),
        by_inputs.ddz: lambda self, y, j, d, e: (net.z[y, j], [by_inputs.x[d], by_inputs.x[e]]),
        by_inputs.dG: lambda self, y, x, k, j, d: (net.a[y, k], [net.a[x, j], by_inputs.x[d]]),
        by_inputs.ddG: lambda self, y, x, k, j, d, e: (
            net.a[y, k],
            [net.a[x, j], by_inputs.x[d], by_inputs.x[e]],
        ),
    }
