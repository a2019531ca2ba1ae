r"""Formulas that write the activation function out, and losses that cancel its slope, hold under that condition."""

from __future__ import annotations

import pytest

from hesslib.derivations import check_latex

pytestmark = pytest.mark.usefixtures("no_slips")

SIGMOID, TANH, OWN = "the logistic sigmoid", "is tanh", "the loss that belongs to the outputs"
HOLDS = [
    ("nielsen", r"\delta_j^l = a_j^l (1 - a_j^l) \sum_k w_{kj}^{l+1} \delta_k^{l+1}", SIGMOID),
    ("nielsen", r"\frac{\partial a_j^l}{\partial z_j^l} = a_j^l (1 - a_j^l)", SIGMOID),
    ("nielsen", r"\delta_j^L = (a_j^L - y_j) a_j^L (1 - a_j^L)", SIGMOID),
    ("nielsen", r"\sigma'(z_j^l) = \sigma(z_j^l) (1 - \sigma(z_j^l))", SIGMOID),
    ("nielsen", r"\sigma''(z_j^l) = a_j^l (1 - a_j^l) (1 - 2 a_j^l)", SIGMOID),
    ("nielsen", r"a_j^l = \frac{1}{1 + e^{-z_j^l}}", SIGMOID),
    ("nielsen", r"\sigma'(z_j^l) = 1 - (a_j^l)^2", TANH),
    ("prml", r"z_j = \tanh(a_j)", TANH),
    ("prml", r"\delta_j = (1 - z_j^2) \sum_k w_{kj} \delta_k", TANH),
    ("prml", r"h'(a_j) = 1 - \tanh^2(a_j)", TANH),
    ("prml", r"h''(a_j) = -2 z_j (1 - z_j^2)", TANH),
    ("prml", r"\frac{\partial E}{\partial w_{ji}} = \sum_n x_{ni} (1 - z_{nj}^2) \sum_k w_{kj} \delta_{nk}", TANH),
    ("nielsen", r"\delta^L = a^L - y", OWN),
    ("nielsen", r"\delta_j^L = \frac{\partial C}{\partial a_j^L} \sigma'(z_j^L) = a_j^L - y_j", OWN),
    ("nielsen", r"\frac{\partial C}{\partial w_{jk}^L} = \frac1n \sum_x a_k^{L-1} (a_j^L - y_j)", OWN),
]
WRONG = [
    ("nielsen", r"\delta_j^l = a_j^l (1 + a_j^l) \sum_k w_{kj}^{l+1} \delta_k^{l+1}"),
    ("nielsen", r"\delta_j^l = (1 - a_j^l) \sum_k w_{kj}^{l+1} \delta_k^{l+1}"),
    ("nielsen", r"\delta_j^l = a_j^{l-1} (1 - a_j^{l-1}) \sum_k w_{kj}^{l+1} \delta_k^{l+1}"),
    ("nielsen", r"\sigma''(z_j^l) = a_j^l (1 - a_j^l) (1 - a_j^l)"),
    ("nielsen", r"a_j^l = \frac{1}{1 + e^{z_j^l}}"),
    ("nielsen", r"a_j^l = \frac{1}{1 + e^{-z_j^{l-1}}}"),
    ("prml", r"\delta_j = (1 - z_j)^2 \sum_k w_{kj} \delta_k"),
    ("prml", r"\delta_j = (1 - z_j^2) \sum_k w_{kj}"),
    ("prml", r"z_j = \tanh(z_j)"),
    ("prml", r"h'(a_j) = \tanh(a_j)"),
    ("nielsen", r"\delta^L = y - a^L"),
    ("nielsen", r"\delta_j^L = \frac{\partial C}{\partial a_j^L} = a_j^L - y_j"),
    ("nielsen", r"\delta_j^l = a_j^l - y_j"),
]


@pytest.mark.parametrize(("notation", "text", "condition"), HOLDS)
def test_a_function_that_is_written_out_is_a_condition(notation, text, condition):
    verdict = check_latex(text, notation=notation)
    assert verdict.holds is True, verdict
    assert condition in verdict.condition


@pytest.mark.parametrize(("notation", "text"), WRONG)
def test_under_no_activation_function_that_is_known_what_is_wrong_holds(notation, text):
    assert check_latex(text, notation=notation).holds is not True


