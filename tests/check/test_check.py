"""The checker itself: referees and their quarrels, what cannot be told, samples, reports, refusals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import Case
from planted_mistakes import PANEL

import hesslib
from hesslib import Network, check
from hesslib.check.case import LARGEST
from hesslib.check.constants import names as names_of_constants
from hesslib.check.views import ENOUGH, multiple
from hesslib.convert import from_jax

CASE = PANEL[0]
PROBLEM = CASE.net, CASE.x, CASE.t
QUIET: dict[str, Any] = {"progress": False}


def cubic(x: Any) -> Any:
    """A function of three numbers in the arithmetic of any library, and its derivatives below."""
    return x[0] ** 3 * x[1] + x[1] * x[2] ** 2 + 2 * x[0] * x[2]


POINT = np.array([0.7, -1.2, 0.5])


def cubic_gradient(x: np.ndarray) -> np.ndarray:
    return np.array([3 * x[0] ** 2 * x[1] + 2 * x[2], x[0] ** 3 + x[2] ** 2, 2 * x[1] * x[2] + 2 * x[0]])


def cubic_hessian(x: np.ndarray) -> np.ndarray:
    return np.array([[6 * x[0] * x[1], 3 * x[0] ** 2, 2.0], [3 * x[0] ** 2, 0.0, 2 * x[2]], [2.0, 2 * x[2], 2 * x[1]]])


def in_library(array: np.ndarray, library: str) -> Any:
    if library == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
        return jax.numpy.asarray(array)
    if library == "torch":
        return pytest.importorskip("torch").from_numpy(array)
    return array


# --- Referees


@pytest.mark.parametrize("library", ["numpy", "jax", "torch"])
def test_a_function_of_each_library_is_refereed_by_all_that_apply(library: str) -> None:
    x = in_library(POINT, library)
    v = np.array([1.0, 2.0, -1.0])
    expected = {
        "gradient": cubic_gradient(POINT),
        "hessian": cubic_hessian(POINT),
        "hessian_diagonal": np.diag(cubic_hessian(POINT)),
        "laplacian": np.trace(cubic_hessian(POINT)),
    }
    for quantity, value in expected.items():
        report = getattr(check, quantity)(cubic, x, in_library(np.array(value), library), **QUIET)
        assert report.ok, report
        families = [referee.name.split(",")[0] for referee in report.referees]
        tool = {"numpy": "complex step", "jax": "JAX", "torch": "PyTorch"}[library]
        assert tool in families
        assert "finite differences" in families
        assert families.count(tool) == (1 if library == "numpy" else 2)
        assert not check.__dict__[quantity](cubic, x, value + 1, **QUIET)
    assert check.hessian_vector_product(cubic, x, in_library(v, library), cubic_hessian(POINT) @ v, **QUIET)


@pytest.mark.parametrize("library", ["numpy", "jax", "torch"])
def test_jacobians_and_gauss_newton_matrices_of_functions(library: str) -> None:
    A = np.array([[1.0, 2.0, 0.5], [3.0, -1.0, 1.0]])

    def model(x: Any) -> Any:
        return (in_library(A, library) @ x) ** 2

    def loss(y: Any) -> Any:
        return (y**3).sum()

    J = 2 * (A @ POINT)[:, None] * A
    M = np.diag(6 * (A @ POINT) ** 2)
    x = in_library(POINT, library)
    assert check.jacobian(model, x, J, **QUIET)
    assert check.gauss_newton((model, loss), x, J.T @ M @ J, **QUIET)
    report = check.gauss_newton((model, loss), x, J.T @ J, **QUIET)
    assert report.verdict == "wrong"
    transposed = check.jacobian(model, x, J.T, **QUIET)
    assert transposed.kinds == ("transposed",)
    assert not transposed.ok
    assert check.jacobian(model, x, 2 * J.T, **QUIET).kinds == ("transposed", "constant-factor")


@pytest.mark.usefixtures("as_installed")
def test_a_network_has_all_three_families_of_referees() -> None:
    report = check.hessian(PROBLEM, CASE.w, lambda w: hesslib.hessian(CASE.net, w, CASE.x, CASE.t), **QUIET)
    assert report.ok
    assert len(report.referees) == 4
    assert report.agreement.startswith("4 referees agree")


@pytest.mark.parametrize("quantity", ["gradient", "hessian_diagonal", "gauss_newton", "jacobian"])
def test_each_quantity_of_a_network_is_right_for_all_referees(quantity: str) -> None:
    if quantity == "jacobian":
        report = check.jacobian(PROBLEM[:2], CASE.w, hesslib.output_jacobian(CASE.net, CASE.w, CASE.x), **QUIET)
    else:
        claimed = getattr(hesslib, quantity)(CASE.net, CASE.w, CASE.x, CASE.t, reduction="mean")
        report = getattr(check, quantity)(PROBLEM, CASE.w, claimed, reduction="mean", **QUIET)
    assert report.ok, report
    assert len(report.referees) == 4


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
def test_a_wrong_derivative_rule_of_the_function_splits_the_bench(scale: float) -> None:
    """The library's own rule is wrong: its two modes agree with each other and not with the values, at any scale."""
    import jax

    @jax.custom_jvp
    def square(x: Any) -> Any:
        return x**2

    square.defjvp(lambda primals, tangents: (primals[0] ** 2, 3 * primals[0] * tangents[0]))

    def f(x: Any) -> Any:
        return scale * square(x).sum()

    x = in_library(POINT, "jax")
    for claimed in (2 * scale * POINT, 3 * scale * POINT):
        report = check.gradient(f, x, claimed, **QUIET)
        assert report.verdict == "cannot tell"
        assert "contradict each other" in report.agreement
    assert check.gradient(f, x, 5 * scale * POINT, **QUIET).verdict == "wrong"  # nobody supports that


