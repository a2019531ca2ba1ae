"""The ledger: what a chapter calls to state a result, or to settle a claim of a source.

>>> from sympy import Symbol
>>> from hesslib.calculus.equation import defined
>>> two = defined(Symbol("b"), 2 * Symbol("a"))
>>> state("twice", two, established="numeric", checks=[compare("fingers", 1 + 1, 2)])
(twice)  b = 2 a
numeric. fingers: exact.
>>> forget()

In a notebook the call shows the formula, typeset, and beneath it a line that says how it is known. In the book the
formula gets a number, ``{eq}`` cites it by its label from any page, and the record goes to the index of results and to
``ledger.json``. The book refuses what these functions refuse: both apply `faults`.

Longer than one sitting: what a record holds, and what makes it faulty, are read together.
"""

import re
from collections.abc import Iterable
from typing import Any

from hesslib._notebook import Execution, execution, shell
from hesslib.agreement import Check, compare
from hesslib.book import display as _display
from hesslib.book.sheets import sheet_of
from hesslib.calculus.display import Displayed
from hesslib.calculus.macros import expand

__all__ = ["KINDS", "VERDICTS", "Check", "LedgerError", "claim", "compare", "faults", "forget", "settle", "state"]

KINDS = {
    "definition": "gives a name to something; nothing to prove",
    "assumption": "is taken for granted here",
    "approximation": "drops a step; the note says which, how large it is, and when nothing is lost",
    "derived": "derived for symbolic sizes, every equality decided as the cell ran",
    "conditional": "derived, but something was taken for granted on the way; the record says what",
    "instance": "decided exactly on explicit finite instances",
    "numeric": "measured at particular numbers",
}
"""How a result may be established, and what each word promises."""

VERDICTS = {
    "OK": "correct",
    "COND": "correct under the condition stated",
    "WRONG": "false as printed",
    "TYPO": "a misprint whose intention is clear",
    "QUESTION": "asked by the source, answered here",
    "MISSING": "lost in the source, restored here",
    "BUG": "a defect of a program",
    "TASK": "promised or assigned by the source, done here",
}
"""What may become of a claim."""

NEEDS_CHECK = ("approximation", "derived", "conditional", "instance", "numeric", "computed")
LABEL = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
CLAIM = re.compile(r"([A-Z]+)-[0-9]+[a-z]?")


class LedgerError(ValueError):
    """The ledger refuses: a check failed, a check is missing, or a label is taken.

    >>> try:
    ...     claim("A-1", "OK", "As printed.", checks=[Check("an oracle", 1.0, 0.0)])
    ... except LedgerError as refused:
    ...     print(refused)
    A-1: check failed: an oracle: 1.0e+00 (allowed 0)
    """


_seen: dict[str, Execution] = {}


def state(
    label: str,
    formula: Any,
    /,
    *,
    source: str = "",
    established: str | None = None,
    checks: Iterable[Any] = (),
    scope: str = "",
    note: str = "",
) -> None:
    r"""Show `formula`, number it, and record how it is known.

    Parameters
    ----------
    label
        Lower-case letters, digits, single hyphens; ``{eq}`` cites it, and the anchor on the page is ``equation-`` and
        the label.
    formula
        An equation of `hesslib.calculus`: a chain of `Steps`, a `Formula`, an `Equation`, or several together. It
        typesets itself; a class of one's own is refused, since nobody has proved what it prints.
        If it has ``.checks`` and ``.established`` (a chain of
        steps has), they are taken from there and `checks` are added; you may call the result less than the formula
        does, never more.
    source
        Where the result is printed, for instance ``"PRML (5.56)"``; several are separated by semicolons.
    established
        A key of `KINDS`.
    checks
        What `compare` returned.
    scope
        For which sizes it holds.
    note
        One sentence of MyST; an approximation must say in it what was dropped, how large it is, and when it is exact.

    Shapes: none; nothing is returned.
    Cost: that of typesetting the formula.
    Errors: `LedgerError` if a check fails, if a result other than a definition or an assumption has none, or if the
    label was used by another cell; TypeError for what is no equation of `hesslib.calculus`; ValueError for one that
    numbers itself.

    >>> from sympy import Symbol
    >>> from hesslib.calculus.equation import defined
    >>> state("twice", defined(Symbol("b"), 2 * Symbol("a")))
    (twice)  b = 2 a
    definition.
    >>> forget()
    """
    checks = [*getattr(formula, "checks", ()), *checks]
    record: dict[str, Any] = {
        "label": label,
        "source": source,
        "established": _kind(label, getattr(formula, "established", None), established),
        "checks": [_check_row(label, check) for check in checks],
        "scope": scope,
        "note": note,
        "uses": [expand(line) for line in getattr(formula, "uses", ())],
    }
    if decided := _count_decided(checks):
        record["decided"] = decided
    if program := getattr(formula, "program", ""):
        record["program"] = program
    tex = _tex(label, formula)
    if shell() is not None and (sheet := sheet_of(formula)):
        record["sheet"] = sheet
    _enter(label, record)
    _display.show_equation(label, tex, record)


