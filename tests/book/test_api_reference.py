"""The reference: what every public docstring says, and the extension that makes pages and links of it."""

import doctest
import importlib
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from api_reference import docstring, examples, links, names, signature
from nbformat import writes
from nbformat.v4 import new_code_cell, new_output
from test_ledger_extension import EXTENSIONS, notebook, write

ROOT = Path(__file__).parents[2]
PUBLIC = names.public("hesslib")
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in (ROOT / "reference").glob("*.md")}

each_name = pytest.mark.parametrize("name", PUBLIC.values(), ids=PUBLIC)


def said(name):
    """The parts of a docstring, with what raises under one heading."""
    found = set(docstring.parts(name.docstring))
    return found | {"Errors"} if "Raises" in found else found


def is_record(name):
    """Whether a class only holds what a function returned: its methods, if it has any, say themselves what they do."""
    computing = [member for member in name.members if member.kind == "method"]
    held = issubclass(name.thing, tuple) or hasattr(name.thing, "__dataclass_fields__")
    return held and all({"Shapes", "Cost", "Errors"} <= said(member) for member in computing)


FIVE = {"definition", "Shapes", "Cost", "Errors", "example"}
DERIVATIONS = "hesslib.derivations."
CALCULUS = ("hesslib.calculus.", "hesslib.derivations.")


def demanded(name):
    """What a docstring must say. All five, but for:"""
    if name.kind == "data" or (name.kind == "exception" and name.path.startswith(CALCULUS)):
        return {"definition"}  # a table of words or of things that have entries of their own; what those raise
    if name.kind == "exception":
        return {"definition", "example"}  # it is raised, not called
    if name.path.startswith(DERIVATIONS):
        return {"definition"}  # the formula; a chapter shows the program and states what it returns, a test runs it
    if name.path.startswith(CALCULUS):
        return {"definition", "example"}  # formulas have no shapes, and the work limit bounds what they may cost
    if name.kind == "class" and is_record(name):
        return {"definition", "example"}  # it computes nothing; its fields are explained one by one
    return FIVE


# What is written of the public names


@each_name
def test_the_docstring_has_every_part(name):
    assert demanded(name) - said(name) == set()


def test_the_definition_comes_first_and_is_a_sentence():
    for name in PUBLIC.values():
        first = docstring.blocks(name.docstring)[0]
        assert not re.match(r"(?:Equation|Shapes|Cost|Errors|Reference|Raises|Parameters|>>>)", first), name.path
        assert docstring.summary(name.docstring).endswith((".", ":")), name.path


def test_every_method_says_what_it_gives():
    members = [member for name in PUBLIC.values() for member in name.members]
    assert [member.path for member in members if "definition" not in said(member)] == []


def test_every_field_of_a_record_is_explained():
    for name in PUBLIC.values():
        if name.kind == "class" and not name.path.startswith(CALCULUS):
            for field, _, comment in signature.fields(name):
                assert comment or re.search(rf"\b{field}\b", name.docstring), f"{name.path}.{field}"


def test_costs_are_of_operations_and_of_memory():
    elsewhere = r"\b(as|that of|those of|twice that of|for every)\b[^.;]*`"  # what is said there
    trifle = r"^(none|nothing|one look|L steps|that of typesetting|three symbolic|three `spectrum`)"
    memory = r"memory|numbers|kept, not copied|one copy|one pass over|permutation"
    for name in PUBLIC.values():
        cost = docstring.parts(name.docstring).get("Cost", memory)
        assert re.search(f"{elsewhere}|{trifle}|{memory}", cost), f"{name.path}: {cost}"


def test_an_example_runs_as_it_is_shown():
    """In an empty namespace, where a reader pastes it."""
    shown = {name.path: examples.complete(name, "hesslib") for name in names.everything("hesslib")}
    for path, text in shown.items():
        test = doctest.DocTestParser().get_doctest(text, {}, path, None, 0)
        said = []
        assert doctest.DocTestRunner(verbose=False).run(test, out=said.append).failed == 0, "".join(said)
    assert sum(map(bool, shown.values())) > 150


def test_every_name_that_a_module_offers_is_public():
    import hesslib

    for module in [hesslib, *(importlib.import_module(f"hesslib.{part}") for part in ("check", "convert", "book"))]:
        for word in set(module.__all__) - {"weight_jacobians", "ledger"}:
            assert id(getattr(module, word)) in names.by_object("hesslib"), word
    assert {
        f"hesslib.derivatives.weight_jacobians.{word}" for word in ("outputs", "laplacian", "input_jacobian")
    } <= PUBLIC.keys()


