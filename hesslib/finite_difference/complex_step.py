r"""The complex step: first derivatives without cancellation, second ones with a single difference.

For an analytic ``f`` that is real on the real axis,
$f(x+ihe_j)=f(x)+ih\,\partial_jf(x)-\tfrac{h^2}{2}\partial_j^2f(x)-\dots$, so
$\partial_jf=\operatorname{Im}f(x+ihe_j)/h+O(h^2)$. Nothing is subtracted, so h can be so small that $h^2$ vanishes
beside 1: no truncation is left, and the rounding is that of evaluating a derivative, not of a difference.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hesslib.finite_difference import rounding
from hesslib.finite_difference.bounded_values import BoundedValues, extrapolate, fill_ladder
from hesslib.finite_difference.differentiability import Doubt, even
from hesslib.finite_difference.estimate import Array
from hesslib.finite_difference.evaluation import Evaluator
from hesslib.finite_difference.extrapolation import Quotients, concatenate
from hesslib.finite_difference.ladder import Axes, Ladder, Pair, finite_or_nan
from hesslib.finite_difference.steps import Plan, scale

SPREAD = 8.0  # multiples of the measured spread that the bound of a first derivative allows for
UNLIKE = 1e-5  # share of sum |D_j d_j| by which a real quotient may differ before f counts as not analytic
GOLDEN = 0.6180339887498949  # no simple fraction


def tiny(x: Array) -> Array:
    """Imaginary steps h: (p,), so small that h^2 is lost beside x^2, and its square no underflow."""
    size = scale(x)
    return np.where(size > 0, size, 1.0) * (2.0**-100 if x.dtype == np.float64 else 2.0**-40)


def imaginary(
    evaluate: Evaluator, points: Sequence[Array], axes: Sequence[int], h: Array, unit: float | Array = 1.0
) -> Array:
    """Im f(x + i h e_j) / h for every point and its axis, h in units where it divides: (points, outputs)."""
    shifts = np.zeros((len(points), len(h)))
    shifts[np.arange(len(points)), list(axes)] = h[list(axes)]
    return _imaginary(evaluate, points, shifts) / (h / unit)[list(axes)][:, None]


def _imaginary(evaluate: Evaluator, points: Sequence[Array], shifts: Array) -> Array:
    """Im f(x + i shift) for every point: (points, outputs)."""
    if not points:
        return evaluate([])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)  # an imaginary part thrown away
            kind = np.result_type(points[0].dtype, np.complex64)
            return np.imag(evaluate([(x + 1j * s).astype(kind) for x, s in zip(points, shifts, strict=True)]))
    except (TypeError, np.exceptions.ComplexWarning) as reason:
        raise ValueError(f"f fails for complex arguments ({reason}); method='complex_step' needs them") from reason


def first(evaluate: Evaluator, x: Array, noise: float) -> BoundedValues:
    """Values and bounds.

    A second sample moves every coordinate by about one unit in the last place: rounding inside ``f`` is of the size of
    what that does to the derivative.
    """
    p, eps, h = len(x), float(np.finfo(x.dtype).eps), tiny(x)
    D = verified_derivatives(evaluate, x, noise)
    nudged = (x * (1 + eps * np.where(np.arange(p) % 2, -1, 1))).astype(x.dtype)
    spread = np.abs(D - imaginary(evaluate, [nudged] * p, range(p), 1.3 * h))
    if not np.isfinite(spread).all():
        raise ValueError("f(x + ih) is not finite one unit in the last place from x; it must be")
    typical = np.median(np.divide(spread, np.abs(D), out=np.zeros_like(D), where=D != 0), axis=0)  # for lucky entries
    return BoundedValues(D, SPREAD * np.maximum(spread, np.maximum(typical, max(eps, evaluate.eps, noise)) * np.abs(D)))


def verified_derivatives(evaluate: Evaluator, x: Array, noise: float) -> Array:
    """The derivatives (p, outputs) by the complex step, compared along one direction with an ordinary quotient."""
    p = len(x)
    ladder = Ladder(evaluate, x, np.ones(p), 2.0, noise)
    D = imaginary(evaluate, [x] * p, range(p), tiny(x))
    if not np.isfinite(D).all():
        raise ValueError(f"f(x + ih) is not finite along coordinate {np.flatnonzero(~np.isfinite(D).all(axis=1))[0]}")
    _check_analytic(ladder, D)
    return D


def _check_analytic(ladder: Ladder, D: Array) -> None:
    """Compare derivatives along one direction with ordinary differences: at x, and half a step before and behind it.

    At a stationary point a derivative that is always 0, such as that of |z|^2, is right by accident; beside it, it is
    not. The direction has an odd length, or all values may be multiples of one large power of two.
    """
    x, p = ladder.x, len(ladder.x)
    size = scale(x)
    rough = 2.0 ** round(np.log2(ladder.eps) / 3)  # the best step of a central difference, relative to the scale
    odd = rough * (1 + (np.arange(p) * GOLDEN + GOLDEN) % 1)
    d = (x + (np.where(size > 0, size, 1.0) * odd).astype(x.dtype)) - x
    coarse, fine = (ladder.evaluate([x + t * d, x - t * d]) for t in (1, 0.5))
    h = 2.0**-60 if x.dtype == np.float64 else 2.0**-30
    beside = _imaginary(ladder.evaluate, [x + 0.5 * d, x - 0.5 * d], np.stack([h * d, h * d]).astype(np.float64)) / h
    quotient = [(v[0] - v[1]) / (2 * t) for v, t in ((coarse, 1), (fine, 0.5))]
    claimed = np.stack([d @ D, *beside])
    found = np.stack([quotient[1], coarse[0] - ladder.f0, ladder.f0 - coarse[1]])
    values = np.concatenate([ladder.f0[None], coarse, fine])
    noise = rounding.unit(values, ladder.eps, ladder.noise) + rounding.quantum(values)
    third = np.abs(quotient[0] - quotient[1])
    allowed = 10 * (third + noise) + UNLIKE * (np.abs(d) @ np.abs(D) + np.abs(found).max(axis=0))
    silent = (values == ladder.f0).all(axis=0)  # nothing seen: f may have been rounded off against a number of size one
    allowed = np.where(silent, np.maximum(allowed, 10 * ladder.eps), allowed)
    wrong = np.argwhere(~(np.abs(claimed - found) <= allowed).T)
    if wrong.size:
        o, place = wrong[0]
        raise ValueError(
            f"f is not complex-analytic: along one direction the complex step gives {claimed[place, o]:g} and real "
            f"values of f give {found[place, o]:g} (abs, conj, real parts and comparisons are the usual reasons, a "
            "kink at x another); use method='ridders'"
        )


class ComplexLadder(Ladder):
    r"""Values of the complex-step derivatives $g_i=\partial_if$: at x ± a e_i for the diagonal, x ± a e_j for pairs."""

    at_x: Array  # the derivatives at x, (p, outputs)

    def __init__(self, evaluate: Evaluator, x: Array, start: Array, ratio: float, noise: float) -> None:
        super().__init__(evaluate, x, start, ratio, noise)
        self.h = tiny(x)

    def fill_axes(self, wanted: Iterable[tuple[int, int]]) -> None:
        new = [key for key in dict.fromkeys(wanted) if key not in self.axis]
        self.axis.update(zip(new, self._derivatives([(i, i, e) for i, e in new]), strict=True))

    def fill_pairs(self, pairs: Sequence[Pair], coarsest: Sequence[int], levels: int) -> None:
        new = [(i, j, coarsest[i] + k, coarsest[j] + k) for k in range(levels) for i, j in pairs]
        self.pair.update(zip(new, self._derivatives([(i, j, d) for i, j, _, d in new]), strict=True))

    def _derivatives(self, wanted: Sequence[tuple[int, int, int]]) -> Array:
        """g_i at x + a e_j and x - a e_j for every (i, j, exponent of j): (wanted, 2, outputs)."""
        points = [self.move((j, s * self.step(j, e))) for _, j, e in wanted for s in (1, -1)]
        axes = [i for i, _, _ in wanted for _ in (1, -1)]
        return imaginary(self.evaluate, points, axes, self.h, self.unit).reshape(len(wanted), 2, len(self.f0))

    def mixed(self, pairs: Sequence[Pair], coarsest: Sequence[int], levels: int) -> Quotients:
        r"""Quotients $\frac{g_i(x+a_j)-g_i(x-a_j)}{2a_j}$."""
        j = [j for _, j in pairs]
        a = self._steps(coarsest, levels)[:, j]
        keys = [[(i, j, coarsest[i] + k, coarsest[j] + k) for i, j in pairs] for k in range(levels)]
        g = np.array([[self.pair[key] for key in row] for row in keys]).reshape(levels, len(pairs), 2, len(self.f0))
        D = finite_or_nan((g[:, :, 0] - g[:, :, 1]) / (2 * a[..., None]))
        return Quotients(D, gain=np.sqrt(0.5) / a, centre=np.zeros_like(a), ratio=self.ratio)

    def irregular(self, coarsest: Sequence[int], levels: int, sigma: Array, order: int, worth: Array) -> Array:
        return np.zeros((len(self.x), len(self.f0)), dtype=bool)  # an analytic function is not

    def find_doubts(
        self, entries: Sequence[Axes], coarsest: Sequence[int], levels: tuple[int, int], sigma: Array, error: Array
    ) -> list[Doubt]:
        """The second differences of the first derivatives along the axes."""
        p, centre = len(self.x), self.at_x * self.unit[:, None]
        kinks = even(self._values(coarsest, levels[0]), centre, self._steps(coarsest, levels[0]), sigma[:p])
        return [Doubt("second derivative", kinks, kinks.against(error[:p]), entries[:p])]

    def floor(self) -> Array:
        """Each $g_i$ has its own size: (axes and pairs so far, outputs)."""
        size = np.zeros((len(self.x), len(self.f0)))
        for (i, *_), g in [*self.axis.items(), *self.pair.items()]:
            size[i] = np.fmax(size[i], np.abs(np.where(np.isfinite(g), g, 0.0)).max(axis=0))
        rows = [*range(len(self.x)), *(i for i, _ in dict.fromkeys(key[:2] for key in self.pair))]
        return max(0.5 * self.eps, self.noise) * size[rows]

    def probe(self, coarsest: Sequence[int]) -> Array:
        """Nothing cancels in a complex step: its rounding is a few times the floor, and need not be measured."""
        return 4 * self.floor()


def second(evaluate: Evaluator, x: Array, pairs: list[Pair], plan: Plan, step: Any, noise: float) -> BoundedValues:
    """Values and bounds, the diagonal first and then the pairs."""
    D = verified_derivatives(evaluate, x, noise)
    ladder, coarsest = fill_ladder(ComplexLadder, 1, evaluate, x, plan, step, noise)
    ladder.at_x = D
    diagonal = ladder.first(coarsest, plan.levels)
    ladder.fill_pairs(pairs, coarsest, plan.levels)
    entries = [*((i, i) for i in range(len(x))), *pairs]
    return extrapolate(ladder, concatenate(diagonal, ladder.mixed(pairs, coarsest, plan.levels)), coarsest, entries)
