"""A second look where referees contradict each other, or where a result is nearly right, which may be the fault of f.

Finite differences have seen f at a few steps. Where they contradict an exact referee, they are asked again at all
steps down to the noise of f: a kink near the point leaves the exact referee right, and a wrong rule of the library does
not. And where a result is off by little, f may be an iteration that stops early: its values jump, at every distance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hesslib.check.quantity import Quantity
from hesslib.check.reference import Reference
from hesslib.check.subject import Subject

MOST = 32  # coordinates that are looked at again
SCALES = 40  # steps, each half of the one before
HEARD = 16.0  # roundings of f that a difference of two values may have
AMPLIFIED = 100.0  # what the noise of f may become in a derivative, relative to its size
POINTS, LINES, DISTANCE = 512, 2, 4e-4  # values on either side along a line, lines, and relative distances
COARSER = 8  # of every so many values the differences are taken once more
ORDER, AMPLIFICATION = 6, 10.0  # of differences, and what one jump becomes in them


def second_look(quantity: Quantity, reference: Reference, references: list[Reference]) -> Reference:
    """Finite differences of a gradient, with larger errors where an exact referee is found right against them."""
    if reference.family != "values" or quantity.name != "gradient" or reference.view.axes != ("kept",):
        return reference
    error = reference.error.copy()
    for other in references:
        if other.family == "values" or other.view.axes != ("kept",):
            continue
        apart = np.abs(other.value - reference.value)
        for i in np.flatnonzero(apart > error + other.error)[:MOST].tolist():
            if upheld(quantity.subject, i, float(other.value[i]), float(reference.value[i])):
                error[i] = max(error[i], 2 * apart[i])
    exact = [other for other in references if other.family != "values" and other.view.axes == ("kept",)]
    kinks = []
    for i in np.flatnonzero(~np.isfinite(reference.error))[:MOST].tolist():
        gap = kink(quantity.subject, i)
        # at a kink an exact referee changes by the gap when x moves by an ulp, and its error says so
        if gap > 0 and not any(other.error[i] < gap / 8 for other in exact):
            kinks.append(i)
    return replace(reference, error=error, remarks=reference.remarks if kinks else ())


def kink(subject: Subject, i: int) -> float:
    """By how much the slopes on both sides of x still differ at the smallest step that rounding lets tell them."""
    centre = float(subject.values(subject.point))
    largest, last = 0.0, 0.0
    for h, up, down in steps_towards(subject, i):
        gap, noise = abs((up - centre) + (down - centre)) / h, 2 * HEARD * subject_eps(subject) * abs(centre) / h
        if noise > 0.25 * largest > 0:
            break
        largest, last = max(largest, gap), gap
    return last if last > 0.5 * largest else 0.0


def steps_towards(subject: Subject, i: int) -> Iterator[tuple[float, float, float]]:
    """Ever smaller steps along a coordinate, and the values on both sides."""
    x = subject.point
    for k in range(2, SCALES):
        moved = [x.copy(), x.copy()]
        moved[0][i] += 2.0**-k * (abs(float(x[i])) or 1.0)
        h = float(moved[0][i]) - float(x[i])
        moved[1][i] = float(x[i]) - h
        if h <= 0:
            return
        yield h, float(subject.values(moved[0])), float(subject.values(moved[1]))


def upheld(subject: Subject, i: int, exact: float, found: float) -> bool:
    """Whether an exact slope is not refuted: values close to x do not settle at the other, as far as rounding lets.

    They settle if slopes at the two smallest steps that tell them apart are both close to it; next to a kink they move.
    """
    sigma = HEARD * subject_eps(subject) * abs(float(subject.values(subject.point)))
    slopes = []
    for h, up, down in steps_towards(subject, i):
        if sigma / (2 * h) > 0.25 * abs(exact - found):
            break
        slopes.append((up - down) / (2 * h))
    settled = [abs(slope - found) < 0.25 * abs(exact - found) for slope in slopes[-2:]]
    return not (settled and all(settled))


def subject_eps(subject: Subject) -> float:
    """The distance from 1 to the next number of the dtype that f computes in."""
    return 2.0**-52 if subject.point.dtype == np.float64 else 2.0**-23


def of_inexact_values(reference: Reference, noise: float) -> Reference:
    """The same with the error that inexact values of f leave in what is derived from their program."""
    return replace(reference, error=reference.error + AMPLIFIED * noise * reference.size) if noise > 0 else reference


def inexactness(subject: Subject) -> float:
    """The jumps of f, relative to its size, if they do not shrink with the distance of the points; else 0.

    High differences of a smooth function fall as a high power of the distance, at a kink with it, and jumps stay.
    """
    rng = np.random.default_rng(0)
    fine = coarse = 0.0
    for _ in range(LINES):
        d = DISTANCE * rng.choice([-1.0, 1.0], subject.p) * np.where(subject.point != 0, np.abs(subject.point), 1.0)
        line = [subject.values((subject.point + k * d).astype(subject.point.dtype)) for k in range(-POINTS, POINTS)]
        values = np.stack(line).reshape(2 * POINTS, -1).astype(np.float64)
        values /= np.maximum(np.max(np.abs(values), axis=0), np.finfo(np.float64).tiny)
        fine = max(fine, _jump(values))
        coarse = max(coarse, _jump(values[::COARSER]))
    return fine if fine > 0.3 * coarse and fine > 200 * max(subject.eps, 2.0**-52) else 0.0


def _jump(values: np.ndarray) -> float:
    return float(np.nan_to_num(np.abs(np.diff(values, ORDER, axis=0)).max()) / AMPLIFICATION)
