r"""Equations between ordinary SymPy expressions: definitions, and what SymPy decides, as the calculus of indices does.

    square = proved(Integral(x, (x, 0, t)), t**2 / 2)
    root = solution(x, sqrt(2), x**2 - 2)

The index calculus is for sums with symbolic sizes. Integrals, series, matrices of functions and scalar formulas are
SymPy's own; a page states them through this class alone. Its sides are SymPy, never text; ``derived`` is said of an
equation whose difference came out as zero, and of nothing else.

Longer than one sitting: one constructor for each way in which an equation is known.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy import Basic, MatrixBase
from sympy.core.function import AppliedUndef

from .display import Displayed
from .provenance import Ground, Grounds

if TYPE_CHECKING:
    from hesslib.agreement import Check

__all__ = ["Equation", "approximation", "assumed", "defined", "expansion", "proved", "solution", "unequal"]

RELATIONS = {"definition": "=", "assumption": "=", "derived": "=", "approximation": r"\simeq", "refused": r"\neq"}
"""The sign that each kind prints."""


SIMPLIFIERS = ("simplify", "expand", "factor", "radsimp", "trigsimp", "powsimp", "logcombine", "gammasimp", "cancel")
"""SymPy's own, by name; a chapter brings none of its own."""


class Equation(Displayed):
    r"""One equation, ``lhs relation rhs``, between SymPy expressions or matrices.

    It is made by `defined`, `assumed`, `proved`, `solution`, `expansion`, `approximation` and `unequal`, which say how
    it is known.

    Shapes: sides are scalars, or matrices of one shape.
    Cost: none; the function that made it has decided.
    Errors: TypeError if a side is text; ValueError if both sides are the same object written twice.

    >>> x = sp.Symbol("x")
    >>> print(defined(sp.Symbol("y"), x**2).latex())
    y = x^{2}
    """

    SEALED = frozenset({"lhs", "rhs", "established", "relation", "checks", "order", "grounds"})

    def __init__(self, lhs: Any, rhs: Any, /, *, established: str = "definition") -> None:
        if established not in ("definition", "assumption"):
            raise ValueError(f"established is {established!r}; by hand an equation is a definition or an assumption")
        self.lhs, self.rhs, self.established, self.relation = lhs, rhs, established, RELATIONS[established]
        self.checks: tuple[Check, ...] = ()
        self.order: Any = None
        self.grounds = Grounds()

    @classmethod
    def _known(
        cls,
        lhs: Any,
        rhs: Any,
        established: str,
        checks: tuple[Check, ...],
        order: Any = None,
        where: Mapping[Any, Any] | None = None,
    ) -> Equation:
        """An equation that one of the functions below has decided, with the meanings that it inserted."""
        found = cls(lhs, rhs)
        grounds = Grounds(Ground("definition", name, meaning) for name, meaning in (where or {}).items())
        vars(found).update(
            established=established, relation=RELATIONS[established], checks=checks, order=order, grounds=grounds
        )
        return found

    @property
    def uses(self) -> tuple[str, ...]:
        """What the equation rests on, as the ledger prints it."""
        return self.grounds.lines

    def latex(self) -> str:
        if self.order is not None:
            return _series(self.lhs, self.rhs, self.order)
        left, right = self.sides()
        return f"{left} {self.relation} {right}"

    def sides(self) -> tuple[str, str]:
        """The LaTeX of either side; several equations in one display are aligned between them."""
        rest = "" if self.order is None else rf" + O\left({sp.latex(self.order)}\right)"
        return sp.latex(self.lhs), sp.latex(self.rhs) + rest

    @property
    def result(self) -> Any:
        """The right-hand side."""
        return self.rhs


def defined(lhs: Any, rhs: Any, /) -> Equation:
    """The equation that gives `lhs` its meaning.

    >>> defined(sp.Symbol("s"), sp.Symbol("x") + 1).established
    'definition'
    """
    return Equation(*_sides(lhs, rhs))


def assumed(lhs: Any, rhs: Any, /) -> Equation:
    """An equation that is taken for granted.

    >>> assumed(sp.Symbol("s"), sp.Symbol("x") + 1).established
    'assumption'
    """
    return Equation(*_sides(lhs, rhs), established="assumption")


