"""Losses: each derivative against the one before, the products with M, stability, and the checks of targets."""

from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import oracles
import pytest
import sympy
from cases import close

from hesslib import Network, error, gauss_newton, gradient, hessian, hessian_vector_product
from hesslib.networks.losses import LOSSES, Loss

NAMES = list(LOSSES)
EPS = float(np.finfo(float).eps)


def batch(name: str, N: int = 5, K: int = 3) -> tuple[Loss, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(len(name))
    a = rng.standard_normal((N, K))
    t = {
        "squared_error": rng.standard_normal((N, K)),
        "binary_cross_entropy": rng.uniform(0, 1, (N, K)),
        "softmax_cross_entropy": rng.dirichlet(np.ones(K), N),
    }[name]
    return LOSSES[name], a, t


def jets(name: str, a: np.ndarray, t: np.ndarray) -> list[oracles.Jet]:
    return [oracles.LOSSES[name](oracles.jets(a_n), t_n) for a_n, t_n in zip(a, t.tolist(), strict=True)]


@pytest.mark.parametrize("name", NAMES)
def test_error_delta_and_m_are_value_gradient_and_hessian_of_the_textbook_formula(name: str) -> None:
    loss, a, t = batch(name)
    E = jets(name, a, t)
    close(loss.pattern_errors(a, t), np.array([E_n.value for E_n in E]), 100 * EPS)
    close(loss.delta(a, t), np.array([E_n.gradient for E_n in E]), 100 * EPS)
    close(loss.M(a), np.array([E_n.hessian for E_n in E]), 100 * EPS)


@pytest.mark.parametrize("name", NAMES)
def test_delta_is_output_minus_target(name: str) -> None:
    loss, a, t = batch(name)
    close(loss.delta(a, t), loss.output(a) - t, 10 * EPS)


@pytest.mark.parametrize("name", NAMES)
def test_diagonal_and_products_are_those_of_m(name: str) -> None:
    loss, a, _ = batch(name)
    M, v = loss.M(a), np.random.default_rng(0).standard_normal((2, 4, *a.shape))
    close(loss.M_diagonal(a), np.einsum("nkk->nk", M), 10 * EPS)
    close(loss.M_times(a, v[0, 0]), np.einsum("nkq,nq->nk", M, v[0, 0]), 20 * EPS)
    close(loss.M_times(a, v), np.einsum("nkq,stnq->stnk", M, v), 20 * EPS)


@pytest.mark.parametrize("name", NAMES)
def test_m_is_exactly_symmetric(name: str) -> None:
    loss, a, _ = batch(name)
    np.testing.assert_array_equal(loss.M(a), loss.M(a).transpose(0, 2, 1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("logits", [[1e4, 0, -1e4], [1e4, 1e4, 1e4], [-1e4, -1e4, 0]])
@pytest.mark.parametrize("name", NAMES)
def test_everything_is_finite_and_of_its_dtype_at_any_logit(name: str, logits: list[float], dtype: str) -> None:
    loss = LOSSES[name]
    a, t = np.array([logits], dtype=dtype), np.array([[1, 0, 0]], dtype=dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        results = [
            loss.output(a),
            loss.pattern_errors(a, t),
            loss.delta(a, t),
            loss.M(a),
            loss.M_diagonal(a),
            loss.M_times(a, a),
        ]
    assert all(np.all(np.isfinite(result)) and result.dtype == dtype for result in results)


def test_cross_entropy_of_a_wrong_saturated_output_is_the_logit() -> None:
    a = np.array([[1e4, -1e4]])
    wrong = np.array([[0.0, 1.0]])
    np.testing.assert_array_equal(LOSSES["binary_cross_entropy"].pattern_errors(a, wrong), [2e4])
    np.testing.assert_array_equal(LOSSES["softmax_cross_entropy"].pattern_errors(a, wrong), [2e4])


def test_softmax_does_not_change_when_all_logits_are_shifted() -> None:
    loss, a, t = batch("softmax_cross_entropy")
    close(loss.pattern_errors(a + 1024, t), loss.pattern_errors(a, t), 2048 * EPS)
    close(loss.output(a + 1024), loss.output(a), 2048 * EPS)


def test_integer_labels_are_one_hot_rows() -> None:
    loss, a, _ = batch("softmax_cross_entropy")
    labels = np.array([2, 0, 1, 1, 2])
    np.testing.assert_array_equal(loss.targets(labels, a), np.eye(3)[labels])
    np.testing.assert_array_equal(loss.targets(np.eye(3, dtype=int)[labels], a), np.eye(3)[labels])


@pytest.mark.parametrize("name", NAMES)
def test_integers_and_booleans_become_numbers_of_the_dtype_of_a(name: str) -> None:
    a = np.zeros((2, 2), dtype=np.float32)
    for t in (np.array([[0, 1], [1, 0]]), np.array([[False, True], [True, False]])):
        targets = LOSSES[name].targets(t, a)
        assert targets.dtype == np.float32
        np.testing.assert_array_equal(targets, t)


A = np.zeros((4, 3))
BAD: list[tuple[str, Any, str]] = [
    ("squared_error", np.zeros(4), r"t has shape \(4,\); squared_error takes \(4, 3\)"),
    ("squared_error", np.zeros((3, 3)), r"t has shape \(3, 3\); squared_error takes \(4, 3\)"),
    ("squared_error", np.array([[0.0] * 3] * 3 + [[0, np.nan, 0]]), "t has the value nan in row 3; .* takes finite"),
    ("binary_cross_entropy", np.full((4, 3), 1.5), "t has the value 1.5 in row 0; .* takes targets from 0 to 1"),
    ("binary_cross_entropy", np.array([[0.0] * 3, [0, -0.25, 0]] + [[0] * 3] * 2), "the value -0.25 in row 1; "),
    ("binary_cross_entropy", np.full((4, 3), np.nan), "t has the value nan in row 0"),
    ("softmax_cross_entropy", np.zeros(4), r"t has shape \(4,\).* shape \(4, 3\) or integer labels of shape \(4,\)"),
    ("softmax_cross_entropy", np.zeros(3, dtype=int), r"t has shape \(3,\); softmax_cross_entropy takes probabilities"),
    ("softmax_cross_entropy", np.array([0, 1, 3, 2]), "t has the value 3 in row 2; .* takes labels from 0 to 2"),
    ("softmax_cross_entropy", np.array([0, -1, 3, 2]), "t has the value -1 in row 1; .* takes labels from 0 to 2"),
    ("softmax_cross_entropy", np.full((4, 3), 0.3), "t has the sum 0.9 in row 0; .* takes rows that sum to one"),
    ("softmax_cross_entropy", np.array([[1.5, -0.5, 0]] * 4), "t has the value -0.5 in row 0; .* takes probabilities"),
    ("softmax_cross_entropy", np.full((4, 3), np.nan), "t has the value nan in row 0"),
    ("squared_error", np.zeros((4, 3), dtype=np.float32), "t is float32 and w is float64; they must have the same"),
]


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize(("name", "t", "message"), BAD, ids=[message for _, _, message in BAD])
def test_targets_out_of_range_are_refused(name: str, t: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LOSSES[name].targets(t, A)


@pytest.mark.parametrize("name", NAMES)
def test_values_are_not_looked_at_while_they_are_traced(name: str) -> None:
    import jax

    bad = np.full((4, 3), 7.0)
    np.testing.assert_array_equal(jax.jit(lambda t: LOSSES[name].targets(t, jax.numpy.asarray(A)))(bad), bad)


def test_rows_of_probabilities_may_carry_the_rounding_of_their_sum() -> None:
    p = np.random.default_rng(0).random((1000, 50)).astype(np.float32)
    p /= p.sum(axis=1, keepdims=True)
    LOSSES["softmax_cross_entropy"].targets(p, np.zeros_like(p))


def test_output_functions_solve_delta_equals_output_minus_target_symbolically() -> None:
    a, t = sympy.symbols("a t", real=True)
    symbolic = SimpleNamespace(log=sympy.log, exp=sympy.exp)
    softplus = symbolic.log(1 + symbolic.exp(a))
    E = t * softplus.subs(a, -a) + (1 - t) * softplus  # the form the code has
    assert sympy.simplify(E.diff(a) - (1 / (1 + sympy.exp(-a)) - t)) == 0


# ------------------------------------------------------------------------------- relative accuracy at any logit

ROWS = [[0.0, gap] for gap in (1e-9, 0.5, 3.0, 20.0, 30.0, 40.0, 700.0, 1e4, 1e300)]
ROWS = [*ROWS, *([y, x] for x, y in ROWS), [-1e308, 1e308], [1e308, 1e308], [-1e308, -1e308]]
ROWS = [[*row, row[0] - 1.0] for row in ROWS]


def softmax_in_many_digits(a: list[float], t: list[float], v: list[float]) -> tuple[Any, ...]:
    """E, delta, M and Mv as they are defined, in more digits than anything here cancels."""
    with mpmath.workdps(1200):
        a, t, v = (list(map(mpmath.mpf, row)) for row in (a, t, v))
        largest = max(a)
        e = [mpmath.exp(max(x - largest, -2500)) if x < largest else mpmath.mpf(1) for x in a]
        total = mpmath.fsum(e)
        y = [x / total for x in e]
        E = mpmath.fsum(t_k * (largest - a_k + mpmath.log(total)) for t_k, a_k in zip(t, a, strict=True))
        delta = [y_k - t_k for y_k, t_k in zip(y, t, strict=True)]
        M = [[y[j] * ((j == k) - y[k]) for k in range(3)] for j in range(3)]
        return E, delta, M, [mpmath.fsum(m * x for m, x in zip(row, v, strict=True)) for row in M]


def rounded(x: Any) -> np.ndarray:
    return np.array([[rounded(row) for row in x]])[0] if isinstance(x, list) else float(x)


@pytest.mark.parametrize("right", [0, 1, 2])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_softmax_keeps_its_digits_however_far_apart_the_logits_are(row: list[float], right: int) -> None:
    loss, t, v = LOSSES["softmax_cross_entropy"], [float(k == right) for k in range(3)], [1e6, 1e6 + 1, 1e6 - 2]
    a = np.array([row])
    with np.errstate(over="ignore"):  # an error above the largest number is infinite
        actual = loss.pattern_errors(a, np.array([t])), loss.delta(a, np.array([t])), loss.M(a), None
    products = loss.M_times(a, np.array([v]))
    E, delta, M, Mv = softmax_in_many_digits(row, t, v)
    distance = min(max(row) - min(row), 750.0)  # e^-d has the relative error that the rounding of d makes
    allowed = EPS * (16 + 2 * distance)
    tiny = 2 * np.finfo(float).tiny  # below it numbers have fewer digits
    for value, exact in zip(actual[:3], (rounded(E), rounded(delta), rounded(M)), strict=True):
        np.testing.assert_allclose(value[0], exact, rtol=allowed, atol=tiny)
    np.testing.assert_allclose(products[0], rounded(Mv), rtol=10 * allowed, atol=1e7 * tiny)


def test_what_is_built_on_a_confident_softmax_keeps_its_digits() -> None:
    # one weight layer, one pattern: H = M kron (x, 1)(x, 1)^T, and M is e^-40 times what is easily written down
    net = Network((1, 2), loss="softmax_cross_entropy")
    w, x, t = np.array([0.0, 0.0, 0.0, 40.0]), np.ones((1, 1)), np.array([[0.0, 1.0]])
    small = float(mpmath.exp(-40) / (1 + mpmath.exp(-40)) ** 2)
    H = small * np.kron(np.ones((2, 2)), np.array([[1.0, -1.0], [-1.0, 1.0]]))
    close(hessian(net, w, x, t), H, 100 * EPS)
    close(gauss_newton(net, w, x, t), H, 100 * EPS)
    close(hessian_vector_product(net, w, x, t, np.eye(4)[0]), H[0], 100 * EPS)
    g = float(mpmath.exp(-40) / (1 + mpmath.exp(-40)))
    close(gradient(net, w, x, t), g * np.array([1.0, -1.0, 1.0, -1.0]), 100 * EPS)
    close(error(net, w, x, t), np.asarray(float(mpmath.log1p(mpmath.exp(-40)))), 100 * EPS)


def test_softmax_can_be_differentiated_where_two_logits_are_largest() -> None:
    import jax
    import jax.numpy as jnp

    loss, t = LOSSES["softmax_cross_entropy"], jnp.array([[0.25, 0.5, 0.25]])
    for row in ([0.0, 0.0, 0.0], [2.0, 2.0, -1.0], [1.0, 3.0, 3.0]):
        a = jnp.array([row])
        close(jax.grad(lambda a: loss.pattern_errors(a, t)[0])(a), loss.delta(a, t), 20 * EPS)
        close(jax.jacobian(lambda a: loss.delta(a, t)[0])(a)[:, 0], loss.M(a)[0], 20 * EPS)
