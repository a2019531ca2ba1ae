"""A report as text for a terminal: what matters first, no line longer than a terminal is wide."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from hesslib.agreement import figure

if TYPE_CHECKING:
    from hesslib.check.report import Report

WIDTH = 100
WORST = 6  # blocks that are listed


def text(report: Report) -> str:
    """The report in lines."""
    lines = [f"{report.quantity} of {report.problem}: {report.verdict.upper()}"]
    for diagnosis in report.diagnoses:
        lines += _wrapped(str(diagnosis), "  -> ")
    lines.append("  referees (error of its own; distance of the claimed result; allowed: by the size of the block):")
    for referee in report.referees:
        mark = referee.says.replace("differs", "DIFFERS")
        figures = "; ".join(map(figure, (referee.tolerance, referee.distance, referee.allowed)))
        lines += _wrapped(f"{referee.name}, {referee.cost}: {figures}: {mark}", "    ")
    for reason in report.declined:
        lines += _wrapped(f"declined: {reason}", "    ")
    lines += _wrapped(report.agreement, "  ")
    if report.sampling:
        lines += _wrapped(report.sampling, "  ")
    for words in report.omitted:
        lines += _wrapped(f"not looked for: {words}", "  ")
    wrong = sorted((b for b in report.blocks if not b.excess <= 1), key=lambda b: -b.error)
    if wrong:
        shown = "; ".join(f"{' x '.join(b.names)} {figure(b.error)}" for b in wrong[:WORST])
        more = f"; and {len(wrong) - WORST} more" if len(wrong) > WORST else ""
        lines += _wrapped(f"wrong in {len(wrong)} of {len(report.blocks)} blocks: {shown}{more}", "  ")
    return "\n".join(lines)


def _wrapped(words: str, indent: str) -> list[str]:
    return textwrap.wrap(words, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent))
