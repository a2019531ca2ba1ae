"""Reference results by the closed forms of hesslib, for networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import hesslib
from hesslib.agreement import ROUNDINGS
from hesslib.check.quantity import OF_ERROR, Quantity
from hesslib.check.reference import Declined, Reference
from hesslib.check.rounding_noise import SAFETY, rounding_noise
from hesslib.check.sizes import sizes
from hesslib.check.subject import NetworkPoint
from hesslib.check.views import Sampling, View

OPERATIONS = 2 * 10**11  # floating-point operations of a Hessian that is still computed whole


def reference(quantity: Quantity, sampling: Sampling) -> Reference:
    """The closed form, in the order and the scale of the problem."""
    here = quantity.subject.network
    if here is None:
        raise Declined("closed form: f is a function, not a network")
    axes, value = _value(quantity, here, sampling)
    view = View(axes, sampling)
    size = sizes(value, quantity, view)
    noise = rounding_noise(
        lambda w: _value(quantity, replace(here, w=w), sampling)[1],
        here.w,
        value,
        quantity,
        view,
        3 if value.ndim == 1 else 1,
    )
    error = ROUNDINGS * 2.0**-52 * size + SAFETY * noise
    return Reference("closed form", "closed form", view, value, error, "hesslib", size, noise)


def _value(quantity: Quantity, here: NetworkPoint, sampling: Sampling) -> tuple[tuple[str, ...], np.ndarray]:
    net, w, x, t = here.problem.net, here.w, here.x, here.t
    name = quantity.name
    if name == "jacobian":
        J = hesslib.output_jacobian(net, w, x)
        return ("kept", "kept"), here.theirs(J.reshape(-1, J.shape[-1]), quantity.axes, scaled=False)
    if name == "laplacian":
        return ("kept",), hesslib.laplacian(net, w, x).reshape(-1)
    if name == "hessian_vector_product":
        assert quantity.v is not None
        value = hesslib.hessian_vector_product(net, w, x, t, here.ours(quantity.v))
    elif name in ("hessian", "gauss_newton") and 2 * len(x) * net.num_parameters**2 > OPERATIONS:
        times = hesslib.hessian_vector_product if name == "hessian" else hesslib.gauss_newton_vector_product
        V = np.stack([here.ours(v) for v in sampling.directions.T], axis=1)
        return ("kept", "directions"), here.factor * times(net, w, x, t, V)[here.index]
    else:
        value = getattr(hesslib, name)(net, w, x, t)
    return ("kept",) * value.ndim, here.theirs(value, quantity.axes, scaled=name in OF_ERROR)