def claim(
    id: str,
    verdict: str,
    text: str,
    /,
    *,
    source: str = "",
    established: str = "computed",
    checks: Iterable[Any] = (),
) -> None:
    """Settle claim `id` of a source: show a row with its verdict, and record it.

    Parameters
    ----------
    id
        Capitals, hyphen, number, such as ``"HW-25"``.
    verdict
        A key of `VERDICTS`.
    text
        One or two sentences of MyST.
    source
        By default the capitals of the id.
    established
        ``"computed"`` needs at least one check, ``"reading"`` none.

    Shapes: none; nothing is returned.
    Cost: none to speak of.
    Errors: `LedgerError` as for `state`.

    >>> claim("A-1", "OK", "As printed.", established="reading")
    A-1 OK. As printed.
    >>> forget()
    """
    match = CLAIM.fullmatch(id)
    record: dict[str, Any] = {
        "id": id,
        "source": source or (match[1] if match else ""),
        "verdict": verdict,
        "established": established,
        "checks": [_check_row(id, check) for check in checks],
        "text": text,
    }
    _enter(id, record)
    _display.show_claim(record)


def settle(*claims: tuple[str, str, Iterable[Any], str]) -> None:
    """Settle several claims, a row for each: id, verdict, checks, text. What has no checks was settled by reading.

    Shapes: none; nothing is returned.
    Cost: none to speak of.
    Errors: `LedgerError` as for `state`.

    >>> settle(("A-1", "OK", [], "As printed."), ("A-2", "WRONG", [compare("fingers", 1 + 1, 2)], "It is 2."))
    A-1 OK. As printed.
    A-2 WRONG. fingers: exact. It is 2.
    >>> forget()
    """
    for id, verdict, checks, text in claims:
        proofs = list(checks)
        claim(id, verdict, text, checks=proofs, established="computed" if proofs else "reading")


def faults(record: dict[str, Any], /) -> list[str]:
    """Everything that is wrong with a record, in words; an empty list if it may stand.

    Shapes: a list of sentences.
    Cost: one look at each check.
    Errors: KeyError if a check of the record has not the keys of one.

    >>> faults({"label": "Backprop", "source": "", "established": "derived", "checks": []})
    ["label is 'Backprop'; it must be lower-case letters and digits joined by single hyphens", 'derived, but no check']
    """
    found = []
    established = record.get("established")
    if "verdict" in record:
        if not CLAIM.fullmatch(str(record.get("id"))):
            found.append(f"id is {record.get('id')!r}; it must be capitals, a hyphen and a number, such as 'HW-25'")
        if record["verdict"] not in VERDICTS:
            found.append(f"verdict is {record['verdict']!r}; it must be one of {', '.join(VERDICTS)}")
        if established not in ("computed", "reading"):
            found.append(f"established is {established!r}; it must be 'computed' or 'reading'")
        if not record.get("text"):
            found.append("text is empty; it must say what is right")
    else:
        if not LABEL.fullmatch(str(record.get("label"))):
            found.append(
                f"label is {record.get('label')!r}; it must be lower-case letters and digits joined by single hyphens"
            )
        if established not in KINDS:
            found.append(f"established is {established!r}; it must be one of {', '.join(KINDS)}")
        if established == "approximation" and not record.get("note"):
            found.append("approximation without a note; say what was dropped, how large it is, when it is exact")
    found += _find_decided_faults(record.get("decided"))
    checks = record.get("checks", [])
    if established in NEEDS_CHECK and not checks:
        found.append(f"{established}, but no check")
    for row in checks:
        check = Check(row["oracle"], row["agreement"], row["tolerance"])
        if not (check.passed and row["passed"] is True):
            found.append(f"check failed: {check}")
    return found


