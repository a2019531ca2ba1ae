"""The quantities that can be checked, and one of them as it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hesslib.check.subject import Subject

PARAMETERS, OUTPUTS = True, False

AXES: dict[str, tuple[bool, ...]] = {
    "gradient": (PARAMETERS,),
    "jacobian": (OUTPUTS, PARAMETERS),
    "hessian": (PARAMETERS, PARAMETERS),
    "hessian_diagonal": (PARAMETERS,),
    "hessian_vector_product": (PARAMETERS,),
    "gauss_newton": (PARAMETERS, PARAMETERS),
    "laplacian": (OUTPUTS,),
}
"""The axes of each quantity, outputs and coordinates each laid out in one axis."""

OF_ERROR = ("gradient", "hessian", "hessian_diagonal", "hessian_vector_product", "gauss_newton")
"""Quantities that scale with the error."""


@dataclass(eq=False)
class Quantity:
    """A quantity of a subject; `v` for a product, `loss` (a function of the outputs) for Gauss-Newton."""

    name: str
    subject: Subject
    outputs: tuple[int, ...]  # the shape of what the function gives
    v: np.ndarray | None = None
    loss: Callable[[Any], Any] | None = None

    @property
    def axes(self) -> tuple[bool, ...]:
        return AXES[self.name]

    @property
    def shape(self) -> tuple[int, ...]:
        m = int(np.prod(self.outputs, dtype=int))
        return tuple(self.subject.p if of_parameters else m for of_parameters in self.axes)

    @property
    def words(self) -> str:
        return self.name.replace("_", " ")
