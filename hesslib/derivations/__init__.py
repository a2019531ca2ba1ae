"""What the calculus proves of networks: one module for each mathematical object, each function a checked chain.

A derivation is a function here that returns its chain of `Steps`; chapters import it and show its source. The letters
of the network are in `network`; its explicit instances in exact arithmetic, the oracle of tests, in `exact_network`.
`check_latex` reads a formula that somebody wrote in LaTeX, and says whether it is right; see `reading`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .reading.judgement import check_latex
    from .reading.notation import Notation
    from .reading.report import check_document, load_ipython_extension
    from .reading.verdict import Verdict

_HOME = {
    "check_latex": "judgement",
    "Notation": "notation",
    "Verdict": "verdict",
    "check_document": "report",
    "load_ipython_extension": "report",
}

__all__ = ["Notation", "Verdict", "check_document", "check_latex", "load_ipython_extension"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used; the derivations themselves need no parser."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".reading.{_HOME[name]}", __name__), name)
