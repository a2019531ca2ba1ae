"""The book's side of the ledger, on tiny books: what does not stand fails the build, the rest is published.

Most books here are made of cells that a real kernel has run once; the mutations then edit what the cells put out.
"""

import contextlib
import copy
import functools
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import sync_playwright
from sphinx.cmd.build import main as sphinx_build

from hesslib.calculus.macros import MACROS

EXTENSIONS = Path(__file__).parents[2] / "_ext"

SETUP = r"""
import numpy as np
from hesslib.book import ledger
from hesslib.calculus.display import Displayed

class F(Displayed):
    __module__ = "hesslib.test"  # passes for one of the package
    def __init__(self, tex, established=None):
        self.tex, self.established = tex, established
    def latex(self):
        return self.tex

one = np.ones(3)
"""
BACKPROP = r"""
ledger.state("backprop", F(r"\delta &= \pd{E}{a} \\ &= 1", "derived"), source="PRML (5.56); homework, problem 1",
             scope="for every $L>1$", note="With {eq}`b-def` and $h'$.",
             checks=[ledger.Check("normal form", 0, 0), ledger.compare("JAX at $w_0$", one * (1 + 1e-15), one)])
"""
DEFINITION = r'ledger.state("b-def", F("y = h(a)"), source="PRML (5.49)", established="definition")'
APPROXIMATION = r"""
ledger.state("outer", F(r"H \simeq \sum_n b_n b_n"), source="PRML (5.84)", established="approximation",
             note="Drops 3 percent.", checks=[ledger.compare("exact", 1.03, 1.0, tolerance=0.05)])
"""
WRONG = r"""
ledger.claim("HW-25", "WRONG", "Lost transpose of $W$; right is {eq}`backprop`.", checks=[ledger.compare("JAX", 1, 1)])
"""
RIGHT = 'ledger.claim("HW-26", "OK", "As printed.", established="reading")'


@pytest.fixture(scope="module")
def cells():
    """Each of the cells above, run by a kernel."""
    sources = {"backprop": BACKPROP, "definition": DEFINITION, "outer": APPROXIMATION, "wrong": WRONG, "right": RIGHT}
    notebook = new_notebook(cells=[new_code_cell(SETUP), *map(new_code_cell, sources.values())])
    NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
    return dict(zip(sources, notebook.cells[1:], strict=True))


@pytest.fixture
def pages(cells):
    """A sound book, to be edited."""
    return sound_pages(copy.deepcopy(cells))


@pytest.fixture(scope="module")
def sound(cells, tmp_path_factory):
    """The HTML of the sound book, built once."""
    place = tmp_path_factory.mktemp("sound")
    assert make(place, sound_pages(cells), "-W") == (0, "")
    return place / "html"


def sound_pages(cells):
    """Two chapters and the index."""
    return {
        "index": "# Book\n\nSee {eq}`backprop`.\n\n"
        "```{toctree}\n:numbered:\npart/zeta\nalpha\n```\n\n```{toctree}\nresults\n```\n",
        "part/zeta": notebook("# Zeta", cells["backprop"], "Prose with $x$ and {eq}`b-def`.", cells["wrong"]),
        "alpha": notebook("# Alpha", cells["definition"], cells["outer"], cells["right"]),
        "results": "# Results\n\n```{ledger-table}\n```\n\n```{claims-table}\n```\n",
    }


def notebook(*parts):
    """Prose and cells that have been run, as a notebook."""
    book = new_notebook(cells=[new_markdown_cell(part) if isinstance(part, str) else part for part in parts])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return book


def write(source, pages, **settings):
    """The pages and a configuration. Only pages that differ are touched, as an author would."""
    source.mkdir(exist_ok=True)
    settings = {
        "extensions": ["myst_nb", "ledger"],
        "myst_enable_extensions": ["amsmath", "colon_fence", "dollarmath"],
        "nb_execution_mode": "off",
        "numfig": True,
        "html_theme": "basic",
        "exclude_patterns": ["_build"],
        **settings,
    }
    lines = [f"import sys; sys.path.insert(0, {str(EXTENSIONS)!r})"]
    put(source / "conf.py", "\n".join(lines + [f"{name} = {value!r}" for name, value in settings.items()]))
    for name, page in pages.items():
        text = page if isinstance(page, str) else nbformat.writes(page)
        put(source / (f"{name}.md" if isinstance(page, str) else f"{name}.ipynb"), text)


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def make(place, pages, *arguments, builder="html", **settings):
    """Build the book with Sphinx; returns the exit code and everything that was said on stderr."""
    write(place / "book", pages, **settings)
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = sphinx_build(["-q", "-n", "-b", builder, *arguments, str(place / "book"), str(place / builder)])
    return code, re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue())


