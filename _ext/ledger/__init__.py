"""The book's side of the ledger: collect the records of all pages, refuse what does not hold, publish the rest.

:mod:`hesslib.book.ledger` puts every stated result and settled claim into the outputs of a cell. This extension

* reads them as pages are read (:mod:`ledger.nodes`), and keeps them page by page (:mod:`ledger.domain`), so that cached
  and parallel builds lose nothing;
* fails the build on a numbered equation without a record, a failed or malformed record, a label or a claim stated
  twice, a display typed in prose, a claim of ``sources/register.json`` that nobody settles (:mod:`ledger.audit`);
* fills ``{ledger-table}``, ``{claims-table}`` and ``{ledger-count}``, and writes ``ledger.json`` beside the HTML
  (:mod:`ledger.publish`).

It also sets what it depends on (how outputs are read, that a failing cell stops the build, the book's macros), so that
a plain ``jupyter-book build .`` is enough.
"""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

from hesslib.calculus.macros import MACROS
from ledger import audit, nodes, publish
from ledger.domain import LedgerDomain

STATIC = Path(__file__).parent / "static"


def configure(app: Sphinx, config: Config) -> None:
    """Set what the ledger depends on, and refuse a configuration that says otherwise."""
    if "nb_render_markdown_format" not in config:
        raise ConfigError("ledger: myst_nb is not loaded; the records are in the outputs of its notebooks")
    if config.nb_execution_allow_errors:
        raise ConfigError("ledger: allow_errors must be off; a failed check would not stop the build")
    if "dollarmath" not in config.myst_enable_extensions:
        raise ConfigError("ledger: myst_enable_extensions must contain dollarmath; stated formulas are written with it")
    config.nb_execution_raise_on_error = True
    config.nb_render_markdown_format = "myst"  # else the label and the record of a formula are lost
    override = ("*", "text/markdown", 1)  # the book's form of an output; the others are for notebooks
    config.nb_mime_priority_overrides = [*config.nb_mime_priority_overrides, override]
    config.html_static_path.append(str(STATIC))

    mathjax = dict(config.mathjax3_config or {})
    tex = dict(mathjax.get("tex", {}))
    if tex.get("macros", MACROS) != MACROS:
        raise ConfigError("ledger: MathJax's macros come from hesslib/calculus/macros.py; remove them from _config.yml")
    config.mathjax3_config = {**mathjax, "tex": {**tex, "macros": MACROS}}


def scripts(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """A page with a table of the ledger gets the filter controls, and MathJax for the formulas filled in late."""
    if app.env.get_domain("ledger").data["pages"].get(pagename, {}).get("tables"):
        app.env.get_domain("math").data["has_equations"][pagename] = True
        app.add_js_file("ledger.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("ledger_register", "sources/register.json", "")
    app.add_config_value("ledger_names", "sources/names.yml", "env")
    app.add_domain(LedgerDomain)
    nodes.setup(app)
    app.add_post_transform(publish.FillTables)
    app.add_css_file("ledger.css")
    app.connect("config-inited", configure)
    app.connect("env-updated", audit.run)  # on every build, also when no page has changed
    app.connect("env-get-updated", publish.outdated, priority=900)  # after equations got their numbers
    app.connect("html-page-context", scripts, priority=400)  # before MathJax looks whether the page needs it
    app.connect("build-finished", publish.write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
