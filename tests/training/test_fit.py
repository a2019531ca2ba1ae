"""Five ways to train a network: what each step is, where each arrives, and what each says when it cannot go on."""

import numpy as np
import pytest
from cases import CASES, Case, close, over

import hesslib
from hesslib import Network, fit
from hesslib.training.batch_objective import Objective
from hesslib.training.run import Run

METHODS = ["steepest_descent", "newton", "gauss_newton", "levenberg_marquardt", "conjugate_gradients"]
SMOOTH = [case for case in CASES if "relu" not in case.activations]
RESOLVED = 1e-6  # a gradient so small, relatively, changes E by its square: that is well above the rounding of E
each_method = pytest.mark.parametrize("method", METHODS)

rng = np.random.default_rng(5)
LINE = Network((2, 1))
X = rng.standard_normal((30, 2))
T = X @ np.array([[2.0], [-1.0]]) + 0.5 + 0.1 * rng.standard_normal((30, 1))
LOGISTIC = Network((2, 1), loss="binary_cross_entropy")
CLASSES = (X[:, :1] + 0.8 * rng.standard_normal((30, 1)) > 0).astype(float)
CURVE = Network((2, 4, 1))
W_CURVE = CURVE.init(0)
TARGETS = np.tanh(X[:, :1] - X[:, 1:]) + 0.1 * rng.standard_normal((30, 1))


def objective(case: Case) -> Objective:
    run = Run("", case.w, tolerance=None, target=None, max_iterations=1, callback=None, progress=False)
    return Objective(case.net, run, case.x, case.t)


@over(CASES)
def test_the_objective_is_that_of_the_closed_forms(case: Case) -> None:
    args = case.net, case.w.astype(float), case.x.astype(float), case.t.astype(float)
    if case.loss == "softmax_cross_entropy" and case.dtype == "float32":
        return  # rows of single precision do not sum to one in double precision
    at = objective(case)
    w = case.w.astype(float)
    v = np.random.default_rng(0).standard_normal(len(w))
    close(np.array(at.error(w)), hesslib.error(*args), case.rounding)
    close(at.gradient(), hesslib.gradient(*args), case.rounding)
    close(at.product(v), hesslib.hessian_vector_product(*args, v), 4 * case.rounding)
    close(at.hessian(), hesslib.hessian(*args), case.rounding)
    close(at.output_jacobian(), hesslib.output_jacobian(*args[:3]), case.rounding)
    J, g, r = at.linearise()
    close(J.T @ J, hesslib.gauss_newton(*args), 4 * case.rounding)
    close(g, hesslib.gradient(*args), case.rounding)
    g_n = hesslib.pattern_gradients(*args)
    assert at.spread() == pytest.approx(np.sqrt(case.N * np.sum(g_n**2)), rel=1e-6)
    if case.loss == "squared_error":
        assert r @ r / 2 == pytest.approx(at.error(w))
        close(J.T @ r, g, case.rounding)


def test_one_forward_pass_serves_a_point() -> None:
    case = SMOOTH[0]
    at = objective(case)
    w = case.w.astype(float)
    for _ in range(2):
        at.error(w.copy())
        at.gradient()
    assert at.run.evaluations == (1, 1, 0, 0)
    at.error(w + 1)
    np.testing.assert_allclose(at.gradient(), hesslib.gradient(case.net, w + 1, case.x, case.t), rtol=1e-9)


@each_method
def test_linear_regression_is_solved_by_every_method(method: str) -> None:
    found = fit(LINE, np.zeros(3), X, T, method=method, tolerance=RESOLVED)
    design = np.concatenate([X, np.ones((30, 1))], axis=1)
    np.testing.assert_allclose(found.w, np.linalg.lstsq(design, T)[0][:, 0], rtol=1e-5)
    assert found.status == "converged"
    assert found.error == pytest.approx(float(hesslib.error(LINE, found.w, X, T)))


