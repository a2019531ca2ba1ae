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
        lines += _wrap(str(diagnosis), "  -> ")
    lines.append("  referees (error of its own; distance of the claimed result; allowed: by the size of the block):")
    for referee in report.referees:
        mark = referee.says.replace("differs", "DIFFERS")
        figures = "; ".join(map(figure, (referee.tolerance, referee.distance, referee.allowed)))
        lines += _wrap(f"{referee.name}, {referee.cost}: {figures}: {mark}", "    ")
    for reason in report.declined:
        lines += _wrap(f"declined: {reason}", "    ")
    lines += _wrap(report.agreement, "  ")
    if report.sampling:
        lines += _wrap(report.sampling, "  ")
    for words in report.omitted:
        lines += _wrap(f"not looked for: {words}", "  ")
    # as printed, so that rounding does not shuffle what is equally wrong
    wrong = sorted((b for b in report.blocks if not b.excess <= 1), key=lambda b: -float(figure(b.error)))
    if wrong:
        shown = "; ".join(f"{' x '.join(b.names)} {figure(b.error)}" for b in wrong[:WORST])
        more = f"; and {len(wrong) - WORST} more" if len(wrong) > WORST else ""
        lines += _wrap(f"wrong in {len(wrong)} of {len(report.blocks)} blocks: {shown}{more}", "  ")
    return "\n".join(lines)


def _wrap(words: str, indent: str) -> list[str]:
    return textwrap.wrap(words, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent))
