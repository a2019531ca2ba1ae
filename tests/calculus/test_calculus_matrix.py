"""Matrix notation: each formula is tied to its entries."""

import pytest
import sympy as sp

from hesslib.calculus.index import Elementwise, RangeError, S, Tensor, elementwise, index
from hesslib.calculus.matrix import MatrixFormula, diag, matrix, ones, outer
from hesslib.calculus.steps import Formula, NotEqualError
from hesslib.derivations import deep_hessian as second_order
from hesslib.derivations.exact_network import evaluate
from hesslib.derivations.network import a, b, delta, i, j, k, l, m, w


def test_matrix_formulas_are_tied_to_their_entries():
    signal = second_order.backpropagation()
    W, above, here = matrix(w, l + 1, latex="W"), matrix(delta, l + 1), matrix(delta, l)
    slopes = matrix(a, l).map(elementwise("h", 1))
    formula = MatrixFormula(here, slopes * (W.T @ above), signal, j)
    assert r"\layT{W}{l+1}" in formula.latex()
    assert "text/html" in formula._repr_mimebundle_()
    with pytest.raises(RangeError, match="columns"):
        W @ above
    with pytest.raises(RangeError, match="equal shapes"):
        here + above
    with pytest.raises(RangeError, match="takes two"):
        _ = here.T
    with pytest.raises(NotEqualError):
        MatrixFormula(here, W.T @ above, signal, j)
    gradient = second_order.block(b[m, k], w[l, j, i])
    assert gradient.formula().latex()
    N = sp.Symbol("N", integer=True, positive=True)
    x = Tensor("x", shape=(N,))
    X = outer(matrix(x), matrix(x)) + diag(matrix(x)) - outer(ones(N), matrix(x))
    assert sp.simplify(X.entry(*index("i j")) - X.T.entry(*index("j i"))) == 0


ROWS, COLUMNS = sp.symbols("N M", integer=True, positive=True)
A, B, v = Tensor("A", shape=(ROWS, COLUMNS)), Tensor("B", shape=(COLUMNS, ROWS)), Tensor("v", shape=(ROWS,))
ARRAYS = {
    A: sp.Matrix([[1, 2, 3], [4, -5, 6]]),
    B: sp.Matrix([[7, 1], [-2, 3], [0, 5]]),
    v: sp.Matrix([2, -3]),
}


def numbers(M):
    """All entries, with explicit arrays of two rows and three columns."""

    def value(x, _):
        if isinstance(x, Elementwise):
            return x.func(value(x.args[0], ()))
        return ARRAYS[x.base][tuple(int(s) - 1 for s in (*x.indices, 1)[:2])]

    count = {ROWS: 2, COLUMNS: 3}
    shape = [count[size] for size in M.sizes] + [1] * (2 - len(M.sizes))

    def entry(row, column):
        at = {i: row + 1, j: column + 1}
        return evaluate(M.entry(*(i, j)[: len(M.sizes)]), value, count.__getitem__, at)

    return sp.Matrix(*shape, entry)


def test_entries_are_those_of_explicit_matrices():
    a, b, x = ARRAYS.values()
    left, right, column = matrix(A), matrix(B), matrix(v)
    for written, value in (
        (left @ right, a * b),
        (left.T @ column, a.T * x),
        (left.T - right, a.T - b),
        (left + right.T, a + b.T),
        (left * right.T, a.multiply_elementwise(b.T)),
        (outer(column, column), x * x.T),
        (diag(column) @ left, sp.diag(*x) * a),
        (left.T @ ones(ROWS), a.T * sp.ones(2, 1)),
        (column.map(elementwise("h")), x.applyfunc(elementwise("h"))),
    ):
        assert numbers(written) == value
    assert evaluate((column @ column).entry(), lambda q, _: ARRAYS[v][int(q.indices[0]) - 1], lambda s: 2, {}) == 13


def test_a_matrix_prints_with_the_brackets_that_it_needs():
    left, right = matrix(A), matrix(B)
    assert ((left + right.T) @ right).latex == r"\left(A + B\tran\right) B"
    assert (left @ right).T.latex == r"\left(A B\right)\tran"
    assert left.T.T.latex == "A"
    assert (left - (left - right.T)).latex == r"A - \left(A - B\tran\right)"


def test_a_name_that_would_print_as_more_than_a_letter_is_refused():
    with pytest.raises(ValueError, match="the name of one quantity"):
        matrix(A, latex="2 A")
    by_indices = Formula(v[i], S("k", COLUMNS, lambda k: A[i, k] * B[k, i]))
    with pytest.raises(ValueError, match=r"must hold 1 different index letter"):
        MatrixFormula(matrix(v), matrix(v), by_indices, sp.Integer(1))
