"""Offer every chapter as a notebook: the theme's download menu gets an ``.ipynb`` that any Jupyter opens and runs.

The theme makes such a file only where a "launch" button is configured. The one written here reads well where nothing
of the book is at hand: the numbers that cells computed stand in the sentences, references are words, exercises are
plain Markdown, macros are spelled out, and the outputs of the book are stored. What the page folds is folded there as
well, the imports first.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import execute_chapters
import nbformat
from myst_nb.core.read import myst_nb_reader_plugin
from pybtex.database import parse_file

from hesslib.calculus.macros import expand

if TYPE_CHECKING:
    from docutils import nodes
    from nbformat import NotebookNode
    from sphinx.application import Sphinx

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
ROLE = re.compile(r"\{(?P<role>[\w:-]+)\}`(?P<text>[^`]*)`")
TARGETED = re.compile(r"(?P<words>.*?)\s*<(?P<target>[^>]*)>", re.DOTALL)
BEGIN = re.compile(r"^```\{(exercise|solution)-start\}[ \t]*(.*?)\n((?::.*\n)*)```[ \t]*\n?", re.MULTILINE)
END = re.compile(r"^```\{(exercise|solution)-end\}\n```[ \t]*\n?", re.MULTILINE)
ADMONITION = re.compile(r"^:::\{admonition\}[ \t]*(.*?)\n((?::.*\n)*)(.*?)^:::[ \t]*$", re.MULTILINE | re.DOTALL)
INCLUDED = re.compile(r"^```\{literalinclude\}[ \t]*(\S+)[^`]*```", re.MULTILINE)
TARGET = re.compile(r"^\([\w-]+\)=\n", re.MULTILINE)
DISPLAY = re.compile(r"\$\$\n(.*)\n\$\$ \(([a-z0-9-]+)\)\s*", re.DOTALL)
FOLDED = {"remove-cell", "remove-input", "hide-input", "hide-cell"}


class Book:
    """What a notebook needs to know of the book: numbers, titles, addresses."""

    def __init__(self, app: Sphinx, docname: str) -> None:
        self.app, self.docname = app, docname
        self.base = app.config.html_baseurl.rstrip("/")

    def equation(self, label: str) -> str:
        """The number of an equation, with its address if there is one."""
        from ledger.publish import _number

        place = self.app.env.get_domain("math").equations.get(label)  # type: ignore[attr-defined]
        if place is None:
            return f"({label})"
        return self.link(f"({_number(self.app, place[0], label)})", place[0], f"equation-{label}")

    def tag(self, label: str) -> str:
        """The number alone."""
        found = re.search(r"\(([\w.]+)\)", self.equation(label))
        return found[1] if found else label

    def page(self, target: str) -> str:
        """The title of a page."""
        place = target.lstrip("/") if target.startswith("/") else self._beside(target)
        title = self.app.env.titles.get(place)
        return self.link(title.astext() if title is not None else target, place)

    def _beside(self, target: str) -> str:
        folder = Path("/", self.docname).parent
        return (folder / target).resolve().as_posix().lstrip("/")

    def reference(self, target: str) -> str:
        """The title of the section that has a label."""
        found = self.app.env.get_domain("std").labels.get(target)  # type: ignore[attr-defined]
        return self.link(found[2], found[0], found[1]) if found else target

    def numbered(self, target: str) -> str:
        """A figure or an exercise by its number."""
        docname, anchor = self.app.env.get_domain("std").anonlabels.get(target, (self.docname, target))[:2]  # type: ignore[attr-defined]
        for kind, numbers in self.app.env.toc_fignumbers.get(docname, {}).items():
            if anchor in numbers:
                number = ".".join(map(str, numbers[anchor]))
                return self.link(f"{'Figure' if kind == 'figure' else kind.capitalize()} {number}", docname, anchor)
        return target

    def count(self, key: str) -> str:
        """How many equations of a kind the book has."""
        from ledger.nodes import COUNTED

        pages = self.app.env.get_domain("ledger").data["pages"].values()
        return str(sum(COUNTED[key](entry["record"]) for page in pages for entry in page["records"]))

    def link(self, words: str, docname: str, anchor: str = "") -> str:
        if not self.base:
            return words
        return f"[{words}]({self.base}/{docname}.html{f'#{anchor}' if anchor else ''})"

    def cited(self, key: str, in_text: bool) -> str:
        """Author and year."""
        entries = _bibliography(*(str(Path(self.app.srcdir, name)) for name in self.app.config.bibtex_bibfiles))
        if key not in entries:
            return key
        entry = entries[key]
        names = [" ".join(person.last_names).replace("{", "").replace("}", "") for person in entry.persons["author"]]
        who = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        return f"{who} ({entry.fields['year']})" if in_text else f"({who} {entry.fields['year']})"


@cache
def _bibliography(*files: str) -> dict[str, Any]:
    return {key: entry for file in files for key, entry in parse_file(file).entries.items()}


def glued(notebook: NotebookNode) -> dict[str, str]:
    """The numbers that cells have handed to the prose, by name."""
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if name := output.get("metadata", {}).get("scrapbook", {}).get("name"):
                data = output.get("data", {})
                text = next((value for kind, value in data.items() if kind.endswith("text/plain")), "")
                found[name] = str(ast.literal_eval(text)) if text[:1] in "'\"" else text
    return found


def plain(source: str, book: Book | None, values: dict[str, str]) -> str:
    """A cell of MyST as plain Markdown."""

    def role(found: re.Match[str]) -> str:
        kind, text = found["role"], found["text"]
        named = TARGETED.fullmatch(text)
        target = named["target"] if named else text
        resolved: dict[str, Callable[[], str]] = {"glue:text": lambda: values.get(target, target)}
        if book is not None:
            resolved |= {
                "eq": lambda: book.equation(target),
                "doc": lambda: named["words"] if named else f"*{book.page(target)}*",
                "ref": lambda: named["words"] if named else f"*{book.reference(target)}*",
                "numref": lambda: book.numbered(target),
                "prf:ref": lambda: book.numbered(target),
                "cite": lambda: book.cited(target, in_text=False),
                "ledger-count": lambda: book.count(target),
                "cite:t": lambda: book.cited(target, in_text=True),
            }
        return resolved[kind]() if kind in resolved else f"`{text}`"

    def begin(found: re.Match[str]) -> str:
        kind, title, options = found[1], found[2].strip(), found[3]
        label = re.search(r"^:label:\s*(\S+)", options, re.MULTILINE)
        if kind == "solution":
            return f"**Solution** of {book.numbered(title) if book else title}\n\n"
        number = book.numbered(label[1]) if book and label else "Exercise"
        return f"**{number}**{f' ({title})' if title else ''}\n\n"

    def included(found: re.Match[str]) -> str:
        if book is None:
            return found[0]
        file = Path(book.app.env.doc2path(book.docname)).parent / found[1]
        return f"```python\n{file.read_text(encoding='utf-8').rstrip()}\n```"

    text = INCLUDED.sub(included, source)
    text = TARGET.sub("", END.sub("", BEGIN.sub(begin, text)))
    text = ADMONITION.sub(lambda found: f"**{found[1]}**\n\n{found[3]}", text)
    return expand(ROLE.sub(role, text))


def portable_notebook(page: Path, book: Book | None = None, executed: NotebookNode | None = None) -> NotebookNode:
    """The chapter as a plain notebook, version 4.5, with the outputs of the executed one."""
    notebook = executed if executed is not None else myst_nb_reader_plugin(str(page))
    values = glued(notebook)
    for cell in notebook.cells:
        tags = set(cell.metadata.get("tags", []))
        cell.metadata = nbformat.from_dict({"tags": sorted(tags)} if tags else {})
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source, book, values)
        elif cell.cell_type == "code":
            if tags & FOLDED:
                cell.metadata["jupyter"] = {"source_hidden": True}
            cell.outputs = [kept for output in cell.get("outputs", []) if (kept := _stored(output, book)) is not None]
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    return notebook


def _stored(output: NotebookNode, book: Book | None) -> NotebookNode | None:
    """An output as it is kept: a number for the prose goes, a display has the book's number, a record is a table."""
    if output.get("metadata", {}).get("scrapbook"):
        return None
    data = output.get("data", {})
    markdown = data.get("text/markdown", "")
    if display := DISPLAY.fullmatch(markdown):
        data["text/latex"] = f"$$\n{expand(display[1])}\n\\tag{{{book.tag(display[2]) if book else display[2]}}}\n$$"
        del data["text/markdown"]
    elif markdown.startswith("```{ledger-"):
        del data["text/markdown"]
        if "text/html" in data and book is not None:
            data["text/html"] = re.sub(r"\{eq\}<code>([^<]*)</code>", lambda m: book.equation(m[1]), data["text/html"])
    return output


def offer_notebook(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Write the notebook of a page beside its source, and tell the theme where it is."""
    if doctree is None or app.builder.format != "html":
        return
    page = Path(app.env.doc2path(pagename))
    if page.suffix != ".md" or not execute_chapters.is_notebook(page):
        return
    stored = execute_chapters.look_up(page, execute_chapters.open_cache(Path(app.config.nb_execution_cache_path)))
    notebook = portable_notebook(page, Book(app, pagename), stored.notebook if stored is not None else None)
    target = Path(app.outdir) / "_sources" / f"{pagename}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    context["ipynb_source"] = f"{pagename}.ipynb"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx, ahead of the theme's own handler of the same event."""
    app.connect("html-page-context", offer_notebook, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
