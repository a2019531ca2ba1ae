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
    "mend-the-layer": (r"h(a_i^{(l)})", r"h(a_i^{(l-1)})"),
    "mend-the-contraction": (r"&= I_{jj'} z_i", r"&= I_{jj'} z_{i'}"),
    "mend-the-second-difference": (
        r"\sum_p v_p^2 \frac{\partial^2 E}{\partial w_p^2}",
        r"\sum_p \sum_q v_p v_q \frac{\partial^2 E}{\partial w_p \partial w_q}",
    ),
    "mend-two-layers-back": (r"^{(l+1)} \sum_p", r"^{(l+1)} h'(a_k^{(l+1)}) \sum_p"),
    "mend-the-squared-slope": (r"\partial w_q^2}", r"\partial w_p \partial w_q}"),
    "mend-the-positive-form": (
        r"\Big(\sum_n \mathbf{v}^{\mathsf T} \nabla E_n\Big)^2",
        r"\sum_n \Big(\mathbf{v}^{\mathsf T} \nabla E_n\Big)^2",
    ),
    "mend-the-update": (r"{\sum_r \left(", r"{1 + \sum_r \left("),
    "mend-the-conjugate-direction": (
        r"(\mathbf{v}^{\mathsf T} \mathbf{v})",
        r"(\mathbf{v}^{\mathsf T} \mathbf{H} \mathbf{v})",
    ),
    "mend-the-residual-term": (
        r"(y_k - t_k) \frac{\partial y_k}{\partial w_p} \frac{\partial y_k}{\partial w_q}",
        r"(y_k - t_k) \frac{\partial^2 y_k}{\partial w_p \partial w_q}",
    ),
    "mend-the-prior": (r"+ 1", r"+ I_{pq}"),
    "mend-the-saliency": (r"\partial w_q^2} w_q", r"\partial w_q^2} w_q^2"),
    "mend-the-ratio": (r"+ \frac{1}{y_k}", r"- \frac{1}{y_k}"),
    "mend-the-second-slope": (r"w_{ji}^{(1)}", r"\bigl(w_{ji}^{(1)}\bigr)^2"),
    "mend-the-transpose": (r"w_{ji}^{l+1}", r"w_{ij}^{l+1}"),
    "mend-the-order-of-sums": (
        r"\Big(\sum_k \frac{\partial y_k}{\partial w_p}\Big) "
        r"\Big(\sum_k \sum_q \frac{\partial y_k}{\partial w_q} v_q\Big)",
        r"\sum_k \frac{\partial y_k}{\partial w_p} \sum_q \frac{\partial y_k}{\partial w_q} v_q",
    ),
    "mend-the-trace": (
        r"\Big(\sum_p \frac{\partial y_k}{\partial w_p}\Big)^2",
        r"\sum_p \Big(\frac{\partial y_k}{\partial w_p}\Big)^2",
    ),
    "mend-what-travels": (r"\delta_{nj} \sum_n z_{ni}", r"\delta_{nj} z_{ni}"),
    "mend-what-goes-down": (r"\sum_j h'(a_j^{(l)}) w", r"\sum_j w"),
    "mend-the-pairs": (r"\sum_n z_{ni}^{(l-1)} z_{ni'}^{(l-1)}", r"\sum_n z_{ni}^{(l-1)} \sum_n z_{ni'}^{(l-1)}"),
    "mend-the-softmax": (r"( 1 -", r"( I_{jj'} -"),
    "mend-the-scale": (r"- a_j^{(l)} a_{j'}^{(l)}", r"- \frac{a_j^{(l)} a_{j'}^{(l)}}{\sum_k (a_k^{(l)})^2}"),
    "complete-the-identity-path": (r"= I_{jj'}", r"= I_{jj'} + I_{jj'}"),
    "mend-the-feed-forward-part": (r"\bigl(w_{ji}^{(l+1)}\bigr)^2", r"w_{ji}^{(l+1)} w_{ji'}^{(l+1)}"),
}
"""What to put for what, so that the exercise is solved."""


def verdict(text, notation):
    return judged(text, notation_of(notation), Work(MAX_WORK))


def test_every_exercise_has_a_solution_here():
    assert sorted(EXERCISES) == sorted(MENDED)


def test_every_page_with_exercises_has_one_that_it_decides_itself():
    with_exercises = sorted(page for page, text in PAGES.items() if "```{exercise-start}" in text)
    assert sorted(SHEETS[name][0] for name in EXERCISES) == with_exercises


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
