"""Show the source of what is being explained, from the object itself, so that a page cannot show yesterday's code."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

__all__ = ["Listing", "listing"]


class Listing:
    """Python source that displays as highlighted code in a notebook and in the book.

    Shapes: none.
    Cost: none.
    Errors: none.

    >>> Listing("    x = 1")
    x = 1
    """

    def __init__(self, code: str, /) -> None:
        self.code = textwrap.dedent(code).strip("\n")

    def __str__(self) -> str:
        return self.code

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.code}\n```"


def listing(*objects: Any, docstrings: bool = False) -> Listing:
    """The source of functions or classes, without their docstrings unless asked; a string is shown as it is.

    Shapes: a `Listing`.
    Cost: one look into the files.
    Errors: TypeError or OSError, as for ``inspect.getsource``, if an object has no Python source.

    >>> def square(x):
    ...     "The square."
    ...     return x * x
    >>> listing("y = 1")
    y = 1
    """
    return Listing("\n\n".join(_source(x, docstrings) for x in objects))


def _source(x: Any, docstrings: bool) -> str:
    if isinstance(x, str):
        return x
    lines, _ = inspect.getsourcelines(inspect.unwrap(x))
    code = textwrap.dedent("".join(lines))
    return code.rstrip("\n") if docstrings else _without_docstring(code)


def _without_docstring(code: str) -> str:
    import ast

    (node,) = ast.parse(code).body
    lines = code.splitlines()
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
        first = node.body[0]
        assert first.end_lineno is not None
        del lines[first.lineno - 1 : first.end_lineno]
    return "\n".join(lines).rstrip("\n")
