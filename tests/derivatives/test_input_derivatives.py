"""Derivatives by the inputs, and those of them by the weights: against the loops, JAX, and what must hold of them."""

from functools import cache
from itertools import pairwise

import numpy as np
import oracles
import pytest
from cases import CASES, JAX_CASES, Case, over

import hesslib
from hesslib import Network, _chunks, weight_jacobians
from hesslib.derivatives import _jets, input_derivatives

PUBLIC = {
    "input_jacobian": hesslib.input_jacobian,
    "input_hessian": hesslib.input_hessian,
    "input_hessian_diagonal": hesslib.input_hessian_diagonal,
    "laplacian": hesslib.laplacian,
}
BY_WEIGHTS = {name: getattr(weight_jacobians, name) for name in (*PUBLIC, "outputs")}
# Fewer outputs than inputs, as many, more; more inputs than units in layer 1. Each path of the code is taken.
SHAPES = [
    Case((5, 3, 4, 2), ("tanh", "gelu"), "softmax_cross_entropy"),
    Case((3, 4, 1), ("logistic",), "squared_error"),
    Case((2, 4, 3, 7), ("silu", "sin"), "binary_cross_entropy"),
    Case((1, 3, 2), ("softplus",), "squared_error"),
    Case((6, 2, 3, 3), ("tanh", "logistic"), "squared_error"),
    Case((4, 3), (), "softmax_cross_entropy"),
]


def agree(actual: np.ndarray, expected: np.ndarray, case: Case, *, order: int) -> None:
    """Assert agreement to what rounding allows in a derivative of the given order.

    `Case.rounding` allows each layer to enlarge an error twice, and a third derivative passes it three times. The sums
    have terms of the size of 1 at least, so that a result that vanishes by cancellation is off by as much.
    """
    assert actual.shape == expected.shape
    W, _ = case.net.unravel(case.w.astype(float))
    enlarged = np.prod([max(1.0, float(np.linalg.norm(W_l, 2))) for W_l in W]) if order == 3 else 1.0
    allowed = case.rounding * enlarged * max(1.0, float(np.max(np.abs(expected))))
    assert np.max(np.abs(actual - expected)) <= allowed


