"""The losses and their outputs: signal and curvature, derived."""

import pytest

from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import (
    losses,
)


@pytest.mark.parametrize("pair", losses.PAIRS, ids=lambda pair: pair.name)
def test_the_output_signal_is_the_residual_and_its_slope_the_curvature(pair):
    assert pair.delta().established == pair.M().established == "derived"
    with pytest.raises(NotEqualError, match="does not hold"):
        pair.delta().stated(losses.t[losses.q] - losses.y[losses.q])
