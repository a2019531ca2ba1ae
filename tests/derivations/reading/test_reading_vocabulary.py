"""The letters that a reader knows, declared or taken from formulas."""

import sympy as sp

from hesslib.calculus.index import Diff, Operator, S, Tensor, elementwise, index
from hesslib.derivations.reading.vocabulary import Vocabulary

N = sp.Symbol("N", integer=True, positive=True)
i, j = index("i j")
j1 = sp.Symbol("j_1", integer=True)
alpha = sp.Symbol("alpha", positive=True)
x, bar = Tensor("x", shape=(N,)), Tensor("y", latex=r"\bar{y}", shape=(N,))
h, R = elementwise("h"), Operator("R")
WORDS = Vocabulary.of(alpha * h(x[i]).fdiff().fdiff(), Diff(R, bar[j1]), S("k", N, lambda k: x[k]))


def test_letters_are_taken_from_formulas_by_their_spelling():
    assert WORDS.tensors == {"x": x, r"\bar{y}": bar}
    assert WORDS.symbols[r"\alpha"] == alpha
    assert WORDS.functions == {"h": h}
    assert WORDS.operators == {r"\mathcal{R}": R}
    assert set(WORDS.letters) == {"i", "j_{1}", "N"}
    assert WORDS.symbols["N"] == N
    assert "k" not in WORDS.letters  # it is bound


def test_names_of_more_than_one_sign_are_known_to_the_scanner():
    assert set(WORDS.spellings) == {r"\bar{y}", r"\mathcal{R}", "j_{1}"}
    assert Vocabulary(tensors={"x": x, r"\delta": bar, "xy": x}).spellings == ["xy"]


def test_an_index_letter_is_the_one_that_is_known_or_a_new_one():
    assert WORDS.index("N") == N
    assert WORDS.index("j_{1}") == j1
    assert WORDS.index("q") == sp.Symbol("q", integer=True)
    assert WORDS.index(r"\alpha") != alpha  # it counts nothing


def test_a_letter_may_tell_the_layer_with_primes_and_numbers_of_its_own():
    l = sp.Symbol("l", integer=True, positive=True)
    told = Vocabulary(layer_of_letter={"k": l + 1})
    assert told.layer_from(["k'", "j"]) == told.layer_from(["k_2"]) == l + 1
    assert told.layer_from(["j", "k"]) is None
    assert told.layer_from([]) is None


def test_more_may_be_said_than_the_formulas_tell():
    more = Vocabulary.of(x[i], layers="plain", symbols={"s": alpha})
    assert (more.layers, more.symbols, more.tensors) == ("plain", {"s": alpha}, {"x": x})
    held = Vocabulary.of(Diff(x[i], alpha, "y"))
    assert "y" in held.symbols
