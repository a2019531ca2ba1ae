"""The common form of formulas about a network: right ones meet in it, wrong ones do not, and it holds in numbers."""

import pytest
import sympy as sp

from hesslib.calculus.index import Diff, KroneckerDelta, S
from hesslib.calculus.normal import equal
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import B, E, G, L, M, R, a, b, delta, h, i, j, k, l, m, n, u, v, w, z
from hesslib.derivations.reading.network_form import Assumed, C, CannotTellError, NetworkForm, loose_letters
from hesslib.derivations.reading.notation import t, y

NETWORK = Instance((2, 2, 2, 2), seed=12)


def forms(*formulas, assumed=None, biases=True):
    form = NetworkForm(formulas, assumed or Assumed(), two=False, biases=biases)
    return [form.of(e) for e in formulas]


def slope(y_, unit):
    return h(a[y_, unit]).fdiff()


RIGHT = {
    "backpropagation": (delta[l, j], slope(l, j) * S("k", n[l + 1], lambda k: w[l + 1, k, j] * delta[l + 1, k])),
    "gradient": (Diff(w[l, j, i], E), delta[l, j] * z[l - 1, i]),
    "by a bias": (Diff(b[l, j], E), delta[l, j]),
    "by a unit": (Diff(z[l, j], E), S("k", n[l + 1], lambda k: w[l + 1, k, j] * delta[l + 1, k])),
    "forward": (a[l, j], S("i", n[l - 1], lambda i: w[l, j, i] * h(a[l - 1, i])) + b[l, j]),
    "response": (G[l + 1, l, k, j], w[l + 1, k, j] * slope(l, j)),
    "curvature": (
        B[l, l, j, k],
        Diff(a[l, k], Diff(a[l, j], E)),
    ),
    "along a direction": (
        Diff(R.op, a[l, j]),
        S("i", n[l - 1], lambda i: v[l, j, i] * z[l - 1, i] + w[l, j, i] * slope(l - 1, i) * Diff(R.op, a[l - 1, i]))
        + u[l, j],
    ),
}


@pytest.mark.parametrize(("one", "other"), RIGHT.values(), ids=RIGHT)
def test_formulas_that_are_one_meet_and_their_negatives_do_not(one, other):
    first, second = forms(one, other)
    assert equal(first, second)
    assert not equal(first, -second)


@pytest.mark.parametrize("name", ["backpropagation", "gradient", "by a bias", "forward", "response"])
def test_the_form_of_a_formula_has_its_value_on_an_explicit_network(name):
    one, other = RIGHT[name]
    for found in forms(one, other):
        assert NETWORK.agree(one, found, [{l: 2, j: 1, k: 2, i: 2}, {l: 2, j: 2, k: 1, i: 1}]).passed


def test_the_loss_is_spelled_out_where_it_is_assumed():
    squares = Assumed("linear", "squares")
    signal, error = forms(delta[L, k], E, assumed=squares)
    output = forms(y[k], delta[L, k], assumed=squares)[0]
    assert equal(signal, output - t[k])
    assert not equal(signal, t[k] - output)
    assert error.has(t)
    (bend,) = forms(M[j, k], assumed=squares)
    ends = [a[L, j], a[L, k]]
    assert equal(bend, KroneckerDelta(j, k), ends)
    assert not equal(bend, -KroneckerDelta(j, k), ends)
    (canonical, residual) = forms(delta[L, k], y[k] - t[k], assumed=Assumed(loss="canonical"))
    assert equal(canonical, residual)
    assert not equal(*forms(delta[L, k], y[k] - t[k]))


def test_a_diagonal_curvature_has_no_entries_beside_the_diagonal():
    whole, diagonal = (
        forms(Diff(a[L, j], Diff(a[L, k], E)), assumed=Assumed(diagonal=each))[0] for each in (False, True)
    )
    assert whole.has(C)
    assert equal(diagonal, KroneckerDelta(j, k) * C[L, j, j])
    assert not equal(diagonal, whole)


def test_without_biases_a_pre_activation_is_the_sum_alone():
    assert not forms(a[l, j], biases=False)[0].has(b)
    assert forms(a[l, j])[0].has(b)


@pytest.mark.parametrize(
    ("formulas", "message"),
    [
        ([delta[l, j], delta[m, k]], "which of the layers l, m lies above is not said"),
        ([Diff(sp.Symbol("s"), E)], "is none by a weight, a bias or a unit"),
        ([Diff(w[l, j, i], y[k])], "how the outputs depend on the last layer is not said"),
    ],
)
def test_what_the_formulas_do_not_say_cannot_be_told(formulas, message):
    with pytest.raises(CannotTellError, match=message):
        forms(*formulas)


def test_a_condition_has_words():
    words = [
        Assumed().words,
        Assumed("linear").words,
        Assumed("linear", "squares").words,
        Assumed("activated", "entropy").words,
        Assumed(diagonal=True).words,
    ]
    assert words == [
        "",
        "linear outputs",
        "linear outputs, squared error",
        "outputs with the activation function, cross-entropy error of each output",
        "no output's slope of the error depends on another output",
    ]


def test_letters_that_stand_in_the_other_formula_only_are_loose():
    assert loose_letters(delta[l, j], delta[l, j] * z[m, k]) == {k}
    assert loose_letters(delta[l, j], S("k", n[l], lambda k: w[l, j, k])) == set()
