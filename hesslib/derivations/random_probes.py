r"""Traces and diagonals from random probes, and the quadrature of Lanczos, for a symmetric matrix of any size.

The entries of a probe $v$ are independent, symmetric about 0, of variance 1 and of fourth moment $\kappa$: 1 for random
signs (Rademacher), 3 for normal numbers. Their moments are derived from $\ln\langle e^{s^Tv}\rangle$, which for
independent entries is a sum over them; of each nothing is used but the terms to fourth order in $s$.

For Lanczos, what is used of $Q$ (P, k) and $T$ (k, k) is the relation $AQ=QT+re_k^T$ with $Q^TQ=I$ and $Q^Tr=0$.

Longer than one sitting: every estimate rests on the same moments of a probe.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr, Indexed, Integer

from hesslib.calculus.derivation import CONSTANT, Derivation, same, unfold
from hesslib.calculus.index import KroneckerDelta, S, Tensor, elementwise, index
from hesslib.calculus.rewriting import assuming, fact
from hesslib.calculus.steps import Formula, Steps

P, K = sp.symbols("P k", integer=True, positive=True)  # parameters; steps of Lanczos
d, d_ = sp.symbols("d d'", integer=True, nonnegative=True)  # powers
i, j, p, q, r, m, n = index("i j p q r m n")
kappa = sp.Symbol("kappa", positive=True)
log_mean = sp.Symbol(r"{\ln\langle e^{s^{\mathsf T}v}\rangle}")
mean_of_form = sp.Symbol(r"{\langle v^{\mathsf T}Av\rangle}")
variance_of_form = sp.Symbol(r"{\operatorname{var}(v^{\mathsf T}Av)}")

s = Tensor("s", shape=(P,))
A = Tensor("A", shape=(P, P), symmetric=True)
second = Tensor("Mean2", latex=r"\langle vv\rangle", shape=(P, P), symmetric=True)
fourth = Tensor("Mean4", latex=r"\langle vvvv\rangle", shape=(P, P, P, P), symmetric=True)
mean_of_diagonal = Tensor("MeanD", latex=r"\langle v\odot Av\rangle", shape=(P,))
variance_of_diagonal = Tensor("VarD", latex=r"\operatorname{var}(v\odot Av)", shape=(P,))

v = Tensor("v", shape=(P,))
U = Tensor("U", shape=(P, P))  # an eigenvector in each column
lam = Tensor("lambda", latex=r"\lambda", shape=(P,))
Q = Tensor("Q", shape=(P, K))  # what Lanczos has made orthonormal
T = Tensor("T", shape=(K, K), symmetric=True)
residual = Tensor("rest", latex="r", shape=(P,))
x = Tensor("x", layers=1, shape=(P,))
r"""$x^{(d)}=A^dv$."""
c = Tensor("c", layers=1, shape=(K,))
r"""$c^{(d)}=T^de_1$."""
u = Tensor("u", shape=(P,))
r"""The entries of $v$ along the eigenvectors of $A$: $u_r=\sum_iU_{ir}v_i$."""
Y = Tensor("Y", shape=(K, K))  # an eigenvector of T in each column
theta = Tensor("theta", latex=r"\theta", shape=(K,))
y = Tensor("y", shape=(K,))  # one eigenvector of T, and its eigenvalue
value = sp.Symbol("theta", real=True)
tau = Tensor("tau", latex=r"\tau", shape=(K,))
r"""The first entries of the eigenvectors of $T$: $\tau_m=Y_{1m}$."""

in_the_range_of_Q: dict[Any, Callable[..., Expr]] = {x: lambda y, i: S("m", K, lambda m: Q[i, m] * c[y, m])}
by_eigenvectors: dict[Any, Callable[..., Expr]] = {
    A: lambda i, j: S("r", P, lambda r: U[i, r] * lam[r] * U[j, r]),
    x: lambda y, i: S("r", P, lambda r: U[i, r] * lam[r] ** y * u[r]),
    T: lambda m, n: S("m", K, lambda r: Y[m, r] * theta[r] * Y[n, r]),
    c: lambda y, m: S("m", K, lambda r: Y[m, r] * theta[r] ** y * tau[r]),
}
"""Matrices and powers by eigenvalues and eigenvectors."""

eigenvectors_are_orthonormal = fact(S("i", P, lambda i: U[i, r] * U[i, q]), KroneckerDelta(r, q), r, q)
eigenvectors_of_T_are_orthonormal = fact(S("m", K, lambda m: Y[m, r] * Y[m, q]), KroneckerDelta(r, q), r, q)
lanczos = fact(
    S("j", P, lambda j: A[i, j] * Q[j, m]),
    S("n", K, lambda n: Q[i, n] * T[n, m]) + residual[i] * KroneckerDelta(m, K),
    i,
    m,
)
columns_are_orthonormal = fact(S("i", P, lambda i: Q[i, m] * Q[i, n]), KroneckerDelta(m, n), m, n)
residual_is_orthogonal = fact(S("i", P, lambda i: Q[i, m] * residual[i]), sp.S.Zero, m)


# ------------------------------------------------------------------------------------------- moments of a probe
def cumulants() -> Formula:
    r"""$\ln\langle e^{s^Tv}\rangle=\sum_r(\frac12s_r^2+\frac{\kappa-3}{24}s_r^4)$, to fourth order."""
    return Formula(log_mean, _cumulants(), established="assumption")


def _cumulants() -> Expr:
    return S("r", P, lambda r: s[r] ** 2 / 2 + (kappa - 3) * s[r] ** 4 / 24)


def _moment(*at: Expr) -> Expr:
    """The derivative of the mean of the exponential by the s of every index, at s = 0."""
    e: Expr = sp.exp(_cumulants())
    for letter in at:
        e = Derivation(s[letter], {s: same(letter), kappa: CONSTANT})(e)
    return unfold(e, {s: lambda r: sp.S.Zero}).doit()


def second_moment() -> Steps:
    r"""$\langle v_iv_j\rangle=I_{ij}$."""
    return Steps(second[i, j]).then(KroneckerDelta(i, j), "two derivatives at $s=0$", using={second: _moment})


def fourth_moment() -> Steps:
    r"""$\langle v_iv_jv_pv_q\rangle$: three pairings, and what the fourth moment adds where all four meet."""
    return Steps(fourth[i, j, p, q]).then(_pairings(i, j, p, q), "four derivatives at $s=0$", using={fourth: _moment})


def _pairings(i: Expr, j: Expr, p: Expr, q: Expr) -> Expr:
    I = KroneckerDelta
    pairs = I(i, j) * I(p, q) + I(i, p) * I(j, q) + I(i, q) * I(j, p)
    return pairs + (kappa - 3) * I(i, j) * I(i, p) * I(i, q)


moments: dict[Any, Callable[..., Expr]] = {second: KroneckerDelta, fourth: _pairings}
"""The two moments, as derived."""


# ---------------------------------------------------------------------------------------- Hutchinson's estimators
def trace_estimator() -> Steps:
    r"""$\langle v^TAv\rangle=\sum_iA_{ii}$."""

    def form() -> Expr:
        return S("i", P, lambda i: S("j", P, lambda j: A[i, j] * second[i, j]))

    chain = Steps(mean_of_form).then(form(), "the mean of a sum", using={mean_of_form: form})
    return chain.then(S("i", P, lambda i: A[i, i]), r"$\langle v_iv_j\rangle=I_{ij}$", using=moments)


def trace_variance() -> Steps:
    r"""$2\sum_{ij}A_{ij}^2+(\kappa-3)\sum_iA_{ii}^2$."""

    def square() -> Expr:
        return S(
            "i",
            P,
            lambda i: S(
                "j",
                P,
                lambda j: S(
                    "p",
                    P,
                    lambda p: S(
                        "q",
                        P,
                        lambda q: A[i, j] * A[p, q] * (fourth[i, j, p, q] - second[i, j] * second[p, q]),
                    ),
                ),
            ),
        )

    chain = Steps(variance_of_form).then(square(), "by definition", using={variance_of_form: square})
    whole = 2 * S("i", P, lambda i: S("j", P, lambda j: A[i, j] ** 2))
    return chain.then(whole + (kappa - 3) * S("i", P, lambda i: A[i, i] ** 2), "moments", using=moments)


def signs_variance() -> Steps:
    r"""For random signs, $\kappa=1$: twice the sum of the squares off the diagonal."""
    off = S("i", P, lambda i: S("j", P, lambda j: (1 - KroneckerDelta(i, j)) * A[i, j] ** 2))
    return Steps(variance_of_form).then(2 * off, r"$\kappa=1$", using=_inserted(variance_of_form, trace_variance(), 1))


def normal_variance() -> Steps:
    r"""For normal numbers, $\kappa=3$: twice the sum of all squares."""
    whole = S("i", P, lambda i: S("j", P, lambda j: A[i, j] ** 2))
    return Steps(variance_of_form).then(
        2 * whole, r"$\kappa=3$", using=_inserted(variance_of_form, trace_variance(), 3)
    )


def _inserted(name: Expr, known: Steps, value: int) -> Callable[[Expr], Expr]:
    at_value = assuming(kappa, value, lambda e: e.xreplace({kappa: Integer(value)}))
    return lambda e: at_value(unfold(e, {name: lambda: known.result}))


def diagonal_estimator() -> Steps:
    r"""$\langle v_i(Av)_i\rangle=A_{ii}$."""

    def form(i: Expr) -> Expr:
        return S("j", P, lambda j: A[i, j] * second[i, j])

    chain = Steps(mean_of_diagonal[i]).then(form(i), "the mean of a sum", using={mean_of_diagonal: form})
    return chain.then(A[i, i], r"$\langle v_iv_j\rangle=I_{ij}$", using=moments)


def diagonal_variance() -> Steps:
    r"""$\sum_jA_{ij}^2+(\kappa-2)A_{ii}^2$."""

    def square(i: Expr) -> Expr:
        return S(
            "j",
            P,
            lambda j: S("q", P, lambda q: A[i, j] * A[i, q] * (fourth[i, j, i, q] - second[i, j] * second[i, q])),
        )

    chain = Steps(variance_of_diagonal[i])
    chain.then(square(i), "by definition", using={variance_of_diagonal: square})
    return chain.then(S("j", P, lambda j: A[i, j] ** 2) + (kappa - 2) * A[i, i] ** 2, "moments", using=moments)


# -------------------------------------------------------------------------------------- the quadrature of Lanczos
def lanczos_relation() -> Formula:
    r"""$\sum_jA_{ij}Q_{jm}=\sum_nQ_{in}T_{nm}+r_iI_{mk}$: what k steps leave."""
    return Formula(
        S("j", P, lambda j: A[i, j] * Q[j, m]),
        S("n", K, lambda n: Q[i, n] * T[n, m]) + residual[i] * KroneckerDelta(m, K),
    )


def projection() -> Steps:
    r"""$Q^TAQ=T$, though $AQ\ne QT$."""
    chain = Steps(S("i", P, lambda i: S("j", P, lambda j: Q[i, m] * A[i, j] * Q[j, n])))
    return chain.then(T[m, n], "$Q^TQ=I$, $Q^Tr=0$", using=_by_lanczos)


def _by_lanczos(e: Expr) -> Expr:
    return residual_is_orthogonal(columns_are_orthonormal(lanczos(e)))


def ritz_residual() -> Steps:
    r"""$AQy-\theta Qy=ry_k$ for an eigenvector $y$ of $T$: what is left is $r$ times the last entry."""
    ritz = S("m", K, lambda m: Q[i, m] * y[m])
    eigenvector = fact(S("n", K, lambda n: T[m, n] * y[n]), value * y[m], m)
    chain = Steps(S("j", P, lambda j: A[i, j] * S("m", K, lambda m: Q[j, m] * y[m])) - value * ritz)
    return chain.then(residual[i] * y[K], r"Lanczos, $Ty=\theta y$", using=lambda e: eigenvector(lanczos(e)))


def power_step() -> Steps:
    r"""$x^{(d)}=Qc^{(d)}$ gives $x^{(d+1)}=Qc^{(d+1)}$ as long as the last entry of $c^{(d)}$ is 0."""
    chain = Steps(S("j", P, lambda j: A[i, j] * x[d, j]))
    chain.then(
        S("n", K, lambda n: Q[i, n] * S("m", K, lambda m: T[n, m] * c[d, m])) + residual[i] * c[d, K],
        "$x^{(d)}=Qc^{(d)}$, Lanczos",
        using=lambda e: lanczos(unfold(e, in_the_range_of_Q)),
    )
    last_is_zero = assuming(c[d, K], 0, lambda e: e.replace(lambda y: y == c[d, K], lambda _: sp.S.Zero))
    chain.then(
        S("n", K, lambda n: Q[i, n] * S("m", K, lambda m: T[n, m] * c[d, m])), "$c^{(d)}_k=0$", using=last_is_zero
    )
    return chain


def quadrature() -> Steps:
    r"""$\sum_ru_r^2\lambda_r^D=\sum_m\tau_m^2\theta_m^D$ for $D=d+d'+1$ and $d,d'<k$: exact up to degree $2k-1$."""
    chain = Steps(S("r", P, lambda r: u[r] ** 2 * lam[r] ** (d + d_ + 1)))
    halves = S("i", P, lambda i: S("j", P, lambda j: x[d, i] * A[i, j] * x[d_, j]))
    chain.then(halves, "eigenvectors of $A$", using=_apart)
    inside = S("m", K, lambda m: S("n", K, lambda n: c[d, m] * T[m, n] * c[d_, n]))
    chain.then(inside, "$x=Qc$, Lanczos", using=lambda e: _by_lanczos(unfold(e, in_the_range_of_Q)))
    nodes = S("m", K, lambda m: tau[m] ** 2 * theta[m] ** (d + d_ + 1))
    return chain.then(nodes, "eigenvectors of $T$", using=_apart)


def _apart(e: Expr) -> Expr:
    """Insert eigenvalues and eigenvectors; then write every power of an eigenvalue as a product over its exponents."""
    e = eigenvectors_of_T_are_orthonormal(eigenvectors_are_orthonormal(unfold(e, by_eigenvectors)))

    def visit(y: Any) -> Any:
        base, exponent = y.as_base_exp() if isinstance(y, Expr) else (y, 1)
        if isinstance(base, Indexed) and base.base in (lam, theta):
            parts = [power_of(base.base)[part, base.indices[0]] for part in sp.Add.make_args(exponent)]
            return sp.Mul(*parts)
        return y.func(*[visit(z) for z in y.args]) if y.args and not isinstance(y, Indexed) else y

    return assuming("$x^{p+q}=x^px^q$ for every power of an eigenvalue", None, visit)(e)


@functools.cache
def power_of(eigenvalue: Tensor) -> Tensor:
    """The tensor of the powers of an eigenvalue, of which nothing is used but what exponents they have."""
    return Tensor(f"power of {eigenvalue.name_}", layers=1, shape=eigenvalue.sizes())


def quadrature_of_trace() -> Formula:
    r"""Stochastic Lanczos quadrature: the trace of $f(A)$ from S probes of k steps, a definition."""
    probes, f = sp.Symbol("S", integer=True), elementwise("f")
    nodes = Tensor("theta", latex=r"\theta", shape=(probes, K))
    weights = Tensor("tau", latex=r"\tau", shape=(probes, K))

    def of_one(s: Expr) -> Expr:
        return S("m", K, lambda m: weights[s, m] ** 2 * f(nodes[s, m]))

    return Formula(sp.Symbol(r"{\operatorname{tr}_{S,k}f(A)}"), P / probes * S("s", probes, of_one))
