"""The sequential inverse: against a direct inverse, and what the size of alpha does to it."""

import numpy as np
import pytest

from hesslib import sequential_inverse

EPS = float(np.finfo(float).eps)


def patterns(N: int = 9, P: int = 6) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((N, P))


@pytest.mark.parametrize("block", [1, 2, 4, 9, 100])
@pytest.mark.parametrize(("N", "P"), [(9, 6), (3, 6), (1, 1), (1, 4)])
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 30.0])
def test_inverse_is_that_of_the_whole_sum(N: int, P: int, block: int, alpha: float) -> None:
    b = patterns(N, P)
    A = alpha * np.eye(P) + b.T @ b
    X = sequential_inverse(b, alpha, block=block)
    expected = np.linalg.inv(A)
    # every step loses digits in proportion to |alpha^-1 I|, the largest matrix on the way
    allowed = EPS * (N + P) * (1 / alpha) * np.linalg.norm(A, 2) * np.linalg.norm(expected, 2)
    assert np.max(np.abs(X.value - expected)) <= allowed
    np.testing.assert_array_equal(X.value, X.value.T)


def test_condition_and_residual_are_what_they_say() -> None:
    b, alpha = patterns(), 0.1
    A = alpha * np.eye(6) + b.T @ b
    X = sequential_inverse(b, alpha)
    assert float(X.condition) == pytest.approx(np.linalg.cond(A, 1), rel=1e-10)
    assert float(X.residual) == pytest.approx(np.max(np.abs(A @ X.value - np.eye(6))), abs=1e-13)


def test_smallest_alpha_is_not_the_best() -> None:
    b = patterns(200, 20)
    H_inverse = np.linalg.inv(b.T @ b)
    errors = [np.max(np.abs(sequential_inverse(b, alpha).value - H_inverse)) for alpha in (1e-1, 1e-7, 1e-13)]
    assert errors[1] < 1e-3 * min(errors[0], errors[2])  # bias falls, cancellation rises


def test_residual_shows_the_digits_that_cancelled() -> None:
    b = patterns(200, 20)
    good, bad = sequential_inverse(b, 1e-3), sequential_inverse(b, 1e-13)
    assert float(good.residual) < 1e-9
    assert float(bad.residual) > 1e-6
    assert float(bad.condition) < 1e3  # the matrix itself is harmless: it is the way to its inverse that loses digits


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize(
    ("b", "alpha", "block", "message"),
    [
        (np.ones(3), 1.0, 1, r"b has shape \(3,\); it must be \(N, P\), a pattern in each row"),
        (np.ones((3, 2)), 0.0, 1, "alpha is 0.0; it must be positive and finite"),
        (np.ones((3, 2)), float("nan"), 1, "alpha is nan; it must be positive and finite"),
        (np.ones((3, 2)), 1.0, 0, "block is 0; it must be at least 1"),
        (np.ones((3, 2), dtype=int), 1.0, 1, "b has dtype int64; it must be real floating"),
    ],
)
def test_bad_input_is_named(b: np.ndarray, alpha: float, block: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sequential_inverse(b, alpha, block=block)
