"""Experiments of *Bayesian regularization*: a linear model that knows its own evidence, and fits on small data.

Longer than one sitting: a chapter computes many things, and its experiments stand where its reader looks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, multivariate_t
from sklearn.datasets import load_diabetes
from sklearn.linear_model import BayesianRidge

import hesslib
from hesslib import Network, bayesian_regularization
from hesslib.derivations import evidence as derived

TWO_C = {"mackay": 1.0, "foresee_hagan": 2.0}


def truth(x: Any) -> Any:
    """The curve beneath the noise."""
    return np.sin(3 * x) + 0.3 * np.cos(7 * x)


def jacobian(net: Network, w: Any, x: Any) -> Any:
    """The derivatives of all residuals by the weights, a row for each."""
    return hesslib.output_jacobian(net, w, x).reshape(-1, len(w))


def residuals(net: Network, w: Any, x: Any, t: Any) -> Any:
    """The residuals of all patterns and outputs, one after the other."""
    return (hesslib.outputs(net, w, x) - t).ravel()


def least_squares(net: Network, start: Any, x: Any, t: Any, iterations: int) -> Any:
    """The same training without decay."""
    return bayesian_regularization(net, start, x, t, alpha=0.0, beta=1.0, max_updates=0, max_iterations=iterations)


def draw_two_fits(x: Any, t: Any, grid: Any, plain: Any, found: Any) -> None:
    """Both fits with the points and the true curve; the band is one standard deviation of a new point."""
    mean, bar = (values[:, 0] for values in found.predict(grid))
    curves = ((plain.predict(grid)[0], "least squares"), (mean, "Bayesian regularization"))
    _, axes = plt.subplots(1, 2, figsize=(7.4, 3.0), sharey=True)
    for ax, (curve, title) in zip(axes, curves, strict=True):
        ax.plot(x, t, ".", color="#999999")
        ax.plot(grid, truth(grid), "--", color="#777777", lw=1, label="truth")
        ax.plot(grid, curve, color="#D55E00", label="network")
        ax.set(xlabel="$x$", title=title, ylim=(-1.9, 1.9))
    axes[1].fill_between(grid[:, 0], mean - bar, mean + bar, color="#D55E00", alpha=0.2, lw=0)
    axes[0].legend(loc="lower right")


class LinearModel:
    """40 data and 12 weights, badly conditioned: the marginal likelihood is known, the targets being Gaussian."""

    NOISE = 0.3  # standard deviation

    def __init__(self) -> None:
        self.net, self.rng = Network((11, 1)), np.random.default_rng(5)
        self.x = self.rng.standard_normal((40, 11)) * np.geomspace(1, 0.05, 11)
        self.t = self.x.sum(1, keepdims=True) + self.NOISE * self.rng.standard_normal((40, 1))
        self.J = jacobian(self.net, np.zeros(12), self.x)
        self.JJ, self.Jt = self.J.T @ self.J, self.J.T @ self.t[:, 0]
        self.lam = np.linalg.eigvalsh(self.JJ)

    def exact_evidence(self, prior_variance: float, noise_variance: float) -> float:
        """Return ln P(D), the density of the Gaussian targets."""
        covariance = noise_variance * np.eye(40) + prior_variance * self.J @ self.J.T
        return float(multivariate_normal(cov=covariance).logpdf(self.t[:, 0]))

    def exact(self, convention: str, a: float, b: float) -> float:
        """Return ln P(D) at the alpha and beta of a convention."""
        return self.exact_evidence(1 / (TWO_C[convention] * a), 1 / (TWO_C[convention] * b))

    def mode(self, ratio: float) -> Any:
        """Return the most probable weights at a ratio alpha / beta."""
        return np.linalg.solve(self.JJ + ratio * np.eye(12), self.Jt)

    def e(self, w: Any) -> Any:
        """Return the residuals."""
        return self.J @ w - self.t[:, 0]

    def curvature(self, a: float, b: float) -> Any:
        """Return the matrix A in MacKay's convention."""
        return b * self.JJ + a * np.eye(12)

    def formula(self, convention: str, a: float, b: float) -> float:
        """Evaluate the derived formula, as displayed."""
        w, two_c = self.mode(a / b), TWO_C[convention]
        letters = {
            derived.E_D: two_c / 2 * self.e(w) @ self.e(w),
            derived.E_W: two_c / 2 * w @ w,
            derived.alpha: a,
            derived.beta: b,
            derived.c: two_c / 2,
            derived.N: 40,
            derived.P: 12,
        }
        volume = np.log(two_c * (b * self.lam + a)).sum()
        return sum(
            float(term.as_coeff_Mul()[0]) * volume if term.has(sp.Sum) else float(term.xreplace(letters))
            for term in sp.Add.make_args(derived.written_out())
        )

    def library(self, convention: Any, a: float, b: float) -> float:
        """Return what `hesslib.log_evidence` says."""
        found = hesslib.log_evidence(self.net, self.mode(a / b), self.x, self.t, alpha=a, beta=b, convention=convention)
        return float(found)

    def numeric_slopes(self, a: float, b: float, step: float = 1e-5) -> Any:
        """Return the derivatives of ln P(D) by alpha and beta, MacKay's, by central differences."""
        up, down = 1 + step, 1 - step
        by_a = self.exact("mackay", a * up, b) - self.exact("mackay", a * down, b)
        by_b = self.exact("mackay", a, b * up) - self.exact("mackay", a, b * down)
        return np.array([by_a / (2 * step * a), by_b / (2 * step * b)])

    def derived_slopes(self, a: float, b: float) -> Any:
        """Return the same by the derived formula."""
        w, A = self.mode(a / b), a + b * self.lam
        by_a = 6 / a - 0.5 * (1 / A).sum() - 0.5 * w @ w
        by_b = 20 / b - 0.5 * (self.lam / A).sum() - 0.5 * self.e(w) @ self.e(w)
        return np.array([by_a, by_b])

    def fixed_point(self, two_c: int, in_hessian: int, in_trace: int, in_update: int) -> tuple[Any, ...]:
        """Run the loop with the factors as given, until nothing changes: alpha, beta, gamma, rounds."""
        a, b = 0.1, 1.0
        for rounds in range(1, 2000):
            w = self.mode(a / b)
            e = self.e(w)
            A = in_hessian * (b * self.lam + a)
            g = 12 - in_trace * a * (1 / A).sum()
            new = g / (in_update * two_c / 2 * w @ w), (40 - g) / (in_update * two_c / 2 * e @ e)
            change = max(abs(new[0] / a - 1), abs(new[1] / b - 1))
            a, b = new
            if change < 1e-12:
                return a, b, g, rounds
        raise AssertionError("the loop did not end")

    def direct_search(self) -> Any:
        """Return ln alpha and ln beta, MacKay's, at the largest exact evidence, by a search without derivatives."""
        options = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 2000}
        start = np.log([1.0, 10.0])
        return minimize(lambda v: -self.exact_evidence(*np.exp(-v)), start, method="Nelder-Mead", options=options).x

    def damped_step(self, a: float, b: float, mu: float) -> tuple[Any, Any]:
        """Return the step from w = 1 by the formula, and by least squares of stacked residuals."""
        w, I = np.ones(12), np.eye(12)
        e = self.e(w)
        by_formula = -np.linalg.solve(b * self.JJ + (a + mu) * I, b * self.J.T @ e + a * w)
        stacked = np.vstack([np.sqrt(b) * self.J, np.sqrt(a) * I, np.sqrt(mu) * I])
        target = -np.concatenate([np.sqrt(b) * e, np.sqrt(a) * w, np.zeros(12)])
        return by_formula, np.linalg.lstsq(stacked, target, rcond=None)[0]

    def conditioned_variance(self, fit: Any, new_x: Any) -> Any:
        """Return the variances of new targets by the joint Gaussian of all targets, conditioned on the data."""
        K = np.eye(40) / fit.beta + self.J @ self.J.T / fit.alpha
        joint = []
        for row in np.hstack([new_x, np.ones((len(new_x), 1))]):
            across = self.J @ row / fit.alpha
            joint.append(1 / fit.beta + row @ row / fit.alpha - across @ np.linalg.solve(K, across))
        return np.array(joint)

    def collapsing(self, epsilon: float, b: float = 14.0) -> tuple[Any, Any]:
        """Return gamma / epsilon and |w|^2 / epsilon^2 at a small epsilon = 1 / alpha, and their limits."""
        eig, V = np.linalg.eigh(self.JJ)
        slope = b * V.T @ self.Jt
        w = slope / (1 / epsilon + b * eig)
        at = (b * eig / (b * eig + 1 / epsilon)).sum() / epsilon, w @ w / epsilon**2
        return np.array(at), np.array([b * eig.sum(), slope @ slope])

    def ridge(self) -> Any:
        """Return scikit-learn's fit."""
        flat = {"alpha_1": 0, "alpha_2": 0, "lambda_1": 0, "lambda_2": 0}
        model = BayesianRidge(fit_intercept=False, tol=1e-13, max_iter=5000, compute_score=True, **flat)
        return model.fit(self.J, self.t[:, 0])


