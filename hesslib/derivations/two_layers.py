r"""A network with two layers of weights, in PRML's letters: inputs i, hidden units j, outputs k.

    a^(1)_j = sum_i w^(1)_ji x_i + b^(1)_j,   z^(1)_j = h(a^(1)_j),   a^(2)_k = sum_j w^(2)_kj z^(1)_j + b^(2)_k

It is the network of :mod:`hesslib.derivations.network` with two upper layers and nothing below them but inputs;
:func:`of_depth_two` reads a formula for layers L - 1 and L of that network as one for layers 1 and 2 of this one.
Of the loss nothing is known but $\delta^{(2)}_k=\partial E/\partial a^{(2)}_k$ and $M_{kk'}$.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import Expr, Indexed

from hesslib.calculus.derivation import CONSTANT, Derivation, Rule, same
from hesslib.calculus.index import S, Tensor, freshen

from . import network as net
from .network import E, a, b, delta, h, hp, n, w, z

x = Tensor("x", shape=(n[0],), pattern=True)
M = Tensor("M", shape=(n[2], n[2]), symmetric=True, pattern=True)


def definition_of_a(y: Any, unit: Any) -> Expr:
    """The pre-activation of a unit of layer 1 or 2."""
    below = (lambda i: x[i]) if y == 1 else (lambda j: z[1, j])
    return S("i" if y == 1 else "j", n[y - 1], lambda source: w[y, unit, source] * below(source)) + b[y, unit]


def received(unit: Any) -> Expr:
    r"""What a hidden unit gets back from the outputs, $\sum_kw^{(2)}_{kj}\delta^{(2)}_k$."""
    return S("k", n[2], lambda k: w[2, k, unit] * delta[2, k])


def curvature_between(unit: Any, other: Any) -> Expr:
    r"""The curvature of the loss seen from two hidden units, $\sum_k\sum_{k'}w^{(2)}_{kj}w^{(2)}_{k'j'}M_{kk'}$."""
    return S("k", n[2], lambda k: S("k'", n[2], lambda q: w[2, k, unit] * w[2, q, other] * M[k, q]))


def hidden_signal(unit: Any) -> Expr:
    r"""$\delta^{(1)}_j=h'(a^{(1)}_j)\sum_kw^{(2)}_{kj}\delta^{(2)}_k$, by backpropagation."""
    return hp(1, unit) * received(unit)


def wrt(parameter: Indexed, /) -> Derivation:
    r"""$\partial/\partial w^{(y)}_{ji}$ or $\partial/\partial b^{(y)}_j$, for layer y = 1 or 2.

    Everything depends on a parameter of layer 1 through $a^{(1)}$, on one of layer 2 through $a^{(2)}$.
    """
    layer, slots = parameter.indices[0], parameter.indices[1:]

    def own(head: Tensor) -> Rule:
        if head != parameter.base:
            return CONSTANT
        return lambda y, *at: same(*slots)(*at) if y == layer else sp.S.Zero

    def of_a(y: Expr, unit: Expr) -> Expr:
        return sp.S.Zero if y < layer else D.raw(definition_of_a(y, unit))

    def of_delta(y: Expr, unit: Expr) -> Expr:
        if y == 1:
            return D.raw(hidden_signal(unit))
        return S("k'", n[2], lambda k: M[unit, k] * D.raw(a[2, k]))

    rules: dict[Any, Rule] = {
        w: own(w),
        b: own(b),
        x: CONSTANT,
        a: of_a,
        z: lambda y, unit: D.raw(h(a[y, unit])),
        delta: of_delta,
        E: lambda: S("k", n[layer], lambda k: delta[layer, k] * D.raw(a[layer, k])),
    }
    D = Derivation(parameter, rules)
    return D


def of_depth_two(e: Any, /) -> Expr:
    """A formula for layers L - 1 and L, read at L = 2: $z^{(0)}$ is x, and M belongs to layer 2."""
    e = freshen(e).xreplace({net.L: sp.Integer(2)})

    def translated(q: Indexed) -> Expr:
        if q.base == net.M:
            return M[q.indices]
        if q.base == z and q.indices[0] == 0:
            return x[q.indices[1]]
        return q

    return e.replace(lambda q: isinstance(q, Indexed) and q.base in (net.M, z), translated)


def of_any_depth(e: Any, /) -> Expr:
    """The way back for layers: x is $z^{(0)}$, and M belongs to the last layer; an instance has values for these."""

    def translated(q: Indexed) -> Expr:
        if q.base == M:
            return net.M[q.indices]
        return z[0, q.indices[0]] if q.base == x else q

    return freshen(e).replace(lambda q: isinstance(q, Indexed) and q.base in (M, x), translated)
