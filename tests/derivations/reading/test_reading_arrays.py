"""Matrix notation as entries: products, transposes and traces of explicit matrices, and shapes that do not fit."""

import pytest
import sympy as sp

from hesslib.calculus.index import RangeError, Tensor
from hesslib.derivations.exact_network import evaluate
from hesslib.derivations.reading.arrays import Array, diag, fits, said, sums, times, together, trace

N, M = sp.symbols("N M", integer=True, positive=True)
A, B, v = Tensor("A", shape=(N, M)), Tensor("B", shape=(M, N)), Tensor("v", shape=(N,))
NUMBERS = {
    A: sp.Matrix([[1, 2, 3], [4, -5, 6]]),
    B: sp.Matrix([[7, 1], [-2, 3], [0, 5]]),
    v: sp.Matrix([2, -3]),
}
a, b = Array(N, M, lambda i, j: A[i, j]), Array(M, N, lambda i, j: B[i, j])
x = Array(N, None, lambda i, j: v[i])
SIZE = {N: 2, M: 3, None: 1}


def number(e):
    return evaluate(e, lambda q, _: NUMBERS[q.base][tuple(int(s) - 1 for s in (*q.indices, 1)[:2])], SIZE.get, {})


def matrix(array):
    """All entries at explicit matrices; a missing size is one."""

    def entry(i, j):
        at = [s + 1 if size is not None else None for s, size in zip((i, j), array.shape, strict=True)]
        return number(array.entry(*at))

    return sp.Matrix(SIZE[array.rows], SIZE[array.columns], lambda i, j: entry(int(i), int(j)))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (times(a, b), NUMBERS[A] * NUMBERS[B]),
        (times(a.T, x), NUMBERS[A].T * NUMBERS[v]),
        (times(x.T, a), NUMBERS[v].T * NUMBERS[A]),
        (times(x, x.T), NUMBERS[v] * NUMBERS[v].T),
        (times(diag(x), a), sp.diag(2, -3) * NUMBERS[A]),
        (times(sp.Integer(3), b), 3 * NUMBERS[B]),
        (times(b, sp.Integer(3)), 3 * NUMBERS[B]),
        (together(a, b.T, lambda p, q: p - q, "a difference"), NUMBERS[A] - NUMBERS[B].T),
        (a.map(lambda e: e**2), NUMBERS[A].applyfunc(lambda e: e**2)),
    ],
)
def test_entries_are_those_of_explicit_matrices(written, value):
    assert matrix(written) == value


def test_what_has_no_index_is_a_number():
    assert number(times(x.T, x)) == 13
    assert number(trace(times(a, b))) == (NUMBERS[A] * NUMBERS[B]).trace()
    assert number(sums(a)) == 11
    assert number(sums(x)) == -1
    assert times(sp.Integer(2), sp.Integer(3)) == 6
    assert together(sp.Integer(2), sp.Integer(3), lambda p, q: p + q, "a sum") == 5


REFUSED = {
    "an order": (lambda: times(a, a), "a product of N by M with N by M does not fit"),
    "a lost transpose": (lambda: times(x, x), "a transpose is lost, or an order"),
    "unequal shapes": (lambda: together(a, b, max, "a sum"), "a sum takes equal shapes; N by M and M by N differ"),
    "a number and an array": (lambda: together(a, sp.Integer(1), max, "a sum"), "a number and an array of N by M"),
    "the diagonal of a matrix": (lambda: diag(a), "diag takes a vector; this is N by M"),
    "the diagonal of a row": (lambda: diag(x.T), "diag takes a vector; this is 1 by N"),
    "the trace of a rectangle": (lambda: trace(a), "a trace takes a square matrix; this is N by M"),
}


@pytest.mark.parametrize(("what", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused(what, message):
    with pytest.raises(RangeError, match=message):
        what()


def test_a_shape_is_said_in_words():
    assert said(x.shape) == "N by 1"
    assert fits(a, b)
    assert not fits(a, x)
    assert fits(a.T, x)
