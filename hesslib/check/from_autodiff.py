"""Reference results by automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hesslib.agreement import ROUNDINGS
from hesslib.check.autodiff import Autodiff, Mode
from hesslib.check.quantity import Quantity
from hesslib.check.reference import Declined, Reference
from hesslib.check.rounding_noise import SAFETY, rounding_noise
from hesslib.check.sizes import sizes
from hesslib.check.subject import FAILURES
from hesslib.check.views import Sampling, View

GRADIENTS = 3  # evaluations that a gradient costs
PRODUCTS = 6  # evaluations that a product with the Hessian costs

FEW = 100  # evaluations of a derivative that is cheap to take a few times more

NAMES: dict[tuple[str, Mode], str] = {
    ("first", "forward"): "forward mode",
    ("first", "reverse"): "reverse mode",
    ("second", "forward"): "forward over reverse",
    ("second", "reverse"): "reverse over reverse",
}


def reference(quantity: Quantity, tool: Autodiff, mode: Mode, budget: int, sampling: Sampling) -> Reference:
    """Automatic differentiation with the outer pass in the given mode.

    Raises Declined, with the reason, where the library cannot differentiate the function.
    """
    order = "first" if quantity.name in ("gradient", "jacobian") else "second"
    name = f"{tool.name}, {NAMES[order, mode]}"
    compute = COMPUTATIONS[quantity.name]
    try:
        rules = tool.own_rules(quantity.subject.function, quantity.subject.point)
        if rules:
            raise Declined(
                f"{name}: f has a backward of its own ({', '.join(rules)}), which is checked, and no referee"
            )
        axes, value, evaluations = compute(Asked(quantity, tool, mode, budget, sampling, quantity.subject.point))
        view = View(axes, sampling)
        times = 3 if len(axes) == 1 and evaluations <= FEW else 1
        noise = rounding_noise(
            lambda x: compute(Asked(quantity, tool, mode, budget, sampling, x))[1],
            quantity.subject.point,
            value,
            quantity,
            view,
            times,
        )
    except FAILURES as reason:
        raise Declined(f"{name}: {_first_line(reason)}") from reason
    if not np.isfinite(value).all():
        raise Declined(f"{name}: the result is not finite")
    size = sizes(value, quantity, view)
    eps = 2.0**-52 if quantity.subject.point.dtype == np.float64 else 2.0**-23
    error = ROUNDINGS * eps * size + SAFETY * noise
    cost = f"{(1 + times) * evaluations} evaluations"
    return Reference(name, "automatic differentiation", view, value, error, cost, size, noise * 2.0**-52 / eps)


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked of which library, with the mode of the outer pass."""

    quantity: Quantity
    tool: Autodiff
    mode: Mode
    budget: int
    sampling: Sampling
    point: np.ndarray


Computation = tuple[tuple[str, ...], np.ndarray, int]


def _gradient(ask: Asked) -> Computation:
    subject = ask.quantity.subject
    cost = GRADIENTS if ask.mode == "reverse" else 2 * subject.p
    if cost > ask.budget:
        raise Declined(f"forward mode would take {cost} evaluations; the budget is {ask.budget}")
    return ("kept",), ask.tool.first(subject.function, ask.point, ask.mode), cost


def _jacobian(ask: Asked) -> Computation:
    subject = ask.quantity.subject
    m, p = ask.quantity.shape
    cost = GRADIENTS * m if ask.mode == "reverse" else 2 * p
    if cost > ask.budget:
        raise Declined(f"{NAMES['first', ask.mode]} would take {cost} evaluations; the budget is {ask.budget}")
    J = ask.tool.first(subject.function, ask.point, ask.mode)
    return ("kept", "kept"), J.reshape(m, p), cost


def _hessian(ask: Asked) -> Computation:
    subject = ask.quantity.subject
    cost = PRODUCTS * subject.p
    if cost <= ask.budget:
        return ("kept", "kept"), ask.tool.second(subject.function, ask.point, ask.mode), cost
    HV = ask.tool.times(subject.function, ask.point, ask.sampling.directions, ask.mode)
    return ("kept", "directions"), HV, PRODUCTS * HV.shape[1]


def _diagonal(ask: Asked) -> Computation:
    subject = ask.quantity.subject
    cost = PRODUCTS * subject.p
    if cost <= ask.budget:
        return ("kept",), np.diagonal(ask.tool.second(subject.function, ask.point, ask.mode)), cost
    units = np.zeros((subject.p, len(ask.sampling.entries)))
    units[ask.sampling.entries, np.arange(len(ask.sampling.entries))] = 1
    HV = ask.tool.times(subject.function, ask.point, units, ask.mode)
    return ("entries",), HV[ask.sampling.entries, np.arange(HV.shape[1])], PRODUCTS * HV.shape[1]


def _product(ask: Asked) -> Computation:
    subject, v = ask.quantity.subject, ask.quantity.v
    assert v is not None
    return ("kept",), ask.tool.times(subject.function, ask.point, v[:, None], ask.mode)[:, 0], PRODUCTS


def _gauss_newton(ask: Asked) -> Computation:
    subject = ask.quantity.subject
    m, p = int(np.prod(ask.quantity.outputs)), subject.p
    cost = (GRADIENTS * m if ask.mode == "reverse" else 2 * p) + PRODUCTS * m
    if cost > ask.budget:
        raise Declined(f"it would take {cost} evaluations; the budget is {ask.budget}")
    J = ask.tool.first(subject.function, ask.point, ask.mode).reshape(m, p)
    M = curvature(ask.quantity, lambda f, a: ask.tool.second(f, a, ask.mode))
    return ("kept", "kept"), J.T @ M @ J, cost


def _laplacian(ask: Asked) -> Computation:
    subject = ask.quantity.subject
    H = ask.tool.second(subject.function, ask.point, ask.mode)
    return ("kept",), np.trace(H, axis1=-2, axis2=-1).reshape(-1), PRODUCTS * subject.p


def curvature(quantity: Quantity, second: Callable[[Callable[[Any], Any], np.ndarray], np.ndarray]) -> np.ndarray:
    """The second derivatives (m, m) of the loss with respect to the outputs, by a way to take second derivatives.

    Those of a network are taken for one shift of all patterns at once: no pattern acts on another.
    """
    assert quantity.loss is not None
    subject = quantity.subject
    a = subject.values(subject.point)
    if subject.network is None:
        loss, m = quantity.loss, a.size
        return second(lambda v: loss(v.reshape(a.shape)), a.reshape(-1)).reshape(m, m)
    N, K = a.shape
    blocks = second(quantity.loss, np.zeros(K))  # (N, K, K)
    M = np.zeros((N, K, N, K))
    M[np.arange(N), :, np.arange(N), :] = blocks
    return M.reshape(N * K, N * K)


COMPUTATIONS: dict[str, Callable[[Asked], Computation]] = {
    "gradient": _gradient,
    "jacobian": _jacobian,
    "hessian": _hessian,
    "hessian_diagonal": _diagonal,
    "hessian_vector_product": _product,
    "gauss_newton": _gauss_newton,
    "laplacian": _laplacian,
}


def _first_line(reason: BaseException) -> str:
    lines = str(reason).strip().splitlines() or [""]
    return f"{type(reason).__name__}: {lines[0][:160]}"
