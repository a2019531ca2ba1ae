r"""Derivatives by the inputs at any depth, and how they depend on the weights; every width, any activation.

    a'_jd = d a_j / d x_d,      a''_jde = d^2 a_j / d x_d d x_e,      z' and z'' likewise, and x = z^(0)

(printed with dots). The forward recursions are derived by induction over layers: each function returns a chain for the
base case, or for one step, for symbolic widths and layer numbers. Then G^(m,l)_kj = d a^(m)_k / d a^(l)_j is derived by
the inputs as well, which gives G' and G'', and with them the derivatives by the weights:

    d a''^(m)_kde / d w^(l)_ji = G''_kjde z_i + G'_kjd z'_ie + G'_kje z'_id + G_kj z''_ide,

proved by induction over m from the forward recursions alone. That derivatives by inputs and by weights may be
exchanged is a result here, not an assumption.

Longer than one sitting: four derivatives by the inputs share their recursions and the induction over layers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, Derivation, same, unfold
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, index
from hesslib.calculus.rewriting import assuming
from hesslib.calculus.steps import Steps

from .deep_hessian import forward_response
from .network import G, L, a, b, definitions, h, hp, hpp, i, j, k, l, m, n, w, z
from .r_operator import from_below

d, e = index("d e")
"""Two inputs."""


def _of_unit(count: int) -> Callable[[Any], tuple[Any, ...]]:
    return lambda y: (n[y], *[n[0]] * count)


def _of_pair(count: int) -> Callable[[Any, Any], tuple[Any, ...]]:
    return lambda y, x: (n[y], n[x], *[n[0]] * count)


da = Tensor("da", latex=r"\dot a", layers=1, shape=_of_unit(1), pattern=True)
dda = Tensor("dda", latex=r"\ddot a", layers=1, shape=_of_unit(2), pattern=True)
dz = Tensor("dz", latex=r"\dot z", layers=1, shape=_of_unit(1), pattern=True)
ddz = Tensor("ddz", latex=r"\ddot z", layers=1, shape=_of_unit(2), pattern=True)
dG = Tensor("dG", latex=r"\dot G", layers=2, shape=_of_pair(1), pattern=True)
ddG = Tensor("ddG", latex=r"\ddot G", layers=2, shape=_of_pair(2), pattern=True)

x = Tensor("x", shape=(n[0],), pattern=True)
"""The inputs, which are the activations of layer 0."""


def by_input(d: Any, /) -> Derivation:
    r"""$\partial/\partial x_d$: a dot on everything that depends on the inputs."""
    return Derivation(
        x[d],
        {
            w: CONSTANT,
            b: CONSTANT,
            a: lambda y, j: da[y, j, d],
            z: lambda y, j: KroneckerDelta(j, d) if y == 0 else dz[y, j, d],
            G: lambda m, l, k, j: dG[m, l, k, j, d],
            da: lambda y, j, c: dda[y, j, c, d],
            dz: lambda y, j, c: sp.S.Zero if y == 0 else ddz[y, j, c, d],
            dG: lambda m, l, k, j, c: ddG[m, l, k, j, c, d],
        },
    )


names: dict[Any, Callable[..., Expr]] = {
    da: lambda y, j, d: Diff(x[d], a[y, j]),
    dz: lambda y, j, d: Diff(x[d], z[y, j]),
    dG: lambda m, l, k, j, d: Diff(x[d], G[m, l, k, j]),
    dda: lambda y, j, d, e: Diff(x[e], da[y, j, d]),
    ddz: lambda y, j, d, e: Diff(x[e], dz[y, j, d]),
    ddG: lambda m, l, k, j, d, e: Diff(x[e], dG[m, l, k, j, d]),
}
"""What the dots mean."""


def _derived(lhs: Expr, known: Expr, definition: Expr, D: Derivation, why: str) -> Steps:
    """The chain: a dotted quantity, its meaning, a known equation inserted, and the derivative worked out."""
    head = lhs.base
    s = Steps(lhs)
    s.then(D.named(known), "definition", using={head: names[head]})
    insert_definition = assuming(known, definition, lambda expr: expr.xreplace({D.named(known): D.named(definition)}))
    s.then(D.named(definition), why, using=insert_definition)
    return s.then(D(definition), "derivation", by=D)


# ------------------------------------------------------------------------------------------- the forward recursions
def first() -> tuple[Steps, Steps]:
    r"""$\dot a^{(l)}_{jd}=\sum_iw^{(l)}_{ji}\dot z^{(l-1)}_{id}$ and $\dot z_{jd}=h'(a_j)\,\dot a_{jd}$."""
    D = by_input(d)
    return (
        _derived(da[l, j, d], a[l, j], definitions[a](l, j), D, "insert $a$"),
        _derived(dz[l, j, d], z[l, j], definitions[z](l, j), D, "insert $z$"),
    )


