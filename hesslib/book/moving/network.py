r"""The passes of a small network in scalars: the lines of every quantity, each from the formula that proves it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp
from sympy import Expr, Symbol

from hesslib.book.javascript import Scalars, symbol, symbols_in
from hesslib.calculus.index import Tensor
from hesslib.derivations import backpropagation, deep_hessian, losses
from hesslib.derivations.network import B, G, L, M, R, a, b, definitions, delta, i, j, k, l, m, n, p, u, v, w, z

target = Tensor("t", shape=(n[L],))


@functools.cache
def _proved() -> dict[str, Any]:
    """The results of the derivations; each is derived once for all figures."""
    return {
        "signal": backpropagation.signal().result,
        "weight": backpropagation.weight_gradient().result,
        "bias": backpropagation.bias_gradient().result,
        "G": deep_hessian.forward_response().result,
        "G base": deep_hessian.forward_response_base().result,
        "B base": deep_hessian.output_response().result,
        "B": deep_hessian.backward_response().result,
        "above": deep_hessian.weight_weight().result,
        "within": deep_hessian.weight_weight_same_layer().result,
        "R a": deep_hessian.R_forward()[0].result,
        "R z": deep_hessian.R_forward()[1].result,
        "R output": deep_hessian.R_backward()[0].result,
        "R delta": deep_hessian.R_backward()[1].result,
        "R weight": deep_hessian.R_gradient()[0].result,
        "R bias": deep_hessian.R_gradient()[1].result,
    }


class Passes:
    """A network of the given widths with a linear output and the squared error, for one pattern.

    ``lines`` gives a formula for the symbol of every quantity that a figure asks for: forward and backward pass always,
    the gradient and the entries of the Hessian when they are asked for.

    >>> str(Passes((1, 1)).lines[symbol(a[1, 1])])
    'b_1_1 + w_1_1_1*z_0_1'
    """

    def __init__(self, widths: Sequence[int], function: Callable[..., Expr] = sp.tanh) -> None:
        self.widths, self.depth = tuple(widths), len(widths) - 1
        self.at_output = {L: self.depth}
        self.scalars = Scalars({n: self.widths, **self.at_output}, {"h": function})
        self.lines: dict[Symbol, Expr] = {}
        self._forward()
        self._backward()

    def units(self, layer: int) -> range:
        """The units of a layer, from 1."""
        return range(1, self.widths[layer] + 1)

    def _line(self, x: Expr, formula: Any, at: dict[Any, int]) -> Symbol:
        name = symbol(x)
        self.lines.setdefault(name, self.scalars(formula, at))
        return name

    def _forward(self) -> None:
        for y in range(1, self.depth + 1):
            for unit in self.units(y):
                self._line(a[y, unit], definitions[a](l, j), {l: y, j: unit})
                if y < self.depth:
                    self._line(z[y, unit], definitions[z](l, j), {l: y, j: unit})
        outputs = Scalars({losses.K: self.widths[-1]}, means={losses.y: self._output, losses.t: self._target})
        self.lines[Symbol("E", real=True)] = outputs(losses.squared_error.error)
        for unit in self.units(self.depth):
            self.lines[symbol(delta[self.depth, unit])] = outputs(losses.squared_error.delta().result, {losses.q: unit})
        for one, other in itertools.product(self.units(self.depth), repeat=2):
            if one <= other:
                bend = outputs(losses.squared_error.M().result, {losses.q: one, losses.q_: other})
                self.lines[symbol(M[one, other])] = bend

    def _output(self, unit: Any) -> Expr:
        """The output is linear: it is the pre-activation."""
        return symbol(a[self.depth, unit])

    def _target(self, unit: Any) -> Expr:
        return symbol(target[unit])

    def _backward(self) -> None:
        for y in reversed(range(1, self.depth)):
            for unit in self.units(y):
                self._line(delta[y, unit], _proved()["signal"], {l: y, j: unit})

    # ------------------------------------------------------------------------------------------------- derivatives
    def gradient(self) -> list[Expr]:
        """The gradient in the flat order of the weights."""
        found: list[Expr] = []
        for y in range(1, self.depth + 1):
            for unit, source in itertools.product(self.units(y), self.units(y - 1)):
                found.append(self.scalars(_proved()["weight"], {l: y, j: unit, i: source}))
            found += [self.scalars(_proved()["bias"], {l: y, j: unit}) for unit in self.units(y)]
        return found

    def response(self, above: int, below: int, unit: int, source: int) -> Symbol:
        """An entry of $G$."""
        x = G[above, below, unit, source]
        if above == below:
            return self._line(x, _proved()["G base"], {l: below, k: unit, j: source})
        for middle in self.units(above - 1):
            self.response(above - 1, below, middle, source)
        return self._line(x, _proved()["G"], {m: above, l: below, k: unit, j: source})

    def bend(self, above: int, below: int, unit: int, source: int) -> Symbol:
        """An entry of $B$."""
        x = B[above, below, unit, source]
        if above == self.depth:
            for other in self.units(above):
                self.response(above, below, other, source)
            return self._line(x, _proved()["B base"], {l: below, k: unit, j: source})
        self.response(above, below, unit, source)
        for other in self.units(above + 1):
            self.bend(above + 1, below, other, source)
        return self._line(x, _proved()["B"], {m: above, l: below, k: unit, j: source})

    def weights_hessian(self, one: tuple[int, int, int], other: tuple[int, int, int]) -> Expr:
        """The entry of two weights, each (layer, to, from)."""
        upper, lower = sorted((one, other), key=lambda x: -x[0])
        at = {l: lower[0], k: upper[1], p: upper[2], j: lower[1], i: lower[2]}
        self.bend(upper[0], lower[0], upper[1], lower[1])
        if upper[0] == lower[0]:
            return self.scalars(_proved()["within"], at)
        self.response(upper[0] - 1, lower[0], upper[2], lower[1])
        return self.scalars(_proved()["above"], {m: upper[0], **at})

    def along(self) -> list[Expr]:
        """The entries of $Hv$ in the flat order of the weights, by the passes of the R-operator."""
        layers = range(1, self.depth + 1)
        for source in self.units(0):
            self.lines[symbol(R.named(z[0, source]))] = sp.S.Zero
        units = [(y, unit) for y in layers for unit in self.units(y)]
        for y, unit in units:
            self._line(R.named(a[y, unit]), _proved()["R a"], {l: y, j: unit})
            self._line(R.named(z[y, unit]), _proved()["R z"], {l: y, j: unit})
        for y, unit in reversed(units):
            which, letter = ("R output", k) if y == self.depth else ("R delta", j)
            self._line(R.named(delta[y, unit]), _proved()[which], {l: y, letter: unit})
        found: list[Expr] = []
        for y in layers:
            for unit, source in itertools.product(self.units(y), self.units(y - 1)):
                found.append(self.scalars(_proved()["R weight"], {l: y, j: unit, i: source}))
            found += [self.scalars(_proved()["R bias"], {l: y, j: unit}) for unit in self.units(y)]
        return found

    # --------------------------------------------------------------------------------------------------- arguments
    def direction(self) -> dict[str, Any]:
        """A direction in weight space, by layer, from 1: its parts for the weights and for the biases."""
        layers = range(1, self.depth + 1)
        return {
            "v": [None, *(self.scalars.array(v, y) for y in layers)],
            "u": [None, *(self.scalars.array(u, y) for y in layers)],
        }

    def arguments(self) -> dict[str, Any]:
        """Weights and biases by layer, from 1, the inputs and the targets."""
        layers = range(1, self.depth + 1)
        return {
            "w": [None, *(self.scalars.array(w, y) for y in layers)],
            "b": [None, *(self.scalars.array(b, y) for y in layers)],
            "x": self.scalars.array(z, 0),
            "t": [self._target(unit) for unit in self.units(self.depth)],
        }

    def flat_weights(self) -> list[Symbol]:
        """All weights and biases in the flat order of the package."""
        named = self.arguments()
        return [s for y in range(1, self.depth + 1) for s in symbols_in([named["w"][y], named["b"][y]])]
