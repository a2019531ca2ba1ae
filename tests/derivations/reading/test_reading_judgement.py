"""From a text to its verdict: links, conditions, the slip that was made, and what is not decided."""

import pytest

from hesslib.derivations import check_latex
from hesslib.derivations.reading.judgement import MAX_LINKS, Work, judged, together
from hesslib.derivations.reading.notation import NOTATIONS
from hesslib.derivations.reading.verdict import Verdict

BACKPROPAGATION = r"\delta_j = h'(a_j) \sum_k w_{kj} \delta_k"


@pytest.mark.parametrize(
    ("text", "holds", "said"),
    [
        (BACKPROPAGATION, True, "every width and depth"),
        (r"\delta_k = y_k - t_k", True, "under this condition"),
        (BACKPROPAGATION.replace("h'(a_j)", ""), False, "slope lost"),
        (BACKPROPAGATION.replace("w_{kj}", "w_{jk}"), False, "transpose lost"),
        (BACKPROPAGATION.replace("= h", "= -h"), False, "sign"),
        (BACKPROPAGATION.replace(r"\sum_k ", ""), False, "sum lost"),
        (r"\frac{\partial E}{\partial w_{ji}} = \frac1N \sum_n \delta_{nj} z_{ni}", False, "a factor N is missing"),
        (
            r"\frac{\partial^2}{\partial w_{ji} \partial w_{ji'}} \left(\sum_n a_{nj}\right)^2 = \sum_n z_{ni} z_{ni'}",
            False,
            "lacks",
        ),
        (r"\delta_j = \delta_j z_k", False, "k stands on the right only"),
        (r"\delta_j \neq \delta_j", False, "the two sides are equal"),
        (r"\delta_j \neq 2 \delta_j", None, "an inequality is not decided"),
        (r"\delta_j \simeq 2 \delta_j", None, "an approximation is not decided"),
        (r"\delta_j \simeq \delta_j", True, "every width"),
        (r"\delta_j = \delta_j < z_j", None, "is not decided"),
        ("just words", None, ""),
        (r"\delta_j = (", None, "not closed"),
        (r"\Omega = 1", None, "no letter of this notation"),
        (r"\sum_r I_{pr} I_{qr} = I_{pq}", None, "how far r runs is not said"),
    ],
)
def test_the_verdict_says_what_holds_and_why_not(text, holds, said):
    verdict = check_latex(text, notation="prml")
    assert verdict.holds is holds, verdict
    assert said in str(verdict)


@pytest.mark.parametrize(
    ("notation", "left", "right", "part"),
    [
        ("prml", r"\frac{\partial}{\partial w_p} \Big(\sum_k y_k\Big)^2",
         r"2 \Big(\sum_k y_k\Big) \sum_k \frac{\partial y_k}{\partial w_p}", "0"),
        ("prml", r"\frac{\partial}{\partial w_p} \frac{1}{\sum_k y_k}",
         r"-\frac{1}{\left(\sum_k y_k\right)^2} \sum_k \frac{\partial y_k}{\partial w_p}", "0"),
        ("prml", r"\frac{\partial^2}{\partial w_p \partial w_q} \frac12 \sum_r w_r^2", "I_{pq}", "0"),
        ("book", r"\frac{\partial}{\partial a_{j'}^{(l)}} (a_j^{(l)} + z_j^{(l)})",
         r"I_{jj'} + I_{jj'} h'(a_j^{(l)})", r"I_{jj'} h'(a_j^{(l)})"),
        ("book", r"\frac{\partial}{\partial a_{j'}^{(l)}} (a_j^{(l)})^2", r"2 a_j^{(l)} I_{jj'}", "0"),
        ("book", r"\frac{\partial}{\partial a_{j'}^{(l)}} \sum_j a_j^{(l)}", "1", "0"),
        ("book", r"\frac{\partial}{\partial a_{j'}^{(l)}} \exp(a_j^{(l)})", r"I_{jj'} \exp(a_j^{(l)})", "0"),
    ],
)  # fmt: skip
def test_a_derivative_of_an_expression_is_taken_of_all_its_parts(notation, left, right, part):
    assert check_latex(f"{left} = {right}", notation=notation).holds is True
    assert check_latex(f"{left} = {part}", notation=notation).holds is not True


def test_each_link_of_a_chain_is_judged_against_the_last_side_that_is_not_wrong():
    text = r"\delta_j = \frac{\partial E}{\partial a_j} = 2 \delta_j = h'(a_j) \sum_k w_{kj} \delta_k"
    verdict = check_latex(text, notation="prml")
    assert [link.holds for link in verdict.links] == [True, False, True]
    assert verdict.holds is False


def test_a_display_is_as_right_as_its_worst_link():
    right, wrong, open_ = (Verdict(text, holds) for text, holds in (("a", True), ("b", False), ("c", None)))
    assert together("abc", [right, open_, wrong]).holds is False
    assert together("ac", [right, open_]).holds is None
    assert together("a", [right, right]).holds is True
    assert together("", []).reason == "there is no equation in it"


def test_conditions_are_collected_and_those_that_exclude_each_other_are_told():
    linear, squares = Verdict("a", True, "linear outputs"), Verdict("b", True, "squared error")
    assert together("ab", [linear, squares, linear]).condition == "linear outputs; squared error"
    activated = Verdict("c", True, "outputs with the activation function")
    both = together("ac", [linear, activated])
    assert both.holds is None
    assert "conditions that exclude each other" in both.reason


def test_what_looking_for_slips_costs_is_counted_and_ends():
    wrong, work = BACKPROPAGATION.replace("w_{kj}", "w_{jk}"), Work()
    assert judged(wrong, NOTATIONS["prml"], work).slips
    assert work.spent > 0
    tired = judged(wrong, NOTATIONS["prml"], Work(10**9))
    assert tired.holds is False
    assert not tired.slips or tired.slips[0].startswith(("transpose", "term"))


def test_a_chain_that_is_too_long_is_not_read():
    text = " = ".join([r"\delta_j"] * (MAX_LINKS + 2))
    assert f"more than {MAX_LINKS} equalities" in check_latex(text, notation="prml").reason


def test_a_notation_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="it must be a Notation or one of book, prml"):
        check_latex("a = a", notation="klingon")
