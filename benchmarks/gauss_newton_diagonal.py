"""The diagonal of the Gauss-Newton matrix, exactly."""

import race  # first: it sizes the thread pools

import jax
import jax.numpy as jnp
from problems import Problem, by_backpack, by_hesslib, by_jax, pattern_jacobians

import hesslib

CASES = [Problem((10, 16, 16, 3), loss="softmax_cross_entropy", N=N) for N in (64, 512)]


def peers(case: Problem) -> dict[str, race.Call]:
    def by_einsum(w: jax.Array) -> jax.Array:
        J, M = pattern_jacobians(case, w)
        return jnp.einsum("nkp,nkp->p", J, jnp.einsum("nkq,nqp->nkp", M, J))

    return {
        **race.with_library("backpack", lambda: by_backpack(case, "DiagGGNExact", "diag_ggn_exact")),
        **by_jax({"jit einsum of J, MJ": by_einsum}, case.w),
    }


TASK = race.Task(
    name="diagonal of Gauss-Newton",
    cases=CASES,
    hesslib=lambda case: by_hesslib(hesslib.gauss_newton_diagonal, case),
    peers=peers,
    target=3,
)

if __name__ == "__main__":
    race.run(TASK)
