"""The inverse after an update: Sherman-Morrison and Woodbury, against inverses of explicit matrices."""

import pytest
import sympy as sp

from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import inverse_updates as of
from hesslib.derivations.exact_network import evaluate

OLD = sp.Matrix([[3, 1, 0], [1, 2, -1], [0, -1, 4]])
ONE = sp.Matrix([[1, -2, 3]])
BLOCK = sp.Matrix([[1, -2, 3], [0, 1, 1]])


def value_of(formula, rows, at):
    """A formula at explicit matrices, before (0) and after (1) the rows are added."""
    H = {0: OLD, 1: OLD + rows.T * rows}
    X = {layer: matrix.inv() for layer, matrix in H.items()}
    K = sp.eye(rows.rows) + rows * X[0] * rows.T
    arrays = {of.H: H, of.X: X, of.b: {1: rows.T}, of.C: {1: rows}}

    def value(x, _):
        if x in (of.sigma, of.alpha):
            return (K[0, 0] - 1) if x == of.sigma else sp.Integer(5)
        if x.base in (of.K, of.Y):
            return (K if x.base == of.K else K.inv())[int(x.indices[0]) - 1, int(x.indices[1]) - 1]
        layer, row, column = (*map(int, x.indices), 1)[:3]
        return arrays[x.base][layer][row - 1, column - 1]

    return evaluate(formula.subs(of.n, 1), value, lambda size: {of.P: 3, of.N: rows.rows}[size], at)


@pytest.mark.parametrize(
    ("chain", "rows"),
    [
        (of.sherman_morrison, ONE),
        (of.with_sigma, ONE),
        (of.difference, ONE),
        (of.projected, ONE),
        (of.solved, ONE),
        (of.woodbury, BLOCK),
        (of.block_difference, BLOCK),
        (of.block_projected, BLOCK),
        (of.block_solved, BLOCK),
    ],
)
def test_both_sides_are_equal_for_explicit_matrices(chain, rows):
    formula = chain()
    for first in (1, 2, 3):
        at = {of.i: first, of.k: 2, of.p: 1, of.q: min(2, rows.rows)}
        found = value_of(formula.result, rows, at)
        assert value_of(formula.lhs, rows, at) == found != 0


def test_the_update_is_the_entry_of_the_inverse_and_is_undone_by_the_new_matrix():
    new = (OLD + ONE.T * ONE).inv()
    assert value_of(of.sherman_morrison().result, ONE, {of.i: 1, of.k: 3}) == new[0, 2]
    identity = of.is_the_inverse()
    assert [value_of(identity.lhs, ONE, {of.i: 2, of.k: k}) for k in (1, 2, 3)] == [0, 1, 0]


def test_an_update_with_the_other_sign_or_without_the_one_is_refused():
    right = of.sherman_morrison()
    with pytest.raises(NotEqualError):
        right.stated(of.X[of.n - 1, of.i, of.k] + of.Xb(of.i) * of.bX(of.n - 1, of.k) / (1 + of.bXb()))
    with pytest.raises(NotEqualError):
        right.stated(of.X[of.n - 1, of.i, of.k] - of.Xb(of.i) * of.bX(of.n - 1, of.k) / of.bXb())


def test_the_start_makes_the_inverse_too_small_by_a_fraction_known_by_hand():
    at = {of.lam: 2, of.alpha: 1, of.beta: 3}
    assert of.bias_of_the_start().result.subs(at) == sp.Rational(1, 2) - sp.Rational(1, 3)
    assert of.first_update().result.subs(at) == sp.Rational(1, 4)
    first, later = of.sum_of_outer_products()
    assert value_of(first.rhs, ONE, {of.j: 1, of.k: 1}) == 5
    assert value_of(later.rhs, ONE, {of.j: 1, of.k: 3}) == (OLD + ONE.T * ONE)[0, 2]
