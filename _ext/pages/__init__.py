"""How the pages look, weigh and behave, where the theme and its companions leave something to be wished.

* :mod:`pages.folds` moves the code of an equation into the equation's record, and that of a figure into its caption;
* :mod:`pages.markup` mends the written HTML: names and roles that a screen reader needs, and requests that fail;
* :mod:`pages.weight` leaves out what no page uses: styles, icons, the parts of MathJax;
* :mod:`pages.sharing` says what a page is to those that link to it: description, preview, address, citation, report;
* :mod:`pages.finding` makes what the search looks through: sections, equations with their names, functions.
"""

from pathlib import Path
from typing import Any

from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.config import Config

from pages import finding, folds, markup, sharing, weight

HERE = Path(__file__).parent
ADDRESSES: dict[str, Any] = {"pages_repository": "", "pages_report": "", "pages_notebooks": {}}


def configure(app: Sphinx, config: Config) -> None:
    config.html_static_path.append(str(HERE / "static"))
    config.templates_path.append(str(HERE / "templates"))
    config.html_favicon = str(HERE / "static" / "favicon.svg")
    config.html_additional_pages = {**config.html_additional_pages, "404": "404.html"}
    weight.configure_mathjax(config)


def setup(app: Sphinx) -> dict[str, Any]:
    for name, value in ADDRESSES.items():
        app.add_config_value(name, value, "html")
    app.add_node(folds.code_fold, html=(folds.open_fold, folds.close_fold))
    app.add_node(HideCodeCellNode, override=True, html=(folds.open_hidden, folds.close_hidden))
    app.add_post_transform(folds.FoldCode)
    app.add_post_transform(folds.PlainSummaries)
    app.add_css_file("pages.css")
    app.connect("config-inited", configure)
    app.add_js_file("formulas.js", priority=801)  # after MathJax was configured, before it starts
    app.connect("env-updated", finding.audit)
    app.connect("html-page-context", sharing.describe)
    app.connect("html-page-context", weight.leave_out, priority=900)  # after everybody asked for what he may need
    app.connect("build-finished", sharing.write)
    app.connect("build-finished", finding.write)
    app.connect("build-finished", weight.lighten, priority=700)  # after MathJax was copied
    app.connect("build-finished", markup.mend, priority=600)  # its classes are in use, too
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
