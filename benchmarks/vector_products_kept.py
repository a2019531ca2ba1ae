"""Products of the Hessian at one w with one vector after another, by an operator that keeps what w decides.

Peers that can keep something of w do: JAX by linearising the gradient once, as its documentation advises.
"""

import race  # first: it sizes the thread pools

import jax
import jax.numpy as jnp
import vector_products
from problems import Problem

import hesslib


def ours(case: Problem) -> dict[str, race.Call]:
    on_numpy = hesslib.hessian_operator(*case.args)
    on_jax = hesslib.hessian_operator(case.net, *map(jnp.asarray, case.args[1:]))
    return {
        "hessian_operator, NumPy": lambda: on_numpy @ case.v,
        "hessian_operator, JAX": lambda: on_jax @ case.v,
    }


def linearised(case: Problem) -> dict[str, race.Call]:
    v = jnp.asarray(case.v)
    _, product = jax.linearize(jax.grad(case.jax_error), jnp.asarray(case.w))
    compiled = jax.jit(product)
    return {"jax.linearize(grad), jit": lambda: compiled(v).block_until_ready()}


TASK = race.Task(
    name="Hessian-vector product, w kept",
    cases=vector_products.CASES,
    hesslib=ours,
    peers=lambda case: {**vector_products.peers(case), **linearised(case)},
    bounds=vector_products.gradient,
    target=1.3,
)

if __name__ == "__main__":
    race.run(TASK)
