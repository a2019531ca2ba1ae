r"""The error of a difference quotient as a function of its step, and the step at which it is least.

The quotient divides by $\epsilon^p$, its truncation is $C\epsilon^q$, and its rounding $R\,u/\epsilon^p$, with $u$ the
machine precision.
"""

from __future__ import annotations

import sympy as sp

from hesslib.calculus.equation import Equation, assumed, proved, solution

__all__ = ["best_error", "best_step", "slope", "total_error"]

eps, star = sp.symbols(r"epsilon \epsilon_*", positive=True)
C, R, u, p, q = sp.symbols("C R u p q", positive=True)
Delta = sp.Function(r"\Delta")
total = C * eps**q + R * u / eps**p


def total_error() -> Equation:
    r"""$\Delta(\epsilon)$: truncation, and rounding."""
    return assumed(Delta(eps), total)


def slope() -> Equation:
    """Its derivative, times a power of the step, so that no step stands in a denominator."""
    return proved(
        eps ** (p + 1) * sp.Derivative(Delta(eps), eps),
        q * C * eps ** (p + q) - p * R * u,
        where={Delta(eps): total},
    )


def best_step() -> Equation:
    """Where the derivative vanishes; only there, since the right-hand side of `slope` increases with the step."""
    vanishing = slope().rhs.subs(eps, star)
    return solution(star, (p * R * u / (q * C)) ** (1 / (p + q)), vanishing, why="the derivative there")


def best_error() -> Equation:
    r"""The error that remains, with the rounding $Ru$ expressed by the best step."""
    rounding = sp.solve(slope().rhs.subs(eps, star), u)[0]
    return proved(Delta(star), C * (1 + q / p) * star**q, where={Delta(star): total.subs(eps, star), u: rounding})
