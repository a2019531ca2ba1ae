"""The template of a chapter is short, and runs as it is."""

from pathlib import Path

import execute_chapters

TEMPLATE = Path(__file__).resolve().parents[2] / "tools" / "chapter_template.md"


def test_the_template_fits_a_hundred_lines():
    assert len(TEMPLATE.read_text(encoding="utf-8").splitlines()) <= 100


def test_the_template_runs(kernels):
    outcome = execute_chapters.execute(TEMPLATE, 600, kernels)
    assert outcome.error is None, outcome.error
