"""Kronecker factors of chains: against loops over patterns and positions, exact where they must be and only there."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import layer_oracles as oracle
import numpy as np
import pytest
from random_chains import TABLE, Drawn

import hesslib
from hesslib import Chain, layers

RELATIVE = 1e-10
CASES = [case for case in TABLE[:45] if not case.chain.program.couples]


@cache
def expected(case: Drawn) -> SimpleNamespace:
    """From JAX: what goes into every matrix, the outputs by what comes out (N, Q, units), M, and Gauss-Newton."""
    import jax
    import jax.numpy as jnp

    chain, x, t, N = case.chain, case.x, jnp.asarray(case.t), len(case.x)

    def a(w: Any, added: Any) -> Any:
        return oracle.through(chain.layers, oracle.Tapped(w, added), x)

    def everything(w: Any, added: Any) -> Any:
        tapped = oracle.Tapped(w, added)
        at = oracle.through(chain.layers, tapped, x)
        M = jax.hessian(lambda u: oracle.loss(chain, u, t))(at)
        return tapped.inputs, jax.jacrev(a, argnums=(0, 1))(w, added), M

    first = oracle.Tapped(case.w, iter(int, 1))
    oracle.through(chain.layers, first, x)
    jax.config.update("jax_disable_most_optimizations", True)
    inputs, (J, G), M = jax.jit(everything)(case.w, [np.zeros(one.shape) for one in first.outputs])
    jax.config.update("jax_disable_most_optimizations", False)
    every, Q = np.arange(N), round(M.size**0.5) // N
    J, M = np.asarray(J).reshape(N, Q, -1), np.asarray(M).reshape(N, Q, N, Q)[every, :, every]
    G = [np.asarray(one).reshape(N, Q, N, -1)[every, :, every] for one in G]
    whole = sum(J[n].T @ M[n] @ J[n] for n in range(N))
    return SimpleNamespace(inputs=[np.asarray(z) for z in inputs], G=G, M=M, gauss_newton=whole)


def rows(layer: Any, z: np.ndarray) -> np.ndarray:
    """What a matrix is applied to at each position of one pattern, (R, i), and 1 for its bias."""
    if isinstance(layer, layers.Embedding):
        return np.eye(layer.vocabulary)[z.reshape(-1)]
    if isinstance(layer, layers.Convolution):
        windows = layer.windows
        lengths = windows.output_lengths(z.shape[1:])
        z = np.pad(z, [(0, 0), *((pad, pad) for pad in windows.padding)])
        found = []
        for at in np.ndindex(*lengths):
            places = [
                tuple(o * s + k * d for o, s, k, d in zip(at, windows.stride, place, windows.dilation, strict=True))
                for place in np.ndindex(*windows.size)
            ]
            found.append([channel[place] for channel in z for place in places])
        z = np.array(found)
    else:
        z = z.reshape(-1, layer.inputs)
    return np.concatenate([z, np.ones((len(z), 1))], axis=1) if layer.bias else z


def units(layer: Any, G: np.ndarray, R: int) -> np.ndarray:
    """The outputs of one pattern by what comes out at each position, (Q, R, j)."""
    if isinstance(layer, layers.Convolution):
        return G.reshape(len(G), -1, R).transpose(0, 2, 1)
    return G.reshape(len(G), R, -1)


def by_hand(case: Drawn, sharing: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """The factors of every function with parameters: of its inputs and of its units, of an embedding the other way."""
    right, matrices, found, program = expected(case), 0, [], case.chain.program
    for number in program.with_parameters:
        layer, where = program.steps[number].layer, program.steps[number].where
        if not isinstance(layer, layers.Dense | layers.Embedding | layers.Convolution) or (
            isinstance(layer, layers.Convolution) and layer.groups > 1
        ):
            found.append((np.ones((1, 1)), right.gauss_newton[where, where]))
            continue
        A, B, N = 0.0, 0.0, len(case.x)
        for n in range(N):
            z = rows(layer, right.inputs[matrices][n])
            R = len(z)
            G = units(layer, right.G[matrices][n], R)
            if sharing == "reduce":
                z, G, R = z.mean(axis=0)[None], G.sum(axis=1)[:, None], 1
            for r in range(R):
                A = A + np.outer(z[r], z[r]) / (N * R)
                B = B + G[:, r].T @ right.M[n] @ G[:, r]
        found.append((B, A) if isinstance(layer, layers.Embedding) else (A, B))
        matrices += 1
    assert matrices == len(right.G)
    return found


def in_order(layer: Any, A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """NumPy's own Kronecker product, with every bias moved from the end of its row to the end of the layer."""
    K = np.kron(B, A)
    if len(A) == 1 or not getattr(layer, "bias", False):
        return K
    places = np.arange(len(K)).reshape(len(B), len(A))
    order = np.concatenate([places[:, :-1].ravel(), places[:, -1]])
    return K[np.ix_(order, order)]


