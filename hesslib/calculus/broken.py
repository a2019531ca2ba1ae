r"""A formula whose sum is broken into rows, one term in each: for a phone, however short its terms are."""

from __future__ import annotations

from collections.abc import Sequence

from .latex import IndexPrinter, _signed, letters, tex
from .steps import Formula, Steps, _aligned, _Displayed


class Broken(_Displayed):
    """The same equation as ``formula``, known as it is known, with the terms of its right side one below the other.

    ``rows`` says how many terms go into each row; by default one.
    """

    def __init__(self, formula: Formula | Steps, /, rows: Sequence[int] = ()) -> None:
        self.formula = formula.formula() if isinstance(formula, Steps) else formula
        self.established, self.checks = self.formula.established, self.formula.checks
        self.rows = rows

    def latex(self) -> str:
        terms = IndexPrinter().terms(letters(self.formula.rhs))
        signed = [terms[0], *map(_signed, terms[1:])]
        counts = list(self.rows) or [1] * len(terms)
        if sum(counts) != len(terms):
            raise ValueError(f"rows is {counts}; it must count the {len(terms)} terms of the right side")
        broken = [" ".join(signed[sum(counts[:p]) : sum(counts[: p + 1])]) for p in range(len(counts))]
        first, *rest = broken
        return _aligned([f"{tex(self.formula.lhs)} &{self.formula.relation} {first}", *[rf"&\quad {x}" for x in rest]])
