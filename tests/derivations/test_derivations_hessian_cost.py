"""What the blocks of a Hessian cost, for shapes that are counted by hand."""

import itertools

import pytest

from hesslib.derivations.hessian_cost import promised, spared


def by_hand(widths):
    parameters = [b * (a + 1) for a, b in itertools.pairwise(widths)]
    pairs = sum(p * q for k, p in enumerate(parameters) for q in parameters[:k])
    return pairs + sum(b * (b + 1) * (a + 1) * (a + 2) // 4 for a, b in itertools.pairwise(widths))


@pytest.mark.parametrize("widths", [(1, 1), (2, 1), (3, 4, 2), (10, 16, 16, 3), (5, 6, 4, 3, 2)])
def test_the_formula_counts_what_is_counted_by_hand(widths):
    assert promised(widths) == by_hand(widths)


def test_two_triangles_are_less_than_one():
    assert spared().established == "derived"
