"""The built book as one PDF: contents with page numbers, working references, nothing cut.

    python tools/print_book.py [--output book.pdf] [chapters/notation/notation ...]

All articles become one page, ``print.html`` beside the site: anchors get the number of their page in front, links
between pages become links within it. Chromium, the one of the system, typesets it at the width of the paper and prints
it twice: the first copy tells on which sheets the chapters begin, the second has these numbers in its contents.
"""

from __future__ import annotations

import argparse
import html
import re
import shutil
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urldefrag, urlsplit

import yaml
from playwright.sync_api import sync_playwright
from pypdf import PdfReader
from serving import serving

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
ARTICLE = re.compile(r'<article class="bd-article">(.*?)</article>', re.DOTALL)
HEAD = re.compile(r"<head>(.*?)</head>", re.DOTALL)
ATTRIBUTE = re.compile(r'\b(id|name|href|src|for|aria-labelledby|aria-describedby)="([^"]*)"')
TAG = re.compile(r"<[a-zA-Z][^<>]*>")
NUMBER = re.compile(
    r'<h1>(?:<span class="section-number">([\d.]+)\s*</span>)?(.*?)(?:<a class="headerlink".*?)?</h1>', re.DOTALL
)
PICTURES = """() => Promise.all([...document.images].map((image) => {
  image.loading = "eager";  // nobody scrolls to those far below
  return image.decode().catch(() => 0);
}))"""
PATIENCE = 900_000  # milliseconds: thousands of formulas
STYLE = """
@page { size: A4; margin: 20mm 19mm 22mm; }
:root { --printed: 172mm; }
html { font-size: 13.5px; }
html, body { background: #fff !important; color: #000; }
body { width: var(--printed); margin: 0 auto; }
.bd-article { padding: 0 !important; max-width: none; }
.chapter { break-before: page; }
.headerlink, .copybtn, details.code-fold, details.hide > summary, .ledger-filters { display: none !important; }
h1, h2, h3, h4, dt, summary, .eqno { break-after: avoid; }
figure, img, div.math, .ledger-record, tr, table.ledger-checks, .cell_output pre { break-inside: avoid; }
p, li { orphans: 3; widows: 3; }
img { max-width: 100%; height: auto; }
pre { white-space: pre-wrap !important; overflow-wrap: anywhere; overflow: visible !important; }
pre { border: 0.5px solid #bbb; }
div.highlight > pre {
  font-size: clamp(6.6px, calc((100cqw - 2rem) / (var(--columns, 80) * 0.605)), 11px) !important;
}
table { font-size: 11px; width: 100%; }
table.ledger-table { min-width: 0; font-size: 8.5px; }
td, th { overflow-wrap: break-word; }
code { overflow-wrap: anywhere; white-space: normal !important; }
table.ledger-claims :is(td, th):first-child, abbr { white-space: nowrap; }
.pst-scrollable-table-container, .ledger-scroll, .book-map, .cell_output { overflow: visible !important; }
a { color: #103f8c; text-decoration: none; }
.title-page { height: 235mm; display: flex; flex-direction: column; justify-content: center; }
.title-page h1 { font-size: 40px; }
.book-contents { break-before: page; }
.book-contents a { display: flex; color: #000; }
.book-contents a .dots { flex: 1; border-bottom: 1px dotted #888; margin: 0 0.4em 0.3em; }
.book-contents h3 { margin: 0.9em 0 0.2em; }
"""


WIDER = """() => {
  const right = document.body.getBoundingClientRect().right;
  const wide = [...document.querySelectorAll("pre, table, img, svg, mjx-container[display=true], p, li")]
    .filter((e) => e.getClientRects().length && e.getBoundingClientRect().right > right + 2);
  return wide.map((e) => `${e.closest(".chapter")?.querySelector("h1")?.textContent}: ${e.tagName} `
    + e.textContent.trim().slice(0, 60));
}"""  # what sticks out of the column, where it is printed


