"""The exact Hessian of chains of layers: a Transformer block and a convolutional net."""

import race  # first: it sizes the thread pools

import jax
import torch
from layers_problems import CASES

import hesslib


def ours(case) -> dict[str, race.Call]:
    x, t, w = jax.numpy.asarray(case.x), jax.numpy.asarray(case.t), jax.numpy.asarray(case.w)
    compiled = jax.jit(lambda w, x, t: hesslib.hessian(case.chain, w, x, t))
    return {
        "hesslib, NumPy": lambda: hesslib.hessian(case.chain, case.w, case.x, case.t),
        "hesslib, JAX under jit": lambda: compiled(w, x, t).block_until_ready(),
    }


def peers(case) -> dict[str, race.Call]:
    w, compiled = jax.numpy.asarray(case.w), jax.jit(jax.hessian(case.jax_error))
    tensor = torch.as_tensor(case.w)
    return {
        "jit(jax.hessian)": lambda: compiled(w).block_until_ready(),
        "torch.func.hessian": lambda: torch.func.hessian(case.torch_error)(tensor),
    }


TASK = race.Task(name="exact Hessian of layers", cases=CASES, hesslib=ours, peers=peers, target=5)

if __name__ == "__main__":
    race.run(TASK)
