"""What a function holds at its peak, as NumPy reports it to Python, against the formula of its docstring.

The numbers of a chunk of patterns are set small, so that matrices and results are what counts.
"""

import tracemalloc
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import hesslib
from hesslib import Network, _chunks, weight_jacobians
from hesslib.curvature import spectrum as of_spectrum
from hesslib.derivatives import input_derivatives

CHUNK = 2**14  # numbers
OVER = 1.1  # what is small beside matrices: vectors, and blocks that are not the largest


class Problem(NamedTuple):
    net: Network
    w: np.ndarray
    x: np.ndarray
    t: np.ndarray

    @staticmethod
    def of(widths: tuple[int, ...], N: int) -> "Problem":
        net, rng = Network(widths), np.random.default_rng(0)
        return Problem(net, net.init(0), rng.standard_normal((N, widths[0])), rng.standard_normal((N, widths[-1])))


SIZES = [((20, 16, 3), 40), ((20, 24, 3), 40), ((30, 16, 2), 200), ((8, 10, 10, 4), 500)]

Numbers = Callable[[int, int, int, int, int], int]  # of P, N, K, D and the sum of the widths


def matrices(count: float) -> Numbers:
    return lambda P, N, K, D, units: int(count * P**2)


CLAIMS: dict[str, tuple[Callable[[Problem], Any], Numbers]] = {
    "hessian": (lambda p: hesslib.hessian(*p), matrices(3)),
    "hessian_blocks": (lambda p: hesslib.hessian_blocks(*p), matrices(4)),
    "gauss_newton": (lambda p: hesslib.gauss_newton(*p), matrices(3)),
    "outer_product": (lambda p: hesslib.outer_product(*p), matrices(3)),
    "hessian_diagonal": (lambda p: hesslib.hessian_diagonal(*p), lambda P, N, K, D, units: 10 * P),
    "gauss_newton_diagonal": (lambda p: hesslib.gauss_newton_diagonal(*p), lambda P, N, K, D, units: 10 * P),
    "hessian_vector_product": (
        lambda p: hesslib.hessian_vector_product(*p, p.w),
        lambda P, N, K, D, units: 10 * P,
    ),
    "spectrum": (lambda p: hesslib.spectrum(*p), matrices(8)),
    "spectrum, Gauss-Newton": (lambda p: hesslib.spectrum(*p, curvature="gauss_newton"), matrices(8)),
    "log_evidence": (lambda p: hesslib.log_evidence(*p, alpha=1.0, beta=1.0), matrices(8)),
    "kronecker_matrix": (
        lambda p: hesslib.kronecker_matrix(p.net, hesslib.kronecker_factors(*p)),
        matrices(2),
    ),
    "prune": (lambda p: hesslib.prune(*p, 2, alpha=1.0), matrices(5)),
    "sequential_inverse": (
        lambda p: hesslib.sequential_inverse(hesslib.output_jacobian(p.net, p.w, p.x[:9])[:, 0], 1.0),
        matrices(6),
    ),
    "pattern_gradients": (
        lambda p: hesslib.pattern_gradients(*p),
        lambda P, N, K, D, units: N * (2 * P + 8 * units),
    ),
    "output_jacobian": (
        lambda p: hesslib.output_jacobian(*p[:3]),
        lambda P, N, K, D, units: 2 * N * K * (P + units),
    ),
    "input_jacobian": (lambda p: hesslib.input_jacobian(*p[:3]), lambda P, N, K, D, units: N * K * D),
    "input_hessian": (lambda p: hesslib.input_hessian(*p[:3]), lambda P, N, K, D, units: N * K * D**2),
    "input_hessian_diagonal": (
        lambda p: hesslib.input_hessian_diagonal(*p[:3]),
        lambda P, N, K, D, units: N * K * D,
    ),
    "laplacian": (lambda p: hesslib.laplacian(*p[:3]), lambda P, N, K, D, units: N * K),
    "weight_jacobians.outputs": (
        lambda p: weight_jacobians.outputs(*p[:3]),
        lambda P, N, K, D, units: N * K * P,
    ),
    "weight_jacobians.input_jacobian": (
        lambda p: weight_jacobians.input_jacobian(*p[:3], inputs=[0, 1, 2]),
        lambda P, N, K, D, units: 3 * N * K * P,
    ),
    "weight_jacobians.input_hessian": (
        lambda p: weight_jacobians.input_hessian(*p[:3], inputs=[0, 1, 2]),
        lambda P, N, K, D, units: 9 * N * K * P,
    ),
    "weight_jacobians.input_hessian_diagonal": (
        lambda p: weight_jacobians.input_hessian_diagonal(*p[:3], inputs=[0, 1, 2]),
        lambda P, N, K, D, units: 3 * N * K * P,
    ),
    "weight_jacobians.laplacian": (
        lambda p: weight_jacobians.laplacian(*p[:3]),
        lambda P, N, K, D, units: N * K * P,
    ),
}


