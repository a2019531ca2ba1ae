"""The parts of finite differences: steps, extrapolation, what rounding leaves, and the constants of the bound."""

from typing import Any

import numpy as np
import pytest
import random_functions
from numpy.testing import assert_allclose, assert_array_equal

from hesslib import finite_difference
from hesslib.finite_difference import best_entry, bounded_values, extrapolation, rounding, steps
from hesslib.finite_difference.evaluation import Evaluator
from hesslib.finite_difference.ladder import Ladder

EPS = np.finfo(np.float64).eps
METHODS = ("central", "ridders", "complex_step")


# ---------------------------------------------------------------- steps


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("ratio", [2.0, np.sqrt(2.0)])
def test_points_are_exactly_symmetric(dtype: type, ratio: float) -> None:
    rng = np.random.default_rng(5)
    x = (rng.normal(size=40) * 10.0 ** rng.integers(-6, 7, 40)).astype(dtype)
    x[:3] = [1.0, -4.0, 2.0**-20]
    plan = steps.Plan(1e-3, ratio, 3, 1e-6)
    with Evaluator(lambda y: np.float64(y.sum()), 1) as evaluate:
        ladder = Ladder(evaluate, x, steps.start(x, plan), ratio, 0.0)
        for i in range(40):
            for e in range(6):
                a = ladder.step(i, e)
                up, down = ladder.move((i, a))[i], ladder.move((i, -a))[i]
                assert float(up) - float(x[i]) == float(x[i]) - float(down) == a > 0


def test_steps_follow_the_scale_of_each_coordinate() -> None:
    scale = np.array([1e-6, 1.0, 1e6])
    reach = np.zeros(3)

    def f(x: np.ndarray) -> np.ndarray:
        reach[:] = np.maximum(reach, np.abs(x - 0.7 * scale))
        return np.exp(x / scale).prod()

    estimate = finite_difference.hessian(f, 0.7 * scale, method="ridders")
    exact = np.exp(2.1) / np.multiply.outer(scale, scale)
    assert (np.abs(estimate.value - exact) <= estimate.error).all()
    assert (np.abs(estimate.value - exact) <= 1e-10 * exact).all()
    assert (reach / scale < 1).all()


def test_coordinates_that_are_small_by_accident_get_steps_of_the_scale_of_the_function() -> None:
    x = np.array([1e-9, 0.0, 3e-5])
    estimate = finite_difference.hessian(lambda y: np.exp(y.sum()), x, method="ridders")
    assert (np.abs(estimate.value - np.exp(x.sum())) <= 1e-9).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_function_of_scale_one_is_resolved_far_from_the_origin(method: str) -> None:
    x = np.array([12345.678])
    estimate = finite_difference.gradient(lambda y: np.sin(y[0]), x, method=method)
    assert abs(estimate.value[0] - np.cos(x[0])) <= min(estimate.error[0], 1e-7)


def test_a_given_step_is_used_as_it_is() -> None:
    seen = []

    def f(x: np.ndarray) -> float:
        seen.append(x[0])
        return float(x[0] ** 2)

    finite_difference.gradient(f, [1.0], method="ridders", step=0.5, levels=3)
    steps_seen = sorted(v for v in seen if v == 1 or abs(v - 1) > 1e-3)  # without the probe of the rounding
    assert_allclose(steps_seen, 1 + np.array([-0.5, -0.5 / 2**0.5, -0.25, 0, 0.25, 0.5 / 2**0.5, 0.5]), rtol=EPS)


