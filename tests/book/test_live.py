"""A reader without Python changes a formula, and the page decides: at a desk, on a phone, by keyboard, from a file.

The pages are those of a small book, which holds a sheet of each kind; the engine is the one of the whole book.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import sync_playwright
from serving import serving
from sphinx.cmd.build import main as sphinx_build
from sympy.abc import x, y

from hesslib.book.sheets import directive, sheet_of
from hesslib.calculus.steps import refuse
from hesslib.derivations import backpropagation, pruning

ROOT = Path(__file__).resolve().parents[2]
DESK, PHONE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}, {"width": 320, "height": 640}
PATIENCE = 240_000  # milliseconds; the first verdict takes some seconds on a machine that has nothing else to do
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WRONG = r"\delta_j = \sum_k w_{jk}\delta_k"
RIGHT = r"\delta_j = h'(a_j) \sum_k w_{kj}\delta_k"

pytestmark = pytest.mark.site

CONF = """
project = "a small book"
extensions = ["myst_nb", "sphinx_exercise", "sphinx_book_theme", "sphinx-mathjax-offline", "ledger", "live"]
html_theme = "sphinx_book_theme"
html_static_path = [{static!r}]
html_css_files = ["book.css"]
html_context = {{"default_mode": "auto"}}
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "off"
live_kept = {kept!r}


def setup(app):
    from pages import markup

    app.connect("build-finished", markup.mend)  # without the requests that browsers refuse for files
"""
EMPTY = """# A small book

```{live-sheet} empty
:choice:
:examples:
:notation: prml
:title: Is my derivation right?
```

```{exercise-start} Mend it
:label: ex-mend
```
It does not hold.

```{live-sheet} mend
:exercise:
:notation: prml
:title: the exercise

\\delta_j
&= \\sum_k \\frac{\\partial E}{\\partial a_k} \\frac{\\partial a_k}{\\partial a_j} \\\\
&= \\sum_k w_{kj} \\delta_k
```
```{exercise-end}
```
"""


def stated(label, formula):
    """A cell that states a formula, with what it puts out in the book."""
    record = {"label": label, "source": "", "established": "derived", "scope": "", "note": "", "uses": []}
    record |= {"checks": [{"oracle": "normal form", "agreement": 0.0, "tolerance": 0.0, "passed": True}]}
    record["sheet"] = sheet_of(formula)
    tex = formula.latex().replace("\n\n", "\n")
    shown = [f"$$\n{tex}\n$$ ({label})", f"```{{ledger-record}}\n{json.dumps(record)}\n```"]
    return cell(shown)


def cell(shown):
    outputs = [new_output("display_data", {"text/markdown": text, "text/plain": ""}) for text in shown]
    return new_code_cell("pass", execution_count=1, outputs=outputs)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The small book, built."""
    source = tmp_path_factory.mktemp("book")
    (source / "conf.py").write_text(CONF.format(static=str(ROOT / "_static"), kept=str(ROOT / "_build" / "live")))
    wrong = refuse(y, x**2, 2 * x, "a factor for a power")
    cells = [
        new_markdown_cell(EMPTY),
        stated("backprop", backpropagation.signal()),
        stated("saliency", pruning.any_other()),
        cell([f"```{{math}}\n{wrong.latex()}\n```\n\n{directive(sheet_of(wrong))}"]),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), source / "index.ipynb")
    with contextlib.redirect_stderr(io.StringIO()) as said:
        failed = sphinx_build(["-q", "-W", "-b", "html", str(source), str(source / "_build" / "html")])
    assert not failed, said.getvalue()
    return source / "_build" / "html"


@pytest.fixture(scope="module")
def addresses(book):
    """The page as it is served, and as a file."""
    with serving(book) as address:
        yield {"served": f"{address}/index.html", "as a file": (book / "index.html").as_uri()}


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


def address_of(told):
    """The end of an address that brings a formula: the sheet, the text, the notation."""
    return "#try-" + base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


@pytest.fixture
def opened(browser, addresses):
    """Open the page; what it complains of, asks outside or opens fails the test."""
    contexts, complaints = [], []

    def open_page(way="as a file", size=DESK, **asked):
        context = browser.new_context(viewport=size, color_scheme=asked.pop("scheme", "light"))
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        home = addresses[way].rsplit("/", 1)[0]

        def guard(route):
            inside = route.request.url.startswith((home, "data:", "blob:"))
            if not inside:
                complaints.append(route.request.url)
            return route.continue_() if inside else route.abort()

        page.route("**/*", guard)
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.goto(addresses[way] + (address_of(asked["told"]) if asked else ""), wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def sheet(page, name):
    """The place of a sheet, by its name."""
    number = page.evaluate(
        "name => [...document.querySelectorAll('.live-sheet')].findIndex(p => JSON.parse(p.dataset.sheet).id === name)",
        name,
    )
    assert number >= 0
    return page.locator(".live-sheet").nth(number)


def settled(place):
    """Wait until nothing is being worked out; what the sheet says then."""
    place.locator(".live-verdict[data-holds]").wait_for()
    place.locator(".live-decide:enabled").wait_for()
    verdict = place.locator(".live-verdict")
    return verdict.get_attribute("data-holds"), verdict.inner_text()


WAYS = pytest.mark.parametrize("way", ["as a file", "served"])
SIZES = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])


