"""From a wrong result to the mistake: which hypotheses explain it, where it is wrong, and by what constant.

Longer than one sitting: naming, locating and scaling a mistake weigh the same evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from hesslib.agreement import ROUNDINGS
from hesslib.check import constants
from hesslib.check.case import Case
from hesslib.check.hypothesis import Hypothesis
from hesslib.check.location import Location, locate
from hesslib.check.mistakes import CATALOGUE, omissions
from hesslib.check.sizes import sizes
from hesslib.check.verdict import relative

ENOUGH_TO_SCALE = 3  # entries that a comparison needs before a constant is fitted to them
MARGIN = 10.0  # a mistake is named only if the result is so much closer to what it gives than to what is right
NO_FACTOR = 1e-5  # a constant this close to 1 is none
SINGLE = 2.0**-24  # half the distance of numbers in single precision
NOISE = 1e-4  # differences above this, relative to the largest entry, are not called noise


@dataclass(frozen=True)
class Diagnosis:
    """What the mistake most likely is.

    >>> import numpy as np
    >>> from hesslib import check
    >>> (diagnosis,) = check.gradient(lambda x: (x**2).sum(), np.ones(2), -2 * np.ones(2)).diagnoses
    >>> diagnosis.kinds, diagnosis.says, diagnosis.explained
    (('wrong-sign',), 'the sign is wrong', True)
    """

    kinds: tuple[str, ...]  # names out of the catalogue; more than one if several came together
    says: str  # the same in words
    where: str  # the part that it concerns, empty for the whole
    before: float  # the distance of the claimed result from the right one, relative to the largest entry
    after: float  # its distance from what the mistake gives: the evidence
    allowed: float  # the tolerance of that comparison
    known: bool = True  # whether no number without a name was fitted

    def __str__(self) -> str:
        head = f"{self.where}: {self.says}" if self.where else self.says
        return f"{head}. Evidence: {self.evidence}"

    @property
    def evidence(self) -> str:
        """Both distances in words."""
        if not self.explained:
            return f"no mistake that was looked for gives this result; it is {self.before:.1e} off"
        return f"{self.before:.1e} from the right result, {self.after:.1e} from what this mistake gives"

    @property
    def explained(self) -> bool:
        """Whether the mistake gives the claimed result, to the tolerance."""
        return self.after <= self.allowed


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what a mistake gives may leave the range of floats
def diagnose(case: Case) -> tuple[Diagnosis, ...]:
    """The diagnoses of a wrong result, those with the fewest parts only; at least one, if only where it is wrong."""
    case_view = Comparison(case)
    if not np.isfinite(case.claimed).all():
        bad = np.argwhere(~np.isfinite(case.claimed))
        first = ", ".join(map(str, bad[0].tolist()))
        words = f"{len(bad)} of {case.claimed.size} entries are not finite, the first of them [{first}]"
        return (Diagnosis(("not-finite",), words, "", float("inf"), 0.0, 0.0),)
    if not np.any(case.claimed) and not case_view.at_zero:
        words = "every entry is zero: a graph cut by detach, no_grad or a rounding, or an array that was never filled"
        return (Diagnosis(("all-zero",), words, "", case_view.before, 0.0, 0.0),)
    hypotheses = list(_hypotheses(case))
    where = locate(case)
    exact = [d for s in hypotheses if s.free == 0 and (d := case_view.same(s))]
    scaled = list(case_view.scaled())
    for found in (  # those with fewer numbers that were fitted come first
        [*(d for d in scaled if d.known), *exact],
        [*scaled, *(d for s in hypotheses if s.free > 0 and (d := case_view.same(s)))],
        [d for s in hypotheses if (d := case_view.up_to_a_constant(s))],
        list(case_view.within(where, hypotheses)),
        list(case_view.noise()),
    ):
        if found:
            return _distinct(found)
    kinds = ("one-part",) if where.is_part else ("unknown",)
    words = f"it is wrong in {where.words} only" if where.is_part else f"it is wrong in {where.words}"
    if case.quantity.name in ("hessian", "gauss_newton") and not np.allclose(case.claimed, case.claimed.T):
        words += ", and not symmetric"
    known = "those patterns that were looked for" if list(omissions(case)) else "the known patterns"
    return (Diagnosis(kinds, f"{words}; none of {known}", "", case_view.before, np.inf, 0.0),)


def _hypotheses(case: Case) -> Iterator[Hypothesis]:
    for mistake in CATALOGUE:
        yield from mistake(case)


def _distinct(found: list[Diagnosis]) -> tuple[Diagnosis, ...]:
    """One diagnosis of each kind, the closest first."""
    kept: dict[tuple[str, ...], Diagnosis] = {}
    for diagnosis in sorted(found, key=lambda d: d.after):
        kept.setdefault(diagnosis.kinds, diagnosis)
    return tuple(kept.values())


class Comparison:
    """The claimed result beside the right one and beside what mistakes give, through the eyes of the best referee."""

    def __init__(self, case: Case) -> None:
        self.case, judgement = case, case.judgement
        self.view, self.right = judgement.reference.view, judgement.reference.value
        self.claimed, self.allowed, self.scale = judgement.claimed, judgement.allowed, judgement.scale
        self.before, self.tolerance = judgement.distance, judgement.tolerance
        self.at_zero = not np.any(np.abs(self.right) > MARGIN * self.allowed)
        self.quantity = case.quantity

    def same(self, hypothesis: Hypothesis) -> Diagnosis | None:
        """The hypothesis, if it gives the claimed result and not the right one."""
        if hypothesis.undone is not None:
            after = self._distance(self.view.of(hypothesis.undone), self.right)
            close = self._close(self.view.of(hypothesis.undone), self.right, 1.0) and MARGIN * after <= self.before
            return self._named(hypothesis.kinds, hypothesis.says, after) if close else None
        value = self._given(hypothesis)
        if value is None:
            return None
        after = self._distance(self.claimed, value)
        fits = self._close(self.claimed, value, 1.0, hypothesis.extra) and MARGIN * after <= self.before
        return self._named(hypothesis.kinds, hypothesis.says, after) if fits else None

    def up_to_a_constant(self, hypothesis: Hypothesis) -> Diagnosis | None:
        """The hypothesis and a constant that has a name."""
        if hypothesis.undone is not None:
            claimed, value = self.view.of(hypothesis.undone), self.right
        else:
            given = self._given(hypothesis)
            if given is None:
                return None
            claimed, value = self.claimed, given
        c = _fitted(claimed, value)
        if c is None or not hypothesis.scalable or not self._close(claimed, value, c, hypothesis.extra):
            return None
        named = self._constant(c)
        if named is None or named[1] == "unknown":
            return None
        kinds, words = named[0], named[2]
        after = self._distance(claimed, c * value)
        return (
            self._named((*hypothesis.kinds, *kinds), f"{hypothesis.says}; {words}", after)
            if MARGIN * after <= self.before
            else None
        )

    def scaled(self) -> Iterator[Diagnosis]:
        """The right result times a constant, whether that has a name or not."""
        c = _fitted(self.claimed, self.right)
        if c is None or self.at_zero or not self._close(self.claimed, self.right, c):
            return
        named, after = self._constant(c), self._distance(self.claimed, c * self.right)
        if named is not None and MARGIN * after <= self.before:
            yield replace(self._named(named[0], named[2], after), known=named[1] == "known")

    def within(self, where: Location, hypotheses: list[Hypothesis]) -> Iterator[Diagnosis]:
        """What explains the part that is wrong, where the rest is right."""
        if not where.is_part:
            return
        inside = where.mask
        claimed, right = self.claimed[inside], self.right[inside]
        found = []
        c = _fitted(claimed, right)
        if c is not None and np.all(np.abs(claimed - c * right) <= self.allowed[inside] * max(1.0, abs(c))):
            named = self._constant(c)
            if named is not None and (named[1] == "known" or claimed.size >= ENOUGH_TO_SCALE):
                found.append((named[0], named[2], claimed - c * right))
        if not np.any(claimed) and np.any(np.abs(right) > self.allowed[inside]):
            found.append((("entries-missing",), "the entries are zero", claimed))
        for hypothesis in hypotheses:
            value = self._given(hypothesis)
            if value is None or not hypothesis.local:
                continue
            if np.all(np.abs(claimed - value[inside]) <= self.allowed[inside]) and self._differs(value, inside):
                found.append((hypothesis.kinds, hypothesis.says, claimed - value[inside]))
        for kinds, words, rest in found:
            after = relative(float(np.max(np.abs(rest), initial=0.0)), self.scale)
            yield self._named(("one-part", *kinds), words, after, f"in {where.words} only")

    def noise(self) -> Iterator[Diagnosis]:
        """Differences so small that they look like rounding in single precision, or like a difference quotient."""
        difference = np.abs(self.claimed - self.right)
        if self.at_zero or self.before > NOISE or np.mean(difference > self.allowed) < 0.3:
            return
        claimed = self.case.claimed
        if (claimed.astype(np.float32).astype(claimed.dtype) == claimed).all():
            words = "every entry is a number of single precision: it was computed in float32"
            yield self._named(("float32-noise",), words, 0.0)
        elif self.before <= 64 * SINGLE:
            words = (
                f"differences without a pattern, {self.before:.0e} of the largest entry: rounding in single precision "
                "somewhere on the way, or a difference quotient in the place of a derivative; or f itself is not "
                "exact, an iteration that stops early: then state its accuracy with noise="
            )
            yield self._named(("noise",), words, 0.0)
        else:
            words = (
                f"differences without a pattern, {self.before:.0e} of the largest entry: a difference quotient in the "
                "place of a derivative, with its step too large or too small; or f itself is not exact (noise=)"
            )
            yield self._named(("noise",), words, 0.0)

    def _named(self, kinds: tuple[str, ...], says: str, after: float, where: str = "") -> Diagnosis:
        return Diagnosis(kinds, says, where, self.before, after, max(self.tolerance, after))

    def _given(self, hypothesis: Hypothesis) -> np.ndarray | None:
        """What the hypothesis gives through the view, if that can be told from the right result."""
        if hypothesis.value is None or hypothesis.value.shape != self.case.quantity.shape:
            return None
        if not np.isfinite(hypothesis.value).all() or not np.isfinite(hypothesis.extra):
            return None
        value = self.view.of(hypothesis.value)
        return value if self._differs(value, ...) else None

    def _differs(self, value: np.ndarray, inside: np.ndarray | object) -> bool:
        return bool(np.any(np.abs(value - self.right)[inside] > 2 * self.allowed[inside]))  # type: ignore[index]

    def _close(self, claimed: np.ndarray, value: np.ndarray, c: float, extra: float = 0.0) -> bool:
        """Whether claimed = c value to within what is allowed, which grows with the size of what is compared."""
        largest = abs(c) * float(np.max(np.abs(value), initial=0.0))
        grown = max(abs(c), largest / self.scale if self.scale > 0 else 1.0, 1e-300)
        rounding = min(ROUNDINGS * self.case.quantity.subject.eps, 1e-3) * sizes(c * value, self.quantity, self.view)
        return bool(
            np.all(
                np.abs(claimed - c * value) <= self.allowed * grown + rounding + abs(c) * (extra + self.case.uncertain)
            )
        )

    def _distance(self, a: np.ndarray, b: np.ndarray) -> float:
        return relative(float(np.max(np.abs(a - b), initial=0.0)), self.scale)

    def _constant(self, c: float) -> tuple[tuple[str, ...], str, str] | None:
        """Kinds, "known" or "unknown", and words for a constant; None if it is 1."""
        precision = min(max(4 * self.tolerance, 1e-9), 1e-2)
        kinds: tuple[str, ...] = ()
        if abs(c - 1) <= max(precision, NO_FACTOR) or c == 0:
            return None
        words, known = [], "known"
        if c < 0:
            kinds, words = ("wrong-sign",), ["the sign is wrong"]
        size = abs(c)
        if abs(size - 1) > max(precision, NO_FACTOR):
            kinds = (*kinds, "constant-factor")
            found = constants.names(size, self.case.subject.sizes, precision)
            known = "known" if found else "unknown"
            words.append(f"a constant factor {' or '.join(found)}" if found else f"a constant factor {size:.6g}")
        return kinds, known, " and there is ".join(words)


def _fitted(claimed: np.ndarray, value: np.ndarray) -> float | None:
    """The constant by which the value comes closest to the claimed result, if there is enough to fit."""
    if np.count_nonzero(value) < ENOUGH_TO_SCALE and value.size > 1:
        ratios = claimed[value != 0] / value[value != 0]
        return float(ratios[0]) if len(ratios) else None
    largest = float(np.max(np.abs(value), initial=0.0))
    if not 0 < largest < np.inf:
        return None
    value, claimed = value / largest, claimed / largest  # squares of tiny and of huge numbers leave the range of floats
    return float(np.sum(claimed * value)) / float(np.sum(value * value))
