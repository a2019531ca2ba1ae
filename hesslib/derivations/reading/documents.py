r"""Documents: the displays of a Markdown or TeX file, each with the line on which it starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ENVIRONMENTS = "equation|align|gather|multline|eqnarray|displaymath|alignat|flalign|math"
_DISPLAY = re.compile(
    r"\$\$(?P<dollars>.*?)\$\$"
    r"|\\\[(?P<brackets>.*?)\\\]"
    rf"|\\begin\{{(?P<name>(?:{_ENVIRONMENTS})\*?)\}}(?P<inside>.*?)\\end\{{(?P=name)\}}"
    r"|^(?P<fence>```+|:::+)\{math\}[^\n]*\n(?P<math>.*?)^(?P=fence)",
    re.DOTALL | re.MULTILINE,
)
_CODE = re.compile(r"^(```+|~~~+)(?!\{math\})[^\n]*\n.*?^\1", re.DOTALL | re.MULTILINE)


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
    readable = _CODE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), document)
    for found in _DISPLAY.finditer(readable):
        text = next(found[name] for name in ("dollars", "brackets", "inside", "math") if found[name] is not None)
        text = re.sub(r"^:[a-z-]+:.*$", "", text, flags=re.MULTILINE)  # options of a directive
        if text.strip():
            yield Display(text, readable.count("\n", 0, found.start()) + 1)
