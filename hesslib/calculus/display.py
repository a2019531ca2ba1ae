"""How a formula shows itself: in a notebook and in the book as typeset mathematics, in a terminal as its LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
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


def aligned(rows: Sequence[str], /) -> str:
    r"""Rows below each other, aligned at their ``&``.

    >>> print(aligned(["a &= b", "&= c"]))
    \begin{aligned}
    a &= b \\
    &= c
    \end{aligned}
    """
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"
