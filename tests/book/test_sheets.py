"""What on a page gets a sheet: a derivation, a refusal, several together; no definition, no approximation."""

from __future__ import annotations

import json

import sympy as sp
from IPython.core.formatters import MimeBundleFormatter
from sympy.abc import a, x, y

from hesslib.book import sheets
from hesslib.book.sheets import directive, offer_sheets, sheet_of
from hesslib.calculus.equation import expansion, proved
from hesslib.calculus.joint_display import Mirrored, Together
from hesslib.calculus.line_breaking import Narrow
from hesslib.calculus.steps import Formula, Steps, refuse
from hesslib.derivations import backpropagation
from hesslib.derivations.reading.beside import check_sheet

square = Steps((x + 1) ** 2).then(x**2 + 2 * x + 1, "multiplied out")
cube = Steps(x * y * x).then(y * x**2)


def test_a_derivation_opens_with_its_first_and_its_last_member():
    sheet = sheet_of(square)
    ((left, right),) = sheet["known"]
    assert sheet["text"] == f"{left} = {right}"
    assert left == r"\left(x + 1\right)^{2}"
    assert check_sheet(sheet["text"], sheet).holds is True


def test_several_equations_open_together_however_they_are_arranged():
    mirrored = Mirrored((Formula(y, a), square), (Formula(a, y), cube))
    for shown in (Together(square, cube), Narrow(square, cube), mirrored):
        sheet = sheet_of(shown)
        assert sheet["text"].count("&=") == 2
        assert check_sheet(sheet["text"], sheet).holds is True


def test_a_refusal_opens_with_the_wrong_formula():
    sheet = sheet_of(refuse(y, x**2, 2 * x, "a factor for a power"))
    assert sheet["text"] == "y = 2 x"
    assert check_sheet(sheet["text"], sheet).holds is False
    assert check_sheet("y = x^2", sheet).holds is True


def test_a_definition_a_series_and_an_integral_have_none():
    assert sheet_of(Formula(y, x)) is None
    assert sheet_of(expansion(sp.exp(a), 1 + a, a, 2)) is None
    assert sheet_of(proved(sp.Integral(x, (x, 0, a)), a**2 / 2)) is None


def test_what_is_shown_without_being_stated_carries_its_sheet(monkeypatch):
    class Running:
        class display_formatter:
            mimebundle_formatter = MimeBundleFormatter()

    monkeypatch.setattr(sheets, "shell", lambda: Running)
    offer_sheets()
    show = Running.display_formatter.mimebundle_formatter
    bundle, _ = show(backpropagation.signal())
    display, _, carried = bundle["text/markdown"].partition("\n\n```{live-record}\n")
    assert display.startswith("```{math}")
    told = json.loads(carried.removesuffix("\n```"))
    assert told["words"] == "book"
    assert told["id"].startswith("sheet-")


def test_no_fence_in_a_formula_ends_the_directive():
    text = directive({"text": "``` {raw} html", "words": "book", "known": []})
    assert text.count("```") == 2
    assert json.loads(text.splitlines()[1])["text"] == "``` {raw} html"
