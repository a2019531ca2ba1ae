r"""$\mathcal R\{\nabla E\}=Hv$ at any depth, proved by two routes that meet.

One route is Pearlmutter's: act with $\mathcal R\{\cdot\}$ on the forward and the backward pass. The other goes through
the blocks of the Hessian, made of $G$ and $B$. Both are linear in the direction v, so it is enough that they agree for
a v that lives in one layer, m say, with

    rho^(m)_q = sum_p v^(m)_qp z^(m-1)_p + u^(m)_q,

the push it gives to that layer's pre-activations. At and above layer m everything responds through $a^{(m)}$; below
it only the error signals do. Each function returns the chain for the base case or one step of an induction over
layers, for symbolic widths and layer numbers.

Longer than one sitting: two routes to one product, each the check of the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, unfold
from hesslib.calculus.index import Diff, KroneckerDelta, Operator, S, Tensor, freshen, index
from hesslib.calculus.rewriting import assuming
from hesslib.calculus.steps import Steps

from .deep_hessian import backward_response, block, forward_response, output_response
from .mixed_partials import symmetric, where
from .network import B, G, L, M, a, b, definitions, delta, hp, hpp, i, j, k, l, m, n, p, u, v, w, z

R = Operator("R")
y = sp.Symbol("y", integer=True, positive=True)
"""The number of a layer other than the one in which v lives."""

rho = Tensor("rho", latex=r"\rho", layers=1, shape=lambda y: (n[y],), pattern=True)
push = {rho: lambda y, q: S("p", n[y - 1], lambda p: v[y, q, p] * z[y - 1, p]) + u[y, q]}
r"""What $\rho^{(m)}_q$ stands for."""

R_m = Derivation(
    R,
    {
        w: lambda y, r, c: v[y, r, c] if y == m else sp.S.Zero,
        b: lambda y, r: u[y, r] if y == m else sp.S.Zero,
        v: CONSTANT,
        u: CONSTANT,
        a: NAMED,
        z: NAMED,
        delta: NAMED,
    },
)
r"""$\mathcal R\{\cdot\}$ for a direction that lives in layer m."""


def responds(head: Tensor, layer: Any, body: Callable[[Any], Any], /) -> Callable[[Expr], Expr]:
    r"""Insert what $\mathcal R$ of ``head`` is in one layer: a hypothesis, or a result already proved."""

    def hit(x: Any) -> bool:
        return isinstance(x, Diff) and x.op == R and getattr(x.operand, "base", None) == head and _layer(x) == layer

    unit = index("k")
    return assuming(
        Diff(R, head[layer, unit]),
        freshen(body(unit)),
        lambda e: freshen(e).replace(hit, lambda x: freshen(body(x.operand.indices[1]))),
    )


def _layer(x: Diff) -> Any:
    return x.operand.indices[0]


def _all(*rewrites: Callable[[Expr], Expr]) -> Callable[[Expr], Expr]:
    def done(e: Expr) -> Expr:
        for rewrite in rewrites:
            e = rewrite(e)
        return e

    return done


def through_G(y: Any) -> Callable[[Any], Expr]:
    r"""$\sum_qG^{(y,m)}_{kq}\rho^{(m)}_q$ as a function of k."""
    return lambda k: S("q", n[m], lambda q: G[y, m, k, q] * rho[m, q])


def through_B(y: Any) -> Callable[[Any], Expr]:
    r"""$\sum_qB^{(y,m)}_{kq}\rho^{(m)}_q$ as a function of k."""
    return lambda k: S("q", n[m], lambda q: B[y, m, k, q] * rho[m, q])


def _in_layer(head: Tensor, layer: Any, body: Callable[..., Expr]) -> dict[Any, Callable[..., Expr]]:
    return {head: lambda y, *at: body(*at) if y == layer else head[(y, *at)]}


def _of_z(layer: Any) -> Callable[[Expr], Expr]:
    return responds(z, layer, lambda unit: hp(layer, unit) * Diff(R, a[layer, unit]))


# ------------------------------------------------------------------------------------------------ at and above layer m
def forward_base() -> Steps:
    r"""$\mathcal R\{a^{(m)}_k\}=\rho^{(m)}_k$, since nothing below layer m moves."""
    s = Steps(Diff(R, a[m, k]))
    s.then(
        S("p", n[m - 1], lambda p: v[m, k, p] * z[m - 1, p]) + u[m, k],
        r"$\mathcal R\{z^{(m-1)}\}=0$",
        using=_all(
            lambda e: R_m.evaluate(unfold(e, _in_layer(a, m, lambda k: definitions[a](m, k)))),
            responds(z, m - 1, lambda unit: sp.S.Zero),
        ),
    )
    return s.then(rho[m, k], "name", using=push)


def forward_step() -> Steps:
    r"""$\mathcal R\{a^{(y)}_k\}=\sum_qG^{(y,m)}_{kq}\rho^{(m)}_q$ for y > m, from the same for y - 1."""
    step = forward_response()
    s = Steps(Diff(R, a[y, k]))
    s.then(
        S("i", n[y - 1], lambda i: w[y, k, i] * hp(y - 1, i) * Diff(R, a[y - 1, i])),
        r"$\mathcal R\{w^{(y)}\}=0$",
        using=_all(lambda e: R_m.evaluate(unfold(e, _in_layer(a, y, lambda k: definitions[a](y, k)))), _of_z(y - 1)),
    )
    s.then(
        S("i", n[y - 1], lambda i: w[y, k, i] * hp(y - 1, i) * through_G(y - 1)(i)),
        "hypothesis",
        using=responds(a, y - 1, through_G(y - 1)),
    )
    of_G = where(G, lambda r, c: (r, c) == (y, m), lambda r, c, one, other: step.at({m: y, l: m, k: one, j: other}))
    return s.then(through_G(y)(k), "recursion of $G$", using=of_G)


def backward_base() -> Steps:
    r"""$\mathcal R\{\delta^{(L)}_k\}=\sum_qB^{(L,m)}_{kq}\rho^{(m)}_q$."""
    top = output_response()
    curvature = S("k'", n[L], lambda r: M[k, r] * Diff(R, a[L, r]))
    s = Steps(Diff(R, delta[L, k]))
    s.then(
        curvature,
        r"$\delta^{(L)}$ depends on $a^{(L)}$ only",
        using=responds(delta, L, lambda k: S("k'", n[L], lambda r: M[k, r] * Diff(R, a[L, r]))),
    )
    s.then(S("k'", n[L], lambda r: M[k, r] * through_G(L)(r)), "forward sweep", using=responds(a, L, through_G(L)))
    of_B = where(B, lambda r, c: (r, c) == (L, m), lambda r, c, one, other: top.at({l: m, k: one, j: other}))
    return s.then(through_B(L)(k), "base of $B$", using=of_B)


def _signal(layer: Any, unit: Any) -> Expr:
    return hp(layer, unit) * S("r", n[layer + 1], lambda r: w[layer + 1, r, unit] * delta[layer + 1, r])


def backward_step() -> Steps:
    r"""$\mathcal R\{\delta^{(y)}_k\}=\sum_qB^{(y,m)}_{kq}\rho^{(m)}_q$ for m <= y < L, from the same for y + 1."""
    step = backward_response()
    received = S("r", n[y + 1], lambda r: w[y + 1, r, k] * delta[y + 1, r])
    s = Steps(Diff(R, delta[y, k]))
    s.then(
        hpp(y, k) * Diff(R, a[y, k]) * received
        + hp(y, k) * S("r", n[y + 1], lambda r: w[y + 1, r, k] * Diff(R, delta[y + 1, r])),
        r"$\mathcal R\{w^{(y+1)}\}=0$",
        using=lambda e: R_m.evaluate(unfold(e, _in_layer(delta, y, lambda k: _signal(y, k)))),
    )
    s.then(
        hpp(y, k) * through_G(y)(k) * received
        + hp(y, k) * S("r", n[y + 1], lambda r: w[y + 1, r, k] * through_B(y + 1)(r)),
        "forward sweep, hypothesis",
        using=_all(responds(a, y, through_G(y)), responds(delta, y + 1, through_B(y + 1))),
    )
    of_B = where(B, lambda r, c: (r, c) == (y, m), lambda r, c, one, other: step.at({m: y, l: m, k: one, j: other}))
    return s.then(through_B(y)(k), "recursion of $B$", using=of_B)


def times_v(entry: Callable[[Any, Any], Expr], bias_entry: Callable[[Any], Expr], /) -> Expr:
    """The row of the Hessian in layer m, times v: the entries for weights and for biases, summed."""
    weights = S("q", n[m], lambda q: S("p", n[m - 1], lambda p: entry(q, p) * v[m, q, p]))
    return weights + S("q", n[m], lambda q: bias_entry(q) * u[m, q])


def above() -> Steps:
    r"""The entry of $\mathcal R\{\nabla E\}$ for a weight of layer y > m is the Hessian's row times v."""
    by_weight = block(w[y, k, i], w[m, j, p])
    by_bias = block(w[y, k, i], b[m, j])
    s = Steps(Diff(R, delta[y, k] * z[y - 1, i]))
    s.then(
        Diff(R, delta[y, k]) * z[y - 1, i] + delta[y, k] * hp(y - 1, i) * Diff(R, a[y - 1, i]),
        "product rule",
        using=_all(R_m.evaluate, _of_z(y - 1)),
    )
    s.then(
        through_B(y)(k) * z[y - 1, i] + delta[y, k] * hp(y - 1, i) * through_G(y - 1)(i),
        "both sweeps",
        using=_all(responds(delta, y, through_B(y)), responds(a, y - 1, through_G(y - 1))),
    )
    return s.then(
        times_v(lambda q, c: by_weight.at({j: q, p: c}), lambda q: by_bias.at({j: q})), "insert $\\rho$", using=push
    )


