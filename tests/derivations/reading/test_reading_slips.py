"""The usual slips: for each, the right formula is among what the wrong one might have meant, under its name."""

import pytest
import sympy as sp

from hesslib.calculus.index import KroneckerDelta, S, index
from hesslib.calculus.normal import equal
from hesslib.derivations.network import a, delta, h, i, j, j_, k, l, n, w, z
from hesslib.derivations.reading.notation import BOOK
from hesslib.derivations.reading.slips import cost, extra_terms, mended, places, resized

WORDS = BOOK.vocabulary()
slope = h(a[l, j]).fdiff()


def up(f):
    return S("k", n[l + 1], f)


RIGHT = slope * up(lambda k: w[l + 1, k, j] * delta[l + 1, k])
MADE = {
    "transpose lost": slope * up(lambda k: w[l + 1, j, k] * delta[l + 1, k]),
    "sign: the whole": -RIGHT,
    "factor: a factor 2": RIGHT / 2,
    "factor: a factor 1/2": 2 * RIGHT,
    "prime lost": h(a[l, j]) * up(lambda k: w[l + 1, k, j] * delta[l + 1, k]),
    "prime too many": slope.fdiff() * up(lambda k: w[l + 1, k, j] * delta[l + 1, k]),
    "sum lost: over k": slope * w[l + 1, k, j] * delta[l + 1, k],
    "slope lost": up(lambda k: w[l + 1, k, j] * delta[l + 1, k]),
    "layer": slope * up(lambda k: w[l + 1, k, j] * delta[l, k]),
    "square too many": slope**2 * up(lambda k: w[l + 1, k, j] * delta[l + 1, k]),
    "factor too many": slope * z[l, j] * up(lambda k: w[l + 1, k, j] * delta[l + 1, k]),
    "wrong index": slope * up(lambda k: w[l + 1, k, j] * delta[l + 1, j]),
}


@pytest.mark.parametrize(("name", "wrong"), MADE.items())
def test_a_slip_is_mended_under_its_name(name, wrong):
    assert not _same(wrong)
    found = [slip for slip, candidate in mended(delta[l, j], wrong, WORDS, str) if _same(candidate)]
    assert any(slip.startswith(name) for slip in found)


def _same(candidate):
    try:
        return equal(candidate, RIGHT)
    except (ValueError, TypeError):
        return False


@pytest.mark.parametrize(
    ("left", "wrong", "right", "name"),
    [
        (z[l, j], z[l, j], z[l, j] ** 2, "square lost"),
        (z[l, j] * z[l, j_], delta[l, j], delta[l, j] * z[l, j], "factor lost"),
        (delta[l, j], z[l, i] + delta[l, j], delta[l, j] - z[l, i], "sign: of the term"),
        (z[l, j], S("k", n[l], lambda k: z[l, k] * delta[l, k]), z[l, j] * delta[l, j], "sum too many"),
    ],
)
def test_a_term_a_factor_or_a_sum_is_mended_where_it_stands(left, wrong, right, name):
    assert any(slip.startswith(name) and equal(found, right) for slip, found in mended(left, wrong, WORDS, str))


def test_a_term_too_many_is_left_out_where_it_stands():
    wrong = slope * up(lambda k: w[l + 1, k, j] * (delta[l + 1, k] + 1)) - z[l, j]
    found = dict(extra_terms(wrong, str))
    assert found[f"term too many: {-z[l, j]}"] == wrong + z[l, j]
    assert equal(found["term too many: 1"], RIGHT - z[l, j])
    assert not list(extra_terms(RIGHT, str))


def test_the_likeliest_slips_come_first():
    misfit = [slip.split(":")[0] for slip, _ in mended(delta[l, j], MADE["transpose lost"], WORDS, str, misfit=True)]
    assert misfit[0] == "transpose lost"
    loose = next(iter(mended(delta[l, j], MADE["sum lost: over k"], WORDS, str)))
    assert loose[0] == "sum lost: over k"


def test_a_part_is_exchanged_at_its_place_alone():
    x, y = sp.symbols("x y")
    e = x**2 + sp.sin(x) * y
    found = [put(sp.Integer(5)) for part, put in places(e, lambda part: part == x)]
    assert sorted(map(str, found)) == sorted(map(str, [25 + sp.sin(x) * y, x**2 + sp.sin(5) * y]))
    assert list(places(KroneckerDelta(i, j), lambda part: part == i)) == []


def test_a_sum_gets_the_length_that_its_terms_say():
    (q,) = (index("q"),)
    short = sp.Sum(z[l, q], (q, 1, 3))
    assert equal(resized(short), S("q", n[l], lambda q: z[l, q]))
    assert resized(z[l, j]) == z[l, j]


def test_a_formula_costs_its_signs_for_each_of_its_sums():
    assert cost(z[l, j]) > 0
    assert cost(up(lambda k: delta[l + 1, k])) > 2 * cost(delta[l + 1, k])
