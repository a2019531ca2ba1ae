r"""Dots in a sum are read where the terms around them say what they stand for."""

from __future__ import annotations

import pytest

from hesslib.derivations import check_latex

pytestmark = pytest.mark.usefixtures("no_slips")

INPUTS = r"w_{j1}^{(l)} z_1^{(l-1)} + w_{j2}^{(l)} z_2^{(l-1)} + \cdots + w_{j n_{l-1}}^{(l)} z_{n_{l-1}}^{(l-1)}"


@pytest.mark.parametrize(
    "text",
    [
        r"a_j^{(l)} = " + INPUTS + r" + b_j^{(l)}",
        r"a_j^{(l)} = b_j^{(l)} + w_{j1}^{(l)} z_1^{(l-1)} + \ldots + w_{j,n_{l-1}}^{(l)} z_{n_{l-1}}^{(l-1)}",
        r"E = E_1 + E_2 + \dots + E_N",
        r"E = E_1 + \dots + E_{N}",
        r"\frac{\partial E}{\partial w_{ji}^{(l)}} = \delta_{1j}^{(l)} z_{1i}^{(l-1)} + \dots"
        r" + \delta_{Nj}^{(l)} z_{Ni}^{(l-1)} + \sum_n 0 \cdot E_n",
        r"\sum_k \delta_k^{(l)} = \delta_1^{(l)} + \delta_2^{(l)} + \delta_3^{(l)} + \dots + \delta_{n_l}^{(l)}",
    ],
)
def test_a_sum_with_dots_is_the_sum_over_an_index(text):
    assert check_latex(text).holds is True


@pytest.mark.parametrize(
    "text",
    [
        r"a_j^{(l)} = " + INPUTS,
        r"a_j^{(l)} = b_j^{(l)} + " + INPUTS.replace("z_{n_{l-1}}", "z_1").replace("z_2", "z_1"),
        r"E = 2 E_1 + 2 E_2 + \dots + 2 E_N",
        r"E = E_1 + \dots + E_N + E_1",
    ],
)
def test_a_sum_with_dots_that_is_another_is_refused(text):
    assert check_latex(text).holds is False


@pytest.mark.parametrize(
    "text",
    [
        r"E = E_1 + E_3 + \dots + E_N",
        r"E = E_2 + \dots + E_N",
        r"E = E_1 + \dots",
        r"E = \dots + E_N",
        r"E = E_1 + \dots - E_N",
        r"E = E_1 \cdots E_N",
        r"E = E_1 + \dots + E_N + \dots",
        r"a_j^{(l)} = " + INPUTS.replace("w_{j2}", "w_{2j}"),
        r"\sum_k \delta_k^{(l)} = \delta_1^{(l)} + \dots + \delta_k^{(l)}",
    ],
)
def test_dots_that_could_be_anything_are_not_guessed(text):
    verdict = check_latex(text)
    assert verdict.holds is None, verdict


def test_a_range_beside_a_formula_is_no_formula():
    assert check_latex(r"z_j^{(l)} = h(a_j^{(l)}), \qquad j = 1, \dots, n_l").holds is True
    assert check_latex(r"z_j^{(l)} = a_j^{(l)}, \quad l = 1, 2, \ldots, L").holds is False
    assert check_latex(r"j = 1, \dots, n_l").holds is None
