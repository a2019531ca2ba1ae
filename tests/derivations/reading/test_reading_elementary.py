r"""Formulas on a book's first pages: gradients of products, $\sigma$ and tanh, whole networks, sums up to a letter."""

# ruff: noqa: E501

from __future__ import annotations

import pytest
import sympy as sp

from hesslib.derivations import check_latex
from hesslib.derivations.reading.activations import same_by_exponentials

X = sp.Symbol("x", real=True)
TWO = "a network with two layers"

# a formula, what its condition says, and one token to change so that it is wrong
RIGHT = [
    ("book", r"\nabla \frac{\lambda}{2} \|w\|_2^2 = \lambda w", "", ("= \\lambda", "= 2 \\lambda")),
    ("book", r"\nabla \frac12 w^T w = w", "", ("= w", "= 2 w")),
    ("book", r"\nabla w^T v = v", "", ("= v", "= w")),
    ("book", r"\nabla \lambda E = \lambda \nabla E", "", ("= \\lambda", "= 2 \\lambda")),
    ("book", r"\nabla 2 \cdot E = 2 \nabla E", "", ("= 2", "= ")),
    ("book", r"\nabla_{a^{(l)}} E \, z^{(l-1)T} = \delta^{(l)} z^{(l-1)T}", "", ("= ", "= 2 ")),
    ("book", r"\frac{\partial y}{\partial x} = W^{(2)} \operatorname{diag}(h'(a^{(1)})) W^{(1)}", TWO, ("h'", "h''")),
    ("book", r"y = W^{(2)} h(W^{(1)} x + b^{(1)}) + b^{(2)}", TWO, ("+ b^{(2)}", "- b^{(2)}")),
    ("book", r"\delta^{(1)} = h'(a^{(1)}) \odot W^{(2)\top} (y - t)", TWO, ("(y - t)", "(y + t)")),
    ("book", r"z^{(2)} = h(W^{(2)} h(W^{(1)} x + b^{(1)}) + b^{(2)})", "", ("+ b^{(2)}", "- b^{(2)}")),
    ("book", r"\sigma'(a) = \sigma(a)(1 - \sigma(a))", "", ("1 -", "1 +")),
    ("book", r"\sigma''(a) = \sigma(a)(1 - \sigma(a))(1 - 2\sigma(a))", "", ("2", "3")),
    ("book", r"\sigma(-a) = 1 - \sigma(a)", "", ("1", "2")),
    ("book", r"\tanh(a) = 2\sigma(2a) - 1", "", ("(2a)", "(a)")),
    ("book", r"\sigma(a) = \frac12 (1 + \tanh(a/2))", "", ("a/2", "a")),
    ("book", r"\frac{d}{da} \tanh(a) = 1 - \tanh^2(a)", "", ("1 -", "1 +")),
    ("mackay", r"\tanh'(a) = 1 - \tanh^2(a)", "", ("1 -", "1 +")),
    ("book", r"\tanh''(a) = -2 \tanh(a) (1 - \tanh^2(a))", "", ("-2", "2")),
    ("book", r"\frac{d}{da} \ln(1 + e^a) = \sigma(a)", "", ("= ", "= 2")),
    ("book", r"\ln \sigma(a) = -\ln(1 + e^{-a})", "", ("-\\ln", "\\ln")),
    ("prml", r"\tanh(a) = \frac{e^a - e^{-a}}{e^a + e^{-a}}", "", ("e^a - e", "2 e^a - e")),
    ("prml", r"\delta_j = h'(a_j) \sum_{k=1}^K w_{kj} \delta_k", "", ("h'", "h''")),
    ("prml", r"\delta_j = (1 - z_j^2) \sum_{k=1}^K w_{kj} \delta_k", "tanh", ("1 -", "1 +")),
    ("prml", r"a_j = \sum_{i=1}^D w_{ji}^{(1)} x_i + b_j^{(1)}", "", ("{i=1}^D", "{i=1}^K")),
    ("prml", r"y_k = \sum_{j=1}^M w_{kj}^{(2)} h\left(\sum_{i=1}^D w_{ji}^{(1)} x_i\right)", "linear", ("w_{kj}", "w_{jk}")),
    ("prml", r"y_k = \sigma\left(\sum_j w_{kj}^{(2)} h\left(\sum_i w_{ji}^{(1)} x_i\right)\right)", "logistic", ("{ji}", "{ij}")),
    ("prml", r"J_{ki} = \frac{\partial y_k}{\partial x_i} = \sum_j w_{ji} \frac{\partial y_k}{\partial a_j}", "", ("{ji}", "{ij}")),
    ("prml", r"J_{ki} = \sum_j w_{kj} h'(a_j) w_{ji}", "linear", ("h'", "h''")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("notation", "text", "condition", "slip"), RIGHT, ids=lambda x: x if isinstance(x, str) else ""
)
def test_what_is_right_holds_and_with_one_slip_it_does_not(notation, text, condition, slip):
    verdict = check_latex(text, notation=notation)
    assert verdict.holds is True, verdict.reason
    assert condition in verdict.condition
    if not condition:
        assert TWO not in verdict.condition
    assert slip[0] in text
    assert check_latex(text.replace(*slip), notation=notation).holds is not True


IDENTITY = [
    (r"\nabla\nabla \left(E + \frac\alpha2 w^T w\right) = H + \alpha I", ("alpha I", "alpha I I I")),
    (r"(H + \alpha I) v = H v + \alpha v", None),
    (r"v^T (H + \alpha I) v = v^T H v + \alpha v^T v", None),
    (r"I W^{(l)} = W^{(l)} I", None),
    (r"\frac I2 H + H \frac I2 = H", None),
    (r"(I + I) v = 2 I^T v", None),
    (r"w^T I = w^T", None),
    (r"\frac{\partial a^{(l)}}{\partial b^{(l)}} = I", None),
    (r"I \odot I = I", None),
]


@pytest.mark.parametrize(("text", "also"), IDENTITY, ids=lambda x: x if isinstance(x, str) else "")
def test_the_identity_matrix_is_as_large_as_what_it_stands_beside(text, also):
    verdict = check_latex(text)
    assert verdict.holds is True, verdict.reason
    assert check_latex(text + (" + I" if text.endswith(("I", "H")) else " 2")).holds is not True
    if also:
        assert check_latex(text.replace(*also)).holds is True


@pytest.mark.parametrize(
    ("text", "holds", "reason"),
    [
        (r"(H + \alpha I) v = H v + v", False, ""),
        (r"\nabla\nabla \left(E + \frac\alpha2 w^T w\right) = H + 2\alpha I", False, ""),
        (r"I = 2 I", False, ""),
        (r"I = W^{(l)}", False, "different shapes, n by n and n_{l} by n_{l-1}"),
        (r"I \odot W^{(l)} = W^{(l)}", None, "takes equal shapes"),
        (r"\operatorname{tr}(I) = 1", None, "how large the identity matrix is"),
        (r"\|I\|^2 = 1", None, "how large the identity matrix is"),
        (r"h(I) = h(I)", None, "how large the identity matrix is"),
        (r"I + 1 = I", None, "a number and an array of n by n differ"),
        (r"I^2 = I", None, "no meaning"),
    ],
    ids=str,
)
def test_an_identity_matrix_that_does_not_fit_or_has_no_size_is_refused(text, holds, reason):
    verdict = check_latex(text)
    assert verdict.holds is holds
    assert reason in verdict.reason


WRONG = [
    ("book", r"\frac{d}{da} \tanh(a) = 1 + \tanh^2(a)"),
    ("book", r"\sigma'(a) = \sigma(a)(1 + \sigma(a))"),
    ("book", r"\tanh(a) = 2\sigma(a) - 1"),
    ("book", r"\nabla \frac12 w^T w = 2 w"),
    ("book", r"\nabla \frac{\lambda}{2} \|w\|^2 = \frac{\lambda}{2} w"),
    ("prml", r"a_k = \sum_{j=1}^K w_{kj}^{(2)} z_j + b_k^{(2)}"),
    ("prml", r"J_{ki} = \sum_j w_{jk} h'(a_j) w_{ji}"),
    ("book", r"\frac{\partial y}{\partial x} = W^{(1)} \operatorname{diag}(h'(a^{(1)})) W^{(2)}"),
]


@pytest.mark.parametrize(("notation", "text"), WRONG, ids=lambda x: x)
def test_what_is_wrong_does_not_hold(notation, text):
    assert check_latex(text, notation=notation).holds is False


OPEN = [
    (r"\nabla E E = 2 E \nabla E", "how far the gradient reaches is not clear"),
    (r"\nabla^2 E = H", "the Laplacian"),
    (r"\sin^2(a) + \cos^2(a) = 1", "no real numbers were found"),
]


@pytest.mark.parametrize(("text", "reason"), OPEN, ids=lambda x: x)
def test_what_could_be_two_things_or_is_not_known_is_left_open(text, reason):
    verdict = check_latex(text)
    assert verdict.holds is None
    assert reason in verdict.reason


def test_what_a_formula_says_of_any_depth_needs_no_second_layer():
    verdict = check_latex(r"\delta^{(1)} = h'(a^{(1)}) \odot W^{(2)\top} \delta^{(2)}")
    assert (verdict.holds, verdict.condition) == (True, "")


SAME = [
    (sp.cosh(X) ** 2 - sp.sinh(X) ** 2, sp.S.One, True),
    (sp.tanh(X), 1 - 2 / (1 + sp.exp(2 * X)), True),
    (sp.tanh(X / 2), 2 / (1 + sp.exp(-X)) - 1, True),
    (X, X, True),
    (X, 2 * X, False),
    (sp.exp(X), sp.exp(X) + 1, False),
    (sp.exp(X**2), sp.exp(X), False),
    (sp.sqrt(sp.exp(2 * X)), -sp.exp(X), False),
    (sp.tanh(X), sp.tanh(sp.Symbol("y", real=True)), False),
    (X * sp.exp(X), sp.exp(X), False),
]


@pytest.mark.parametrize(("one", "other", "same"), SAME, ids=str)
def test_functions_of_one_exponential_are_compared_as_fractions(one, other, same):
    assert same_by_exponentials(one, other) is same
