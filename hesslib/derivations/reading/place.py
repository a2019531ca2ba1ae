"""What cannot be read in a text, where it stands, and what the text could mean."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["ReadingError"]

MAX_CHARACTERS = 10_000
"""The longest text of one formula."""
MAX_NESTING = 40
"""How deep brackets, fractions and braces may stand in one another."""
MAX_SUMS = 12
"""How many sums one formula may have."""
MAX_TOKENS = 1_500
"""How many signs one formula may have."""


class ReadingError(ValueError):
    r"""A text that is no formula, or could be several.

    ``start`` and ``stop`` are the place in ``text``; ``readings`` are what it could mean, if it could mean several
    things.

    >>> print(ReadingError("q is no letter of this notation", "a + q", 4, 5))
    q is no letter of this notation
      a + q
          ^
    """

    def __init__(
        self, message: str, text: str = "", start: int = 0, stop: int | None = None, *, readings: Sequence[str] = ()
    ) -> None:
        self.message, self.text, self.readings = message, text, tuple(readings)
        self.start = min(max(start, 0), len(text))
        self.stop = min(max(self.start, start + 1 if stop is None else stop), len(text))
        super().__init__(message)

    def __str__(self) -> str:
        lines = [self.message]
        lines += [f"  it could mean: {reading}" for reading in self.readings]
        if self.text:
            lines += self.pointer()
        return "\n".join(lines)

    def pointer(self) -> list[str]:
        """The line of the text with the place, and a mark under it."""
        begin = self.text.rfind("\n", 0, self.start) + 1
        end = self.text.find("\n", self.start)
        end = len(self.text) if end < 0 else end
        begin, end = max(begin, self.start - 60), min(end, self.start + 60)
        line = "".join(c if c.isprintable() else " " for c in self.text[begin:end])
        return [f"  {line}", "  " + " " * (self.start - begin) + "^" * max(1, min(self.stop, end) - self.start)]


class TooLargeError(ReadingError):
    """A text that is longer, deeper or has more sums than will be read."""
