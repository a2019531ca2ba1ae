"""The exact Hessian: against the loops, JAX and differences; its parts, symmetry, chunks and memory."""

import numpy as np
import oracles
import pytest
from cases import CASES, JAX_CASES, Case, close, gauss_newton_of_the_loops, over, reference

import hesslib
from hesslib import Network, _chunks


@over(CASES)
def test_hessian_is_that_of_the_loops(case: Case) -> None:
    close(hesslib.hessian(case.net, case.w, case.x, case.t), reference(case).hessians.sum(axis=0), case.rounding)


@over(CASES)
def test_hessian_is_exactly_symmetric_and_of_its_dtype(case: Case) -> None:
    H = hesslib.hessian(case.net, case.w, case.x, case.t)
    np.testing.assert_array_equal(H, H.T)
    assert H.dtype == case.dtype


@over(CASES)
def test_blocks_have_the_two_parts_of_the_hessian(case: Case) -> None:
    net = case.net
    blocks = hesslib.hessian_blocks(net, case.w, case.x, case.t)
    assert set(blocks) == {(m, l) for m in range(1, net.L + 1) for l in range(1, net.L + 1)}
    parts = {}
    for name in ("gauss_newton", "residual", "total"):
        rows = [[getattr(blocks[m, l], name) for l in range(1, net.L + 1)] for m in range(1, net.L + 1)]
        parts[name] = np.block(rows)
        np.testing.assert_array_equal(parts[name], parts[name].T)
    GN = gauss_newton_of_the_loops(case)
    H = reference(case).hessians.sum(axis=0)
    close(parts["gauss_newton"], GN, case.rounding)
    close(parts["total"], H, case.rounding)
    size = np.max(np.abs(H)) + np.max(np.abs(GN))  # the residual part is their difference, and may be small
    assert np.max(np.abs(parts["residual"] - (H - GN))) <= case.rounding * size


@over([case for case in CASES if set(case.activations) <= {"relu", "identity"}])
def test_residual_part_of_piecewise_linear_networks_lies_off_the_diagonal_blocks(case: Case) -> None:
    blocks = hesslib.hessian_blocks(case.net, case.w, case.x, case.t)
    for l in range(1, case.net.L + 1):
        assert not blocks[l, l].residual.any()


@over(CASES)
def test_mean_is_the_sum_over_n(case: Case) -> None:
    args = case.net, case.w, case.x, case.t
    close(hesslib.hessian(*args, reduction="mean") * case.N, hesslib.hessian(*args), case.rounding)
    mean = hesslib.hessian_blocks(*args, reduction="mean")[1, 1].total
    close(mean * case.N, hesslib.hessian_blocks(*args)[1, 1].total, case.rounding)


@over([case for case in CASES if case.dtype == "float64" and case.loss == "softmax_cross_entropy"])
def test_differences_of_gradients_give_the_hessian(case: Case) -> None:
    slope = oracles.central_differences(lambda w: hesslib.gradient(case.net, w, case.x, case.t), case.w)
    close(hesslib.hessian(case.net, case.w, case.x, case.t), slope, 1e-7)


@over(JAX_CASES)
def test_jax_forward_over_reverse_agrees(case: Case) -> None:
    import jax

    E = oracles.jax_error(case.widths, case.activations, case.loss, case.x, case.t)
    H = jax.jit(jax.jacfwd(jax.grad(E)))(case.w)
    close(hesslib.hessian(case.net, case.w, case.x, case.t), H, case.rounding)


def test_jax_reverse_over_reverse_agrees_with_everything_under_jit() -> None:
    import jax

    case = Case((2, 3, 2, 2), ("gelu", "tanh"), "softmax_cross_entropy")
    E = oracles.jax_error(case.widths, case.activations, case.loss, case.x, case.t)
    v = np.random.default_rng(0).standard_normal((case.net.num_parameters, 2))

    def all_ways(w: jax.Array) -> dict[str, jax.Array]:
        args = case.net, w, case.x, case.t
        return {
            "reverse over reverse": jax.jacrev(jax.grad(E))(w),
            "hessian": hesslib.hessian(*args),
            "product": hesslib.hessian_vector_product(*args, v),
            "diagonal": hesslib.hessian_diagonal(*args),
        }

    ways = jax.jit(all_ways)(jax.numpy.asarray(case.w))
    H = ways["reverse over reverse"]
    close(ways["hessian"], H, case.rounding)
    close(ways["product"], H @ v, case.rounding)
    close(ways["diagonal"], np.diag(H), case.rounding)


