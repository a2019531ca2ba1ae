"""What the written pages lack, put right in their HTML: names and roles for screen readers, requests that fail."""

from __future__ import annotations

import base64
import hashlib
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
    (
        re.compile(r"<th\b([^>]*)>((?:\s|<p>\s*</p>)*)</th>"),
        lambda corner: "<td{}>{}</td>".format(re.sub(r"\s*scope=(['\"])\w+\1", "", corner[1]), corner[2]),
    ),
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
    # Rows of tables are striped by their place; no style looks at these names.
    (re.compile(r'<tr class="row-(?:odd|even)">'), "<tr>"),
    # A cell with one paragraph is that paragraph.
    (re.compile(r"<td><p>((?:(?!</?p>).)*)</p></td>", re.DOTALL), r"<td>\1</td>"),
    # No script of the book colours code in the browser, so none has to be told what to leave.
    (re.compile(r'class="math notranslate nohighlight"'), 'class="math notranslate"'),
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


PLAIN = re.compile(r'<span class="(\w+)">([^<]*)</span>')
RULE = re.compile(r"(html\[data-theme=\"?\w+\"?\])\s*\.highlight(?:\s+\.(\w+))?\s*\{([^}]*)\}")
COLOUR = re.compile(r"(?<![-\w])color:\s*([^;}\s]+)")
INLINE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/]{4000,}=*)")


def coloured_words(css: str) -> set[str]:
    """The classes of words of code that look otherwise than the text around them, by day or by night."""
    rules = RULE.findall(css)
    base = {theme: COLOUR.findall(body)[-1:] for theme, word, body in rules if not word and COLOUR.search(body)}
    return {
        word
        for theme, word, body in rules
        if word
        and word != "o"  # an operator is known by its sign, and one word of code in three is one
        and (COLOUR.findall(body)[-1:] != base.get(theme) or re.search(r"font-(?:weight|style)|background", body))
    }


def mended(page: str, coloured: set[str]) -> str:
    """The page with every fault of `REPLACED` put right, its sidebar folded, its code measured.

    Words of code whose class is not in ``coloured`` look like the text around them, and are no elements of their own:
    that is half the weight of a page.
    """
    for pattern, by in REPLACED:
        page = pattern.sub(by, page)

    def block(found: re.Match[str]) -> str:
        code = PLAIN.sub(lambda word: word[0] if word[1] in coloured else word[2], found[2])
        return f"{found[1]}{_measured(code)}"

    return BLOCK.sub(block, PART.sub(_folded, page))


def _folded(found: re.Match[str]) -> str:
    """A part of the sidebar behind its caption; the part that the reader is in is open."""
    caption, chapters = found[1], found[2]
    is_open = " open" if "current" in chapters or caption in ALWAYS_OPEN else ""
    return (
        f'<details class="book-part"{is_open}><summary><span class="caption-text">{caption}</span></summary>\n'
        f"{chapters}</details>"
    )


def _measured(code: str) -> str:
    """A block of code that knows how many columns it has, so that its letters can be made to fit."""
    lines = html.unescape(re.sub(r"<[^>]+>", "", code)).splitlines()
    columns = max(map(len, lines), default=0)
    return f'<pre style="--columns: {max(columns, 1)}">{code}</pre>'


def pictures_apart(page: str, root: Path, name: Path) -> str:
    """The page with large pictures that stood in it as text in files of their own, which are fetched when shown."""

    def apart(found: re.Match[str]) -> str:
        content = base64.b64decode(found[1])
        file = root / "_images" / f"{hashlib.sha256(content).hexdigest()}.png"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        return "../" * (len(name.parts) - 1) + f"_images/{file.name}"

    return INLINE.sub(apart, page)


def mend(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    root = Path(app.outdir)
    coloured = coloured_words((root / "_static" / "pygments.css").read_text(encoding="utf-8"))
    for page in root.rglob("*.html"):
        before = page.read_text(encoding="utf-8")
        if (better := pictures_apart(mended(before, coloured), root, page.relative_to(root))) != before:
            page.write_text(better, encoding="utf-8")
