"""Chains beside networks, training and evidence, refusals, and normalisations in extended precision."""

from __future__ import annotations

import re
from typing import Any

import mpmath
import numpy as np
import pytest

import hesslib
from hesslib import Chain, Network, layers

EPS = np.finfo(float).eps
RNG = np.random.default_rng(3)


def batch_of(net: Network | Chain, x: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    w = rng.standard_normal(net.num_parameters) / 2
    shape = hesslib.outputs(net, w, x).shape
    t = rng.standard_normal(shape) if net.loss.name == "squared_error" else rng.uniform(size=shape)
    return w, x, t


NETWORK = Network((3, 4, 2), activation=("gelu",), loss="binary_cross_entropy")
OF_BATCHES = [
    "error", "gradient", "pattern_gradients", "outer_product", "hessian", "gauss_newton", "hessian_diagonal",
    "gauss_newton_diagonal", "kronecker_factors",
]  # fmt: skip
OF_INPUTS = ["outputs", "output_jacobian", "input_jacobian", "input_hessian", "input_hessian_diagonal", "laplacian"]


@pytest.mark.parametrize("name", [*OF_BATCHES, *OF_INPUTS])
def test_a_network_as_a_chain_has_the_same_derivatives(name: str) -> None:
    w, x, t = batch_of(NETWORK, RNG.standard_normal((5, 3)))
    function = getattr(hesslib, name)
    arguments = (w, x, t) if name in OF_BATCHES else (w, x)
    ours, theirs = function(NETWORK.chain(), *arguments), function(NETWORK, *arguments)
    assert Chain.of(NETWORK) == NETWORK.chain()
    for a, b in zip(ours, theirs, strict=True) if isinstance(ours, tuple) else [(ours, theirs)]:
        for part, other in zip(a, b, strict=True) if isinstance(a, tuple) else [(a, b)]:
            assert np.abs(part - other).max() <= 1e4 * EPS * np.abs(other).max()


ONCE: dict[str, Any] = {
    **{name: lambda f, c, w, x, t: f(c, w, x, t) for name in [*OF_BATCHES, "hessian_blocks", "spectrum"]},
    **{name: lambda f, c, w, x, t: f(c, w, x) for name in OF_INPUTS},
    **{
        name: lambda f, c, w, x, t: f(c, w, x, t, w)
        for name in ["hessian_vector_product", "gauss_newton_vector_product"]
    },
    **{name: lambda f, c, w, x, t: f(c, w, x, t) @ w for name in ["hessian_operator", "gauss_newton_operator"]},
    "log_evidence": lambda f, c, w, x, t: f(c, w, x, t, alpha=0.5),
    "log_evidences": lambda f, c, w, x, t: f(c, w, x, t, alpha=0.5),
}


@pytest.mark.parametrize("name", ONCE)
def test_a_chain_checks_its_input_once_at_the_door(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    w, x, t = batch_of(NETWORK, RNG.standard_normal((5, 3)))
    calls, look = [], Chain.check_inputs
    monkeypatch.setattr(Chain, "check_inputs", lambda chain, *given: (calls.append(1), look(chain, *given))[1])
    ONCE[name](getattr(hesslib, name), NETWORK.chain(), w, x, t)
    assert len(calls) == 1


@pytest.mark.parametrize("inputs", [np.array([2, 0]), (1,), [0, 1, 2]], ids=str)
def test_a_chain_takes_the_numbers_of_inputs_as_a_network_does(inputs: Any) -> None:
    w, x, _ = batch_of(NETWORK, RNG.standard_normal((5, 3)))
    ours, theirs = (hesslib.input_jacobian(net, w, x, inputs=inputs) for net in (NETWORK.chain(), NETWORK))
    assert np.abs(ours - theirs).max() <= 1e4 * EPS * np.abs(theirs).max()


def test_fit_and_evidence_of_a_network_as_a_chain_are_the_same() -> None:
    net = Network((2, 3, 1))
    w, x, t = batch_of(net, RNG.standard_normal((9, 2)), 1)
    for method in ("levenberg_marquardt", "newton", "gauss_newton", "conjugate_gradients", "steepest_descent"):
        ours = hesslib.fit(net.chain(), w, x, t, method=method, max_iterations=4)  # type: ignore[arg-type]
        theirs = hesslib.fit(net, w, x, t, method=method, max_iterations=4)  # type: ignore[arg-type]
        assert np.abs(ours.w - theirs.w).max() <= 1e-7 * np.abs(theirs.w).max(), method
    ours, theirs = (hesslib.log_evidence(one, w, x, t, alpha=0.5, beta=2.0) for one in (net.chain(), net))
    assert abs(float(ours) - float(theirs)) <= 1e4 * EPS * abs(float(theirs))
    for curvature in ("exact", "gauss_newton", "diagonal"):
        ours, theirs = (hesslib.spectrum(one, w, x, t, curvature=curvature).values for one in (net.chain(), net))
        assert np.abs(np.sort(ours) - np.sort(theirs)).max() <= 1e4 * EPS * np.abs(theirs).max()


COUPLED = Chain([layers.Dense(2, 3), layers.BatchNorm(3), layers.Activation("tanh"), layers.Dense(3, 1)])
TOKENS = Chain([layers.Embedding(5, 2), layers.Attention(2, 1), layers.Dense(2, 5)], loss="softmax_cross_entropy")


def test_chains_with_coupled_patterns_and_with_tokens_are_trained() -> None:
    rng = np.random.default_rng(4)
    x, t = rng.standard_normal((12, 2)), rng.standard_normal((12, 1))
    for method in ("levenberg_marquardt", "newton"):
        found = hesslib.fit(COUPLED, COUPLED.init(0), x, t, method=method, max_iterations=30)  # type: ignore[arg-type]
        assert found.history[-1].error < hesslib.error(COUPLED, COUPLED.init(0), x, t)
    tokens = rng.integers(0, 5, (6, 3))
    found = hesslib.fit(TOKENS, TOKENS.init(0), tokens, tokens, decay=1e-3, max_iterations=20)
    assert (hesslib.outputs(TOKENS, found.w, tokens).argmax(axis=-1) == tokens).all()


def test_kronecker_factors_written_out_are_the_blocks_of_gauss_newton_for_one_pattern_and_one_position() -> None:
    chain = Chain([
        layers.Embedding(4, 3), layers.LayerNorm(3), layers.Flatten(), layers.Dense(3, 4, bias=False),
        layers.Reshape((4, 1)), layers.Convolution(4, 4, 1, groups=2), layers.Convolution(4, 3, 1), layers.Flatten(),
        layers.Dense(3, 2),
    ], loss="softmax_cross_entropy")  # fmt: skip
    w, x = np.random.default_rng(0).standard_normal(chain.num_parameters), np.array([[2]])
    K = hesslib.kronecker_matrix(chain, hesslib.kronecker_factors(chain, w, x, np.array([1])))
    G = hesslib.gauss_newton(chain, w, x, np.array([1]))
    for step in chain.program.steps:
        assert np.abs(K[step.where, step.where] - G[step.where, step.where]).max(initial=0) <= 1e4 * EPS * G.max()


KINDS = {
    "layer": layers.Normalise(1, 0.01), "rms": layers.Normalise(1, 0.01, False), "batch": layers.Normalise(0, 0.01)
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives_of_normalisations_are_those_of_differences_in_extended_precision(kind: str) -> None:
    """Central differences of the function itself with sixty digits: no framework has a part in it."""
    rng = np.random.default_rng(5)
    z, delta, u, v = rng.standard_normal((4, 3, 2))

    def weighted(z: Any) -> Any:
        total = mpmath.mpf(0)
        table = [list(row) for row in z]
        groups = table if kind != "batch" else [[row[j] for row in table] for j in range(2)]
        weights = delta if kind != "batch" else delta.T
        for group, weight in zip(groups, weights, strict=True):
            mean = sum(group) / len(group) if kind != "rms" else mpmath.mpf(0)
            variance = sum((entry - mean) ** 2 for entry in group) / len(group)
            root = mpmath.sqrt(variance + mpmath.mpf(0.01))
            total += sum(mpmath.mpf(g) * (entry - mean) / root for g, entry in zip(weight, group, strict=True))
        return total

    with mpmath.workdps(60):
        h, exact = mpmath.mpf(10) ** -15, [[mpmath.mpf(entry) for entry in row] for row in z]

        def at(a: int, b: int) -> Any:
            return weighted([[e + h * (a * mpmath.mpf(p) + b * mpmath.mpf(q)) for e, p, q in zip(*rows, strict=True)]
                             for rows in zip(exact, u, v, strict=True)])  # fmt: skip

        right = float((at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4 * h * h))
    _, kept = KINDS[kind].forward(np.zeros(0), z)
    found = KINDS[kind].second_inputs(kept, delta, v[None], None)
    assert found is not None
    assert abs(float((found[0] * u).sum()) - right) <= 1e3 * EPS * abs(right)


def at(net: Chain, name: str, *arrays: Any, P: int = -1) -> Any:
    """A function of a chain at ones, to be called later."""
    return lambda: getattr(hesslib, name)(net, np.ones(net.num_parameters if P < 0 else P), *arrays)


TWICE = (layers.Dense(2, 2), layers.Dense(2, 2), layers.Dense(2, 1))
ONE_NODE = layers.Graph((("1", layers.Dense(2, 2), (0,)),))
ATTENDING = layers.Graph((("attention", layers.CrossAttention(3), (0, 0, 0)),))
FEWER = layers.Graph((("mean", layers.Reshape((2, 8)), (0,)), ("few", layers.Dense(8, 4), (1,)),
                      ("attention", layers.CrossAttention(1, causal=True), (2, 0, 0))))  # fmt: skip
TIED = Chain(TWICE, tied={"1.weight": "0.weight"})


def tie(name: str, other: str, *more: Any) -> Any:
    return lambda: Chain(TWICE, tied=dict([(name, other), *more]))


def test_a_chain_with_tied_parameters_holds_each_once_and_is_known_by_what_is_tied() -> None:
    assert TIED.names == ("0.weight", "0.bias", "1.bias", "2.weight", "2.bias")
    assert TIED.num_parameters == len(TIED.init(0)) == Chain(TWICE).num_parameters - 4
    assert Chain(TWICE) != TIED
    assert eval(repr(TIED), {"Chain": Chain, "Dense": layers.Dense}) == TIED
    w = np.arange(1.0, 12.0)
    assert (TIED.ravel(TIED.unravel(w)) == w).all()


X, T, TOO_MANY, TOKEN = np.ones((2, 2)), np.ones((2, 1)), np.full((1, 2), 7), np.ones((1, 2), int)
OF_PATTERNS = "net has layer 1, a BatchNorm in training, which couples the patterns; "
REFUSED: list[tuple[Any, str]] = [
    (lambda: layers.Dense(0, 1), "inputs is 0; it must be at least 1"),
    (lambda: layers.Convolution(3, 4, 2, groups=2), "groups is 2; it must divide the numbers of channels, 3 and 4"),
    (lambda: layers.Convolution(1, 1, (2, 2, 2)), "size is (2, 2, 2); it must have one or two axes"),
    (lambda: layers.Attention(5, 2), "heads is 2; it must divide the number of features, 5"),
    (lambda: layers.BatchNorm(2, mean=[0, 0]), "variance is None; mean and variance must be given together"),
    (layers.Residual, "layers is empty"),
    (lambda: layers.Sum(layers.Flatten()), "branches has 1 entries; it must have at least two"),
    (lambda: layers.Transpose((1, 1)), "axes is (1, 1); it must be a permutation of (0, 1)"),
    (lambda: Chain([]), "layers is []; it must be a sequence of layers"),
    (lambda: Chain(["Dense"]), "layers has a str; it must have layers of hesslib.layers"),
    (lambda: Chain([layers.Dense(2, 2)], loss="mse"), "loss is 'mse'"),
    (tie("1.weights", "0.weight"), "tied has 1.weights; the parameters are 0.weight, 0.bias, 1.weight"),
    (tie("2.weight", "0.weight"), "tied has 2.weight for 0.weight, of shapes (1, 2) and (2, 2); they must be one"),
    (tie("1.bias", "1.bias"), "tied has 1.bias for 1.bias, which is tied itself"),
    (lambda: Chain([ONE_NODE, layers.Dense(2, 2)]), "two layers have the parameter 1.weight; they must have names"),
    (lambda: Chain([ATTENDING]).output_shape((5, 4)), "(5, 4), (5, 4), (5, 4); they must be (T, d), (S, d) and (S, e)"),
    (lambda: Chain([FEWER]).output_shape((4, 4)), "causal=True has 2 queries and 4 keys; they must be as many"),
    (at(TIED, "kronecker_factors", X, T), "net has 1.weight tied to 0.weight; Kronecker factors are of layers"),
    (at(COUPLED, "error", X, T, P=3), "w has shape (3,); it must be (19,)"),
    (at(COUPLED, "outputs", np.ones((2, 5))), "layer 0: Dense(2, 3) takes inputs of shape (..., 2)"),
    (at(COUPLED, "error", X, X), "t has shape (2, 2); squared_error takes"),
    (at(TOKENS, "outputs", TOO_MANY), "they must be from 0 to 4"),
    (at(TOKENS, "outputs", np.ones((1, 2))), "it must be integers"),
    (at(TOKENS, "input_jacobian", TOKEN), "starts with an Embedding"),
    (at(COUPLED, "becker_lecun_diagonal", X, T), "net is a Chain; it must be a Network"),
    *((at(COUPLED, name, X, T), OF_PATTERNS + name) for name in ("pattern_gradients", "kronecker_factors")),
    *((at(COUPLED, name, X), OF_PATTERNS + name) for name in ("output_jacobian", "input_hessian", "input_jacobian")),
]


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_does_not_fit_is_refused_by_name(number: int) -> None:
    call, words = REFUSED[number]
    with pytest.raises(ValueError, match=re.escape(words)):
        call()
