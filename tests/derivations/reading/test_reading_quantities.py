"""A letter with its scripts as a quantity, by the notation that it is written in."""

import pytest
from sympy import KroneckerDelta

from hesslib.calculus.index import Diff
from hesslib.derivations.network import B, E, G, L, M, a, b, delta, i, j, k, l, m, n, w, z
from hesslib.derivations.reading.declared import read_in
from hesslib.derivations.reading.grammar import parse
from hesslib.derivations.reading.meaning import Meaning
from hesslib.derivations.reading.notation import NOTATIONS, Notation, U, W, t, y
from hesslib.derivations.reading.patterns import at
from hesslib.derivations.reading.place import ReadingError
from hesslib.derivations.reading.scanner import scan

ENTRIES = [
    ("book", r"w_{ji}^{(l)}", w[l, j, i]),
    ("book", r"w^{(l)}_{j,i}", w[l, j, i]),
    ("book", r"\delta_j^{(l+1)}", delta[l + 1, j]),
    ("book", r"z_j^{(L-1)}", z[L - 1, j]),
    ("book", r"(z_j^{(l)})^2", z[l, j] ** 2),
    ("book", r"z_j^{(l)2}", z[l, j] ** 2),
    ("book", r"G_{kj}^{(m,l)}", G[m, l, k, j]),
    ("book", r"B_{kj}^{(m,l)}", B[m, l, k, j]),
    ("book", "M_{kj}", M[k, j]),
    ("book", "n_{l-1}", n[l - 1]),
    ("book", "n_l^2", n[l] ** 2),
    ("book", "I_{jk}", KroneckerDelta(j, k)),
    ("book", "H_{ij}", Diff(W[i], Diff(W[j], E))),
    ("book", "w_i", W[i]),
    ("book", "b_i", U[i]),
    ("book", "y_k - t_k", y[k] - t[k]),
    ("prml", "w_{kj} z_j", w[l + 1, k, j] * z[l, j]),
    ("prml", r"\delta_j", delta[l, j]),
    ("nielsen", "w_{jk}^l", w[l, j, k]),
    ("nielsen", "z_j^{l+1}", a[l + 1, j]),
    ("nielsen", r"a_j^L", z[L, j]),
    ("homework", "w_{ij}^l", w[l, j, i]),
    ("homework", r"\delta_{ij}", KroneckerDelta(i, j)),
    ("mackay", r"\theta_j", b[l, j]),
]


@pytest.mark.parametrize(("name", "text", "meant"), ENTRIES)
def test_a_letter_with_its_scripts_is_the_entry_that_the_notation_has_it_for(name, text, meant):
    assert read_in(text, NOTATIONS[name].vocabulary()) == meant


def value(name, text, **more):
    words = NOTATIONS[name].vocabulary(**more)
    reader = Meaning(words, text)
    return reader, reader.expression(parse(scan(text, names=words.spellings), text))


@pytest.mark.parametrize(
    ("name", "text", "shape", "entry"),
    [
        ("book", "W^{(l)}", (n[l], n[l - 1]), w[l, j, i]),
        ("book", r"(W^{(l)})^{\mathsf T}", (n[l - 1], n[l]), w[l, i, j]),
        ("book", r"\delta^{(l)}", (n[l], None), delta[l, j]),
        ("homework", "W^l", (n[l - 1], n[l]), w[l, i, j]),
        ("book", "W^{[l]}", (n[l], n[l - 1]), w[l, j, i]),
        ("book", r"W^{[l]\top}", (n[l - 1], n[l]), w[l, i, j]),
    ],
)
def test_a_letter_without_indices_is_an_array(name, text, shape, entry):
    _, found = value(name, text)
    assert found.shape == shape
    assert found.entry(j, i if shape[1] is not None else None) == entry


def test_a_quantity_has_the_number_of_its_pattern():
    number = j.func("n", integer=True)
    assert value("book", r"\delta_{nj}^{(l)}", patterns=True)[1] == at(delta[l, j], number)
    assert value("book", "E_n", patterns=True)[1] == at(E, number)
    with pytest.raises(ReadingError, match="counts patterns here, and w belongs to none"):
        value("book", "w_{nj}^{(l)}", patterns=True)


def test_a_weight_may_have_the_number_of_the_layer_that_it_comes_from():
    words = Notation(weight_layer="from").vocabulary()
    assert read_in(r"w_{ji}^{(l)} z_i^{(l)}", words) == w[l + 1, j, i] * z[l, i]


def test_a_layer_that_there_is_not_is_noted_and_read_all_the_same():
    reader, _ = value("book", r"w_{ji}^{(0)}")
    assert "it has no layer 0" in reader.conflicts[0]


REFUSED = [
    ("book", r"\delta_j", "needs a layer number here"),
    ("book", r"w_{jik}^{(l)}", r"w has 2 index\(es\) here and was given 3"),
    ("book", r"G_{kj}^{(l)}", r"G takes 2 layer number\(s\) and was given 1"),
    ("book", r"\delta_{jk}^{(l)}", "with two indices"),
    ("book", r"z_j'^{(l)}", "no function; a prime of it has no meaning"),
    ("book", "E'", "with a prime has no meaning"),
    ("book", "E_k", "E has no index in this notation"),
    ("book", r"\Omega", "is no letter of this notation"),
    ("book", r"E^{13}", "a power over 12 is not read"),
    ("book", r"E^T", "no power of a number"),
    ("book", r"H_i", "the Hessian has two indices"),
    ("book", r"z_j^{[l](i)}", "could be two things(.|\n)*a power(.|\n)*the number of a pattern"),
    ("book", r"z_j^{(l)(i)}", "could be two things"),
    ("book", r"(W^{(l)})^2", "a power of an array is not read"),
    ("prml", r"\delta_q", "needs a layer number here|which units q counts"),
]


@pytest.mark.parametrize(("name", "text", "message"), REFUSED)
def test_what_is_no_quantity_of_the_notation_is_refused(name, text, message):
    with pytest.raises(ReadingError, match=message):
        value(name, text)
