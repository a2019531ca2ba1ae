"""A report as HTML for a notebook, with a heat map of the error by block.

Colours are laid over the page's own as translucent tints, and text keeps the page's own colour: light and dark pages
are served alike. Nothing is said by colour alone: every cell holds its figure, and a mark if it is wrong.
"""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from hesslib.agreement import figure

if TYPE_CHECKING:
    from hesslib.check.location import BlockError
    from hesslib.check.report import Report

TINT = "213, 94, 0"  # vermilion, told from the page by readers who see red and green alike
DARKEST = 0.45  # of the tint: text in the page's own colour stays readable
CAPTION = "text-align:left;color:inherit"
CELL = "padding:0.25em 0.5em;text-align:left;border-bottom:1px solid rgba(128,128,128,0.4)"


def page(report: Report) -> str:
    """The report as one block of HTML that needs no style sheet."""
    mark = {"right": "✓", "wrong": "✗"}.get(report.verdict, "?")
    head = f"{mark} {report.quantity} of {report.problem}: {report.verdict}"
    parts = [f"<p><strong>{html.escape(head)}</strong></p>"]
    if report.diagnoses:
        items = "".join(f"<li>{html.escape(str(d))}</li>" for d in report.diagnoses)
        parts.append(f"<ul>{items}</ul>")
    parts.append(_referees(report))
    notes = [report.agreement, report.sampling, *(f"Declined: {reason}" for reason in report.declined)]
    notes += [f"Not looked for: {words}" for words in report.omitted]
    parts += [f"<p>{html.escape(note)}</p>" for note in notes if note]
    if report.blocks and report.verdict != "right":
        parts.append(_heat_map(report))
    return (
        f"<div style='overflow-x:auto' role='group' aria-label='{html.escape(head, quote=True)}'>{''.join(parts)}</div>"
    )


def _referees(report: Report) -> str:
    columns = ("referee", "cost", "error of its own", "distance of the claimed result", "allowed", "")
    head = "".join(f"<th scope='col' style='{CELL}'>{column}</th>" for column in columns)
    rows = []
    for referee in report.referees:
        words = referee.says
        figures = [figure(number) for number in (referee.tolerance, referee.distance, referee.allowed)]
        cells = "".join(
            f"<td style='{CELL};white-space:nowrap'>{html.escape(cell)}</td>"
            for cell in (referee.cost, *figures, words)
        )
        rows.append(
            f"<tr><th scope='row' style='{CELL};font-weight:normal'>{html.escape(referee.name)}</th>{cells}</tr>"
        )
    caption = f"<caption style='{CAPTION}'>Referees; figures relative to the size of the block</caption>"
    return _table(caption, head, "".join(rows))


def _heat_map(report: Report) -> str:
    """Blocks of rows against blocks of columns; a gradient has one row."""
    two = all(len(block.names) == 2 for block in report.blocks)
    rows: dict[str, list[BlockError]] = {}
    for block in report.blocks:
        rows.setdefault(block.names[0] if two else report.quantity, []).append(block)
    columns = list(dict.fromkeys(block.names[-1] for block in report.blocks))
    largest = max((block.error for block in report.blocks if math.isfinite(block.error)), default=0.0)
    smallest = min((block.error for block in report.blocks if block.excess > 1), default=largest)
    head = "".join(f"<th scope='col' style='{CELL}'>{html.escape(name)}</th>" for name in columns)
    body = ""
    for name, blocks in rows.items():
        cells = "".join(_cell(block, smallest, largest) for block in blocks)
        body += f"<tr><th scope='row' style='{CELL}'>{html.escape(name)}</th>{cells}</tr>"
    caption = (
        f"<caption style='{CAPTION}'>Largest error in each block, relative to the size of the block; "
        "✗: more than is allowed</caption>"
    )
    return _table(caption, f"<td></td>{head}", body)


def _table(caption: str, head: str, body: str) -> str:
    frame = "<table style='border-collapse:collapse'>"
    return f"{frame}{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(block: BlockError, smallest: float, largest: float) -> str:
    wrong = not block.excess <= 1
    if not wrong:
        depth = 0.0
    elif largest > smallest > 0 and math.isfinite(block.error):
        depth = 0.15 + (DARKEST - 0.15) * math.log(block.error / smallest) / math.log(largest / smallest)
    else:
        depth = DARKEST
    shown = f"{figure(block.error)}{' ✗' if wrong else ''}"
    return f"<td style='{CELL};white-space:nowrap;background-color:rgba({TINT},{depth:.2f})'>{shown}</td>"
