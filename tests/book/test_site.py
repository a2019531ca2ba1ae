"""The built book in a real browser: on a desk and on a phone, by day and by night, served and opened as files."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from html.parser import HTMLParser
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, unquote, urldefrag, urlsplit

import everywhere
import execute_chapters
import nbformat
import npm_packages
import print_book
import pytest
import yaml
from bs4 import BeautifulSoup
from pages import markup, setup_code, sharing, weight
from playwright.sync_api import sync_playwright
from pypdf import PdfReader
from serving import serving

from hesslib.book.ledger import KINDS

ROOT = Path(__file__).resolve().parents[2]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
NUMBERED = [chapter["file"] for part in TOC["parts"] if part.get("numbered") for chapter in part["chapters"]]
NOTEBOOKS = [name for name in PAGES if execute_chapters.is_notebook(ROOT / f"{name}.md")]
GENERATED = ["search", "genindex", "404"]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
MOVED = CONFIG["sphinx"]["config"]["redirects"]  # an old address, and where it leads
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
NARROW = {"width": 320, "height": 640}  # 1280 at a zoom of 400 %, which the guidelines ask for
FIRST_LOAD = 1_500_000  # bytes of everything that a page asks for when it is opened
CODE_BARS = 6
PATIENCE = 120_000  # milliseconds; a page takes one second, on a machine that has nothing else to do
FLAGS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = pytest.mark.site

each_page = pytest.mark.parametrize("name", PAGES)
each_notebook = pytest.mark.parametrize("name", NOTEBOOKS)
each_theme = pytest.mark.parametrize("theme", ["light", "dark"])


# Without a browser: what the files say


LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "link": "href"}


class Reader(HTMLParser):
    """Links, anchors and whatever a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.anchors |= {value for key, value in values.items() if key in ("id", "name") and value}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if values.get(LOADED.get(tag, "")):
            self.loaded.append(values[LOADED[tag]])


@pytest.fixture(scope="session")
def files(site):
    """Every page, read."""
    found = {}
    for path in sorted(site.rglob("*.html")):
        if "_static" not in path.parts:
            found[path.relative_to(site).with_suffix("").as_posix()] = reader = Reader()
            reader.feed(path.read_text(encoding="utf-8"))
    return found


def test_the_book_builds_without_a_warning(built):
    succeeded, log = built
    if not succeeded:
        pytest.fail(log, pytrace=False)


def test_the_book_has_the_pages_of_its_table_of_contents_and_no_others(files):
    assert set(files) == {*PAGES, *GENERATED, *MOVED}


def test_an_old_address_leads_to_the_page_that_moved(files, site):
    for old, new in MOVED.items():
        assert new in (site / f"{old}.html").read_text(encoding="utf-8")
        assert (site / old).parent.joinpath(new).resolve().is_file(), (old, new)


def test_no_page_names_anything_outside_to_load(files):
    outside = {name: [url for url in page.loaded if urlsplit(url).netloc] for name, page in files.items()}
    assert {name: urls for name, urls in outside.items() if urls} == {}


def test_every_link_inside_the_book_leads_somewhere(files, site):
    dead = []
    for name, page in files.items():
        for link in page.links:
            address, anchor = urldefrag(link)
            if urlsplit(address).scheme or urlsplit(address).netloc:
                continue
            path = unquote(urlsplit(address).path)
            target = (site / name).parent.joinpath(path).resolve() if path else site / f"{name}.html"
            goal = files.get(target.relative_to(site).with_suffix("").as_posix())
            if not target.is_file() or (anchor and goal and unquote(anchor) not in goal.anchors):
                dead.append((name, link))
    assert dead == []


@pytest.fixture(scope="session")
def ledger(site):
    return json.loads((site / "ledger.json").read_text(encoding="utf-8"))


def test_every_numbered_equation_is_in_the_ledger_and_the_other_way_round(ledger, files):
    recorded = {(row["page"].removesuffix(".html"), f"equation-{row['label']}") for row in ledger["equations"]}
    shown = {
        (name, anchor) for name, page in files.items() for anchor in page.anchors if anchor.startswith("equation-")
    }
    assert recorded == shown
    assert len(ledger["equations"]) == len(recorded) > 0


