"""Evidence of classifiers: against integrals by quadrature, Laplace's formula by JAX, and between the two losses."""

import math
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hesslib
from hesslib import Network, bayesian_regularization

CONVENTIONS = {"mackay": 1.0, "foresee_hagan": 2.0}


def two_classes(N: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((N, 1))
    return x, (1.5 * x + 0.3 + rng.logistic(size=(N, 1)) > 0).astype(float)


def three_classes(N: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((N, 2))
    return x, (2 * x @ rng.standard_normal((2, 3)) + rng.gumbel(size=(N, 3))).argmax(axis=1)


def log_joint(x: np.ndarray, t: np.ndarray, variance: float, v: np.ndarray, b: np.ndarray) -> np.ndarray:
    """ln of likelihood times prior of a logistic regression at many (v, b)."""
    a = v[..., None] * x[:, 0] + b[..., None]
    likelihood = -(np.logaddexp(0, a) - t[:, 0] * a).sum(axis=-1)
    return likelihood - (v**2 + b**2) / (2 * variance) - math.log(2 * math.pi * variance)


def log_integral(x: np.ndarray, t: np.ndarray, variance: float) -> float:
    """ln P(D) by the trapezoidal rule on a square so large that nothing is left beyond it."""
    grid = np.linspace(-12, 12, 481)
    values = np.stack([log_joint(x, t, variance, np.full_like(grid, v), grid) for v in grid])
    assert max(values[0].max(), values[-1].max(), values[:, 0].max(), values[:, -1].max()) < values.max() - 28
    top = values.max()
    return top + math.log(np.exp(values - top).sum() * (grid[1] - grid[0]) ** 2)


def optimum(net: Network, w: np.ndarray, x: np.ndarray, t: np.ndarray, decay: float) -> np.ndarray:
    """The minimum near w of E + decay |w|^2 / 2 by Newton's method, all of it by JAX."""
    F = jax.jit(lambda w: jax_error(net, w, x, t) + decay / 2 * (w @ w))
    g, H = jax.jit(jax.grad(F)), jax.jit(jax.hessian(F))
    w = jnp.asarray(w)
    for _ in range(30):
        w = w - jnp.linalg.solve(H(w), g(w))
    assert float(jnp.abs(g(w)).max()) < 1e-10
    return np.asarray(w)


def jax_error(net: Network, w: jax.Array, x: np.ndarray, t: np.ndarray) -> jax.Array:
    weights, biases = net.unravel(w)
    z = jnp.asarray(x)
    for l, (W, b) in enumerate(zip(weights, biases, strict=True), start=1):
        z = z @ W.T + b
        z = jnp.tanh(z) if l < net.L else z
    if net.loss.name == "binary_cross_entropy":
        return jnp.sum(jnp.logaddexp(0, z) - t * z)
    return -jnp.sum(jax.nn.log_softmax(z)[np.arange(len(t)), t])


def laplace_by_jax(net: Network, w: np.ndarray, x: np.ndarray, t: np.ndarray, alpha: float) -> float:
    """-E - alpha |w|^2 / 2 + P/2 ln alpha - ln det(A) / 2, with A by two passes of automatic differentiation."""
    A = jax.hessian(lambda w: jax_error(net, w, x, t))(jnp.asarray(w)) + alpha * jnp.eye(len(w))
    E = jax_error(net, jnp.asarray(w), x, t)
    return float(-E - alpha / 2 * w @ w + len(w) / 2 * math.log(alpha) - jnp.linalg.slogdet(A)[1] / 2)


def test_the_error_of_laplaces_formula_falls_as_one_over_the_number_of_patterns() -> None:
    """F times 4, by 4 times the patterns and the decay: a quarter of the error, but for higher orders."""
    net, errors = Network((1, 1), loss="binary_cross_entropy"), []
    once = two_classes(16)
    for times in (1, 4, 16):
        x, t = (np.tile(array, (times, 1)) for array in once)
        alpha = 0.5 * times
        w = optimum(net, np.zeros(2), x, t, alpha)
        errors.append(log_integral(x, t, 1 / alpha) - float(hesslib.log_evidence(net, w, x, t, alpha=alpha)))
    assert 0 < errors[0] < 0.05
    for coarse, fine in pairwise(errors):
        assert 3 < coarse / fine < 5


def test_softmax_of_two_classes_has_the_evidence_of_one_logistic_output_with_twice_the_prior_variance() -> None:
    """Only v_1 - v_2 and b_1 - b_2 matter, of variance 2 / alpha each; the sums have their prior, which is Gaussian."""
    x, t = two_classes(40)
    labels, alpha = t[:, 0].astype(int), 0.7
    softmax, logistic = Network((1, 2), loss="softmax_cross_entropy"), Network((1, 1), loss="binary_cross_entropy")
    w = optimum(softmax, np.zeros(4), x, labels, alpha)
    v = optimum(logistic, np.zeros(2), x, t, alpha / 2)
    found = float(hesslib.log_evidence(softmax, w, x, labels, alpha=alpha))
    assert found == pytest.approx(float(hesslib.log_evidence(logistic, v, x, t, alpha=alpha / 2)), rel=1e-11)
    assert found == pytest.approx(log_integral(x, t, 2 / alpha), abs=0.05)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "softmax_cross_entropy"])
