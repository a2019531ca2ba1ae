"""A link that uses a fact, looked at with numbers for which the fact holds."""

import pytest
import sympy as sp

from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, elementwise, index
from hesslib.calculus.provenance import Ground
from hesslib.calculus.values_under_facts import UnfaithfulError, unconfirmed

K = sp.Symbol("K", integer=True, positive=True)
i, k = index("i k")
c, d = sp.symbols("c d")
t, x, y = (Tensor(name, shape=(K,)) for name in "txy")
H, X = Tensor("H", shape=(K, K)), Tensor("X", shape=(K, K))


def over(f):
    return S("p", K, f)


TOTAL = over(lambda p: t[p])
ONE = Ground("fact", TOTAL, sp.S.One)
INVERSE = Ground("fact", over(lambda p: H[i, p] * X[p, k]), KroneckerDelta(i, k))
CONFIRMED = {
    "shares add up to one": (c * TOTAL, c, [ONE]),
    "in a square": (TOTAL**2 + c, 1 + c, [ONE]),
    "an inverse": (over(lambda p: H[i, p] * over(lambda q: X[p, q] * x[q])), x[i], [INVERSE]),
    "an inverse from the other side": (over(lambda p: X[i, p] * over(lambda q: H[p, q] * x[q])), x[i], [INVERSE]),
    "two facts": (c * TOTAL + d, c + 3, [ONE, Ground("fact", d, sp.Integer(3))]),
    "a fact and a definition": (y[i] * TOTAL, 2 * x[i], [ONE, Ground("definition", y[i], 2 * x[i])]),
}


@pytest.mark.parametrize(("one", "other", "facts"), CONFIRMED.values(), ids=CONFIRMED)
def test_a_fact_that_was_used_rightly_is_confirmed(one, other, facts):
    assert unconfirmed(one, other, facts) == ""


UNFAITHFUL = {
    "the sign": (c * TOTAL, -c, [ONE]),
    "twice": (c * TOTAL, 2 * c, [ONE]),
    "a part of the sum": (over(lambda p: t[p] * x[p]), over(lambda p: x[p]), [ONE]),
    "a transpose, where the fact has a delta": (
        over(lambda p: H[i, p] * X[k, p]),
        KroneckerDelta(i, k),
        [Ground("fact", over(lambda p: H[i, p] * X[p, k]), KroneckerDelta(i, k))],
    ),
}


@pytest.mark.parametrize(("one", "other", "facts"), UNFAITHFUL.values(), ids=UNFAITHFUL)
def test_a_rewriting_that_did_something_else_is_found_out(one, other, facts):
    with pytest.raises(UnfaithfulError, match="the two sides have different values"):
        unconfirmed(one, other, facts)


WHY = {
    "a sentence": (c, c, [Ground("fact", "nothing bends")], "its fact is a sentence, which has no values"),
    "not linear": (
        over(lambda p: t[p] ** 2),
        sp.S.One,
        [Ground("fact", over(lambda p: t[p] ** 2), sp.S.One)],
        "no values were found that satisfy the fact",
    ),
    "under a derivative": (
        Diff(c, TOTAL),
        sp.S.Zero,
        [ONE],
        "its fact is used under a derivative, and values satisfy it at one point only",
    ),
    "functions": (
        elementwise("h")(TOTAL),
        sp.S.Zero,
        [ONE],
        "where its fact holds, it depends on what its functions are",
    ),
}


@pytest.mark.parametrize(("one", "other", "facts", "why"), WHY.values(), ids=WHY)
def test_where_no_numbers_can_tell_it_is_said_why(one, other, facts, why):
    assert unconfirmed(one, other, facts) == why
