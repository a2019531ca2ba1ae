r"""Difference quotients of a function, and the Taylor series that says how wrong they are.

$E_+$ is $E(w+\epsilon)$, $E_-$ is $E(w-\epsilon)$, $E_0$ is $E(w)$. With two signs two weights are moved: $E_{+-}$ is
$E$ at $w_i+\epsilon$, $w_j-\epsilon$. $E'$, $E''$ are derivatives by one weight, $E_{iiij}$ by two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy import Expr, Symbol

from hesslib.calculus.equation import Equation, expansion

if TYPE_CHECKING:
    from hesslib.agreement import Check

__all__ = ["Quotient", "expanded", "on_a_polynomial", "partial", "taylor"]

eps = Symbol("epsilon", positive=True)
TERMS = 8
"""The Taylor series is carried to this power of the step, exclusively; quotients lose two, and two are shown."""


def partial(times: int, by_second: int | None = None, /, *, of: str = "E") -> Symbol:
    """The name of a derivative: ``times`` by the first weight and ``by_second`` by the second, if there are two.

    >>> partial(2), partial(1, 2)
    (E'', E_{ijj})
    """
    if by_second is None:
        return Symbol(of + ("'" * times if times < 4 else f"^{{({times})}}"), real=True)
    return Symbol(f"{of}_{{{'i' * times}{'j' * by_second}}}" if times + by_second else of, real=True)


def taylor(s: Any, t: Any = None, /, *, of: str = "E") -> Expr:
    """The function at a displacement of ``s``; with ``t``, also along a second weight.

    >>> taylor(eps).coeff(eps, 2)
    E''/2
    """
    if t is None:
        return sp.Add(*[partial(k, of=of) * s**k / sp.factorial(k) for k in range(TERMS)])
    powers = [(k, r) for k in range(TERMS) for r in range(TERMS - k)]
    return sp.Add(*[partial(k, r, of=of) * s**k * t**r / (sp.factorial(k) * sp.factorial(r)) for k, r in powers])


@dataclass(frozen=True)
class Quotient:
    """A difference quotient, and where each value in it is taken: one displacement, two, or a list of these to sum."""

    formula: Expr
    places: Mapping[Expr, Any]
    of: str = "E"  # the function that is differentiated

    def of_function(self, f: Callable[..., Expr], /) -> Expr:
        """The quotient of a function of the displacement, by powers of the step."""
        values = {
            name: sum(f(*one) for one in at) if isinstance(at, list) else f(*at) for name, at in self.places.items()
        }
        return sp.expand(self.formula.subs(values).doit())

    def series(self) -> dict[int, Expr]:
        """The coefficients of its Taylor series, by ascending powers of the step; those that vanish are left out."""
        e = self.of_function(lambda *at: taylor(*at, of=self.of))
        return {power: c for power in range(-4, TERMS - 2) if (c := e.coeff(eps, power)) != 0}

    def derivatives_needed(self) -> int:
        """How often the function must be differentiable for what `expanded` shows: as its first omitted term says."""
        omitted = list(self.series())[2]
        return omitted + int(sp.degree(sp.denom(sp.together(self.formula)), eps))


def expanded(quotient: Quotient) -> Equation:
    """The quotient, worked out: the derivative, the first term that spoils it, and the order of the next."""
    powers = quotient.series()
    first, second, omitted = list(powers)[:3]
    shown = powers[first] * eps**first + powers[second] * eps**second
    series = {
        name: sp.Add(*[taylor(*one, of=quotient.of) for one in (at if isinstance(at, list) else [at])])
        for name, at in quotient.places.items()
    }
    return expansion(
        quotient.formula, shown, eps, omitted, where=series, why="the series of the difference, to this order,"
    )


# One weight.
E_p, E_m, E_0, g_p, g_m = sp.symbols("E_+ E_- E_0 g_+ g_-")
ON_A_LINE: dict[Expr, Any] = {E_p: (eps,), E_m: (-eps,), E_0: (0,)}
one_sided = Quotient((E_p - E_0) / eps, ON_A_LINE)
central = Quotient((E_p - E_m) / (2 * eps), ON_A_LINE)
second = Quotient((E_p - 2 * E_0 + E_m) / eps**2, ON_A_LINE)
of_gradients = Quotient((g_p - g_m) / (2 * eps), {g_p: (eps,), g_m: (-eps,)}, of="g")

# Two weights: the corners of a square, and the middles S of its sides.
SHIFT = {"+": eps, "-": -eps, "0": 0}
at = {one + two: Symbol(f"E_{{{one}{two}}}") for one in SHIFT for two in SHIFT}
ON_A_SQUARE: dict[Expr, Any] = {at[one + two]: (SHIFT[one], SHIFT[two]) for one in SHIFT for two in SHIFT}
sides = Symbol("S")
mixed = Quotient((at["++"] - at["+-"] - at["-+"] + at["--"]) / (4 * eps**2), ON_A_SQUARE)
two_corners = Quotient(
    (at["++"] + at["--"] - sides + 2 * at["00"]) / (2 * eps**2),
    {**ON_A_SQUARE, sides: [ON_A_SQUARE[at[name]] for name in ("+0", "-0", "0+", "0-")]},
)

# Off the real axis: all derivatives are real, so that SymPy finds the imaginary part.
off_axis = sp.Function("E")(Symbol("w") + sp.I * eps)
complex_step = Quotient(sp.im(off_axis) / eps, {off_axis: (sp.I * eps,)})

# What is not a derivative.
wrong_denominator = Quotient((E_p - E_m) / eps, ON_A_LINE)
wrong_sign = Quotient((at["++"] - at["+-"] + at["-+"] + at["--"]) / (4 * eps**2), ON_A_SQUARE)

QUOTIENTS = (one_sided, central, second, mixed, two_corners, of_gradients, complex_step)


def on_a_polynomial(quotient: Quotient) -> Check:
    """The same expansion for one explicit polynomial in two variables, in exact arithmetic.

    >>> on_a_polynomial(central).passed
    True
    """
    from hesslib.agreement import Check

    x, y = sp.symbols("x y")
    P = (1 + 2 * x - x**2 + 3 * y) ** 3 + x * y**3
    base = {x: sp.Rational(2, 3), y: sp.Rational(-1, 5)}
    two = any(isinstance(place, tuple) and len(place) == 2 for place in quotient.places.values())
    names = {
        partial(k, r if two else None, of=quotient.of): sp.diff(P, x, k, y, r).subs(base)
        for k in range(TERMS)
        for r in range(TERMS if two else 1)
    }

    def moved(s: Any, t: Any = 0) -> Expr:
        return P.subs({x: base[x] + s, y: base[y] + t}, simultaneous=True)

    equation = expanded(quotient)
    rest = quotient.of_function(moved) - sp.expand(equation.rhs.subs(names))
    order = equation.order.as_base_exp()[1]
    lower = [power for power in range(-4, int(order)) if rest.coeff(eps, power) != 0]
    return Check("an explicit polynomial", float(len(lower)), 0.0)
