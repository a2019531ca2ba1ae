"""Products of the Hessian at one w with one vector after another, by an operator that keeps what w decides.

The peers are those of a product from nothing. JAX can keep as much as hessian_operator does, by linearising the
gradient once: that is shown as a bound, since from there the same products of matrices are left to both.
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


def linearise(case: Problem) -> dict[str, race.Call]:
    v = jnp.asarray(case.v)
    _, product = jax.linearize(jax.grad(case.jax_error), jnp.asarray(case.w))
    compiled = jax.jit(product)
    return {"jax.linearize(grad), jit": lambda: compiled(v).block_until_ready()}


TASK = race.Task(
    name="Hessian-vector product, w kept",
    cases=vector_products.CASES,
    hesslib=ours,
    peers=vector_products.peers,
    bounds=lambda case: {**vector_products.gradient(case), **linearise(case)},
    target=1.3,
)

if __name__ == "__main__":
    race.run(TASK)
