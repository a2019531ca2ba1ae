"""The network's description, its flat vector, the forward pass, the error, and the messages for bad input."""

import pickle
from typing import Any

import numpy as np
import pytest
from cases import CASES, Case, close, over, reference

import hesslib
from hesslib import Network


@over(CASES)
def test_outputs_are_those_of_the_loops(case: Case) -> None:
    trace = hesslib.forward(case.net, case.w, case.x)
    close(trace.a[-1], reference(case).outputs, case.rounding)
    a = reference(case).outputs
    e = np.exp(a)
    y = {
        "squared_error": a,
        "binary_cross_entropy": 1 / (1 + 1 / e),
        "softmax_cross_entropy": e / e.sum(axis=1, keepdims=True),
    }[case.loss]
    close(hesslib.outputs(case.net, case.w, case.x), y, case.rounding)


@over(CASES)
def test_error_is_the_sum_over_patterns_and_the_mean_divides_it_by_n(case: Case) -> None:
    args = case.net, case.w, case.x, case.t
    total = reference(case).errors.sum()
    assert float(hesslib.error(*args)) == pytest.approx(total, rel=case.rounding)
    assert float(hesslib.error(*args, reduction="mean")) == pytest.approx(total / case.N, rel=case.rounding)
    assert hesslib.error(*args).shape == ()
    assert hesslib.error(*args).dtype == case.dtype


@over(CASES)
def test_ravel_is_the_inverse_of_unravel(case: Case) -> None:
    weights, biases = case.net.unravel(case.w)
    assert [W.shape for W in weights] == list(zip(case.widths[1:], case.widths[:-1], strict=True))
    np.testing.assert_array_equal(case.net.ravel(weights, biases), case.w)


@over(CASES)
def test_slices_cut_the_flat_vector_without_gap_or_overlap(case: Case) -> None:
    net, weights_biases = case.net, case.net.unravel(case.w)
    pieces = []
    for l in range(1, net.L + 1):
        np.testing.assert_array_equal(case.w[net.weight_slice(l)], weights_biases[0][l - 1].ravel())
        np.testing.assert_array_equal(case.w[net.bias_slice(l)], weights_biases[1][l - 1])
        pieces += [case.w[net.layer_slice(l)]]
    np.testing.assert_array_equal(np.concatenate(pieces), case.w)


def test_flat_order_is_that_of_ravel_pytree() -> None:
    from jax.flatten_util import ravel_pytree

    net = Network((2, 3, 4, 1))
    w = np.arange(float(net.num_parameters))
    pairs = list(zip(*net.unravel(w), strict=True))
    np.testing.assert_array_equal(ravel_pytree(pairs)[0], w)


def test_flat_order_is_that_of_parameters_to_vector() -> None:
    torch = pytest.importorskip("torch")
    stack = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))
    w = torch.nn.utils.parameters_to_vector(stack.parameters()).detach()
    net = Network((2, 3, 2))
    weights, biases = net.unravel(w)
    for l, layer in enumerate((stack[0], stack[2])):
        torch.testing.assert_close(weights[l], layer.weight.detach(), rtol=0, atol=0)
        torch.testing.assert_close(biases[l], layer.bias.detach(), rtol=0, atol=0)
    torch.testing.assert_close(net.ravel(weights, biases), w, rtol=0, atol=0)


def test_network_is_hashable_comparable_and_picklable() -> None:
    net = Network([2, 3, 1], activation=["tanh"])
    assert net == Network((2, 3, 1))
    assert hash(net) == hash(Network(np.array([2, 3, 1])))
    assert net != Network((2, 3, 1), activation="sin")
    assert net != Network((2, 3, 1), loss="binary_cross_entropy")
    assert pickle.loads(pickle.dumps(net)) == net


def test_repr_says_what_the_network_is() -> None:
    assert repr(Network((2, 1))) == "Network((2, 1), loss='squared_error')"
    deep = Network((2, 3, 3, 1), activation=("tanh", "sin"), loss="binary_cross_entropy")
    assert repr(deep) == "Network((2, 3, 3, 1), activation=('tanh', 'sin'), loss='binary_cross_entropy')"
    assert eval(repr(deep)) == deep


def test_scaled_normal_weights_have_variance_one_over_the_inputs() -> None:
    net = Network((400, 300, 1))
    weights, biases = net.unravel(net.init(0))
    count = weights[0].size
    assert weights[0].var() * 400 == pytest.approx(1, abs=5 * np.sqrt(2 / count))  # five standard errors
    assert all(not b.any() for b in biases)


def test_nguyen_widrow_rows_have_length_beta_and_biases_stay_within() -> None:
    net = Network((2, 50, 1))
    weights, biases = net.unravel(net.init(0, method="nguyen_widrow"))
    beta = 0.7 * 50 ** (1 / 2)
    np.testing.assert_allclose(np.linalg.norm(weights[0], axis=1), beta)
    assert 0.5 * beta < np.abs(biases[0]).max() <= beta
    assert 0.25 < np.abs(weights[1]).max() <= 0.5


