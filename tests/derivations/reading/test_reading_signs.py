"""Every sign has one meaning, which the scanner gives it and the grammar knows."""

import re

import pytest

from hesslib.derivations.reading.brackets import CLOSING, OPENING
from hesslib.derivations.reading.grammar import GRAMMAR
from hesslib.derivations.reading.scanner import scan
from hesslib.derivations.reading.signs import (
    BRACES,
    FUNCTIONS,
    MARKS,
    NAMED,
    NOTES,
    SIGNS,
    SILENT,
    STYLES,
    WITH_ARGUMENT,
    WRITTEN,
)

KINDS = {
    "silent": SILENT,
    "with an argument": WITH_ARGUMENT,
    "notes": NOTES,
    "styles": STYLES,
    "braces": BRACES,
    "named": NAMED,
    "marks": MARKS,
    "signs": set(SIGNS),
    "functions": FUNCTIONS,
}
BESIDE = {"ROW", "GAP", "ABOUT", "UNEQUAL", "OVER", "PM", "INT", "LANGLE", "RANGLE"}
"""Signs that part statements, become others, or are refused where they stand."""


def test_no_sign_has_two_meanings():
    for one in KINDS:
        for other in KINDS:
            assert one == other or not KINDS[one] & KINDS[other], (one, other)


def test_the_grammar_knows_every_sign_that_is_not_refused():
    declared = set(re.findall(r"\b[A-Z]{2,}\b", GRAMMAR))
    assert set(SIGNS.values()) - BESIDE - declared == set()
    assert set(BESIDE) & (declared - {"GAP"}) == set()
    assert set(SIGNS.values()) >= (OPENING | CLOSING)


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_is_scanned_as_what_it_is(sign):
    assert [token.type for token in scan(sign)] == [SIGNS[sign]]


@pytest.mark.parametrize("command", sorted(SILENT))
def test_what_is_silent_says_nothing(command):
    assert [str(token) for token in scan(f"a {command} b")] == ["a", "b"]


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_is_a_name_with_or_without_its_backslash(name):
    assert [(token.type, str(token)) for token in scan(name)] == [("NAME", name[1:])]


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_a_function_in_upright_letters_is_a_name(name):
    assert [(token.type, str(token)) for token in scan(rf"\mathrm{{{name}}}")] == [("NAME", name)]
    assert [(token.type, str(token)) for token in scan(rf"\operatorname{{{name}}}")] == [("NAME", name)]


@pytest.mark.parametrize(
    "alike",
    [
        [r"\le", r"\leq", "<", r"\lt", r"\ge", r"\geq", ">", r"\gt"],
        [r"\{", r"\lbrace"],
        [r"\}", r"\rbrace"],
        [r"\neq", r"\ne"],
        [r"\cdot", r"\times", "*"],
        [r"\odot", r"\circ", r"\had"],
        [r"\frac", r"\dfrac", r"\tfrac"],
        ["=", r"\equiv", r"\coloneqq"],
    ],
)
def test_spellings_of_one_sign_are_one_sign(alike):
    assert len({SIGNS[sign] for sign in alike}) == 1


def test_pairs_of_brackets_are_written_alike():
    for left, right in (("(", ")"), ("[", "]"), ("{", "}"), (r"\{", r"\}"), (r"\langle", r"\rangle")):
        assert SIGNS[left][1:] == SIGNS[right][1:]
        assert SIGNS[left][0] + SIGNS[right][0] == "LR"
