"""Matrix notation: each formula is tied to its entries."""

import pytest
import sympy as sp

from hesslib.calculus.index import RangeError, Tensor, elementwise, index
from hesslib.calculus.matrix import MatrixFormula, diag, matrix, ones, outer
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import deep_hessian as second_order
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
