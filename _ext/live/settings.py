"""What the scripts of the page must know, from where it is known: a script that is written when the book is built."""

from __future__ import annotations

import json
from pathlib import Path

from hesslib.derivations.reading import signs
from live.bundle import SCRIPTS

WORKER = Path(__file__).parent / "static" / "worker.js"

NOTATIONS = [
    ["book", "of this book: w to, from; layers in brackets"],
    ["prml", "Bishop, PRML: units i, j, k"],
    ["nielsen", "Nielsen: layers as plain superscripts, cost C"],
    ["homework", "the homework: w from, to; plain superscripts"],
    ["mackay", "MacKay: biases θ, activations h"],
]
EXAMPLES = [
    ["a lost slope", "prml", r"\delta_j = \sum_k w_{jk} \delta_k"],
    [
        "backpropagation",
        "book",
        r"\delta_j^{(l)} = h'(a_j^{(l)}) \sum_k w_{kj}^{(l+1)} \delta_k^{(l+1)}",
    ],
    ["in matrices", "nielsen", r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)"],
    ["under a condition", "prml", r"\delta_k = y_k - t_k"],
    [
        "a chain",
        "prml",
        r"\frac{\partial^2 E}{\partial w_{ji}^2}"
        "\n"
        r"&= \frac{\partial^2 E}{\partial a_j^2} \frac{\partial^2 a_j}{\partial w_{ji}^2} \\"
        "\n"
        r"&= \frac{\partial^2 E}{\partial a_j^2} z_i^2",
    ],
    ["two readings", "book", r"z_j^{(l)} = a_j^{(l)} / 2 z_j^{(l)}"],
]
"""Formulas to begin with: a title, the notation, the text."""

LETTERS = """
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho sigma tau upsilon
phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell
"""
SHOWN = {r"\begin", r"\end", r"\left", r"\right", r"\,", r"\;", r"\:", r"\!", r"\ ", r"\\", r"\{", r"\}", r"\|"}
UNTYPESET = signs.WITH_ARGUMENT | {r"\cr", r"\newline", r"\hline", r"\noindent", r"\centering", r"\allowbreak"}
"""Commands that are read and passed over, and that would do something on a page: a label, a colour, a reference."""


def commands() -> list[str]:
    """The commands that may go to MathJax: those that formulas are read with."""
    known = signs.SILENT | signs.STYLES | signs.NAMED | signs.MARKS | set(signs.SIGNS) | signs.FUNCTIONS | SHOWN
    known |= {f"\\{letter}" for letter in LETTERS.split()} | {r"\text", r"\mathcal"}
    return sorted(name for name in known - UNTYPESET if name.startswith("\\"))


def write(kept: Path, /) -> Path:
    """The folder with the script."""
    told = {
        "commands": commands(),
        "notations": NOTATIONS,
        "scripts": [[f"live/{name}", keys] for name, keys in SCRIPTS.items()],
        "worker": WORKER.read_text(encoding="utf-8"),
    }
    folder = kept / "settings"
    folder.mkdir(parents=True, exist_ok=True)
    script = f"self.LIVE_SETTINGS = {json.dumps(told)};\nself.LIVE_SETTINGS.base = document.currentScript.src;\n"
    (folder / "live_settings.js").write_text(script, encoding="utf-8")
    return folder
