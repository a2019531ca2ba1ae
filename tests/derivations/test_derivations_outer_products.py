"""The Hessian of a data set in two parts, and what is dropped of it."""

from hesslib.calculus.steps import refuse, require_equal
from hesslib.derivations import (
    outer_products,
)


def test_a_term_is_dropped_from_a_copy_of_the_chain():
    whole = outer_products.regression()
    rows = [*whole.rows]
    dropped = outer_products.gauss_newton_of(whole)
    assert dropped.established == "approximation"
    assert whole.established == "derived"
    assert whole.rows == rows


def test_the_gauss_newton_matrix_is_the_hessian_of_a_linear_network_and_not_the_outer_product():
    linear, dropped = outer_products.linearised(), outer_products.gauss_newton_of(outer_products.general())
    assert linear.established == "derived"
    require_equal(linear.result, dropped.result)
    r, s = outer_products.r, outer_products.s
    refused = refuse(outer_products.H_GN[r, s], linear.result, outer_products.outer_product().result, "not the same")
    assert r"H^{\mathrm{GN}}_{rs} &\neq" in refused.latex()
