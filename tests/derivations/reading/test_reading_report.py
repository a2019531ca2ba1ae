"""Whole documents: a verdict for each display, the command and its exit status, the cell magic."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hesslib.derivations import check_document, load_ipython_extension
from hesslib.derivations.reading import report
from hesslib.derivations.reading.notation import NOTATIONS, notation_of
from hesslib.derivations.reading.verdict import Verdict

RIGHT = r"\delta_j = h'(a_j)\sum_k w_{kj}\delta_k"
WRONG = r"\delta_j = h'(a_j)\sum_k w_{kj}"
UNKNOWN = r"\Omega_j = 1"


def test_a_display_that_begins_with_a_relation_goes_on_with_the_one_before():
    document = rf"$$\delta_j = \frac{{\partial E}}{{\partial a_j}}$$ so $$= {RIGHT.partition('=')[2]}$$"
    ((_, verdict),) = check_document(document, notation="prml").verdicts
    assert [link.holds for link in verdict.links] == [True, True]


@pytest.mark.parametrize(
    ("formulas", "status"),
    [([RIGHT], report.RIGHT), ([RIGHT, WRONG, UNKNOWN], report.WRONG), ([UNKNOWN], report.UNKNOWN)],
)
def test_the_exit_status_says_what_was_found(tmp_path, capsys, formulas, status):
    file = tmp_path / "notes.md"
    file.write_text("\n\n".join(f"$$\n{x}\n$$" for x in formulas), encoding="utf-8")
    assert report.main(["derive", str(file), "--notation", "prml"]) == status
    assert "hold" in capsys.readouterr().out


def test_a_notation_comes_from_a_file(tmp_path, capsys):
    file, notation = tmp_path / "notes.tex", tmp_path / "mine.yml"
    file.write_text(r"\begin{equation}e_j = h'(a_j)\sum_k w_{kj}e_k\end{equation}", encoding="utf-8")
    notation.write_text("like: prml\nsignal: e\n", encoding="utf-8")
    assert report.main(["derive", str(file), "--notation", str(notation)]) == report.RIGHT
    assert report.main(["derive", str(tmp_path / "none.md")]) == report.USAGE
    assert report.main(["derive", str(file), "--notation", "latin"]) == report.USAGE
    assert "latin" in capsys.readouterr().err


def test_the_command_runs_as_a_module(tmp_path):
    file = tmp_path / "notes.md"
    file.write_text(f"$${WRONG}$$", encoding="utf-8")
    command = [sys.executable, "-m", "hesslib", "derive", str(file), "--notation", "prml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == report.WRONG
    assert "does not hold" in done.stdout


def test_the_cell_magic_takes_a_formula_or_a_document():
    found = {}

    class Shell:
        def register_magic_function(self, function, magic_kind, magic_name):
            found[magic_kind, magic_name] = function

    load_ipython_extension(Shell())
    derive = found["cell", "derive"]
    assert derive("prml", RIGHT).holds is True
    assert derive("prml", f"$${WRONG}$$").status == report.WRONG
    assert "verdict" in derive("prml", f"$${WRONG}$$")._repr_html_()
    assert "does not hold" in derive("prml", f"$${WRONG}$$")._repr_markdown_()


def test_every_named_notation_reads_its_own_letters():
    for name, notation in NOTATIONS.items():
        assert notation_of(name) is notation
        assert notation.vocabulary().tensors


def test_a_report_counts_its_verdicts_and_its_status_is_that_of_the_worst():
    right, wrong, unknown = (Verdict("x", holds) for holds in (True, False, None))
    found = report.Report(((1, right), (3, unknown), (9, right)))
    assert found.counts == {True: 2, False: 0, None: 1}
    assert found.status == report.UNKNOWN
    assert report.Report(((1, unknown), (2, wrong))).status == report.WRONG
    assert report.Report(((1, right),)).status == report.RIGHT
    assert str(found).startswith("line 1: x")
    assert str(found).endswith("2 hold, 0 do not hold, 1 cannot be told")
