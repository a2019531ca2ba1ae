"""What a run says of its end: converged only where it is, the best point in every case, and how well it is known."""

from __future__ import annotations

import numpy as np
import pytest

import hesslib
from hesslib import Network, bayesian_regularization, fit, levenberg_marquardt, prune

EPS = float(np.finfo(float).eps)


@pytest.mark.parametrize("start", [1e-300, 1e-12, 1e-9, 1e-6, 1.0])
@pytest.mark.parametrize("far", [3.0, 3e6, 3e12])
def test_a_step_that_the_region_holds_back_is_no_convergence(start: float, far: float) -> None:
    found = levenberg_marquardt(lambda w: w - far, lambda w: np.eye(1), np.array([start]))
    assert found.status == "converged"
    np.testing.assert_allclose(found.w, [far], rtol=1e-7)


@pytest.mark.parametrize("size", [1e-9, 1e-3, 1e3, 1e9])
def test_targets_of_any_size_are_reached_from_a_unit_start(size: float) -> None:
    x = np.linspace(-1, 1, 12)[:, None]
    net, line = Network((1, 1)), 2 * x + 1
    found = fit(net, np.ones(2), x, size * line)
    assert found.status == "converged"
    np.testing.assert_allclose(found.w / size, [2.0, 1.0], rtol=1e-6)
    noisy = line + 0.1 * np.random.default_rng(0).standard_normal(line.shape)
    one, scaled = (bayesian_regularization(net, np.ones(2), x, c * noisy) for c in (1.0, size))
    assert scaled.status == "converged"
    assert scaled.gamma == pytest.approx(one.gamma, rel=1e-4)
    np.testing.assert_allclose(scaled.w / size, one.w, rtol=1e-4)


SADDLES = {  # residuals, their Jacobian, and a point where J^T r = 0 that is no minimum
    "a product": (lambda w: np.array([w[0] * w[1] - 1]), lambda w: np.array([[w[1], w[0]]]), np.zeros(2)),
    "the top of a hill": (np.cos, lambda w: np.diag(-np.sin(w)), np.zeros(3)),
    "a square": (lambda w: w**2 - 1, lambda w: np.diag(2 * w), np.zeros(1)),
}


@pytest.mark.parametrize("name", SADDLES)
def test_a_start_where_the_gradient_is_zero_and_which_is_no_minimum_is_called_that(name: str) -> None:
    residuals, jacobian, start = SADDLES[name]
    found = levenberg_marquardt(residuals, jacobian, start)
    assert found.status == "stationary"
    assert "no minimum: the lowest curvature is -" in found.message


@pytest.mark.parametrize("method", ["steepest_descent", "newton", "conjugate_gradients", "levenberg_marquardt"])
@pytest.mark.parametrize("hidden", [2, 40])  # the Hessian as a matrix, and by products alone
def test_a_network_that_starts_at_a_saddle_says_so(method: str, hidden: int) -> None:
    x = np.linspace(-1, 1, 9)[:, None]
    net = Network((1, hidden, 1))
    found = fit(net, np.zeros(net.num_parameters), x, 2 * x, method=method)
    assert found.status == "stationary"


@pytest.mark.parametrize("method", ["steepest_descent", "newton", "gauss_newton", "levenberg_marquardt"])
def test_a_start_at_a_minimum_has_converged(method: str) -> None:
    x = np.linspace(-1, 1, 9)[:, None]
    assert fit(Network((1, 1)), np.array([2.0, 1.0]), x, 2 * x + 1 + 0.1 * np.cos(9 * x), method=method).iterations < 50
    at = fit(Network((1, 1)), np.array([2.0, 1.0]), x, 2 * x + 1 + 0.1 * np.cos(9 * x)).w
    assert fit(Network((1, 1)), at, x, 2 * x + 1 + 0.1 * np.cos(9 * x), method=method).status == "converged"


@pytest.mark.parametrize("method", ["newton", "gauss_newton", "steepest_descent"])
def test_the_best_point_of_all_is_returned(method: str) -> None:
    rng = np.random.default_rng(4)
    x, t = rng.standard_normal((30, 2)), rng.standard_normal((30, 1))
    net = Network((2, 4, 1))
    way = []
    step = 1.0 if method != "steepest_descent" else 0.5
    found = fit(
        net, net.init(3), x, t, method=method, step=step, max_iterations=20, callback=lambda w, _: way.append(w)
    )
    errors = [record.error for record in found.history]
    assert found.error == min(errors)
    np.testing.assert_array_equal(found.w, way[int(np.argmin(errors))])