def _count_decided(checks: list[Any]) -> dict[str, Any]:
    """How many links of the chain were decided, how many of them twice, and why the others were not."""
    if not any(hasattr(check, "decider") for check in checks):
        return {}
    from hesslib.calculus.decision import summary

    return summary(checks)


def _find_decided_faults(decided: Any) -> list[str]:
    """What is wrong with what a record says of its links."""
    if decided is None:
        return []
    try:
        fits = decided["links"] == decided["twice"] + sum(decided["once"].values())
    except (KeyError, TypeError, AttributeError):
        fits = False
    return [] if fits else [f"decided is {decided!r}; the links decided twice and once must add up to all of them"]


def forget(label: str | None = None, /) -> None:
    """Free a label (or all of them) for use by another cell of the running notebook.

    Shapes: none; nothing is returned.
    Cost: none.
    Errors: none; a label that was not taken is free already.

    >>> forget("one-and-one")
    """
    if label is None:
        _seen.clear()
    else:
        _seen.pop(label, None)


def _enter(label: str, record: dict[str, Any]) -> None:
    """Refuse a record with faults, or one whose label another cell has taken; remember the rest."""
    found = faults(record)
    if found:
        raise LedgerError("\n".join(f"{label}: {fault}" for fault in found))
    here, before = execution(), _seen.get(label)
    if before is not None and not here.repeats(before):
        raise LedgerError(
            f"{label}: stated already in this notebook; choose another label, "
            f"or call ledger.forget({label!r}) if you have moved it to another cell"
        )
    _seen[label] = here


def _kind(label: str, formula: str | None, argument: str | None) -> str | None:
    """How a result is established, from what its formula says of itself and what the author says."""
    if formula is None and argument in ("derived", "instance"):
        raise LedgerError(f"{label}: established is {argument!r}, but the formula does not say so itself")
    if formula is None or argument is None or formula == argument:
        return argument or formula
    if formula == "approximation" or argument in ("derived", "instance"):
        raise LedgerError(f"{label}: established is {argument!r}, but the formula itself says {formula!r}")
    return argument


def _check_row(label: str, check: Any) -> dict[str, Any]:
    """A check as the ledger writes it."""
    try:
        check = Check(check.oracle, check.agreement, check.tolerance)
    except AttributeError:
        raise TypeError(f"{label}: checks holds {check!r}; it must hold what ledger.compare returns") from None
    # JSON knows neither NaN nor infinity; a failed check is refused before it is written
    return {
        "oracle": check.oracle,
        "agreement": check.agreement,
        "tolerance": check.tolerance,
        "passed": check.passed,
    }


def _tex(label: str, formula: Any) -> str:
    """The body of the display, from an object that typesets itself."""
    if isinstance(formula, str):
        raise TypeError(
            f"{label}: formula is a typed string; it must be an object with .latex(), "
            "so that what is shown is what was checked"
        )
    if not isinstance(formula, Displayed) or not type(formula).__module__.startswith("hesslib."):
        raise TypeError(
            f"{label}: formula is a {type(formula).__name__}; it must be an equation of hesslib.calculus "
            "(a chain of Steps, a Formula, an Equation), whose sides are SymPy and which says how it is known"
        )
    tex = formula.latex()
    if not isinstance(tex, str) or not tex.strip():
        raise ValueError(f"{label}: formula.latex() gave {tex!r}; it must be the body of a display")
    for forbidden in ("$$", r"\[", r"\tag", r"\label", r"\begin{equation", r"\begin{align}", r"\begin{align*}"):
        if forbidden in tex.replace(r"\\[", ""):  # a row may end in \\[2pt]
            raise ValueError(
                f"{label}: formula.latex() contains {forbidden}; it must be the body of a display "
                "(aligned is fine), numbered by the book; a number in the source goes to source="
            )
    return tex
