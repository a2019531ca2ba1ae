r"""Where ``f`` is evaluated: on ladders of steps $a_i\rho^{-e}$ along every axis, and along pairs of axes.

Index letters: i, j axis; e exponent; k level, counted from the coarsest step in use; o output.

Longer than one sitting: one ladder, and all that its values say of themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from hesslib.finite_difference import rounding
from hesslib.finite_difference.differentiability import Doubt, even, odd
from hesslib.finite_difference.estimate import Array
from hesslib.finite_difference.evaluation import Evaluator
from hesslib.finite_difference.extrapolation import Quotients, tableau

SMALL = 2.0**-150  # steps beyond this and its inverse have units of their own, half way to steps of size 1
SUSPECT = 0.02  # of a second quotient: what first quotients may differ by over one step
SURE = 5.0  # standard deviations beyond which a change of quotients is none of rounding
SETTLED = 0.05  # a bound below this part of a second quotient shows that it has settled
PARTS = (2.0**-15, 2.0**-12, 2.0**-9)  # of the steps: distances of the probe, tried in turn

Shift = tuple[int, float]  # axis, distance
Pair = tuple[int, int]  # axes i < j
Axes = tuple[int, ...]  # of an entry: (i,), (i, i) or (i, j)


class Ladder:
    """Values of ``f`` at x, at x ± a e_i and at x ± (a e_i + b e_j), each computed once.

    ``start`` (p,) are the steps of exponent 0; exponent e stands for the step ``start * ratio ** -e``.
    ``noise``: the relative accuracy of the values of ``f`` where that is worse than their dtype.
    Quotients are taken in units of ``unit`` (p,), powers of two: one but for steps whose squares leave the range of
    floating point.
    """

    def __init__(self, evaluate: Evaluator, x: Array, start: Array, ratio: float, noise: float) -> None:
        self.evaluate, self.x, self.start, self.ratio, self.noise = evaluate, x, start, ratio, noise
        extreme = (start < SMALL) | (start > 1 / SMALL)
        self.unit = np.ldexp(1.0, np.where(extreme, np.round(np.log2(start) / 2), 0).astype(int))
        self.f0 = evaluate([x.copy()])[0]
        if not np.isfinite(self.f0).all():
            raise ValueError(f"f(x) is {self.f0[~np.isfinite(self.f0)][0]}; f must be finite at x")
        if self.f0.dtype.kind == "c":
            raise ValueError("f(x) is complex at a real x; f must be real there")
        self.axis: dict[tuple[int, int], Array] = {}  # (i, e) -> values at + and -: (2, outputs)
        self.pair: dict[tuple[int, int, int, int], Array] = {}  # (i, j, e_i, e_j) -> the same

    @property
    def eps(self) -> float:
        return max(self.evaluate.eps, float(np.finfo(self.x.dtype).eps))

    def step(self, i: int, e: int) -> float:
        """The step of axis i at exponent e, such that x[i] + step and x[i] - step are both exact.

        Rounding x + step away from zero leaves a step that the finer grid towards zero can hold as well.
        """
        x = self.x[i]
        far = x + np.copysign(np.asarray(self.start[i] * self.ratio**-e, dtype=x.dtype), x)
        return abs(float(far) - float(x))

    def move(self, *shifts: Shift) -> Array:
        y = self.x.copy()
        for i, a in shifts:
            y[i] = float(y[i]) + a
        return y

    def both_ways(self, shifts: Sequence[Sequence[Shift]]) -> Array:
        """Values at x + s and x - s for every shift s: (shifts, 2, outputs)."""
        points = [self.move(*((i, sign * a) for i, a in s)) for s in shifts for sign in (1, -1)]
        return self.evaluate(points).reshape(len(shifts), 2, len(self.f0))

    def fill_axes(self, wanted: Iterable[tuple[int, int]]) -> None:
        new = [key for key in dict.fromkeys(wanted) if key not in self.axis]
        self.axis.update(zip(new, self.both_ways([[(i, self.step(i, e))] for i, e in new]), strict=True))

    def fill_pairs(self, pairs: Sequence[Pair], coarsest: Sequence[int], levels: int) -> None:
        new = [(i, j, coarsest[i] + k, coarsest[j] + k) for k in range(levels) for i, j in pairs]
        shifts = [[(i, self.step(i, e)), (j, self.step(j, d))] for i, j, e, d in new]
        self.pair.update(zip(new, self.both_ways(shifts), strict=True))

    def first(self, coarsest: Sequence[int], levels: int) -> Quotients:
        r"""Quotients $\frac{f(x+a)-f(x-a)}{2a}$ of every axis: PRML (5.69)."""
        a, f = self._steps(coarsest, levels), self._values(coarsest, levels)
        D = finite_or_nan((f[:, :, 0] - f[:, :, 1]) / (2 * a[..., None]))
        return Quotients(D, gain=np.sqrt(0.5) / a, centre=np.zeros_like(a), ratio=self.ratio)

    def second(self, coarsest: Sequence[int], levels: int) -> Quotients:
        r"""Quotients $\frac{f(x+a)-2f(x)+f(x-a)}{a^2}$ of every axis."""
        a, f = self._steps(coarsest, levels), self._values(coarsest, levels) - self.f0
        D = finite_or_nan((f[:, :, 0] + f[:, :, 1]) / a[..., None] ** 2)
        return Quotients(D, gain=np.sqrt(2) / a**2, centre=-2 / a**2, ratio=self.ratio)

    def mixed(self, pairs: Sequence[Pair], coarsest: Sequence[int], levels: int) -> Quotients:
        r"""Quotients of every pair: half of what the second difference along a + b has beyond those along a and b.

        $\frac{f(x+a+b)+f(x-a-b)-f(x+a)-f(x-a)-f(x+b)-f(x-b)+2f(x)}{2ab}$ needs two new values; PRML (5.90) needs four.
        """
        i, j = np.array(pairs, dtype=int).reshape(-1, 2).T
        a, alone = self._steps(coarsest, levels), (self._values(coarsest, levels) - self.f0).sum(axis=2)
        together = self.together(pairs, coarsest, levels)
        ab = a[:, i] * a[:, j]
        D = finite_or_nan(((together - self.f0).sum(axis=2) - alone[:, i] - alone[:, j]) / (2 * ab[..., None]))
        return Quotients(D, gain=np.sqrt(1.5) / ab, centre=1 / ab, ratio=self.ratio)

    def unseen(self, coarsest: Sequence[int], entries: Sequence[Axes], value: Array, sigma: Array) -> Array:
        r"""What two steps may not see of the truncation, where the power that they remove vanishes by chance.

        At such a point the next power is left, and both quotients agree as if there were none. The other parity tells:
        of a first derivative the change of the second quotients, $h^2f''''/16$; of a second one that of the first
        quotients, $h^2f'''/8$; and from these and their own sizes the length $L$ on which f changes. What is left after
        the extrapolation is $h^4f^{(5)}/480$ and $h^4f^{(6)}/1440$; each order more divides by $L$. Of a function along
        a line, mixed quotients see $\{(r_i+r_j)^6-r_i^6-r_j^6\}/2$ where its axes see $r_i^6$.
        """
        a, sigma = self._steps(coarsest, 2)[..., None], sigma[: len(self.x)] if len(sigma) > 1 else sigma
        h = a[0]
        with np.errstate(all="ignore"):
            if len(entries[0]) == 1:
                E = self.second(coarsest, 2).D
                part = np.fmax(np.abs(E[0] - E[1]) - SURE * np.sqrt(6) * sigma / a[1] ** 2, 0.0)
                return np.nan_to_num(part * h / 30 * np.sqrt(np.fmin(1.0, 16 * part / np.abs(E[1]))))
            O = self.first(coarsest, 2).D
            third = 8 / h * np.fmax(np.abs(O[0] - O[1]) - SURE * sigma / a[1], 0.0)  # h f'''
            over = np.fmin(third / np.abs(value[: len(self.x)]), np.sqrt(third * h / np.abs(O[1])))  # h / L
            left = np.nan_to_num(third * np.fmin(1.0, 2 * over) ** 3 / 1440)
            i, j = np.array(entries[len(self.x) :], dtype=int).reshape(-1, 2).T
            r = (left * h**2) ** (1 / 6)
            mixed = ((r[i] + r[j]) ** 6 - r[i] ** 6 - r[j] ** 6) / (2 * h[i] * h[j])
            return np.concatenate([left, np.nan_to_num(mixed)])

    def floor(self) -> Array:
        """What can be said about the rounding of ``f`` from single values: (1, outputs)."""
        rows = np.concatenate([self.f0[None], *self.axis.values(), *self.pair.values()])
        rows = rows[np.isfinite(rows).all(axis=1)]
        return np.maximum(rounding.unit(rows, self.eps, self.noise), rounding.quantum(rows))[None]

    def probe(self, coarsest: Sequence[int]) -> Array:
        """The rounding of ``f`` from seven points much closer to each other than any step: (1, outputs).

        Where they see nothing of a function that does vary, it is rounded to a grid; then they move apart.
        """
        varies = (np.concatenate(list(self.axis.values())) != self.f0).any(axis=0)
        t = np.array(rounding.PROBE)
        for part in PARTS:
            d = np.array([self.step(i, e) for i, e in enumerate(coarsest)]) * part
            reach = np.abs(self.x) + np.asarray(np.abs(t).max() * d, dtype=self.x.dtype)
            grid = np.spacing(reach).astype(np.float64)  # on it all seven points are exact
            d = np.maximum(1, np.round(d / grid)) * grid
            values = np.concatenate([self.f0[None], self.evaluate([(self.x + k * d).astype(self.x.dtype) for k in t])])
            if not (varies & (values == self.f0).all(axis=0)).any():
                break
        return rounding.from_probe(values)[None]

    def together(self, pairs: Sequence[Pair], coarsest: Sequence[int], levels: int) -> Array:
        """Values at x ± (a e_i + b e_j) for every pair: (levels, pairs, 2, outputs)."""
        keys = [[(i, j, coarsest[i] + k, coarsest[j] + k) for i, j in pairs] for k in range(levels)]
        return np.array([[self.pair[key] for key in row] for row in keys]).reshape(levels, len(pairs), 2, len(self.f0))

    def irregular(self, coarsest: Sequence[int], levels: int, sigma: Array, order: int, worth: Array) -> Array:
        """Where values along the axes do not follow a parabola ever more closely, and it matters: (p, outputs).

        It does if a derivative of the order would be off by more than ``worth``: what cancels inside f leaves more
        rounding than its values show, which falls with no step, and is nothing beside the derivative.
        """
        a = self._steps(coarsest, levels)
        found = even(self._values(coarsest, levels), self.f0, a, sigma)
        return found.irregular & (found.gap > worth * a[-1][:, None] ** (order - 1))

    def may_have_a_kink(self, coarsest: Sequence[int], levels: int) -> bool:
        """Whether first quotients differ by more than a smooth function and rounding explain, at two steps at least."""
        a, f = self._steps(coarsest, levels), self._values(coarsest, levels)
        D, H = (f[:, :, 0] - f[:, :, 1]) / (2 * a[..., None]), (f - self.f0).sum(axis=2) / a[..., None] ** 2
        gap, heard = np.abs(D[0] - D[-1]), 12 * self.floor() / a[-1][:, None]
        return bool(((gap > heard) & (gap > SUSPECT * a[0][:, None] * np.abs(H[-1]))).any())

    def find_doubts(
        self, entries: Sequence[Axes], coarsest: Sequence[int], levels: tuple[int, int], sigma: Array, error: Array
    ) -> list[Doubt]:
        """Where the parity that the quotients do not see says that a bound (entries, outputs) is not to be believed.

        ``levels``: how many are known along the axes, and along the pairs.
        """
        p, pairs = len(self.x), [(axes[0], axes[1]) for axes in entries[len(self.x) :]]
        sigma, of_pairs = (sigma[:p], sigma[p:]) if len(sigma) > 1 else (sigma, sigma)
        a, f, own = self._steps(coarsest, levels[0]), self._values(coarsest, levels[0]), error[:p]
        if len(entries[0]) == 2 and levels[1] > 2:
            # a kink is noise to second quotients, not to first ones
            by_slopes = np.fmax(self.floor(), rounding.from_differences(tableau(self.first(coarsest, levels[0]))))
        else:
            by_slopes = sigma
        slopes = even(f, self.f0, a, by_slopes)
        if len(entries[0]) == 1:
            return [Doubt("derivative", slopes, slopes.against(own), entries[:p])]
        jump = slopes.gap / a[-1][:, None]
        unsettled = slopes.irregular & ((own > SETTLED * jump) | (jump > 2 * own))
        curvatures = odd(f, a, sigma)
        found = [
            Doubt("derivative", slopes, unsettled, entries[:p]),
            Doubt("second derivative", curvatures, curvatures.against(own), entries[:p]),
        ]
        if pairs and levels[1] > 2:  # along the diagonals of the pairs, in units of the coarsest step
            b = np.repeat(self.ratio ** -np.arange(levels[1])[:, None], len(pairs), axis=1)
            across = odd(self.together(pairs, coarsest, levels[1]), b, of_pairs)
            i, j = np.array(pairs).T
            gap = across.gap / (2 * a[0, i] * a[0, j])[:, None]
            found.append(Doubt("second derivative", across, across.irregular & ~(gap <= 2 * error[p:]), entries[p:]))
        return found

    def _steps(self, coarsest: Sequence[int], levels: int) -> Array:
        """In units: (levels, p)."""
        return np.array([[self.step(i, e + k) for i, e in enumerate(coarsest)] for k in range(levels)]) / self.unit

    def _values(self, coarsest: Sequence[int], levels: int) -> Array:
        """(levels, p, 2, outputs)."""
        return np.array([[self.axis[i, e + k] for i, e in enumerate(coarsest)] for k in range(levels)])


def finite_or_nan(D: Array) -> Array:
    """NaN for everything that is not a number."""
    return np.where(np.isfinite(D), D, np.nan)
