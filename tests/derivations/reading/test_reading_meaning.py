"""A text as a formula of the calculus, and what could be two things or none."""

import pytest
import sympy as sp

from hesslib.calculus.index import Diff, KroneckerDelta, S
from hesslib.calculus.indicators import at_most
from hesslib.calculus.normal import equal
from hesslib.derivations.network import E, R, a, delta, h, i, j, k, l, n, w, z
from hesslib.derivations.reading.declared import read_in
from hesslib.derivations.reading.grammar import parse
from hesslib.derivations.reading.meaning import Meaning, read
from hesslib.derivations.reading.notation import BOOK
from hesslib.derivations.reading.place import ReadingError
from hesslib.derivations.reading.scanner import scan

WORDS = BOOK.vocabulary()
up = S("k", n[l + 1], lambda k: w[l + 1, k, j] * delta[l + 1, k])

READ = {
    "a sum whose length its terms say": (r"\sum_k w_{kj}^{(l+1)} \delta_k^{(l+1)}", up),
    "a sum with its end": (r"\sum_{k=1}^{n_{l+1}} w_{kj}^{(l+1)} \delta_k^{(l+1)}", up),
    "a sum with a condition": (r"\sum_{k \le n_{l+1}} w_{kj}^{(l+1)} \delta_k^{(l+1)}", up),
    "a sum acts on its whole term": (
        r"\sum_k \delta_k^{(l)} z_k^{(l)} - \delta_j^{(l)}",
        S("k", n[l], lambda k: delta[l, k] * z[l, k]) - delta[l, j],
    ),
    "signs": (r"-\delta_j^{(l)} - (-z_j^{(l)})", z[l, j] - delta[l, j]),
    "a quotient": (r"\delta_j^{(l)} / 2 + \frac12 z_j^{(l)}", (delta[l, j] + z[l, j]) / 2),
    "a slope": (r"h'(a_j^{(l)})", h(a[l, j]).fdiff()),
    "a second derivative of h": (r"h^{(2)}(a_j^{(l)})", h(a[l, j]).fdiff().fdiff()),
    "a square of a function": (r"h(a_j^{(l)})^2", h(a[l, j]) ** 2),
    "a derivative": (r"\frac{\partial E}{\partial w_{ji}^{(l)}}", Diff(w[l, j, i], E)),
    "a second derivative": (
        r"\frac{\partial^2 E}{\partial a_j^{(l)} \partial w_{ji}^{(l)}}",
        Diff(a[l, j], Diff(w[l, j, i], E)),
    ),
    "a derivative of what follows": (r"\frac{\partial}{\partial a_j^{(l)}} E", Diff(a[l, j], E)),
    "along a direction": (r"\mathcal{R}\{a_j^{(l)}\}", Diff(R.op, a[l, j])),
    "a Kronecker delta": (r"I_{jk} z_k^{(l)}", KroneckerDelta(j, k) * z[l, k]),
    "an indicator": (r"\sum_k [k \le 2] z_k^{(l)}", S("k", n[l], lambda k: at_most(k, 2) * z[l, k])),
    "an exponential": (r"e^{-a_j^{(l)}} + \exp(z_j^{(l)})", sp.exp(-a[l, j]) + sp.exp(z[l, j])),
    "a root": (r"\sqrt{z_j^{(l)}}", sp.sqrt(z[l, j])),
    "a trace": (r"\operatorname{tr}(W^{(l)} W^{(l)\mathsf T})", None),
}


@pytest.mark.parametrize(("text", "meant"), READ.values(), ids=READ)
def test_a_text_is_the_formula_that_one_reads(text, meant):
    found = read_in(text, WORDS)
    if meant is None:
        meant = S("s", n[l], lambda s: S("t", n[l - 1], lambda t: w[l, s, t] ** 2))
    assert equal(found, meant)
    assert not equal(found, -meant)


def test_a_row_of_arrays_is_a_matrix_product_and_a_dot_in_a_circle_an_entrywise_one():
    text = r"h'(a^{(l)}) \odot (W^{(l+1)})^{\mathsf T} \delta^{(l+1)}"
    found = read(parse(scan(text), text), WORDS, text)
    assert found.shape == (n[l], None)
    assert equal(found.entry(j, None), h(a[l, j]).fdiff() * up)


def test_a_product_that_fits_only_transposed_is_read_and_noted():
    text = r"W^{(l+1)} \delta^{(l+1)}"
    reader = Meaning(WORDS, text)
    found = reader.expression(parse(scan(text), text))
    assert equal(found.entry(j, None), up)
    assert reader.refitted == [r"transpose lost: of the factor before \delta^{(l+1)}"]
    assert "does not fit" in reader.conflicts[0]


