r"""The diagonal of the Hessian, and what is lost when only diagonals are carried back; any width, any layer.

A weight reaches the error only through $a^{(l)}_j$, which is linear in it, so

$$\frac{\partial^2E}{\partial (w^{(l)}_{ji})^2}=B^{(l,l)}_{jj}\,(z^{(l-1)}_i)^2,\qquad
B^{(l,l)}_{jj'}=\frac{\partial^2E}{\partial a^{(l)}_j\partial a^{(l)}_{j'}}.$$

:func:`curvature` carries the whole matrix $B^{(l,l)}$ back by one layer, and is exact. :func:`becker_lecun` drops the
off-diagonal entries of $B^{(l+1,l+1)}$, a named step, and then needs one number per unit. :func:`uncoupled_outputs`
proves a case in which nothing is dropped.

Longer than one sitting: the exact diagonal stands beside each thing that is dropped from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr, Indexed

from hesslib.calculus.derivation import Derivation, unfold
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, freshen, index
from hesslib.calculus.matrix import MatrixFormula, diag, matrix
from hesslib.calculus.rewriting import assuming
from hesslib.calculus.steps import Formula, Steps

from .deep_hessian import _at, _signal, backward_response, forward_response, names
from .network import B, E, G, L, M, a, b, delta, hp, hpp, i, j, k, l, m, n, w, wrt_a, wrt_b, wrt_w, z

j_ = index("j'")

c = Tensor("c", layers=1, shape=lambda y: (n[y],), pattern=True)
r"""What is carried back in place of $B^{(l,l)}$: one number for each unit."""
mu = Tensor("mu", latex=r"\mu", shape=(n[L],), pattern=True)
r"""The curvature of each output by itself, for a loss that does not couple the outputs: $M_{kk'}=\mu_kI_{kk'}$."""


def through_own_layer(D: Derivation, /) -> Derivation:
    r"""The derivation by a parameter of layer l, with $D\delta_k=\sum_{k'}B^{(l,l)}_{kk'}\,Da_{k'}$ in that layer."""
    y = D.op.indices[0]

    def of_delta(layer: Expr, unit: Expr) -> Expr:
        if layer != y:
            return Diff(D.op, delta[layer, unit])
        return S("k'", n[y], lambda q: B[y, y, unit, q] * D.raw(a[y, q]))

    return D.but({delta: of_delta})


# ------------------------------------------------------------------------------------------- one diagonal entry
def weight_entry() -> Steps:
    r"""$\partial^2E/\partial(w^{(l)}_{ji})^2=B^{(l,l)}_{jj}(z^{(l-1)}_i)^2$."""
    return _entry(w[l, j, i], B[l, l, j, j] * z[l - 1, i] ** 2)


def bias_entry() -> Steps:
    r"""$\partial^2E/\partial(b^{(l)}_j)^2=B^{(l,l)}_{jj}$."""
    return _entry(b[l, j], B[l, l, j, j])


def _entry(x: Indexed, contracted: Expr) -> Steps:
    own = wrt_w(*x.indices) if x.base == w else wrt_b(*x.indices)
    D = through_own_layer(own)
    curved = S("k", n[l], lambda k: S("k'", n[l], lambda q: B[l, l, k, q] * D.named(a[l, k]) * D.named(a[l, q])))
    s = Steps(Diff(x, Diff(x, E)))
    s.then(D.named(S("k", n[l], lambda k: delta[l, k] * D.named(a[l, k]))), "chain rule", by=D)
    s.then(curved + S("k", n[l], lambda k: delta[l, k] * D.named(D.named(a[l, k]))), "product rule", by=D)
    s.then(curved, rf"$a^{{(l)}}_k$ is linear in ${x.base.name_}^{{(l)}}$", by=D)
    return s.then(contracted, "contract", by=D)


def second_derivative_of_input() -> Steps:
    r"""$\partial^2a^{(l)}_j/\partial(w^{(l)}_{ji})^2=0$: a pre-activation is linear in each of its weights."""
    D = wrt_w(l, j, i)
    s = Steps(D.named(D.named(a[l, j])))
    return s.then(D.named(z[l - 1, i]), "first derivative", by=D).then(sp.S.Zero, "an earlier layer", by=D)


# --------------------------------------------------------------------------------------------- one layer back
def curvature() -> Steps:
    r"""$B^{(l,l)}$ from the whole matrix $B^{(l+1,l+1)}$, for $l<L$: exact."""
    to = wrt_a(l, j_)
    D = to.but({delta: lambda y, unit: S("k'", n[y], lambda q: B[y, y, unit, q] * to.raw(a[y, q]))})
    s = Steps(B[l, l, j, j_])
    s.then(D.named(delta[l, j]), "definition", using=names)
    s.then(D.named(_signal(l, j)), "backpropagation", using=_at(l, delta, lambda unit: _signal(l, unit)))
    own = hpp(l, j) * KroneckerDelta(j, j_) * S("k", n[l + 1], lambda k: w[l + 1, k, j] * delta[l + 1, k])
    s.then(hp(l, j) * S("k", n[l + 1], lambda k: w[l + 1, k, j] * D.named(delta[l + 1, k])) + own, "product rule", by=D)
    s.then(
        hp(l, j)
        * S(
            "k",
            n[l + 1],
            lambda k: w[l + 1, k, j] * S("k'", n[l + 1], lambda q: B[l + 1, l + 1, k, q] * D.named(a[l + 1, q])),
        )
        + own,
        "chain rule",
        by=D,
    )
    return s.then(hp(l, j) * hp(l, j_) * pairs_above(lambda k, q: B[l + 1, l + 1, k, q], j, j_) + own, "insert", by=D)


def pairs_above(middle: Callable[[Expr, Expr], Expr], left: Expr, right: Expr) -> Expr:
    r"""$\sum_{kk'}w_{k\,left}w_{k'\,right}\,middle_{kk'}$ over the units of the layer above."""
    y = l + 1
    return S("k", n[y], lambda q: S("k", n[y], lambda k: w[y, k, left] * w[y, q, right] * middle(k, q)))


def bending() -> Expr:
    r"""$h''(a^{(l)}_j)\sum_kw^{(l+1)}_{kj}\delta^{(l+1)}_k$: what the bending of h contributes to the diagonal."""
    return hpp(l, j) * S("k", n[l + 1], lambda k: w[l + 1, k, j] * delta[l + 1, k])


def curvature_in_matrices() -> MatrixFormula:
    r""":func:`curvature` in matrix notation: a congruence plus a diagonal matrix."""
    W, above = matrix(w, l + 1, latex="W"), matrix(B, l + 1, l + 1)
    slopes = diag(matrix(a, l).map(type(hp(l, j))))
    bend = matrix(a, l).map(type(hpp(l, j))) * (W.T @ matrix(delta, l + 1))
    return MatrixFormula(matrix(B, l, l), slopes @ W.T @ above @ W @ slopes + diag(bend), curvature(), j, j_)


def diagonal_curvature() -> Steps:
    r"""The diagonal of :func:`curvature`: every entry of $B^{(l+1,l+1)}$ enters."""
    value = curvature().at({j_: j})
    s = Steps(B[l, l, j, j]).then(value, "the recursion at $j'=j$", using=_insert(B[l, l, j, j], value))
    return s.stated(_exact())


def _insert(x: Expr, value: Expr) -> Callable[[Expr], Expr]:
    """The rewriting of ``x`` as ``value``."""
    return lambda e: e.replace(lambda y: y == x, lambda _: value)


def _exact() -> Expr:
    return hp(l, j) ** 2 * pairs_above(lambda k, q: B[l + 1, l + 1, k, q], j, j) + bending()


def _squares(of: Callable[[Expr], Expr]) -> Expr:
    return hp(l, j) ** 2 * S("k", n[l + 1], lambda k: w[l + 1, k, j] ** 2 * of(k)) + bending()


def becker_lecun() -> Steps:
    r"""The diagonal of $B^{(l,l)}$ from that of $B^{(l+1,l+1)}$: its off-diagonal entries are dropped."""
    return diagonal_curvature().neglect(_squares(lambda k: B[l + 1, l + 1, k, k]), r"neglect $k\neq k'$")


def dropped() -> Steps:
    r"""What the neglect leaves out: the double sum over $k\ne k'$."""
    off_diagonal = pairs_above(lambda k, q: (1 - KroneckerDelta(k, q)) * B[l + 1, l + 1, k, q], j, j)
    return Steps(_exact() - _squares(lambda k: B[l + 1, l + 1, k, k])).then(hp(l, j) ** 2 * off_diagonal, "subtract")


def carried_back() -> tuple[Formula, Formula]:
    """The algorithm that the neglect makes possible: one number for each unit, from the outputs back."""
    return Formula(c[L, k], M[k, k]), Formula(c[l, j], _squares(lambda k: c[l + 1, k]))


def from_general_recursion() -> Steps:
    r"""The second road: the recursion of the exact Hessian at $m=l$, with $B^{(l+1,l)}=B^{(l+1,l+1)}G^{(l+1,l)}$."""
    general = backward_response().at({m: l, k: j, j: j_})
    reach = forward_response().at({m: l + 1})

    def through_own(r: Any, c: Any) -> Expr:
        return S("k'", n[l + 1], lambda q: B[l + 1, l + 1, r, q] * G[l + 1, l, q, c])

    def reached(e: Expr) -> Expr:
        e = unfold(e, {B: lambda y, x, r, c: through_own(r, c) if (y, x) == (l + 1, l) else B[y, x, r, c]})

        def inserted(r: Expr, c: Expr) -> Expr:
            return freshen(reach).xreplace({k: r, j: c})

        e = unfold(e, {G: lambda y, x, r, c: inserted(r, c) if (y, x) == (l + 1, l) else G[y, x, r, c]})
        return unfold(e, {G: lambda y, x, r, c: KroneckerDelta(r, c) if (y, x) == (l, l) else G[y, x, r, c]})

    s = Steps(B[l, l, j, j_]).then(general, "at $m=l$", using=_insert(B[l, l, j, j_], general))
    return s.then(curvature().result, "insert $B^{(l+1,l)}$ and $G$", using=reached)


# ------------------------------------------------------------------------------------------- where it is exact
def _at_the_outputs() -> tuple[Callable[[Expr], Expr], Callable[[Expr], Expr]]:
    r"""What is taken for granted at the outputs: $B^{(L,L)}=M$; then $M_{kk'}=\mu_kI_{kk'}$ as well."""
    at_outputs = assuming(B[L, L, j, k], M[j, k], lambda e: e.replace(_entry_of(B, L, L), lambda x: M[x.indices[2:]]))
    uncoupled = {M: lambda r, c: mu[r] * KroneckerDelta(r, c)}

    def no_coupling(e: Expr) -> Expr:
        return unfold(at_outputs(e), uncoupled)

    return at_outputs, no_coupling


def uncoupled_outputs() -> Steps:
    r"""Below the outputs, with $M_{kk'}=\mu_kI_{kk'}$, the sum over $k\ne k'$ is empty: the neglect changes nothing."""
    at_outputs, no_coupling = _at_the_outputs()
    s = diagonal_curvature().at({l: L - 1})
    below = B[L - 1, L - 1, j, j]
    chain = Steps(below).then(s, "exact", using=_insert(below, s))
    chain.then(at_outputs(s), "$B^{(L,L)}=M$", using=at_outputs)
    approximate = freshen(_squares(lambda k: mu[k])).xreplace({l: L - 1})
    return chain.then(approximate, r"$M_{kk'}=\mu_kI_{kk'}$", using=no_coupling)


def last_hidden_layer() -> Steps:
    r"""All of $B^{(L-1,L-1)}$ under uncoupled outputs: it has off-diagonal entries, and so couples the layer below."""
    _, no_coupling = _at_the_outputs()
    here, value = B[L - 1, L - 1, j, j_], curvature().at({l: L - 1})
    chain = Steps(here).then(value, "the recursion", using=_insert(here, value))
    squares = S("k", n[L], lambda k: w[L, k, j] * w[L, k, j_] * mu[k])
    own = hpp(L - 1, j) * KroneckerDelta(j, j_) * S("k", n[L], lambda k: w[L, k, j] * delta[L, k])
    return chain.then(hp(L - 1, j) * hp(L - 1, j_) * squares + own, r"$M_{kk'}=\mu_kI_{kk'}$", using=no_coupling)


def _entry_of(t: Tensor, *layers: Expr) -> Callable[[Expr], bool]:
    return lambda x: isinstance(x, Indexed) and x.base == t and x.indices[: len(layers)] == layers