def test_every_record_says_how_it_is_known_and_what_was_measured(ledger):
    for row in ledger["equations"]:
        assert row["established"] in KINDS
        assert {"label", "page", "source", "checks"} <= row.keys()
        assert row["checks"] or row["established"] in ("definition", "assumption")
        for check in row["checks"]:
            assert check.keys() == {"oracle", "agreement", "tolerance", "passed"}
            assert check["passed"] is True


def test_every_claim_has_a_verdict_and_a_page(ledger, files):
    for row in ledger["claims"]:
        assert {"id", "source", "verdict", "established", "page"} <= row.keys()
        assert row["established"] in ("computed", "reading")
        assert row["page"].removesuffix(".html") in files


def test_the_index_of_results_links_to_every_equation(ledger, files):
    index = files["reference/index_of_results"]
    linked = {urldefrag(link).fragment for link in index.links}
    assert {f"equation-{row['label']}" for row in ledger["equations"]} <= linked


def test_a_reader_can_try_most_of_what_is_derived_and_nothing_that_cannot_be_decided(site, ledger):
    sheets = {}
    for path in sorted(site.rglob("*.html")):
        for place in soup(site, path.relative_to(site).with_suffix("")).select("[data-sheet]"):
            sheet = json.loads(place["data-sheet"])
            sheets[sheet["id"]] = sheet
    kinds = {row["label"]: row["established"] for row in ledger["equations"]}
    derived = {label for label, kind in kinds.items() if kind in ("derived", "conditional")}
    assert (sheets.keys() & kinds.keys()) <= derived
    assert len(sheets.keys() & derived) > len(derived) / 2
    for sheet in sheets.values():
        assert sheet["text"]
        assert ("own" in sheet) == ("known" in sheet) != ("notation" in sheet)


# With a browser

# The heading of a column that is a formula has a text, in MathML, which the tool does not count as one.
AXE = """async () => {
  const { violations } = await axe.run(document, { elementRef: true });
  const counts = (v, n) => v.id !== "empty-table-header" || !n.element.querySelector("mjx-container");
  return violations.map((v) => [v.id, v.nodes.filter((n) => counts(v, n)).map((n) => n.html.slice(0, 120))])
    .filter(([, nodes]) => nodes.length).map(([id, nodes]) => `${id}: ${nodes.slice(0, 3).join(" | ")}`);
}"""
SETTLED = "async () => { await window.MathJax?.startup?.promise; await document.fonts.ready; }"
ALL_PICTURES = "() => { for (const picture of document.images) picture.loading = 'eager'; }"  # those far below as well
MEASURE = (ROOT / "tests" / "measure.js").read_text(encoding="utf-8")


