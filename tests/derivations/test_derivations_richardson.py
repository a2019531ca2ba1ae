"""The deferred approach to the limit: what a column of the tableau removes, and what it keeps."""

import pytest
import sympy as sp
from derived_chains import require_derived

from hesslib.derivations import richardson

EQUATIONS = [richardson.term, richardson.to_the_parent]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_the_equation_is_derived_and_typesets(equation):
    require_derived(equation())


def test_the_next_column_keeps_the_limit_and_removes_one_power():
    assert all(check.passed for check in richardson.limit_is_kept())
    weights, sums = richardson.absolute_weights(sp.Integer(3), 4)
    assert sum(weights) == 1
    assert sums[-1] == sum(map(abs, weights))


def test_the_next_column_removes_its_power_and_keeps_the_limit():
    limit, power = sp.symbols("limit power")
    finer = limit + power * (richardson.eps / richardson.rho) ** (2 * richardson.m)
    coarser = limit + power * richardson.eps ** (2 * richardson.m)
    column = richardson.next_column().rhs
    assert sp.simplify(column.subs({richardson.finer: finer, richardson.coarser: coarser}) - limit) == 0


@pytest.mark.parametrize("ratio", [2, 3])
def test_the_weights_remove_every_even_power_below_the_last_column(ratio):
    columns = 4
    weights, _ = richardson.absolute_weights(sp.Integer(ratio), columns)
    moments = [
        sum(weight * sp.Rational(1, ratio ** (2 * power * row)) for row, weight in enumerate(weights))
        for power in range(columns + 1)
    ]
    assert moments[:columns] == [1, 0, 0, 0]
    assert moments[columns] != 0


def test_a_column_multiplies_a_term_by_its_factor():
    at = {richardson.rho: 2, richardson.m: 1, richardson.r: 2}
    assert richardson.factor.subs(at) == sp.Rational(-1, 4)  # (4 / 16 - 1) / 3
    assert richardson.factor.subs(richardson.r, richardson.m) == 0
