r"""Second derivatives of a network of any depth, each derived for symbolic widths and layer numbers.

The exact Hessian needs two families of arrays, $G^{(m,l)}=\partial a^{(m)}/\partial a^{(l)}$ and
$B^{(m,l)}=\partial\delta^{(m)}/\partial a^{(l)}$ for $m\ge l$. A forward sweep gives $G$ from
$G^{(l,l)}=I$, a backward sweep gives $B$ from $B^{(L,l)}=MG^{(L,l)}$; every block of the Hessian is a product of these
with activations. Pearlmutter's $\mathcal R\{\cdot\}$ gives $Hv$ without any of them.

Each function returns the chain of :class:`~hesslib.calculus.steps.Steps` that proves its formula.

Longer than one sitting: the cases of two layer numbers are one proof.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, Derivation
from hesslib.calculus.index import Diff, KroneckerDelta, S
from hesslib.calculus.steps import Steps

from .network import (
    B,
    E,
    G,
    L,
    M,
    R,
    a,
    b,
    definitions,
    delta,
    error_signal,
    hp,
    hpp,
    i,
    j,
    k,
    l,
    m,
    n,
    order,
    p,
    u,
    v,
    w,
    wrt_a,
    wrt_b,
    wrt_w,
    z,
)

names = {G: lambda y, x, k, j: Diff(a[x, j], a[y, k]), B: lambda y, x, k, j: Diff(a[x, j], delta[y, k])}
"""What the named derivatives are."""


def _at(layer: Any, head: Any, body: Any) -> dict:
    """Insert what ``head`` stands for in one layer only."""
    return {head: lambda y, *rest: body(*rest) if y == layer else head[(y, *rest)]}


def backpropagation() -> Steps:
    r"""$\delta^{(l)}_j=h'(a^{(l)}_j)\sum_kw^{(l+1)}_{kj}\delta^{(l+1)}_k$, for $l<L$."""
    D = wrt_a(l, j)
    s = Steps(delta[l, j])
    s.then(Diff(a[l, j], E), "definition", using=error_signal)
    s.then(S("k", n[l + 1], lambda k: delta[l + 1, k] * D.named(a[l + 1, k])), "chain rule", by=D)
    return s.then(_signal(l, j), "insert, contract", by=D)


def _signal(y: Any, unit: Any) -> Expr:
    return hp(y, unit) * S("k", n[y + 1], lambda k: w[y + 1, k, unit] * delta[y + 1, k])


# ------------------------------------------------------------------------------------- the two families of arrays
def forward_response() -> Steps:
    r"""$G^{(m,l)}_{kj}=\sum_ih'(a^{(m-1)}_i)\,w^{(m)}_{ki}\,G^{(m-1,l)}_{ij}$, for $m>l$; $G^{(l,l)}_{kj}=I_{kj}$."""
    D = wrt_a(l, j)
    s = Steps(G[m, l, k, j])
    s.then(D.named(a[m, k]), "definition", using=names)
    inserted = definitions[a](m, k)
    s.then(D.named(inserted), "insert $a^{(m)}_k$", using=_at(m, a, lambda unit: definitions[a](m, unit)))
    s.then(S("i", n[m - 1], lambda i: w[m, k, i] * hp(m - 1, i) * D.named(a[m - 1, i])), "chain rule", by=D)
    return s.then(S("i", n[m - 1], lambda i: hp(m - 1, i) * w[m, k, i] * G[m - 1, l, i, j]), "name", using=names)


def forward_response_base() -> Steps:
    """The base case of the forward sweep: a layer's response to itself is the identity."""
    D = wrt_a(l, j)
    return (
        Steps(G[l, l, k, j])
        .then(D.named(a[l, k]), "definition", using=names)
        .then(KroneckerDelta(k, j), "independent units", by=D)
    )


