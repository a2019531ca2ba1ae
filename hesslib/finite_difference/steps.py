r"""The scale of every coordinate: on which ladder of steps is the error bound smallest?

The search starts where the size of x[i] suggests. Where the bound is small already, nothing more is evaluated.
Otherwise it climbs: to finer steps where truncation is the larger part of the bound, to coarser ones where rounding
is, as long as the bound falls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from hesslib.finite_difference.choice import Choice, best
from hesslib.finite_difference.estimate import Array
from hesslib.finite_difference.extrapolation import Quotients, tableau
from hesslib.finite_difference.ladder import Ladder

FINER, COARSER, STAY = 1, -1, 0
LOST = 0.1  # a relative bound above this says that the steps do not resolve f at all
ROUNDS = 24  # from x to 1e-8 x with the smallest ladder; a bound on the work, reached by no function that is smooth


@dataclass(frozen=True)
class Plan:
    """How a method places its steps.

    ``first``: coarsest step for a coordinate of size 1; ``ratio`` of neighbouring steps; number of ``levels``;
    ``enough``: the bound, relative to the derivative, below which the search asks for no more.
    """

    first: float
    ratio: float
    levels: int
    enough: float


@dataclass
class Climb:
    """The search along one axis: the best exponent so far, its bound, the one on trial, and all that were tried."""

    ceiling: int
    chosen: int = 0
    bound: float = np.inf
    trial: int = 0
    came: int = STAY
    tried: set[int] = field(default_factory=set)
    done: bool = False


def start(x: Array, plan: Plan) -> Array:
    """First guess of the coarsest steps: (p,).

    Proportional to |x[i]| from 1 upwards, to sqrt|x[i]| below: half way between "the scale is x" and "the scale is 1".
    Never beyond |x[i]| / 4, so that a positive coordinate stays positive.
    """
    size = np.abs(x.astype(np.float64))
    below = np.where(size > 0, np.minimum(plan.first * np.sqrt(size), size / 4), plan.first)
    return np.where(size >= 1, plan.first * size, below)


def search(ladder: Ladder, quotients: Callable[[list[int], int], Quotients], plan: Plan) -> list[int]:
    """Coarsest exponent for every axis. No step grows beyond ``plan.first * max(1, |x[i]|)``."""
    most = plan.first * np.maximum(1.0, np.abs(ladder.x.astype(np.float64)))
    climbs = [Climb(ceiling=int(c)) for c in -np.floor(np.log(most / ladder.start * 1.001) / np.log(plan.ratio))]
    for _ in range(ROUNDS):
        climbing = [i for i, climb in enumerate(climbs) if not climb.done]
        if not climbing:
            break
        ladder.fill_axes((i, climbs[i].trial + k) for i in climbing for k in range(plan.levels))
        choice = best(tableau(quotients([climb.trial for climb in climbs], plan.levels)), ladder.floor())
        for i in climbing:
            _advance(climbs[i], plan, *_judge(choice, i))
    return [climb.chosen for climb in climbs]


def _advance(climb: Climb, plan: Plan, bound: float, wish: int) -> None:
    """Accept or refuse the trial, and name the next one."""
    climb.tried.add(climb.trial)
    if climb.came == STAY or bound < climb.bound / 2 or (wish == FINER == climb.came and bound > LOST):
        climb.bound, climb.chosen = bound, climb.trial
    else:
        wish = -climb.came
    for direction in (wish, -wish):
        following = max(climb.chosen + direction * plan.levels, climb.ceiling)
        if climb.bound > plan.enough and following not in climb.tried:
            climb.came, climb.trial = direction, following
            return
    climb.trial, climb.done = climb.chosen, True


def _judge(choice: Choice, i: int) -> tuple[float, int]:
    """Median over outputs of bound / |derivative|, and the direction in which the larger part of the bound falls."""
    T, R, D = choice.truncation[i], choice.rounding[i], np.abs(choice.value[i])
    if not np.isfinite(T).all():
        return np.inf, FINER
    bound = T + R
    relative = np.divide(bound, np.maximum(D, bound), out=np.zeros_like(bound), where=bound > 0)
    return float(np.median(relative)), FINER if np.median(T > R) > 0.5 else COARSER
