"""Indicators of ranges: 1 or 0, at every whole number that a dumb loop tries."""

import itertools

import pytest
import sympy as sp

from hesslib.calculus.indicators import Holds, NoInverseError, at_most, within

k, q, N = sp.symbols("k q N", integer=True)
NUMBERS = range(-3, 4)


@pytest.mark.parametrize("u", [k, k - q, 2 * k - 1, 3 * k - 2, 2 * k - 4 * q + 3, -2 * k + 1, k + q - 2], ids=str)
def test_an_indicator_is_one_where_its_inequality_holds_and_zero_elsewhere(u):
    written = Holds(u)
    for one, other in itertools.product(NUMBERS, repeat=2):
        at = {k: sp.Integer(one), q: sp.Integer(other)}
        assert written.xreplace(at) == int(bool(u.xreplace(at) >= 0))


def test_equal_conditions_on_whole_numbers_are_written_alike():
    assert Holds(2 * k - 1) == Holds(k - 1)
    assert Holds(2 * k + 1) == Holds(k)
    assert Holds(3 * k - 3 * q) == Holds(k - q)
    assert Holds(k) != Holds(k - 1)


@pytest.mark.parametrize(("low", "high"), [(1, 3), (2, 2), (3, 1)])
def test_a_range_holds_its_ends(low, high):
    inside = [n for n in NUMBERS if within(low, sp.Integer(n), high) == 1]
    assert inside == [n for n in NUMBERS if low <= n <= high]
    assert [n for n in NUMBERS if at_most(sp.Integer(n), 0) == 1] == [-3, -2, -1, 0]


def test_a_power_is_the_indicator_itself_and_there_is_no_inverse():
    assert Holds(k) ** 3 == Holds(k)
    with pytest.raises(NoInverseError, match="zero for some of its indices"):
        1 / Holds(k)


@pytest.mark.parametrize("other", [sp.Symbol("x"), sp.Float(0.5) * k])
def test_what_is_no_whole_number_is_refused(other):
    with pytest.raises(TypeError, match="not known to be a whole number"):
        at_most(k, other)


def test_an_indicator_shows_its_inequality():
    assert str(at_most(k, N)) == "[N - k >= 0]"
