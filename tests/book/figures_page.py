"""A page with moving figures and nothing else, in a folder: what a browser needs to try them without the book."""

from __future__ import annotations

import html
import shutil
import sys
from pathlib import Path

import npm_packages

from hesslib.book import moving

STATIC = Path(__file__).resolve().parents[2] / "_ext" / "figures" / "static"

PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><title>Figures</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ margin: 0; padding: 0 12px; font-family: sans-serif; max-width: 46rem; }}
figure {{ margin: 1rem 0; }}
html[data-theme="dark"] {{ background: #121212; color: #ddd; }}
</style>
<link rel="stylesheet" href="_static/figures.css">
<script defer src="_static/figures.js"></script></head>
<body>{stages}</body></html>
"""
STAGE = """<h2>{name}</h2><figure class="moving-figure"><div class="moving" data-moving="{name}" role="group"
aria-label="{description}"></div><script>{script}</script></figure>"""


def write(folder: Path, names=moving.FIGURES) -> Path:
    """The page, its scripts and the library."""
    shutil.copytree(STATIC, folder / "_static", dirs_exist_ok=True)
    (folder / "_static" / "jsxgraph").mkdir(exist_ok=True)
    shutil.copy(npm_packages.folder("jsxgraph") / "distrib" / "jsxgraphcore.js", folder / "_static" / "jsxgraph")
    stages = []
    for name in names:
        figure = moving.figure(name)
        stages.append(STAGE.format(name=name, description=html.escape(figure.description), script=figure.script()))
    page = folder / "figures.html"
    page.write_text(PAGE.format(stages="\n".join(stages)), encoding="utf-8")
    return page


if __name__ == "__main__":
    sys.stdout.write(f"{write(Path(sys.argv[1]), sys.argv[2:] or moving.FIGURES)}\n")
