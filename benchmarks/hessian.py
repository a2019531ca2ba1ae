"""The exact Hessian, every entry."""

import race  # first: it sizes the thread pools

import jax
import torch
from problems import Problem, by_hesslib, by_jax

import hesslib

CASES = [
    Problem((10, 16, 16, 3), loss="softmax_cross_entropy", N=64),
    Problem((10, 16, 16, 3), loss="softmax_cross_entropy", N=512),
    Problem((4, 32, 2), loss="softmax_cross_entropy", N=64),
    Problem((4, 32, 2), loss="squared_error", N=512),
    Problem((10, 32, 32, 10), loss="softmax_cross_entropy", N=256),
    Problem((5, 20, 20, 20, 20, 2), loss="squared_error", N=128),
]


def peers(case: Problem) -> dict[str, race.Call]:
    w = torch.as_tensor(case.w)
    by_autodiff = by_jax(
        {
            "jit(jax.hessian)": jax.hessian(case.jax_error),
            "jit(jacrev(jacrev))": jax.jacrev(jax.jacrev(case.jax_error)),
        },
        case.w,
    )
    return {
        **by_autodiff,
        "torch.func.hessian": lambda: torch.func.hessian(case.error)(w),
        "torch.func jacrev(jacrev)": lambda: torch.func.jacrev(torch.func.jacrev(case.error))(w),
        **race.with_library("curvlinops", lambda: by_curvlinops(case)),
    }


def by_curvlinops(case: Problem) -> dict[str, race.Call]:
    import curvlinops

    model = case.model()
    eye = torch.eye(case.net.num_parameters, dtype=torch.float64)
    operator = curvlinops.HessianLinearOperator(
        model, case.loss_module(), list(model.parameters()), [case.batch], check_deterministic=False
    )
    return {"curvlinops Hessian @ I": lambda: case.factor * (operator @ eye)}


def bounds(case: Problem) -> dict[str, race.Call]:
    """What the hardware allows: one product of matrices (P, N) and (N, P)."""
    import numpy as np

    A = np.random.default_rng(0).standard_normal((case.N, case.net.num_parameters))
    B = A + 1.0  # A.T @ A itself would be computed by half
    return {"A.T @ B with A and B (N, P)": lambda: A.T @ B, "A.T @ A with A (N, P)": lambda: A.T @ A}


TASK = race.Task(
    name="exact Hessian",
    cases=CASES,
    hesslib=lambda case: by_hesslib(hesslib.hessian, case),
    peers=peers,
    bounds=bounds,
    target=20,
)

if __name__ == "__main__":
    race.run(TASK)
