"""The approximations of the Hessian, derived: every chain is decided, and holds on exact instances where it should."""

import pytest
import sympy as sp
from sympy import Rational

from hesslib.calculus.index import KroneckerDelta, S, Tensor, index
from hesslib.calculus.normal import equal
from hesslib.calculus.rewriting import fact
from hesslib.calculus.steps import NotEqualError, Steps
from hesslib.derivations import diagonal, outer_products
from hesslib.derivations import inverse_updates as inverse
from hesslib.derivations.exact_network import Instance, evaluate
from hesslib.derivations.network import i, j, l

p, q, r, s = index("p q r s")
N = sp.Symbol("N", integer=True, positive=True)
A, X = Tensor("A", shape=(N, N)), Tensor("X", shape=(N, N))
x = Tensor("x", shape=(N,))
is_identity = fact(S("q", N, lambda q: A[p, q] * X[q, r]), KroneckerDelta(p, r), p, r)


def test_a_fact_is_used_wherever_its_left_side_occurs():
    twice = S("p", N, lambda p: S("q", N, lambda q: S("r", N, lambda r: A[s, p] * X[p, q] * A[q, r] * X[r, s])))
    assert equal(is_identity(twice), sp.S.One)


def test_a_fact_about_a_product_is_not_used_for_its_transpose():
    transposed = S("q", N, lambda q: A[q, p] * X[q, r])
    assert equal(is_identity(transposed), transposed)


def test_a_fact_is_used_for_either_order_of_symmetric_slots():
    symmetric = Tensor("K", shape=(N, N), symmetric=True)
    rule = fact(S("q", N, lambda q: symmetric[p, q] * X[q, r]), KroneckerDelta(p, r), p, r)
    assert equal(rule(S("q", N, lambda q: symmetric[q, p] * X[q, r])), KroneckerDelta(p, r))


def test_a_fact_is_not_used_where_its_summed_index_occurs_once_more():
    tied = S("q", N, lambda q: A[p, q] * X[q, r] * x[q])
    assert equal(is_identity(tied), tied)


def test_a_fact_that_brings_back_its_own_left_side_is_stopped():
    forever = fact(x[p], 2 * x[p], p)
    with pytest.raises(RuntimeError, match="still applies after"):
        forever(x[q])


def test_a_fact_has_one_product_on_its_left():
    with pytest.raises(ValueError, match="one product of tensors"):
        fact(x[p] + 1, sp.S.Zero, p)


PLACES = [{l: layer, j: unit} for layer in (1, 2, 3) for unit in (1, 2)]


def test_an_entry_of_the_diagonal_holds_on_an_exact_instance():
    small = Instance((2, 2, 2, 2))
    assert small.verify(diagonal.weight_entry(), [{**at, i: source} for at in PLACES for source in (1, 2)]).passed
    assert small.verify(diagonal.bias_entry(), PLACES).passed


def test_the_recursion_for_the_curvature_holds_on_an_exact_instance():
    places = [{**at, diagonal.j_: unit} for at in PLACES[:4] for unit in (1, 2)]
    assert Instance((2, 2, 2, 2)).verify(diagonal.curvature(), places).passed


def test_the_curvature_is_found_by_two_roads():
    assert equal(diagonal.from_general_recursion().result, diagonal.curvature().result)


@pytest.mark.parametrize(
    ("widths", "exact"), [((2, 2, 1), True), ((2, 2, 1, 1), True), ((2, 2, 2), False), ((2, 2, 2, 1), False)]
)
def test_the_neglect_changes_nothing_exactly_where_there_is_nothing_to_neglect(widths, exact):
    check = Instance(widths).verify(diagonal.becker_lecun(), PLACES[:2])
    assert check.passed is exact


def test_a_neglect_is_never_called_derived():
    assert diagonal.becker_lecun().established == "approximation"
    assert outer_products.gauss_newton_of(outer_products.general()).established == "approximation"
    assert diagonal.uncoupled_outputs().established == "derived"


@pytest.mark.parametrize("derive", [outer_products.regression, outer_products.logistic, outer_products.softmax])
def test_the_residual_part_cannot_be_left_out_of_an_equality(derive):
    whole = derive()
    kept = outer_products.gauss_newton_of(derive()).result
    with pytest.raises(NotEqualError):
        Steps(whole.result).then(kept, "no residual part")


def test_both_updates_of_the_inverse_hold_for_rational_matrices():
    H = sp.Matrix([[3, 1, Rational(1, 2)], [1, 2, 0], [Rational(1, 2), 0, 5]])
    C = sp.Matrix([[2, Rational(-1, 3), 1], [0, 1, Rational(3, 4)]])
    old = H.inv()
    K = sp.eye(2) + C * old * C.T
    tables = {
        inverse.X: lambda layer, row, column: old[row - 1, column - 1],
        inverse.b: lambda layer, row: C[0, row - 1],
        inverse.C: lambda layer, row, column: C[row - 1, column - 1],
        inverse.Y: lambda row, column: K.inv()[row - 1, column - 1],
    }
    sizes = {inverse.P: 3, inverse.N: 2}.get

    def value(e, _):
        return tables[e.base](*[number if number.free_symbols else int(number) for number in e.indices])

    one, block = (H + C[0, :].T * C[0, :]).inv(), (H + C.T * C).inv()
    for formula, expected in ((inverse.sherman_morrison().result, one), (inverse.woodbury().result, block)):
        found = [
            [evaluate(formula, value, sizes, {inverse.i: row, inverse.k: column}) for column in (1, 2, 3)]
            for row in (1, 2, 3)
        ]
        assert sp.Matrix(found) == expected


def test_the_update_times_the_new_matrix_is_the_identity():
    assert inverse.is_the_inverse().result == KroneckerDelta(inverse.i, inverse.k)
