"""Sheets for the formulas of a page: what a reader can change, and have decided by the page itself.

A derivation and a refusal get one; so does nothing else, since a definition cannot be wrong and an approximation is no
equality. What is printed is read again before: where that gives another formula, or none, there is no sheet.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hesslib._notebook import shell

__all__ = ["offer_sheets", "sheet_of"]

DECIDED = ("derived", "conditional")
"""How a formula must be established to have a sheet."""


def sheet_of(formula: Any, /) -> dict[str, Any] | None:
    r"""The sheet of a formula as JSON has it, or None if it has none.

    Shapes: a dictionary of strings and lists.
    Cost: that of reading what is printed, and of deciding it once; memory: the formula and its sheet.
    Errors: none.

    >>> from sympy.abc import x, y
    >>> from hesslib.calculus.steps import Formula, Steps, refuse
    >>> sheet_of(Steps(x + x).then(2 * x))["text"], sheet_of(Formula(y, x))
    ('2 x = 2 x', None)
    >>> sheet_of(refuse(y, x**2, x, "square lost"))["known"]
    [['y', 'x^{2}']]
    """
    from hesslib.calculus.macros import expand
    from hesslib.calculus.matrix import MatrixFormula
    from hesslib.calculus.steps import Refusal, Steps
    from hesslib.derivations.reading.beside import Sheet

    found: Sheet | None = None
    if isinstance(formula, Refusal):
        found = Sheet.of([(formula.lhs, formula.right)], wrong=formula.wrong)
    elif getattr(formula, "established", None) not in DECIDED:
        return None
    elif isinstance(formula, MatrixFormula):
        found = Sheet.of_text(expand(formula.latex()))
    elif equations := _equations(formula):
        around = [e for f in equations if isinstance(f, Steps) for _, e, _ in f.rows]
        found = Sheet.of([(f.lhs, f.result) for f in equations], *around)
    return None if found is None else found.data()


def _equations(formula: Any) -> list[Any]:
    """The equations of a display, one by one; none if one of them is no equation between two formulas."""
    from hesslib.calculus.equation import Equation
    from hesslib.calculus.joint_display import Mirrored, Together
    from hesslib.calculus.line_breaking import Narrow
    from hesslib.calculus.steps import Formula, Steps

    parts = [formula]
    if isinstance(formula, (Narrow, Together)):
        parts = list(formula.formulas)
    elif isinstance(formula, Mirrored):
        parts = [new for _, new in formula.pairs]
    known = all(isinstance(f, (Steps, Formula, Equation)) and getattr(f, "order", None) is None for f in parts)
    return parts if known else []


def offer_sheets() -> None:
    """Give every derivation and every refusal that a cell shows without stating it a sheet as well.

    Shapes: none.
    Cost: none; the formulas pay when they are shown.
    Errors: none; outside a notebook nothing happens.

    >>> offer_sheets()
    """
    running = shell()
    if running is None:
        return
    from hesslib.calculus.steps import Refusal, Steps

    for kind in (Refusal, Steps):
        running.display_formatter.mimebundle_formatter.for_type(kind, _with_sheet)


def _with_sheet(formula: Any, **_: Any) -> dict[str, str]:  # IPython says what to include, as to any such function
    bundle: dict[str, str] = formula._repr_mimebundle_()
    sheet = sheet_of(formula)
    if sheet is not None:
        bundle["text/markdown"] += "\n\n" + directive(sheet)
    return bundle


def directive(sheet: dict[str, Any], /) -> str:
    """The directive of MyST that carries a sheet which no record has."""
    body = json.dumps(sheet, ensure_ascii=False)
    name = "sheet-" + hashlib.sha256(body.encode()).hexdigest()[:10]
    body = json.dumps({"id": name, **sheet}, ensure_ascii=False).replace("`", "\\u0060")  # no fence can end early
    return f"```{{live-record}}\n{body}\n```"