@pytest.mark.parametrize("widths", [(2, 3, 1), (1, 2, 1), (3, 4, 1), (2, 5, 1), (4, 2, 1)], ids=str)
def test_a_kink_of_a_network_is_named(widths: tuple[int, ...]) -> None:
    net = Network(widths, activation="relu")
    rng = np.random.default_rng(0)
    w, x = rng.standard_normal(net.num_parameters), rng.standard_normal((4, widths[0]))
    t = rng.standard_normal((4, 1))
    w[net.bias_slice(1).start] = 0
    W, _ = net.unravel(w)
    w[net.bias_slice(1).start] = -float(W[0][0] @ x[1])  # a[1][1, 0] = 0 but for rounding
    right = hesslib.gradient(net, w, x, t)
    assert check.gradient((net, x, t), w, right, **QUIET).verdict != "wrong"
    a = hesslib.forward(net, w, x).a[1][1, 0]
    assert abs(a) < 1e-12
    other = right + (1 if a <= 0 else -1) * side(net, w, x, t)
    wrong = check.gradient((net, x, t), w, other, referees=["closed form"], **QUIET)
    assert wrong.kinds == ("kink",), wrong
    assert "a[1][1, 0]" in wrong.diagnoses[0].says


def side(net: Network, w: np.ndarray, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """What unit 1 of layer 1 adds to the gradient for pattern 2, if its slope is 1."""
    W, _ = net.unravel(w)
    delta = float((hesslib.outputs(net, w, x) - t)[1, 0] * W[1][0, 0])
    g = np.zeros_like(w)
    g[: net.widths[0]] = delta * x[1]
    g[net.bias_slice(1).start] = delta
    return g


@pytest.mark.parametrize("place", range(5))
def test_a_kink_of_a_function_is_named_on_five_functions(place: int) -> None:
    x = np.random.default_rng(place).standard_normal(place + 2)
    x[place // 2] = 0.0

    def f(x: np.ndarray) -> float:
        return float(np.abs(x).sum() + (x**2).sum())

    claimed = np.sign(x) + 2 * x
    claimed[place // 2] = 1.0  # one of the two slopes
    report = check.gradient(f, x, claimed, referees=["finite differences"], **QUIET)
    assert report.kinds == ("kink",), report


def test_values_too_noisy_to_judge_by_are_said_to_be() -> None:
    rng = np.random.default_rng(0)
    report = check.gradient(
        lambda x: float((x**2).sum() + 1e-3 * rng.standard_normal()), POINT, 2 * POINT, referees=["finite differences"]
    )
    assert report.verdict == "cannot tell" or not report.referees
    with pytest.raises(check.DerivativeError):
        report.raise_for_error()


def test_no_referee_is_an_answer_too() -> None:
    report = check.gradient(lambda x: float(abs(x[0])), np.array([1.0]), np.array([1.0]), referees=["closed form"])
    assert (report.verdict, report.referees) == ("cannot tell", ())


def test_a_function_that_cannot_be_traced_is_left_to_its_values() -> None:
    def f(x: Any) -> Any:
        import jax.numpy as jnp

        return jnp.asarray(float(x[0]) ** 2 + float(x[1]))

    report = check.gradient(f, in_library(np.array([2.0, 1.0]), "jax"), np.array([4.0, 1.0]), **QUIET)
    assert report.ok
    assert len(report.declined) == 2


def test_a_function_that_branches_on_values_is_differentiated_without_jit() -> None:
    def f(x: Any) -> Any:
        return (x**2).sum() if float(x[0]) > 0 else x.sum()

    report = check.gradient(f, in_library(np.array([2.0, 1.0]), "jax"), np.array([4.0, 2.0]), **QUIET)
    assert report.ok, report


def test_a_function_of_single_precision_earns_a_tolerance_of_single_precision() -> None:
    torch = pytest.importorskip("torch")
    A = torch.tensor([[2.0, 1.0], [0.5, 3.0]])  # float32: the product with float64 is refused by PyTorch

    def f(x: Any) -> Any:
        return ((A @ x) ** 2).sum()

    x = torch.tensor([1.0, -2.0])
    claimed = 2 * A.T @ (A @ x)
    report = check.gradient(f, x, claimed, **QUIET)
    assert report.ok, report
    assert 1e-8 < report.tolerance < 1e-2
    assert not check.gradient(f, x, 1.01 * claimed, **QUIET)


def test_zero_is_right_where_the_derivative_is_zero() -> None:
    assert check.hessian(lambda x: (3 * x).sum(), POINT, np.zeros((3, 3)), **QUIET)
    assert not check.hessian(lambda x: (3 * x).sum(), POINT, np.eye(3), **QUIET)


# --- What referees must not claim to know


def quadratic_form(k: float) -> tuple[Any, np.ndarray]:
    """Of two coordinates whose scales differ by k, and its Hessian."""
    H = np.array([[1.0, k / 4], [k / 4, k * k]])
    return lambda x: 0.5 * x @ H @ x, H


@pytest.mark.parametrize("k", [1e4, 1e8])
def test_entries_are_judged_by_their_own_scale(k: float) -> None:
    f, H = quadratic_form(k)
    assert check.hessian(f, np.ones(2), H, **QUIET)
    wrong = H.copy()
    wrong[0, 0] = 100.0
    assert check.hessian(f, np.ones(2), wrong, **QUIET).verdict == "wrong"


def test_a_small_slope_beside_a_large_one_is_judged_by_itself() -> None:
    x = np.array([0.5, 0.7])

    def f(x: np.ndarray) -> Any:
        return 1e13 * x[0] ** 2 + np.sin(x[1])

    assert check.gradient(f, x, np.array([1e13, np.cos(0.7)]), **QUIET)
    assert check.gradient(f, x, np.array([1e13, -np.cos(0.7)]), **QUIET).verdict == "wrong"


@pytest.mark.parametrize("f", [np.linalg.norm, lambda x: np.abs(x).sum(), lambda x: np.maximum(x, 0).sum()])
def test_nothing_is_right_at_a_kink(f: Any) -> None:
    for claimed, quantity in ((np.zeros(2), "gradient"), (np.zeros((2, 2)), "hessian")):
        report = getattr(check, quantity)(f, np.zeros(2), claimed, **QUIET)
        assert report.verdict == "cannot tell"
        assert report.kinds == ("kink",)
        assert not report


def test_derivatives_that_vanish_by_cancellation_are_right() -> None:
    rng = np.random.default_rng(0)
    A, b = rng.standard_normal((20, 5)), rng.standard_normal(20)
    best = np.linalg.lstsq(A, b, rcond=None)[0]
    assert check.gradient(lambda x: ((A @ x - b) ** 2).sum(), best, 2 * A.T @ (A @ best - b), **QUIET)
    assert not check.gradient(lambda x: ((A @ x - b) ** 2).sum(), best, np.full(5, 1e-4), **QUIET)
    x = np.array([0.3, 0.7])
    for rounding in (0.0, 1e-15):
        assert check.laplacian(lambda x: np.log((x**2).sum()), x, np.array(rounding), **QUIET)
        assert check.gradient(lambda x: (np.sin(x) ** 2 + np.cos(x) ** 2).sum(), x, np.full(2, rounding / 8), **QUIET)
    assert not check.laplacian(lambda x: np.log((x**2).sum()), x, np.array(1e-3), **QUIET)


def test_a_function_that_overwrites_its_argument_changes_nothing_of_the_callers() -> None:
    def f(x: np.ndarray) -> Any:
        x *= 2
        return (x**2).sum()

    x = np.array([1.0, 2.0, 3.0])
    assert check.gradient(f, x, 8 * x, **QUIET)
    np.testing.assert_array_equal(x, [1.0, 2.0, 3.0])


def test_a_random_function_is_named_and_not_checked() -> None:
    rng = np.random.default_rng(0)
    report = check.gradient(lambda x: (x**2).sum() * rng.uniform(), POINT, 2 * POINT, **QUIET)
    assert report.verdict == "cannot tell"
    assert report.kinds == ("random-function",)


def stopped_iteration(x: np.ndarray) -> float:
    """The sum of square roots, to about nine digits."""
    total = 0.0
    for a in x:
        y, before = 1.0, 0.0
        while abs(y - before) >= 1e-9:
            y, before = y - 0.3 * (y * y - a) / (2 * y), y
        total += y
    return total


def test_an_iteration_that_stops_early_is_named_and_its_right_gradient_is_not_wrong() -> None:
    x = np.array([2.0, 3.0, 5.0])
    report = check.gradient(stopped_iteration, x, 0.5 / np.sqrt(x), **QUIET)
    assert report.ok, report
    assert report.kinds == ("inexact-function",)
    assert check.gradient(stopped_iteration, x, 0.5 / np.sqrt(x), noise=1e-8, **QUIET)
    assert check.gradient(stopped_iteration, x, 0.51 / np.sqrt(x), **QUIET).verdict == "wrong"


@pytest.mark.parametrize("seed", [0, 5])
def test_the_gradient_of_a_relu_network_in_single_precision_is_right(seed: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    X, t = (torch.from_numpy(rng.standard_normal(shape).astype(np.float32)) for shape in ((32, 4), (32, 3)))

    def f(w: Any) -> Any:
        hidden = torch.relu(X @ w[:32].reshape(4, 8) + w[32:40])
        return ((hidden @ w[40:64].reshape(8, 3) + w[64:67] - t) ** 2).mean()

    w = torch.from_numpy((0.5 * rng.standard_normal(67)).astype(np.float32)).requires_grad_()
    (g,) = torch.autograd.grad(f(w), w)
    w = w.detach()
    report = check.gradient(f, w, g, **QUIET)
    assert report.ok, report
    g[g.abs().argmax()] *= 1.03
    assert check.gradient(f, w, g, **QUIET).verdict == "wrong"


def test_all_zero_is_called_that() -> None:
    assert check.gradient(cubic, POINT, np.zeros(3), **QUIET).kinds == ("all-zero",)
    assert check.gradient(PROBLEM, CASE.w, np.zeros_like(CASE.w), **QUIET).kinds == ("all-zero",)


def test_a_nearly_singular_hessian_makes_nothing_its_inverse() -> None:
    H = np.array([[1.0, 1.0], [1.0, 1.0 + 1e-11]])
    report = check.hessian(lambda x: 0.5 * x @ H @ x, np.ones(2), np.array([[3.0, 1.0], [1.0, 7.0]]), **QUIET)
    assert report.verdict == "wrong"
    assert "inverse" not in report.kinds


def test_lines_and_verdict_use_one_measure() -> None:
    for claimed in (cubic_gradient(POINT), 1.001 * cubic_gradient(POINT)):
        report = check.gradient(cubic, POINT, claimed, **QUIET)
        assert all(referee.passed for referee in report.referees if referee.trusted) == report.ok


# --- Laplacian

LAPLACIANS = [
    Case((d, 4, 3, k), ("tanh", "sin"), "squared_error", N=4) for d, k in ((2, 1), (3, 2), (4, 1), (2, 3), (5, 2))
]


@pytest.mark.parametrize("case", LAPLACIANS, ids=lambda case: case.id)
def test_mistakes_of_laplacians_are_named(case: Case) -> None:
    f, x = (case.net, case.w), case.x
    H = hesslib.input_hessian(case.net, case.w, x)
    J = hesslib.input_jacobian(case.net, case.w, x)
    right = np.trace(H, axis1=2, axis2=3)
    assert check.laplacian(f, x, right, **QUIET)
    for claimed, kind in (
        (H.sum(axis=(2, 3)), "row-sums"),
        ((J**2).sum(axis=2), "squared-gradient"),
        (right - H[:, :, 1, 1], "coordinate-left-out"),
        (right / case.widths[0], "constant-factor"),
        (without_second(case, 2), "missing-second-derivative"),
    ):
        report = check.laplacian(f, x, claimed, **QUIET)
        assert report.kinds == (kind,), report


def without_second(case: Case, layer: int) -> np.ndarray:
    """The Laplacian without h'' of a hidden layer, by a forward sweep."""
    W, b = case.net.unravel(case.w)
    z, dz, d2z = case.x, np.stack([np.eye(case.widths[0])] * case.N), np.zeros((case.N, case.widths[0]))
    for l in range(1, case.net.L + 1):
        a, da, d2a = z @ W[l - 1].T + b[l - 1], dz @ W[l - 1].T, d2z @ W[l - 1].T
        if l == case.net.L:
            return d2a
        h = case.net.activation[l - 1]
        d2z = h.first(a) * d2a + (0 if l == layer else 1) * h.second(a) * (da**2).sum(axis=1)
        z, dz = h(a), h.first(a)[:, None, :] * da
    raise AssertionError


# --- Functions without a network: five of them, and mistakes about their matrices


def functions() -> list[Any]:
    rng = np.random.default_rng(3)
    made = []
    for p in (3, 4, 5, 6, 7):
        A, x = rng.standard_normal((p, p)), rng.standard_normal(p)

        def f(x: np.ndarray, A: np.ndarray = A) -> Any:
            return np.sin(A @ x).sum() + (x**3).sum()

        H = -A.T @ np.diag(np.sin(A @ x)) @ A + np.diag(6 * x)
        g = A.T @ np.cos(A @ x) + 3 * x**2
        made.append(pytest.param(f, x, g, H, id=f"p={p}"))
    return made


@pytest.mark.parametrize(("f", "x", "g", "H"), functions())
def test_mistakes_about_functions_are_named(f: Any, x: np.ndarray, g: np.ndarray, H: np.ndarray) -> None:
    assert check.gradient(f, x, g, **QUIET)
    assert check.hessian(f, x, H, **QUIET)
    for claimed, kinds in (
        (2 * H, ("constant-factor",)),
        (-H, ("wrong-sign",)),
        (np.diag(np.diag(H)), ("diagonal-only",)),
        (np.tril(H), ("one-triangle",)),
        (H + np.diag(np.diag(H)), ("diagonal-doubled",)),
        (np.outer(g, g), ("outer-product",)),
        (np.linalg.inv(H), ("inverse",)),
        (H + np.eye(len(x)), ("penalty",)),
    ):
        report = check.hessian(f, x, claimed, **QUIET)
        assert report.kinds == kinds, report
    assert check.hessian_diagonal(f, x, H.sum(axis=1), **QUIET).kinds == ("row-sums",)


@pytest.mark.parametrize("p", [2, 3, 4, 5, 6])
def test_mistakes_about_square_jacobians_are_named(p: int) -> None:
    rng = np.random.default_rng(p)
    A, x = rng.standard_normal((p, p)), rng.standard_normal(p)
    J = np.cos(A @ x)[:, None] * A
    for claimed, kinds in (
        (J.T, ("transposed",)),
        ((J + J.T) / 2, ("symmetric-part",)),
        (-2 * J, ("wrong-sign", "constant-factor")),
    ):
        report = check.jacobian(lambda x: np.sin(A @ x), x, claimed, **QUIET)
        assert report.kinds == kinds, report


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (2, 2), (4, 3), (3, 5)])
def test_a_matrix_laid_out_column_by_column_is_named(shape: tuple[int, int]) -> None:
    X = np.random.default_rng(5).standard_normal(shape)
    claimed = (3 * X**2).T.reshape(shape)
    report = check.gradient(lambda X: (X**3).sum(), X, claimed, **QUIET)
    assert report.kinds == ("column-major",), report
    assert check.gradient(lambda X: (X**3).sum(), X, 3 * X**2, **QUIET)


@pytest.mark.parametrize("widths", [(2, 3, 1), (3, 4, 2), (2, 2, 3), (2, 3, 4, 2), (4, 2, 3, 1)], ids=str)
def test_the_order_of_hesslib_is_named_where_that_of_flax_was_asked_for(widths: tuple[int, ...]) -> None:
    rng = np.random.default_rng(4)
    params = {
        f"Dense_{l}": {"kernel": rng.standard_normal((n, m)), "bias": rng.standard_normal(m)}
        for l, (n, m) in enumerate(pairwise(widths))
    }
    here = from_jax(params, activation="tanh", loss="squared_error")
    x, t = rng.standard_normal((5, widths[0])), rng.standard_normal((5, widths[-1]))
    ours = hesslib.gradient(here.net, here.w, x, t)
    assert check.gradient(here.on(x, t), here.point, here.order.from_hesslib(ours), **QUIET)
    assert check.gradient(here.on(x, t), here.point, ours, referees=["closed form"]).kinds == ("other-order",)


# --- Samples


@pytest.mark.usefixtures("as_installed")
def test_a_large_problem_is_seen_through_random_directions_and_says_what_that_may_miss() -> None:
    p = 150
    A = np.random.default_rng(0).standard_normal((p, p)) / p

    def f(x: np.ndarray) -> Any:
        return np.sin(A @ x).sum()

    x = np.random.default_rng(1).standard_normal(p)
    H = -A.T @ np.diag(np.sin(A @ x)) @ A
    options = {"referees": ["finite differences"], "budget": 3000, **QUIET}
    report = check.hessian(f, x, H, **options)
    assert report.ok, report
    assert "random directions" in report.sampling
    wrong = H.copy()
    wrong[40, 90] += 0.1
    assert check.hessian(f, x, wrong, **options).verdict == "wrong"
    assert check.hessian(f, x, 2 * H, **options).kinds == ("constant-factor",)
    g = A.T @ np.cos(A @ x)
    assert check.gradient(f, x, g, referees=["finite differences"], budget=400, **QUIET).sampling
    d = check.hessian_diagonal(f, x, np.diag(H), referees=["finite differences"], budget=400, **QUIET)
    assert d.verdict == "right in the sample"
    assert not d
    assert "one wrong entry is missed with probability" in d.sampling
    v = np.ones(p)
    product = check.hessian_vector_product(f, x, v, H @ v, referees=["finite differences"], budget=2000, **QUIET)
    assert product.ok, product
    assert not check.hessian_vector_product(f, x, v, g, referees=["finite differences"], budget=2000, **QUIET)


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_automatic_differentiation_looks_through_directions_where_the_budget_ends(library: str) -> None:
    x = in_library(np.linspace(0.1, 1, 30), library)
    options = {"referees": ["autodiff"], "budget": 100, **QUIET}
    H = np.diag(6 * np.linspace(0.1, 1, 30))
    report = check.hessian(lambda x: (x**3).sum(), x, H, **options)
    assert report.ok, report
    assert "random directions" in report.sampling
    assert check.hessian_diagonal(lambda x: (x**3).sum(), x, np.diag(H), **options).verdict == "right in the sample"
    assert check.jacobian(lambda x: x**2, x, np.diag(2 * np.linspace(0.1, 1, 30)), **options)
    assert check.gradient(lambda x: (x**3).sum(), x, 3 * np.linspace(0.1, 1, 30) ** 2, **(options | {"budget": 50}))


def test_the_stated_probability_of_missing_an_error_is_that_of_trials() -> None:
    """The share of trials in which directions miss an error of the stated size is below what is stated."""
    rng = np.random.default_rng(0)
    trials = 200_000
    one_sided = np.abs(rng.standard_normal((trials, 4))) * multiple(1, 4)
    assert np.mean((one_sided <= 1).all(axis=1)) < ENOUGH
    products = np.abs(rng.standard_normal((trials, 2)) * rng.standard_normal((trials, 2))) * multiple(2, 4)
    assert np.mean((products <= 1).all(axis=1)) < ENOUGH


def test_the_same_seed_gives_the_same_report() -> None:
    def report(seed: int) -> str:
        x = np.linspace(0.1, 1, 40)
        return check.gradient(
            lambda x: (x**3).sum(), x, 3 * x**2, budget=150, referees=["finite differences"], seed=seed, **QUIET
        ).to_json()

    assert report(1) == report(1)
    assert report(1) != report(2)


def test_the_cost_is_stated_before_the_work_and_nothing_if_not_wanted(capsys: Any, monkeypatch: Any) -> None:
    check.gradient(cubic, POINT, cubic_gradient(POINT), progress=False)
    assert capsys.readouterr().err == ""
    check.gradient(cubic, POINT, cubic_gradient(POINT), progress=True)
    assert "finite differences, gradient: 43 evaluations of f, about" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tqdm", None)
    check.gradient(cubic, POINT, cubic_gradient(POINT), progress=True)
    assert "gradient: 9 of 43 evaluations" in capsys.readouterr().err


# --- Reports


def wrong_report() -> check.Report:
    return check.hessian(PROBLEM, CASE.w, 2 * hesslib.gauss_newton(CASE.net, CASE.w, CASE.x, CASE.t), **QUIET)


@pytest.mark.usefixtures("as_installed")
def test_a_report_is_true_or_raises_itself() -> None:
    report = wrong_report()
    assert not report
    with pytest.raises(check.DerivativeError, match="Gauss-Newton matrix") as caught:
        report.raise_for_error()
    assert caught.value.report is report
    assert isinstance(caught.value, AssertionError)
    right = check.gradient(cubic, POINT, cubic_gradient(POINT), **QUIET)
    assert right.raise_for_error() is right


@pytest.mark.usefixtures("as_installed")
def test_a_report_as_text_says_the_mistake_before_the_figures_and_fits_a_terminal() -> None:
    lines = str(wrong_report()).splitlines()
    assert lines[0].endswith("WRONG")
    assert "Gauss-Newton" in lines[1]
    assert max(map(len, lines[1:])) <= 100
    assert repr(wrong_report()).splitlines()[0] == lines[0]


@pytest.mark.usefixtures("as_installed")
def test_a_report_as_json_holds_everything() -> None:
    told = json.loads(wrong_report().to_json(indent=1))
    assert told["verdict"] == "wrong"
    assert told["diagnoses"][0]["kinds"] == ["gauss-newton-for-hessian", "constant-factor"]
    assert len(told["referees"]) == 4
    assert len(told["blocks"]) == 16


@pytest.mark.usefixtures("as_installed")
def test_a_report_as_html_needs_no_style_sheet_and_no_colour_to_be_read() -> None:
    html = wrong_report()._repr_html_()
    assert html.count("<table") == html.count("</table>") == 2
    assert "<caption" in html
    assert "scope='row'" in html
    assert "✗" in html
    assert "color:#" not in html  # text keeps the colour of the page, light or dark
    assert "rgba(" in html
    assert "<table" in check.gradient(cubic, POINT, 2 * cubic_gradient(POINT), **QUIET)._repr_html_()
    good = check.gradient(cubic, POINT, cubic_gradient(POINT), **QUIET)._repr_html_()
    assert "✓" in good
    assert good.count("<table") == 1


def test_what_the_catalogue_does_not_look_for_is_said_in_every_form_of_the_report() -> None:
    """A network above the size that it looks at; one of that size is named, and nothing is left out."""
    for hidden, names in ((64, False), (32, True)):
        net = Network((28, hidden, hidden, 2))
        assert (net.num_parameters > LARGEST) != names
        rng = np.random.default_rng(0)
        w, x, t = net.init(0), rng.standard_normal((3, 28)), rng.standard_normal((3, 2))
        claimed = hesslib.gradient(net, w, x[:2], t[:2])
        report = check.gradient((net, x, t), w, claimed, referees=["closed form"], **QUIET)
        assert report.verdict == "wrong"
        assert (report.kinds == ("patterns-left-out",)) == names, report
        assert (report.omitted == ()) == names
        assert json.loads(report.to_json())["omitted"] == list(report.omitted)
        told = f"network has {net.num_parameters} parameters; they are looked for up to {LARGEST}"
        for shown in (" ".join(str(report).split()), report._repr_html_()):
            assert (told in shown) != names
            assert ("ot looked for" in shown) != names
        assert ("none of those patterns that were looked for" in str(report)) != names
        right = check.gradient((net, x, t), w, hesslib.gradient(net, w, x, t), referees=["closed form"], **QUIET)
        assert right.omitted == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("many patterns", "patterns left out: there are 65; they are looked for up to 64"),
        ("a diagonal of many coordinates", "x has 4001 coordinates; they are looked for up to 4000"),
        ("a diagonal that the budget does not pay for", "the whole matrix is more than the budget pays for"),
        ("a gradient through directions", "the best referee saw a part of the result only"),
        ("a Laplacian of many coordinates", "x has 33 coordinates; looked for up to 32"),
    ],
)
def test_every_limit_of_the_catalogue_is_said(name: str, words: str) -> None:
    values = {"referees": ["finite differences"], **QUIET}

    def sum_of_cubes(x: np.ndarray) -> Any:
        return (x**3).sum(axis=-1)

    if name == "many patterns":
        x, t = np.ones((65, 3)) * np.linspace(0.1, 1, 65)[:, None], np.zeros((65, 2))
        report = check.gradient((CASE.net, x, t), CASE.w, np.ones(len(CASE.w)), referees=["closed form"], **QUIET)
    elif name == "a diagonal of many coordinates":
        x = np.linspace(0.1, 1, 4001)
        report = check.hessian_diagonal(sum_of_cubes, x, 5 * x, budget=4000, **values)
    elif name == "a diagonal that the budget does not pay for":
        x = np.linspace(0.1, 1, 40)
        report = check.hessian_diagonal(sum_of_cubes, x, 5 * x, budget=500, **values)
    elif name == "a gradient through directions":
        x = np.linspace(0.1, 1, 150)
        report = check.gradient(sum_of_cubes, x, 2 * x, budget=400, **values)
    else:
        x = np.ones((2, 33)) * np.linspace(0.1, 1, 33)
        report = check.laplacian(sum_of_cubes, x, 5 * x.sum(axis=-1), **values)
    assert report.verdict == "wrong"
    assert [omitted for omitted in report.omitted if words in omitted], report
    assert words in " ".join(str(report).split())


