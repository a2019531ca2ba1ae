"""Sheets on the page: beneath the records of the ledger that bring one, and by directive."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.parsers.rst import directives
from ledger.nodes import ledger_record
from sphinx.util.docutils import SphinxDirective

from hesslib.derivations.reading.notation import NOTATIONS
from live.settings import EXAMPLES

if TYPE_CHECKING:
    from docutils.nodes import Node
    from sphinx.application import Sphinx


class live_sheet(nodes.General, nodes.Element):
    """A place where a formula is decided; ``sheet`` is what the script of the page makes of it."""


NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
KEYS = {"id", "text", "notation", "title", "own", "known", "choice", "open", "exercise", "examples"}


def of_record(record: dict[str, Any], /) -> live_sheet:
    """The sheet that a record brings."""
    return _node(record["label"], record["sheet"])


def _node(name: str, sheet: dict[str, Any]) -> live_sheet:
    shown: dict[str, Any] = {"id": name, "text": sheet["text"], "title": name}
    if isinstance(sheet["words"], str):
        shown["notation"] = sheet["words"]
    else:
        shown |= {"own": sheet["words"], "known": sheet["known"]}
    return live_sheet(sheet=shown)


class LiveRecord(SphinxDirective):
    """``{live-record}``: the sheet of a derivation or a refusal that no record of the ledger brings, in JSON."""

    has_content = True

    def run(self) -> list[Node]:
        told = json.loads("\n".join(self.content))
        return [_node(told["id"], told)]


class LiveSheet(SphinxDirective):
    """``{live-sheet}`` with a name: an open sheet. Its content is the formula that stands there first.

    ``choice`` lets the reader choose the notation, ``examples`` offers some; an ``exercise`` is answered with the step
    that fails, and not with what is right.
    """

    required_arguments = 1
    has_content = True
    option_spec = {  # noqa: RUF012 - docutils reads it
        "notation": lambda told: directives.choice(told, tuple(NOTATIONS)),
        "title": directives.unchanged_required,
        "choice": directives.flag,
        "examples": directives.flag,
        "exercise": directives.flag,
    }

    def run(self) -> list[Node]:
        (name,) = self.arguments
        if not NAME.fullmatch(name):
            raise self.error(f"the sheet is named {name!r}; it must be lower-case letters, digits and single hyphens")
        sheet = {
            "id": name,
            "text": "\n".join(self.content),
            "notation": self.options.get("notation", "book"),
            "title": self.options.get("title", name),
            "open": True,
            **{flag: True for flag in ("choice", "exercise") if flag in self.options},
        }
        if "examples" in self.options:
            sheet["examples"] = EXAMPLES
        return [live_sheet(sheet=sheet)]


def beneath_records(app: Sphinx, doctree: nodes.document) -> None:
    """Put the sheets where their records are."""
    for record in list(doctree.findall(ledger_record)):
        told = record.get("record")
        if told and told.get("sheet") and not record.get("faults"):
            record.parent.insert(record.parent.index(record) + 1, of_record(told))


def visit(self: Any, node: live_sheet) -> None:
    told = json.dumps(node["sheet"], ensure_ascii=False, separators=(",", ":"))
    told = html.escape(told, quote=False).replace("'", "&#39;")  # in single quotes, of which JSON has few
    self.body.append(f"<div class='live-sheet' data-sheet='{told}'></div>\n")
    raise nodes.SkipNode


def skip(self: Any, node: live_sheet) -> None:
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    others: Any = dict.fromkeys(("latex", "text", "man", "texinfo"), (skip, None))
    app.add_node(live_sheet, html=(visit, None), **others)
    app.add_directive("live-record", LiveRecord)
    app.add_directive("live-sheet", LiveSheet)
    app.connect("doctree-read", beneath_records)
