"""A second look where referees contradict each other, or where a result is nearly right: is it f?

Finite differences have seen f at a few steps. Where they contradict an exact referee, they are asked again at all
steps down to the noise of f: a kink near the point leaves the exact referee right, and a wrong rule of the library does
not. And where a result is off by little, f may be an iteration that stops early: its values jump, at every distance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hesslib.check.opinion import Opinion
from hesslib.check.question import Question
from hesslib.check.subject import Subject

MOST = 32  # coordinates that are looked at again
SCALES = 40  # steps, each half of the one before
HEARD = 16.0  # roundings of f that a difference of two values may have
AMPLIFIED = 100.0  # what the noise of f may become in a derivative, relative to its size
POINTS = 48  # values along a line, to hear jumps


def second_look(question: Question, opinion: Opinion, opinions: list[Opinion]) -> Opinion:
    """The opinion of finite differences on a gradient, with errors of what an exact referee is found right against."""
    if opinion.family != "values" or question.quantity != "gradient" or opinion.view.axes != ("kept",):
        return opinion
    error = opinion.error.copy()
    for other in opinions:
        if other.family == "values" or other.view.axes != ("kept",):
            continue
        apart = np.abs(other.value - opinion.value)
        for i in np.flatnonzero(apart > error + other.error)[:MOST].tolist():
            if upheld(question.subject, i, float(other.value[i]), float(opinion.value[i])):
                error[i] = max(error[i], 2 * apart[i])
    return replace(opinion, error=error)


def upheld(subject: Subject, i: int, exact: float, found: float) -> bool:
    """Whether values of f close to x are nearer to one slope than to another, as far as rounding lets them tell."""
    x, sigma = subject.point, HEARD * subject_eps(subject) * abs(float(subject.values(subject.point)))
    unit = np.zeros_like(x)
    unit[i] = 1
    nearest = None
    for k in range(2, SCALES):
        h = 2.0**-k * (abs(float(x[i])) or 1.0)
        up, down = (x + s * h * unit for s in (1, -1))
        h = float(up.astype(x.dtype)[i]) - float(down.astype(x.dtype)[i])
        if h <= 0 or sigma / h > 0.25 * abs(exact - found):
            break
        slope = float(subject.values(up.astype(x.dtype)) - subject.values(down.astype(x.dtype))) / h
        nearest = abs(slope - exact) < abs(slope - found)
    return nearest is None or nearest  # if all steps are too short to tell, the values say nothing against it


def subject_eps(subject: Subject) -> float:
    """The distance from 1 to the next number of the dtype that f computes in."""
    return 2.0**-52 if subject.point.dtype == np.float64 else 2.0**-23


def of_inexact_values(opinion: Opinion, noise: float) -> Opinion:
    """An opinion with the error that inexact values of f leave in what is derived from their program."""
    return replace(opinion, error=opinion.error + AMPLIFIED * noise * opinion.size) if noise > 0 else opinion


def inexactness(subject: Subject) -> float:
    """The jumps of f, relative to its size, if they do not shrink with the distance of the points; else 0.

    Third differences of a smooth function fall as the cube of the distance, at a kink with it, and jumps stay.
    """
    rng = np.random.default_rng(0)
    jumps = []
    for distance in (8e-3, 1e-3):
        largest = 0.0
        for _ in range(2):
            d = distance * rng.choice([-1.0, 1.0], subject.p) * np.where(subject.point != 0, np.abs(subject.point), 1.0)
            line = [subject.values((subject.point + k * d).astype(subject.point.dtype)) for k in range(POINTS)]
            values = np.stack(line).reshape(POINTS, -1).astype(np.float64)
            size = np.max(np.abs(values), axis=0)
            third = np.abs(np.diff(values, 3, axis=0)).max(axis=0)
            with np.errstate(divide="ignore", invalid="ignore"):
                largest = max(largest, float(np.nan_to_num(third / size).max()))
        jumps.append(largest)
    coarse, fine = jumps
    return fine if fine > 0.3 * coarse and fine > 200 * max(subject.eps, 2.0**-52) else 0.0
