"""Reference results from nothing but values of the function: finite differences and the complex step.

Longer than one sitting: one referee for each kind of difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hesslib import finite_difference as fd
from hesslib._arrays import to_numpy
from hesslib.check.from_autodiff import curvature
from hesslib.check.libraries import from_numpy
from hesslib.check.progress import Meter
from hesslib.check.quantity import Quantity
from hesslib.check.reference import Declined, Reference, ratio
from hesslib.check.sizes import sizes
from hesslib.check.subject import FAILURES
from hesslib.check.views import Sampling, View
from hesslib.convert.double_precision import in_double
from hesslib.finite_difference import Estimate

SLACK = 4  # the bounds of finite differences hold for 99 % of the entries; the rest is off by little more
NAMES = {"difference": "finite differences", "complex_step": "complex step"}

Derivative = Callable[..., Estimate]


def reference(
    quantity: Quantity, kind: str, budget: int, sampling: Sampling, show: bool | None = False, noise: float = 0.0
) -> Reference:
    """Finite differences (kind "difference") or the complex step, within so many evaluations; `show` as `announced`.

    `noise` is the relative accuracy of the values of the function.

    Raises Declined where the function does not allow them.
    """
    name, subject = NAMES[kind], quantity.subject
    before = subject.calls
    with Meter(subject, f"{name}, {quantity.words}", show) as meter:
        try:
            asked = _Asked(quantity, _Budget(kind, budget, meter), sampling, noise)
            axes, value, error, used = COMPUTATIONS[quantity.name](asked)
        except FAILURES as reason:
            raise Declined(f"{name}: {reason}") from reason
    value = np.where(np.isfinite(error), value, 0.0)
    view = View(axes, sampling)
    size = sizes(value, quantity, view)
    typical = np.median(ratio(error, size)[np.isfinite(error)]) if np.isfinite(error).any() else 0.0
    lucky = size * (typical if np.isfinite(typical) else 0.0)  # an entry with a smaller bound than most was lucky
    error = SLACK * np.maximum(error, lucky)
    named = name if kind == "complex_step" else f"{name}, {used}"
    cost = f"{subject.calls - before} evaluations"
    return Reference(named, "values", view, value, error, cost, size, np.zeros_like(size), tuple(asked.remarks))


class _Budget:
    """Which method of finite differences is affordable."""

    def __init__(self, kind: str, evaluations: int, meter: Meter) -> None:
        self.kind, self.evaluations, self.meter = kind, evaluations, meter
        self.times = 1  # that the same work is done

    def method(self, central: int, ridders: int, complex_step: int) -> str | None:
        """The most precise method that costs no more evaluations than the budget has."""
        costs = {"ridders": ridders, "central": central}
        if self.kind == "complex_step":
            costs = {"complex_step": complex_step}
        for method, cost in costs.items():
            if cost * self.times <= self.evaluations:
                self.meter.begin(cost * self.times)
                return method
        return None

    def first(self, p: int) -> str | None:
        return self.method(4 * p + 7, 14 * p + 1, 2 * p + 5)

    def diagonal(self, p: int) -> str | None:
        return self.method(4 * p + 7, 14 * p + 1, 9 * p + 6)

    def second(self, p: int) -> str | None:
        return self.method(2 * p * p + 2 * p + 7, 7 * p * (p + 1) + 1, 4 * p * (p + 1) + p + 6)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is asked, within what budget, and through which directions if that does not pay for all."""

    quantity: Quantity
    budget: _Budget
    sampling: Sampling
    noise: float = 0.0
    remarks: list[str] = field(default_factory=list)

    def taken(self, derivative: Derivative, f: Callable[[np.ndarray], Any], x: np.ndarray, method: str) -> Estimate:
        """An estimate, whose remarks are kept."""
        found = derivative(f, x, method=method, noise=self.noise)
        self.remarks.extend(found.remarks)
        return found


Computation = tuple[tuple[str, ...], np.ndarray, np.ndarray, str]


def _gradient(ask: _Asked) -> Computation:
    subject = ask.quantity.subject
    kept = ("kept",) * (len(ask.quantity.shape) - 1)
    method = ask.budget.first(subject.p)
    if method is not None:
        found = ask.taken(fd.jacobian, subject.values, subject.point, method)
        shape = ask.quantity.shape
        return (*kept, "kept"), found.value.reshape(shape), found.error.reshape(shape), method
    along, lengths = _along(ask.quantity, ask.sampling.directions)
    method = _affordable(ask.budget.first(len(lengths)))
    found = ask.taken(fd.jacobian, along, np.zeros(len(lengths)), method)
    shape = (*ask.quantity.shape[:-1], len(lengths))
    value, error = (lengths * part.reshape(shape) for part in (found.value, found.error))
    return (*kept, "directions"), value, error, f"{method} along random directions"


