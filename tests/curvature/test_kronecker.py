"""The Kronecker factors: against loops, exact where they must be and not elsewhere; products and solutions."""

import numpy as np
import pytest
from cases import CASES, JAX_CASES, Case, close, gauss_newton_of_the_loops, over, reference

import hesslib
from hesslib import Network, _chunks

FULL = [case for case in CASES if case.dtype == "float64"]


def args(case: Case) -> tuple:
    return case.net, case.w, case.x, case.t


def blocks(case: Case, K: np.ndarray) -> list[np.ndarray]:
    net = case.net
    return [K[net.layer_slice(l), net.layer_slice(l)] for l in range(1, net.L + 1)]


def of_the_loops(case: Case) -> np.ndarray:
    """Mean of products turned into product of means, entry by entry; G and M from the jets, z from the forward pass.

    The Jacobian by a bias is G itself, and the Jacobian by a weight is G z: that gives both without a backward pass.
    """
    net, J = case.net, reference(case).jacobian
    a = hesslib.forward(net, case.w.astype(float), case.x.astype(float)).a[-1]
    z = hesslib.forward(net, case.w.astype(float), case.x.astype(float)).z
    M = net.loss.M(a)
    K = np.zeros((net.num_parameters, net.num_parameters))
    for l in range(1, net.L + 1):
        G = J[:, :, net.bias_slice(l)]
        units = [(j, i) for j in range(net.widths[l]) for i in range(net.widths[l - 1])]
        units += [(j, None) for j in range(net.widths[l])]
        start = net.layer_slice(l).start
        for row, (j, i) in enumerate(units):
            for column, (k, p) in enumerate(units):
                B = sum(G[n, :, j] @ M[n] @ G[n, :, k] for n in range(case.N))
                inputs = [
                    (1 if i is None else z[l - 1][n, i]) * (1 if p is None else z[l - 1][n, p]) for n in range(case.N)
                ]
                K[start + row, start + column] = B * sum(inputs) / case.N
    return K


@over(CASES)
def test_the_matrix_is_that_of_the_loops_and_is_of_its_dtype(case: Case) -> None:
    K = hesslib.kronecker_matrix(case.net, hesslib.kronecker_factors(*args(case)))
    close(K, of_the_loops(case), 2 * case.rounding)
    assert K.dtype == case.dtype
    np.testing.assert_array_equal(K, K.T)


@over(CASES)
def test_each_block_is_the_kronecker_product_of_its_factors(case: Case) -> None:
    """NumPy's own Kronecker product, with every bias moved from the end of its row to the end of the layer."""
    factors = hesslib.kronecker_factors(*args(case))
    K = hesslib.kronecker_matrix(case.net, factors)
    for l, (block, (A, B)) in enumerate(zip(blocks(case, K), factors, strict=True), start=1):
        rows, columns = case.net.widths[l], case.net.widths[l - 1]
        positions = np.arange(rows * (columns + 1)).reshape(rows, columns + 1)
        order = np.concatenate([positions[:, :-1].ravel(), positions[:, -1]])
        np.testing.assert_array_equal(block, np.kron(B, A)[np.ix_(order, order)])


@over([case for case in FULL if case.N == 1])
def test_for_a_single_pattern_every_block_is_that_of_gauss_newton(case: Case) -> None:
    K = hesslib.kronecker_matrix(case.net, hesslib.kronecker_factors(*args(case)))
    for mine, exact in zip(blocks(case, K), blocks(case, gauss_newton_of_the_loops(case)), strict=True):
        close(mine, exact, 2 * case.rounding)


@over([case for case in FULL if case.loss == "squared_error"])
def test_the_last_block_is_exact_for_squared_error(case: Case) -> None:
    K = hesslib.kronecker_matrix(case.net, hesslib.kronecker_factors(*args(case)))
    close(blocks(case, K)[-1], blocks(case, gauss_newton_of_the_loops(case))[-1], 2 * case.rounding)


@over([case for case in FULL if case.loss == "squared_error" and set(case.activations) <= {"identity"}])
def test_all_blocks_of_a_linear_network_are_exact_for_squared_error(case: Case) -> None:
    K = hesslib.kronecker_matrix(case.net, hesslib.kronecker_factors(*args(case)))
    for mine, exact in zip(blocks(case, K), blocks(case, gauss_newton_of_the_loops(case)), strict=True):
        close(mine, exact, 2 * case.rounding)


