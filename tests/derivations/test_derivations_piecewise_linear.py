"""Piecewise linear units: what is left of the second derivatives."""

from hesslib.calculus.latex import tex
from hesslib.derivations import (
    piecewise_linear,
)


def test_without_bending_nothing_is_left_of_the_signals():
    assert piecewise_linear.own_response().established == "derived"
    assert r"\delta" not in tex(piecewise_linear.own_response().result)
