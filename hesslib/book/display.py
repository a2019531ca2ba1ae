"""How the ledger shows a record: in the book, in a notebook, in a terminal.

A result is shown as two outputs. The first is the formula: Markdown with a labelled ``$$`` (the book numbers it, and
JupyterLab typesets it and prints the label) and LaTeX (for front ends that prefer it). The second is the record: a
directive for the book, HTML for notebooks. Each front end takes the richest form it knows, the book takes Markdown.
"""

import html
import json
import re
import sys
from typing import Any

from hesslib._notebook import shell
from hesslib.agreement import Check, as_words, figure


def show_equation(label: str, tex: str, record: dict[str, Any]) -> None:
    """Show a stated formula and, under it, its record."""
    from hesslib.calculus.macros import expand  # only a chapter that states something needs the calculus

    tex = "\n".join(line for line in expand(tex).splitlines() if line.strip())  # a blank line would end the display
    if _has_rows(tex):
        tex = f"\\begin{{aligned}}\n{tex}\n\\end{{aligned}}"
    plain = " ".join(tex.replace(r"\begin{aligned}", "").replace(r"\end{aligned}", "").split())
    _show(
        {
            "text/markdown": f"$$\n{tex}\n$$ ({label})",
            "text/latex": f"$$\n{tex}\n$$",
            "text/plain": f"({label})  {plain}",
        }
    )
    words = list(filter(None, (record["established"], deciders(record), record["scope"], record["source"])))
    _show(
        {
            "text/markdown": _directive("ledger-record", record),
            "text/html": _details(f"<code>{label}</code> " + " · ".join(map(_prose, words)), record, record["note"]),
            "text/plain": _plain(", ".join(words), record, record["note"]),
        }
    )


def deciders(record: dict[str, Any]) -> str:
    """Whether the links of a chain were decided twice, in words; nothing for what is no chain.

    >>> deciders({"decided": {"links": 3, "twice": 3, "once": {}}}), deciders({})
    ('decided twice', '')
    """
    decided = record.get("decided")
    if not decided:
        return ""
    links, once = decided["links"], decided["links"] - decided["twice"]
    return f"decided twice{f', but for {once} of {links} links' if once else ''}"


def show_claim(record: dict[str, Any]) -> None:
    """Show what became of a claim."""
    head = f"<code>{record['id']}</code> <strong>{record['verdict']}</strong> · {_prose(record['text'])}"
    _show(
        {
            "text/markdown": _directive("ledger-claim", record),
            "text/html": _details(head, record, f"{record['source']}, by {record['established']}"),
            "text/plain": _plain(f"{record['id']} {record['verdict']}", record, record["text"]),
        }
    )


def _has_rows(tex: str) -> bool:
    """Whether ``tex`` breaks or aligns lines outside every brace and environment, and so needs ``aligned``."""
    depth = 0
    for token in re.findall(r"\\begin\b|\\end\b|\\\\|\\.|[{}&]", tex):
        depth += (token in (r"\begin", "{")) - (token in (r"\end", "}"))
        if depth == 0 and token in ("&", "\\\\"):
            return True
    return False


def _directive(name: str, record: dict[str, Any]) -> str:
    """A MyST directive whose body is the record, for the book's extension."""
    body = json.dumps(record, ensure_ascii=False, allow_nan=False).replace("`", "\\u0060")  # no fence can end early
    return f"```{{{name}}}\n{body}\n```"


def _details(summary: str, record: dict[str, Any], note: str) -> str:
    """A folded block of HTML that needs no style sheet."""
    rows = "".join(
        f"<tr><td style='text-align:left'>{_prose(row['oracle'])}</td>"
        f"<td>{as_words(row['agreement'], row['tolerance'])}</td><td>{figure(row['tolerance'])}</td></tr>"
        for row in record["checks"]
    )
    head = "<tr><th style='text-align:left'>oracle</th><th>agreement</th><th>allowed</th></tr>"
    uses = "".join(f"<li>{_prose(line)}</li>" for line in record.get("uses", ()))
    body = f"<table>{head}{rows}</table>" if rows else ""
    program = record.get("program")
    body += f"<p>From <code>{program}</code></p>" if program else ""
    body += (f"<p>Rests on</p><ul>{uses}</ul>" if uses else "") + (f"<p>{_prose(note)}</p>" if note else "")
    if not body:
        return f"<div style='font-size:90%'>{summary}</div>"
    style = "display:list-item;cursor:pointer"  # JupyterLab's own style sheet takes the triangle away
    return f"<details style='font-size:90%'><summary style='{style}'>{summary}</summary>{body}</details>"


def _prose(text: str) -> str:
    """A line of MyST as HTML: what is in backticks, with or without a role, becomes code; mathematics stays."""
    return re.sub(r"(?:\{[\w:-]+\})?`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def _plain(head: str, record: dict[str, Any], note: str) -> str:
    """One line for a terminal."""
    checks = "; ".join(str(Check(row["oracle"], row["agreement"], row["tolerance"])) for row in record["checks"])
    uses = f"Rests on: {'; '.join(record['uses'])}" if record.get("uses") else ""
    return ". ".join(part.rstrip(".") for part in (head, checks, uses, note) if part) + "."


def _show(bundle: dict[str, str]) -> None:
    if shell() is None:
        sys.stdout.write(bundle["text/plain"] + "\n")
        return
    from IPython.display import display

    display(bundle, raw=True)
