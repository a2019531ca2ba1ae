"""What a Jacobian costs by forward and by reverse mode: derived, and counted by a loop."""

import pytest

from hesslib.calculus.index import RangeError
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import mode_costs

CHAINS = [getattr(mode_costs, name) for name in mode_costs.__all__]


@pytest.mark.parametrize("derivation", CHAINS)
def test_it_is_derived_and_typesets(derivation):
    assert derivation().established == "derived"
    assert derivation().latex()


def test_a_lost_width_is_refused():
    with pytest.raises((NotEqualError, RangeError)):
        mode_costs.forward_scalar().stated(mode_costs.L * mode_costs.m**2 + mode_costs.m)
