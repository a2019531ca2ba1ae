r"""Why the two orders of differentiation agree at any depth, and what the agreement rests on.

The block of layers m > l can be had in two ways: differentiate the gradient of layer m by a weight of layer l, which
needs $B^{(m,l)}$, or the gradient of layer l by a weight of layer m, which needs only $B^{(m,m)}$ and $G^{(m,l)}$.
They agree because

    B^(m,l) = B^(m,m) G^(m,l)   and   B^(m,m) is symmetric,

and both are proved here from the recursions alone, by induction downward from the last layer: each function returns a
chain for the base case or for one step of the induction, for symbolic widths and layer numbers.

Longer than one sitting: both orders of differentiation, worked out side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr, Indexed

from hesslib.calculus.derivation import Derivation, same, unfold
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor
from hesslib.calculus.rewriting import assuming
from hesslib.calculus.steps import Steps

from .deep_hessian import backward_response, block, forward_response, names
from .network import B, E, G, L, M, a, delta, error_signal, hp, hpp, i, j, k, l, m, n, p, q, w, wrt_a, z

Definition = dict[Any, Callable[..., Expr]]

symmetric_B = Tensor("B", layers=1, shape=lambda y: (n[y], n[y]), symmetric=True, pattern=True)


def where(head: Tensor, applies: Callable[[Any, Any], Any], body: Callable[..., Expr], /) -> Definition:
    """Insert what an array of two layer numbers stands for, only at the layers for which ``applies(m, l)`` is true."""
    return {head: lambda y, x, r, s: body(y, x, r, s) if applies(y, x) else head[y, x, r, s]}


identity = where(G, lambda y, x: y == x, lambda y, x, r, s: KroneckerDelta(r, s))
r"""$G^{(l,l)}=I$."""

above_m = where(G, lambda y, x: y == m + 1 != x, lambda y, x, r, s: forward_response().at({m: m + 1, l: x, k: r, j: s}))
r"""$G^{(m+1,\cdot)}$ by the forward recursion."""

hypothesis = where(
    B,
    lambda y, x: y == m + 1 != x,
    lambda y, x, r, s: S("p", n[m + 1], lambda p: B[m + 1, m + 1, r, p] * G[m + 1, x, p, s]),
)
r"""The hypothesis of the induction: $B^{(m+1,\cdot)}=B^{(m+1,m+1)}G^{(m+1,\cdot)}$."""


def _in_turn(*definitions: Definition) -> Callable[[Expr], Expr]:
    def inserted(e: Expr) -> Expr:
        for definition in definitions:
            e = unfold(e, definition)
        return e

    return inserted


def _received(unit: Any) -> Expr:
    return S("k'", n[m + 1], lambda q: w[m + 1, q, unit] * delta[m + 1, q])


def _carried(unit: Any, other: Any) -> Expr:
    return (
        hp(m, unit)
        * hp(m, other)
        * S(
            "r",
            n[m + 1],
            lambda r: S("p", n[m + 1], lambda p: w[m + 1, r, unit] * B[m + 1, m + 1, r, p] * w[m + 1, p, other]),
        )
    )


def _own(unit: Any, other: Any) -> Expr:
    """The pre-activation Hessian of layer m from that of layer m + 1."""
    return hpp(m, unit) * KroneckerDelta(unit, other) * _received(unit) + _carried(unit, other)


# ------------------------------------------------------------------------------------------- B^(m,l) = B^(m,m) G^(m,l)
def own_response() -> Steps:
    r"""$B^{(m,m)}$, the pre-activation Hessian of layer m, from $B^{(m+1,m+1)}$ alone."""
    recursion = backward_response()
    s = Steps(B[m, m, k, q])
    s.then(
        recursion.at({l: m, j: q}),
        "recursion",
        using=where(B, lambda y, x: y == x == m, lambda y, x, r, c: recursion.at({l: m, k: r, j: c})),
    )
    return s.then(_own(k, q), "hypothesis, insert $G$", using=_in_turn(hypothesis, above_m, identity))


def factor_base() -> Steps:
    r"""$B^{(L,l)}=B^{(L,L)}G^{(L,l)}$: the base case, since $B^{(L,l)}=MG^{(L,l)}$ for every l."""
    at_top = where(
        B, lambda y, x: y == L, lambda y, x, r, s: S("k'", n[L], lambda q: M[r, q] * G[L, x, q, s])
    )  # the base of the backward sweep
    s = Steps(B[L, l, k, j])
    s.then(S("q", n[L], lambda q: M[k, q] * G[L, l, q, j]), "base of the backward sweep", using=at_top)
    return s.then(
        S("q", n[L], lambda q: B[L, L, k, q] * G[L, l, q, j]), "and $B^{(L,L)}=M$", using=_in_turn(at_top, identity)
    )


def factor_step() -> Steps:
    r"""$B^{(m,l)}=B^{(m,m)}G^{(m,l)}$ from the same for m + 1."""
    recursion, own = backward_response(), own_response()
    s = Steps(B[m, l, k, j])
    s.then(
        recursion.result,
        "recursion",
        using=where(B, lambda y, x: (y, x) == (m, l), lambda y, x, r, c: recursion.at({k: r, j: c})),
    )
    s.then(
        hpp(m, k) * G[m, l, k, j] * _received(k) + S("q", n[m], lambda q: _carried(k, q) * G[m, l, q, j]),
        "hypothesis, insert $G^{(m+1,l)}$",
        using=_in_turn(hypothesis, above_m),
    )
    return s.then(
        S("q", n[m], lambda q: B[m, m, k, q] * G[m, l, q, j]),
        "the pre-activation Hessian",
        using=where(B, lambda y, x: y == x == m, lambda y, x, r, c: own.at({k: r, q: c})),
    )


# -------------------------------------------------------------------------------------------------- symmetry of B^(m,m)
def _is_own(x: Any) -> bool:
    return isinstance(x, Indexed) and x.base == B and x.indices[0] == x.indices[1]


symmetric = assuming(
    B[m, m, k, q],
    B[m, m, q, k],
    lambda e: e.replace(_is_own, lambda x: symmetric_B[x.indices[0], x.indices[2], x.indices[3]]),
)
"""Write every $B^{(y,y)}$ as a symmetric array."""


def symmetry_step() -> Steps:
    r"""$B^{(m,m)}_{kq}=B^{(m,m)}_{qk}$ if $B^{(m+1,m+1)}$ is symmetric; the base case is the symmetry of M."""
    by_recursion = where(B, lambda y, x: y == x == m, lambda y, x, r, c: _own(r, c))
    s = Steps(B[m, m, k, q])
    s.then(_own(k, q), "recursion", using=by_recursion)
    s.then(_own(q, k), "$B^{(m+1,m+1)}$ is symmetric", using=symmetric)
    return s.then(B[m, m, q, k], "recursion", using=by_recursion)


# ------------------------------------------------------------------------------------------------------ the other order
def signal_from_above() -> Steps:
    r"""$\delta^{(l)}_j=\sum_r\delta^{(m)}_rG^{(m,l)}_{rj}$: backpropagation from layer m to layer l in one go."""
    D = wrt_a(l, j, through=m)
    s = Steps(delta[l, j]).then(Diff(a[l, j], E), "definition", using=error_signal)
    return s.then(
        S("r", n[m], lambda r: delta[m, r] * G[m, l, r, j]), "chain rule through layer $m$", using=names, by=D
    )


def other_order() -> Steps:
    r"""The block of m > l from the gradient of layer l, differentiated by $w^{(m)}_{kp}$."""
    D: Derivation = Derivation(
        w[m, k, p],
        {
            w: lambda y, r, c: same(k, p)(r, c) if y == m else sp.S.Zero,
            delta: lambda y, r: B[m, m, r, k] * z[m - 1, p],  # through a^(m)_k alone
            z: lambda y, r: sp.S.Zero,  # z of layer l - 1 and h' of layer m - 1 lie below m
            a: lambda y, r: sp.S.Zero,
            G: lambda y, x, r, c: D.raw(forward_response().at({k: r, j: c})) if y == m else sp.S.Zero,
        },
    )
    one_go = signal_from_above().result
    first = Diff(w[l, j, i], E)
    s = Steps(D.named(first))
    s.then(
        D.named(delta[l, j] * z[l - 1, i]),
        "the gradient",
        using=assuming(first, delta[l, j] * z[l - 1, i], lambda e: e.xreplace({first: delta[l, j] * z[l - 1, i]})),
    )
    s.then(
        z[l - 1, i] * D.named(one_go),
        "through layer $m$",
        using={delta: lambda y, r: signal_from_above().at({j: r}) if y == l else delta[y, r]},
        by=D,
    )
    G_below = hp(m - 1, p) * G[m - 1, l, p, j]
    s.then(
        z[l - 1, i] * delta[m, k] * G_below
        + z[l - 1, i] * z[m - 1, p] * S("q", n[m], lambda q: B[m, m, q, k] * G[m, l, q, j]),
        "both respond",
        by=D,
    )
    s.then(
        z[l - 1, i] * delta[m, k] * G_below
        + z[l - 1, i] * z[m - 1, p] * S("q", n[m], lambda q: B[m, m, k, q] * G[m, l, q, j]),
        "$B^{(m,m)}$ is symmetric",
        using=symmetric,
    )
    factored = where(
        B,
        lambda y, x: (y, x) == (m, l),
        lambda y, x, r, c: S("q", n[m], lambda q: B[m, m, r, q] * G[m, l, q, c]),
    )
    return s.then(block(w[m, k, p], w[l, j, i]).result.expand(), "$B^{(m,m)}G^{(m,l)}=B^{(m,l)}$", using=factored)
