"""The options that all checks share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

REFEREES = ("closed form", "autodiff", "finite differences", "complex step")
BUDGET = 5_000


@dataclass(frozen=True)
class Options:
    """How a check is carried out, and what is checked in words."""

    problem: str
    seed: int
    budget: int
    referees: tuple[str, ...]
    progress: bool | None
    noise: float = 0.0


def options(
    problem: str,
    seed: int,
    budget: int,
    referees: Sequence[str] | None,
    progress: bool | None,
    noise: float | None = None,
) -> Options:
    """The options, checked."""
    if isinstance(budget, bool) or not isinstance(budget, int) or budget < 50:
        raise ValueError(
            f"budget is {budget!r}; it must be an integer of at least 50, the evaluations a referee may take"
        )
    chosen = REFEREES if referees is None else tuple(referees)
    unknown = [referee for referee in chosen if referee not in REFEREES]
    if unknown or not chosen:
        raise ValueError(f"referees is {tuple(chosen)!r}; it must be some of {', '.join(map(repr, REFEREES))}")
    if noise is not None and not 0 <= noise < 1:
        raise ValueError(f"noise is {noise!r}; it must be a relative accuracy, at least 0 and below 1")
    return Options(problem, seed, budget, chosen, progress, noise or 0.0)