def test_init_takes_a_seed_or_a_generator_and_a_dtype() -> None:
    net = Network((2, 3, 1))
    np.testing.assert_array_equal(net.init(7), net.init(np.random.default_rng(7)))
    assert net.init(0, dtype=np.float32).dtype == np.float32


NET = Network((2, 3, 1))
W, X, T = np.zeros(13), np.zeros((5, 2)), np.zeros((5, 1))

MESSAGES: list[tuple[Any, str]] = [
    (lambda: Network((2,)), r"widths is \(2,\); it must have at least two entries, inputs and outputs"),
    (lambda: Network((2, 0, 1)), r"widths is \(2, 0, 1\); every layer must have at least one unit"),
    (lambda: Network((2, 1.5, 1)), r"widths is \(2, 1.5, 1\); it must be a sequence of integers"),
    (lambda: Network(3), r"widths is 3; it must be a sequence of integers"),
    (lambda: Network((2, 3, 1), activation="tan"), "activation is 'tan'; it must be an Activation or one of tanh, log"),
    (lambda: Network((2, 1), activation="tan"), "activation is 'tan'"),
    (lambda: Network((2, 3, 1), activation=("sin", "sin")), "activation has 2 entries; the network has 1 hidden lay"),
    (lambda: Network((2, 3, 1), loss="mse"), "loss is 'mse'; it must be one of squared_error, binary_cross_entropy"),
    (lambda: NET.init(0, method="xavier"), "method is 'xavier'; it must be 'scaled_normal' or 'nguyen_widrow'"),
    (lambda: NET.unravel(W[:12]), "w has 12 entries; the network has 13 parameters"),
    (lambda: NET.unravel(W[None]), r"w has shape \(1, 13\); it must be \(13,\)"),
    (lambda: NET.ravel([W], [W]), "weights has 1 entries; the network has 2 layers"),
    (lambda: NET.ravel([np.ones((2, 3)), W], [W, W]), r"weights\[0\] has shape \(2, 3\); it must be \(3, 2\)"),
    (lambda: NET.ravel([np.ones((3, 2)), np.ones((1, 3))], [np.ones(3), np.ones(2)]), r"biases\[1\].*must be \(1,\)"),
    (lambda: hesslib.error(NET, W, X[:, :1], T), "x has 1 columns; the network takes 2"),
    (lambda: hesslib.error(NET, W, X[0], T), r"x has shape \(2,\); it must be \(N, 2\), a pattern in each row"),
    (lambda: hesslib.error(NET, W, X[:0], T[:0]), "x has 0 rows; it must have at least one"),
    (lambda: hesslib.error(NET, W[:3], X, T), "w has 3 entries; the network has 13 parameters"),
    (lambda: hesslib.error(NET, W[None], X, T), r"w has shape \(1, 13\); it must be \(13,\)"),
    (lambda: hesslib.error(NET, W, X.astype("f4"), T), "w is float64 and x is float32; they must have the same dtype"),
    (lambda: hesslib.error(NET, W, X.astype(int), T), "x has dtype int64; it must be real floating"),
    (lambda: hesslib.error(NET, W + 0j, X, T), "w has dtype complex128; it must be real floating"),
    (lambda: hesslib.error(NET, list(W), X, T), "w is a list; it must be an array"),
    (lambda: hesslib.error(NET, W, X, T, reduction="avg"), "reduction is 'avg'; it must be 'sum' or 'mean'"),
    (lambda: hesslib.gradient(NET, W, X, T, reduction="avg"), "reduction is 'avg'; it must be 'sum' or 'mean'"),
    (lambda: hesslib.error(NET, W, X, T[:4]), r"t has shape \(4, 1\); squared_error takes \(5, 1\)"),
    (lambda: hesslib.error(NET, W, X, T.astype("f4")), "t is float32 and w is float64; they must have the same dtype"),
    (lambda: hesslib.error(NET, W, X, [0] * 5), "t is a list; it must be an array"),
]


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize(("call", "message"), MESSAGES, ids=[message for _, message in MESSAGES])
def test_bad_input_is_named_with_its_value_and_what_it_must_be(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.usefixtures("as_installed")
def test_arrays_of_two_libraries_are_refused_but_numpy_may_stand_beside_jax() -> None:
    import jax

    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match="w is a torch array, x is a numpy array; they must come from one library"):
        hesslib.outputs(NET, torch.from_numpy(W), X)
    with pytest.raises(ValueError, match="x is a numpy array, t is a torch array; they must come from one library"):
        hesslib.error(NET, W, X, torch.from_numpy(T))
    with pytest.raises(ValueError, match="t is a JAX array and a is not; they must come from one library"):
        hesslib.deltas(NET, W, hesslib.forward(NET, W, X), jax.numpy.asarray(T))
    assert isinstance(hesslib.gradient(NET, W, X, jax.numpy.asarray(T)), jax.Array)
    assert isinstance(hesslib.error(NET, W, X, jax.numpy.asarray(T)), jax.Array)
    assert isinstance(hesslib.outputs(NET, jax.numpy.asarray(W), X), jax.Array)
