"""A mistake that may have been made, with what it would give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """Either `value`, what the mistake gives, or `undone`, the claimed result if the mistake is taken back.

    Both are whole, with one axis for all outputs and one for all coordinates.
    """

    kind: str
    says: str
    value: np.ndarray | None = None
    undone: np.ndarray | None = None
    extra: float = 0.0  # what the error of the referees may have grown to on the way to `value`
    scalable: bool = True  # whether it is looked for up to a constant factor as well
    local: bool = True  # whether it is looked for in a part, where the rest is right
    free: int = 0  # numbers that were fitted to the claimed result: fewer beat more
    also: str = ""  # the kind of a second mistake, if it takes two to give the value

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kind, or both."""
        return (self.kind, self.also) if self.also else (self.kind,)
