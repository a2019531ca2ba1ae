"""Mistakes of the way back through a network: what carries errors down, and what stands beside them in the end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import hesslib
from hesslib.check.case import Case
from hesslib.check.mistakes.networks import without_first
from hesslib.check.suspect import Suspect
from hesslib.networks.network import Network

BY_WEIGHTS = (
    "errors are carried back by the weights alone: h' of a layer is missing in everything below it, and stands beside "
    "its own weights only"
)
BESIDE = (
    "the derivative with respect to a weight is delta times that weight, where delta times the input of the layer "
    "belongs"
)


def way_back(case: Case) -> Iterator[Suspect]:
    """Errors that lose h' on their way down, and derivatives with the weight in the place of what it is fed."""
    here = case.network
    if here is None or case.quantity not in ("gradient", "jacobian"):
        return
    right, lossy = derivative(case, here.problem.net), carried_by_weights(case)
    yield Suspect("missing-first-derivative", BY_WEIGHTS, case.theirs(lossy))
    yield Suspect("weights-for-inputs", BESIDE, case.theirs(times_weights(case, right)))
    if not np.array_equal(lossy, right):
        both = case.theirs(times_weights(case, lossy))
        words = f"{BESIDE}; and {BY_WEIGHTS}"
        yield Suspect("weights-for-inputs", words, both, local=False, also="missing-first-derivative")


def derivative(case: Case, net: Network) -> np.ndarray:
    """The gradient (P,) or the Jacobian (N K, P) of a network, in the order and the scale of hesslib."""
    here = case.network
    assert here is not None
    if case.quantity == "gradient":
        return hesslib.gradient(net, here.w, here.x, here.t)
    return hesslib.output_jacobian(net, here.w, here.x).reshape(-1, net.num_parameters)


def carried_by_weights(case: Case) -> np.ndarray:
    """The derivative with each layer's own h', and none of those of the hidden layers above it."""
    here = case.network
    assert here is not None
    net = here.problem.net
    value = derivative(case, net)
    for l in range(1, net.L - 1):
        activation = [without_first(h) if l < m < net.L else h for m, h in enumerate(net.activation, start=1)]
        other = Network(net.widths, activation=activation, loss=net.loss)
        value[..., net.layer_slice(l)] = derivative(case, other)[..., net.layer_slice(l)]
    return value


def times_weights(case: Case, value: np.ndarray) -> np.ndarray:
    """The derivative with respect to a weight as that with respect to the bias of its unit, times the weight."""
    here = case.network
    assert here is not None
    net, value = here.problem.net, value.copy()
    for l in range(1, net.L + 1):
        W = here.w[net.weight_slice(l)].reshape(net.widths[l], net.widths[l - 1])
        products = value[..., net.bias_slice(l), None] * W
        value[..., net.weight_slice(l)] = products.reshape(*value.shape[:-1], -1)
    return value


MISTAKES = (way_back,)
