"""Which referees agree, what tolerance they earn together, and whether the claimed result is within it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from hesslib.agreement import ROUNDINGS
from hesslib.check.reference import Reference
from hesslib.check.rounding_noise import SAFETY

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

    trusted: tuple[Reference, ...]
    dissenting: tuple[Reference, ...]
    split: bool  # two groups of equal weight contradict each other
    silent: tuple[Reference, ...] = ()  # those whose own error is of the order of the result

    @property
    def best(self) -> Reference:
        """The most precise of the trusted: first those who see all, then the smallest error, where there is one."""
        return min(self.trusted, key=lambda o: (not o.view.full, not np.isfinite(o.error).all(), o.tolerance))


@dataclass(frozen=True, eq=False)
class Judgement:
    """A claimed result against one reference: the difference in the reference's view, and what is allowed for it."""

    reference: Reference
    claimed: np.ndarray  # through the view
    allowed: np.ndarray
    scale: float  # the largest entry
    size: np.ndarray  # what each entry is measured by
    natural: float  # the size of a derivative in which nothing cancels

    @property
    def excess(self) -> np.ndarray:
        """The difference in units of what is allowed."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.abs(self.claimed - self.reference.value) / self.allowed
        return np.where(np.abs(self.claimed - self.reference.value) <= self.allowed, np.fmin(ratio, 1), ratio)

    @property
    def passed(self) -> bool:
        return bool((np.abs(self.claimed - self.reference.value) <= self.allowed).all())

    @property
    def distance(self) -> float:
        """The largest difference, relative to the largest entry."""
        return relative(float(np.max(np.abs(self.claimed - self.reference.value))), self.scale)

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
        return float(np.abs(self.claimed - self.reference.value)[place]) / by, float(self.allowed[place]) / by


def relative(number: float, scale: float) -> float:
    """A number over the scale; 0 over 0 is 0."""
    return 0.0 if number == 0 else number / scale if scale > 0 else float("inf")


def bench(references: list[Reference], natural: float = 0.0) -> Bench:
    """Sort the referees: the largest group whose members agree pairwise is trusted.

    One whose own error is of the order of the result has nothing to say, unless all are like that.

    Groups are ranked by the number of independent families of methods in them, for two members of a family may share
    a mistake. If two groups have equally many, the referees are split; the more precise group stands first.
    """
    silent = [reference for reference in references if reference.silent(natural)]
    if len(silent) == len(references):
        silent = []
    references = _widen([reference for reference in references if reference not in silent])
    groups: list[tuple[int, ...]] = []
    for size in range(len(references), 0, -1):
        for group in combinations(range(len(references)), size):
            whole = any(set(group) <= set(larger) for larger in groups)
            if not whole and all(consistent(references[a], references[b]) for a, b in combinations(group, 2)):
                groups.append(group)
    votes = [len({references[a].family for a in group}) for group in groups]
    best = max(votes)
    leading = [group for group, vote in zip(groups, votes, strict=True) if vote == best]
    leading.sort(key=lambda group: min(references[a].tolerance for a in group))
    trusted = leading[0]
    return Bench(
        tuple(references[a] for a in trusted),
        tuple(reference for a, reference in enumerate(references) if a not in trusted),
        len(leading) > 1,
        tuple(silent),
    )


def consistent(a: Reference, b: Reference) -> bool:
    """Whether two references differ by no more than the errors they admit."""
    difference, allowed = _apart(a, b)
    return bool((difference <= allowed).all())


def judge(claimed: np.ndarray, reference: Reference, eps: float, natural: float, noise: np.ndarray) -> Judgement:
    """A claimed result, whole, against a reference.

    Allowed are the error of the reference, 1024 roundings of the dtype (as `hesslib.agreement` allows) of the size of
    the entry, and what rounding makes of the derivative: `noise`, in double precision. Where the derivative is zero to
    within the error, its size is what it naturally has.
    """
    unseen = reference.size <= reference.error
    size = np.where(unseen, np.maximum(reference.size, natural), reference.size)
    scale = max(reference.scale, natural) if unseen.all() else reference.scale
    rounding = min(ROUNDINGS * eps, float(np.sqrt(eps)))
    with np.errstate(over="ignore", invalid="ignore"):
        allowed = reference.error + rounding * size + SAFETY * noise * (eps / 2.0**-52)
    return Judgement(reference, reference.view.of(claimed), allowed, scale, size, natural)


def common_noise(reference: Reference, references: Sequence[Reference]) -> np.ndarray:
    """The largest noise that any referee with the same view has seen: the claimed result may have been computed so."""
    alike = [other.noise for other in references if other.view.axes == reference.view.axes]
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
    if any("no derivative" in words or "no second" in words for j in trusted for words in j.reference.remarks):
        return CANNOT_TELL
    views = {judgement.reference.view.axes for judgement in trusted}
    told = {
        axes: bool(np.logical_or.reduce([j.told for j in trusted if j.reference.view.axes == axes]).all())
        for axes in views
    }
    if any(known and "entries" not in axes for axes, known in told.items()):
        return RIGHT
    return IN_THE_SAMPLE if any(told.values()) else CANNOT_TELL


def _apart(a: Reference, b: Reference) -> tuple[np.ndarray, np.ndarray]:
    view = a.view.common(b.view)
    difference = np.abs(view.of(a.value, a.view) - view.of(b.value, b.view))
    return difference, view.bound(a.error, a.view) + view.bound(b.error, b.view)


def _widen(references: list[Reference]) -> list[Reference]:
    """Where exact referees differ by rounding, their errors grow to what they differ by."""
    errors = [reference.error for reference in references]
    for (i, a), (j, b) in combinations(enumerate(references), 2):
        if "values" in (a.family, b.family) or a.view.axes != b.view.axes:
            continue
        noise = np.abs(a.value - b.value)
        if (noise <= EXACT_NOISE * np.maximum(a.size, b.size)).all():
            errors[i], errors[j] = np.maximum(errors[i], noise), np.maximum(errors[j], noise)
    return [replace(reference, error=error) for reference, error in zip(references, errors, strict=True)]
