"""Brackets that LaTeX has no pair for: fractions by ``\\\\over``, and the bars of a norm."""

import pytest

from hesslib.derivations.reading.brackets import with_bars, with_fractions
from hesslib.derivations.reading.scanner import scan


def kinds(tokens):
    return " ".join(token.type for token in tokens)


@pytest.mark.parametrize(
    ("over", "frac"),
    [
        (r"{a \over b}", r"\frac{a}{b}"),
        (r"x + {a + b \over c} y", r"x + \frac{a + b}{c} y"),
        (r"{{a \over b} \over c}", r"\frac{\frac{a}{b}}{c}"),
        (r"x^{1 \over 2}", r"x^{\frac{1}{2}}"),
        (r"a + b", r"a + b"),
    ],
)
def test_over_is_a_fraction_of_what_stands_before_and_behind_it(over, frac):
    assert kinds(with_fractions(scan(over))) == kinds(scan(frac))


@pytest.mark.parametrize("text", [r"\over b", r"{a \over b \over c}", r"a \over b"])
def test_what_is_no_fraction_stays_as_it_is_and_is_refused_later(text):
    assert "OVER" in kinds(with_fractions(scan(text)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("|x|", "LBAR LETTER RBAR"),
        ("||x||", "LBAR LETTER RBAR"),
        (r"\|x\| \|y\|", "LBAR LETTER RBAR LBAR LETTER RBAR"),
        ("|(|x|)|", "LBAR LROUND LBAR LETTER RBAR RROUND RBAR"),
        ("x_{a|b}", "LETTER SUB LBRACE LETTER BAR LETTER RBRACE"),
        ("|x_{a|b}|", "LBAR LETTER SUB LBRACE LETTER BAR LETTER RBRACE RBAR"),
    ],
)
def test_bars_open_and_close_in_turn_except_in_scripts(text, found):
    assert kinds(with_bars(scan(text))) == found


def test_a_sign_that_was_made_keeps_its_place_in_the_text():
    text = r"{a \over b}"
    fraction = next(token for token in with_fractions(scan(text)) if token.type == "FRAC")
    assert text[fraction.start_pos : fraction.end_pos] == r"\over"
    norm = with_bars(scan("||x||"))[0]
    assert (norm.value, norm.start_pos, norm.end_pos) == ("||", 0, 2)
