"""Letters as plain data: what comes back is what was handed over, and what has no such form is refused."""

import json

import pytest
import sympy as sp

from hesslib.calculus.index import Diff, Operator, S, Tensor, Width, elementwise, index
from hesslib.calculus.let import definition_of, unfold_lets
from hesslib.calculus.normal import equal
from hesslib.derivations.reading.declared import UnsayableError, as_data, from_data, read_in
from hesslib.derivations.reading.place import ReadingError
from hesslib.derivations.reading.vocabulary import Vocabulary

N, L = sp.symbols("N L", integer=True, positive=True)
alpha = sp.Symbol("alpha", positive=True)
i, j, l = index("i j l")
n = Width("n", layers=1)
x = Tensor("x", shape=(N,), pattern=True)
H = Tensor("H", latex=r"\mathcal{H}", shape=(N, N), symmetric=True)
w = Tensor("w", layers=1, shape=lambda l: (n[l], n[l - 1]), independent=True, between=(1, L))
half = Tensor("q", shape=(2 * N + 1, N**2))
h, R = elementwise("h"), Operator("R")
WORDS = Vocabulary.of(alpha * x[i] * H[i, j] * w[l, i, j] * half[i, j], h(x[i]), Diff(R, x[i]))


def test_letters_that_went_through_json_are_the_same_letters():
    data = json.loads(json.dumps(as_data(WORDS)))
    again = from_data(data)
    assert again == WORDS
    assert again.tensors["w"].sizes(3) == (n[3], n[2])
    assert again.tensors[r"\mathcal{H}"].symmetric
    assert again.tensors["w"].between == (1, L)
    assert again.symbols[r"\alpha"].is_positive


def test_a_formula_is_read_in_letters_that_were_declared():
    words = from_data(as_data(WORDS))
    found = read_in(r"\alpha \sum_j \mathcal{H}_{ij} x_j", words)
    assert equal(found, alpha * S("j", N, lambda j: H[i, j] * x[j]))
    assert not equal(found, -alpha * S("j", N, lambda j: H[i, j] * x[j]))
    with pytest.raises(ReadingError, match="p is no letter of this notation"):
        read_in(r"x_i + p", words)


def test_a_definition_travels_as_its_latex_and_its_letters():
    data = as_data(WORDS, {"x": (("k",), r"\sum_j \mathcal{H}_{kj} \mathcal{H}_{jk}"), r"\alpha": ((), "3")})
    words = from_data(json.loads(json.dumps(data)))
    y, beta = words.tensors["x"], words.symbols[r"\alpha"]
    assert definition_of(y) is not None
    assert equal(unfold_lets(y[i]), S("j", N, lambda j: H[i, j] ** 2))
    assert unfold_lets(beta) == 3


@pytest.mark.parametrize("e", [sp.Dummy("k"), sp.sin(N), sp.Symbol("odd", odd=True)])
def test_what_has_no_form_as_data_is_refused(e):
    with pytest.raises(UnsayableError, match="no form as data"):
        as_data(Vocabulary(symbols={"s": e}))
