r"""The table of right and wrong formulas that the calculus is held against.

``RIGHT`` holds formulas the calculus derived; nothing in it is typed. ``ACCEPTED`` are the same formulas in other
arrangements, ``REFUSED`` are slips: each names its kind and the term that gives it away.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import sympy as sp
from sympy import Expr, Symbol

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, rename, same
from hesslib.calculus.index import Diff, KroneckerDelta, Operator, S, Tensor, index
from hesslib.calculus.tidy import tidy
from hesslib.derivations.network import (
    B,
    E,
    G,
    L,
    M,
    R,
    a,
    definitions,
    delta,
    h,
    hp,
    hpp,
    i,
    j,
    k,
    l,
    m,
    n,
    p,
    q,
    u,
    v,
    w,
    wrt_a,
    wrt_b,
    wrt_w,
    z,
)

I = KroneckerDelta


def r(e: Any) -> Diff:
    r"""$\mathcal R\{e\}$, not worked out."""
    return Diff(Operator("R"), e)


def named(e: Expr) -> Expr:
    """Write G and B for the derivatives by a pre-activation that a derivation left named."""

    def name(x: Expr) -> Expr | None:
        if isinstance(x, Diff) and getattr(x.op, "base", None) == a and getattr(x.operand, "base", None) in (a, delta):
            (low, source), (high, target) = x.op.indices, x.operand.indices
            return (G if x.operand.base == a else B)[high, low, target, source]
        return None

    return tidy(rename(e, name))


# -------------------------------------------------------------------- the losses, each from its own definition
K = Symbol("K", integer=True, positive=True)
y, t, o = Tensor("y", shape=(K,)), Tensor("t", shape=(K,)), Tensor("a", shape=(K,))
linear_output = Derivation(o[q], {o: same(q), t: CONSTANT})
logistic_output = Derivation(o[q], {y: lambda k: y[k] * (1 - y[k]) * I(k, q), t: CONSTANT})
softmax_output = Derivation(o[q], {y: lambda k: y[k] * (I(k, q) - y[q]), t: CONSTANT})
squared_error = S("k", K, lambda k: (o[k] - t[k]) ** 2) / 2
binary_cross_entropy = -S("k", K, lambda k: t[k] * sp.log(y[k]) + (1 - t[k]) * sp.log(1 - y[k]))
cross_entropy = -S("k", K, lambda k: t[k] * sp.log(y[k]))

# ------------------------------------------------------------------------- Gauss-Newton: outputs kept formal
N, P = sp.symbols("N P", integer=True, positive=True)
pattern = index("n")
Y = Tensor("y", shape=(N, K))
T = Tensor("t", shape=(N, K))
theta = Tensor("w", shape=(P,))
by_first, by_second = (Derivation(theta[s], {Y: NAMED, T: CONSTANT, theta: same(s)}) for s in (i, j))
total_error = S("n", N, lambda s: S("k", K, lambda k: (Y[s, k] - T[s, k]) ** 2)) / 2

# ------------------------------------------------------------- ridge regression, variances and the diagonal rule
W = Symbol("W", integer=True, positive=True)
lam = Tensor("lambda", latex=r"\lambda", shape=(W,))
alpha = Symbol("alpha", positive=True)
by_alpha = Derivation(alpha, {alpha: lambda: sp.S.One, lam: CONSTANT})
Hdiag = Tensor("H", layers=1, shape=lambda y: (n[y],))  # d2E / (da^(l)_j)^2


def _diagonal() -> Expr:
    """(5.81): differentiate backpropagation once more, and keep the diagonal of the next layer's Hessian."""
    D = wrt_a(l, j)
    D.rules[delta] = lambda y, k: Hdiag[y, k] * D.raw(a[y, k])
    return D(wrt_a(l, j)(E))


backprop = wrt_a(l, j)(E)
weight_gradient = wrt_w(l, j, i)(E)
bias_gradient = wrt_b(l, j)(E)