@dataclass
class Visit:
    """What a page did while it was open, and what it measures in each guise: by day, by night, on a phone."""

    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    requests: list = field(default_factory=list)
    loaded: list[tuple[str, int]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    stops: int = 0
    narrow: int = 0
    light: dict = field(default_factory=dict)
    dark: dict = field(default_factory=dict)
    phone: dict = field(default_factory=dict)


@pytest.fixture(scope="session")
def browser(site, chromium):
    """The Chromium of the system, headless."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def server(site):
    """The book on a local port."""
    with serving(site) as address:
        yield address


@pytest.fixture(scope="session")
def open_page(browser):
    """Open an address in a fresh profile, noting every complaint of the browser and every request that leaves."""
    contexts = []

    def opened(address):
        context = browser.new_context(color_scheme="light", viewport=DESK, accept_downloads=True)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page, visit = context.new_page(), Visit()
        home = urlsplit(address)

        def guard(route):
            url = urlsplit(route.request.url)
            inside = (url.scheme, url.netloc) == (home.scheme, home.netloc) or url.scheme in ("data", "blob")
            if not inside:
                visit.outside.append(route.request.url)
            return route.continue_() if inside else route.abort()

        page.route("**/*", guard)
        page.on("console", lambda m: visit.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on("requestfailed", lambda request: visit.failed.append(request.url))
        page.on("requestfinished", lambda r: visit.requests.append(r))  # noqa: PLW0108 - Playwright wants a function of Python
        page.on("response", lambda r: visit.failed.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.goto(address, wait_until="load")
        return page, visit

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def visit(open_page, server, site):
    """Open a page of the book once, and measure it in every guise."""

    @functools.cache
    def visited(name, as_file=False):
        page, seen = open_page((site / f"{name}.html").as_uri() if as_file else f"{server}/{name}.html")
        page.evaluate(SETTLED)
        seen.loaded = [] if as_file else [(one.url, one.sizes()["responseBodySize"]) for one in list(seen.requests)]
        page.evaluate(ALL_PICTURES)
        seen.light = page.evaluate(MEASURE)
        if not as_file:
            page.evaluate((npm_packages.folder("axe-core") / "axe.min.js").read_text(encoding="utf-8"))
            seen.violations = page.evaluate(AXE)
            seen.stops = page.evaluate("document.querySelectorAll('mjx-container[tabindex]').length")
            page.emulate_media(color_scheme="dark")
            seen.dark = page.evaluate(MEASURE)
            page.set_viewport_size(PHONE)
            seen.phone = page.evaluate(MEASURE)
            page.set_viewport_size(NARROW)
            seen.narrow = page.evaluate("document.documentElement.scrollWidth")
        page.close()
        return seen

    return visited


@pytest.mark.parametrize("as_file", [False, True], ids=["served", "as a file"])
@pytest.mark.parametrize("name", [*PAGES, *GENERATED])
def test_the_page_loads_without_complaint_and_without_asking_outside(visit, name, as_file):
    seen = visit(name, as_file)
    assert seen.outside == []
    assert seen.failed == []
    assert seen.complaints == []


@pytest.mark.parametrize("as_file", [False, True], ids=["served", "as a file"])
@each_page
def test_every_formula_is_typeset(visit, name, as_file):
    measures = visit(name, as_file).light
    assert measures["unset"] == []
    assert measures["wrong"] == []
    assert measures["dollars"] == []


@pytest.mark.parametrize("name", NUMBERED)  # the landing page and the guides may do without
def test_a_chapter_shows_formulas(visit, name):
    assert visit(name).light["formulas"] > 0


@each_page
def test_a_phone_shows_the_page_without_sideways_scroll_and_no_formula_cut_off(visit, name):
    measures = visit(name).phone
    content, window = measures["width"]
    assert content <= window == PHONE["width"]
    assert measures["cut"] == []


@each_page
def test_every_display_fits_a_desk_and_a_phone_scrolls_only_what_cannot_be_made_narrower(visit, name):
    assert visit(name).light["scrolling"] == []
    assert {size for _, size in visit(name).phone["scrolling"]} <= {"75%"}


@each_theme
@each_page
def test_all_text_stands_out_from_its_ground(visit, name, theme):
    measures = getattr(visit(name), theme)
    assert measures["theme"] == theme
    assert measures["faint"] == []


@each_page
def test_every_picture_loads_and_says_in_words_what_it_shows(visit, name):
    measures = visit(name).light
    assert measures["broken"] == []
    assert measures["unnamed"] == []


each_of_all = pytest.mark.parametrize("name", [*PAGES, *GENERATED])


@each_of_all
def test_the_page_violates_no_rule_of_access(visit, name):
    assert visit(name).violations == []


@each_of_all
def test_formulas_are_no_stops_of_the_tab_key(visit, name):
    assert visit(name).stops == 0


@each_of_all
def test_the_page_fits_a_window_of_320_pixels(visit, name):
    assert visit(name).narrow <= NARROW["width"]


@each_of_all
def test_the_first_load_is_light(visit, name):
    loaded = visit(name).loaded
    total = sum(size for _, size in loaded)
    assert total <= FIRST_LOAD, sorted(((size, url.rpartition("/")[2]) for url, size in loaded), reverse=True)[:8]


@each_page
def test_no_code_scrolls_sideways_on_a_desk_and_on_a_phone(visit, name):
    assert visit(name).light["wide"] == []
    assert visit(name).phone["wide"] == []


def test_who_asks_for_it_gets_the_menu_of_the_formulas(open_page, server):
    page, seen = open_page(f"{server}/{NUMBERED[0]}.html")
    page.locator("button.formula-menu").scroll_into_view_if_needed()  # which fetches the pictures there
    page.locator("button.formula-menu").click()  # loads the page again
    page.wait_for_function("document.querySelectorAll('mjx-container[tabindex]').length > 0")
    given_up = {
        address for address in seen.failed if "/_images/" in address
    }  # pictures under way when the page was left
    assert seen.complaints == []
    assert set(seen.failed) == given_up


def soup(site, name):
    return BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")


@each_page
def test_few_bars_of_folded_code_cross_the_page(site, name):
    page = soup(site, name)
    bars = [bar for bar in page.select("details.hide, details.code-fold") if not bar.find_parent("details")]
    own = [bar for bar in bars if not (bar.find_parent("figcaption") or bar.find_parent(class_="ledger-claim"))]
    crossing = [bar for bar in own if "hide" in bar["class"] or bar.find_parent(class_="cell") is None]
    assert len(crossing) <= CODE_BARS
    for record in page.select("div.cell:has(details.ledger-record)"):
        assert record.select("details.hide") == [], "the code of an equation stands in its record"


def visible_code(site, name):
    """What a reader copies from the page, from top to bottom: what it takes for granted, and the code that is shown."""
    page = soup(site, name)
    blocks = []
    for block in page.select("article .cell_input pre"):
        fold = block.find_parent("details")
        if fold is None or "setup" in fold.get("class", []) or "solution" in " ".join(fold.get("class", [])):
            blocks.append(block.get_text())
    return "\n\n".join(blocks)


@each_notebook
def test_visible_code_names_nothing_that_the_page_does_not_show(site, name, tmp_path):
    file = tmp_path / "page.py"
    file.write_text(visible_code(site, name), encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


GUIDES = [name for name in NOTEBOOKS if name.startswith("chapters/guides/")]


@pytest.mark.parametrize("name", GUIDES)
def test_the_visible_code_of_a_guide_runs_in_an_empty_file(site, name, tmp_path, kernels):
    file = tmp_path / "page.py"
    file.write_text(visible_code(site, name), encoding="utf-8")
    environment = {**kernels, "MPLBACKEND": "agg", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(file)], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_of_hidden_statements_those_are_shown_that_visible_code_rests_on():
    cells = [
        (0, "import numpy as np\nimport os\nbegin()", {"remove-cell"}),
        (1, "size = 3\nother = 4\nvalues = np.zeros(size)\nvalues[0] = 1", {"hide-input"}),
        (2, "total = values.sum()", set()),
        (3, "total + size", set()),
        (4, "[total for total in values] + [np.pi]", set()),
    ]
    assert setup_code.setups(cells) == {2: "import numpy as np\n\nsize = 3\nvalues = np.zeros(size)\nvalues[0] = 1"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<th scope='col' style='x'></th><th scope='col'>a</th>", "<td style='x'></td><th scope='col'>a</th>"),
        ('<th class="head"><p></p></th>', '<td class="head"><p></p></td>'),
        ('<div role="doc-biblioentry">', '<div role="listitem">'),
        ('<section id="exercise-content">', '<section class="exercise-content">'),
        (
            '<div class="highlight"><pre><span class="n">ab</span> <span class="k">in</span></pre>',
            '<div class="highlight"><pre style="--columns: 5">ab <span class="k">in</span></pre>',
        ),
    ],
)
def test_faults_of_the_markup_are_mended(before, after):
    assert markup.mended(before, {"k"}) == after
    assert markup.mended(after, {"k"}) == after


def test_a_style_sheet_loses_the_rules_that_match_nothing():
    css = "@charset 'x';a{b:c}.no{d:e}@media print{.yes .no,.yes>b{f:g}.no{h:i}}.a:not(.no),.x::after{content:'}'}"
    assert weight.pruned(css, {"yes", "a"}) == "@charset 'x';a{b:c}@media print{.yes>b{f:g}}.a:not(.no){content:'}'}"


@each_page
def test_a_page_says_what_it_is_to_those_that_link_to_it(site, name):
    page = soup(site, name)
    said = {tag.get("name") or tag.get("property"): tag["content"] for tag in page.select("meta[content]")}
    assert 30 < len(said["description"]) <= sharing.LENGTH
    assert said["og:title"]
    assert said["citation_title"]
    assert (site / name).parent.joinpath(said["og:image"]).resolve() == site / "_static" / "preview.png"
    assert page.select("link[rel=icon]")
    footer = page.select_one(".page-footer")
    assert footer.find("a", string="Report an error on this page")
    assert footer.pre.get_text().startswith("@")
    assert CONFIG["title"] in footer.pre.get_text()


def test_an_address_makes_reports_and_citations_complete():
    config = type(
        "Config", (), {"root_doc": "index", "html_title": "The book", "author": "A. Uthor", "copyright": "2026"}
    )
    link = sharing.report("https://example.org/new?labels=error", "R & S", "https://example.org/a.html")
    assert link.startswith(
        "https://example.org/new?labels=error&title=Error%20on%20%E2%80%9CR%20%26%20S%E2%80%9D&body="
    )
    assert sharing.report("mailto:a@example.org", "T", "x").startswith("mailto:a@example.org?subject=")
    assert "url = {https://example.org/a.html}" in sharing.bibtex(config, "T", "https://example.org/a.html", "a")
    assert sharing.citation(config, "T", "", whole=False) == "A. Uthor (2026). “T”. In: The book."


def test_an_address_makes_a_sitemap(tmp_path):
    (tmp_path / "_static").mkdir()
    builder = SimpleNamespace(format="html", get_target_uri=lambda name: f"{name}.html")
    config = SimpleNamespace(html_baseurl="https://example.org/book/", html_title="The book")
    app = SimpleNamespace(
        builder=builder, outdir=tmp_path, env=SimpleNamespace(found_docs={"index", "a/b"}), config=config
    )
    sharing.write(app, None)
    assert "<loc>https://example.org/book/a/b.html</loc>" in (tmp_path / "sitemap.xml").read_text(encoding="utf-8")
    assert "https://example.org/book/sitemap.xml" in (tmp_path / "robots.txt").read_text(encoding="utf-8")
    assert (tmp_path / "_static" / "preview.png").stat().st_size > 10_000


def test_references_lead_to_the_publications(files, site):
    links = [link for link in files["reference/references"].links if link.startswith("https://doi.org/")]
    entries = soup(site, "reference/references").select("div.citation")
    assert len(links) >= 0.8 * len(entries) > 0  # the others have none


def test_guides_are_within_reach_of_whoever_opens_the_book(open_page, server):
    for name in ("index", NUMBERED[5]):
        page, _ = open_page(f"{server}/{name}.html")
        guide = page.locator("nav.bd-links a[href$='check_a_pytorch_gradient.html']").bounding_box()
        assert guide is not None
        assert guide["y"] + guide["height"] < DESK["height"]


ASKED = {
    # what is asked for: the kind of the first result, and where it leads
    "5.94": ("equation", "hessian_two_layers.html#equation-hessian-first-first"),
    "(5.94)": ("equation", "hessian_two_layers.html#equation-hessian-first-first"),
    "Gauss-Newton": ("chapter", "outer_products.html"),
    "gauss newton": ("chapter", "outer_products.html"),
    "becker lecun": ("chapter", "diagonal_approximation.html"),
    "check gradient": ("guide", "check_a_gradient.html"),
    "check gradient torch": ("guide", "check_a_pytorch_gradient.html"),
    "backpropagation": ("chapter", "backpropagation.html"),
    "R-operator": ("chapter", "r_operator.html"),
    "optimal brain surgeon": ("chapter", "pruning.html"),
    "hessian_vector_product": ("function", "#hesslib.hessian_vector_product"),
    "softmax derivative": ("equation", "#equation-softmax-slope"),
    "PINN": ("chapter", "groundwater.html"),
}


@pytest.mark.parametrize("as_file", [False, True], ids=["served", "as a file"])
def test_search_ranks_what_was_asked_for_first(open_page, server, site, as_file):
    base = site.as_uri() if as_file else server
    for query, (kind, target) in ASKED.items():
        page, seen = open_page(f"{base}/search.html?q={quote(query)}")
        first = page.locator("#search-results ol li").first
        first.wait_for()
        assert target.lower() in first.locator("a").get_attribute("href").lower(), query
        assert kind in first.locator(".kind").inner_text(), query
        assert first.locator("p").inner_text(), query
        if query == "hessian_vector_product":
            links = page.locator("#search-results a", has_text=re.compile(r"\bhesslib\.hessian_vector_product$"))
            assert links.count() == 1
        assert seen.complaints == seen.failed == seen.outside == []
        page.close()


def test_a_selection_from_the_index_of_results_stands_in_its_address(open_page, server):
    page, _ = open_page(f"{server}/reference/index_of_results.html")
    for query in ("Becker LeCun", "gauss newton"):
        page.locator(".ledger-filters input").first.fill(query)
        assert page.locator("table.ledger-equations tbody tr:visible").count() > 0
    assert "equations-contains=gauss" in page.url
    again, _ = open_page(page.url)
    assert again.locator(".ledger-filters input").first.input_value() == "gauss newton"
    shown = again.locator("table.ledger-equations tbody tr:visible").count()
    assert 0 < shown < again.locator("table.ledger-equations tbody tr").count()


@pytest.mark.parametrize("as_file", [False, True], ids=["served", "as a file"])
def test_search_finds_a_word(open_page, server, site, as_file):
    name = NOTEBOOKS[-1]
    title = re.search(r"^# (.+)$", (ROOT / f"{name}.md").read_text(encoding="utf-8"), re.MULTILINE).group(1)
    word = max(re.findall(r"[A-Za-z]+", title), key=len)
    base = site.as_uri() if as_file else server
    page, seen = open_page(f"{base}/search.html?q={word.lower()}")
    hit = page.locator(f"#search-results a[href^='{name}.html']").first
    hit.wait_for()
    assert seen.complaints == seen.failed == seen.outside == []
    hit.click()
    assert word in page.locator("h1").first.inner_text()


@pytest.fixture(scope="session")
def downloads(open_page, server, tmp_path_factory, kernels):
    """The notebook of every chapter, fetched by its button, executed where nothing of the book lies beside it.

    Another machine than the book's, too: the BLAS kernel differs from the native one, where there is a choice.
    """
    folder = tmp_path_factory.mktemp("downloads")
    paths = {}
    for name in NOTEBOOKS:
        page, _ = open_page(f"{server}/{name}.html")
        with page.expect_download() as download:
            page.evaluate("""document.querySelector("a[href$='.ipynb']").click()""")
        paths[name] = folder / f"{name.replace('/', '-')}.ipynb"
        download.value.save_as(paths[name])
        page.close()
    outcomes = execute_chapters.execute_all(
        paths.values(),
        execute_chapters.open_cache(folder / "cache"),
        environment={**kernels, **everywhere.another_kernel()},
    )
    return {name: next(found for found in outcomes if found.chapter == path) for name, path in paths.items()}


def test_the_printed_book_has_contents_working_references_and_nothing_cut(site, chromium, tmp_path):
    pages = ["index", "chapters/front/how_to_read", "chapters/notation/notation", "chapters/guides/check_a_gradient"]
    target = tmp_path / "book.pdf"
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:  # one process drives one browser at a time
        printed = apart.submit(print_book.printed, site, pages, target, chromium)
    sheets = printed.result()  # raises if something is wider than the paper
    book = PdfReader(target)
    assert list(sheets) == pages
    assert sorted(sheets.values()) == list(sheets.values())
    contents = book.pages[1].extract_text()
    for name in pages[1:]:
        title = print_book.title(site, name)
        assert re.search(rf"{re.escape(title)}\s*{sheets[name]}\b", contents)
        assert title.split()[-1] in book.pages[sheets[name] - 1].extract_text()
    assert len(book.outline) > 0
    goals = set(book.named_destinations)
    links = [note.get_object() for page in book.pages for note in page.get("/Annots", [])]
    inside = [link["/Dest"] for link in links if "/Dest" in link]
    assert inside
    assert all(not isinstance(goal, str) or goal in goals for goal in inside)


@each_notebook
def test_the_notebook_reads_well_where_nothing_of_the_book_is_at_hand(site, name):
    notebook = nbformat.read(site / "_sources" / f"{name}.ipynb", as_version=4)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    prose = re.sub(r"^```.*?^```|`[^`{}]*`", "", prose, flags=re.DOTALL | re.MULTILINE)
    assert re.findall(r"\{[\w:-]+\}`|^```+\{|^:::|^\([\w-]+\)=$", prose, re.MULTILINE) == []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert any(cell.outputs for cell in code)
    imports = [cell for cell in code if "remove-cell" in cell.metadata.get("tags", [])]
    assert all(cell.metadata.jupyter.source_hidden for cell in imports)


@each_notebook
def test_the_notebook_downloads_and_runs_clean(downloads, name):
    outcome = downloads[name]
    nbformat.validate(outcome.notebook)
    assert outcome.error is None, f"under {everywhere.another_kernel()}:\n{outcome.error}"
    assert any(cell.get("outputs") for cell in outcome.notebook.cells)


def test_the_reader_finds_the_way(open_page, server):
    """The landing page leads to the first chapter, the first chapter to the next, and the sidebar to all."""
    page, _ = open_page(f"{server}/index.html")
    sidebar = page.locator("nav.bd-links a.reference.internal")
    hrefs = {unquote(link.get_attribute("href")) for link in sidebar.all()}
    assert {f"{name}.html" for name in PAGES[1:]} <= hrefs
    for name in PAGES[1:3]:
        page.locator("a.right-next").click()
        page.wait_for_url(f"**/{name}.html")
