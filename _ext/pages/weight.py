"""What a page need not load, left out: styles and icons that no page uses, the menu of MathJax unless it is asked for.

The theme brings four style sheets of half a megabyte, of which the book uses a quarter, and a script of one and a half
megabytes that draws every icon there is. Once the pages are written, it is known which classes they have; a rule for a
class that stands on no page and in no script goes, and of the icon font there stay the icons that the rest names.
Scripts for what a page does not have are not asked for, and pictures are written with 256 colours where no eye tells.
"""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from PIL import Image
from sphinx.application import Sphinx
from sphinx.config import Config

CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
WORD = re.compile(r"-?[A-Za-z_][\w-]*")
GLYPH = re.compile(r"content:\s*[\"']\\(f[0-9a-f]{3}|2b|e[0-9a-f]{3})[\"']")
COMPONENTS = ["core", "input/tex", "output/chtml", "a11y/assistive-mml"]  # the output loads its font, once it is there


def configure_mathjax(config: Config) -> None:
    """Load the parts of MathJax that the book uses; the bundle of all has the menu too, a third of its weight."""
    config.mathjax_path = "mathjax/startup.js"
    config.mathjax3_config = {**(config.mathjax3_config or {}), "loader": {"load": COMPONENTS}}


SERVES = {
    # a script or style sheet, and what stands in every page that has something for it
    "design-tabs.js": "sd-tab-set",
    "togglebutton.js": "dropdown",
    "togglebutton.css": "dropdown",
    "clipboard.min.js": "highlight-",
    "copybutton.js": "highlight-",
    "copybutton.css": "highlight-",
    "pygments.css": "highlight",
    "exercise.css": "exercise",
    "proof.css": "proof",
    "ledger.css": "ledger",
    "api_reference.css": "api-",
}
SEEN = 24
"""The most by which a colour may change, of 255 levels: on a thin edge, where several colours meet, it is not seen."""


def leave_out(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Ask for no script and no style sheet of `SERVES` on a page that has nothing for it."""
    body = context.get("body", "")

    def needed(file: Any) -> bool:
        name = str(getattr(file, "filename", file)).rpartition("/")[2]
        return name not in SERVES or SERVES[name] in body

    for files in ("script_files", "css_files"):
        if files in context:
            context[files] = [file for file in context[files] if needed(file)]


def with_few_colours(content: bytes) -> bytes:
    """The picture with a palette of 256 colours, if that is smaller and no colour changes by more than `SEEN`."""
    picture = Image.open(io.BytesIO(content))
    opaque = picture.convert("RGBA").getchannel("A").getextrema() == (255, 255)
    if picture.mode == "P" or not opaque:
        return content
    full = picture.convert("RGB")
    few = full.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
    if np.abs(np.asarray(full, int) - np.asarray(few.convert("RGB"), int)).max() > SEEN:
        return content
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    return min(content, out.getvalue(), key=len)


def lighten(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    used = words_of(Path(app.outdir))
    left = []
    for sheet in [*static.glob("*.css"), *static.glob("styles/*.css")]:
        sheet.write_text(pruned(sheet.read_text(encoding="utf-8"), used), encoding="utf-8")
        left.append(sheet.read_text(encoding="utf-8"))
    for vendor in static.glob("vendor/fontawesome/*"):
        reduce_icons(vendor, used, "\n".join(left))
    for picture in Path(app.outdir, "_images").glob("*.png"):
        if (lighter := with_few_colours(before := picture.read_bytes())) is not before:
            picture.write_bytes(lighter)
    for needless in [*static.rglob("*.map"), *static.glob("mathjax/tex-*.js"), *static.glob("mathjax/mml-*.js")]:
        needless.unlink()


def words_of(site: Path) -> set[str]:
    """Whatever may be a class of an element: the classes of the pages, and every word of the scripts."""
    found: set[str] = set()
    for page in site.rglob("*.html"):
        for names in re.findall(r'\bclass="([^"]*)"', page.read_text(encoding="utf-8")):
            found.update(names.split())
    for script in (site / "_static").rglob("*.js"):
        if not {"mathjax", "fontawesome"} & set(script.parts):
            found.update(WORD.findall(script.read_text(encoding="utf-8")))
    return found


def pruned(css: str, used: set[str]) -> str:
    """The style sheet without rules for classes that are not used.

    >>> pruned("a{b:c}.no{d:e}@media print{.yes .no,.yes{f:g}.no{h:i}}", {"yes"})
    'a{b:c}@media print{.yes{f:g}}'
    """
    out = []
    for head, body in _rules(css):
        name = head.lstrip()
        if body is None:
            out.append(head)
        elif name.startswith(("@media", "@supports", "@layer", "@container")):
            if inner := pruned(body, used):
                out.append(f"{head}{{{inner}}}")
        elif name.startswith("@"):
            out.append(f"{head}{{{body}}}")
        elif kept := [one for one in _selectors(head) if _may_match(one, used)]:
            out.append(f"{','.join(kept)}{{{body}}}")
    return "".join(out)


def _may_match(selector: str, used: set[str]) -> bool:
    plain = re.sub(r":not\([^()]*\)|\[[^\]]*\]|:(?:is|where|has)\([^()]*\)", "", selector)
    return "\\" in plain or all(name in used for name in CLASS.findall(plain))


def _rules(css: str) -> Iterator[tuple[str, str | None]]:
    """Head and body of each rule, statements such as ``@charset`` with no body."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    start = depth = opened = 0
    quote = ""
    for at, sign in enumerate(css):
        if quote:
            quote = "" if sign == quote and css[at - 1] != "\\" else quote
        elif sign in "\"'":
            quote = sign
        elif sign == "{":
            opened = opened if depth else at
            depth += 1
        elif sign == "}":
            depth -= 1
            if not depth:
                yield css[start:opened].strip(), css[opened + 1 : at]
                start = at + 1
        elif sign == ";" and not depth:
            yield css[start : at + 1].strip(), None
            start = at + 1


def _selectors(head: str) -> list[str]:
    """The selectors of a rule, split at commas that are in no parentheses."""
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(head):
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and not depth:
            parts.append(head[start:at].strip())
            start = at + 1
    return [*parts, head[start:].strip()]


def reduce_icons(vendor: Path, used: set[str], styles: str) -> None:
    """Of the icon font and its style sheet, what the pages use; of its script, nothing."""
    shutil.rmtree(vendor / "js", ignore_errors=True)
    sheet, fonts = vendor / "css" / "all.min.css", vendor / "webfonts"
    full = fonts / "fa-solid-900.ttf"
    if not full.is_file():
        return  # reduced already, by a build that changed no page
    css = "".join(
        f"{head}{{{body}}}"
        for head, body in _rules(pruned(sheet.read_text(encoding="utf-8"), used))
        if body is not None and not head.startswith("@font-face")
    )
    font = TTFont(full)
    wanted = {int(code, 16) for code in GLYPH.findall(css + styles)}
    options = Options()
    options.flavor, options.layout_features = "woff", []
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=wanted)
    subsetter.subset(font)
    font.flavor = "woff"
    font.save(fonts / "icons.woff")
    faces = "".join(
        f'@font-face{{font-family:"Font Awesome {family}";font-weight:900;src:url(../webfonts/icons.woff)}}'
        for family in ("6 Free", "5 Free")
    )
    sheet.write_text(css + faces, encoding="utf-8")
    for old in fonts.glob("fa-*"):
        old.unlink()
