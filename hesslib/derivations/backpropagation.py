r"""Backpropagation: the error signal one layer back, the gradient it gives, the sum over a batch, and the program.

$\delta^{(l)}_j=h'(a^{(l)}_j)\sum_kw^{(l+1)}_{kj}\delta^{(l+1)}_k$ and
$\partial E/\partial w^{(l)}_{ji}=\delta^{(l)}_jz^{(l-1)}_i$, for symbolic widths and a symbolic layer.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from hesslib.calculus.derivation import CONSTANT, Derivation, same
from hesslib.calculus.einsum_program import Program
from hesslib.calculus.index import Diff, S, Tensor, index, with_pattern
from hesslib.calculus.steps import Refusal, Steps

from .network import E, L, a, b, definitions, delta, error_signal, h, hp, i, j, l, n, w, wrt_a, wrt_b, wrt_w, z

__all__ = [
    "batch_gradient",
    "bias_gradient",
    "program",
    "signal",
    "signal_two_below",
    "skip_connection",
    "weight_gradient",
]

N, pattern = sp.Symbol("N", integer=True, positive=True), sp.Symbol("n", integer=True)
gw = Tensor("gw", latex=r"\nabla_{W}E", layers=1, shape=lambda y: (n[y], n[y - 1]))  # the gradient, as an array
gb = Tensor("gb", latex=r"\nabla_{b}E", layers=1, shape=lambda y: (n[y],))


def signal() -> Steps:
    r"""$\delta^{(l)}_j$ from the signals of the layer above, for $l<L$: the backpropagation formula."""
    D = wrt_a(l, j)  # the derivation d/da^(l)_j
    s = Steps(delta[l, j])
    s.then(Diff(a[l, j], E), "definition", using=error_signal)
    s.then(S("k", n[l + 1], lambda k: delta[l + 1, k] * D.named(a[l + 1, k])), "chain rule", by=D)
    s.then(S("k", n[l + 1], lambda k: delta[l + 1, k] * D.raw(a[l + 1, k])), "insert $a^{(l+1)}_k$", by=D)
    s.then(D(E), "$I_{ij}$ keeps $i=j$", by=D)
    return s.stated(hp(l, j) * S("k", n[l + 1], lambda k: w[l + 1, k, j] * delta[l + 1, k]))


def signal_two_below() -> Steps:
    """The signal two layers below the output: a sum over all paths to the outputs."""
    one = signal()

    def insert(layer: Any) -> dict:
        return {delta: lambda y, unit: one.at({l: layer, j: unit}) if y == layer else delta[y, unit]}

    def above(k: Any) -> Any:
        return hp(L - 1, k) * S("p", n[L], lambda p: w[L, p, k] * delta[L, p])

    s = Steps(delta[L - 2, j])
    s.then(one.at({l: L - 2}), "backpropagate", using=insert(L - 2))
    paths = hp(L - 2, j) * S("k", n[L - 1], lambda k: w[L - 1, k, j] * above(k))
    return s.then(paths, "and again", using=insert(L - 1))


def weight_gradient() -> Steps:
    r"""$\partial E/\partial w^{(l)}_{ji}=\delta^{(l)}_jz^{(l-1)}_i$."""
    D = wrt_w(l, j, i)
    s = Steps(Diff(w[l, j, i], E))
    s.then(S("k", n[l], lambda k: delta[l, k] * D.named(a[l, k])), "chain rule", by=D)
    return s.then(delta[l, j] * z[l - 1, i], r"$a^{(l)}_k$ is linear in $w^{(l)}_{ji}$", by=D)


def bias_gradient() -> Steps:
    r"""$\partial E/\partial b^{(l)}_j=\delta^{(l)}_j$."""
    D = wrt_b(l, j)
    s = Steps(Diff(b[l, j], E))
    s.then(S("k", n[l], lambda k: delta[l, k] * D.named(a[l, k])), "chain rule", by=D)
    return s.then(delta[l, j], r"$\partial a^{(l)}_k/\partial b^{(l)}_j=I_{kj}$", by=D)


def batch_gradient() -> Steps:
    """The gradient of a sum over patterns: the derivative commutes with the sum."""
    one = weight_gradient().result
    E_n, total = Tensor("E", shape=(N,)), sp.Symbol("E_total")
    D = Derivation(w[l, j, i], {E_n: lambda nu: with_pattern(one, nu, N)})
    s = Steps(D.named(total))
    over_patterns = {total: lambda: S("n", N, lambda nu: E_n[nu])}
    s.then(D.named(S("n", N, lambda nu: E_n[nu])), "sum over patterns", using=over_patterns)
    return s.then(S("n", N, lambda nu: with_pattern(one, nu, N)), "for each pattern", by=D)


def product_of_means() -> Refusal:
    """The mistake of taking the mean of a product for the product of the means, refused."""
    d, x = (with_pattern(e, pattern, N) for e in (delta[l, j], z[l - 1, i]))
    sums = S("n", N, lambda nu: d.xreplace({pattern: nu})) * S("m", N, lambda mu: x.xreplace({pattern: mu}))
    return batch_gradient().refuses(sums / N, "product of means")


def program() -> Program:
    """The derived formulas as a program: one contraction a term, with a batch axis."""
    p = Program("derived_gradient", "L, n, w, b, x, delta_L, h0, h1")
    p.line("a, z, delta, gw, gb = {}, {0: x}, {}, {}, {}")
    with p.loop(l, 1, L - 1):
        p.assign(a[l, j], definitions[a](l, j))
        p.assign(z[l, j], definitions[z](l, j))
    p.assign(a[L, j], definitions[a](L, j))  # the last layer has no h
    p.line("delta[L] = delta_L(a[L])")
    with p.loop(l, L - 1, 1, down=True):
        p.assign(delta[l, j], signal().result)
    with p.loop(l, 1, L):
        p.assign(gw[l, j, i], weight_gradient().result)
        p.assign(gb[l, j], bias_gradient().result)
    p.line("return gw, gb")
    return p


def skip_connection() -> Steps:
    r"""$\partial E/\partial z_j$ where a layer adds its input to its output, $z^+_k=h(a^+_k)+z_k$.

    The error is written as $\sum_k\epsilon^+_kz^+_k$, which has the same derivative.
    """
    size, unit = sp.Symbol("n", integer=True, positive=True), index("j")
    low, above = Tensor("z", shape=(size,)), Tensor("epsilon", latex=r"\epsilon^{+}", shape=(size,))
    weight, bias = Tensor("w", shape=(size, size)), Tensor("b", shape=(size,))
    D = Derivation(low[unit], {low: same(unit), weight: CONSTANT, bias: CONSTANT, above: CONSTANT})

    def high(k: Any) -> Any:
        return h(S("i", size, lambda i: weight[k, i] * low[i]) + bias[k]) + low[k]

    error = S("k", size, lambda k: above[k] * high(k))
    s = Steps(Diff(low[unit], E))
    s.then(S("k", size, lambda k: above[k] * D.raw(high(k))), "chain rule", using={E: lambda: error}, by=D)
    return s.then(D(error), "contract")
