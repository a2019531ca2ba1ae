"""A docstring taken apart, and written again as MyST.

A docstring opens with the definition. Then come, each at the start of a line or of a sentence, ``Equation:``,
``Shapes:``, ``Cost:``, ``Errors:`` and ``Reference:``, the headed sections of NumPy's style (``Parameters``,
``Options``, ``Raises``), and the example, which is a doctest.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable

MARKED = ("Equation", "Shapes", "Cost", "Errors", "Reference")
HEADED = ("Parameters", "Options", "Raises")
MARK = re.compile(rf"(?:^|(?<=[.)]\s))({'|'.join(MARKED)}):\s+")
HEAD = re.compile(rf"^({'|'.join(HEADED)})\n-+\n")
ITEM = re.compile(r"^(\S[^\n]*?)(?: : (.*))?$")
QUOTED = re.compile(r"(?<!`)`([A-Za-z_][\w.]*)`(?!`)")


def blocks(docstring: str) -> list[str]:
    """The paragraphs: what stands between empty lines; a headed section or an example is one, whatever it holds."""
    found: list[str] = []
    for block in re.split(r"\n\s*\n", docstring.strip("\n")):
        goes_on = found and HEAD.match(found[-1]) and block.startswith((" ", "\t"))
        if goes_on or (found and found[-1].startswith(">>> ") and block.startswith(">>> ")):
            found[-1] += f"\n\n{block}"
        else:
            found.append(block)
    return found


def parts(docstring: str) -> dict[str, str]:
    """What a docstring says under each heading; ``definition`` is what no heading is above, ``example`` the doctest."""
    found: dict[str, list[str]] = {}
    for block in blocks(docstring):
        head = HEAD.match(block)
        if block.startswith(">>> "):
            found.setdefault("example", []).append(block)
        elif head:
            found.setdefault(head[1], []).append(block[head.end() :])
        else:
            before, *marked = MARK.split(block)
            if before.strip():
                found.setdefault("definition", []).append(before.strip())
            for mark, text in zip(marked[::2], marked[1::2], strict=True):
                found.setdefault(mark, []).append(text.strip())
    return {heading: "\n\n".join(texts) for heading, texts in found.items()}


def summary(docstring: str) -> str:
    """The first sentence."""
    first = " ".join(blocks(docstring)[0].split()) if docstring.strip() else ""
    outside = re.sub(r"\$[^$]*\$|`[^`]*`", lambda match: "x" * len(match[0]), first)
    end = re.search(r"[.;:](?= [A-Z`$])", outside)
    return first[: end.start()] + "." if end else first


def myst(docstring: str, link: Callable[[str], str | None], *, fields: str = "", example: str = "") -> str:
    """The docstring as MyST, but for the labels of equations, which become displays; ``fields`` is a list for it.

    ``link`` gives the path of the public name that a word in backticks is, or None; ``example`` stands for its own.
    """
    found = parts(docstring)

    def prose(text: str) -> str:
        return QUOTED.sub(lambda match: _linked(match[1], link), text)

    rows = [prose(found.get("definition", ""))]
    said = {heading: _items(found[heading]) for heading in HEADED if heading in found}
    said |= {heading: _capital(found[heading]) for heading in MARKED if heading in found}
    said["Errors"] = "\n\n".join(said[heading] for heading in ("Errors", "Raises") if heading in said)
    said["Fields"] = fields
    order = ("Parameters", "Options", "Fields", "Shapes", "Cost", "Errors", "Reference")
    rows += [f"{heading}\n: {_indented(prose(said[heading]))}" for heading in order if said.get(heading)]
    if "example" in found:
        rows.append(f"```pycon\n{example or found['example']}\n```")
    return "\n\n".join(row for row in rows if row)


def _linked(word: str, link: Callable[[str], str | None]) -> str:
    path = link(word)
    return f"{{py:obj}}`{word} <{path}>`" if path else f"`{word}`"


def _capital(text: str) -> str:
    """The text as a sentence of its own."""
    return text[:1].upper() + text[1:]


def _items(section: str) -> str:
    """The items of a headed section, ``name`` or ``name : text`` with what is said of it below, as a list."""
    rows: list[str] = []
    for line in section.splitlines():
        item = ITEM.match(line)
        if item and not line.startswith((" ", "\t")):
            names = ", ".join(f"``{name.strip()}``" for name in item[1].split(","))
            rows.append(f"- {names}: {item[2] or ''}".rstrip())
        else:
            rows.append(f"  {line.strip()}".rstrip())
    return "\n".join(rows)


def _indented(text: str) -> str:
    return textwrap.indent(text, "  ").strip()
