"""What belongs to what in a formula, and where one that breaks off does."""

import pytest

from hesslib.derivations.reading.grammar import Node, parse, require_bounds
from hesslib.derivations.reading.place import MAX_NESTING, MAX_SUMS, MAX_TOKENS, ReadingError, TooLargeError
from hesslib.derivations.reading.scanner import scan


def tree(text):
    return parse(scan(text), text)


def shape(node):
    """The tree as nested lists of its signs; what has one part only is that part."""
    if not node.parts:
        return node.value or node.kind
    parts = [shape(part) for part in node.parts]
    return parts[0] if len(parts) == 1 else parts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a + b c", ["a", "+", ["b", "c"]]),
        ("-a - b", ["-", "a", "-", "b"]),
        ("a_i^2", ["a", ["_", "i"], ["^", "2"]]),
        (r"\sum_k a b", [[r"\sum", ["_", "k"]], "a", "b"]),
        ("(a + b) c", [["(", ["a", "+", "b"], ")"], "c"]),
        (r"\frac{a}{b} c", [[r"\frac", ["{", "a", "}"], ["{", "b", "}"]], "c"]),
        (r"a \odot b", ["a", r"\odot", "b"]),
        ("[a < b]", ["[", "a", "<", "b", "]"]),
        ("h'(x)", [["h", "'"], ["(", "x", ")"]]),
    ],
)
def test_scripts_bind_tightest_then_factors_then_terms(text, found):
    assert shape(tree(text)) == found


def test_a_part_knows_its_place_in_the_text():
    text = r"a + \beta_{ij} c"
    second = tree(text).parts[2]
    assert text[second.start : second.stop] == r"\beta_{ij} c"
    assert [part.kind for part in second] == ["piece", "piece"]
    assert Node("x").parts == []


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("a +", "the formula breaks off here", "+"),
        ("a + = b", "'=' cannot stand here", "="),
        ("a b)", "this bracket was never opened", ")"),
        ("(a + b", "this bracket is not closed", "("),
        ("(a + b]", r"this closes '\('", "]"),
        (r"\frac{a}", "the formula breaks off here", "}"),
    ],
)
def test_a_formula_that_breaks_off_is_refused_at_the_place(text, message, place):
    with pytest.raises(ReadingError, match=message) as refusal:
        tree(text)
    assert refusal.value.text[refusal.value.start : refusal.value.stop] == place


@pytest.mark.parametrize(
    ("most", "more", "message"),
    [
        ("a " * MAX_TOKENS, "a ", f"has {MAX_TOKENS + 1} signs"),
        (r"\sum_k a " * MAX_SUMS, r"\sum_k a ", f"has {MAX_SUMS + 1} sums"),
        ("(" * MAX_NESTING + "a" + ")" * MAX_NESTING, None, f"more than {MAX_NESTING} deep"),
    ],
)
def test_a_formula_that_is_too_large_is_refused_before_it_is_read(most, more, message):
    require_bounds(scan(most), most)
    text = most + more if more else f"({most})"
    with pytest.raises(TooLargeError, match=message):
        require_bounds(scan(text), text)
