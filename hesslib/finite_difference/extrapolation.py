r"""Richardson's and Ridders' extrapolation, with a bound on what is left.

A symmetric difference quotient is a series in the square of its step,
$D(h)=D+c_1h^2+c_2h^4+\dots$. From the quotients at $h,\ h/\rho,\ h/\rho^2,\dots$ the tableau

$$A_{k,0}=D(h\rho^{-k}),\qquad A_{k,m}=\frac{\rho^{2m}A_{k+1,m-1}-A_{k,m-1}}{\rho^{2m}-1}$$

removes one power after the other (Richardson); Ridders takes the entry whose error estimate is smallest. Here the
estimate of an entry is the sum of

- truncation: $|A_{k,m}-A_{k+1,m-1}|$, the error of the better of the two entries it came from;
- rounding: the weights of the entry are known numbers, so the rounding level of ``f`` goes through them exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hesslib.finite_difference.estimate import Array


@dataclass(frozen=True)
class Quotients:
    """Difference quotients at steps that shrink by ``ratio``.

    ``D``: (levels, entries, outputs), NaN where ``f`` was not finite. ``gain``: (levels, entries), the root mean square
    of the rounding in ``D`` for unit rounding in every value but that at the centre; ``centre``: (levels, entries), the
    weight of the centre, which all levels share.
    """

    D: Array
    gain: Array
    centre: Array
    ratio: float


@dataclass(frozen=True)
class Column:
    """One column of the tableau: (levels - m, entries, outputs), and the gain of each of its entries."""

    A: Array
    truncation: Array
    gain: Array
    decay: float  # by which the truncation should fall from one entry to the next
    difference: Array  # A[k+1, m-1] - A[k, m-1], the signal and noise that this order removes
    difference_gain: Array


def concatenate(*parts: Quotients) -> Quotients:
    """The entries of several sets of quotients, one after the other."""
    D, gain, centre = (np.concatenate([getattr(q, name) for q in parts], axis=1) for name in ("D", "gain", "centre"))
    return Quotients(D, gain, centre, parts[0].ratio)


def weights(ratio: float, m: int) -> Array:
    """Weights with which m+1 neighbouring quotients, coarsest first, enter A[k, m]."""
    w = np.ones(1)
    for order in range(1, m + 1):
        c = ratio ** (2 * order)
        w = (c * np.append(0.0, w) - np.append(w, 0.0)) / (c - 1)
    return w


def tableau(q: Quotients) -> list[Column]:
    """All columns m >= 1 of the tableau."""
    columns = []
    A = q.D
    levels = len(A)
    for m in range(1, levels):
        c = q.ratio ** (2 * m)
        difference = A[1:] - A[:-1]
        A = A[1:] + difference / (c - 1)
        w, v = weights(q.ratio, m), weights(q.ratio, m - 1)
        columns.append(
            Column(
                A=A,
                truncation=np.abs(difference) / (c - 1),
                gain=_gain(q, w),
                decay=c,
                difference=difference,
                difference_gain=_gain(q, np.append(0.0, v) - np.append(v, 0.0)),
            )
        )
    return columns


def _gain(q: Quotients, w: Array) -> Array:
    """Root mean square gain of the combination w of neighbouring levels: (levels - m, entries)."""
    n = len(q.gain) - len(w) + 1
    shared = sum(w[j] * q.centre[j : j + n] for j in range(len(w)))
    parts = [shared, *(w[j] * q.gain[j : j + n] for j in range(len(w)))]
    return np.hypot.reduce(np.stack(parts))  # no square leaves the range of floating point
