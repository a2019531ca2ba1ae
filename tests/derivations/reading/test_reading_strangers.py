r"""Strangers' input: whatever the text is, the answer comes soon, and an error points into the text."""

# ruff: noqa: E501

from __future__ import annotations

import random

import pytest

from hesslib.derivations.reading.grammar import parse
from hesslib.derivations.reading.judgement import MAX_WORK, Work, judged
from hesslib.derivations.reading.meaning import read
from hesslib.derivations.reading.notation import BOOK, NOTATIONS
from hesslib.derivations.reading.place import ReadingError
from hesslib.derivations.reading.scanner import scan
from hesslib.derivations.reading.statements import statements

RIGHT = r"\delta_j^{(l)} = h'(a_j^{(l)}) \sum_k w_{kj}^{(l+1)} \delta_k^{(l+1)}"
WHOLE = [
    RIGHT,
    r"\frac{\partial^2 E}{\partial w_{ji}^{(l)} \partial w_{kp}^{(m)}} = B_{kj}^{(m,l)} z_i^{(l-1)} z_p^{(m-1)}",
    r"B_{kj}^{(l,l)} = h'(a_k^{(l)}) h'(a_j^{(l)}) \sum_p \sum_q w_{pk}^{(l+1)} w_{qj}^{(l+1)} B_{pq}^{(l+1,l+1)}",
    r"G_{kj}^{(m,l)} = \sum_i h'(a_i^{(m-1)}) w_{ki}^{(m)} G_{ij}^{(m-1,l)}",
    r"\delta_k = y_k - t_k",
    r"\delta^{(l)} = h'(a^{(l)}) \odot (W^{(l+1)})^{\mathsf T} \delta^{(l+1)}",
    r"\mathcal{R}\{a_j^{(l)}\} = \sum_i (w_{ji}^{(l)} \mathcal{R}\{z_i^{(l-1)}\} + v_{ji}^{(l)} z_i^{(l-1)}) + u_j^{(l)}",
]
LARGE = {
    "10,000 characters": "a^{(l)}_j = " + " + ".join(["z^{(l)}_j"] * 900),
    "more than 10,000 characters": "a = " + "b" * 20_000,
    "200 nested fractions": r"a^{(l)}_j = " + r"\frac{1}{" * 200 + "2" + "}" * 200,
    "50 sums": r"a^{(l)}_j = " + "".join(rf"\sum_{{k_{{{s}}}}}" for s in range(50)) + "1",
    "12 sums": r"\delta_j^{(l)} = " + "".join(rf"\sum_{{k_{{{s}}}}} w^{{(l)}}_{{k_{{{s}}} i}}" for s in range(12)),
    "a power of a sum": r"a^{(l)}_j = (\sum_k \delta_k^{(l)} + \sum_i z_i^{(l)})^{40}",
    "a large power": r"a^{(l)}_j = 9^{9^{9^{9}}}",
    "a large number": r"a^{(l)}_j = 2^{99999999999}",
    "many primes": r"z^{(l)}_j = h" + "'" * 900 + r"(a^{(l)}_j)",
    "an order": r"z^{(l)}_j = h^{(999999999)}(a^{(l)}_j)",
    "open brackets": "(" * 5_000,
    "open braces": "{" * 5_000,
    "a definition": r"\def\a{\a\a}\a = 1",
    "a file": r"\input{/etc/passwd} = 1",
    "a link": r"\href{javascript:alert(1)}{a} = 1",
    "many rows": r"\delta_j^{(l)} " + r"&= \delta_j^{(l)} \\ " * 200,
    "broken Unicode": "\ud800\udfff \u202e = \x00",
    "python": "__import__('os').system('true') = 1",
    "an index sum": r"a^{(l)}_j = \sum_{k=1}^{10^{9}} z^{(l)}_k",
    "factors": r"a^{(l)}_j = " + r"(z^{(l)}_j + a^{(l)}_j)" * 30,
}


def error_of(text, words):
    """What keeps a text from being read, if anything does."""
    try:
        for statement in statements(text):
            for side in statement.sides:
                if side:
                    read(parse(side, text), words, text)
    except ReadingError as why:
        return why
    return None


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_what_is_too_large_is_answered_or_refused_within_the_bound_of_work(text):
    work = Work()
    verdict = judged(text, BOOK, work)
    assert verdict.holds in (False, None)
    assert work.spent < 2 * MAX_WORK  # the last formula that is tried may pass the bound
    assert str(verdict)


def test_what_the_book_knows_in_other_ranges_is_not_called_wrong_and_does_not_crash():
    definition = r"B^{(m,l)}_{kj} = \frac{\partial \delta^{(m)}_k}{\partial a^{(l)}_j}"
    verdict = judged(definition, BOOK, Work(MAX_WORK))
    assert verdict.holds is None
    assert verdict.reason