def output_response() -> Steps:
    r"""$B^{(L,l)}_{kj}=\sum_{k'}M_{kk'}G^{(L,l)}_{k'j}$: the base case of the backward sweep."""
    D = wrt_a(l, j)
    s = Steps(B[L, l, k, j])
    s.then(D.named(delta[L, k]), "definition", using=names)
    s.then(S("k'", n[L], lambda q: M[k, q] * D.named(a[L, q])), r"$\delta^{(L)}$ depends on $a^{(L)}$ only", by=D)
    return s.then(S("k'", n[L], lambda q: M[k, q] * G[L, l, q, j]), "name", using=names)


def backward_response() -> Steps:
    r"""$B^{(m,l)}$ from $B^{(m+1,l)}$, for $l\le m<L$."""
    D = wrt_a(l, j)
    s = Steps(B[m, l, k, j])
    s.then(D.named(delta[m, k]), "definition", using=names)
    s.then(D.named(_signal(m, k)), "backpropagation", using=_at(m, delta, lambda unit: _signal(m, unit)))
    curvature = hpp(m, k) * D.named(a[m, k]) * S("k'", n[m + 1], lambda q: w[m + 1, q, k] * delta[m + 1, q])
    s.then(
        curvature + hp(m, k) * S("k'", n[m + 1], lambda q: w[m + 1, q, k] * D.named(delta[m + 1, q])),
        "product rule",
        by=D,
    )
    return s.then(
        hpp(m, k) * G[m, l, k, j] * S("k'", n[m + 1], lambda q: w[m + 1, q, k] * delta[m + 1, q])
        + hp(m, k) * S("k'", n[m + 1], lambda q: w[m + 1, q, k] * B[m + 1, l, q, j]),
        "name",
        using=names,
    )


# --------------------------------------------------------------------------------------------------- the blocks
def through_layer(variable: Expr, l: Any, /, *, above: bool) -> Derivation:
    r"""The derivation by a weight or bias of layer ``l``, acting on what lies at or above it through $a^{(l)}$ alone.

    $\partial Q/\partial w^{(l)}_{ji}=\sum_q(\partial Q/\partial a^{(l)}_q)\,\partial a^{(l)}_q/\partial w^{(l)}_{ji}$.
    ``above`` says where the other weight's layer m is: above l, or l itself, whose inputs $z^{(l-1)}$ are constant.
    """
    own = wrt_w(*variable.indices) if variable.base == w else wrt_b(*variable.indices)

    def response(family: Any, y: Expr, unit: Expr) -> Expr:
        return S("q", n[l], lambda q: family[y, l, unit, q] * own.raw(definitions[a](l, q)))

    def of_z(y: Expr, unit: Expr) -> Expr:
        return hp(y, unit) * response(G, y, unit) if above else sp.S.Zero

    return Derivation(variable, {delta: lambda y, unit: response(B, y, unit), z: of_z, w: CONSTANT, b: CONSTANT})


def block(second: Expr, first: Expr, /) -> Steps:
    r"""The Hessian entry of two parameters, each a weight or a bias; ``first`` is not in a layer above ``second``.

    ``block(w[m, k, p], w[l, j, i])`` is for $m>l$, ``block(w[l, k, p], w[l, j, i])`` within a layer.
    """
    y, x = second.indices[0], first.indices[0]
    above = order(y, x) != 0
    by_first, by_second = through_layer(first, x, above=above), _gradient_derivation(second)
    gradient = delta[second.indices[:2]] * (z[y - 1, second.indices[2]] if second.base == w else 1)
    s = Steps(Diff(first, Diff(second, E)))
    s.then(by_first.named(gradient), "the gradient", using=lambda e: _worked_out(e, second, by_second))
    return s.then(by_first(gradient), f"through layer ${sp.latex(x)}$", by=by_first)


def _gradient_derivation(x: Expr) -> Derivation:
    return wrt_w(*x.indices) if x.base == w else wrt_b(*x.indices)


