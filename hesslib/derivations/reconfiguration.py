r"""Natural gradient and stochastic reconfiguration: a wave function over any number of states, of any parameters.

$\psi_s$ is the amplitude of state $s$ and $p_s=\bar\psi_s\psi_s/Z$ its probability; of the wave function nothing is
used but its log-derivatives $O_{sk}$, $\partial\psi_s/\partial w_k=O_{sk}\psi_s$. Quantities with a bar are treated as
independent of those without: for a real wave function they are the same, and :func:`real` says so.

Longer than one sitting: metric, force, energy and their limits are one argument, each proof using the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, Rule, same, unfold
from hesslib.calculus.index import Diff, S, Tensor, elementwise, index
from hesslib.calculus.results import inserting
from hesslib.calculus.rewriting import assuming, fact
from hesslib.calculus.steps import Formula, Steps
from hesslib.calculus.tidy import tidy

X, P, N, M = sp.symbols("X P N M", integer=True, positive=True)  # states, parameters; spins, hidden units
s, k, l, a, b, i, j = index("s k l a b i j")
gamma, Z, E, c, cbar, K = (sp.Symbol(name) for name in (r"\gamma", "Z", "E", "c", r"\bar{c}", r"\mathrm{KL}"))
w = Tensor("w", shape=(P,))
wbar = Tensor("wbar", latex=r"\bar{w}", shape=(P,))
# factors print in the order of the names: probabilities first, bars before what they are the conjugates of
psi = Tensor("psi_ket", latex=r"\psi", shape=(X,))
psibar = Tensor("psi_bra", latex=r"\bar{\psi}", shape=(X,))
p = Tensor("Fraction_p", latex="p", shape=(X,))
q = Tensor("Fraction_q", latex="q", shape=(X,))
O = Tensor("O_ket", latex="O", shape=(X, P))
Obar = Tensor("O_bra", latex=r"\bar{O}", shape=(X, P))
Omean = Tensor("Mean_O_ket", latex=r"\langle O\rangle", shape=(P,))
Obarmean = Tensor("Mean_O_bra", latex=r"\langle\bar{O}\rangle", shape=(P,))
H = Tensor("Ham", latex="H", shape=(X, X), symmetric=True)
eps = Tensor("eps", latex=r"\varepsilon", shape=(X,))
epsbar = Tensor("epsbar", latex=r"\bar{\varepsilon}", shape=(X,))
metric = Tensor("S", shape=(P, P))
force = Tensor("F", shape=(P,))
d = Tensor("d", shape=(P,))  # a change of the parameters
dbar = Tensor("dbar", latex=r"\bar{d}", shape=(P,))
u = Tensor("u", shape=(X,))  # the relative change of the amplitudes
r_ = Tensor("r_ket", latex="r", shape=(X,))
rbar = Tensor("r_bra", latex=r"\bar{r}", shape=(X,))

probabilities_sum_to_one = fact(S("s", X, lambda s: p[s]), sp.S.One)
H_psi_is_eps_psi = fact(S("r", X, lambda r: H[s, r] * psi[r]), eps[s] * psi[s], s)


def mean(body: Callable[[Expr], Expr]) -> Expr:
    r"""$\langle\cdot\rangle=\sum_sp_s\,\cdot$."""
    return S("s", X, lambda s: p[s] * body(s))


means: dict[Any, Callable[..., Any]] = {
    Omean: lambda k: mean(lambda s: O[s, k]),
    Obarmean: lambda k: mean(lambda s: Obar[s, k]),
    E: lambda: mean(lambda s: eps[s]),
}
"""What the named means are."""


def S_of(k: Expr, l: Expr) -> Expr:
    r"""$S_{kl}=\langle\bar O_kO_l\rangle-\langle\bar O_k\rangle\langle O_l\rangle$."""
    return mean(lambda s: Obar[s, k] * O[s, l]) - Obarmean[k] * Omean[l]


def F_of(k: Expr) -> Expr:
    r"""$F_k=\langle\bar O_k\varepsilon\rangle-\langle\bar O_k\rangle\langle\varepsilon\rangle$."""
    return mean(lambda s: Obar[s, k] * eps[s]) - Obarmean[k] * E


def real(e: Expr, /) -> Expr:
    """The same for a real wave function: bars dropped."""
    plain = {psibar: psi, Obar: O, Obarmean: Omean, epsbar: eps, wbar: w, dbar: d}
    return unfold(e, {bar: lambda *at, name=name: name[at] for bar, name in plain.items()}).xreplace({cbar: c})


def squares_are_probabilities(e: Expr, /) -> Expr:
    r"""The definition of the probabilities read backwards: $\bar\psi_s\psi_s=Zp_s$, for real $\psi$ $\psi_s^2=Zp_s$."""
    product = fact(psibar[s] * psi[s], Z * p[s], s)
    return tidy(product(squares(tidy(e))))


def _is_square(x: Any) -> bool:
    return isinstance(x, sp.Pow) and isinstance(x.base, sp.Indexed) and x.base.base == psi and x.exp == 2


squares = assuming(psi[s] ** 2, Z * p[s], lambda e: e.replace(_is_square, lambda x: Z * p[x.base.indices[0]]))


def _known(e: Expr) -> Expr:
    """Insert the local energy, the means, then the probabilities, which sum to one."""
    return probabilities_sum_to_one(squares_are_probabilities(H_psi_is_eps_psi(unfold(e, means))))


# ----------------------------------------------------------------------------------------------- definitions
def definitions() -> tuple[Formula, Formula, Formula]:
    r"""$O_{sk}$, $p_s$, and the local energy $\varepsilon_s$."""
    return (
        Formula(Diff(w[k], psi[s]), O[s, k] * psi[s]),
        Formula(p[s], psibar[s] * psi[s] / Z),
        Formula(eps[s], S("r", X, lambda r: H[s, r] * psi[r]) / psi[s]),
    )


def norm() -> Expr:
    r"""$Z=\sum_s\bar\psi_s\psi_s$."""
    return S("s", X, lambda s: psibar[s] * psi[s])


def expectation() -> Expr:
    r"""$\langle\psi|H|\psi\rangle/\langle\psi|\psi\rangle$."""
    return S("s", X, lambda s: psibar[s] * S("r", X, lambda r: H[s, r] * psi[r])) / Z


def energy() -> Steps:
    r"""$E=\sum_sp_s\varepsilon_s$: the energy is the mean of the local energy."""
    chain = Steps(E).then(expectation(), "definition", using={E: expectation})
    chain.then(
        S("s", X, lambda s: psibar[s] * psi[s] * eps[s]) / Z, r"definition of $\varepsilon_s$", using=H_psi_is_eps_psi
    )
    return chain.then(mean(lambda s: eps[s]), "definition of $p_s$", using=squares_are_probabilities)


# ------------------------------------------------------------------------------------------- slope of the energy
def _by_conjugate(k: Expr) -> Derivation:
    r"""$\partial/\partial\bar w_k$ of a wave function that is holomorphic in $w$."""
    rules: dict[Any, Rule] = {psibar: lambda s: Obar[s, k] * psibar[s], psi: CONSTANT, H: CONSTANT}
    inner = Derivation(wbar[k], rules)
    return Derivation(wbar[k], {**rules, Z: lambda: inner.raw(norm())})


def _by_real(k: Expr) -> Derivation:
    r"""$\partial/\partial w_k$ of a real wave function."""
    rules: dict[Any, Rule] = {psi: lambda s: O[s, k] * psi[s], H: CONSTANT, O: NAMED}
    inner = Derivation(w[k], rules)
    return Derivation(w[k], {**rules, Z: lambda: inner.raw(real(norm()))})


def conjugate_slope() -> Steps:
    r"""$\partial E/\partial\bar w_k=F_k$ for complex parameters: quotient rule, then $\varepsilon_s$ and $p_s$."""
    above = S("s", X, lambda s: Obar[s, k] * psibar[s] * S("r", X, lambda r: H[s, r] * psi[r]))
    below = S("s", X, lambda s: Obar[s, k] * psibar[s] * psi[s])
    chain = Steps(Diff(wbar[k], E))
    chain.then(above / Z - E / Z * below, by=_by_conjugate(k), using={E: expectation})
    return chain.then(F_of(k), using=_known)


def gradient() -> Steps:
    r"""$\partial E/\partial w_k=2F_k$ for real parameters and a real symmetric $H$."""
    D = _by_real(k)
    energy = real(expectation())
    meaning = assuming(E, energy, lambda e: e.xreplace({Diff(w[k], E): D.named(energy)}))
    chain = Steps(Diff(w[k], E))

    def worked_out(e: Expr) -> Expr:
        return _known(D.evaluate(meaning(e)))

    return chain.then(2 * real(F_of(k)), using=worked_out)


# --------------------------------------------------------------------------------------------------- the metric
def covariance() -> Steps:
    r"""$S_{kl}$ is the covariance of the log-derivatives."""
    chain = Steps(metric[k, l])

    def opened(e: Expr) -> Expr:
        return _known(unfold(e, {metric: S_of}))

    chain.then(mean(lambda s: (Obar[s, k] - Obarmean[k]) * (O[s, l] - Omean[l])), using=opened)
    return chain.then(S_of(k, l), using=_known)


def distance() -> Steps:
    r"""$D=\langle(1+u)^2\rangle\sin^2\varphi$, with the angle of $\psi_s$ and $\psi_s(1+u_s)$, is the variance of u."""
    chain = Steps(D_).then(separation(), using={D_: separation})
    return chain.then(mean(lambda s: u[s] ** 2) - mean(lambda s: u[s]) ** 2, using=_known)


D_ = sp.Symbol("D")


def separation() -> Expr:
    r"""$\langle(1+u)^2\rangle-\langle1+u\rangle^2$."""
    return mean(lambda s: (1 + u[s]) ** 2) - mean(lambda s: 1 + u[s]) ** 2


def squared_distance() -> Steps:
    r"""$D=\sum_{kl}d_kS_{kl}d_l$ for the change $d$ of the parameters, $u_s=\sum_kO_{sk}d_k$."""
    change = {u: lambda s: S("k", P, lambda k: O[s, k] * d[k])}

    def opened(e: Expr) -> Expr:
        e = unfold(unfold(e, {D_: separation}), change)
        return _known(unfold(e, {metric: lambda k, l: real(S_of(k, l))}))

    chain = Steps(D_)
    return chain.then(S("l", P, lambda l: S("k", P, lambda k: d[k] * metric[k, l] * d[l])), using=opened)


def slope_of_probability() -> Steps:
    r"""$\partial p_s/\partial w_k=2p_s(O_{sk}-\langle O_k\rangle)$ for real parameters."""
    D = _by_real(k)
    chain = Steps(Diff(w[k], p[s])).then(D.named(psi[s] ** 2 / Z), "definition", using={p: lambda s: psi[s] ** 2 / Z})
    return chain.then(2 * p[s] * (O[s, k] - Omean[k]), "quotient rule", by=D, using=_known)


information = Tensor("information", latex=r"\mathcal{I}", shape=(P, P))


def fisher() -> Steps:
    r"""The Fisher information $\sum_sp_s\,\partial_k\ln p_s\,\partial_l\ln p_s=4S_{kl}$."""
    definition = S("s", X, lambda s: Diff(w[k], p[s]) * Diff(w[l], p[s]) / p[s])
    chain = Steps(information[k, l]).then(definition, using={information: lambda _k, _l: definition})

    slopes = inserting(slope_of_probability())
    return chain.then(4 * real(S_of(k, l)), using=lambda e: _known(slopes(e)))


def divergence() -> Steps:
    r"""$\partial^2/\partial w_k\partial w_l\,\sum_sp_s\ln(p_s/q_s)=4S_{kl}$ at $q=p$; $q$ moves with the parameters."""

    def mean_q(k: Expr) -> Expr:
        return S("s", X, lambda s: q[s] * O[s, k])

    def by(k: Expr) -> Derivation:
        return Derivation(w[k], {q: lambda s: 2 * q[s] * (O[s, k] - mean_q(k)), p: CONSTANT, O: NAMED})

    divergence = S("s", X, lambda s: p[s] * sp.log(p[s]) - p[s] * sp.log(q[s]))
    slope = probabilities_sum_to_one(by(l)(divergence))
    chain = Steps(Diff(w[k], Diff(w[l], K)))
    chain.then(
        by(k).named(2 * mean_q(l) - 2 * mean(lambda s: O[s, l])),
        using=assuming(K, divergence, lambda e: e.xreplace({Diff(w[l], K): slope})),
    )

    def at_p(e: Expr) -> Expr:
        return _known(unfold(by(k).evaluate(e), {q: lambda s: p[s]}))

    return chain.then(4 * real(S_of(k, l)), "at $q=p$", using=at_p)


# --------------------------------------------------------------------------------------------- natural gradient
def model() -> Expr:
    r"""$\sum_k2F_kd_k+\frac1\gamma\sum_{kl}d_kS_{kl}d_l$: slope of the energy, and the price of distance."""
    price = S("l", P, lambda l: S("k", P, lambda k: d[k] * symmetric_metric[k, l] * d[l]))
    return 2 * S("k", P, lambda k: force[k] * d[k]) + price / gamma


symmetric_metric = Tensor("S", shape=(P, P), symmetric=True)


def natural_gradient() -> Steps:
    r"""The slope of the model by $d_k$: it vanishes where $\sum_lS_{kl}d_l=-\gamma F_k$."""
    D = Derivation(d[k], {d: same(k), force: CONSTANT, symmetric_metric: CONSTANT, gamma: CONSTANT})
    slope = 2 * force[k] + 2 / gamma * S("l", P, lambda l: symmetric_metric[k, l] * d[l])
    return Steps(Diff(d[k], m)).then(slope, by=D, using={m: model})


def natural_model() -> Formula:
    """The model by its name."""
    return Formula(m, model())


m = sp.Symbol("m")


Q = sp.Symbol("Q", integer=True, positive=True)  # the number of other parameters
J = Tensor("J", shape=(P, Q))  # of the old parameters by the new
e_ = Tensor("e", shape=(Q,))  # the same change in the new parameters
S_new = Tensor("S_new", latex=r"S'", shape=(Q, Q))
O_new = Tensor("O_new", latex=r"O'", shape=(X, Q))
O_new_mean = Tensor("Mean_O_new", latex=r"\langle O'\rangle", shape=(Q,))


def other_parameters() -> Steps:
    r"""If $Sd=-\gamma F$ and $d=Je$, then $e$ solves the same equation with $J^TSJ$ and $J^TF$."""
    J_e_is_d = fact(S("b", Q, lambda b: J[k, b] * e_[b]), d[k], k)
    S_d_is_F = fact(S("l", P, lambda l: metric[k, l] * d[l]), -gamma * force[k], k)

    def transformed(a: Expr, b: Expr) -> Expr:
        return S("l", P, lambda l: S("k", P, lambda k: J[k, a] * metric[k, l] * J[l, b]))

    chain = Steps(S("b", Q, lambda b: transformed(a, b) * e_[b]))
    chain.then(S("l", P, lambda l: S("k", P, lambda k: J[k, a] * metric[k, l] * d[l])), "$Je=d$", using=J_e_is_d)
    return chain.then(-gamma * S("k", P, lambda k: J[k, a] * force[k]), r"$Sd=-\gamma F$", using=S_d_is_F)


def transformed_metric() -> Steps:
    r"""$S$ in the new parameters is $J^TSJ$, from the chain rule for $O$ alone (real parameters)."""
    chain = Steps(S_new[a, b])
    chain.then(
        mean(lambda s: O_new[s, a] * O_new[s, b]) - O_new_mean[a] * O_new_mean[b],
        "definition",
        using={S_new: lambda a, b: mean(lambda s: O_new[s, a] * O_new[s, b]) - O_new_mean[a] * O_new_mean[b]},
    )
    return chain.then(
        S("l", P, lambda l: S("k", P, lambda k: J[k, a] * metric[k, l] * J[l, b])),
        "chain rule for $O$",
        using=lambda e: _known(unfold(unfold(e, chain_rule), {metric: lambda k, l: real(S_of(k, l))})),
    )


chain_rule: dict[Any, Callable[..., Any]] = {
    O_new: lambda s, a: S("k", P, lambda k: O[s, k] * J[k, a]),
    O_new_mean: lambda a: S("k", P, lambda k: Omean[k] * J[k, a]),
}
r"""$O'_{sa}=\sum_kO_{sk}J_{ka}$, and its mean."""


