"""The V of a difference quotient: the error of three quotients against the step, in the arithmetic of the browser."""

from __future__ import annotations

import sympy as sp

from hesslib.book.javascript import Function, symbol
from hesslib.book.moving import Moving
from hesslib.book.moving.network import Passes
from hesslib.book.moving.start import example
from hesslib.derivations import difference_quotients as quotients
from hesslib.derivations import step_size
from hesslib.derivations.difference_quotients import E_0, E_m, E_p, eps

NAMES = {E_p: "E_plus", E_m: "E_minus", E_0: "E_at", eps: "epsilon"}
RENAMED = {x: sp.Symbol(name, real=True) for x, name in NAMES.items()}


def functions() -> tuple[Function, ...]:
    """The error and its first two derivatives, the quotients, and the best step."""
    net = Passes((2, 2, 1))
    slope, bend = net.gradient()[0], net.weights_hessian((1, 1, 1), (1, 1, 1))
    exact = Function(
        "exact", net.arguments(), net.lines, {"E": sp.Symbol("E", real=True), "slope": slope, "bend": bend}
    )
    shown = {"one_sided": quotients.one_sided, "central": quotients.central, "second": quotients.second}
    quotient = Function(
        "quotients",
        {name: RENAMED[x] for x, name in NAMES.items()},
        {},
        {name: one.formula.xreplace(RENAMED) for name, one in shown.items()},
    )
    letters = {x: symbol(x) for x in (step_size.C, step_size.R, step_size.u, step_size.p, step_size.q)}
    best = step_size.best_step().rhs.xreplace(letters)
    return exact, quotient, Function("best_step", {s.name: s for s in letters.values()}, {}, {"step": best})


def figure() -> Moving:
    """The figure."""
    return Moving(
        "quotients",
        functions(),
        r"Three quotients of the worked example's error along $w^{(1)}_{11}$, computed in the arithmetic of your "
        r"browser. Move the step and watch the digits come and go; move the weight, and the V moves with the "
        r"derivatives. Compiled from {eq}`best-step`, {eq}`weight-gradient` and {eq}`hessian-block-within`.",
        "The relative error of the one-sided, the central and the second difference against the step, both "
        "logarithmic. The step and the weight can be moved.",
        "fig-v-curves",
        {**example(), "orders": {"one_sided": [1, 1], "central": [1, 2], "second": [2, 2]}},
    )
