"""A dense layer, inserted in a chain of layers, is the perceptron."""

import pytest
from derived_chains import require_derived

from hesslib.calculus.index import Diff, KroneckerDelta
from hesslib.derivations import dense_from_any as dense
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import B, E, G, a, delta, hp, i, j, k, l, m, p, q, w

DERIVED = [
    dense.jacobian,
    dense.second,
    dense.parameters,
    dense.signal,
    dense.gradient,
    dense.forward,
    dense.backward,
    dense.block,
    dense.within,
]


@pytest.mark.parametrize("derivation", DERIVED)
def test_it_is_derived_and_typesets(derivation):
    require_derived(derivation())


NETWORK = Instance((2, 2, 2, 2), seed=2)
APART = {m: 3, l: 2, k: 2, p: 1, j: 1, i: 2}
HOLDS = {
    "Jacobian": (dense.jacobian, Diff(a[l - 1, i], a[l, k])),
    "signal": (dense.signal, delta[l - 1, i]),
    "gradient": (dense.gradient, Diff(w[l, j, i], E)),
    "forward sweep": (dense.forward, G[m, l, k, j]),
    "backward sweep": (dense.backward, B[m - 1, l, i, j]),
    "block of two layers": (dense.block, Diff(w[m, k, p], Diff(w[l, j, i], E))),
    "block of one layer": (dense.within, Diff(w[l, k, p], Diff(w[l, j, i], E))),
}


@pytest.mark.parametrize(("derivation", "meant"), HOLDS.values(), ids=HOLDS.keys())
def test_what_comes_out_is_the_derivative_on_an_explicit_network(derivation, meant):
    formula, places = derivation().result, [APART, APART | {k: 1, j: 2, i: 1}]
    assert NETWORK.agree(meant, formula, places).passed
    assert not NETWORK.agree(meant, -formula, places).passed


def test_a_dense_layer_bends_unit_by_unit():
    apart = dense.dense[dense.Phi](l, i, q).subs(KroneckerDelta(i, q), 0)
    assert apart == 0
    inserted = dense.dense[dense.J](l, k, i)
    assert inserted == w[l, k, i] * hp(l - 1, i)
