"""What cannot be read is shown where it stands."""

from hesslib.derivations.reading.place import ReadingError, TooLargeError


def test_the_place_is_marked_under_its_line():
    text = "a + b \\\\\n c + qq = d"
    start = text.index("qq")
    why = ReadingError("qq is no letter", text, start, start + 2)
    assert str(why) == "qq is no letter\n   c + qq = d\n       ^^"


def test_readings_are_listed_and_a_message_without_a_text_stands_alone():
    why = ReadingError("two things", "ab", 1, readings=["a product", "a function"])
    assert str(why).split("\n") == [
        "two things",
        "  it could mean: a product",
        "  it could mean: a function",
        "  ab",
        "   ^",
    ]
    assert str(ReadingError("nothing")) == "nothing"
    assert isinstance(TooLargeError("too long"), ReadingError)


def test_a_place_outside_of_the_text_is_moved_into_it():
    assert (ReadingError("x", "abc", 7).start, ReadingError("x", "abc", 7).stop) == (3, 3)
    assert (ReadingError("x", "abc", -2, 99).start, ReadingError("x", "abc", -2, 99).stop) == (0, 3)
    assert (ReadingError("x", "abc", 2, 1).start, ReadingError("x", "abc", 2, 1).stop) == (2, 2)
    assert ReadingError("x", "abc", 3).pointer()[1].count("^") == 1


def test_of_a_long_line_only_what_is_around_the_place_is_shown():
    text = "a" * 100 + "?" + "b" * 100
    line, mark = ReadingError("x", text, 100, 101).pointer()
    assert line == "  " + "a" * 60 + "?" + "b" * 59
    assert mark == "  " + " " * 60 + "^"


def test_what_does_not_print_is_a_space():
    assert ReadingError("x", "a\tb\x07c", 0).pointer()[0] == "  a b c"
