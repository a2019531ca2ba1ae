"""Keep the built pages free of what fails when they are opened as files.

The theme asks the browser to fetch its icon fonts early, in a mode that browsers refuse for files: three errors on
every page. The style sheet fetches the same fonts a moment later, so nothing is lost without the early request.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

EARLY_FONT = re.compile(r'\s*<link rel="preload" as="font"[^>]*>')


def remove_early_fonts(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        if EARLY_FONT.search(html):
            page.write_text(EARLY_FONT.sub("", html), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", remove_early_fonts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
