"""Bayesian regularization: against exact marginal likelihoods, scikit-learn, and the ways in which the loop fails."""

import math

import mpmath as mp
import numpy as np
import oracles
import pytest
from scipy.optimize import minimize

import hesslib
from hesslib import Network, bayesian_regularization
from hesslib.evidence._loop import SLACK, Update


def linear(N: int, D: int) -> tuple[Network, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(N + 10 * D)
    x = rng.standard_normal((N, D)) * np.geomspace(1, 0.01, D)
    return Network((D, 1)), x, x[:, :1] + 0.3 * rng.standard_normal((N, 1))


def curve(N: int = 60, *, frequency: float = 3.0, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(-1, 1, N))[:, None]
    t = np.sin(frequency * x) + noise * rng.standard_normal((N, 1))
    return x, t - t.mean()


def with_bias(x: np.ndarray) -> np.ndarray:
    return np.hstack([x, np.ones((len(x), 1))])


@pytest.mark.parametrize(("N", "D"), [(40, 11), (15, 4), (8, 11)])
def test_on_a_linear_model_it_finds_the_maximum_of_the_exact_marginal_likelihood(N: int, D: int) -> None:
    net, x, t = linear(N, D)
    found = bayesian_regularization(net, net.init(0), x, t, tolerance=1e-11, max_updates=1000)
    assert found.status == "converged"

    def exact(logarithms: np.ndarray) -> float:
        a, b = np.exp(logarithms)
        return oracles.log_marginal_likelihood(with_bias(x), t.ravel(), prior_variance=1 / a, noise_variance=1 / b)

    at = np.log([found.alpha, found.beta])
    assert found.log_evidence == pytest.approx(exact(at), rel=1e-10, abs=1e-10)
    best = minimize(lambda v: -exact(v), at + 0.3, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13})
    assert found.log_evidence == pytest.approx(-best.fun, rel=1e-10)
    np.testing.assert_allclose(at, best.x, atol=1e-5)


