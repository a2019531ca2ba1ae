r"""What two formulas about one network are compared in: everything by the definitions, through one layer.

The error is known through the pre-activations of one layer, the highest that the formulas mention, and through those
alone: its first derivatives there are the signals, its second the curvature. Everything below follows by the chain
rule: signals, gradients, second derivatives, and Pearlmutter's derivative of any of them.

Longer than one sitting: the derivatives by all kinds of variables, which need each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy import Expr, Indexed, Symbol

from hesslib.calculus.architecture import Architecture, ByDefinitions, order
from hesslib.calculus.derivation import CONSTANT, Derivation, MissingRuleError
from hesslib.calculus.index import Diff, Elementwise, KroneckerDelta, Operator, S, Tensor, Width, freshen
from hesslib.calculus.normal import equal
from hesslib.calculus.tidy import tidy

from .. import network as net
from .. import two_layers
from ..network import E, a, b, delta, h, n, u, v, w, z
from .notation import t, t2, x, y, y2

C = Tensor("C", layers=1, shape=lambda k: (n[k], n[k]), symmetric=True, pattern=True)  # the curvature seen from a layer
g = Tensor("g", layers=1, shape=lambda k: (n[k],), pattern=True)  # the derivative of the error by an activation

_without_biases = Architecture(
    {
        a: lambda k, j: S("i", n[k - 1], lambda i: w[k, j, i] * z[k - 1, i]),
        z: net.definitions[z],
    },
    layers=(1, net.L),
)


UNIT_LOSSES: dict[str, tuple[str, Callable[[Expr, Expr], Expr], Callable[[Expr, Expr], Expr]]] = {
    "squares": ("squared error", lambda u, t: (u - t) ** 2 / 2, lambda u, t: u - t),
    "whole squares": ("squared error without the factor 1/2", lambda u, t: (u - t) ** 2, lambda u, t: 2 * (u - t)),
    "entropy": (
        "cross-entropy error of each output",
        lambda u, t: -t * sp.log(u) - (1 - t) * sp.log(1 - u),
        lambda u, t: (u - t) / (u * (1 - u)),
    ),
}
"""Losses that are a sum over outputs: in words, of an output and its target, and the derivative by the output."""
UNMIXED = "no second derivative of the error is by two units of the highest layer in the formula"
"""What a hidden layer's curvature without entries off its diagonal takes, which no property of the loss gives."""


class CannotTellError(ValueError):
    """What is asked goes beyond what the two formulas say of the network."""


@dataclass(frozen=True)
class Assumed:
    """What is taken to hold of the loss and of the outputs."""

    outputs: str = "any"
    loss: str = "any"
    diagonal: bool = False
    whole: str = "sum"  # what the error of all patterns is

    @property
    def words(self) -> str:
        """The condition in words, but for that on the error of all patterns."""
        if self.loss in UNIT_LOSSES:
            kind = {"linear": "linear outputs, ", "activated": "outputs with the activation function, "}
            return kind.get(self.outputs, "") + UNIT_LOSSES[self.loss][0]
        if self.loss == "any" and self.outputs != "any" and not self.diagonal:
            return {"linear": "linear outputs", "activated": "outputs with the activation function"}[self.outputs]
        if self.loss == "canonical":
            return "the loss that belongs to the outputs: its derivative is output minus target"
        if self.loss == "softmax":
            return "softmax outputs with their cross-entropy error"
        return "no output's slope of the error depends on another output" if self.diagonal else ""


def constants_of(e: Any, /) -> list[Symbol]:
    """The numbers of a formula that have a letter: neither an index nor a size, nor the error."""
    return [s for s in sorted(e.free_symbols - {E}, key=str) if isinstance(s, Symbol) and not s.is_integer]