@pytest.mark.parametrize("answer", [True, np.True_, np.array(True), np.bool_(1)])
def test_any_true_boolean_of_a_callback_stops(answer: object) -> None:
    found = levenberg_marquardt(lambda w: w - 3, lambda w: np.eye(1), np.ones(1), callback=lambda w, r: answer)
    assert (found.status, found.iterations) == ("stopped", 0)


@pytest.mark.parametrize("answer", [None, False, np.False_, 1, "yes", np.ones(2)])
def test_what_is_no_true_boolean_does_not_stop(answer: object) -> None:
    found = levenberg_marquardt(lambda w: w - 3, lambda w: np.eye(1), np.ones(1), callback=lambda w, r: answer)
    assert found.status == "converged"


def test_true_of_another_library_stops_and_its_callback_cannot_change_the_run() -> None:
    torch = pytest.importorskip("torch")
    start = torch.ones(1, dtype=torch.float64)
    problem = (lambda w: w - 3, lambda w: torch.eye(1, dtype=torch.float64), start)
    assert levenberg_marquardt(*problem, callback=lambda w, r: torch.tensor(True)).status == "stopped"
    found = levenberg_marquardt(*problem, callback=lambda w, r: w.zero_() and None)
    np.testing.assert_allclose(found.w.numpy(), [3.0])
    assert start.item() == 1.0


def test_standard_errors_are_those_of_the_textbook() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((40, 2))
    A = np.concatenate([x, np.ones((40, 1))], axis=1)
    t = A @ np.array([1.0, -2.0, 0.5]) + 0.3 * rng.standard_normal(40)
    found = fit(Network((2, 1)), np.zeros(3), x, t[:, None])
    r = t - A @ np.linalg.lstsq(A, t)[0]
    expected = r @ r / (40 - 3) * np.linalg.inv(A.T @ A)
    np.testing.assert_allclose(found.covariance(), expected, rtol=1e-6)
    np.testing.assert_allclose(found.standard_errors() ** 2, np.diag(expected), rtol=1e-6)
    assert found.rank == 3
    by_gauss_newton = fit(Network((2, 1)), np.zeros(3), x, t[:, None], method="gauss_newton")
    np.testing.assert_allclose(by_gauss_newton.covariance(), expected, rtol=1e-6)
    units = np.array([1e-9, 1e6])  # of the inputs, and so of the weights
    scaled = fit(Network((2, 1)), np.zeros(3), x * units, t[:, None])
    np.testing.assert_allclose(scaled.standard_errors()[:2] * units, found.standard_errors()[:2], rtol=1e-5)


def test_standard_errors_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    x = np.linspace(0, 2, 30)

    def J(w):
        return np.stack([np.exp(w[1] * x), w[0] * x * np.exp(w[1] * x)], axis=1)

    inside = 0
    for _ in range(200):
        y = 2 * np.exp(-x) + 0.05 * rng.standard_normal(30)
        found = levenberg_marquardt(lambda w, y=y: w[0] * np.exp(w[1] * x) - y, J, np.array([1.0, -0.5]))
        inside += int(np.sum(np.abs(found.w - [2, -1]) < found.standard_errors()))
    assert 0.6 < inside / 400 < 0.76  # 0.68 of a normal; the standard error of this share is 0.03


def test_the_fisher_information_of_a_classifier_has_the_variance_one() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((200, 1))
    t = (rng.uniform(size=(200, 1)) < 1 / (1 + np.exp(-x))).astype(float)
    net = Network((1, 1), loss="binary_cross_entropy")
    found = fit(net, np.zeros(2), x, t)
    np.testing.assert_allclose(found.covariance(), np.linalg.inv(hesslib.hessian(net, found.w, x, t)), rtol=1e-4)