# ------------------------------------------------------------------------------------------------ imaginary time
def imaginary_time() -> Steps:
    r"""$((1-\gamma H)\psi)_s=\psi_s(1-\gamma\varepsilon_s)$."""
    chain = Steps(psi[s] - gamma * S("r", X, lambda r: H[s, r] * psi[r]))
    return chain.then(psi[s] * (1 - gamma * eps[s]), r"definition of $\varepsilon_s$", using=H_psi_is_eps_psi)


def residual(s: Expr) -> Expr:
    r"""$r_s=c+\sum_lO_{sl}d_l+\gamma\varepsilon_s$: by how much the relative changes of the amplitudes differ."""
    return c + S("l", P, lambda l: O[s, l] * d[l]) + gamma * eps[s]


def residual_bar(s: Expr) -> Expr:
    """Its conjugate; the time step is real."""
    return cbar + S("l", P, lambda l: Obar[s, l] * dbar[l]) + gamma * epsbar[s]


R = sp.Symbol("R")


def misfit() -> Expr:
    r"""$R=\sum_sp_s|r_s|^2$."""
    return mean(lambda s: rbar[s] * r_[s])


def _by(op: Expr, rules: dict[Any, Any]) -> Derivation:
    r"""$\partial/\partial\bar c$ or $\partial/\partial\bar d_k$: what has no bar is constant."""
    rules = {**dict.fromkeys((p, Obar, epsbar, dbar, cbar, gamma), CONSTANT), **rules}
    inner = Derivation(op, rules)
    return Derivation(op, {p: CONSTANT, r_: CONSTANT, rbar: lambda s: inner.raw(residual_bar(s))})


