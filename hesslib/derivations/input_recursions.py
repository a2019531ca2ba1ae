r"""The recursions by the inputs put to use: as a program for one input at a time, written out, and two slips in them.

The equations themselves are those of `input_derivatives`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import rename, unfold
from hesslib.calculus.einsum_program import Program
from hesslib.calculus.index import KroneckerDelta, S, Tensor
from hesslib.calculus.steps import Steps

from .input_derivatives import d, da, dda, ddz, dz, e, first, second
from .network import L, a, definitions, hp, hpp, j, k, l, n, w, z

__all__ = ["program", "squares_summed", "straight_below", "two_hidden"]


@functools.cache
def _recursions() -> tuple[Steps, Steps, Steps, Steps]:
    """The four recursions, proved once."""
    return (*first(), *second())


def program(bend: Expr | None = None, /, name: str = "derivatives") -> Program:
    r"""The four recursions for one input at a time, $d=e$; `bend` in the place of what is derived for $\ddot z$."""
    first_a, first_z, second_a, second_z = _recursions()
    A2, Z2 = (Tensor(q, layers=1, shape=lambda y: (n[y], n[0]), pattern=True) for q in ("a2", "z2"))

    def one_input(formula: Expr) -> Expr:
        def renamed(q: Any) -> Expr | None:
            diagonal: dict[Any, Tensor] = {dda: A2, ddz: Z2}
            base = diagonal.get(getattr(q, "base", None))
            return None if base is None else base[q.indices[:3]]

        return rename(formula.xreplace({e: d}), renamed)

    p = Program(name, "L, w, b, x, dx, h0, h1, h2")
    p.line("z, dz, z2 = {0: x}, {0: dx}, {0: 0 * dx}")
    p.line("a, da, a2 = {}, {}, {}")
    with p.loop(l, 1, L):
        p.assign(a[l, j], definitions[a](l, j))
        p.assign(da[l, j, d], first_a.result)
        p.assign(A2[l, j, d], one_input(second_a.result))
        p.assign(z[l, j], definitions[z](l, j))
        p.assign(dz[l, j, d], first_z.result)
        p.assign(Z2[l, j, d], one_input(second_z.result if bend is None else bend))
    p.line("return da[L], a2[L]")
    return p


def two_hidden() -> Steps:
    r"""$\ddot a^{(3)}_{kdd}$ with all recursions inserted into each other, down to the inputs."""
    first_a, first_z, second_a, second_z = _recursions()
    inserted: dict[Any, Callable[..., Expr]] = {
        dda: lambda y, r, d_, e_: second_a.at({l: y, j: r, d: d_, e: e_}),
        ddz: lambda y, r, d_, e_: sp.S.Zero if y == 0 else second_z.at({l: y, j: r, d: d_, e: e_}),
        da: lambda y, r, d_: first_a.at({l: y, j: r, d: d_}),
        dz: lambda y, r, d_: KroneckerDelta(r, d_) if y == 0 else first_z.at({l: y, j: r, d: d_}),
    }

    def layer_by_layer(q: Expr) -> Expr:
        for _ in range(6):
            q = unfold(q, inserted)
        return q

    def slope_below(j: Any) -> Expr:
        return S("i", n[1], lambda i: w[2, j, i] * hp(1, i) * w[1, i, d])

    def bend_below(j: Any) -> Expr:
        return S("i", n[1], lambda i: w[2, j, i] * hpp(1, i) * w[1, i, d] ** 2)

    return Steps(dda[3, k, d, d]).then(
        S("j", n[2], lambda j: w[3, k, j] * hpp(2, j) * slope_below(j) ** 2)
        + S("j", n[2], lambda j: w[3, k, j] * hp(2, j) * bend_below(j)),
        "all recursions inserted",
        using=layer_by_layer,
    )


def straight_below() -> Expr:
    r"""A slip in $\ddot z$: the layers before taken as straight."""
    return hpp(l, j) * da[l, j, d] * da[l, j, e]


def squares_summed() -> Expr:
    r"""A slip in $\ddot z$: each term squared where the sum is."""
    squares = S("i", n[l - 1], lambda i: w[l, j, i] ** 2 * dz[l - 1, i, d] * dz[l - 1, i, e])
    return hpp(l, j) * squares + hp(l, j) * dda[l, j, d, e]