@each_method
def test_logistic_regression_has_one_minimum_and_every_method_finds_it(method: str) -> None:
    found = fit(LOGISTIC, np.zeros(3), X, CLASSES, method=method, tolerance=RESOLVED)
    spread = np.sqrt(30 * np.sum(hesslib.pattern_gradients(LOGISTIC, found.w, X, CLASSES) ** 2))
    assert np.linalg.norm(hesslib.gradient(LOGISTIC, found.w, X, CLASSES)) < 2 * RESOLVED * spread
    assert found.status == "converged"


@each_method
def test_errors_never_rise_and_the_history_is_complete(method: str) -> None:
    ways = []
    found = fit(
        CURVE, W_CURVE, X, TARGETS, method=method, max_iterations=40, callback=lambda w, r: ways.append((w.copy(), r))
    )
    errors = np.array([record.error for record in found.history])
    assert (np.diff(errors) <= 0).all()
    assert errors[-1] < 0.8 * errors[0]
    for w, record in ways:
        assert record.error == pytest.approx(float(hesslib.error(CURVE, w, X, TARGETS)))
        g = hesslib.gradient(CURVE, w, X, TARGETS)
        assert record.gradient_norm == pytest.approx(np.linalg.norm(g), rel=1e-9, abs=1e-12)
    totals = np.array([record.evaluations for record in found.history])
    assert (np.diff(totals, axis=0) >= 0).all()
    assert (np.array(found.evaluations) >= totals[-1]).all()


def test_newton_with_step_one_is_that_of_the_textbook() -> None:
    found = fit(CURVE, W_CURVE, X, TARGETS, method="newton", step=1.0, max_iterations=1)
    args = CURVE, W_CURVE, X, TARGETS
    expected = W_CURVE - np.linalg.solve(hesslib.hessian(*args), hesslib.gradient(*args))
    np.testing.assert_allclose(found.w, expected, rtol=1e-7)


def test_gauss_newton_with_step_one_is_that_of_the_textbook() -> None:
    way = []  # the step goes uphill, and what is returned is the best point
    options = {"method": "gauss_newton", "step": 1.0, "max_iterations": 1}
    found = fit(CURVE, W_CURVE, X, TARGETS, **options, callback=lambda w, _: way.append(w))
    J, r = hesslib.output_jacobian(CURVE, W_CURVE, X)[:, 0], hesslib.outputs(CURVE, W_CURVE, X) - TARGETS
    np.testing.assert_allclose(way[1], W_CURVE - np.linalg.lstsq(J, r)[0][:, 0], rtol=1e-7)
    assert found.error == min(record.error for record in found.history)
    np.testing.assert_array_equal(found.w, way[int(np.argmin([record.error for record in found.history]))])


def test_steepest_descent_with_a_constant_step_is_that_of_the_textbook() -> None:
    found = fit(CURVE, W_CURVE, X, TARGETS, method="steepest_descent", step=1e-3, max_iterations=3)
    w = W_CURVE
    for _ in range(3):
        w = w - 1e-3 * hesslib.gradient(CURVE, w, X, TARGETS)
    np.testing.assert_allclose(found.w, w, rtol=1e-12)


def test_conjugate_gradients_end_after_as_many_steps_as_there_are_parameters() -> None:
    """On a quadratic error, up to rounding; the directions are conjugate."""
    path = []
    found = fit(
        LINE,
        np.zeros(3),
        X,
        T,
        method="conjugate_gradients",
        tolerance=1e-9,
        callback=lambda w, _: path.append(w.copy()),
    )
    assert found.iterations == 3
    p = np.diff(np.array(path), axis=0)
    H = hesslib.hessian(LINE, found.w, X, T)
    products = p @ H @ p.T
    assert np.abs(products - np.diag(np.diag(products))).max() < 1e-7 * np.diag(products).max()


def shaken(w: np.ndarray, seed: int) -> np.ndarray:
    """The same point to rounding: what another processor might start from."""
    return w + 1e-15 * np.maximum(1, np.abs(w)) * np.random.default_rng(seed).standard_normal(len(w))


