r"""The perceptron as a chain of layers: inserting a dense layer into `any_layer` gives the formulas of `deep_hessian`.

A layer reaches from pre-activations to pre-activations, $a^{(l)}_k=\sum_iw^{(l)}_{ki}h(a^{(l-1)}_i)+b^{(l)}_k$, so that
the signal of the chain, the derivative by a layer's outputs, is the $\delta$ of backpropagation. Its derivatives are
derived here, and what `any_layer` says of every layer is compared with what was derived for this one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr, Indexed

from hesslib.calculus.derivation import CONSTANT, Derivation
from hesslib.calculus.index import Diff, KroneckerDelta, S, freshen
from hesslib.calculus.rewriting import assuming
from hesslib.calculus.steps import Steps

from . import any_layer, deep_hessian
from .any_layer import J, K, Phi, Psi, r, s
from .network import B, G, a, b, definitions, delta, h, hp, hpp, i, i_, j, k, l, m, n, p, q, w, z

__all__ = ["backward", "block", "forward", "gradient", "jacobian", "parameters", "second", "signal", "within"]

at_l: dict[Any, Callable[..., Expr]] = {a: lambda y, k: definitions[a](y, k) if y == l else a[y, k]}

dense: dict[Any, Callable[..., Expr]] = {
    J: lambda y, k, i: w[y, k, i] * hp(y - 1, i),
    Phi: lambda y, i, q: hpp(y - 1, i) * KroneckerDelta(i, q) * S("k", n[y], lambda k: delta[y, k] * w[y, k, i]),
}
"""What is inserted for a layer: derived by :func:`jacobian` and :func:`second`."""


def _by_weight(layer: Any, r: Any, to: Any, source: Any) -> Callable[[Expr], Expr]:
    """Parameter r of a layer is the weight to unit ``to`` from unit ``source``; derived by :func:`parameters`."""

    def of_K(k: Any) -> Expr:
        return KroneckerDelta(k, to) * z[layer - 1, source]

    def of_Psi(c: Any) -> Expr:
        return delta[layer, to] * KroneckerDelta(c, source) * hp(layer - 1, source)

    def inserted(head: Any, place: int, body: Callable[[Any], Expr]) -> Callable[[Expr], Expr]:
        def hit(x: Any) -> bool:
            if not (isinstance(x, Indexed) and x.base == head):
                return False
            return x.indices[0] == layer and x.indices[3 - place] == r

        at = (layer, q, r) if head == K else (layer, r, q)
        return assuming(head[at], body(q), lambda e: freshen(e).replace(hit, lambda x: body(x.indices[place])))

    first, second = inserted(K, 1, of_K), inserted(Psi, 2, of_Psi)
    return lambda e: second(first(e))


# --------------------------------------------------------------------------------------- what a dense layer supplies
def jacobian() -> Steps:
    r"""$J^{(l)}_{ki}=w^{(l)}_{ki}h'(a^{(l-1)}_i)$."""
    D = Derivation(a[l - 1, i], {a: lambda y, q: KroneckerDelta(q, i), w: CONSTANT, b: CONSTANT})
    chain = Steps(Diff(a[l - 1, i], a[l, k]))

    def whole(unit: Any) -> Expr:
        return S("q", n[l - 1], lambda q: w[l, unit, q] * h(a[l - 1, q])) + b[l, unit]

    whole_l = {a: lambda y, unit: whole(unit) if y == l else a[y, unit]}
    chain.then(D.named(whole(k)), "definition", using=whole_l)
    return chain.then(w[l, k, i] * hp(l - 1, i), "chain rule", by=D)


def second() -> Steps:
    r"""$\Phi^{(l)}_{ii'}=h''(a^{(l-1)}_i)I_{ii'}\sum_k\delta^{(l)}_kw^{(l)}_{ki}$: units bend alone."""
    D = Derivation(a[l - 1, i_], {a: lambda y, q: KroneckerDelta(q, i_), w: CONSTANT})
    chain = Steps(S("k", n[l], lambda k: delta[l, k] * D.named(w[l, k, i] * hp(l - 1, i))))
    chain.then(dense[Phi](l, i, i_), "chain rule", by=D)
    return chain


