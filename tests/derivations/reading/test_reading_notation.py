"""Notations: the letters of a book, declared and checked."""

import pytest

from hesslib.derivations.network import E, L, a, b, delta, l, n, w, z
from hesslib.derivations.reading.notation import NOTATIONS, N, Notation, notation_of, t2, y2


@pytest.mark.parametrize("choice", ["weights", "weight_layer", "layers", "biases", "outputs", "loss", "whole"])
def test_a_choice_that_is_none_is_refused_with_those_that_there_are(choice):
    with pytest.raises(ValueError, match=f"{choice} is 'neither'; it must be one of '"):
        Notation(**{choice: "neither"})
    with pytest.raises(ValueError, match="its keys are inputs, hidden and outputs"):
        Notation(units={"input": "i"})


def test_a_notation_is_read_from_yaml_and_may_be_like_another():
    mine = Notation.from_yaml("like: prml\nsignal: e\nname: mine")
    assert (mine.name, mine.signal, mine.units) == ("mine", "e", NOTATIONS["prml"].units)
    assert Notation.from_yaml("layers: plain").layers == "plain"
    with pytest.raises(ValueError, match="'colour' is no part of a notation"):
        Notation.from_yaml("colour: red")
    with pytest.raises(ValueError, match="it must be a list of names with letters"):
        Notation.from_yaml("just words")


def test_a_notation_is_had_by_its_name_or_as_it_is():
    mine = Notation()
    assert notation_of(mine) is mine
    assert [notation_of(name).name for name in NOTATIONS] == list(NOTATIONS)
    with pytest.raises(ValueError, match="it must be a Notation or one of book, prml, nielsen, homework, mackay"):
        notation_of("mine")


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("book", {"w": w, "W": w, "b": b, "a": a, "z": z, r"\delta": delta}),
        ("nielsen", {"w": w, "b": b, "z": a, "a": z, r"\delta": delta}),
        ("homework", {"w": w, "z": a, "a": z, r"\Delta": delta}),
        ("mackay", {"w": w, r"\theta": b, "a": a, "h": z}),
    ],
)
def test_a_letter_is_the_quantity_that_the_book_has_it_for(name, letters):
    tensors = NOTATIONS[name].vocabulary().tensors
    assert {letter: tensors[letter] for letter in letters} == letters


def test_index_letters_tell_the_layer_where_there_are_no_layer_numbers():
    prml = NOTATIONS["prml"]
    assert prml.vocabulary().layer_of_letter == {"i": l - 1, "j": l, "k": l + 1}
    assert prml.vocabulary(two=True).layer_of_letter == {"i": 0, "j": 1, "k": 2}
    assert prml.vocabulary().size_of_letter["k"] == n[l + 1]
    two = prml.vocabulary(two=True)
    assert two.outputs == (t2, y2)
    assert (two.last, prml.vocabulary().last) == (2, L)
    assert prml.two_layered({"t"})
    assert not prml.two_layered({"a"})
    assert not NOTATIONS["book"].two_layered({"t"})


def test_weights_may_be_written_from_to_or_with_the_layer_below_and_the_error_is_no_tensor():
    assert "w" in NOTATIONS["homework"].vocabulary().turned
    assert not NOTATIONS["book"].vocabulary().turned
    assert Notation(weight_layer="from").vocabulary().lifted
    assert NOTATIONS["nielsen"].vocabulary().symbols["C"] == E


def test_where_a_display_is_about_patterns_their_letter_counts_nothing_else():
    words = NOTATIONS["book"].vocabulary(patterns=True)
    assert words.pattern == "n"
    assert words.symbols["N"] == words.size_of_letter["n"] == N
    assert NOTATIONS["book"].vocabulary().pattern == ""