def within() -> Steps:
    """The same for a weight of layer m itself."""
    by_weight, by_bias = block(w[m, k, i], w[m, j, p]), block(w[m, k, i], b[m, j])
    s = Steps(Diff(R, delta[m, k] * z[m - 1, i]))
    s.then(
        Diff(R, delta[m, k]) * z[m - 1, i],
        r"$\mathcal R\{z^{(m-1)}\}=0$",
        using=_all(R_m.evaluate, responds(z, m - 1, lambda unit: sp.S.Zero)),
    )
    s.then(through_B(m)(k) * z[m - 1, i], "backward sweep", using=responds(delta, m, through_B(m)))
    return s.then(
        times_v(lambda q, c: by_weight.at({j: q, p: c}), lambda q: by_bias.at({j: q})), "insert $\\rho$", using=push
    )


# ------------------------------------------------------------------------------------------------------- below layer m
def from_below() -> tuple[Steps, Steps]:
    r"""$G^{(m,l)}$ and $B^{(m,l)}$ taken apart at their lower end: $G^{(m,l+1)}W^{(l+1)}D^{(l)}$, and so for B."""

    def chain(family: Tensor, quantity: Tensor) -> Steps:
        def through_next(layer: Any, r: Any) -> Expr:
            return S("q", n[l + 1], lambda q: family[layer, l + 1, r, q] * w[l + 1, q, j] * hp(l, j))

        D = Derivation(a[l, j], {quantity: through_next})
        s = Steps(family[m, l, k, j])
        s.then(
            D.named(quantity[m, k]),
            "definition",
            using={family: lambda r, c, one, other: Diff(a[c, other], quantity[r, one])},
        )
        return s.then(through_next(m, k), "chain rule through layer $l+1$", by=D)

    return chain(G, a), chain(B, delta)


