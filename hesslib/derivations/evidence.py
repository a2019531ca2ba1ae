r"""The evidence by Laplace's approximation, for every number of data and parameters, in MacKay's convention and others.

$F=\beta E_D+\alpha E_W$ with $E_D=c\sum_ne_n^2$ and $E_W=c\sum_iw_i^2$: MacKay has $c=\tfrac12$, Foresee and Hagan
have $c=1$, and the letter stays to the end. $A$ is the curvature of $F$, $\lambda_r$ are the eigenvalues of
$\sum_nJ_{ni}J_{nj}$ and $V_{ir}$ its eigenvectors. That these are orthonormal, and that $w$ is at the minimum,
$g=\partial F/\partial w=0$, is used as facts, by name.

Longer than one sitting: one integral in three conventions; their formulas are compared line by line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, same, unfold
from hesslib.calculus.index import KroneckerDelta, S, Tensor, index
from hesslib.calculus.rewriting import assuming, fact
from hesslib.calculus.steps import Formula, Steps

from .network import E

N = sp.Symbol("N", integer=True, positive=True)  # data
P = sp.Symbol("P", integer=True, positive=True)  # parameters
i, j, k, r, s = index("i j k r s")
c, alpha, beta = sp.symbols("c alpha beta", positive=True)
epsilon = sp.Symbol("epsilon", positive=True)  # 1 / alpha
E_D, E_W = (sp.Symbol(f"{{E_{x}}}", positive=True) for x in "DW")
F, gamma = sp.symbols("F gamma", positive=True)
Delta_F = sp.Symbol(r"\Delta F")
Z_D, Z_W, Z_F = sp.symbols("Z_D Z_W Z_F", positive=True)
ln_Z_D, ln_Z_W, ln_Z_F = (sp.Symbol(rf"{{\ln Z_{x}}}") for x in "DWF")
ln_det = sp.Symbol(r"{\ln|A|}")
ln_evidence = sp.Symbol(r"{\ln P(D|\alpha,\beta)}")
ln_evidence_of_classes = sp.Symbol(r"{\ln P(D|\alpha)}")
posterior, likelihood, prior, evidence = (
    sp.Symbol(f"{{P({of})}}", positive=True) for of in ("w|D", "D|w", "w", "D")
)  # all of them given alpha and beta

w = Tensor("w", shape=(P,))
d = Tensor("d", shape=(P,))  # a step away from the minimum
u = Tensor("u", shape=(P,))  # the same, along the eigenvectors
e = Tensor("e", shape=(N,))  # residuals
J = Tensor("J", shape=(N, P))  # de_n / dw_i
g = Tensor("g", shape=(P,))  # dF / dw_i
A = Tensor("A", shape=(P, P), symmetric=True)
X = Tensor("X", shape=(P, P), symmetric=True)  # its inverse
V = Tensor("V", shape=(P, P))  # an eigenvector in each column
lam = Tensor("lambda", latex=r"\lambda", shape=(P,))
C = Tensor("C", latex=r"\langle dd\rangle", shape=(P, P), symmetric=True)  # the mean of d_i d_j
y = Tensor("y", latex="y'", shape=(P,))  # dy / dw_i of one output
b = Tensor("b", shape=(P,))  # minus the slope of beta E_D at w = 0, along the eigenvectors, over 2c

columns_are_orthonormal = fact(S("i", P, lambda i: V[i, r] * V[i, s]), KroneckerDelta(r, s), r, s)
rows_are_orthonormal = fact(S("r", P, lambda r: V[i, r] * V[j, r]), KroneckerDelta(i, j), i, j)
eigenvectors_of_JJ = fact(S("n", N, lambda n: J[n, i] * J[n, j]), S("r", P, lambda r: V[i, r] * lam[r] * V[j, r]), i, j)


def a(r: Expr) -> Expr:
    r"""$a_r=2c(\beta\lambda_r+\alpha)$, an eigenvalue of $A$."""
    return 2 * c * (beta * lam[r] + alpha)


# ------------------------------------------------------------------------------------------------------ definitions
def errors() -> tuple[Formula, Formula, Formula]:
    r"""$E_D=c\sum_ne_n^2$, $E_W=c\sum_iw_i^2$ and $F=\beta E_D+\alpha E_W$."""
    return Formula(E_D, _E_D()), Formula(E_W, _E_W()), Formula(F, beta * E_D + alpha * E_W)


def _E_D() -> Expr:
    return c * S("n", N, lambda n: e[n] ** 2)


def _E_W() -> Expr:
    return c * S("i", P, lambda i: w[i] ** 2)


def slope_of_F(i: Expr) -> Expr:
    r"""$2c(\beta\sum_ne_nJ_{ni}+\alpha w_i)$."""
    return 2 * c * beta * S("n", N, lambda n: e[n] * J[n, i]) + 2 * c * alpha * w[i]


def curvature_of_F(i: Expr, j: Expr) -> Expr:
    r"""$2c(\beta\sum_nJ_{ni}J_{nj}+\alpha I_{ij})$."""
    return 2 * c * beta * S("n", N, lambda n: J[n, i] * J[n, j]) + 2 * c * alpha * KroneckerDelta(i, j)


def slope() -> Steps:
    r"""$g_i=\partial F/\partial w_i$."""
    D = Derivation(w[i], {w: same(i), e: lambda n: J[n, i], alpha: CONSTANT, beta: CONSTANT, c: CONSTANT})
    written_out = {E_D: _E_D, E_W: _E_W}
    return Steps(D.named(F)).then(slope_of_F(i), by=D, using={F: lambda: unfold(beta * E_D + alpha * E_W, written_out)})


def curvature() -> Steps:
    r"""$A_{ij}=\partial g_i/\partial w_j$ for residuals that are linear in $w$: $J$ is constant."""
    fixed = dict.fromkeys((J, alpha, beta, c), CONSTANT)
    D = Derivation(w[j], {w: same(j), e: lambda n: J[n, j], **fixed})
    return Steps(D.named(g[i])).then(curvature_of_F(i, j), by=D, using={g: slope_of_F})


def damped() -> Formula:
    r"""$\sum_j(A_{ij}+2c\mu I_{ij})d_j=-g_i$: a step of Levenberg and Marquardt on $F$."""
    mu = sp.Symbol("mu", nonnegative=True)
    return Formula(S("j", P, lambda j: (A[i, j] + 2 * c * mu * KroneckerDelta(i, j)) * d[j]), -g[i])


# ------------------------------------------------------------------------------------------------ Gaussian integrals
def gaussian(moment: int = 0) -> tuple[sp.Integral, Expr]:
    r"""$\int u^me^{-au^2/2}\,du$ over the line, and what SymPy finds for it."""
    coefficient, x = sp.Symbol("a", positive=True), sp.Symbol("u", real=True)
    integral = sp.Integral(x**moment * sp.exp(-coefficient * x**2 / 2), (x, -sp.oo, sp.oo))
    return integral, integral.doit()


def log_gaussian(coefficient: Expr) -> Expr:
    r"""$\tfrac12\ln(2\pi/a)$: the logarithm of the integral above, its products taken apart."""
    _, value = gaussian()
    (letter,) = value.free_symbols
    return in_parts(sp.log(value.subs(letter, coefficient)))


in_parts = assuming(
    "that the logarithm of a product of positive factors is the sum of their logarithms",
    None,
    lambda x: x.replace(
        lambda y: isinstance(y, sp.log), lambda y: sp.expand_log(sp.log(sp.factor(y.args[0])), force=True)
    ),
)
"""Logarithms of products as sums of logarithms; every factor is positive here."""


def normalisation_of_data() -> Steps:
    r"""$\ln Z_D$: $N$ equal integrals of $e^{-\beta ce^2}$."""
    return _normalisation(ln_Z_D, N, "n", beta)


def normalisation_of_weights() -> Steps:
    r"""$\ln Z_W$: $P$ equal integrals of $e^{-\alpha cw^2}$."""
    return _normalisation(ln_Z_W, P, "i", alpha)


def _normalisation(name: Expr, size: Expr, letter: str, precision: Expr) -> Steps:
    each = S(letter, size, lambda _: log_gaussian(2 * c * precision))
    step = Steps(name)
    return step.then(
        size / 2 * sp.log(sp.pi / (c * precision)), using=_all(lambda x: unfold(x, {name: lambda: each}), in_parts)
    )


def _all(*rules: Callable[[Expr], Expr]) -> Callable[[Expr], Expr]:
    def apply(x: Expr) -> Expr:
        for rule in rules:
            x = rule(x)
        return x

    return apply


# ------------------------------------------------------------------------------------------------------------- Bayes
def bayes() -> Steps:
    r"""The posterior is $e^{-F}/Z_F$."""
    densities = {
        likelihood: lambda: sp.exp(-beta * E_D) / Z_D,
        prior: lambda: sp.exp(-alpha * E_W) / Z_W,
        evidence: lambda: Z_F / (Z_D * Z_W),
    }
    step = Steps(posterior)
    step.then(likelihood * prior / evidence, "Bayes", using={posterior: lambda: likelihood * prior / evidence})
    return step.then(
        sp.exp(-F) / Z_F, using=lambda x: unfold(unfold(x, densities), {F: lambda: beta * E_D + alpha * E_W})
    )


def marginal() -> Formula:
    r"""$P(D)=Z_F/Z_DZ_W$: what the posterior must be divided by to integrate to 1."""
    return Formula(evidence, Z_F / (Z_D * Z_W))


# ------------------------------------------------------------------------------- the quadratic and its integral
def expansion() -> Steps:
    r"""$F(w+d)-F(w)$ for residuals linear in $w$: two terms and no more; at the minimum, one, without cross terms."""
    moved_e = S("n", N, lambda n: (e[n] + S("i", P, lambda i: J[n, i] * d[i])) ** 2)
    moved_w = S("i", P, lambda i: (w[i] + d[i]) ** 2)
    meaning: dict[Any, Callable[..., Expr]] = {
        Delta_F: lambda: c * beta * moved_e + c * alpha * moved_w - beta * _E_D() - alpha * _E_W(),
        g: slope_of_F,
        A: curvature_of_F,
    }
    step = Steps(Delta_F)
    step.then(S("i", P, lambda i: g[i] * d[i]) + _half_form(), using=meaning)
    step.then(_half_form(), "$g=0$", using={g: lambda i: sp.S.Zero})
    return step.then(c * S("r", P, lambda r: (alpha + beta * lam[r]) * u[r] ** 2), "$d=Vu$", using=along_eigenvectors)


def laplace() -> Steps:
    r"""$\Delta F\simeq\tfrac12\sum_{ij}d_iA_{ij}d_j$ where residuals are not linear in $w$: higher orders dropped."""
    return Steps(Delta_F).neglect(_half_form(), "higher orders dropped")


def _half_form() -> Expr:
    return sp.Rational(1, 2) * S("i", P, lambda i: S("j", P, lambda j: d[i] * A[i, j] * d[j]))


def along_eigenvectors(x: Expr) -> Expr:
    r"""Insert $A$, $J^TJ=V\lambda V^T$ and $d=Vu$, and use that $V$ is orthogonal, both ways."""
    x = unfold(x, {d: lambda i: S("r", P, lambda r: V[i, r] * u[r]), A: curvature_of_F, X: inverse_of_A})
    return rows_are_orthonormal(columns_are_orthonormal(eigenvectors_of_JJ(x)))


def inverse_of_A(i: Expr, j: Expr) -> Expr:
    r"""$\sum_rV_{ir}V_{jr}/a_r$."""
    return S("r", P, lambda r: V[i, r] * V[j, r] / a(r))


def inverse() -> Steps:
    r"""$\sum_jA_{ij}X_{jk}=I_{ik}$ for $X=\sum_rV_{ir}V_{jr}/a_r$."""
    return Steps(S("j", P, lambda j: A[i, j] * X[j, k])).then(KroneckerDelta(i, k), using=along_eigenvectors)


def log_Z_F() -> Steps:
    r"""$\ln Z_F=-F+\tfrac P2\ln2\pi-\tfrac12\ln|A|$: one Gaussian integral for each eigenvalue."""
    integrals = {ln_Z_F: lambda: -F + S("r", P, lambda r: log_gaussian(a(r))), ln_det: log_determinant}
    step = Steps(ln_Z_F)
    return step.then(-F + P / 2 * sp.log(2 * sp.pi) - ln_det / 2, using=lambda x: in_parts(unfold(x, integrals)))


def log_determinant() -> Expr:
    r"""$\ln|A|=\sum_r\ln a_r$."""
    return S("r", P, lambda r: sp.log(a(r)))


def log_evidence() -> Steps:
    r"""$\ln P(D)=\ln Z_F-\ln Z_D-\ln Z_W$, every constant included."""
    parts = {
        ln_Z_F: lambda: unfold(log_Z_F().result, {F: lambda: beta * E_D + alpha * E_W}),
        ln_Z_D: lambda: normalisation_of_data().result,
        ln_Z_W: lambda: normalisation_of_weights().result,
    }
    step = Steps(ln_evidence)
    step.then(ln_Z_F - ln_Z_D - ln_Z_W, using={ln_evidence: lambda: ln_Z_F - ln_Z_D - ln_Z_W})
    return step.then(written_out(), using=lambda x: in_parts(unfold(unfold(x, parts), {ln_det: log_determinant})))


def written_out(two_c: Expr = 2 * c) -> Expr:
    r"""The log evidence in terms of $\beta E_D$, $\alpha E_W$ and the eigenvalues."""
    half = sp.Rational(1, 2)
    return (
        -beta * E_D
        - alpha * E_W
        - half * S("r", P, lambda r: sp.log(two_c * (beta * lam[r] + alpha)))
        + N * half * sp.log(two_c * beta / (2 * sp.pi))
        + P * half * sp.log(two_c * alpha)
    )


# -------------------------------------------------------------------------------------- classes: no level of noise
def log_evidence_of_classes() -> Steps:
    r"""$\ln P(D|\alpha)$ for a likelihood $e^{-E}$ that is a probability already: $Z_D=1$, and there is no $\beta$.

    $\lambda_r$ are the eigenvalues of the curvature of $E$ at the minimum of $F=E+\alpha E_W$, so those of
    $A$ are $\lambda_r+2c\alpha$.
    """
    parts = {
        ln_Z_F: lambda: -E - alpha * E_W + S("r", P, lambda r: log_gaussian(lam[r] + 2 * c * alpha)),
        ln_Z_D: lambda: sp.S.Zero,
        ln_Z_W: lambda: normalisation_of_weights().result,
    }
    step = Steps(ln_evidence_of_classes)
    step.then(ln_Z_F - ln_Z_D - ln_Z_W, using={ln_evidence_of_classes: lambda: ln_Z_F - ln_Z_D - ln_Z_W})
    return step.then(written_out_for_classes(), using=lambda x: in_parts(unfold(x, parts)))


def written_out_for_classes() -> Expr:
    r"""The same in terms of $E$, $\alpha E_W$ and the eigenvalues."""
    volume = S("r", P, lambda r: sp.log(lam[r] + 2 * c * alpha))
    return -E - alpha * E_W - sp.Rational(1, 2) * volume + P * sp.Rational(1, 2) * sp.log(2 * c * alpha)


def condition_on_alpha_of_classes() -> Steps:
    r"""$2\alpha E_W=\sum_r\lambda_r/(\lambda_r+2c\alpha)$, where the derivative is 0, at fixed $\lambda_r$."""
    D = Derivation(alpha, {**dict.fromkeys((c, P, lam, E, E_W), CONSTANT), alpha: same()})
    slope_by_alpha = Steps(D.named(ln_evidence_of_classes)).then(
        P / (2 * alpha) - E_W - c * S("r", P, lambda r: 1 / (lam[r] + 2 * c * alpha)),
        by=D,
        using={ln_evidence_of_classes: written_out_for_classes},
    )
    step = Steps(2 * alpha * E_W)
    step.then(
        P - S("r", P, lambda r: 2 * c * alpha / (lam[r] + 2 * c * alpha)),
        "derivative 0",
        using={E_W: lambda: slope_by_alpha.result + E_W},
    )
    return step.then(S("r", P, lambda r: lam[r] / (lam[r] + 2 * c * alpha)), "one fraction")


# --------------------------------------------------------------------------------------------- the two conditions
def by(precision: Expr) -> Derivation:
    r"""$\partial/\partial\alpha$ or $\partial/\partial\beta$, at fixed $w$ and $J$."""
    fixed = dict.fromkeys((alpha, beta, c, N, P, lam, E_D, E_W), CONSTANT)
    return Derivation(precision, {**fixed, precision: same()})


def motion() -> Steps:
    r"""$dF/d\alpha=E_W$ at the minimum, though the minimum moves with $\alpha$."""
    D = Derivation(
        alpha,
        {
            w: NAMED,
            e: lambda n: S("i", P, lambda i: J[n, i] * D.named(w[i])),
            alpha: same(),
            beta: CONSTANT,
            c: CONSTANT,
        },
    )
    meaning: dict[Any, Callable[..., Expr]] = {F: lambda: beta * _E_D() + alpha * _E_W(), E_W: _E_W, g: slope_of_F}
    step = Steps(D.named(F))
    step.then(E_W + S("i", P, lambda i: g[i] * D.named(w[i])), "chain rule", by=D, using=meaning)
    return step.then(E_W, "$g=0$", using={g: lambda i: sp.S.Zero})


def slope_of_log_determinant() -> Steps:
    r"""$\partial\ln|A|/\partial\alpha=\sum_r(\beta\lambda_r+\alpha)^{-1}=2c\operatorname{tr}A^{-1}$."""
    D = by(alpha)
    step = Steps(D.named(ln_det))
    step.then(S("r", P, lambda r: 1 / (beta * lam[r] + alpha)), by=D, using={ln_det: log_determinant})
    return step.then(2 * c * S("i", P, lambda i: X[i, i]), "trace of the inverse", using=along_eigenvectors)


def gamma_of_eigenvalues() -> Expr:
    r"""$\sum_r\beta\lambda_r/(\beta\lambda_r+\alpha)$."""
    return S("r", P, lambda r: beta * lam[r] / (beta * lam[r] + alpha))


def condition(precision: Expr) -> Steps:
    r"""$\partial\ln P(D)/\partial\alpha$ or by $\beta$."""
    D = by(precision)
    sum_of_errors, size, top = (E_W, P, sp.S.One) if precision is alpha else (E_D, N, None)
    volume = S("r", P, lambda r: (lam[r] if top is None else top) / (beta * lam[r] + alpha))
    return Steps(D.named(ln_evidence)).then(
        size / (2 * precision) - sum_of_errors - sp.Rational(1, 2) * volume, by=D, using={ln_evidence: written_out}
    )


def condition_on_alpha() -> Steps:
    r"""$2\alpha E_W=P-2c\alpha\operatorname{tr}A^{-1}=\gamma$, where the derivative by $\alpha$ is 0."""
    solved = {E_W: lambda: condition(alpha).result + E_W}
    step = Steps(2 * alpha * E_W)
    step.then(P - S("r", P, lambda r: alpha / (beta * lam[r] + alpha)), "derivative 0", using=solved)
    step.then(gamma_of_eigenvalues(), "one fraction")
    return step.then(gamma, using={gamma: gamma_of_eigenvalues})


def condition_on_beta() -> Steps:
    r"""$2\beta E_D=N-\gamma$, where the derivative by $\beta$ is 0."""
    solved = {E_D: lambda: condition(beta).result + E_D}
    step = Steps(2 * beta * E_D)
    step.then(N - gamma_of_eigenvalues(), "derivative 0", using=solved)
    return step.then(N - gamma, using={gamma: gamma_of_eigenvalues})


def gamma_by_trace() -> Steps:
    r"""$\gamma=P-2c\alpha\operatorname{tr}A^{-1}$."""
    step = Steps(gamma)
    step.then(gamma_of_eigenvalues(), using={gamma: gamma_of_eigenvalues})
    return step.then(P - 2 * c * alpha * S("i", P, lambda i: X[i, i]), using=along_eigenvectors)


def new_alpha() -> Steps:
    r"""$\alpha=\gamma/2E_W$."""
    return Steps(alpha).then(gamma / (2 * E_W), using={gamma: lambda: 2 * alpha * E_W})


def new_beta() -> Steps:
    r"""$\beta=(N-\gamma)/2E_D$."""
    return Steps(beta).then((N - gamma) / (2 * E_D), using={gamma: lambda: N - 2 * beta * E_D})


# --------------------------------------------------------------------------------------------- the collapse, error bars
def collapse() -> tuple[Steps, Steps]:
    r"""$\gamma/\epsilon$ and $2E_W/\epsilon^2$ at $\epsilon=1/\alpha=0$, for residuals linear in $w$."""
    in_epsilon = assuming(alpha, 1 / epsilon, lambda x: x.subs(alpha, 1 / epsilon))
    effective = Steps(gamma / epsilon)
    effective.then(
        S("r", P, lambda r: beta * lam[r] / (1 + epsilon * beta * lam[r])),
        r"$\alpha=1/\epsilon$",
        using=lambda x: in_epsilon(unfold(x, {gamma: gamma_of_eigenvalues})),
    )
    weights = Steps(2 * E_W / epsilon**2)
    weights.then(
        2 * c * S("r", P, lambda r: b[r] ** 2 / (1 + epsilon * beta * lam[r]) ** 2),
        using=lambda x: in_epsilon(
            unfold(x, {E_W: lambda: c * S("r", P, lambda r: (b[r] / (beta * lam[r] + alpha)) ** 2)})
        ),
    )
    return effective, weights


def variance() -> Steps:
    r"""$\sum_{ij}y'_iy'_j\langle d_id_j\rangle=\sum_{ij}y'_iX_{ij}y'_j$."""
    zeroth, second = gaussian()[1], gaussian(2)[1]
    (letter,) = zeroth.free_symbols

    def mean(r: Expr) -> Expr:
        return sp.simplify(second / zeroth).subs(letter, a(r))

    step = Steps(S("i", P, lambda i: S("j", P, lambda j: y[i] * C[i, j] * y[j])))
    return step.then(
        S("i", P, lambda i: S("j", P, lambda j: y[i] * X[i, j] * y[j])),
        using={C: lambda i, j: S("r", P, lambda r: V[i, r] * V[j, r] * mean(r)), X: inverse_of_A},
    )
