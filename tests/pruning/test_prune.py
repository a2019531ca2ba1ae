"""Pruning: saliencies against constrained minima, and the whole procedure on errors that are exactly quadratic."""

import numpy as np
import oracles
import pytest

import hesslib
from hesslib import Network
from hesslib.pruning import prune as pruning

EPS = float(np.finfo(float).eps)


def positive_definite(P: int = 7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(P)
    B = rng.standard_normal((2 * P, P))
    return B.T @ B, rng.standard_normal(P)


def linear(alpha: float = 0.3) -> tuple[Network, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A network without hidden layers at the minimum of E + alpha |w|^2 / 2, and the curvature there."""
    rng = np.random.default_rng(0)
    net, x = Network((6, 2)), rng.standard_normal((30, 6)) @ rng.standard_normal((6, 6))
    t = x[:, :2] + rng.standard_normal((30, 2))
    zero = np.zeros(net.num_parameters)
    A = hesslib.hessian(net, zero, x, t) + alpha * np.eye(len(zero))
    return net, -np.linalg.solve(A, hesslib.gradient(net, zero, x, t)), x, t, A


def test_damage_is_the_rise_of_a_quadratic_error_when_one_weight_is_set_to_zero() -> None:
    H, w = positive_definite()
    found = pruning.saliency_obd(w, np.diag(H))
    for q in range(len(w)):
        d = np.where(np.arange(len(w)) == q, -w, 0.0)
        assert found[q] == pytest.approx(d @ H @ d / 2, rel=1e-12)


def test_surgeon_is_the_rise_when_the_others_are_trained_again() -> None:
    H, w = positive_definite()
    X = np.linalg.inv(H)
    found = pruning.saliency_obs(w, X)
    for q in range(len(w)):
        v, rise = oracles.constrained_minimum(H, w, [q])
        assert found[q] == pytest.approx(rise, rel=1e-10)
        np.testing.assert_allclose(w + pruning.surgeon_step(w, X, q), v, rtol=1e-9, atol=1e-12)
        assert (w + pruning.surgeon_step(w, X, q))[q] == 0.0


def test_surgeon_never_costs_more_than_damage() -> None:
    H, w = positive_definite()
    assert np.all(pruning.saliency_obs(w, np.linalg.inv(H)) <= pruning.saliency_obd(w, np.diag(H)) * (1 + 8 * EPS))


def test_both_agree_where_the_weights_do_not_interact() -> None:
    H, w = np.diag([1.0, 2.0, 5.0]), np.array([3.0, -1.0, 0.5])
    np.testing.assert_allclose(pruning.saliency_obs(w, np.linalg.inv(H)), pruning.saliency_obd(w, np.diag(H)))


def test_the_inverse_without_a_parameter_is_that_of_the_smaller_matrix() -> None:
    H, _ = positive_definite()
    X = pruning.without(pruning.without(np.linalg.inv(H), 2), 5)
    kept = [0, 1, 3, 4, 6]
    np.testing.assert_allclose(X[np.ix_(kept, kept)], np.linalg.inv(H[np.ix_(kept, kept)]), rtol=1e-9, atol=1e-12)
    assert not X[[2, 5]].any()
    assert not X[:, [2, 5]].any()


@pytest.mark.parametrize("recompute", [1, 3, 100])
def test_surgery_on_a_quadratic_error_costs_what_it_predicts_and_ends_at_the_constrained_minimum(
    recompute: int,
) -> None:
    net, w, x, t, A = linear()
    found = pruning.prune(net, w, x, t, 9, alpha=0.3, recompute=recompute)
    np.testing.assert_allclose(np.diff(found.error), found.predicted, rtol=1e-7)
    v, rise = oracles.constrained_minimum(A, w, found.removed)
    np.testing.assert_allclose(found.w, v, atol=1e-9)
    assert found.error[-1] - found.error[0] == pytest.approx(rise, rel=1e-8)
    assert not found.w[list(found.removed)].any()
    assert len(set(found.removed)) == 9


def test_surgery_takes_the_parameter_that_costs_least_in_each_step() -> None:
    net, w, x, t, A = linear()
    found = pruning.prune(net, w, x, t, 5, alpha=0.3)
    for step in range(5):
        gone = list(found.removed[:step])
        costs = {q: oracles.constrained_minimum(A, w, [*gone, q])[1] for q in range(len(w)) if q not in gone}
        assert found.removed[step] == min(costs, key=costs.get)


def test_damage_predicts_the_first_removal_and_magnitude_goes_by_size() -> None:
    net, w, x, t, A = linear()
    damage = pruning.prune(net, w, x, t, 1, method="obd", alpha=0.3)
    assert damage.error[1] - damage.error[0] == pytest.approx(damage.predicted[0], rel=1e-7)
    assert damage.removed[0] == np.argmin(np.diag(A) * w**2)
    size = pruning.prune(net, w, x, t, 14, method="magnitude", alpha=0.3)
    assert list(size.removed) == list(np.argsort(np.abs(w)))
    assert not size.w.any()


def test_the_weights_that_are_given_are_not_changed() -> None:
    net, w, x, t, _ = linear()
    before = w.copy()
    for method in ("magnitude", "obd", "obs"):
        pruning.prune(net, w, x, t, 3, method=method, alpha=0.3)
    np.testing.assert_array_equal(w, before)


@pytest.mark.parametrize("method", ["magnitude", "obd", "obs"])
def test_retraining_reaches_the_constrained_minimum_and_keeps_the_zeros(method: str) -> None:
    net, w, x, t, A = linear()
    found = pruning.prune(net, w, x, t, 4, method=method, alpha=0.3, retrain=20)
    v, _ = oracles.constrained_minimum(A, w, found.removed)
    np.testing.assert_allclose(found.w, v, atol=1e-6)
    assert not found.w[list(found.removed)].any()


def test_only_candidates_go() -> None:
    net, w, x, t, _ = linear()
    candidates = np.zeros(len(w), dtype=bool)
    candidates[net.weight_slice(1)] = True
    found = pruning.prune(net, w, x, t, 12, alpha=0.3, candidates=candidates)
    assert set(found.removed) == set(range(12))
    assert found.w[net.bias_slice(1)].all()


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "softmax_cross_entropy"])
def test_networks_that_classify_are_pruned_as_well(loss: str) -> None:
    rng = np.random.default_rng(0)
    net, x = Network((4, 3, 2), loss=loss), rng.standard_normal((40, 4))
    t = np.eye(2)[(x[:, 0] > 0).astype(int)]
    found = pruning.prune(net, net.init(0), x, t, 5, alpha=0.1, curvature="gauss_newton")
    assert np.count_nonzero(found.w == 0) >= 5
    assert len(found.error) == 6


@pytest.mark.parametrize("library", ["jax.numpy", "torch"])
@pytest.mark.parametrize("method", ["magnitude", "obd", "obs"])
def test_other_libraries_give_what_numpy_gives(library: str, method: str) -> None:
    xp = pytest.importorskip(library)
    net, w, x, t, _ = linear()
    expected = pruning.prune(net, w, x, t, 4, method=method, alpha=0.3, retrain=2)
    found = pruning.prune(net, *(xp.asarray(a) for a in (w, x, t)), 4, method=method, alpha=0.3, retrain=2)
    assert found.removed == expected.removed
    np.testing.assert_allclose(np.asarray(found.w), expected.w, atol=1e-8)
    H, _ = positive_definite()
    X = np.linalg.inv(H)
    np.testing.assert_allclose(np.asarray(pruning.without(xp.asarray(X), 1)), pruning.without(X, 1), atol=1e-14)


@pytest.mark.parametrize(
    ("number", "options", "message"),
    [
        (15, {}, "number is 15; it must be between 0 and the 14 candidates"),
        (-1, {}, "number is -1; it must be at least 0"),
        (1, {"method": "random"}, "method is 'random'; it must be one of magnitude, obd, obs"),
        (1, {"alpha": -1.0}, "alpha is -1.0; it must be finite and not negative"),
        (1, {"recompute": 0}, "recompute is 0; it must be at least 1"),
        (1, {"retrain": -1}, "retrain is -1; it must be at least 0"),
        (1, {"curvature": "diagonal"}, "curvature is 'diagonal'; it must be one of gauss_newton, exact"),
        (1, {"candidates": np.ones(3, dtype=bool)}, r"candidates has shape \(3,\); it must be \(14,\)"),
    ],
)
@pytest.mark.usefixtures("as_installed")
def test_what_cannot_be_is_refused(number: int, options: dict, message: str) -> None:
    net, w, x, t, _ = linear()
    with pytest.raises(ValueError, match=message):
        pruning.prune(net, w, x, t, number, **options)


@pytest.mark.usefixtures("as_installed")
def test_retraining_is_for_squared_error() -> None:
    net = Network((2, 1), loss="binary_cross_entropy")
    with pytest.raises(ValueError, match="retrain is 3 for binary_cross_entropy; it must be 0, or positive for"):
        pruning.prune(net, np.zeros(3), np.ones((4, 2)), np.ones((4, 1)), 1, retrain=3)


def test_a_singular_curvature_is_named() -> None:
    """Twice the same input: without weight decay one of its weights could be anything."""
    rng = np.random.default_rng(0)
    x = np.repeat(rng.standard_normal((10, 1)), 2, axis=1)
    with pytest.raises(
        ValueError,
        match=r"the curvature is .* positive: .*alpha holds; it is 0 and must be larger",
    ):
        pruning.prune(Network((2, 1)), np.ones(3), x, x[:, :1], 1)
    assert pruning.prune(Network((2, 1)), np.ones(3), x, x[:, :1], 1, alpha=0.1).removed


def test_an_indefinite_hessian_is_named() -> None:
    rng = np.random.default_rng(0)
    net, x = Network((1, 4, 1)), rng.standard_normal((20, 1))
    with pytest.raises(ValueError, match="it must be positive: w is not at a minimum"):
        pruning.prune(net, net.init(1) + 1, x, np.sin(5 * x), 1, curvature="exact")


def test_weights_that_are_not_finite_are_refused() -> None:
    net, w, x, t, _ = linear()
    w[3] = np.nan
    with pytest.raises(ValueError, match="w is not finite"):
        pruning.prune(net, w, x, t, 1, alpha=0.3)


@pytest.mark.usefixtures("as_installed")
def test_saliencies_refuse_what_does_not_fit() -> None:
    w = np.ones(3)
    with pytest.raises(ValueError, match=r"diagonal has shape \(2,\); w has \(3,\)"):
        pruning.saliency_obd(w, np.ones(2))
    with pytest.raises(ValueError, match=r"inverse has shape \(3,\); w has \(3,\), it must be \(3, 3\)"):
        pruning.saliency_obs(w, np.ones(3))
    with pytest.raises(ValueError, match="inverse has -1 in its diagonal, at 1; H must be positive definite"):
        pruning.saliency_obs(w, np.diag([1.0, -1.0, 1.0]))
    with pytest.raises(ValueError, match="q is 3; it must be one of the 3 parameters, from 0 to 2"):
        pruning.surgeon_step(w, np.eye(3), 3)


@pytest.mark.parametrize("recompute", [1, 2, 3])
def test_the_curvature_is_that_of_the_last_recomputation(recompute: int) -> None:
    """OBD on a network that is not linear, against a loop with JAX's Jacobian at the weights of that moment."""
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(4)
    net, alpha = hesslib.Network((2, 3, 1)), 0.1
    w, x, t = rng.standard_normal(13), rng.standard_normal((12, 2)), rng.standard_normal((12, 1))

    def y(w: jax.Array) -> jax.Array:
        return (jnp.tanh(x @ w[:6].reshape(3, 2).T + w[6:9]) @ w[9:12]) + w[12]

    v, removed, predicted = w.copy(), [], []
    for done in range(7):
        if done % recompute == 0:
            diagonal = (np.asarray(jax.jacobian(y)(jnp.asarray(v))) ** 2).sum(axis=0) + alpha
        rise = diagonal * v**2 / 2
        q = min((q for q in range(13) if q not in removed), key=lambda q: rise[q])
        removed.append(q)
        predicted.append(rise[q])
        v[q] = 0
    found = pruning.prune(net, w, x, t, 7, method="obd", alpha=alpha, recompute=recompute)
    assert found.removed == tuple(removed)
    np.testing.assert_allclose(found.predicted, predicted, rtol=1e-10)