def close(found: Any, wanted: np.ndarray, times: float = 1.0) -> None:
    found = np.asarray(found)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max(initial=0.0) <= times * RELATIVE * np.abs(wanted).max(initial=0.0)


def everything(case: Drawn, sharing: Any, w: Any, x: Any, t: Any, v: Any) -> tuple[Any, ...]:
    chain = case.chain
    factors = hesslib.kronecker_factors(chain, w, x, t, sharing=sharing)
    return (
        factors,
        hesslib.kronecker_matrix(chain, factors),
        hesslib.kronecker_product(chain, factors, v),
        hesslib.kronecker_product(chain, factors, v[:, 1]),
        hesslib.kronecker_solve(chain, factors, v, damping=1.0),
    )


@pytest.mark.parametrize("sharing", ["expand", "reduce"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_factors_products_and_solutions_of_a_random_chain_are_those_of_loops(case: Drawn, sharing: Any) -> None:
    program, P = case.chain.program, len(case.w)
    pairs = by_hand(case, sharing)
    K = np.zeros((P, P))
    for number, (A, B) in zip(program.with_parameters, pairs, strict=True):
        step = program.steps[number]
        K[step.where, step.where] = in_order(step.layer, A, B)
    v = np.random.default_rng(case.seed).standard_normal((P, 2))
    arrays = (case.w, case.x, case.t, v)
    for library in ("numpy", "torch") if case.seed % 4 == 1 else ("numpy",):
        if library == "torch":
            torch = pytest.importorskip("torch")
            arrays = tuple(torch.from_numpy(array) for array in arrays)  # type: ignore[assignment]
        factors, matrix, products, product, solutions = everything(case, sharing, *arrays)
        for mine, right in zip(factors, pairs, strict=True):
            close(mine.A, right[0])
            close(mine.B, right[1])
        close(matrix, K)
        close(products, K @ v)
        close(product, K @ v[:, 1])
        condition = 1 + float(np.linalg.norm(K, 2))  # with a damping of 1
        close(solutions, np.linalg.solve(K + np.eye(P), v), condition)
    factors = hesslib.kronecker_factors(case.chain, case.w, case.x, case.t, sharing=sharing)
    inverse = hesslib.kronecker_inverse_operator(case.chain, factors, damping=1.0)
    close(inverse @ v[:, 0], np.asarray(solutions)[:, 0], condition)
    mean = hesslib.kronecker_factors(case.chain, case.w, case.x, case.t, sharing=sharing, reduction="mean")
    close(hesslib.kronecker_matrix(case.chain, mean), K / len(case.x))


@pytest.mark.parametrize("case", [case for case in CASES if case.kind == "rows"][:4], ids=str)
def test_jax_under_jit_gives_what_numpy_gives(case: Drawn) -> None:
    import jax

    v = np.random.default_rng(case.seed).standard_normal((len(case.w), 2))
    arrays = (case.w, case.x, case.t, v)
    compiled = jax.tree.leaves(jax.jit(lambda *arrays: everything(case, "expand", *arrays))(*arrays))
    for mine, right in zip(compiled, jax.tree.leaves(everything(case, "expand", *arrays)), strict=True):
        close(mine, right, 1e3)


def drawn(chain: Chain, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights and targets."""
    rng = np.random.default_rng(5)
    w = rng.standard_normal(chain.num_parameters)
    y = hesslib.outputs(chain, w, x)
    return w, rng.uniform(size=y.shape) if chain.loss.name != "softmax_cross_entropy" else y


def chain_of(*every: Any, loss: str = "squared_error") -> Chain:
    return Chain(every, loss=loss)


NONE: set[str] = set()
ALL = {"all"}
DENSE = layers.Dense
LINEAR = (DENSE(3, 4), DENSE(4, 3, bias=False), DENSE(3, 2))
TANH = (DENSE(3, 4), layers.Activation("tanh"), DENSE(4, 2))
ONE_WINDOW = (layers.Convolution(3, 2, 4), layers.Activation("sin"), layers.Flatten(), DENSE(2, 3))
ONE_POSITION = (DENSE(3, 4), layers.LayerNorm(4), layers.Attention(4, 2), DENSE(4, 3))
CONVOLVED = (layers.Convolution(3, 4, 2), layers.Convolution(4, 2, 1), layers.Mean(1), DENSE(2, 2))
TWICE = (layers.Convolution(3, 4, 2, padding=1), layers.Convolution(4, 2, 2), layers.Mean(1), DENSE(2, 2))
TOKENS = (layers.Embedding(3, 3), *LINEAR)
CROSS = "softmax_cross_entropy"
EXACT: dict[str, tuple[Chain, tuple[int, ...], set[str], set[str]]] = {
    # the shape of the inputs; whose blocks are exact for expand, and for reduce
    "dense, one pattern": (chain_of(*TANH, loss=CROSS), (1, 3), ALL, ALL),
    "dense, five patterns": (chain_of(*TANH, loss=CROSS), (5, 3), NONE, NONE),
    "dense, squared error": (chain_of(*TANH), (5, 3), {"2"}, {"2"}),
    "linear, one position": (chain_of(*LINEAR), (5, 3), ALL, ALL),
    "linear, another loss": (chain_of(*LINEAR, loss=CROSS), (5, 3), NONE, NONE),
    "linear, outputs at every position": (chain_of(*LINEAR), (5, 4, 3), ALL, NONE),
    "linear, mean over positions": (chain_of(*LINEAR[:2], layers.Mean(0), LINEAR[2]), (5, 4, 3), {"3"}, ALL),
    "tanh, mean over positions": (chain_of(*TANH[:2], layers.Mean(0), TANH[2]), (5, 4, 3), {"3"}, {"3"}),
    "linear, embedding": (chain_of(*TOKENS), (6, 4), ALL, NONE),
    "linear, mean over an embedding": (chain_of(TOKENS[0], layers.Mean(0), *LINEAR), (6, 4), {"2", "3", "4"}, ALL),
    "convolution of one window, one pattern": (chain_of(*ONE_WINDOW, loss=CROSS), (1, 3, 4), ALL, ALL),
    "convolution of one window, five patterns": (chain_of(*ONE_WINDOW, loss=CROSS), (5, 3, 4), NONE, NONE),
    "linear convolution, mean over positions": (chain_of(*CONVOLVED), (5, 3, 5), {"3"}, ALL),
    "convolution of what is read unevenly": (chain_of(*TWICE), (5, 3, 5), {"3"}, {"1", "3"}),
    "attention, one position and pattern": (chain_of(*ONE_POSITION, loss=CROSS), (1, 1, 3), ALL, ALL),
    "attention, one pattern": (chain_of(*ONE_POSITION, loss=CROSS), (1, 4, 3), {"1"}, {"1"}),
}


@pytest.mark.parametrize("sharing", ["expand", "reduce"])
@pytest.mark.parametrize("name", EXACT)
def test_blocks_are_those_of_gauss_newton_where_they_must_be_and_not_elsewhere(name: str, sharing: Any) -> None:
    chain, shape, *exact = EXACT[name]
    rng = np.random.default_rng(2)
    x = rng.integers(0, 3, shape) if isinstance(chain.layers[0], layers.Embedding) else rng.standard_normal(shape)
    w, t = drawn(chain, x)
    K = hesslib.kronecker_matrix(chain, hesslib.kronecker_factors(chain, w, x, t, sharing=sharing))
    G = hesslib.gauss_newton(chain, w, x, t)
    named = exact[sharing == "reduce"]
    for number in chain.program.with_parameters:
        step = chain.program.steps[number]
        mine, right = K[step.where, step.where], G[step.where, step.where]
        apart = np.linalg.norm(mine - right) / np.linalg.norm(right)
        assert apart <= RELATIVE if named & {"all", step.name} else apart > 1e-5, (step.name, apart)


def test_a_norm_grouped_channels_and_positions_have_their_exact_block() -> None:
    chain = chain_of(
        layers.Position(3, 4), layers.LayerNorm(4), layers.Transpose((1, 0)), layers.Convolution(4, 4, 2, groups=2),
        layers.Activation("tanh"), layers.Flatten(), layers.Dense(8, 3), loss=CROSS,
    )  # fmt: skip
    x = np.random.default_rng(0).standard_normal((5, 3, 4))
    w, t = drawn(chain, x)
    factors, G = hesslib.kronecker_factors(chain, w, x, t), hesslib.gauss_newton(chain, w, x, t)
    for number, (A, B) in zip(chain.program.with_parameters[:-1], factors[:-1], strict=True):
        where = chain.program.steps[number].where
        assert A.tolist() == [[1.0]]
        close(B, G[where, where])


def test_factors_of_another_chain_are_refused_by_name() -> None:
    chain, other = chain_of(*LINEAR), chain_of(*LINEAR[:2], DENSE(3, 4))
    x = np.ones((2, 3))
    w, t = drawn(chain, x)
    factors = hesslib.kronecker_factors(chain, w, x, t)
    with pytest.raises(ValueError, match="factors has 2 entries; the chain has 3 functions with parameters"):
        hesslib.kronecker_product(chain, factors[:2], w)
    with pytest.raises(ValueError, match=r"factors\[2\].B has shape \(2, 2\); it must be \(4, 4\)"):
        hesslib.kronecker_solve(other, factors, w)
    with pytest.raises(ValueError, match=r"v has shape \(3,\); it must be \(36,\) or \(36, V\)"):
        hesslib.kronecker_product(chain, factors, w[:3])
