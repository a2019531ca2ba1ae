"""Figures that move, driven by functions that are compiled to JavaScript from proved formulas.

A module of this folder is one figure: its ``figure()`` gives the compiled functions, the numbers it starts from and its
caption. How it is drawn and handled is the file of the same name in ``_ext/figures/static/moving/``. A chapter shows
it by ``moving.show("quotients")``.
"""

from __future__ import annotations

import base64
import html
import importlib
import io
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hesslib._notebook import shell
from hesslib.book.javascript import Function

FIGURES = (
    "weights",
    "quotients",
    "step_size",
    "cells",
    "sweeps",
    "inverse",
    "direction",
    "ellipses",
    "damping",
    "conjugate",
    "evidence",
    "pruning",
    "groundwater",
    "attention",
)
"""The figures, in the order of the book."""


@dataclass(frozen=True)
class Moving:
    """A figure that moves.

    The caption is MyST and cites the equations that the functions are compiled from; the description says in words
    what there is to see and to move; ``still`` is the label of the picture on the page that stands for it in print;
    where the page has none, ``picture`` draws one.
    """

    name: str
    functions: tuple[Function, ...]
    caption: str
    description: str
    still: str
    data: Mapping[str, Any] = field(default_factory=dict)
    picture: Callable[[], Any] | None = None

    def script(self) -> str:
        """What the page needs of it: the functions, and the numbers."""
        names = ", ".join(f.name for f in self.functions)
        sources = "\n".join(f.source for f in self.functions)
        data = json.dumps(self.data, allow_nan=False)
        script = f"{sources}\nreturn {{{names}, data: {data}}};"
        if "</" in script:
            raise ValueError(f"{self.name}: a script that holds </ would end early")
        return f'(window.movingFigures ??= {{}})["{self.name}"] = (() => {{\n{script}\n}})();'


def _png(drawn: Any) -> str:
    """A figure of Matplotlib, which is closed then, as text."""
    import matplotlib.pyplot as plt

    held = io.BytesIO()
    drawn.savefig(held, format="png", metadata={"Software": None})
    plt.close(drawn)
    return base64.b64encode(held.getvalue()).decode("ascii")


def figure(name: str, /) -> Moving:
    """The figure of that name.

    Errors: ValueError if there is none.
    """
    if name not in FIGURES:
        raise ValueError(f"name is {name!r}; it must be one of {', '.join(FIGURES)}")
    return importlib.import_module(f"{__name__}.{name}").figure()


def show(name: str, /) -> None:
    """Put the figure on the page; a notebook and a terminal show its caption.

    Errors: ValueError if there is no figure of that name.

    >>> show("groundwater")  # doctest: +ELLIPSIS
    A figure that moves in the built book: ...
    """
    moving = figure(name)
    text = f"A figure that moves in the built book: {moving.description}"
    if shell() is None:
        sys.stdout.write(text + "\n")
        return
    record = {
        "name": moving.name,
        "script": moving.script(),
        "caption": moving.caption,
        "description": moving.description,
        "still": moving.still,
        "picture": "" if moving.picture is None else _png(moving.picture()),
    }
    body = json.dumps(record, ensure_ascii=False).replace("`", "\\u0060")  # no fence can end early
    from IPython.display import display

    display(
        {
            "text/markdown": f"```{{moving-figure}}\n{body}\n```",
            "text/html": f"<p><em>{html.escape(text, quote=False)}</em></p>",
            "text/plain": text,
        },
        raw=True,
    )
