"""How the pages look, weigh and behave, where the theme and its companions leave something to be wished.

* :mod:`pages.folds` moves the code of an equation into the equation's record, and that of a figure into its caption;
* :mod:`pages.markup` mends the written HTML: names and roles that a screen reader needs, and requests that fail;
* :mod:`pages.weight` leaves out what no page uses: styles, icons, the parts of MathJax.
"""

from pathlib import Path
from typing import Any

from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.config import Config

from pages import folds, markup, weight

HERE = Path(__file__).parent


def configure(app: Sphinx, config: Config) -> None:
    config.html_static_path.append(str(HERE / "static"))
    config.templates_path.append(str(HERE / "templates"))
    weight.configure_mathjax(config)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(folds.code_fold, html=(folds.open_fold, folds.close_fold))
    app.add_node(HideCodeCellNode, override=True, html=(folds.open_hidden, folds.close_hidden))
    app.add_post_transform(folds.FoldCode)
    app.add_post_transform(folds.PlainSummaries)
    app.add_css_file("pages.css")
    app.connect("config-inited", configure)
    app.connect("build-finished", weight.lighten, priority=600)  # after MathJax was copied
    app.connect("build-finished", markup.mend, priority=700)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