def test_steps_stay_inside_a_domain_that_ends_nearby() -> None:
    def f(x: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return np.log(x[0] - 0.999)

    for method in ("central", "ridders"):
        estimate = finite_difference.gradient(f, [1.0], method=method)
        assert abs(estimate.value[0] - 1000) <= min(estimate.error[0], 1e-3)


def test_the_function_may_overwrite_its_argument() -> None:
    def f(x: np.ndarray) -> np.ndarray:
        x **= 2
        return x.sum()

    x = np.array([1.0, 3.0])
    assert_allclose(finite_difference.gradient(f, x).value, [2.0, 6.0], rtol=1e-9)
    assert_array_equal(x, [1.0, 3.0])


# ---------------------------------------------------------------- extrapolation and rounding


@pytest.mark.parametrize("m", range(5))
@pytest.mark.parametrize("ratio", [2.0, np.sqrt(2.0)])
def test_the_weights_keep_the_limit_and_remove_m_powers_of_the_squared_step(m: int, ratio: float) -> None:
    w = extrapolation.weights(ratio, m)
    h2 = ratio ** (-2.0 * np.arange(m + 1))
    allowed = 32 * EPS * np.abs(w).sum()
    assert abs(w.sum() - 1) <= allowed
    for power in range(1, m + 1):
        assert abs(w @ h2**power) <= allowed
    assert abs(w @ h2 ** (m + 1)) > 1e-7


def test_the_tableau_agrees_with_its_weights_and_propagates_rounding_through_them() -> None:
    rng = np.random.default_rng(0)
    D, gain, centre = rng.normal(size=(4, 3, 2)), rng.uniform(1, 2, (4, 3)), rng.normal(size=(4, 3))
    for m, column in enumerate(extrapolation.tableau(extrapolation.Quotients(D, gain, centre, 2.0)), start=1):
        w = extrapolation.weights(2.0, m)
        for k in range(4 - m):
            assert_allclose(column.A[k], np.tensordot(w, D[k : k + m + 1], 1), atol=1e-12)
            own, shared = (w[:, None] * gain[k : k + m + 1], w @ centre[k : k + m + 1])
            assert_allclose(column.gain[k], np.sqrt((own**2).sum(axis=0) + shared**2), rtol=1e-12)


def test_gains_are_the_standard_deviations_of_simulated_rounding() -> None:
    rng = np.random.default_rng(1)
    samples = 20000

    def noise(x: np.ndarray) -> np.ndarray:
        return rng.normal(size=samples)

    with Evaluator(noise, 1) as evaluate:
        ladder = Ladder(evaluate, np.array([1.0, 2.0]), np.array([0.5, 0.25]), 2.0, 0.0)
        ladder.fill_axes((i, k) for i in range(2) for k in range(3))
        ladder.fill_pairs([(0, 1)], [0, 0], 3)
        for q in (ladder.first([0, 0], 3), ladder.second([0, 0], 3), ladder.mixed([(0, 1)], [0, 0], 3)):
            assert_allclose(q.D.std(axis=2), np.sqrt(q.gain**2 + q.centre**2), rtol=0.03)


def test_the_quantum_is_the_power_of_two_that_all_values_share() -> None:
    values = np.array([[0.75, 1.0 / 3, 0.0], [-1.25, 0.1, 0.0], [0.0, 0.7, 0.0]])
    found = rounding.quantum(values)
    assert found[0] == 0.125
    assert found[1] <= EPS / 4
    assert found[2] == 0
    single = np.float64(np.float32(np.random.default_rng(0).normal(size=(50, 1))))
    assert 2.0**-30 < rounding.quantum(single)[0] < 2.0**-22


def test_the_probe_measures_the_level_of_noise() -> None:
    rng = np.random.default_rng(3)
    t = np.array((0, *rounding.PROBE))[:, None]
    values = 3 + 0.1 * t - 0.01 * t**2 + 1e-9 * rng.normal(size=(len(t), 4000))
    assert_allclose(np.sqrt(np.mean(rounding.from_probe(values) ** 2)), 1.3e-9, rtol=0.05)  # a third more than there is


@pytest.mark.parametrize("method", ["central", "ridders"])
def test_declared_noise_widens_the_bound_and_lengthens_the_steps(method: str) -> None:
    rng = np.random.default_rng(2)

    def f(x: np.ndarray) -> float:
        return float(np.exp(x[0]) * (1 + 1e-8 * rng.uniform(-1, 1)))

    for _ in range(10):
        noisy = finite_difference.gradient(f, [1.0], method=method, noise=1e-8)
        assert abs(noisy.value[0] - np.e) <= noisy.error[0] <= 1e-3


@pytest.mark.parametrize(
    ("name", "method", "share"),
    [
        ("gradient", "central", 0.7),  # the bound is 0.60 of the slope: wide, and yet the sign is decided
        ("gradient", "ridders", 0.5),
        ("hessian_diagonal", "central", 0.5),
        ("hessian_diagonal", "ridders", 0.5),
    ],
)
def test_digits_lost_inside_a_function_do_not_pass_for_zero_slope(name: str, method: str, share: float) -> None:
    """1 + exp(-28) keeps three digits of exp(-28): steps short enough to see nothing must not be preferred."""

    def f(x: np.ndarray) -> Any:
        return np.log(1 + np.exp(-x[0] * x[1]))

    u, v = 3.7, 7.6
    s = 1 / (1 + np.exp(u * v))
    exact = -s * np.array([v, u]) if name == "gradient" else s * (1 - s) * np.array([v**2, u**2])
    estimate = getattr(finite_difference, name)(f, [u, v], method=method)
    assert (np.abs(estimate.value - exact) <= estimate.error).all()
    assert (estimate.error <= share * np.abs(exact)).all()


def test_a_function_on_a_coarse_grid_is_probed_further_out() -> None:
    estimate = finite_difference.gradient(lambda x: np.round(np.exp(x[0]), 6), [1.0])
    assert abs(estimate.value[0] - np.e) <= estimate.error[0] <= 0.1


def test_nothing_is_shown_by_a_constant_and_the_bound_says_so() -> None:
    estimate = finite_difference.hessian(lambda x: 3.7, [1.0, 2.0])
    assert_array_equal(estimate.value, np.zeros((2, 2)))
    assert (estimate.error > 0).all()
    zero = finite_difference.hessian(lambda x: 0.0, [1.0, 2.0], method="ridders")
    assert_array_equal(zero.value, zero.error)


# ---------------------------------------------------------------- the constants of the bound


def test_the_bound_is_not_wider_than_its_constants_say() -> None:
    """For a quadratic with known rounding nothing but rounding is left, and the bound is ROUNDING deviations of it."""
    D = np.full((2, 1, 1), 2.0)
    q = extrapolation.Quotients(D, np.full((2, 1), 3.0), np.zeros((2, 1)), 2.0)
    found = best_entry.select_entry(extrapolation.tableau(q), np.array([[1e-3]]))
    w = extrapolation.weights(2.0, 1)
    assert found.truncation[0, 0] == 0
    assert_allclose(found.rounding[0, 0], best_entry.ROUNDING * 3.0 * np.linalg.norm(w) * 1e-3, rtol=1e-12)


def test_the_whole_bound_is_reported() -> None:
    """Truncation and rounding of the chosen entry, and the last place of the value: no part is lost on the way."""
    with Evaluator(lambda x: np.exp(x[0]) * x[1], 1) as evaluate:
        ladder = Ladder(evaluate, np.array([0.5, 2.0]), np.array([0.2, 0.2]), 2.0, 1e-10)
        ladder.fill_axes((i, k) for i in range(2) for k in range(5))
        q = ladder.second([0, 0], 5)
        bounded = bounded_values.extrapolate(ladder, q, [0, 0], [(0, 0), (1, 1)])
        columns = extrapolation.tableau(q)
        sigma = np.maximum(ladder.floor(), rounding.pool(rounding.from_differences(columns), ladder.floor()))
        found = best_entry.select_entry(columns, sigma)
    assert_array_equal(bounded.value, found.value)
    assert_allclose(bounded.error, found.truncation + found.rounding + EPS * np.abs(found.value), rtol=8 * EPS)


# ---------------------------------------------------------------- random functions by family


@pytest.mark.parametrize("family", random_functions.FAMILIES)
@pytest.mark.parametrize("order", [1, 2], ids=["gradient", "Hessian"])
@pytest.mark.parametrize("method", ["central", "ridders"])
def test_bounds_hold_for_random_functions_of_every_family(family: str, order: int, method: str) -> None:
    covered, _ = random_functions.judged(family, order, method, 40, seed=11)
    assert covered >= 0.97  # 99 % and more over many functions: run random_functions.py


@pytest.mark.parametrize("order", [1, 2], ids=["gradient", "Hessian"])
@pytest.mark.parametrize("phase", [*np.linspace(-2, 2, 41), 0.658479, -0.658479, 1.146216, -1.146216])
def test_two_steps_that_agree_by_chance_are_not_believed(order: int, phase: float) -> None:
    """Along a line the derivative that the estimate rests on vanishes somewhere; the control has no such derivative.

    The third derivative of tanh vanishes at 0.658479, the fourth at 1.146216.
    """
    u = np.array([300.0, -170.0])
    x = np.array([0.4, -1.1])
    derivative = finite_difference.gradient if order == 1 else finite_difference.hessian
    found = derivative(lambda y: np.tanh(u @ (y - x) + phase), x)
    slope = 1 / np.cosh(phase) ** 2
    exact = slope * u if order == 1 else -2 * np.tanh(phase) * slope * np.outer(u, u)
    assert (np.abs(found.value - exact) <= found.error + 64 * EPS * np.abs(exact)).all()
    parabola = derivative(lambda y: (u @ (y - x)) ** 2, x)
    assert (parabola.error <= 1e-6 * (u @ u)).all()


# ---------------------------------------------------------------- derivatives that do not exist


@pytest.mark.parametrize("method", ["central", "ridders"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: abs(x[0]),
        np.linalg.norm,
        lambda x: max(x[0], 0.0) + np.cos(x[1]),
        lambda x: 1e150 * abs(x[0]),
    ],
    ids=["abs", "norm", "relu", "large"],
)
def test_at_a_kink_there_is_no_derivative(f: Any, method: str) -> None:
    gradient = finite_difference.gradient(f, [0.0, 0.0], method=method)
    assert gradient.error[0] == np.inf
    assert "there is no derivative along coordinate 0" in gradient.remarks[0]
    hessian = finite_difference.hessian(f, [0.0, 0.0], method=method)
    assert (hessian.error[0] == np.inf).all()


@pytest.mark.parametrize("method", ["central", "ridders"])
@pytest.mark.parametrize("jump", [1.0, 1e-2, 1e-4])
def test_a_small_kink_beside_a_curve_is_not_smoothed_over(jump: float, method: str) -> None:
    estimate = finite_difference.gradient(lambda x: np.exp(x[0]) + jump / 2 * abs(x[0]), [0.0], method=method)
    assert estimate.error[0] >= 0.4 * jump
    assert method == "central" or jump < 1e-2 or estimate.error[0] == np.inf


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("coefficient", [1.0, -0.3, 1e-80])
def test_at_a_kink_of_the_first_derivative_there_is_no_second(method: str, coefficient: float) -> None:
    def f(x: np.ndarray) -> Any:
        return coefficient * np.where(x[0].real > 0, 1.0, -1.0) * x[0] ** 2

    estimate = finite_difference.hessian(f, [0.0], method=method)
    assert estimate.error[0, 0] == np.inf
    assert "there is no second derivative along coordinate 0" in estimate.remarks[0]


def test_a_mixed_derivative_that_does_not_exist_is_seen_across() -> None:
    estimate = finite_difference.hessian(lambda x: x[0] * abs(x[1]), [0.0, 0.0], method="ridders")
    assert estimate.error[0, 1] == np.inf


@pytest.mark.parametrize("method", ["central", "ridders"])
@pytest.mark.parametrize("width", [1e-2, 1e-3, 1e-5])
def test_peaks_and_poles_between_the_steps_are_found(method: str, width: float) -> None:
    def peak(x: np.ndarray) -> Any:
        return np.exp(-(((x[0] - 0.3) / width - 0.3) ** 2))

    estimate = finite_difference.gradient(peak, [0.3], method=method)
    exact = 0.6 * np.exp(-0.09) / width
    assert abs(estimate.value[0] - exact) <= estimate.error[0] <= 1e-4 * exact
    pole = finite_difference.gradient(lambda x: 1 / (x[0] - 0.3 + width), [0.3], method=method)
    assert abs(pole.value[0] + width**-2) <= pole.error[0] <= 1e-4 * width**-2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [1e-200, 1e-100, 1e-30, 1e100, 1e200])
