r"""The normal density $\varphi$ and distribution function $\Phi$, for any array library that has the error function.

$\Phi(a)=\tfrac12\operatorname{erfc}(-a/\sqrt2)$. The array API standard has no error function; JAX and PyTorch bring
one, and SciPy's serves NumPy.
"""

import math

from hesslib._arrays import Array, Namespace, own_erfc


def density(xp: Namespace, a: Array) -> Array:
    r"""Return $\varphi(a)=e^{-a^2/2}/\sqrt{2\pi}$."""
    return xp.exp(-(a**2) / 2) / math.sqrt(2 * math.pi)


def cdf(xp: Namespace, a: Array) -> Array:
    r"""Return $\Phi(a)=\int_{-\infty}^a\varphi(s)\,ds$: the relative error is that of rounding `a`."""
    return own_erfc(xp)(a * -math.sqrt(0.5)) / 2
