"""Entries of the reference: anchor, signature, equation, docstring, fields and methods of each public name."""

from __future__ import annotations

import importlib
import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from docutils import nodes
from docutils.nodes import Element, Node
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.domains import Domain
from sphinx.domains.python import PythonDomain
from sphinx.util.docutils import SphinxDirective

from api_reference import docstring, examples, names, signature
from api_reference.names import Name

WORD = re.compile(r"[A-Za-z_]\w*")


class api_equation(nodes.General, Element):
    """Where the formula of the equation ``label`` goes, as the chapter that states it shows it."""


class api_overview(nodes.General, Element):
    """Where the list of all names goes, once all pages are known."""


class ReferenceDomain(Domain):
    """Per page: the names that it documents, each with its first sentence, parsed."""

    name = "api"
    label = "reference"
    initial_data: dict[str, Any] = {"pages": {}, "overviews": [], "seen": {}}  # noqa: RUF012 - Sphinx copies it
    data_version = 1

    def clear_doc(self, docname: str) -> None:
        self.data["pages"].pop(docname, None)
        self.data["overviews"] = [page for page in self.data["overviews"] if page != docname]

    def merge_domaindata(self, docnames: Iterable[str], otherdata: dict[str, Any]) -> None:
        for docname in docnames:
            if docname in otherdata["pages"]:
                self.data["pages"][docname] = otherdata["pages"][docname]
        self.data["overviews"] += [page for page in otherdata["overviews"] if page in docnames]