def signal_below(layer: Any) -> Callable[[Any], Expr]:
    r"""What $\mathcal R\{\delta^{(y)}_j\}$ is for y < m: the column of the Hessian, without $z^{(y-1)}_i$, times v."""
    by_weight, by_bias = block(w[m, k, p], b[l, j]), block(b[m, k], b[l, j])
    return lambda unit: times_v(
        lambda q, c: by_weight.at({l: layer, k: q, p: c, j: unit}), lambda q: by_bias.at({l: layer, k: q, j: unit})
    )


def below_base() -> Steps:
    r"""$\mathcal R\{\delta^{(m-1)}_j\}$: here the weights that carry the signal move."""
    below = m - 1
    _, B_below = from_below()
    unit_G = where(G, lambda r, c: r == c, lambda r, c, one, other: KroneckerDelta(one, other))
    of_B = where(
        B, lambda r, c: (r, c) == (m, below), lambda r, c, one, other: B_below.at({l: below, k: one, j: other})
    )
    s = Steps(Diff(R, delta[below, j]))
    s.then(
        hp(below, j) * S("k", n[m], lambda k: v[m, k, j] * delta[m, k])
        + hp(below, j) * S("k", n[m], lambda k: w[m, k, j] * Diff(R, delta[m, k])),
        r"$\mathcal R\{a^{(m-1)}\}=0$",
        using=_all(
            lambda e: R_m.evaluate(unfold(e, _in_layer(delta, below, lambda j: _signal(below, j)))),
            responds(a, below, lambda unit: sp.S.Zero),
        ),
    )
    s.then(
        hp(below, j) * S("k", n[m], lambda k: v[m, k, j] * delta[m, k])
        + hp(below, j) * S("k", n[m], lambda k: w[m, k, j] * through_B(m)(k)),
        "backward sweep",
        using=responds(delta, m, through_B(m)),
    )
    return s.then(
        signal_below(below)(j),
        "insert $\\rho$; $B^{(m,m)}$ is symmetric",
        using=_all(*[lambda e, d=d: unfold(e, d) for d in (push, of_B, unit_G)], symmetric),
    )


