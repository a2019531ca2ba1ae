"""How a page is found, shared and cited: description, preview, canonical address, sitemap, how to report an error.

What depends on where the book lives comes from lines of ``_config.yml``, of which each may be empty:
``html_baseurl`` is the address of the book, ``pages_repository`` that of its sources, ``pages_report`` where errors
are reported, ``pages_notebooks`` where the chapters can be run (Binder, Colab). Without an address a page says nothing
of it.
"""

from __future__ import annotations

import html
import re
import urllib.parse
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

LENGTH = 200  # characters of a description that search engines show
YEAR = re.compile(r"\d{4}")


def describe(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Give the templates what a page says of itself."""
    config = app.config
    title = html.unescape(re.sub(r"<[^>]+>", "", context.get("title", ""))) or config.html_title
    title = re.sub(r"^[\d.]+\s+", "", title)
    said = (context.get("meta") or {}).get("description")
    about = said or (description(doctree) if doctree is not None else f"A page of {config.html_title}.")
    base = config.html_baseurl.rstrip("/")
    address = f"{base}/{app.builder.get_target_uri(pagename)}" if base else ""
    image = f"{base}/_static/preview.png" if base else f"{context['pathto']('_static/preview.png', 1)}"
    tags = {
        "name=description": about,
        "property=og:title": title,
        "property=og:description": about,
        "property=og:type": "book" if pagename == config.root_doc else "article",
        "property=og:site_name": config.html_title,
        "property=og:image": image,
        "property=og:image:alt": f"{config.html_title}: an equation with the line that says how it is known",
        "name=twitter:card": "summary_large_image",
        "name=citation_title": title,
        "name=citation_author": config.author,
        "name=citation_publication_date": year(config.copyright),
        "name=citation_inbook_title": config.html_title,
    }
    if address:
        tags["property=og:url"] = address
    context["metatags"] = context.get("metatags", "") + "".join(_tag(key, value) for key, value in tags.items())
    context["page_citation"] = citation(config, title, address, whole=pagename == config.root_doc)
    context["page_bibtex"] = bibtex(config, title, address, pagename)
    context["page_report"] = report(config.pages_report, title, address or pagename)
    context["page_repository"] = config.pages_repository
    context["page_release"] = config.release or config.version
    context["page_year"] = year(config.copyright)
    if pagename == "404" and base:  # it is shown at any depth
        path = urllib.parse.urlsplit(base).path
        context["metatags"] = f'<base href="{path}/" />\n' + context["metatags"]
    if config.pages_notebooks and context.get("ipynb_source"):
        where = f"_sources/{context['ipynb_source']}"
        context["page_notebooks"] = [
            (name, pattern.replace("{path}", where)) for name, pattern in config.pages_notebooks.items()
        ]


def year(text: str) -> str:
    found = YEAR.search(str(text))
    return found[0] if found else ""


def description(doctree: nodes.document) -> str:
    """The first sentences of the page, without formulas that a search engine cannot show."""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section) and not any(paragraph.findall(nodes.math)):
            words = " ".join(paragraph.astext().split())
            if len(words) > 40:
                return words if len(words) <= LENGTH else words[: words.rfind(" ", 0, LENGTH - 1)] + " …"
    return "Executable derivations of neural-network derivatives."


def _tag(key: str, value: str) -> str:
    kind, _, name = key.partition("=")
    return f'<meta {kind}="{name}" content="{html.escape(value)}" />\n'


def citation(config: Any, title: str, address: str, *, whole: bool) -> str:
    """The page as one cites it in a text."""
    what = f"{config.html_title}." if whole else f"“{title}”. In: {config.html_title}."
    return f"{config.author} ({year(config.copyright)}). {what}" + (f" {address}" if address else "")


def bibtex(config: Any, title: str, address: str, pagename: str) -> str:
    """The page as an entry of BibTeX."""
    key = "hesslib" if pagename == config.root_doc else f"hesslib-{Path(pagename).name.replace('_', '-')}"
    lines = [f"author = {{{{{config.author}}}}}", f"year = {{{year(config.copyright)}}}"]
    if pagename == config.root_doc:
        kind, lines = "book", [f"title = {{{config.html_title}}}", *lines]
    else:
        kind, lines = "incollection", [f"title = {{{title}}}", f"booktitle = {{{config.html_title}}}", *lines]
    lines += [f"url = {{{address}}}"] if address else []
    return f"@{kind}{{{key},\n" + "".join(f"  {line},\n" for line in lines) + "}"


def report(address: str, title: str, where: str) -> str:
    """A link that opens a report of an error on this page."""
    if not address:
        return ""
    subject, body = urllib.parse.quote(f"Error on “{title}”"), urllib.parse.quote(f"{where}\n\n")
    names = ("subject", "body") if address.startswith("mailto:") else ("title", "body")
    return f"{address}{'&' if '?' in address else '?'}{names[0]}={subject}&{names[1]}={body}"


def write(app: Sphinx, exception: Exception | None) -> None:
    """The sitemap, and the picture that a shared link shows."""
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    if base := app.config.html_baseurl.rstrip("/"):
        pages = [app.builder.get_target_uri(name) for name in sorted(app.env.found_docs)]
        rows = "".join(f"<url><loc>{html.escape(f'{base}/{page}')}</loc></url>\n" for page in pages)
        space = "http://www.sitemaps.org/schemas/sitemap/0.9"
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{space}">\n{rows}</urlset>\n'
        (out / "sitemap.xml").write_text(text, encoding="utf-8")
        (out / "robots.txt").write_text(f"User-agent: *\nAllow: /\nSitemap: {base}/sitemap.xml\n", encoding="utf-8")
    if not (out / "_static" / "preview.png").is_file():
        draw_preview(out / "_static" / "preview.png", app.config.html_title)


def draw_preview(path: Path, title: str) -> None:
    """The book's name, one equation, and how it is known, in the shape that previews have."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="#10243f")
    FigureCanvasAgg(figure)
    figure.text(0.07, 0.78, title, color="white", size=46, weight="bold")
    figure.text(0.07, 0.68, "Executable derivations of neural-network derivatives", color="#b9cbe4", size=22)
    formula = r"$\delta^{(l)}_j = h'(a^{(l)}_j)\,\sum_k\, w^{(l+1)}_{kj}\,\delta^{(l+1)}_k$"
    figure.text(0.07, 0.36, formula, color="white", size=40, math_fontfamily="cm")
    figure.text(
        0.07, 0.17, " derived ", color="#6fcf97", size=21, bbox={"boxstyle": "round", "fc": "none", "ec": "#6fcf97"}
    )
    figure.text(0.185, 0.17, "· decided twice · every width, every layer", color="#b9cbe4", size=21)
    figure.savefig(path)
