"""The evidence and the spectrum it is made of: against the exact marginal likelihood, the loops, and quadrature."""

import math
from functools import partial

import numpy as np
import oracles
import pytest
from cases import CASES, Case, close, gauss_newton_of_the_loops, over, reference

import hesslib
from hesslib import Network, spectrum
from hesslib.curvature.spectrum import eigenvalues
from hesslib.evidence import laplace as module

EPS = float(np.finfo(float).eps)
gauss_newton_spectrum = partial(spectrum, curvature="gauss_newton")
REGRESSION = [case for case in CASES if case.loss == "squared_error" and case.dtype == "float64"]
CLASSIFICATION = [case for case in CASES if case.loss != "squared_error" and case.dtype == "float64"]


def linear(N: int, D: int, K: int = 1) -> tuple[Network, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(N + 10 * D)
    x = rng.standard_normal((N, D)) * np.geomspace(1, 0.01, D)  # badly conditioned
    return Network((D, K)), x, x.sum(axis=1, keepdims=True) + 0.3 * rng.standard_normal((N, K))


def posterior_mode(net: Network, x: np.ndarray, t: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    """The minimum of the quadratic beta E_D + alpha E_W, in MacKay's convention."""
    J = hesslib.output_jacobian(net, np.zeros(net.num_parameters), x).reshape(-1, net.num_parameters)
    return np.linalg.solve(beta * J.T @ J + alpha * np.eye(J.shape[1]), beta * J.T @ t.ravel())


@pytest.mark.parametrize(("N", "D", "K"), [(40, 11, 1), (5, 11, 1), (12, 11, 1), (9, 3, 2), (1, 1, 1)])
@pytest.mark.parametrize(("alpha", "beta"), [(1.7, 14.0), (1e-3, 1.0), (30.0, 0.2)])
@pytest.mark.parametrize("convention", ["mackay", "foresee_hagan"])
def test_evidence_of_a_linear_model_is_the_exact_marginal_likelihood(
    N: int, D: int, K: int, alpha: float, beta: float, convention: str
) -> None:
    net, x, t = linear(N, D, K)
    w = posterior_mode(net, x, t, alpha, beta)
    J = hesslib.output_jacobian(net, w, x).reshape(-1, net.num_parameters)
    exact = oracles.log_marginal_likelihood(J, t.ravel(), prior_variance=1 / alpha, noise_variance=1 / beta)
    two_c = 2.0 if convention == "foresee_hagan" else 1.0
    options = {"alpha": alpha / two_c, "beta": beta / two_c, "convention": convention}
    assert float(hesslib.log_evidence(net, w, x, t, **options)) == pytest.approx(exact, rel=1e-10, abs=1e-10)
    assert float(hesslib.log_evidence(net, w, x, t, curvature="exact", **options)) == pytest.approx(exact, rel=1e-10)


@over(REGRESSION)
@pytest.mark.parametrize("curvature", ["gauss_newton", "exact", "diagonal"])
def test_evidence_is_the_formula_with_the_determinant_of_the_loops(case: Case, curvature: str) -> None:
    H = reference(case).hessians.sum(axis=0) if curvature == "exact" else gauss_newton_of_the_loops(case)
    H = np.diag(np.diag(H)) if curvature == "diagonal" else H
    alpha, beta = 100.0, 0.5  # positive definite everywhere
    P, n = len(case.w), case.t.size
    A = beta * H + alpha * np.eye(P)
    E = float(reference(case).errors.sum())
    expected = -beta * E - alpha / 2 * case.w @ case.w - np.linalg.slogdet(A)[1] / 2
    expected += n / 2 * math.log(beta / (2 * math.pi)) + P / 2 * math.log(alpha)
    found = hesslib.log_evidence(case.net, case.w, case.x, case.t, alpha=alpha, beta=beta, curvature=curvature)
    assert float(found) == pytest.approx(expected, rel=1e3 * case.rounding)


@over(CLASSIFICATION)
def test_evidence_of_a_cross_entropy_has_no_noise_level(case: Case) -> None:
    alpha, P = 10.0, len(case.w)
    A = gauss_newton_of_the_loops(case) + alpha * np.eye(P)
    expected = -reference(case).errors.sum() - alpha / 2 * case.w @ case.w - np.linalg.slogdet(A)[1] / 2
    expected += P / 2 * math.log(alpha)
    args = case.net, case.w, case.x, case.t
    assert float(hesslib.log_evidence(*args, alpha=alpha)) == pytest.approx(expected, rel=1e3 * case.rounding)
    other = hesslib.log_evidence(*args, alpha=alpha / 2, convention="foresee_hagan")
    assert float(other) == pytest.approx(expected, rel=1e3 * case.rounding)


def test_evidence_of_a_logistic_regression_is_close_to_quadrature() -> None:
    from scipy.integrate import dblquad

    rng = np.random.default_rng(0)
    net, x = Network((1, 1), loss="binary_cross_entropy"), rng.standard_normal((30, 1))
    t, alpha = (x + rng.standard_normal((30, 1)) > 0).astype(float), 0.5
    w = np.zeros(2)
    for _ in range(20):
        g = hesslib.gradient(net, w, x, t) + alpha * w
        w = w - np.linalg.solve(hesslib.hessian(net, w, x, t) + alpha * np.eye(2), g)

    def joint(b: float, v: float) -> float:
        a = v * x + b
        return (
            math.exp(-float(np.sum(np.logaddexp(0, a) - t * a)) - alpha / 2 * (v * v + b * b)) * alpha / (2 * math.pi)
        )

    exact = math.log(dblquad(joint, -8, 8, -8, 8, epsabs=1e-14)[0])
    assert abs(float(hesslib.log_evidence(net, w, x, t, alpha=alpha)) - exact) < 0.05


@over(REGRESSION)
def test_spectrum_puts_the_curvature_together_again(case: Case) -> None:
    args = case.net, case.w, case.x, case.t
    GN = gauss_newton_of_the_loops(case)
    wanted = {
        "gauss_newton": GN,
        "exact": reference(case).hessians.sum(axis=0),
        "diagonal": np.diag(np.diag(GN)),
    }
    for curvature, H in wanted.items():
        values, V = spectrum(*args, curvature=curvature)
        close(V * values @ V.T, H, 100 * case.rounding)
        close(V.T @ V, np.eye(len(case.w)), 100 * len(case.w) * EPS)


def test_the_spectrum_is_that_of_the_hessian_unless_another_matrix_is_asked_for() -> None:
    case = next(case for case in REGRESSION if np.linalg.eigvalsh(reference(case).hessians.sum(axis=0))[0] < -0.1)
    wanted = np.linalg.eigvalsh(reference(case).hessians.sum(axis=0))
    args = case.net, case.w, case.x, case.t
    close(np.sort(spectrum(*args).values), wanted, 100 * case.rounding)
    close(np.sort(eigenvalues(*args)), wanted, 100 * case.rounding)


def test_small_eigenvalues_keep_their_digits_since_the_jacobian_is_not_squared() -> None:
    """Columns of sizes 1 and 1e-9: the square of the second, 1e-18, is below the rounding of the matrix itself."""
    x = np.array([[1.0, 1e-9], [1.0, -1e-9], [-1.0, 1e-9], [-1.0, -1e-9]])
    values = np.sort(gauss_newton_spectrum(Network((2, 1)), np.zeros(3), x, np.zeros((4, 1))).values)
    np.testing.assert_allclose(values, [4e-18, 4.0, 4.0], rtol=1e-12)


def test_fewer_data_than_parameters_leave_eigenvalues_that_are_exactly_zero() -> None:
    net, x, t = linear(5, 11)
    values = gauss_newton_spectrum(net, np.zeros(12), x, t).values
    assert np.count_nonzero(values) == 5
    assert values.shape == (12,)


def test_spectrum_in_chunks_is_that_of_all_patterns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import hesslib.curvature.spectrum as chunked

    net, rng = Network((2, 3, 2)), np.random.default_rng(0)
    w, x, t = net.init(0), rng.standard_normal((200, 2)), np.zeros((200, 2))
    whole = gauss_newton_spectrum(net, w, x, t).values
    monkeypatch.setattr(chunked, "BUDGET", 1)
    np.testing.assert_allclose(gauss_newton_spectrum(net, w, x, t).values, whole, rtol=1e-9, atol=1e-12 * whole[0])


@pytest.mark.parametrize("ratio", [1e-6, 0.3, 1e4])
def test_effective_parameters_are_those_of_the_trace(ratio: float) -> None:
    case = REGRESSION[0]
    GN, P = gauss_newton_of_the_loops(case), len(case.w)
    expected = P - ratio * np.trace(np.linalg.inv(GN + ratio * np.eye(P)))
    values = gauss_newton_spectrum(case.net, case.w, case.x, case.t).values
    assert float(hesslib.effective_parameters(values, ratio)) == pytest.approx(expected, rel=1e-8)


def test_evidences_of_all_curvatures_come_together_and_one_that_has_none_is_nan() -> None:
    net, rng = Network((1, 4, 1)), np.random.default_rng(0)
    x = rng.standard_normal((20, 1))
    w, t = net.init(1) + 1, np.sin(5 * x)
    found = hesslib.log_evidences(net, w, x, t, alpha=1e-3, beta=100.0)
    assert math.isnan(found.pop("exact"))
    assert all(math.isfinite(value) for value in found.values())
    with pytest.raises(ValueError, match=r"smallest eigenvalue of beta H \+ alpha I is -.*must be positive"):
        hesslib.log_evidence(net, w, x, t, alpha=1e-3, beta=100.0, curvature="exact")


def test_alpha_and_beta_may_be_traced_and_what_would_raise_gives_nan() -> None:
    import jax

    net = Network((2, 3, 2))
    rng = np.random.default_rng(1)
    w, x, t = net.init(0), rng.standard_normal((30, 2)), rng.standard_normal((30, 2))
    expected = float(hesslib.log_evidence(net, w, x, t, alpha=0.3, beta=2.0))
    by_jax = jax.jit(lambda w, a, b: hesslib.log_evidence(net, w, x, t, alpha=a, beta=b))
    assert float(by_jax(w, 0.3, 2.0)) == pytest.approx(expected, rel=1e-12)
    indefinite = jax.jit(lambda w: hesslib.log_evidence(net, w, x, t, alpha=1e-6, beta=2.0, curvature="exact"))
    assert math.isnan(float(indefinite(w)))


@pytest.mark.parametrize(
    ("loss", "options", "message"),
    [
        ("squared_error", {"alpha": 0.0, "beta": 1.0}, "alpha is 0.0; it must be positive and finite"),
        ("squared_error", {"alpha": math.nan, "beta": 1.0}, "alpha is nan; it must be positive"),
        ("squared_error", {"alpha": 1.0, "beta": -1.0}, "beta is -1.0; it must be positive"),
        ("squared_error", {"alpha": 1.0}, "beta is None; for squared_error it must be given"),
        ("binary_cross_entropy", {"alpha": 1.0, "beta": 1.0}, "binary_cross_entropy has no noise level, leave it out"),
        ("squared_error", {"alpha": 1.0, "beta": 1.0, "curvature": "full"}, "curvature is 'full'; it must be one of"),
        ("squared_error", {"alpha": 1.0, "beta": 1.0, "convention": "half"}, "convention is 'half'; it must be one of"),
    ],
)
@pytest.mark.usefixtures("as_installed")
def test_what_cannot_be_is_refused(loss: str, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        hesslib.log_evidence(Network((1, 1), loss=loss), np.zeros(2), np.ones((1, 1)), np.zeros((1, 1)), **options)


@pytest.mark.usefixtures("as_installed")
def test_wrong_shapes_are_refused_by_every_curvature_at_once() -> None:
    with pytest.raises(ValueError, match="x has 3 columns; the network takes 2"):
        hesslib.log_evidences(Network((2, 1)), np.zeros(3), np.zeros((4, 3)), np.zeros((4, 1)), alpha=1.0, beta=1.0)


def test_the_two_conventions_are_a_factor_of_two_apart() -> None:
    assert module.twice_c("foresee_hagan") == 2 * module.twice_c("mackay") == 2.0
