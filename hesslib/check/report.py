"""The report of a check: verdict, referees, diagnosis, and where the error is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hesslib.check import as_html, as_text
from hesslib.check.diagnosis import Diagnosis
from hesslib.check.location import BlockError
from hesslib.check.verdict import RIGHT, WRONG


class DerivativeError(AssertionError):
    """A derivative that is not right, or cannot be told to be; its message is the report, and `report` is it.

    >>> import numpy as np
    >>> from hesslib import check
    >>> try:
    ...     check.gradient(lambda x: (x**2).sum(), np.ones(2), np.ones(2)).raise_for_error()
    ... except check.DerivativeError as error:
    ...     print(error.report.verdict)
    wrong
    """

    def __init__(self, report: Report) -> None:
        super().__init__(f"\n{report}")
        self.report = report


@dataclass(frozen=True)
class Referee:
    """One line of the bench: who, at what cost, with what error of its own, and how far the claimed result is off.

    >>> Referee("closed form", "none", 1e-12, 0.5, 1e-11, True, "all").passed
    False
    """

    name: str  # who, and in which order of composition or by which method
    cost: str  # in words, such as the number of evaluations
    tolerance: float  # its own error, relative to the size of the block, as the two below
    distance: float  # of the claimed result from its own, in the entry that is furthest off
    allowed: float  # what the distance may be: both errors together
    trusted: bool  # False for one that contradicts the others
    seen: str  # all entries, or through which sample it looked
    silent: bool = False  # its own error is of the order of the result: it has no vote

    @property
    def passed(self) -> bool:
        """Whether the claimed result is as close as is allowed, in every entry."""
        return self.distance <= self.allowed

    @property
    def says(self) -> str:
        """Whether it agrees, in words."""
        if self.silent:
            return "cannot tell, its own error is of the order of the result"
        return ("agrees" if self.passed else "differs") + ("" if self.trusted else ", not trusted")


@dataclass(frozen=True)
class Report:
    """What a check found. It is true if and only if the claimed result is right, so that ``assert`` works on it.

    A result of which only sampled entries were looked at is not called right, and is not true.

    It prints as text, shows as HTML in a notebook, and `to_json` gives all of it.

    Shapes: words and numbers only, whatever was checked.
    Cost: nothing is computed after the check.
    Errors: `DerivativeError` from `raise_for_error` alone.

    >>> import numpy as np
    >>> from hesslib import check
    >>> report = check.gradient(lambda x: (x**2).sum(), np.ones(2), np.ones(2))
    >>> report.ok, report.verdict, report.kinds
    (False, 'wrong', ('constant-factor',))
    """

    quantity: str  # what was checked, in words
    problem: str  # of what, in words
    verdict: str  # "right", "wrong", "cannot tell", or "right in the sample" if single entries were not looked at
    diagnoses: tuple[Diagnosis, ...]  # what the mistake most likely is; more than one if none stands out
    referees: tuple[Referee, ...]  # who was asked, and what they found
    declined: tuple[str, ...]  # who could not answer, and why
    agreement: str  # how the referees stand to each other
    sampling: str  # what a sample may miss; empty if all was seen
    blocks: tuple[BlockError, ...]  # the error in each block of parameters
    omitted: tuple[str, ...] = ()  # what mistakes were not looked for in a wrong result, and why

    @property
    def ok(self) -> bool:
        """Whether the verdict is "right"."""
        return self.verdict == RIGHT

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of all diagnoses, each once."""
        return tuple(dict.fromkeys(kind for diagnosis in self.diagnoses for kind in diagnosis.kinds))

    @property
    def tolerance(self) -> float:
        """What the most precise trusted referee allows, relative to the size of the block."""
        return min((referee.allowed for referee in self.referees if referee.trusted), default=float("inf"))

    def __bool__(self) -> bool:
        return self.ok

    def raise_for_error(self) -> Report:
        """Return the report if the result is right; else raise `DerivativeError` with it."""
        if not self.ok:
            raise DerivativeError(self)
        return self

    def __str__(self) -> str:
        return as_text.text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_html.page(self)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers, strings and lists; what is not finite as None."""
        return {
            "quantity": self.quantity,
            "problem": self.problem,
            "verdict": self.verdict,
            "ok": self.ok,
            "wrong": self.verdict == WRONG,
            "diagnoses": [
                {
                    "kinds": list(d.kinds),
                    "says": d.says,
                    "where": d.where,
                    "explained": d.explained,
                    "before": _finite(d.before),
                    "after": _finite(d.after),
                    "evidence": d.evidence,
                }
                for d in self.diagnoses
            ],
            "referees": [
                {
                    "name": r.name,
                    "cost": r.cost,
                    "tolerance": _finite(r.tolerance),
                    "distance": _finite(r.distance),
                    "allowed": _finite(r.allowed),
                    "passed": r.passed,
                    "trusted": r.trusted,
                    "seen": r.seen,
                }
                for r in self.referees
            ],
            "declined": list(self.declined),
            "agreement": self.agreement,
            "sampling": self.sampling,
            "blocks": [
                {"names": list(b.names), "error": _finite(b.error), "excess": _finite(b.excess)} for b in self.blocks
            ],
            "omitted": list(self.omitted),
        }

    def to_json(self, *, indent: int | None = None) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)


def _finite(number: float) -> float | None:
    return float(number) if abs(number) < float("inf") else None
