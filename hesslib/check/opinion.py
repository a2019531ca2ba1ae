"""What a referee says: a value, a bound on its error, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hesslib.check.views import View


@dataclass(frozen=True, eq=False)
class Opinion:
    """A derivative through a view. `family` says what it rests on: opinions of one family may share a mistake."""

    name: str
    family: str  # "closed form", "automatic differentiation" or "values"
    view: View
    value: np.ndarray
    error: np.ndarray  # of the shape of value
    cost: str

    @property
    def scale(self) -> float:
        """The largest entry."""
        return float(np.max(np.abs(self.value), initial=0.0))

    @property
    def tolerance(self) -> float:
        """The largest error bound, relative to the largest entry."""
        worst = float(np.max(self.error, initial=0.0))
        return worst / self.scale if self.scale > 0 else (0.0 if worst == 0 else float("inf"))


class Declined(Exception):
    """A referee that cannot say anything here, and why."""
