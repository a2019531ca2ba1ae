r"""The Hessian of a data set in two parts: $\sum_nJ_n^TM_nJ_n$ and $\sum_n\delta_n\cdot\nabla\nabla a_n$; all sizes.

The weights are one vector $w_r$; of the network nothing is used but that $a_{nk}$ depends on it. $J_{nkr}$ names
$\partial a_{nk}/\partial w_r$, for a single output $b_{nr}=\partial a_n/\partial w_r$. The losses enter through their
$\delta$ and the slope of their outputs, both derived in :mod:`hesslib.derivations.losses`.

Longer than one sitting: both parts of one sum, and the approximations that drop the second.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import sympy as sp
from sympy import Expr, Rational

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, Rule
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, index
from hesslib.calculus.matrix import MatrixFormula, matrix
from hesslib.calculus.rewriting import assuming, fact
from hesslib.calculus.steps import Steps

N, P, K = sp.symbols("N P K", integer=True, positive=True)
n = sp.Symbol("n", integer=True)
k, q, r, s = index("k q r s")
k_ = index("k'")
E = sp.Symbol("E")
w = Tensor("w", shape=(P,))
v = Tensor("v", shape=(P,))

# a single output
a, y, t, b = (Tensor(name, shape=(N, P) if name == "b" else (N,)) for name in "aytb")
# K outputs
a_k, y_k, t_k, delta = (
    Tensor(name, latex=latex, shape=(N, K))
    for name, latex in (("a", "a"), ("y", "y"), ("t", "t"), ("delta", r"\delta"))
)
M = Tensor("M", shape=(N, K, K))
J = Tensor("J", shape=(N, K, P))
H, H_GN, H_OP = (
    Tensor(name, latex=latex, shape=(P, P))
    for name, latex in (("H", "H"), ("H_GN", r"H^{\mathrm{GN}}"), ("H_OP", r"H^{\mathrm{OP}}"))
)
"""The Hessian, the Gauss-Newton matrix and the outer product of gradients, where they need names."""

names: dict[Any, Any] = {b: lambda n, r: Diff(w[r], a[n]), J: lambda n, k, r: Diff(w[r], a_k[n, k])}
"""What the named derivatives are."""

probabilities_sum_to_one = fact(S("k", K, lambda k: y_k[n, k]), sp.S.One, n)


def by(letter: Expr, rules: dict[Tensor, Rule], /) -> Derivation:
    r"""$\partial/\partial w_{letter}$; pre-activations stay named, targets are constant."""
    return Derivation(w[letter], {a: NAMED, a_k: NAMED, t: CONSTANT, t_k: CONSTANT} | rules)


def _second(first: Expr, split: Expr, rules: Callable[[Expr], dict[Tensor, Rule]], named: Expr, why: str) -> Steps:
    """The chain from a gradient with entries ``first`` to the Hessian in two parts."""
    D = by(r, rules(r))
    chain = Steps(Diff(w[r], Diff(w[s], E)))
    gradient = Diff(w[s], E)
    inserted = assuming(gradient, first, lambda e: e.replace(lambda x: x == gradient, lambda _: first))
    chain.then(D.named(first), "the gradient", using=inserted)
    chain.then(split, "product rule", by=D)
    return chain.then(named, why, by=D, using=names)


def _over_patterns(body: Callable[[Expr], Expr]) -> Expr:
    return S("n", N, body)


def _over_outputs(body: Callable[[Expr, Expr], Expr]) -> Expr:
    return S("k", K, lambda k: S("n", N, lambda n: body(n, k)))


def _over_pairs(body: Callable[[Expr, Expr, Expr], Expr]) -> Expr:
    return S("k", K, lambda q: S("k", K, lambda k: S("n", N, lambda n: body(n, k, q))))


# ----------------------------------------------------------------------------------------------- regression
def squared_error() -> Expr:
    r"""$E=\frac12\sum_n(a_n-t_n)^2$: with the identity as output function, $y_n=a_n$."""
    return Rational(1, 2) * _over_patterns(lambda n: (a[n] - t[n]) ** 2)


def gradient_of_squared_error() -> Steps:
    r"""$\partial E/\partial w_s=\sum_n(a_n-t_n)\,\partial a_n/\partial w_s$."""
    D = by(s, {})
    chain = Steps(Diff(w[s], E)).then(D.named(squared_error()), "the error", using={E: squared_error})
    return chain.then(_over_patterns(lambda n: (a[n] - t[n]) * Diff(w[s], a[n])), "chain rule", by=D)


def regression() -> Steps:
    r"""$\nabla\nabla E=\sum_nb_nb_n^T+\sum_n(a_n-t_n)\nabla\nabla a_n$, one output, squared error."""
    first = gradient_of_squared_error().result
    curved = _over_patterns(lambda n: (a[n] - t[n]) * Diff(w[r], Diff(w[s], a[n])))
    split = _over_patterns(lambda n: Diff(w[s], a[n]) * Diff(w[r], a[n])) + curved
    return _second(first, split, lambda _: {}, _over_patterns(lambda n: b[n, s] * b[n, r]) + curved, "name")


R = Tensor("R", shape=(P, P))
r"""The residual part, $R_{rs}=\sum_n(a_n-t_n)\,\partial^2a_n/\partial w_r\partial w_s$."""


def regression_in_matrices() -> MatrixFormula:
    r"""$H=b^Tb+R$, with the $b_n$ as rows of b."""

    def residual_part(r: Expr, s: Expr) -> Expr:
        return _over_patterns(lambda n: (a[n] - t[n]) * Diff(w[r], Diff(w[s], a[n])))

    named = regression().then(
        _over_patterns(lambda n: b[n, r] * b[n, s]) + R[r, s], "name $R$", using={R: residual_part}
    )
    return MatrixFormula(matrix(H), matrix(b).T @ matrix(b) + matrix(R), named.formula(H[r, s]), r, s)


# ------------------------------------------------------------------------------------- logistic, one output
def logistic() -> Steps:
    r"""$\nabla\nabla E=\sum_ny_n(1-y_n)b_nb_n^T+\sum_n(y_n-t_n)\nabla\nabla a_n$, one logistic output."""
    first = _over_patterns(lambda n: (y[n] - t[n]) * Diff(w[s], a[n]))
    curved = _over_patterns(lambda n: (y[n] - t[n]) * Diff(w[r], Diff(w[s], a[n])))
    split = _over_patterns(lambda n: y[n] * (1 - y[n]) * Diff(w[r], a[n]) * Diff(w[s], a[n])) + curved
    named = _over_patterns(lambda n: y[n] * (1 - y[n]) * b[n, s] * b[n, r]) + curved
    return _second(first, split, lambda r: {y: lambda n: y[n] * (1 - y[n]) * Diff(w[r], a[n])}, named, "name")


# ----------------------------------------------------------------------------------------------- K outputs
def softmax() -> Steps:
    r"""The same for K softmax outputs: $y_{nk}(I_{kk'}-y_{nk'})$ stands between the Jacobians."""

    def slope(r: Expr) -> dict[Tensor, Rule]:
        return {
            y_k: lambda n, k: S(
                "k'", K, lambda q: y_k[n, k] * (KroneckerDelta(k, q) - y_k[n, q]) * Diff(w[r], a_k[n, q])
            )
        }

    first = _over_outputs(lambda n, k: (y_k[n, k] - t_k[n, k]) * Diff(w[s], a_k[n, k]))
    curved = _over_outputs(lambda n, k: (y_k[n, k] - t_k[n, k]) * Diff(w[r], Diff(w[s], a_k[n, k])))
    split = _over_pairs(lambda n, k, q: _softmax_M(n, k, q) * Diff(w[s], a_k[n, k]) * Diff(w[r], a_k[n, q])) + curved
    return _second(
        first, split, slope, _over_pairs(lambda n, k, q: _softmax_M(n, k, q) * J[n, k, s] * J[n, q, r]) + curved, "name"
    )


def general() -> Steps:
    r"""$\nabla\nabla E=\sum_nJ_n^TM_nJ_n+\sum_{nk}\delta_{nk}\nabla\nabla a_{nk}$ for any loss."""

    def curvature(r: Expr) -> dict[Tensor, Rule]:
        return {delta: lambda n, k: S("k'", K, lambda q: M[n, k, q] * Diff(w[r], a_k[n, q]))}

    first = _over_outputs(lambda n, k: delta[n, k] * Diff(w[s], a_k[n, k]))
    curved = _over_outputs(lambda n, k: delta[n, k] * Diff(w[r], Diff(w[s], a_k[n, k])))
    split = _over_pairs(lambda n, k, q: M[n, k, q] * Diff(w[s], a_k[n, k]) * Diff(w[r], a_k[n, q])) + curved
    return _second(
        first, split, curvature, _over_pairs(lambda n, k, q: M[n, k, q] * J[n, k, s] * J[n, q, r]) + curved, "name"
    )


def gauss_newton_of(whole: Steps, /) -> Steps:
    """The same chain with the terms that hold a second derivative of the network dropped: a named step at its end."""
    return copy(whole).neglect(_first_derivatives_of(whole), "drop the second derivatives of the network")


def _first_derivatives_of(whole: Steps) -> Expr:
    """The terms that know the network by its first derivatives only."""
    return sp.Add(*[x for x in sp.Add.make_args(whole.result) if not x.atoms(Diff)])


def linearised() -> Steps:
    r"""The Gauss-Newton matrix as an equality: it is the Hessian of a network that is linear in its weights."""
    whole = general()
    linear = assuming(Diff(w[r], Diff(w[s], a_k[n, k])), 0, _linear_in_w)
    return whole.then(_first_derivatives_of(whole), "the network is linear in $w$", using=linear)


def _linear_in_w(e: Expr) -> Expr:
    """What is left where the pre-activations have no second derivatives."""
    return e.replace(
        lambda x: isinstance(x, Diff) and isinstance(x.operand, Diff) and getattr(x.operand.operand, "base", E) != E,
        lambda _: sp.S.Zero,
    )


# ------------------------------------------------------------------------------------- how large is what is dropped
sigma = sp.Symbol("sigma", positive=True)
Q = Tensor("Q", shape=(N,))
r"""One entry of $\nabla\nabla a_n$, for each pattern."""
C = Tensor("C", shape=(N, N), symmetric=True)
"""The covariance of the residuals of two patterns."""


def variance_of_residual_part() -> Steps:
    r"""The variance of $\sum_n\delta_nQ_n$ is $\sigma^2\sum_nQ_n^2$, for independent residuals."""
    chain = Steps(S("n'", N, lambda m: _over_patterns(lambda n: C[n, m] * Q[n] * Q[m])))
    return chain.then(
        sigma**2 * _over_patterns(lambda n: Q[n] ** 2),
        "independent noise",
        using={C: lambda n, m: sigma**2 * KroneckerDelta(n, m)},
    )


# ------------------------------------------------------------------------------------------ it is never negative
u = Tensor("u", shape=(N, K))
r"""How output k of pattern n changes along a direction $v$: $u_{nk}=\sum_rJ_{nkr}v_r$."""


def change_along(n: Expr, k: Expr) -> Expr:
    r"""$u_{nk}$, written out."""
    return S("r", P, lambda r: J[n, k, r] * v[r])


def quadratic_form() -> Steps:
    r"""$v^T(\text{Gauss-Newton})v=\sum_{nkk'}M_{nkk'}u_{nk}u_{nk'}$."""

    def matrix(r: Expr, s: Expr) -> Expr:
        return _over_pairs(lambda n, k, q: M[n, k, q] * J[n, k, r] * J[n, q, s])

    chain = Steps(S("s", P, lambda s: S("r", P, lambda r: v[r] * v[s] * matrix(r, s))))
    return chain.then(_over_pairs(lambda n, k, q: M[n, k, q] * u[n, k] * u[n, q]), "name $u$", using={u: change_along})


def softmax_form() -> Steps:
    r"""For softmax that is $\sum_{nk}y_{nk}(u_{nk}-\sum_{k'}y_{nk'}u_{nk'})^2\ge0$: a variance for each pattern."""

    def mean(n: Expr) -> Expr:
        return S("k'", K, lambda q: y_k[n, q] * u[n, q])

    chain = Steps(_over_pairs(lambda n, k, q: _softmax_M(n, k, q) * u[n, k] * u[n, q]))
    return chain.then(
        _over_outputs(lambda n, k: y_k[n, k] * (u[n, k] - mean(n)) ** 2),
        r"$\sum_ky_{nk}=1$",
        using=probabilities_sum_to_one,
    )


# -------------------------------------------------------------------------------- the outer product of gradients
def outer_product() -> Steps:
    r"""$\sum_ng_ng_n^T$ with $g_n=\nabla E_n$: $\delta_{nk}\delta_{nk'}$ stands where Gauss-Newton has $M_{nkk'}$."""
    g = Tensor("g", shape=(N, P))

    def inside(n: Expr, r: Expr) -> Expr:
        return S("k", K, lambda k: delta[n, k] * J[n, k, r])

    chain = Steps(_over_patterns(lambda n: g[n, r] * g[n, s]))
    return chain.then(
        _over_pairs(lambda n, k, q: delta[n, k] * delta[n, q] * J[n, k, r] * J[n, q, s]),
        r"$g_{nr}=\sum_k\delta_{nk}J_{nkr}$",
        using={g: inside},
    )


def expected_over_own_targets() -> Steps:
    r"""$\sum_qy_{nq}\,\delta_{nk}\delta_{nk'}=M_{nkk'}$ if class q is the target with probability $y_{nq}$."""

    def residual(k: Expr, q: Expr) -> Expr:
        return y_k[n, k] - KroneckerDelta(k, q)

    chain = Steps(S("q", K, lambda q: y_k[n, q] * residual(k, q) * residual(k_, q)))
    return chain.then(_softmax_M(n, k, k_), r"$\sum_qy_{nq}=1$", using=probabilities_sum_to_one)


def _softmax_M(n: Expr, k: Expr, q: Expr) -> Expr:
    return y_k[n, k] * (KroneckerDelta(k, q) - y_k[n, q])
