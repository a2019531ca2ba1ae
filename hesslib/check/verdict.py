"""Which referees agree, what tolerance they earn together, and whether the claimed result is within it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from hesslib.agreement import ROUNDINGS
from hesslib.check.nudges import SAFETY
from hesslib.check.opinion import Opinion

RIGHT, WRONG, CANNOT_TELL = "right", "wrong", "cannot tell"
IN_THE_SAMPLE = "right in the sample"
"""What was seen of the result is right, and single entries were not looked at."""

EXACT_NOISE = 2.0**-32
"""Two exact referees this close differ by rounding, which they then show to be larger than was assumed."""

NEEDED = 1e-2
"""A claimed result within a tolerance larger than this, relative to its size, is not called right."""


@dataclass(frozen=True, eq=False)
class Bench:
    """The referees: those who agree, those who do not, and the most precise of the former."""

    trusted: tuple[Opinion, ...]
    dissenting: tuple[Opinion, ...]
    split: bool  # two parties of equal weight contradict each other
    silent: tuple[Opinion, ...] = ()  # those whose own error is of the order of the result

    @property
    def reference(self) -> Opinion:
        """The most precise of the trusted: first those who see all, then the smallest error, where there is one."""
        return min(self.trusted, key=lambda o: (not o.view.full, not np.isfinite(o.error).all(), o.tolerance))


@dataclass(frozen=True, eq=False)
class Judgement:
    """A claimed result against one opinion: the difference in the opinion's view, and what is allowed for it."""

    opinion: Opinion
    claimed: np.ndarray  # through the view
    allowed: np.ndarray
    scale: float  # the largest entry
    size: np.ndarray  # what each entry is measured by
    natural: float  # the size of a derivative in which nothing cancels

    @property
    def excess(self) -> np.ndarray:
        """The difference in units of what is allowed."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.abs(self.claimed - self.opinion.value) / self.allowed
        return np.where(np.abs(self.claimed - self.opinion.value) <= self.allowed, np.fmin(ratio, 1), ratio)

    @property
    def passed(self) -> bool:
        return bool((np.abs(self.claimed - self.opinion.value) <= self.allowed).all())

    @property
    def distance(self) -> float:
        """The largest difference, relative to the largest entry."""
        return relative(float(np.max(np.abs(self.claimed - self.opinion.value))), self.scale)

    @property
    def tolerance(self) -> float:
        """The largest difference that is allowed, relative to the largest entry."""
        finite = self.allowed[np.isfinite(self.allowed)]
        return relative(float(np.max(finite, initial=0.0)), self.scale) if finite.size else float("inf")

    @property
    def told(self) -> np.ndarray:
        """Which entries the tolerance decides: where it is small beside their size."""
        return self.allowed <= NEEDED * np.maximum(self.size, self.natural)

    @property
    def worst(self) -> tuple[float, float]:
        """The difference and what is allowed, by the size of the entry, where they are furthest apart."""
        excess = self.excess
        place = np.unravel_index(int(np.argmax(np.where(np.isnan(excess), np.inf, excess))), excess.shape)
        by = float(self.size[place]) or self.natural or 1.0
        return float(np.abs(self.claimed - self.opinion.value)[place]) / by, float(self.allowed[place]) / by


def relative(number: float, scale: float) -> float:
    """A number over the scale; 0 over 0 is 0."""
    return 0.0 if number == 0 else number / scale if scale > 0 else float("inf")


def bench(opinions: list[Opinion], natural: float = 0.0) -> Bench:
    """Sort the referees: the largest party whose members agree pairwise is trusted.

    One whose own error is of the order of the result has nothing to say, unless all are like that.

    A party counts as many votes as it has families, for two members of a family may share a mistake. If two parties
    have equally many, the referees are split; the more precise party stands first.
    """
    silent = [opinion for opinion in opinions if opinion.silent(natural)]
    if len(silent) == len(opinions):
        silent = []
    opinions = _widened([opinion for opinion in opinions if opinion not in silent])
    parties: list[tuple[int, ...]] = []
    for size in range(len(opinions), 0, -1):
        for party in combinations(range(len(opinions)), size):
            whole = any(set(party) <= set(larger) for larger in parties)
            if not whole and all(consistent(opinions[a], opinions[b]) for a, b in combinations(party, 2)):
                parties.append(party)
    votes = [len({opinions[a].family for a in party}) for party in parties]
    best = max(votes)
    leading = [party for party, vote in zip(parties, votes, strict=True) if vote == best]
    leading.sort(key=lambda party: min(opinions[a].tolerance for a in party))
    trusted = leading[0]
    return Bench(
        tuple(opinions[a] for a in trusted),
        tuple(opinion for a, opinion in enumerate(opinions) if a not in trusted),
        len(leading) > 1,
        tuple(silent),
    )


def consistent(a: Opinion, b: Opinion) -> bool:
    """Whether two opinions differ by no more than the errors they admit."""
    difference, allowed = _apart(a, b)
    return bool((difference <= allowed).all())


def judged(claimed: np.ndarray, opinion: Opinion, eps: float, natural: float, noise: np.ndarray) -> Judgement:
    """A claimed result, whole, against an opinion.

    Allowed are the error of the opinion, 1024 roundings of the dtype (as `hesslib.agreement` allows) of the size of the
    entry, and what rounding makes of the derivative: `noise`, in double precision. Where the derivative is zero to
    within the error, its size is what it naturally has.
    """
    unseen = opinion.size <= opinion.error
    size = np.where(unseen, np.maximum(opinion.size, natural), opinion.size)
    scale = max(opinion.scale, natural) if unseen.all() else opinion.scale
    rounding = min(ROUNDINGS * eps, float(np.sqrt(eps)))
    with np.errstate(over="ignore", invalid="ignore"):
        allowed = opinion.error + rounding * size + SAFETY * noise * (eps / 2.0**-52)
    return Judgement(opinion, opinion.view.of(claimed), allowed, scale, size, natural)


def common_noise(opinion: Opinion, opinions: Sequence[Opinion]) -> np.ndarray:
    """The largest noise that any referee with the same view has seen: the claimed result may have been computed so."""
    alike = [other.noise for other in opinions if other.view.axes == opinion.view.axes]
    return np.max(np.stack(alike), axis=0)


def verdict(bench: Bench, judgements: list[Judgement]) -> str:
    """Right if within the tolerance of all trusted referees, wrong if not; cannot tell if that would mean nothing.

    Right are only entries that the tolerance of some referee decides, and only where there is a derivative.

    `judgements` are those of the trusted referees first, then of the dissenting ones.
    """
    trusted, dissenting = judgements[: len(bench.trusted)], judgements[len(bench.trusted) :]
    passed = all(judgement.passed for judgement in trusted)
    if bench.split and (passed or any(judgement.passed for judgement in dissenting)):
        return CANNOT_TELL
    if not passed:
        return WRONG
    if any("no derivative" in words or "no second" in words for j in trusted for words in j.opinion.remarks):
        return CANNOT_TELL
    views = {judgement.opinion.view.axes for judgement in trusted}
    told = {
        axes: bool(np.logical_or.reduce([j.told for j in trusted if j.opinion.view.axes == axes]).all())
        for axes in views
    }
    if any(known and "entries" not in axes for axes, known in told.items()):
        return RIGHT
    return IN_THE_SAMPLE if any(told.values()) else CANNOT_TELL


def _apart(a: Opinion, b: Opinion) -> tuple[np.ndarray, np.ndarray]:
    view = a.view.common(b.view)
    difference = np.abs(view.of(a.value, a.view) - view.of(b.value, b.view))
    return difference, view.bound(a.error, a.view) + view.bound(b.error, b.view)


def _widened(opinions: list[Opinion]) -> list[Opinion]:
    """Where exact referees differ by rounding, their errors grow to what they differ by."""
    errors = [opinion.error for opinion in opinions]
    for (i, a), (j, b) in combinations(enumerate(opinions), 2):
        if "values" in (a.family, b.family) or a.view.axes != b.view.axes:
            continue
        noise = np.abs(a.value - b.value)
        if (noise <= EXACT_NOISE * np.maximum(a.size, b.size)).all():
            errors[i], errors[j] = np.maximum(errors[i], noise), np.maximum(errors[j], noise)
    return [replace(opinion, error=error) for opinion, error in zip(opinions, errors, strict=True)]
