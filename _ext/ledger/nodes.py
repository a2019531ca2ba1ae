"""Records on the page: the directives that a cell's output carries, and the nodes they become."""

import json
import re
from collections.abc import Callable
from typing import Any

from docutils import nodes
from docutils.nodes import Element, Node, TextElement
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from hesslib.agreement import as_words, figure
from hesslib.book.display import deciders
from hesslib.book.ledger import KINDS, VERDICTS, faults


class ledger_record(nodes.General, Element):
    """How a result is known, folded.

    The node of a result carries its ``record``, the ``faults`` of it, and as ``prose`` what the index repeats, parsed:
    what it holds for and the names of the oracles. A :class:`ledger_claim` carries the same (its prose is its text),
    and folds its checks in a plain node of this kind.
    """


class ledger_claim(nodes.General, Element):
    """What became of a claim of a source."""


class ledger_summary(nodes.General, TextElement):
    """The line that stays when a record is folded."""


class ledger_table(nodes.General, Element):
    """Where the index goes; filled when all pages are known. ``content`` is 'equations' or 'claims'."""


class ledger_count(nodes.Inline, Element):
    """A number out of the ledger; filled when all pages are known. ``content`` is a key of `COUNTED`."""


COUNTED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "equations": lambda record: True,
    **{kind: lambda record, kind=kind: record["established"] == kind for kind in KINDS},  # type: ignore[misc]
    "measured": lambda record: any(check["tolerance"] > 0 for check in record["checks"]),
    "autodiff": lambda record: any(re.search("JAX|PyTorch", check["oracle"]) for check in record["checks"]),
    "differences": lambda record: any("difference" in check["oracle"] for check in record["checks"]),
}
"""Which equations ``{ledger-count}`` counts: all, those of a kind, those with a check that the key names."""


def badge(word: str, meaning: str = "") -> nodes.abbreviation:
    """A word in a coloured box that says what it promises when pointed at."""
    said = {"explanation": meaning} if meaning else {}
    return nodes.abbreviation("", word, classes=["ledger-badge", f"ledger-{word.lower()}"], **said)


