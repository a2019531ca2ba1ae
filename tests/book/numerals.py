"""The numerals that a page types: in its prose, in captions of figures, in alternative texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NOT_PROSE = [
    r"\A---\n.*?\n---\n",  # the front matter
    r"^\(.*?\)=$",  # targets
    r"^:\w[\w-]*:.*$",  # options of directives
    r"\{[\w:]+\}`[^`]*`",  # roles: glue, equations, citations
    r"`[^`]*`",  # code
    r"(?<!\\)\$[^$]*\$",  # mathematics: symbols, and the numbers that define them
    r"\]\([^)]*\)",  # addresses
    r"^\s*\d+\. ",  # numbers of a list
    r"^[`:]{3,}.*$",  # the first line of a directive
    r"<[^>]*>",
]
# Exercises ask for numbers.
EXERCISE = re.compile(r"^```\{exercise-start\}.*?^```\{exercise-end\}\n```$", re.DOTALL | re.MULTILINE)
REASONS = yaml.safe_load((Path(__file__).parent / "numerals.yml").read_text(encoding="utf-8"))
NUMERAL = re.compile(r"(?<![\w.#^-])\d[\d.,]*(?:e[+-]?\d+)?(?:-\d+)*(?!\w)")


def cell_texts(body: str) -> Iterator[str]:
    """Caption and alternative text of a code cell's figure or image."""
    match = re.match(r"---\n(.*?)\n---\n", body, re.DOTALL)
    options = (yaml.safe_load(match.group(1)) if match else None) or {}
    shown = options.get("mystnb", {})
    for kind, part in (("figure", "caption"), ("image", "alt")):
        if part in (shown.get(kind) or {}):
            yield str(shown[kind][part])


def prose(page: Path) -> str:
    """What a reader reads on the page that no cell computes."""
    text = page.read_text(encoding="utf-8")
    captions = [part for cell in CELL.finditer(text) for part in cell_texts(cell.group(1))]
    text = EXERCISE.sub("", CELL.sub("", text)) + "\n\n" + "\n\n".join(captions)
    for pattern in NOT_PROSE:
        text = re.sub(pattern, " ", text, flags=re.DOTALL | re.MULTILINE if "A---" in pattern else re.MULTILINE)
    return text


def typed(page: Path) -> list[str]:
    """Each typed numeral that has none of the reasons, with some words on either side."""
    text = " ".join(prose(page).split())
    for reason in REASONS.values():
        text = re.sub(reason, "", text)
    return [text[max(0, m.start() - 30) : m.end() + 20] for m in NUMERAL.finditer(text)]
