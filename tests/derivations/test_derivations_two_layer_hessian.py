"""The Hessian of two layers of weights: every entry holds on an explicit network, and slips are refused."""

import pytest

from hesslib.calculus.index import KroneckerDelta, S
from hesslib.calculus.normal import equal
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import two_layer_hessian as of
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import delta, hp, i, i_, j, j_, k, k_, n, w, z
from hesslib.derivations.two_layers import M, of_any_depth, x

NETWORK = Instance((2, 2, 2), seed=6)
PLACES = [{i: 1, i_: 2, j: 1, j_: unit, k: 2, k_: output} for unit in (1, 2) for output in (1, 2)]
WEIGHTS = {("W2", "W2"): of.both_upper, ("W1", "W1"): of.both_lower, ("W1", "W2"): of.mixed}


def entry(pair):
    return WEIGHTS[pair]() if pair in WEIGHTS else of.bias_entry(*pair)


@pytest.mark.parametrize("pair", [*of.BIAS_PAIRS, *WEIGHTS], ids=" and ".join)
def test_an_entry_holds_on_an_explicit_network(pair):
    chain = entry(pair)
    assert chain.established == "derived"
    assert NETWORK.agree(of_any_depth(chain.lhs), of_any_depth(chain.result), PLACES).passed
    assert not NETWORK.agree(of_any_depth(chain.lhs), -of_any_depth(chain.result), PLACES).passed


def test_both_orders_of_the_mixed_block_are_one_formula():
    one, other = of.mixed(), of.mixed_the_other_way()
    assert one.lhs != other.lhs
    assert other.stated(one.result).established == "derived"


def test_for_an_upper_bias_the_kronecker_delta_and_the_input_are_left_out():
    weights = of.of_weights()
    assert of.of_a_constant_input("b2", "b2", weights) == M[k, k_]
    assert of.of_a_constant_input("W2", "b2", weights) == M[k, k_] * z[1, j]
    mixed = S("q", n[2], lambda q: w[2, q, j] * M[q, k_])
    assert equal(of.of_a_constant_input("W1", "b2", weights), x[i] * hp(1, j) * mixed)
    assert equal(of.of_a_constant_input("b1", "b2", weights), hp(1, j) * mixed)


SLIPS = {
    "the curvature without its own input": (of.both_upper, lambda: z[1, j] * M[k, k_]),
    "the signal of all units": (
        of.mixed,
        lambda: of.mixed().result + x[i] * hp(1, j) * delta[2, k_] * (1 - KroneckerDelta(j, j_)),
    ),
}


@pytest.mark.parametrize(("chain", "slip"), SLIPS.values(), ids=SLIPS.keys())
def test_a_slip_is_refused(chain, slip):
    with pytest.raises(NotEqualError):
        chain().stated(slip())
