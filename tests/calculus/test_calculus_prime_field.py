"""A field that imitates the real numbers: its powers, roots and signs obey their laws, and the reals are the reals."""

import itertools

import mpmath
import pytest
import sympy as sp

from hesslib.calculus.prime_field import (
    PRIMES,
    NoRootError,
    NoValueError,
    Reals,
    Residues,
    UndecidableError,
    as_text,
    digest,
)

FIELD = Residues("seed")
X, Y = FIELD.draw("x", positive=True), FIELD.draw("y", positive=True)
A, B = FIELD.exponents.draw("a"), FIELD.exponents.draw("b")


def test_the_primes_are_a_cunningham_chain():
    assert all(sp.isprime(p) for p in PRIMES)
    assert [p - 2 * below for p, below in itertools.pairwise(PRIMES)] == [1, 1]


def test_powers_obey_the_laws_of_powers_of_positive_numbers():
    power, times, exponents = FIELD.power, FIELD.product, FIELD.exponents
    assert power(X, exponents.sum([A, B])) == times([power(X, A), power(X, B)])
    assert power(power(X, A), B) == power(X, exponents.product([A, B]))
    assert power(times([X, Y]), A) == times([power(X, A), power(Y, A)])
    half = exponents.number(1, 2)
    assert power(FIELD.integer_power(X, 2), half) == X
    assert power(FIELD.integer_power(FIELD.p - X, 2), half) == X  # the root of a square is the absolute value
    assert FIELD.integer_power(X, -3) == FIELD.inverse(times([X, X, X]))


def test_exactly_one_of_a_number_and_its_negative_is_positive():
    for key in range(20):
        x = FIELD.draw(("any", key))
        assert FIELD.is_positive(x) != FIELD.is_positive(FIELD.p - x)
        assert FIELD.is_positive(FIELD.draw(("some", key), positive=True))
        assert FIELD.is_positive(FIELD.function("Abs", [x]))
        assert FIELD.product([FIELD.function("sign", [x]), FIELD.function("Abs", [x])]) == x
    assert not FIELD.is_positive(0)
    assert FIELD.function("sign", [0]) == 0


def test_fractions_are_exact_and_values_depend_on_their_key_alone():
    assert FIELD.product([FIELD.number(2, 3), 3]) == 2
    assert Residues("seed").draw("x", positive=True) == X
    assert Residues("another").draw("x", positive=True) != X
    assert FIELD.exponents.draw("x") != FIELD.draw("x")
    assert FIELD.unknown("h", 0, [X]) == FIELD.function("h", [X])
    assert len({FIELD.unknown("h", 0, [X]), FIELD.unknown("h", 1, [X]), FIELD.unknown("h", 0, [Y])}) == 3
    assert digest("a", 1) == digest("a", 1) != digest("a", 2)


def test_what_has_no_value_says_so():
    with pytest.raises(NoValueError, match="divides by zero"):
        FIELD.inverse(0)
    with pytest.raises(NoRootError, match="what is not positive"):
        FIELD.power(FIELD.p - X, A)
    with pytest.raises(UndecidableError, match="more than 2 deep"):
        _ = FIELD.exponents.exponents.exponents
    reals = Reals("seed")
    with pytest.raises(NoRootError, match="what is not positive"):
        reals.power(mpmath.mpf(-1), mpmath.mpf("0.5"))
    with pytest.raises(NoRootError, match="outside its domain"):
        reals.function("log", [mpmath.mpf(-2)])
    with pytest.raises(UndecidableError, match="the function nothing_of_mpmath"):
        reals.function("nothing_of_mpmath", [mpmath.mpf(1)])
    with pytest.raises(NoValueError, match="divides by zero"):
        reals.integer_power(mpmath.mpf(0), -1)


def test_the_real_numbers_are_those_of_mpmath_and_an_unknown_function_has_its_own_derivative():
    reals, x, step = Reals("seed"), mpmath.mpf(3), mpmath.mpf(10) ** -12
    with mpmath.workdps(Reals.DIGITS):
        assert abs(reals.function("Abs", [-x]) - 3) < 1e-15
        assert abs(reals.constant("pi") - mpmath.pi) < 1e-15
        risen = reals.unknown("h", 0, [x + step]) - reals.unknown("h", 0, [x - step])
        assert abs(risen / (2 * step) - reals.unknown("h", 1, [x])) < 1e-15
        assert Reals("seed", positive=True).draw("x") > 0


def test_a_simple_fraction_is_written_as_one():
    assert as_text(mpmath.mpf(2) / 3) == "2/3"
    assert as_text(mpmath.mpf(-4)) == "-4"
    assert as_text(+mpmath.pi) == "3.141593"