def misfit_and_residual() -> tuple[Formula, Formula]:
    r"""$R$ and $r_s$."""
    return Formula(R, misfit()), Formula(r_[s], residual(s))


def norm_equation() -> Steps:
    r"""$\partial R/\partial\bar c=c+\sum_l\langle O\rangle_ld_l+\gamma E$."""
    D = _by(cbar, {cbar: lambda: sp.S.One})
    chain = Steps(Diff(cbar, R)).then(
        mean(lambda s: r_[s]), r"as $\partial\bar r_s/\partial\bar c=1$", by=D, using={R: misfit}
    )
    return chain.then(
        c + S("l", P, lambda l: Omean[l] * d[l]) + gamma * E,
        using=lambda e: _known(unfold(e, {r_: residual})),
    )


def best_norm() -> Expr:
    """The c for which that vanishes."""
    return -S("l", P, lambda l: Omean[l] * d[l]) - gamma * E


def normal_equations() -> Steps:
    r"""$\partial R/\partial\bar d_k=\sum_lS_{kl}d_l+\gamma F_k$ at the best norm."""
    D = _by(dbar[k], {dbar: same(k)})
    chain = Steps(Diff(dbar[k], R))
    chain.then(
        mean(lambda s: Obar[s, k] * r_[s]),
        r"as $\partial\bar r_s/\partial\bar d_k=\bar O_{sk}$",
        by=D,
        using={R: misfit},
    )
    chain.then(mean(lambda s: Obar[s, k] * residual(s)), using={r_: residual})
    known: dict[Any, Callable[..., Any]] = {metric: S_of, force: F_of}
    return chain.then(
        S("l", P, lambda l: metric[k, l] * d[l]) + gamma * force[k],
        "the best $c$",
        using=lambda e: _known(unfold(unfold(e, {c: best_norm}), known)),
    )


