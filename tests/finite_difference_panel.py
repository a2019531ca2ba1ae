r"""Functions of many scales and degrees of smoothness, with derivatives exact to 30 digits and more.

Each function is written once, for a module ``m`` of elementary functions: with NumPy it is what `finite_difference` is
given; with mpmath, at 80 digits, it is the oracle, whose derivatives come from central differences with a step of
$10^{-20}$. Nothing here is shared with the package.

``PANEL`` is the set that the constants of the package were chosen on. ``HELD_OUT`` was written down before the choice;
its figures were seen while the choice was made, but nothing was chosen to improve them. Points are drawn with fixed
seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement, pairwise
from typing import Any

import mpmath
import numpy as np

DIGITS = 80
STEP = mpmath.mpf(10) ** -20


class NumPy:
    """Elementary functions in floating point; `rounded` and `single` throw digits away, as real programs do."""

    sin, cos, tan, exp, log, sqrt, tanh, arctan = np.sin, np.cos, np.tan, np.exp, np.log, np.sqrt, np.tanh, np.arctan
    rounded = staticmethod(lambda y: np.round(y, 9))
    single = staticmethod(lambda y: np.float64(np.float32(y)))


class Exact:
    """The same functions at 80 digits."""

    sin, cos, tan, exp, log, sqrt = mpmath.sin, mpmath.cos, mpmath.tan, mpmath.exp, mpmath.log, mpmath.sqrt
    tanh, arctan = mpmath.tanh, mpmath.atan
    rounded = single = staticmethod(lambda y: y)


Elementary = type[NumPy] | type[Exact]


@dataclass(frozen=True, eq=False)
class Case:
    """A function, the points where it is differentiated, and whether complex arguments are meant for it."""

    name: str
    function: Callable[[Any, Elementary], Any]
    points: tuple[np.ndarray, ...]
    analytic: bool = True

    def __call__(self, x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):  # the search may step out of a function's domain, and must cope
            return np.asarray(self.function(x, NumPy))

    def exact(self, point: int, order: int) -> np.ndarray:
        """Gradient (order 1) or Hessian (order 2) at one of the points, rounded from 80 digits to float64."""
        return _exact(self, point, order)


@cache
def _exact(case: Case, point: int, order: int) -> np.ndarray:
    with mpmath.workdps(DIGITS):
        x = [mpmath.mpf(float(v)) for v in case.points[point]]
        p = len(x)

        def f(*shifts: tuple[int, mpmath.mpf]) -> np.ndarray:
            y = list(x)
            for i, a in shifts:
                y[i] = y[i] + a
            return np.array(case.function(y, Exact), dtype=object)

        h = [STEP * (abs(v) or 1) for v in x]
        centre = f()
        D = np.empty(centre.shape + (p,) * order, dtype=object)
        for index in combinations_with_replacement(range(p), order):
            if order == 1:
                (i,) = index
                D[..., i] = (f((i, h[i])) - f((i, -h[i]))) / (2 * h[i])
            else:
                i, j = index
                corners = sum(s * t * f((i, s * h[i]), (j, t * h[j])) for s in (1, -1) for t in (1, -1))
                D[..., i, j] = D[..., j, i] = corners / (4 * h[i] * h[j])
        # what the difference leaves of an exact zero: 1e-80 / h^2
        size = mpmath.mpf(max(abs(v) for v in centre.reshape(-1)) or 1) * mpmath.mpf(10) ** -35
        scale = np.array([1 / (abs(v) or 1) for v in x], dtype=object)
        negligible = size * (scale if order == 1 else np.multiply.outer(scale, scale))
        return np.where(np.abs(D) <= negligible, 0, D).astype(np.float64)


def _net(widths: tuple[int, ...], patterns: int, kind: str) -> tuple[Callable[[Any, Elementary], Any], np.ndarray]:
    """The mean error of a tanh network over random patterns, and weights; weights to-unit first, layer by layer.

    ``kind``: squared, logistic, or outputs (no error).
    """
    rng = np.random.default_rng(0)
    w0 = np.concatenate(
        [np.concatenate([rng.normal(0, n**-0.5, m * n), rng.normal(0, 0.1, m)]) for n, m in pairwise(widths)]
    )
    X, T = rng.normal(size=(patterns, widths[0])), rng.normal(size=(patterns, widths[-1]))

    def function(w: Any, m: Elementary) -> Any:
        total: Any = 0
        for x, t in zip(X.tolist(), T.tolist(), strict=True):
            z, k = x, 0
            for layer, (n_in, n_out) in enumerate(pairwise(widths)):
                a = [
                    sum(w[k + j * n_in + i] * z[i] for i in range(n_in)) + w[k + n_in * n_out + j] for j in range(n_out)
                ]
                k += (n_in + 1) * n_out
                z = [m.tanh(v) for v in a] if layer < len(widths) - 2 else a
            if kind == "outputs":
                total = z
            elif kind == "logistic":
                total = total + sum(m.log(1 + m.exp(-v if u > 0 else v)) for v, u in zip(z, t, strict=True)) / patterns
            else:
                total = total + sum((v - u) ** 2 for v, u in zip(z, t, strict=True)) / patterns
        return total

    return function, w0


def _chebyshev(n: int, x: Any) -> Any:
    before, now = 1, x
    for _ in range(n - 1):
        before, now = now, 2 * x * now - before
    return now


def _log_sum_exp(x: Any, m: Elementary) -> Any:
    return m.log(sum(m.exp(v) for v in x))


def _case(name: str, function: Callable[[Any, Elementary], Any], *points: Any, analytic: bool = True) -> Case:
    return Case(name, function, tuple(np.array(x, dtype=np.float64) for x in points), analytic)


def _near(centre: Any, spread: Any, *, count: int = 4, seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    c, s = np.asarray(centre, dtype=float), np.asarray(spread, dtype=float)
    return [c + s * rng.uniform(-1, 1, size=c.shape) for _ in range(count)]


def _random(size: int, scale: float, *, count: int, seed: int = 2) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [scale * rng.normal(size=size) for _ in range(count)]


_THIRTEEN, _W_THIRTEEN = _net((2, 3, 1), 10, "squared")
THIRTEEN = _case("mean squared error of a 2-3-1 network on 10 points", _THIRTEEN, _W_THIRTEEN)

_SQUARED, _W_SQUARED = _net((2, 3, 1), 6, "squared")
_LOGISTIC, _W_LOGISTIC = _net((2, 2, 1), 5, "logistic")
_OUTPUTS, _W_OUTPUTS = _net((1, 4, 2), 1, "outputs")
_STEEP, _W_STEEP = _net((2, 2, 2), 4, "squared")
_HILBERT = [[1.0 / (i + j + 1) for j in range(5)] for i in range(5)]

PANEL: list[Case] = [
    _case("quadratic", lambda x, m: x[0] ** 2 + 3 * x[0] * x[1] - x[2] ** 2 + x[1], *_near([1, -2, 0.5], 1.0)),
    _case("quadratic at integers", lambda x, m: x[0] ** 2 + x[0] * x[1] + 4 * x[1], [2.0, 3.0], [4.0, -1.0]),
    _case("Rosenbrock", lambda x, m: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, *_near([-1.2, 1.0], 0.5)),
    _case("product of five", lambda x, m: x[0] * x[1] * x[2] * x[3] * x[4], *_near([1.0] * 5, 0.7)),
    _case("Chebyshev of degree 12", lambda x, m: _chebyshev(12, x[0]) * x[1], *_near([0.3, 2.0], [0.4, 0.5])),
    _case("exponential", lambda x, m: m.exp(x[0] + 2 * x[1]), *_near([0.0, 1.0], 1.0)),
    _case("bell", lambda x, m: m.exp(-(x[0] ** 2 + x[0] * x[1] + 2 * x[1] ** 2)), *_near([0.0, 0.0], 1.0)),
    _case("oscillating", lambda x, m: m.sin(50 * x[0]) * m.cos(30 * x[1]), *_near([2.0, -1.0], 0.5)),
    _case("chirp far out", lambda x, m: m.sin(x[0] ** 2) + x[1] * x[0], *_near([10.0, 1.0], 0.5)),
    _case("sine far out", lambda x, m: m.sin(x[0]) + m.cos(x[1] / 7), *_near([1e4, 2e3], 10.0)),
    _case(
        "badly scaled",
        lambda x, m: m.sin(1e6 * x[0]) + m.cos(x[1] / 1e6) * x[2] + x[0] * x[1],
        *_near([1.5e-6, 2e6, 0.7], [1e-6, 1e6, 0.5]),
    ),
    _case("large offset lost", lambda x, m: (1e8 + m.sin(x[0]) * x[1]) - 1e8, *_near([1.0, 2.0], 0.5)),
    _case("large offset kept", lambda x, m: 1e6 + m.exp(x[0]) * x[1], *_near([0.5, 1.0], 0.4)),
    _case("one minus cosine", lambda x, m: 1 - m.cos(x[0]) + x[1] ** 2, *_near([2e-4, 1e-3], [1e-4, 5e-4])),
    _case("nearly a kink", lambda x, m: m.sqrt(x[0] ** 2 + 1e-4) + x[1] * x[0], *_near([0.0, 1.0], [0.02, 0.5])),
    _case("steep softplus", lambda x, m: m.log(1 + m.exp(100 * x[0])) / 100 + x[1] ** 2, *_near([0.0, 1.0], 0.02)),
    _case("steep arctan", lambda x, m: m.arctan(100 * (x[0] - 0.3)) * x[1], *_near([0.3, 1.0], [0.01, 0.5])),
    _case("close poles", lambda x, m: 1 / (x[0] ** 2 + 1e-4) + x[1] / (x[1] - 1.01), *_near([0.02, 1.0], 0.005)),
    _case("tangent near its pole", lambda x, m: m.tan(x[0]) * x[1], *_near([1.55, 2.0], [0.01, 0.5])),
    _case("logarithm near zero", lambda x, m: m.log(x[0]) + x[1] * m.log(x[1]), *_near([3e-5, 2e-3], [2e-5, 1e-3])),
    _case("powers", lambda x, m: x[0] ** 2.5 * x[1] ** -1.5, *_near([2.0, 0.3], [1.0, 0.2])),
    _case("network, squared error", _SQUARED, *_random(_W_SQUARED.size, 0.6, count=3)),
    _case("network, cross-entropy", _LOGISTIC, *_random(_W_LOGISTIC.size, 0.8, count=2)),
    _case("network outputs", _OUTPUTS, *_random(_W_OUTPUTS.size, 0.7, count=1)),
    _case("log-sum-exp", _log_sum_exp, *_near([0.0, 1.0, -2.0, 3.0], 1.0)),
    _case(
        "Hilbert form",
        lambda x, m: sum(_HILBERT[i][j] * x[i] * x[j] for i in range(5) for j in range(5)),
        *_near([1.0] * 5, 1.0, count=2),
    ),
    _case("at the origin", lambda x, m: m.exp(x[0]) + m.sin(x[1]) * (1 + x[0]) + x[2] ** 3, [0.0, 0.0, 0.0]),
    _case("huge values", lambda x, m: 1e200 * m.exp(x[0]) * x[1], *_near([0.5, 1.0], 0.4, count=2)),
    _case("tiny values", lambda x, m: 1e-200 * m.exp(x[0]) * x[1], *_near([0.5, 1.0], 0.4, count=2)),
    _case("constant", lambda x, m: 0 * x[0] + 3.7, [0.3, 20.0]),
    _case("linear", lambda x, m: 1e-3 * x[0] - 7 * x[1] + 1e3 * x[2], *_near([1.0, 2.0, 3.0], 1.0)),
    _case("vector", lambda x, m: [m.sin(x[0]), x[0] * x[1] + x[1] ** 2, m.exp(x[1])], *_near([0.5, 2.0], 0.4)),
    _case(
        "matrix of two scales",
        lambda x, m: [[m.exp(x[0] * x[1]), m.sin(20 * x[0])], [1e5 * x[1] ** 3, x[0] / x[1]]],
        *_near([0.7, 1.3], 0.3),
    ),
    _case("rounded to 9 digits", lambda x, m: m.rounded(m.exp(x[0]) * x[1]), *_near([0.5, 1.0], 0.4), analytic=False),
    _case(
        "single precision inside",
        lambda x, m: m.single(m.sin(x[0]) * x[1] ** 2),
        *_near([0.8, 1.5], 0.4),
        analytic=False,
    ),
]

HELD_OUT: list[Case] = [
    _case(
        "Himmelblau", lambda x, m: (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2, *_near([2.0, 1.0], 2.0)
    ),
    _case(
        "Branin",
        lambda x, m: (x[1] - 0.1292 * x[0] ** 2 + 1.5915 * x[0] - 6) ** 2 + 9.6 * m.cos(x[0]) + 10,
        *_near([3.0, 5.0], 3.0),
    ),
    _case(
        "Ackley",
        lambda x, m: (
            -20 * m.exp(-0.2 * m.sqrt((x[0] ** 2 + x[1] ** 2) / 2))
            - m.exp((m.cos(6.283185307179586 * x[0]) + m.cos(6.283185307179586 * x[1])) / 2)
        ),
        *_near([0.0, 0.0], 1.0),
    ),
    _case("Lennard-Jones", lambda x, m: 4 * ((x[0] / x[1]) ** -12 - (x[0] / x[1]) ** -6), *_near([1.2, 1.0], 0.1)),
    _case("Planck", lambda x, m: x[0] ** 3 / (m.exp(x[0] / x[1]) - 1), *_near([1.0, 0.6], 0.4)),
    _case(
        "Student likelihood",
        lambda x, m: sum(2.5 * m.log(1 + ((t - x[0]) / x[1]) ** 2 / 4) + m.log(x[1]) for t in (-1.0, 0.2, 0.4, 3.0)),
        *_near([0.3, 0.8], 0.4),
    ),
    _case(
        "mixture of two bells",
        lambda x, m: m.log(0.3 * m.exp(-((x[0] - 1) ** 2) * 8) + 0.7 * m.exp(-((x[0] + x[1]) ** 2) * 2)),
        *_near([0.3, 0.2], 0.5),
    ),
    _case("Runge", lambda x, m: 1 / (1 + 25 * x[0] ** 2) + x[0] * x[1] ** 2, *_near([0.1, 3.0], [0.4, 1.0])),
    _case(
        "seconds and metres",
        lambda x, m: m.exp(-x[0] / 3e-9) * m.sin(x[1] / 5e-7) * x[2] ** 1.5,
        *_near([2e-9, 6e-7, 4e5], [1e-9, 3e-7, 2e5]),
    ),
    _case("Planck's tail on a pedestal", lambda x, m: 1e4 + m.exp(-x[0]) / (x[0] + x[1]), *_near([12.0, 1.0], 0.5)),
    _case("network of two outputs", _STEEP, *_random(_W_STEEP.size, 1.5, count=2)),
    _case(
        "spherical to cartesian",
        lambda x, m: [x[0] * m.sin(x[1]) * m.cos(x[2]), x[0] * m.sin(x[1]) * m.sin(x[2]), x[0] * m.cos(x[1])],
        *_near([3.0, 1.0, 2.0], 0.8),
    ),
    _case(
        "single precision, far out",
        lambda x, m: m.single(100 + m.cos(x[0] * x[1])),
        *_near([3.0, 1.0], 0.4),
        analytic=False,
    ),
]