FUNCTIONS = [
    hesslib.hessian,
    hesslib.hessian_diagonal,
    hesslib.becker_lecun_diagonal,
    hesslib.gauss_newton,
    hesslib.gauss_newton_diagonal,
    hesslib.outer_product,
    hesslib.pattern_gradients,
]
CHUNKED = Case((2, 4, 3, 3), ("tanh", "sin"), "softmax_cross_entropy", N=7)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_every_chunk_size_gives_the_same(function, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    xp = pytest.importorskip(library)
    w, x, t = (xp.asarray(array) for array in (CHUNKED.w, CHUNKED.x, CHUNKED.t))
    whole = function(CHUNKED.net, CHUNKED.w, CHUNKED.x, CHUNKED.t)
    for budget in (1, 500, 1000):  # one pattern at a time, or a few with a remainder
        monkeypatch.setattr(_chunks, "BUDGET", budget)
        close(np.asarray(function(CHUNKED.net, w, x, t)), whole, CHUNKED.rounding)


def test_chunks_under_jit_are_one_compiled_loop_with_a_remainder(monkeypatch: pytest.MonkeyPatch) -> None:
    import jax

    case = Case((2, 3, 2), ("tanh",), "squared_error", N=11)
    w, x, t = (jax.numpy.asarray(array) for array in (case.w, case.x, case.t))
    product = jax.jit(hesslib.hessian_vector_product, static_argnums=0)
    whole = hesslib.hessian_vector_product(case.net, case.w, case.x, case.t, case.w)
    monkeypatch.setattr(_chunks, "BUDGET", 3 * (4 * 3 + 8 * 7))  # three patterns at a time: 3 + 2 of 3 + 2 left
    assert "scan" in str(jax.make_jaxpr(lambda x, t: hesslib.hessian_diagonal(case.net, w, x, t))(x, t))
    close(product(case.net, w, x, t, w), whole, case.rounding)


def test_a_hundred_thousand_patterns_need_the_memory_of_a_chunk() -> None:
    import tracemalloc

    net = Network((2, 4, 2))
    rng = np.random.default_rng(0)
    w, x, t = net.init(rng), rng.standard_normal((100_000, 2)), rng.standard_normal((100_000, 2))
    tracemalloc.start()
    hesslib.hessian(net, w, x, t)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * 8 * _chunks.BUDGET  # 64 MiB; the arrays of all patterns at once take twice that


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if "diagonal" not in f.__name__], ids=lambda f: f.__name__)
def test_what_cannot_fit_is_refused_with_what_it_needs(function, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_chunks, "physical_memory", lambda: 1000)
    with pytest.raises(MemoryError, match=f"{function.__name__} needs .* GiB; this machine has 9.31e-07 GiB"):
        function(CHUNKED.net, CHUNKED.w, CHUNKED.x, CHUNKED.t)
    monkeypatch.setattr(_chunks, "physical_memory", lambda: None)
    function(CHUNKED.net, CHUNKED.w, CHUNKED.x, CHUNKED.t)


def test_physical_memory_is_known_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    assert _chunks.physical_memory() is None or _chunks.physical_memory() > 2**26
    monkeypatch.delattr(os, "sysconf", raising=False)
    assert _chunks.physical_memory() is None


@over([case for case in CASES if case.activations == ("tanh", "tanh")])
def test_trace_and_extreme_eigenvalues_bound_each_other(case: Case) -> None:
    H = hesslib.hessian(case.net, case.w, case.x, case.t)
    eigenvalues = np.linalg.eigvalsh(H)
    allowed = case.rounding * len(H) * np.max(np.abs(eigenvalues))
    assert abs(np.trace(H) - eigenvalues.sum()) <= allowed
    assert abs(hesslib.hessian_diagonal(case.net, case.w, case.x, case.t).sum() - eigenvalues.sum()) <= allowed
