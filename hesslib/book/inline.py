"""Put a computed number into the prose: ``glue("ratio", f"{ratio:.1f}")`` in a cell, ``{glue:text}`` in the text.

It writes the output that MyST-NB's own ``glue`` writes. That one imports the notebook format with all its schemas,
seconds for each chapter; this one imports nothing but the display.
"""

from __future__ import annotations

__all__ = ["glue", "spaced"]

GLUED = "application/papermill.record/"
"""The prefix of an output that is kept and not shown."""


def glue(name: str, text: str, /) -> None:
    """Keep `text` under `name`, for ``{glue:text}`` on the same page. Shows nothing; outside a notebook, nothing.

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
        display({GLUED + "text/plain": repr(text)}, raw=True, metadata={"scrapbook": scrapbook})


def spaced(count: int, /) -> str:
    r"""A whole number in groups of three digits, with narrow spaces that do not break.

    Shapes: none.
    Cost: none.
    Errors: ValueError for what is no whole number.

    >>> spaced(1234567).split("\u202f")
    ['1', '234', '567']
    """
    return f"{count:,d}".replace(",", "\u202f")
