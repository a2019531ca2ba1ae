"""Functions of one number are known by their values, not by their names."""

from __future__ import annotations

import numpy as np

from hesslib.networks.activations import ACTIVATIONS

POINTS = np.concatenate([np.linspace(-6, 6, 97), [-700.0, -40.0, -20.5, 20.5, 40.0, 700.0]])
"""Where two activations are compared."""


def same(values: np.ndarray, others: np.ndarray, /) -> bool:
    """Whether two functions have the same values at `POINTS`, to rounding."""
    allowed = 64 * 2.0**-52 * (1 + np.abs(POINTS))
    return values.shape == others.shape and bool((np.abs(values - others) <= allowed).all())


def name_of_values(values: np.ndarray, /) -> str:
    """Return the name of the activation that has these values at `POINTS`; nothing if none has."""
    return next((name for name, one in ACTIVATIONS.items() if same(values, one(POINTS))), "")
