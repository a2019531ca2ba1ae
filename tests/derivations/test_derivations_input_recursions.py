"""The recursions by the inputs, written out and compiled; slips in them are refused."""

import pytest

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