def proved(
    lhs: Any,
    rhs: Any,
    /,
    *,
    where: Mapping[Any, Any] | None = None,
    by: str = "simplify",
    why: str = "",
) -> Equation:
    r"""The equation, once SymPy finds the difference of its sides to be zero.

    ``where`` says what the names on either side stand for; it is inserted, integrals, sums and derivatives are carried
    out, and SymPy's function of the name ``by`` simplifies the difference. Where both sides have a number at a point
    drawn at random, the numbers are compared as well, to 30 digits.

    Errors: `NotEqualError`, with the difference that is left, if it is not zero; ValueError for a name ``by`` that is
    not one of `SIMPLIFIERS`: a rewriting of one's own could prove anything.

    >>> x, t = sp.symbols("x t")
    >>> proved(sp.Integral(x, (x, 0, t)), t**2 / 2).established
    'derived'
    >>> proved(x, x)
    Traceback (most recent call last):
    ...
    ValueError: both sides are x; an equation must say something
    """
    left, right = _sides(lhs, rhs)
    if by not in SIMPLIFIERS:
        raise ValueError(f"by is {by!r}; it must be one of {', '.join(SIMPLIFIERS)}")
    one, other = _inserted(left, where or {}), _inserted(right, where or {})
    rest = _simplified(one - other, getattr(sp, by))
    if _is_zero(rest):
        rest = _at_random(one, other)
    if not _is_zero(rest):
        from .steps import NotEqualError

        raise NotEqualError(f"{why or 'the equation'} does not hold: left minus right is {rest}", (), (rest,))
    return Equation._known(left, right, "derived", (_decided(why),), where=where)


def solution(
    unknown: Any, value: Any, condition: Any, /, *, where: Mapping[Any, Any] | None = None, why: str = ""
) -> Equation:
    r"""The equation ``unknown = value``, once the condition, which holds ``unknown``, is zero there.

    That there is no other solution is for the author to say.

    Errors: `NotEqualError` if ``value`` does not solve it; ValueError if the condition does not hold ``unknown``, or is
    zero whatever that is.

    >>> x = sp.Symbol("x", positive=True)
    >>> print(solution(x, sp.sqrt(2), x**2 - 2).latex())
    x = \sqrt{2}
    """
    left, right = _sides(unknown, value)
    condition = sp.sympify(condition)
    if not condition.has(left) or (isinstance(left, sp.Symbol) and left not in condition.free_symbols):
        raise ValueError(f"condition is {condition}; it must hold the unknown, {left}")
    if _is_zero(sp.simplify(_inserted(condition, where or {}))):
        raise ValueError(f"condition is {condition}; it is zero whatever {left} is")
    rest = sp.simplify(_inserted(_inserted(condition, where or {}).subs(left, right), where or {}))
    if not _is_zero(rest):
        from .steps import NotEqualError

        raise NotEqualError(f"{why or 'the solution'} does not hold: inserted, {rest} is left", (), (rest,))
    return Equation._known(
        left, right, "derived", (_decided(why or "the condition, with the solution inserted,"),), where=where
    )


def expansion(
    lhs: Any, rhs: Any, variable: Any, order: Any, /, *, where: Mapping[Any, Any] | None = None, why: str = ""
) -> Equation:
    r"""The equation ``lhs = rhs + O(variable^order)`` about zero, once the difference of its sides is of that order.

    The variable goes to zero from both sides, unless it is declared positive or negative. The right side is printed by
    ascending powers of the variable. The order may be a symbol; then the difference
    divided by ``variable^order`` must be a polynomial in the variable.

    Errors: `NotEqualError`, with the term of lower order, if there is one.

    >>> e = sp.Symbol("epsilon")
    >>> print(expansion(sp.exp(e), 1 + e, e, 2).latex())
    e^{\epsilon} = 1 + \epsilon + O\left(\epsilon^{2}\right)
    """
    left, right = _sides(lhs, rhs)
    rest = sp.expand(_inserted(left, where or {}) - _inserted(right, where or {}))
    if sp.sympify(order).is_Integer:
        rest = _lower_terms(rest, variable, order, why)
    elif sp.simplify(rest / variable**order).is_polynomial(variable):
        rest = sp.Integer(0)
    if not _is_zero(sp.simplify(rest)):
        from .steps import NotEqualError

        raise NotEqualError(f"{why or 'the expansion'} does not hold: it lacks {rest}", (), (rest,))
    return Equation._known(left, right, "derived", (_decided(why),), variable**order, where)