RIGHT: dict[str, Expr] = {
    "backprop": backprop,
    "weight gradient": weight_gradient,
    "bias gradient": bias_gradient,
    "dz": wrt_a(l, j)(a[l + 1, k]),
    "R a": R(definitions[a](l, j)),
    "R z": R(definitions[z](l, j)),
    "R delta": R(backprop),
    "R weight gradient": R(weight_gradient),
    "R bias gradient": R(bias_gradient),
    "R E": R(E),
    "G": named(wrt_a(l, j)(definitions[a](m, k))),
    "B": named(wrt_a(l, j)(backprop.xreplace({l: m, j: k}))),
    "B output": named(wrt_a(l, j)(delta[L, k])),
    "Hessian": tidy(z[l - 1, i] * named(wrt_a(l, j)(weight_gradient.xreplace({l: m, j: k, i: p})))),
    "Hessian same layer": tidy(z[l - 1, i] * named(wrt_a(l, j)(delta[l, k] * z[l - 1, p]))),
    "diagonal": _diagonal(),
    "squared delta": linear_output(squared_error),
    "squared M": Derivation(o[p], {o: same(p), t: CONSTANT})(linear_output(squared_error)),
    "logistic delta": logistic_output(binary_cross_entropy),
    "softmax delta": softmax_output(cross_entropy),
    "softmax M": softmax_output(y[p]),
    "Gauss-Newton": by_second(by_first(total_error)),
    "residual gradient": by_first(total_error),
    "gamma": tidy(W - S("i", W, lambda i: alpha / (alpha + lam[i]))),
    "log determinant": by_alpha(S("i", W, lambda i: sp.log(alpha + lam[i]))),
    "ridge": by_alpha(S("i", W, lambda i: lam[i] / (alpha + lam[i]))),
}
"""Formulas as the calculus derived them."""


class Accepted(NamedTuple):
    """A right formula, arranged as another author would."""

    formula: str
    arrangement: Expr


class Refused(NamedTuple):
    """A slip: ``differs`` is the term that the message must name (None: a range error, which names the index)."""

    kind: str
    formula: str
    slip: str
    wrong: Callable[[], Expr]
    differs: Expr | None


back_sum = S("k", n[l + 1], lambda k: w[l + 1, k, j] * delta[l + 1, k])

ACCEPTED = [
    Accepted("backprop", S("q", n[l + 1], lambda q: delta[l + 1, q] * w[l + 1, q, j]) * hp(l, j)),
    Accepted("backprop", S("k", n[l + 1], lambda k: hp(l, j) * w[l + 1, k, j] * delta[l + 1, k])),
    Accepted(
        "backprop",
        S("k", n[l + 1], lambda k: delta[l + 1, k] * S("i", n[l], lambda i: w[l + 1, k, i] * hp(l, i) * I(i, j))),
    ),
    Accepted("backprop", S("i", n[l], lambda i: I(j, i) * hp(l, i)) * back_sum),
    Accepted("weight gradient", S("k", n[l - 1], lambda k: I(i, k) * z[l - 1, k]) * delta[l, j]),
    Accepted("dz", S("j'", n[l], lambda s: I(j, s) * w[l + 1, k, s] * hp(l, s))),
    Accepted(
        "R a",
        S("p", n[l - 1], lambda p: w[l, j, p] * r(z[l - 1, p]))
        + u[l, j]
        + S("k", n[l - 1], lambda k: v[l, j, k] * z[l - 1, k]),
    ),
    Accepted("R z", r(a[l, j]) * S("k", n[l], lambda k: I(j, k) * hp(l, k))),
    Accepted(
        "R delta",
        hpp(l, j) * r(a[l, j]) * back_sum
        + hp(l, j) * S("k", n[l + 1], lambda k: v[l + 1, k, j] * delta[l + 1, k] + w[l + 1, k, j] * r(delta[l + 1, k])),
    ),
    Accepted("G", S("i", n[m - 1], lambda i: G[m - 1, l, i, j] * w[m, k, i] * hp(m - 1, i))),
    Accepted(
        "B",
        S(
            "q",
            n[m + 1],
            lambda q: w[m + 1, q, k] * (hp(m, k) * B[m + 1, l, q, j] + hpp(m, k) * G[m, l, k, j] * delta[m + 1, q]),
        ),
    ),
    Accepted("B output", S("q", n[L], lambda q: M[q, k] * G[L, l, q, j])),
    Accepted(
        "Hessian",
        z[l - 1, i] * (hp(m - 1, p) * delta[m, k] * G[m - 1, l, p, j] + B[m, l, k, j] * z[m - 1, p]),
    ),
    Accepted(
        "diagonal",
        S(
            "k",
            n[l + 1],
            lambda k: (hp(l, j) * w[l + 1, k, j]) ** 2 * Hdiag[l + 1, k] + hpp(l, j) * delta[l + 1, k] * w[l + 1, k, j],
        ),
    ),
    Accepted("squared delta", -(t[q] - o[q])),
    Accepted("squared M", I(p, q)),
    Accepted("softmax delta", S("k", K, lambda k: t[k] * (y[q] - I(k, q)))),
    Accepted("softmax M", y[p] * I(p, q) - y[p] * y[q]),
    Accepted("softmax M", y[q] * (I(p, q) - y[p])),
    Accepted(
        "Gauss-Newton",
        S("k", K, lambda k: S("n", N, lambda s: Diff(theta[i], Y[s, k]) * Diff(theta[j], Y[s, k])))
        - S("n", N, lambda s: S("k", K, lambda k: (T[s, k] - Y[s, k]) * Diff(theta[i], Diff(theta[j], Y[s, k])))),
    ),
    Accepted("gamma", S("i", W, lambda i: lam[i] / (alpha + lam[i]))),
    Accepted("gamma", S("k", W, lambda k: 1 - alpha / (lam[k] + alpha))),
    Accepted("ridge", -S("k", W, lambda k: lam[k] / (alpha + lam[k]) ** 2)),
    Accepted("ridge", S("k", W, lambda k: alpha / (alpha + lam[k]) ** 2) - S("p", W, lambda p: (alpha + lam[p]) ** -1)),
]


