"""Which referees agree, what tolerance they earn together, and whether the claimed result is within it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from hesslib.agreement import ROUNDINGS
from hesslib.check.opinion import Opinion

RIGHT, WRONG, CANNOT_TELL = "right", "wrong", "cannot tell"
EXACT_NOISE = 2.0**-32
"""Two exact referees this close differ by rounding, which they then show to be larger than was assumed."""

NEEDED = 1e-2
"""A claimed result within a tolerance larger than this, relative to the largest entry, is not called right."""


@dataclass(frozen=True, eq=False)
class Bench:
    """The referees: those who agree, those who do not, and the most precise of the former."""

    trusted: tuple[Opinion, ...]
    dissenting: tuple[Opinion, ...]
    split: bool  # two parties of equal weight contradict each other

    @property
    def reference(self) -> Opinion:
        """The most precise of the trusted: first those who see all, then the smallest error."""
        return min(self.trusted, key=lambda opinion: (not opinion.view.full, opinion.tolerance))


@dataclass(frozen=True, eq=False)
class Judgement:
    """A claimed result against one opinion: the difference in the opinion's view, and what is allowed for it."""

    opinion: Opinion
    claimed: np.ndarray  # through the view
    allowed: np.ndarray
    scale: float

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
        return relative(float(np.max(self.allowed)), self.scale)


def relative(number: float, scale: float) -> float:
    """A number over the scale; 0 over 0 is 0."""
    return 0.0 if number == 0 else number / scale if scale > 0 else float("inf")


def bench(opinions: list[Opinion]) -> Bench:
    """Sort the referees: the largest party whose members agree pairwise is trusted.

    A party counts as many votes as it has families, for two members of a family may share a mistake. If two parties
    have equally many, the referees are split; the more precise party stands first.
    """
    opinions = _widened(opinions)
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
    )


def consistent(a: Opinion, b: Opinion) -> bool:
    """Whether two opinions differ by no more than the errors they admit."""
    difference, allowed = _apart(a, b)
    return bool((difference <= allowed).all())


def judged(claimed: np.ndarray, opinion: Opinion, eps: float, natural: float) -> Judgement:
    """A claimed result, whole, against an opinion.

    Allowed are the error of the opinion and 1024 roundings of the dtype (as `hesslib.agreement` allows), of the largest
    entry; of the size that the derivative naturally has, where it is zero to within the error.
    """
    scale = opinion.scale
    if scale <= np.max(opinion.error, initial=0.0):
        scale = max(scale, natural)
    rounding = min(ROUNDINGS * eps, float(np.sqrt(eps)))
    allowed = opinion.error + rounding * scale
    return Judgement(opinion, opinion.view.of(claimed), allowed, scale)


def verdict(bench: Bench, judgements: list[Judgement]) -> str:
    """Right if within the tolerance of all trusted referees, wrong if not; cannot tell if that would mean nothing.

    `judgements` are those of the trusted referees first, then of the dissenting ones.
    """
    trusted, dissenting = judgements[: len(bench.trusted)], judgements[len(bench.trusted) :]
    passed = all(judgement.passed for judgement in trusted)
    if bench.split and (passed or any(judgement.passed for judgement in dissenting)):
        return CANNOT_TELL
    if not passed:
        return WRONG
    return RIGHT if min(judgement.tolerance for judgement in trusted) <= NEEDED else CANNOT_TELL


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
        difference = np.abs(a.value - b.value)
        noise = float(np.max(difference, initial=0.0))
        if noise <= EXACT_NOISE * max(a.scale, b.scale):
            errors[i], errors[j] = np.maximum(errors[i], noise), np.maximum(errors[j], noise)
    return [replace(opinion, error=error) for opinion, error in zip(opinions, errors, strict=True)]