def _worked_out(e: Expr, variable: Expr, D: Derivation) -> Expr:
    """Carry out the inner derivative of E only."""
    return e.replace(lambda x: x == Diff(variable, E), lambda x: D(E))


def weight_weight() -> Steps:
    """The block of weights of layer m > l against weights of layer l."""
    return block(w[m, k, p], w[l, j, i]).stated(
        z[l - 1, i] * (hp(m - 1, p) * delta[m, k] * G[m - 1, l, p, j] + B[m, l, k, j] * z[m - 1, p])
    )


def weight_weight_same_layer() -> Steps:
    """The block of the weights of one layer."""
    return block(w[l, k, p], w[l, j, i]).stated(B[l, l, k, j] * z[l - 1, p] * z[l - 1, i])


# ---------------------------------------------------------------------------------------------- the R-operator
def R_forward() -> tuple[Steps, Steps]:
    r"""$\mathcal R\{a^{(l)}_j\}$ and $\mathcal R\{z^{(l)}_j\}$; $\mathcal R\{z^{(0)}\}=0$."""
    pre = Steps(R.named(a[l, j]))
    pre.then(R.named(definitions[a](l, j)), "definition", using=_at(l, a, lambda unit: definitions[a](l, unit)))
    pre.then(
        S("i", n[l - 1], lambda i: v[l, j, i] * z[l - 1, i] + w[l, j, i] * R.named(z[l - 1, i])) + u[l, j],
        r"product rule, $\mathcal R\{w\}=v$, $\mathcal R\{b\}=u$",
        by=R,
    )
    post = Steps(R.named(z[l, j]))
    post.then(R.named(definitions[z](l, j)), "definition", using=_at(l, z, lambda unit: definitions[z](l, unit)))
    return pre, post.then(hp(l, j) * R.named(a[l, j]), "chain rule", by=R)


def R_backward() -> tuple[Steps, Steps]:
    r"""$\mathcal R\{\delta^{(L)}_k\}$ and $\mathcal R\{\delta^{(l)}_j\}$."""
    through_outputs = R.but({delta: lambda y, k: S("k'", n[L], lambda q: M[k, q] * R.named(a[L, q]))})
    output = Steps(R.named(delta[L, k])).then(
        S("k'", n[L], lambda q: M[k, q] * R.named(a[L, q])),
        r"$\delta^{(L)}$ depends on $a^{(L)}$ only",
        by=through_outputs,
    )
    hidden = Steps(R.named(delta[l, j]))
    hidden.then(R.named(_signal(l, j)), "backpropagation", using=_at(l, delta, lambda unit: _signal(l, unit)))
    hidden.then(
        hpp(l, j) * R.named(a[l, j]) * S("k", n[l + 1], lambda k: w[l + 1, k, j] * delta[l + 1, k])
        + hp(l, j) * S("k", n[l + 1], lambda k: v[l + 1, k, j] * delta[l + 1, k])
        + hp(l, j) * S("k", n[l + 1], lambda k: w[l + 1, k, j] * R.named(delta[l + 1, k])),
        "product and chain rule",
        by=R,
    )
    return output, hidden


def R_gradient() -> tuple[Steps, Steps]:
    """The entries of $Hv$, for weights and for biases."""
    Dw, Db = wrt_w(l, j, i), wrt_b(l, j)
    weights = Steps(R.named(Diff(w[l, j, i], E)))
    weights.then(R.named(delta[l, j] * z[l - 1, i]), "the gradient", using=lambda e: _worked_out(e, w[l, j, i], Dw))
    weights.then(R.named(delta[l, j]) * z[l - 1, i] + delta[l, j] * R.named(z[l - 1, i]), "product rule", by=R)
    biases = Steps(R.named(Diff(b[l, j], E)))
    biases.then(R.named(delta[l, j]), "the gradient", using=lambda e: _worked_out(e, b[l, j], Db))
    return weights, biases
