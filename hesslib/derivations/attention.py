r"""Softmax attention, one head: gradient, second derivatives and Gauss-Newton by blocks of query, key and value.

T positions with D features, $x_{ti}$; queries, keys and values $q_{ta}=\sum_iQ_{ia}x_{ti}$, $k_{ua}$, $v_{ub}$; scores
$s_{tu}=c\sum_aq_{ta}k_{ua}$; weights $P_{tu}=m_{tu}e^{s_{tu}}/Z_t$, where the mask $m_{tu}$ is 1 where position t may
look at u, else 0; outputs $o_{tb}=\sum_uP_{tu}v_{ub}$, of which the signal is $\omega_{tb}=\partial E/\partial o_{tb}$.
What is written for one head holds for each; heads share nothing but their input.

Longer than one sitting: six blocks by two parts are one derivation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, same
from hesslib.calculus.einsum_program import Program
from hesslib.calculus.index import Diff, KroneckerDelta, Operator, S, Tensor, index
from hesslib.calculus.let import Let
from hesslib.calculus.steps import Formula, Steps

from .network import E

T, D, A, F = sp.symbols("T D A F", integer=True, positive=True)
"""Positions, features of the input, features of a query, features of a value."""
c = sp.Symbol("c", positive=True)
r"""The scale of the scores, usually $1/\sqrt A$."""
t, u, u_, r, i, j, a, a_, b, b_ = index("t u u' r i j a a' b b'")

x = Tensor("x", shape=(T, D), pattern=True)
Q = Tensor("Q", shape=(D, A), independent=True)
K = Tensor("K", shape=(D, A), independent=True)
V = Tensor("V", shape=(D, F), independent=True)
q = Tensor("q", shape=(T, A), pattern=True)
k = Tensor("k", shape=(T, A), pattern=True)
v = Tensor("v", shape=(T, F), pattern=True)
mask = Tensor("m", shape=(T, T))
s = Tensor("s", shape=(T, T), pattern=True, independent=True)
Z = Let(Tensor("Z", shape=(T,), pattern=True), lambda t: S("u", T, lambda u: mask[t, u] * sp.exp(s[t, u])))
P = Let(Tensor("P", shape=(T, T), pattern=True), lambda t, u: mask[t, u] * sp.exp(s[t, u]) / Z[t])
o = Let(Tensor("o", shape=(T, F), pattern=True), lambda t, b: S("u", T, lambda u: P[t, u] * v[u, b]))
omega = Tensor("omega", latex=r"\omega", shape=(T, F), pattern=True)
rho = Let(
    Tensor("rho", latex=r"\rho", shape=(T, T), pattern=True), lambda t, u: S("b", F, lambda b: omega[t, b] * v[u, b])
)
sigma = Let(
    Tensor("sigma", latex=r"\sigma", shape=(T, T), pattern=True),
    lambda t, u: P[t, u] * (rho[t, u] - S("r", T, lambda r: P[t, r] * rho[t, r])),
)
Phi = Let(
    Tensor("Phi", latex=r"\Phi", shape=(T, T, T), pattern=True),
    lambda t, u, w: KroneckerDelta(u, w) * sigma[t, u] - sigma[t, u] * P[t, w] - P[t, u] * sigma[t, w],
)
projections: dict[Any, Callable[..., Expr]] = {
    q: lambda t, a: S("i", D, lambda i: Q[i, a] * x[t, i]),
    k: lambda u, a: S("j", D, lambda j: K[j, a] * x[u, j]),
    v: lambda u, b: S("j", D, lambda j: V[j, b] * x[u, j]),
}
scores: dict[Any, Callable[..., Expr]] = {s: lambda t, u: c * S("a", A, lambda a: q[t, a] * k[u, a])}


def definitions() -> tuple[Formula, ...]:
    r"""Projections, scores, weights and outputs."""
    return (
        Formula(q[t, a], projections[q](t, a)),
        Formula(k[u, a], projections[k](u, a)),
        Formula(v[u, b], projections[v](u, b)),
        Formula(s[t, u], scores[s](t, u)),
        Formula(P[t, u], mask[t, u] * sp.exp(s[t, u]) / S("r", T, lambda r: mask[t, r] * sp.exp(s[t, r]))),
        Formula(o[t, b], S("u", T, lambda u: P[t, u] * v[u, b])),
    )


def names() -> tuple[Formula, Formula, Formula]:
    r"""$\rho$, $\sigma$ and $\Phi$."""
    return (
        Formula(rho[t, u], S("b", F, lambda b: omega[t, b] * v[u, b])),
        Formula(sigma[t, u], P[t, u] * (rho[t, u] - S("r", T, lambda r: P[t, r] * rho[t, r]))),
        Formula(Phi[t, u, u_], KroneckerDelta(u, u_) * sigma[t, u] - sigma[t, u] * P[t, u_] - P[t, u] * sigma[t, u_]),
    )


# --------------------------------------------------------------------------------------------------- by the scores
def _slope(t: Any, u: Any, row: Any, w: Any) -> Expr:
    return KroneckerDelta(t, row) * P[t, u] * (KroneckerDelta(u, w) - P[t, w])


def softmax_slope() -> Steps:
    r"""$\partial P_{tu}/\partial s_{ru'}=I_{tr}P_{tu}(I_{uu'}-P_{tu'})$: rows do not see each other."""
    by = Derivation(s[r, u_], {s: same(r, u_), mask: CONSTANT})
    chain = Steps(Diff(s[r, u_], P[t, u]))
    chain.then(by.named(mask[t, u] * sp.exp(s[t, u]) / Z[t]), "definition", using=P)
    chain.then(by(mask[t, u] * sp.exp(s[t, u]) / Z[t]), "quotient rule", by=by)
    return chain.then(_slope(t, u, r, u_), "name $P$", using=P)


def _by_score(row: Any, w: Any) -> Derivation:
    rules: dict[Any, Any] = {s: same(row, w), v: CONSTANT, omega: CONSTANT, rho: CONSTANT}
    rules[P] = lambda t, u: _slope(t, u, row, w)
    return Derivation(s[row, w], rules)


def _error() -> Expr:
    """An error with the slopes omega: what counts for a first derivative."""
    return S("t", T, lambda t: S("b", F, lambda b: omega[t, b] * S("u", T, lambda u: P[t, u] * v[u, b])))


def score_signal() -> Steps:
    r"""$\partial E/\partial s_{tu}=P_{tu}(\rho_{tu}-\sum_rP_{tr}\rho_{tr})=\sigma_{tu}$."""
    by = _by_score(t, u)
    chain = Steps(Diff(s[t, u], E)).then(by.named(_error()), "chain rule", using={E: _error})
    chain.then(by(_error()), "slope of softmax", by=by)
    chain.then(P[t, u] * (rho[t, u] - S("r", T, lambda r: P[t, r] * rho[t, r])), r"name $\rho$", using=rho)
    return chain.then(sigma[t, u], r"name $\sigma$", using=sigma)


def score_bending() -> Steps:
    r"""$\partial\sigma_{tu}/\partial s_{tu'}=\Phi_{tuu'}$, with $\omega$ held fixed; other rows give zero."""
    by = _by_score(t, u_)
    body = P[t, u] * (rho[t, u] - S("r", T, lambda r: P[t, r] * rho[t, r]))
    chain = Steps(by.named(sigma[t, u])).then(by.named(body), "definition", using=sigma)
    chain.then(by(body), "product rule", by=by)
    found = KroneckerDelta(u, u_) * sigma[t, u] - sigma[t, u] * P[t, u_] - P[t, u] * sigma[t, u_]
    chain.then(found, r"name $\sigma$", using=sigma)
    return chain.then(Phi[t, u, u_], r"name $\Phi$", using=Phi)


def score_value() -> Steps:
    r"""$\partial\sigma_{tu}/\partial v_{u'b}=P_{tu}(I_{uu'}-P_{tu'})\omega_{tb}$."""
    by = Derivation(v[u_, b], {v: same(u_, b), P: CONSTANT, omega: CONSTANT, s: CONSTANT, mask: CONSTANT})
    body = P[t, u] * (
        S("b", F, lambda b: omega[t, b] * v[u, b])
        - S("r", T, lambda r: P[t, r] * S("b", F, lambda b: omega[t, b] * v[r, b]))
    )
    return Steps(by.named(body)).then(P[t, u] * (KroneckerDelta(u, u_) - P[t, u_]) * omega[t, b], "linear", by=by)


# -------------------------------------------------------------------------------------------------- by the weights
# From here on the scores vary with the weights. P, sigma and Phi are names for what was derived above.
score = Tensor("s", shape=(T, T), pattern=True)
weight = Tensor("P", shape=(T, T), pattern=True)
out = Tensor("o", shape=(T, F), pattern=True)
back = Tensor("sigma", latex=r"\sigma", shape=(T, T), pattern=True)
bend = Tensor("Phi", latex=r"\Phi", shape=(T, T, T), pattern=True)
Parameter = tuple[Tensor, Any, Any]
QUERY: Parameter = (Q, i, a)
KEY: Parameter = (K, i, a)
VALUE: Parameter = (V, i, b)


def _softmax_row(t: Any, u: Any, moved: Callable[[Any], Expr]) -> Expr:
    """What becomes of a weight if the scores of its row move."""
    return weight[t, u] * (moved(u) - S("r", T, lambda r: weight[t, r] * moved(r)))


def _through(op: Any, of_q: Any, of_k: Any, of_v: Any) -> Derivation:
    """The derivation by something that moves queries, keys and values; omega is held fixed."""

    def of_s(t: Any, u: Any) -> Expr:
        return c * S("a", A, lambda a: of_q(t, a) * k[u, a] + q[t, a] * of_k(u, a))

    def of_sigma(t: Any, u: Any) -> Expr:
        by_scores = S("w", T, lambda w: bend[t, u, w] * of_s(t, w))
        by_values = S(
            "w",
            T,
            lambda w: (
                weight[t, u] * (KroneckerDelta(u, w) - weight[t, w]) * S("b", F, lambda b: omega[t, b] * of_v(w, b))
            ),
        )
        return by_scores + by_values

    def of_o(t: Any, b: Any) -> Expr:
        return S(
            "u",
            T,
            lambda u: _softmax_row(t, u, lambda w: of_s(t, w)) * v[u, b] + weight[t, u] * of_v(u, b),
        )

    rules: dict[Any, Any] = {q: of_q, k: of_k, v: of_v, score: of_s, back: of_sigma, out: of_o, omega: CONSTANT}
    rules[weight] = lambda t, u: _softmax_row(t, u, lambda w: of_s(t, w))
    return Derivation(op, {**rules, x: CONSTANT, c: CONSTANT})


def _zero(*_: Any) -> Expr:
    return sp.S.Zero


def by_weight(parameter: Parameter, /) -> Derivation:
    """The derivation by one weight of the queries, the keys or the values."""
    head, row, column = parameter

    def moved(position: Any, feature: Any) -> Expr:
        return KroneckerDelta(feature, column) * x[position, row]

    of = [moved if head == own else _zero for own in (Q, K, V)]
    return _through(head[row, column], *of)


def _slopes(parameter: Parameter, t: Any, u: Any) -> Expr:
    """What the gradient by a weight is, position by position."""
    head, row, column = parameter
    if head == Q:
        return c * back[t, u] * x[t, row] * k[u, column]
    if head == K:
        return c * back[t, u] * q[t, column] * x[u, row]
    return weight[t, u] * x[u, row] * omega[t, column]


def _linear() -> Expr:
    """An error with the slopes omega, as above."""
    return S("t", T, lambda t: S("b", F, lambda b: omega[t, b] * out[t, b]))


def _gradient_of(parameter: Parameter, /) -> Expr:
    return S("t", T, lambda t: S("u", T, lambda u: _slopes(parameter, t, u)))


what_sigma_is: dict[Any, Callable[..., Expr]] = {
    back: lambda t, u: (
        weight[t, u]
        * (
            S("b", F, lambda b: omega[t, b] * v[u, b])
            - S("r", T, lambda r: weight[t, r] * S("b", F, lambda b: omega[t, b] * v[r, b]))
        )
    )
}


def gradient(parameter: Parameter, /) -> Steps:
    r"""The gradient by a weight: of the queries, $c\sum_{tu}\sigma_{tu}x_{ti}k_{ua}$."""
    by = by_weight(parameter)
    chain = Steps(Diff(by.op, E)).then(by.named(_linear()), "chain rule", using={E: _linear})
    return chain.then(_gradient_of(parameter), r"through the scores; $\sigma$", by=by, using=what_sigma_is)


def slope_of_output(parameter: Parameter, /) -> Steps:
    r"""$\partial o_{tb}/\partial w$: of a query weight, $c\,x_{ti}\sum_uP_{tu}k_{ua}(v_{ub}-o_{tb})$, a covariance."""
    head, row, column = parameter
    by = by_weight(parameter)
    chain = Steps(Diff(by.op, out[t, b_]))
    mean = {out: lambda t, b: S("u", T, lambda u: weight[t, u] * v[u, b])}
    if head == V:
        return chain.then(
            KroneckerDelta(b_, column) * S("u", T, lambda u: weight[t, u] * x[u, row]), "linear in the values", by=by
        )

    def side(u: Any) -> Expr:
        return x[t, row] * k[u, column] if head == Q else q[t, column] * x[u, row]

    raw = c * S(
        "u",
        T,
        lambda u: weight[t, u] * (side(u) - S("r", T, lambda r: weight[t, r] * side(r))) * v[u, b_],
    )
    chain.then(raw, "slope of softmax", by=by)
    found = c * S("u", T, lambda u: weight[t, u] * side(u) * (v[u, b_] - out[t, b_]))
    return chain.then(found, "name $o$", using=mean)


def functional(first: Parameter, second: Parameter, /) -> Steps:
    r"""The second derivative by two weights with the signal $\omega$ held fixed: what Gauss-Newton leaves out."""
    by = by_weight(second)
    chain = Steps(by.named(_gradient_of(first)))
    return chain.then(_functional(first, second), "product rule", by=by)


def _functional(first: Parameter, second: Parameter) -> Expr:
    kinds = (first[0], second[0])
    (_, i1, a1), (_, i2, a2) = first, second

    def own(parameter: Parameter, t: Any, u: Any) -> Expr:
        head, row, column = parameter
        return x[t, row] * k[u, column] if head == Q else q[t, column] * x[u, row]

    def bent(t: Any) -> Expr:
        return S("u", T, lambda u: S("w", T, lambda w: own(first, t, u) * bend[t, u, w] * own(second, t, w)))

    if kinds == (V, V):
        return sp.S.Zero
    if kinds[1] == V:
        spread = S(
            "t",
            T,
            lambda t: S(
                "u",
                T,
                lambda u: S(
                    "w",
                    T,
                    lambda w: (
                        own(first, t, u)
                        * weight[t, u]
                        * (KroneckerDelta(u, w) - weight[t, w])
                        * x[w, i2]
                        * omega[t, a2]
                    ),
                ),
            ),
        )
        return c * spread
    whole = c**2 * S("t", T, bent)
    if kinds == (Q, K):
        direct = S("t", T, lambda t: S("u", T, lambda u: back[t, u] * x[t, i1] * x[u, i2]))
        whole += c * KroneckerDelta(a1, a2) * direct
    return whole


def second(parameter: Parameter, /) -> Parameter:
    """The same kind of weight with other letters."""
    head, _, column = parameter
    return (head, j, a_ if column == a else b_)


# ---------------------------------------------------------------------------------------------- products, linear scores
def products() -> tuple[Steps, Steps]:
    r"""$\mathcal R\{P\}$ and $\mathcal R\{o\}$ from $\mathcal R\{s\}$ and $\mathcal R\{v\}$."""
    R = Operator("R")

    def row(t: Any, u: Any) -> Expr:
        return _softmax_row(t, u, lambda w: Diff(R, score[t, w]))

    D = Derivation(R, {score: NAMED, v: NAMED, weight: row})
    weights = Steps(D.named(weight[t, u])).then(row(t, u), "slope of softmax", by=D)
    mean = {out: lambda t, b: S("u", T, lambda u: weight[t, u] * v[u, b])}
    outputs = Steps(D.named(out[t, b])).then(
        D.named(S("u", T, lambda u: weight[t, u] * v[u, b])), "definition", using=mean
    )
    keep = D.but({weight: NAMED})
    outputs.then(
        S("u", T, lambda u: Diff(R, weight[t, u]) * v[u, b] + weight[t, u] * Diff(R, v[u, b])), "product rule", by=keep
    )
    return weights, outputs


def without_softmax(first: Parameter, other: Parameter, /) -> Steps:
    r"""Linear attention, $o_{tb}=\sum_um_{tu}s_{tu}v_{ub}$: the same second derivative, where only products bend."""

    def of(parameter: Parameter) -> tuple[Any, Any, Any]:
        head, row, column = parameter

        def moved(position: Any, feature: Any) -> Expr:
            return KroneckerDelta(feature, column) * x[position, row]

        q_, k_, v_ = (moved if head == own else _zero for own in (Q, K, V))
        return q_, k_, v_

    def by(parameter: Parameter) -> Derivation:
        of_q, of_k, of_v = of(parameter)
        rules: dict[Any, Any] = {q: of_q, k: of_k, v: of_v, omega: CONSTANT, mask: CONSTANT, x: CONSTANT, c: CONSTANT}
        return Derivation(parameter[0][parameter[1], parameter[2]], rules)

    error = S(
        "t",
        T,
        lambda t: S(
            "b",
            F,
            lambda b: (
                omega[t, b] * S("u", T, lambda u: mask[t, u] * c * S("a", A, lambda a: q[t, a] * k[u, a]) * v[u, b])
            ),
        ),
    )
    one, two = by(first), by(other)
    chain = Steps(two.named(one.named(error))).then(two.named(one(error)), "gradient", by=(one, two))
    return chain.then(two(one(error)), "again", by=two)


# ------------------------------------------------------------------------------------------------------- the program
BLOCKS = ("QQ", "QK", "KK", "QV", "KV")
"""The pairs of weights whose second derivative, with the signal held fixed, isn't zero."""


def program() -> Program:
    """Forward, the gradients, the slopes of the outputs, and the second derivatives with the signal held fixed."""
    of = {"Q": QUERY, "K": KEY, "V": VALUE}
    made = Program("attention", "x, Q, K, V, m, c, A, F, T, signal")
    for head in (q, k, v):
        made.assign(head[t, index("a")], projections[head](t, index("a")))
    made.assign(score[t, u], scores[s](t, u))
    total = Tensor("Z", shape=(T,), pattern=True)
    made.assign(total[t], S("u", T, lambda u: mask[t, u] * sp.exp(score[t, u])))
    made.assign(weight[t, u], mask[t, u] * sp.exp(score[t, u]) / total[t])
    made.assign(out[t, b], S("u", T, lambda u: weight[t, u] * v[u, b]))
    made.line("omega = signal(o)")
    made.assign(back[t, u], what_sigma_is[back](t, u))
    made.assign(
        bend[t, u, u_],
        KroneckerDelta(u, u_) * back[t, u] - back[t, u] * weight[t, u_] - weight[t, u] * back[t, u_],
    )
    made.line("g, J, H = {}, {}, {}")
    for name, parameter in of.items():
        row, column = parameter[1:]
        sizes = {"Q": (D, A), "K": (D, A), "V": (D, F)}[name]
        made.assign(Tensor(f"g['{name}']", shape=sizes)[row, column], gradient(parameter).result)
        slopes = Tensor(f"J['{name}']", shape=(T, F, *sizes), pattern=True)
        made.assign(slopes[t, b_, row, column], slope_of_output(parameter).result)
    for pair in BLOCKS:
        first, other = of[pair[0]], second(of[pair[1]])
        shape = (D, A, D, A if pair[1] != "V" else F)
        made.assign(Tensor(f"H['{pair}']", shape=shape)[(*first[1:], *other[1:])], functional(first, other).result)
    made.line("return o, P, g, J, H")
    return made
