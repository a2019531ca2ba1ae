"""The logarithm of the evidence of a regression network at given alpha and beta, by Laplace's approximation."""

import race  # first: it sizes the thread pools

import logging
from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
import torch
from problems import Problem, by_jax

import hesslib

ALPHA, NOISE = 0.1, 0.05
BETA = 1 / NOISE**2


@dataclass(frozen=True)
class Regression(Problem):
    """Noisy points of a curve, and the weights at the minimum of beta E_D + alpha E_W from one start."""

    seed: int = 3

    @cached_property
    def points(self) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(self.seed)
        x = np.sort(rng.uniform(-3, 3, self.N))
        return x[:, None], (np.sin(2 * x) + 0.3 * x + NOISE * rng.normal(size=self.N))[:, None]

    @property
    def x(self) -> np.ndarray:
        return self.points[0]

    @property
    def t(self) -> np.ndarray:
        return self.points[1]

    @cached_property
    def w(self) -> np.ndarray:
        net, b, a = self.net, np.sqrt(BETA), np.sqrt(ALPHA)
        I = a * np.eye(net.num_parameters)
        found = hesslib.levenberg_marquardt(
            lambda w: np.concatenate([b * (hesslib.outputs(net, w, self.x) - self.t)[:, 0], a * w]),
            lambda w: np.concatenate([b * hesslib.output_jacobian(net, w, self.x)[:, 0], I]),
            np.random.default_rng(0).standard_normal(net.num_parameters),
        )
        return found.w


CASES = [Regression((1, 10, 1), N=200)]


def ours(case: Regression) -> dict[str, race.Call]:
    net, w, x, t = case.args
    x_jax, t_jax = jnp.asarray(x), jnp.asarray(t)
    (compiled,) = by_jax({"": lambda w: hesslib.log_evidence(net, w, x_jax, t_jax, alpha=ALPHA, beta=BETA)}, w).values()
    return {
        "hesslib, NumPy": lambda: hesslib.log_evidence(net, w, x, t, alpha=ALPHA, beta=BETA),
        "hesslib, JAX jit": compiled,
    }


def peers(case: Regression) -> dict[str, race.Call]:
    return {**race.with_library("laplace", lambda: by_laplace_torch(case))}


def by_laplace_torch(case: Regression) -> dict[str, race.Call]:
    logging.disable(logging.WARNING)
    from laplace import Laplace
    from laplace.curvature import AsdlGGN, BackPackGGN, CurvlinopsGGN
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(*case.batch), batch_size=case.N)

    def by_laplace(backend: type) -> race.Call:
        def call() -> torch.Tensor:
            laplace = Laplace(  # of a fresh model each time: backends leave hooks on those they have seen
                case.model(),
                "regression",
                subset_of_weights="all",
                hessian_structure="full",
                sigma_noise=NOISE,
                prior_precision=ALPHA,
                backend=backend,
            )
            laplace.fit(loader)
            return laplace.log_marginal_likelihood()

        return call

    return {
        f"laplace-torch full, {backend.__name__}": by_laplace(backend)
        for backend in (BackPackGGN, AsdlGGN, CurvlinopsGGN)
    }


def formula(case: Regression) -> dict[str, race.Call]:
    """The formula itself, written out in JAX: no library, but what one would write by hand."""
    N, P = case.N, case.net.num_parameters
    x, t = jnp.asarray(case.x), jnp.asarray(case.t)

    def log_evidence(w: jax.Array) -> jax.Array:
        r = case.jax_logits(w, x) - t
        J = jax.vmap(jax.grad(lambda w, x: case.jax_logits(w, x)[0]), in_axes=(None, 0))(w, x)
        _, log_det = jnp.linalg.slogdet(BETA * J.T @ J + ALPHA * jnp.eye(P))
        quadratic = -0.5 * BETA * jnp.sum(r**2) - 0.5 * ALPHA * w @ w
        return quadratic - 0.5 * log_det + 0.5 * P * jnp.log(ALPHA) + 0.5 * N * jnp.log(BETA / (2 * jnp.pi))

    return by_jax({"the formula written out, JAX jit": log_evidence}, case.w)


TASK = race.Task(
    name="evidence at given alpha and beta",
    cases=CASES,
    hesslib=ours,
    peers=peers,
    bounds=formula,
    target=5,
    tolerance=1e-8 / 250,  # 1e-8 nats of about 250
)

if __name__ == "__main__":
    race.run(TASK)
