r"""The decision whether two formulas are equal: by normal form and by evaluation, and both must say the same.

| normal form | evaluation | decision |
|---|---|---|
| equal | equal | equal, decided twice |
| equal | undecided | equal, decided once, and the reason why |
| equal | different, or no value | an error that names both answers |
| not the same | different, at these numbers | different |
| not the same | equal, or undecided | undecided |

The normal form proves equality only: two normal forms that differ may belong to equal formulas. A difference is proved
by numbers. What is undecided is refused, and is not called false.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from hesslib.agreement import Check

from .comparison import Counterexample, compare
from .denominators import MayVanishError
from .normal import equal

__all__ = ["Decision", "DisagreementError", "Links", "decide", "decided", "summary"]


class DisagreementError(RuntimeError):
    """The two deciders contradict each other: one of them has a fault, and nothing may rest on its answer."""


@dataclass(frozen=True)
class Decision:
    """``word`` is "equal", "different" or "undecided"; the ``reason`` says why it is undecided, or was decided once.

    >>> decide(sp.Symbol("x"), sp.Symbol("y")).word
    'different'
    """

    word: str
    reason: str = ""
    counterexample: Counterexample | None = None


def decide(x: Any, y: Any, /, *around: Any) -> Decision:
    """Whether two formulas are equal, decided by normal form and by evaluation.

    ``around`` are formulas in the same letters, such as the other members of a chain, which may say how far one runs.

    Errors: `DisagreementError`; `RangeError` and `WorkLimitError` of the normal form.

    >>> from sympy.abc import x, y
    >>> decide(2 * x, x + x).word, decide(x, y).word, decide(sp.sin(x) ** 2 + sp.cos(x) ** 2, 1).word
    ('equal', 'different', 'undecided')
    """
    x, y = sp.sympify(x), sp.sympify(y)
    reason = "the normal forms differ"
    try:
        same = equal(x, y, around)
    except MayVanishError as unknown:
        same, reason = False, str(unknown)
    second = compare(x, y, *map(sp.sympify, around))
    if same and second.word in ("different", "undefined"):
        found = f"they differ {second.counterexample}" if second.counterexample else second.reason
        raise DisagreementError(f"{x} = {y}: the normal forms are the same, but by evaluation {found}")
    if same:
        return Decision("equal", second.reason)
    if second.word == "different":
        return Decision("different", counterexample=second.counterexample)
    if second.word == "equal":
        return Decision("undecided", f"{reason}, but the values agree wherever they were compared")
    return Decision("undecided", f"{reason}, and by evaluation {second.reason}")


NORMAL_FORM, VALUES, ONCE = "normal form", "values in a prime field", "decided by normal form alone"


@dataclass(frozen=True)
class Links(Check):
    """The record of the links that one decider found to hold; or of those that only one could decide, and why.

    >>> str(Links.of(VALUES, 2))
    'values in a prime field, 2 links: exact'
    """

    decider: str = ""
    count: int = 0
    reason: str = ""

    @classmethod
    def of(cls, decider: str, count: int, reason: str = "") -> Links:
        """The record of ``count`` links; a decision is exact, or it would have raised."""
        why = f" ({reason})" if reason else ""
        return cls(f"{decider}, {count} link{'s' * (count != 1)}{why}", 0.0, 0.0, decider, count, reason)


def decided(decisions: Sequence[Decision], /) -> tuple[Check, ...]:
    """What the ledger records of links that hold.

    >>> [check.oracle for check in decided([Decision("equal"), Decision("equal", "an integral")])]
    ['normal form, 2 links', 'values in a prime field, 1 link', 'decided by normal form alone, 1 link (an integral)']
    """
    rows = [Links.of(NORMAL_FORM, 1) for _ in decisions]
    rows += [Links.of(VALUES, 1) for d in decisions if not d.reason]
    return combined([*rows, *[Links.of(ONCE, 1, d.reason) for d in decisions if d.reason]])


def combined(checks: Sequence[Check], /) -> tuple[Check, ...]:
    """The records of several chains as those of one, then the other checks."""
    rows = [check for check in checks if isinstance(check, Links)]
    counts = Counter[tuple[str, str]]()
    for row in rows:
        counts[row.decider, row.reason] += row.count
    summed = [Links.of(decider, count, reason) for (decider, reason), count in counts.items()]
    summed.sort(key=lambda row: (NORMAL_FORM, VALUES, ONCE).index(row.decider))
    return (*summed, *[check for check in checks if not isinstance(check, Links)])


def summary(checks: Sequence[Check], /) -> dict[str, Any]:
    """How many links were decided, how many of them twice, and why the others only once; empty if there are none.

    >>> summary(decided([Decision("equal"), Decision("equal", "an integral")]))
    {'links': 2, 'twice': 1, 'once': {'an integral': 1}}
    """
    rows = [check for check in combined(checks) if isinstance(check, Links)]
    number = {row.decider: row.count for row in rows}
    if not rows:
        return {}
    once = {row.reason: row.count for row in rows if row.decider == ONCE}
    return {"links": number.get(NORMAL_FORM, 0), "twice": number.get(VALUES, 0), "once": once}
