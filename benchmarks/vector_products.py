"""One product of the Hessian with a vector, from nothing."""

import race  # first: it sizes the thread pools

import jax
import jax.numpy as jnp
import torch
from problems import Problem, by_hesslib, by_jax

import hesslib

CASES = [
    Problem((10, 16, 16, 3), loss="softmax_cross_entropy", N=64),
    Problem((10, 16, 16, 3), loss="squared_error", N=512),
    Problem((64, 128, 128, 10), loss="softmax_cross_entropy", N=512),
]


def peers(case: Problem) -> dict[str, race.Call]:
    f = case.jax_error
    w, v = torch.as_tensor(case.w), torch.as_tensor(case.v)
    return {
        **by_jax(
            {
                "jit jvp(grad)": lambda w, v: jax.jvp(jax.grad(f), (w,), (v,))[1],
                "jit grad(grad . v)": lambda w, v: jax.grad(lambda u: jnp.vdot(jax.grad(f)(u), v))(w),
                "jit grad(jvp)": lambda w, v: jax.grad(lambda u: jax.jvp(f, (u,), (v,))[1])(w),
            },
            case.w,
            case.v,
        ),
        "torch.func vjp(grad)": lambda: torch.func.vjp(torch.func.grad(case.error), w)[1](v)[0],
        **race.with_library("curvlinops", lambda: by_curvlinops(case, v)),
    }


def by_curvlinops(case: Problem, v: torch.Tensor) -> dict[str, race.Call]:
    import curvlinops

    model = case.model()
    operator = curvlinops.HessianLinearOperator(
        model, case.loss_module(), list(model.parameters()), [case.batch], check_deterministic=False
    )
    return {"curvlinops Hessian @ v": lambda: case.factor * (operator @ v)}


def gradient(case: Problem) -> dict[str, race.Call]:
    return by_jax({"jit grad, one gradient": jax.grad(case.jax_error)}, case.w)


TASK = race.Task(
    name="Hessian-vector product",
    cases=CASES,
    hesslib=lambda case: by_hesslib(hesslib.hessian_vector_product, case, case.v),
    peers=peers,
    bounds=gradient,
    target=1,
)

if __name__ == "__main__":
    race.run(TASK)
