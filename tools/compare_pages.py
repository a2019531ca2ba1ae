"""List the sentences and outputs whose numbers differ between two builds of the book by more than rounding.

    python tools/compare_pages.py ONE/_build/html OTHER/_build/html
    python tools/compare_pages.py _build/everywhere/native/cache _build/everywhere/Nehalem/cache

Either two folders of built pages, whose text is compared, or two caches of executed chapters, whose outputs are. Words
must be the same; numbers may differ by the tolerance, relatively, or where both are no larger than rounding itself.
Differing lines are printed one below the other. The exit status is 1 if a word differs, or if a page is missing.
"""

from __future__ import annotations

import argparse
import html
import re
import sys
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_cache import get_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbformat import NotebookNode

NUMBER = re.compile(r"(?<![\w.])[-+\u2212]?\d+(?:\u202f\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?(?!\w)", re.IGNORECASE)
INSERTED = "application/papermill.record/text/plain"  # by glue, into a sentence
TEXTS = ("text/markdown", "text/latex", "text/plain", INSERTED)
NOISE = 1e-9  # two numbers below are errors at the level of rounding: their exact sizes say nothing
IGNORED = re.compile(r"<(script|style|head|nav|footer)\b.*?</\1>", re.DOTALL)
PRINTED = re.compile(r"<pre\b.*?</pre>", re.DOTALL)
BLOCK = re.compile(r"</?(?:p|li|td|th|tr|h\d|pre|div|figcaption|dt|dd|section|table)\b[^>]*>", re.IGNORECASE)


@dataclass(frozen=True)
class Difference:
    """Two lines of a page that differ: in numbers alone, or in words as well."""

    page: str
    one: str
    other: str
    words: bool


def value(number: str) -> float:
    """The number that is written here."""
    return float(number.replace("\u2212", "-").replace("\u202f", ""))


def differ(one: str, other: str, tolerance: float) -> str | None:
    """What differs between two lines: their ``words``, their ``numbers``, or nothing that matters."""
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return "words"
    pairs = zip(map(value, NUMBER.findall(one)), map(value, NUMBER.findall(other)), strict=True)
    for a, b in pairs:
        if abs(a - b) > tolerance * max(abs(a), abs(b)) and max(abs(a), abs(b)) > NOISE:
            return "numbers"
    return None


def lines_of_page(source: str) -> list[str]:
    """The text of a built page, a paragraph, cell or item a line."""
    found = re.search(r"<article\b.*</article>", source, re.DOTALL)
    text = IGNORED.sub("", found.group() if found else source)
    text = PRINTED.sub(lambda output: output.group().replace("\n", "<p>"), text)  # there a line is a line
    text = BLOCK.sub("\n", re.sub(r"\s+", " ", text))
    text = html.unescape(re.sub(r"<[^>]+>", "", text))
    return [line for line in map(str.strip, text.split("\n")) if line]


def lines_of_notebook(notebook: NotebookNode) -> list[str]:
    """The text of the outputs of an executed chapter, with what it inserts into its prose; no pictures."""
    lines: list[str] = []
    for output in [output for cell in notebook.cells for output in cell.get("outputs", [])]:
        data = output.get("data", {"text/plain": output.get("text", "")})
        kind = next((kind for kind in TEXTS if kind in data), None)
        if kind is not None and not any(other.startswith("image/") for other in data):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name", "")
            text = re.sub(r"0x[0-9a-f]+", "0x", data[kind])
            text = re.sub(r'"picture": "[^"]*"', "", text)  # the still one of a figure that moves
            lines += [f"{name}: {line}" if name else line for line in text.splitlines() if line.strip()]
    return lines


def pages_of(folder: Path) -> dict[str, list[str]]:
    """The lines of every page below the folder, by the name of the page."""
    built = {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.html"))}
    if built:
        return {
            name: lines_of_page(path.read_text(encoding="utf-8"))
            for name, path in built.items()
            if not name.startswith(("_static/", "genindex", "search"))
        }
    pages = {}
    for path in sorted({file.parent for file in folder.rglob("global.db")}, key=lambda path: path.stat().st_mtime):
        cache = get_cache(path)
        for record in sorted(cache.list_cache_records(), key=lambda record: record.created):  # the newest counts
            pages[Path(record.uri).stem] = lines_of_notebook(cache.get_cache_bundle(record.pk).nb)
    return pages


def aligned(one: list[str], other: list[str]) -> Iterator[tuple[str, str]]:
    """Pairs of lines that have the same words; what is in one of the two alone stands beside nothing."""
    masks = [[NUMBER.sub("#", line) for line in lines] for lines in (one, other)]
    for _, a, b, c, d in SequenceMatcher(a=masks[0], b=masks[1], autojunk=False).get_opcodes():
        yield from zip_longest(one[a:b], other[c:d], fillvalue="")


def compare(one: dict[str, list[str]], other: dict[str, list[str]], tolerance: float) -> list[Difference]:
    """Every line that differs, page by page."""
    return [
        Difference(page, a, b, kind == "words")
        for page in sorted(one.keys() | other.keys())
        for a, b in aligned(one.get(page, []), other.get(page, []))
        if (kind := differ(a, b, tolerance))
    ]


def main(arguments: list[str]) -> int:
    """Print the differences of two folders."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("one", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--tolerance", type=float, default=1e-6, help="relative, for two numbers")
    chosen = parser.parse_args(arguments)
    one, other = pages_of(chosen.one), pages_of(chosen.other)
    if not one or not other:
        raise SystemExit(f"no pages below {chosen.other if one else chosen.one}")
    differences = compare(one, other, chosen.tolerance)
    for page in sorted({found.page for found in differences}):
        print(f"\n== {page}" + ("" if page in one and page in other else " (only in one of the two)"))
        for found in differences:
            if found.page == page:
                print(f"{'WORDS' if found.words else 'numbers'}\n  1  {found.one}\n  2  {found.other}")
    words = sum(found.words for found in differences)
    print(f"\n{len(one.keys() & other.keys())} pages compared: {words} lines differ in words, "
          f"{len(differences) - words} in numbers by more than {chosen.tolerance:g}")  # fmt: skip
    return int(bool(words) or one.keys() != other.keys())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
