r"""Forward and reverse mode: one chain rule, read from either end of a program that is a chain of steps.

$v^{(s)}$ is what a program holds after its step s. Tangents $\dot v^{(s)}=\partial v^{(s)}/\partial t$ run
with the program, adjoints $\bar v^{(s)}=\partial E/\partial v^{(s)}$ against it.

Longer than one sitting: every statement of one mode has its mirror image in the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import NAMED, Derivation, unfold
from hesslib.calculus.einsum_program import Program
from hesslib.calculus.index import Diff, S, Tensor, elementwise, freshen, index
from hesslib.calculus.rewriting import assuming
from hesslib.calculus.steps import Formula, Steps

from .network import E, L, a, definitions, delta, hp, l, n, w, wrt_a

__all__ = [
    "adjoint",
    "backpropagation",
    "columns",
    "definition",
    "dual_function",
    "dual_product",
    "invariant",
    "layer_jacobian",
    "program",
    "rows",
    "tangent",
]

s, t = sp.Symbol("s", integer=True, positive=True), sp.Symbol("t")
p, q, r, k = index("p q r k")


def _held(step: Any) -> tuple[Expr, ...]:
    return (n[step],)


v = Tensor("v", layers=1, shape=_held)
vdot = Tensor("vdot", latex=r"\dot v", layers=1, shape=_held, pattern=True)
vbar = Tensor("vbar", latex=r"\bar v", layers=1, shape=_held, pattern=True)
J = Tensor("J", layers=1, shape=lambda step: (n[step], n[step - 1]))
G = Tensor("G", layers=2, shape=lambda above, below: (n[above], n[below]))
names: dict[Any, Callable[..., Expr]] = {
    J: lambda step, p, q: Diff(v[step - 1, q], v[step, p]),
    vdot: lambda step, p: Diff(t, v[step, p]),
    vbar: lambda step, p: Diff(v[step, p], E),
    G: lambda above, below, p, q: Diff(v[below, q], v[above, p]),
}
"""What the names stand for."""


def definition(name: Tensor, /) -> Formula:
    """The definition of the Jacobian of a step, of tangents, or of adjoints."""
    indices = (s, p, q) if name == J else (s, p)
    return Formula(name[indices], names[name](*indices))


# ------------------------------------------------------------------------------------------------ the two modes
def _through_one_step(by: Any) -> Derivation:
    """The derivation by something that v^(s) sees through v^(s-1) alone."""

    def rule(step: Any, p: Any) -> Expr:
        if step != s:
            return Diff(by, v[step, p])  # named, not worked out
        return S("q", n[s - 1], lambda q: Diff(v[s - 1, q], v[s, p]) * Diff(by, v[s - 1, q]))

    return Derivation(by, {v: rule})


def tangent() -> Steps:
    r"""$\dot v^{(s)}_p=\sum_qJ^{(s)}_{pq}\dot v^{(s-1)}_q$: forward mode."""
    D = _through_one_step(t)
    chain = Steps(vdot[s, p])
    chain.then(D.named(v[s, p]), "definition", using=names)
    chain.then(D.raw(v[s, p]), "chain rule", by=D)
    return chain.then(S("q", n[s - 1], lambda q: J[s, p, q] * vdot[s - 1, q]), "in short", using=names)


def adjoint() -> Steps:
    r"""$\bar v^{(s-1)}_q=\sum_pJ^{(s)}_{pq}\bar v^{(s)}_p$: reverse mode."""

    def error() -> Expr:
        return S("p", n[s], lambda p: Diff(v[s, p], E) * Diff(v[s - 1, q], v[s, p]))

    D = Derivation(v[s - 1, q], {v: NAMED, E: error})
    chain = Steps(vbar[s - 1, q])
    chain.then(D.named(E), "definition", using=names)
    chain.then(D.raw(E), "chain rule", by=D)
    return chain.then(S("p", n[s], lambda p: J[s, p, q] * vbar[s, p]), "in short", using=names)


def invariant() -> Steps:
    """The scalar product of adjoint and tangent is the same after a step as before it."""

    def at(where: Any, quantity: Tensor, recursion: Steps) -> dict:
        """Insert a recursion at one step; elsewhere the quantity is left alone."""
        return {quantity: lambda y, unit: recursion.at({p: unit, q: unit}) if y == where else quantity[y, unit]}

    def after(p: Any) -> Expr:
        return vbar[s, p] * S("q", n[s - 1], lambda q: J[s, p, q] * vdot[s - 1, q])

    def before(q: Any) -> Expr:
        return vdot[s - 1, q] * S("p", n[s], lambda p: J[s, p, q] * vbar[s, p])

    chain = Steps(S("p", n[s], lambda p: vbar[s, p] * vdot[s, p]))
    chain.then(S("p", n[s], after), "tangents", using=at(s, vdot, tangent()))
    chain.then(S("q", n[s - 1], before), "other bracket")
    end = S("q", n[s - 1], lambda q: vbar[s - 1, q] * vdot[s - 1, q])
    return chain.then(end, "adjoints", using=at(s - 1, vbar, adjoint()))


def columns() -> Steps:
    """The Jacobian from the input, all columns: the tangents of every input at once."""
    D = _through_one_step(v[0, k])
    chain = Steps(G[s, 0, p, k])
    chain.then(D.named(v[s, p]), "definition", using=names)
    chain.then(D.raw(v[s, p]), "chain rule", by=D)
    return chain.then(S("q", n[s - 1], lambda q: J[s, p, q] * G[s - 1, 0, q, k]), "in short", using=names)


def rows() -> Steps:
    """The Jacobian from the output, all rows: the adjoints of every output at once."""

    def output(step: Any, k: Any) -> Expr:
        """Beyond step s lie the outputs; they see v^(s-1) through v^(s)."""
        if step != L:
            return Diff(v[s - 1, q], v[step, k])
        return S("p", n[s], lambda p: Diff(v[s, p], v[L, k]) * Diff(v[s - 1, q], v[s, p]))

    D = Derivation(v[s - 1, q], {v: output})
    chain = Steps(G[L, s - 1, k, q])
    chain.then(D.named(v[L, k]), "definition", using=names)
    chain.then(D.raw(v[L, k]), "chain rule", by=D)
    return chain.then(S("p", n[s], lambda p: G[L, s, k, p] * J[s, p, q]), "in short", using=names)


def program() -> Program:
    """Both recursions as one program; ``n`` numbers the directions, or the outputs."""
    both = Program("derived_modes", "L, J, vdot, vbar")
    with both.loop(s, 1, L):
        both.assign(vdot[s, p], tangent().result)
    with both.loop(s, L, 1, down=True):
        both.assign(vbar[s - 1, q], adjoint().result)
    both.line("return vdot, vbar")
    return both


# ------------------------------------------------------------------------------------------------ in a network
def layer_jacobian() -> Steps:
    r"""$J^{(l)}_{pq}=w^{(l)}_{pq}h'(a^{(l-1)}_q)$, where the numbers held are the pre-activations."""
    D = wrt_a(l - 1, q)
    chain = Steps(J[l, p, q])
    chain.then(D.named(a[l, p]), "definition", using={J: lambda y, p, q: Diff(a[y - 1, q], a[y, p])})
    chain.then(D.named(definitions[a](l, p)), "insert $a^{(l)}_p$", by=D)
    return chain.then(D(definitions[a](l, p)), "only $i=q$ remains", by=D)


