r"""Convolution, and whatever else shares weights between positions: pattern of indices, gradient, Hessian, factors.

A weight $w_{cdk}$ leads from input channel d to output channel c at kernel offset k. Which input position i an
output position o reads at offset k says the constant pattern $\Pi_{oki}$, 1 there and 0 elsewhere: stride, padding and
dilation, and any other sharing, are a choice of $\Pi$. Along one axis it is a shift,
$i=r(o-1)+d(k-1)+1-p$ for stride r, dilation d and padding $p$, and the sums are those that one reads in textbooks,
with indicators at the borders; that both agree is derived.

Longer than one sitting: the pattern and the shift are derived side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, same
from hesslib.calculus.einsum_program import Program
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, index
from hesslib.calculus.indicators import within
from hesslib.calculus.rewriting import assuming
from hesslib.calculus.steps import Formula, Steps

from .network import E

__all__ = [
    "as_a_shift",
    "bias_gradient",
    "definition_of_patches",
    "hessian",
    "layer",
    "mixed",
    "one_axis",
    "own_positions",
    "program",
    "signal",
    "signal_on_one_axis",
    "summed_positions",
    "through_patches",
    "weight_gradient",
    "weight_gradient_on_one_axis",
]

C, D, O, I, K = sp.symbols("C D O I K", integer=True, positive=True)
"""Output channels, input channels, output positions, input positions, offsets of the kernel."""
padding = sp.Symbol("p", integer=True, nonnegative=True)
c, c_, d, d_, o, o_, k, k_, i, r, s = index("c c' d d' o o' k k' i r s")

w = Tensor("w", shape=(C, D, K), independent=True)
b = Tensor("b", shape=(C,), independent=True)
z = Tensor("z", shape=(D, I), pattern=True)
a = Tensor("a", shape=(C, O), pattern=True)
delta = Tensor("delta", latex=r"\delta", shape=(C, O), pattern=True)
Pi = Tensor("Pi", latex=r"\Pi", shape=(O, K, I))
x = Tensor("x", shape=(O, D, K), pattern=True)
r"""$x_{odk}$, the patch of the input that output position o reads."""
B = Tensor("B", shape=(C, O, C, O), pattern=True)
r"""The Hessian of the error by the pre-activations, two channels and two positions."""
beta = Tensor("beta", latex=r"\beta", shape=(C, C), pattern=True)


def _of(c: Any, o: Any) -> Expr:
    return S("d", D, lambda d: S("k", K, lambda k: S("i", I, lambda i: w[c, d, k] * Pi[o, k, i] * z[d, i]))) + b[c]


definition: dict[Any, Callable[..., Expr]] = {a: _of}
patches: dict[Any, Callable[..., Expr]] = {x: lambda o, d, k: S("i", I, lambda i: Pi[o, k, i] * z[d, i])}


def shift(stride: int = 1, dilation: int = 1) -> dict[Any, Callable[..., Expr]]:
    r"""$\Pi_{oki}$ along one axis: 1 where the input position is $r(o-1)+d(k-1)+1-p$."""
    return {Pi: lambda o, k, i: KroneckerDelta(i, _read(o, k, stride, dilation))}


def _read(o: Any, k: Any, stride: int, dilation: int) -> Expr:
    return sp.expand(stride * (o - 1) + dilation * (k - 1) + 1 - padding)


def layer() -> Formula:
    r"""$a_{co}=\sum w_{cdk}\Pi_{oki}z_{di}+b_c$, a definition."""
    return Formula(a[c, o], _of(c, o))


def as_a_shift(stride: int = 1, dilation: int = 1) -> Formula:
    r"""The pattern of a convolution along one axis, a definition."""
    return Formula(Pi[o, k, i], shift(stride, dilation)[Pi](o, k, i))


def one_axis(stride: int = 1, dilation: int = 1) -> Steps:
    r"""The layer as one reads it, $\sum w_{cdk}z_{d,o+k-1-p}$, zero where it reads beyond the border."""

    def read(o: Any, k: Any) -> Expr:
        return _read(o, k, stride, dilation)

    chain = Steps(a[c, o]).then(_of(c, o), "definition", using=definition)
    return chain.then(
        S(
            "d",
            D,
            lambda d: S("k", K, lambda k: within(1, read(o, k), I) * w[c, d, k] * z[d, read(o, k)]),
        )
        + b[c],
        "one input for each offset",
        using=shift(stride, dilation),
    )


# -------------------------------------------------------------------------------------------------- first derivatives
def _linear() -> Expr:
    """An error with the slopes delta: what counts for a first derivative."""
    return S("c", C, lambda c: S("o", O, lambda o: delta[c, o] * a[c, o]))


def _first(by: Expr, own: dict[Any, Any]) -> Steps:
    slope = Derivation(by, {delta: CONSTANT, a: NAMED})
    chain = Steps(Diff(by, E))
    chain.then(
        S("c", C, lambda c: S("o", O, lambda o: delta[c, o] * Diff(by, a[c, o]))),
        "chain rule",
        using={E: _linear},
        by=slope,
    )
    inner = Derivation(by, {Pi: CONSTANT, **own})
    chain.then(
        inner(S("c", C, lambda c: S("o", O, lambda o: delta[c, o] * _of(c, o)))), "insert", using=definition, by=inner
    )
    return chain


def weight_gradient() -> Steps:
    r"""$\partial E/\partial w_{cdk}=\sum_{oi}\delta_{co}\Pi_{oki}z_{di}$."""
    chain = _first(w[c, d, k], {z: CONSTANT, delta: CONSTANT})
    return chain.stated(S("o", O, lambda o: S("i", I, lambda i: delta[c, o] * Pi[o, k, i] * z[d, i])))


def bias_gradient() -> Steps:
    r"""$\partial E/\partial b_c=\sum_o\delta_{co}$."""
    return _first(b[c], {z: CONSTANT, delta: CONSTANT}).stated(S("o", O, lambda o: delta[c, o]))


def signal() -> Steps:
    r"""$\partial E/\partial z_{di}=\sum_{cok}\delta_{co}w_{cdk}\Pi_{oki}$."""
    chain = _first(z[d, i], {z: same(d, i), w: CONSTANT, b: CONSTANT, delta: CONSTANT})
    return chain.stated(
        S("c", C, lambda c: S("o", O, lambda o: S("k", K, lambda k: delta[c, o] * w[c, d, k] * Pi[o, k, i])))
    )


def mixed() -> Steps:
    r"""$\Psi$: the second derivative by a weight and an input, summed with the signal; $\Phi$ and $\Omega$ are zero."""
    by_input = Derivation(z[d_, i], {z: same(d_, i), Pi: CONSTANT, delta: CONSTANT})
    chain = Steps(by_input.named(weight_gradient().result))
    return chain.then(
        KroneckerDelta(d, d_) * S("o", O, lambda o: delta[c, o] * Pi[o, k, i]), "linear in the input", by=by_input
    )


def weight_gradient_on_one_axis(stride: int = 1, dilation: int = 1) -> Steps:
    r"""The gradient is a correlation of the signal with the input: $\sum_o\delta_{co}z_{d,o+k-1-p}$."""

    def term(o: Any) -> Expr:
        read = _read(o, k, stride, dilation)
        return within(1, read, I) * delta[c, o] * z[d, read]

    chain = Steps(Diff(w[c, d, k], E)).then(
        weight_gradient().result, "as derived", using={E: _linear}, by=_inserted(w[c, d, k], {z: CONSTANT})
    )
    return chain.then(S("o", O, term), "one input for each output", using=shift(stride, dilation))


def _inserted(by: Expr, own: dict[Any, Any]) -> Derivation:
    """The derivative of the pre-activations by their definition."""
    inner = Derivation(by, {Pi: CONSTANT, delta: CONSTANT, **own})
    return inner.but({a: lambda c, o: inner(_of(c, o))})


def signal_on_one_axis(stride: int = 1, dilation: int = 1) -> Steps:
    r"""The signal is that from above, correlated with the kernel turned round: $\sum\delta_{c,i-k+1+p}w_{cdk}$.

    Errors: ValueError where both stride and dilation are above 1: then neither index is solved for by a shift.
    """
    if stride > 1 and dilation > 1:
        raise ValueError(f"stride is {stride} and dilation {dilation}; one of them must be 1")
    chain = Steps(Diff(z[d, i], E)).then(
        signal().result,
        "as derived",
        using={E: _linear},
        by=_inserted(z[d, i], {z: same(d, i), w: CONSTANT, b: CONSTANT}),
    )
    if stride == 1:

        def by_offset(k: Any) -> Expr:
            back = sp.expand(i - dilation * (k - 1) + padding)
            return within(1, back, O) * S("c", C, lambda c: delta[c, back] * w[c, d, k])

        return chain.then(S("k", K, by_offset), "one output for each offset", using=shift(stride, dilation))

    def by_output(o: Any) -> Expr:
        offset = sp.expand(i - stride * (o - 1) + padding)
        return within(1, offset, K) * S("c", C, lambda c: delta[c, o] * w[c, d, offset])

    return chain.then(S("o", O, by_output), "one offset for each output", using=shift(stride, dilation))


# ------------------------------------------------------------------------------------------------- second derivatives
def definition_of_patches() -> Formula:
    r"""$x_{odk}=\sum_i\Pi_{oki}z_{di}$."""
    return Formula(x[o, d, k], patches[x](o, d, k))


def through_patches() -> Steps:
    r"""$\partial a_{c''o}/\partial w_{cdk}=I_{cc''}x_{odk}$: a dense layer, used at every position."""
    by = Derivation(w[c, d, k], {Pi: CONSTANT, z: CONSTANT})
    chain = Steps(Diff(w[c, d, k], a[c_, o]))
    chain.then(by.named(_of(c_, o)), "definition", using=definition)
    return chain.then(KroneckerDelta(c, c_) * x[o, d, k], "name $x$", using=patches, by=by)


def hessian() -> Steps:
    r"""$\sum_{oo'}x_{odk}B_{coc'o'}x_{o'd'k'}$: every pair of positions that share a weight counts."""
    first, second = w[c, d, k], w[c_, d_, k_]
    chain = Steps(Diff(second, Diff(first, E)))
    own = S("o", O, lambda o: delta[c, o] * x[o, d, k])
    both = Derivation(
        second,
        {
            x: CONSTANT,
            delta: lambda c, o: S(
                "r", C, lambda r: S("s", O, lambda s: B[c, o, r, s] * KroneckerDelta(r, c_) * x[s, d_, k_])
            ),
        },
    )
    gradient = assuming(Diff(first, E), own, lambda e: e.xreplace({Diff(first, E): own}))
    chain.then(both.named(own), "the gradient", using=gradient)
    return chain.then(
        S("o", O, lambda o: S("o'", O, lambda s: x[o, d, k] * B[c, o, c_, s] * x[s, d_, k_])),
        "through all positions",
        by=both,
    )


# --------------------------------------------------------------------------------------------------- Kronecker factors
def _block() -> Expr:
    return hessian().result


def own_positions() -> Steps:
    r"""If positions do not couple, $B=\beta_{cc'}I_{oo'}$, the block is $\beta\otimes\sum_oxx^T$: *expand* is exact."""
    chain = Steps(_block())
    apart = {B: lambda c, o, r, s: beta[c, r] * KroneckerDelta(o, s)}
    return chain.then(
        beta[c, c_] * S("o", O, lambda o: x[o, d, k] * x[o, d_, k_]), "every position by itself", using=apart
    )


def summed_positions() -> Steps:
    r"""If all pairs of positions are alike, $B=\beta_{cc'}$, it is $\beta\otimes\sum x\sum x^T$: *reduce* is exact."""
    chain = Steps(_block())
    alike = {B: lambda c, o, r, s: beta[c, r]}
    both = S("o", O, lambda o: x[o, d, k]) * S("o", O, lambda o: x[o, d_, k_])
    return chain.then(beta[c, c_] * both, "all positions alike", using=alike)


# -------------------------------------------------------------------------------------------------------- the program
gw = Tensor("gw", shape=(C, D, K))
gb = Tensor("gb", shape=(C,))
gz = Tensor("gz", shape=(D, I), pattern=True)
H = Tensor("H", shape=(C, D, K, C, D, K))


def program() -> Program:
    """The forward pass, the gradients, and the block of the weights; signal and curvature by the outputs are given."""
    made = Program("convolution", "w, b, z, Pi, signal, curvature, C, O")
    made.assign(a[c, o], _of(c, o))
    made.line("delta, B = signal(a), curvature(a)")
    made.assign(gw[c, d, k], weight_gradient().result)
    made.assign(gb[c], bias_gradient().result)
    made.assign(gz[d, i], signal().result)
    made.assign(x[o, d, k], patches[x](o, d, k))
    made.assign(H[c, d, k, c_, d_, k_], hessian().result)
    made.line("return a, gw, gb, gz, x, H")
    return made
