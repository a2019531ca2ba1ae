"""A wrong result, and what the catalogue may ask about the problem it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

import hesslib
from hesslib.check import from_autodiff, from_values
from hesslib.check.autodiff import Autodiff
from hesslib.check.quantity import OF_ERROR, Quantity
from hesslib.check.reference import Declined, Reference
from hesslib.check.subject import NetworkPoint, Subject
from hesslib.check.verdict import Judgement
from hesslib.check.views import Sampling
from hesslib.networks.network import Network

LARGEST = 4000  # coordinates of the largest matrix that the catalogue forms


@dataclass(eq=False)
class Case:
    """The claimed result (whole), the judgement of the most precise referee, and derivatives on demand."""

    quantity: Quantity
    claimed: np.ndarray
    judgement: Judgement
    sampling: Sampling
    budget: int
    tool: Autodiff | None
    memory: dict[str, np.ndarray | None] = field(default_factory=dict)
    uncertain: float = 0.0  # the error of a row of the derivatives that were taken on demand

    @property
    def subject(self) -> Subject:
        return self.quantity.subject

    @property
    def right(self) -> np.ndarray | None:
        """The right result, if the referee saw all of it."""
        return self.judgement.reference.value if self.judgement.reference.view.full else None

    @property
    def network(self) -> NetworkPoint | None:
        """The network, if it is a `Network` whose matrices are not too large to form."""
        here = self.subject.network
        if here is None or not isinstance(here.problem.net, Network):
            return None
        return here if here.problem.net.num_parameters <= LARGEST else None

    def of_matrix(self, A: np.ndarray) -> np.ndarray:
        """What somebody gives who has the matrix A for the Hessian: itself, its diagonal, or its product with v."""
        if self.quantity.name == "hessian_diagonal":
            return np.diagonal(A).copy()
        return A @ self.quantity.v if self.quantity.v is not None else A

    @property
    def of_second_order(self) -> bool:
        """Whether the quantity is a matrix of second derivatives of E, or comes from one."""
        return self.quantity.name in ("hessian", "hessian_diagonal", "hessian_vector_product", "gauss_newton")

    def theirs(self, array: np.ndarray) -> np.ndarray:
        """Carry a value of the quantity from the order and scale of hesslib to those of the problem."""
        assert self.network is not None
        return self.network.theirs(array, self.quantity.axes, scaled=self.quantity.name in OF_ERROR)

    def altered(
        self,
        net: Network,
        *,
        w: np.ndarray | None = None,
        x: np.ndarray | None = None,
        t: np.ndarray | None = None,
    ) -> np.ndarray:
        """The quantity by the closed forms of another network, or at another place; in the order of the problem."""
        here, name = self.network, self.quantity.name
        assert here is not None
        w, x, t = here.w if w is None else w, here.x if x is None else x, here.t if t is None else t
        if name == "laplacian":
            return hesslib.laplacian(net, w, x).reshape(-1)
        if name == "jacobian":
            J = hesslib.output_jacobian(net, w, x)
            return self.theirs(J.reshape(-1, J.shape[-1]))
        if name in ("hessian_diagonal", "hessian_vector_product"):
            matrix = hesslib.hessian(net, w, x, t)
            return self.of_matrix(here.theirs(matrix, (True, True), scaled=True))
        return self.theirs(getattr(hesslib, name)(net, w, x, t))

    @cached_property
    def gradient(self) -> np.ndarray | None:
        """The gradient of a scalar function, if it can be had."""
        if self.quantity.name == "gradient":
            return self.right
        return self._derivative("gradient")

    @cached_property
    def hessian(self) -> np.ndarray | None:
        """The Hessian of a scalar function, whole, if it can be had within the budget."""
        if self.quantity.name == "hessian":
            return self.right
        return self._derivative("hessian")

    def _derivative(self, name: str) -> np.ndarray | None:
        if self.quantity.name in ("jacobian", "gauss_newton", "laplacian") or self.subject.p > LARGEST:
            return None
        here = self.network
        if here is not None:
            matrix = getattr(hesslib, name)(here.problem.net, here.w, here.x, here.t)
            return here.theirs(matrix, (True,) * matrix.ndim, scaled=True)
        asked = Quantity(name, self.subject, ())
        ways: list[Callable[[], Reference]] = [
            lambda: from_values.reference(asked, "difference", self.budget, self.sampling)
        ]
        if self.tool is not None:
            tool = self.tool
            ways.insert(0, lambda: from_autodiff.reference(asked, tool, "reverse", self.budget, self.sampling))
        for way in ways:
            try:
                found = way()
            except Declined:
                continue
            if found.view.full:
                finite = np.where(np.isfinite(found.error), found.error, 0.0)
                self.uncertain = max(self.uncertain, self.subject.p * float(np.max(finite, initial=0.0)))
                return found.value
        return None
