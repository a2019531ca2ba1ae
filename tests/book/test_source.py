"""The source that a page shows is that of the object."""

from hesslib.book.source import listing


def test_a_listing_is_the_source_itself():
    def square(x):
        """The square."""
        return x * x

    assert str(listing(square)) == "def square(x):\n    return x * x"
    assert '"""The square."""' in str(listing(square, docstrings=True))
    assert listing("y = 1")._repr_markdown_() == "```python\ny = 1\n```"
