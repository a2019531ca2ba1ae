"""A dense layer, inserted in a chain of layers, is the perceptron."""

import pytest

from hesslib.derivations import dense_from_any as dense

DERIVED = [
    dense.jacobian,
    dense.second,
    dense.parameters,
    dense.signal,
    dense.gradient,
    dense.forward,
    dense.backward,
    dense.block,
    dense.within,
]


@pytest.mark.parametrize("derivation", DERIVED)
def test_it_is_derived_and_typesets(derivation):
    found = derivation()
    for chain in found if isinstance(found, tuple) else (found,):
        assert chain.established == "derived"
        assert chain.checks
        assert chain.latex()