@WAYS
@SIZES
def test_a_reader_finds_by_keyboard_that_the_slope_is_lost_and_the_weight_transposed(opened, way, size):
    page = opened(way, size)
    page.keyboard.press("Tab")
    for _ in range(200):  # past the menus of the theme
        if page.evaluate("document.activeElement.tagName") == "TEXTAREA":
            break
        page.keyboard.press("Tab")
    page.keyboard.type(WRONG)
    page.keyboard.press("Control+Enter")
    place = sheet(page, "empty")
    holds, said = settled(place)
    assert holds == "false"
    assert "does not hold" in said
    assert "transpose lost" in said
    assert "slope lost" in said
    assert "nearest right formula" in said
    page.keyboard.press("Control+A")
    page.keyboard.type(RIGHT)
    page.keyboard.press("Control+Enter")
    page.wait_for_function("document.querySelector('.live-verdict').dataset.holds === 'true'")
    assert settled(place)[1].startswith("holds for every width and depth")
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    wide = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1]


def test_a_derivation_a_refusal_and_what_a_chapter_derives_open_and_are_decided(opened):
    page = opened()
    for name, expected in [("backprop", "true"), ("saliency", "true"), (None, "false")]:
        place = sheet(page, name) if name else page.locator(".live-sheet").last
        button = place.get_by_role("button", name="Try it")
        assert button.get_attribute("aria-expanded") == "false"
        button.focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
        place.locator(".live-decide").click()
        assert settled(place)[0] == expected
    field = sheet(page, "backprop").locator("textarea")
    field.fill(field.input_value().replace("h'", "h''"))
    page.keyboard.press("Control+Enter")
    page.wait_for_function("document.querySelectorAll('.live-verdict')[2].dataset.holds === 'false'")
    assert "prime too many" in settled(sheet(page, "backprop"))[1]
    sheet(page, "backprop").get_by_role("button", name="Close").click()
    assert sheet(page, "backprop").locator("form").is_hidden()


def test_an_exercise_is_answered_with_the_step_that_fails_and_not_with_the_solution(opened):
    page = opened()
    place = sheet(page, "mend")
    place.locator(".live-decide").click()
    holds, said = settled(place)
    assert holds == "false"
    steps = place.locator(".live-links li strong").all_inner_texts()
    assert steps == ["holds", "does not hold"]
    for told in ("slope", "lacks", "nearest", "slip"):
        assert told not in said
    field = place.locator("textarea")
    field.fill(field.input_value().replace(r"&= \sum_k w_{kj}", r"&= h'(a_j) \sum_k w_{kj}"))
    place.locator(".live-decide").click()
    page.wait_for_function("document.querySelectorAll('.live-verdict')[1].dataset.holds === 'true'")


def test_what_is_being_decided_can_be_cancelled_and_asked_again(opened):
    page = opened()
    place = sheet(page, "empty")
    place.locator("textarea").fill(WRONG)
    place.locator(".live-decide").click()
    place.get_by_role("button", name="Cancel").click()
    assert "Cancelled." in place.locator(".live-verdict").inner_text()
    assert place.locator("progress").is_hidden()
    place.locator(".live-decide").click()
    assert settled(place)[0] == "false"


def test_nothing_of_the_engine_is_loaded_before_a_verdict_is_asked_for(opened):
    page = opened("served")
    page.wait_for_timeout(500)
    loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in loaded if "/live/" in name] == []
    assert page.evaluate("self.LIVE_PARTS === undefined")


def test_a_link_holds_the_formula_and_the_notation(opened):
    page = opened(told=["empty", RIGHT, "mackay"])
    place = sheet(page, "empty")
    assert place.locator("textarea").input_value() == RIGHT
    assert place.locator("select").input_value() == "mackay"
    place.locator("textarea").fill("ä = " + WRONG)
    place.locator("select").select_option("prml")
    address = place.get_by_role("link", name="Link to this formula").get_attribute("href")
    packed = address.removeprefix("#try-")
    assert json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))) == ["empty", "ä = " + WRONG, "prml"]
    page.evaluate("address => { location.hash = address; }", address_of(["backprop", WRONG]))
    page.wait_for_function("document.activeElement.value !== undefined")
    assert sheet(page, "backprop").locator("textarea").input_value() == WRONG


