"""Two deciders, and what is said where they agree, where one is silent, and where they contradict each other."""

import pytest
import sympy as sp

from hesslib.agreement import Check
from hesslib.calculus import decision as of
from hesslib.calculus.comparison import compare
from hesslib.calculus.decision import Decision, DisagreementError, Links, decide, decided, summary
from hesslib.calculus.index import S, Tensor

x, y = sp.symbols("x y")
N = sp.Symbol("N", integer=True, positive=True)
v = Tensor("v", shape=(N,))


@pytest.mark.parametrize(
    ("one", "other", "word"),
    [
        ((x + y) ** 2, x**2 + 2 * x * y + y**2, "equal"),
        (S("i", N, lambda i: v[i]), S("k", N, lambda k: v[k]), "equal"),
        ((x + y) ** 2, x**2 + y**2, "different"),
        (x, -x, "different"),
        (sp.sin(x) ** 2 + sp.cos(x) ** 2, sp.Integer(1), "undecided"),
    ],
)
def test_the_word_is_what_the_two_deciders_say_together(one, other, word):
    found = decide(one, other)
    assert found.word == word
    assert (found.counterexample is not None) == (word == "different")
    assert bool(found.reason) == (word == "undecided")


def test_a_counterexample_holds_numbers_at_which_the_sides_differ():
    assert "against" in str(decide(x, 2 * x).counterexample)


@pytest.mark.parametrize("says", [True, False])
def test_a_decider_that_contradicts_the_other_is_an_error_or_leaves_it_undecided(monkeypatch, says):
    monkeypatch.setattr(of, "equal", lambda *_: says)
    if says:
        with pytest.raises(DisagreementError, match="the normal forms are the same, but by evaluation they differ"):
            decide(x, y)
    else:
        assert decide(x, x).word == "undecided"
        assert "the values agree" in decide(x, x).reason
        assert compare(x, x).word == "equal"


def test_links_are_counted_by_decider_and_reason():
    links = [Decision("equal"), Decision("equal"), Decision("equal", "a root")]
    checks = decided(links)
    assert summary(checks) == {"links": 3, "twice": 2, "once": {"a root": 1}}
    assert summary([]) == {}
    other = Check("JAX", 0.0, 1.0)
    both = of.combined([*checks, other, *decided([Decision("equal")])])
    assert summary(both) == {"links": 4, "twice": 3, "once": {"a root": 1}}
    assert both[-1] is other
    assert [row.decider for row in both[:-1]] == [of.NORMAL_FORM, of.VALUES, of.ONCE]


def test_one_link_is_singular_and_several_are_plural():
    assert str(Links.of(of.VALUES, 1)) == "values in a prime field, 1 link: exact"
    assert str(Links.of(of.VALUES, 2, "why")) == "values in a prime field, 2 links (why): exact"
