"""The layered network: its letters, what depends on what, and derivatives that hold on an explicit network."""

import pytest

from hesslib.calculus.index import Diff
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import (
    E,
    L,
    Layered,
    R,
    a,
    definitions,
    delta,
    error_signal,
    hp,
    hpp,
    i,
    j,
    k,
    l,
    wrt_a,
    wrt_b,
    wrt_w,
    z,
)

NETWORK = Instance((2, 3, 2, 2), seed=5)


def test_letters_have_a_name():
    assert repr(z)
    assert repr(L)


def test_what_the_forward_pass_is_said_to_be_it_is_on_an_explicit_network():
    places = [{l: layer, j: 2} for layer in (1, 2, 3)]
    for head in (a, z):
        assert NETWORK.agree(head[l, j], definitions[head](l, j), places).passed


@pytest.mark.parametrize(
    ("D", "layers"),
    [(wrt_a(l, j), (1, 2)), (wrt_w(l, j, i), (1, 2, 3)), (wrt_b(l, j), (1, 2, 3)), (wrt_a(l, j, through=l), (1, 2, 3))],
    ids=["a", "w", "b", "a, through its own layer"],
)
def test_the_derivative_of_the_error_holds_on_an_explicit_network(D, layers):
    places = [{l: layer, j: 2, i: 1} for layer in layers]
    assert NETWORK.agree(Diff(D.op, E), D(E), places).passed
    assert not NETWORK.agree(Diff(D.op, E), -D(E), places).passed


def test_an_earlier_layer_does_not_move_and_a_layer_of_unknown_order_stays_named():
    D = wrt_a(l, j)
    assert D(z[l - 1, i]) == 0
    assert D(a[l, j]) == 1
    further = a[l + k, i]
    assert D(further) == D.named(further)


def test_the_slopes_are_the_first_and_the_second_derivative():
    places = [{l: 2, j: 1}]
    assert NETWORK.agree(Diff(a[l, j], z[l, j]), hp(l, j), places).passed
    assert NETWORK.agree(Diff(a[l, j], Diff(a[l, j], z[l, j])), hpp(l, j), places).passed


def test_along_a_direction_the_error_changes_by_the_gradient_times_the_direction():
    total = sum(
        NETWORK.number(Diff(parameter, E), {}) * value
        for parameter, value in zip(NETWORK.parameters, NETWORK.direction.values(), strict=True)
    )
    assert NETWORK.number(R(E), {}) == total


def test_an_error_signal_is_a_derivative_of_the_error_and_needs_a_layer_that_carries_it():
    assert error_signal[delta](l, j) == Diff(a[l, j], E)
    with pytest.raises(ValueError, match="the error is reached through layer"):
        Layered(a[l, j], l, {}, through=l - 1)(E)