def _hessian(ask: _Asked) -> Computation:
    subject = ask.quantity.subject
    method = ask.budget.second(subject.p)
    if method is not None:
        found = ask.taken(fd.hessian, subject.values, subject.point, method)
        return ("kept", "kept"), found.value, found.error, method
    along, lengths = _along(ask.quantity, ask.sampling.directions)
    method = _affordable(ask.budget.second(len(lengths)))
    found = ask.taken(fd.hessian, along, np.zeros(len(lengths)), method)
    outer = np.outer(lengths, lengths)
    return ("directions", "directions"), outer * found.value, outer * found.error, f"{method} along random directions"


def _diagonal(ask: _Asked) -> Computation:
    subject = ask.quantity.subject
    method = ask.budget.diagonal(subject.p)
    if method is not None:
        found = ask.taken(fd.hessian_diagonal, subject.values, subject.point, method)
        return ("kept",), found.value, found.error, method
    method = _affordable(ask.budget.diagonal(len(ask.sampling.entries)))
    entries = ask.sampling.entries
    found = ask.taken(fd.hessian_diagonal, _at(ask.quantity, entries), subject.point[entries], method)
    return ("entries",), found.value, found.error, f"{method} in sampled entries"


def _product(ask: _Asked) -> Computation:
    subject, v = ask.quantity.subject, ask.quantity.v
    assert v is not None
    method = ask.budget.second(subject.p)
    if method is not None:
        found = ask.taken(fd.hessian, subject.values, subject.point, method)
        return ("kept",), found.value @ v, found.error @ np.abs(v), method
    # u^T H v is a mixed derivative along u and v
    ask.budget.times = ask.sampling.directions.shape[1]
    method = _affordable(ask.budget.second(2))
    values, errors = [], []
    for u in ask.sampling.directions.T:
        along, lengths = _along(ask.quantity, np.stack([u, v], axis=1))
        found = ask.taken(fd.hessian, along, np.zeros(2), method)
        values.append(found.value[0, 1] * lengths[0] * lengths[1])
        errors.append(found.error[0, 1] * lengths[0] * lengths[1])
    return ("directions",), np.array(values), np.array(errors), f"{method} along random directions"


def _gauss_newton(ask: _Asked) -> Computation:
    subject, m = ask.quantity.subject, int(np.prod(ask.quantity.outputs))
    if ask.budget.kind == "complex_step":
        raise ValueError("the curvature of the loss is not a first derivative")
    method = _affordable(ask.budget.first(subject.p))
    J = ask.taken(fd.jacobian, subject.values, subject.point, method)
    J_value, J_error = J.value.reshape(m, -1), J.error.reshape(m, -1)
    outputs = m if subject.network is None else ask.quantity.outputs[-1]
    how = _affordable(ask.budget.second(outputs))
    errors: list[np.ndarray] = []

    def second(f: Callable[[Any], Any], a: np.ndarray) -> np.ndarray:
        def values(a: np.ndarray) -> np.ndarray:
            with in_double(subject.library):
                return to_numpy(f(from_numpy(a, subject.library)))

        found = ask.taken(fd.hessian, values, a, how)
        errors.append(found.error)
        return found.value

    M = curvature(ask.quantity, second)
    M_error = np.broadcast_to(np.max(errors[0], initial=0.0), M.shape) * (M != 0)
    size, slope = np.abs(M), np.abs(J_value)
    error = J_error.T @ size @ slope
    return ("kept", "kept"), J_value.T @ M @ J_value, error + error.T + slope.T @ M_error @ slope, method


def _laplacian(ask: _Asked) -> Computation:
    subject = ask.quantity.subject
    method = _affordable(ask.budget.diagonal(subject.p))
    found = ask.taken(fd.hessian_diagonal, subject.values, subject.point, method)
    value, error = (part.sum(axis=-1).reshape(-1) for part in (found.value, found.error))
    return ("kept",), value, error, method


COMPUTATIONS: dict[str, Callable[[_Asked], Computation]] = {
    "gradient": _gradient,
    "jacobian": _gradient,
    "hessian": _hessian,
    "hessian_diagonal": _diagonal,
    "hessian_vector_product": _product,
    "gauss_newton": _gauss_newton,
    "laplacian": _laplacian,
}


def _affordable(method: str | None) -> str:
    if method is None:
        raise ValueError("it would take more evaluations than the budget has")
    return method


def _along(quantity: Quantity, V: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """The function along directions brought to the length of the point, and what that divided them by."""
    subject = quantity.subject
    lengths = np.linalg.norm(V, axis=0)
    lengths = np.where(lengths > 0, lengths, 1.0)
    units = V / lengths

    def along(r: np.ndarray) -> np.ndarray:
        return subject.values((subject.point + units @ r).astype(subject.point.dtype))

    return along, lengths


def _at(quantity: Quantity, entries: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The function of some coordinates, the others held."""
    subject = quantity.subject

    def at(part: np.ndarray) -> np.ndarray:
        x = subject.point.astype(part.dtype)
        x[entries] = part
        return subject.values(x)

    return at