def peak(call: Callable[[], Any]) -> float:
    """Numbers of float64 that the call held at once, beside what there was before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        call()
        return (tracemalloc.get_traced_memory()[1] - before) / 8
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize(("call", "claim"), CLAIMS.values(), ids=CLAIMS)
def test_the_peak_is_what_the_docstring_says(
    call: Callable[[Problem], Any], claim: Numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (_chunks, weight_jacobians, of_spectrum):
        monkeypatch.setattr(module, "BUDGET", CHUNK)
    monkeypatch.setattr(input_derivatives, "CACHE", CHUNK)
    call(Problem.of((9, 3, 3), 4))  # what is loaded at the first call is not counted
    for widths, N in SIZES:
        problem = Problem.of(widths, N)
        claimed = claim(problem.net.num_parameters, N, widths[-1], widths[0], sum(widths))
        least = claimed / 20  # a formula that promises far too much says nothing
        assert least < peak(lambda problem=problem: call(problem)) < OVER * claimed + 6 * CHUNK, (widths, N)


REFUSED: dict[str, Callable[[Problem], Any]] = {
    **{
        name: call
        for name, (call, _) in CLAIMS.items()
        if not name.endswith(("diagonal", "product")) or "weight" in name
    },
    "input_hessian_diagonal": CLAIMS["input_hessian_diagonal"][0],
    "outer_product": CLAIMS["outer_product"][0],
    "kronecker_factors": lambda p: hesslib.kronecker_factors(*p),
    "log_evidences": lambda p: hesslib.log_evidences(*p, alpha=1.0, beta=1.0),
    "bayesian_regularization": lambda p: hesslib.bayesian_regularization(p.net, p.w, p.x, p.t),
    "fit with newton": lambda p: hesslib.fit(*p, method="newton"),
    "fit with gauss_newton": lambda p: hesslib.fit(*p, method="gauss_newton"),
    "fit with levenberg_marquardt": lambda p: hesslib.fit(*p),
}


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize(("name", "call"), REFUSED.items(), ids=REFUSED)
def test_what_cannot_fit_is_refused_before_it_is_tried(
    name: str, call: Callable[[Problem], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem.of((12, 14, 3), 2000)
    called = {"kronecker_matrix": "kronecker_factors", "sequential_inverse": "output_jacobian"}.get(name, name)
    monkeypatch.setattr(_chunks, "physical_memory", lambda: 100)

    def refused() -> None:
        with pytest.raises(MemoryError, match=rf"{called.split(',')[0]} needs .* GiB; this machine has"):
            call(problem)

    refused()
    assert peak(refused) < 200_000  # numbers: copies of the batch, and no matrix of the result


def test_the_matrix_of_the_factors_and_the_inverse_are_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem.of((12, 14, 3), 20)
    factors = hesslib.kronecker_factors(*problem)
    monkeypatch.setattr(_chunks, "physical_memory", lambda: 100)
    with pytest.raises(MemoryError, match="kronecker_matrix needs"):
        hesslib.kronecker_matrix(problem.net, factors)
    with pytest.raises(MemoryError, match="sequential_inverse needs"):
        hesslib.sequential_inverse(problem.x, 1.0)


def test_exactly_what_there_is_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """hessian_blocks holds four matrices of 8 bytes a number; a byte less than that is too little."""
    problem = Problem.of((2, 3, 1), 5)
    for call, numbers in ((hesslib.hessian_blocks, 4 * 13**2), (hesslib.hessian, 3 * 13**2)):
        monkeypatch.setattr(_chunks, "physical_memory", lambda numbers=numbers: 8 * numbers)
        call(*problem)
        monkeypatch.setattr(_chunks, "physical_memory", lambda numbers=numbers: 8 * numbers - 1)
        with pytest.raises(MemoryError):
            call(*problem)