NO_ADDRESSES = ["#try-", "#try-%00", "#try-e30", "#try-WzFd", "#try-eyJhIjoxfQ", "#try-____", "#try-WyJub25lIiwieCJd"]


@pytest.mark.parametrize("end", NO_ADDRESSES)
def test_an_address_that_is_none_is_passed_over(opened, end):
    page = opened(told=["empty", RIGHT])
    page.evaluate("end => { location.hash = end; }", end)
    page.wait_for_timeout(100)
    assert sheet(page, "empty").locator("textarea").input_value() == RIGHT


HOSTILE = {
    "script": "<script>document.title='taken'</script>",
    "image": "<img src=x onerror=\"document.title='taken'\">",
    "href": r"\href{javascript:document.title='taken'}{a} = a",
    "require": r"\require{html} \cssId{x}{a} = \class{live-decide}{b}",
    "definition": r"\def\a{\a\a}\a = 1",
    "loop": r"\newcommand{\x}{\x}\x = 1",
    "style": r"\style{position:fixed;inset:0;background:red}{a} = 1",
    "unicode": r"\unicode{x3c}script\unicode{x3e} = \data{onclick=alert(1)}{b}",
    "broken Unicode": "\ufffe \u202e a = \x00\x07\u0000b",
    "address": "javascript:document.title='taken'",
    "markup in a command": r"\text{<b onmouseover=alert(1)>x</b>} = a",
    "environment": r"\begin{html}a\end{html} = \begin{array}{c}a\end{array}",
    "braces": "{" * 3000,
    "nested": r"\frac{" * 400 + "a" + "}{b}" * 400 + " = a",
    "long": "a = " + "a + " * 3000 + "a",
}


@pytest.mark.parametrize("kind", ["href", "require", "definition", "loop", "style", "unicode", "environment", "long"])
def test_what_holds_any_other_command_than_a_formula_is_not_given_to_mathjax(opened, kind):
    page = opened(told=["empty", HOSTILE[kind], "prml"])
    preview = sheet(page, "empty").locator(".live-preview")
    page.wait_for_timeout(600)
    assert preview.locator("mjx-container").count() == 0
    assert "There is no preview" in preview.inner_text()
    sheet(page, "empty").locator("textarea").fill(RIGHT)
    preview.locator("mjx-container").wait_for()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_link_becomes_neither_markup_nor_code(opened, text):
    page = opened(told=["empty", text, "\"><script>document.title='taken'</script>"])
    place = sheet(page, "empty")
    page.wait_for_timeout(600)
    assert page.title() != "taken"
    assert len(place.locator("textarea").input_value()) <= 10_000
    inside = place.locator("form").evaluate(
        "form => [...form.querySelectorAll('script, img, iframe, b, [onclick], [onerror], [onmouseover]')].length"
    )
    assert inside == 0
    addresses = place.locator("form").evaluate(
        "form => [...form.querySelectorAll('a')].map(a => a.getAttribute('href'))"
    )
    assert all(address.startswith("#") for address in addresses)


def test_what_is_hostile_is_decided_or_refused_and_the_page_goes_on(opened):
    page = opened()
    place = sheet(page, "empty")
    for text in [HOSTILE["script"], HOSTILE["href"], HOSTILE["definition"], HOSTILE["nested"], HOSTILE["long"]]:
        place.locator("textarea").evaluate("(field, text) => { field.value = text; }", text)
        place.locator(".live-decide").click()
        assert settled(place)[0] in ("null", "false")
        assert page.title() != "taken"
        place.locator(".live-verdict").evaluate("verdict => verdict.removeAttribute('data-holds')")
    place.locator("textarea").fill(RIGHT)
    place.locator(".live-decide").click()
    assert settled(place)[0] == "true"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE, NARROW], ids=["desk", "phone", "narrow"])
def test_every_part_of_a_sheet_has_a_name_stands_out_and_fits(opened, scheme, size):
    page = opened(size=size, scheme=scheme, told=["backprop", "a = a"])
    measure = (ROOT / "tests" / "measure.js").read_text(encoding="utf-8")
    measures = page.evaluate(measure)
    assert measures["theme"] == scheme
    assert measures["faint"] == []
    content, window = measures["width"]
    assert content <= window
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('.live-sheet :is(button, textarea, select, progress, form)')].filter(e =>
            !(e.getAttribute('aria-label') || e.textContent.trim() || (e.labels && e.labels.length)))
            .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert unnamed == []
    small = page.evaluate(
        """() => [...document.querySelectorAll('.live-sheet :is(button, select)')].filter(e => e.offsetParent)
            .filter(e => e.getBoundingClientRect().height < 24).map(e => e.textContent)"""
    )
    assert small == []
    assert page.locator(".live-verdict").first.get_attribute("role") == "status"
