"""What the book has derived, in any letters: it holds on an explicit network in the layers that it is for."""

import pytest

from hesslib.calculus.index import Diff
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import B, E, G, L, M, a, b, delta, i, j, k, l, m, p, q, w
from hesslib.derivations.reading.known import known

NETWORK = Instance((2, 2, 2, 2), seed=11)
LEFT = [
    G[m, l, k, j],
    B[L, l, k, j],
    B[m, l, k, j],
    Diff(w[l, j, i], Diff(w[m, k, p], E)),
    Diff(w[l, j, p], Diff(b[m, k], E)),
    Diff(b[l, j], Diff(w[m, k, p], E)),
    Diff(b[l, j], Diff(b[m, k], E)),
]


@pytest.mark.parametrize("lhs", LEFT, ids=str)
def test_what_is_known_holds_on_an_explicit_network(lhs):
    result, where, layers = next(known(lhs))
    at = 2 if lhs == B[m, l, k, j] else 3  # the recursion of B needs a layer above
    places = [{m: at, l: 1, k: unit, j: 2, i: 1, p: 2} for unit in (1, 2)]
    assert NETWORK.agree(lhs, result, places).passed
    assert not NETWORK.agree(lhs, -result, places).passed
    assert bool(where) == (m in layers)


def test_it_is_known_in_other_letters_and_by_the_name_of_the_derivative():
    (first,), (second,) = (list(known(lhs)) for lhs in (G[l, m, q, p], Diff(a[m, p], a[l, q])))
    assert first == second
    result, where, layers = first
    assert layers == {m: l, l: m}
    assert where == "layer $m$ above layer $l$"
    assert NETWORK.agree(G[l, m, q, p], result, [{l: 3, m: 1, q: 1, p: 2}, {l: 2, m: 1, q: 2, p: 2}]).passed


def test_the_last_layer_stands_for_no_other():
    assert not any(result.has(M) for result, _, _ in known(B[m, l, k, j]))
    assert all(result.has(M) for result, _, _ in known(B[L, l, k, j]))


def test_what_was_not_derived_or_has_one_letter_for_two_is_not_known():
    assert list(known(G[l, l, k, j])) == []
    assert list(known(delta[l, j])) == []
    assert list(known(G[m, l, k, k])) == []
