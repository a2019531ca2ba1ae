"""Derivatives to many digits: central differences in arithmetic so precise that rounding and truncation both vanish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np

__all__ = ["gradient", "hessian"]

DIGITS = 50
STEP = -14
"""A step of 1e-14 has a truncation of 1e-28, and leaves 50 - 28 digits of a second difference."""


def gradient(f: Callable[[list[Any]], Any], w: Sequence[float], /) -> Any:
    """The gradient of a function of a list of mpmath numbers, rounded to double precision.

    Shapes: `w` (P,); returns (P,).
    Cost: as that of 2P calls in many digits; memory: none to speak of.
    Errors: none of its own.

    >>> gradient(lambda v: v[0] ** 3, [2.0]).tolist()
    [12.0]
    """
    with mpmath.workdps(DIGITS):
        at, step = _shifted(f, w), mpmath.mpf(10) ** STEP
        return np.array([float((at((i, step)) - at((i, -step))) / (2 * step)) for i in range(len(w))])


def hessian(f: Callable[[list[Any]], Any], w: Sequence[float], /) -> Any:
    """The Hessian of a function of a list of mpmath numbers, rounded to double precision.

    Shapes: `w` (P,); returns (P, P).
    Cost: P (P + 1) + 1 calls; memory: none to speak of.
    Errors: none of its own.

    >>> hessian(lambda v: v[0] ** 2 * v[1], [1.0, 3.0]).tolist()
    [[6.0, 2.0], [2.0, 0.0]]
    """
    P = len(w)
    H = np.empty((P, P))
    with mpmath.workdps(DIGITS):
        at, step = _shifted(f, w), mpmath.mpf(10) ** STEP
        centre = at()
        alone = [at((i, step)) + at((i, -step)) for i in range(P)]
        for i in range(P):
            H[i, i] = float((alone[i] - 2 * centre) / step**2)
            for j in range(i):
                both = at((i, step), (j, step)) + at((i, -step), (j, -step))
                H[i, j] = H[j, i] = float((both - alone[i] - alone[j] + 2 * centre) / (2 * step**2))
    return H


def _shifted(f: Callable[[list[Any]], Any], w: Sequence[float]) -> Callable[..., Any]:
    """The function at displacements of single coordinates."""

    def at(*shifts: tuple[int, Any]) -> Any:
        moved = [mpmath.mpf(float(v)) for v in w]
        for i, shift in shifts:
            moved[i] += shift
        return f(moved)

    return at
