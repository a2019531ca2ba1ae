"""The reference of the package, made from its docstrings when the book is built.

* :mod:`api_reference.names` finds the public names; :mod:`api_reference.signature` and :mod:`api_reference.docstring`
  read what is written of them; :mod:`api_reference.examples` makes what the doctests take for granted explicit;
* :mod:`api_reference.entries` is what a page of the reference holds: ``{api}`` with the modules whose names it shows;
* :mod:`api_reference.links` ties names to equations and back, from the ``Equation:`` lines of the docstrings alone,
  fills ``{api-overview}``, and fails the build for a label that no record of the ledger has and for a public name that
  is on no page, or on two.
"""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

from api_reference import entries, links

STATIC = Path(__file__).parent / "static"


def configure(app: Sphinx, config: Config) -> None:
    config.html_static_path.append(str(STATIC))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("api_package", "hesslib", "env")
    app.add_domain(entries.ReferenceDomain)
    app.add_node(entries.api_equation)  # both are replaced before anything is written
    app.add_node(entries.api_overview)
    app.add_directive("api", entries.Entries)
    app.add_directive("api-overview", entries.Overview)
    app.add_post_transform(links.Fill)
    app.add_css_file("api_reference.css")
    app.connect("config-inited", configure)
    app.connect("env-get-outdated", links.unread)
    app.connect("env-updated", links.audit)
    app.connect("html-page-context", links.typeset, priority=400)  # before MathJax looks whether the page needs it
    app.connect("env-get-updated", links.outdated, priority=950)  # after equations got their numbers
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
