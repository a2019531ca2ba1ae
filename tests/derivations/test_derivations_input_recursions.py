"""The recursions by the inputs, written out and compiled; slips in them are refused."""

import numpy as np
import pytest

import hesslib
from hesslib import Network
from hesslib.derivations import input_derivatives, input_recursions
from hesslib.derivations.exact_network_inputs import InputInstance
from hesslib.derivations.input_derivatives import d
from hesslib.derivations.network import k


def test_two_hidden_layers_written_out_hold_exactly_on_an_instance():
    instance = InputInstance((2, 2, 3, 2), seed=3)
    assert instance.verify(input_recursions.two_hidden(), [{k: 1, d: 1}, {k: 2, d: 2}]).passed


@pytest.mark.parametrize("slip", [input_recursions.straight_below, input_recursions.squares_summed])
def test_slips_in_the_recursion_are_refused(slip):
    assert input_derivatives.second()[1].refuses(slip(), "a slip").checks


def test_the_program_computes_what_the_package_does_and_with_a_slip_something_else():
    net, rng = Network((2, 4, 3, 2)), np.random.default_rng(2)
    weights, x = rng.standard_normal(net.num_parameters), rng.standard_normal((5, 2))
    (W, bias), h = net.layers(weights), net.activation[0]
    inputs = (3, W, bias, x, np.broadcast_to(np.eye(2), (5, 2, 2)), h, h.first, h.second)
    first, second = input_recursions.program().function(np)(*inputs)
    right = hesslib.input_hessian_diagonal(net, weights, x)
    np.testing.assert_allclose(first, hesslib.input_jacobian(net, weights, x), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(second, right, rtol=1e-11, atol=1e-12)
    slip = input_recursions.straight_below().xreplace({input_derivatives.e: d})
    _, slipped = input_recursions.program(slip, "straight").function(np)(*inputs)
    assert np.abs(slipped - right).max() > 0.01
