r"""The three output/loss pairs for which $\delta^{(L)}=y-t$, each derived, with its curvature $M$.

One pattern, K outputs; $a_k$ stands for $a^{(L)}_k$, and $y_k$ is the output that belongs to it.

| pair | $y_k$ | $E$ | $M_{qq'}$ |
|---|---|---|---|
| identity, squared error | $a_k$ | $\frac12\sum_k(y_k-t_k)^2$ | $I_{qq'}$ |
| logistic, cross-entropy | $1/(1+e^{-a_k})$ | $-\sum_k t_k\ln y_k+(1-t_k)\ln(1-y_k)$ | $y_q(1-y_q)I_{qq'}$ |
| softmax, cross-entropy | $e^{a_k}/\sum_me^{a_m}$ | $-\sum_kt_k\ln y_k$, with $\sum_kt_k=1$ | $y_q(I_{qq'}-y_{q'})$ |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy import Expr, Indexed, Rational

from hesslib.calculus.derivation import CONSTANT, Derivation, same
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, index
from hesslib.calculus.let import Let
from hesslib.calculus.rewriting import fact
from hesslib.calculus.steps import Steps
from hesslib.calculus.tidy import tidy

from .network import E

K = sp.Symbol("K", integer=True, positive=True)
k, q, q_ = index("k q q'")
a = Tensor("a", shape=(K,), pattern=True)
y = Tensor("y", shape=(K,), pattern=True)
t = Tensor("t", shape=(K,), pattern=True)
Z = Let(sp.Symbol("Z", positive=True), lambda: S("m", K, lambda m: sp.exp(a[m])))  # the sum of all exponentials


def targets_sum_to_one(e: Expr, /) -> Expr:
    r"""The fact $\sum_kt_k=1$, used from left to right."""
    return _targets_sum_to_one(tidy(e))


_targets_sum_to_one = fact(S("k", K, lambda k: t[k]), sp.S.One)


def exponentials_are_outputs(e: Expr, /) -> Expr:
    r"""The definition of softmax read backwards: $e^{a_k}=Z\,y_k$."""
    return tidy(e.replace(_is_exponential_of_a, lambda x: Z * y[x.args[0].indices[0]]))


def _is_exponential_of_a(x: Any) -> bool:
    return isinstance(x, sp.exp) and isinstance(x.args[0], Indexed) and x.args[0].base == a


def softmax_derivative() -> Steps:
    r"""$\partial y_k/\partial a_q=y_k(I_{kq}-y_q)$, with $Z=\sum_me^{a_m}$ differentiated by its own definition."""
    D = Derivation(a[q], {a: same(q)})
    s = Steps(Diff(a[q], y[k]))
    s.then(D.named(sp.exp(a[k]) / Z), "definition", using={y: lambda k: sp.exp(a[k]) / Z})
    s.then(D(sp.exp(a[k]) / Z), "quotient rule", by=D)
    s.then(y[k] * KroneckerDelta(k, q) - y[k] * y[q], "as $e^{a_k}=Zy_k$", using=exponentials_are_outputs)
    return s.stated(y[k] * (KroneckerDelta(k, q) - y[q]))


def logistic_derivative() -> Steps:
    r"""$\partial y_k/\partial a_q=y_k(1-y_k)I_{kq}$."""
    definition = {y: lambda k: 1 / (1 + sp.exp(-a[k]))}
    D = Derivation(a[q], {a: same(q)})
    s = Steps(Diff(a[q], y[k]))
    s.then(D.named(definition[y](k)), "definition", using=definition)
    s.then(D(definition[y](k)), "chain rule", by=D)
    return s.then(y[k] * (1 - y[k]) * KroneckerDelta(k, q), "insert $y$", using=definition)


@dataclass(frozen=True)
class Pair:
    """An output nonlinearity and the loss that belongs to it."""

    name: str
    output: Expr  # y_k as a function of a
    error: Expr  # E as a function of y and t
    slope: Callable[[Any, Any], Expr]  # d y_k / d a_q, proved by `slope_steps`
    chain: Callable[[Any], Expr]  # dE/da_q by the chain rule, the slope still named
    curvature: Expr  # M_{q q'}
    slope_steps: Steps | None = None
    fact: Callable[[Expr], Expr] = tidy
    reason: str = "slope of the output"

    def derivative(self, by: Any, /) -> Derivation:
        r"""$\partial/\partial a_{by}$, with the slope of the output as a rule."""
        return Derivation(a[by], {a: same(by), t: CONSTANT, y: lambda k: self.slope(k, by)})

    def delta(self) -> Steps:
        r"""$\delta_q=\partial E/\partial a_q=y_q-t_q$."""
        D = self.derivative(q)
        s = Steps(Diff(a[q], E))
        s.then(D.named(self.error), "the error", using={E: lambda: self.error})
        s.then(self.chain(q), "chain rule", by=D)
        return s.then(y[q] - t[q], self.reason, by=D, using=self.fact)

    def M(self) -> Steps:
        r"""$M_{qq'}=\partial^2E/\partial a_q\partial a_{q'}=\partial\delta_q/\partial a_{q'}$."""
        D = self.derivative(q_)
        delta = y[q] - t[q]
        s = Steps(Diff(a[q_], Diff(a[q], E)))
        s.then(D.named(delta), r"as $\delta_q=y_q-t_q$", using=lambda e: _insert_delta(e, self.delta().result))
        return s.then(self.curvature, "slope of the output", by=D)


def _insert_delta(e: Expr, delta: Expr) -> Expr:
    return e.replace(lambda x: x == Diff(a[q], E), lambda _: delta)


def _delta_kron(k: Any, q: Any) -> Expr:
    return KroneckerDelta(k, q)


squared_error = Pair(
    "identity output, squared error",
    a[k],
    Rational(1, 2) * S("k", K, lambda k: (y[k] - t[k]) ** 2),
    _delta_kron,
    lambda q: S("k", K, lambda k: (y[k] - t[k]) * Diff(a[q], y[k])),
    KroneckerDelta(q, q_),
)
binary_cross_entropy = Pair(
    "logistic outputs, cross-entropy",
    1 / (1 + sp.exp(-a[k])),
    -S("k", K, lambda k: t[k] * sp.log(y[k]) + (1 - t[k]) * sp.log(1 - y[k])),
    lambda k, q: y[k] * (1 - y[k]) * KroneckerDelta(k, q),
    lambda q: S("k", K, lambda k: (y[k] - t[k]) / (y[k] * (1 - y[k])) * Diff(a[q], y[k])),
    y[q] * (1 - y[q]) * KroneckerDelta(q, q_),
    logistic_derivative(),
)
softmax_cross_entropy = Pair(
    "softmax outputs, cross-entropy",
    sp.exp(a[k]) / Z,
    -S("k", K, lambda k: t[k] * sp.log(y[k])),
    lambda k, q: y[k] * (KroneckerDelta(k, q) - y[q]),
    lambda q: -S("k", K, lambda k: t[k] / y[k] * Diff(a[q], y[k])),
    y[q] * (KroneckerDelta(q, q_) - y[q_]),
    softmax_derivative(),
    targets_sum_to_one,
    r"slope of the output, and $\sum_kt_k=1$",
)
PAIRS = (squared_error, binary_cross_entropy, softmax_cross_entropy)
