"""Every quantity of random chains against automatic differentiation of layers written a second time."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import layer_oracles as oracle
import numpy as np
import pytest
from random_chains import TABLE, Drawn

import hesslib

RELATIVE = 1e-10


@cache
def expected(case: Drawn) -> SimpleNamespace:
    """What JAX finds, in one compiled program without optimisations."""
    import jax
    import jax.numpy as jnp

    chain, t = case.chain, jnp.asarray(case.t)
    coupled = bool(chain.program.couples)

    def a(w: Any, x: Any) -> Any:
        return oracle.last_preactivations(chain, w, x)

    def E(w: Any) -> Any:
        return oracle.loss(chain, a(w, case.x), t)

    def everything(w: Any) -> dict[str, Any]:
        at, J = a(w, case.x), jax.jacfwd(a)(w, case.x)
        M = jax.hessian(lambda u: oracle.loss(chain, u, t))(at)
        size, P = at.size, len(w)
        flat = J.reshape(size, P)
        found = {
            "error": E(w),
            "gradient": jax.grad(E)(w),
            "hessian": jax.jacfwd(jax.grad(E))(w),
            "gauss_newton": flat.T @ M.reshape(size, size) @ flat,
            "outputs": oracle.outputs(chain, at),
        }
        if not coupled:
            delta = jax.grad(lambda u: oracle.loss(chain, u, t))(at)
            of_patterns = (delta[..., None] * J).reshape(len(at), -1, P).sum(axis=1)
            found |= {"output_jacobian": J, "pattern_gradients": of_patterns}
        if not coupled and case.kind != "tokens" and case.seed % 2 == 0:

            def y(x):
                return oracle.outputs(chain, a(w, x[None]))[0]

            found["input_jacobian"] = jax.vmap(jax.jacfwd(y))(case.x)
            found["input_hessian"] = jax.vmap(jax.jacfwd(jax.jacrev(y)))(case.x)
        return found

    jax.config.update("jax_disable_most_optimizations", True)
    found = {name: np.asarray(value) for name, value in jax.jit(everything)(case.w).items()}
    jax.config.update("jax_disable_most_optimizations", False)
    out, D = found["outputs"].shape, int(np.prod(case.x.shape[1:]))
    if "input_hessian" in found:
        found["input_jacobian"] = found["input_jacobian"].reshape(*out, D)
        found["input_hessian"] = found["input_hessian"].reshape(*out, D, D)
    return SimpleNamespace(**found)


def arrays(case: Drawn, library: str) -> tuple[Any, Any, Any]:
    if library == "torch":
        torch = pytest.importorskip("torch")
        return tuple(torch.from_numpy(array) for array in (case.w, case.x, case.t))  # type: ignore[return-value]
    return case.w, case.x, case.t


def close(found: Any, wanted: np.ndarray, scale: float = 0.0) -> None:
    found = np.asarray(found)
    assert found.shape == wanted.shape
    size = max(scale, float(np.abs(wanted).max(initial=0.0)))
    worst = float(np.abs(found - wanted).max(initial=0.0))
    assert worst <= RELATIVE * size, f"{worst / size:.1e} of {size:.3g}"


def second_derivatives(case: Drawn, w: Any, x: Any, t: Any, v: Any) -> dict[str, Any]:
    net = case.chain
    return {
        "hessian": hesslib.hessian(net, w, x, t),
        "gauss_newton": hesslib.gauss_newton(net, w, x, t, reduction="mean"),
        "hessian_vector_product": hesslib.hessian_vector_product(net, w, x, t, v),
        "gauss_newton_vector_product": hesslib.gauss_newton_vector_product(net, w, x, t, v[:, 0]),
        "hessian_diagonal": hesslib.hessian_diagonal(net, w, x, t),
        "gauss_newton_diagonal": hesslib.gauss_newton_diagonal(net, w, x, t),
    }


def compiled(case: Drawn, *arguments: Any) -> dict[str, Any]:
    """Under ``jit``: all of them where the chain is small, else products, which are quick to compile."""
    import jax

    def of(*arguments: Any) -> dict[str, Any]:
        if case.kind == "rows":
            return second_derivatives(case, *arguments)
        w, x, t, v = arguments
        return {
            "hessian_vector_product": hesslib.hessian_vector_product(case.chain, w, x, t, v),
            "gauss_newton_vector_product": hesslib.gauss_newton_vector_product(case.chain, w, x, t, v[:, 0]),
        }

    jax.config.update("jax_disable_most_optimizations", True)
    found = jax.jit(of)(*arguments)
    jax.config.update("jax_disable_most_optimizations", False)
    return found


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_every_quantity_of_a_random_chain_is_that_of_automatic_differentiation(case: Drawn) -> None:
    right = expected(case)
    net, (P, N) = case.chain, (len(case.w), len(case.x))
    v = np.random.default_rng(case.seed).standard_normal((P, 2))
    wanted = {
        "hessian": right.hessian,
        "gauss_newton": right.gauss_newton / N,
        "hessian_vector_product": right.hessian @ v,
        "gauss_newton_vector_product": right.gauss_newton @ v[:, 0],
        "hessian_diagonal": np.diagonal(right.hessian),
        "gauss_newton_diagonal": np.diagonal(right.gauss_newton),
    }
    scale = float(np.abs(right.hessian).max())
    libraries = ["numpy", "torch" if case.seed % 4 else "jax"]
    for library in libraries:
        w, x, t = arrays(case, library)
        some = arrays(Drawn(0, "", net, v, case.x, case.t), library)[0]
        found = compiled(case, w, x, t, some) if library == "jax" else second_derivatives(case, w, x, t, some)
        for name in found:
            close(found[name], wanted[name], scale)
        close(hesslib.gradient(net, w, x, t), right.gradient)
        close(hesslib.error(net, w, x, t, reduction="mean"), right.error / N)
        close(hesslib.outputs(net, w, x), right.outputs)
        if hasattr(right, "output_jacobian"):
            close(hesslib.output_jacobian(net, w, x), right.output_jacobian)
            close(hesslib.pattern_gradients(net, w, x, t), right.pattern_gradients)
            close(hesslib.outer_product(net, w, x, t), right.pattern_gradients.T @ right.pattern_gradients)
    if hasattr(right, "input_hessian"):
        close(hesslib.input_jacobian(net, case.w, case.x), right.input_jacobian)
        close(hesslib.input_hessian(net, case.w, case.x), right.input_hessian)
        diagonal = np.diagonal(right.input_hessian, axis1=-2, axis2=-1)
        close(hesslib.input_hessian_diagonal(net, case.w, case.x, inputs=[1, 0]), diagonal[..., [1, 0]])
        close(hesslib.laplacian(net, case.w, case.x), diagonal.sum(axis=-1), float(np.abs(diagonal).max()))
    blocks = hesslib.hessian_blocks(net, case.w, case.x, case.t)
    assert set(blocks) == {(m, l) for m in net.names for l in net.names}
    for (m, l), block in blocks.items():
        rows, columns = net.slices[m], net.slices[l]
        close(block.total, right.hessian[rows, columns], scale)
        close(block.gauss_newton, right.gauss_newton[rows, columns], scale)
    H = hesslib.hessian_operator(net, case.w, case.x, case.t)
    close(H @ v, right.hessian @ v, scale)
    close(hesslib.gauss_newton_operator(net, case.w, case.x, case.t) @ v[:, 0], right.gauss_newton @ v[:, 0], scale)


def test_the_table_has_sixty_chains_and_every_layer_loss_and_kind() -> None:
    kinds = {type(step.layer).__name__ for case in TABLE for step in case.chain.program.steps}
    assert len(TABLE) >= 60
    assert len({case.chain.loss.name for case in TABLE}) == 3
    every = "Dense QueryKeyValue SoftmaxAttention Embedding Affine Normalise Standardise Convolution"
    every += " AveragePool MaxPool"
    every += " Flatten Mean Transpose Activation Add Times Join"
    assert kinds >= set(every.split())
