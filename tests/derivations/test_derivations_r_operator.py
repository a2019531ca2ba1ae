"""Pearlmutter's operator at any depth: what it gives, layer by layer, sums to its value on an explicit network."""

import functools

import pytest
import sympy as sp

from hesslib.calculus.derivation import unfold
from hesslib.calculus.index import Diff
from hesslib.derivations import r_operator as of
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import E, a, delta, i, j, k, l, m, w
from hesslib.derivations.r_operator import R, y

NETWORK = Instance((2, 2, 2, 2), seed=9)
LAYERS = (1, 2, 3)


@functools.cache
def result(derivation):
    """What a derivation comes to, with the push written out."""
    return unfold(derivation().result, of.push)


def whole(parts, at):
    """A direction in all layers is the sum of directions in one: so are the responses to it."""
    return sum(NETWORK.number(chain, {m: moved, **at}) for moved, chain in parts.items())


@pytest.mark.parametrize("layer", LAYERS)
def test_the_pre_activations_respond_through_every_layer_below_and_their_own(layer):
    base, step = result(of.forward_base), result(of.forward_step)
    parts = {moved: base if moved == layer else step for moved in LAYERS if moved <= layer}
    for unit in (1, 2):
        assert whole(parts, {y: layer, k: unit}) == NETWORK.number(Diff(R, a[layer, unit]), {})


@pytest.mark.parametrize("layer", LAYERS)
def test_the_signals_respond_to_every_layer(layer):
    top, step = result(of.backward_base), result(of.backward_step)
    near, far = result(of.below_base), result(of.below_step)
    parts = {}
    for moved in LAYERS:
        if moved <= layer:
            parts[moved] = top if layer == 3 else step
        else:
            parts[moved] = near if moved == layer + 1 else far
    for unit in (1, 2):
        at = {y: layer, l: layer, k: unit, j: unit}
        assert whole(parts, at) == NETWORK.number(Diff(R, delta[layer, unit]), {})


@pytest.mark.parametrize("layer", LAYERS)
def test_the_entries_of_the_product_are_the_rate_of_the_gradient(layer):
    above, within, below = result(of.above), result(of.within), result(of.below)
    parts = {moved: above if moved < layer else within if moved == layer else below for moved in LAYERS}
    at = {y: layer, l: layer, k: 2, j: 2, i: 1}
    assert whole(parts, at) == NETWORK.number(Diff(R, Diff(w[layer, 2, 1], E)), {}) != 0


def test_the_families_taken_apart_from_below_hold_on_an_explicit_network():
    for chain in of.from_below():
        places = [{m: upper, l: lower, k: 1, j: 2} for upper, lower in ((3, 1), (3, 2), (2, 1))]
        assert NETWORK.verify(chain, places).passed
        assert not NETWORK.agree(chain.lhs, -chain.result, places).passed


def test_outside_the_layer_in_which_the_direction_lives_the_weights_stand_still():
    assert of.R_m(w[m + 1, k, j]) == sp.S.Zero
    assert of.R_m(w[m, k, j]) == of.v[m, k, j]
