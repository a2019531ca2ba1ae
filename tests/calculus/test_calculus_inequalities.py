"""What inequalities between whole numbers imply: nothing that a dumb search contradicts, and all that one expects."""

import itertools
import random

import pytest
import sympy as sp

from hesslib.calculus.inequalities import eliminate, implies, linear, project

k, q, r, N = sp.symbols("k q r N", integer=True)

FOLLOWS = {
    "a chain": ([q - 1, k - q, N - k], N - q),
    "a chain of three": ([q - k - 1, r - q - 1, N - r], N - k - 2),
    "two that make one": ([k + q - 3, k - q - 2], k - 3),
    "rounding": ([2 * k - 1], k - 1),
    "anything from a contradiction": ([k - 2, 1 - k], k - 7),
    "itself, weakened": ([k - 3], k - 1),
    "a number": ([], sp.Integer(0)),
}
DOES_NOT = {
    "too much": ([q - 1, k - q, N - k], N - k - 1),
    "the other way": ([k - q], q - k),
    "itself, strengthened": ([k - 1], k - 2),
    "another letter": ([k - 1], q - 1),
    "no whole coefficients": ([k - 1], k / 2 - 1),
    "a negative number": ([k - 1], sp.Integer(-1)),
}


@pytest.mark.parametrize(("known", "e"), FOLLOWS.values(), ids=FOLLOWS)
def test_what_follows_is_shown(known, e):
    assert implies(known, e)


@pytest.mark.parametrize(("known", "e"), DOES_NOT.values(), ids=DOES_NOT)
def test_what_does_not_follow_is_not(known, e):
    assert not implies(known, e)


def test_of_random_inequalities_nothing_is_said_to_follow_that_fails_at_some_whole_numbers():
    draw, shown = random.Random(0), 0
    for _ in range(150):
        rows = [(draw.choice((-1, 0, 1, 2)), draw.choice((-1, 0, 1, 2)), draw.randint(-2, 3)) for _ in range(4)]
        *known, e = (a * k + b * q + c for a, b, c in rows)
        if implies(known, e):
            shown += 1
            for x, y in itertools.product(range(-4, 5), repeat=2):
                *given, found = (a * x + b * y + c for a, b, c in rows)
                assert found >= 0 or min(given) < 0
    assert shown > 20


def test_a_linear_expression_is_its_coefficients_and_its_constant():
    assert linear(3 * k - 2 * q + 5) == (frozenset({(k, 3), (q, -2)}), 5)
    assert linear(k / 2) is None


def test_a_letter_is_projected_out_of_what_is_known_of_another():
    assert project(q, {k}, [k - q, N - k, q - 1]) == [N]
    rows = [linear(row) for row in (k - q - 1, N - k - 1)]
    assert eliminate([k], rows) == [linear(N - q - 2)]
