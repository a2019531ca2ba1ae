"""What the ledger knows of each page. A Sphinx domain, so that cached and parallel builds keep it."""

from collections.abc import Iterable
from typing import Any

from docutils import nodes
from sphinx.domains import Domain
from sphinx.environment import BuildEnvironment

from ledger.nodes import ledger_claim, ledger_count, ledger_record, ledger_table


class LedgerDomain(Domain):
    """Per page: ``records``, ``claims``, the ``labels`` of its displays, ``faults``, whether it has ``tables``.

    Whether it has ``counts`` is kept beside that. ``tex`` has the body of each labelled display. A record is kept with
    the place (file and line) it was found at, and with the prose it brings to the index.
    """

    name = "ledger"
    label = "ledger"
    initial_data: dict[str, Any] = {"pages": {}}  # noqa: RUF012 - Sphinx copies it
    data_version = 4

    def clear_doc(self, docname: str) -> None:
        self.data["pages"].pop(docname, None)

    def merge_domaindata(self, docnames: Iterable[str], otherdata: dict[str, Any]) -> None:
        for docname in docnames:
            self.data["pages"][docname] = otherdata["pages"][docname]

    def process_doc(self, env: BuildEnvironment, docname: str, document: nodes.document) -> None:
        """Collect a page that has just been read."""
        path = env.doc2path(docname, base=False)
        page: dict[str, Any] = {"records": [], "claims": [], "labels": {}, "tex": {}, "faults": []}
        for node in document.findall(nodes.math_block):
            where = f"{path}:{_line(node)}"
            if not _from_a_cell(node):
                page["faults"].append(
                    f"{where}: a display is typed in prose ({_shortened(node.astext())}); "
                    "state it from a cell, or write it inline if it only names something"
                )
            elif node.get("label"):
                page["labels"][node["label"]] = where
                page["tex"][node["label"]] = node.astext()
        for node in document.findall(lambda n: isinstance(n, ledger_record | ledger_claim) and "faults" in n):
            where = f"{path}:{_line(node)}"
            page["faults"] += [f"{where}: {fault}" for fault in node["faults"]]
            if not _from_a_cell(node):
                page["faults"].append(f"{where}: a record is typed in prose; it must come from ledger.state or .claim")
            elif not node["faults"]:
                entry = {"record": node["record"], "where": where, "prose": node["prose"]}
                page["claims" if isinstance(node, ledger_claim) else "records"].append(entry)
        page["tables"], page["counts"] = (any(document.findall(place)) for place in (ledger_table, ledger_count))
        self.data["pages"][docname] = page


def _from_a_cell(node: nodes.Node) -> bool:
    """Whether a node is part of a code cell's output."""
    while node is not None:
        if isinstance(node, nodes.container) and node.get("nb_element") == "cell_code_output":
            return True
        node = node.parent
    return False


def _line(node: nodes.Node) -> int:
    """The line of a node or of the nearest node around it that knows."""
    while node is not None and not node.line:
        node = node.parent
    return node.line if node is not None else 1


def _shortened(tex: str) -> str:
    words = " ".join(tex.split())
    return words if len(words) <= 40 else words[:37] + "..."
