r"""The multiplications of a Jacobian by forward and by reverse mode, counted as sums of ones."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.index import S
from hesslib.calculus.steps import Steps

from .network import L, n

__all__ = ["comparison", "forward", "forward_scalar", "forward_step", "reverse", "reverse_scalar", "reverse_step"]

s, m = sp.Symbol("s", integer=True, positive=True), sp.Symbol("m", integer=True, positive=True)
C_forward, C_reverse = sp.Symbol(r"{C_{\to}}"), sp.Symbol(r"{C_{\leftarrow}}")


def ones_for(carried: Expr, /) -> Expr:
    """One for each entry of the Jacobian of step s and each column, or row, carried through it."""
    entries = S("q", n[s - 1], lambda q: S("p", n[s], lambda p: 1))
    return S("k", carried, lambda k: entries)


def forward_step() -> Steps:
    """One step of forward mode, which carries a column for each input."""
    return Steps(ones_for(n[0])).then(n[0] * n[s - 1] * n[s], "forward mode")


def reverse_step() -> Steps:
    """One step of reverse mode, which carries a row for each output."""
    return Steps(ones_for(n[L])).then(n[L] * n[s - 1] * n[s], "reverse mode")


def _all_steps() -> dict:
    ahead, back = forward_step(), reverse_step()
    return {
        C_forward: lambda: S("s", L, lambda each: ahead.at({s: each})),
        C_reverse: lambda: S("s", L, lambda each: back.at({s: each})),
    }


def forward() -> Steps:
    """All steps of forward mode: inputs times what the program itself costs."""
    return Steps(C_forward).then(n[0] * S("s", L, lambda s: n[s - 1] * n[s]), using=_all_steps())


def reverse() -> Steps:
    """All steps of reverse mode: outputs times what the program itself costs."""
    return Steps(C_reverse).then(n[L] * S("s", L, lambda s: n[s - 1] * n[s]), using=_all_steps())


def comparison() -> Steps:
    """The hidden widths drop out of the comparison."""
    return Steps(n[L] * C_forward).then(n[0] * C_reverse, using=_all_steps())


def _scalar(name: Expr, step: Steps, carried: Expr, result: Expr) -> Steps:
    """The cost of L steps of width m and one more, with one output."""

    def longer() -> Expr:
        more: dict[Any, Any] = {L: L + 1}
        return S("s", L, lambda each: step.at(more | {s: each})) + step.at(more | {s: L + 1})

    widths = {n: lambda y: sp.S.One if y == L + 1 else m}
    steps = S("s", L, lambda s: n[s - 1] * n[s]) + n[L] * n[L + 1]
    chain = Steps(name).then(carried * steps, "one step more", using={name: longer})
    return chain.then(result, "as $n_s=m$", using=widths)


def forward_scalar() -> Steps:
    """Forward mode for one output after L steps of width m."""
    return _scalar(C_forward, forward_step(), n[0], L * m**3 + m**2)


def reverse_scalar() -> Steps:
    """Reverse mode for one output after L steps of width m."""
    return _scalar(C_reverse, reverse_step(), n[L + 1], L * m**2 + m)