@pytest.mark.parametrize(("N", "D"), [(40, 11), (200, 6)])
def test_on_a_linear_model_it_agrees_with_bayesian_ridge(N: int, D: int) -> None:
    from sklearn.linear_model import BayesianRidge

    net, x, t = linear(N, D)
    options = dict.fromkeys(("alpha_1", "alpha_2", "lambda_1", "lambda_2"), 0.0)
    ridge = BayesianRidge(fit_intercept=False, tol=1e-13, max_iter=10000, compute_score=True, **options)
    ridge.fit(with_bias(x), t[:, 0])
    found = bayesian_regularization(net, net.init(0), x, t, tolerance=1e-12, max_updates=1000)
    assert found.beta == pytest.approx(ridge.alpha_, rel=1e-7)
    assert found.alpha == pytest.approx(ridge.lambda_, rel=1e-7)
    assert found.log_evidence == pytest.approx(ridge.scores_[-1], rel=1e-10)
    np.testing.assert_allclose(found.w, ridge.coef_, rtol=1e-6, atol=1e-9)
    mean, bars = found.predict(x)
    theirs = ridge.predict(with_bias(x), return_std=True)
    np.testing.assert_allclose(mean[:, 0], theirs[0], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(bars[:, 0], theirs[1], rtol=1e-6)


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("scales", [(1e-3,) * 4, (1e-6,) * 4, (1e-6, 1.0, 1.0, 1e3)])
def test_inputs_of_any_scale_reach_the_maximum_of_the_exact_marginal_likelihood(scales: tuple[float, ...]) -> None:
    """From a decay that is cautious for the biases alone, the weights of small inputs stay 0: 20 nats less."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 4))
    t = x @ rng.standard_normal((4, 1)) + 0.3 * rng.standard_normal((40, 1))
    x, net = x * np.array(scales), Network((4, 1))
    found = bayesian_regularization(net, net.init(0), x, t)

    X, T = mp.matrix(with_bias(x).tolist()), mp.matrix(t.tolist())

    def exact(a: float, b: float) -> float:
        """The Gaussian density of the targets in 50 digits: the variance of the bias may be 10^12 that of the noise."""
        with mp.workdps(50):
            covariance = X * X.T / mp.mpf(a) + mp.eye(40) / mp.mpf(b)
            square = (T.T * mp.lu_solve(covariance, T))[0]
            return float(-(square + mp.log(mp.det(covariance)) + 40 * mp.log(2 * mp.pi)) / 2)

    assert found.status == "converged"
    assert found.log_evidence == pytest.approx(exact(found.alpha, found.beta), abs=1e-6)
    for a, b in ((1.1, 1.0), (0.9, 1.0), (1.0, 1.1), (1.0, 0.9)):
        assert exact(a * found.alpha, b * found.beta) < found.log_evidence
    for alpha in np.geomspace(1e-14, 1e4, 10):
        assert exact(float(alpha), found.beta) < found.log_evidence + 1e-6


@pytest.mark.usefixtures("as_installed")
def test_a_network_leaves_its_linear_range_for_small_inputs() -> None:
    """Where the loop from one cautious decay ends at -66 or, linear, at -48; an explicit start finds -11."""
    x, t = curve()
    net = Network((1, 4, 1))
    options = {"tolerance": 1e-3, "max_updates": 40}
    found = max(bayesian_regularization(net, net.init(s), 1e-6 * x, t, **options).log_evidence for s in range(3))
    assert found > -30


def test_error_bars_of_a_linear_model_are_those_of_the_joint_gaussian() -> None:
    net, x, t = linear(15, 4)
    found = bayesian_regularization(net, net.init(0), x, t, tolerance=1e-11)
    new = np.random.default_rng(7).standard_normal((5, 4)) * 3
    mean, bars = found.predict(new)
    known = found.predict(new, noise=False)[1]
    for row, m, s, k in zip(with_bias(new), mean[:, 0], bars[:, 0], known[:, 0], strict=True):
        exact = oracles.conditioned(
            with_bias(x), t.ravel(), row, prior_variance=1 / found.alpha, noise_variance=1 / found.beta
        )
        assert (m, s**2) == (pytest.approx(exact[0], rel=1e-7), pytest.approx(exact[1], rel=1e-9))
        assert s**2 - k**2 == pytest.approx(found.sigma**2, rel=1e-9)


def test_both_conventions_are_one_computation() -> None:
    x, t = curve()
    net = Network((1, 4, 1))
    runs = {c: bayesian_regularization(net, net.init(0), x, t, convention=c) for c in ("mackay", "foresee_hagan")}
    mackay, fh = runs["mackay"], runs["foresee_hagan"]
    np.testing.assert_array_equal(mackay.w, fh.w)
    assert (mackay.gamma, mackay.log_evidence, mackay.sigma) == (fh.gamma, fh.log_evidence, fh.sigma)
    assert (mackay.alpha, mackay.beta) == (2 * fh.alpha, 2 * fh.beta)
    E = float(hesslib.error(net, mackay.w, x, t))
    assert mackay.history[-1].error == pytest.approx(E, rel=1e-12)
    assert fh.history[-1].error == pytest.approx(2 * E, rel=1e-12)
    for run, two_c in ((mackay, 1), (fh, 2)):  # the fixed point, as each prints it
        assert run.alpha == pytest.approx(run.gamma / (two_c * run.w @ run.w), rel=1e-5)
        assert run.beta == pytest.approx((60 - run.gamma) / (2 * two_c * E), rel=1e-5)


@pytest.mark.parametrize("curvature", ["gauss_newton", "exact", "diagonal"])
def test_every_curvature_converges_and_says_how_far_the_others_are(curvature: str) -> None:
    x, t = curve()
    net = Network((1, 4, 1))
    found = bayesian_regularization(net, net.init(0), x, t, curvature=curvature)
    assert found.status == "converged"
    assert found.log_evidences[curvature] == pytest.approx(found.log_evidence, rel=1e-9)
    assert found.log_evidences["diagonal"] < found.log_evidences["gauss_newton"] - 5  # it knows no compensation
    assert 0.08 < found.sigma < 0.13


def test_an_indefinite_hessian_is_replaced_by_gauss_newton_and_the_history_says_so() -> None:
    x, t = curve()
    net = Network((1, 8, 1))
    found = bayesian_regularization(
        net, net.init(0), x, t, curvature="exact", alpha=1e-5, beta=1e3, max_iterations=1, max_updates=30
    )
    used = [update.curvature for update in found.history]
    assert "gauss_newton" in used
    assert found.log_evidence == found.history[-1].log_evidence


@pytest.mark.parametrize("hidden", [4, 8, 16])
@pytest.mark.parametrize("seed", range(3))
def test_effective_parameters_stay_put_when_the_network_grows(hidden: int, seed: int) -> None:
    x, t = curve()
    net = Network((1, hidden, 1))
    found = bayesian_regularization(net, net.init(seed, method="nguyen_widrow"), x, t, tolerance=1e-3)
    assert found.status == "converged"
    assert 5 < found.gamma < 10
    assert 0.08 < found.sigma < 0.13


@pytest.mark.parametrize("seed", range(6))
def test_a_start_from_which_it_collapses_is_detected_and_recovered_from(seed: int) -> None:
    x, t = curve(30, frequency=6.0)
    net = Network((1, 8, 1))
    w = net.init(seed)
    lost = bayesian_regularization(net, w, x, t, alpha=1e3, beta=1.0, restarts=0)
    assert lost.status == "collapsed"
    assert lost.gamma < 0.01
    assert "the weights are 0" in lost.message
    found = bayesian_regularization(net, w, x, t, alpha=1e3, beta=1.0)
    assert found.status in ("converged", "stalled")
    assert "collapsed to w = 0 from the first start; restart 1" in found.message
    assert found.log_evidence > lost.log_evidence + 10
    assert 0.05 < found.sigma < 0.2
    assert {update.start for update in found.history} == {0, 1}


def test_targets_that_are_noise_end_in_a_collapse_and_the_message_says_what_it_may_mean() -> None:
    rng = np.random.default_rng(3)
    x, t = rng.uniform(-1, 1, (40, 1)), rng.standard_normal((40, 1))
    net = Network((1, 3, 1))
    found = bayesian_regularization(net, net.init(0), x, t - t.mean(), restarts=1, alpha=10.0)
    if found.status == "collapsed":
        assert "perhaps the targets do not depend on the inputs" in found.message
        np.testing.assert_allclose(found.sigma, np.std(t), rtol=0.05)
    assert found.gamma < 10


@pytest.mark.parametrize("hidden", [3, 10])
def test_more_parameters_than_data_are_no_obstacle_to_the_start(hidden: int) -> None:
    x, t = curve(8)
    net = Network((1, hidden, 1))
    found = bayesian_regularization(net, net.init(0), x, t)
    assert found.status in ("converged", "stalled")
    assert 0 < found.gamma < 8
    assert found.beta > 0


def test_foresee_and_hagans_start_is_refused_where_beta_would_not_be_positive() -> None:
    x, t = curve(8)
    net = Network((1, 4, 1))
    with pytest.raises(ValueError, match="alpha is 0, with 8 data for 13 parameters; it must be positive then"):
        bayesian_regularization(net, net.init(0), x, t, alpha=0.0, beta=1.0, convention="foresee_hagan")


def test_foresee_and_hagans_start_works_with_more_data_than_parameters() -> None:
    x, t = curve()
    net = Network((1, 4, 1))
    w = net.init(0, method="nguyen_widrow")
    options = {"convention": "foresee_hagan", "tolerance": 1e-4}
    theirs = bayesian_regularization(net, w, x, t, alpha=0.0, beta=1.0, **options)
    ours = bayesian_regularization(net, w, x, t, **options)
    assert theirs.history[0].gamma == 13
    assert theirs.gamma == pytest.approx(ours.gamma, rel=1e-2)
    assert theirs.status == "converged"


def test_no_update_leads_more_than_the_slack_below_the_best_evidence() -> None:
    x, t = curve()
    net = Network((1, 8, 1))
    history = bayesian_regularization(net, net.init(0), x, t).history
    evidences = [update.log_evidence for update in history]
    for k in range(1, len(evidences)):
        assert evidences[k] >= max(evidences[:k]) - SLACK


@pytest.mark.parametrize("stop", [KeyboardInterrupt, True])
def test_an_interruption_keeps_what_has_been_found(stop: object) -> None:
    x, t = curve()
    net = Network((1, 4, 1))

    def callback(w: np.ndarray, update: Update) -> object:
        assert w.shape == (13,)
        if update.update == 1:
            if stop is KeyboardInterrupt:
                raise KeyboardInterrupt
            return True
        return None

    found = bayesian_regularization(net, net.init(0), x, t, callback=callback)
    assert found.status == ("interrupted" if stop is KeyboardInterrupt else "stopped")
    assert len(found.history) == 2
    assert found.log_evidence == found.history[-1].log_evidence
    assert found.predict(x)[0].shape == (60, 1)


def test_an_interruption_before_there_is_anything_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import hesslib.evidence._loop as loop

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "minimise", interrupted)
    x, t = curve()
    net = Network((1, 4, 1))
    with pytest.raises(KeyboardInterrupt):
        bayesian_regularization(net, net.init(0), x, t)


def test_an_interruption_during_training_is_one_of_the_loop() -> None:
    """Levenberg-Marquardt keeps its best point on KeyboardInterrupt; the loop must not go on from there."""
    import hesslib.evidence._loop as loop

    x, t = curve()
    net = Network((1, 4, 1))
    calls = []
    inner = loop.minimise

    def interrupted(*args: object, **options: object) -> object:
        calls.append(1)
        found = inner(*args, **options)
        return found if len(calls) < 3 else found.__class__(**{**found.__dict__, "status": "interrupted"})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "minimise", interrupted)
        found = bayesian_regularization(net, net.init(0), x, t)
    assert found.status == "interrupted"
    assert found.message == "interrupted after 1 updates"


def test_the_limit_of_updates_is_kept_and_said() -> None:
    x, t = curve()
    net = Network((1, 4, 1))
    found = bayesian_regularization(net, net.init(0), x, t, max_updates=1, tolerance=1e-12)
    assert (found.status, found.message) == ("limit", "all 1 updates are used")
    assert len(found.history) == 2


def test_targets_without_noise_are_told_from_a_noise_level_of_rounding() -> None:
    x = np.linspace(-1, 1, 20)[:, None]
    found = bayesian_regularization(Network((1, 1)), np.zeros(2), x, 2 * x + 1, max_updates=500)
    assert found.status == "noise_free"
    assert "there is no noise to estimate" in found.message
    np.testing.assert_allclose(found.w, [2.0, 1.0], rtol=1e-6)


def test_a_flat_error_is_a_collapse_with_a_message() -> None:
    """Every hidden unit is off for every pattern: nothing but the output bias has an effect, and its target is 0."""
    x, t = curve()
    net = Network((1, 3, 1), activation="relu")
    w = net.ravel([np.zeros((3, 1)), np.zeros((1, 3))], [-np.ones(3), np.zeros(1)])
    found = bayesian_regularization(net, w, x, t, restarts=0, alpha=1.0, beta=1.0)
    assert found.status == "collapsed"
    assert found.gamma < 0.01


def test_an_update_that_nothing_improves_stops_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    import hesslib.evidence._loop as loop

    monkeypatch.setattr(loop, "HALVINGS", 0)  # every update is refused
    x, t = curve()
    net = Network((1, 4, 1))
    found = bayesian_regularization(net, net.init(0), x, t)
    assert found.status == "stalled"
    assert "no update of alpha and beta raises the evidence after 0 updates" in found.message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t": np.full((6, 1), np.nan)}, "t has the value nan in row 0; squared_error takes finite targets"),
        ({"x": np.full((6, 2), np.inf)}, "x has a value in row 0 that is not finite"),
        ({"w": np.full(3, np.nan)}, "w0 has nan in entry 0; it must be finite"),
        ({"t": np.zeros((6, 1))}, "t is 0 everywhere; there is nothing to fit"),
        ({"x": np.ones((6, 3))}, "x has 3 columns; the network takes 2"),
        ({"w": np.zeros(4)}, "w0 has 4 entries; the network has 3 parameters"),
        ({"alpha": -1.0}, "alpha is -1.0; it must be finite and not negative"),
        ({"beta": math.inf}, "beta is inf; it must be positive and finite"),
        ({"beta": 0.0}, "beta is 0.0; it must be positive and finite"),
        ({"curvature": "full"}, "curvature is 'full'; it must be one of"),
        ({"convention": "both"}, "convention is 'both'; it must be one of"),
        ({"max_updates": -1}, "max_updates is -1; it must be at least 0"),
        ({"restarts": -1}, "restarts is -1; it must be at least 0"),
        ({"max_iterations": 0}, "max_iterations is 0; it must be at least 1"),
        ({"max_updates": 2.5}, "max_updates is 2.5; it must be an integer"),
    ],
)
@pytest.mark.usefixtures("as_installed")
def test_what_cannot_be_is_refused(change: dict, message: str) -> None:
    rng = np.random.default_rng(0)
    problem = {"net": Network((2, 1)), "w": np.zeros(3), "x": rng.standard_normal((6, 2)), "t": np.ones((6, 1))}
    problem.update({name: change.pop(name) for name in list(change) if name in problem})
    with pytest.raises(ValueError, match=message):
        bayesian_regularization(*problem.values(), **change)


@pytest.mark.parametrize("library", ["jax.numpy", "torch"])
def test_other_libraries_get_their_own_arrays_back(library: str) -> None:
    xp = pytest.importorskip(library)
    x, t = curve()
    net = Network((1, 4, 1))
    expected = bayesian_regularization(net, net.init(0), x, t, tolerance=1e-3)
    found = bayesian_regularization(net, *(xp.asarray(array) for array in (net.init(0), x, t)), tolerance=1e-3)
    assert type(found.w) is type(xp.asarray(x))
    assert found.log_evidence == pytest.approx(expected.log_evidence, rel=1e-6)
    np.testing.assert_allclose(np.asarray(found.predict(xp.asarray(x))[1]), expected.predict(x)[1], rtol=1e-4)
