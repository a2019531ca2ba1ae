"""A display as statements: chains over several lines, remarks, and equations side by side."""

import pytest

from hesslib.derivations.reading.place import ReadingError
from hesslib.derivations.reading.statements import statements


def shown(text):
    return [" ".join("".join(map(str, side)) for side in s.sides) for s in statements(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a = b", ["a b"]),
        ("a = b = c", ["a b c"]),
        (r"a &= b \\ &= c", ["a b c"]),
        (r"a &= b \\ &\quad + c", ["a b+c"]),
        (r"a = b \\ c = d", ["a b", "c d"]),
        (r"a = b, \qquad c = d", ["a b", "c d"]),
        (r"a = b \qquad l < L", ["a b", "l L"]),
        (r"a = f(x, y = z)", ["a f(x,y=z)"]),
        (r"a = b, \quad j = 1, \dots, M", ["a b"]),
        (r"a = b + c. \quad (5.12)", ["a b+c"]),
        (r"a \simeq b \neq c", ["a b c"]),
        ("", []),
    ],
)
def test_a_display_falls_into_its_statements(text, found):
    assert shown(text) == found


def test_relations_stand_between_the_sides_and_words_beside_them():
    (one, other) = statements(r"a = b \le c \text{ for all } \\ d = e \quad \text{here}")
    assert [token.type for token in one.relations] == ["EQUALS", "LESS"]
    assert len(one.sides) == 3
    assert [note.strip() for note in one.notes] == ["for all"]
    assert other.notes == ["here"]


def test_a_statement_knows_where_it_stands():
    text = r"a = b \\ cc = dd"
    second = statements(text)[1]
    assert text[second.start : second.stop] == "cc = dd"


def test_an_empty_side_is_refused_at_its_relation():
    with pytest.raises(ReadingError, match="a side of the equation is empty") as refusal:
        statements("a = b = ")
    assert refusal.value.start == 6
