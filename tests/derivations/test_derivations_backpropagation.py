"""Backpropagation: every chain is derived, holds on an explicit network, and compiles to the library's gradient."""

import numpy as np
import pytest

import hesslib
from hesslib import Network
from hesslib.book.compiled import derived_gradient
from hesslib.calculus.index import RangeError, S
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import backpropagation as bp
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import delta, hp, i, j, l, n, w, z

CHAINS = [
    bp.signal,
    bp.signal_two_below,
    bp.weight_gradient,
    bp.bias_gradient,
    bp.batch_gradient,
    bp.skip_connection,
]


@pytest.mark.parametrize("derivation", CHAINS)
def test_it_is_derived_and_typesets(derivation):
    chain = derivation()
    assert chain.established == "derived"
    assert chain.checks
    assert chain.latex()


@pytest.mark.parametrize(
    ("derivation", "places"),
    [
        (bp.signal, [{l: y, j: unit} for y in (1, 2) for unit in (1, 2)]),
        (bp.signal_two_below, [{j: 1}, {j: 2}]),
        (bp.weight_gradient, [{l: y, j: to, i: source} for y in (1, 2, 3) for to in (1, 2) for source in (1, 2)]),
        (bp.bias_gradient, [{l: y, j: unit} for y in (1, 2, 3) for unit in (1, 2)]),
    ],
)
def test_it_holds_on_an_explicit_network(derivation, places):
    network, chain = Instance((2, 2, 2, 2)), derivation()
    assert network.verify(chain, places).passed
    assert not network.agree(chain.lhs, -chain.result, places).passed


MISPRINTS = {
    "slope lost": (bp.signal, lambda: S("k", n[l + 1], lambda k: w[l + 1, k, j] * delta[l + 1, k])),
    "transpose lost": (bp.signal, lambda: hp(l, j) * S("k", n[l + 1], lambda k: w[l + 1, j, k] * delta[l + 1, k])),
    "layer shifted": (bp.signal, lambda: hp(l, j) * S("k", n[l + 1], lambda k: w[l + 1, k, j] * delta[l, k])),
    "activation of the wrong layer": (bp.weight_gradient, lambda: delta[l, j] * z[l, i]),
    "slope in the bias": (bp.bias_gradient, lambda: delta[l, j] * hp(l, j)),
}


@pytest.mark.parametrize(("derivation", "misprint"), MISPRINTS.values(), ids=MISPRINTS.keys())
def test_a_misprint_is_refused(derivation, misprint):
    with pytest.raises((NotEqualError, RangeError)):
        derivation().stated(misprint())


def test_the_product_of_means_is_refused():
    assert r"\neq" in bp.product_of_means().latex()


@pytest.mark.parametrize("activation", ["tanh", "logistic", "identity"])
@pytest.mark.parametrize("widths", [(3, 2), (2, 3, 1), (2, 1, 3, 1), (3, 4, 5, 3, 2)])
def test_the_compiled_formulas_are_the_gradient_of_the_library(widths, activation):
    rng = np.random.default_rng(1)
    net = Network(widths, activation=activation)
    weights = rng.standard_normal(net.num_parameters)
    x, t = rng.standard_normal((5, widths[0])), rng.standard_normal((5, widths[-1]))
    right = hesslib.gradient(net, weights, x, t)
    assert np.abs(derived_gradient(net, weights, x, t) - right).max() <= 1024 * 2**-52 * np.abs(right).max()


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (Network((2, 2), loss="binary_cross_entropy"), "must be squared_error"),
        (Network((2, 2, 2, 2), activation=("tanh", "relu")), "one for all layers"),
    ],
)
def test_what_the_program_cannot_run_is_refused(net, message):
    with pytest.raises(ValueError, match=message):
        derived_gradient(net, net.init(0), np.ones((1, 2)), np.ones((1, 2)))