@pytest.mark.parametrize(
    ("text", "entry", "slip"),
    [
        (r"h'(a^{(l)}) W^{(l)}", h(a[l, j]).fdiff() * w[l, j, i], r"entrywise product lost: \odot before W^{(l)}"),
        (r"\delta^{(l)} \odot z^{(l-1)}", delta[l, j] * z[l - 1, i], "outer product lost: x y^T where"),
    ],
)  # fmt: skip
def test_a_product_that_fits_only_as_another_one_is_read_and_noted(text, entry, slip):
    reader = Meaning(WORDS, text)
    found = reader.expression(parse(scan(text), text))
    assert found.shape == (n[l], n[l - 1])
    assert found.entry(j, i) == entry
    assert reader.refitted[0].startswith(slip)
    assert reader.conflicts


def test_a_star_is_an_entrywise_product_of_columns_and_else_a_product():
    columns, matrix, numbers = (
        read(parse(scan(text), text), WORDS, text)
        for text in (r"\delta^{(l)} * h'(a^{(l)})", r"W^{(l)} * z^{(l-1)}", r"2 * z_j^{(l)} * 3")
    )
    assert columns.entry(j, None) == delta[l, j] * h(a[l, j]).fdiff()
    assert equal(matrix.entry(j, None), S("i", n[l - 1], lambda i: w[l, j, i] * z[l - 1, i]))
    assert numbers == 6 * z[l, j]


@pytest.mark.parametrize(
    ("layout", "shape"),
    [("numerator", (n[l], n[l - 1])), ("denominator", (n[l - 1], n[l])), ("rows", (n[l], n[l - 1]))],
)
def test_the_derivative_of_a_vector_by_a_vector_is_a_matrix_in_the_layout(layout, shape):
    text = r"\frac{\partial a^{(l)}}{\partial z^{(l-1)}}"
    reader = Meaning(WORDS, text)
    reader.layout = layout
    found = reader.expression(parse(scan(text), text))
    assert found.shape == shape
    assert found.entry(*((i, j) if layout == "denominator" else (j, i))) == Diff(z[l - 1, i], a[l, j])
    assert reader.took_layout


@pytest.mark.parametrize(
    "text", [r"\frac{\partial a^{(l)}}{\partial z^{(l-1)T}}", r"\frac{\partial a^{(l)T}}{\partial z^{(l-1)}}"]
)
def test_a_transpose_says_which_letter_has_the_rows(text):
    reader = Meaning(WORDS, text)
    found = reader.expression(parse(scan(text), text))
    rows = text.startswith(r"\frac{\partial a^{(l)}}")
    assert found.shape == ((n[l], n[l - 1]) if rows else (n[l - 1], n[l]))
    assert found.entry(*((j, i) if rows else (i, j))) == Diff(z[l - 1, i], a[l, j])
    assert not reader.took_layout


def test_a_letter_of_two_ranges_is_noted():
    text = r"\sum_k \delta_k^{(l)} \delta_k^{(l+1)}"
    reader = Meaning(WORDS, text)
    reader.expression(parse(scan(text), text))
    assert "k would run over two ranges" in reader.conflicts[0]


REFUSED = {
    r"\delta_j^{(l)} / 2 z_j^{(l)}": "how far the denominator reaches is not clear",
    r"\ln z_j^{(l)} z_k^{(l)}": "how far ln reaches is not clear",
    r"E(a_j^{(l)})": "before brackets could be two things|has no index|cannot",
    r"\sum_{k=0}^{n_l} \delta_k^{(l)}": "sums start at 1; this one starts at 0",
    r"\sum_k": "a sum of nothing",
    r"\sum_k E": "how far k runs is not said",
    r"\sum_{k=1}^{K} \delta_k^{(l)}": "how large K is is not said",
    r"\prod_k \delta_k^{(l)}": "a product over an index is not read",
    r"h^{-1}(a_j^{(l)})": "a negative superscript of h could be two things",
    "h": "its argument stands in brackets",
    r"\frac{\partial E}{2}": "the other has none",
    r"\frac{\partial^2 E}{\partial a_j^{(l)}}": r"a derivative of order 2 by 1 variable\(s\)",
    r"\frac{\partial E}{\partial 2}": "one differentiates by a variable",
    r"\frac{E}{0}": "a division by zero",
    r"E / W^{(l)}": "there is no division by an array",
    r"|z_j^{(l)}|": "only the square is read",
    r"x y^T \otimes E": "an outer or Kronecker product is not read",
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items(), ids=REFUSED)
def test_what_could_be_two_things_or_none_is_refused(text, message):
    with pytest.raises(ReadingError, match=message):
        read_in(text, WORDS)
