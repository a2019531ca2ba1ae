"""What the written pages lack, put right in their HTML: names and roles for screen readers, requests that fail."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

from sphinx.application import Sphinx

REPLACED: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    # The theme asks the browser to fetch its icon fonts early, in a mode that browsers refuse for files.
    (re.compile(r'\s*<link rel="preload" as="font"[^>]*>'), ""),
    # and it draws its icons twice, by a style sheet and by a script of one and a half megabytes; the first is enough.
    (re.compile(r'\s*<script src="[^"]*/fontawesome/[^"]*"></script>'), ""),
    # Two of three times that the page says how wide it is
    (re.compile(r'<meta name="viewport" content="width=device-width, initial-scale=1"\s*/?>\n?'), ""),
    # The exercises give one name to all their bodies.
    (re.compile(r'<section id="(exercise|solution)-content">'), r'<section class="\1-content">'),
    # An entry of a bibliography that is a list is an item of that list.
    (re.compile(r' role="doc-biblioentry"'), ' role="listitem"'),
    # A corner of a table that heads nothing is no heading.
    (re.compile(r"<th\b([^>]*)>((?:\s|<p>\s*</p>)*)</th>"), r"<td\1>\2</td>"),
    # On the page of the search there are two fields for it.
    (re.compile(r'(<div class="bd-search-container">.*?id="search-input)"', re.DOTALL), r'\1-here"'),
    # The sidebar is a part of the page with a name.
    (
        re.compile(r'<div class="bd-sidebar-primary bd-sidebar'),
        r'<div role="region" aria-label="Book" class="bd-sidebar-primary bd-sidebar',
    ),
    # The name of a button is what it shows.
    (re.compile(r'(<button class="btn search-button-field[^>]*?) aria-label="Search"'), r"\1"),
    (re.compile(r'<nav class="bd-toc-nav page-toc">'), '<nav class="bd-toc-nav page-toc" aria-label="On this page">'),
    # What lies far down the page is fetched when it comes near.
    (re.compile(r"<img (?![^>]*loading=)"), '<img loading="lazy" decoding="async" '),
]


PART = re.compile(
    r'<p aria-level="2" class="caption" role="heading"><span class="caption-text">([^<]*)</span></p>\s*'
    r'(<ul class="(?:current )?nav bd-sidenav">.*?</ul>)',
    re.DOTALL,
)
BLOCK = re.compile(r'(<div class="highlight">)<pre>(.*?)</pre>', re.DOTALL)
ALWAYS_OPEN = {"Start here", "Guides"}
"""Parts of the sidebar that are not folded away when the reader is elsewhere: a reader in a hurry looks for them."""


def mended(page: str) -> str:
    """The page with every fault of `REPLACED` put right, its sidebar folded, its code measured."""
    for pattern, by in REPLACED:
        page = pattern.sub(by, page)
    return BLOCK.sub(_measured, PART.sub(_folded, page))


def _folded(found: re.Match[str]) -> str:
    """A part of the sidebar behind its caption; the part that the reader is in is open."""
    caption, chapters = found[1], found[2]
    is_open = " open" if "current" in chapters or caption in ALWAYS_OPEN else ""
    return (
        f'<details class="book-part"{is_open}><summary><span class="caption-text">{caption}</span></summary>\n'
        f"{chapters}</details>"
    )


def _measured(found: re.Match[str]) -> str:
    """A block of code that knows how many columns it has, so that its letters can be made to fit."""
    lines = html.unescape(re.sub(r"<[^>]+>", "", found[2])).splitlines()
    columns = max(map(len, lines), default=0)
    return f'{found[1]}<pre style="--columns: {max(columns, 1)}">{found[2]}</pre>'


def mend(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        before = page.read_text(encoding="utf-8")
        if (better := mended(before)) != before:
            page.write_text(better, encoding="utf-8")
