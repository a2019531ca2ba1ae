"""Levenberg-Marquardt: known minima from near and far, beside MINPACK's; and everything that can go wrong."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from least_squares_panel import CURVES, PROBLEMS, Curve, Problem, far
from scipy.optimize import least_squares

import hesslib
from hesslib import Network, levenberg_marquardt
from hesslib.training.levenberg_marquardt import column_norms


def minpack(problem: Problem, x_scale: float | str) -> bool:
    with np.errstate(all="ignore"):
        found = least_squares(
            problem.residuals, problem.start, jac=problem.jacobian, method="lm", x_scale=x_scale, max_nfev=1000
        )
    return problem.reached(found.x)


def ours(problem: Problem) -> bool:
    try:
        return problem.reached(levenberg_marquardt(problem.residuals, problem.jacobian, np.array(problem.start)).w)
    except ValueError:  # the sum of squares overflows at the start
        return False


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_certified_minima_are_reached_from_both_starts(curve: Curve, start: int) -> None:
    (first, second) = curve.problems()
    problem = (first, second)[start]
    found = levenberg_marquardt(problem.residuals, problem.jacobian, np.array(problem.start), tolerance=1e-13)
    assert 2 * found.error == pytest.approx(curve.minimum, rel=1e-9)
    w = np.sort(found.w) if curve.name == "Lanczos3" else found.w  # its terms may change places
    certified = np.sort(curve.w) if curve.name == "Lanczos3" else np.array(curve.w)
    if curve.name == "MGH17" and w[3] > w[4]:
        w = w[[0, 2, 1, 4, 3]]
    np.testing.assert_allclose(w, certified, rtol=1e-5)


@pytest.mark.usefixtures("as_installed")
def test_from_far_starts_it_reaches_as_many_minima_as_minpack() -> None:
    """Whether one start leads to the minimum is chance when it is far away; the numbers hardly are."""
    rng = np.random.default_rng(1)
    problems = list(far())
    for curve in CURVES:
        for number in range(4):
            start = np.array(curve.starts[0]) * np.exp(rng.normal(0, 1, len(curve.w)))
            problems.append(Problem(f"{curve.name}, {number}", curve.residuals, tuple(start), (curve.minimum,)))
    reached = sum(map(ours, problems))
    by_minpack = max(sum(minpack(problem, scale) for problem in problems) for scale in (1.0, "jac"))
    assert reached >= by_minpack - len(problems) // 20
    assert reached > 0.6 * len(problems)


def exponential(w: np.ndarray) -> np.ndarray:
    return np.exp(w[0] * X) * w[1] - Y


def exponential_jacobian(w: np.ndarray) -> np.ndarray:
    return np.stack([X * np.exp(w[0] * X) * w[1], np.exp(w[0] * X)], axis=1)


X = np.linspace(0, 2, 9)
Y = 3 * np.exp(-1.5 * X) + 0.01 * np.cos(40 * X)
START = np.array([0.5, 1.0])


def test_the_history_is_that_of_the_run() -> None:
    seen = []
    found = levenberg_marquardt(
        exponential, exponential_jacobian, START, callback=lambda w, record: seen.append((w.copy(), record))
    )
    assert found.status == "converged"
    assert [record for _, record in seen] == list(found.history)
    assert [record.iteration for record in found.history] == list(range(found.iterations + 1))
    for w, record in seen:
        r, J = exponential(w), exponential_jacobian(w)
        assert record.error == pytest.approx(r @ r / 2)
        assert record.gradient_norm == pytest.approx(np.linalg.norm(J.T @ r), abs=1e-12)
    errors = [record.error for record in found.history]
    assert errors == sorted(errors, reverse=True)
    assert found.error == errors[-1]
    np.testing.assert_array_equal(found.w, seen[-1][0])
    assert found.history[0].damping == 0


def test_evaluations_are_counted() -> None:
    calls = {"r": 0, "J": 0}

    def count(name: str, f: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
        def counted(w: np.ndarray) -> np.ndarray:
            calls[name] += 1
            return f(w)

        return counted

    found = levenberg_marquardt(count("r", exponential), count("J", exponential_jacobian), START)
    assert found.evaluations.errors == calls["r"]
    assert found.evaluations.matrices == calls["J"] == found.iterations + 1
    assert found.evaluations.gradients == found.evaluations.products == 0


def test_the_jacobian_is_asked_for_where_the_residuals_were_asked_for_last() -> None:
    last = []

    def residuals(w: np.ndarray) -> np.ndarray:
        last[:] = [w]
        return exponential(w)

    def jacobian(w: np.ndarray) -> np.ndarray:
        assert w is last[0]
        return exponential_jacobian(w)

    assert levenberg_marquardt(residuals, jacobian, START).status == "converged"


def test_weights_are_those_of_the_squares() -> None:
    c = np.linspace(0, 3, 9)
    found = levenberg_marquardt(exponential, exponential_jacobian, START, weights=c, tolerance=1e-14)
    root = np.sqrt(c)
    expected = least_squares(
        lambda w: root * exponential(w), START, jac=lambda w: root[:, None] * exponential_jacobian(w), xtol=1e-14
    )
    np.testing.assert_allclose(found.w, expected.x, rtol=1e-7)
    assert found.error == pytest.approx(expected.cost)


def test_units_do_not_matter() -> None:
    """With the parameters in other units every iterate is the same, to rounding."""
    units = np.array([1e6, 1e-6])
    one = levenberg_marquardt(exponential, exponential_jacobian, START)
    other = levenberg_marquardt(
        lambda v: exponential(v / units), lambda v: exponential_jacobian(v / units) / units, START * units
    )
    np.testing.assert_allclose(other.w / units, one.w, rtol=1e-9)
    assert len(other.history) == len(one.history)


@pytest.mark.parametrize("region", [1e-4, 1e-1, 1e3])
def test_the_first_region_changes_the_way_and_not_the_end(region: float) -> None:
    found = levenberg_marquardt(exponential, exponential_jacobian, START, region=region, tolerance=1e-12)
    expected = levenberg_marquardt(exponential, exponential_jacobian, START, tolerance=1e-12)
    np.testing.assert_allclose(found.w, expected.w, rtol=1e-6)


def test_zero_is_a_start_like_any_other() -> None:
    found = levenberg_marquardt(lambda w: np.exp(w * X) - 2**X, lambda w: (X * np.exp(w * X))[:, None], np.zeros(1))
    np.testing.assert_allclose(found.w, np.log(2), rtol=1e-7)


# --- why it stops


def test_the_target_is_where_it_stops() -> None:
    found = levenberg_marquardt(exponential, exponential_jacobian, START, target=0.1)
    assert found.status == "target"
    assert found.error <= 0.1 < found.history[-2].error
    assert "at most the target 0.1" in found.message


def test_no_iterations_left_is_said() -> None:
    found = levenberg_marquardt(exponential, exponential_jacobian, START, max_iterations=2)
    assert (found.status, found.iterations) == ("limit", 2)
    assert "all 2 iterations are used" in found.message
    assert levenberg_marquardt(exponential, exponential_jacobian, START, max_iterations=0).iterations == 0


def test_a_callback_that_returns_true_stops_the_run() -> None:
    found = levenberg_marquardt(exponential, exponential_jacobian, START, callback=lambda w, r: r.iteration == 3)
    assert (found.status, found.iterations) == ("stopped", 3)
    assert "iteration 3" in found.message


def test_an_interruption_keeps_the_best_point() -> None:
    calls = 0

    def residuals(w: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt
        return exponential(w)

    found = levenberg_marquardt(residuals, exponential_jacobian, START)
    assert found.status == "interrupted"
    assert found.error == found.history[-1].error < found.history[0].error
    assert f"after iteration {found.iterations}" in found.message
    r = exponential(found.w)
    assert r @ r / 2 == pytest.approx(found.error)


def test_an_interruption_before_there_is_a_point_is_passed_on() -> None:
    def residuals(w: np.ndarray) -> np.ndarray:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        levenberg_marquardt(residuals, exponential_jacobian, START)


def test_where_the_error_is_zero_there_is_nothing_to_do() -> None:
    found = levenberg_marquardt(lambda w: w - 1, lambda w: np.eye(2), np.ones(2))
    assert (found.status, found.message, found.iterations) == ("converged", "the error is 0", 0)


def test_a_flat_error_has_converged() -> None:
    found = levenberg_marquardt(lambda w: np.ones(3), lambda w: np.zeros((3, 2)), START)
    assert found.status == "converged"
    assert "gradient is 0" in found.message


def test_a_singular_jacobian_is_no_obstacle() -> None:
    """Only the sum of the parameters matters."""
    found = levenberg_marquardt(
        lambda w: np.exp(-(w[0] + w[1]) * X) - np.exp(-X),
        lambda w: np.repeat((-X * np.exp(-(w[0] + w[1]) * X))[:, None], 2, axis=1),
        np.array([0.1, 0.2]),
    )
    assert found.status == "converged"
    assert found.w.sum() == pytest.approx(1)


def test_a_parameter_without_effect_stays_where_it_is() -> None:
    found = levenberg_marquardt(
        lambda w: np.exp(w[0] * X) - 2**X,
        lambda w: np.stack([X * np.exp(w[0] * X), 0 * X], axis=1),
        np.array([0.1, 7.0]),
    )
    np.testing.assert_allclose(found.w, [np.log(2), 7])


def test_steps_into_overflow_are_refused_and_the_fit_goes_on() -> None:
    x = np.linspace(0, 10, 11)
    with np.errstate(over="raise", invalid="raise"):  # what the caller has set is no concern of the residuals
        found = levenberg_marquardt(
            lambda w: np.exp(w[0] * x * x * x) - np.exp(-0.01 * x),
            lambda w: (x**3 * np.exp(w[0] * x * x * x))[:, None],
            np.array([-5.0]),
            region=1e6,
        )
    assert found.status == "converged"
    assert found.evaluations.errors > found.iterations + 1


def test_where_every_step_is_not_finite_it_says_so() -> None:
    start = np.array([1.0])
    found = levenberg_marquardt(lambda w: np.array([2.0 if w[0] == 1 else np.nan]), lambda w: np.ones((1, 1)), start)
    assert found.status == "stalled"
    assert "in iteration 1: the error is not finite anywhere near w" in found.message
    np.testing.assert_array_equal(found.w, start)


def test_a_wrong_jacobian_is_suspected() -> None:
    found = levenberg_marquardt(exponential, lambda w: -exponential_jacobian(w), START)
    assert found.status == "stalled"
    assert "is it that of the residuals?" in found.message


def test_a_tolerance_of_zero_ends_at_rounding() -> None:
    found = levenberg_marquardt(exponential, exponential_jacobian, START, tolerance=0.0)
    assert found.status == "stalled"
    assert "it is at its minimum to rounding" in found.message
    np.testing.assert_allclose(found.w, levenberg_marquardt(exponential, exponential_jacobian, START).w, rtol=1e-5)


# --- what is refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w0": np.array([[1.0]])}, r"w0 has shape \(1, 1\); it must be \(P,\)"),
        ({"w0": np.array([])}, r"w0 has shape \(0,\)"),
        ({"w0": np.array([1.0, np.inf])}, "w0 has inf in entry 1; it must be finite"),
        ({"w0": np.array([1, 2])}, "w0 has dtype int64; it must be real floating"),
        ({"w0": [1.0, 2.0]}, "w0 is a list; it must be an array"),
        ({"weights": np.ones(3)}, r"weights has shape \(3,\); it must be \(9,\)"),
        ({"weights": -np.arange(9.0)}, "weights has -8.0 in row 8; it must not be negative"),
        ({"weights": np.full(9, np.nan)}, "weights has nan in row 0"),
        ({"region": 0.0}, "region is 0.0; it must be positive and finite"),
        ({"tolerance": 1.0}, "tolerance is 1.0; it must be at least 0 and less than 1"),
        ({"target": -1.0}, "target is -1.0; it must be finite and not negative"),
        ({"max_iterations": -1}, "max_iterations is -1; it must be at least 0"),
        ({"residuals": lambda w: np.ones((9, 1))}, r"residuals has shape \(9, 1\) in iteration 0; it must be \(m,\)"),
        ({"residuals": lambda w: np.ones(0)}, r"residuals has shape \(0,\) in iteration 0"),
        (
            {"residuals": lambda w: np.array([1.0, np.nan])},
            "residuals has nan in row 1 in iteration 0; it must be finite",
        ),
        ({"residuals": lambda w: np.full(9, 1e200)}, "residuals has entries up to 1.0e.200 at w0"),
        ({"jacobian": lambda w: np.ones((2, 9))}, r"jacobian has shape \(2, 9\) in iteration 0; it must be \(9, 2\)"),
        ({"jacobian": lambda w: np.full((9, 2), np.nan)}, "jacobian has nan in row 0, column 0 in iteration 0"),
    ],
)
@pytest.mark.usefixtures("as_installed")
def test_bad_input_is_refused_by_name(change: dict[str, object], message: str) -> None:
    arguments = {"residuals": exponential, "jacobian": exponential_jacobian, "w0": START} | change
    positional = [arguments.pop(name) for name in ("residuals", "jacobian", "w0")]
    with pytest.raises(ValueError, match=message):
        levenberg_marquardt(*positional, **arguments)


def test_what_goes_wrong_later_is_told_with_its_iteration() -> None:
    calls = 0

    def jacobian(w: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        J = exponential_jacobian(w)
        if calls == 3:
            J[4, 1] = np.nan
        return J

    with pytest.raises(ValueError, match="jacobian has nan in row 4, column 1 in iteration 2"):
        levenberg_marquardt(exponential, jacobian, START)
    sizes = iter([9, 9, 8])
    with pytest.raises(
        ValueError, match=r"residuals has shape \(8,\) in iteration 2; it must be \(9,\), as it was at w0"
    ):
        levenberg_marquardt(lambda w: exponential(w)[: next(sizes)], exponential_jacobian, START)


# --- libraries


def test_single_precision_stays_single_and_stops_at_its_own_rounding() -> None:
    x = X.astype(np.float32)
    found = levenberg_marquardt(
        lambda w: np.exp(w[0] * x) * w[1] - Y.astype(np.float32),
        lambda w: np.stack([x * np.exp(w[0] * x) * w[1], np.exp(w[0] * x)], axis=1),
        START.astype(np.float32),
    )
    assert found.w.dtype == np.float32
    assert found.status == "converged"
    np.testing.assert_allclose(found.w, levenberg_marquardt(exponential, exponential_jacobian, START).w, rtol=1e-3)


def test_the_panel_knows_its_own_minima() -> None:
    """The certified parameters give the certified sum of squares: the data are as they were published."""
    for curve in CURVES:
        r = curve.residuals(np.array(curve.w))
        assert r @ r == pytest.approx(curve.minimum, rel=1e-6 if curve.name != "Lanczos3" else 1e-3)
    for problem in PROBLEMS:
        assert all(math.isfinite(minimum) for minimum in problem.minima)


@pytest.mark.parametrize("seed", range(8))
def test_a_1_10_1_network_reaches_the_noise_level_from_every_random_start(seed: int) -> None:
    """200 points of sin 2x + 0.3x with noise 0.05: a sum of squares of 1.1 times 200 * 0.05^2, in few steps."""
    rng = np.random.default_rng(3)
    x = np.sort(rng.uniform(-3, 3, 200))[:, None]
    t = np.sin(2 * x) + 0.3 * x + 0.05 * rng.normal(size=(200, 1))
    net = Network((1, 10, 1))
    found = levenberg_marquardt(
        lambda w: (hesslib.outputs(net, w, x) - t)[:, 0],
        lambda w: hesslib.output_jacobian(net, w, x)[:, 0],
        np.random.default_rng(100 + seed).standard_normal(net.num_parameters),
        target=1.1 * 200 * 0.05**2 / 2,
    )
    assert found.status == "target"
    assert found.iterations < 100


def test_entries_whose_squares_overflow_have_norms_all_the_same() -> None:
    J = np.array([[3e200, 0.0], [4e200, 2.0]])
    np.testing.assert_allclose(column_norms(J), [5e200, 2.0])