def _lower_terms(e: Any, variable: Any, order: Any, why: str) -> Any:
    """What is left of ``e`` below an order in the variable, on the side of zero where anything is."""
    if e.is_polynomial(variable):
        return sp.series(e, variable, 0, order).removeO()
    sides = [sign for sign, told in ((1, variable.is_negative), (-1, variable.is_positive)) if not told]
    for sign in sides:
        try:
            rest = sp.series(e.subs(variable, sign * variable), variable, 0, order).removeO()
        except (ValueError, NotImplementedError, sp.core.function.PoleError) as unknown:
            from .steps import NotEqualError

            raise NotEqualError(f"{why or 'the expansion'} is undecided: {e} has no series ({unknown})") from unknown
        rest = rest.subs(variable, sign * variable)
        if not _is_zero(sp.simplify(rest)):
            return rest
    return sp.Integer(0)


def approximation(lhs: Any, rhs: Any, /, *, checks: tuple[Check, ...]) -> Equation:
    r"""An equation that holds only nearly, printed with $\simeq$; the checks say how nearly, or where it is exact.

    Errors: ValueError if there is no check.

    >>> from hesslib.agreement import Check
    >>> x = sp.Symbol("x")
    >>> print(approximation(sp.sin(x), x, checks=(Check("x = 0", 0, 0),)).latex())
    \sin{\left(x \right)} \simeq x
    """
    if not checks:
        raise ValueError("checks is empty; an approximation must show how nearly it holds, or where it is exact")
    return Equation._known(*_sides(lhs, rhs), "approximation", tuple(checks))


def unequal(lhs: Any, rhs: Any, at: Mapping[Any, Any], /, *, why: str) -> Equation:
    r"""The refusal of ``lhs = rhs``: both are evaluated `at` a point where they differ, and it is printed with $\neq$.

    Errors: ValueError if they agree there, if one of them has no value there, or if the letters can't have such values.

    >>> x = sp.Symbol("x")
    >>> print(unequal((x + 1) ** 2, x**2 + 1, {x: 1}, why="no mixed term").checks[0].oracle)
    no mixed term: 4 against 2 at x = 1
    """
    from hesslib.agreement import Check

    left, right = _sides(lhs, rhs)
    for name, value in at.items():
        broken = [fact for fact, holds in _assumed(name) if getattr(sp.sympify(value), f"is_{fact}", None) is not holds]
        if broken:
            raise ValueError(f"{why}: {name} = {value} is not known to be {', '.join(broken)}, as {name} is declared")
    one, other = (sp.nsimplify(_inserted(side, {}), rational=True).subs(at).doit() for side in (left, right))
    for side in (one, other):
        if not (side.is_number and sp.N(side).is_finite):
            raise ValueError(f"{why}: one side is {side} at {at}; give a point where both sides have a value")
    if abs(sp.N(one - other, 50)) <= sp.Float(10) ** -40 * (1 + abs(sp.N(other, 50))):
        raise ValueError(f"{why}: both sides are {one} at {at}; give a point where they differ")
    point = ", ".join(f"{name} = {value}" for name, value in at.items())
    oracle = f"{why}: {one} against {other} at {point}"
    return Equation._known(left, right, "refused", (Check(oracle, 0.0, 0.0),))


def _assumed(name: Any) -> list[tuple[str, bool]]:
    """What a symbol is declared to be, as far as SymPy decides it of numbers."""
    told = getattr(name, "_assumptions_orig", {})
    return [(fact, holds) for fact, holds in told.items() if fact != "commutative"]


WIDE = 24
"""How many symbols of a series fit in one row."""


