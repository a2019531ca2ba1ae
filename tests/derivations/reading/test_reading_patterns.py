r"""Sums over patterns, and quantities of a certain pattern, in the notations that have a letter for them."""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from hesslib.derivations import Notation, check_latex

pytestmark = pytest.mark.usefixtures("no_slips")

GRADIENT = r"\frac{\partial E}{\partial w_{ji}^{(l)}} = \sum_n "
HOLDS = [
    ("book", r"E = \sum_n E_n"), ("book", r"E = \sum_{n=1}^{N} E_n"), ("book", r"E = \sum_{n \le N} E_n"), ("book", r"E = \sum_n E^{(n)}"),
    ("book", r"\sum_{n=1}^N E_n = \sum_{n'=1}^N E_{n'}"), ("book", r"\sum_n E_n = E = \sum_{n=1}^N E_n"),
    ("book", GRADIENT + r"\frac{\partial E_n}{\partial w_{ji}^{(l)}}"), ("book", GRADIENT + r"\delta_{nj}^{(l)} z_{ni}^{(l-1)}"),
    ("book", GRADIENT + r"z_{ni}^{(l-1)} h'(a_{nj}^{(l)}) \sum_k w_{kj}^{(l+1)} \delta_{nk}^{(l+1)}"),
    ("book", r"\frac{\partial E}{\partial W^{(l)}} = \sum_{n=1}^N \boldsymbol\delta_n^{(l)} (\mathbf{z}_n^{(l-1)})^{\mathsf T}"),
    ("book", r"\frac{\partial E}{\partial b_j^{(l)}} = \sum_{n=1}^N \delta_{nj}^{(l)}"), ("book", r"\frac{\partial E}{\partial a_{nj}^{(l)}} = \delta_{nj}^{(l)}"),
    ("book", r"\frac{\partial E_n}{\partial w_{ji}^{(l)}} = \delta_j^{(l)} z_i^{(l-1)}"), ("book", r"\frac{\partial E_n}{\partial a_{n'j}^{(l)}} = I_{nn'} \delta_{nj}^{(l)}"),
    ("book", r"\frac{\partial E}{\partial z_{nj}^{(l)}} = \sum_k w_{kj}^{(l+1)} \delta_{nk}^{(l+1)}"),
    ("book", r"E + E = 2 \sum_{n=1}^N E_n"), ("book", r"\frac{1}{N} \sum_{n=1}^N E_n = \frac{E}{N}"), ("book", r"E = \sum_n E_n, \qquad \sum_n 1 = N"),
    ("prml", r"\frac{\partial E}{\partial w_{ji}} = \sum_n \delta_j^n z_i^n"), ("prml", r"\frac{\partial E}{\partial w_{ji}} = \sum_n \delta_j^{(n)} z_i^{(n)}"),
    ("prml", r"\delta_{nj} = h'(a_{nj}) \sum_k w_{kj} \delta_{nk}"), ("prml", r"\frac{\partial E_n}{\partial \mathbf{x}_n} = \frac{\partial E_n}{\partial \mathbf{x}_n}"),
    ("prml", r"\frac{\partial^2 E}{\partial w_{kj}^{(2)} \partial w_{k'j'}^{(2)}} = \sum_n z_{nj} z_{nj'} M_{nkk'} = \sum_n M_{nk'k} z_{nj'} z_{nj}"),
    ("prml", r"\frac{\partial E}{\partial w_{ji}} = \sum_n \delta_j z_i"), ("nielsen", r"\frac{\partial C}{\partial b^l_j} = \frac1n \sum_x \delta^l_j"),
    ("nielsen", r"C = \frac1n \sum_x C_x"), ("nielsen", r"\frac{\partial C}{\partial w^l_{jk}} = \frac{1}{n} \sum_x a^{x,l-1}_k \delta^{x,l}_j"),
    ("nielsen", r"\delta^{x,l} = ((w^{l+1})^T \delta^{x,l+1}) \odot \sigma'(z^{x,l})"),
]  # fmt: skip

WRONG = [
    ("book", r"E = E_n"), ("book", r"E = \frac1N \sum_n E_n"), ("book", r"E = \sum_n E_n^2"), ("book", r"E_n = E_{n'}"), ("book", r"E = N E_n"),
    ("book", r"\sum_{n=1}^N E_n = 2E"), ("book", r"\sum_n E_n E_n = E^2"), ("book", r"\sum_n E_n = E_n"),
    ("book", GRADIENT + r"\delta_{nj}^{(l)} z_{ni}^{(l)}"), ("book", GRADIENT + r"\delta_{nj}^{(l)}"), ("book", GRADIENT + r"\delta_{nj}^{(l)} z_{n'i}^{(l-1)}"),
    ("book", GRADIENT + r"\sum_{n'} \delta_{nj}^{(l)} z_{n'i}^{(l-1)}"), ("book", r"\frac{\partial E}{\partial w_{ji}^{(l)}} = \delta_{nj}^{(l)} z_{ni}^{(l-1)}"),
    ("book", r"\frac{\partial E}{\partial w_{ji}^{(l)}} = \frac{\partial E_n}{\partial w_{ji}^{(l)}}"), ("book", r"\frac{\partial E}{\partial a_{nj}^{(l)}} = \sum_n \delta_{nj}^{(l)}"),
    ("book", r"\frac{\partial E_n}{\partial a_{n'j}^{(l)}} = \delta_{nj}^{(l)}"), ("book", r"E = \sum_n E_n \\ \frac{\partial E}{\partial a_{nj}^{(l)}} = 2 \delta_{nj}^{(l)}"),
    ("prml", r"\frac{\partial E}{\partial w_{ji}} = \frac{1}{N} \sum_n \delta_{nj} z_{ni}"), ("prml", r"\frac{\partial E}{\partial w_{ji}} = \sum_n \delta_{nj} z_{nj}"),
    ("book", r"\frac{\partial E}{\partial W^{(l)}} = \sum_{n=1}^N \boldsymbol\delta_n^{(l)} (\mathbf{z}_n^{(l)})^{\mathsf T}"), ("book", r"E^n = \sum_n E_n"),
    ("prml", r"\frac{\partial E}{\partial w_{ji}} = \sum_n \delta_j z_j"), ("prml", r"\frac{\partial E}{\partial w_{ji}} = \frac1N \sum_n \delta_j z_i"),
    ("prml", r"\frac{\partial E}{\partial w_{ji}} = (\sum_n \delta_j) (\sum_n z_i)"), ("nielsen", r"\frac{\partial C}{\partial b^l_j} = \sum_x \delta^l_j"),
    ("prml", r"\delta_{nj} = \sum_k w_{kj} \delta_{nk}"), ("nielsen", r"C = \sum_x C_x"), ("nielsen", r"\frac{\partial C}{\partial b^l_j} = \sum_x \delta^{x,l}_j"),
]  # fmt: skip

