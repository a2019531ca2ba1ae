"""What the search looks through, written as a script, so that it works where pages are opened as files.

Pages, their sections with their text, numbered equations with their sources and names, and public functions, each once.
``static/find.js`` ranks them: an equation asked for by its number, then titles, definitions and names, then the text.
"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml
from ledger.publish import ledger
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SILENT = {"script", "style", "svg"}
SILENT_CLASSES = {
    "cell_output",
    "headerlink",
    "eqno",
    "code-fold",
    "section-number",
    "ledger-record",
    "api-backlink",
    "copybtn",
}
KINDS = {"chapters/guides/": "guide", "chapters/front/": "front", "reference/": "reference", "chapters/": "chapter"}


def names(app: Sphinx) -> dict[str, Any]:
    """The other names of results and pages."""
    path = Path(app.srcdir, app.config.ledger_names)
    found = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {"equations": {}, "pages": {}, "words": {}, **found}


class Sections(HTMLParser):
    """The article of a page as sections: anchor, title, text."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[dict[str, str]] = []
        self.open: list[tuple[str, bool]] = []  # each open element, and whether what is in it is left out
        self.inside = 0  # how many elements were open when the article began
        self.anchor = ""
        self.heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        values = dict(attrs)
        classes = set((values.get("class") or "").split())
        silent = tag in SILENT or bool(classes & SILENT_CLASSES) or (bool(self.open) and self.open[-1][1])
        self.open.append((tag, silent))
        if tag == "article" and not self.inside:
            self.inside = len(self.open)
        elif tag == "section" and values.get("id"):
            self.anchor = str(values["id"])
        elif self.inside and tag in ("h1", "h2", "h3"):
            self.sections.append({"anchor": "" if tag == "h1" else self.anchor, "title": "", "text": ""})
            self.heading = True

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or tag not in [name for name, _ in self.open]:
            return
        while self.open:
            name, _ = self.open.pop()
            if len(self.open) < self.inside:
                self.inside = 0
            if name == tag:
                break
        if tag in ("h1", "h2", "h3"):
            self.heading = False

    def handle_data(self, data: str) -> None:
        if self.inside and self.sections and not self.open[-1][1]:
            self.sections[-1]["title" if self.heading else "text"] += data


def sections(html: str) -> list[dict[str, str]]:
    """The sections of a page, with the white space of their text made plain."""
    reader = Sections()
    reader.feed(html)
    return [{key: " ".join(value.split()) for key, value in one.items()} for one in reader.sections]


def _reference(app: Sphinx) -> dict[str, list[tuple[str, Any]]]:
    """The public names on each page of the reference; a book without one has none."""
    return app.env.get_domain("api").data["pages"] if "api" in app.env.domains else {}


def collected(app: Sphinx) -> dict[str, Any]:
    """All that is looked through."""
    given = names(app)
    pages, parts = [], []
    listed = {
        word
        for entries in _reference(app).values()
        for path, _ in entries
        for word in (path, path.partition(".")[2], path.rpartition(".")[2])
    }
    order = [app.config.root_doc, *app.env.toctree_includes.get(app.config.root_doc, [])]
    for docname in dict.fromkeys([*order, *sorted(app.env.found_docs)]):
        path = Path(app.outdir, f"{docname}.html")
        if docname not in app.env.found_docs or not path.is_file():
            continue
        kind = next((kind for start, kind in KINDS.items() if docname.startswith(start)), "front")
        article = sections(path.read_text(encoding="utf-8"))
        title = article[0]["title"] if article else docname
        pages.append({"title": title, "url": f"{docname}.html", "kind": kind, "names": given["pages"].get(docname, [])})
        known = app.env.get_domain("ledger").data["pages"].get(docname, {})
        if known.get("tables"):
            article = []  # the index of results has every word of the book
        parts += [
            [len(pages) - 1, one["anchor"], one["title"], one["text"]]
            for one in article
            if not (kind == "reference" and one["title"] in listed)  # a function is found as a function, once
        ]
    equations = [
        {
            "label": row["label"],
            "number": row["number"],
            "source": row["source"],
            "scope": re.sub(r"[$\\{}]|\{\w+\}`[^`]*`", "", row["scope"]),
            "chapter": row["chapter"],
            "url": f"{row['page']}#equation-{row['label']}",
            "names": given["equations"].get(row["label"], []),
        }
        for row in ledger(app)["equations"]
    ]
    functions = [
        {"name": path, "about": "".join(node.astext() for node in sentence), "url": f"{docname}.html#{path}"}
        for docname, entries in _reference(app).items()
        for path, sentence in entries
    ]
    found = {"pages": pages, "sections": parts, "equations": equations, "functions": functions}
    return {**found, "words": given["words"]}


def unknown(app: Sphinx) -> list[str]:
    """Names that are given to what does not exist."""
    given = names(app)
    stated = app.env.get_domain("ledger").data["pages"].values()
    labels = {entry["record"]["label"] for page in stated for entry in page["records"]}
    return sorted({*given["equations"]} - labels) + sorted({*given["pages"]} - app.env.found_docs)


def audit(app: Sphinx, env: Any) -> None:
    if lost := unknown(app):
        raise ExtensionError(f"{app.config.ledger_names} names what the book does not have: {', '.join(lost)}")


def write(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    text = json.dumps(collected(app), ensure_ascii=False, separators=(",", ":"))
    Path(app.outdir, "_static", "find-data.js").write_text(f"window.BOOK = {text};\n", encoding="utf-8")