def test_where_it_is_wrong_is_said_if_nothing_is_known() -> None:
    H = hesslib.hessian(CASE.net, CASE.w, CASE.x, CASE.t)
    for change, words in (
        (lambda H: H.__setitem__((3, 5), 9.0), "entry [3, 5]"),
        (lambda H: H.__setitem__((slice(0, 12), slice(0, 12)), np.arange(144.0).reshape(12, 12)), "layer 1's weights"),
        (lambda H: H.__setitem__(slice(0, 12), np.arange(12.0 * len(H)).reshape(12, -1)), "the rows of layer 1's"),
        (lambda H: H.__setitem__(..., np.arange(len(H) ** 2.0).reshape(H.shape)), "all blocks, and not symmetric"),
    ):
        claimed = H.copy()
        change(claimed)
        report = check.hessian(PROBLEM, CASE.w, claimed, referees=["closed form"])
        assert words in report.diagnoses[0].says, report
        assert not report.diagnoses[0].explained
        assert "no mistake that was looked for" in " ".join(str(report).split())


def test_blocks_of_the_user_are_used() -> None:
    claimed = cubic_gradient(POINT)
    claimed[2] += 1
    report = check.gradient(cubic, POINT, claimed, blocks=[("position", 2), ("angle", 1)], **QUIET)
    assert [block.names for block in report.blocks] == [("position",), ("angle",)]