def first_base() -> Steps:
    r"""$\dot z^{(0)}_{id}=I_{id}$: the inputs are independent."""
    D = by_input(d)
    return (
        Steps(dz[0, i, d])
        .then(D.named(z[0, i]), "definition", using=names)
        .then(KroneckerDelta(i, d), "independent inputs", by=D)
    )


def second() -> tuple[Steps, Steps]:
    r"""$\ddot a=\sum_iw\ddot z$ and $\ddot z=h''\dot a_d\dot a_e+h'\ddot a$."""
    D = by_input(e)
    pre, post = first()
    return (
        _derived(dda[l, j, d, e], da[l, j, d], pre.result, D, r"insert $\dot a$"),
        _derived(ddz[l, j, d, e], dz[l, j, d], post.result, D, r"insert $\dot z$"),
    )


def second_base() -> Steps:
    r"""$\ddot z^{(0)}=0$: the rate of an input by an input is a constant."""
    D = by_input(e)
    return (
        Steps(ddz[0, i, d, e])
        .then(D.named(dz[0, i, d]), "definition", using={ddz: names[ddz]})
        .then(D.named(KroneckerDelta(i, d)), "independent inputs", using=_first_base)
        .then(sp.S.Zero, "constant", by=D)
    )


def _first_base(expr: Expr) -> Expr:
    return unfold(expr, {dz: lambda y, i, d: KroneckerDelta(i, d) if y == 0 else dz[y, i, d]})


# -------------------------------------------------------------------------------- the responses, derived by the inputs
def response_rates() -> tuple[Steps, Steps]:
    r"""$\dot G^{(m,l)}$ and $\ddot G^{(m,l)}$ from those of layer m - 1: used in the induction."""
    return _rates_of(forward_response().result)


def backward_rates() -> tuple[Steps, Steps]:
    r"""$\dot G^{(m,l)}$ and $\ddot G^{(m,l)}$ from those at layer l + 1: the way to compute them."""
    return _rates_of(from_below()[0].result)


def _rates_of(recursion: Expr) -> tuple[Steps, Steps]:
    D_d, D_e = by_input(d), by_input(e)
    rate = _derived(dG[m, l, k, j, d], G[m, l, k, j], recursion, D_d, "recursion of $G$")
    return rate, _derived(ddG[m, l, k, j, d, e], dG[m, l, k, j, d], rate.result, D_e, r"recursion of $\dot G$")


@functools.cache
def _recursions() -> dict[Tensor, Steps]:
    """The equations of this module and of G, proved once."""
    (of_da, of_dz), (of_dda, of_ddz), (of_dG, of_ddG) = first(), second(), response_rates()
    return {da: of_da, dz: of_dz, dda: of_dda, ddz: of_ddz, G: forward_response(), dG: of_dG, ddG: of_ddG}


# --------------------------------------------------------------------------- sums over inputs, layers and the output
Da = Tensor("La", latex=r"\Delta a", layers=1, shape=_of_unit(0), pattern=True)
Dz = Tensor("Lz", latex=r"\Delta z", layers=1, shape=_of_unit(0), pattern=True)
Delta: dict[Any, Callable[..., Expr]] = {
    Da: lambda y, j: S("d", n[0], lambda d: dda[y, j, d, d]),
    Dz: lambda y, j: S("d", n[0], lambda d: ddz[y, j, d, d]),
}
r"""What $\Delta$ stands for."""


def laplacian() -> tuple[Steps, Steps]:
    r"""$\Delta a=\sum_iw\,\Delta z$ and $\Delta z=h''\sum_d\dot a_d^2+h'\Delta a$: the sum over inputs is one array."""
    pre, post = _recursions()[dda], _recursions()[ddz]
    sums = []
    for quantity, one, head, why in ((Da, pre, dda, r"insert $\ddot a$"), (Dz, post, ddz, r"insert $\ddot z$")):

        def at_one(d: Any, one: Steps = one) -> Expr:
            return one.at({_d: d, e: d})

        s = Steps(quantity[l, j])
        s.then(Delta[quantity](l, j), "definition", using=Delta)
        s.then(
            S("d", n[0], at_one),
            why,
            using=_in_layer(head, l, lambda j_, d, e_, one=one: one.at({j: j_, _d: d, e: e_})),
        )
        sums.append(s)
    sums[0].then(S("i", n[l - 1], lambda i: w[l, j, i] * Dz[l - 1, i]), "name", using=Delta)
    sums[1].then(hpp(l, j) * S("d", n[0], lambda d: da[l, j, d] ** 2) + hp(l, j) * Da[l, j], "name", using=Delta)
    return sums[0], sums[1]


