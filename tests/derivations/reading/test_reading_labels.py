"""Which pattern a quantity belongs to, by how it is written."""

import pytest

from hesslib.calculus.index import index
from hesslib.derivations.reading.grammar import Node
from hesslib.derivations.reading.labels import about_patterns, in_subscript, in_superscript
from hesslib.derivations.reading.notation import NOTATIONS, N
from hesslib.derivations.reading.scanner import scan

j, n = index("j n")


def about(name, text):
    notation = NOTATIONS[name]
    words = notation.vocabulary()
    return about_patterns(scan(text, names=words.spellings), notation, words.tensors)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("book", r"\sum_n E_n", True),
        ("book", "E_N", True),
        ("book", "E^{(n)}", True),
        ("book", r"\delta_{nj}^{(l)}", True),
        ("book", r"\delta_j^{(l)}", False),
        ("book", r"\delta_n^{(l)}", False),
        ("book", r"\sum_{k=1}^{n_l} \delta_k^{(l)}", False),
        ("book", r"w_{nj}^{(l)}", False),
        ("prml", r"\delta_j^n", True),
        ("prml", r"t_n", True),
        ("prml", r"\delta_k", False),
        ("nielsen", r"\delta^{x,l}", True),
        ("nielsen", r"\delta^{l}", False),
        ("nielsen", r"\sum_x C_x", True),
        ("nielsen", r"\sum_k C", False),
    ],
)
def test_a_display_is_about_patterns_if_something_in_it_can_be_nothing_else(name, text, told):
    assert about(name, text) is told


@pytest.mark.parametrize(
    ("below", "rank", "typed", "found"),
    [
        ([("n", n), ("j", j)], 1, False, ([("j", j)], n, "")),
        ([("j", j), ("n", n)], 1, False, ([("j", j)], n, "")),
        ([("j", j)], 1, False, ([("j", j)], None, "")),
        ([("n", n)], 1, True, ([], n, "")),
        ([("2", 2)], 0, False, ([], 2, "")),
        ([("1", 1), ("j", j)], 1, False, ([("j", j)], 1, "")),
        ([("j", j), ("N", N)], 1, False, ([("j", j)], N, "")),
    ],
)
def test_the_number_of_the_pattern_is_the_index_that_is_one_too_many(below, rank, typed, found):
    assert in_subscript(below, "n", rank, typed) == found


def test_an_index_that_could_be_a_pattern_or_a_unit_is_not_guessed():
    below, number, why = in_subscript([("n", n)], "n", 1, False)
    assert (below, number) == ([("n", n)], None)
    assert why == "n counts patterns here, and this could be a pattern or a unit"


def nodes(text):
    return [Node(token.type, str(token)) for token in scan(text)]


@pytest.mark.parametrize(
    ("above", "plain", "rest", "number"),
    [
        (["x,l"], False, ["l"], "x"),
        (["(x,l)"], False, ["(l)"], "x"),
        (["l"], False, ["l"], None),
        (["x"], True, [], "x"),
        (["x"], False, ["x"], None),
        (["x", "2"], True, ["2"], "x"),
    ],
)
def test_a_superscript_may_hold_the_number_of_the_pattern(above, plain, rest, number):
    left, told = in_superscript([nodes(text) for text in above], "x", plain)
    assert ["".join(sign.value for sign in signs) for signs in left] == rest
    assert (told[0].value if told else None) == number