def test_what_a_public_function_hands_back_is_public():
    assert {
        "hesslib.training.run.Result",
        "hesslib.evidence.regularization.Update",
        "hesslib.curvature.hessian.Block",
    } <= PUBLIC.keys()
    for path in PUBLIC:
        assert not any(part.startswith("_") for part in path.split("."))


def test_every_public_name_has_one_page():
    modules = [m for text in PAGES.values() for m in re.findall(r"```\{api\}\n(.*?)```", text, re.DOTALL)]
    modules = [line for block in modules for line in block.split()]
    assert len(set(modules)) == len(modules)
    for name in PUBLIC.values():
        homes = [module for module in modules if f"{name.home}.".startswith(f"{module}.")]
        assert len(homes) == 1, f"{name.path}: name {name.home} in the {{api}} of one page"


# The built book


@pytest.fixture(scope="module")
def ledger(site):
    return json.loads((site / "ledger.json").read_text(encoding="utf-8"))


@pytest.mark.site
def test_every_label_is_stated_and_equation_and_name_lead_to_each_other(site, ledger):
    pages = {row["label"]: row["page"] for row in ledger["equations"]}
    reference = {page.name: page.read_text(encoding="utf-8") for page in (site / "reference").glob("*.html")}
    home = {path: name for name, text in reference.items() for path in re.findall(r'id="(hesslib[\w.]*)"', text)}
    for label, implementing in names.implementers("hesslib").items():
        chapter = (site / pages[label]).read_text(encoding="utf-8")
        for name in implementing:
            page = home[name.path]
            up = "../" * pages[label].count("/")
            assert f'href="../{pages[label]}#equation-{label}"' in reference[page], (name.path, label)
            assert f'href="{up}reference/{page}#{name.path}"' in chapter, (label, name.path)


@pytest.mark.site
def test_the_pages_have_every_public_name_and_the_overview_lists_it(site):
    pages = "".join(page.read_text(encoding="utf-8") for page in (site / "reference").glob("*.html"))
    overview = (site / "reference" / "overview.html").read_text(encoding="utf-8")
    for name in names.everything("hesslib"):
        assert pages.count(f'id="{name.path}"') == 1, name.path
    for path in PUBLIC:
        assert f'#{path}"' in overview, path


# The extension, on a package of two modules