_d = d  # inside functions of an index called d


def _in_layer(head: Tensor, layer: Any, body: Callable[..., Expr]) -> dict[Any, Callable[..., Expr]]:
    """Insert what ``head`` stands for, in one layer only."""
    return {head: lambda y, *at: body(*at) if sp.expand(y - layer) == 0 else head[(y, *at)]}


def curvature() -> Steps:
    r"""The part of $\ddot a^{(m)}$ that comes through layer l, split into layer l - 1's own bend and what lies below.

    $\sum_jG^{(m,l)}_{kj}\ddot a^{(l)}_j=\sum_iR_{ki}h''(a^{(l-1)}_i)\dot a_{id}\dot a_{ie}
    +\sum_iG^{(m,l-1)}_{ki}\ddot a^{(l-1)}_i$ with $R_{ki}=\sum_jG^{(m,l)}_{kj}w^{(l)}_{ji}$. From l = m, where the left
    side is $\ddot a^{(m)}_k$, down to l = 1, where it is zero, each layer leaves its bend behind.
    """
    pre, post = _recursions()[dda], _recursions()[ddz]
    below, _ = from_below()

    def carried(i: Any) -> Expr:
        return S("j", n[l], lambda j: G[m, l, k, j] * w[l, j, i])

    s = Steps(S("j", n[l], lambda j: G[m, l, k, j] * dda[l, j, d, e]))
    s.then(
        S("i", n[l - 1], lambda i: carried(i) * ddz[l - 1, i, d, e]),
        r"insert $\ddot a$",
        using=_in_layer(dda, l, lambda j_, d_, e_: pre.at({j: j_, d: d_, e: e_})),
    )
    s.then(
        S("i", n[l - 1], lambda i: carried(i) * hpp(l - 1, i) * da[l - 1, i, d] * da[l - 1, i, e])
        + S("i", n[l - 1], lambda i: carried(i) * hp(l - 1, i) * dda[l - 1, i, d, e]),
        r"insert $\ddot z$",
        using=_in_layer(ddz, l - 1, lambda i, d_, e_: post.at({l: l - 1, j: i, d: d_, e: e_})),
    )
    of_G = {G: lambda y, x, r, c: below.at({l: x, k: r, j: c}) if sp.expand(x - l + 1) == 0 else G[y, x, r, c]}
    return s.then(
        S("i", n[l - 1], lambda i: carried(i) * hpp(l - 1, i) * da[l - 1, i, d] * da[l - 1, i, e])
        + S("i", n[l - 1], lambda i: G[m, l - 1, k, i] * dda[l - 1, i, d, e]),
        "name",
        using=of_G,
    )


y = Tensor("y", shape=(n[L],), pattern=True)
Y = Tensor("Y", latex="y'", shape=(n[L], n[L]), pattern=True)
YY = Tensor("YY", latex="y''", shape=(n[L],) * 3, symmetric=True, pattern=True)


def outputs() -> tuple[Steps, Steps]:
    r"""$\dot y$ and $\ddot y$ for outputs $y_k(a^{(L)})$ of which the first two derivatives are known."""
    of_y: dict[Any, Any] = {
        y: lambda k: S("q", n[L], lambda q: Y[k, q] * da[L, q, d]),
        Y: lambda k, q: S("r", n[L], lambda r: YY[k, q, r] * da[L, r, e]),
    }
    D_d, D_e = by_input(d), by_input(e)
    D_d, D_e = (D.but(of_y) for D in (D_d, D_e))
    rate = Steps(D_d.named(y[k])).then(D_d(y[k]), "chain rule", by=D_d)
    second_rate = Steps(D_e.named(D_d.named(y[k])))
    second_rate.then(D_e.named(rate.result), "insert", using=lambda expr: expr.xreplace({D_d.named(y[k]): rate.result}))
    return rate, second_rate.then(D_e(rate.result), "product rule", by=D_e)


