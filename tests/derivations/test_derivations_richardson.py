"""The deferred approach to the limit: what a column of the tableau removes, and what it keeps."""

import pytest
import sympy as sp

from hesslib.derivations import richardson

EQUATIONS = [richardson.term, richardson.to_the_parent]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_the_equation_is_derived_and_typesets(equation):
    e = equation()
    assert e.established == "derived"
    assert all(check.passed for check in e.checks)
    assert e.latex()


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