INIT = """
from tiny.forms import LIMIT, circle, square
__all__ = ["LIMIT", "circle", "square"]
"""
FORMS = r'''
from typing import Literal, NamedTuple
from jaxtyping import Float

Array = object
Reduction = Literal["sum", "mean"]

LEAST = 1
"""The smallest side."""

LIMIT = 5
"""The largest side."""


class Result(NamedTuple):
    """What came out: `value`.

    >>> 1
    1
    """

    value: Array  # $x^2$, (N,)

    @property
    def half(self) -> Float[Array, ""]:
        """Half of it."""


def square(x: Float[Array, " N"], y: Array, /, *, reduction: Reduction = "sum", most: int = LIMIT) -> Result:
    r"""Return $x^2$, but see `circle`; `y` is ignored. And so on.

    Equation: squares.
    Shapes: (N,).
    Cost: $N$ operations. Errors: ValueError as `circle` does.

    Raises
    ------
    ValueError
        If it is round.

    >>> 2 * 2
    4
    """


def circle(r: float, /, *, square: float = 1.0) -> float:
    """Return the area. Equation: squares, circles. Shapes: `square` is an argument here."""
'''


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """The package, to be imported."""
    package = tmp_path / "tiny"
    package.mkdir()
    (package / "__init__.py").write_text(INIT, encoding="utf-8")
    (package / "forms.py").write_text(FORMS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    names.public.cache_clear()
    names.tree.cache_clear()
    yield package
    for module in ("tiny", "tiny.forms"):
        sys.modules.pop(module, None)
    names.public.cache_clear()
    names.tree.cache_clear()


def test_names_are_found_by_the_shortest_path_with_kind_and_labels(tiny):
    found = names.public("tiny")
    assert {path: name.kind for path, name in found.items()} == {
        "tiny.LIMIT": "data",
        "tiny.forms.Result": "class",
        "tiny.square": "function",
        "tiny.circle": "function",
    }
    assert found["tiny.LIMIT"].docstring == "The largest side."
    assert [member.path for member in found["tiny.forms.Result"].members] == ["tiny.forms.Result.half"]
    labels = {label: [name.path for name in by] for label, by in names.implementers("tiny").items()}
    assert labels == {"squares": ["tiny.square", "tiny.circle"], "circles": ["tiny.circle"]}


def test_signatures_have_shapes_choices_and_numbers(tiny):
    found = names.public("tiny")
    assert signature.lines(found["tiny.circle"]) == ["circle(r: float, /, *, square: float = 1.0) → float"]
    assert signature.lines(found["tiny.square"]) == [
        "square(",
        "x: float (N,),",
        "y: array, /,",
        "*, reduction: 'sum' | 'mean' = 'sum',",
        "most: int = 5,",
        ") → Result",
    ]
    assert signature.fields(found["tiny.forms.Result"]) == [("value", "array", "$x^2$, (N,)")]


def test_a_docstring_is_taken_apart_wherever_its_parts_stand(tiny):
    text = names.public("tiny")["tiny.square"].docstring
    assert docstring.parts(text) == {
        "definition": "Return $x^2$, but see `circle`; `y` is ignored. And so on.",
        "Equation": "squares.",
        "Shapes": "(N,).",
        "Cost": "$N$ operations.",
        "Errors": "ValueError as `circle` does.",
        "Raises": "ValueError\n    If it is round.",
        "example": ">>> 2 * 2\n4",
    }
    assert docstring.summary(text) == "Return $x^2$, but see `circle`; `y` is ignored."


def test_an_example_imports_what_it_takes_for_granted(tiny):
    square = names.public("tiny")["tiny.square"]
    source = ">>> from .other import f\n>>> [circle(LIMIT) for LIMIT in f(LEAST)]\n>>> Reduction, Literal"
    example = examples.complete(replace(square, docstring=f"Two.\n\n{source}"), "tiny")
    assert example.splitlines() == [
        ">>> from tiny import circle",
        ">>> from tiny.forms import LEAST, Literal, Reduction",
        ">>> from tiny.other import f",
        ">>> [circle(LIMIT) for LIMIT in f(LEAST)]",
        ">>> Reduction, Literal",
    ]


def test_only_names_that_are_public_become_links(tiny):
    text = docstring.myst("See `circle`, ``circle`` and `y`.", {"circle": "tiny.circle"}.get)
    assert text == "See {py:obj}`circle <tiny.circle>`, ``circle`` and `y`."


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([r"x &= y && {\small\text{why}}", " &= z", r"&\quad + u"], ["x &= z", r"&\quad + u"]),
        ([r"x &\quad{\small\text{(why)}}", r" &= z"], ["x &= z"]),
        ([r"x &\simeq y && {\small\text{drop}}", " &= z"], [r"x &\simeq z"]),
        (["x &= y", "u &= v"], ["x &= y", "u &= v"]),
        ([r"&x", r" &\quad = y"], [r"&x", r" &\quad = y"]),
    ],
    ids=["chain", "reasons between", "approximation", "two formulas", "apart"],
)
def test_a_chain_is_shown_by_its_ends(rows, kept):
    def display(rows):
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    assert links.conclusion(display(rows)) == display(kept)


CHAPTER = {"squares": "x &= y \\\\\n &= y^2", "circles": r"\pi r^2"}
BOOK = {
    "index": "# Book\n\n```{toctree}\nchapter\nforms\nall\n```\n",
    "forms": "# Forms\n\n```{api}\ntiny\n```\n",
    "all": "# All\n\n```{api-overview}\n```\n",
}


def stated(label, tex):
    """A cell that has stated an equation."""
    record = {"label": label, "source": "", "established": "definition", "checks": [], "scope": "", "note": ""}
    shown = [f"$$\n\\begin{{aligned}}\n{tex}\n\\end{{aligned}}\n$$ ({label})"]
    shown.append(f"```{{ledger-record}}\n{json.dumps(record)}\n```")
    return new_code_cell("1", outputs=[new_output("display_data", {"text/markdown": text}) for text in shown])


