r"""What is said of a formula: it holds, it does not and why, or it cannot be told."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

from hesslib.calculus.display import aligned

__all__ = ["Verdict"]

ALWAYS = "holds for every width and depth"


@dataclass(frozen=True)
class Verdict:
    r"""The answer to "is this formula right?".

    ``holds`` is True, False, or None where it cannot be told. What ``lacks`` and ``instead`` hold are terms in LaTeX,
    in the reader's notation, as are the formulas in ``slips`` and ``nearest``.

    >>> Verdict("a = a", True).words
    'holds for every width and depth'
    """

    text: str  # the formula as it was written
    holds: bool | None  # None: cannot tell
    condition: str = ""  # under what it holds, or would hold
    lacks: tuple[str, ...] = ()  # terms that follow, but are not there
    instead: tuple[str, ...] = ()  # terms that are there, but do not follow
    slips: tuple[str, ...] = ()  # the usual slips that explain it
    nearest: str = ""  # the nearest right formula
    reason: str = ""  # why it cannot be told, or is no formula
    counterexample: str = ""  # numbers at which the sides differ
    links: tuple[Verdict, ...] = field(default=(), repr=False)  # of a chain, each equality by itself

    @property
    def words(self) -> str:
        """The verdict in words."""
        if self.holds is None:
            return f"cannot tell: {self.reason}"
        if self.holds:
            return f"holds under this condition: {self.condition}" if self.condition else ALWAYS
        return "does not hold" + (f": {self.reason}" if self.reason else "")

    def __str__(self) -> str:
        return "\n".join(self.lines())

    __repr__ = __str__

    def lines(self) -> list[str]:
        """The report, line by line."""
        wrong = (
            next((link for link in self.links if link.holds is self.holds), None) if self.holds is not True else None
        )
        rows = [f"{self.text.strip()}", f"  {self.words}"]
        if len(self.links) > 1:
            rows[1] = f"  {len(self.links)} equalities: " + ", ".join(_SHORT[link.holds] for link in self.links)
            if self.holds and self.condition:
                rows.append(f"  {self.words}")
            if wrong is not None:
                return [*rows, *[f"  {line}" for line in wrong.lines()]]
            if self.holds is None:  # each equality holds, but not all of them together
                rows.append(f"  {self.words}")
        rows += [f"  slip: {slip}" for slip in self.slips]
        rows += [f"  lacks: {term}" for term in self.lacks]
        rows += [f"  has instead: {term}" for term in self.instead]
        rows += [f"  nearest right formula: {self.nearest}"] if self.nearest else []
        rows += [f"  {self.counterexample}"] if self.counterexample else []
        rows += [f"  it would hold under this condition: {self.condition}"] if self.condition and not self.holds else []
        return rows

    def data(self) -> dict[str, Any]:
        """The verdict as JSON has it, of a chain that of the deciding link; words and formulas of a slip alternate."""
        shown = self
        if self.links and not (self.slips or self.lacks):
            shown = next((link for link in self.links if link.holds is self.holds), self)
        said, _, pointer = shown.reason.partition("\n")
        return {
            "holds": self.holds,
            "condition": self.condition,
            "reason": said,
            "pointer": pointer,
            "lacks": list(shown.lacks),
            "instead": list(shown.instead),
            "slips": [_typeset(slip).split("$") for slip in shown.slips],
            "nearest": shown.nearest,
            "counterexample": shown.counterexample,
            "links": [[link.text, link.holds] for link in self.links],
        }

    def _repr_markdown_(self) -> str:
        said, _, pointer = self.words.partition("\n")
        short = _SHORT[self.holds]
        rows = [f"**{short}**{said.removeprefix(short)}" if said.startswith(short) else f"**{short}**: {said}"]
        rows += [f"\n```text\n{pointer}\n```\n"] if pointer else []  # the place in the formula that was given
        shown = (
            self
            if self.slips or self.lacks or not self.links
            else next((link for link in self.links if link.holds is self.holds), self)
        )
        rows += [f"- slip: {_typeset(slip)}" for slip in shown.slips]
        if shown.lacks or shown.instead or shown.nearest:
            terms = [rf"&\text{{lacks }} {term}" for term in shown.lacks]
            terms += [rf"&\text{{has instead }} {term}" for term in shown.instead]
            terms += [rf"&\text{{nearest: }} {shown.nearest}"] if shown.nearest else []
            rows.append(f"\n$$\n{aligned(terms)}\n$$")
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        colour = {True: "#00735c", False: "#b03a2e", None: "#6b5b00"}[self.holds]
        report = html.escape("\n".join(self.lines()))
        return f'<pre class="verdict" style="border-left: 4px solid {colour}; padding-left: 1em">{report}</pre>'


_SHORT = {True: "holds", False: "does not hold", None: "cannot tell"}


def _typeset(slip: str) -> str:
    """The formulas of a slip between dollars, its words as they are."""
    what, colon, rest = slip.partition(": ")
    words = (
        rest.replace(" where ", "$ where $").replace(" is meant", "$ is meant").replace("the factor ", "the factor $")
    )
    if "$" not in words:
        return slip
    start = "" if words.startswith("the factor") else "$"
    end = "" if words.endswith("is meant") else "$"
    return f"{what}{colon}{start}{words}{end}"
