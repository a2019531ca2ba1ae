r"""A chain of layers $z^{(l)}=f^{(l)}(z^{(l-1)},\theta^{(l)})$, any number of them; only their derivatives have names.

What is known of a layer are its Jacobians by its inputs and by its parameters, $J^{(l)}$ and $K^{(l)}$, and its second
derivatives, of which only the sums with the signal of the layer above are needed: $\Phi^{(l)}$ (two inputs),
$\Psi^{(l)}$ (a parameter and an input), $\Omega^{(l)}$ (two parameters). From these follow the gradient, the two sweeps
$G$ and $B$, every block of the Hessian, the Gauss-Newton blocks, and the products of both with a vector.

The letters $\delta$, $M$, $G$ and $B$ are those of a perceptron, which `dense_from_any` recovers; here they are
derivatives by the outputs $z^{(l)}$ of layers, whatever these are.

Longer than one sitting: the gradient, both sweeps, the blocks and the products are one induction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, Through
from hesslib.calculus.index import Diff, KroneckerDelta, Operator, S, Tensor, Width, index
from hesslib.calculus.rewriting import assuming
from hesslib.calculus.steps import Formula, Steps

from .network import B, E, G, L, M, delta, l, m, n

__all__ = [
    "R_backward",
    "R_forward",
    "R_gradient",
    "backward_base",
    "backward_sweep",
    "block",
    "block_same_layer",
    "contracted",
    "curvature_of_output",
    "forward_base",
    "forward_sweep",
    "gauss_newton",
    "gradient",
    "layer",
    "own_curvature",
    "signal",
]

i, i_, j, j_, k, k_, r, s = index("i i' j j' k k' r s")
P = Width("p", layers=1)
"""The number of parameters of a layer."""


def _unit(y: Expr) -> tuple[Expr, ...]:
    return (n[y],)


z = Tensor("z", layers=1, shape=_unit, pattern=True, between=(0, L))
theta = Tensor("theta", latex=r"\theta", layers=1, shape=lambda y: (P[y],), independent=True, between=(1, L))
v = Tensor("v", layers=1, shape=lambda y: (P[y],), between=(1, L))
J = Tensor("J", layers=1, shape=lambda y: (n[y], n[y - 1]), pattern=True, between=(1, L))
K = Tensor("K", layers=1, shape=lambda y: (n[y], P[y]), pattern=True, between=(1, L))
Jz = Tensor("J_z", layers=1, shape=lambda y: (n[y], n[y - 1], n[y - 1]), pattern=True, between=(1, L))
Jtheta = Tensor(
    "J_t", latex=r"J_\theta", layers=1, shape=lambda y: (n[y], P[y], n[y - 1]), pattern=True, between=(1, L)
)
Ktheta = Tensor("K_t", latex=r"K_\theta", layers=1, shape=lambda y: (n[y], P[y], P[y]), pattern=True, between=(1, L))
Phi = Tensor("Phi", latex=r"\Phi", layers=1, shape=lambda y: (n[y - 1], n[y - 1]), pattern=True, between=(1, L))
Psi = Tensor("Psi", latex=r"\Psi", layers=1, shape=lambda y: (P[y], n[y - 1]), pattern=True, between=(1, L))
Omega = Tensor("Omega", latex=r"\Omega", layers=1, shape=lambda y: (P[y], P[y]), pattern=True, between=(1, L))

names: dict[Any, Callable[..., Expr]] = {
    J: lambda y, k, i: Diff(z[y - 1, i], z[y, k]),
    K: lambda y, k, r: Diff(theta[y, r], z[y, k]),
    G: lambda y, x, k, j: Diff(z[x, j], z[y, k]),
    B: lambda y, x, k, j: Diff(z[x, j], delta[y, k]),
}
"""What the named derivatives of the layers are."""

error_signal: dict[Any, Callable[..., Expr]] = {delta: lambda y, k: Diff(z[y, k], E)}
r"""What $\delta^{(l)}_k$ is: here the derivative by a layer's output."""