def test_scales_from_1e_minus_200_to_1e200_are_all_alike(method: str, size: float) -> None:
    x = np.array([0.7, 1.3]) * size
    estimate = finite_difference.gradient(lambda y: np.exp(y[0] / size) * (y[1] / size), x, method=method)
    exact = np.array([1.3 * np.exp(0.7), np.exp(0.7)]) / size
    assert (np.abs(estimate.value - exact) <= estimate.error + 8 * EPS * exact).all()
    assert (estimate.error <= 1e-6 * exact).all()


@pytest.mark.parametrize("method", ["central", "ridders"])
@pytest.mark.parametrize("x", [5e-324, 1e-310, 1e-100, 1e-30])
def test_a_coordinate_that_is_almost_zero_gets_steps_of_the_scale_of_the_function(method: str, x: float) -> None:
    estimate = finite_difference.hessian(lambda y: np.exp(y[0]), [x], method=method)
    assert abs(estimate.value[0, 0] - 1) <= estimate.error[0, 0] <= 1e-3
    square = finite_difference.hessian(lambda y: (y[0] / 1e100) ** 2, [1e100], method=method)
    assert abs(square.value[0, 0] - 2e-200) <= square.error[0, 0] <= 1e-6 * 2e-200


@pytest.mark.parametrize("method", ["central", "ridders"])
def test_values_in_a_buffer_that_is_used_again_are_copied(method: str) -> None:
    buffer = np.zeros(2)

    def f(x: np.ndarray) -> np.ndarray:
        buffer[:] = x[0] ** 2, x[0] * x[1]
        return buffer

    assert_allclose(finite_difference.jacobian(f, [1.0, 2.0], method=method).value, [[2, 0], [2, 1]], atol=1e-9)