# --------------------------------------------------------------------------------------------------- by the weights
def response(quantity: Expr, variable: Expr, /) -> Expr:
    r"""What is claimed of $\partial/\partial w^{(l)}_{ji}$ or $\partial/\partial b^{(l)}_j$ of $a$ and its rates.

    It is the derivative by the inputs of $G_{kj}z_i$, or of $G_{kj}$, by the product rule.
    """
    layer, unit, *source = variable.indices
    m, k, *inputs = quantity.indices
    claimed = G[m, layer, k, unit] * (z[layer - 1, source[0]] if source else 1)
    for d in inputs:
        claimed = by_input(d)(claimed)
    return claimed


def _by_parameter(variable: Expr, below: bool) -> Derivation:
    """The derivation by a parameter of layer l, in that layer (``below`` it nothing moves) or by hypothesis."""

    def claimed(head: Tensor) -> Any:
        return lambda y, *at: sp.S.Zero if below else response(head[(y, *at)], variable)

    own: dict[Any, Any] = {w: CONSTANT, b: CONSTANT}
    if below:
        own[variable.base] = lambda y, *at: same(*variable.indices[1:])(*at)
    return Derivation(
        variable, {z: CONSTANT, dz: CONSTANT, ddz: CONSTANT, **own, **{q: claimed(q) for q in (a, da, dda)}}
    )


def _pre_activation(quantity: Expr) -> Expr:
    r"""$a$, $\dot a$ or $\ddot a$ as the sum over the layer before."""
    layer, unit, *inputs = quantity.indices
    if not inputs:
        return definitions[a](layer, unit)
    recursion = _recursions()[quantity.base]
    return recursion.at({l: layer, j: unit, **dict(zip((d, e), inputs, strict=False))})


def _post_activations(layer: Any) -> dict[Any, Callable[..., Expr]]:
    r"""$z$, $\dot z$, $\ddot z$ of one layer by its pre-activations."""
    of_dz, of_ddz = _recursions()[dz], _recursions()[ddz]
    return {
        **_in_layer(z, layer, lambda i: h(a[layer, i])),
        **_in_layer(dz, layer, lambda i, d_: of_dz.at({l: layer, j: i, d: d_})),
        **_in_layer(ddz, layer, lambda i, d_, e_: of_ddz.at({l: layer, j: i, d: d_, e: e_})),
    }


def weight_base(quantity: Expr, variable: Expr, /) -> Steps:
    r"""The claim in the layer of the parameter itself, where $G=I$ and $\dot G=\ddot G=0$.

    ``weight_base(dda[l, k, d, e], w[l, j, i])``.
    """
    D = _by_parameter(variable, below=True)
    inserted = _pre_activation(quantity)
    s = Steps(D.named(quantity))
    s.then(D.named(inserted), "insert", using=lambda expr: expr.xreplace({D.named(quantity): D.named(inserted)}))
    s.then(D(inserted), "nothing below moves", by=D)
    unit = {
        G: lambda y, x, r, c: KroneckerDelta(r, c) if y == x else G[y, x, r, c],
        dG: lambda *at: sp.S.Zero if at[0] == at[1] else dG[at],
        ddG: lambda *at: sp.S.Zero if at[0] == at[1] else ddG[at],
    }
    return s.then(response(quantity, variable), r"$G=I$, $\dot G=\ddot G=0$", using=unit)


def weight_step(quantity: Expr, variable: Expr, /) -> Steps:
    r"""The claim in layer m > l, from the claims in layer m - 1: ``weight_step(dda[m, k, d, e], w[l, j, i])``."""
    layer, own = quantity.indices[0], variable.indices[0]
    D = _by_parameter(variable, below=False)
    inserted = unfold(_pre_activation(quantity), _post_activations(layer - 1))
    s = Steps(D.named(quantity))
    s.then(D.named(inserted), "insert", using=lambda expr: expr.xreplace({D.named(quantity): D.named(inserted)}))
    s.then(D(inserted), "hypothesis", by=D)

    def at_top(head: Tensor) -> Callable[..., Expr]:
        def body(y: Any, x: Any, r: Any, c: Any, *inputs: Any) -> Expr:
            if (y, x) != (layer, own):
                return head[(y, x, r, c, *inputs)]
            return _recursions()[head].at({k: r, j: c, **dict(zip((d, e), inputs, strict=False))})

        return body

    of_G = {head: at_top(head) for head in (G, dG, ddG)}
    return s.then(response(quantity, variable), "recursions", using=of_G)