sums: dict[Any, Callable[..., Expr]] = {
    Phi: lambda y, i, i_: S("k", n[y], lambda k: delta[y, k] * Jz[y, k, i, i_]),
    Psi: lambda y, r, i: S("k", n[y], lambda k: delta[y, k] * Jtheta[y, k, r, i]),
    Omega: lambda y, r, s: S("k", n[y], lambda k: delta[y, k] * Ktheta[y, k, r, s]),
}
"""The second derivatives of a layer, summed with its signal."""


def layer() -> tuple[Formula, Formula]:
    r"""What is named of a layer: its two Jacobians, definitions."""
    return Formula(J[l, k, i], names[J](l, k, i)), Formula(K[l, k, r], names[K](l, k, r))


def second_derivatives() -> tuple[Formula, Formula, Formula]:
    r"""The derivatives of the Jacobians, definitions; mixed ones by a parameter and an input are one array."""
    return (
        Formula(Jz[l, k, i, i_], Diff(z[l - 1, i_], J[l, k, i])),
        Formula(Jtheta[l, k, r, i], Diff(theta[l, r], J[l, k, i])),
        Formula(Ktheta[l, k, r, s], Diff(theta[l, s], K[l, k, r])),
    )


def contracted() -> tuple[Formula, Formula, Formula]:
    r"""$\Phi$, $\Psi$ and $\Omega$: what second derivatives are needed for, definitions."""
    return (
        Formula(Phi[l, i, i_], sums[Phi](l, i, i_)),
        Formula(Psi[l, r, i], sums[Psi](l, r, i)),
        Formula(Omega[l, r, s], sums[Omega](l, r, s)),
    )


# ------------------------------------------------------------------------------------------ how a layer varies
def _through(y: Any) -> tuple[Through, Through]:
    """A layer's outputs vary with its inputs and its parameters; its Jacobians are the slopes."""
    return Through(z[y, k], J[y, k, i], z[y - 1, i], i, n[y - 1]), Through(z[y, k], K[y, k, r], theta[y, r], r, P[y])


def _bends(y: Any) -> dict[Any, tuple[Through, ...]]:
    """How the Jacobians of a layer vary with its inputs and its parameters."""
    return {
        J: (
            Through(J[y, k, i], Jz[y, k, i, i_], z[y - 1, i_], i_, n[y - 1]),
            Through(J[y, k, i], Jtheta[y, k, r, i], theta[y, r], r, P[y]),
        ),
        K: (
            Through(K[y, k, r], Jtheta[y, k, r, i], z[y - 1, i], i, n[y - 1]),
            Through(K[y, k, r], Ktheta[y, k, r, s], theta[y, s], s, P[y]),
        ),
    }


# ------------------------------------------------------------------------------------------------------- the gradient
def signal() -> Steps:
    r"""$\delta^{(l-1)}_i=\sum_k\delta^{(l)}_kJ^{(l)}_{ki}$: the signal one layer back."""
    D = Derivation(z[l - 1, i], {E: Through(E, delta[l, k], z[l, k], k, n[l]), z: NAMED})
    chain = Steps(delta[l - 1, i])
    chain.then(Diff(z[l - 1, i], E), "definition", using=error_signal)
    chain.then(S("k", n[l], lambda k: delta[l, k] * Diff(z[l - 1, i], z[l, k])), "chain rule", by=D)
    return chain.then(S("k", n[l], lambda k: delta[l, k] * J[l, k, i]), "name $J$", using=names)


def gradient() -> Steps:
    r"""$\partial E/\partial\theta^{(l)}_r=\sum_k\delta^{(l)}_kK^{(l)}_{kr}$."""
    D = Derivation(theta[l, r], {E: Through(E, delta[l, k], z[l, k], k, n[l]), z: NAMED})
    chain = Steps(Diff(theta[l, r], E))
    chain.then(S("k", n[l], lambda k: delta[l, k] * Diff(theta[l, r], z[l, k])), "chain rule", by=D)
    return chain.then(S("k", n[l], lambda k: delta[l, k] * K[l, k, r]), "name $K$", using=names)