@pytest.mark.parametrize("x", [0.5, 1.0, 2.0, -0.25, 0.3])
def test_powers_of_two_hide_no_modulus_from_the_complex_step(x: float) -> None:
    with pytest.raises(ValueError, match="f is not complex-analytic"):
        finite_difference.gradient(lambda z: abs(z[0]), [x], method="complex_step")


@pytest.mark.parametrize(
    "f",
    [
        lambda z: np.linalg.norm(z) ** 2,
        lambda z: (np.abs(z) ** 2).sum(),
        lambda z: np.vdot(z, z),
        lambda z: (z * z.conj()).sum(),
    ],
    ids=["norm", "abs", "vdot", "conj"],
)
@pytest.mark.parametrize("kind", ["gradient", "hessian"])
def test_what_is_not_analytic_is_refused_at_its_optimum_too(f: Any, kind: str) -> None:
    c = np.array([1.0, 2.0, 0.5])
    with pytest.raises(ValueError, match="f is not complex-analytic"):
        getattr(finite_difference, kind)(lambda z: f(z - c), c, method="complex_step")


def test_rounding_of_what_cancels_inside_f_is_no_feature_to_be_chased() -> None:
    """Linear in its last weights, and near 0 by cancellation: the even part is rounding, larger than that of f."""
    rng = np.random.default_rng(4)
    z = np.tanh(rng.standard_normal((40, 5)))
    covered: dict[str, list[float]] = {"central": [], "ridders": []}
    for trial in range(20):
        w = np.random.default_rng(trial).standard_normal(5)
        z[:, 4] = -(z[:, :4] @ w[:4]) / w[4] + 1e-6 * rng.standard_normal(40)  # outputs that are small
        for method in ("central", "ridders"):
            found = finite_difference.jacobian(lambda w: z @ w, w, method=method)
            assert np.abs(found.value - z).max() < 1e-8
            covered[method].append(float(np.mean(np.abs(found.value - z) <= found.error)))
            assert found.calls <= 150
    assert min(map(np.mean, covered.values())) >= 0.99  # what is promised; two steps hear the rounding only twice