# --------------------------------------------------------------------------------- restricted Boltzmann machine
f = elementwise("f")  # log(2 cosh)
sigma = Tensor("sigma", latex=r"\sigma", shape=(N,))
A = Tensor("a", shape=(N,))
B = Tensor("b", shape=(M,))
W = Tensor("W", shape=(M, N))
theta = Tensor("theta", latex=r"\theta", shape=(M,))
log_psi = sp.Symbol(r"\ln\psi")


def theta_of(j: Expr) -> Expr:
    r"""$\theta_j=b_j+\sum_iW_{ji}\sigma_i$."""
    return B[j] + S("i", N, lambda i: W[j, i] * sigma[i])


def machine() -> tuple[Formula, Formula]:
    r"""$\ln\psi=\sum_ia_i\sigma_i+\sum_jf(\theta_j)$."""
    amplitude = S("i", N, lambda i: A[i] * sigma[i]) + S("j", M, lambda j: f(theta[j]))
    return Formula(log_psi, amplitude), Formula(theta[j], theta_of(j))


in_exponentials = assuming(
    "the definition of the hyperbolic functions by exponentials", None, lambda e: sp.expand(e.rewrite(sp.exp))
)


def hidden_sum() -> Steps:
    r"""$e^\theta+e^{-\theta}=2\cosh\theta$: the two values of one hidden unit."""
    x = sp.Symbol(r"\theta")
    chain = Steps(sp.exp(x) + sp.exp(-x))
    return chain.then(2 * sp.cosh(x), "definition", using=in_exponentials)


