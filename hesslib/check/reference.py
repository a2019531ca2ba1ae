"""A reference result: what a referee found, a bound on its error, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hesslib.check.views import View


@dataclass(frozen=True, eq=False)
class Reference:
    """A derivative through a view. `family` says what it rests on: references of one family may share a mistake."""

    name: str
    family: str  # "closed form", "automatic differentiation" or "values"
    view: View
    value: np.ndarray
    error: np.ndarray  # of the shape of value
    cost: str
    size: np.ndarray  # what errors in each entry are measured by
    noise: np.ndarray  # what rounding in double precision makes of it: the change under a change of x by an ulp
    remarks: tuple[str, ...] = ()  # where there is no derivative

    @property
    def scale(self) -> float:
        """The largest entry."""
        return float(np.max(np.abs(self.value), initial=0.0))

    @property
    def tolerance(self) -> float:
        """The largest error bound, relative to the size of the entry."""
        return float(np.max(ratio(self.error, self.size), initial=0.0))

    def silent(self, natural: float) -> bool:
        """Whether its error is of the order of the result, everywhere."""
        return bool((ratio(self.error, np.maximum(self.size, natural)) > VACUOUS).all())


VACUOUS = 0.25  # an error of this part of the result leaves little of it


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The quotient; 0 where the part is 0, and infinite where only the whole is."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(part == 0, 0.0, part / whole)


class Declined(Exception):
    """A referee that cannot say anything here, and why."""
