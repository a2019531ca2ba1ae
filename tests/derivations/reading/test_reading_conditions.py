r"""Conditions in brackets, fractions in exponents, and one letter for a number and for what has indices."""

from __future__ import annotations

import pytest
import sympy as sp

from hesslib.calculus.index import KroneckerDelta, S, Tensor, index
from hesslib.calculus.indicators import within
from hesslib.derivations import check_latex
from hesslib.derivations.reading.beside import Sheet, check_sheet

i, k = index("i k")
N, P = sp.symbols("N P", integer=True, positive=True)
x = Tensor("x", shape=(N,))
PADDED = Sheet.of([(S("i", N, lambda i: KroneckerDelta(i, k + 1) * x[i]), within(1, k + 1, N) * x[k + 1])])


def verdict(text):
    return check_sheet(text, PADDED.data()).holds


SUM = r"\sum_{i=1}^{N} I_{i,k+1} x_i = "


@pytest.mark.parametrize(
    "right",
    [
        r"[1 \le k + 1 \le N] x_{k+1}",
        r"[1 \leq k + 1][k + 1 \leq N] x_{k+1}",
        r"[N \ge k + 1 \ge 1] x_{k+1}",
        r"[0 < k + 1 < N + 1] x_{k+1}",
        r"[1 \le k + 1 \le N]^2 x_{k+1}",
    ],
)
def test_a_condition_in_brackets_is_one_where_it_holds(right):
    assert verdict(SUM + right) is True


@pytest.mark.parametrize(
    "right",
    [
        r"[2 < k + 1 \le N] x_{k+1}",
        r"[1 \le k + 1 < N] x_{k+1}",
        r"[1 \le k + 1 \le 2] x_{k+1}",
        r"2 [1 \le k + 1 \le N] x_{k+1}",
    ],
)
def test_another_condition_is_refused(right):
    assert verdict(SUM + right) is False


@pytest.mark.parametrize(
    ("right", "reason"),
    [
        (r"[1 \le k + 1 \ge N] x_{k+1}", "one direction"),
        (r"[1 \neq k + 1] x_{k+1}", "cannot stand here|closes"),
        (r"[x_k \le N] x_{k+1}", "indices and sizes"),
        (r"[k \le] x_{k+1}", "cannot stand here"),
    ],
)
def test_a_condition_that_is_none_says_why(right, reason):
    found = check_sheet(SUM + right, PADDED.data())
    assert found.holds is None
    assert any(word in found.reason for word in reason.split("|")), found


def test_of_networks_no_condition_on_layers_is_decided():
    assert check_latex(r"[1 \le l \le L] E = E").holds is None


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (r"E^{\frac{1}{2}} E^{\frac12} = E", True),
        (r"E^{\frac{3}{2}} = E \sqrt{E}", True),
        (r"E^{-\frac{1}{2}} = \frac{1}{\sqrt{E}}", True),
        (r"E^{-3/2} = \frac{1}{E \sqrt{E}}", True),
        (r"E^{\frac{3}{2}} = E^{\frac{2}{3}}", False),
        (r"E^{-\frac{1}{2}} = \sqrt{E}", False),
        (r"E^{\frac 1 23} = E^{\frac{1}{23}}", False),
        (r"E^{\frac{1}{0}} = E", None),
        (r"E^{\frac{1}} = E", None),
        (r"E^{\frac} = E", None),
    ],
)
def test_an_exponent_may_be_a_fraction(text, holds):
    assert check_latex(text).holds is holds


def test_a_letter_may_be_a_number_and_with_indices_a_quantity():
    whole, part = sp.Symbol("E"), Tensor("E", shape=(P, N))
    total = S("p", P, lambda p: S("i", N, lambda i: part[p, i]))
    sheet = Sheet.of([(whole, total)]).data()
    assert check_sheet(r"E = \sum_i \sum_p E_{pi}", sheet).holds is True
    assert check_sheet(r"E = \sum_p E_{pi}", sheet).holds is not True
    assert check_sheet(r"E = 2 \sum_i \sum_p E_{pi}", sheet).holds is False
