"""What a question knows of its letters, and that it forgets it afterwards."""

import sympy as sp

from hesslib.calculus.index import S, Tensor, Width, index
from hesslib.calculus.knowledge import Known, knowing, known, learn

N, M = sp.symbols("N M", integer=True, positive=True)
k, q, e = index("k q e")


def told():
    what = Known()
    what.tops = {q: k, k: N}
    return what


def test_a_range_that_depends_on_another_is_followed_to_its_end():
    what = told()
    assert what.proves(N - q)
    assert what.proves(q - 1)
    assert not what.proves(N - q - 1)
    assert not what.proves(e - 1)
    assert set(what.about(q)) >= {q - 1, k - q, k - 1, N - k}


def test_more_inequalities_and_other_ranges_hold_where_they_are_given():
    what = told()
    assert what.proves(N - q - 1, [k - q - 1])
    assert not what.proves(M - q)
    assert what.proves(M - q, (), {q: M})


def test_sizes_are_at_least_one_and_indices_without_a_range_may_be_anything():
    what = told()
    what.sizes.add(sp.Symbol("K", integer=True))
    assert what.is_size(sp.Symbol("K", integer=True))
    assert what.is_size(N * Width("n", layers=1)[3])
    assert what.is_size(q)
    assert not what.is_size(e)
    assert what.proves(N * M - 1)
    assert what.indices(k + q + N) == {k, q}


def test_what_is_presupposed_is_used_in_every_proof():
    what = Known()
    assert not what.proves(e)
    what.presupposed.add(e)
    assert what.proves(e)


def test_knowledge_ends_with_the_question():
    with knowing(told()):
        assert known().tops[q] == k
        with knowing(Known()):
            assert known().tops == {}
        learn(S("p", M, lambda p: Tensor("x", shape=(M,))[p]))
        assert M in known().tops.values()
    assert known().tops == {}
