"""Finite differences: the bounds hold and are not idle, the steps fit the function, bad input is named."""

import subprocess
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from finite_difference_panel import HELD_OUT, PANEL, THIRTEEN, Case
from numpy.testing import assert_allclose, assert_array_equal

from hesslib import finite_difference
from hesslib.finite_difference import complex_step

EPS = np.finfo(np.float64).eps
METHODS = ("central", "ridders", "complex_step")
KINDS = ("gradient", "hessian_diagonal", "hessian")


# ---------------------------------------------------------------- the bound on the panel


def error_and_bound(case: Case, point: int, kind: str, method: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """|value - exact|, bound and |exact| of the distinct entries of one derivative."""
    exact = case.exact(point, 1 if kind == "gradient" else 2)
    estimate = getattr(finite_difference, kind)(case, case.points[point], method=method)
    value, bound = estimate.value, estimate.error
    if kind == "hessian":
        upper = np.triu_indices(len(case.points[point]))
        exact, value, bound = (v[..., upper[0], upper[1]] for v in (exact, value, bound))
    elif kind == "hessian_diagonal":
        exact = np.diagonal(exact, axis1=-2, axis2=-1)
    return np.abs(value - exact).ravel(), bound.ravel(), np.abs(exact).ravel()


def covered_and_idle(cases: list[Case], kind: str, method: str) -> tuple[float, float]:
    """The share of entries whose error is below its bound, and the median of bound / error.

    An error below one rounding unit of the exact value counts as that unit: a bound cannot be asked to be smaller. An
    exact zero that is found exactly leaves nothing to divide by; a positive bound counts as infinitely idle there.
    """
    found = [
        error_and_bound(case, point, kind, method)
        for case in cases
        if case.analytic or method != "complex_step"
        for point in range(len(case.points))
    ]
    error, bound, exact = (np.concatenate(part) for part in zip(*found, strict=True))
    unit = np.maximum(error, EPS * exact)
    idle = np.divide(bound, unit, out=np.where(bound > 0, np.inf, 1.0), where=unit > 0)
    return float(np.mean(error <= bound)), float(np.median(idle))


@pytest.mark.parametrize("cases", [PANEL, HELD_OUT], ids=["panel", "held out"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_at_least_99_percent_of_errors_stay_below_bounds_that_are_not_idle(
    cases: list[Case], kind: str, method: str
) -> None:
    covered, idle = covered_and_idle(cases, kind, method)
    assert covered >= 0.99
    assert idle <= 100


def test_the_panel_is_large_and_the_held_out_functions_are_others() -> None:
    assert len(PANEL) >= 20
    assert len({case.name for case in PANEL + HELD_OUT}) == len(PANEL) + len(HELD_OUT)


def test_the_oracle_of_the_panel_agrees_with_closed_forms() -> None:
    case = next(case for case in PANEL if case.name == "exponential")
    u, v = case.points[1]
    g = np.exp(u + 2 * v)
    assert_allclose(case.exact(1, 1), [g, 2 * g], rtol=8 * EPS)
    assert_allclose(case.exact(1, 2), [[g, 2 * g], [2 * g, 4 * g]], rtol=8 * EPS)
    linear = next(case for case in PANEL if case.name == "linear")
    assert_array_equal(linear.exact(0, 2), np.zeros((3, 3)))


# ---------------------------------------------------------------- the network with 13 parameters


class Counted:
    """The mean squared error of the network, its calls and its points."""

    def __init__(self) -> None:
        self.points: list[np.ndarray] = []

    def __call__(self, w: np.ndarray) -> np.ndarray:
        self.points.append(w)
        return THIRTEEN(w)


W = THIRTEEN.points[0]


@pytest.mark.parametrize(
    ("method", "calls", "accuracy"),
    [("central", 372, 5e-8), ("ridders", 2500, 1e-10), ("complex_step", 2500, 1e-12)],
)
def test_the_hessian_of_13_parameters_meets_its_budget(method: str, calls: int, accuracy: float) -> None:
    f, exact = Counted(), THIRTEEN.exact(0, 2)
    estimate = finite_difference.hessian(f, W, method=method)
    assert estimate.calls == len(f.points) <= calls
    error = np.abs(estimate.value - exact)
    assert error.max() <= accuracy * np.abs(exact).max()
    assert np.mean(error <= estimate.error) >= 0.99
    assert np.median(estimate.error / np.maximum(error, EPS * np.abs(exact))) <= 100
    assert_array_equal(estimate.value, estimate.value.T)
    assert_array_equal(estimate.error, estimate.error.T)


@pytest.mark.parametrize(("method", "accuracy"), [("central", 2e-11), ("ridders", 1e-12), ("complex_step", 4 * EPS)])
def test_the_gradient_of_13_parameters_is_accurate(method: str, accuracy: float) -> None:
    f, exact = Counted(), THIRTEEN.exact(0, 1)
    estimate = finite_difference.gradient(f, W, method=method)
    error = np.abs(estimate.value - exact)
    assert error.max() <= accuracy * np.abs(exact).max()
    assert (error <= estimate.error).all()
    assert estimate.calls == len(f.points)


@pytest.mark.parametrize("method", METHODS)
def test_gradient_diagonal_and_hessian_tell_one_story(method: str) -> None:
    def f(x: np.ndarray) -> Any:
        return np.log(np.exp(x).sum())

    x = np.array([0.3, -1.2, 2.0, 0.9])
    H = finite_difference.hessian(f, x, method=method)
    diagonal = finite_difference.hessian_diagonal(f, x, method=method)
    assert (np.abs(np.diag(H.value) - diagonal.value) <= np.diag(H.error) + diagonal.error).all()
    G = finite_difference.hessian_from_gradient(
        lambda y: finite_difference.gradient(f, y, method="complex_step").value, x, method="ridders"
    )
    assert (np.abs(G.value - H.value) <= G.error + H.error).all()


# ---------------------------------------------------------------- the page on Hessians of DerivKit


def on_the_page(theta: np.ndarray) -> np.ndarray:
    return np.sin(theta[0]) + theta[0] * theta[1] + theta[1] ** 2


def two_components(theta: np.ndarray) -> np.ndarray:
    return np.array([np.sin(theta[0]), theta[0] * theta[1] + theta[1] ** 2])


PRINTED = np.array([[-0.479426, 1.0], [1.0, 2.0]])


@pytest.mark.parametrize("method", METHODS)
def test_basic_usage_prints_the_numbers_of_the_page(method: str) -> None:
    hessian = finite_difference.hessian(on_the_page, [0.5, 2.0], method=method)
    assert_array_equal(np.round(hessian.value, 6), PRINTED)
    assert hessian.value.shape == (2, 2)
    exact = np.array([[-np.sin(0.5), 1.0], [1.0, 2.0]])
    assert (np.abs(hessian.value - exact) <= hessian.error).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_diagonal_alone_prints_the_numbers_of_the_page_in_the_right_shape(method: str) -> None:
    diagonal = finite_difference.hessian_diagonal(on_the_page, np.array([0.5, 2.0]), method=method)
    assert_array_equal(np.round(diagonal.value, 6), [-0.479426, 2.0])
    assert diagonal.value.shape == (2,)


@pytest.mark.parametrize("method", METHODS)
def test_a_vector_gives_one_block_for_each_component_as_on_the_page(method: str) -> None:
    hessian = finite_difference.hessian(two_components, np.array([0.5, 2.0]), method=method)
    assert hessian.value.shape == (2, 2, 2)
    assert_allclose(hessian.value[0], [[-np.sin(0.5), 0.0], [0.0, 0.0]], atol=1e-7)
    assert_allclose(hessian.value[1], [[0.0, 1.0], [1.0, 2.0]], atol=1e-7)


def test_ridders_with_workers_and_a_given_step_prints_the_numbers_of_the_page() -> None:
    hessian = finite_difference.hessian(
        on_the_page, np.array([0.5, 2.0]), method="ridders", workers=2, step=1e-2, levels=4
    )
    assert_array_equal(np.round(hessian.value, 6), PRINTED)


# ---------------------------------------------------------------- shapes, symmetry, calls


def shaped(shape: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """Polynomials of degree 3 in three coordinates, as many as the shape asks for."""
    scale = np.arange(1.0, 1.0 + np.prod(shape, dtype=int)).reshape(shape)
    return lambda x: scale * (x[0] ** 3 + x[0] * x[1] * x[2] - 2 * x[1] ** 2)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (1, 2, 1)])
def test_derivatives_have_the_shape_of_the_output_and_then_of_x(shape: tuple[int, ...], method: str) -> None:
    f, x = shaped(shape), np.array([0.7, -1.1, 0.4])
    scale = np.arange(1.0, 1.0 + np.prod(shape, dtype=int)).reshape(shape)
    g = np.array([3 * x[0] ** 2 + x[1] * x[2], x[0] * x[2] - 4 * x[1], x[0] * x[1]])
    H = np.array([[6 * x[0], x[2], x[1]], [x[2], -4, x[0]], [x[1], x[0], 0]])
    expected = {"gradient": g, "jacobian": g, "hessian_diagonal": np.diag(H), "hessian": H}
    for name, derivative in expected.items():
        estimate = getattr(finite_difference, name)(f, x, method=method)
        exact = np.multiply.outer(scale, derivative)
        assert estimate.value.shape == estimate.error.shape == exact.shape
        assert (np.abs(estimate.value - exact) <= estimate.error).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_hessian_from_a_gradient_of_several_functions(method: str) -> None:
    def g(x: np.ndarray) -> np.ndarray:
        return np.stack([np.array([3 * x[0] ** 2, 0 * x[1]]), np.exp(x[0] * x[1]) * x[::-1]])

    x = np.array([0.6, 1.2])
    e = np.exp(x[0] * x[1])
    exact = np.array(
        [[[6 * x[0], 0], [0, 0]], e * np.array([[x[1] ** 2, 1 + x[0] * x[1]], [1 + x[0] * x[1], x[0] ** 2]])]
    )
    estimate = finite_difference.hessian_from_gradient(g, x, method=method)
    assert estimate.value.shape == (2, 2, 2)
    assert_array_equal(estimate.value, np.swapaxes(estimate.value, 1, 2))
    assert (np.abs(estimate.value - exact) <= estimate.error).all()


@pytest.mark.parametrize("p", [1, 2, 5])
@pytest.mark.parametrize(
    ("name", "method", "calls"),
    [
        ("gradient", "central", lambda p: 4 * p + 7),
        ("gradient", "ridders", lambda p: 14 * p + 1),
        ("gradient", "complex_step", lambda p: 2 * p + 7),
        ("hessian_diagonal", "central", lambda p: 4 * p + 7),
        ("hessian_diagonal", "ridders", lambda p: 14 * p + 1),
        ("hessian_diagonal", "complex_step", lambda p: 9 * p + 8),
        ("hessian", "central", lambda p: 2 * p * p + 2 * p + 7),
        ("hessian", "ridders", lambda p: 7 * p * (p + 1) + 1),
        ("hessian", "complex_step", lambda p: 4 * p * (p + 1) + p + 8),
    ],
)
def test_a_well_scaled_function_costs_what_the_documentation_says(
    name: str, method: str, calls: Callable[[int], int], p: int
) -> None:
    # step given: nothing is searched for; the complex step of a first derivative has none
    step = {} if (name, method) == ("gradient", "complex_step") else {"step": 0.01}
    estimate = getattr(finite_difference, name)(lambda x: np.exp(x).sum() ** 2, np.ones(p), method=method, **step)
    assert estimate.calls == calls(p)


def test_the_diagonal_evaluates_no_mixed_differences() -> None:
    f = Counted()
    finite_difference.hessian_diagonal(f, W, method="ridders")
    assert max(np.count_nonzero(point != W) for point in f.points) == 1


def test_the_hessian_evaluates_each_pair_once_and_each_point_once() -> None:
    f = Counted()
    finite_difference.hessian(f, W, method="ridders")
    assert len({point.tobytes() for point in f.points}) == len(f.points)
    moved = [tuple(np.flatnonzero(point != W)) for point in f.points]
    pairs = [pair for pair in moved if len(pair) == 2]
    assert len(pairs) == 2 * 7 * 78
    assert set(pairs) == {(i, j) for j in range(13) for i in range(j)}


# ---------------------------------------------------------------- precision


@pytest.mark.parametrize("method", METHODS)
def test_float32_stays_float32_and_its_bound_knows(method: str) -> None:
    x = np.array([0.6, 1.7], dtype=np.float32)

    def f(y: np.ndarray) -> np.ndarray:
        assert y.dtype in (np.float32, np.complex64)
        return np.sin(y[0]) * y[1] ** 2

    u, v = x.astype(np.float64)
    exact = np.array([[-np.sin(u) * v**2, 2 * v * np.cos(u)], [2 * v * np.cos(u), 2 * np.sin(u)]])
    H = finite_difference.hessian(f, x, method=method)
    g = finite_difference.gradient(f, x, method=method)
    assert H.value.dtype == H.error.dtype == g.value.dtype == np.float32
    assert (np.abs(H.value - exact) <= H.error).all()
    assert H.error.max() < 0.2
    assert (np.abs(g.value - [np.cos(u) * v**2, 2 * v * np.sin(u)]) <= g.error).all()
    assert g.error.max() < 1e-2


def test_a_function_that_returns_float32_is_not_trusted_beyond_it() -> None:
    estimate = finite_difference.gradient(lambda x: np.float32(np.exp(x[0])), [1.0])
    assert 1e-9 < abs(estimate.value[0] - np.e) <= estimate.error[0] < 1e-2


def test_integers_in_a_list_are_numbers_and_values_may_be_integers_or_booleans() -> None:
    assert finite_difference.gradient(lambda x: x[0] ** 2, [3]).value == pytest.approx([6])
    assert_array_equal(finite_difference.gradient(lambda x: 7, [3.0]).value, [0.0])
    assert_array_equal(finite_difference.gradient(lambda x: [True, False], [3.0]).value, [[0.0], [0.0]])


# ---------------------------------------------------------------- complex step


@pytest.mark.parametrize(
    "f",
    [
        lambda z: np.abs(z[0]) * z[1],
        lambda z: np.conj(z[0]) * z[1],
        lambda z: z[0].real * z[1],
        lambda z: (z[0] * np.conj(z[0])).real + z[1],
    ],
    ids=["abs", "conj", "real part", "modulus"],
)
@pytest.mark.parametrize("name", KINDS)
def test_a_function_that_is_not_analytic_is_refused(f: Callable[[np.ndarray], Any], name: str) -> None:
    with pytest.raises(ValueError, match="f is not complex-analytic"):
        getattr(finite_difference, name)(f, [0.7, 1.3], method="complex_step")


def test_a_function_that_takes_no_complex_numbers_is_refused() -> None:
    import math

    with pytest.raises(ValueError, match="f fails for complex arguments"):
        finite_difference.gradient(lambda z: math.sin(z[0]), [0.7], method="complex_step")


def test_a_relu_is_analytic_where_it_is_smooth() -> None:
    estimate = finite_difference.gradient(lambda z: np.maximum(z, 0).sum(), [0.7, -1.3], method="complex_step")
    assert_array_equal(estimate.value, [1.0, 0.0])


def test_the_imaginary_step_is_below_all_rounding_and_above_underflow() -> None:
    for dtype in (np.float32, np.float64):
        x = np.array([1e-12, 0.0, 1e12], dtype=dtype)
        h = complex_step.tiny(x)
        size = np.where(x == 0, 1, np.abs(x))
        assert ((h / size) ** 2 < np.finfo(dtype).eps).all()
        assert (h**2 > np.finfo(dtype).tiny).all() if dtype == np.float64 else (h > np.finfo(dtype).tiny).all()


# ---------------------------------------------------------------- workers


def exponential_sum(x: np.ndarray) -> np.ndarray:
    return np.array([np.exp(x).sum(), x[0] * x[-1]])


def fails_away_from_one(x: np.ndarray) -> float:
    if x[0] != 1:
        raise RuntimeError("only at one")
    return 1.0


@pytest.mark.parametrize("method", METHODS)
def test_workers_change_nothing_but_the_processes(method: str) -> None:
    x = np.array([0.3, 1.1])
    alone, together = (
        finite_difference.hessian(exponential_sum, x, method=method, step=0.01, workers=n) for n in (1, 2)
    )
    assert_array_equal(alone.value, together.value)
    assert_array_equal(alone.error, together.error)
    assert alone.calls == together.calls


def test_an_error_inside_a_worker_is_the_functions_own() -> None:
    with pytest.raises(RuntimeError, match="only at one"):
        finite_difference.gradient(fails_away_from_one, [1.0], workers=2)


def test_functions_that_cannot_be_pickled_are_named() -> None:
    with pytest.raises(ValueError, match=r"cannot be pickled .*; workers=2 sends f to other processes"):
        finite_difference.gradient(lambda x: x[0], [1.0], workers=2)


def test_functions_of_an_interactive_session_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def f(x: np.ndarray) -> float:
        return float(x[0])

    f.__module__ = "__main__"
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    with pytest.raises(ValueError, match="defined in an interactive session"):
        finite_difference.gradient(f, [1.0], workers=2)


# ---------------------------------------------------------------- bad input


def growing(x: np.ndarray, seen: list[int] = []) -> list[float]:  # noqa: B006  # counts its calls
    seen.append(0)
    return [1.0] * len(seen)


@pytest.mark.parametrize(
    ("f", "x", "options", "message"),
    [
        (3, [1.0], {}, r"f is 3; it must be a function"),
        (np.sum, 1.0, {}, r"x has shape \(\); it must be one-dimensional"),
        (np.sum, [[1.0]], {}, r"x has dtype|x has shape \(1, 1\)"),
        (np.sum, np.ones((2, 2)), {}, r"x has shape \(2, 2\); it must be one-dimensional"),
        (np.sum, np.ones(0), {}, r"x has shape \(0,\); it must be .* with at least one entry"),
        (np.sum, np.array([1, 2]), {}, r"x has dtype int64; it must be float32 or float64"),
        (np.sum, np.array([1j]), {}, r"x has dtype complex128"),
        (np.sum, ["a"], {}, r"x has dtype <U1"),
        (np.sum, [1.0, np.nan], {}, r"x\[1\] is nan; every entry must be finite"),
        (np.sum, [1.0], {"method": "forward"}, r"method is 'forward'; it must be one of 'central', 'ridders'"),
        (np.sum, [1.0], {"workers": 0}, r"workers is 0; it must be a positive integer"),
        (np.sum, [1.0], {"workers": True}, r"workers is True"),
        (np.sum, [1.0], {"levels": 1}, r"levels is 1; it must be an integer of at least 2"),
        (np.sum, [1.0], {"step": -1.0}, r"step is -1.0; it must be positive and finite"),
        (np.sum, [1.0], {"step": [1.0, 2.0]}, r"step has shape \(2,\); it must be one number or have the shape \(1,\)"),
        (np.sum, [1e6], {"step": 1e-9}, r"step is 1e-09 where x\[0\] is 1e\+06; that is too few units"),
        (np.sum, [1.0], {"noise": -1.0}, r"noise is -1.0; it must be a relative accuracy"),
        (lambda x: np.inf, [1.0], {}, r"f\(x\) is inf; f must be finite at x"),
        (lambda x: 0 if x[0] == 1 else np.nan, [1.0], {}, r"f is not finite near x: .* along coordinate 0"),
        (lambda x: "text", [1.0], {}, r"f returned str of dtype <U4; it must return numbers"),
        (lambda x: 1j * x[0], [1.0], {}, r"f\(x\) is complex at a real x"),
        (growing, [1.0], {}, r"f returned shape \(1,\) first and \(2,\) later"),
    ],
)
@pytest.mark.parametrize("name", ["gradient", "hessian"])
@pytest.mark.usefixtures("as_installed")
def test_bad_input_is_named(name: str, f: Any, x: Any, options: dict[str, Any], message: str) -> None:
    if f is growing:
        growing.__defaults__[0].clear()
    with pytest.raises(ValueError, match=message):
        getattr(finite_difference, name)(f, x, **options)


def test_a_pair_without_finite_values_is_named() -> None:
    def f(x: np.ndarray) -> float:
        return np.nan if np.count_nonzero(x) == 2 and abs(x[0]) > 1e-7 else float(x.sum())

    with pytest.raises(ValueError, match="along coordinates 0 and 1"):
        finite_difference.hessian(f, [0.0, 0.0])


@pytest.mark.parametrize("option", [{"step": 0.1}, {"levels": 3}])
def test_options_that_a_method_does_not_have_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the complex step of a first derivative has neither"):
        finite_difference.gradient(np.sum, [1.0], method="complex_step", **option)


def test_what_is_no_gradient_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"g returned shape \(3,\); a gradient at x of shape \(2,\) must end in \(2,\)"
    ):
        finite_difference.hessian_from_gradient(lambda x: [x[0], x[1], 0.0], [1.0, 2.0])
    with pytest.raises(
        ValueError, match=r"g is not the gradient of anything: its Jacobian has 1 at \(0, 1\) and -1 at"
    ):
        finite_difference.hessian_from_gradient(lambda x: [x[1], -x[0]], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"f\(x\+ih\)|f\(x \+ ih\) is not finite along coordinate 1"):
        finite_difference.gradient(
            lambda z: z[0] if np.isreal(z[1]) else np.nan * z[0], [1.0, 2.0], method="complex_step"
        )


# ---------------------------------------------------------------- imports


def test_importing_the_module_brings_in_nothing_heavy() -> None:
    code = (
        "import sys, hesslib.finite_difference; "
        "heavy = {'scipy', 'jax', 'torch', 'sympy', 'mpmath', 'concurrent.futures.process'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
