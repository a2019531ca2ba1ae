r"""Several proved formulas in one display: a list of them, or two lists that mirror each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .decision import combined
from .display import Displayed, aligned
from .equation import Equation
from .held_fixed import require_one_meaning
from .latex import lines, tex
from .provenance import Ground, Grounds
from .steps import Formula, Steps

if TYPE_CHECKING:
    from hesslib.agreement import Check

__all__ = ["Mirrored", "Together"]


class _Several(Displayed):
    """What a display of several formulas says of itself: how they are established, and all their checks."""

    def __init__(self, *proved: Formula | Steps | Equation) -> None:
        kinds = {f.established for f in proved}
        if kinds == {"derived", "conditional"}:
            kinds = {"conditional"}  # together they are known as the weaker of the two
        if len(kinds) != 1:
            raise ValueError(f"the formulas are {', '.join(sorted(kinds)) or 'none'}; they must be of one kind")
        (self.established,) = kinds
        self.program = self.program or ", ".join(dict.fromkeys(f.program for f in proved if f.program))
        self.grounds = Grounds([g for f in proved for g in getattr(f, "grounds", ())])
        self.checks: tuple[Check, ...] = combined([check for f in proved for check in f.checks])

    @property
    def uses(self) -> tuple[str, ...]:
        """What the formulas rest on, as the ledger prints it."""
        return self.grounds.lines


class Together(_Several):
    r"""Formulas of one kind, one below the other.

    Errors: ValueError if they are not established in the same way.

    >>> from sympy.abc import x, y
    >>> print(Together(Formula(y, x), Formula(x, y)).latex())
    \begin{aligned}
    y &= x \\
    x &= y
    \end{aligned}
    """

    def __init__(self, *formulas: Formula | Steps | Equation) -> None:
        super().__init__(*formulas)
        self.formulas = tuple(f.formula() if isinstance(f, Steps) else f for f in formulas)

    def latex(self) -> str:
        rows = []
        for f in self.formulas:
            if isinstance(f, Equation):
                left, right = f.sides()
                rows.append(f"{left} &{f.relation} {right}")
                continue
            first, *rest = lines(f.rhs)
            rows += [f"{tex(f.lhs)} &{f.relation} {first}", *[rf"&\quad {term}" for term in rest]]
        return aligned(rows)


class Mirrored(_Several):
    r"""Formulas in two columns: on the left the known ones, on the right what is stated of them now.

    The display is known as its right column is; the left column repeats results stated elsewhere. A definition or an
    assumption among them is recorded with what the display rests on.

    Errors: ValueError if the right ones are not established in the same way, or a left one is less than known;
    `ContradictionError` for a left definition other than that on which the right one rests.

    >>> from sympy.abc import x, y
    >>> print(Mirrored((Formula(y, x), Formula(x, y))).latex())
    \begin{aligned}
    y &= x &\qquad x &= y
    \end{aligned}
    """

    def __init__(self, *pairs: tuple[Formula | Steps, Formula | Steps]) -> None:
        super().__init__(*[right for _, right in pairs])
        for known, _ in pairs:
            if known.established in ("approximation", "conditional") and known.established != self.established:
                raise ValueError(
                    f"a formula of the left column is {known.established}, the right one {self.established}"
                )
            kind = {"definition": "definition", "assumption": "fact"}.get(known.established)
            if kind and self.established not in ("definition", "assumption"):
                self.grounds.add(Ground(kind, known.lhs, known.result))
        require_one_meaning(self.grounds)
        self.pairs = tuple(
            tuple(side.formula() if isinstance(side, Steps) else side for side in pair) for pair in pairs
        )

    def latex(self) -> str:
        rows = []
        for known, new in self.pairs:
            left = [f"{tex(known.lhs)} &{known.relation} {tex(known.rhs)}"]
            first, *rest = lines(new.rhs)
            right = [f"{tex(new.lhs)} &{new.relation} {first}", *[rf"&\quad {term}" for term in rest]]
            left += ["&"] * (len(right) - 1)
            rows += [rf"{one} &\qquad {other}" for one, other in zip(left, right, strict=True)]
        return aligned(rows)
