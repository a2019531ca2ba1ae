"""Second derivatives at any depth: every formula holds on an explicit network."""

import pytest

from hesslib.derivations import deep_hessian as second_order
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import b, i, j, k, l, m, p, w

PLACES_ABOVE = [{m: y, l: x, k: 1, j: 2, p: 2, i: 1} for x in (1, 2) for y in range(x + 1, 4)]


PLACES_WITHIN = [{l: x, k: 1, j: 2, p: 2, i: 1} for x in (1, 2, 3)]


NETWORK = Instance((2, 2, 2, 2), seed=3)


@pytest.mark.parametrize(
    ("derivation", "places"),
    [
        (second_order.backpropagation, [{l: x, j: 1} for x in (1, 2)]),
        (second_order.forward_response, PLACES_ABOVE),
        (second_order.forward_response_base, PLACES_WITHIN),
        (second_order.output_response, PLACES_WITHIN),
        (second_order.backward_response, [{m: y, l: x, k: 1, j: 2} for x in (1, 2) for y in range(x, 3)]),
        (second_order.weight_weight, PLACES_ABOVE),
        (second_order.weight_weight_same_layer, PLACES_WITHIN),
        (lambda: second_order.block(b[m, k], w[l, j, i]), PLACES_ABOVE),
        (lambda: second_order.block(w[m, k, p], b[l, j]), PLACES_ABOVE),
        (lambda: second_order.block(b[m, k], b[l, j]), PLACES_ABOVE),
        (lambda: second_order.block(b[l, k], w[l, j, i]), PLACES_WITHIN),
        (lambda: second_order.R_forward()[0], [{l: x, j: 1} for x in (2, 3)]),
        (lambda: second_order.R_forward()[1], [{l: x, j: 1} for x in (1, 2)]),
        (lambda: second_order.R_backward()[0], [{k: 1}, {k: 2}]),
        (lambda: second_order.R_backward()[1], [{l: x, j: 1} for x in (1, 2)]),
        (lambda: second_order.R_gradient()[0], [{l: x, j: 1, i: 2} for x in (2, 3)]),
        (lambda: second_order.R_gradient()[1], PLACES_WITHIN),
    ],
)
def test_the_derived_formula_holds_on_an_explicit_network(derivation, places):
    formula = derivation()
    assert NETWORK.verify(formula, places).passed
    assert not NETWORK.agree(formula.lhs, 2 * formula.result + 1, places).passed
