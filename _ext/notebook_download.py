"""Offer every chapter as a notebook: the theme's download menu gets an ``.ipynb`` that any Jupyter opens and runs.

The theme makes such a file only where a "launch" button is configured. The one written here has no outputs, and the
book's macros are spelled out in it, since a notebook outside the book has nobody to define them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from execute_chapters import is_notebook
from myst_nb.core.read import myst_nb_reader_plugin

from hesslib.calculus.macros import expand

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def portable_notebook(page: Path) -> nbformat.NotebookNode:
    """The chapter as a plain notebook, version 4.5."""
    notebook = myst_nb_reader_plugin(str(page))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = expand(cell.source)
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    return notebook


def offer_notebook(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Write the notebook of a page beside its source, and tell the theme where it is."""
    if doctree is None or app.builder.format != "html":
        return
    page = Path(app.env.doc2path(pagename))
    if page.suffix != ".md" or not is_notebook(page):
        return
    target = Path(app.outdir) / "_sources" / f"{pagename}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(portable_notebook(page), target)
    context["ipynb_source"] = f"{pagename}.ipynb"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx, ahead of the theme's own handler of the same event."""
    app.connect("html-page-context", offer_notebook, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
