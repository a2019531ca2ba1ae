r"""Documents: the displays of a Markdown or TeX file, each with the line on which it starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ENVIRONMENTS = "equation|align|gather|multline|eqnarray|displaymath|alignat|flalign|math"
_DISPLAY = re.compile(
    r"^(?P<fence>```+|:::+)\{math\}[^\n]*\n(?P<math>.*?)^(?P=fence)"
    r"|^(?P<code>```+|~~~+)[^\n]*\n.*?^(?P=code)"
    r"|\$\$(?P<dollars>.*?)\$\$"
    r"|\\\[(?P<brackets>.*?)\\\]"
    rf"|\\begin\{{(?P<name>(?:{_ENVIRONMENTS})\*?)\}}(?P<inside>.*?)\\end\{{(?P=name)\}}",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Display:
    """A displayed formula: its text, and the line of the document on which it starts."""

    text: str
    line: int


def displays(document: str, /) -> Iterator[Display]:
    r"""The displays of a document, in their order; code blocks have none.

    >>> [d.line for d in displays("Text\n\n$$a = b$$\n\n\\[ c = d \\]")]
    [3, 5]
    """
    for found in _DISPLAY.finditer(document):
        texts = [found[name] for name in ("dollars", "brackets", "inside", "math") if found[name] is not None]
        for text in texts:  # none in a block of code
            plain = re.sub(r"^:[a-z-]+:.*$", "", text, flags=re.MULTILINE)  # options of a directive
            if plain.strip():
                yield Display(plain, document.count("\n", 0, found.start()) + 1)
