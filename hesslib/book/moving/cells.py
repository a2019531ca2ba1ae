"""The Hessian of two layers as a heat map: every cell with its two weights, its terms and the paths that make them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.book.javascript import Function
from hesslib.book.moving import Moving
from hesslib.book.moving.network import Passes
from hesslib.book.moving.start import example
from hesslib.calculus.index import Elementwise
from hesslib.derivations import two_layer_hessian, two_layers
from hesslib.derivations.network import i, i_, j, j_, k, k_, z

LETTERS = {"W1": (j, i), "b1": (j,), "W2": (k, j), "b2": (k,)}
PRIMED = {"W1": (j_, i_), "b1": (j_,), "W2": (k_, j_), "b2": (k_,)}


def parameters(net: Passes) -> list[tuple[str, tuple[int, ...]]]:
    """Every weight and bias in the flat order: its kind, and where it leads and comes from."""
    found: list[tuple[str, tuple[int, ...]]] = []
    for y in (1, 2):
        found += [(f"W{y}", (to, source)) for to in net.units(y) for source in net.units(y - 1)]
        found += [(f"b{y}", (to,)) for to in net.units(y)]
    return found


def parts_of(formula: Expr) -> tuple[Expr, Expr, Expr]:
    """The terms of an entry by their cause: the loss bends, a unit bends, one weight is on the path of the other."""
    loss: list[Expr] = []
    unit: list[Expr] = []
    shared: list[Expr] = []
    for term in sp.Add.make_args(formula.expand()):
        bends = any(h.order > 1 for h in term.atoms(Elementwise))
        is_loss = any(x.base == two_layers.M for x in term.atoms(sp.Indexed))
        (unit if bends else loss if is_loss else shared).append(term)
    return sp.Add(*loss), sp.Add(*unit), sp.Add(*shared)


def functions() -> tuple[Function, ...]:
    """All entries, each as the three parts."""
    net = Passes((2, 2, 1))
    scalars = replace(net.scalars, means={two_layers.x: lambda source: z[0, source]})
    of_kind = {pair: parts_of(chain.result) for pair, chain in two_layer_hessian.entries().items()}
    listed = parameters(net)
    cells: dict[tuple[int, int], Any] = {}
    for (row, one), (column, other) in itertools.product(enumerate(listed), repeat=2):
        first, second = (one, other) if (one[0], other[0]) in of_kind else (other, one)
        at = dict(zip(LETTERS[first[0]], first[1], strict=True)) | dict(zip(PRIMED[second[0]], second[1], strict=True))
        cells[row, column] = [scalars(part, at) for part in of_kind[first[0], second[0]]]
    size = range(len(listed))
    entries = [[cells[row, column] for column in size] for row in size]
    return (Function("hessian", net.arguments(), net.lines, {"parts": entries}),)


def figure() -> Moving:
    """The figure."""
    listed = [[kind, *places] for kind, places in parameters(Passes((2, 2, 1)))]
    return Moving(
        "cells",
        functions(),
        r"The Hessian of the worked example, a cell for every pair of weights. Choose a cell, with a pointer or the "
        r"arrow keys: the network shows the path of each of its weights to the output, the text its terms. "
        r"Compiled from {eq}`hessian-second-second`, {eq}`hessian-first-first`, {eq}`hessian-first-second` and "
        r"{eq}`hessian-two-layer-biases`.",
        "A table of second derivatives, a row and a column for every weight, and the network beside it. Each cell "
        "can be chosen, and the target can be moved.",
        "fig-two-layer-hessian",
        {**example(), "parameters": listed},
    )
