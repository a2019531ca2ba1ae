r"""The quadratic model $E+\sum_pg_ps_p+\tfrac12\sum_{pr}s_pH_{pr}s_r$ of an error: its slope, and descent on it."""

from __future__ import annotations

import sympy as sp

from hesslib.calculus.derivation import CONSTANT, Derivation, same
from hesslib.calculus.index import Diff, S, Tensor, index
from hesslib.calculus.steps import Formula, Refusal, Steps

from .network import E

__all__ = ["descent_factor", "half_forgotten", "hessian", "slope"]

P = sp.Symbol("P", integer=True, positive=True)
p, q, r = index("p q r")
w, g, s, e = (Tensor(name, shape=(P,)) for name in "wgse")  # parameters, gradient, step, coordinates along eigenvectors
H = Tensor("H", shape=(P, P), symmetric=True)
lam = Tensor("lambda", latex=r"\lambda", shape=(P,))
eta = sp.Symbol("eta", positive=True)


def hessian() -> Formula:
    """What the Hessian is."""
    return Formula(H[p, q], Diff(w[p], Diff(w[q], E)))


def slope() -> Steps:
    """The derivative of the model by one entry of the step."""
    curved = S("p", P, lambda p: S("r", P, lambda r: s[p] * H[p, r] * s[r]))
    model = S("p", P, lambda p: g[p] * s[p]) + sp.Rational(1, 2) * curved
    D = Derivation(s[q], {s: same(q), g: CONSTANT, H: CONSTANT})
    chain = Steps(D.named(model))
    chain.then(D.raw(model), "product rule", by=D)
    return chain.then(g[q] + S("r", P, lambda r: H[q, r] * s[r]), "$H$ is symmetric", by=D)


def half_forgotten() -> Refusal:
    """The slope of the model without its factor one half, refused."""
    return slope().refuses(g[q] + 2 * S("r", P, lambda r: H[q, r] * s[r]), r"$\tfrac12$ forgotten")


def descent_factor() -> Steps:
    r"""A step of steepest descent along the eigenvectors, where the model is $\tfrac12\sum_p\lambda_pe_p^2$."""
    bowl = sp.Rational(1, 2) * S("p", P, lambda p: lam[p] * e[p] ** 2)
    D = Derivation(e[q], {e: same(q), lam: CONSTANT})
    chain = Steps(e[q] - eta * D.named(bowl))
    chain.then(e[q] - eta * lam[q] * e[q], "differentiate", by=D)
    return chain.stated((1 - eta * lam[q]) * e[q])