def test_the_first_block_is_exact_if_all_patterns_have_the_same_inputs() -> None:
    case = Case((3, 4, 2), ("tanh",), "softmax_cross_entropy")
    x = np.repeat(case.x[:1], case.N, axis=0)
    K = hesslib.kronecker_matrix(case.net, hesslib.kronecker_factors(case.net, case.w, x, case.t))
    exact = hesslib.gauss_newton(case.net, case.w, x, case.t)
    for mine, block in zip(blocks(case, K), blocks(case, exact), strict=True):
        close(mine, block, 2 * case.rounding)


@over([case for case in FULL if case.N > 1 and case.loss != "squared_error" and case.activations])
def test_elsewhere_the_blocks_differ(case: Case) -> None:
    K = hesslib.kronecker_matrix(case.net, hesslib.kronecker_factors(*args(case)))
    for mine, exact in zip(blocks(case, K), blocks(case, gauss_newton_of_the_loops(case)), strict=True):
        assert np.linalg.norm(mine - exact) > 1e-5 * np.linalg.norm(exact)


@over(FULL)
def test_the_trace_differs_by_the_covariance_of_the_traces(case: Case) -> None:
    """tr BA - sum_n tr Q_n tr zz = -N times the covariance of the two traces over the patterns."""
    net, J = case.net, reference(case).jacobian
    trace = hesslib.forward(net, case.w, case.x)
    M = net.loss.M(trace.a[-1])
    K = hesslib.kronecker_matrix(net, hesslib.kronecker_factors(*args(case)))
    for l, block in enumerate(blocks(case, K), start=1):
        G = J[:, :, net.bias_slice(l)]
        of_units = np.einsum("nqj,nqk,nkj->n", G, M, G)
        of_inputs = 1 + np.sum(trace.z[l - 1] ** 2, axis=1)
        exact = np.trace(blocks(case, gauss_newton_of_the_loops(case))[l - 1])
        covariance = np.sum((of_units - of_units.mean()) * (of_inputs - of_inputs.mean()))
        assert abs(np.trace(block) + covariance - exact) <= 4 * case.rounding * max(abs(exact), np.trace(block))


@over(CASES)
def test_the_mean_is_the_sum_over_n_in_one_of_the_factors(case: Case) -> None:
    total, mean = hesslib.kronecker_factors(*args(case)), hesslib.kronecker_factors(*args(case), reduction="mean")
    for (A, B), (A_mean, B_mean) in zip(total, mean, strict=True):
        np.testing.assert_array_equal(A, A_mean)
        close(B_mean * case.N, B, case.rounding)


@over(CASES)
def test_products_are_those_of_the_matrix(case: Case) -> None:
    factors = hesslib.kronecker_factors(*args(case))
    K = hesslib.kronecker_matrix(case.net, factors)
    v = np.random.default_rng(0).standard_normal((case.net.num_parameters, 3)).astype(case.dtype)
    close(hesslib.kronecker_product(case.net, factors, v), K @ v, 4 * case.rounding)
    close(hesslib.kronecker_product(case.net, factors, v[:, 0]), K @ v[:, 0], 4 * case.rounding)
    assert hesslib.kronecker_product(case.net, factors, v).dtype == case.dtype


@over(CASES)
def test_solutions_solve_the_damped_equations(case: Case) -> None:
    factors = hesslib.kronecker_factors(*args(case))
    K = hesslib.kronecker_matrix(case.net, factors)
    damping = 0.1 * float(np.max(np.abs(K)))
    v = np.random.default_rng(0).standard_normal((case.net.num_parameters, 3)).astype(case.dtype)
    u = hesslib.kronecker_solve(case.net, factors, v, damping=damping)
    condition = 1 + np.linalg.norm(K, 2) / damping
    close(K @ u + damping * u, v, 16 * condition * case.rounding)
    close(hesslib.kronecker_solve(case.net, factors, v[:, 1], damping=damping), u[:, 1], 16 * condition * case.rounding)
    inverse = hesslib.kronecker_inverse_operator(case.net, factors, damping=damping)
    close(inverse @ v, u, 16 * condition * case.rounding)
    close(inverse.rmatvec(v[:, 0]), u[:, 0], 16 * condition * case.rounding)
    assert u.dtype == case.dtype


