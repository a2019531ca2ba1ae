"""Formulas in the reader's own letters: as one expects them, and read again as the same."""

import pytest

from hesslib.calculus.index import Diff, KroneckerDelta, S
from hesslib.calculus.normal import equal
from hesslib.derivations.network import E, R, a, b, delta, h, i, i_, j, j_, k, l, n, w, z
from hesslib.derivations.reading.declared import read_in
from hesslib.derivations.reading.in_notation import written
from hesslib.derivations.reading.notation import NOTATIONS, N, Notation
from hesslib.derivations.reading.patterns import at

PRINTED = [
    ("book", delta[l, j], r"\delta_{j}^{(l)}"),
    ("book", w[l + 1, k, j], r"w_{kj}^{(l+1)}"),
    ("book", N, "N"),
    ("prml", w[l + 1, k, j], "w_{kj}"),
    ("prml", w[l, j, i], "w_{ji}"),
    ("prml", delta[l + 1, k], r"\delta_{k}"),
    ("nielsen", z[l, j], "a_{j}^{l}"),
    ("nielsen", a[l, j], "z_{j}^{l}"),
    ("nielsen", h(a[l, j]).fdiff(), r"\sigma'(z_{j}^{l})"),
    ("nielsen", Diff(b[l, j], E), r"\frac{\partial C}{\partial b_{j}^{l}}"),
    ("nielsen", N, "n"),
    ("homework", w[l, j, i], "w_{ij}^{l}"),
    ("homework", w[l, i, j], "w_{ji}^{l}"),
    ("homework", KroneckerDelta(j, j_), r"\delta_{jj'}"),
    ("mackay", b[l, j], r"\theta_{j}"),
]


@pytest.mark.parametrize(("name", "e", "latex"), PRINTED)
def test_a_quantity_has_the_letter_and_the_scripts_of_its_notation(name, e, latex):
    assert written(e, NOTATIONS[name]) == latex


FORMULAS = [
    h(a[l, j]).fdiff() * S("k", n[l + 1], lambda k: w[l + 1, k, j] * delta[l + 1, k]),
    -delta[l, j] * z[l - 1, i] / 2 + b[l, j] ** 2,
    Diff(w[l, j, i], Diff(b[l, j_], E)),
    KroneckerDelta(j, j_) * z[l - 1, i] * z[l - 1, i_],
    Diff(R.op, a[l, j]) * h(a[l, j]).fdiff().fdiff(),
]


@pytest.mark.parametrize("name", ["book", "prml", "nielsen", "homework"])
@pytest.mark.parametrize("e", FORMULAS, ids=str)
def test_what_is_written_is_read_again_as_the_same(name, e):
    notation = NOTATIONS[name]
    again = read_in(written(e, notation), notation.vocabulary())
    assert equal(again, e)
    assert not equal(again, -e)


def test_a_weight_may_have_the_number_of_the_layer_that_it_comes_from():
    mine = Notation(weight_layer="from", layers="plain")
    assert written(w[l, j, i], mine) == "w_{ji}^{l-1}"
    assert written(z[l, j], mine) == "z_{j}^{l}"


def test_a_quantity_of_a_pattern_has_its_number_first():
    number = j.func("n", integer=True)
    assert written(at(delta[l, j], number), NOTATIONS["book"]) == r"\delta_{nj}^{(l)}"
    assert written(at(E, number), NOTATIONS["book"]) == "E_{n}"
