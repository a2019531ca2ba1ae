r"""Conjugate directions on a quadratic error: the factor $\beta$, the length of a step, and both from gradients alone.

The new direction is $d=-g'+\beta q$ with the new gradient $g'$ (written $g$ where there is but one) and the old
direction q; $\kappa=q^THq$ and $\sigma=q^THg$.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, Derivation
from hesslib.calculus.index import S, Tensor, index
from hesslib.calculus.rewriting import fact
from hesslib.calculus.steps import Steps

P = sp.Symbol("P", integer=True, positive=True)
r, s = index("r s")
alpha, beta, kappa, sigma = sp.symbols("alpha beta kappa sigma")
H = Tensor("H", shape=(P, P), symmetric=True)
g = Tensor("g", shape=(P,))
h = Tensor("h", latex="g'", shape=(P,))  # the gradient after a step
q = Tensor("q", shape=(P,))
d = Tensor("d", shape=(P,))


def form(left: Callable[[Any], Expr], right: Callable[[Any], Expr]) -> Expr:
    r"""$\sum_{rs}l_rH_{rs}r_s$."""
    return S("r", P, lambda r: S("s", P, lambda s: left(r) * H[r, s] * right(s)))


def dot(left: Tensor, right: Tensor) -> Expr:
    """The sum over products of entries."""
    return S("r", P, lambda r: left[r] * right[r])


def _of(x: Tensor) -> Callable[[Any], Expr]:
    return lambda r: x[r]


def condition() -> Steps:
    r"""$q^THd=\beta\kappa-\sigma$ for $d=-g+\beta q$."""
    is_kappa, is_sigma = fact(form(_of(q), _of(q)), kappa), fact(form(_of(q), _of(g)), sigma)
    step = Steps(form(_of(q), _of(d)))
    step.then(
        -form(_of(q), _of(g)) + beta * form(_of(q), _of(q)),
        r"$d=-g+\beta q$",
        using={d: lambda s: -g[s] + beta * q[s]},
    )
    return step.then(beta * kappa - sigma, "by name", using=lambda x: is_sigma(is_kappa(x)))


def direction() -> Steps:
    r"""$\beta=\sigma/\kappa$, where $\beta\kappa-\sigma$ is 0."""
    return Steps(beta).then(sigma / kappa, r"$\beta\kappa-\sigma=0$", using={sigma: lambda: beta * kappa})


def slope_along() -> Steps:
    r"""$\partial/\partial\alpha$ of the model along $d$: $g\cdot d+\alpha d^THd$."""
    line = alpha * dot(g, d) + sp.Rational(1, 2) * alpha**2 * form(_of(d), _of(d))
    D = Derivation(alpha, {alpha: lambda: sp.S.One, g: CONSTANT, d: CONSTANT, H: CONSTANT})
    return Steps(D.named(line)).then(dot(g, d) + alpha * form(_of(d), _of(d)), "differentiate", by=D)


def curvature_from_gradients() -> Steps:
    r"""$q\cdot(g'-g)=\alpha q^THq$ after a step $\alpha$ along $q$."""
    step = Steps(S("r", P, lambda r: q[r] * (h[r] - g[r])))
    return step.then(alpha * form(_of(q), _of(q)), r"$g'=g+\alpha Hq$", using=_after_a_step())


def _after_a_step() -> dict[Any, Callable[..., Expr]]:
    return {h: lambda r: g[r] + alpha * S("s", P, lambda s: H[r, s] * q[s])}


def exact_steps() -> Steps:
    r"""$q\cdot(g'-g)=g\cdot g$: exact were the last step, $q\cdot g'=0$, and the one before, $q\cdot g=-g\cdot g$."""
    known = [fact(dot(q, h), sp.S.Zero), fact(dot(q, g), -dot(g, g))]

    def lengths(x: Expr) -> Expr:
        for rule in known:
            x = rule(x)
        return x

    return Steps(S("r", P, lambda r: q[r] * (h[r] - g[r]))).then(dot(g, g), "exact steps", using=lengths)


def polak_ribiere() -> Steps:
    r"""$\beta=g'\cdot(g'-g)/g\cdot g$, from $\sigma/\kappa$ with $\alpha Hq=g'-g$ and `exact_steps`."""
    change = S("r", P, lambda r: h[r] * (h[r] - g[r]))
    known: dict[Any, Callable[..., Expr]] = {sigma: lambda: change / alpha, kappa: lambda: exact_steps().result / alpha}
    step = Steps(beta).then(sigma / kappa, using={beta: lambda: sigma / kappa})
    return step.then(change / dot(g, g), r"$\alpha Hq=g'-g$", using=known)
