"""The Gauss-Newton matrix, every entry."""

import race  # first: it sizes the thread pools

import jax
import jax.numpy as jnp
import torch
from problems import Problem, by_hesslib, by_jax, pattern_jacobians

import hesslib

CASES = [Problem((10, 16, 16, 3), loss="softmax_cross_entropy", N=N) for N in (64, 512)]


def peers(case: Problem) -> dict[str, race.Call]:
    def jacobian_product(w: jax.Array) -> jax.Array:
        J, M = pattern_jacobians(case, w)
        MJ = jnp.einsum("nkq,nqp->nkp", M, J)
        return jnp.reshape(J, (-1, J.shape[2])).T @ jnp.reshape(MJ, (-1, J.shape[2]))

    def by_einsum(w: jax.Array) -> jax.Array:
        J, M = pattern_jacobians(case, w)
        return jnp.einsum("nkp,nkq,nqr->pr", J, M, J, optimize=True)

    return {
        **by_jax({"jit J'MJ, one product": jacobian_product, "jit J'MJ, einsum": by_einsum}, case.w),
        **race.with_library("curvlinops", lambda: by_curvlinops(case)),
    }


def by_curvlinops(case: Problem) -> dict[str, race.Call]:
    import curvlinops

    model = case.model()
    eye = torch.eye(case.net.num_parameters, dtype=torch.float64)
    operator = curvlinops.GGNLinearOperator(
        model, case.loss_module(), list(model.parameters()), [case.batch], check_deterministic=False
    )
    return {"curvlinops GGN @ I": lambda: case.factor * (operator @ eye)}


TASK = race.Task(
    name="Gauss-Newton matrix",
    cases=CASES,
    hesslib=lambda case: by_hesslib(hesslib.gauss_newton, case),
    peers=peers,
    target=2,
)

if __name__ == "__main__":
    race.run(TASK)