# ---------------------------------------------------------------------------------------------------- the two sweeps
def forward_base() -> Steps:
    r"""$G^{(l,l)}_{kj}=I_{kj}$."""
    D = Derivation(z[l, j], {z: lambda y, k: KroneckerDelta(k, j)})
    chain = Steps(G[l, l, k, j]).then(Diff(z[l, j], z[l, k]), "definition", using=names)
    return chain.then(KroneckerDelta(k, j), "independent units", by=D)


def forward_sweep() -> Steps:
    r"""$G^{(m,l)}_{kj}=\sum_iJ^{(m)}_{ki}G^{(m-1,l)}_{ij}$, for $m>l$: the parameters of layer m are held fixed."""
    D = Derivation(z[l, j], {z: _through(m)[:1]})
    chain = Steps(G[m, l, k, j]).then(Diff(z[l, j], z[m, k]), "definition", using=names)
    chain.then(S("i", n[m - 1], lambda i: J[m, k, i] * Diff(z[l, j], z[m - 1, i])), "chain rule", by=D)
    return chain.then(S("i", n[m - 1], lambda i: J[m, k, i] * G[m - 1, l, i, j]), "name $G$", using=names)


def curvature_of_output() -> Formula:
    r"""$M_{kk'}$, the curvature of the loss by the last layer's outputs, a definition."""
    return Formula(M[k, k_], Diff(z[L, k_], Diff(z[L, k], E)))


def backward_base() -> Steps:
    r"""$B^{(L,l)}_{kj}=\sum_{k'}M_{kk'}G^{(L,l)}_{k'j}$."""
    D = Derivation(z[l, j], {delta: Through(delta[L, k], M[k, k_], z[L, k_], k_, n[L]), z: NAMED})
    chain = Steps(B[L, l, k, j]).then(Diff(z[l, j], delta[L, k]), "definition", using=names)
    chain.then(S("k'", n[L], lambda q: M[k, q] * Diff(z[l, j], z[L, q])), "through the outputs", by=D)
    return chain.then(S("k'", n[L], lambda q: M[k, q] * G[L, l, q, j]), "name $G$", using=names)


def backward_sweep() -> Steps:
    r"""$B^{(m-1,l)}_{ij}=\sum_kJ^{(m)}_{ki}B^{(m,l)}_{kj}+\sum_{i'}\Phi^{(m)}_{ii'}G^{(m-1,l)}_{i'j}$, for $m>l$."""
    D = Derivation(z[l, j], {delta: NAMED, z: NAMED, J: _bends(m)[J][:1]})
    chain = Steps(B[m - 1, l, i, j]).then(Diff(z[l, j], delta[m - 1, i]), "definition", using=names)
    one_back = S("k", n[m], lambda k: delta[m, k] * J[m, k, i])
    at_m = {delta: lambda y, unit: signal().at({l: m, i: unit}) if y == m - 1 else delta[y, unit]}
    chain.then(D.named(one_back), "the signal", using=at_m)
    chain.then(
        S("k", n[m], lambda k: J[m, k, i] * Diff(z[l, j], delta[m, k]))
        + S(
            "k", n[m], lambda k: S("i'", n[m - 1], lambda q: delta[m, k] * Jz[m, k, i, q] * Diff(z[l, j], z[m - 1, q]))
        ),
        "product rule",
        by=D,
    )
    return chain.then(
        S("k", n[m], lambda k: J[m, k, i] * B[m, l, k, j])
        + S("i'", n[m - 1], lambda q: Phi[m, i, q] * G[m - 1, l, q, j]),
        r"name $B$, $G$, $\Phi$",
        using={**names, **sums},
    )


