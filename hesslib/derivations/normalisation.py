r"""Normalisation of a group of K numbers, $\hat x_i=(x_i-\mu)/\sqrt{v+\epsilon}$, to second order.

The group are the features of one row in layer normalisation, the patterns of one feature in batch normalisation. The
signal is that of the normalised numbers, $\gamma_i=\partial E/\partial\hat x_i$; gain and shift come after.
:func:`invariant_gradient` and :func:`null_direction` say what follows for weights whose scale has no effect.

Longer than one sitting: both derivatives, batches, and the invariance are one object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr, Rational

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, Through, same
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, index
from hesslib.calculus.let import Let
from hesslib.calculus.normal import equal
from hesslib.calculus.rewriting import assuming, fact
from hesslib.calculus.steps import Formula, Steps

from .network import E

K, N = sp.symbols("K N", integer=True, positive=True)
i, j, j_, k, n, m = index("i j j' k n m")
eps = sp.Symbol("epsilon", positive=True)

x = Tensor("x", shape=(K,), pattern=True, independent=True)
gamma = Tensor("gamma", latex=r"\gamma", shape=(K,), pattern=True)
mu = Let(sp.Symbol("mu"), lambda: S("k", K, lambda k: x[k]) / K)
v = Let(sp.Symbol("v", positive=True), lambda: S("k", K, lambda k: (x[k] - mu) ** 2) / K)
r = Let(sp.Symbol("r", positive=True), lambda: 1 / sp.sqrt(v + eps))
xhat = Let(Tensor("xhat", latex=r"\hat{x}", shape=(K,), pattern=True), lambda i: r * (x[i] - mu))
s = Tensor("s", shape=(K,), pattern=True)


# ------------------------------------------------------------------------------------------------- first derivatives
def definitions() -> tuple[Formula, Formula, Formula, Formula]:
    r"""$\mu$, $v$, $r=(v+\epsilon)^{-1/2}$ and $\hat x$."""
    return (
        Formula(mu, S("k", K, lambda k: x[k]) / K),
        Formula(v, S("k", K, lambda k: (x[k] - mu) ** 2) / K),
        Formula(r, 1 / sp.sqrt(v + eps)),
        Formula(xhat[i], r * (x[i] - mu)),
    )


def _by(j: Any, **known: Any) -> Derivation:
    """The derivation by $x_j$, with what was derived before as rules."""
    rules: dict[Any, Any] = {x: same(j), gamma: CONSTANT, eps: CONSTANT}
    found: dict[str, dict[Any, Any]] = {
        "mu": {mu: lambda: 1 / sp.sympify(K)},
        "v": {v: lambda: 2 * (x[j] - mu) / K},
        "r": {r: lambda: -(r**2) * xhat[j] / K},
        "xhat": {xhat: lambda i: slope(i, j)},
    }
    for name in known:
        rules |= found[name]
    return Derivation(x[j], rules)


def slope(i: Any, j: Any) -> Expr:
    r"""$r(I_{ij}-1/K-\hat x_i\hat x_j/K)$, the slope of a normalised number."""
    return r * (KroneckerDelta(i, j) - 1 / sp.sympify(K) - xhat[i] * xhat[j] / K)


def mean() -> Steps:
    r"""$\partial\mu/\partial x_j=1/K$."""
    D = _by(j)
    chain = Steps(Diff(x[j], mu)).then(D.named(S("k", K, lambda k: x[k]) / K), "definition", using=mu)
    return chain.then(1 / sp.sympify(K), "linear", by=D)


def variance() -> Steps:
    r"""$\partial v/\partial x_j=2(x_j-\mu)/K$: that the mean moves as well has no effect."""
    D = _by(j)
    chain = Steps(Diff(x[j], v)).then(D.named(S("k", K, lambda k: (x[k] - mu) ** 2) / K), "definition", using=v)
    moving = 2 * (x[j] - mu) / K - 2 * (S("k", K, lambda k: x[k]) - K * mu) / K**2
    chain.then(moving, "chain rule", by=D)
    return chain.then(2 * (x[j] - mu) / K, r"$\sum_kx_k=K\mu$", using=mu)


def scale() -> Steps:
    r"""$\partial r/\partial x_j=-r^2\hat x_j/K$."""
    D = _by(j, v=True)
    chain = Steps(Diff(x[j], r)).then(D.named(1 / sp.sqrt(v + eps)), "definition", using=r)
    chain.then(-((v + eps) ** Rational(-3, 2)) * (x[j] - mu) / K, "chain rule", by=D)
    chain.then(-(r**3) * (x[j] - mu) / K, "name $r$", using=r)
    return chain.then(-(r**2) * xhat[j] / K, r"name $\hat x$", using=xhat)


def jacobian() -> Steps:
    r"""$\partial\hat x_i/\partial x_j=r(I_{ij}-1/K-\hat x_i\hat x_j/K)$."""
    D = _by(j, mu=True, r=True)
    chain = Steps(Diff(x[j], xhat[i])).then(D.named(r * (x[i] - mu)), "definition", using=xhat)
    moved = r * (KroneckerDelta(i, j) - 1 / sp.sympify(K)) - r**2 * xhat[j] * (x[i] - mu) / K
    chain.then(moved, "product rule", by=D)
    return chain.then(slope(i, j), r"name $\hat x$", using=xhat)


def _mean(body: Callable[[Any], Expr]) -> Expr:
    return S("k", K, body) / K


def passed_back(j: Any) -> Expr:
    r"""$r(\gamma_j-\overline\gamma-\hat x_j\,\overline{\gamma\hat x})$, the signal at an input."""
    return r * (gamma[j] - _mean(lambda k: gamma[k]) - xhat[j] * _mean(lambda k: gamma[k] * xhat[k]))


def signal() -> Steps:
    r"""$s_j=r(\gamma_j-\overline\gamma-\hat x_j\,\overline{\gamma\hat x})$: the means are taken out."""
    D = _by(j, xhat=True)
    chain = Steps(s[j]).then(
        S("i", K, lambda i: gamma[i] * Diff(x[j], xhat[i])),
        "chain rule",
        using={s: lambda j: S("i", K, lambda i: gamma[i] * Diff(x[j], xhat[i]))},
    )
    return chain.then(passed_back(j), "the Jacobian", by=D)


# ------------------------------------------------------------------------------------------------ second derivatives
def bending() -> Steps:
    r"""$-\frac rK(\hat x_js_{j'}+\hat x_{j'}s_j)-\overline{\gamma\hat x}\,r\,\partial\hat x_j/\partial x_{j'}$."""
    D = _by(j_, r=True, xhat=True)
    named = {s: passed_back}
    chain = Steps(D.named(s[j])).then(D.named(passed_back(j)), "the signal", using=named)
    chain.then(D(passed_back(j)), "product rule", by=D)
    tilt = _mean(lambda k: gamma[k] * xhat[k])
    found = -r / K * (xhat[j] * s[j_] + xhat[j_] * s[j]) - r * tilt * slope(j, j_)
    return chain.then(found, "name $s$", using=named)


# ----------------------------------------------------------------------------------------------- what is not seen
def sums() -> tuple[Steps, Steps]:
    r"""$\sum_i\hat x_i=0$ and $\sum_i\hat x_i^2=K(1-\epsilon r^2)$."""
    first = Steps(S("i", K, lambda i: xhat[i]))
    first.then(r * (S("i", K, lambda i: x[i]) - K * mu), "definition", using=xhat).then(sp.S.Zero, "the mean", using=mu)
    second = Steps(S("i", K, lambda i: xhat[i] ** 2))
    second.then(r**2 * S("i", K, lambda i: (x[i] - mu) ** 2), "definition", using=xhat)
    second.then(r**2 * K * v, "the variance", using=v)
    return first, second.then(K * (1 - eps * r**2), "name $r$", using=r)


def radial() -> Steps:
    r"""$\sum_jx_j\,\partial\hat x_i/\partial x_j=\epsilon r^2\hat x_i$: scale is seen by $\epsilon$ only."""
    chain = Steps(S("j", K, lambda j: x[j] * slope(i, j)))
    moved = x[i] - S("j", K, lambda j: x[j]) / K
    chain.then(
        r * moved - r**3 * (x[i] - mu) * S("j", K, lambda j: x[j] * (x[j] - mu)) / K, r"insert $\hat x$", using=xhat
    )
    spread = S("k", K, lambda k: (x[k] - mu) ** 2) / K
    chain.then(r * (x[i] - mu) * (1 - r**2 * spread), "the mean", using=mu)
    chain.then(r * (x[i] - mu) * (1 - r**2 * v), "the variance", using=v)
    chain.then(r * (x[i] - mu) * eps * r**2, "name $r$", using=r)
    return chain.then(eps * r**2 * xhat[i], r"name $\hat x$", using=xhat)


def shifted() -> Steps:
    r"""$\sum_j\partial\hat x_i/\partial x_j=0$: a common shift is not seen at all."""
    chain = Steps(S("j", K, lambda j: slope(i, j)))
    chain.then(-r * xhat[i] * S("j", K, lambda j: xhat[j]) / K, "sum")
    return chain.then(sp.S.Zero, r"$\sum_j\hat x_j=0$", using=fact(S("j", K, lambda j: xhat[j]), sp.S.Zero))


# ------------------------------------------------------------------------------------------------------------ batches
X = Tensor("x", shape=(N, K), independent=True)
mu_b = Let(Tensor("mu", latex=r"\mu", shape=(K,)), lambda i: S("n", N, lambda n: X[n, i]) / N)
v_b = Let(Tensor("v", shape=(K,)), lambda i: S("n", N, lambda n: (X[n, i] - mu_b[i]) ** 2) / N)
r_b = Tensor("r", shape=(K,))
X_hat = Tensor("Xhat", latex=r"\hat{x}", shape=(N, K))
fixed_mu, fixed_v = Tensor("m", shape=(K,)), Tensor("u", shape=(K,))


def batch() -> Steps:
    r"""The same over the patterns of each feature: $r_j(I_{nm}-1/N-\hat x_{nj}\hat x_{mj}/N)$; features are apart."""
    definition = {X_hat: lambda n, i: r_b[i] * (X[n, i] - mu_b[i])}
    D = Derivation(
        X[m, j],
        {
            X: lambda n, i: KroneckerDelta(n, m) * KroneckerDelta(i, j),
            r_b: lambda i: -(r_b[i] ** 2) * X_hat[m, i] / N * KroneckerDelta(i, j),
        },
    )
    chain = Steps(Diff(X[m, j], X_hat[n, i]))
    chain.then(D.named(r_b[i] * (X[n, i] - mu_b[i])), "definition", using=definition)
    apart = KroneckerDelta(i, j) * r_b[i]
    moved = apart * (KroneckerDelta(n, m) - 1 / sp.sympify(N)) - apart * r_b[i] * X_hat[m, i] * (X[n, i] - mu_b[i]) / N
    chain.then(moved, "as for one row", by=D)
    return chain.then(
        apart * (KroneckerDelta(n, m) - 1 / sp.sympify(N) - X_hat[n, i] * X_hat[m, i] / N),
        r"name $\hat x$",
        using=definition,
    )


def evaluation() -> Steps:
    r"""With stored statistics the layer is affine, and patterns stay apart: $I_{nm}I_{ij}/\sqrt{u_i+\epsilon}$."""
    stored = {X_hat: lambda n, i: (X[n, i] - fixed_mu[i]) / sp.sqrt(fixed_v[i] + eps)}
    rules = {X: lambda n, i: KroneckerDelta(n, m) * KroneckerDelta(i, j)}
    D = Derivation(X[m, j], {**rules, fixed_mu: CONSTANT, fixed_v: CONSTANT, eps: CONSTANT})
    chain = Steps(Diff(X[m, j], X_hat[n, i])).then(
        D.named((X[n, i] - fixed_mu[i]) / sp.sqrt(fixed_v[i] + eps)), "stored statistics", using=stored
    )
    return chain.then(KroneckerDelta(n, m) * KroneckerDelta(i, j) / sp.sqrt(fixed_v[i] + eps), "affine", by=D)


# ------------------------------------------------------------------------------------ weights whose scale has no effect
P = sp.Symbol("P", integer=True, positive=True)
w = Tensor("w", shape=(P,), independent=True)
w0 = Tensor("w0", latex=r"w", shape=(P,))
p, q = index("p q")
alpha, eta, lam = (sp.Symbol(name, positive=True) for name in ("alpha", "eta", "lambda"))
g = Tensor("g", shape=(P,))


def invariant_gradient() -> Steps:
    r"""$\sum_pw_pg_p=0$: if $E(\alpha w)=E(w)$, the slope along w is zero."""
    D = Derivation(alpha, {E: Through(E, g[p], w[p], p, P), w: lambda p: w0[p]})
    chain = Steps(S("p", P, lambda p: w0[p] * g[p]))
    chain.then(D.named(E), r"at $w\to\alpha w$", by=D)
    return chain.then(sp.S.Zero, "no effect", using=_vanishes(D.named(E)))


def _vanishes(x: Expr) -> Callable[[Expr], Expr]:
    return assuming(
        x, sp.S.Zero, lambda e: e.replace(lambda y: isinstance(y, Diff) and equal(y, x), lambda _: sp.S.Zero)
    )


def null_direction() -> Steps:
    r"""$\sum_pH_{qp}w_p=-g_q$: the slope along w stays zero if w moves."""
    D = Derivation(w[q], {w: same(q), E: NAMED})
    product = S("p", P, lambda p: w[p] * Diff(w[p], E))
    chain = Steps(S("p", P, lambda p: w[p] * Diff(w[q], Diff(w[p], E))))
    chain.then(D.named(product) - Diff(w[q], E), "product rule", by=D)
    return chain.then(-Diff(w[q], E), r"$\sum_pw_pg_p=0$ everywhere", using=_vanishes(D.named(product)))


def step_with_decay() -> Steps:
    r"""$|w-\eta(g+\lambda w)|^2=(1-\eta\lambda)^2|w|^2+\eta^2|g|^2$: the gradient lengthens w, decay shortens it."""
    chain = Steps(S("p", P, lambda p: (w0[p] - eta * (g[p] + lam * w0[p])) ** 2))
    square, slopes = S("p", P, lambda p: w0[p] ** 2), S("p", P, lambda p: g[p] ** 2)
    cross = -2 * eta * (1 - eta * lam) * S("p", P, lambda p: w0[p] * g[p])
    chain.then((1 - eta * lam) ** 2 * square + eta**2 * slopes + cross, "multiply out")
    no_cross = fact(S("p", P, lambda p: w0[p] * g[p]), sp.S.Zero)
    return chain.then((1 - eta * lam) ** 2 * square + eta**2 * slopes, "no slope along w", using=no_cross)