class Entries(SphinxDirective):
    """``{api}`` with modules, one a line: the public names that they define; a package brings its modules along."""

    has_content = True

    def run(self) -> list[Node]:
        found: list[Node] = []
        page: list[tuple[str, list[Node]]] = []
        self.taken: Counter[str] = Counter()  # the last words of the names on this page
        for module in filter(None, map(str.strip, self.content)):
            chosen = [
                name
                for name in names.public(self.config.api_package).values()
                if f"{name.home}.".startswith(f"{module}.")
            ]
            if not chosen:
                raise self.error(f"{module} defines no public name; a page of the reference names modules that do")
            found += self.introduction(module)
            self.taken.update(_last_word(name) for name in chosen)
            for name in chosen:
                found += self.entry(name)
                page.append((name.path, self.inline(docstring.summary(name.docstring))))
                self.env.note_dependency(str(Path(name.module.__file__ or "")))
        pages = self.env.get_domain("api").data["pages"]
        pages.setdefault(self.env.docname, []).extend(page)
        return found

    def introduction(self, module: str) -> list[Node]:
        """What a package says of itself."""
        package = importlib.import_module(module)
        if not hasattr(package, "__path__"):
            return []
        text = inspect.getdoc(package) or ""
        itself = Name.of_package(package)
        example = examples.complete(itself, self.config.api_package)
        return self.parsed(docstring.myst(text, self.linker(itself), example=example), module)

    def entry(self, name: Name) -> list[Node]:
        """A section for a function, a class or a constant."""
        section = nodes.section(ids=[name.path], names=[name.path], classes=["api-entry"])
        title = _last_word(name) if self.taken[_last_word(name)] == 1 else name.short
        section += nodes.title("", "", nodes.literal("", title))
        section += self.body(name)
        for member in name.members:
            box = nodes.container(ids=[member.path], classes=["api-member"])
            box += self.body(member)
            section += self.noted(member, box)
        return self.noted(name, section)

    def noted(self, name: Name, node: Element) -> list[Node]:
        """The node, known to the index and to whoever refers to the name."""
        python = cast(PythonDomain, self.env.get_domain("py"))
        python.note_object(name.path, name.kind, name.path, location=node)
        entry = f"{_last_word(name)} ({name.scope})"
        index = addnodes.index(entries=[("single", entry, name.path, "", None)])
        return [index, node]

    def body(self, name: Name) -> Iterator[Node]:
        lines = signature.lines(name)
        if lines:
            yield self.signature(lines, name)
        elif name.kind in ("property", "data"):
            yield self.signature([name.short], name)
        for label in name.labels:
            yield api_equation(label=label)
        example = examples.complete(name, self.config.api_package)
        text = docstring.myst(name.docstring, self.linker(name), fields=self.fields(name), example=example)
        yield from self.parsed(text, name.path)

    def signature(self, lines: list[str], name: Name) -> Node:
        """A signature, one paragraph a line; the types in it that are public are links."""
        words = {"class": "class ", "exception": "exception "}.get(name.kind, "")
        box = nodes.container(classes=["api-signature"], support_smartquotes=False)
        for place, line in enumerate(lines):
            kind = "api-argument" if 0 < place < len(lines) - 1 else "api-line"
            paragraph = nodes.paragraph(classes=[kind])
            if place == 0 and words:
                paragraph += nodes.emphasis("", words)
            head, paren, rest = line.partition("(") if place == 0 else ("", "", line)
            if head:
                paragraph += nodes.strong("", head)
            paragraph += self.types(paren + rest, name)
            box += paragraph
        return box

    def types(self, text: str, name: Name) -> Iterator[Node]:
        """The text with links from the names of public classes."""
        start, met_at = 0, names.by_object(self.config.api_package)
        for word in WORD.finditer(text):
            met = vars(name.module).get(word[0])
            path = met_at.get(id(met)) if isinstance(met, type) else None
            if path is None or text[word.end() : word.end() + 1] in ("'", '"', ":", "="):
                continue
            yield nodes.Text(text[start : word.start()])
            yield self.reference(path, nodes.inline("", word[0]))
            start = word.end()
        yield nodes.Text(text[start:])

    def reference(self, path: str, shown: Node) -> Node:
        xref = addnodes.pending_xref("", shown, reftype="obj", reftarget=path, refexplicit=True)
        xref.attributes.update(refdomain="py", refdoc=self.env.docname)
        return xref

    def fields(self, name: Name) -> str:
        """The fields of a record that the signature and the docstring leave unsaid, as a list."""
        shown = bool(signature.lines(name))
        rows = []
        for field, kind, comment in signature.fields(name):
            if comment or not (shown or f"``{field}``" in name.docstring or f"`{field}`" in name.docstring):
                rows.append(f"- ``{field}``: `{kind}`" + (f"; {comment}" if comment else ""))
        return "\n".join(rows)

    def linker(self, name: Name) -> Callable[[str], str | None]:
        """The path of the public name that a word in backticks is, seen from a docstring; None for other words."""
        everything = {n.path for n in names.everything(self.config.api_package)}
        met_at = names.by_object(self.config.api_package)
        own = signature.arguments(name)
        if name.kind in ("method", "property"):
            own |= signature.arguments(names.public(self.config.api_package)[name.scope])

        def path(word: str) -> str | None:
            if word in own or word == _last_word(name):
                return None
            scope = name.path
            while scope:
                if f"{scope}.{word}" in everything:
                    return f"{scope}.{word}"
                scope = scope.rpartition(".")[0]
            return word if word in everything else met_at.get(id(vars(name.module).get(word)))

        return path

    def parsed(self, text: str, path: str) -> list[Node]:
        """MyST, with the docstring as its source, so that a warning says where to look."""
        holder = nodes.container()
        self.state.nested_parse(StringList(text.splitlines(), source=f"docstring of {path}"), 0, holder)
        return holder.children

    def inline(self, text: str) -> list[Node]:
        """One sentence of MyST without links."""
        return self.state.inline_text(text, self.lineno)[0]


class Overview(SphinxDirective):
    """``{api-overview}``: every public name with its first sentence, page by page."""

    def run(self) -> list[Node]:
        self.env.get_domain("api").data["overviews"].append(self.env.docname)
        return [api_overview()]


def _last_word(name: Name) -> str:
    return name.path.rpartition(".")[2]
