"""The index of results: the tables on its page, and ``ledger.json`` beside the HTML."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform

from hesslib.agreement import as_words
from ledger.audit import register
from ledger.nodes import COUNTED, badge, ledger_count, ledger_table, table


def ledger(app: Sphinx) -> dict[str, list[dict[str, Any]]]:
    """The whole ledger in the order of the book, as it is published."""
    env, builder = app.env, app.builder
    sources = register(app)
    equations, claims = [], []
    for docname, page in _pages(env):
        place = {"page": builder.get_target_uri(docname), "chapter": env.titles[docname].astext()}
        for entry in page["records"]:
            record = {key: value for key, value in entry["record"].items() if key != "sheet"}  # for the page alone
            equations.append({**record, "number": _number(app, docname, record["label"]), **place})
        for entry in page["claims"]:
            record = entry["record"]
            claims.append({**record, "source": sources.get(record["id"], record["source"]), **place})
    return {"equations": equations, "claims": claims}


def _text(app: Sphinx) -> str:
    return json.dumps(ledger(app), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _pages(env: BuildEnvironment) -> Iterator[tuple[str, dict[str, Any]]]:
    """Pages in the order of the table of contents, then those outside it."""
    pages = env.get_domain("ledger").data["pages"]
    order: dict[str, None] = {}

    def walk(docname: str) -> None:
        if docname not in order:
            order[docname] = None
            for child in env.toctree_includes.get(docname, []):
                walk(child)

    walk(env.config.root_doc)
    for docname in [*order, *sorted(pages.keys() - order)]:
        if docname in pages:
            yield docname, pages[docname]


def _number(app: Sphinx, docname: str, label: str) -> str:
    """The equation's number as ``{eq}`` prints it, without the parentheses."""
    node = addnodes.pending_xref("")
    found = app.env.get_domain("math").resolve_xref(app.env, docname, app.builder, "eq", label, node, node)
    return cast(nodes.Element, found).astext().strip("()")  # the audit has seen that it exists


def outdated(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The pages with tables or counts, if the ledger is not what was published last."""
    published = Path(app.outdir, "ledger.json")
    if published.is_file() and published.read_text(encoding="utf-8") == _text(app):
        return []
    pages = env.get_domain("ledger").data["pages"]
    return [docname for docname, page in pages.items() if page["tables"] or page["counts"]]


def write(app: Sphinx, exception: Exception | None) -> None:
    """Publish ``ledger.json`` after a build that succeeded."""
    if exception is None and app.builder.format == "html":
        Path(app.outdir, "ledger.json").write_text(_text(app), encoding="utf-8")


class FillTables(SphinxPostTransform):
    """Put the ledger where its tables go; before references are resolved, so that ``{eq}`` does the numbering."""

    default_priority = 5

    @property
    def names(self) -> dict[str, list[str]]:
        """The other names of each result."""
        path = Path(self.app.srcdir, self.config.ledger_names)
        return yaml.safe_load(path.read_text(encoding="utf-8"))["equations"] if path.is_file() else {}

    def run(self, **kwargs: Any) -> None:
        for place in list(self.document.findall(ledger_table)):
            fill = self.equations if place["content"] == "equations" else self.claims
            place.replace_self(nodes.container("", fill(), classes=["ledger-scroll"]))
        for place in list(self.document.findall(ledger_count)):
            records = [entry["record"] for _, page in _pages(self.env) for entry in page["records"]]
            place.replace_self(nodes.Text(str(sum(map(COUNTED[place["content"]], records)))))

    def equations(self) -> nodes.Element:
        known = self.names
        heads = ["equation", "chapter", "source", "established", "agreement with each oracle"]
        rows = []
        for docname, page in _pages(self.env):
            for entry in page["records"]:
                record = entry["record"]
                label = record["label"]
                called = known.get(label, [])
                number = addnodes.pending_xref("", nodes.literal("", label), reftype="eq", reftarget=label)
                number.attributes.update(refdomain="math", refdoc=self.env.docname)
                kind = nodes.paragraph("", "", badge(record["established"]))  # the page explains the words below
                kind += [nodes.Text(" "), *self.moved(entry["prose"]["scope"])]
                lines = [nodes.line("", "", number), nodes.line("", label, classes=["ledger-label"])]
                lines += [nodes.line("", name, classes=["ledger-name"]) for name in called]
                rows.append(
                    [
                        nodes.line_block("", *lines),
                        nodes.paragraph("", self.env.titles[docname].astext()),
                        nodes.paragraph("", record["source"]),
                        kind,
                        self.oracles(record["checks"], entry["prose"]["oracles"]),
                    ]
                )
        return _table(heads, rows, "ledger-equations")

    def claims(self) -> nodes.Element:
        heads = ["claim", "source", "verdict", "what holds", "established", "chapter"]
        sources = register(self.app)
        rows = []
        for docname, page in _pages(self.env):
            for entry in page["claims"]:
                claim = entry["record"]
                rows.append(
                    [
                        nodes.paragraph("", claim["id"]),
                        nodes.paragraph("", sources.get(claim["id"], claim["source"])),
                        nodes.paragraph("", "", badge(claim["verdict"])),
                        nodes.paragraph("", "", *self.moved(entry["prose"]["text"])),
                        nodes.paragraph("", claim["established"]),
                        self.chapter(docname, nodes.make_id(f"claim-{claim['id']}")),
                    ]
                )
        return _table(heads, rows, "ledger-claims")

    def oracles(self, checks: list[dict[str, Any]], names: list[list[nodes.Node]]) -> nodes.Element:
        """Each oracle with its agreement."""
        items = []
        for row, name in zip(checks, names, strict=True):
            words = nodes.Text(f": {as_words(row['agreement'], row['tolerance'])}")
            items.append(nodes.list_item("", nodes.paragraph("", "", *self.moved(name), words)))
        return nodes.bullet_list("", *items) if items else nodes.paragraph("", "–")

    def moved(self, text: list[nodes.Node]) -> list[nodes.Node]:
        """Text written for another page: its references now start from this one."""
        copy = nodes.inline("", "", *(node.deepcopy() for node in text))
        for reference in copy.findall(addnodes.pending_xref):
            reference["refdoc"] = self.env.docname
        return list(copy.children)

    def chapter(self, docname: str, anchor: str) -> nodes.paragraph:
        """A link to a place, named by its page."""
        uri = self.app.builder.get_relative_uri(self.env.docname, docname)
        title = self.env.titles[docname].astext()
        return nodes.paragraph("", "", nodes.reference("", title, internal=True, refuri=f"{uri}#{anchor}"))


def _table(heads: list[str], rows: list[list[nodes.Node]], name: str) -> nodes.Element:
    return table(heads, rows, ["ledger-table", name]) if rows else nodes.paragraph("", "Nothing is recorded.")
