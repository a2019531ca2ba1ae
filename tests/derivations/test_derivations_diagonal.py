"""The diagonal of the Hessian: exact on an explicit network, and what is dropped is named."""

import pytest
import sympy as sp

from hesslib.calculus.index import KroneckerDelta
from hesslib.calculus.normal import equal
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import diagonal
from hesslib.derivations.diagonal import c, j_
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import B, L, M, i, j, k, l

NETWORK = Instance((2, 2, 2, 2), seed=7)


@pytest.mark.parametrize(
    ("chain", "layers"),
    [
        (diagonal.weight_entry, (1, 2, 3)),
        (diagonal.bias_entry, (1, 2, 3)),
        (diagonal.second_derivative_of_input, (1, 2, 3)),
        (diagonal.curvature, (1, 2)),
        (diagonal.diagonal_curvature, (1, 2)),
        (diagonal.from_general_recursion, (1, 2)),
    ],
)
def test_it_holds_on_an_explicit_network(chain, layers):
    formula = chain()
    assert formula.established == "derived"
    places = [{l: layer, j: unit, j_: other, i: 2} for layer in layers for unit in (1, 2) for other in (1, 2)]
    assert NETWORK.verify(formula, places).passed
    assert not NETWORK.agree(formula.lhs, formula.result + 1, places).passed


def test_what_is_carried_back_without_the_mixed_terms_differs_by_what_is_said_to_be_dropped():
    kept, lost = diagonal.becker_lecun(), diagonal.dropped()
    assert kept.established == "approximation"
    places = [{l: layer, j: unit} for layer in (1, 2) for unit in (1, 2)]
    assert NETWORK.agree(kept.lhs, kept.result + lost.result, places).passed
    assert not NETWORK.agree(kept.lhs, kept.result, places).passed
    with pytest.raises(NotEqualError):
        diagonal.diagonal_curvature().stated(kept.result)


def test_the_algorithm_carries_one_number_for_each_unit_and_begins_with_the_loss():
    top, below = diagonal.carried_back()
    assert (top.lhs, top.result) == (c[L, k], M[k, k])
    approximate = diagonal.becker_lecun().result
    named = below.result.replace(
        lambda q: getattr(q, "base", None) == c, lambda q: B[q.indices[0], q.indices[0], q.indices[1], q.indices[1]]
    )
    assert equal(named, approximate)


def test_nothing_is_dropped_where_the_outputs_are_not_coupled_and_the_layer_below_is_coupled():
    exact, whole = diagonal.uncoupled_outputs(), diagonal.last_hidden_layer()
    assert exact.result.has(diagonal.mu)
    assert equal(whole.at({j_: j}), exact.result)
    apart = whole.result.replace(KroneckerDelta(j, j_), sp.S.Zero)
    assert apart != 0
    assert diagonal.curvature_in_matrices().latex()
