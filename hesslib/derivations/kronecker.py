r"""The Gauss-Newton block of one dense layer, and its Kronecker-factored approximation; any width, depth and layer.

A parameter of layer l reaches the outputs through $a^{(l)}$ only, which is linear in it, so the block of one pattern
is a product of a part that has units of the layer, $Q^{(l)}_{jj'}=\sum_{kk'}G_{kj}M_{kk'}G_{k'j'}$, and a part that has
its inputs, $z_iz_{i'}$: a Kronecker product. Summed over patterns it is one no more. :func:`product_of_means` replaces
the sum of the products by the product of the sum and the mean, a named step; :func:`dropped` says what is lost, and
:func:`units_alike` and :func:`inputs_alike` when nothing is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr, Indexed

from hesslib.calculus.derivation import CONSTANT, Derivation, Rule, unfold
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, index
from hesslib.calculus.steps import Formula, Refusal, Steps, refuse

from .network import G, L, M, a, b, definitions, i, i_, j, j_, l, n, w, wrt_b, wrt_w, z

N = sp.Symbol("N", integer=True, positive=True)
number = index("n")

Q = Tensor("Q", layers=1, shape=lambda y: (n[y], n[y]), pattern=True)
r"""The Gauss-Newton part of the curvature by the pre-activations of a layer, for one pattern."""
Q_n = Tensor("Q", layers=1, shape=lambda y: (N, n[y], n[y]))
z_n = Tensor("z", latex=r"\tilde{z}", layers=1, shape=lambda y: (N, n[y] + 1))
r"""All patterns: the activations of a layer and a last entry 1, the input of the biases."""
A = Tensor("A", layers=1, shape=lambda y: (n[y - 1] + 1, n[y - 1] + 1), symmetric=True)
B = Tensor("B", layers=1, shape=lambda y: (n[y], n[y]), symmetric=True)
q = Tensor("q", layers=1, shape=lambda y: (n[y], n[y]))
c = Tensor("c", layers=1, shape=lambda y: (n[y] + 1,))

names: dict[Any, Callable[..., Expr]] = {
    Q: lambda y, j, j_: S("k'", n[L], lambda k_: S("k", n[L], lambda k: M[k, k_] * G[L, y, k, j] * G[L, y, k_, j_])),
}
"""What the named part with the units is."""

factors: dict[Any, Callable[..., Expr]] = {
    A: lambda y, i, i_: S("n", N, lambda p: z_n[y - 1, p, i] * z_n[y - 1, p, i_]) / N,
    B: lambda y, j, j_: S("n", N, lambda p: Q_n[y, p, j, j_]),
}
"""What the two factors are."""


def definition_of_Q() -> Formula:
    r"""$Q^{(l)}_{jj'}=\sum_{kk'}G_{kj}M_{kk'}G_{k'j'}$."""
    return Formula(Q[l, j, j_], names[Q](l, j, j_))


def definition_of_factors() -> tuple[Formula, Formula]:
    r"""$A^{(l)}$, the mean of $\tilde z\tilde z^T$, and $B^{(l)}$, the sum of $Q^{(l)}$."""
    return Formula(A[l, i, i_], factors[A](l, i, i_)), Formula(B[l, j, j_], factors[B](l, j, j_))


# -------------------------------------------------------------------------------------- the block of one pattern
def through_own_layer(x: Indexed, /) -> Derivation:
    r"""The derivation by a parameter of layer l, acting on the outputs through $a^{(l)}$ alone."""
    own = wrt_w(*x.indices) if x.base == w else wrt_b(*x.indices)

    def of_a(y: Expr, unit: Expr) -> Expr:
        return S("q", n[l], lambda q: G[y, l, unit, q] * own.raw(definitions[a](l, q)))

    rules: dict[Any, Rule] = {a: of_a, M: CONSTANT}
    return Derivation(x, rules)


def entry(x: Indexed, x_: Indexed, /) -> Steps:
    r"""The Gauss-Newton entry of two parameters of layer l, for one pattern: $\sum_{kk'}M_{kk'}Da_kD'a_{k'}$."""
    by, by_ = through_own_layer(x), through_own_layer(x_)
    inputs = sp.Mul(*[z[l - 1, parameter.indices[2]] for parameter in (x, x_) if parameter.base == w])
    s = Steps(S("k'", n[L], lambda k_: S("k", n[L], lambda k: M[k, k_] * Diff(x, a[L, k]) * Diff(x_, a[L, k_]))))
    s.then(names[Q](l, j, j_) * inputs, "chain rule", by=[by, by_])
    return s.then(Q[l, j, j_] * inputs, "name $Q$", using=names)


def weights() -> Steps:
    r"""Two weights of a layer: $Q^{(l)}_{jj'}z_iz_{i'}$."""
    return entry(w[l, j, i], w[l, j_, i_])


def weight_and_bias() -> Steps:
    r"""A weight and a bias: $Q^{(l)}_{jj'}z_i$."""
    return entry(w[l, j, i], b[l, j_])


def biases() -> Steps:
    r"""Two biases: $Q^{(l)}_{jj'}$."""
    return entry(b[l, j], b[l, j_])


# --------------------------------------------------------------------------------------------- the sum over patterns
def summed() -> Expr:
    r"""$\sum_nQ^{(l)}_{njj'}\tilde z_{ni}\tilde z_{ni'}$: the block of a data set, weights and biases in one."""
    return S("n", N, lambda p: Q_n[l, p, j, j_] * z_n[l - 1, p, i] * z_n[l - 1, p, i_])


def product_of_means() -> Steps:
    r"""The block is $B_{jj'}A_{ii'}$ and a sum of products of deviations, which is dropped."""
    chain = Steps(summed()).then(B[l, j, j_] * A[l, i, i_] + _covariance(), "split off the means", using=factors)
    return chain.neglect(B[l, j, j_] * A[l, i, i_], "neglect the covariance")


def refused_as_equality() -> Refusal:
    """The product of means is not the sum of products: what it lacks."""
    claimed = unfold(product_of_means().result, factors)
    return refuse(summed(), summed(), claimed, "product of means for mean of products")


def dropped() -> Steps:
    r"""$\sum_nQ_nzz-BA=\sum_n(Q_n-B/N)(zz-A)$: N times the covariance of the two parts over the patterns."""
    return Steps(summed() - B[l, j, j_] * A[l, i, i_]).then(_covariance(), "definitions", using=factors)


def _covariance() -> Expr:
    return S(
        "n",
        N,
        lambda p: (Q_n[l, p, j, j_] - B[l, j, j_] / N) * (z_n[l - 1, p, i] * z_n[l - 1, p, i_] - A[l, i, i_]),
    )


# ----------------------------------------------------------------------------------------------- where it is exact
def units_alike() -> Steps:
    r"""If $Q^{(l)}_n$ is the same for all patterns, the block is $BA$: nothing is dropped."""
    return _exact({Q_n: lambda y, p, j, j_: q[y, j, j_]}, r"$Q_n=q$ for all $n$")


def inputs_alike() -> Steps:
    r"""If $\tilde z^{(l-1)}_n$ is the same for all patterns (one pattern, say), the block is $BA$ as well."""
    return _exact({z_n: lambda y, p, i: c[y, i]}, r"$\tilde z_n=c$ for all $n$")


def _exact(alike: dict[Any, Callable[..., Expr]], why: str) -> Steps:
    written_out = {
        A: lambda y, i, i_: unfold(factors[A](y, i, i_), alike),
        B: lambda y, j, j_: unfold(factors[B](y, j, j_), alike),
    }
    return Steps(summed()).then(B[l, j, j_] * A[l, i, i_], why, using={**alike, **written_out})


def squared_error_outputs() -> Steps:
    r"""At the outputs $G^{(L,L)}=I$; with $M=I$ as well, $Q^{(L)}=I$ for every pattern."""

    def identity(head: Tensor) -> dict[Any, Any]:
        return {head: lambda *at: KroneckerDelta(*at[-2:])}

    at_outputs = {**identity(M), **identity(G)}
    s = Steps(Q[L, j, j_]).then(names[Q](L, j, j_), "definition", using=names)
    return s.then(KroneckerDelta(j, j_), "$M=I$, $G^{(L,L)}=I$", using=at_outputs)