class NetworkForm:
    """The common form of formulas about one network."""

    def __init__(self, formulas: Iterable[Expr], assumed: Assumed, *, two: bool, biases: bool) -> None:
        self.assumed, self.two, self.biases = assumed, two, biases
        self.depth: Expr = sp.Integer(2) if two else net.L
        self.architecture = net.architecture if biases else _without_biases
        self.curvature = two_layers.M if two else net.M
        self.target, self.output, self.input = (t2, y2, two_layers.x) if two else (t, y, x)
        self.kept: dict[Any, Any] = {}  # what parts of formulas are in this form
        self.formed: dict[Any, Expr] = {}  # what whole formulas are
        self.groups: dict[Expr, list[int]] = {}
        self.moved: dict[Expr, list[int]] = {}
        self.by: set[Expr] = set()  # the layers by whose activations the error is differentiated
        for e in formulas:
            self._look(e)
        self.top = self._top()
        self.by_activation = any(order(self.top, layer) == 0 for layer in self.by)

    # ------------------------------------------------------------------------------------------- what is mentioned
    def _look(self, e: Expr) -> None:
        for q in e.atoms(Indexed):
            if isinstance(q.base, Width) or not isinstance(q.base, Tensor):
                continue
            if q.base in (self.curvature, self.target, self.output):
                self._note(self.groups, self.depth)
            for layer in q.indices[: q.base.layers]:
                self._note(self.groups, layer)
            if q.base in (v, u):  # a direction of a layer moves the layer below only with the layers before
                self._note(self.moved, q.indices[0] - 1)
        for d in e.atoms(Diff):
            if isinstance(d.op, Indexed) and d.op.base == z and d.operand == E:
                self.by.add(d.op.indices[0])
            if isinstance(d.op, Operator):
                for q in d.operand.atoms(Indexed):
                    if isinstance(q.base, Tensor) and q.base in (a, z):
                        self._note(self.moved, q.indices[0])

    @staticmethod
    def _note(groups: dict[Expr, list[int]], layer: Expr) -> None:
        constant, rest = sp.expand(layer).as_coeff_Add()
        groups.setdefault(rest, []).append(int(constant))

    def _top(self) -> Expr:
        found = [rest for rest in self.groups if rest != net.L]
        if net.L in self.groups or (self.two and found == [0]):
            return self.depth
        if len(found) > 1:
            told = ", ".join(sorted(map(str, found)))
            raise CannotTellError(f"which of the layers {told} lies above is not said")
        return found[0] + max(self.groups[found[0]]) if found else net.l

    def _is_last(self, layer: Expr) -> bool:
        return bool(sp.expand(layer - self.depth) == 0)

    @property
    def of_diagonal(self) -> str:
        """What is assumed of the curvature that has no entries off its diagonal, in words."""
        return self.assumed.words if self._is_last(self.top) else UNMIXED

    @property
    def key(self) -> tuple[Any, ...]:
        """What the form depends on, besides the formula."""
        ends = [tuple(sorted((str(k), min(v), max(v)) for k, v in at.items())) for at in (self.groups, self.moved)]
        return (self.top, *ends, self.by_activation, self.assumed, self.biases)

    # ---------------------------------------------------------------------------------------------------- the form
    def of(self, e: Any, /) -> Expr:
        """The formula in this form."""
        e = sp.sympify(e)
        if (found := self.formed.get(e)) is None:
            found = self.formed[e] = freshen(self._spelled_out(self._visit(e)))
        return found

    def _spelled_out(self, e: Any) -> Any:
        """Pre-activations by their definition, except where a function is taken of them or a derivative."""
        if isinstance(e, Indexed):
            return self._visit_definition(e.indices) if e.base == a else e
        if not e.args or isinstance(e, (Elementwise, Diff, KroneckerDelta)) or not e.has(a):
            return e
        return e.func(*[self._spelled_out(p) for p in e.args])

    def _visit(self, e: Any) -> Any:
        if not e.args or isinstance(e, KroneckerDelta):
            return self.error() if e == E and self.assumed.loss in UNIT_LOSSES else e
        if (found := self.kept.get(e)) is None:
            found = self.kept[e] = self._worked_out(e)
        return found

    def _worked_out(self, e: Any) -> Any:
        if isinstance(e, Diff):
            return self._derivative(e)
        if isinstance(e, Indexed):
            return self._entry(e)
        if isinstance(e, Elementwise):
            argument = e.args[0]
            if e.order == 0 and isinstance(argument, Indexed) and argument.base == a:
                return z[argument.indices]
            return e if isinstance(argument, Indexed) and argument.base == a else self._of_unit(e, argument)
        if isinstance(e, sp.Sum):
            return sp.Sum(self._visit(e.function), *e.limits)
        return e.func(*[self._visit(p) for p in e.args])

    def _of_unit(self, e: Elementwise, argument: Expr) -> Expr:
        """A function of a pre-activation that is written out."""
        meant = freshen(self._spelled_out(self._visit(argument)))
        units = {q.indices[:2] for q in argument.atoms(Indexed) if q.base in (w, b)}
        bound = {limit[0] for total in argument.atoms(sp.Sum) for limit in total.limits}
        for layer, unit in sorted(units, key=str):
            if unit not in bound and equal(meant, self._visit_definition((layer, unit))):
                return self._worked_out(e.func(a[layer, unit]))
        raise CannotTellError("a function is taken of what is no pre-activation")

    def _entry(self, q: Indexed) -> Expr:
        head, at = q.base, q.indices
        if head == self.input:
            return z[0, at[0]]
        if head == self.output:
            return self.output_unit(at[0])
        if head == self.target and self.assumed.loss == "canonical" and self.by_activation:
            top = self.depth, at[0]  # what the derivative by the activation says of it
            return self.output_unit(at[0]) - h(a[top]).fdiff() * g[top]
        if head == delta:
            return self.signal(*at)
        if head == a:
            return self._visit_definition(at)
        if head == self.curvature:
            return self.curved(self.depth, *at)
        if head == net.G:
            return self._derivative(Diff(a[at[1], at[3]], a[at[0], at[2]]))
        if head == net.B:
            return self._derivative(Diff(a[at[1], at[3]], delta[at[0], at[2]]))
        if head == u and not self.biases:
            return sp.S.Zero
        return q

    def _visit_definition(self, at: Any) -> Expr:
        return freshen(self.architecture.body(a[at]))

    def output_unit(self, k: Expr) -> Expr:
        """The output, by what is assumed of it."""
        if self.assumed.outputs == "linear":
            return self._visit_definition((self.depth, k))
        return z[self.depth, k] if self.assumed.outputs == "activated" else self.output[k]

    def error(self) -> Expr:
        """The sum over the outputs."""
        _, of, _ = UNIT_LOSSES[self.assumed.loss]
        return S("k", n[self.depth], lambda k: of(self.output_unit(k), self.target[k]))

    def raw_error(self) -> Expr:
        """The sum over the outputs, by the last pre-activations or activations."""
        _, of, _ = UNIT_LOSSES[self.assumed.loss]
        return S("k", n[self.depth], lambda k: of(self._last(k), self.target[k]))

    def _last(self, k: Expr) -> Expr:
        return a[self.depth, k] if self.assumed.outputs == "linear" else z[self.depth, k]

    def signal(self, layer: Expr, k: Expr) -> Expr:
        """The derivative of the error by a pre-activation."""
        return self._by(a[layer, k], E)

    def at_top(self, k: Expr) -> Expr:
        """The signal of the layer through which the error is known."""
        last = self._is_last(self.top)
        if last and self.assumed.loss in UNIT_LOSSES:
            slope = UNIT_LOSSES[self.assumed.loss][2](self._last(k), self.target[k])
            return slope * h(a[self.top, k]).fdiff() if self.assumed.outputs == "activated" else slope
        if last and self.assumed.loss in ("canonical", "softmax") and not self.by_activation:
            return self.output_unit(k) - self.target[k]
        if self.by_activation:
            return h(a[self.top, k]).fdiff() * g[self.top, k]
        return delta[self.top, k]

    def curved(self, layer: Expr, k: Expr, q: Expr) -> Expr:
        """The second derivative of the error by two pre-activations of the top layer."""
        if self._is_last(layer) and self.assumed.loss in UNIT_LOSSES:
            return tidy(self._by(a[layer, q], self.at_top(k)))
        if self._is_last(layer) and self.assumed.loss == "softmax":
            return self._shares(k, q)
        if self.assumed.diagonal:
            return KroneckerDelta(k, q) * C[layer, k, k]
        return C[layer, k, q]

    def _shares(self, k: Expr, q: Expr) -> Expr:
        """The derivative of an output of the softmax by a last pre-activation."""
        return self.output[k] * (KroneckerDelta(k, q) - self.output[q])

    # ------------------------------------------------------------------------------------------------- derivatives
    def _derivative(self, e: Diff) -> Expr:
        if isinstance(e.op, Operator):
            return self._along(e.operand)
        op, operand = e.op, e.operand
        if isinstance(op, Indexed) and op.base == self.output and self.assumed.outputs != "any":
            op = (a if self.assumed.outputs == "linear" else z)[self.depth, op.indices[0]]
        if not isinstance(op, Indexed) or op.base not in (w, b, a, z):
            if isinstance(op, Indexed) and op.base == self.input:
                op = z[0, op.indices[0]]
            else:
                raise CannotTellError(f"the derivative by {op} is none by a weight, a bias or a unit")
        return self._by(op, operand if operand == E else self._inner(operand))

    def _inner(self, operand: Expr) -> Expr:
        """What is differentiated, with pre-activations left as they are: their derivatives are known."""
        if isinstance(operand, Indexed) and operand.base in (a, z, w, b):
            return operand
        if isinstance(operand, Indexed) and operand.base == self.output:
            if self.assumed.loss == "softmax":
                return operand
            if self.assumed.outputs == "any":
                raise CannotTellError("how the outputs depend on the last layer is not said")
            return (a if self.assumed.outputs == "linear" else z)[self.depth, operand.indices[0]]
        if isinstance(operand, sp.Sum):
            return sp.Sum(self._inner(operand.function), *operand.limits)
        if operand.args and not isinstance(operand, (Diff, Indexed, Elementwise, KroneckerDelta)):
            return operand.func(*[self._inner(x) for x in operand.args])
        return self._visit(operand)

    def _by(self, op: Indexed, e: Expr) -> Expr:
        D = ByDefinitions(op, self.architecture)
        layer = op.indices[0]

        def error() -> Expr:
            if op.base == z and self.by_activation and order(self.top, layer) == 0:
                if self.assumed.loss in UNIT_LOSSES and self.assumed.outputs == "activated":
                    return UNIT_LOSSES[self.assumed.loss][2](z[layer, op.indices[1]], self.target[op.indices[1]])
                return g[layer, op.indices[1]]
            if self.assumed.loss in UNIT_LOSSES and self._is_last(self.top):
                return D.raw(self.raw_error())
            if order(self.top, layer) == -1 or (op.base == z and order(self.top, layer) == 0):
                raise CannotTellError("the error is not known through the highest layer that is mentioned")
            return S("k", n[self.top], lambda k: self.at_top(k) * D.raw(a[self.top, k]))

        def signal(k: Expr, unit: Expr) -> Expr:
            return S("k", n[k], lambda q: self.curved(k, unit, q) * D.raw(a[k, q]))

        def refuse(*_: Any) -> Expr:
            raise CannotTellError("third derivatives of the error are not known")

        def refuse_second(*_: Any) -> Expr:
            raise CannotTellError("second derivatives of the error by activations of the highest layer are not known")

        D.rules |= {E: error, delta: signal, C: refuse, g: refuse_second, self.target: CONSTANT}

        def share(k: Expr) -> Expr:
            return S("q", n[self.depth], lambda q: self._shares(k, q) * D.raw(a[self.depth, q]))

        D.rules |= dict.fromkeys(constants_of(e), CONSTANT) | (
            {self.output: share} if self.assumed.loss == "softmax" else {}
        )
        D.rules |= {v: CONSTANT, u: CONSTANT} | ({} if b in self.architecture.free else {b: CONSTANT})
        if e == E:
            return self._visit_named(D.raw(E), op)
        try:
            return self._visit_named(tidy(D.raw(e), (op, e)), op)  # the index of the variable is in its range
        except MissingRuleError as why:
            raise CannotTellError(str(why)) from None

    def _visit_named(self, e: Expr, op: Indexed) -> Expr:
        """Derivatives between layers whose distance is not known, in the form that both sides have."""

        def between(d: Diff) -> Expr:
            if isinstance(d.op, Operator):
                return d
            if not (isinstance(d.operand, Indexed) and d.operand.base == a):
                raise CannotTellError(f"a derivative of {d.operand} stays unknown")
            return self.response(d.operand.indices, d.op)

        return freshen(e).replace(lambda q: isinstance(q, Diff), between) if e.has(Diff) else e

    def response(self, upper: Any, op: Indexed) -> Expr:
        """The derivative of a pre-activation far above, by a unit, a weight or a bias."""
        layer = op.indices[0]
        if op.base in (w, b):
            inner = self.response(upper, a[layer, op.indices[1]])
            return inner * z[layer - 1, op.indices[2]] if op.base == w else inner

        def through_above() -> Expr:
            unit = op.indices[1]
            return S("k", n[layer + 1], lambda q: self.response(upper, a[layer + 1, q]) * w[layer + 1, q, unit])

        if op.base == z:
            return through_above()
        constant, rest = sp.expand(layer).as_coeff_Add()
        high, top = sp.expand(upper[0]).as_coeff_Add()
        if int(constant) < max(self.groups.get(rest, [int(constant)])):
            return h(op).fdiff() * through_above()
        if int(high) > min(self.groups.get(top, [int(high)])):
            below = upper[0] - 1
            return S(
                "i",
                n[below],
                lambda i: w[upper[0], upper[1], i] * h(a[below, i]).fdiff() * self.response((below, i), op),
            )
        return Diff(op, a[upper])

    # ---------------------------------------------------------------------------------------------- a direction
    def _along(self, operand: Expr) -> Expr:
        R = Derivation(net.R.op, {})

        def of_a(layer: Expr, k: Expr) -> Expr:
            constant, rest = sp.expand(layer).as_coeff_Add()
            lowest = min(self.moved.get(rest, [int(constant)]))
            if rest != 0 and int(constant) <= lowest:
                return R.named(a[layer, k])
            return R.raw(self.architecture.body(a[layer, k]))

        def of_z(layer: Expr, k: Expr) -> Expr:
            return sp.S.Zero if layer == 0 else h(a[layer, k]).fdiff() * of_a(layer, k)

        def of_delta(layer: Expr, k: Expr) -> Expr:
            if not self._is_last(layer):
                return R.named(delta[layer, k])
            return S("k", n[layer], lambda q: self.curved(layer, k, q) * of_a(layer, q))

        R.rules = {
            w: lambda *at: v[at], b: lambda *at: u[at], v: CONSTANT, u: CONSTANT, a: of_a, z: of_z, delta: of_delta,
            self.target: CONSTANT, E: lambda: S("k", n[self.top], lambda k: delta[self.top, k] * of_a(self.top, k)),
        }  # fmt: skip
        if operand == E and not self._is_last(self.top):
            raise CannotTellError("the error moves with all layers, and the last is not mentioned")
        try:
            return self._rest(R.raw(self._inner(operand) if operand != E else E))
        except MissingRuleError as why:
            raise CannotTellError(str(why)) from None

    def _rest(self, e: Expr) -> Expr:
        """Nothing is left of a side that the form has another way to write."""
        return (
            e.replace(lambda q: isinstance(q, Indexed) and q.base == u, lambda q: sp.S.Zero) if not self.biases else e
        )


def loose_letters(one: Expr, other: Expr) -> set[Symbol]:
    """The index letters that stand free in the other formula only; layer numbers and sizes, which are positive, may."""
    free = other.free_symbols - one.free_symbols
    return {
        s for s in free if isinstance(s, Symbol) and s.is_integer and not (s.is_positive or isinstance(s, sp.Dummy))
    }
