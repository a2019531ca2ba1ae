r"""A second decider, beside the normal form: both sides of an equality are evaluated, and the numbers compared.

It shares no code with the normal form. In each of several *worlds* (:mod:`.worlds`) every size and every index is a
small number, and every quantity has a random value in a large prime field (:mod:`.prime_field`). A false identity of
degree d, at the sizes and indices of a world, survives that world with probability d / 2^60. Where the sides differ
they are evaluated once more, with small real numbers and true functions: only numbers that differ make the answer
"different".

Longer than one sitting: the second decider, whole, so that it can be read and trusted by itself.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import sympy as sp
from sympy import Expr

from .evaluation import World
from .index import Diff
from .prime_field import NoRootError, NoValueError, Reals, Residues, UndecidableError, as_text
from .trial_values import Letters, coincidences, worlds

__all__ = ["Answer", "Counterexample", "compare"]


@dataclass(frozen=True)
class Counterexample:
    """Numbers at which two formulas differ: sizes and indices, the values of a few quantities, and both sides.

    >>> str(Counterexample({}, {"x": "2"}, "4", "5"))
    'at x = 2: 4 against 5'
    """

    integers: dict[Expr, int]
    values: dict[str, str]
    left: str
    right: str
    gap: str = ""  # right minus left, where the two are printed alike

    def __str__(self) -> str:
        at = ", ".join(f"{name} = {value}" for name, value in (self.integers | self.values).items())
        gap = f" ({self.gap})" if self.gap else ""
        return (f"at {at}: " if at else "") + f"{self.left} against {self.right}{gap}"

    def latex(self) -> str:
        """The sizes and indices, and both sides, for a row of a display."""
        from .latex import tex

        at = r",\ ".join(f"{tex(name)}={value}" for name, value in self.integers.items())
        gap = rf"\quad\text{{({self.gap})}}" if self.gap else ""
        return (rf"\text{{at }}{at}\text{{: }}" if at else "") + rf"{self.left}\neq{self.right}{gap}"


@dataclass(frozen=True)
class Answer:
    """``word`` is "equal", "different" (at the ``counterexample``), "undecided" or "undefined" (for the ``reason``).

    >>> compare(sp.Symbol("x"), sp.Symbol("x")).word
    'equal'
    """

    word: str
    reason: str = ""
    counterexample: Counterexample | None = None


WORLDS = 9
ROOTS = 300
"""In how many worlds to look for one in which every radicand has a root."""
MOST_VALUES = 6
"""How many quantities a counterexample lists."""


def compare(x: Any, y: Any, /, *around: Any, name: str = "") -> Answer:
    """Whether two formulas have the same value, in every world that is tried.

    ``around`` are formulas in the same letters, such as the other members of a chain: they may say how far one runs.
    ``name`` is the seed.

    >>> from .index import S, Tensor
    >>> N = sp.Symbol("N", integer=True)
    >>> x = Tensor("x", shape=(N,))
    >>> square, squares = S("k", N, lambda k: x[k]) ** 2, S("k", N, lambda k: x[k] ** 2)
    >>> compare(square, squares).word, compare(square, x[1] * S("k", N, lambda k: x[k])).word
    ('different', 'different')
    >>> compare(1 / (x[1] * (1 + x[1])), 1 / x[1] - 1 / (1 + x[1])).word
    'equal'
    """
    x, y, *others = _with_numbered_letters([sp.sympify(e) for e in (x, y, *around)])
    try:
        return _compare(x, y, others, name)
    except UndecidableError as reason:
        return Answer("undecided", str(reason))
    except RecursionError:
        return Answer("undecided", "it is nested deeper than the interpreter's stack, or defined by itself")


def told_apart(x: Expr, y: Expr, /) -> bool:
    """Whether two formulas have different values in one of five worlds: a quick look, which spares the normal forms.

    >>> told_apart(sp.Symbol("x"), sp.Symbol("y")), told_apart(sp.Symbol("x"), sp.Symbol("x"))
    (True, False)
    """
    x, y = _with_numbered_letters([x, y])
    letters = Letters([x, y])
    for world in itertools.islice(worlds(letters, letters.candidates(), 5, ""), 5):
        with contextlib.suppress(NoValueError, OverflowError, UndecidableError, RecursionError):
            if world.value(x) != world.value(y):
                return True
    return False


def _with_numbered_letters(formulas: Sequence[Expr]) -> list[Expr]:
    """The formulas with plain letters for the dummies that are free in them.

    A dummy is told from others by how many there were before it; the answer must not depend on that.
    """
    dummies: dict[Expr, None] = {}
    for e in formulas:
        free = {s for s in e.free_symbols if isinstance(s, sp.Dummy)}
        dummies |= dict.fromkeys(sorted(free, key=lambda s: s.dummy_index))
    names = {s: sp.Symbol(f"_{s.name}{n}", **s.assumptions0) for n, s in enumerate(dummies, 1)}
    return [e.xreplace(names) for e in formulas] if names else list(formulas)


def _compare(x: Expr, y: Expr, around: Iterable[Expr], name: str) -> Answer:
    letters = Letters([x, y])
    neighbours = Letters(around if letters.others else ())
    for s in [s for s in letters.others if s in neighbours.slots]:
        letters.slots[s] = neighbours.slots[s]
        letters.others.pop(s)
    candidates = letters.candidates()
    wanted = max(WORLDS, len(candidates), 1 + len(coincidences(len(letters.free))))
    same, differing, why = 0, [], "no numbers were tried"
    for world in worlds(letters, candidates, 4 * wanted, name):
        try:
            here = world
            for attempt in range(ROOTS):
                try:
                    equal_here = here.value(x) == here.value(y)
                    break
                except NoRootError:
                    here = world.with_numbers(Residues(f"{world.name} {attempt}"))
            else:
                why = "no world was found in which all its roots exist"
                continue
        except NoValueError as no_value:
            why = f"it has no value: {no_value}"
            continue
        except OverflowError:
            why = "it has too many terms"
            continue
        if not equal_here:
            differing.append(world)
            if (found := counterexample(x, y, world)) is not None:
                return Answer("different", counterexample=found)
        else:
            same += 1
        if same + len(differing) >= wanted:
            break
    if differing:
        why = "its functions have arbitrary values there, which differ, and no real numbers were found that do"
        return Answer("undecided", why)
    if same < (wanted + 1) // 2:
        return Answer("undefined" if why.startswith("it has no value") else "undecided", why)
    return Answer("equal")


def counterexample(x: Expr, y: Expr, world: World) -> Counterexample | None:
    """Real numbers at which the sides differ, with the sizes and indices of ``world``; None if none are found."""
    tolerance = mpmath.mpf(10) ** (-8 if x.has(Diff) or y.has(Diff) else -60)  # difference quotients are not exact
    with mpmath.workdps(Reals.DIGITS):
        for attempt in range(10):
            there = world.with_numbers(Reals(f"{world.name} {attempt}", positive=attempt % 2 == 1))
            try:
                left, right = there.value(x), there.value(y)
            except (NoValueError, OverflowError):
                continue
            if abs(left - right) > tolerance * max(1, abs(left), abs(right)):
                drawn = there.numbers.drawn
                values = {named(key): str(drawn[key]) for key in drawn} if len(drawn) <= MOST_VALUES else {}
                widths = {base[layer]: units for (_, layer), (base, units) in world.drawn_widths.items()}
                integers = {**world.integers, **dict(sorted(widths.items(), key=str))}
                one, other = as_text(left), as_text(right)
                gap = f"{mpmath.nstr(right - left, 3)} apart" if one == other else ""
                return Counterexample(integers, values, one, other, gap)
    return None


def named(key: tuple[Any, ...]) -> str:
    """The name of a quantity in words."""
    kind, *rest = key
    if kind in ("entry", "symmetric"):
        name, layers, slots = rest
        return f"{name.split(chr(39))[1] if name.startswith('(') else name}[{', '.join(map(str, (*layers, *slots)))}]"
    if kind == "derivative":
        return f"d {named(rest[0])} by {', '.join(named(which) for _, which in rest[1:])}"
    if kind == "coefficient":
        return f"coefficient {rest[-1]} of {rest[0]}"
    return str(rest[-1])
