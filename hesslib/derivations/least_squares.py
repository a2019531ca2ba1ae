r"""Sums of squares and the steps that train by them, from steepest descent to Levenberg and Marquardt.

$E=\frac12\sum_ne_n^2$ of m residuals that are functions of P weights; $J_{nr}=\partial e_n/\partial w_r$, $g=J^Te$ and
$S=\sum_ne_n\nabla\nabla e_n$. That X is the inverse of H is used as a fact; nothing else is known of the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, index
from hesslib.calculus.results import inserting
from hesslib.calculus.rewriting import fact
from hesslib.calculus.steps import Formula, Steps

P, m = sp.symbols("P m", integer=True, positive=True)
n, q, r, s = index("n q r s")
E = sp.Symbol("E")
mu = sp.Symbol("mu", positive=True)  # the damping
e = Tensor("e", shape=(m,))
w = Tensor("w", shape=(P,))
p = Tensor("p", shape=(P,))  # a step
g = Tensor("g", shape=(P,))
v = Tensor("v", shape=(P,))  # any direction
J = Tensor("J", shape=(m, P))
A = Tensor("A", shape=(P, P), symmetric=True)
H = Tensor("H", shape=(P, P), symmetric=True)
X = Tensor("X", shape=(P, P), symmetric=True)  # its inverse
R = Tensor("S", shape=(P, P), symmetric=True)
l = Tensor("lambda", latex=r"\lambda", shape=(P,))
half = sp.Rational(1, 2)

JACOBIAN = {J: lambda n, r: Diff(w[r], e[n])}
XH_is_I = fact(S("r", P, lambda r: X[q, r] * H[r, s]), KroneckerDelta(q, s), q, s)


def squares() -> Expr:
    r"""$\tfrac12\sum_ne_n^2$."""
    return half * S("n", m, lambda n: e[n] ** 2)


def sum_of_squares() -> Formula:
    """The error."""
    return Formula(E, squares())


def by(letter: Expr) -> Derivation:
    """The derivative by a weight; what the residuals do is not known."""
    return Derivation(w[letter], {e: NAMED})


def JJ(r: Any, s: Any) -> Expr:
    r"""$\sum_nJ_{nr}J_{ns}$."""
    return S("n", m, lambda n: J[n, r] * J[n, s])


def second_part() -> Expr:
    r"""$S_{rs}=\sum_ne_n\,\partial^2e_n/\partial w_r\partial w_s$."""
    return S("n", m, lambda n: e[n] * Diff(w[r], Diff(w[s], e[n])))


def slope() -> Steps:
    r"""$\partial E/\partial w_s=\sum_nJ_{ns}e_n$."""
    return slope_by_residuals().then(S("n", m, lambda n: J[n, s] * e[n]), "name", using=JACOBIAN)


def slope_by_residuals() -> Steps:
    r"""$\partial E/\partial w_s$ before the derivatives of the residuals have a name."""
    step = Steps(Diff(w[s], E))
    step.then(by(s).named(squares()), "definition", using={E: squares})
    return step.then(S("n", m, lambda n: e[n] * Diff(w[s], e[n])), "chain rule", by=by(s))


def curvature() -> Steps:
    r"""$\partial^2E/\partial w_r\partial w_s=\sum_nJ_{nr}J_{ns}+S_{rs}$."""
    first = slope_by_residuals()
    step = Steps(Diff(w[r], Diff(w[s], E)))
    step.then(by(r).named(first.result), "the gradient", using=inserting(first))
    return step.then(JJ(r, s) + second_part(), "product rule", by=by(r), using=JACOBIAN)


# ------------------------------------------------------------------------------------------- what each method believes
def newton() -> Steps:
    r"""$p_q=-\sum_rX_{qr}g_r$: where the slope $g_r+\sum_sH_{rs}p_s$ of the model is 0."""
    slope_is_zero = fact(S("s", P, lambda s: H[r, s] * p[s]), -g[r], r)
    step = Steps(p[q])
    step.then(S("r", P, lambda r: X[q, r] * S("s", P, lambda s: H[r, s] * p[s])), "$XH=I$", using=XH_is_I)
    return step.then(-S("r", P, lambda r: X[q, r] * g[r]), "slope 0", using=slope_is_zero)


def newton_change() -> Steps:
    r"""$gp+\tfrac12\lambda p^2=-g^2/2\lambda$ for the Newton step $p=-g/\lambda$ along a line."""
    along, slope, bend = sp.Symbol("p"), sp.Symbol("g"), sp.Symbol("lambda", nonzero=True)
    step = Steps(slope * along + half * bend * along**2)
    return step.then(-(slope**2) / (2 * bend), r"$p=-g/\lambda$", using={along: lambda: -slope / bend})


def gauss_newton() -> Steps:
    r"""$H_{rs}=\sum_nJ_{nr}J_{ns}+S_{rs}\simeq\sum_nJ_{nr}J_{ns}$."""
    step = Steps(H[r, s])
    step.then(JJ(r, s) + R[r, s], r"$S$ by name", using={H: lambda r, s: JJ(r, s) + R[r, s]})
    return step.neglect(JJ(r, s), "drop $S$")


def damped_curvature() -> Steps:
    r"""$\sum_{rs}v_r(J^TJ+\mu I)_{rs}v_s=\sum_n(Jv)_n^2+\mu\sum_rv_r^2$."""

    def Jv(n: Any) -> Expr:
        return S("r", P, lambda r: J[n, r] * v[r])

    def term(r: Any) -> Expr:
        return S("s", P, lambda s: v[r] * (JJ(r, s) + mu * KroneckerDelta(r, s)) * v[s])

    step = Steps(S("r", P, term))
    return step.then(S("n", m, lambda n: Jv(n) * Jv(n)) + mu * S("r", P, lambda r: v[r] ** 2), "sort the sums")


def damped() -> Formula:
    r"""$\sum_s(J^TJ+\mu I)_{rs}p_s=-\sum_nJ_{nr}e_n$."""
    left = S("s", P, lambda s: (JJ(r, s) + mu * KroneckerDelta(r, s)) * p[s])
    return Formula(left, -S("n", m, lambda n: J[n, r] * e[n]))


# ------------------------------------------------------------------------------------------------ from one to the other
_bend, _slope = sp.Symbol("lambda", positive=True), sp.Symbol("g")


def to_gauss_newton() -> Steps:
    r"""$-g/(\lambda+\mu)+g/\lambda=g\mu/\lambda(\lambda+\mu)$."""
    step = Steps(-_slope / (_bend + mu) - (-_slope / _bend))
    return step.then(_slope * mu / (_bend * (_bend + mu)), "one fraction")


def to_steepest_descent() -> Steps:
    r"""$-g/(\lambda+\mu)+g/\mu=g\lambda/\mu(\lambda+\mu)$."""
    step = Steps(-_slope / (_bend + mu) - (-_slope / mu))
    return step.then(_slope * _bend / (mu * (_bend + mu)), "one fraction")


def region_of_trust() -> Steps:
    r"""What the model and $\tfrac\mu2|p|^2$ change by from the damped step to any other."""

    def model(step: Callable[[Any], Expr]) -> Expr:
        bend = S("r", P, lambda r: S("s", P, lambda s: step(r) * A[r, s] * step(s)))
        return S("r", P, lambda r: g[r] * step(r)) + half * bend

    def length(step: Callable[[Any], Expr]) -> Expr:
        return half * mu * S("r", P, lambda r: step(r) ** 2)

    def other(r: Any) -> Expr:
        return p[r] + v[r]

    def same(r: Any) -> Expr:
        return p[r]

    step = Steps(model(other) - model(same) + length(other) - length(same))
    return step.then(
        half * S("r", P, lambda r: S("s", P, lambda s: v[r] * A[r, s] * v[s]))
        + half * mu * S("r", P, lambda r: v[r] ** 2),
        "insert $g$",
        using={g: lambda r: -S("s", P, lambda s: A[r, s] * p[s]) - mu * p[r]},
    )


def length_by_damping() -> Steps:
    r"""$\partial|p|^2/\partial\mu=-2\sum_qg_q^2/(\lambda_q+\mu)^3$, along the eigenvectors."""
    D = Derivation(mu, {mu: lambda: sp.S.One, g: CONSTANT, l: CONSTANT})
    square = S("q", P, lambda q: g[q] ** 2 * (l[q] + mu) ** -2)
    step = Steps(D.named(square))
    return step.then(-2 * S("q", P, lambda q: g[q] ** 2 * (l[q] + mu) ** -3), "differentiate", by=D)
