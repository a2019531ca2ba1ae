"""A text as signs that know where they stand."""

import pytest

from hesslib.derivations.reading.place import MAX_CHARACTERS, ReadingError, TooLargeError
from hesslib.derivations.reading.scanner import scan


def kinds(text, **options):
    return " ".join(token.type for token in scan(text, **options))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (r"\left( a \, b \right)", "(a b)"),
        (r"\color{red} a % a remark", "a"),
        (r"\begin{aligned} a &= b \end{aligned}", "a = b"),
        (r"\mathbf{a} = \boldsymbol b", "a = b"),
        (r"\underbrace{a}_{\text{in}} b", "a b"),
        (r"\boxed{a}", "{a}"),
        (r"\left. a \right|", "a |"),
        (r"a \label{eq} \tag{3}", "a"),
        ("~a$", "a"),
    ],
)
def test_what_does_not_matter_is_passed_over(text, same):
    assert [(t.type, str(t)) for t in scan(text)] == [(t.type, str(t)) for t in scan(same)]


@pytest.mark.parametrize(
    ("macro", "spelled"),
    [
        (r"\pd{E}{w}", r"\frac{\partial E}{\partial w}"),
        (r"\pdd{E}{a}{b}", r"\frac{\partial^2 E}{\partial a \partial b}"),
        (r"\lay{w}{l}", "w^{(l)}"),
        (r"\kron{jk}", "I_{jk}"),
        (r"a\tran", r"a^\top"),
    ],
)
def test_a_macro_of_the_book_is_what_it_stands_for(macro, spelled):
    assert kinds(macro) == kinds(spelled)


def test_a_sign_knows_where_it_stands():
    text = r"\delta_{kj} = 12 \sum x"
    for token in scan(text):
        assert text[token.start_pos : token.end_pos] == str(token)


def test_a_script_takes_one_digit_and_a_line_takes_all():
    assert [str(t) for t in scan("x^12")] == ["x", "^", "1", "2"]
    assert [str(t) for t in scan("x^{12}")] == ["x", "^", "{", "12", "}"]
    assert [str(t) for t in scan(r"\frac12")] == [r"\frac", "1", "2"]
    assert [str(t) for t in scan("12.5")] == ["12.5"]


def test_a_name_that_is_more_than_a_letter_is_one_letter_where_it_is_known():
    assert [str(t) for t in scan(r"\dot{x} x", names=[r"\dot{x}"])] == [r"\dot{x}", "x"]
    assert [str(t) for t in scan(r"\alphabet", names=[r"\alpha"])] == [r"\alphabet"]
    assert kinds(r"\mathrm{tr} A") == "NAME LETTER"
    assert kinds(r"A^{\mathrm T}") == "LETTER SUP LBRACE TOP RBRACE"
    assert str(scan(r"\hat x")[0]) == r"\hat{x}"
    assert kinds(r"a \text{ if } b") == "LETTER NOTE LETTER"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a ? b", "'\\?' is no sign of a formula"),
        (r"\pd E", "takes an argument in braces"),
        (r"\text{a", "do not close"),
        (r"\begin{pmatrix} a \end{pmatrix}", "a matrix that is written out by its entries"),
        (r"f = \begin{cases} a \end{cases}", "a formula by cases is not read"),
        (r"\mathbf{ab}", "takes one letter here"),
        (r"\mathbf{1}", "could be a number or an array"),
        (r"\underbrace{a + b} c", "could be brackets or none"),
    ],
)
def test_what_is_no_formula_is_refused(text, message):
    with pytest.raises(ReadingError, match=message):
        scan(text)


def test_a_text_that_is_too_long_is_refused():
    with pytest.raises(TooLargeError, match=f"at most {MAX_CHARACTERS} are read"):
        scan("a" * (MAX_CHARACTERS + 1))
    assert len(scan("a" * 100)) == 100