def contents(root: Path = ROOT) -> list[tuple[str, list[str]]]:
    """The parts of the book with the names of their pages, the landing page first."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return [
        ("", [toc["root"]]),
        *((part["caption"], [one["file"] for one in part["chapters"]]) for part in toc["parts"]),
    ]


def article(site: Path, name: str, place: dict[str, int]) -> str:
    """The article of a page with its anchors renamed and its links turned inwards."""
    found = ARTICLE.search((site / f"{name}.html").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{name}.html has no article; build the book first")

    def attribute(match: re.Match[str]) -> str:
        key, value = match[1], html.unescape(match[2])
        if key in ("id", "name", "for") or key.startswith("aria-"):
            value = " ".join(f"p{place[name]}-{one}" for one in value.split())
        elif not urlsplit(value).scheme and not urlsplit(value).netloc:
            value = inward(name, value, place)
        return f'{key}="{html.escape(value)}"'

    text = TAG.sub(lambda tag: ATTRIBUTE.sub(attribute, tag[0]), found[1])
    text = re.sub(r'(<div class="[^"]*\bsolution\b[^"]*?)\bdropdown\b', r"\1", text)
    return re.sub(r' loading="lazy"', "", text)


def inward(name: str, link: str, place: dict[str, int]) -> str:
    """A relative address as seen from the root: an anchor if it is a printed page, else a path."""
    address, anchor = urldefrag(link)
    if not address:
        return f"#p{place[name]}-{anchor}" if anchor else f"#p{place[name]}"
    parts: list[str] = []
    for part in PurePosixPath(name).parent.joinpath(unquote(address)).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    target = "/".join(parts)
    if (page := target.removesuffix(".html")) in place:
        return f"#p{place[page]}-{anchor}" if anchor else f"#p{place[page]}"
    return target


def title(site: Path, name: str) -> str:
    """Number and title of a page."""
    found = NUMBER.search(
        (site / f"{name}.html").read_text(encoding="utf-8").partition('<article class="bd-article"')[2]
    )
    if found is None:
        return name
    words = html.unescape(re.sub(r"<[^>]+>", "", found[2])).strip()
    return f"{found[1]} {words}" if found[1] else words


def assembled(site: Path, pages: list[str], sheets: dict[str, int], config: dict[str, str]) -> str:
    """The whole book as one page; ``sheets`` tells where each page of the book begins."""
    place = {name: number for number, name in enumerate(pages)}
    deepest = next((name for name in pages if "/" in name), pages[0])
    source = (site / f"{deepest}.html").read_text(encoding="utf-8")
    head = HEAD.search(source)
    if head is None:
        raise ValueError(f"{deepest}.html has no head")
    up = "../" * deepest.count("/")
    before = re.sub(rf'(href|src)="{re.escape(up)}', r'\1="', head[1])
    rows = []
    for caption, names in contents():
        chosen = [name for name in names if name in place]
        rows += [f"<h3>{html.escape(caption)}</h3>"] if caption and chosen else []
        rows += [
            f'<a href="#p{place[name]}"><span>{html.escape(title(site, name))}</span><span class="dots"></span>'
            f"<span>{sheets.get(name, '')}</span></a>"
            for name in chosen
        ]
    chapters = "".join(
        f'<div class="chapter bd-article" id="p{place[name]}">{article(site, name, place)}</div>' for name in pages
    )
    return (
        f'<!DOCTYPE html><html lang="en" data-theme="light"><head>{before}<style>{STYLE}</style></head><body>'
        f'<div class="title-page"><h1>{html.escape(config["title"])}</h1><p>{html.escape(config["author"])}</p>'
        f"<p>{html.escape(str(config['copyright']))}. Code: MIT licence. Text and figures: CC BY 4.0.</p></div>"
        f'<nav class="book-contents"><h2>Contents</h2>{"".join(rows)}</nav>{chapters}</body></html>'
    )


def begins(pdf: Path, pages: list[str]) -> dict[str, int]:
    """On which sheet each page of the book begins."""
    reader = PdfReader(pdf)
    found = {}
    for name, destination in reader.named_destinations.items():
        sheet = reader.get_destination_page_number(destination)
        if sheet is not None and re.fullmatch(r"/?p\d+", name):
            found[pages[int(name.lstrip("/").removeprefix("p"))]] = sheet + 1
    return found


def printed(site: Path, pages: list[str], output: Path, chromium: str) -> dict[str, int]:
    """Print the pages of the site; what comes back is where each begins."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    target = site / "print.html"
    number = '<span class="pageNumber"></span>'
    footer = f'<div style="width: 100%; font-size: 8px; text-align: center; color: #444">{number}</div>'
    try:
        with serving(site) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            sheets: dict[str, int] = {}
            for _ in range(2):
                target.write_text(assembled(site, pages, sheets, config), encoding="utf-8")
                page = browser.new_page(viewport={"width": 650, "height": 900}, color_scheme="light")
                page.set_default_timeout(PATIENCE)
                page.goto(f"{address}/print.html", wait_until="load")
                page.evaluate("async () => { if (window.MathJax?.startup?.promise) await MathJax.startup.promise; }")
                page.evaluate(PICTURES)
                page.emulate_media(media="print", color_scheme="light")
                if cut := page.evaluate(WIDER):
                    raise ValueError(f"wider than the paper: {'; '.join(cut[:10])}")
                page.pdf(
                    path=str(output), prefer_css_page_size=True, print_background=True, outline=True, tagged=True,
                    display_header_footer=True, header_template="<span></span>", footer_template=footer,
                )  # fmt: skip
                page.close()
                sheets = begins(output, pages)
            browser.close()
    finally:
        target.unlink(missing_ok=True)
    return sheets


def main() -> None:
    """Print what the command line names."""
    parser = argparse.ArgumentParser(description="Print the built book.")
    parser.add_argument("pages", nargs="*", help="names of pages as in _toc.yml; all, if none is named")
    parser.add_argument("--site", type=Path, default=SITE, help="the folder of the built book")
    parser.add_argument("--output", type=Path, default=ROOT / "_build" / "book.pdf")
    chosen = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
    if chromium is None:
        raise SystemExit("Chromium is not installed; on Debian or Ubuntu: apt-get install chromium")
    names = chosen.pages or [name for _, part in contents() for name in part]
    sheets = printed(chosen.site, names, chosen.output, chromium)
    print(f"{chosen.output}: {len(PdfReader(chosen.output).pages)} sheets, {len(sheets)} pages of the book")


if __name__ == "__main__":
    main()
