r"""Pressure in an aquifer that is drawn upon at one end, in closed form: on a half line, and on a strip with a wall.

The problem is $\partial^2P/\partial x^2=\partial P/\partial t$ with $P(x,0)=0$ and $\partial P/\partial x=\tfrac12$ at
$x=0$. It has no length in it, and so P is $\sqrt t$ times a function of $\eta=x/2\sqrt t$. Everything here is an
`Equation` that SymPy decides: integrals, limits and derivatives are carried out on the closed forms.
"""

from __future__ import annotations

import functools

import sympy as sp

from hesslib.calculus.equation import Equation, assumed, defined, proved

x, t, eta, s = sp.symbols("x t eta s", positive=True)
A = sp.Symbol("A")
m = sp.Symbol("m", integer=True, positive=True)
P = sp.Function("P")(x, t)
phi = sp.Function("varphi")
half = sp.Rational(1, 2)
along = x / (2 * sp.sqrt(t))
r"""What $\eta$ stands for."""


def problem() -> tuple[Equation, ...]:
    """The mass balance, the pressure at the start, and its slope at the wall, as they were asked for."""
    return assumed(_balance(), 0), assumed(P.subs(t, 0), 0), assumed(_slope_at(0), half)


def _balance() -> sp.Expr:
    return sp.Derivative(P, (x, 2)) - sp.Derivative(P, t)


def _slope_at(place: int) -> sp.Expr:
    return sp.Subs(sp.Derivative(P, x), x, place)


# ------------------------------------------------------------------------------------------------- on the half line
def similarity() -> tuple[Equation, Equation]:
    r"""With $P=\sqrt t\,\varphi(\eta)$ the balance and the slope are expressions in $\eta$ alone."""
    meaning = {P: sp.sqrt(t) * phi(along), eta: along}
    first, second = sp.Derivative(phi(eta), eta), sp.Derivative(phi(eta), (eta, 2))
    return (
        proved(4 * sp.sqrt(t) * _balance(), second + 2 * eta * first - 2 * phi(eta), where=meaning, why="balance"),
        proved(2 * sp.Derivative(P, x), first, where=meaning, why="slope"),
    )


def without_itself() -> Equation:
    r"""The derivative of $\varphi''+2\eta\varphi'-2\varphi$ is $\varphi'''+2\eta\varphi''$."""
    f = [phi(eta), *[sp.Derivative(phi(eta), (eta, order)) for order in (1, 2, 3)]]
    return proved(sp.Derivative(f[2] + 2 * eta * f[1] - 2 * f[0], eta), f[3] + 2 * eta * f[2], why="differentiated")


def profile() -> sp.Expr:
    r"""$\varphi=(\varphi''+2\eta\varphi')/2$ with $\varphi'=-\int_\eta^\infty\varphi''$, and $\varphi'(0)=1$ for A."""
    second = A * sp.exp(-(eta**2))
    first = -sp.Integral(second.subs(eta, s), (s, eta, sp.oo))
    (height,) = sp.solve(first.subs(eta, 0).doit() - 1, A)
    return ((second + 2 * eta * first) / 2).subs(A, height)


_profile = functools.cache(profile)  # solved once for all that follows


def profile_meets() -> tuple[Equation, ...]:
    r"""The profile solves the ordinary equation, has the slope 1 at the wall, and is flat far away."""
    meaning = {phi(eta): _profile().doit()}
    first, second = sp.Derivative(phi(eta), eta), sp.Derivative(phi(eta), (eta, 2))
    return (
        proved(second + 2 * eta * first - 2 * phi(eta), 0, where=meaning, why="ordinary equation"),
        proved(sp.Limit(first, eta, 0, "+"), 1, where=meaning, why="slope of the profile at the wall"),
        proved(sp.Limit(first, eta, sp.oo), 0, where=meaning, why="slope of the profile far away"),
    )


def pressure() -> Equation:
    r"""$P=\sqrt t\,\varphi(\eta)$ in closed form."""
    closed = x * sp.erfc(along) / 2 - sp.sqrt(t / sp.pi) * sp.exp(-(along**2))
    return proved(P, closed, where={P: sp.sqrt(t) * _profile().subs(eta, along)}, why="the profile inserted")


_pressure = functools.cache(pressure)  # proved once


def pressure_meets() -> tuple[Equation, ...]:
    """The closed form meets the balance, the start, the slope at the wall, and vanishes far away."""
    meaning = {P: _pressure().rhs}
    return (
        proved(_balance(), 0, where=meaning, why="balance"),
        proved(sp.Limit(P, t, 0, "+"), 0, where=meaning, why="pressure at the start"),
        proved(_slope_at(0), half, where=meaning, why="slope at the wall"),
        proved(sp.Limit(P, x, sp.oo), 0, where=meaning, why="pressure far away"),
    )


def stored() -> Equation:
    r"""$\int_0^\infty P\,dx=-t/2$: what lies in the aquifer at time t."""
    return proved(sp.Integral(P, (x, 0, sp.oo)), -t / 2, where={P: _pressure().rhs}, why="the integral over x")


