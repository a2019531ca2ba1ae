r"""The mean of a sigmoid over a normal distribution: exact for the normal distribution function, near for the logistic.

$p(a)$ is the normal density of mean m and standard deviation s, $\Phi$ the distribution function of a standard normal,
$\sigma$ the logistic function.
"""

from __future__ import annotations

import sympy as sp

from hesslib.agreement import Check
from hesslib.calculus.equation import Equation, approximation, defined, proved

m, a = sp.symbols("m a", real=True)
s, scale = sp.symbols("s lambda", positive=True)
p, sigma, Phi = (sp.Function(name) for name in ("p", "sigma", "Phi"))
argument = m / sp.sqrt(scale**-2 + s**2)

density = sp.exp(-((a - m) ** 2) / (2 * s**2)) / (s * sp.sqrt(2 * sp.pi))
of_sigma = 1 / (1 + sp.exp(-a))


def of_Phi(x: sp.Expr) -> sp.Expr:
    r"""$\Phi(x)$ by the error function."""
    return (1 + sp.erf(x / sp.sqrt(2))) / 2


def normal() -> Equation:
    """The normal density."""
    return defined(p(a), density)


def mean_of_Phi() -> tuple[Equation, Equation]:
    r"""$\int p(a)\Phi(\lambda a)\,da=\Phi\bigl(m/\sqrt{\lambda^{-2}+s^2}\bigr)$: equal slopes by m, equal at $-\infty$.

    A shift of m shifts p, and so the slope of the mean is the mean of the slope.
    """
    meaning = {p(a): density, Phi(scale * a): of_Phi(scale * a), Phi(argument): of_Phi(argument)}
    slope = sp.Integral(p(a) * sp.Derivative(Phi(scale * a), a), (a, -sp.oo, sp.oo))
    return (
        proved(sp.Derivative(Phi(argument), m), slope, where=meaning, why="slopes by m"),
        proved(sp.Limit(Phi(argument), m, -sp.oo), 0, where=meaning, why="far below"),
    )


def equal_slopes() -> Equation:
    r"""$\lambda^2=\pi/8$, from $\sigma'(0)=\lambda\Phi'(0)$."""
    at_zero = [sp.diff(f, a).subs(a, 0) for f in (of_sigma, of_Phi(scale * a))]
    (value,) = sp.solve(at_zero[0] - at_zero[1], scale)
    return proved(scale**2, sp.pi / 8, where={scale: value}, why="equal slopes at zero")


def corrected() -> sp.Expr:
    r"""$m/\sqrt{1+\pi s^2/8}$: the argument over $\lambda$."""
    under_the_root = sp.expand((m * scale / argument) ** 2)
    return m / sp.sqrt(under_the_root.subs(scale, sp.sqrt(equal_slopes().rhs)))


def mean_of_sigma(*checks: Check) -> Equation:
    r"""$\int p(a)\sigma(a)\,da\simeq\sigma\bigl(m/\sqrt{1+\pi s^2/8}\bigr)$."""
    mean = sp.Integral(p(a) * sigma(a), (a, -sp.oo, sp.oo))
    return approximation(mean, sigma(corrected()), checks=checks)