def _series(lhs: Any, rhs: Any, order: Any) -> str:
    """``lhs = rhs + O(order)`` by ascending powers of the variable, in rows that fit a phone."""
    from .display import aligned
    from .line_breaking import symbols

    left = sp.latex(lhs)
    first, *rest = [*_by_power(rhs, order.as_base_exp()[0]), rf"O\left({sp.latex(order)}\right)"]
    rest = [term if term.startswith("-") else f"+ {term}" for term in rest]
    whole = " ".join([first, *rest])
    if symbols(left) + symbols(whole) <= WIDE:
        return f"{left} = {whole}"
    if symbols(whole) <= WIDE:
        return aligned([f"&{left}", rf"&\quad = {whole}"])
    return aligned([f"&{left}", rf"&\quad = {first}", *[rf"&\qquad {{}}{term}" for term in rest]])


def _by_power(e: Any, x: Any) -> list[str]:
    """The terms of a series, each as number and power of the variable, then the rest of its coefficient."""
    collected: dict[Any, Any] = {}
    for term in sp.Add.make_args(sp.expand(e)):
        coefficient, power = term.as_independent(x)
        base, exponent = power.as_base_exp()
        if power != 1 and base != x:
            return [sp.latex(e)]  # no series in x
        exponent = sp.Integer(0) if power == 1 else exponent
        collected[exponent] = collected.get(exponent, 0) + coefficient
    if not all(exponent.is_Integer for exponent in collected):
        return [sp.latex(e)]
    if set(collected) == {0}:
        return [sp.latex(e)]
    printed = []
    for exponent in sorted(collected):
        number, rest = sp.factor_terms(collected[exponent]).as_coeff_Mul()
        front = sp.latex(number * x**exponent)
        inner = rf"\left({sp.latex(rest)}\right)" if rest.is_Add else sp.latex(rest)
        printed.append(front if rest == 1 else inner if front == "1" else rf"{front} \, {inner}")
    return printed


def _sides(lhs: Any, rhs: Any) -> tuple[Any, Any]:
    for name, side in (("lhs", lhs), ("rhs", rhs)):
        if isinstance(side, str) or not isinstance(side, (Basic, MatrixBase, int)):
            raise TypeError(f"{name} is a {type(side).__name__}; it must be a SymPy expression, never text")
    left, right = (sp.Integer(side) if isinstance(side, int) else side for side in (lhs, rhs))
    if left == right:
        raise ValueError(f"both sides are {left}; an equation must say something")
    return left, right


def _inserted(side: Any, where: Mapping[Any, Any]) -> Any:
    """The side with names replaced by what they stand for, and what is only written carried out."""
    functions = {name: meaning for name, meaning in where.items() if isinstance(name, AppliedUndef)}
    letters = {name: meaning for name, meaning in where.items() if name not in functions}
    for _ in range(len(where) + 1):  # a definition may use another
        side = side.xreplace(functions)  # not subs, which refuses a function beside a sum that is there already
        side = side.subs(letters)
    return side.doit()


def _simplified(e: Any, simplifier: Callable[[Any], Any]) -> Any:
    if e.has(sp.erfc):  # 1 - erf, which SymPy's simplifiers do not know
        e = e.replace(sp.erfc, lambda x: 1 - sp.erf(x))
    return e.applyfunc(simplifier) if isinstance(e, MatrixBase) else simplifier(e)


def _at_random(one: Any, other: Any) -> Any:
    """Zero if the sides have the same value at a random point, or none there; else by how much they differ."""
    draw = random.Random(repr(one))
    rest = sp.Matrix([one - other])
    if one.atoms(AppliedUndef) or other.atoms(AppliedUndef):  # no number; SymPy would look for one for ever
        return sp.Integer(0)
    at = {name: sp.Rational(draw.randint(100, 900), 601) for name in sorted(rest.free_symbols, key=str)}
    values = (
        [sp.N(entry, 40) for entry in sp.Matrix([one]).subs(at)],
        [sp.N(entry, 40) for entry in sp.Matrix([other]).subs(at)],
    )
    for a, b in zip(*values, strict=True):
        if a.is_number and b.is_number and a.is_finite and b.is_finite and abs(a - b) > 1e-30 * (1 + abs(b)):
            return a - b
    return sp.Integer(0)


def _is_zero(rest: Any) -> bool:
    if isinstance(rest, MatrixBase):
        return all(_is_zero(entry) for entry in rest)
    return rest == 0 or rest.is_zero is True


def _decided(why: str) -> Check:
    from hesslib.agreement import Check

    return Check(f"SymPy: {why or 'left minus right'} is zero", 0.0, 0.0)
