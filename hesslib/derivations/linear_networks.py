r"""Networks with $h(a)=a$: backpropagation specialised, layers that collapse into one, and the smallest saddle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr, Indexed

from hesslib.calculus.equation import Equation, defined, proved
from hesslib.calculus.index import Diff, S, specialise
from hesslib.calculus.rewriting import assuming
from hesslib.calculus.steps import Steps

from .network import E, L, a, b, definitions, delta, error_signal, h, hp, j, k, l, n, w, wrt_a, z

__all__ = ["collapse", "one_matrix_below", "signal", "signal_two_below", "smallest_error", "smallest_hessian"]


without_h = assuming(h(a[l, j]), a[l, j], lambda e: specialise(e, "h", lambda u: u))
"""The formula of a network that is linear: every slope is 1."""


def _in_layer(layer: Any, head: Any, body: Callable[..., Expr]) -> dict:
    """Insert what ``head`` stands for in one layer only."""
    return {head: lambda y, *rest: body(y, *rest) if y == layer else head[(y, *rest)]}


def one_matrix_below(unit: Any = j, /) -> Expr:
    r"""$\sum_kw^{(l+1)}_{kj}\delta^{(l+1)}_k$."""
    return S("k", n[l + 1], lambda k: w[l + 1, k, unit] * delta[l + 1, k])


def signal() -> Steps:
    r"""$\delta^{(l)}_j=\sum_kw^{(l+1)}_{kj}\delta^{(l+1)}_k$, for $l<L$: backpropagation, and at the end $h'=1$."""
    D = wrt_a(l, j)
    s = Steps(delta[l, j])
    s.then(Diff(a[l, j], E), "definition", using=error_signal)
    s.then(S("k", n[l + 1], lambda k: delta[l + 1, k] * D.named(a[l + 1, k])), "chain rule", by=D)
    s.then(hp(l, j) * one_matrix_below(), "any activation", by=D)
    return s.then(one_matrix_below(), "$h'=1$", using=without_h)


def signal_two_below() -> Steps:
    """The signal two layers below the output: two matrices in turn."""
    one = signal()

    def below(layer: Any) -> dict:
        return _in_layer(layer, delta, lambda y, unit: one.at({l: y, j: unit}))

    s = Steps(delta[L - 2, j])
    s.then(one.at({l: L - 2}), "one layer up", using=below(L - 2))

    def last(k: Any) -> Expr:
        return S("p", n[L], lambda p: w[L, p, k] * delta[L, p])

    return s.then(S("k", n[L - 1], lambda k: w[L - 1, k, j] * last(k)), "two layers up", using=below(L - 1))


def collapse() -> Steps:
    """Two layers are one: the matrices multiply, and the lower bias passes through the upper weights."""

    def is_activation(x: Any) -> bool:
        return isinstance(x, Indexed) and x.base == z and x.indices[0] == l

    def linear(e: Expr) -> Expr:
        return e.replace(is_activation, lambda x: a[l, x.indices[1]])

    s = Steps(a[l + 1, k])
    s.then(definitions[a](l + 1, k), "definition", using=_in_layer(l + 1, a, definitions[a]))
    s.then(
        S("j", n[l], lambda j: w[l + 1, k, j] * a[l, j]) + b[l + 1, k],
        "$z^{(l)}_j=a^{(l)}_j$",
        using=assuming(z[l, j], a[l, j], linear),
    )

    def product(i: Any) -> Expr:
        return S("j", n[l], lambda j: w[l + 1, k, j] * w[l, j, i])

    return s.then(
        S("i", n[l - 1], lambda i: product(i) * z[l - 1, i])
        + S("j", n[l], lambda j: w[l + 1, k, j] * b[l, j])
        + b[l + 1, k],
        "insert, reorder",
        using=_in_layer(l, a, definitions[a]),
    )


# The smallest network: one weight u in the first layer, one weight v in the second, x = t = 1, no biases.
u, v = sp.symbols("u v", real=True)
error = sp.Rational(1, 2) * (v * u - 1) ** 2
named = sp.Function("E")(u, v)
hessian = sp.hessian(error, (u, v))


def smallest_error() -> Equation:
    """Its error."""
    return defined(named, error)


def smallest_hessian() -> Equation:
    """The four second derivatives of its error."""
    derivatives = sp.Matrix(2, 2, lambda row, column: sp.Derivative(named, (u, v)[row], (u, v)[column]))
    entries = sp.Matrix([[v**2, 2 * u * v - 1], [2 * u * v - 1, u**2]])
    return proved(derivatives, entries, where={named: error})