@pytest.fixture
def build(tmp_path):
    """Build in the folder of the test."""
    return functools.partial(make, tmp_path)


def published(html):
    return json.loads((html / "ledger.json").read_text(encoding="utf-8"))


def output(cell, carrier):
    """The output of a cell that holds the formula ('$$') or the record ('ledger-')."""
    return next(out for out in cell.outputs if carrier in out["data"]["text/markdown"])


def edit(cell, pattern, replacement):
    """Change the record that a cell has put out."""
    data = output(cell, "ledger-")["data"]
    data["text/markdown"], count = re.subn(pattern, replacement, data["text/markdown"], count=1)
    assert count == 1


def cell_of(pages, name, position):
    return [cell for cell in pages[name].cells if cell.cell_type == "code"][position]


# ---------------------------------------------------------------------------------------------------- a sound book


def test_a_sound_book_publishes_its_ledger(sound):
    ledger = published(sound)
    assert [row["label"] for row in ledger["equations"]] == ["backprop", "b-def", "outer"]  # in the order of the book
    assert ledger["equations"][1] == {
        "label": "b-def",
        "source": "PRML (5.49)",
        "established": "definition",
        "checks": [],
        "scope": "",
        "note": "",
        "uses": [],
        "number": "2.1",
        "page": "alpha.html",
        "chapter": "Alpha",
    }
    for row in ledger["equations"]:
        assert f'id="equation-{row["label"]}"' in (sound / row["page"]).read_text()
        for check in row["checks"]:
            assert set(check) == {"oracle", "agreement", "tolerance", "passed"}
            assert check["passed"] is True
    columns = ("id", "source", "verdict", "established", "page")
    assert [tuple(row[column] for column in columns) for row in ledger["claims"]] == [
        ("HW-25", "HW", "WRONG", "computed", "part/zeta.html"),
        ("HW-26", "HW", "OK", "reading", "alpha.html"),
    ]


def test_a_stated_formula_is_cited_by_its_number_from_any_page(sound):
    numbers = {row["label"]: row["number"] for row in published(sound)["equations"]}
    for page, label, uri in [("index", "backprop", "part/zeta.html"), ("part/zeta", "b-def", "../alpha.html")]:
        assert f'href="{uri}#equation-{label}">({numbers[label]})</a>' in (sound / f"{page}.html").read_text()
    assert re.search(r'class="eqno">\(1\.1\)', (sound / "part" / "zeta.html").read_text())


def test_the_record_stands_folded_beneath_the_formula(sound):
    html = (sound / "part" / "zeta.html").read_text()
    assert html.index('id="equation-backprop"') < html.index('<details class="ledger-record">')
    summary = re.search(r"<summary>(.*?)</summary>", html, re.DOTALL)[1]
    assert " ".join(re.sub(r"<[^>]*>", "", summary).split()) == (
        r"derived · for every \(L&gt;1\) · PRML (5.56); homework, problem 1 · 2 oracles agree to 1.1e-15"
    )
    assert r'JAX at <span class="math notranslate nohighlight">\(w_0\)</span>' in html
    assert 'href="../alpha.html#equation-b-def"' in html  # the note is MyST
    assert "{ledger-record}" not in html


def test_the_index_links_every_equation_and_claim(sound):
    html = (sound / "results.html").read_text()
    for target in ["part/zeta.html#equation-backprop", "alpha.html#equation-b-def", "alpha.html#equation-outer"]:
        assert f'href="{target}"' in html  # the number leads to the equation
    assert 'href="part/zeta.html#claim-hw-25"' in html
    assert html.count('href="part/zeta.html#equation-backprop"') == 2  # and the text of the claim
    assert 'id="claim-hw-25"' in (sound / "part" / "zeta.html").read_text()


def test_the_index_typesets_what_it_repeats(sound):
    html = (sound / "results.html").read_text()
    for tex in ["L&gt;1", "w_0", "W"]:  # of a scope, of an oracle, of a claim
        assert rf'<span class="math notranslate nohighlight">\({tex}\)</span>' in html
    assert "window.MathJax" in html


