r"""The weight decay $\alpha$ against the fit, the effective number of parameters and the evidence: a linear model."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from hesslib.book.javascript import Function, Scalars, symbol
from hesslib.book.moving import Moving, stills
from hesslib.derivations import evidence as derived

POINTS = 24
CURVES = 9
"""How many bumps are summed."""
NOISE = 0.15
BETA = round(1 / NOISE**2, 1)
CENTRES = np.linspace(-1, 1, CURVES)


def design(x: Any) -> Any:
    """Nine bumps, side by side."""
    return np.exp(-0.5 * ((np.asarray(x)[:, None] - CENTRES) / 0.25) ** 2)


def functions() -> tuple[Function, ...]:
    r"""The minimum along the eigenvectors; both sums of squares; $\gamma$, the evidence and the next $\alpha$."""
    scalars = Scalars({derived.P: CURVES, derived.N: POINTS}, means={derived.c: lambda: sp.Rational(1, 2)})
    alpha, beta = symbol(derived.alpha), symbol(derived.beta)
    lam, b = scalars.array(derived.lam), scalars.array(derived.b)
    minimum = derived.b[derived.r] / (derived.beta * derived.lam[derived.r] + derived.alpha)
    places = range(1, CURVES + 1)
    at = {"alpha": alpha, "beta": beta, "lambda": lam}
    sums = derived.errors()
    E_D, E_W, gamma = (symbol(x) for x in (derived.E_D, derived.E_W, derived.gamma))
    return (
        Function("minimum", {**at, "b": b}, {}, {"u": [scalars(minimum, {derived.r: place}) for place in places]}),
        Function(
            "sums",
            {"e": scalars.array(derived.e), "w": scalars.array(derived.w)},
            {},
            {"E_D": scalars(sums[0].rhs), "E_W": scalars(sums[1].rhs)},
        ),
        Function(
            "evidence",
            {**at, "E_D": E_D, "E_W": E_W},
            {gamma: scalars(derived.gamma_of_eigenvalues())},
            {
                "gamma": gamma,
                "ln_evidence": scalars(derived.log_evidence().result),
                "alpha": scalars(derived.new_alpha().result),
            },
        ),
    )


def figure() -> Moving:
    """The figure."""
    rng = np.random.default_rng(2)
    x = np.sort(rng.uniform(-1, 1, POINTS)).round(3)
    t = (np.sin(3 * x) + NOISE * rng.standard_normal(POINTS)).round(3)
    lam, V = np.linalg.eigh(design(x).T @ design(x))
    grid = np.linspace(-1, 1, 81)
    data = {
        "x": x.tolist(),
        "t": t.tolist(),
        "beta": BETA,
        "lambda": np.maximum(lam, 0).tolist(),
        "b": (BETA * V.T @ design(x).T @ t).tolist(),
        "at_points": (design(x) @ V).tolist(),
        "grid": grid.tolist(),
        "at_grid": (design(grid) @ V).tolist(),
    }
    return Moving(
        "evidence",
        functions(),
        r"A sum of bumps is fitted to noisy points with weight decay $\alpha$, at the true noise level. Small "
        r"$\alpha$ follows the noise, large $\alpha$ follows nothing; the evidence has its maximum between, where "
        r"$2\alpha E_W=\gamma$. Compiled from {eq}`log-evidence`, {eq}`effective-parameters`, {eq}`evidence-update` "
        r"and {eq}`regularized-error`.",
        "Noisy points with a fitted curve, and beside it the logarithm of the evidence and the effective number of "
        "parameters against the weight decay, which can be moved.",
        "",
        data,
        picture=lambda: stills.evidence(data),
    )