MISTAKES = {
    "MacKay, right": (1, (1, 1, 1, 2)),
    "Foresee-Hagan, right": (2, (2, 2, 2, 2)),
    "Foresee-Hagan's Hessian, MacKay's trace": (2, (2, 2, 1, 2)),
    "MacKay's Hessian, Foresee-Hagan's trace": (1, (1, 1, 2, 2)),
    "Foresee-Hagan with $\\gamma/E_W$, $(N-\\gamma)/E_D$": (2, (2, 2, 2, 1)),
    "Foresee-Hagan's values read as MacKay's": (1, (2, 2, 2, 2)),
}
"""By name: the factor 2c with which the result is read, and the factors of `LinearModel.fixed_point`."""


class FixedPoint(NamedTuple):
    """Where a loop ends: alpha, beta, gamma, the exact evidence there in nats, the rounds, the noise read off."""

    alpha: float
    beta: float
    gamma: float
    nats: float
    rounds: int
    noise: float


def fixed_points(model: LinearModel) -> dict[str, FixedPoint]:
    """Where the loop ends with the right factors, and with each of the mistakes."""
    found = {}
    for name, (two_c, factors) in MISTAKES.items():
        a, b, g, rounds = model.fixed_point(*factors)
        noise = (two_c * b) ** -0.5
        found[name] = FixedPoint(a, b, g, model.exact_evidence(1 / (two_c * a), noise**2), rounds, noise)
    return found