def test_definite_factors_need_no_damping_and_singular_ones_say_so() -> None:
    case = Case((2, 3, 2), ("tanh",), "squared_error", N=1)
    factors = hesslib.kronecker_factors(*args(case))
    with pytest.raises(ValueError, match=r"damping is 0\.0; it must be larger, the factors of layer 1 are singular"):
        hesslib.kronecker_solve(case.net, factors, case.w)
    case = Case((2, 2, 2), ("tanh",), "squared_error", N=12)
    factors = hesslib.kronecker_factors(*args(case))
    u = hesslib.kronecker_solve(case.net, factors, case.w)
    K = hesslib.kronecker_matrix(case.net, factors)
    close(K @ u, case.w, 16 * np.linalg.cond(K) * case.rounding)


@over(JAX_CASES)
def test_jax_under_jit_and_pytorch_give_what_numpy_gives(case: Case) -> None:
    import jax

    torch = pytest.importorskip("torch")
    net = case.net

    def everything(w, x, t, v):
        factors = hesslib.kronecker_factors(net, w, x, t)
        return (
            hesslib.kronecker_matrix(net, factors),
            hesslib.kronecker_product(net, factors, v),
            hesslib.kronecker_solve(net, factors, v, damping=1.0),
        )

    arrays = case.w, case.x, case.t, np.random.default_rng(2).standard_normal(net.num_parameters)
    expected = everything(*arrays)
    for mine, theirs in zip(expected, jax.jit(everything)(*arrays), strict=True):
        np.testing.assert_allclose(theirs, mine, rtol=1e-10, atol=1e-12)
    for mine, theirs in zip(expected, everything(*(torch.from_numpy(array) for array in arrays)), strict=True):
        np.testing.assert_allclose(theirs.numpy(), mine, rtol=1e-10, atol=1e-12)


def test_chunks_of_patterns_sum_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case((2, 4, 3, 3), ("tanh", "sin"), "softmax_cross_entropy", N=9)
    whole = hesslib.kronecker_factors(*args(case))
    monkeypatch.setattr(_chunks, "BUDGET", 300)
    for (A, B), (A_, B_) in zip(whole, hesslib.kronecker_factors(*args(case)), strict=True):
        close(A_, A, case.rounding)
        close(B_, B, case.rounding)


def test_what_does_not_fit_is_refused_by_name(as_installed: None) -> None:
    case = Case((2, 3, 2), ("tanh",), "squared_error")
    factors = hesslib.kronecker_factors(*args(case))
    refusals = [
        (lambda: hesslib.kronecker_matrix(case.net, factors[:1]), "factors has 1 entries; the network has 2 layers"),
        (
            lambda: hesslib.kronecker_matrix(Network((2, 3, 3)), factors),
            r"factors\[1\].B has shape \(2, 2\); it must be \(3, 3\)",
        ),
        (
            lambda: hesslib.kronecker_matrix(Network((1, 3, 2)), factors),
            r"factors\[0\].A has shape \(3, 3\); it must be \(2, 2\)",
        ),
        (lambda: hesslib.kronecker_product(case.net, factors, np.ones(5)), r"v has shape \(5,\); it must be \(17,\)"),
        (
            lambda: hesslib.kronecker_product(case.net, factors, np.ones(17, dtype=np.float32)),
            "v is float32 and B is float64",
        ),
        (
            lambda: hesslib.kronecker_solve(case.net, factors, np.ones(17), damping=-1.0),
            "damping is -1.0; it must be finite and not negative",
        ),
        (lambda: hesslib.kronecker_solve(case.net, factors[1:], np.ones(17)), "factors has 1 entries"),
        (lambda: hesslib.kronecker_inverse_operator(case.net, factors[1:]), "factors has 1 entries"),
        (
            lambda: hesslib.kronecker_factors(*args(case), reduction="max"),
            "reduction is 'max'; it must be 'sum' or 'mean'",
        ),
    ]
    for call, message in refusals:
        with pytest.raises(ValueError, match=message):
            call()
