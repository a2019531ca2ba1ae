"""The sheets that the pages have: exercises fail where they should, and nothing but formulas goes to MathJax."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from live import settings

from hesslib.derivations import check_latex
from hesslib.derivations.reading.judgement import MAX_WORK, Work, judged
from hesslib.derivations.reading.notation import NOTATIONS, notation_of

ROOT = Path(__file__).resolve().parents[2]
SHEET = re.compile(r"^```\{live-sheet\} (\S+)\n((?::[^\n]*\n)+)\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "chapters").rglob("*.md"))}
SHEETS = {
    found[1]: (page, dict(re.findall(r"^:(\w+):(?: (.*))?$", found[2], re.MULTILINE)), found[3])
    for page, text in PAGES.items()
    for found in SHEET.finditer(text)
}
EXERCISES = [name for name, (_, options, _) in SHEETS.items() if "exercise" in options]
MENDED = {
    "mend-the-signal": (r"&= \sum_k w_{kj}", r"&= h'(a_j) \sum_k w_{kj}"),
    "mend-the-tangent": (r"h'(a_k^{(l+1)})", r"h'(a_j^{(l)})"),
    "mend-the-weight": (r"\delta_k z_j", r"\delta_k z_i"),
    "mend-the-curvature": (r"= h'(a_j) \sum_k \sum_{k'}", r"= h'(a_j)^2 \sum_k \sum_{k'}"),
    "mend-the-outer-product": (r"M_{jj}", r"M_{jj'}"),
    "complete-the-mixed-block": (r"M_{kk'}", r"M_{kk'} + x_i h'(a_j) \delta_k I_{jj'}"),
    "mend-the-block": (r"\partial a_j^{(l)}}", r"\partial a_{j'}^{(l)}}"),
    "complete-the-mirrored-signal": (
        r"= h'(a_j^{(l)})",
        r"= h''(a_j^{(l)}) \mathcal{R}\{a_j^{(l)}\} \sum_k w_{kj}^{(l+1)} \delta_k^{(l+1)} + h'(a_j^{(l)})",
    ),
}
"""What to put for what, so that the exercise is solved."""


def verdict(text, notation):
    return judged(text, notation_of(notation), Work(MAX_WORK))


def test_every_exercise_has_a_solution_here():
    assert sorted(EXERCISES) == sorted(MENDED)
    assert len({SHEETS[name][0] for name in EXERCISES}) == len(EXERCISES)


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_fails_in_one_step_and_holds_when_it_is_mended(name):
    _, options, text = SHEETS[name]
    wrong = verdict(text, options["notation"])
    assert wrong.holds is False
    assert [link.holds for link in wrong.links].count(False) == 1
    assert text.count(MENDED[name][0]) == 1
    right = verdict(text.replace(*MENDED[name]), options["notation"])
    assert right.holds is True
    assert right.condition == ""


@pytest.mark.parametrize("name", [name for name in SHEETS if name not in EXERCISES])
def test_an_empty_sheet_begins_with_a_formula_that_is_decided(name):
    _, options, text = SHEETS[name]
    assert verdict(text, options["notation"]).holds is not None


@pytest.mark.parametrize("example", settings.EXAMPLES, ids=lambda example: example[0])
def test_an_example_shows_what_its_title_says(example):
    title, notation, text = example
    found = check_latex(text, notation=notation)
    expected = {
        "a lost slope": lambda: found.holds is False and any("slope lost" in slip for slip in found.slips),
        "backpropagation": lambda: found.holds is True and not found.condition,
        "in matrices": lambda: found.holds is True,
        "under a condition": lambda: found.holds is True and found.condition,
        "a chain": lambda: [link.holds for link in found.links] == [False, True],
        "two readings": lambda: found.holds is None and found.reason.count("it could mean") == 2,
    }
    assert expected[title]()


def test_every_notation_with_a_name_can_be_chosen():
    assert [name for name, _ in settings.NOTATIONS] == list(NOTATIONS)


ACTING = """
href require def newcommand let gdef class style cssId data unicode input label tag color ref eqref url hspace
includegraphics bbox toggle mmlToken verb csname expandafter
"""


@pytest.mark.parametrize("name", ACTING.split())
def test_no_command_that_does_something_on_a_page_goes_to_mathjax(name):
    assert f"\\{name}" not in settings.commands()


def test_every_command_that_the_sheets_begin_with_is_shown():
    known = set(settings.commands())
    for text in [*(text for _, _, text in SHEETS.values()), *(text for *_, text in settings.EXAMPLES)]:
        assert set(re.findall(r"\\(?:[A-Za-z]+|.)", text)) <= known
