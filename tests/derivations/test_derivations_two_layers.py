"""A network with two layers of weights: slopes of its output, and its place in a deep one."""

import pytest

from hesslib.calculus.index import Diff
from hesslib.derivations import network, two_layers
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import E, L, a, b, delta, i, j, j_, k, w

NETWORK = Instance((2, 3, 2), seed=1)
PLACES = [{j: unit, j_: other, k: 2, i: 1} for unit in (1, 3) for other in (1, 2)]


def test_two_layers_have_the_slopes_of_their_output():
    slopes = {
        w[2, k, j]: "z[1, j]",
        w[1, j, i]: "h'(a[1, j])*w[2, k, j]*x[i]",
        b[2, k]: "1",
        b[1, j]: "h'(a[1, j])*w[2, k, j]",
    }
    for parameter, slope in slopes.items():
        assert str(two_layers.wrt(parameter)(two_layers.definition_of_a(2, k))) == slope


def test_the_forward_and_the_backward_pass_hold_on_an_explicit_network():
    pairs = [
        (a[1, j], two_layers.definition_of_a(1, j)),
        (a[2, k], two_layers.definition_of_a(2, k)),
        (delta[1, j], two_layers.hidden_signal(j)),
    ]
    for one, other in pairs:
        assert NETWORK.agree(one, two_layers.of_any_depth(other), PLACES).passed


@pytest.mark.parametrize("parameter", [w[2, k, j], w[1, j, i], b[2, k], b[1, j]])
def test_the_gradient_holds_on_an_explicit_network(parameter):
    gradient = two_layers.of_any_depth(two_layers.wrt(parameter)(E))
    assert NETWORK.agree(Diff(parameter, E), gradient, PLACES).passed


def test_the_signal_moves_by_the_curvature_between_and_the_bending():
    moved = network.hp(1, j) * network.hp(1, j_) * two_layers.curvature_between(j, j_)
    places = [{j: 1, j_: 2}, {j: 2, j_: 3}]  # two units: no bending
    assert NETWORK.agree(Diff(a[1, j_], Diff(a[1, j], E)), two_layers.of_any_depth(moved), places).passed


def test_a_deep_formula_is_read_at_depth_two_and_back():
    deep = network.z[L - 2, i] * network.M[k, k] * delta[L, k]
    read = two_layers.of_depth_two(deep)
    assert read == two_layers.x[i] * two_layers.M[k, k] * delta[2, k]
    assert two_layers.of_any_depth(read) == network.z[0, i] * network.M[k, k] * delta[2, k]