def mirrored() -> tuple[Equation, ...]:
    r"""$-P(-x,t)$, on $x<0$: the balance, the same slope at the wall, and water that is put in."""
    left = sp.Symbol("x", negative=True)
    there = sp.Function("P")(left, t)
    meaning = {there: -_pressure().rhs.subs(x, -left)}
    at_wall = sp.Limit(sp.Derivative(there, left), left, 0, "-")
    return (
        proved(sp.Derivative(there, (left, 2)) - sp.Derivative(there, t), 0, where=meaning, why="balance, mirrored"),
        proved(at_wall, half, where=meaning, why="slope at the wall, mirrored"),
        proved(sp.Integral(there, (left, -sp.oo, 0)), t / 2, where=meaning, why="the integral over x < 0"),
    )


def corner() -> tuple[Equation, Equation]:
    r"""The slope and the rate along lines of constant $\eta$, however close to $x=t=0$."""
    meaning = {P: _pressure().rhs, eta: along}
    return (
        proved(sp.Derivative(P, x), sp.erfc(eta) / 2, where=meaning, why="the slope along eta"),
        proved(
            sp.Derivative(P, t),
            -sp.exp(-(eta**2)) / (2 * sp.sqrt(sp.pi * t)),
            where=meaning,
            why="the rate along eta",
        ),
    )


def square_of_rate() -> Equation:
    r"""$\int_0^T\!\int_0^\infty(\partial P/\partial t)^2dx\,dt$ is finite though the rate is not bounded."""
    end = sp.Symbol("T", positive=True)
    whole = sp.Integral(sp.Derivative(P, t) ** 2, (x, 0, sp.oo), (t, 0, end))
    return proved(whole, sp.sqrt(end / (8 * sp.pi)), where={P: _pressure().rhs}, why="the square of the rate")


def in_other_units() -> Equation:
    r"""With a diffusivity $\kappa$, $P(x,\kappa t)$ solves the balance."""
    kappa = sp.Symbol("kappa", positive=True)
    balance = kappa * sp.Derivative(P, (x, 2)) - sp.Derivative(P, t)
    return proved(balance, 0, where={P: _pressure().rhs.subs(t, kappa * t)}, why="P(x, kappa t)")


# ----------------------------------------------------------------------------- between the well and a wall at x = 1
def strip() -> Equation:
    """The pressure between the well and a wall at $x=1$ that no water passes, as a series of cosines."""
    wave = sp.cos(m * sp.pi * x) * sp.exp(-(m**2) * sp.pi**2 * t) / (m * sp.pi) ** 2
    return defined(P, half * (sp.Rational(1, 6) - t - (1 - x) ** 2 / 2) + sp.Sum(wave, (m, 1, sp.oo)))


def strip_meets() -> tuple[Equation, ...]:
    """The series meets the balance and both slopes, and its cosines are those of the parabola that it starts from."""
    meaning = {P: strip().rhs}
    parabola = (1 - x) ** 2 / 2 - sp.Rational(1, 6)
    coefficient = sp.Integral(parabola * sp.cos(m * sp.pi * x), (x, 0, 1))
    return (
        proved(_balance(), 0, where=meaning, why="balance"),
        proved(_slope_at(0), half, where=meaning, why="slope at the well"),
        proved(_slope_at(1), 0, where=meaning, why="slope at the wall"),
        proved(coefficient, 1 / (m * sp.pi) ** 2, why="Fourier coefficients of the start"),
        proved(sp.Integral(parabola, (x, 0, 1)), 0, why="mean of the start"),
    )


# ------------------------------------------------------------------------------ a sink, and the sigmoid of the network
def steady(sign: int) -> tuple[Equation, Equation]:
    r"""With water lost at rate $\lambda P$: $Q=\pm e^{\pm\sqrt\lambda x}/2\sqrt\lambda$ is steady and has the slope."""
    loss = sp.Symbol("lambda", positive=True)
    Q = sp.Function("P")(x)
    meaning = {Q: sign * sp.exp(sign * sp.sqrt(loss) * x) / (2 * sp.sqrt(loss))}
    return (
        proved(sp.Derivative(Q, (x, 2)), loss * Q, where=meaning, why="steady"),
        proved(sp.Subs(sp.Derivative(Q, x), x, 0), half, where=meaning, why="slope at the wall"),
    )


def sigmoid() -> tuple[Equation, ...]:
    r"""The first three derivatives of $S(a)=1/(1+e^{-a})$ as polynomials in S: $d/da$ is $S(1-S)\,d/dS$."""
    a, value = sp.Symbol("a", real=True), sp.Symbol("S")
    S = sp.Function("S")(a)
    rows, polynomial = [], value
    for order in (1, 2, 3):
        polynomial = sp.factor(value * (1 - value) * sp.diff(polynomial, value))
        rows.append(
            proved(
                sp.Derivative(S, (a, order)),
                polynomial.subs(value, S),
                where={S: 1 / (1 + sp.exp(-a))},
                by="cancel",
                why=f"derivative {order} of the sigmoid",
            )
        )
    return tuple(rows)
