"""Figures that move: the page's side of :mod:`hesslib.book.moving`.

A cell that shows such a figure puts a ``{moving-figure}`` directive among its outputs. It becomes a numbered figure
with an empty stage and a caption. Pages that have one load ``figures.js``, which does nothing until a stage comes into
view; then it loads the library (JSXGraph, from npm) and the file that draws this figure. Everything is a classic script
beside the page, so that it works where pages are opened as files.
"""

from __future__ import annotations

import base64
import html
import json
import os
import shutil
from pathlib import Path
from typing import Any

import npm_packages
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective

STATIC = Path(__file__).parent / "static"
LIBRARY = "distrib/jsxgraphcore.js"

STAGE = """<div class="moving" data-moving="{name}" role="group" aria-label="{description}">
<noscript><p>This figure moves where JavaScript runs.</p>{picture}</noscript>
</div>
<script>
{script}
</script>
"""


PICTURE = '<img src="data:image/png;base64,{picture}" alt="{alt}">'


class MovingFigure(SphinxDirective):
    """``{moving-figure}``: a stage, and the caption; its body is the record that ``moving.show`` wrote, in JSON."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        record = json.loads("\n".join(self.content))
        stage = STAGE.format(
            name=record["name"],
            description=html.escape(record["description"]),
            script=record["script"],
            picture=PICTURE.format(**record, alt=html.escape(record["description"])) if record["picture"] else "",
        )
        still = f" (In print: {{numref}}`{record['still']}`.)" if record["still"] else ""
        words, messages = self.state.inline_text(record["caption"] + still, self.lineno)
        caption = nodes.caption("", "", *words)
        figure = nodes.figure("", nodes.raw("", stage, format="html"), classes=["moving-figure"])
        if record["picture"]:
            figure += addnodes.only("", self._picture(record), expr="not html")
        figure += caption
        self.set_source_info(figure)
        self.set_source_info(caption)
        figure["names"].append(f"fig-moving-{record['name'].replace('_', '-')}")
        self.state.document.note_explicit_target(figure, figure)
        return [figure, *messages]

    def _picture(self, record: dict[str, Any]) -> nodes.image:
        """The still picture as a file, for builders that print."""
        file = Path(self.env.doctreedir) / "moving" / f"{record['name']}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(record["picture"]))
        page = Path(self.env.doc2path(self.env.docname)).parent
        return nodes.image(uri=Path(os.path.relpath(file, page)).as_posix(), alt=record["description"])


def configure(app: Sphinx, config: Config) -> None:
    config.html_static_path.append(str(STATIC))


def scripts(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """A page with such a figure gets the script that waits for it, and its style."""
    if doctree is None or not any("moving-figure" in node["classes"] for node in doctree.findall(nodes.figure)):
        return
    app.add_js_file("figures.js", loading_method="defer")
    app.add_css_file("figures.css")


def copy_library(app: Sphinx, exception: Exception | None) -> None:
    """Put the library and its licence beside the scripts."""
    if exception is not None or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "jsxgraph"
    target.mkdir(parents=True, exist_ok=True)
    package = npm_packages.folder("jsxgraph")
    for source in (LIBRARY, "LICENSE.MIT"):
        shutil.copy(package / source, target)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("moving-figure", MovingFigure)
    app.connect("config-inited", configure)
    app.connect("html-page-context", scripts)
    app.connect("build-finished", copy_library)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
