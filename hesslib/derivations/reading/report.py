r"""A document, display by display, each with its verdict: the command ``python -m hesslib derive`` and ``%%derive``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .documents import displays
from .judgement import check_latex
from .notation import NOTATIONS, Notation, notation_of
from .verdict import Verdict

__all__ = ["Report", "check_document", "main"]

RIGHT, WRONG, UNKNOWN, USAGE = 0, 1, 2, 64
"""Exit statuses: all hold; one does not; none is known to be wrong, but one could not be told; no such file."""


@dataclass(frozen=True)
class Report:
    """The verdicts on the displays of a document, each with the line where the display starts."""

    verdicts: tuple[tuple[int, Verdict], ...]

    @property
    def counts(self) -> dict[bool | None, int]:
        """How many hold, do not hold, and cannot be told."""
        return {word: sum(v.holds is word for _, v in self.verdicts) for word in (True, False, None)}

    @property
    def status(self) -> int:
        """The exit status of the command."""
        counts = self.counts
        return WRONG if counts[False] else UNKNOWN if counts[None] else RIGHT

    def __str__(self) -> str:
        rows = [f"line {line}: {verdict}" for line, verdict in self.verdicts]
        counts = self.counts
        rows.append(f"{counts[True]} hold, {counts[False]} do not hold, {counts[None]} cannot be told")
        return "\n\n".join(rows)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return "\n\n".join(verdict._repr_markdown_() for _, verdict in self.verdicts)

    def _repr_html_(self) -> str:
        return "\n".join(verdict._repr_html_() for _, verdict in self.verdicts)


def check_document(document: str, /, *, notation: str | Notation = "book") -> Report:
    r"""The verdict on every display of a Markdown or TeX document.

    A display that begins with a relation goes on with the one before it.

    >>> check_document(r"$$\delta_k = \frac{\partial E}{\partial a_k}$$", notation="prml").status
    0
    """
    found: list[tuple[int, str]] = []
    for display in displays(document):
        if found and display.text.lstrip(" \n\t&").startswith("="):
            line, text = found.pop()
            found.append((line, text.rstrip(" \n.,") + "\n\\\\ " + display.text))
        else:
            found.append((display.line, display.text))
    return Report(tuple((line, check_latex(text, notation=notation)) for line, text in found))


def main(arguments: Sequence[str] | None = None, /) -> int:
    """The command ``python -m hesslib derive FILE``; the exit status says whether all formulas hold."""
    parser = argparse.ArgumentParser(prog="python -m hesslib", description="Is my derivation right?")
    commands = parser.add_subparsers(dest="command", required=True)
    derive = commands.add_parser("derive", help="decide every displayed formula of a document")
    derive.add_argument("file", nargs="+", help="a Markdown or TeX file; - is the standard input")
    derive.add_argument(
        "--notation", default="book", help=f"{', '.join(NOTATIONS)}, or a YAML file that declares one (default: book)"
    )
    given = parser.parse_args(arguments)
    try:
        path = Path(given.notation)
        from_file = path.suffix in (".yml", ".yaml")
        notation = Notation.from_yaml(path.read_text(encoding="utf-8")) if from_file else notation_of(given.notation)
        texts = [
            sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8", errors="replace")
            for name in given.file
        ]
    except (OSError, ValueError) as why:
        sys.stderr.write(f"{why}\n")
        return USAGE
    worst = RIGHT
    for name, text in zip(given.file, texts, strict=True):
        report = check_document(text, notation=notation)
        sys.stdout.write(f"{name}\n\n{report}\n")
        worst = WRONG if WRONG in (worst, report.status) else max(worst, report.status)
    return worst


def load_ipython_extension(shell: Any, /) -> None:
    """``%load_ext hesslib.derivations``: the cell magic ``%%derive``, with the name of a notation behind it."""

    def derive(line: str, cell: str) -> Verdict | Report:
        notation = line.strip() or "book"
        if any(True for _ in displays(cell)):
            return check_document(cell, notation=notation)
        return check_latex(cell, notation=notation)

    shell.register_magic_function(derive, magic_kind="cell", magic_name="derive")