def test_constants_are_named_the_simplest_first() -> None:
    sizes = {"N": 10.0, "K": 2.0, "N K": 20.0, "L": 1.0}
    assert names_of_constants(2.0, sizes, 1e-9) == ["2", "K (K = 2)"]
    assert names_of_constants(0.1, sizes, 1e-9) == ["1/N (N = 10)"]
    assert names_of_constants(20.0, sizes, 1e-9) == ["N K (N K = 20)"]
    assert names_of_constants(0.731, sizes, 1e-9) == []


# --- The fixture, and the refusals


def test_the_fixture_fails_a_test_with_the_report(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["hesslib.check.pytest_plugin"]\n')
    (tmp_path / "test_it.py").write_text(
        "import numpy as np\n"
        "def test_right(derivative):\n    derivative.gradient(lambda x: (x**2).sum(), np.ones(3), 2 * np.ones(3))\n"
        "def test_wrong(derivative):\n    x = np.arange(1., 4)\n    derivative.gradient(lambda x: (x**2).sum(), x, x)\n"
        "def test_no_check(derivative):\n    derivative.hermitian\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(hesslib.__file__).parent.parent)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert "2 failed, 1 passed" in done.stdout, done.stdout
    assert "a constant factor 1/2" in done.stdout
    assert "hermitian is not a check" in done.stdout


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check.gradient(cubic, POINT, np.ones(4)), r"claimed has shape \(4,\); the gradient has shape \(3,\)"),
        (lambda: check.gradient(cubic, POINT, np.ones(3) * 1j), "claimed has dtype complex128"),
        (lambda: check.gradient(3, POINT, POINT), "f is a int; it must be a function"),
        (lambda: check.gradient(lambda x: x, POINT, POINT), r"f gives shape \(3,\); it must give a number"),
        (lambda: check.gradient(lambda x: x[0] * np.nan, POINT, POINT), "it must give finite real numbers"),
        (lambda: check.gradient(cubic, POINT * np.inf, POINT), "every entry must be finite"),
        (lambda: check.gradient(cubic, POINT * 1j, POINT), "x has dtype complex128"),
        (lambda: check.gradient(cubic, POINT, POINT, budget=3), "budget is 3; it must be an integer of at least 50"),
        (lambda: check.gradient(cubic, POINT, POINT, referees=["oracle"]), "referees is"),
        (lambda: check.gradient(cubic, POINT, POINT, blocks=[("a", 5)]), "blocks have 5 coordinates in all; x has 3"),
        (lambda: check.gradient(PROBLEM[:2], CASE.w, CASE.w), "f has no targets"),
        (lambda: check.gradient((1, 2, 3), CASE.w, CASE.w), "it must be .net, x, t. with a Network or a Chain first"),
        (lambda: check.gradient(PROBLEM, CASE.w[1:], CASE.w), "w has shape"),
        (lambda: check.gradient(PROBLEM, CASE.w, CASE.w, reduction="median"), "reduction is 'median'"),
        (lambda: check.gauss_newton(PROBLEM[:2], CASE.w, CASE.w), "f has no targets"),
        (lambda: check.laplacian(3, POINT, POINT), "it must be a function of an array, or .net, w."),
        (lambda: check.laplacian((1, 2, 3), POINT, POINT), "it must be .net, w. with a Network or a Chain first"),
        (lambda: check.laplacian(cubic, POINT[:, None, None], POINT), r"it must be \(D,\) or \(N, D\)"),
        (lambda: check.hessian_vector_product(cubic, POINT, np.ones(2), POINT), "v has shape"),
    ],
)
@pytest.mark.usefixtures("as_installed")
def test_bad_input_is_refused_by_name(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_checking_imports_neither_jax_nor_pytorch_before_it_needs_them() -> None:
    code = "import sys, hesslib.check, hesslib.convert; print(*{'jax', 'torch', 'pytest', 'tqdm'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e-160, 1e160, 1e200, 1e300])
def test_a_factor_is_named_whatever_the_size_of_the_values(size: float) -> None:
    x = np.array([0.5, -1.5, 0.75])

    def f(x: np.ndarray) -> np.ndarray:
        return size * (x**3).sum()

    assert check.gradient(f, x, 3 * size * x**2).verdict == "right"
    assert check.gradient(f, x, 1.5 * size * x**2).diagnoses[0].says == "a constant factor 1/2"
    assert check.hessian(f, x, np.diag(6 * size * x)).verdict == "right"
    assert check.hessian(f, x, np.diag(3 * size * x)).diagnoses[0].says == "a constant factor 1/2"
    assert check.hessian_diagonal(f, x, 6 * size * x).verdict == "right"
    assert check.hessian_diagonal(f, x, 3 * size * x).diagnoses[0].says == "a constant factor 1/2"


def test_a_function_that_gives_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(0,\) at x; it must have an entry"):
        check.jacobian(lambda x: x[:0], np.ones(3), np.zeros((0, 3)))