def test_evidence_of_a_network_at_its_optimum_is_laplaces_formula_by_jax(loss: str, convention: str) -> None:
    x, labels = three_classes(60)
    K, t = (3, labels) if loss == "softmax_cross_entropy" else (1, (labels == 0).astype(float)[:, None])
    net, alpha = Network((2, 3, K), loss=loss), 0.8
    start = hesslib.fit(net, net.init(0), x, t, decay=alpha).w
    w = optimum(net, start, x, t, alpha)
    options = {"alpha": alpha / CONVENTIONS[convention], "convention": convention, "curvature": "exact"}
    found = float(hesslib.log_evidence(net, w, x, t, **options))
    assert found == pytest.approx(laplace_by_jax(net, w, x, t, alpha), rel=1e-11)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "softmax_cross_entropy"])
def test_the_loop_ends_where_alpha_says_the_size_of_the_weights_at_the_optimum(loss: str) -> None:
    """2 alpha E_W = gamma, with gamma from JAX's Hessian of the linear model, and slope 0 of the penalised error."""
    x, labels = three_classes(80)
    K, t = (3, labels) if loss == "softmax_cross_entropy" else (1, (labels == 0).astype(float)[:, None])
    net = Network((2, K), loss=loss)
    found = bayesian_regularization(net, net.init(0), x, t, tolerance=1e-10)
    assert (found.status, found.beta, found.sigma) == ("converged", 1.0, 0.0)
    np.testing.assert_allclose(found.w, optimum(net, found.w, x, t, found.alpha), rtol=1e-6)
    values = np.linalg.eigvalsh(jax.hessian(lambda w: jax_error(net, w, x, t))(jnp.asarray(found.w)))
    assert found.gamma == pytest.approx(float((values / (values + found.alpha)).sum()), rel=1e-6)
    assert found.alpha * found.w @ found.w == pytest.approx(found.gamma, rel=1e-6)
    assert found.log_evidence == pytest.approx(laplace_by_jax(net, found.w, x, t, found.alpha), rel=1e-10)


@pytest.mark.usefixtures("as_installed")
def test_no_other_decay_gives_a_classifier_much_more_evidence() -> None:
    x, t = two_classes(60)
    net = Network((1, 1), loss="binary_cross_entropy")
    found = bayesian_regularization(net, np.ones(2), x, t)
    others = []
    for alpha in found.alpha * np.geomspace(1e-3, 1e3, 7):
        w = optimum(net, np.zeros(2), x, t, float(alpha))
        others.append(laplace_by_jax(net, w, x, t, float(alpha)))
    assert max(others) - 0.05 < found.log_evidence <= max(others) + 0.05
    assert min(others) < found.log_evidence - 3


def test_separable_classes_keep_finite_weights() -> None:
    x = np.linspace(-1, 1, 20)[:, None]
    t = (x > 0).astype(float)
    net = Network((1, 1), loss="binary_cross_entropy")
    found = bayesian_regularization(net, np.zeros(2), x, t)
    assert found.status == "converged"
    assert np.isfinite(found.w).all()
    assert 0 < found.alpha < 1


def test_both_conventions_of_a_classifier_are_one_computation() -> None:
    x, t = two_classes(50)
    net = Network((1, 3, 1), loss="binary_cross_entropy")
    mackay, other = (bayesian_regularization(net, net.init(0), x, t, convention=c) for c in CONVENTIONS)
    np.testing.assert_array_equal(mackay.w, other.w)
    assert (mackay.gamma, mackay.log_evidence) == (other.gamma, other.log_evidence)
    assert (mackay.alpha, mackay.beta) == (2 * other.alpha, other.beta)
    assert [u.error for u in mackay.history] == [u.error for u in other.history]
    assert mackay.history[-1].error == pytest.approx(float(hesslib.error(net, mackay.w, x, t)), rel=1e-12)
    assert mackay.log_evidences == pytest.approx(other.log_evidences, rel=1e-12)


def test_bars_of_a_classifier_are_those_of_its_pre_activations() -> None:
    x, t = two_classes(50)
    net = Network((1, 1), loss="binary_cross_entropy")
    found = bayesian_regularization(net, np.zeros(2), x, t)
    new = np.array([[-2.0], [0.5]])
    y, bars = found.predict(new)
    A = jax.hessian(lambda w: jax_error(net, w, x, t))(jnp.asarray(found.w)) + found.alpha * np.eye(2)
    g = np.concatenate([new, np.ones((2, 1))], axis=1)
    np.testing.assert_allclose(y[:, 0], 1 / (1 + np.exp(-g @ found.w)), rtol=1e-12)
    np.testing.assert_allclose(bars[:, 0] ** 2, np.einsum("np,pq,nq->n", g, np.linalg.inv(A), g), rtol=1e-9)
    np.testing.assert_array_equal(bars, found.predict(new, noise=False)[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beta": 1.0}, "beta is 1.0; binary_cross_entropy has no noise level, leave it out"),
        ({"alpha": 0.0}, "alpha is 0; it must be positive for binary_cross_entropy: the classes may be separable"),
    ],
)
@pytest.mark.usefixtures("as_installed")
def test_what_a_classifier_cannot_have_is_refused(options: dict, message: str) -> None:
    x, t = two_classes(10)
    with pytest.raises(ValueError, match=message):
        bayesian_regularization(Network((1, 1), loss="binary_cross_entropy"), np.zeros(2), x, t, **options)
