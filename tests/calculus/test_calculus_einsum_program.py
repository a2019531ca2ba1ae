"""Programs of arrays: what was derived, compiled."""

import numpy as np
import pytest
import sympy as sp

from hesslib.calculus.einsum_program import NoCodeError, Program, source
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, elementwise, index


def test_a_program_compiles_what_was_derived_and_says_what_it_cannot():
    N = sp.Symbol("N", integer=True, positive=True)
    A, x = Tensor("A", shape=(N, N)), Tensor("x", shape=(N,))
    h = elementwise("h")
    r, s = index("r s")
    assert source(x[r] * KroneckerDelta(r, s), r, s) == "einsum('r,rs->rs', x, eye(N))"
    assert source(h(S("q", N, lambda q: A[r, q] * x[q])), r) == "h0(einsum('ra,a->r', A, x))"
    assert source(-2 * x[r], r) == "-2 * x"
    assert source(sp.Integer(0)) == "0"
    with pytest.raises(NoCodeError, match="no array counterpart"):
        source(Diff(x[r], x[s]), r, s)
    program = Program("doubled", "x")
    program.line("return " + source(2 * x[r], r))
    assert program.function(np)(3.0) == 6.0


N, M = sp.symbols("N M", integer=True, positive=True)
i, j, k = index("i j k")
A, B, x = Tensor("A", shape=(N, M)), Tensor("B", shape=(M, N)), Tensor("x", shape=(M,), pattern=True)
RNG = np.random.default_rng(0)
ARRAYS = {"A": RNG.standard_normal((2, 3)), "B": RNG.standard_normal((3, 2)), "x": RNG.standard_normal((4, 3))}


def run(e, *free, batch=False):
    made = Program("made", "A, B, x, N, M")
    made.line(f"return {source(e, *free, batch=batch)}")
    return made.function(np)(*ARRAYS.values(), 2, 3)


def test_compiled_formulas_are_what_loops_compute():
    a, b, x_ = ARRAYS.values()
    product = run(S("j", M, lambda j: A[i, j] * B[j, k]), i, k)
    transposed = run(S("j", M, lambda j: A[i, j] * B[j, k]), k, i)
    of_patterns = run(S("j", M, lambda j: A[i, j] * x[j]) - 2 * S("j", M, lambda j: B[j, i]), i, batch=True)
    summed = run(S("j", M, lambda j: sp.exp(x[j]) * B[j, i] ** 2), i)
    for row in range(2):
        for column in range(2):
            value = sum(a[row, m] * b[m, column] for m in range(3))
            assert np.isclose(product[row, column], value, rtol=1e-14)
            assert np.isclose(transposed[column, row], value, rtol=1e-14)
        for pattern in range(4):
            value = sum(a[row, m] * x_[pattern, m] - 2 * b[m, row] for m in range(3))
            assert np.isclose(of_patterns[pattern, row], value, rtol=1e-13)
        value = sum(np.exp(x_[pattern, m]) * b[m, row] ** 2 for pattern in range(4) for m in range(3))
        assert np.isclose(summed[row], value, rtol=1e-13)


def test_loops_go_up_and_down_with_both_ends_included():
    made = Program("visited", "L")
    layer, L = sp.symbols("l L", integer=True)
    made.line("seen = []")
    with made.loop(layer, 2, L):
        made.line("seen.append(l)")
    with made.loop(layer, L - 1, 1, down=True):
        made.line("seen.append(l)")
    made.line("return seen")
    assert made.function(np)(4) == [2, 3, 4, 3, 2, 1]


def test_what_is_added_is_added_to_what_the_target_was():
    made = Program("twice", "x")
    y = Tensor("y", shape=(M,), pattern=True)
    made.assign(y[j], x[j])
    made.assign(y[j], 2 * x[j], add=True)
    made.line("return y")
    np.testing.assert_array_equal(made.function(np)(ARRAYS["x"]), 3 * ARRAYS["x"])


REFUSED = {
    "a part of a slot": (lambda: source(S("j", M - 1, lambda j: A[i, j]), i), "is summed to M - 1 only"),
    "a number in a slot": (lambda: source(A[i, 1], i), "no array counterpart for the index 1"),
    "an index as a factor": (lambda: source(i * S("j", M, lambda j: A[i, j]), i), "the index i as a factor"),
    "a size that nothing tells": (lambda: source(sp.Symbol("c"), i), "the size of index i cannot be read off"),
    "two quantities of one name": (
        lambda: source(A[i, j] * Tensor("A", shape=(N,))[i], i, j),
        "would have the name A",
    ),
    "the name of a function": (lambda: source(Tensor("eye", shape=(N,))[i], i), "would have the name eye"),
}


@pytest.mark.parametrize(("what", "message"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_array_counterpart_is_refused(what, message):
    with pytest.raises(NoCodeError, match=message):
        what()
