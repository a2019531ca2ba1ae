"""Scripts of a letter taken apart: indices, numbers, primes."""

import pytest
import sympy as sp

from hesslib.calculus.index import index
from hesslib.derivations.network import L, l, n
from hesslib.derivations.reading.grammar import Node, parse
from hesslib.derivations.reading.notation import BOOK
from hesslib.derivations.reading.place import ReadingError
from hesslib.derivations.reading.scanner import scan
from hesslib.derivations.reading.scripts import indices, number, scripts_of, split

WORDS = BOOK.vocabulary()
j, k = index("j k")


def fail(message, node, *readings):
    return ReadingError(message, "", node.start, node.stop, readings=readings)


def signs(text):
    return [Node(token.type, str(token), [], token.start_pos, token.end_pos) for token in scan(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("l+1", l + 1),
        ("L - 1", L - 1),
        ("-2", sp.Integer(-2)),
        ("2(l+1)", 2 * l + 2),
        ("1/2", sp.Rational(1, 2)),
        (r"\frac{l}{2}", l / 2),
        ("n_l", n[l]),
        ("n_{l-1}", n[l - 1]),
        ("l-(m-1)", l - sp.Symbol("m", integer=True, positive=True) + 1),
    ],
)
def test_a_number_in_a_script_is_what_it_says(text, value):
    assert sp.expand(number(signs(text), WORDS, fail) - value) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1/", "a slash needs a number on both sides"),
        ("/2", "a slash needs a number on both sides"),
        ("1/0", "a division by zero"),
        ("l)", "this bracket was never opened"),
        ("(l", "this bracket is not closed"),
        ("1234567890", "more than 9 digits"),
        ("l = 1", "'=' cannot stand in a number"),
    ],
)
def test_what_is_no_number_is_refused(text, message):
    with pytest.raises(ReadingError, match=message):
        number(signs(text), WORDS, fail)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ji", ["j", "i"]),
        ("j,i", ["j", "i"]),
        ("jj'", ["j", "j'"]),
        (r"j^{\prime\prime}k", ["j''", "k"]),
        ("12", ["1", "2"]),
        ("12,3", ["12", "3"]),
        ("j_1 k", ["j_1", "k"]),
        ("k+1", ["k+1"]),
        ("n_l", ["n"]),
    ],
)
def test_indices_stand_side_by_side_or_between_commas(text, names):
    assert [name for name, _ in indices(signs(text), WORDS, fail, {})] == names


def test_an_index_is_a_number_a_letter_or_the_letter_of_a_sum_around():
    bound = sp.Dummy("k", integer=True)
    found = dict(indices(signs("jk2"), WORDS, fail, {"k": bound}))
    assert found == {"j": j, "k": bound, "2": 2}
    assert dict(indices(signs("k+1"), WORDS, fail, {})) == {"k+1": k + 1}
    assert dict(indices(signs("n_l"), WORDS, fail, {})) == {"n": n[l]}
    with pytest.raises(ReadingError, match="is no index"):
        indices(signs("j*"), WORDS, fail, {})


def test_scripts_are_taken_apart_in_whatever_order_they_stand():
    for text in ("x'_{ji}^{(l)}", "x_{ji}'^{(l)}", r"x^{(l)}_{ji}{}^\prime"[:12] + "'"):
        factor = parse(scan(text), text).parts[0].parts[0].parts[0]
        found = scripts_of(factor, fail)
        assert [sign.value for sign in found.below] == ["j", "i"]
        assert [[sign.value for sign in above] for above in found.above] == [["(", "l", ")"]]
        assert (found.primes, found.bare) == (1, False)
    with pytest.raises(ReadingError, match="a second subscript"):
        scripts_of(parse(scan("x_i_j"), "x_i_j").parts[0].parts[0].parts[0], fail)


def test_commas_in_brackets_do_not_part():
    assert ["".join(sign.value for sign in part) for part in split(signs("a,(b,c),d"))] == ["a", "(b,c)", "d"]