@pytest.fixture
def build(tiny):
    """Build a book about the package in a process of its own; returns the exit code and what was said."""

    def built(equations=CHAPTER, **pages):
        chapter = notebook("# Chapter", *(stated(label, tex) for label, tex in equations.items()))
        write(
            tiny.parent / "book",
            {**BOOK, **pages},
            extensions=["myst_nb", "ledger", "api_reference"],
            myst_enable_extensions=["dollarmath", "deflist"],
            api_package="tiny",
            suppress_warnings=["toc.not_included"],
        )
        path = tiny.parent / "book" / "chapter.ipynb"
        if not path.exists() or path.read_text(encoding="utf-8") != writes(chapter):
            path.write_text(writes(chapter), encoding="utf-8")
        command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", "-b", "html"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tiny.parent), str(EXTENSIONS), str(ROOT)])}
        run = subprocess.run(
            [*command, str(tiny.parent / "book"), str(tiny.parent / "html")],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        return run.returncode, run.stderr

    return built


def page(tiny, name):
    return (tiny.parent / "html" / f"{name}.html").read_text(encoding="utf-8")


def test_a_page_has_entries_with_the_formula_and_the_chapter_leads_to_them(tiny, build):
    assert build() == (0, "")
    forms, chapter, everything = (page(tiny, name) for name in ("forms", "chapter", "all"))
    for path in ("tiny.square", "tiny.circle", "tiny.LIMIT", "tiny.forms.Result", "tiny.forms.Result.half"):
        assert f'id="{path}"' in forms
    assert 'href="chapter.html#equation-squares"' in forms
    assert re.search(r"x\s*&amp;\s*= y\^2", forms)  # the ends of the chain, and not its middle
    assert 'href="#tiny.circle"' in forms  # in backticks in a docstring
    assert 'href="#tiny.forms.Result"' in forms  # a type in a signature
    assert 'href="#tiny.square"' not in forms.split('id="tiny.circle"')[1].split("</section>")[0]  # an argument
    assert chapter.count('href="forms.html#tiny.square"') == 1
    assert chapter.count('href="forms.html#tiny.circle"') == 2
    assert all(f'href="forms.html#{path}"' in everything for path in names.public("tiny"))

    before = (tiny.parent / "html" / "forms.html").stat().st_mtime_ns
    assert build() == (0, "")
    assert (tiny.parent / "html" / "forms.html").stat().st_mtime_ns == before  # nothing has changed


def test_a_label_that_no_chapter_states_fails_the_build(tiny, build):
    code, complaint = build({"squares": "x"})
    assert code != 0
    assert "tiny.circle: its docstring says 'Equation: circles', but no chapter states circles" in complaint


@pytest.mark.parametrize(
    ("pages", "complaint"),
    [
        ({"forms": "# Forms\n\nNothing.\n", "all": "# All\n\n```{api}\ntiny.none\n```\n"}, "defines no public name"),
        ({"all": "# All\n\n```{api}\ntiny.forms\n```\n"}, "is on 2 pages"),
    ],
    ids=["no such module", "on two pages"],
)
def test_a_page_of_the_wrong_modules_fails_the_build(build, pages, complaint):
    code, said = build(**pages)
    assert code != 0
    assert complaint in said


def test_a_public_name_on_no_page_fails_the_build(tiny, build):
    (tiny / "other.py").write_text('__all__ = ["one"]\n\n\ndef one():\n    """One."""\n', encoding="utf-8")
    code, said = build(forms="# Forms\n\n```{api}\ntiny.forms\n```\n")
    assert code != 0
    assert "tiny.other.one is on no page of the reference; name tiny.other" in said


def test_a_typed_display_in_a_docstring_fails_the_build(tiny, build):
    source = (tiny / "forms.py").read_text(encoding="utf-8")
    (tiny / "forms.py").write_text(source.replace("Return the area.", "Return the area.\n\n    $$x$$\n\n    "))
    code, said = build()
    assert code != 0
    assert "a display is typed in prose" in said


def test_what_changes_in_a_docstring_changes_the_page_and_the_chapter(tiny, build):
    assert build() == (0, "")
    source = (tiny / "forms.py").read_text(encoding="utf-8")
    (tiny / "forms.py").write_text(source.replace("squares, circles", "circles").replace("the area", "an area"))
    assert build() == (0, "")
    assert "an area" in page(tiny, "forms")
    assert "an area" in page(tiny, "all")
    assert page(tiny, "chapter").count('href="forms.html#tiny.circle"') == 1


def test_a_name_that_is_offered_later_comes_onto_its_page(tiny, build):
    pages = {"forms": "# Forms\n\n```{api}\ntiny.forms\n```\n"}
    assert build(**pages) == (0, "")
    source = (tiny / "__init__.py").read_text(encoding="utf-8")
    (tiny / "__init__.py").write_text(
        source.replace('["LIMIT"', '["LEAST", "LIMIT"').replace("LIMIT,", "LEAST, LIMIT,", 1)
    )
    assert build(**pages) == (0, "")
    assert 'id="tiny.LEAST"' in page(tiny, "forms")


def test_what_changes_in_a_chapter_changes_the_formula_on_the_page(tiny, build):
    assert build() == (0, "")
    assert build({**CHAPTER, "circles": r"\pi d^2/4"}) == (0, "")
    assert r"\pi d^2/4" in page(tiny, "forms")
