"""Piecewise linear units: what is left of the second derivatives."""

from hesslib.calculus.index import S
from hesslib.calculus.latex import tex
from hesslib.calculus.normal import equal
from hesslib.derivations import (
    piecewise_linear,
)
from hesslib.derivations.network import B, hp, hpp, k, m, n, q, w


def test_without_bending_nothing_is_left_of_the_signals():
    assert piecewise_linear.own_response().established == "derived"
    assert r"\delta" not in tex(piecewise_linear.own_response().result)


def test_what_is_left_is_the_curvature_above_between_slopes_and_weights():
    carried = S(
        "r", n[m + 1], lambda r: S("s", n[m + 1], lambda s: w[m + 1, r, k] * B[m + 1, m + 1, r, s] * w[m + 1, s, q])
    )
    assert equal(piecewise_linear.own_response().result, hp(m, k) * hp(m, q) * carried)


def test_the_record_says_that_the_units_do_not_bend():
    assert any("assuming" in line for line in piecewise_linear.own_response().uses)


def test_only_terms_with_a_second_derivative_are_dropped():
    third = hpp(m, k).fdiff()
    assert piecewise_linear.without_bending(hp(m, k) + 3 * hpp(m, q) + third) == hp(m, k) + third