def own_curvature() -> Steps:
    r"""$B^{(m-1,m-1)}_{ij}=\sum_{kk'}J_{ki}B^{(m,m)}_{kk'}J_{k'j}+\Phi_{ij}$, one layer down."""
    D = Derivation(z[m - 1, j], {delta: Through(delta[m, k], B[m, m, k, k_], z[m, k_], k_, n[m]), z: _through(m)[:1]})
    low = m - 1
    chain = Steps(B[low, low, i, j])
    swept = backward_sweep().at({l: low})

    def identity(y: Any, x: Any, r: Any, c: Any) -> Expr:
        return KroneckerDelta(r, c) if y == x == low else G[y, x, r, c]

    here = {B: lambda y, x, r, c: backward_sweep().at({l: low, i: r, j: c}) if y == x == low else B[y, x, r, c]}
    chain.then(swept, "backward sweep", using=here)
    above = S("k", n[m], lambda k: J[m, k, i] * Diff(z[low, j], delta[m, k]))
    one_up = {B: lambda y, x, r, c: Diff(z[low, c], delta[m, r]) if (y, x) == (m, low) else B[y, x, r, c]}
    chain.then(above + Phi[m, i, j], "$G^{(m-1,m-1)}=I$", using={**one_up, G: identity})
    return chain.then(
        S("k", n[m], lambda k: S("k'", n[m], lambda q: J[m, k, i] * B[m, m, k, q] * J[m, q, j])) + Phi[m, i, j],
        "through layer $m$",
        by=D,
    )


# -------------------------------------------------------------------------------------------------- the blocks
def block() -> Steps:
    r"""Of two layers $m>l$: $\sum_j(\sum_kK_{kr}B^{(m,l)}_{kj}+\sum_i\Psi_{ri}G^{(m-1,l)}_{ij})K^{(l)}_{js}$."""
    below = theta[l, s]
    D = Derivation(
        below,
        {
            delta: Through(delta[m, k], B[m, l, k, j], z[l, j], j, n[l]),
            z: (
                Through(z[m - 1, i], G[m - 1, l, i, j], z[l, j], j, n[l]),
                Through(z[l, k], K[l, k, r], theta[l, r], r, P[l]),
            ),
            K: _bends(m)[K][:1],
        },
    )
    chain = Steps(Diff(below, Diff(theta[m, r], E)))
    of_m = S("k", n[m], lambda k: delta[m, k] * K[m, k, r])
    chain.then(D.named(of_m), "the gradient", using=_gradient_of(theta[m, r], of_m))
    chain.then(D(of_m), "through layer $l$", by=D)
    return chain.then(
        S(
            "j",
            n[l],
            lambda j: (
                (
                    S("k", n[m], lambda k: K[m, k, r] * B[m, l, k, j])
                    + S("i", n[m - 1], lambda i: Psi[m, r, i] * G[m - 1, l, i, j])
                )
                * K[l, j, s]
            ),
        ),
        r"name $\Psi$",
        using=sums,
    )


def _gradient_of(parameter: Expr, found: Expr) -> Callable[[Expr], Expr]:
    """The gradient, inserted where it stands."""
    what = Diff(parameter, E)
    return assuming(what, found, lambda e: e.xreplace({what: found}))


def block_same_layer() -> Steps:
    r"""Two parameters of a layer: $\Omega^{(l)}_{rs}+\sum_{kj}K^{(l)}_{kr}B^{(l,l)}_{kj}K^{(l)}_{js}$."""
    D = Derivation(
        theta[l, s],
        {
            delta: Through(delta[l, k], B[l, l, k, j], z[l, j], j, n[l]),
            z: Through(z[l, k], K[l, k, r], theta[l, r], r, P[l]),
            K: _bends(l)[K][1:],
        },
    )
    chain = Steps(Diff(theta[l, s], Diff(theta[l, r], E)))
    own = S("k", n[l], lambda k: delta[l, k] * K[l, k, r])
    chain.then(D.named(own), "the gradient", using=_gradient_of(theta[l, r], own))
    chain.then(D(own), "its own layer", by=D)
    return chain.then(
        Omega[l, r, s] + S("k", n[l], lambda k: S("j", n[l], lambda j: K[l, k, r] * B[l, l, k, j] * K[l, j, s])),
        r"name $\Omega$",
        using=sums,
    )


