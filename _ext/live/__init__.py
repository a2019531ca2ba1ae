"""Formulas that a reader changes, and the page decides: the same engine, in the browser, from a file as well.

* :mod:`live.bundle` makes the engine for the page;
* :mod:`live.nodes` puts a sheet beneath each record of the ledger that brings one, and has the directives for others;
* :mod:`live.settings` says what the scripts of the page must know: commands, notations, the program of the worker.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from live import bundle, nodes, settings

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

STATIC = Path(__file__).parent / "static"
SAFE = "ui/safe"  # of MathJax: no scripts in addresses, no styles that cover the page


def configure(app: Sphinx, config: Config) -> None:
    mathjax = dict(config.mathjax3_config or {})
    loader = dict(mathjax.get("loader", {}))
    loader["load"] = [*loader.get("load", []), SAFE]
    config.mathjax3_config = {**mathjax, "loader": loader}


def prepare(app: Sphinx) -> None:
    """Make the engine, where pages are made that can use it."""
    if app.builder.format != "html":
        return
    kept = Path(app.config.live_kept or Path(app.outdir).parent / "live")
    app.config.html_static_path += [str(STATIC / "pages"), str(bundle.bundle(kept)), str(settings.write(kept))]


def scripts(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """A page with sheets gets the scripts, which load the engine when it is asked, and MathJax."""
    if doctree is not None and any(doctree.findall(nodes.live_sheet)):
        app.env.get_domain("math").data["has_equations"][pagename] = True
        app.add_js_file("live_settings.js", loading_method="defer")
        app.add_js_file("live.js", loading_method="defer")
        app.add_css_file("live.css")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("live_kept", "", "")  # where the engine is kept; beside the pages by default
    nodes.setup(app)
    app.connect("config-inited", configure)
    app.connect("builder-inited", prepare)
    app.connect("html-page-context", scripts, priority=400)  # before MathJax looks whether the page needs it
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
