"""Both orders of differentiation: every step of the induction holds on an explicit network."""

import pytest

from hesslib.calculus.index import KroneckerDelta, RangeError
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import mixed_partials as of
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import B, G, M, i, j, k, l, m, p, q

NETWORK = Instance((2, 2, 2, 2), seed=8)
UNITS = [{k: one, q: other, j: other, p: 1, i: 2} for one in (1, 2) for other in (1, 2)]
WITHIN = [{m: layer, **at} for layer in (1, 2) for at in UNITS]
APART = [{m: 2, l: 1, **at} for at in UNITS]


@pytest.mark.parametrize(
    ("chain", "places"),
    [
        (of.own_response, WITHIN),
        (of.factor_base, [{l: layer, **at} for layer in (1, 2, 3) for at in UNITS]),
        (of.factor_step, APART),
        (of.symmetry_step, WITHIN),
        (of.signal_from_above, [*APART, *({m: 3, l: 1, **at} for at in UNITS)]),
        (of.other_order, APART),
    ],
)
def test_it_holds_on_an_explicit_network(chain, places):
    formula = chain()
    assert formula.established == "derived"
    assert NETWORK.verify(formula, places).passed
    assert not NETWORK.agree(formula.lhs, 2 * formula.result + 1, places).passed


def test_the_orders_do_not_meet_if_the_responses_are_multiplied_the_other_way_round():
    with pytest.raises(RangeError):
        of.factor_base().stated(of.S("q", of.n[of.L], lambda q: M[q, k] * G[of.L, l, j, q]))
    own = of.symmetry_step()
    with pytest.raises(NotEqualError):
        own.stated(2 * own.result)


def test_a_definition_is_inserted_only_where_it_applies():
    rule = of.where(B, lambda y, x: y == x, lambda y, x, r, s: KroneckerDelta(r, s))[B]
    assert rule(m, m, k, q) == KroneckerDelta(k, q)
    assert rule(m, l, k, q) == B[m, l, k, q]
    assert of.identity[G](l, l, k, j) == KroneckerDelta(k, j)