def test_a_page_counts_the_equations_of_a_kind_and_follows_a_change(pages, build, tmp_path):
    kinds = ("equations", "derived", "approximation", "measured", "autodiff", "differences")
    asked = ", ".join(f"{{ledger-count}}`{kind}`" for kind in kinds)
    pages["index"] += f"\nThe book has {asked}.\n"
    assert build(pages, "-W") == (0, "")
    shown = (tmp_path / "html" / "index.html").read_text()
    assert "The book has 3, 1, 1, 2, 1, 0." in shown
    assert "ledger.js" not in shown
    change_record("part/zeta", 0, r"JAX at", "differences at")(pages)
    assert build(pages, "-W") == (0, "")
    assert "The book has 3, 1, 1, 2, 0, 1." in (tmp_path / "html" / "index.html").read_text()


def test_a_count_of_what_is_not_counted_is_an_error(pages, build):
    pages["index"] += "\n{ledger-count}`proved`\n"
    code, said = build(pages, "-W")
    assert code != 0
    assert "ledger-count is 'proved'; it must be one of equations, definition" in said


def test_only_the_index_loads_the_filters(sound):
    assert [page.stem for page in sorted(sound.rglob("*.html")) if "ledger.js" in page.read_text()] == ["results"]


def test_the_macros_of_mathjax_are_those_of_the_calculus(sound):
    config = re.search(r"window.MathJax = (\{.*?\})</script>", (sound / "part" / "zeta.html").read_text())[1]
    assert json.loads(config)["tex"]["macros"] == json.loads(json.dumps(MACROS))


def test_an_empty_ledger_says_so(build, tmp_path):
    assert build({"index": "# Book\n\n```{ledger-table}\n```\n\n```{claims-table}\n```\n"}, "-W") == (0, "")
    assert (tmp_path / "html" / "index.html").read_text().count("Nothing is recorded.") == 2


@pytest.mark.parametrize("builder", ["dummy", "latex", "text"])
def test_other_builders_show_the_records_unfolded(pages, build, tmp_path, builder):
    code, said = build(pages, "-W", builder=builder)
    assert (code, said) == (0, "")
    if builder == "text":
        words = " ".join((tmp_path / "text" / "part" / "zeta.txt").read_text().split())
        assert "2 oracles agree to 1.1e-15" in words


# ---------------------------------------------------------------------------------------------------- the filters


