"""False statements are refused, with numbers that show it; true ones are not; both deciders are asked."""

import pytest
import sympy as sp
from statements import BEYOND, FOUND, STATEMENTS, UNDEFINED

from hesslib.calculus.comparison import Answer, compare, told_apart
from hesslib.calculus.decision import DisagreementError, decide
from hesslib.calculus.index import KroneckerDelta, RangeError, S, Tensor, Width, index
from hesslib.calculus.steps import Steps, UndecidedError, refuse

pytestmark = pytest.mark.usefixtures("as_installed")

FALSE = FOUND | {
    f"{s.name}, slip {number}": (s.left, wrong) for s in STATEMENTS for number, wrong in enumerate(s.wrong)
}


def test_the_table_is_as_wide_as_it_promises():
    assert len(STATEMENTS) >= 60
    assert len(FALSE) - len(FOUND) >= 100
    assert len(FOUND) >= 20


@pytest.mark.parametrize("name", FALSE)
def test_a_false_statement_is_different_at_numbers(name):
    answer = compare(*FALSE[name])
    assert answer.word == "different", answer
    assert answer.counterexample.left != answer.counterexample.right or answer.counterexample.gap
    assert answer.counterexample.latex().count("{") == answer.counterexample.latex().count("}")


@pytest.mark.parametrize("name", FALSE)
def test_a_false_statement_is_never_accepted(name):
    try:
        decision = decide(*FALSE[name])
    except (DisagreementError, RangeError, TypeError, ValueError, AttributeError):
        return  # the first decider erred, or refused to look; either way nothing is accepted
    assert decision.word == "different"


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: s.name)
def test_a_true_statement_has_equal_values(statement):
    answer = compare(statement.left, statement.right)
    assert answer.word == "equal", answer


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: s.name)
def test_a_true_statement_is_never_certified_as_false(statement):
    with pytest.raises((AssertionError, UndecidedError, RangeError, TypeError, AttributeError)):
        refuse(statement.left, statement.left, statement.right, "it is true")


@pytest.mark.parametrize("name", UNDEFINED)
def test_what_has_no_value_is_not_equal_to_anything(name):
    answer = compare(*UNDEFINED[name])
    assert answer.word == "undefined", answer


@pytest.mark.parametrize("name", BEYOND)
def test_what_is_true_but_beyond_reach_is_undecided_and_says_why(name):
    answer = compare(*BEYOND[name])
    assert answer.word == "undecided", answer
    assert answer.reason


def test_two_letters_swapped_are_told_apart():
    i, j, n = *index("i j"), Width("n", layers=1)
    l = sp.Symbol("l", integer=True, positive=True)
    d, z = (Tensor(name, layers=1, shape=shape) for name, shape in (("d", _units(n)), ("z", _units(n))))
    refused = refuse(d[l, j], d[l, j] * z[l - 1, i], d[l, i] * z[l - 1, j], "swapped")
    assert isinstance(refused.reason, RangeError)
    assert refused.counterexample is not None
    assert str(refused.counterexample) in str(refused.checks[1])


def test_what_differs_only_where_two_letters_are_one_is_told_apart_at_a_glance():
    i, j, n = *index("i j"), sp.Symbol("n", integer=True, positive=True)
    x, y = (Tensor(name, shape=(n,)) for name in ("x", "y"))
    both = S("k", n, lambda k: KroneckerDelta(k, i) * KroneckerDelta(k, j) * x[k])
    assert told_apart(both, KroneckerDelta(i, j) * y[i])
    assert told_apart(both, 0 * both)
    assert not told_apart(both, KroneckerDelta(i, j) * x[j])


def _units(n):
    return lambda layer: (n[layer],)


def test_the_answer_does_not_depend_on_how_many_letters_there_were_before():
    x, N = Tensor("x", shape=(sp.Symbol("N", integer=True),)), sp.Symbol("N", integer=True)
    answers = set()
    for _ in range(3):
        p, q = sp.Dummy("p", integer=True), sp.Dummy("p", integer=True)
        answers.add(str(compare(x[p] + N * x[q], x[q] + N * x[p])))
    assert len(answers) == 1


def test_equal_needs_neither_a_reason_nor_numbers():
    x = sp.Symbol("x")
    assert compare(x + x, 2 * x) == Answer("equal")


def test_where_the_values_differ_for_lack_of_laws_the_ledger_says_why_a_link_was_decided_once():
    x, i = Tensor("x", shape=(sp.Symbol("N", integer=True),)), index("i")
    angle = sp.pi * (x[i] + 1)
    chain = Steps(sp.sin(angle)).then(-sp.sin(sp.pi * x[i]), "half a turn")
    (told,) = [str(check) for check in chain.checks if "alone" in str(check)]
    assert "arbitrary values" in told
    assert "no real numbers" in told
