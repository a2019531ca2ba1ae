r"""One hidden layer and a linear output, in the letters of a question on Cross Validated, differentiated by the inputs.

$P=\sum_iv_iS(Z_i)+c$ with $Z_i=\sum_lw_{il}x_l+b_i$. The formulas for $\partial P/\partial x_l$ and
$\partial^2P/\partial x_l^2$ hold for every number of units and inputs; the readings of a printed formula that leaves
open which weight is meant are here as well, to be decided against them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, Derivation
from hesslib.calculus.einsum_program import Program
from hesslib.calculus.index import KroneckerDelta, S, Tensor, elementwise, index
from hesslib.calculus.steps import Formula, Steps

units, count, c = sp.Symbol("m"), sp.Symbol("D"), sp.Symbol("c")
v = Tensor("v", shape=(units,))
W = Tensor("w", shape=(units, count))
B = Tensor("b", shape=(units,))
X = Tensor("x", shape=(count,))
Z = Tensor("Z", shape=(units,))
P = sp.Symbol("P")
s = index("l")
sigma = elementwise("S")


def of_Z(i: Any) -> Expr:
    r"""$\sum_lw_{il}x_l+b_i$."""
    return S("l", count, lambda l: W[i, l] * X[l]) + B[i]


def of_P() -> Expr:
    r"""$\sum_iv_iS(Z_i)+c$."""
    return S("i", units, lambda i: v[i] * sigma(Z[i])) + c


def network() -> tuple[Formula, Formula]:
    """The two sums that the network is."""
    i = index("i")
    return Formula(P, of_P()), Formula(Z[i], of_Z(i))


def S1(i: Any) -> Expr:
    """The slope of the activation of unit i, at its own argument."""
    return sigma(Z[i]).fdiff()


def S2(i: Any) -> Expr:
    """The bend of the activation of unit i."""
    return S1(i).fdiff()


def by_input() -> Derivation:
    r"""$\partial/\partial x_l$."""
    fixed = dict.fromkeys((v, W, B, c), CONSTANT)
    D = Derivation(X[s], {**fixed, X: lambda r: KroneckerDelta(r, s)})
    D.rules |= {Z: lambda i: D.raw(of_Z(i)), P: lambda: D.raw(of_P())}
    return D


def first() -> Steps:
    r"""$\partial P/\partial x_l=\sum_iv_iw_{il}S'(Z_i)$."""
    D = by_input()
    return Steps(D.named(P)).then(S("i", units, lambda i: v[i] * W[i, s] * S1(i)), "chain rule", by=D)


def second() -> Steps:
    r"""$\partial^2P/\partial x_l^2=\sum_iv_iw_{il}^2S''(Z_i)$."""
    D, known = by_input(), first().result
    step = Steps(D.named(D.named(P)))
    step.then(D.named(known), "insert", using=lambda e: e.xreplace({D.named(P): known}))
    return step.then(S("i", units, lambda i: v[i] * W[i, s] ** 2 * S2(i)), "chain rule", by=D)


READINGS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "output weights": lambda i: (v[i], 1),
    "input weights": lambda i: (W[i, s], 1),
    "output weights, through $Z_i$": lambda i: (v[i], W[i, s]),
    "input weights, through $Z_i$": lambda i: (W[i, s], W[i, s]),
}
r"""What $w_i$ may be in $\sum_iw_i\,dS/dl$, and what $dS/dl$ brings besides $S'$."""


def reading(name: str) -> tuple[Expr, Expr]:
    r"""$\sum_iw_i\,dS/dl$ and $\sum_iw_i^2\,d^2S/dl^2$ as they were printed, in one of the readings."""

    def power(order: int, bend: Callable[[Any], Expr]) -> Expr:
        def term(i: Any) -> Expr:
            weight, inner = READINGS[name](i)
            return weight**order * inner**order * bend(i)

        return S("i", units, term)

    return power(1, S1), power(2, S2)


def unit_outputs() -> Steps:
    r"""Where all $v_i=1$ the second derivative is that of one reading."""
    claimed = reading("input weights")[1]
    return Steps(second().result).then(claimed, "all $v_i=1$", using={v: lambda i: sp.S.One})


def program() -> Program:
    """Both derivatives for a batch of patterns: ``one_layer(v, w, Z, S1, S2)``."""
    p = Program("one_layer", "v, w, Z, S1, S2")
    patterns = Tensor("Z", shape=(units,), pattern=True)
    for order, steps in ((1, first()), (2, second())):
        e = steps.result
        e = e.xreplace({x: patterns[x.indices] for x in e.atoms(sp.Indexed) if x.base == Z})
        p.assign(Tensor(f"d{order}", shape=(count,), pattern=True)[s], e)
    p.line("return d1, d2")
    return p