def below_step() -> Steps:
    r"""$\mathcal R\{\delta^{(l)}_j\}$ for l < m - 1, from the same for l + 1."""
    G_below, B_below = from_below()
    s = Steps(Diff(R, delta[l, j]))
    s.then(
        hp(l, j) * S("r", n[l + 1], lambda r: w[l + 1, r, j] * Diff(R, delta[l + 1, r])),
        r"$\mathcal R\{a^{(l)}\}=0$, $\mathcal R\{w^{(l+1)}\}=0$",
        using=_all(
            lambda e: R_m.evaluate(unfold(e, _in_layer(delta, l, lambda j: _signal(l, j)))),
            responds(a, l, lambda unit: sp.S.Zero),
        ),
    )
    s.then(
        hp(l, j) * S("r", n[l + 1], lambda r: w[l + 1, r, j] * signal_below(l + 1)(r)),
        "hypothesis",
        using=responds(delta, l + 1, signal_below(l + 1)),
    )
    of_G = where(G, lambda r, c: c == l, lambda r, c, one, other: G_below.at({m: r, k: one, j: other}))
    of_B = where(B, lambda r, c: c == l, lambda r, c, one, other: B_below.at({m: r, k: one, j: other}))
    return s.then(
        signal_below(l)(j),
        "$G$ and $B$ taken apart from below",
        using=_all(lambda e: unfold(e, of_G), lambda e: unfold(e, of_B)),
    )


def below() -> Steps:
    r"""The entry of $\mathcal R\{\nabla E\}$ for a weight of layer l < m."""
    by_weight, by_bias = block(w[m, k, p], w[l, j, i]), block(b[m, k], w[l, j, i])
    s = Steps(Diff(R, delta[l, j] * z[l - 1, i]))
    s.then(
        Diff(R, delta[l, j]) * z[l - 1, i],
        r"$\mathcal R\{z^{(l-1)}\}=0$",
        using=_all(R_m.evaluate, responds(z, l - 1, lambda unit: sp.S.Zero)),
    )
    return s.then(
        times_v(lambda q, c: by_weight.at({k: q, p: c}), lambda q: by_bias.at({k: q})),
        "as shown",
        using=responds(delta, l, signal_below(l)),
    )
