r"""The error of $w_2\tanh(w_1x)-t$ at a few points: a surface over two weights, for several figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from hesslib.book.javascript import Function, symbol
from hesslib.book.moving.network import Passes
from hesslib.derivations.network import delta

PATTERNS = 8
"""How many patterns the error sums over."""


def patterns() -> dict[str, list[float]]:
    r"""Inputs and targets, with few digits: the targets are noisy values of $1.5\tanh(1.2x)$.

    >>> len(patterns()["x"])
    8
    """
    x = np.linspace(-2, 2, PATTERNS)
    noise = 0.1 * np.random.default_rng(1).standard_normal(PATTERNS)
    return {"x": x.round(2).tolist(), "t": (1.5 * np.tanh(1.2 * x) + noise).round(2).tolist()}


def pattern_functions() -> tuple[Function, ...]:
    """Of one pattern: the error, its gradient and Hessian; and the residual with the Jacobian of the output.

    The Jacobian is the gradient of an error whose signal at the output is 1.
    """
    net = Passes((1, 1, 1))
    weights = [(1, 1, 1), (2, 1, 1)]
    arguments = {**net.arguments(), "b": [None, [sp.Symbol("b_1_1", real=True)], [sp.Symbol("b_2_1", real=True)]]}
    gradient = [net.gradient()[place] for place in (0, 2)]
    hessian = [[net.weights_hessian(one, other) for other in weights] for one in weights]
    at_output = symbol(delta[2, 1])
    results: dict[str, Any] = {"E": sp.Symbol("E", real=True), "gradient": gradient, "hessian": hessian}
    signal = Function("residual", arguments, net.lines, {"e": at_output})
    jacobian = Function("jacobian", arguments, {**net.lines, at_output: sp.S.One}, {"J": gradient})
    return Function("pattern", arguments, net.lines, results), signal, jacobian
