r"""All weights and biases as one vector: its gradients, the Hessian $\mathbf H=\nabla\nabla E$, products with it.

What is known of the network is then that its outputs depend on the weights, and the error on the outputs. First and
second derivatives of outputs keep their names.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import Expr, Indexed, KroneckerDelta

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, MissingRuleError, same
from hesslib.calculus.index import Diff, Elementwise, Operator, S, Tensor, freshen, layers_of, slots_of
from hesslib.calculus.tidy import tidy

from .. import network as net
from ..network import E, a, delta, n, z
from .network_form import UNIT_LOSSES, Assumed, C, CannotTellError, constants_of
from .notation import WEIGHTS, U, V, W, t, t2, y, y2

QUADRATIC = ("squares", "whole squares")
"""The losses that are spelled out by outputs and targets."""


def is_flat(*formulas: Expr) -> bool:
    """Whether formulas are about the vector of all weights, or of all biases.

    Errors: `CannotTellError` if they are about both, since the biases may be among the weights, or not.
    """
    found = {x.base for e in formulas for x in e.atoms(Indexed)} & {W, V, U}
    if U in found and len(found) > 1:
        raise CannotTellError("whether the biases are among all weights is not said")
    return bool(found)


class FlatForm:
    """The common form of formulas about one pattern and the vector of all weights; ``depth`` is the last layer."""

    def __init__(self, assumed: Assumed, curvature: Tensor, depth: Expr) -> None:
        self.assumed, self.curvature, self.depth = assumed, curvature, depth
        self.target, self.output = (t2, y2) if depth == 2 else (t, y)
        self.kept: dict[Diff, Expr] = {}  # what derivatives are in this form

    def of(self, e: Any, /) -> Expr:
        """The formula in this form.

        Errors: `CannotTellError` for quantities of hidden layers, whose dependence on the vector is not spelled out.
        """
        return freshen(self._visit(sp.sympify(e)))

    def _visit(self, e: Any) -> Any:
        if e == E:
            return self._error()
        if isinstance(e, Diff):
            if (found := self.kept.get(e)) is None:
                found = self.kept[e] = self._derivative(e)
            return found
        if isinstance(e, Indexed):
            return self._entry(e)
        if isinstance(e, Elementwise):
            raise CannotTellError("how a hidden unit depends on the vector of all weights is not spelled out")
        if not e.args or isinstance(e, KroneckerDelta):
            return e
        return e.func(*[self._visit(x) for x in e.args])

    def _output(self, k: Expr) -> Expr:
        """The quantity through which the error is known."""
        return a[self.depth, k] if self.assumed.loss == "any" and self.assumed.outputs != "linear" else self.output[k]

    def _error(self) -> Expr:
        if self.assumed.loss not in QUADRATIC:
            return E
        _, of, _ = UNIT_LOSSES[self.assumed.loss]
        return S("k", n[self.depth], lambda k: of(self.output[k], self.target[k]))

    def _entry(self, q: Indexed) -> Expr:
        head, at = q.base, q.indices
        if head in (W, V, U, self.output, self.target, C) or head == n:
            return q
        if head == self.curvature:
            return C[(self.depth, *at)]
        last = head in (a, z, delta) and sp.expand(at[0] - self.depth) == 0
        if last and head == {"linear": a, "activated": z}.get(self.assumed.outputs):
            return self.output[at[1]]
        if last and head == delta and self.assumed.loss == "canonical":
            return self.output[at[1]] - self.target[at[1]]
        if last and head == delta and self.assumed.loss in QUADRATIC and self.assumed.outputs == "linear":
            return UNIT_LOSSES[self.assumed.loss][2](self.output[at[1]], self.target[at[1]])
        if last and head in (a, delta) and self.assumed.loss == "any":
            return q
        raise CannotTellError(f"how {head.name_} depends on the vector of all weights is not spelled out")

    def _derivative(self, e: Diff) -> Expr:
        inner = self._visit(e.operand)
        if isinstance(e.op, Operator):
            return S("p", WEIGHTS, lambda p: V[p] * self._by(W[p], inner))
        if not isinstance(e.op, Indexed) or e.op.base not in (W, U):
            raise CannotTellError("beside the vector of all weights, derivatives by it alone are known")
        return self._by(e.op, inner)

    def _by(self, w: Indexed, e: Expr) -> Expr:
        depth = n[self.depth]

        def error() -> Expr:
            if self.assumed.loss == "canonical":
                raise CannotTellError("the error is known through the last pre-activations")
            return S("k", depth, lambda k: delta[self.depth, k] * Diff(w, self._output(k)))

        def signal(layer: Expr, k: Expr) -> Expr:
            return S("q", depth, lambda q: C[layer, k, q] * Diff(w, self._output(q)))

        def refuse(*_: Any) -> Expr:
            raise CannotTellError("third derivatives of the error are not known")

        rules: dict[Any, Any] = {
            w.base: same(w.indices[0]), V: CONSTANT, self.output: NAMED, a: NAMED, self.target: CONSTANT, E: error,
            delta: signal, C: refuse, net.M: refuse,
        } | dict.fromkeys(constants_of(e), CONSTANT)  # fmt: skip
        try:
            return tidy(Derivation(w, rules).raw(e), (w, e))  # the index of the variable is in its range
        except MissingRuleError as why:
            raise CannotTellError(str(why)) from None


def with_one_output(e: Expr, depth: Expr, /) -> Expr:
    """The formula where the last layer has one unit.

    Errors: `CannotTellError` where a letter counts the outputs nevertheless.
    """
    size = n[depth]

    def one(s: sp.Sum) -> Expr:
        body, limits = s.function, []
        for k, low, high in s.limits:
            if high == size:
                body = body.xreplace({k: sp.S.One})
            else:
                limits.append((k, low, high))
        return sp.Sum(body, *limits) if limits else body

    found = freshen(e).replace(lambda x: isinstance(x, sp.Sum), one)
    for x in found.atoms(Indexed):
        if isinstance(x.base, Tensor):
            sizes = x.base.sizes(*layers_of(x))
            if any(end == size and slot != 1 for slot, end in zip(slots_of(x), sizes, strict=True)):
                raise CannotTellError("outputs without an index are those of a network with one; no letter counts them")
    return found