def test_the_recursion_of_the_book_holds_on_its_condition_for_matrices_and_a_sign_is_wrong():
    text = (
        r"B^{(m,l)} = \operatorname{diag}(h''(a^{(m)}) \odot (W^{(m+1)\mathsf{T}} \delta^{(m+1)})) G^{(m,l)}"
        r" + \operatorname{diag}(h'(a^{(m)})) W^{(m+1)\mathsf{T}} B^{(m+1,l)}"
    )
    verdict = judged(text, BOOK, Work(MAX_WORK))
    assert verdict.holds
    assert verdict.condition == "layer l not above layer m"
    slipped = text.replace("G^{(m,l)} + ", "G^{(m,l)} - ")
    assert judged(slipped, BOOK, Work(MAX_WORK)).holds is False


def test_the_answer_does_not_depend_on_what_was_asked_before():
    """A bound by the clock would let the slip depend on how busy the machine is, and on what it remembers."""
    text, spent = r"\delta_j^{(l)} = h'(a_j^{(l)}) \sum_k w_{jk}^{(l)} \delta_k^{(l+1)}", []
    answers = []
    for _ in range(2):
        work = Work()
        answers.append(judged(text, BOOK, work))
        spent.append(work.spent)
    assert answers[0] == answers[1]
    assert spent[0] == spent[1] > 0


def test_the_bound_of_work_is_shared_by_all_equations_of_a_display():
    row = r"\delta_j^{(l)} &= \sum_k w_{jk}^{(l)} \delta_k^{(l+2)} + z_j^{(l)} + a_j^{(l)}"
    work = Work()
    judged(r" \\ ".join([row] * 12), BOOK, work)
    assert work.spent < 2 * MAX_WORK


@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_formula_that_was_damaged_by_chance_is_decided_without_a_crash(notation):
    draw = random.Random(f"damaged {notation}")
    pieces = ["a", "w", "z", "M", "G", "B", "E", r"\delta", "y", "t", "_{kj}", "_k", "^{(l)}", "^{(m)}", "^{(L)}", "^{(m,l)}", "^2", "'",
              r"\sum_n ", "E_n", "_{nj}", r"\nabla ", "H", r"\|", "|", r" + \dots + ", r"\over ", r"[1 \le k]", r"\tanh", "(w)", "x_n", "n",
              r"\sum_k ", r"\partial ", "(", ")", " = ", " + ", "-", "1", "l", "k", ""]  # fmt: skip
    for _ in range(120):
        signs = list(draw.choice(WHOLE))
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(len(signs))
            signs[at : at + draw.randint(0, 3)] = draw.choice(pieces)
        text = "".join(signs)
        verdict = judged(text, NOTATIONS[notation], Work(MAX_WORK))
        assert verdict.holds in (True, False, None), text
        assert str(verdict)


@pytest.mark.parametrize("notation", NOTATIONS)
def test_no_text_made_by_chance_crashes_the_reader_and_errors_point_into_it(notation):
    draw = random.Random(notation)
    pieces = [r"\sum_k", "_{kj}", "^{(l)}", "a", "w", "h'", "(", ")", "{", "}", r"\frac", "=", "+", "-", r"\partial ", "2", " ", "^", "_",
              r"\delta", "'", r"\left", r"\right", ",", r"\\", "&", r"\mathcal R", r"\{", r"\}", "E", "T", r"\text{x}", "l", r"\odot", "/",
              r"\nabla", "|", r"\|", r"\dots", r"\over", r"\underbrace{", r"[1 \le", "]", r"\sum_n", "_n", "^{(n)}", "H", "(w)", r"\tanh"]  # fmt: skip
    words = NOTATIONS[notation].vocabulary()
    for _ in range(400):
        if draw.random() < 0.5:
            text = "".join(draw.choices(pieces, k=draw.randint(1, 25)))
        else:
            signs = list(RIGHT)
            for _ in range(draw.randint(1, 4)):
                at = draw.randrange(len(signs))
                signs[at : at + draw.randint(0, 2)] = draw.choice([*pieces, "", "\x07", "é", "\\"])
            text = "".join(signs)
        error = error_of(text, words)
        if error is not None:
            assert 0 <= error.start <= error.stop <= len(text)
            assert error.message
            assert str(error)


def test_an_error_points_at_the_sign():
    text = "a + \\alpha_j"
    with pytest.raises(ReadingError) as caught:
        read(parse(scan(text), text), NOTATIONS["book"].vocabulary(), text)
    assert text[caught.value.start : caught.value.stop] in ("a", "\\alpha")
    assert "^" in str(caught.value).splitlines()[-1]


def test_both_readings_of_what_is_ambiguous_are_named():
    text = r"a^{(l)}_j / 2 z^{(l)}_j"
    with pytest.raises(ReadingError) as caught:
        read(parse(scan(text), text), NOTATIONS["book"].vocabulary(), text)
    assert len(caught.value.readings) == 2
