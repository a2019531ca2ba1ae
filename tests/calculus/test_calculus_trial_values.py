"""Sizes and indices to try a formula at: small, in range, and every coincidence occurs."""

import math

import pytest
import sympy as sp

from hesslib.calculus.evaluation import World
from hesslib.calculus.index import S, Tensor, Width, index
from hesslib.calculus.prime_field import Residues
from hesslib.calculus.trial_values import MOST_LETTERS, Letters, coincidences, worlds

N, K = sp.symbols("N K", integer=True, positive=True)
L, l = sp.symbols("L l", integer=True, positive=True)
i, j, k = index("i j k")
n = Width("n", layers=1)
x, A = Tensor("x", shape=(N,)), Tensor("A", shape=(N, K))
a = Tensor("a", layers=1, shape=lambda l: (n[l],))


@pytest.mark.parametrize(("count", "ways"), [(0, 1), (1, 1), (2, 2), (3, 5), (4, 15)])
def test_few_letters_coincide_in_as_many_ways_as_there_are_partitions(count, ways):
    found = coincidences(count)
    assert len(set(found)) == len(found) == ways
    assert found[0] == (0,) * count


def test_of_many_letters_all_none_or_two_are_alike():
    count = MOST_LETTERS + 2
    found = coincidences(count)
    assert len(found) == 2 + math.comb(count, 2)
    assert {len(set(way)) for way in found} == {1, count - 1, count}


def test_letters_are_sizes_layer_numbers_or_indices():
    letters = Letters([S("p", N, lambda p: x[p] * A[i, j]) + a[l + 1, k] * a[L, 1]])
    assert set(letters.sizes) == {N, K}
    assert set(letters.layers) == {l, L}
    assert set(letters.slots) == {i, j, k}
    assert letters.free == [*letters.slots, *letters.others]
    assert Letters([i * x[1]]).others == {i: None}


def test_numbers_beside_a_size_are_tried_and_those_about_them():
    assert Letters([x[i]]).candidates() == [1, 2, 3, 4]
    assert set(Letters([S("p", N - 7, lambda p: x[p])]).candidates()) >= {6, 7, 8, 9}


def test_in_every_world_indices_are_in_range_and_in_some_they_coincide_and_in_some_they_do_not():
    letters = Letters([A[i, j] * x[k] * a[l, 1]])
    seen = set()
    for trial, world in enumerate(worlds(letters, letters.candidates(), 60, "name")):
        at = world.integers
        assert 1 <= at[i] <= at[N]
        assert 1 <= at[j] <= at[K]
        assert 1 <= at[k] <= at[N]
        assert at[l] >= 1
        assert trial > 1 or at[N] == at[K]
        seen.add((at[i] == at[j], at[j] == at[k], at[i] == at[k]))
    assert len(seen) == 5


def test_worlds_are_the_same_in_every_run_and_others_by_another_name():
    letters = Letters([A[i, j]])
    first, again, other = (
        [world.integers for world in worlds(letters, [1, 2, 3], 8, name)] for name in ("one", "one", "other")
    )
    assert first == again
    assert first != other


def test_an_index_runs_as_far_as_its_shortest_slot():
    letters = Letters([A[i, i] * x[j]])
    world = World(Residues("seed"), {N: 5, K: 2}, "world")
    assert letters.end(i, world, 9) == 2
    assert letters.end(j, world, 9) == 5
    assert letters.end(k, world, 9) == 9