def laplace_and_sampled(number: int) -> tuple[float, float]:
    """The log evidence of a 1-1-1 network by Laplace's approximation, and by sampling from one of its two peaks."""
    net, draw = Network((1, 1, 1)), np.random.default_rng(3)
    x = draw.uniform(-2, 2, (number, 1))
    t = np.tanh(1.5 * x) + 0.3 * draw.standard_normal((number, 1))
    a, b, start = 0.5, 11.0, np.array([1.0, 0.1, 1.0, 0.1])
    fit = bayesian_regularization(net, start, x, t, alpha=a, beta=b, max_updates=0, max_iterations=200)
    A = b * hesslib.gauss_newton(net, fit.w, x, t) + a * np.eye(4)
    proposal = multivariate_t(loc=fit.w, shape=np.linalg.inv(A), df=5, seed=7)
    v = proposal.rvs(60_000)
    y = v[:, 2:3] * np.tanh(v[:, :1] * x[:, 0] + v[:, 1:2]) + v[:, 3:]
    F = b / 2 * ((y - t[:, 0]) ** 2).sum(1) + a / 2 * (v**2).sum(1)
    log_weight = (-F - proposal.logpdf(v))[v[:, 0] > 0]  # one of the two mirrored peaks
    top = log_weight.max()
    sampled = top + np.log(np.exp(log_weight - top).sum() / len(v))
    sampled += number / 2 * np.log(b / (2 * np.pi)) + 2 * np.log(a / (2 * np.pi))
    return fit.log_evidence, sampled


def fit_of_size(hidden: int, seed: int, x: Any, t: Any, **options: Any) -> Any:
    """A 1-k-1 network from weights of Nguyen and Widrow, trained with the evidence."""
    net = Network((1, hidden, 1))
    return bayesian_regularization(net, net.init(seed, method="nguyen_widrow"), x, t, tolerance=1e-3, **options)


