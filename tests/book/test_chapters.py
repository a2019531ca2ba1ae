"""Every chapter runs as a notebook, ends in something that can fail, and types no formula."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import execute_chapters
import numerals
import pytest
import yaml
from myst_nb.core.read import myst_nb_reader_plugin

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = execute_chapters.chapters_of(ROOT)
PAGES = [ROOT / "index.md", *sorted((ROOT / "chapters").rglob("*.md")), *sorted((ROOT / "reference").glob("*.md"))]

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


@pytest.fixture(scope="session")
def outcomes(cache, kernels):
    """What became of each chapter, executed in a kernel of its own or looked up."""
    return {outcome.chapter: outcome for outcome in execute_chapters.execute_all(CHAPTERS, cache, environment=kernels)}


def code_of(chapter: Path) -> list[str]:
    """The code cells, without the lines that only IPython understands."""
    cells = [cell.source for cell in myst_nb_reader_plugin(str(chapter)).cells if cell.cell_type == "code"]
    return [re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE) for source in cells]


def can_fail(source: str) -> bool:
    """Whether the cell asserts, or states something in the ledger, which refuses what does not hold."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call) and re.fullmatch(r"ledger\.(state|claim|settle)", ast.unparse(node.func)):
            return True
    return False


@each_chapter
def test_the_chapter_runs_without_error(chapter, outcomes):
    if outcomes[chapter].error is not None:
        pytest.fail(outcomes[chapter].error, pytrace=False)


@each_chapter
def test_the_chapter_ends_in_something_that_can_fail(chapter):
    assert any(map(can_fail, code_of(chapter)[-4:])), "none of the last four code cells asserts or states anything"


@each_chapter
def test_the_chapter_imports_in_a_dozen_lines(chapter):
    trees = [ast.parse(source) for source in code_of(chapter)]
    imports = [node for tree in trees for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert sum(node.end_lineno - node.lineno + 1 for node in imports) <= 12


@each_chapter
def test_the_chapter_writes_nothing_to_stderr(chapter, outcomes):
    streams = [
        output.text
        for cell in outcomes[chapter].notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert streams == []


@each_page
def test_no_display_is_typed(page):
    text = re.sub(r"```\{code-cell\}.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    typed = re.findall(r"\$\$|^[`:]{3,}\{math\}|\\begin\{(?:align|equation|gather|multline)|\\\[", text, re.MULTILINE)
    assert typed == [], "displays come from cells: ledger.state"


@each_page
def test_inline_formulas_fit_a_phone(page):
    text = re.sub(r"^(```+|:::+).*?^\1", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]*`", "", text)
    wide = [formula for formula in re.findall(r"(?<![\\$])\$([^$\n]+)\$", text) if symbols(formula) > 40]
    assert wide == [], "inline formulas of at most 40 symbols: a phone is no wider"


def symbols(formula: str) -> int:
    """About how many symbols a formula shows: a command counts once, fonts, braces and scripts not at all."""
    without_fonts = re.sub(r"\\(mathrm|mathbf|mathcal|mathsf|text|left|right|quad|,)", "", formula)
    return len(re.sub(r"[{}_^ ]", "", re.sub(r"\\[A-Za-z]+|\\.", "x", without_fonts)))


@each_page
def test_numerals_are_computed(page):
    found = numerals.typed(page)
    assert found == [], "typed numerals, in prose, captions or alternative texts: compute, and glue"


@pytest.mark.parametrize("reason", numerals.REASONS)
def test_every_reason_for_a_numeral_is_needed(reason):
    assert any(re.search(numerals.REASONS[reason], numerals.prose(page)) for page in PAGES)


@each_page
def test_no_output_is_stored(page):
    front = re.match(r"---\n(.*?)\n---\n", page.read_text(encoding="utf-8"), re.DOTALL)
    assert not (front and "outputs" in (yaml.safe_load(front.group(1)) or {}))
    assert not page.with_suffix(".ipynb").exists()


def test_no_notebook_file_is_kept_beside_the_chapters():
    assert list((ROOT / "chapters").rglob("*.ipynb")) == []


def test_every_chapter_is_in_the_table_of_contents_once():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]
    present = [page.relative_to(ROOT).with_suffix("").as_posix() for page in PAGES]
    assert sorted(listed) == sorted(present)


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("assert x == y", True),
        ("ledger.state('a', f)", True),
        ("with open('x') as f:\n    ledger.claim('HW-1', 'OK', 'text')", True),
        ("ledger.compare('a', 1, 2)", False),
        ("print('assert')  # ledger.state()", False),
    ],
)
def test_a_cell_that_can_fail_is_told_from_one_that_cannot(source, answer):
    assert can_fail(source) is answer
