"""How a formula shows itself: in a notebook and in the book as typeset mathematics, in a terminal as its LaTeX."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from .macros import expand

__all__ = ["Displayed", "aligned"]


class Displayed:
    """What typesets itself, unnumbered; numbers are the ledger's business.

    The ledger states objects of this class and no others, and this package alone derives from it: a page cannot bring
    its own idea of an equation.

    >>> from .steps import Formula
    >>> issubclass(Formula, Displayed)
    True
    """

    program: str = ""
    """The function of `hesslib.derivations` that it comes from, with its module; empty if it comes from none."""

    def __new__(cls, *_: Any, **__: Any) -> Displayed:
        self = super().__new__(cls)
        object.__setattr__(self, "program", _program(sys._getframe(1)))
        return self

    SEALED: frozenset[str] = frozenset()
    """What is not changed once it is said: it was proved as it stands."""

    def __setattr__(self, name: str, value: Any) -> None:
        if (hasattr(type(self), name) and name != "program") or (name in self.SEALED and name in vars(self)):
            raise AttributeError(f"{name} of a {type(self).__name__} stays what it is; state another equation instead")
        object.__setattr__(self, name, value)

    def latex(self) -> str:
        """The body of a display."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        body = self.latex()
        return {
            "text/markdown": f"```{{math}}\n{body}\n```",
            "text/html": f"<div>$$\n{expand(body)}\n$$</div>",
            "text/latex": f"$$\n{expand(body)}\n$$",
            "text/plain": body,
        }


def _program(frame: FrameType | None) -> str:
    """The outermost function of `hesslib.derivations` that is running: what a chapter called."""
    found = ""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("hesslib.derivations.") and not frame.f_code.co_name.startswith("<"):
            found = f"{module}.{frame.f_code.co_qualname.split('.<locals>')[0]}"
        frame = frame.f_back
    return found


def aligned(rows: Sequence[str], /) -> str:
    r"""Rows below each other, aligned at their ``&``.

    >>> print(aligned(["a &= b", "&= c"]))
    \begin{aligned}
    a &= b \\
    &= c
    \end{aligned}
    """
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"