def parameters() -> tuple[Steps, Steps, Steps]:
    r"""$\partial a_k/\partial w_{ji}=I_{kj}z_i$, $\partial a_k/\partial b_j=I_{kj}$, and $\Psi$ of a weight."""
    by_w = Derivation(w[l, j, i], {z: CONSTANT, a: CONSTANT, delta: CONSTANT, b: CONSTANT})
    by_b = Derivation(b[l, j], {z: CONSTANT, w: CONSTANT})
    weights = Steps(Diff(w[l, j, i], a[l, k])).then(by_w.named(definitions[a](l, k)), "definition", using=at_l)
    weights.then(KroneckerDelta(k, j) * z[l - 1, i], "linear", by=by_w)
    biases = Steps(Diff(b[l, j], a[l, k])).then(by_b.named(definitions[a](l, k)), "definition", using=at_l)
    biases.then(KroneckerDelta(k, j), "linear", by=by_b)
    mixed = Steps(S("k", n[l], lambda k: delta[l, k] * by_w.named(w[l, k, p] * hp(l - 1, p))))
    mixed.then(delta[l, j] * KroneckerDelta(p, i) * hp(l - 1, i), "linear", by=by_w)
    return weights, biases, mixed


# ------------------------------------------------------------------------------------------------- what comes out
def signal() -> Steps:
    r"""The signal one layer back is backpropagation."""
    chain = Steps(any_layer.signal().result)
    received = S("k", n[l], lambda k: w[l, k, i] * delta[l, k])
    return chain.then(hp(l - 1, i) * received, "a dense layer", using=dense)


def gradient() -> Steps:
    r"""The gradient by a weight: $\delta_jz_i$."""
    chain = Steps(any_layer.gradient().result)
    return chain.then(delta[l, j] * z[l - 1, i], "a weight", using=_by_weight(l, r, j, i))


def forward() -> Steps:
    """The forward sweep is that of the perceptron."""
    chain = Steps(any_layer.forward_sweep().result)
    return chain.then(deep_hessian.forward_response().result, "a dense layer", using=dense)


def backward() -> Steps:
    """So is the backward sweep, one layer lower."""
    chain = Steps(any_layer.backward_sweep().result)
    found = deep_hessian.backward_response().at({m: m - 1, k: i})
    return chain.then(found, "a dense layer", using=dense)


def block() -> Steps:
    """The block of weights of two layers."""
    chain = Steps(any_layer.block().result)
    chain.then(
        S(
            "j",
            n[l],
            lambda j: (z[m - 1, p] * B[m, l, k, j] + delta[m, k] * hp(m - 1, p) * G[m - 1, l, p, j]) * K[l, j, s],
        ),
        "a weight of layer $m$",
        using=_by_weight(m, r, k, p),
    )
    return chain.then(deep_hessian.weight_weight().result, "a weight of layer $l$", using=_by_weight(l, s, j, i))


def within() -> Steps:
    r"""Two weights of one layer, which is linear in them: $\Omega=0$."""
    chain = Steps(any_layer.block_same_layer().result)
    linear = {any_layer.Omega: lambda y, r, s: sp.S.Zero}
    chain.then(chain.lhs.xreplace({any_layer.Omega[l, r, s]: sp.S.Zero}), "linear in its weights", using=linear)
    chain.then(
        S("j", n[l], lambda j: B[l, l, k, j] * z[l - 1, p] * K[l, j, s]), "one weight", using=_by_weight(l, r, k, p)
    )
    found = deep_hessian.weight_weight_same_layer().result
    return chain.then(found, "and the other", using=_by_weight(l, s, j, i))
