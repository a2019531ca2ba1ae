"""Points where a derivative does not exist: a kink at or near the point, and the side from which it is seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hesslib import layers
from hesslib.check.case import Case
from hesslib.check.hypothesis import Hypothesis
from hesslib.layers import Chain
from hesslib.networks.activations import Activation
from hesslib.networks.model import Model
from hesslib.networks.network import Network, forward

NEAR = 1e-5  # a pre-activation this small, relative to the largest of its layer, may fall on the other side of a kink
STEP = 1e-4  # of one-sided difference quotients, relative to the coordinate


def kinks_of_a_network(case: Case) -> Iterator[Hypothesis]:
    """A relu at a pre-activation of (nearly) zero, with another slope than the one that was taken here."""
    here = case.network
    if here is None:
        return
    net = here.problem.net
    places = at_kinks(net, here.w, here.x)
    if not places:
        return
    l, n, j = places[0]
    more = f" and {len(places) - 1} more" if len(places) > 1 else ""
    where = f"a[{l}][{n}, {j}]{more}: the pre-activation of a relu is 0 or next to it"
    for slope in (1.0, 0.5, 0.0):
        activation = [_with_slope(h, slope) if h.name == "relu" else h for h in net.activation]
        value = case.altered(Network(net.widths, activation=activation, loss=net.loss))
        yield Hypothesis("kink", f"there is no derivative ({where}); the slope {slope:g} was taken there", value)


def at_kinks(net: Model, w: np.ndarray, x: np.ndarray) -> list[tuple[int, int, int]]:
    """Layer, pattern and unit of every pre-activation at or next to a kink of relu."""
    places = []
    for l, h, a in _activated(net, w, x):
        if h.name == "relu":
            small = np.abs(a) <= NEAR * np.max(np.abs(a))
            places += [(l, int(n), int(j)) for n, j in np.argwhere(small.reshape(len(a), -1))]
    return places


def _activated(net: Model, w: np.ndarray, x: np.ndarray) -> Iterator[tuple[int, Activation, np.ndarray]]:
    """Each activation with its number and what it is applied to; of a chain the number of its function."""
    trace = forward(net, w, x)
    if isinstance(net, Chain):
        for number, step in enumerate(net.program.steps, start=1):
            if isinstance(step.layer, layers.Activation):
                yield number, step.layer.activation, trace.z[step.inputs[0]]
    elif isinstance(net, Network):
        for l, h in enumerate(net.activation, start=1):
            yield l, h, trace.a[l]


def _with_slope(h: Activation, slope: float) -> Activation:
    def first(xp: Any, a: Any) -> Any:
        near = xp.abs(a) <= NEAR * xp.max(xp.abs(a))
        return xp.where(near, slope * xp.ones_like(a), h.functions[1](xp, a))

    functions: Any = (h.functions[0], first, *h.functions[2:])
    return Activation(f"relu, slope {slope:g} at 0", functions)


def kinks_of_a_function(case: Case) -> Iterator[Hypothesis]:
    """One-sided slopes that differ, and a claimed gradient that has one of them."""
    subject, judgement = case.subject, case.judgement
    if case.quantity.name != "gradient" or subject.network is not None or case.right is None:
        return
    value, found = case.right.copy(), []
    for i in np.flatnonzero(judgement.excess > 1).tolist()[:32]:
        right, left = one_sided(case, i)
        if abs(right - left) <= 1e-2 * max(abs(right), abs(left), judgement.scale):
            continue
        between = (
            min(right, left) - 1e-3 * judgement.scale <= case.claimed[i] <= max(right, left) + 1e-3 * judgement.scale
        )
        if between:
            found.append((i, left, right))
            value[i] = case.claimed[i]
    if found:
        i, left, right = found[0]
        words = (
            f"there is no derivative along coordinate [{i}]: the slope is {left:.4g} on one side and {right:.4g} on "
        )
        yield Hypothesis("kink", words + "the other; another number of that range was taken", value, scalable=False)


def one_sided(case: Case, i: int) -> tuple[float, float]:
    """The slopes of a scalar function to the right and to the left along a coordinate."""
    x = case.subject.point
    h = STEP * max(abs(float(x[i])), 1.0)
    unit = np.zeros_like(x)
    unit[i] = 1
    middle, right, left = (float(case.subject.values((x + s * unit).astype(x.dtype))) for s in (0, h, -h))
    return (right - middle) / h, (middle - left) / h


MISTAKES = (kinks_of_a_network, kinks_of_a_function)
