"""Wrong formulas are refused, each by the term that is wrong; right ones are accepted in any arrangement."""

from collections import Counter

import pytest
from wrong_variants import ACCEPTED, REFUSED, RIGHT

from hesslib.calculus.index import RangeError
from hesslib.calculus.latex import tex
from hesslib.calculus.normal import build, equal, flatten, normal_form
from hesslib.calculus.steps import NotEqualError, refuse, require_equal

KINDS = {
    "wrong index",
    "missing prime",
    "lost sum",
    "wrong range",
    "transposed weight",
    "sign",
    "factor 2",
    "missing term",
    "wrong layer",
}


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda c: c.formula)
def test_a_right_formula_is_accepted_in_another_arrangement(case):
    require_equal(RIGHT[case.formula], case.arrangement)
    assert normal_form(RIGHT[case.formula]) == normal_form(case.arrangement)


@pytest.mark.parametrize("case", REFUSED, ids=lambda c: f"{c.formula}: {c.slip}")
def test_a_slip_is_refused_by_the_term_that_is_wrong(case):
    right, wrong = RIGHT[case.formula], case.wrong()
    if case.differs is None:
        with pytest.raises(RangeError, match=r"index \S+ runs to .* but to .* in "):
            require_equal(right, wrong, case.slip)
        return
    with pytest.raises(NotEqualError) as refusal:
        require_equal(right, wrong, case.slip)
    message = str(refusal.value)
    assert message.startswith(f"{case.slip} does not hold:")
    terms = [*refusal.value.missing, *refusal.value.extra]
    assert any(equal(t, case.differs) for t in terms), f"{tex(case.differs)} is not named in\n{message}"
    assert all(tex(t) in message for t in terms)


@pytest.mark.parametrize("case", REFUSED, ids=lambda c: f"{c.formula}: {c.slip}")
def test_a_slip_can_be_shown_with_its_reason(case):
    shown = refuse(RIGHT[case.formula], RIGHT[case.formula], case.wrong(), case.slip).latex()
    assert r"\neq" in shown
    assert case.slip in shown
    assert shown.count("{") == shown.count("}")


def test_the_table_is_as_wide_as_it_promises():
    assert len(REFUSED) >= 40
    assert len(ACCEPTED) >= 15
    assert {c.kind for c in REFUSED} == KINDS
    assert Counter((c.formula, c.slip) for c in REFUSED).most_common(1)[0][1] == 1


@pytest.mark.parametrize("name", RIGHT)
def test_every_derived_formula_is_refused_when_any_one_term_is_doubled_or_negated(name):
    for term in flatten(RIGHT[name]).values():
        for factor in (-1, 2, 0):
            mutant = RIGHT[name] + (factor - 1) * build(term)
            with pytest.raises(NotEqualError) as refusal:
                require_equal(RIGHT[name], mutant)
            assert len(refusal.value.missing) <= 1
            assert len(refusal.value.extra) <= 1


def test_a_demonstration_that_goes_stale_is_an_error():
    with pytest.raises(AssertionError, match="accepted"):
        refuse(RIGHT["backprop"], RIGHT["backprop"], RIGHT["backprop"], "not wrong at all")
