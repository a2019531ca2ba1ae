r"""Whether the derivative exists, as far as the steps can see: the parity that its quotient does not look at.

A symmetric quotient for $f'$ is blind to the even part of $f(x+a)-f(x)$ and one for $f''$ to the odd part: $|x|$ has
the first quotient 0 at every step, and a peak between two points is not there. The other part is at hand,

$$S(a)=f(x+a)+f(x-a)-2f(x),\qquad O(a)=D(a)-D(a/\rho),\quad D(a)=\frac{f(x+a)-f(x-a)}{2a}$$

and $S$, $O$ fall as $a^2$ where $f$ is smooth on the scale of $a$. At a kink of $f$ (of $f'$) they fall as $a$: then
$S/a$ is the difference of the two one-sided slopes. Beside a peak or a jump that the steps
stride over they do not fall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hesslib.finite_difference.estimate import Array

FALLS = 1.5  # the power of the step between that of a kink, 1, and that of a smooth function, 2
FEATURES = 0.5  # the power below which it is no kink, but a jump or a peak between the steps
MOST = 4  # of the finest levels that a kink is looked for in
CURVED = 8.0  # a jump of the slope is a kink only if it is so many times larger than the last correction
CURVED_TWICE = 1e-3  # the same where there are two levels only: their one correction leaves far less than it takes off
STEADY = 0.4  # by how much the power may differ from 1 from one step to the next at a kink of the first derivative
HEARD = 12.0  # an S of fewer standard deviations of rounding than this is taken for rounding


@dataclass(frozen=True)
class Witness:
    """For every entry and output: whether f looks irregular, and the gap between derivatives from either side."""

    irregular: Array
    gap: Array  # at the finest step; freed of curvature where it is a kink beside a smooth function
    falls: Array  # the power of the step with which the part falls
    beside_a_curve: Array | bool = False  # whether a kink was found with the curvature taken off

    def against(self, bound: Array) -> Array:
        """Where the gap says that a bound is not to be believed."""
        return self.irregular & ~(self.gap <= np.where(self.beside_a_curve, bound / 10, 2 * bound))


@dataclass(frozen=True)
class Doubt:
    """A derivative that is not there, with its witness: ``flag`` (entries, outputs), of the axes or of the pairs."""

    what: str
    witness: Witness
    flag: Array
    entries: Sequence[tuple[int, ...]]

    def words(self, n: int) -> str:
        """What is said of entry n, by its first output that is in doubt."""
        o, entry = int(np.flatnonzero(self.flag[n])[0]), name_axes(self.entries[n])
        if self.witness.falls[n, o] > FEATURES:
            return f"there is no {self.what} along {entry}: f has a kink at x, or too close to it to be told from one"
        return f"f has features along {entry} that are finer than the finest step"


def name_axes(axes: Sequence[int]) -> str:
    """The axes of an entry in words."""
    distinct = list(dict.fromkeys(axes))
    return f"coordinate {distinct[0]}" if len(distinct) == 1 else "coordinates " + " and ".join(map(str, distinct))


def even(f: Array, centre: Array, a: Array, sigma: Array) -> Witness:
    """From values (levels, entries, 2, outputs) at x ± a, those at x (outputs or entries, outputs), and steps a."""
    with np.errstate(invalid="ignore", over="ignore"):
        S = (f[:, :, 0] - centre) + (f[:, :, 1] - centre)
    found = _falling(np.abs(S), a, HEARD * sigma, np.abs(S) / a[..., None])
    return _with_kink(found, S / a[..., None], a, HEARD * sigma / a[-1][..., None])


def odd(f: Array, a: Array, sigma: Array) -> Witness:
    """The same of the odd part, which needs three levels: irregular where there is a kink of the first derivative."""
    with np.errstate(invalid="ignore", over="ignore"):
        D = (f[:, :, 0] - f[:, :, 1]) / (2 * a[..., None])
        O = np.abs(D[:-1] - D[1:])
    shrunk = (1 - a[1:] / a[:-1])[..., None]
    found = _falling(O, a[:-1], HEARD * sigma / a[-1][..., None], 4 * O / a[:-1][..., None] / shrunk)
    # no finer steps are tried on its account: a zero of O between them must not pass for a kink, which falls evenly
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.log(O[:-1] / O[1:]) / np.log(a[:-2] / a[1:-1])[..., None]
    steady = (np.abs(each - 1) < STEADY).all(axis=0) & (len(O) > 1)
    found = replace(found, irregular=found.irregular & steady)
    with np.errstate(invalid="ignore", over="ignore"):
        slopes = 4 * (D[:-1] - D[1:]) / (a[:-1] - a[1:])[..., None]
    return _with_kink(found, slopes, a[:-1], 8 * HEARD * sigma / (a[-1] * (a[-2] - a[-1]))[..., None])


def _with_kink(found: Witness, signed: Array, a: Array, noise: Array) -> Witness:
    r"""Also irregular where a kink is left when the curvature of a smooth function is taken off.

    ``signed`` (levels, entries, outputs) are differences of one-sided derivatives, $J+c_1a+c_3a^3+\dots$; odd powers
    are removed as in Richardson's tableau, and J is believed where it is far larger than what the last power changed.
    """
    n = len(signed)
    if n < 2:
        return found
    ratio, column, gain = a[0] / a[1], signed[-min(n, MOST) :], np.ones_like(a[0])
    before = column[-1]
    with np.errstate(invalid="ignore", over="ignore"):
        for power in (1, 3, 5)[: len(column) - 1]:
            c = (ratio**power)[..., None]
            before, column = column[-1], (c * column[1:] - column[:-1]) / (c - 1)
            gain = gain * ((ratio**power + 1) / (ratio**power - 1))
        jump = np.abs(column[-1])
        unsure = (CURVED if n > 2 else CURVED_TWICE) * np.abs(column[-1] - before)
        kink = (jump > unsure + noise * gain[..., None]) & np.isfinite(jump)
    return Witness(
        found.irregular | kink,
        np.where(kink, jump, found.gap),
        np.where(kink & ~found.irregular, 1.0, found.falls),
        kink,
    )


def _falling(part: Array, a: Array, heard: Array, gap: Array) -> Witness:
    """Compare the coarse levels with the fine ones: the largest of up to three, against zeros of the part by chance."""
    n = len(part)
    if n < 2:
        nothing = np.zeros(part.shape[1:])
        return Witness(nothing > 0, nothing, nothing + 2)
    m = min(3, n // 2)
    known = np.where(np.isfinite(part), part, np.nan)
    coarse, fine = np.fmax.reduce(known[:m]), np.fmax.reduce(known[-m:])
    with np.errstate(divide="ignore", invalid="ignore"):
        falls = np.log(coarse / fine) / np.log(a[0] / a[n - m])[..., None]
    irregular = (fine > heard) & ~(falls >= FALLS) & np.isfinite(falls)
    gap = np.fmin.reduce(np.where(np.isfinite(gap[-m:]), gap[-m:], np.nan))
    return Witness(irregular, np.where(np.isnan(gap), 0.0, gap), falls)
