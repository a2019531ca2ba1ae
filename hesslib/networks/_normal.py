r"""The standard normal density $\varphi$ and distribution function $\Phi$, which the array API does not have.

With $x=-a/\sqrt2\ge0$, $\Phi(a)=\tfrac12e^{-x^2}\,\mathrm{erfcx}(x)$, and $(1+2x)\,\mathrm{erfcx}(x)$ is so smooth in
$t=(x-3.75)/(x+3.75)$ that one Chebyshev series serves all $x\ge0$ (Shepherd and Laframboise, Mathematics of
Computation 36, 1981). Its coefficients are computed here from the definition, once, when first needed.
"""

import math
from functools import cache

from hesslib._arrays import Array, Namespace, own_erfc

CENTRE = 3.75
TERMS = 28  # the last coefficients are below 1e-17


def density(xp: Namespace, a: Array) -> Array:
    r"""Return $\varphi(a)=e^{-a^2/2}/\sqrt{2\pi}$."""
    return xp.exp(-(a**2) / 2) / math.sqrt(2 * math.pi)


def cdf(xp: Namespace, a: Array) -> Array:
    r"""Return $\Phi(a)=\int_{-\infty}^a\varphi(s)\,ds$: the relative error is that of rounding `a`."""
    erfc = own_erfc(xp)
    if erfc is not None:  # can be differentiated by its library, to full accuracy
        return erfc(a * -math.sqrt(0.5)) / 2
    x = xp.abs(a) * math.sqrt(0.5)
    scaled_erfcx = _chebyshev_series((x - CENTRE) / (x + CENTRE))
    tail = xp.exp(-(a**2) / 2) * scaled_erfcx / (2 * (1 + 2 * x))
    return xp.where(a < 0, tail, 1 - tail)


def _chebyshev_series(t: Array) -> Array:
    """Clenshaw's recurrence."""
    first, *rest = _coefficients()
    ahead, here = 0 * t, 0 * t
    for coefficient in reversed(rest):
        here, ahead = coefficient + 2 * t * here - ahead, here
    return first + t * here - ahead


@cache
def _coefficients() -> tuple[float, ...]:
    """Interpolate at the zeros of the Chebyshev polynomial of degree `TERMS`, in 30 digits."""
    import mpmath  # comes with SymPy

    with mpmath.workdps(30):
        angles = [mpmath.pi * (2 * j + 1) / (2 * TERMS) for j in range(TERMS)]
        points = [CENTRE * (1 + mpmath.cos(angle)) / (1 - mpmath.cos(angle)) for angle in angles]
        values = [(1 + 2 * x) * mpmath.exp(x * x) * mpmath.erfc(x) for x in points]
        series = [
            2 * mpmath.fsum(f * mpmath.cos(k * angle) for f, angle in zip(values, angles, strict=True)) / TERMS
            for k in range(TERMS)
        ]
        return (float(series[0] / 2), *map(float, series[1:]))