NOT_TOLD = [
    ("book", r"\frac{\partial E}{\partial w_{ji}^{(l)}} = \sum_n \delta_{nj}^{(l)} z_i^{(l-1)}", "to which pattern"), ("prml", r"\frac{\partial E}{\partial w_{ji}} = z_i \sum_n \delta_j", "to which pattern"),
    ("prml", r"\frac{\partial E}{\partial w_{ji}} = \sum_n E_n \delta_j z_i", "to which pattern"),
    ("prml", r"E = \sum_n E_n \\ \frac{\partial E}{\partial w_{ji}} = \delta_j z_i", "to which pattern"), ("book", r"E = \sum_{n=1}^{N} E_n + \sum_n z_n^{(l)}", "a pattern or a unit"),
    ("book", r"E = \sum_{n=1}^{K} E_n", "how large K"), ("book", r"E_n = w_{jn}^{(l)}", "belongs to none"), ("book", r"E_n^{(n)} = E_n", "said twice"),
    ("book", r"E = E_m + \sum_n E_n", "no index"), ("book", r"\frac{\partial E}{\partial W^{(l)}} = \sum_{n=1}^N \delta_n^{(l)} (z_n^{(l-1)})^T", "a pattern or a unit"),
]  # fmt: skip


@pytest.mark.parametrize(("notation", "text"), HOLDS)
def test_a_sum_over_patterns_holds(notation, text):
    verdict = check_latex(text, notation=notation)
    assert verdict.holds is True, verdict
    assert verdict.condition == ""


@pytest.mark.parametrize(("notation", "text"), WRONG)
def test_a_sum_over_patterns_that_is_wrong_is_refused(notation, text):
    assert check_latex(text, notation=notation).holds is False


@pytest.mark.parametrize(("notation", "text", "reason"), NOT_TOLD)
def test_what_pattern_is_meant_is_not_guessed(notation, text, reason):
    verdict = check_latex(text, notation=notation)
    assert verdict.holds is not True, verdict
    assert any(word in str(verdict) for word in reason.split("|")), verdict


def test_what_the_error_of_all_patterns_is_may_be_left_open():
    mine = Notation()
    assert check_latex(r"E = \sum_n E_n", notation=mine).condition == "the error of all patterns is the sum of theirs"
    assert "mean" in check_latex(r"E = \frac1N \sum_n E_n", notation=mine).condition
    assert check_latex(r"E = 2 \sum_n E_n", notation=mine).holds is False
    assert check_latex(r"E = \sum_n E_n", notation=Notation(whole="mean")).holds is False


def test_squares_are_summed_over_patterns_and_outputs():
    right = r"E = \frac12 \sum_n \sum_k (y_{nk} - t_{nk})^2"
    assert "squared error" in check_latex(right, notation="prml").condition
    assert check_latex(right.replace(r"\sum_n ", ""), notation="prml").holds is not True
    assert check_latex(right.replace("y_{nk}", "y_{n'k}"), notation="prml").holds is not True
    assert check_latex(
        r"\frac{\partial E}{\partial w_{kj}^{(2)}} = \sum_n (y_{nk} - t_{nk}) z_{nj}", notation="prml"
    ).holds


def test_where_no_pattern_is_told_apart_the_letter_counts_what_it_will():
    assert check_latex(r"\delta_n^{(l)} = \frac{\partial E}{\partial a_n^{(l)}}").holds is True
    assert check_latex(r"\sum_n \delta_n^{(l)} z_n^{(l)} = \sum_k \delta_k^{(l)} z_k^{(l)}").holds is True


def test_a_slip_in_a_sum_over_patterns_is_named_in_the_letters_of_the_notation(monkeypatch):
    monkeypatch.undo()
    wrong = check_latex(r"\frac{\partial C}{\partial w^l_{jk}} = \frac{1}{n} \sum_x \delta^{x,l}_j", notation="nielsen")
    assert wrong.holds is False
    assert any(slip.startswith("factor lost") for slip in wrong.slips), wrong
    assert r"\frac{1}{n}" in wrong.nearest
    assert check_latex(GRADIENT + r"\delta_{nj}^{(l)} z_{ni}^{(l-1)} + E").lacks == ()