def test_what_the_data_leave_open_has_no_standard_error() -> None:
    x = np.ones((5, 1))  # weight and bias cannot be told apart
    found = fit(Network((1, 1)), np.zeros(2), x, 2 * x)
    assert found.rank == 1
    with pytest.raises(ValueError, match="rank of the Jacobian is 1; it must be 2"):
        found.covariance()
    with pytest.raises(ValueError, match="no Jacobian was formed"):
        fit(Network((1, 1)), np.zeros(2), x, 2 * x, method="steepest_descent").covariance()


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize(
    ("residuals", "message"),
    [
        (lambda w: 1e-200 * (w - 3), "their squares underflow; scale them"),
        (lambda w: (w - 3) * 1j, "residuals is complex; it must be real and whole"),
        (lambda w: np.ma.masked_array(w - 3, mask=[True]), "residuals is masked"),
    ],
)
def test_residuals_that_cannot_be_squared_and_summed_are_refused(residuals: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        levenberg_marquardt(residuals, lambda w: np.eye(1), np.ones(1))


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("function", [hesslib.error, hesslib.gradient, hesslib.hessian, fit])
def test_masked_arrays_are_refused_where_their_mask_would_be_lost(function: object) -> None:
    x = np.ma.masked_array(np.ones((3, 1)), mask=[[False], [True], [False]])
    with pytest.raises(ValueError, match="x is a masked array"):
        function(Network((1, 1)), np.zeros(2), x, np.ones((3, 1)))


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("candidates", [np.array([1, 0, 1]), [0, 1, 1], np.array([0.0, 1.0, 1.0])])
def test_numbers_are_no_mask(candidates: object) -> None:
    x = np.random.default_rng(0).standard_normal((9, 2))
    with pytest.raises(ValueError, match="candidates has dtype"):
        prune(Network((2, 1)), np.ones(3), x, np.ones((9, 1)), 1, candidates=candidates)


def test_an_interrupted_pruning_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    from hesslib.pruning import prune as module

    inner, calls = module.minimise, []

    def interrupted_in_the_second(*arguments: object) -> object:
        found = inner(*arguments)
        calls.append(found)
        return found if len(calls) < 2 else found.__class__(**{**found.__dict__, "status": "interrupted"})

    monkeypatch.setattr(module, "minimise", interrupted_in_the_second)
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((30, 3)), rng.standard_normal((30, 1))
    found = prune(Network((3, 1)), np.ones(4), x, t, 3, method="magnitude", retrain=5)
    assert (found.status, len(found.removed), len(found.error)) == ("interrupted", 2, 3)
    assert np.count_nonzero(found.w) == 2


@pytest.mark.usefixtures("as_installed")
def test_layers_that_do_not_exist_have_no_slice() -> None:
    net = Network((2, 3, 1))
    for number in (0, -1, 3, 1.5, None):
        for slice_of in (net.weight_slice, net.bias_slice, net.layer_slice):
            with pytest.raises(ValueError, match="it must be the number of a layer, from 1 to 2"):
                slice_of(number)
    with pytest.raises(ValueError, match="dtype is int64; it must be a floating type"):
        net.init(0, dtype=int)


def test_pruning_with_decay_retrains_the_regularised_error() -> None:
    rng = np.random.default_rng(1)
    x, t = rng.standard_normal((40, 3)), rng.standard_normal((40, 1))
    net, alpha = Network((3, 1)), 2.0
    found = prune(net, fit(net, np.zeros(4), x, t, decay=alpha).w, x, t, 1, method="magnitude", alpha=alpha, retrain=50)
    kept = np.flatnonzero(found.w)
    A = np.concatenate([x, np.ones((40, 1))], axis=1)[:, kept]
    np.testing.assert_allclose(found.w[kept], np.linalg.solve(A.T @ A + alpha * np.eye(3), A.T @ t)[:, 0], rtol=1e-6)


@pytest.mark.parametrize("method", ["newton", "gauss_newton", "levenberg_marquardt", "conjugate_gradients"])
def test_every_method_minimises_the_error_with_decay(method: str) -> None:
    rng = np.random.default_rng(1)
    x, t = rng.standard_normal((40, 3)), rng.standard_normal((40, 1))
    A = np.concatenate([x, np.ones((40, 1))], axis=1)
    found = fit(Network((3, 1)), np.ones(4), x, t, method=method, decay=2.0, tolerance=1e-9)
    exact = np.linalg.solve(A.T @ A + 2 * np.eye(4), A.T @ t)[:, 0]
    np.testing.assert_allclose(found.w, exact, rtol=1e-6)
    r = A @ exact - t[:, 0]
    assert found.error == pytest.approx((r @ r + 2 * exact @ exact) / 2, rel=1e-9)
