"""Formulas about the vector of all weights: gradients and Hessians by the outputs, and what is not spelled out."""

import pytest
import sympy as sp

from hesslib.calculus.index import Diff, S, index
from hesslib.calculus.normal import equal
from hesslib.derivations import network as net
from hesslib.derivations.network import E, L, M, R, a, delta, n, z
from hesslib.derivations.reading.flat import FlatForm, is_flat, with_one_output
from hesslib.derivations.reading.network_form import Assumed, C, CannotTellError
from hesslib.derivations.reading.notation import WEIGHTS, U, V, W, t, y

p, q, k = index("p q k")
ANY = FlatForm(Assumed(), M, L)
SQUARES = FlatForm(Assumed("linear", "squares"), M, L)


def over(f):
    return S("k", n[L], f)


def test_the_gradient_goes_through_the_outputs():
    assert equal(ANY.of(Diff(W[p], E)), over(lambda k: delta[L, k] * Diff(W[p], a[L, k])))
    assert equal(SQUARES.of(Diff(W[p], E)), over(lambda k: (y[k] - t[k]) * Diff(W[p], y[k])))
    assert not equal(SQUARES.of(Diff(W[p], E)), over(lambda k: (t[k] - y[k]) * Diff(W[p], y[k])))


def test_the_hessian_has_a_part_of_first_and_a_part_of_second_derivatives():
    curved = over(lambda k: over(lambda r: C[L, k, r] * Diff(W[p], a[L, k]) * Diff(W[q], a[L, r])))
    bent = over(lambda k: delta[L, k] * Diff(W[p], Diff(W[q], a[L, k])))
    found = ANY.of(Diff(W[p], Diff(W[q], E)))
    assert equal(found, curved + bent)
    assert not equal(found, curved - bent)


def test_the_derivative_along_a_direction_is_its_product_with_the_gradient():
    along = ANY.of(Diff(R.op, E))
    assert equal(along, S("p", WEIGHTS, lambda p: V[p] * over(lambda k: delta[L, k] * Diff(W[p], a[L, k]))))
    assert ANY.of(Diff(R.op, W[q])) != 0


def test_a_formula_is_flat_if_it_is_about_all_weights_or_all_biases():
    assert is_flat(Diff(W[p], E))
    assert is_flat(V[p])
    assert not is_flat(net.w[L, p, q])
    with pytest.raises(CannotTellError, match="whether the biases are among all weights"):
        is_flat(W[p], U[q])


@pytest.mark.parametrize(
    ("e", "message"),
    [
        (z[L - 1, k], "how z depends on the vector of all weights"),
        (net.h(a[L, k]), "how a hidden unit depends on the vector"),
        (Diff(a[L, k], E), "derivatives by it alone are known"),
    ],
)
def test_what_is_not_spelled_out_cannot_be_told(e, message):
    with pytest.raises(CannotTellError, match=message):
        ANY.of(e)


def test_with_one_output_sums_over_outputs_are_their_only_term():
    found = with_one_output(over(lambda k: (y[k] - t[k]) ** 2) + S("p", WEIGHTS, lambda p: W[p]), L)
    assert equal(found, (y[1] - t[1]) ** 2 + S("p", WEIGHTS, lambda p: W[p]))
    with pytest.raises(CannotTellError, match="no letter counts them"):
        with_one_output(y[k] * sp.Integer(2), L)
