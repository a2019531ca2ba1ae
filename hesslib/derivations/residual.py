r"""Residual layers, $z^{(l)}=z^{(l-1)}+f^{(l)}$: the identity path, and what it does to slopes, signals and curvature.

Of the branch $f^{(l)}$, a function of $z^{(l-1)}$ and of parameters of its own, only the derivatives have names:
$F^{(l)}$ is its Jacobian by the inputs, $F_z^{(l)}$ the derivative of that. All layers have N units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import Derivation, Through
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, index
from hesslib.calculus.steps import Formula, Steps

from .network import E, L, l

__all__ = ["bending", "growth", "jacobian", "layer", "mean_zero", "own_curvature", "paths", "signal"]

N = sp.Symbol("N", integer=True, positive=True)
i, i_, j, k, k_, p = index("i i' j k k' p")


def _layered(name: str, *slots: Any, latex: str | None = None) -> Tensor:
    return Tensor(name, latex=latex, layers=1, shape=lambda _: slots, pattern=True, between=(0, L))


z, f, delta = _layered("z", N), _layered("f", N), _layered("delta", N, latex=r"\delta")
F = _layered("F", N, N)
Fz = _layered("F_z", N, N, N)
Phi = _layered("Phi", N, N, latex=r"\Phi")
J = _layered("J", N, N)
B = _layered("B", N, N)
r"""$B^{(l)}$, the Hessian of the error by the outputs of layer l; $B^{(l,l)}$ elsewhere."""

residual: dict[Any, Callable[..., Expr]] = {z: lambda y, k: z[y - 1, k] + f[y, k] if y == l else z[y, k]}
identity_and_branch: dict[Any, Callable[..., Expr]] = {J: lambda y, k, i: KroneckerDelta(k, i) + F[y, k, i]}
curvature: dict[Any, Callable[..., Expr]] = {Phi: lambda y, i, q: S("k", N, lambda k: delta[y, k] * Fz[y, k, i, q])}


def layer() -> Formula:
    """What a residual layer is, a definition."""
    return Formula(z[l, k], z[l - 1, k] + f[l, k])


def _by_input(i: Any) -> Derivation:
    return Derivation(
        z[l - 1, i],
        {
            z: lambda y, k: KroneckerDelta(k, i),
            f: Through(f[l, k], F[l, k, p], z[l - 1, p], p, N),
            F: Through(F[l, k, i], Fz[l, k, i, p], z[l - 1, p], p, N),
        },
    )


def jacobian() -> Steps:
    r"""$J_{ki}=I_{ki}+F_{ki}$."""
    D = _by_input(i)
    chain = Steps(Diff(z[l - 1, i], z[l, k]))
    chain.then(D.named(z[l - 1, k] + f[l, k]), "definition", using=residual)
    return chain.then(KroneckerDelta(k, i) + F[l, k, i], "linear", by=D)


def bending() -> Steps:
    r"""$\Phi$ is that of the branch: the identity does not bend."""
    D = _by_input(i_)
    chain = Steps(S("k", N, lambda k: delta[l, k] * D.named(KroneckerDelta(k, i) + F[l, k, i])))
    chain.then(S("k", N, lambda k: delta[l, k] * Fz[l, k, i, i_]), "linear", by=D)
    return chain.then(Phi[l, i, i_], r"name $\Phi$", using=curvature)


def signal() -> Steps:
    r"""$\delta^{(l-1)}_i=\delta^{(l)}_i+\sum_k\delta^{(l)}_kF_{ki}$: back whole, and something more."""
    through = Through(z[l, k], J[l, k, p], z[l - 1, p], p, N)
    D = Derivation(z[l - 1, i], {E: Through(E, delta[l, k], z[l, k], k, N), z: through})
    here = {delta: lambda y, k: Diff(z[y, k], E) if y == l - 1 else delta[y, k]}
    chain = Steps(delta[l - 1, i]).then(Diff(z[l - 1, i], E), "definition", using=here)
    chain.then(S("k", N, lambda k: delta[l, k] * J[l, k, i]), "through layer $l$", by=D)
    back = delta[l, i] + S("k", N, lambda k: delta[l, k] * F[l, k, i])
    return chain.then(back, "$J=I+F$", using=identity_and_branch)


def own_curvature() -> Steps:
    r"""$B^{(l-1)}=(I+F)^TB^{(l)}(I+F)+\Phi$, multiplied out: four terms and what the branch's bending adds."""
    through = S("k", N, lambda k: S("k'", N, lambda q: J[l, k, i] * B[l, k, q] * J[l, q, j])) + Phi[l, i, j]
    chain = Steps(B[l - 1, i, j])
    chain.then(through, "any layer", using={B: lambda y, r, c: _any(r, c) if y == l - 1 else B[y, r, c]})
    return chain.then(
        B[l, i, j]
        + S("k", N, lambda k: F[l, k, i] * B[l, k, j])
        + S("k", N, lambda k: B[l, i, k] * F[l, k, j])
        + S("k", N, lambda k: S("k'", N, lambda q: F[l, k, i] * B[l, k, q] * F[l, q, j]))
        + Phi[l, i, j],
        "$J=I+F$",
        using=identity_and_branch,
    )


def _any(i: Any, j: Any) -> Expr:
    return S("k", N, lambda k: S("k'", N, lambda q: J[l, k, i] * B[l, k, q] * J[l, q, j])) + Phi[l, i, j]


def paths() -> Steps:
    """Two layers: the response is a sum over four paths, each branch taken or not."""
    response = S("p", N, lambda p: J[l + 1, k, p] * J[l, p, i])
    chain = Steps(response)
    return chain.then(
        KroneckerDelta(k, i) + F[l, k, i] + F[l + 1, k, i] + S("p", N, lambda p: F[l + 1, k, p] * F[l, p, i]),
        "$J=I+F$",
        using=identity_and_branch,
    )


# ------------------------------------------------------------------------------------------------- random weights
w_mean = Tensor("Meanw", latex=r"\langle w\rangle", shape=(N, N))
pair = Tensor("Meanww", latex=r"\langle ww\rangle", shape=(N, N, N, N))
square = Tensor("Meanz2", latex=r"\langle z'^2\rangle", shape=(N,))
x = Tensor("z", shape=(N,))
sigma, s = (sp.Symbol(name, positive=True) for name in ("sigma", "s"))


def mean_zero() -> Formula:
    r"""$\langle w_{ji}\rangle=0$, an assumption."""
    return Formula(w_mean[j, i], sp.S.Zero, established="assumption")


def growth() -> Steps:
    r"""A linear branch, scaled by s, multiplies the mean square by $1+s^2N\sigma^2$: cross terms have the mean zero."""

    def squared(j: Any) -> Expr:
        cross = 2 * s * x[j] * S("i", N, lambda i: w_mean[j, i] * x[i])
        own = s**2 * S("i", N, lambda i: S("i'", N, lambda q: pair[j, i, j, q] * x[i] * x[q]))
        return x[j] ** 2 + cross + own

    def independent(j: Any, i: Any, r: Any, q: Any) -> Expr:
        return sigma**2 * KroneckerDelta(j, r) * KroneckerDelta(i, q)

    chain = Steps(S("j", N, lambda j: square[j]))
    chain.then(S("j", N, squared), "$z'=z+swz$, squared", using={square: squared})
    known = {w_mean: lambda j, i: sp.S.Zero, pair: independent}
    return chain.then(
        (1 + s**2 * N * sigma**2) * S("j", N, lambda j: x[j] ** 2), "independent weights of mean zero", using=known
    )
