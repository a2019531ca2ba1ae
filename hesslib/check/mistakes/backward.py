"""Mistakes of the way back through a network: what carries errors down, and what stands beside them in the end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import hesslib
from hesslib.check.case import Case
from hesslib.check.hypothesis import Hypothesis
from hesslib.check.mistakes.networks import without_first
from hesslib.networks.network import Network, forward

MOST_UNITS = 64  # above layer 1: each is a way back of its own

BY_WEIGHTS = (
    "errors are carried back by the weights alone: h' of a layer is missing in everything below it, and stands beside "
    "its own weights only"
)
BESIDE = (
    "the derivative with respect to a weight is delta times that weight, where delta times the input of the layer "
    "belongs"
)


def way_back(case: Case) -> Iterator[Hypothesis]:
    """Errors that lose h' on their way down, and derivatives with the weight in the place of what it is fed."""
    here = case.network
    if here is None or case.quantity.name not in ("gradient", "jacobian"):
        return
    right, lossy = derivative(case, here.problem.net), carried_by_weights(case)
    yield Hypothesis("missing-first-derivative", BY_WEIGHTS, case.theirs(lossy))
    yield Hypothesis("weights-for-inputs", BESIDE, case.theirs(times_weights(case, right)))
    if not np.array_equal(lossy, right):
        both = case.theirs(times_weights(case, lossy))
        words = f"{BESIDE}; and {BY_WEIGHTS}"
        yield Hypothesis("weights-for-inputs", words, both, local=False, also="missing-first-derivative")


def derivative(case: Case, net: Network) -> np.ndarray:
    """The gradient (P,) or the Jacobian (N K, P) of a network, in the order and the scale of hesslib."""
    here = case.network
    assert here is not None
    if case.quantity.name == "gradient":
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


def branches_lost(case: Case) -> Iterator[Hypothesis]:
    """A gradient to which one unit passes nothing back, as if its branch had been detached or left out of a loop."""
    here = case.network
    if here is None or case.quantity.name != "gradient":
        return
    net = here.problem.net
    if sum(net.widths[2:]) > MOST_UNITS:
        return
    trace = forward(net, here.w, here.x)
    delta = hesslib.deltas(net, here.w, trace, here.t)
    right = derivative(case, net)
    for l in range(2, net.L + 1):
        for j in range(net.widths[l]):
            if net.widths[l] == 1:
                continue  # nothing is left below: that is a layer missing
            value = right.copy()
            carried = np.zeros_like(delta[l])
            carried[:, j] = delta[l][:, j]
            for m in range(l - 1, 0, -1):
                W = here.w[net.weight_slice(m + 1)].reshape(net.widths[m + 1], net.widths[m])
                carried = net.activation[m - 1].first(trace.a[m]) * (carried @ W)
                value[net.weight_slice(m)] -= (carried.T @ trace.z[m - 1]).reshape(-1)
                value[net.bias_slice(m)] -= carried.sum(axis=0)
            unit = f"output {j}" if l == net.L else f"unit {j} of layer {l}"
            words = f"what comes back through {unit} is lost on the way to the layers below"
            yield Hypothesis("branch-lost", words, case.theirs(value), scalable=False, local=False)


MISTAKES = (way_back, branches_lost)
