"""Mistakes inside a network: a lost prime, a lost bias, another loss.

Longer than one sitting: a catalogue, one entry for each mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hesslib.check.case import Case
from hesslib.check.hypothesis import Hypothesis
from hesslib.networks.activations import Activation
from hesslib.networks.losses import LOSSES, Loss
from hesslib.networks.network import Network

Array = Any


def derivatives_of_activations(case: Case) -> Iterator[Hypothesis]:
    """Lost h'' or h', or h' at the activation in the place of the pre-activation; everywhere or in a layer."""
    here = case.network
    if here is None or here.problem.net.L < 2:
        return
    net = here.problem.net
    second_order = (case.of_second_order and case.quantity.name != "gauss_newton") or case.quantity.name == "laplacian"
    changes: list[tuple[str, str, Callable[[Activation], Activation]]] = [
        ("missing-first-derivative", "h' is missing", without_first),
        ("derivative-at-activation", "h' is taken at the activation z, not at the pre-activation a", at_activation),
    ]
    if second_order:
        changes.insert(0, ("missing-second-derivative", "the terms with h'' are missing", without_second))
    hidden = list(range(1, net.L))
    for kind, words, change in changes:
        for layers in [hidden] if len(hidden) == 1 else [hidden, *([l] for l in hidden)]:
            activation = [change(h) if l in layers else h for l, h in enumerate(net.activation, start=1)]
            where = "" if len(layers) == len(hidden) else f" in hidden layer {layers[0]}"
            other = Network(net.widths, activation=activation, loss=net.loss)
            yield Hypothesis(kind, words + where, case.altered(other))


def biases(case: Case) -> Iterator[Hypothesis]:
    """Biases left out of the forward pass, or their derivatives left at zero."""
    here = case.network
    if here is None:
        return
    net = here.problem.net
    is_bias = np.zeros(net.num_parameters, dtype=bool)
    for l in range(1, net.L + 1):
        is_bias[net.bias_slice(l)] = True
    words = "the biases are left out of the forward pass"
    yield Hypothesis("biases-ignored", words, case.altered(net, w=np.where(is_bias, 0.0, here.w)))
    yield from _zero_out(
        case, is_bias[here.index], "biases-missing", "the derivatives with respect to the biases are zero"
    )


def layers_missing(case: Case) -> Iterator[Hypothesis]:
    """The derivatives with respect to one layer left at zero."""
    here = case.network
    if here is None:
        return
    net = here.problem.net
    for l in range(1, net.L + 1):
        inside = np.zeros(net.num_parameters, dtype=bool)
        inside[net.layer_slice(l)] = True
        yield from _zero_out(
            case, inside[here.index], "layer-missing", f"the derivatives with respect to layer {l} are zero"
        )


def other_losses(case: Case) -> Iterator[Hypothesis]:
    """The derivative of another loss, or the curvature of another loss beside the right delta."""
    here = case.network
    if here is None or case.quantity.name in ("jacobian", "laplacian"):
        return
    net = here.problem.net
    for loss in LOSSES.values():
        if loss == net.loss:
            continue
        if case.quantity.name != "gauss_newton":
            try:
                value = case.altered(Network(net.widths, activation=net.activation, loss=loss))
            except ValueError:  # the targets are none of that loss
                continue
            yield Hypothesis("another-loss", f"the loss is {loss.name}, not {net.loss.name}", value)
    if net.loss.name != "squared_error" and case.quantity.name == "gradient":
        other = Network(net.widths, activation=net.activation, loss=OutputSlope(net.loss))
        words = (
            "delta of the outputs has a factor y(1 - y) too much, that of a squared error behind the output function"
        )
        yield Hypothesis("another-loss", words, case.altered(other))
    if net.loss.name == "softmax_cross_entropy" and case.quantity.name == "gradient":
        other = Network(net.widths, activation=net.activation, loss=EntryByEntry(net.loss))
        words = "softmax is differentiated entry by entry: y(1 - y), without - y y' for the other logits"
        yield Hypothesis("softmax-entry-by-entry", words, case.altered(other))
    if case.of_second_order:
        for name in CURVATURES:
            other = Network(net.widths, activation=net.activation, loss=OtherCurvature(net.loss, name))
            yield Hypothesis(
                "another-curvature", f"the curvature M of the loss is taken as {CURVATURES[name]}", case.altered(other)
            )


def _zero_out(case: Case, inside: np.ndarray, kind: str, words: str) -> Iterator[Hypothesis]:
    right = case.right
    if right is None or True not in case.quantity.axes or inside.all():
        return
    value = right.copy()
    for axis, of_parameters in enumerate(case.quantity.axes):
        if of_parameters:
            value = np.where(inside.reshape([-1 if a == axis else 1 for a in range(value.ndim)]), 0.0, value)
    yield Hypothesis(kind, words, value, local=False)


def without_second(h: Activation) -> Activation:
    """The activation with 0 for h''."""
    return _with_derivatives(h, "without h''", h.functions[1], lambda xp, a: xp.zeros_like(a))


def without_first(h: Activation) -> Activation:
    """The activation with 1 for h'."""
    return _with_derivatives(h, "without h'", lambda xp, a: xp.ones_like(a), h.functions[2])


