"""Whole documents: where their displays are."""

from __future__ import annotations

from hesslib.derivations.reading.documents import displays


def test_displays_are_found_wherever_they_stand_and_code_has_none():
    document = (
        "$$a$$\n\n\\[b\\]\n\\begin{align*}c &= d\\end{align*}\n```{math}\n:label: x\ne\n```\n```python\n$$f$$\n```\n"
    )
    found = list(displays(document))
    assert [d.text.strip() for d in found] == ["a", "b", "c &= d", "e"]
    assert [d.line for d in found] == [1, 3, 4, 5]