@pytest.mark.parametrize("seed", range(3))
def test_newton_leaves_a_saddle_downhill(seed: int) -> None:
    """Here the Hessian has negative eigenvalues: the full step leads up, or to a saddle; the method does not.

    Which minimum it comes to, and on which way, is decided by rounding: what holds is that it goes down all the way,
    and that there is no negative curvature where it ends.
    """
    w = shaken(0.1 * W_CURVE, seed)
    H, g = hesslib.hessian(CURVE, w, X, TARGETS), hesslib.gradient(CURVE, w, X, TARGETS)
    values, vectors = np.linalg.eigh(H)
    assert values[0] < 0
    first = fit(CURVE, w, X, TARGETS, method="newton", max_iterations=1).w - w
    assert vectors[:, 0] @ g * (vectors[:, 0] @ first) < 0  # down where the curvature is negative; -g/values leads up
    found = fit(CURVE, w, X, TARGETS, method="newton", max_iterations=600)
    assert (np.diff([record.error for record in found.history]) <= 0).all()
    assert found.error < 0.5 * found.history[0].error
    ends = np.linalg.eigvalsh(hesslib.hessian(CURVE, found.w, X, TARGETS))
    assert ends[0] > -1e-6 * ends[-1]


@pytest.mark.parametrize("seed", range(8))
def test_a_1_10_1_network_reaches_the_noise_level_from_every_random_start(seed: int) -> None:
    noise = np.random.default_rng(3)
    x = np.sort(noise.uniform(-3, 3, 200))[:, None]
    t = np.sin(2 * x) + 0.3 * x + 0.05 * noise.normal(size=(200, 1))
    net = Network((1, 10, 1))
    w0 = np.random.default_rng(100 + seed).standard_normal(net.num_parameters)
    found = fit(net, w0, x, t, target=1.1 * 200 * 0.05**2 / 2)
    assert found.status == "target"
    assert found.evaluations.errors < 100


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "softmax_cross_entropy"])
def test_levenberg_marquardt_trains_classifiers_by_the_curvature_of_their_loss(loss: str) -> None:
    K = 2
    labels = (X[:, 0] * X[:, 1] + 0.3 * rng.standard_normal(30) > 0).astype(int)
    net = Network((2, 3, K), loss=loss)
    t = np.eye(K)[labels]
    found = fit(net, net.init(1), X, t, max_iterations=50)
    assert found.error < 0.6 * found.history[0].error


# --- why it stops


@each_method
def test_every_method_stops_at_its_target_and_its_limit(method: str) -> None:
    start = float(hesslib.error(CURVE, W_CURVE, X, TARGETS))
    found = fit(CURVE, W_CURVE, X, TARGETS, method=method, target=0.9 * start)
    assert found.status == "target"
    found = fit(CURVE, W_CURVE, X, TARGETS, method=method, max_iterations=1)
    assert (found.status, found.iterations) == ("limit", 1)


@each_method
def test_every_method_keeps_the_best_point_when_it_is_interrupted(method: str) -> None:
    def interrupt(w: np.ndarray, record: object) -> None:
        if record.iteration == 2:
            raise KeyboardInterrupt

    found = fit(CURVE, W_CURVE, X, TARGETS, method=method, callback=interrupt)
    assert (found.status, found.iterations) == ("interrupted", 2)
    assert float(hesslib.error(CURVE, found.w, X, TARGETS)) == pytest.approx(found.error)


@each_method
def test_where_the_error_is_zero_or_flat_every_method_has_converged(method: str) -> None:
    w = CURVE.init(1)
    exact = hesslib.outputs(CURVE, w, X)
    assert fit(CURVE, w, X, exact, method=method).message == "the error is 0"
    x = np.array([[1.0], [-1.0]])  # the gradients of the two patterns cancel
    found = fit(Network((1, 1)), np.zeros(2), 0 * x, np.array([[1.0], [-1.0]]), method=method)
    assert found.status == "converged"
    assert "gradient is 0" in found.message


