"""Where the code of a page goes: that of an equation into its record, that of a figure into its caption.

A cell whose code is folded leaves a bar across the page, and a chapter that states thirty equations has thirty of them.
The code belongs to what it makes. So the code of a cell with a record is moved into that record, behind one more fold;
a cell that only shows a step on the way gives its code to the next record of the section, or to the last one if none
follows; a figure keeps its code at the end of its caption. What is left over stays where it was.

The code of a table stands behind one line under the table.

A cell that is not folded is there to be read. Only a cell that states a result, and shows nothing but the call, counts
as folded, unless its tag is ``show-code``; and of a call that prints a program there is only the program.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from execute_chapters import is_notebook, read_notebook
from ledger.nodes import ledger_record, ledger_summary
from sphinx.transforms.post_transforms import SphinxPostTransform

from pages.setup_code import LISTING, STATES, setups

FOLDED = ("input", "input+output")


class code_fold(nodes.Element):
    """Code behind one small line."""


def open_fold(self: Any, node: nodes.Element) -> None:
    classes = " ".join(["code-fold", *node["classes"]])
    self.body.append(f'<details class="{classes}"><summary>{node["title"]}</summary>\n')


def close_fold(self: Any, node: nodes.Element) -> None:
    self.body.append("</details>\n")


def open_hidden(self: Any, node: nodes.Element) -> None:
    """The bar of a folded cell; its name is the words that it shows."""
    title = node["prompt_show"].replace("Show code cell ", "Show ").replace("source", "the code")
    title = title.replace("outputs", "output").replace("output", "the output").replace("content", "the code")
    self.body.append(f'<details class="admonition hide {" ".join(node["classes"])}">\n')
    self.body.append(f'<summary><span class="collapsed">{title}</span>')
    self.body.append(f'<span class="expanded">{title.replace("Show", "Hide")}</span></summary>\n')


def close_hidden(self: Any, node: nodes.Element) -> None:
    self.body.append("</details>\n")


class PlainSummaries(SphinxPostTransform):
    """A line that unfolds is a button, and a button holds no links: they become words."""

    default_priority = 150  # references are resolved
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        for summary in self.document.findall(ledger_summary):
            for link in list(summary.findall(nodes.reference)):
                link.replace_self(link.children)


class FoldCode(SphinxPostTransform):
    """Move the code of cells to what it makes."""

    default_priority = 150  # before myst_nb puts a bar over what is left
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        self.say_what_is_needed()
        last: nodes.Element | None = None
        for section in [self.document, *self.document.findall(nodes.section)]:
            last = self.fold(section, last)

    def say_what_is_needed(self) -> None:
        """Above code that is to be read, the hidden statements that it takes for granted."""
        page = Path(self.env.doc2path(self.env.docname))
        if page.suffix != ".md" or not is_notebook(page):
            return
        cells = enumerate(read_notebook(page).cells)
        code = [
            (place, cell.source, set(cell.metadata.get("tags", [])))
            for place, cell in cells
            if cell.cell_type == "code"
        ]
        needed = setups(code)
        for cell in list(self.document.findall(lambda node: _is(node, "cell_code"))):
            if text := needed.get(cell.get("cell_index")):
                block = nodes.literal_block(text, text, language="ipython3")
                fold = code_fold("", title="What this code takes for granted", classes=["setup"])
                fold += nodes.container("", block, nb_element="cell_code_source", classes=["cell_input"])
                cell.insert(0, fold)

    def fold(self, section: nodes.Element, last: nodes.Element | None) -> nodes.Element | None:
        """The cells that stand in one section, its parts apart; ``last`` is the record before it, and then in it."""
        waiting: list[nodes.Element] = []
        for cell in [child for child in section.children if _is_cell(child)]:
            record = next(iter(cell.findall(ledger_record)), None)
            if "hide_mode" not in cell and len(cell) > 1 and LISTING.fullmatch(cell.children[0].astext().strip()):
                cell.children[:1] = []  # a program that is to be read, without the call that prints it
                continue
            if not (
                cell.get("hide_mode") in FOLDED or _is_program(cell) or (record is not None and _only_states(cell))
            ):
                continue
            if record is not None:
                _fill(record, [*waiting, cell], "Code")
                waiting, last = [], record
            elif (figure := next(iter(cell.findall(nodes.figure)), None)) is not None:
                legend = nodes.legend()
                silent = [one for one in waiting if _shows_nothing(one)]
                _fill(legend, [*silent, cell], "Code of this figure")
                figure += legend
                waiting = [one for one in waiting if one not in silent]
            elif not _is_program(cell) and any(cell.findall(nodes.table)):
                silent = [one for one in waiting if _shows_nothing(one)]
                _fill(cell.children[-1], [*silent, cell], "Code of this table")
                waiting = [one for one in waiting if one not in silent]
            else:
                waiting.append(cell)
        for cell in waiting:
            if last is not None:
                _fill(last, [cell], "Code")
            else:
                _fill(cell, [cell], "Program" if _is_program(cell) else "Code")
        return last


def _is_cell(node: nodes.Node) -> bool:
    """A cell whose code is there, or of which there is only a folded output, such as a program."""
    if not _is(node, "cell_code") or not node.children:
        return False
    return _is(node.children[0], "cell_code_source") or node.get("hide_mode") == "output"


def _is(node: nodes.Node | None, element: str) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == element


def _only_states(cell: nodes.Element) -> bool:
    return bool(STATES.search(cell.children[0].astext())) and "tag_show-code" not in cell["classes"]


def _is_program(cell: nodes.Element) -> bool:
    """A call that prints the program of a derivation, which is folded."""
    if cell.get("hide_mode") not in ("output", "input+output"):
        return False
    return _is(cell.children[0], "cell_code_output") or "listing(" in cell.children[0].astext()


def _shows_nothing(cell: nodes.Element) -> bool:
    return len(cell) == 1 and not _is_program(cell)


def _fill(place: nodes.Element, cells: list[nodes.Element], title: str) -> None:
    """Put the code of the cells at the end of a place, all of one place behind one fold."""
    taken = [node for cell in cells for node in _taken(cell)]
    fold = next((child for child in place.children if isinstance(child, code_fold)), None)
    if fold is None:
        fold = code_fold("", title=title)
        place += fold
    fold.extend(taken)
    for cell in cells:
        if not cell.children and cell.parent is not None:
            cell.parent.remove(cell)


def _taken(cell: nodes.Element) -> list[nodes.Node]:
    """What is folded of a cell, taken out of it: its code, or what its code prints, if that is a program."""
    code, mode = cell.children[0], cell.attributes.pop("hide_mode", "input")
    if _is(code, "cell_code_output"):
        cell.remove(code)
        return [code]
    taken = [code] if mode == "input" or not LISTING.fullmatch(code.astext().strip()) else []
    if "output" in mode:
        taken += cell.children[1:]
        cell.children[1:] = []
    cell.remove(code)
    return taken
