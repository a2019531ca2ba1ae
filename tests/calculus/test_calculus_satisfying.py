"""A link that uses a fact is decided by values that satisfy it, before the fact was used; or it says why it is not."""

import pytest
import sympy as sp

from hesslib.calculus.decision import summary
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, index
from hesslib.calculus.provenance import Ground
from hesslib.calculus.rewriting import assuming, fact
from hesslib.calculus.steps import NotEqualError, Steps, UndecidedError
from hesslib.calculus.values_under_facts import UnfaithfulError, _eliminated, unconfirmed

i, j, k, n = index("i j k n")
N, K = sp.symbols("N K", integer=True, positive=True)
c = sp.Symbol("c")
x, z = Tensor("x", shape=(K,)), Tensor("z", shape=(K,))
y = Tensor("y", shape=(N, K))
H, X = Tensor("H", shape=(K, K)), Tensor("X", shape=(K, K))
total = S("k", K, lambda k: y[n, k])
sums_to_one = fact(total, sp.S.One, n)
inverse = fact(S("k", K, lambda k: H[i, k] * X[k, j]), KroneckerDelta(i, j), i, j)
turned = S("k", K, lambda k: S("q", K, lambda q: H[i, k] * X[k, q] * x[q]))

TWICE = {
    "a sum": (c * total, c, sums_to_one),
    "a square of a sum": (total**2, total, sums_to_one),
    "an inverse": (turned, x[i], inverse),
    "an entry": (x[i] ** 2, z[i] ** 2, fact(x[j], z[j], j)),
    "an equation that is declared": (c * total, c, assuming(total, 1, lambda e: e.subs(total, 1))),
}
FALSE = {
    "the fact makes nothing of it": (c * total, 2 * c, sums_to_one),
    "another power": (S("k", K, lambda k: y[n, k] ** 2), sp.S.One, sums_to_one),
    "the wrong side": (S("k", K, lambda k: S("q", K, lambda q: H[k, i] * X[q, k] * x[q])), 2 * x[i], inverse),
    "another entry": (x[i], z[j], fact(x[j], z[j], j)),
}


@pytest.mark.parametrize("case", TWICE.values(), ids=TWICE)
def test_a_fact_makes_a_link_true_that_is_false_without_it_and_it_is_decided_twice(case):
    left, right, using = case
    with pytest.raises((NotEqualError, UndecidedError)):
        Steps(left).then(right)
    chain = Steps(left).then(right, using=using)
    assert summary(chain.checks) == {"links": 1, "twice": 1, "once": {}}


@pytest.mark.parametrize("case", FALSE.values(), ids=FALSE)
def test_a_fact_does_not_make_a_false_link_true(case):
    left, right, using = case
    with pytest.raises(NotEqualError):
        Steps(left).then(right, using=using)


def test_a_rewriting_that_does_another_thing_than_its_fact_says_is_refused():
    lies = assuming(total, 1, lambda e: e.subs(c, 2 * x[i]).subs(x[i], c / 2).subs(total, 2))
    with pytest.raises(NotEqualError, match=r"where the fact holds .* assuming"):
        Steps(c * total).then(2 * c, using=lies)
    with pytest.raises(UnfaithfulError):
        unconfirmed(c * total, 2 * c, [Ground("fact", total, sp.S.One)])


ONCE = {
    "a sentence": (c * x[i], 0, assuming("c is nothing", None, lambda e: e.subs(c, 0)), "a sentence"),
    "quadratic": (
        S("k", K, lambda k: c * H[i, k] * H[j, k]),
        c * KroneckerDelta(i, j),
        fact(S("k", K, lambda k: H[i, k] * H[j, k]), KroneckerDelta(i, j), i, j),
        "no values were found that satisfy",
    ),
    "under a derivative": (
        Diff(c, x[i] * c),
        Diff(c, z[i] * c),
        assuming(x[i], z[i], lambda e: e.replace(lambda q: q == x[i], lambda _: z[i])),
        "under a derivative",
    ),
}


@pytest.mark.parametrize("case", ONCE.values(), ids=ONCE)
def test_where_no_values_can_confirm_a_link_the_ledger_says_why_it_was_decided_once(case):
    left, right, using, why = case
    chain = Steps(left).then(right, using=using)
    assert summary(chain.checks)["twice"] == 0
    (told,) = [str(check) for check in chain.checks if "alone" in str(check)]
    assert why in told


def test_linear_equations_are_solved_and_what_they_leave_free_keeps_its_value():
    assert _eliminated([[1, 1, 1]], [5, 3], 7) == [5, 3]
    assert _eliminated([[1, 1, 0], [1, 6, 0]], [5, 3], 7) == [0, 0]
    assert _eliminated([[1, 1, 0], [2, 2, 1]], [5, 3], 7) is None
    assert unconfirmed(x[i], x[i], []) == ""
