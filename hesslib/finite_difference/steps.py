"""The scale of every coordinate: the ladder of steps on which the error bound is smallest.

The search starts where the size of x[i] suggests. Where the bound is small already, nothing more is evaluated.
Otherwise it climbs: to finer steps where truncation is the larger part of the bound, to coarser ones where rounding
is, as long as the bound falls.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hesslib.finite_difference import rounding
from hesslib.finite_difference.best_entry import BestEntry, select_entry
from hesslib.finite_difference.estimate import Array
from hesslib.finite_difference.extrapolation import tableau
from hesslib.finite_difference.ladder import Ladder

FINER, COARSER = 1, -1
MOST = 0.25  # no step grows beyond this part of max(1, |x[i]|),
LEAST = 1e-12  # ... nor shrinks below this part of the first guess,
UNITS = 2.0**10  # ... nor below so many units in the last place of x[i]
UNEXPLAINED = 0.01  # times the noise seen is what single values must explain of it
SMALLEST, SMALLEST_SINGLE = 2.0**-900, 2.0**-80  # coordinates below these are treated as 0
ROUNDS = 16  # a bound on the work; a smooth function needs one to four


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


@dataclass(frozen=True)
class StepQuality:
    """Of one trial: the bound of every output; bound / |derivative| in the median over outputs; where to go."""

    bound: Array
    relative: float
    direction: int
    resolves: bool  # f, rather than stepping over its features or standing in its noise
    resolves_nothing: bool  # the bound is as large as the derivative
    irregular: int = 0  # the number of outputs that have a kink or a feature between the steps, as it seems

    def is_better(self, other: StepQuality | None) -> bool:
        """Whether f is resolved now and was not, or else the bounds are better by half in most outputs.

        Steps that see nothing are not better than steps that see something: f may be rounded to a grid that is coarser
        than they are, and then their bound is small without reason.
        """
        if other is None:
            return True
        if self.irregular != other.irregular and not (self.resolves_nothing or other.resolves_nothing):
            return self.irregular < other.irregular
        if self.resolves_nothing != other.resolves_nothing:
            return other.resolves_nothing
        if self.resolves != other.resolves:
            return self.resolves
        return bool(np.median(np.where(self.bound < other.bound / 2, 1, 0)) > 0.5)


@dataclass
class Climb:
    """The search along one axis: the exponent on trial, all that were tried, and the best of them with its quality."""

    coarsest: int
    finest: int
    trial: int = 0
    came: int = FINER
    tried: list[int] = field(default_factory=list)
    chosen: int = 0
    best: StepQuality | None = None
    coarser_helps: bool = True
    stride: int = 1
    leap: int = 1  # the same towards coarser steps, as long as nothing is seen
    done: bool = False


def scale(x: Array) -> Array:
    """|x| in double precision, with 0 for what is so small that steps far below it would be lost."""
    size = np.abs(x.astype(np.float64))
    return np.where(size >= (SMALLEST if x.dtype == np.float64 else SMALLEST_SINGLE), size, 0.0)


def start(x: Array, plan: Plan) -> Array:
    """First guess of the coarsest steps: (p,).

    Proportional to |x[i]| from 1 upwards, to sqrt|x[i]| below: half way between "the scale is x" and "the scale is 1".
    Never beyond |x[i]| / 4, so that a positive coordinate stays positive.
    """
    size = scale(x)
    below = np.where(size > 0, np.minimum(plan.first * np.sqrt(size), min(2 * plan.first, MOST) * size), plan.first)
    room = (float(np.finfo(x.dtype).max) - size) / 2
    return np.minimum(np.where(size >= 1, plan.first * size, below), np.where(room > 0, room, plan.first * size))


def search(ladder: Ladder, order: int, plan: Plan) -> list[int]:
    """Coarsest exponent for every axis; order 2 for second quotients of values, 1 for first ones."""
    quotients = ladder.first if order == 1 else ladder.second
    most = MOST * np.maximum(1.0, np.abs(ladder.x.astype(np.float64)))
    least = np.maximum(UNITS * np.spacing(np.abs(ladder.x)).astype(np.float64), LEAST * ladder.start)
    up, down = (np.floor(np.abs(np.log(limit / ladder.start)) / np.log(plan.ratio) + 0.01) for limit in (most, least))
    climbs = [Climb(coarsest=-int(u), finest=max(0, int(d) - plan.levels)) for u, d in zip(up, down, strict=True)]
    for _ in range(ROUNDS):
        climbing = [i for i, climb in enumerate(climbs) if not climb.done]
        if not climbing:
            break
        ladder.fill_axes((i, climbs[i].trial + k) for i in climbing for k in range(plan.levels))
        columns = tableau(quotients([climb.trial for climb in climbs], plan.levels))
        floor = ladder.floor()
        entry = select_entry(columns, floor)
        noisy = select_entry(columns, np.fmax(floor, rounding.from_differences(columns))) if len(columns) > 2 else entry
        worth = plan.enough * np.abs(np.nan_to_num(entry.value))  # what is less is no reason to look for other steps
        irregular = ladder.irregular([climb.trial for climb in climbs], plan.levels, floor, order, worth)
        for i in climbing:
            _advance(climbs[i], plan, _judge(entry, noisy, i, plan, irregular[i]))
    return [climb.chosen for climb in climbs]


def _advance(climb: Climb, plan: Plan, quality: StepQuality) -> None:
    """Take note of the trial, and name the next one."""
    climb.tried.append(climb.trial)
    if quality.is_better(climb.best):
        climb.chosen, climb.best = climb.trial, quality
        climb.leap *= 2
    elif climb.came == COARSER:
        climb.coarser_helps, climb.leap = climb.leap > 1, 1
    best = climb.best or quality
    if best.irregular:
        following = [(max(climb.tried), FINER, climb.stride), (min(climb.tried), COARSER, 1)]
    elif best.relative <= plan.enough:
        following = []
    elif best.direction == COARSER:
        following = [(climb.chosen, COARSER, climb.leap if best.resolves_nothing else 1)]
    elif best.resolves:
        following = [(climb.chosen, FINER, 1), (climb.chosen, COARSER, 1)]
    else:
        # The steps do not resolve f: they stand in its noise, or they stride over its features. Larger ones tell which;
        # then ever smaller ones, until rounding is all that they see.
        following = [(min(climb.tried), COARSER, 1)] if climb.coarser_helps else []
        if quality.direction == FINER or climb.came == COARSER:
            following.append((max(climb.tried), FINER, climb.stride))
    for exponent, direction, stride in following:
        trial = min(max(exponent + direction * stride * plan.levels, climb.coarsest), climb.finest)
        if trial not in climb.tried:
            climb.trial, climb.came = trial, direction
            climb.stride = 2 * stride if direction == FINER else 1
            return
    climb.trial, climb.done = climb.chosen, True


def _judge(entry: BestEntry, noisy: BestEntry, i: int, plan: Plan, irregular: Array) -> StepQuality:
    """What one trial says of axis i.

    The bound is that with the rounding level seen along this axis. Where that is far above what single values explain,
    it may be no rounding at all: steps that stride over the features of ``f`` see them as noise.
    """
    bound = noisy.truncation[i] + noisy.rounding[i]
    if not np.isfinite(bound).all():
        return StepQuality(bound, np.inf, FINER, resolves=False, resolves_nothing=True)
    relative = np.divide(bound, np.maximum(np.abs(noisy.value[i]), bound), out=np.zeros_like(bound), where=bound > 0)
    finer = np.maximum(entry.truncation[i], UNEXPLAINED * noisy.rounding[i]) > 2 * entry.rounding[i]
    typical = float(np.median(relative))
    return StepQuality(
        bound,
        typical,
        FINER if np.median(finer) > 0.5 else COARSER,
        resolves=typical <= plan.enough**0.5,
        resolves_nothing=typical > 0.5,
        irregular=int((irregular & (noisy.truncation[i] + noisy.rounding[i] < np.inf)).sum()),
    )
