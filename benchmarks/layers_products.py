"""The Hessian of chains of layers times a vector: a Transformer block and a convolutional net."""

import race  # first: it sizes the thread pools

import jax
import numpy as np
import torch
from layers_problems import CASES

import hesslib


def vector(case) -> np.ndarray:
    return np.random.default_rng(3).standard_normal(case.chain.num_parameters)


def ours(case) -> dict[str, race.Call]:
    x, t, w, v = (jax.numpy.asarray(array) for array in (case.x, case.t, case.w, vector(case)))
    compiled = jax.jit(lambda w, x, t, v: hesslib.hessian_vector_product(case.chain, w, x, t, v))
    there = vector(case)
    return {
        "hesslib, NumPy": lambda: hesslib.hessian_vector_product(case.chain, case.w, case.x, case.t, there),
        "hesslib, JAX under jit": lambda: compiled(w, x, t, v).block_until_ready(),
    }


def peers(case) -> dict[str, race.Call]:
    w, v = jax.numpy.asarray(case.w), jax.numpy.asarray(vector(case))
    compiled = jax.jit(lambda w, v: jax.jvp(jax.grad(case.jax_error), (w,), (v,))[1])
    tensor, direction = torch.as_tensor(case.w), torch.as_tensor(vector(case))
    by_torch = torch.func.grad(case.torch_error)
    return {
        "jit(jvp(grad))": lambda: compiled(w, v).block_until_ready(),
        "torch.func jvp(grad)": lambda: torch.func.jvp(by_torch, (tensor,), (direction,))[1],
    }


TASK = race.Task(name="Hessian of layers times a vector", cases=CASES, hesslib=ours, peers=peers, target=1)

if __name__ == "__main__":
    race.run(TASK)
