r"""Embedding: a table of vectors, one for each token, read by a pattern of indices.

Position t holds token $y_t$; $\Pi_{ts}$ is 1 where that is token s, and 0 elsewhere. What is read is
$z_{td}=\sum_s\Pi_{ts}W_{sd}$, a dense layer whose inputs are zeros and ones, shared by all positions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, index
from hesslib.calculus.rewriting import assuming
from hesslib.calculus.steps import Formula, Steps

from .network import E

__all__ = ["gradient", "hessian", "layer", "token"]

N, T, D = sp.symbols("N T D", integer=True, positive=True)
"""Tokens of the vocabulary, positions, features."""
s, s_, t, t_, d, d_ = index("s s' t t' d d'")
W = Tensor("W", shape=(N, D), independent=True)
Pi = Tensor("Pi", latex=r"\Pi", shape=(T, N), pattern=True)
z = Tensor("z", shape=(T, D), pattern=True)
delta = Tensor("delta", latex=r"\delta", shape=(T, D), pattern=True)
B = Tensor("B", shape=(T, D, T, D), pattern=True)

definition: dict[Any, Callable[..., Expr]] = {z: lambda t, d: S("s", N, lambda s: Pi[t, s] * W[s, d])}


def layer() -> Formula:
    r"""$z_{td}=\sum_s\Pi_{ts}W_{sd}$, a definition."""
    return Formula(z[t, d], definition[z](t, d))


def token() -> Steps:
    r"""$\partial z_{td'}/\partial W_{sd}=\Pi_{ts}I_{dd'}$."""
    by = Derivation(W[s, d], {Pi: CONSTANT})
    chain = Steps(Diff(W[s, d], z[t, d_])).then(by.named(definition[z](t, d_)), "definition", using=definition)
    return chain.then(Pi[t, s] * KroneckerDelta(d, d_), "linear", by=by)


def gradient() -> Steps:
    r"""$\partial E/\partial W_{sd}=\sum_t\Pi_{ts}\delta_{td}$: the signals of the positions that hold the token."""

    def slopes() -> Expr:
        return S("t", T, lambda t: S("d", D, lambda e: delta[t, e] * Diff(W[s, d], z[t, e])))

    through_z = Derivation(W[s, d], {E: slopes, z: NAMED})
    inner = Derivation(W[s, d], {Pi: CONSTANT})
    chain = Steps(Diff(W[s, d], E)).then(slopes(), "chain rule", by=through_z)
    return chain.then(S("t", T, lambda t: Pi[t, s] * delta[t, d]), "insert", using=definition, by=inner)


def hessian() -> Steps:
    r"""$\sum_{tt'}\Pi_{ts}B_{tdt'd'}\Pi_{t's'}$: tokens that meet in a sequence have a block."""
    own = S("t", T, lambda t: Pi[t, s] * delta[t, d])
    first, second = W[s, d], W[s_, d_]
    moved = {delta: lambda t, d: S("t'", T, lambda r: B[t, d, r, d_] * Pi[r, s_]), Pi: CONSTANT}
    by = Derivation(second, moved)
    inserted = assuming(Diff(first, E), own, lambda e: e.xreplace({Diff(first, E): own}))
    chain = Steps(Diff(second, Diff(first, E))).then(by.named(own), "the gradient", using=inserted)
    return chain.then(
        S("t", T, lambda t: S("t'", T, lambda r: Pi[t, s] * B[t, d, r, d_] * Pi[r, s_])), "through all positions", by=by
    )