@pytest.fixture
def index(sound, chromium):
    """The index in the system's Chromium, opened as a file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.route(re.compile("^(?!file:)"), lambda route: route.abort())  # MathJax is the frame's business
        page.goto((sound / "results.html").as_uri())
        yield page
        browser.close()


def test_the_index_filters_by_text_chapter_source_kind_and_verdict(index):
    def shown(table):
        return [
            row.inner_text().split()[0] for row in index.locator(f"table.{table} tbody tr").all() if row.is_visible()
        ]

    equations, claims = index.locator("form.ledger-filters").all()
    assert shown("ledger-equations") == ["(1.1)", "(2.1)", "(2.2)"]
    assert equations.locator("output").inner_text() == "3 rows"
    for name, options, value, left in [
        ("chapter", ["all", "Zeta", "Alpha"], "Alpha", ["(2.1)", "(2.2)"]),
        ("source", ["all", "PRML", "homework"], "homework", ["(1.1)"]),
        ("established", ["all", "approximation", "definition", "derived"], "definition", ["(2.1)"]),
    ]:
        select = equations.get_by_label(name)
        assert select.locator("option").all_inner_texts() == options
        select.select_option(value)
        assert shown("ledger-equations") == left
        assert equations.locator("output").inner_text() == f"{len(left)} of 3 rows"
        select.select_option("all")
    equations.get_by_label("chapter").select_option("Alpha")
    equations.get_by_label("contains").fill(" OUTER ")
    assert shown("ledger-equations") == ["(2.2)"]

    claims.get_by_label("verdict").select_option("OK")
    assert shown("ledger-claims") == ["HW-26"]
    claims.get_by_label("source").select_option("HW")
    assert shown("ledger-claims") == ["HW-26"]


# ---------------------------------------------------------------------------------------------------- what is refused


def change_record(name, position, pattern, replacement):
    return lambda pages: edit(cell_of(pages, name, position), pattern, replacement)


def drop_output(name, position, carrier):
    def mutate(pages):
        cell = cell_of(pages, name, position)
        cell.outputs.remove(output(cell, carrier))

    return mutate


def add_prose(text):
    return lambda pages: pages["part/zeta"].cells.append(new_markdown_cell(text))


def state_twice(pages):
    pages["alpha"].cells.append(copy.deepcopy(cell_of(pages, "part/zeta", 0)))


def settle_otherwise(pages):
    cell = copy.deepcopy(cell_of(pages, "alpha", 2))
    edit(cell, '"OK"', '"TYPO"')
    pages["part/zeta"].cells.append(cell)


def number_without_record(pages):
    display = nbformat.v4.new_output("display_data", {"text/markdown": "$$\nx = 1\n$$ (sneaked)"})
    pages["part/zeta"].cells.append(new_code_cell("show()", outputs=[display]))


MUTATIONS = {
    "a failed check": (
        change_record("part/zeta", 0, r'"agreement": 1\.1\S+e-15', '"agreement": 0.5'),
        ["zeta.ipynb", "check failed: JAX at $w_0$: 5.0e-01"],
    ),
    "a check marked failed": (
        change_record("part/zeta", 0, '"passed": true', '"passed": false'),
        ["check failed: normal form"],
    ),
    "an agreement that is no number": (
        change_record("part/zeta", 0, r'"agreement": 1\.1\S+e-15', '"agreement": NaN'),
        ["unreadable record: NaN is not JSON"],
    ),
    "an unknown kind": (change_record("alpha", 0, '"definition"', '"obvious"'), ["established is 'obvious'"]),
    "a derivation without a check": (
        change_record("part/zeta", 0, r'"checks": \[.*?\]', '"checks": []'),
        ["derived, but no check"],
    ),
    "an approximation without a note": (
        change_record("alpha", 1, '"Drops 3 percent."', '""'),
        ["approximation without a note"],
    ),
    "a record cut short": (change_record("part/zeta", 0, r', "scope".*', ""), ["unreadable record"]),
    "a record with a field missing": (change_record("part/zeta", 0, r'"tolerance": \S+, ', ""), ["unreadable record"]),
    "an unknown verdict": (change_record("alpha", 2, '"OK"', '"FINE"'), ["verdict is 'FINE'"]),
    "a formula without its record": (
        drop_output("part/zeta", 0, "ledger-record"),
        ["zeta.ipynb", "equation 'backprop' is numbered but has no record; show it by ledger.state"],
    ),
    "a record without its formula": (
        drop_output("alpha", 0, "$$"),
        ["alpha.ipynb", "record 'b-def' has no equation #equation-b-def on its page"],
    ),
    "a record for another formula": (
        change_record("alpha", 0, '"label": "b-def"', '"label": "b-other"'),
        ["equation 'b-def' is numbered but has no record", "record 'b-other' has no equation"],
    ),
    "a formula stated twice": (state_twice, ["zeta.ipynb", "alpha.ipynb", "label 'backprop' is used twice"]),
    "a claim settled in two ways": (settle_otherwise, ["claim HW-26: ", "OK at", "TYPO at"]),
    "an equation numbered past the ledger": (number_without_record, ["equation 'sneaked' is numbered but has no"]),
    "a display in dollars": (add_prose("$$\nx = 1\n$$"), ["zeta.ipynb", "a display is typed in prose (x = 1)"]),
    "a display in dollars with a label": (add_prose("$$x = 1$$ (typed)"), ["a display is typed in prose"]),
    "a display in the middle of a line": (add_prose("Here $$x = 1$$ it is."), ["a display is typed in prose"]),
    "a math directive": (add_prose("```{math}\n:label: typed\nx = 1\n```"), ["a display is typed in prose"]),
    "a bare environment": (add_prose("\\begin{align}\nx = 1\n\\end{align}"), ["a display is typed in prose"]),
    "a display in a box": (add_prose(":::{note}\n$$\nx = 1\n$$\n:::"), ["a display is typed in prose"]),
    "a display in a container": (add_prose(":::{container}\n$$\nx = 1\n$$\n:::"), ["a display is typed in prose"]),
    "a display in a list": (add_prose("- item\n\n  $$\n  x = 1\n  $$\n"), ["a display is typed in prose"]),
    "a record in prose": (
        lambda pages: add_prose(output(cell_of(pages, "part/zeta", 0), "ledger-")["data"]["text/markdown"])(pages),
        ["a record is typed in prose", "label 'backprop'"][:1],
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_build_fails_on(name, pages, build, tmp_path):
    mutate, messages = MUTATIONS[name]
    mutate(pages)
    code, said = build(pages, myst_dmath_double_inline=True)
    assert code != 0
    for message in ["the ledger refuses this book", *messages]:
        assert message in said
    assert not (tmp_path / "html" / "ledger.json").exists()


def test_all_faults_are_reported_at_once_with_their_lines(pages, build):
    pages["prose"] = "---\norphan: true\n---\n# Prose\n\nText.\n\n$$\nx = 1\n$$\n\n- and\n\n  $$\n  y = 2\n  $$\n"
    change_record("alpha", 0, '"definition"', '"obvious"')(pages)
    _, said = build(pages)
    assert "prose.md:8: a display is typed in prose (x = 1)" in said
    assert "prose.md:14: a display is typed in prose (y = 2)" in said
    assert "established is 'obvious'" in said


def test_a_build_that_failed_fails_again_until_the_page_is_mended(pages, build):
    sound = copy.deepcopy(pages)
    change_record("alpha", 0, '"definition"', '"obvious"')(pages)
    assert build(pages)[0] != 0
    assert build(pages)[0] != 0
    assert build(sound)[0] == 0


# ---------------------------------------------------------------------------------------------------- the register


def with_register(tmp_path, rows):
    put(tmp_path / "book" / "sources" / "register.json", json.dumps(rows))


def test_every_claim_of_the_register_must_be_settled(pages, build, tmp_path):
    rows = [{"id": name, "source": "homework"} for name in ("HW-25", "HW-26", "HW-27")]
    with_register(tmp_path, rows)
    code, said = build(pages)
    assert code != 0
    assert "sources/register.json: claim HW-27 is not settled; call ledger.claim in a chapter" in said
    assert "HW-26" not in said
    with_register(tmp_path, rows[:2])
    assert build(pages) == (0, "")
    assert {row["source"] for row in published(tmp_path / "html")["claims"]} == {"homework"}


def test_a_claim_outside_the_register_is_refused(pages, build, tmp_path):
    with_register(tmp_path, [{"id": "HW-26", "source": "homework"}])
    code, said = build(pages)
    assert code != 0
    assert "claim HW-25 is not in sources/register.json" in said


def test_a_register_that_cannot_be_read_is_refused(pages, build, tmp_path):
    with_register(tmp_path, ["HW-26"])
    code, said = build(pages)
    assert code != 0
    assert "it must be a list of objects with id and source" in said


# ---------------------------------------------------------------------------------------------------- building again


def test_the_index_follows_a_change_on_another_page(pages, build, tmp_path):
    build(pages)
    results = tmp_path / "html" / "results.html"
    change_record("alpha", 0, r"PRML \(5\.49\)", "PRML (5.48)")(pages)
    assert build(pages) == (0, "")
    assert "PRML (5.48)" in results.read_text()
    assert "PRML (5.49)" not in results.read_text()
    assert published(tmp_path / "html")["equations"][1]["source"] == "PRML (5.48)"
    assert [row["label"] for row in published(tmp_path / "html")["equations"]] == ["backprop", "b-def", "outer"]


def test_the_index_forgets_a_page_that_is_gone(pages, build, tmp_path):
    build(pages)
    (tmp_path / "book" / "alpha.ipynb").unlink()
    del pages["alpha"]
    pages["index"] = pages["index"].replace("alpha\n", "")
    build(pages)
    assert [row["label"] for row in published(tmp_path / "html")["equations"]] == ["backprop"]
    assert "alpha.html" not in (tmp_path / "html" / "results.html").read_text()


def test_the_index_follows_a_change_of_numbers(pages, build, tmp_path):
    build(pages)
    pages["new"] = "# A chapter that states nothing, put before the others"
    pages["index"] = pages["index"].replace("part/zeta", "new\npart/zeta")
    build(pages)
    ledger = published(tmp_path / "html")
    assert [(row["label"], row["number"]) for row in ledger["equations"]] == [
        ("backprop", "2.1"),
        ("b-def", "3.1"),
        ("outer", "3.2"),
    ]
    assert 'href="part/zeta.html#equation-backprop">(2.1)</a>' in (tmp_path / "html" / "results.html").read_text()


def test_the_index_follows_the_order_of_the_book(pages, build, tmp_path):
    build(pages)
    pages["index"] = pages["index"].replace("part/zeta\nalpha", "alpha\npart/zeta")
    build(pages)
    assert [row["label"] for row in published(tmp_path / "html")["equations"]] == ["b-def", "outer", "backprop"]
    html = (tmp_path / "html" / "results.html").read_text()
    assert html.index("#equation-outer") < html.index("#equation-backprop")


def test_a_build_without_changes_writes_nothing(pages, build, tmp_path):
    build(pages)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "html").rglob("*.html")}
    build(pages)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "html").rglob("*.html")} == before


def test_pages_read_in_parallel_keep_their_records(pages, build, tmp_path):
    names = [f"more{number}" for number in range(8)]
    for name in names:
        cell = copy.deepcopy(cell_of(pages, "alpha", 0))
        edit(cell, "b-def", name)
        data = output(cell, "$$")["data"]
        data["text/markdown"] = data["text/markdown"].replace("b-def", name)
        pages[name] = notebook(f"# {name}", cell)
    pages["index"] = pages["index"].replace("results\n", "results\n" + "\n".join(names) + "\n")
    assert build(pages, "-W", "-j", "2") == (0, "")
    assert {row["label"] for row in published(tmp_path / "html")["equations"]} == {"backprop", "b-def", "outer", *names}


# ---------------------------------------------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nb_execution_allow_errors": True}, "allow_errors must be off"),
        ({"myst_enable_extensions": ["amsmath"]}, "must contain dollarmath"),
        ({"mathjax3_config": {"tex": {"macros": {"pd": "x"}}}}, "MathJax's macros come from hesslib"),
        ({"extensions": ["myst_parser", "ledger"]}, "myst_nb is not loaded"),
    ],
)
def test_a_configuration_that_disarms_the_ledger_is_refused(pages, build, settings, message):
    code, said = build(pages, **settings)
    assert code != 0
    assert message in said


# ---------------------------------------------------------------------------------------------------- Jupyter Book

CHAPTER = """---
jupytext: {{text_representation: {{extension: .md, format_name: myst}}}}
kernelspec: {{display_name: Python 3, language: python, name: python3}}
---

