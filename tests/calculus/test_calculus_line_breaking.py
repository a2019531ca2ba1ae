"""Long lines are broken between terms, and lose nothing by it."""

import pytest
import sympy as sp
from derived_chains import EVIDENCE, PRUNING

from hesslib.calculus.line_breaking import SHORT, WIDTH, Narrow, symbols
from hesslib.calculus.steps import Formula
from hesslib.derivations.evidence import alpha, gamma

CHAINS = EVIDENCE | PRUNING


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_narrow_display_has_the_record_of_the_whole_and_rows_that_fit(chain):
    steps = chain()
    narrow = Narrow(steps)
    assert narrow.established == "derived"
    assert narrow.checks == steps.checks
    rows = [row.split(" && ")[0] for row in narrow.latex().splitlines()[1:-1]]  # without reasons
    assert all(symbols(row) <= WIDTH + SHORT + 8 for row in rows)
    assert narrow.latex().count(" && ") == steps.latex().count(" && ")


def test_a_narrow_display_of_a_sum_without_indices_is_broken_between_its_terms():
    scalars = sp.symbols("first second third fourth", positive=True)
    long = sum(x**2 + 1 / x for x in scalars)
    assert Narrow(Formula(gamma, long)).latex().count(r"\\") >= 1
    assert Narrow(Formula(gamma, alpha)).latex().count(r"\\") == 0


@pytest.mark.parametrize(
    ("latex", "count"),
    [
        ("x", 1),
        (r"x_{ij}", 3),
        (r"\frac{1}{2} \, \alpha", 3),
        (r"\left(a + b\right)", 5),
        (r"\sum_{i} x_{i}", 4),
        ("", 0),
    ],
)
def test_a_command_counts_once_and_fonts_and_braces_not_at_all(latex, count):
    assert symbols(latex) == count


def test_no_term_is_lost_where_a_line_is_broken():
    letters = sp.symbols("a:h", positive=True)
    shown = Narrow(Formula(gamma, sum(letter**2 for letter in letters))).latex()
    assert shown.count(r"\\") >= 1
    assert all(sp.latex(letter**2) in shown for letter in letters)
