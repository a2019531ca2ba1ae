"""A network with two layers of weights: slopes of its output, and its place in a deep one."""

from hesslib.derivations import (
    two_layers,
)
from hesslib.derivations.network import b, i, j, k, w


def test_two_layers_have_the_slopes_of_their_output():
    slopes = {
        w[2, k, j]: "z[1, j]",
        w[1, j, i]: "h'(a[1, j])*w[2, k, j]*x[i]",
        b[2, k]: "1",
        b[1, j]: "h'(a[1, j])*w[2, k, j]",
    }
    for parameter, slope in slopes.items():
        assert str(two_layers.wrt(parameter)(two_layers.definition_of_a(2, k))) == slope
