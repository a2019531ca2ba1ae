"""One hidden layer by its inputs: derived, and what was printed elsewhere is refused."""

import numpy as np
import pytest

import hesslib
from hesslib import Network
from hesslib.calculus.steps import NotEqualError, require_equal
from hesslib.derivations import one_hidden_layer as one

NET = Network((2, 5, 1), activation="logistic")
RNG = np.random.default_rng(0)
X, WEIGHTS = RNG.uniform(-1, 1, (4, 2)), RNG.standard_normal(NET.num_parameters)


def test_the_compiled_derivatives_of_one_hidden_layer_are_those_of_the_library():
    (W, v), _ = NET.unravel(WEIGHTS)
    h, a = NET.activation[0], hesslib.forward(NET, WEIGHTS, X).a[1]
    found_first, found_second = one.program().function(np)(v[0], W, a, h.first, h.second)
    np.testing.assert_allclose(found_first, hesslib.input_jacobian(NET, WEIGHTS, X)[:, 0], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(
        found_second, hesslib.input_hessian_diagonal(NET, WEIGHTS, X)[:, 0], rtol=1e-11, atol=1e-12
    )


@pytest.mark.parametrize("name", one.READINGS)
def test_one_reading_makes_the_first_derivative_right_and_none_the_second(name):
    claimed_first, claimed_second = one.reading(name)
    with pytest.raises(NotEqualError):
        require_equal(one.second().result, claimed_second)
    if name == "output weights, through $Z_i$":
        require_equal(one.first().result, claimed_first)
    else:
        with pytest.raises(NotEqualError):
            require_equal(one.first().result, claimed_first)
    assert one.unit_outputs().established == "derived"
