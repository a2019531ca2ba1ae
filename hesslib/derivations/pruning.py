r"""Optimal brain damage and optimal brain surgeon, and one step of re-training, for every number of parameters.

Near a minimum the error rises by $\tfrac12\sum_{ij}d_iH_{ij}d_j$. That $X$ is the inverse of $H$ is used as a fact,
$\sum_jX_{ij}H_{jk}=I_{ik}$; nothing else is known of the two.
"""

from __future__ import annotations

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, Derivation, same, unfold
from hesslib.calculus.index import KroneckerDelta, S, Tensor, index
from hesslib.calculus.rewriting import assuming, fact
from hesslib.calculus.steps import Formula, Steps

P = sp.Symbol("P", integer=True, positive=True)
i, j, k, q = index("i j k q")
mu = sp.Symbol("mu")  # Lagrange's multiplier
rise = sp.Symbol(r"\Delta E")
Lagrangian = sp.Symbol(r"\mathcal{L}")

w = Tensor("w", shape=(P,))
d = Tensor("d", shape=(P,))  # the change of the parameters
g = Tensor("g", shape=(P,))  # the gradient of the new error at the old minimum
eta = Tensor("eta", latex=r"\eta", shape=(P,))  # what another change has more, with eta_q = 0
H = Tensor("H", shape=(P, P), symmetric=True)
X = Tensor("X", shape=(P, P), symmetric=True)  # its inverse
K = Tensor("K", latex="H'", shape=(P, P), symmetric=True)  # the curvature after the data have changed
Y = Tensor("Y", latex="X'", shape=(P, P), symmetric=True)  # its inverse

XH_is_I = fact(S("j", P, lambda j: X[i, j] * H[j, k]), KroneckerDelta(i, k), i, k)
YK_is_I = fact(S("j", P, lambda j: Y[i, j] * K[j, k]), KroneckerDelta(i, k), i, k)


def quadratic(change: Tensor = d) -> Expr:
    r"""$\tfrac12\sum_{ij}d_iH_{ij}d_j$."""
    return sp.Rational(1, 2) * S("i", P, lambda i: S("j", P, lambda j: change[i] * H[i, j] * change[j]))


def model() -> Formula:
    """The rise of a quadratic error at its minimum."""
    return Formula(rise, quadratic())


# ------------------------------------------------------------------------------------------ nothing else moves
def damage() -> Steps:
    r"""$\Delta E=\tfrac12H_{qq}w_q^2$ for $d_i=-w_qI_{iq}$."""
    alone = {rise: quadratic, d: lambda i: -w[q] * KroneckerDelta(i, q)}
    step = Steps(rise)
    step.then(quadratic(), using={rise: quadratic})
    return step.then(H[q, q] * w[q] ** 2 / 2, "$d_i=-w_qI_{iq}$", using=alone)


# ------------------------------------------------------------------------------------------ everything else moves
def lagrangian() -> Formula:
    r"""$\tfrac12\sum_{ij}d_iH_{ij}d_j+\mu(d_q+w_q)$."""
    return Formula(Lagrangian, quadratic() + mu * (d[q] + w[q]))


def stationary() -> Steps:
    r"""$\partial\mathcal L/\partial d_k=\sum_jH_{kj}d_j+\mu I_{kq}$."""
    D = Derivation(d[k], {d: same(k), H: CONSTANT, w: CONSTANT, mu: CONSTANT})
    step = Steps(D.named(Lagrangian))
    return step.then(
        S("j", P, lambda j: H[k, j] * d[j]) + mu * KroneckerDelta(k, q),
        by=D,
        using={Lagrangian: lambda: lagrangian().rhs},
    )


slope_is_zero = fact(S("j", P, lambda j: H[k, j] * d[j]), -mu * KroneckerDelta(k, q), k)


def multiplier() -> Steps:
    r"""$\mu=w_q/X_{qq}$, from the constraint $w_q=-d_q=\mu X_{qq}$."""
    return Steps(mu).then(w[q] / X[q, q], "$d_q=-w_q$", using={w: lambda i: mu * X[i, i]})


def surgeon_step() -> Steps:
    r"""$d_i=-\mu X_{iq}=-w_qX_{iq}/X_{qq}$, where the derivative of the Lagrangian is 0."""
    step = Steps(d[i])
    step.then(S("k", P, lambda k: X[i, k] * S("j", P, lambda j: H[k, j] * d[j])), "$XH=I$", using=XH_is_I)
    step.then(-mu * X[i, q], "slope 0", using=slope_is_zero)
    return step.then(-w[q] * X[i, q] / X[q, q], r"insert $\mu$", using={mu: lambda: multiplier().result})


def surgeon() -> Steps:
    r"""$\Delta E=w_q^2/2X_{qq}$."""
    step = Steps(rise)
    step.then(quadratic(), using={rise: quadratic})
    return step.then(w[q] ** 2 / (2 * X[q, q]), "insert $d$", using=lambda x: XH_is_I(unfold(x, {d: _surgeon_step})))


def _surgeon_step(i: Expr) -> Expr:
    return -w[q] * X[i, q] / X[q, q]


def any_other() -> Steps:
    r"""Any other change that removes $w_q$ costs $\tfrac12\sum\eta_iH_{ij}\eta_j$ more."""
    moved = {d: lambda i: _surgeon_step(i) + eta[i]}
    step = Steps(rise)
    step.then(
        w[q] ** 2 / (2 * X[q, q]) + quadratic(eta) - w[q] / X[q, q] * eta[q],
        r"$d+\eta$",
        using=lambda x: XH_is_I(unfold(unfold(x, {rise: quadratic}), moved)),
    )
    return step.then(
        w[q] ** 2 / (2 * X[q, q]) + quadratic(eta),
        r"$\eta_q=0$",
        using=assuming(eta[q], 0, lambda x: x.xreplace({eta[q]: sp.S.Zero})),
    )


def inverse_without() -> Steps:
    r"""$\sum_jH_{ij}(X_{jk}-X_{jq}X_{qk}/X_{qq})=I_{ik}-I_{iq}X_{qk}/X_{qq}$: the inverse, for $i,k\ne q$."""
    left = S("j", P, lambda j: H[i, j] * (X[j, k] - X[j, q] * X[q, k] / X[q, q]))
    step = Steps(left)
    return step.then(KroneckerDelta(i, k) - KroneckerDelta(i, q) * X[q, k] / X[q, q], "$HX=I$", using=XH_is_I)


# ------------------------------------------------------------------------------------------ new data
def retraining() -> Steps:
    r"""$d_i=-\sum_jX'_{ij}g_j$: where the new slope $g_k+\sum_jH'_{kj}d_j$ is 0."""
    slope = fact(S("j", P, lambda j: K[k, j] * d[j]), -g[k], k)
    step = Steps(d[i])
    step.then(S("k", P, lambda k: Y[i, k] * S("j", P, lambda j: K[k, j] * d[j])), "$X'H'=I$", using=YK_is_I)
    return step.then(-S("j", P, lambda j: Y[i, j] * g[j]), "new slope 0", using=slope)


def with_the_old() -> Steps:
    r"""$X-X'=\sum X'(H'-H)X$: what the step with the old inverse is off by."""
    step = Steps(X[i, k] - Y[i, k])
    return step.then(
        S("p", P, lambda p: S("j", P, lambda j: Y[i, p] * (K[p, j] - H[p, j]) * X[j, k])),
        using=lambda x: YK_is_I(XH_is_I(x)),
    )