def table(heads: list[str], rows: list[list[Node]], classes: list[str]) -> nodes.table:
    """A table of ready-made cells."""
    group = nodes.tgroup(cols=len(heads))
    group += [nodes.colspec(colwidth=90 // len(heads)) for _ in heads]  # characters, where the output is text
    group += nodes.thead("", _row([nodes.paragraph("", head) for head in heads]))
    group += nodes.tbody("", *(_row(cells) for cells in rows))
    return nodes.table("", group, classes=classes)


def _row(cells: list[Node]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", cell) for cell in cells))


class _Carrier(SphinxDirective):
    """A directive whose body is one record in JSON. It never fails: faults travel with the node to the audit."""

    has_content = True

    def read(self, node: Element) -> dict[str, Any] | None:
        node["prose"] = {}
        try:
            record = json.loads("\n".join(self.content), parse_constant=_refuse)
            node["record"], node["faults"] = record, faults(record)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            node["record"], node["faults"] = None, [f"unreadable record: {error}"]
        self.set_source_info(node)
        return node["record"] if not node["faults"] else None

    def inline(self, text: str) -> list[Node]:
        """One line of MyST, parsed."""
        return self.state.inline_text(text, self.lineno)[0]

    def agreement(self, rows: list[dict[str, Any]]) -> list[Node]:
        """The one check, or how many there are and how far the worst is off."""
        if len(rows) == 1:
            return [
                *self.inline(rows[0]["oracle"]),
                nodes.Text(f": {as_words(rows[0]['agreement'], rows[0]['tolerance'])}"),
            ]
        worst = max(row["agreement"] for row in rows)
        return [nodes.Text(f"{len(rows)} oracles agree {f'to {figure(worst)}' if worst else 'exactly'}")]

    def checks(self, rows: list[dict[str, Any]]) -> nodes.table:
        """Each oracle with its agreement and what it was allowed."""
        body = [
            [
                nodes.paragraph("", "", *self.inline(row["oracle"])),
                nodes.paragraph("", as_words(row["agreement"], row["tolerance"])),
                nodes.paragraph("", figure(row["tolerance"])),
            ]
            for row in rows
        ]
        return table(["oracle", "agreement", "allowed"], body, ["ledger-checks"])


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


class Record(_Carrier):
    """``{ledger-record}``: how a result is known, folded to one line."""

    def run(self) -> list[Node]:
        node = ledger_record(classes=["ledger-record"])
        record = self.read(node)
        if record is None:
            return [node]
        checks = record["checks"]
        parts: list[list[Node]] = [[badge(record["established"], KINDS[record["established"]])]]
        if deciders(record):
            parts.append([nodes.Text(deciders(record))])
        if record["scope"]:
            parts.append(self.inline(record["scope"]))
        if record["source"]:
            parts.append([nodes.Text(record["source"])])
        if checks:
            parts.append(self.agreement(checks))
        node += ledger_summary("", "", *_joined(parts))
        node += nodes.paragraph("", "", *self.inline(record["note"])) if record["note"] else []
        node += self.checks(checks) if checks else []
        if program := record.get("program", ""):
            node += nodes.paragraph("", "", nodes.Text("From "), nodes.literal("", program))
        if uses := record.get("uses", []):
            node += nodes.paragraph("", "", nodes.Text("Rests on"))
            items = [nodes.list_item("", nodes.paragraph("", "", *self.inline(line))) for line in uses]
            node += nodes.bullet_list("", *items)
        node += nodes.paragraph("", "", nodes.Text("Cited as "), nodes.literal("", f"{{eq}}`{record['label']}`"))
        node["prose"] = {
            "scope": self.inline(record["scope"]),
            "oracles": [self.inline(row["oracle"]) for row in checks],
        }
        return [node]


class Claim(_Carrier):
    """``{ledger-claim}``: a claim's verdict and the correct statement; its checks are folded."""

    def run(self) -> list[Node]:
        node = ledger_claim(classes=["ledger-claim"])
        record = self.read(node)
        if record is None:
            return [node]
        node["ids"] = [nodes.make_id(f"claim-{record['id']}")]
        head = [nodes.literal("", record["id"]), nodes.Text(" "), badge(record["verdict"], VERDICTS[record["verdict"]])]
        node += nodes.paragraph("", "", *head, nodes.Text(" "), *self.inline(record["text"]))
        node["prose"] = {"text": self.inline(record["text"])}
        if record["checks"]:
            folded = ledger_record(classes=["ledger-record"])
            folded += ledger_summary("", "", nodes.Text("computed · "), *self.agreement(record["checks"]))
            folded += self.checks(record["checks"])
            node += folded
        return [node]


def _joined(parts: list[list[Node]]) -> list[Node]:
    """The parts with a middle dot between them."""
    line: list[Node] = []
    for part in parts:
        line += [nodes.Text(" · "), *part] if line else part
    return line


class Table(SphinxDirective):
    """``{ledger-table}`` and ``{claims-table}``: a place for the index."""

    def run(self) -> list[Node]:
        return [ledger_table(content="claims" if self.name == "claims-table" else "equations")]


class Count(SphinxRole):
    """``{ledger-count}`` with a key of `COUNTED`: how many equations of the book are of that kind."""

    def run(self) -> tuple[list[Node], list[nodes.system_message]]:
        if self.text not in COUNTED:
            message = f"ledger-count is {self.text!r}; it must be one of {', '.join(COUNTED)}"
            return [], [self.inliner.reporter.error(message, line=self.lineno)]
        return [ledger_count(content=self.text)], []


def setup(app: Sphinx) -> None:
    def html(tag: str) -> tuple[Any, Any]:
        return (
            lambda self, node: self.body.append(self.starttag(node, tag)),
            lambda self, node: self.body.append(f"</{tag}>\n"),
        )

    def through(self: Any, node: Node) -> None:
        """Builders without folding show everything."""

    others: Any = dict.fromkeys(("latex", "text", "man", "texinfo"), (through, through))
    app.add_node(ledger_record, html=html("details"), **others)
    app.add_node(ledger_summary, html=html("summary"), **others)
    app.add_node(ledger_claim, html=html("div"), **others)
    app.add_node(ledger_table)  # replaced before anything is written
    app.add_node(ledger_count)
    app.add_role("ledger-count", Count())
    app.add_directive("ledger-record", Record)
    app.add_directive("ledger-claim", Claim)
    app.add_directive("ledger-table", Table)
    app.add_directive("claims-table", Table)
