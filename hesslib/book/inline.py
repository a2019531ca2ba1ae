"""Put a computed number into the prose: ``glue("ratio", f"{ratio:.1f}")`` in a cell, ``{glue:text}`` in the text.

It writes the output that MyST-NB's own ``glue`` writes. That one imports the notebook format with all its schemas,
seconds for each chapter; this one imports nothing but the display.
"""

from __future__ import annotations

import re

__all__ = ["glue", "powers_of_ten", "spaced"]

GLUED = "application/papermill.record/"
"""The prefix of an output that is kept and not shown."""

IN_PYTHON = re.compile(r"(?<![\w.])(\d(?:\.\d+)?)e([+-]\d{2,3})(?!\w)")
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def glue(name: str, text: str, /, *, verbatim: bool = False) -> None:
    """Keep `text` under `name`, for ``{glue:text}`` on the same page. Shows nothing; outside a notebook, nothing.

    What Python writes as ``3e-08`` a sentence has as a power of ten, `powers_of_ten`; not what is quoted, `verbatim`.

    Shapes: none; nothing is returned.
    Cost: none.
    Errors: TypeError if the text is not a string: how a number is rounded is for the author to say.

    >>> glue("ratio", f"{2 / 3:.2f}")
    """
    if not isinstance(text, str):
        raise TypeError(f"text is a {type(text).__name__}; it must be a string, such as f'{{ratio:.1f}}'")
    from hesslib._notebook import shell

    if shell() is not None:
        from IPython.display import display

        scrapbook = {"name": name, "mime_prefix": GLUED}
        shown = text if verbatim else powers_of_ten(text)
        display({GLUED + "text/plain": repr(shown)}, raw=True, metadata={"scrapbook": scrapbook})


def powers_of_ten(text: str, /) -> str:
    """The text with its powers of ten as a sentence has them.

    Shapes: none.
    Cost: one look at the text.
    Errors: none.

    >>> powers_of_ten("from 3.2e-08 to 1e-12, at most 9e+00")
    'from 3.2·10⁻⁸ to 10⁻¹², at most 9'
    """

    def raised(found: re.Match[str]) -> str:
        digits, exponent = found[1], int(found[2])
        if exponent == 0:
            return digits
        power = f"10{str(exponent).translate(RAISED)}"
        return power if digits == "1" else f"{digits}·{power}"

    return IN_PYTHON.sub(raised, text)


def spaced(count: int, /) -> str:
    r"""A whole number in groups of three digits, with narrow spaces that do not break.

    Shapes: none.
    Cost: none.
    Errors: ValueError for what is no whole number.

    >>> spaced(1234567).split("\u202f")
    ['1', '234', '567']
    """
    return f"{count:,d}".replace(",", "\u202f")
