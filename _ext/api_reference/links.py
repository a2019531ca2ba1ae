"""Between names and equations: links from the ``Equation:`` lines of the docstrings, every fault a failed build."""

from __future__ import annotations

from collections import Counter
from typing import Any

from docutils import nodes
from ledger.nodes import ledger_record
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform

from api_reference import names
from api_reference.entries import api_equation, api_overview


def unread(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """The pages of the reference, if the package offers other names than they have."""
    pages = env.get_domain("api").data["pages"]
    shown = {path for page in pages.values() for path, _ in page}
    offered = names.public(app.config.api_package).keys()
    return [] if shown == offered else [page for page in pages if page not in removed]


def audit(app: Sphinx, env: BuildEnvironment) -> None:
    """Raise if a label has no record, or a public name is not on exactly one page."""
    pages = env.get_domain("api").data["pages"]
    if not pages:
        return
    recorded = set(equations(env))
    found = [
        f"{name.path}: its docstring says 'Equation: {label}', but no chapter states {label}; "
        "it must be a label of the ledger"
        for name in names.everything(app.config.api_package)
        for label in name.labels
        if label not in recorded
    ]
    shown = Counter(path for page in pages.values() for path, _ in page)
    for path, name in names.public(app.config.api_package).items():
        if shown[path] != 1:
            where = "no page" if not shown[path] else f"{shown[path]} pages"
            found.append(f"{path} is on {where} of the reference; name {name.home} in the {{api}} of exactly one")
    if found:
        raise ExtensionError("the reference refuses this book:\n" + "\n".join(f"  {fault}" for fault in found))


def equations(env: BuildEnvironment) -> dict[str, tuple[str, str]]:
    """Every stated equation: its page and the body of its display."""
    pages = env.get_domain("ledger").data["pages"]
    return {
        entry["record"]["label"]: (docname, page["tex"][entry["record"]["label"]])
        for docname, page in pages.items()
        for entry in page["records"]
        if entry["record"]["label"] in page["tex"]
    }


def outdated(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The pages on which a link or a formula is no longer what it was when they were written last."""
    domain, stated = env.get_domain("api"), equations(env)
    numbers = env.get_domain("math").equations  # type: ignore[attr-defined]
    now: dict[str, Any] = {}
    for label, implementing in names.implementers(app.config.api_package).items():
        if label in stated:
            docname, tex = stated[label]
            paths = tuple(name.path for name in implementing)
            now[docname] = (*now.get(docname, ()), (label, paths))
            for page, entries in domain.data["pages"].items():
                if any(
                    name.path.startswith(f"{path}.") or name.path == path
                    for name in implementing
                    for path, _ in entries
                ):
                    now[page] = (*now.get(page, ()), (label, tex, str(numbers.get(label))))
    listed = {
        page: [(path, "".join(node.astext() for node in sentence)) for path, sentence in entries]
        for page, entries in domain.data["pages"].items()
    }
    now |= dict.fromkeys(domain.data["overviews"], listed)
    seen, domain.data["seen"] = domain.data["seen"], now
    return [page for page in {*now, *seen} if now.get(page) != seen.get(page) and page in env.found_docs]


def typeset(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """A page with an overview gets MathJax for the formulas that are filled in late."""
    if pagename in app.env.get_domain("api").data["overviews"]:
        app.env.get_domain("math").data["has_equations"][pagename] = True


def conclusion(tex: str) -> str:
    """The first and the last member of a chain of equalities as one equation; any other display as it is."""
    begin, end, tex = "\\begin{aligned}\n", "\n\\end{aligned}", tex.strip()
    if not (tex.startswith(begin) and tex.endswith(end)):
        return tex
    rows = [row.split(" && ")[0].rstrip() for row in tex[len(begin) : -len(end)].split(" \\\\\n")]
    left = [row.partition("&")[0].strip() for row in rows]
    right = [row.partition("&")[2].removeprefix("\\quad").strip() for row in rows]
    links = [place for place, side in enumerate(right) if side.startswith(("=", "\\simeq"))]
    if not links or [place for place, side in enumerate(left) if side] != [0]:
        return tex  # several formulas, or no chain
    end_of_chain = rows[links[-1]].partition("&")[2]
    if any(right[place].startswith("\\simeq") for place in links):
        end_of_chain = end_of_chain.replace("=", "\\simeq", 1) if "\\simeq" not in end_of_chain[:12] else end_of_chain
    return begin + " \\\\\n".join([f"{left[0]} &{end_of_chain}", *rows[links[-1] + 1 :]]) + end


class Fill(SphinxPostTransform):
    """Formulas on the pages of the reference, names under the equations of chapters, the overview."""

    default_priority = 4  # before references are resolved

    def run(self, **kwargs: Any) -> None:
        stated = equations(self.env)
        for place in list(self.document.findall(api_equation)):
            place.replace_self(self.formula(place["label"], *stated.get(place["label"], ("", ""))))
        for place in list(self.document.findall(api_overview)):
            place.replace_self(self.overview())
        implementing = names.implementers(self.config.api_package)
        for record in list(self.document.findall(ledger_record)):
            label = (record.get("record") or {}).get("label")
            if label in implementing and self.env.get_domain("api").data["pages"]:
                record.parent.insert(record.parent.index(record) + 1, self.backlink(implementing[label]))

    def formula(self, label: str, docname: str, tex: str) -> list[nodes.Node]:
        """The display as it is stated, with a link to where it is derived."""
        number = addnodes.pending_xref("", nodes.literal("", label), reftype="eq", reftarget=label)
        number.attributes.update(refdomain="math", refdoc=self.env.docname)
        where = self.env.titles[docname].astext() if docname in self.env.titles else ""
        uri = self.app.builder.get_relative_uri(self.env.docname, docname) if docname else ""
        chapter = nodes.reference("", where, internal=True, refuri=f"{uri}#equation-{label}")
        text = [nodes.Text("Implements "), number, nodes.Text(" of "), chapter]
        display = nodes.math_block(conclusion(tex), conclusion(tex), nowrap=False, number=None, label=None)
        return [nodes.paragraph("", "", *text, classes=["api-implements"]), display]

    def backlink(self, implementing: list[names.Name]) -> nodes.paragraph:
        """The line under an equation that says which names implement it."""
        line = nodes.paragraph("", "In code: ", classes=["api-backlink"])
        for place, name in enumerate(implementing):
            line += nodes.Text(", ") if place else nodes.Text("")
            line += self.link(name.path, name.path)
        return line

    def overview(self) -> list[nodes.Node]:
        found: list[nodes.Node] = []
        pages = self.env.get_domain("api").data["pages"]
        order = [docname for docname in self.env.toctree_includes.get(self.env.config.root_doc, []) if docname in pages]
        for docname in [*order, *sorted(pages.keys() - set(order))]:
            title = self.env.titles[docname].astext()
            uri = self.app.builder.get_relative_uri(self.env.docname, docname)
            heading = nodes.paragraph(classes=["api-page"])
            heading += nodes.reference("", title, internal=True, refuri=uri)
            rows = nodes.definition_list(classes=["api-overview"])
            for path, sentence in pages[docname]:
                term = nodes.term("", "", self.link(path, path.partition(".")[2]))
                text = nodes.paragraph("", "", *(node.deepcopy() for node in sentence))
                for reference in text.findall(addnodes.pending_xref):
                    reference["refdoc"] = self.env.docname
                rows += nodes.definition_list_item("", term, nodes.definition("", text))
            found += [heading, rows]
        return found

    def link(self, path: str, shown: str) -> addnodes.pending_xref:
        xref = addnodes.pending_xref("", nodes.literal("", shown), reftype="obj", reftarget=path, refexplicit=True)
        xref.attributes.update(refdomain="py", refdoc=self.env.docname)
        return xref
