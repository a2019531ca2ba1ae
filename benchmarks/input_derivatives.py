"""The Laplacian by the inputs, and the second derivatives one by one.

JAX's peers are the ones that were found fastest: forward over forward and forward over reverse, the directions at once
or one after the other, pattern by pattern under vmap; and folx, which propagates Laplacians forward.
"""

import race  # first: it sizes the thread pools

from collections.abc import Callable

import jax
import jax.numpy as jnp
from problems import Problem, by_jax

import hesslib

CASES = [Problem((2, 64, 64, 1), N=10_000), *(Problem((D, 64, 64, 1), N=1_000) for D in (8, 32, 96))]
Field = Callable[[jax.Array], jax.Array]


def ours(case: Problem, function: Callable[..., jax.Array]) -> dict[str, race.Call]:
    net, w, x, _ = case.args
    w_jax = jnp.asarray(w)
    (compiled,) = by_jax({"": lambda x: function(net, w_jax, x)}, x).values()
    return {"hesslib, NumPy": lambda: function(net, w, x), "hesslib, JAX jit": compiled}


def second(f: Field, x: jax.Array, e: jax.Array) -> jax.Array:
    return jax.jvp(lambda x: jax.jvp(f, (x,), (e,))[1], (x,), (e,))[1]


def second_by_reverse(f: Field, x: jax.Array, e: jax.Array) -> jax.Array:
    return jax.jvp(jax.grad(f), (x,), (e,))[1] @ e


def of_points(case: Problem, one: dict[str, Callable[[Field, jax.Array], jax.Array]]) -> dict[str, race.Call]:
    """Each function of a scalar field and a point, at all points."""
    w = jnp.asarray(case.w)

    def field(x):
        return case.jax_logits(w, x)[0]

    return by_jax({name: jax.vmap(lambda x, g=g: g(field, x)[None]) for name, g in one.items()}, case.x)


def laplacians(case: Problem) -> dict[str, race.Call]:
    I = jnp.eye(case.widths[0])
    by_autodiff = of_points(
        case,
        {
            "jit jvp(jvp), directions at once": lambda f, x: jnp.sum(jax.vmap(lambda e: second(f, x, e))(I)),
            "jit jvp(jvp), one after the other": lambda f, x: (
                sum(second(f, x, e) for e in I[:8])
                if len(I) <= 8
                else jax.lax.fori_loop(0, len(I), lambda d, total: total + second(f, x, I[d]), 0.0)
            ),
            "jit jvp(grad), one after the other": lambda f, x: jax.lax.fori_loop(
                0, len(I), lambda d, total: total + second_by_reverse(f, x, I[d]), 0.0
            ),
            "jit trace of jax.hessian": lambda f, x: jnp.trace(jax.hessian(f)(x)),
        },
    )
    return {**by_autodiff, **race.with_library("folx", lambda: by_folx(case))}


def by_folx(case: Problem) -> dict[str, race.Call]:
    import folx

    return of_points(case, {"folx forward_laplacian": lambda f, x: folx.forward_laplacian(f)(x).laplacian})


def diagonals(case: Problem) -> dict[str, race.Call]:
    I = jnp.eye(case.widths[0])
    return of_points(
        case,
        {
            "jit jvp(jvp), directions at once": lambda f, x: jax.vmap(lambda e: second(f, x, e))(I),
            "jit jvp(jvp), one after the other": lambda f, x: jax.lax.map(lambda e: second(f, x, e), I),
            "jit jvp(grad), one after the other": lambda f, x: jax.lax.map(lambda e: second_by_reverse(f, x, e), I),
            "jit diagonal of jax.hessian": lambda f, x: jnp.diag(jax.hessian(f)(x)),
        },
    )


LAPLACIAN = race.Task(
    name="Laplacian by the inputs",
    cases=CASES,
    hesslib=lambda case: ours(case, hesslib.laplacian),
    peers=laplacians,
    target=1.5,
)
DIAGONAL = race.Task(
    name="second derivatives by each input",
    cases=CASES,
    hesslib=lambda case: ours(case, hesslib.input_hessian_diagonal),
    peers=diagonals,
    target=1.5,
)

if __name__ == "__main__":
    race.run(LAPLACIAN, DIAGONAL)
