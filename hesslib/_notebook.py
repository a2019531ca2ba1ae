"""Whether code runs in a notebook, in which cell, and whether somebody watches it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any


def shell() -> Any:
    """Return the running IPython, or None; IPython is not imported where it is not in use."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def is_interactive() -> bool:
    """Whether standard error is a terminal, or the running notebook one that could ask its reader a question."""
    kernel = getattr(shell(), "kernel", None)
    return sys.stderr.isatty() or bool(getattr(kernel, "_allow_stdin", False))


@dataclass(frozen=True)
class Execution:
    """Which cell is running, and which run of it this is; outside a notebook both are empty."""

    cell: str = ""
    count: int = 0

    def repeats(self, earlier: Execution) -> bool:
        """Whether this is a later run of the same cell."""
        return bool(self.cell) and self.cell == earlier.cell and self.count != earlier.count


def execution() -> Execution:
    """Return the running cell: by the id that front ends send, else by its source text."""
    ipython = shell()
    if ipython is None:
        return Execution()
    parent = ipython.get_parent() if hasattr(ipython, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId")
    return Execution(cell or ipython.user_ns.get("In", [""])[-1], ipython.execution_count)
