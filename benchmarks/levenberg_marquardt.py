"""Levenberg-Marquardt on a regression network: eight random starts, each until E is 1.1 times the level of the noise.

A contestant runs all eight; its result is how many arrived, and its time that of all. Every solver is held to the same
target, tested after each of its steps; JAX's Jacobians and residuals are compiled before.
"""

import race  # first: it sizes the thread pools

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from evidence import NOISE, Regression
from scipy.optimize import least_squares

import hesslib

STARTS = 8
CASES = [Regression((1, 10, 1), N=200)]
Solver = Callable[[np.ndarray], bool]


class ReachedError(Exception):
    """The target is reached: what stops a solver that has no target of its own."""


def target(case: Regression) -> float:
    return 1.1 * 0.5 * case.N * NOISE**2


def of_all_starts(case: Regression, solve: Solver) -> race.Call:
    P = case.net.num_parameters
    starts = [np.random.default_rng(100 + s).standard_normal(P) for s in range(STARTS)]
    return lambda: np.array([float(sum(solve(start) for start in starts))])


def ours(case: Regression) -> dict[str, race.Call]:
    net, _, x, t = case.args
    E = target(case)
    r, J = residuals_by_jax(case)

    def by_residuals(start: np.ndarray) -> bool:
        return hesslib.levenberg_marquardt(r, J, start, target=E).status == "target"

    def by_network(start: np.ndarray) -> bool:
        return hesslib.fit(net, start, x, t, target=E).status == "target"

    return {
        "hesslib.fit, NumPy": of_all_starts(case, by_network),
        "hesslib.levenberg_marquardt, JAX's J": of_all_starts(case, by_residuals),
    }


def residuals_by_jax(case: Regression) -> tuple[Callable[..., np.ndarray], Callable[..., np.ndarray]]:
    x, t = jnp.asarray(case.x), jnp.asarray(case.t[:, 0])
    r = jax.jit(lambda w: case.jax_logits(w, x)[:, 0] - t)
    J = jax.jit(jax.jacfwd(lambda w: case.jax_logits(w, x)[:, 0] - t))
    return lambda w: np.asarray(r(w)), lambda w: np.asarray(J(w))


def peers(case: Regression) -> dict[str, race.Call]:
    r, J = residuals_by_jax(case)
    E = target(case)

    def by_scipy(**options: object) -> Solver:
        def watched(w: np.ndarray) -> np.ndarray:
            value = r(w)
            if 0.5 * value @ value <= E:
                raise ReachedError
            return value

        def solve(start: np.ndarray) -> bool:
            try:
                least_squares(watched, start, jac=J, max_nfev=2000, **options)
            except ReachedError:
                return True
            return False

        return solve

    def factor_of_ten(w: np.ndarray) -> bool:
        """The rule of the textbooks: damp ten times less after a step that helps, ten times more after another."""
        mu, value = 1e-3, r(w)
        while 0.5 * value @ value > E:
            jacobian = J(w)
            A, g = jacobian.T @ jacobian, jacobian.T @ value
            while True:
                if mu > 1e10:
                    return False
                tried = w - np.linalg.solve(A + mu * np.eye(len(w)), g)
                value_there = r(tried)
                if value_there @ value_there < value @ value:
                    break
                mu *= 10
            w, value, mu = tried, value_there, mu / 10
        return True

    solvers = {
        "SciPy least_squares lm": by_scipy(method="lm"),
        "SciPy least_squares trf, x_scale jac": by_scipy(method="trf", x_scale="jac"),
        "damping by factors of ten": factor_of_ten,
        **race.with_library("jaxopt", lambda: {"jaxopt LevenbergMarquardt": by_jaxopt(case)}),
    }
    return {name: of_all_starts(case, solver) for name, solver in solvers.items()}


def by_jaxopt(case: Regression) -> Solver:
    import jaxopt

    x, t = jnp.asarray(case.x), jnp.asarray(case.t[:, 0])

    def residuals(w):
        return case.jax_logits(w, x)[:, 0] - t

    solver = jaxopt.LevenbergMarquardt(residuals, maxiter=2000, tol=1e-10, jit=True)
    update, E_at = jax.jit(solver.update), jax.jit(lambda w: 0.5 * jnp.sum(residuals(w) ** 2))
    E = target(case)

    def solve(start: np.ndarray) -> bool:
        w, state = jnp.asarray(start), solver.init_state(jnp.asarray(start))
        for _ in range(2000):
            if E_at(w) <= E:
                return True
            w, state = update(w, state)
        return False

    return solve


TASK = race.Task(
    name="Levenberg-Marquardt, eight starts to the noise",
    cases=CASES,
    hesslib=ours,
    peers=peers,
    target=2,
    tolerance=0.0,  # all arrive, or it does not count
)

if __name__ == "__main__":
    race.run(TASK)