def _back(e: Callable[[Expr], Expr]) -> Expr:
    return S("k", n[l + 1], e)


REFUSED = [
    # ---------------------------------------------------------------------------------------- backpropagation
    Refused("missing prime", "backprop", "h for h'", lambda: h(a[l, j]) * back_sum, backprop),
    Refused("missing prime", "backprop", "h'' for h'", lambda: hpp(l, j) * back_sum, backprop),
    Refused("missing term", "backprop", "no h'", lambda: back_sum, back_sum),
    Refused("wrong layer", "backprop", "h' of z", lambda: h(z[l, j]).fdiff() * back_sum, h(z[l, j]).fdiff() * back_sum),
    Refused(
        "wrong index",
        "backprop",
        "delta_j under the sum",
        lambda: hp(l, j) * _back(lambda k: w[l + 1, k, j] * delta[l + 1, j]),
        None,
    ),
    Refused(
        "wrong index",
        "backprop",
        "h'(a_k) under the sum",
        lambda: _back(lambda k: hp(l, k) * w[l + 1, k, j] * delta[l + 1, k]),
        None,
    ),
    Refused(
        "transposed weight",
        "backprop",
        "w_jk for w_kj",
        lambda: hp(l, j) * _back(lambda k: w[l + 1, j, k] * delta[l + 1, k]),
        None,
    ),
    Refused(
        "lost sum",
        "backprop",
        "no sum over k",
        lambda: hp(l, j) * w[l + 1, k, j] * delta[l + 1, k],
        hp(l, j) * back_sum,
    ),
    Refused(
        "lost sum",
        "backprop",
        "product of sums",
        lambda: hp(l, j) * _back(lambda k: w[l + 1, k, j]) * _back(lambda k: delta[l + 1, k]),
        hp(l, j) * back_sum,
    ),
    Refused(
        "wrong range",
        "backprop",
        "k up to n_l",
        lambda: hp(l, j) * S("k", n[l], lambda k: w[l + 1, k, j] * delta[l + 1, k]),
        None,
    ),
    Refused(
        "wrong layer",
        "backprop",
        "w of layer l",
        lambda: hp(l, j) * _back(lambda k: w[l, k, j] * delta[l + 1, k]),
        None,
    ),
    Refused(
        "wrong layer",
        "backprop",
        "delta of layer l",
        lambda: hp(l, j) * _back(lambda k: w[l + 1, k, j] * delta[l, k]),
        None,
    ),
    Refused("wrong layer", "backprop", "h' of layer l-1", lambda: hp(l - 1, j) * back_sum, None),
    Refused("sign", "backprop", "minus", lambda: -hp(l, j) * back_sum, hp(l, j) * back_sum),
    Refused("factor 2", "backprop", "twice", lambda: 2 * hp(l, j) * back_sum, 2 * hp(l, j) * back_sum),
    # ---------------------------------------------------------------------------------------------- gradients
    Refused("wrong layer", "weight gradient", "z of layer l", lambda: delta[l, j] * z[l, i], None),
    Refused("transposed weight", "weight gradient", "delta_i z_j", lambda: delta[l, i] * z[l - 1, j], None),
    Refused("wrong layer", "weight gradient", "a for z", lambda: delta[l, j] * a[l - 1, i], delta[l, j] * a[l - 1, i]),
    Refused(
        "missing prime",
        "weight gradient",
        "an h' too many",
        lambda: delta[l, j] * hp(l, j) * z[l - 1, i],
        hp(l, j) * z[l - 1, i] * delta[l, j],
    ),
    Refused(
        "lost sum",
        "weight gradient",
        "a sum too many",
        lambda: delta[l, j] * S("i", n[l - 1], lambda i: z[l - 1, i]),
        delta[l, j] * z[l - 1, i],
    ),
    Refused(
        "wrong index",
        "weight gradient",
        "surviving sum over outputs",
        lambda: S("k", n[l], lambda k: delta[l, k] * z[l - 1, i]),
        delta[l, j] * z[l - 1, i],
    ),
    Refused("missing term", "weight gradient", "no z", lambda: delta[l, j], delta[l, j]),
    Refused("wrong layer", "bias gradient", "delta of layer l+1", lambda: delta[l + 1, j], None),
    Refused("missing term", "bias gradient", "a z too many", lambda: delta[l, j] * z[l, j], delta[l, j] * z[l, j]),
    # ------------------------------------------------------------------------------------------- output errors
    Refused("sign", "squared delta", "t - y", lambda: t[q] - o[q], t[q]),
    Refused("factor 2", "squared delta", "2 (y - t)", lambda: 2 * (o[q] - t[q]), 2 * o[q]),
    Refused("lost sum", "squared delta", "a sum too many", lambda: S("k", K, lambda k: o[k] - t[k]), o[q]),
    Refused(
        "missing term", "logistic delta", "y (1 - y) left over", lambda: (y[q] - t[q]) * y[q] * (1 - y[q]), y[q] ** 2
    ),
    Refused("wrong index", "softmax M", "y_p y_p", lambda: y[p] * (I(p, q) - y[p]), -(y[p] ** 2)),
    Refused("sign", "softmax M", "plus y_p y_q", lambda: y[p] * (I(p, q) + y[q]), y[p] * y[q]),
    Refused("missing term", "softmax M", "diagonal only", lambda: y[p] * I(p, q), -y[p] * y[q]),
    Refused(
        "wrong index",
        "softmax M",
        "diagonal of the logistic",
        lambda: y[p] * (1 - y[p]) * I(p, q),
        -y[p] * y[q],
    ),
    # ------------------------------------------------------------------------------------------------ R operator
    Refused(
        "missing term",
        "R a",
        "v z lost",
        lambda: S("i", n[l - 1], lambda i: w[l, j, i] * r(z[l - 1, i])) + u[l, j],
        S("i", n[l - 1], lambda i: v[l, j, i] * z[l - 1, i]),
    ),
    Refused(
        "missing term",
        "R a",
        "bias direction lost",
        lambda: S("i", n[l - 1], lambda i: w[l, j, i] * r(z[l - 1, i]) + v[l, j, i] * z[l - 1, i]),
        u[l, j],
    ),
    Refused(
        "wrong layer",
        "R a",
        "R a for R z",
        lambda: S("i", n[l - 1], lambda i: w[l, j, i] * r(a[l - 1, i]) + v[l, j, i] * z[l - 1, i]) + u[l, j],
        S("i", n[l - 1], lambda i: w[l, j, i] * r(a[l - 1, i])),
    ),
    Refused("missing prime", "R z", "h for h'", lambda: h(a[l, j]) * r(a[l, j]), h(a[l, j]) * r(a[l, j])),
    Refused(
        "missing prime",
        "R delta",
        "h' for h''",
        lambda: (
            hp(l, j)
            * (
                r(a[l, j]) * back_sum
                + _back(lambda k: v[l + 1, k, j] * delta[l + 1, k] + w[l + 1, k, j] * r(delta[l + 1, k]))
            )
        ),
        hpp(l, j) * r(a[l, j]) * back_sum,
    ),
    Refused(
        "missing term",
        "R delta",
        "R a lost",
        lambda: (
            hpp(l, j) * back_sum
            + hp(l, j) * _back(lambda k: v[l + 1, k, j] * delta[l + 1, k] + w[l + 1, k, j] * r(delta[l + 1, k]))
        ),
        hpp(l, j) * r(a[l, j]) * back_sum,
    ),
    Refused(
        "missing term",
        "R delta",
        "v delta lost",
        lambda: hpp(l, j) * r(a[l, j]) * back_sum + hp(l, j) * _back(lambda k: w[l + 1, k, j] * r(delta[l + 1, k])),
        hp(l, j) * _back(lambda k: v[l + 1, k, j] * delta[l + 1, k]),
    ),
    Refused(
        "wrong layer",
        "R delta",
        "R delta of layer l",
        lambda: (
            hpp(l, j) * r(a[l, j]) * back_sum
            + hp(l, j) * _back(lambda k: v[l + 1, k, j] * delta[l + 1, k] + w[l + 1, k, j] * r(delta[l, j]))
        ),
        hp(l, j) * r(delta[l, j]) * _back(lambda k: w[l + 1, k, j]),
    ),
    Refused(
        "missing term",
        "R weight gradient",
        "R z lost",
        lambda: r(delta[l, j]) * z[l - 1, i],
        delta[l, j] * r(z[l - 1, i]),
    ),
    Refused(
        "sign",
        "R weight gradient",
        "minus",
        lambda: r(delta[l, j]) * z[l - 1, i] - delta[l, j] * r(z[l - 1, i]),
        delta[l, j] * r(z[l - 1, i]),
    ),
    # -------------------------------------------------------------------------------------- the deep Hessian
    Refused(
        "missing prime",
        "G",
        "no h'",
        lambda: S("i", n[m - 1], lambda i: w[m, k, i] * G[m - 1, l, i, j]),
        S("i", n[m - 1], lambda i: w[m, k, i] * G[m - 1, l, i, j]),
    ),
    Refused(
        "wrong layer",
        "G",
        "h' of layer m",
        lambda: S("i", n[m - 1], lambda i: hp(m, k) * w[m, k, i] * G[m - 1, l, i, j]),
        hp(m, k) * S("i", n[m - 1], lambda i: w[m, k, i] * G[m - 1, l, i, j]),
    ),
    Refused(
        "wrong layer",
        "G",
        "G of layer m",
        lambda: S("i", n[m - 1], lambda i: hp(m - 1, i) * w[m, k, i] * G[m, l, i, j]),
        None,
    ),
    Refused(
        "missing term",
        "B",
        "h'' term lost",
        lambda: hp(m, k) * S("q", n[m + 1], lambda q: w[m + 1, q, k] * B[m + 1, l, q, j]),
        hpp(m, k) * G[m, l, k, j] * S("k", n[m + 1], lambda q: w[m + 1, q, k] * delta[m + 1, q]),
    ),
    Refused(
        "missing term",
        "B",
        "G lost in the h'' term",
        lambda: (
            hpp(m, k) * S("q", n[m + 1], lambda q: w[m + 1, q, k] * delta[m + 1, q])
            + hp(m, k) * S("q", n[m + 1], lambda q: w[m + 1, q, k] * B[m + 1, l, q, j])
        ),
        hpp(m, k) * S("q", n[m + 1], lambda q: w[m + 1, q, k] * delta[m + 1, q]),
    ),
    Refused(
        "transposed weight",
        "B",
        "w_kq for w_qk",
        lambda: (
            hpp(m, k) * G[m, l, k, j] * S("q", n[m + 1], lambda q: w[m + 1, q, k] * delta[m + 1, q])
            + hp(m, k) * S("q", n[m + 1], lambda q: w[m + 1, k, q] * B[m + 1, l, q, j])
        ),
        None,
    ),
    Refused("missing term", "B output", "M lost", lambda: G[L, l, k, j], G[L, l, k, j]),
    Refused(
        "wrong index",
        "B output",
        "diagonal of M only",
        lambda: M[k, k] * G[L, l, k, j],
        G[L, l, k, j] * M[k, k],
    ),
    Refused(
        "missing term",
        "Hessian",
        "no delta h' G: as if z^(m-1) did not depend on a^(l)",
        lambda: z[l - 1, i] * B[m, l, k, j] * z[m - 1, p],
        hp(m - 1, p) * z[l - 1, i] * delta[m, k] * G[m - 1, l, p, j],
    ),
    Refused(
        "wrong index",
        "Hessian",
        "j and k exchanged in B",
        lambda: z[l - 1, i] * (hp(m - 1, p) * delta[m, k] * G[m - 1, l, p, j] + B[m, l, j, k] * z[m - 1, p]),
        None,
    ),
    Refused(
        "wrong index",
        "Hessian same layer",
        "i and p exchanged in only one factor",
        lambda: z[l - 1, p] * B[l, l, k, j] * z[l - 1, p],
        z[l - 1, p] ** 2 * B[l, l, k, j],
    ),
    # ---------------------------------------------------------------- (5.81), Gauss-Newton, evidence framework
    Refused(
        "missing prime",
        "diagonal",
        "h' not squared",
        lambda: hp(l, j) * _back(lambda k: w[l + 1, k, j] ** 2 * Hdiag[l + 1, k]) + hpp(l, j) * back_sum,
        hp(l, j) ** 2 * _back(lambda k: w[l + 1, k, j] ** 2 * Hdiag[l + 1, k]),
    ),
    Refused(
        "factor 2",
        "diagonal",
        "w not squared",
        lambda: hp(l, j) ** 2 * _back(lambda k: w[l + 1, k, j] * Hdiag[l + 1, k]) + hpp(l, j) * back_sum,
        hp(l, j) ** 2 * _back(lambda k: w[l + 1, k, j] * Hdiag[l + 1, k]),
    ),
    Refused(
        "lost sum",
        "diagonal",
        "square of the sum",
        lambda: hp(l, j) ** 2 * _back(lambda k: w[l + 1, k, j] * Hdiag[l + 1, k]) ** 2 + hpp(l, j) * back_sum,
        hp(l, j) ** 2 * _back(lambda k: w[l + 1, k, j] ** 2 * Hdiag[l + 1, k]),
    ),
    Refused(
        "missing term",
        "Gauss-Newton",
        "the residual term",
        lambda: S("n", N, lambda s: S("k", K, lambda k: Diff(theta[i], Y[s, k]) * Diff(theta[j], Y[s, k]))),
        S("n", N, lambda s: S("k", K, lambda k: Y[s, k] * Diff(theta[i], Diff(theta[j], Y[s, k])))),
    ),
    Refused(
        "sign",
        "Gauss-Newton",
        "t - y",
        lambda: S(
            "n",
            N,
            lambda s: S(
                "k",
                K,
                lambda k: (
                    Diff(theta[i], Y[s, k]) * Diff(theta[j], Y[s, k])
                    + (T[s, k] - Y[s, k]) * Diff(theta[i], Diff(theta[j], Y[s, k]))
                ),
            ),
        ),
        S("n", N, lambda s: S("k", K, lambda k: T[s, k] * Diff(theta[i], Diff(theta[j], Y[s, k])))),
    ),
    Refused(
        "lost sum",
        "residual gradient",
        "product of sums for sum of products",
        lambda: (
            S("n", N, lambda s: S("k", K, lambda k: Y[s, k] - T[s, k]))
            * S("n", N, lambda s: S("k", K, lambda k: Diff(theta[i], Y[s, k])))
        ),
        S("n", N, lambda s: S("k", K, lambda k: Y[s, k] * Diff(theta[i], Y[s, k]))),
    ),
    Refused(
        "factor 2",
        "residual gradient",
        "the half lost",
        lambda: 2 * S("n", N, lambda s: S("k", K, lambda k: (Y[s, k] - T[s, k]) * Diff(theta[i], Y[s, k]))),
        2 * S("n", N, lambda s: S("k", K, lambda k: Y[s, k] * Diff(theta[i], Y[s, k]))),
    ),
    Refused(
        "sign",
        "gamma",
        "plus",
        lambda: S("i", W, lambda i: 1 + alpha / (alpha + lam[i])),
        alpha * S("i", W, lambda i: 1 / (alpha + lam[i])),
    ),
    Refused(
        "lost sum",
        "gamma",
        "1 for W",
        lambda: 1 - S("i", W, lambda i: alpha / (alpha + lam[i])),
        W,
    ),
    Refused(
        "wrong index",
        "gamma",
        "numerator outside",
        lambda: S("i", W, lambda i: lam[i]) * S("i", W, lambda i: 1 / (alpha + lam[i])),
        W,
    ),
    Refused(
        "sign",
        "ridge",
        "sign of the derivative",
        lambda: S("i", W, lambda i: lam[i] / (alpha + lam[i]) ** 2),
        S("i", W, lambda i: 1 / (alpha + lam[i])),
    ),
    Refused(
        "factor 2",
        "ridge",
        "power",
        lambda: -S("i", W, lambda i: lam[i] / (alpha + lam[i])),
        -W,
    ),
]