def entries(name: str, y: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """What a public function returns, from outputs, gradients and Hessians, with D and further axes as they come."""
    return {
        "outputs": lambda: y,
        "input_jacobian": lambda: first,
        "input_hessian": lambda: second,
        "input_hessian_diagonal": lambda: np.einsum("nkdd...->nkd...", second),
        "laplacian": lambda: np.einsum("nkdd...->nk...", second),
    }[name]()


@cache
def of_the_loops(case: Case) -> tuple[np.ndarray, ...]:
    w = case.w.astype(float).tolist()
    found = [oracles.input_derivatives(case.widths, case.activations, case.loss, w, x) for x in case.x.astype(float)]
    return tuple(np.array(one) for one in zip(*found, strict=True))


@cache
def of_the_loops_by_weights(case: Case) -> tuple[np.ndarray, ...]:
    """By complex steps in the weights, exact to rounding, for the first pattern."""
    w, x, step = case.w.astype(float), case.x[0].astype(float), 1e-100
    columns = []
    for unit in np.eye(len(w)):
        found = oracles.input_derivatives(case.widths, case.activations, case.loss, list(w + 1j * step * unit), x)
        columns.append([np.imag(one) / step for one in found])
    return tuple(np.stack(one, axis=-1)[None] for one in zip(*columns, strict=True))


@over(CASES + SHAPES)
def test_derivatives_by_inputs_are_those_of_the_loops(case: Case) -> None:
    for name, function in PUBLIC.items():
        found = function(case.net, case.w, case.x)
        assert found.dtype == case.dtype
        agree(found, entries(name, *of_the_loops(case)), case, order=2)


@over(CASES + SHAPES)
def test_derivatives_by_weights_are_complex_steps_of_the_loops(case: Case) -> None:
    for name, function in BY_WEIGHTS.items():
        found = function(case.net, case.w, case.x[:1])
        assert found.dtype == case.dtype
        agree(found, entries(name, *of_the_loops_by_weights(case)), case, order=3)


@over(SHAPES)
def test_hessians_are_exactly_symmetric(case: Case) -> None:
    for function in (hesslib.input_hessian, weight_jacobians.input_hessian):
        H = function(case.net, case.w, case.x)
        np.testing.assert_array_equal(H, np.swapaxes(H, 2, 3))


@over(SHAPES)
def test_some_inputs_give_their_part_of_all(case: Case) -> None:
    inputs = list(range(case.widths[0]))[::-2]
    for functions in (PUBLIC, BY_WEIGHTS):
        for name, function in functions.items():
            if name == "outputs":
                continue
            found = function(case.net, case.w, case.x, inputs=inputs)
            if name == "laplacian":
                expected = functions["input_hessian_diagonal"](case.net, case.w, case.x)[:, :, inputs].sum(axis=2)
            else:
                every = function(case.net, case.w, case.x)
                expected = every[:, :, inputs]
                if name == "input_hessian":
                    expected = expected[:, :, :, inputs]
            agree(found, expected, case, order=3)


@over(SHAPES)
@pytest.mark.parametrize("patterns_in_a_chunk", [1, 2, 3])
def test_chunks_of_patterns_change_nothing_but_rounding(
    case: Case, patterns_in_a_chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [function(case.net, case.w, case.x) for function in (*PUBLIC.values(), *BY_WEIGHTS.values())]
    monkeypatch.setattr(input_derivatives, "map_over_patterns", chunked(patterns_in_a_chunk))
    monkeypatch.setattr(weight_jacobians, "map_over_patterns", chunked(patterns_in_a_chunk))
    for expected, function in zip(whole, (*PUBLIC.values(), *BY_WEIGHTS.values()), strict=True):
        agree(function(case.net, case.w, case.x), expected, case, order=3)


def chunked(size: int):
    return lambda f, per_pattern, *arrays, budget: _chunks.map_over_patterns(f, 1, *arrays, budget=size)


@over([case for case in CASES if case.loss == "squared_error" and case.dtype == "float64"][:9])
def test_a_harmonic_function_of_a_rotated_input_is_still_harmonic(case: Case) -> None:
    """The Laplacian does not change when the inputs are rotated and the weights with them."""
    net, D = case.net, case.widths[0]
    Q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((D, D)))
    weights, biases = net.unravel(case.w)
    rotated = net.ravel((weights[0] @ Q, *weights[1:]), biases)
    agree(hesslib.laplacian(net, rotated, case.x @ Q), hesslib.laplacian(net, case.w, case.x), case, order=2)


def test_a_quadratic_network_has_the_hessian_of_its_quadratic_form() -> None:
    import sympy

    a = sympy.Symbol("a")
    square = hesslib.Activation.from_expression("square", a**2, a)
    net = Network((3, 4, 1), activation=square)
    w, x = net.init(0), np.random.default_rng(1).standard_normal((5, 3))
    (W, V), _ = net.unravel(w)
    H = 2 * W.T @ (V[0][:, None] * W)
    np.testing.assert_allclose(hesslib.input_hessian(net, w, x), np.broadcast_to(H, (5, 1, 3, 3)), rtol=1e-14)
    np.testing.assert_allclose(hesslib.laplacian(net, w, x), np.full((5, 1), np.trace(H)), rtol=1e-13)


def test_memory_is_linear_in_the_width() -> None:
    """No array of a chunk is as large as a matrix of units by units for each pattern."""
    import tracemalloc

    peaks = []
    for width in (64, 128, 256):
        net = Network((2, width, width, 1))
        w, x = net.init(0), np.random.default_rng(0).standard_normal((4000, 2))
        hesslib.laplacian(net, w, x[:10])
        tracemalloc.start()
        for function in PUBLIC.values():
            function(net, w, x)
        peaks.append(tracemalloc.get_traced_memory()[1] - 8 * net.num_parameters)
        tracemalloc.stop()
    assert all(later < 2.5 * earlier for earlier, later in pairwise(peaks))
    assert peaks[-1] < 4000 * 256 * 8  # one array over all patterns would be as much


@over(JAX_CASES)
def test_jax_finds_the_same_derivatives(case: Case) -> None:
    import jax
    import jax.numpy as jnp

    def y(w, x):
        return hesslib.outputs(case.net, w, x[None])[0]

    def everything(w, x):
        second = jax.hessian(y, 1)
        return (y(w, x), jax.jacfwd(y, 1)(w, x), second(w, x)), (
            jax.jacrev(y)(w, x),
            jax.jacrev(jax.jacfwd(y, 1))(w, x),
            jax.jacrev(second)(w, x),
        )

    w, x = jnp.asarray(case.w), jnp.asarray(case.x)
    by_inputs, by_weights = jax.jit(jax.vmap(everything, (None, 0)))(w, x)
    for name, function in PUBLIC.items():
        agree(function(case.net, case.w, case.x), entries(name, *map(np.asarray, by_inputs)), case, order=2)
    for name, function in BY_WEIGHTS.items():
        agree(function(case.net, case.w, case.x), entries(name, *map(np.asarray, by_weights)), case, order=3)


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize(
    ("w", "x", "inputs", "message"),
    [
        (np.zeros(13), np.zeros((4, 3)), None, "x has 3 columns; the network takes 2"),
        (np.zeros(13), np.zeros((0, 2)), None, "x has 0 rows; it must have at least one"),
        (np.zeros(12), np.zeros((4, 2)), None, "w has 12 entries; the network has 13 parameters"),
        (np.zeros(13), np.zeros((4, 2), "float32"), None, "w is float64 and x is float32; they must have the same"),
        (np.zeros(13), np.zeros((4, 2)), (0, 2), r"inputs is \(0, 2\); it must hold different numbers from 0 to 1"),
        (np.zeros(13), np.zeros((4, 2)), (-1,), r"inputs is \(-1,\); it must hold different numbers from 0 to 1"),
        (np.zeros(13), np.zeros((4, 2)), (1, 1), r"inputs is \(1, 1\); it must hold different numbers"),
        (np.zeros(13), np.zeros((4, 2)), (), r"inputs is \(\); it must hold different numbers"),
        (np.zeros(13), np.zeros((4, 2)), 0, "inputs is 0; it must be a sequence of input numbers"),
        (np.zeros(13), np.zeros((4, 2)), ("x",), r"inputs is \('x',\); it must be a sequence of input numbers"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(w, x, inputs, message: str) -> None:
    net = Network((2, 3, 1))
    for functions in (PUBLIC, BY_WEIGHTS):
        for name, function in functions.items():
            if name == "outputs" and inputs is not None:
                continue
            with pytest.raises(ValueError, match=message):
                function(net, w, x) if inputs is None else function(net, w, x, inputs=inputs)


def test_pairs_are_numbered_alike_in_both_orders() -> None:
    np.testing.assert_array_equal(_jets.pair_numbers(3), [[0, 1, 2], [1, 3, 4], [2, 4, 5]])
