r"""The two passes of PRML's network and $\mathcal R\{\cdot\}$ of each of their equations: (5.98) to (5.111).

Two layers of weights without biases, linear outputs, squared error, one pattern. The letters are PRML's: a and z of
hidden units j, y and t of outputs k. What is mirrored is never written down: it is what the derivation makes of the
known equation.
"""

from __future__ import annotations

from typing import Any

from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation
from hesslib.calculus.einsum_program import Program
from hesslib.calculus.index import Diff, S, Tensor
from hesslib.calculus.joint_display import Mirrored, Together
from hesslib.calculus.rewriting import assuming
from hesslib.calculus.steps import Formula, Steps

from .network import E, R, b, h, i, j, k, l, n, u, v, w

x = Tensor("x", shape=(n[0],), pattern=True)
a, z, delta_j = (
    Tensor(name, latex=latex, shape=(n[1],), pattern=True) for name, latex in (("a", "a"), ("z", "z"), ("d", r"\delta"))
)
y, t, delta_k = (
    Tensor(name, latex=latex, shape=(n[2],), pattern=True) for name, latex in (("y", "y"), ("t", "t"), ("e", r"\delta"))
)
R_two = Derivation(
    R.op,
    {
        w: lambda layer, r, c: v[layer, r, c],
        v: CONSTANT,
        x: CONSTANT,
        t: CONSTANT,
        **dict.fromkeys((a, z, y, delta_j, delta_k), NAMED),
    },
)
r"""$\mathcal R\{\cdot\}$ for this network: weights move along v, inputs and targets do not move."""


def of_the_parameters() -> Together:
    r"""$\mathcal R\{w^{(l)}_{ji}\}=v^{(l)}_{ji}$ and $\mathcal R\{b^{(l)}_j\}=u^{(l)}_j$, at any depth."""
    return Together(
        Steps(R.named(w[l, j, i])).then(v[l, j, i], by=R),
        Steps(R.named(b[l, j])).then(u[l, j], by=R),
    )


def received() -> Expr:
    r"""What a hidden unit gets back from the outputs, $\sum_kw^{(2)}_{kj}\delta_k$."""
    return S("k", n[2], lambda k: w[2, k, j] * delta_k[k])


def forward() -> Mirrored:
    r"""$a_j$, $z_j$ and $y_k$."""
    return Mirrored(
        _mirror(Formula(a[j], S("i", n[0], lambda i: w[1, j, i] * x[i]))),
        _mirror(Formula(z[j], h(a[j]))),
        _mirror(Formula(y[k], S("j", n[1], lambda j: w[2, k, j] * z[j]))),
    )


def backward() -> Mirrored:
    r"""$\delta_k$ and $\delta_j$."""
    return Mirrored(
        _mirror(Formula(delta_k[k], y[k] - t[k])),
        _mirror(Formula(delta_j[j], h(a[j]).fdiff() * received())),
    )


def gradient() -> Mirrored:
    r"""$\partial E/\partial w_{kj}$ and $\partial E/\partial w_{ji}$; their mirror images are the entries of $Hv$."""
    return Mirrored(
        _mirror(Formula(Diff(w[2, k, j], E), delta_k[k] * z[j])),
        _mirror(Formula(Diff(w[1, j, i], E), delta_j[j] * x[i])),
    )


def _mirror(known: Formula) -> tuple[Formula, Steps]:
    r"""A known equation, and $\mathcal R\{\cdot\}$ of both of its sides, worked out."""
    chain = Steps(R_two.named(known.lhs)).then(R_two.named(known.rhs), "the equation", using=_inserting(known))
    return known, chain.then(R_two(known.rhs), "worked out", by=R_two)


def _inserting(known: Formula) -> Any:
    """The known equation as a definition of its left side; the gradient has another one, so there it is a fact."""
    if isinstance(known.lhs, Diff):
        return assuming(known.lhs, known.rhs, lambda e: e.xreplace({known.lhs: known.rhs}))
    letters = known.lhs.indices
    return {known.lhs.base: lambda *at: known.rhs.xreplace(dict(zip(letters, at, strict=True)))}


def program() -> Program:
    r"""The right column as a program: the rates of both passes, and from them the two matrices of $Hv$."""
    made = Program("mirrored", "w, v, x, a, z, d, e, h1, h2")
    for known, rate in (*forward().pairs, *backward().pairs):
        made.assign(R_two.named(known.lhs), rate.result)
    upper, lower = (rate.result for _, rate in gradient().pairs)
    Rg1, Rg2 = (Tensor(f"Rg{layer}", shape=(n[layer], n[layer - 1])) for layer in (1, 2))
    made.assign(Rg2[k, j], upper)
    made.assign(Rg1[j, i], lower)
    made.line("return Rg1, Rg2")
    return made