def backpropagation() -> Steps:
    """The recursion of the adjoints with the Jacobian of a layer inserted."""
    signals = unfold(adjoint().result, {vbar: lambda y, unit: delta[y, unit]})
    layer = layer_jacobian()

    def as_adjoint(y: Any, unit: Any) -> Expr:
        return freshen(signals).xreplace({s: l, q: unit}) if y == l - 1 else delta[y, unit]

    chain = Steps(delta[l - 1, q])
    chain.then(S("p", n[l], lambda p: J[l, p, q] * delta[l, p]), "adjoints", using={delta: as_adjoint})
    end = hp(l - 1, q) * S("p", n[l], lambda p: w[l, p, q] * delta[l, p])
    inserted = {J: lambda y, j, i: layer.at({l: y, p: j, q: i})}
    return chain.then(end, "insert $J^{(l)}_{pq}$", using=inserted)


# ------------------------------------------------------------------------------------------------ dual numbers
eps, x, y, x_dot, y_dot = sp.symbols(r"{\epsilon} x y {\dot{x}} {\dot{y}}")


def dual_product() -> Steps:
    r"""$(x+\dot x\epsilon)(y+\dot y\epsilon)$ with $\epsilon^2=0$: the product rule."""

    def without_squares(e: Expr) -> Expr:
        e = sp.expand(e)
        return e.coeff(eps, 0) + e.coeff(eps, 1) * eps

    rule = x * y + (x * y_dot + y * x_dot) * eps
    chain = Steps((x + x_dot * eps) * (y + y_dot * eps))
    chain.then(rule + x_dot * y_dot * eps**2, "multiply out")
    return chain.then(rule, r"$\epsilon^2=0$", using=assuming(eps**2, 0, without_squares))


def dual_function() -> Steps:
    r"""$h(x+\dot x\epsilon)$ with $\epsilon^2=0$: the chain rule."""
    h = elementwise("h")

    def taylor(e: Expr) -> Expr:
        """The Taylor series about eps = 0; exact, as the square of eps vanishes."""
        value, slope = (x.xreplace({eps: sp.S.Zero}) for x in (e, sp.diff(e, eps)))
        return value + slope * eps

    ends = assuming(r"that with $\epsilon^2=0$ the Taylor series of $h$ ends after its slope", None, taylor)
    chain = Steps(h(x + x_dot * eps))
    return chain.then(h(x) + h(x).fdiff() * x_dot * eps, "Taylor series", using=ends)
