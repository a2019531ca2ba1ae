r"""A layered network with symbolic widths, symbolic layer number and symbolic depth.

    a^(l)_j = sum_i w^(l)_ji z^(l-1)_i + b^(l)_j,   z^(l)_j = h(a^(l)_j),   E = E(a^(L)_1, ..., a^(L)_{n_L})

for one pattern; $z^{(0)}=x$. Of the loss nothing is known but its first two derivatives $\delta^{(L)}$ and $M$.
Which layers a derivative reaches is decided from the sign of the difference of layer numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.architecture import Architecture, ByDefinitions, order
from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, Rule, Through
from hesslib.calculus.index import Diff, Operator, S, Tensor, Width, elementwise, index

__all__ = [
    "Layered",
    "R",
    "architecture",
    "definitions",
    "error_signal",
    "hp",
    "hpp",
    "order",
    "wrt_a",
    "wrt_b",
    "wrt_w",
]

# Layer numbers; index letters (i feeds j, j feeds k); every primed letter is a second index of the same kind.
l, m, L = sp.symbols("l m L", integer=True, positive=True)
i, j, k, p, q = index("i j k p q")
i_, j_, k_ = index("i' j' k'")

n = Width("n", layers=1)


def _unit(y: Expr) -> tuple[Expr, ...]:
    return (n[y],)


def _link(y: Expr) -> tuple[Expr, ...]:
    return (n[y], n[y - 1])


w = Tensor("w", layers=1, shape=_link, independent=True, between=(1, L))
b = Tensor("b", layers=1, shape=_unit, independent=True, between=(1, L))
v = Tensor("v", layers=1, shape=_link, between=(1, L))  # a direction in weight space: its part for w ...
u = Tensor("u", layers=1, shape=_unit, between=(1, L))  # ... and its part for b
a = Tensor("a", layers=1, shape=_unit, pattern=True, between=(1, L))
z = Tensor("z", layers=1, shape=_unit, pattern=True, between=(0, L))
delta = Tensor("delta", latex=r"\delta", layers=1, shape=_unit, pattern=True, between=(1, L))
M = Tensor("M", shape=(n[L], n[L]), symmetric=True, pattern=True)
G = Tensor("G", layers=2, shape=lambda y, x: (n[y], n[x]), pattern=True)  # d a^(m) / d a^(l)
B = Tensor("B", layers=2, shape=lambda y, x: (n[y], n[x]), pattern=True)  # d delta^(m) / d a^(l)
E = sp.Symbol("E")
h = elementwise("h")


def hp(y: Any, unit: Any) -> Expr:
    r"""$h'(a^{(y)}_{unit})$.

    >>> hp(l, j)
    h'(a[l, j])
    """
    return h(a[y, unit]).fdiff()


def hpp(y: Any, unit: Any) -> Expr:
    r"""$h''(a^{(y)}_{unit})$.

    >>> hpp(l, j)
    h''(a[l, j])
    """
    return hp(y, unit).fdiff()


definitions: dict[Any, Callable[..., Expr]] = {
    a: lambda y, j: S("i", n[y - 1], lambda i: w[y, j, i] * z[y - 1, i]) + b[y, j],
    z: lambda y, j: h(a[y, j]),
}
"""What a pre-activation and an activation are; the forward pass."""

error_signal: dict[Any, Callable[..., Expr]] = {delta: lambda y, j: Diff(a[y, j], E)}
r"""What $\delta^{(l)}_j$ is."""


architecture = Architecture(definitions, layers=(1, L))
"""The network without its loss: what depends on what, and in which layers."""


class Layered(ByDefinitions):
    """The derivation that varies something in layer ``layer``.

    Earlier layers are constant; ``base`` says what happens in the layer itself; later layers follow by the chain
    rule, one layer at a time; where the order of two layers is not decided, the derivative stays named. The error
    depends on what is varied only through layer ``through``.

    Errors: ``ValueError`` if ``through`` is below ``layer`` or beyond the last layer; then it cannot carry the error.

    >>> wrt_a(l, j).layer
    l
    """

    def __init__(self, op: Any, layer: Any, base: dict[Any, Rule], /, *, through: Any) -> None:
        super().__init__(op, architecture, {delta: _bend, E: self._error, M: NAMED, **base})
        self.layer, self.through = layer, through
        if order(through, layer) != -1 and order(through, L) != 1:
            self.rules[E] = Through(E, delta[through, k], a[through, k], k, n[through])

    def _error(self) -> Expr:
        raise ValueError(f"the error is reached through layer {self.through}; it must be in {self.layer}, ..., {L}")


_bend = Through(delta[L, k], M[k, k_], a[L, k_], k_, n[L])
r"""How $\delta^{(L)}$ varies: through the outputs' pre-activations, and M is its derivative by them."""


def wrt_a(l: Any, j: Any, /, *, through: Any = None) -> Layered:
    r"""$\partial/\partial a^{(l)}_j$; the error is reached through layer ``through`` (default: the next).

    >>> wrt_a(l, j)(a[l + 1, k])
    h'(a[l, j])*w[l + 1, k, j]
    """
    return Layered(a[l, j], l, {}, through=l + 1 if through is None else through)


def wrt_w(l: Any, j: Any, i: Any, /) -> Layered:
    r"""$\partial/\partial w^{(l)}_{ji}$.

    Errors: ValueError if a weight is met of which it is not decided in which layer it is.

    >>> wrt_w(l, j, i)(E)
    delta[l, j]*z[l - 1, i]
    """
    return Layered(w[l, j, i], l, {}, through=l)


def wrt_b(l: Any, j: Any, /) -> Layered:
    r"""$\partial/\partial b^{(l)}_j$.

    Errors: ValueError if a bias is met of which it is not decided in which layer it is.

    >>> wrt_b(l, j)(E)
    delta[l, j]
    """
    return Layered(b[l, j], l, {}, through=l)


R = Derivation(
    Operator("R"),
    {
        w: lambda y, j, i: v[y, j, i],
        b: lambda y, j: u[y, j],
        v: CONSTANT,
        u: CONSTANT,
        M: NAMED,
        a: NAMED,
        z: NAMED,
        delta: NAMED,
        E: lambda: S("k", n[L], lambda k: delta[L, k] * Diff(Operator("R"), a[L, k])),
    },
)
r"""Pearlmutter's $\mathcal R\{\cdot\}=v^T\nabla$: the derivative along $\mathcal R\{w\}=v$, $\mathcal R\{b\}=u$."""
