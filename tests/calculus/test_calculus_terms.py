"""From an expression to its terms: the value is that of the expression, the work is counted, the rest is refused."""

import pytest
import sympy as sp
from term_values import value_of

from hesslib.calculus.index import Diff, KroneckerDelta, Operator, S, Tensor, freshen, index
from hesslib.calculus.indicators import Holds
from hesslib.calculus.terms import (
    WORK_LIMIT,
    Term,
    WorkLimitError,
    admit,
    allowance,
    bounded,
    charge,
    key,
    renamed,
    terms,
)
from hesslib.derivations.exact_network import evaluate

N = sp.Symbol("N", integer=True, positive=True)
i, k, q = index("i k q")
x, A = Tensor("x", shape=(N,)), Tensor("A", shape=(N, N))
s, t = sp.symbols("s t")


def of(e):
    return terms(freshen(e), lambda x: x)


def numbers(e, size):
    """A formula written out, its sums added up."""
    return evaluate(e, lambda x, _: x, int, {N: size})


@pytest.mark.parametrize(
    ("e", "count"),
    [
        ((s + t) * (s - t), 3),
        ((x[1] + s) ** 3, 4),
        (S("k", N, lambda k: x[k] + s), 2),
        (S("k", N, lambda k: x[k]) ** 2, 1),
        (S("k", N, lambda k: x[k] * S("q", k, lambda q: A[k, q])), 1),
        (3 * S("k", N, lambda k: x[k]) * (s + S("k", N, lambda k: x[k] ** 2)), 2),
        (sp.Integer(7), 1),
    ],
)
def test_the_terms_add_up_to_the_expression(e, count):
    found = of(e)
    assert len(found) == count
    for size in (1, 2, 3):
        assert sp.expand(sum(value_of(t, {N: sp.Integer(size)}) for t in found) - numbers(e, size)) == 0


def test_the_square_of_a_sum_has_two_indices():
    (square,) = of(S("k", N, lambda k: x[k]) ** 2)
    assert len(square.dummies) == 2
    again = renamed(square)
    assert not again.dummies.keys() & square.dummies.keys()
    assert value_of(again, {N: sp.Integer(2)}) == value_of(square, {N: sp.Integer(2)})


def test_a_named_derivative_is_linear_and_that_of_a_number_is_nothing():
    R = Operator("R")
    (product,) = of(Diff(R, 3 * x[i] * KroneckerDelta(i, k) * N))
    assert product.coeff == 3
    assert set(product.factors) == {Diff(R, x[i]), KroneckerDelta(i, k), N}
    assert of(Diff(R, N * Holds(i - k))) == []
    assert len(of(Diff(R, s + t))) == 2


def test_work_is_counted_within_one_question_and_ends_at_the_limit():
    charge(10 * WORK_LIMIT, "outside of a question")
    with bounded():
        charge(WORK_LIMIT, "just enough")
        with pytest.raises(WorkLimitError, match=f"one more would bring the work to {WORK_LIMIT + 1} steps"):
            charge(1, "one more")
    with bounded():
        charge(WORK_LIMIT, "a new question")
        with bounded(), pytest.raises(WorkLimitError):
            charge(1, "inside it")
    with allowance(10), pytest.raises(WorkLimitError):
        charge(11, "more than was allowed")


@pytest.mark.parametrize(
    ("e", "kind", "message"),
    [
        (sp.Symbol("M", commutative=False) * s, TypeError, "does not commute"),
        (s + sp.oo, ValueError, "divided by zero"),
        (sp.Float(0.1) * s, TypeError, "give numbers exactly"),
        (sp.Integral(s, s), TypeError, "knows no Integral"),
        (sp.Derivative(sp.Function("f")(s), s), TypeError, "knows no Derivative"),
        (x[sp.Symbol("_0_1", integer=True)], ValueError, "are those of normal forms"),
    ],
)
def test_what_has_no_normal_form_is_refused(e, kind, message):
    with pytest.raises(kind, match=message):
        admit(e)


def test_the_key_of_an_expression_does_not_depend_on_the_order_of_its_parts():
    assert key(s + t) == key(t + s)
    assert key(s * t) != key(s + t)
    assert key(A[i, k]) != key(A[k, i])
    assert key(x[i]) != key(Tensor("x", shape=(N + 1,))[i])
    assert len({key(sp.Dummy("k")), key(sp.Dummy("k")), key(sp.Symbol("k"))}) == 3
    assert Term(s, (x[i],), {k: N}).factors == [x[i]]
