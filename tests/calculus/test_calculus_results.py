"""Results are recognised where a later derivation uses them, and their grounds are inherited."""

import pytest
import sympy as sp

from hesslib.calculus.index import Diff, S, Tensor, index
from hesslib.calculus.provenance import collecting
from hesslib.calculus.results import earlier, forgetting, inserting, matched, remember
from hesslib.calculus.steps import Steps

N = sp.Symbol("N", integer=True, positive=True)
L = sp.Symbol("L", integer=True, positive=True)
i, j, k, l = index("i j k l")
x, y, A = Tensor("x", shape=(N,)), Tensor("y", shape=(N,)), Tensor("A", shape=(N, N))
a = Tensor("a", layers=1, shape=lambda l: (N,))


def twice():
    return Steps(y[i]).then(2 * x[i], using={y: lambda i: 2 * x[i]})


def test_a_result_is_known_at_any_letters_until_it_is_forgotten():
    with forgetting():
        chain = twice()
        assert earlier(y[j]) == (chain, 2 * x[j])
        assert earlier(y[j], 2 * x[j])[0] is chain
        assert earlier(y[j], 3 * x[j]) is None
        assert earlier(x[j]) is None
    assert earlier(y[j]) is None


def test_the_last_result_comes_first_and_one_that_says_the_same_takes_its_place():
    first, again = twice(), twice()
    assert earlier(y[i])[0] is again
    other = Steps(y[i]).then(x[i] + 1, using={y: lambda i: x[i] + 1})
    assert earlier(y[i])[0] is other
    assert earlier(y[i], 2 * x[i])[0] is again
    remember(first)
    assert earlier(y[i])[0] is first


@pytest.mark.parametrize(
    ("pattern", "e", "letters"),
    [
        (A[i, j], A[j, 2], {i: j, j: 2}),
        (A[i, i], A[j, j], {i: j}),
        (A[i, i], A[j, k], None),
        (A[i, j], x[i], None),
        (a[l + 1, i], a[L, j], {l: L - 1, i: j}),
        (Diff(x[i], y[j]), Diff(x[k], y[1]), {i: k, j: 1}),
        (Diff(x[i], y[j]), Diff(y[i], y[j]), None),
    ],
)
def test_a_formula_is_matched_by_what_its_letters_are(pattern, e, letters):
    found = {}
    assert matched(pattern, e, found) == (letters is not None)
    if letters is not None:
        assert found == letters


def test_an_approximation_stays_one_when_its_equation_is_put_in_by_hand():
    Steps(y[i]).then(x[i] + x[i] ** 2, using={y: lambda i: x[i] + x[i] ** 2}).neglect(x[i], "small")
    later = Steps(S("k", N, lambda k: y[k])).then(S("k", N, lambda k: x[k]), using={y: lambda k: x[k]})
    assert later.established == "approximation"


def test_what_is_inserted_is_told_with_the_result_behind_it():
    chain = twice()
    with collecting() as used:
        found = inserting(chain)(y[j] ** 2 + y[k])
    assert found == 4 * x[j] ** 2 + 2 * x[k]
    assert [(g.kind, g.about) for g in used] == [("result", chain)]
    with collecting() as used:
        assert inserting(chain)(x[j]) == x[j]
    assert len(used) == 0
