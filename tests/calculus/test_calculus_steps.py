"""Chains of steps: what they refuse, and how they show it."""

from copy import copy

import pytest
import sympy as sp

from hesslib.calculus.index import KroneckerDelta, RangeError, S, Tensor, index
from hesslib.calculus.steps import Formula, NotEqualError, Steps, UndecidedError, refuse, require_equal


def test_steps_refuse_and_show_what_is_wrong():
    N = sp.Symbol("N", integer=True, positive=True)
    x = Tensor("x", shape=(N,))
    total = S("i", N, lambda i: x[i])
    steps = Steps(total).then(S("j", N, lambda j: x[j]), "renamed")
    assert refuse(total, total, 2 * total, "twice").checks[0].passed
    assert "lacks" in steps.refuses(2 * total, "twice").latex()
    with pytest.raises(AssertionError, match="accepted"):
        steps.refuses(total, "right")
    assert steps.neglect(x[index("k")], "one term").established == "approximation"
    with pytest.raises(ValueError, match="definition or an assumption"):
        Formula(total, total, established="derived")
    assert steps.formula(sp.Symbol("f")).lhs == sp.Symbol("f")


N = sp.Symbol("N", integer=True, positive=True)
i, j, n = index("i j n")
x, y = Tensor("x", shape=(N,)), Tensor("y", shape=(N,))
z, w = Tensor("z", shape=(N,), pattern=True), Tensor("w", shape=(N,), pattern=True)
s, t, u = sp.symbols("s t u")


def twice():
    return Steps(y[i]).then(2 * x[i], "meaning", using={y: lambda i: 2 * x[i]})


def test_a_link_that_does_not_hold_names_what_is_missing_what_is_too_much_and_numbers():
    with pytest.raises(NotEqualError, match="the step 'halved' does not hold") as refusal:
        twice().then(x[i], "halved")
    assert (refusal.value.missing, refusal.value.extra) == ((2 * x[i],), (x[i],))
    assert "against" in str(refusal.value)


def test_what_no_numbers_contradict_is_undecided():
    with pytest.raises(UndecidedError, match="is undecided"):
        require_equal(sp.sin(s) ** 2 + sp.cos(s) ** 2, sp.Integer(1))


def test_a_result_is_had_at_other_letters_and_at_letters_only():
    chain = Steps(y[i]).then(S("j", N, lambda k: x[k] * x[i]), using={y: lambda i: S("j", N, lambda k: x[k] * x[i])})
    assert require_equal(chain.at({i: j}), S("k", N, lambda k: x[k] * x[j])).word == "equal"
    with pytest.raises(ValueError, match="puts values in for letters"):
        chain.at({x[i]: 1})


def test_how_a_result_is_known_is_said_by_the_weakest_of_its_links():
    assert twice().established == "derived"
    neglected = twice().neglect(x[i], "half of it")
    assert neglected.established == "approximation"
    assert neglected.formula().relation == r"\simeq"
    assert twice().formula().relation == "="
    assumed = Steps(s).then(t, using=lambda e: e.subs(s, t))
    assert assumed.established == "conditional"
    assert assumed.uses == ("taken for granted $s = t$",)


def test_a_name_is_new_and_has_the_letters_of_what_it_names():
    total = Steps(S("k", N, lambda k: y[k])).then(2 * S("k", N, lambda k: x[k]), using={y: lambda i: 2 * x[i]})
    named = total.formula(u)
    assert (named.lhs, named.established) == (u, "derived")
    with pytest.raises(ValueError, match="takes no second one"):
        twice().formula(u)
    with pytest.raises(ValueError, match="a name must be a fresh symbol"):
        Steps(s + u).then(u + s).formula(u)
    with pytest.raises(ValueError, match="must have the letters of"):
        total.formula(Tensor("v", shape=(N,))[i])


def test_what_holds_for_one_pattern_holds_for_each():
    count = sp.Symbol("P", integer=True, positive=True)
    each = Steps(w[i]).then(3 * z[i], using={w: lambda i: 3 * z[i]}).for_pattern(n, count)
    assert str(each.lhs) == "w[n, i]"
    assert str(each.rhs) == "3*z[n, i]"
    with pytest.raises(ValueError, match="needs one of its own"):
        Steps(w[i]).then(3 * z[i], using={w: lambda i: 3 * z[i]}).for_pattern(i, count)
    with pytest.raises(ValueError, match="says of which pattern it is"):
        Steps(y[i]).then(z[i], using={y: lambda i: z[i]}).for_pattern(n, count)


def test_a_copy_goes_its_own_way_and_a_chain_without_a_link_has_no_result():
    chain = twice()
    other = copy(chain).then(x[i] + x[i], "written out")
    assert (len(chain.rows), len(other.rows)) == (1, 2)
    with pytest.raises(ValueError, match="has no link yet"):
        _ = Steps(s).result
    with pytest.raises(TypeError, match="must be a Derivation"):
        Steps(s).then(s, by="hand")


def test_what_is_stated_says_itself_how_far_its_indices_run(as_installed):
    N, (i, j) = sp.Symbol("N", integer=True, positive=True), index("i j")
    A = Tensor("A", shape=(N, N), symmetric=True)
    both = KroneckerDelta(i, j)
    s = Steps(both).then(both + A[i, j] - A[j, i], "what is added is zero")
    with pytest.raises(RangeError, match="in a member of the chain in between"):
        s.stated(both)
    x = Tensor("x", shape=(N,))
    told = both * x[i] * x[j]
    assert Steps(told).then(told + A[i, j] - A[j, i], "zero").stated(told).result == told