def at_activation(h: Activation) -> Activation:
    """The activation with h' and h'' taken at h(a)."""
    value, first, second = h.functions[:3]
    return _with_derivatives(h, "at z", lambda xp, a: first(xp, value(xp, a)), lambda xp, a: second(xp, value(xp, a)))


def _with_derivatives(h: Activation, words: str, first: Any, second: Any) -> Activation:
    functions: Any = (h.functions[0], first, second, *h.functions[3:])
    return Activation(f"{h.name} {words}", functions)


@dataclass(frozen=True)
class _Delegating(Loss):
    """A loss like another, but for what a subclass changes."""

    base: Loss
    name = "altered"

    def targets(self, t: Array, a: Array, /) -> Array:
        return self.base.targets(t, a)

    def _check(self, xp: Any, t: Array) -> None:
        self.base._check(xp, t)

    def output(self, a: Array, /) -> Array:
        return self.base.output(a)

    def output_derivative(self, a: Array, /, *directions: Array) -> Array:
        return self.base.output_derivative(a, *directions)

    def pattern_errors(self, a: Array, t: Array, /) -> Array:
        return self.base.pattern_errors(a, t)

    def delta(self, a: Array, t: Array, /) -> Array:
        return self.base.delta(a, t)

    def M(self, a: Array, /) -> Array:
        return self.base.M(a)

    def M_diagonal(self, a: Array, /) -> Array:
        return np.diagonal(self.M(a), axis1=1, axis2=2)

    def M_times(self, a: Array, v: Array, /) -> Array:
        return np.einsum("nkq,...nq->...nk", self.M(a), v)


@dataclass(frozen=True)
class OutputSlope(_Delegating):
    """delta with the slope of a logistic output too much."""

    def delta(self, a: Array, t: Array, /) -> Array:
        y = self.base.output(a)
        return self.base.delta(a, t) * y * (1 - y)


@dataclass(frozen=True)
class EntryByEntry(_Delegating):
    """delta = -t/y times y(1 - y), where the derivatives of the other outputs belong as well."""

    def delta(self, a: Array, t: Array, /) -> Array:
        return -t * (1 - self.base.output(a))


CURVATURES = {
    "identity": "I, that of squared error (for a classifier: without the y(1 - y) of its outputs)",
    "logistic": "diag y(1 - y), that of independent logistic outputs",
    "probabilities": "diag y, without - y y'",
    "softmax": "diag y - y y', that of softmax outputs",
}


@dataclass(frozen=True)
class OtherCurvature(_Delegating):
    """The right delta with another M."""

    which: str = "identity"

    def M(self, a: Array, /) -> Array:
        I = np.eye(a.shape[1])
        if self.which == "identity":
            return np.broadcast_to(I, (len(a), *I.shape))
        if self.which == "softmax":
            return LOSSES["softmax_cross_entropy"].M(a)
        y = self.base.output(a) if self.base.name != "squared_error" else LOSSES["softmax_cross_entropy"].output(a)
        if self.which == "logistic":
            y = y if self.base.name == "softmax_cross_entropy" else LOSSES["binary_cross_entropy"].output(a)
            return (y * (1 - y))[:, :, None] * I
        return y[:, :, None] * I


MISTAKES = (derivatives_of_activations, biases, layers_missing, other_losses)