def slope_of_f() -> Steps:
    r"""$f'=\tanh$ for $f=\ln2\cosh$."""
    x = sp.Symbol(r"\theta")
    chain = Steps(Diff(x, sp.log(2 * sp.cosh(x))))
    by_sympy = assuming(
        "SymPy's derivative of $\\ln\\cosh\\theta$, and the hyperbolic functions by exponentials",
        None,
        lambda e: sp.cancel(e.replace(Diff, lambda op, y: sp.diff(y, op)).rewrite(sp.exp)),
    )
    return chain.then(sp.tanh(x), "chain rule", using=by_sympy)


def log_derivatives() -> tuple[Steps, Steps, Steps]:
    r"""$\sigma_i$, $f'(\theta_j)$ and $f'(\theta_j)\sigma_i$, the slopes by $a_i$, $b_j$ and $W_{ji}$."""
    amplitude, _ = machine()

    def slope(of: Expr, value: Expr) -> Steps:
        rules: dict[Any, Any] = {**dict.fromkeys((A, B, W, sigma), CONSTANT), of.base: same(*of.indices)}
        inner = Derivation(of, rules)
        D = Derivation(of, {**rules, theta: lambda j: inner.raw(theta_of(j))})
        return Steps(Diff(of, log_psi)).then(value, by=D, using={log_psi: lambda: amplitude.rhs})

    return slope(A[i], sigma[i]), slope(B[j], f(theta[j]).fdiff()), slope(W[j, i], f(theta[j]).fdiff() * sigma[i])
