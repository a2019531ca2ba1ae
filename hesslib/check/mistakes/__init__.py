"""The catalogue of mistakes: what a claimed derivative would be if a certain mistake had been made.

Each entry is a function of a `Case` that yields `Suspect`s: the value the mistake gives, or the claimed value with the
mistake undone. A suspect is named only if it explains the claimed result to within the tolerance that the referees
earn, and if it differs from the right result by more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hesslib.check.case import Case
from hesslib.check.mistakes import batches, curvature, inputs, layout, matrices, networks, points
from hesslib.check.suspect import Suspect

Mistake = Callable[[Case], Iterator[Suspect]]

CATALOGUE: tuple[Mistake, ...] = (
    *layout.MISTAKES,
    *matrices.MISTAKES,
    *curvature.MISTAKES,
    *networks.MISTAKES,
    *batches.MISTAKES,
    *inputs.MISTAKES,
    *points.MISTAKES,
)