def test_a_singular_hessian_stops_the_textbook_newton_and_no_other() -> None:
    doubled = np.concatenate([X, X], axis=1)  # two columns alike: the error is flat along a line
    net = Network((4, 1))
    found = fit(net, np.zeros(5), doubled, T, method="newton", step=1.0)
    assert found.status == "stalled"
    assert "the Hessian is singular in iteration 1" in found.message
    lowest = fit(LINE, np.zeros(3), X, T).error
    for method in METHODS:
        found = fit(net, np.zeros(5), doubled, T, method=method, tolerance=RESOLVED)
        assert found.status == "converged"
        assert found.error == pytest.approx(lowest, rel=1e-9)


def test_a_step_that_diverges_is_stopped_when_the_error_overflows() -> None:
    found = fit(LINE, np.ones(3), X, T, method="steepest_descent", step=10.0, max_iterations=10_000)
    assert found.status == "stalled"
    assert "the error is" in found.message
    assert np.isfinite(found.w).all()


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("method", ["newton", "steepest_descent", "conjugate_gradients"])
def test_at_rounding_it_says_so(method: str) -> None:
    found = fit(CURVE, fit(CURVE, W_CURVE, X, TARGETS).w, X, TARGETS, method=method, tolerance=0.0, max_iterations=3000)
    assert found.status in ("stalled", "limit")
    if found.status == "stalled":
        assert "minimum to rounding" in found.message


@each_method
def test_other_libraries_and_precisions_come_back_as_they_went_in(method: str) -> None:
    import jax
    import jax.numpy as jnp

    torch = pytest.importorskip("torch")
    expected = fit(CURVE, W_CURVE, X, TARGETS, method=method, max_iterations=5).w
    found = fit(CURVE, *map(jnp.asarray, (W_CURVE, X, TARGETS)), method=method, max_iterations=5).w
    assert isinstance(found, jax.Array)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    found = fit(CURVE, *map(torch.from_numpy, (W_CURVE, X, TARGETS)), method=method, max_iterations=5).w
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    single = [array.astype(np.float32) for array in (W_CURVE, X, TARGETS)]
    found = fit(CURVE, *single, method=method, max_iterations=5).w
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0.01, atol=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "adam"}, "method is 'adam'; it must be one of steepest_descent, newton"),
        ({"step": 0.1}, "step is 0.1; it must be None for levenberg_marquardt, which chooses its steps"),
        ({"step": -1.0, "method": "newton"}, "step is -1.0; it must be positive"),
        ({"region": -1.0}, "region is -1.0"),
    ],
)
@pytest.mark.usefixtures("as_installed")
def test_options_are_refused_by_name(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit(CURVE, W_CURVE, X, TARGETS, **change)


def test_arrays_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="x has 3 columns; the network takes 2"):
        fit(CURVE, W_CURVE, np.ones((30, 3)), TARGETS)
    with pytest.raises(ValueError, match="x has a value in row 2 that is not finite"):
        fit(CURVE, W_CURVE, np.where(np.arange(30)[:, None] == 2, np.nan, X), TARGETS)
    with pytest.raises(ValueError, match="t has the value nan in row 0"):
        fit(CURVE, W_CURVE, X, np.full((30, 1), np.nan))
    with pytest.raises(ValueError, match="the error at w0 is inf: the network overflows there"):
        fit(LINE, np.full(3, 1e200), X, T)


def test_conjugate_gradients_need_one_trial_a_step_where_the_error_is_quadratic() -> None:
    """The curvature along the direction says how far: no other point is tried."""
    found = fit(LINE, np.zeros(3), X, T, method="conjugate_gradients", tolerance=1e-9)
    assert found.evaluations.errors == found.evaluations.gradients == found.iterations + 1
    assert found.evaluations.products == found.iterations