def test_what_holds_for_every_activation_function_has_no_such_condition():
    assert check_latex(r"\delta_j = h'(a_j) \sum_k w_{kj} \delta_k", notation="prml").condition == ""


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        (r"\sigma'(z) = \sigma(z) (1 - \sigma(z))", SIGMOID),
        (r"\sigma(z) = \frac{1}{1 + e^{-z}}", SIGMOID),
        (r"\sigma'(z) = 1 - \sigma(z)^2", TANH),
        (r"\sigma(z) + \sigma(z) = 2 \sigma(z)", ""),
    ],
)
def test_an_identity_of_the_activation_function_holds_at_any_number(text, condition):
    verdict = check_latex(text, notation="nielsen")
    assert verdict.holds is True, verdict
    assert condition in verdict.condition


@pytest.mark.parametrize(
    "text",
    [
        r"\sigma'(z) = \sigma(z) (1 + \sigma(z))",
        r"\sigma(z) = \frac{1}{1 + e^{z}}",
        r"\sigma(z) = z",
        r"\sigma(z) = z_j^l",
        r"\sigma'(z) = \sigma(w)",
        r"\delta_j^l = \sigma'(z)",
    ],
)
def test_what_is_no_identity_of_it_is_not_called_one(text):
    assert check_latex(text, notation="nielsen").holds is not True


CROSS = "cross-entropy error"


@pytest.mark.parametrize(
    ("notation", "text"),
    [
        ("nielsen", r"C = -\frac1n \sum_x \sum_j [y_j \ln a_j^L + (1 - y_j) \ln (1 - a_j^L)]"),
        ("nielsen", r"\frac{\partial C}{\partial a_j^L} = \frac{1 - y_j}{1 - a_j^L} - \frac{y_j}{a_j^L}"),
        ("nielsen", r"\delta_j^L = \frac{a_j^L - y_j}{a_j^L (1 - a_j^L)} \sigma'(z_j^L) = a_j^L - y_j"),
        ("prml", r"E = -\sum_n \{ t_n \ln y_n + (1 - t_n) \ln (1 - y_n) \}"),
    ],
)
def test_a_formula_may_be_about_the_cross_entropy(notation, text):
    verdict = check_latex(text, notation=notation)
    assert verdict.holds is True, verdict
    assert CROSS in verdict.condition


@pytest.mark.parametrize(
    ("notation", "text"),
    [
        ("nielsen", r"C = -\frac1n \sum_x \sum_j [y_j \ln a_j^L - (1 - y_j) \ln (1 - a_j^L)]"),
        ("nielsen", r"C = -\sum_x \sum_j [y_j \ln a_j^L + (1 - y_j) \ln (1 - a_j^L)]"),
        ("nielsen", r"\frac{\partial C}{\partial a_j^L} = \frac{1 - y_j}{1 - a_j^L} + \frac{y_j}{a_j^L}"),
        ("nielsen", r"\delta_j^L = \frac{a_j^L - y_j}{a_j^L (1 + a_j^L)} \sigma'(z_j^L)"),
        ("prml", r"E = \sum_n \{ t_n \ln y_n + (1 - t_n) \ln (1 - y_n) \}"),
        ("nielsen", r"a_j^L = \frac{e^{z_j^L}}{\sum_k e^{z_k^L}}"),
    ],
)
def test_another_loss_or_function_is_not_called_right(notation, text):
    assert check_latex(text, notation=notation).holds is not True


def test_a_function_that_is_not_known_is_not_called_wrong():
    softmax = check_latex(r"a_j^L = \frac{e^{z_j^L}}{\sum_k e^{z_k^L}}", notation="nielsen")
    assert softmax.holds is None
    assert "a function is written out" in softmax.reason


@pytest.mark.parametrize(
    "text",
    [
        r"\delta_j = z_j (1 - z_j) \sum_k w_{kj} \delta_k \\ \delta_j = (1 - z_j^2) \sum_k w_{kj} \delta_k",
        r"y_k = a_k \\ y_k = h(a_k)",
        r"\delta_k = h'(a_k) (y_k - t_k) \\ E = -\sum_k [t_k \ln y_k + (1 - t_k) \ln (1 - y_k)]",
    ],
)
def test_conditions_that_exclude_each_other_are_no_condition(text):
    verdict = check_latex(text, notation="prml")
    assert verdict.holds is None, verdict
    assert "exclude each other" in verdict.reason


def test_the_error_signal_of_cross_entropy_holds_beside_its_error_where_the_loss_belongs_to_the_outputs():
    text = r"\delta_k = y_k - t_k \\ E = -\sum_k [t_k \ln y_k + (1 - t_k) \ln (1 - y_k)]"
    verdict = check_latex(text, notation="prml")
    assert verdict.holds is True, verdict
    assert "the loss that belongs to the outputs" in verdict.condition
