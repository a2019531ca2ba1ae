"""What is said of a formula: in words, as data, and typeset."""

import json

import pytest

from hesslib.derivations.reading.verdict import ALWAYS, Verdict

RIGHT = Verdict("a = a", True)
UNDER = Verdict("a = b", True, "linear outputs")
WRONG = Verdict(
    "a = c",
    False,
    lacks=("b",),
    instead=("c",),
    slips=("slope lost: the factor h'(a)", "transpose lost: w_{ij} where w_{ji} is meant", "transposes lost"),
    nearest="a = b",
    counterexample="at a = 1, c = 2: 1 against 2",
)
OPEN = Verdict("a = ?", None, reason="'?' is no sign\n  a = ?\n      ^")


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (RIGHT, ALWAYS),
        (UNDER, "holds under this condition: linear outputs"),
        (WRONG, "does not hold"),
        (Verdict("x", False, reason="the shapes differ"), "does not hold: the shapes differ"),
        (Verdict("x", None, reason="too long"), "cannot tell: too long"),
    ],
)
def test_a_verdict_is_said_in_words(verdict, words):
    assert verdict.words == words


def test_a_wrong_formula_is_reported_with_slips_terms_and_numbers():
    assert str(WRONG).split("\n") == [
        "a = c",
        "  does not hold",
        "  slip: slope lost: the factor h'(a)",
        "  slip: transpose lost: w_{ij} where w_{ji} is meant",
        "  slip: transposes lost",
        "  lacks: b",
        "  has instead: c",
        "  nearest right formula: a = b",
        "  at a = 1, c = 2: 1 against 2",
    ]
    assert "it would hold under this condition: x" in str(Verdict("a", False, "x"))


def test_of_a_chain_the_links_are_counted_and_the_wrong_one_is_reported():
    chain = Verdict("a = a = c", False, links=(RIGHT, WRONG))
    assert chain.lines()[1] == "  2 equalities: holds, does not hold"
    assert "    slip: transposes lost" in chain.lines()
    right = Verdict("a = a = b", True, "linear outputs", links=(RIGHT, UNDER))
    assert right.lines()[1:] == ["  2 equalities: holds, holds", "  holds under this condition: linear outputs"]
    apart = Verdict("a = a = b", None, reason="the conditions exclude each other", links=(RIGHT, UNDER))
    assert apart.lines()[1:] == ["  2 equalities: holds, holds", "  cannot tell: the conditions exclude each other"]
    assert chain.data()["lacks"] == ["b"]
    assert chain.data()["links"] == [["a = a", True], ["a = c", False]]


def test_as_data_words_and_formulas_of_a_slip_alternate():
    data = json.loads(json.dumps(WRONG.data()))
    assert data["slips"][0] == ["slope lost: the factor ", "h'(a)", ""]
    assert data["slips"][1] == ["transpose lost: ", "w_{ij}", " where ", "w_{ji}", " is meant"]
    assert data["slips"][2] == ["transposes lost"]
    assert (data["holds"], data["nearest"]) == (False, "a = b")
    assert (OPEN.data()["reason"], OPEN.data()["pointer"]) == ("'?' is no sign", "  a = ?\n      ^")


def test_typeset_it_shows_formulas_and_the_place():
    shown = WRONG._repr_markdown_()
    assert shown.startswith("**does not hold**")
    assert r"&\text{lacks } b" in shown
    assert r"&\text{nearest: } a = b" in shown
    assert "```text\n  a = ?\n      ^\n```" in OPEN._repr_markdown_()
    assert RIGHT._repr_markdown_().startswith("**holds** for every width")
    assert "&lt;" in Verdict("a < b", None, reason="x")._repr_html_()
    colours = {verdict._repr_html_().split("#")[1][:6] for verdict in (RIGHT, WRONG, OPEN)}
    assert len(colours) == 3
