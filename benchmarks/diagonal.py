"""The exact diagonal of the Hessian, without the rest of it."""

import race  # first: it sizes the thread pools

import jax
import jax.numpy as jnp
from problems import Problem, by_backpack, by_hesslib, by_jax

import hesslib

CASES = [Problem((10, 16, 16, 3), loss="softmax_cross_entropy", N=N) for N in (64, 512)]


def peers(case: Problem) -> dict[str, race.Call]:
    f = case.jax_error
    unit_vectors = jnp.eye(case.net.num_parameters)

    def entry(w: jax.Array, e: jax.Array) -> jax.Array:
        return jax.jvp(jax.grad(f), (w,), (e,))[1] @ e

    return {
        **race.with_library("backpack", lambda: by_backpack(case, "DiagHessian", "diag_h")),
        **by_jax(
            {
                "jit of the diagonal of jax.hessian": lambda w: jnp.diag(jax.hessian(f)(w)),
                "jit lax.map of jvp(grad)": lambda w: jax.lax.map(lambda e: entry(w, e), unit_vectors),
                "jit vmap of jvp(grad)": lambda w: jax.vmap(lambda e: entry(w, e))(unit_vectors),
            },
            case.w,
        ),
    }


TASK = race.Task(
    name="exact diagonal of the Hessian",
    cases=CASES,
    hesslib=lambda case: by_hesslib(hesslib.hessian_diagonal, case),
    peers=peers,
    target=8,
)

if __name__ == "__main__":
    race.run(TASK)
