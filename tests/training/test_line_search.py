"""How far to go: the conditions hold where a search ends."""

import numpy as np
import pytest

from hesslib import Network
from hesslib.training.batch_objective import Objective
from hesslib.training.line_search import C1, backtracking, wolfe
from hesslib.training.run import Run

NET = Network((2, 4, 1), activation="sin")
rng = np.random.default_rng(0)
X, T = rng.standard_normal((20, 2)), rng.standard_normal((20, 1))
W = NET.init(3)


def objective() -> Objective:
    return Objective(
        NET, Run("", W, tolerance=None, target=None, max_iterations=1, callback=None, progress=False), X, T
    )


@pytest.mark.parametrize("length", [1e-6, 1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("c2", [0.1, 0.9])
def test_wolfe_conditions_hold_from_any_first_length(length: float, c2: float) -> None:
    at = objective()
    E, g = at.error(W), at.gradient()
    found = wolfe(at, W, E, g, -length * g, c2)
    assert found is not None
    moved = found.w - W
    assert found.error <= E + C1 * (g @ moved)
    assert found.error == at.E
    if length < 1e3:  # where SciPy's search finds no point, backtracking ends with the first condition
        assert abs(at.gradient() @ moved) <= c2 * abs(g @ moved) * (1 + 1e-9)


@pytest.mark.parametrize("length", [1e-3, 1.0, 1e6, 1e40])
def test_backtracking_ends_lower(length: float) -> None:
    at = objective()
    E, g = at.error(W), at.gradient()
    found = backtracking(at, W, E, g, -length * g)
    assert found is not None
    assert found.error <= E + C1 * (g @ (found.w - W))


def test_a_direction_uphill_has_no_such_point() -> None:
    at = objective()
    E, g = at.error(W), at.gradient()
    assert backtracking(at, W, E, g, g) is None


def test_the_second_trial_is_the_lowest_point_of_the_parabola() -> None:
    """On a quadratic error that point is the minimum along the line, for a first trial two to ten times too long."""
    line = Network((1, 1))
    w, x, t = np.array([1.0, 0.0]), np.array([[1.0], [-1.0]]), np.zeros((2, 1))
    run = Run("", w, tolerance=None, target=None, max_iterations=1, callback=None, progress=False)
    at = Objective(line, run, x, t)
    E, g = at.error(w), at.gradient()
    found = backtracking(at, w, E, g, -2.0 * g)
    assert found is not None
    assert found.error < 1e-30
    assert at.run.errors == 3