def preferred_sizes(x: Any, seed: int, hidden: tuple[int, ...] = (2, 4, 8, 16)) -> tuple[list[int], Any]:
    """The number of weights that each curvature prefers with a new draw of the noise, and the largest network's fit."""
    noise = np.random.default_rng(seed)
    t = truth(x) + 0.1 * noise.standard_normal(x.shape)
    fits = {len(fit.w): fit for fit in (fit_of_size(units, 0, x, t) for units in hidden)}
    preferred = [
        max(fits, key=lambda size: fits[size].log_evidences[curvature]) for curvature in ("gauss_newton", "exact")
    ]
    return preferred, fits[max(fits)]


def faster_sine() -> tuple[Any, Any]:
    """30 points of a faster sine, centred."""
    draw = np.random.default_rng(0)
    x = np.sort(draw.uniform(-1, 1, 30))[:, None]
    t = np.sin(6 * x) + 0.1 * draw.standard_normal(x.shape)
    return x, t - t.mean()


def draw_collapse(paths: list[Any], net: Network, x: Any, t: Any, collapsed: Any, recovered: Any) -> None:
    """Left, gamma against the round for every start; right, a collapsed fit and a recovered one."""
    _, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.0))
    for path in paths:
        left.plot([row[2] for row in path])
    left.set(xlabel="round", ylabel=r"$\gamma$")
    grid = np.linspace(-1, 1, 200)[:, None]
    right.plot(x, t, ".", color="#999999")
    right.plot(grid, hesslib.outputs(net, collapsed, grid), label="collapsed")
    right.plot(grid, recovered.predict(grid)[0], label="recovered")
    right.legend()


def diabetes(split: int) -> tuple[Any, ...]:
    """Inputs and targets of 342 patients to train on and of 100 others, scaled to variance 1; one of many splits."""
    X, target = load_diabetes(return_X_y=True)
    order = np.random.default_rng(split).permutation(len(X))
    train, test = order[:342], order[342:]
    X = (X - X[train].mean(0)) / X[train].std(0)
    T = ((target - target[train].mean()) / target[train].std())[:, None]
    return X[train], T[train], X[test], T[test]


def diabetes_fits(hidden: int, seed: int, x: Any, t: Any) -> tuple[Any, Any]:
    """With the evidence, and by least squares, from one start; no hidden unit is the linear model."""
    net = Network((10, hidden, 1) if hidden else (10, 1))
    start = net.init(seed, method="nguyen_widrow") if hidden else net.init(seed)
    return bayesian_regularization(net, start, x, t, tolerance=1e-3), least_squares(net, start, x, t, 100)


class Sizes(NamedTuple):
    """For each split of the patients and each number of hidden units; and the fits of the first split."""

    evidence: Any
    bayes: Any  # root mean square error on the other patients
    bare: Any  # the same, by least squares
    first: list[Any]


def over_splits(hidden: Sequence[int], splits: Sequence[int]) -> Sizes:
    """Fits of every size to every split, each split with a start of its own."""
    evidence, bayes, bare, kept = [], [], [], []
    for split in splits:
        x, t, x_test, t_test = diabetes(split)

        def rms(fit: Any, x_test: Any = x_test, t_test: Any = t_test) -> float:
            return float(np.sqrt(np.mean((fit.predict(x_test)[0] - t_test) ** 2)))

        fits, plain = zip(*(diabetes_fits(units, split, x, t) for units in hidden), strict=True)
        evidence.append([fit.log_evidence for fit in fits])
        bayes.append([rms(fit) for fit in fits])
        bare.append([rms(fit) for fit in plain])
        kept.append(list(fits))
    return Sizes(np.array(evidence), np.array(bayes), np.array(bare), kept[0])


def draw_sizes(hidden: Any, sizes: Sizes) -> None:
    """Log evidence, relative to its largest, and test errors against the hidden units; a line for each split."""
    _, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.0))
    left.plot(hidden, (sizes.evidence - sizes.evidence.max(axis=1, keepdims=True)).T, "o-", color="C0")
    left.set(xlabel="hidden units", ylabel=r"$\ln P(D)$, relative to its largest")
    styles = (sizes.bare, "s--", "#777777", "least squares"), (sizes.bayes, "o-", "C0", "Bayesian")
    for values, style, colour, label in styles:
        lines = right.plot(hidden, values.T, style, color=colour)
        lines[0].set_label(label)
    right.set(xlabel="hidden units", ylabel="test error")
    right.legend()
