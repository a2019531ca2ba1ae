"""The block of a dense layer and its Kronecker factors: exact on small networks, and what is dropped."""

import pytest

from hesslib.calculus.derivation import unfold
from hesslib.calculus.index import KroneckerDelta
from hesslib.calculus.normal import equal
from hesslib.calculus.steps import NotEqualError, Steps
from hesslib.derivations import kronecker
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import L, i, i_, j, j_, l

PLACES = [{l: layer, j: unit, j_: other} for layer in (1, 2, 3) for unit in (1, 2) for other in (1, 2)]


@pytest.mark.parametrize("derive", [kronecker.weights, kronecker.weight_and_bias, kronecker.biases])
def test_an_entry_of_the_block_of_one_pattern_holds_on_an_exact_instance(derive):
    places = [{**at, i: source, i_: other} for at in PLACES for source in (1, 2) for other in (1, 2)]
    formula = derive()
    written_out = unfold(formula.result, kronecker.names)
    assert Instance((2, 2, 2, 2)).agree(formula.lhs, written_out, places).passed


def test_the_means_for_the_products_are_never_called_derived():
    assert kronecker.product_of_means().established == "approximation"
    assert kronecker.units_alike().established == kronecker.inputs_alike().established == "derived"


def test_the_means_for_the_products_are_refused_as_an_equality():
    with pytest.raises(NotEqualError):
        Steps(kronecker.summed()).then(kronecker.product_of_means().result, "no covariance", using=kronecker.factors)


def test_what_is_dropped_and_what_is_kept_make_the_whole():
    kept, lost = kronecker.product_of_means().result, kronecker.dropped().result
    assert equal(unfold(kept + lost, kronecker.factors), kronecker.summed())


def test_the_units_of_linear_outputs_under_squared_error_are_the_identity():
    assert kronecker.squared_error_outputs().result == KroneckerDelta(j, j_)
    assert kronecker.squared_error_outputs().lhs == kronecker.Q[L, j, j_]


def test_a_product_of_means_is_no_mean_of_products():
    assert kronecker.refused_as_equality()