def gauss_newton() -> Steps:
    r"""The Gauss-Newton block of two layers: the slopes of the outputs, multiplied with the curvature of the loss."""

    def through(y: Any, parameter: Expr) -> Derivation:
        outputs = Through(z[L, k], G[L, y, k, j], z[y, j], j, n[y])
        return Derivation(parameter, {z: (outputs, Through(z[y, k], K[y, k, r], theta[y, r], r, P[y])), M: CONSTANT})

    first, second = theta[m, r], theta[l, s]
    chain = Steps(
        S("k", n[L], lambda k: S("k'", n[L], lambda q: M[k, q] * Diff(first, z[L, k]) * Diff(second, z[L, q])))
    )

    def of(y: Any, k: Any, r: Any) -> Expr:
        return S("j", n[y], lambda j: G[L, y, k, j] * K[y, j, r])

    return chain.then(
        S("k", n[L], lambda k: S("k'", n[L], lambda q: M[k, q] * of(m, k, r) * of(l, q, s))),
        "chain rule",
        by=[through(m, first), through(l, second)],
    )


# -------------------------------------------------------------------------------------------- products with a vector
R = Operator("R")


def _along(y: Any) -> Derivation:
    return Derivation(R, {theta: lambda y, r: v[y, r], v: CONSTANT, z: NAMED, delta: NAMED, **_bends(y)})


def R_forward() -> Steps:
    r"""$\mathcal R\{z^{(l)}_k\}=\sum_iJ^{(l)}_{ki}\mathcal R\{z^{(l-1)}_i\}+\sum_rK^{(l)}_{kr}v^{(l)}_r$."""
    D = _along(l).but({z: _through(l)})
    return Steps(D.named(z[l, k])).then(
        S("i", n[l - 1], lambda i: J[l, k, i] * D.named(z[l - 1, i])) + S("r", P[l], lambda r: K[l, k, r] * v[l, r]),
        "chain rule",
        by=D,
    )


def R_backward() -> tuple[Steps, Steps]:
    r"""$\mathcal R\{\delta\}$ at the outputs and one layer back."""
    top = _along(l).but({delta: Through(delta[L, k], M[k, k_], z[L, k_], k_, n[L])})
    output = Steps(top.named(delta[L, k])).then(
        S("k'", n[L], lambda q: M[k, q] * top.named(z[L, q])), "through the outputs", by=top
    )
    D = _along(l)
    chain = Steps(D.named(delta[l - 1, i]))
    one_back = signal().result
    at_l = {delta: lambda y, unit: signal().at({i: unit}) if y == l - 1 else delta[y, unit]}
    chain.then(D.named(one_back), "the signal", using=at_l)
    chain.then(D(one_back), "product rule", by=D)
    hidden = chain.then(
        S("k", n[l], lambda k: J[l, k, i] * D.named(delta[l, k]))
        + S("i'", n[l - 1], lambda q: Phi[l, i, q] * D.named(z[l - 1, q]))
        + S("r", P[l], lambda r: Psi[l, r, i] * v[l, r]),
        r"name $\Phi$ and $\Psi$",
        using=sums,
    )
    return output, hidden


def R_gradient() -> Steps:
    r"""The entries of $Hv$ for the parameters of a layer."""
    D = _along(l)
    chain = Steps(D.named(Diff(theta[l, r], E)))
    own = gradient().result
    chain.then(D.named(own), "the gradient", using=_gradient_of(theta[l, r], own))
    chain.then(D(own), "product rule", by=D)
    return chain.then(
        S("k", n[l], lambda k: K[l, k, r] * D.named(delta[l, k]))
        + S("i", n[l - 1], lambda i: Psi[l, r, i] * D.named(z[l - 1, i]))
        + S("s", P[l], lambda s: Omega[l, r, s] * v[l, s]),
        r"name $\Psi$ and $\Omega$",
        using=sums,
    )