# {title}

```{{code-cell}} ipython3
{code}
```
"""


def jupyter_book(book):
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", "."]
    done = subprocess.run(command, cwd=book, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def book(tmp_path):
    put(
        tmp_path / "_config.yml",
        "title: Tiny\nauthor: none\nonly_build_toc_files: true\nexecute: {execute_notebooks: cache}\n"
        f"sphinx: {{local_extensions: {{ledger: {str(EXTENSIONS)!r}}}}}\n",
    )
    put(
        tmp_path / "_toc.yml",
        "format: jb-book\nroot: index\nparts:\n- caption: Part\n  numbered: true\n"
        "  chapters: [{file: one}, {file: results}]\n",
    )
    put(tmp_path / "index.md", "# Tiny\n\nSee {eq}`backprop`.\n")
    put(tmp_path / "one.md", CHAPTER.format(title="One", code=SETUP + BACKPROP + DEFINITION))
    put(tmp_path / "results.md", "# Results\n\n```{ledger-table}\n```\n")
    return tmp_path


def test_jupyter_book_alone_executes_numbers_and_publishes_and_then_refuses_what_stopped_holding(book):
    code, said = jupyter_book(book)
    assert code == 0, said
    html = book / "_build" / "html"
    ledger = json.loads((html / "ledger.json").read_text())
    assert [(row["label"], row["number"], row["page"]) for row in ledger["equations"]] == [
        ("backprop", "1.1", "one.html"),
        ("b-def", "1.2", "one.html"),
    ]
    assert 'href="one.html#equation-backprop">(1.1)</a>' in (html / "index.html").read_text()
    assert 'href="one.html#equation-b-def">(1.2)</a>' in (html / "results.html").read_text()

    # read again from the cache of executed notebooks, nothing is lost
    shutil.rmtree(book / "_build" / ".doctrees")
    code, said = jupyter_book(book)
    assert code == 0, said
    assert json.loads((html / "ledger.json").read_text()) == ledger

    # a sign goes wrong: the cell raises, and that stops a plain build
    (book / "one.md").write_text((book / "one.md").read_text().replace("one * (1 + 1e-15)", "-one"))
    code, said = jupyter_book(book)
    assert code != 0
    assert "backprop: check failed: JAX at $w_0$: 2.0e+00 (allowed 2.3e-13)" in said


def test_jupyter_book_alone_refuses_a_typed_display(book):
    put(book / "one.md", "# One\n\nAs is well known,\n\n$$\nE = mc^2\n$$\n")
    put(book / "index.md", "# Tiny\n")
    code, said = jupyter_book(book)
    assert code != 0
    assert "one.md:5: a display is typed in prose (E = mc^2)" in said
