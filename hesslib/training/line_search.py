r"""How far to go along a direction: $\alpha>0$ for which $E(w+\alpha p)$ is lower, by as much as the slope promises.

The conditions are Wolfe's, $E(w+\alpha p)\le E+c_1\alpha\,g\cdot p$ and
$\lvert\nabla E(w+\alpha p)\cdot p\rvert\le c_2\lvert g\cdot p\rvert$. SciPy's search ends with both; the
backtracking one needs no gradient on the way and ends with the first, which is enough for directions that know their
own length.
"""

import math
import warnings
from typing import NamedTuple

import numpy as np

from hesslib.training.batch_objective import Objective

C1 = 1e-4  # of the promised fall
MOST_TRIALS = 60


class Found(NamedTuple):
    """Where a search ended."""

    w: np.ndarray
    error: float


def wolfe(objective: Objective, w: np.ndarray, E: float, g: np.ndarray, p: np.ndarray, c2: float, /) -> Found | None:
    r"""Return a point $w+\alpha p$ with both conditions: SciPy's search from $\alpha=1$, else backtracking.

    The objective ends at that point. None if the error falls nowhere.
    """
    from scipy.optimize import line_search
    from scipy.optimize._linesearch import LineSearchWarning

    def gradient(v: np.ndarray) -> np.ndarray:
        objective.error(v)
        return objective.gradient()

    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", LineSearchWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        search = line_search(objective.error, gradient, w, p, gfk=g, old_fval=E, c1=C1, c2=c2, maxiter=MOST_TRIALS)
    alpha, lower = search[0], search[3]
    if alpha is None or not lower < E:
        return backtracking(objective, w, E, g, p)
    at = w + alpha * p
    return Found(at, objective.error(at))


def backtracking(objective: Objective, w: np.ndarray, E: float, g: np.ndarray, p: np.ndarray, /) -> Found | None:
    r"""Return the first point $w+\alpha p$, from $\alpha=1$ down, with the first condition; None if none has it.

    The next $\alpha$ is where the parabola through E, the slope and the last E is lowest, 0.1 to 0.5 times the last.
    """
    slope = float(g @ p)
    if not slope < 0:
        return None
    alpha = 1.0
    for _ in range(MOST_TRIALS):
        at = w + alpha * p
        if np.array_equal(at, w):
            return None
        E_at = objective.error(at)
        if E_at <= E + C1 * alpha * slope and E_at < E:
            return Found(at, E_at)
        curved = 2 * (E_at - E - alpha * slope)
        lowest = -slope * alpha**2 / curved if math.isfinite(curved) and curved > 0 else 0.0
        alpha = min(max(lowest, 0.1 * alpha), 0.5 * alpha)
    return None
