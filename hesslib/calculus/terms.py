r"""From an expression to a list of terms: coefficient times factors, summed over bound indices.

Here sums are pulled out and products are multiplied out. All of it is bounded: work beyond
`WORK_LIMIT` raises `WorkLimitError` instead of running on.

Longer than one sitting: expanding, renaming and counting the work are one walk through an expression.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar

import sympy as sp
from sympy import Add, Dummy, Expr, Mul, Pow, Sum
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import BooleanFunction

from .index import Diff, Elementwise, KroneckerDelta, Tensor, Width, letters_of
from .indicators import Holds

__all__ = ["WorkLimitError"]

WORK_LIMIT = 60_000
"""How many elementary steps (a product of two terms is one) a question may cost; a few seconds at most."""

_spent: ContextVar[list[int] | None] = ContextVar("_spent", default=None)


class WorkLimitError(RuntimeError):
    """The answer would take more work than `WORK_LIMIT` allows."""


RESERVED = re.compile(r"_(\d+_\d+|c\d+|me)?")
"""The letters that bound indices get in normal forms, and on the way there."""

_ADVICE = "Split the formula into smaller steps, or name a part of it."


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Count the work of everything inside as one question."""
    if _spent.get() is not None:
        yield
        return
    token = _spent.set([0])
    try:
        yield
    except RecursionError as deep:
        raise WorkLimitError(f"the formula is nested deeper than the interpreter's stack. {_ADVICE}") from deep
    finally:
        _spent.reset(token)


@contextlib.contextmanager
def allowance(steps: int, /) -> Iterator[None]:
    """Count the work of everything inside apart, with a limit of its own."""
    token = _spent.set([WORK_LIMIT - steps])
    try:
        yield
    finally:
        _spent.reset(token)


def charge(steps: int, what: str, /) -> None:
    """Book ``steps`` steps, before they are done; raise if that is more than the limit."""
    account = _spent.get()
    if account is None:
        return
    account[0] += steps
    if account[0] > WORK_LIMIT:
        raise WorkLimitError(f"{what} would bring the work to {account[0]} steps; the limit is {WORK_LIMIT}. {_ADVICE}")


def admit(e: Expr, /) -> None:
    """Refuse what has no normal form, and what is too large to look at.

    Errors: ``TypeError`` for a factor that does not commute, ``ValueError`` for a number that is not finite, or for a
    letter that normal forms keep for themselves.
    """
    # Weight and depth of every subexpression, as a tree: shared parts are visited once but counted often.
    weight: dict[Expr, int] = {}
    depth: dict[Expr, int] = {}
    stack = [e]
    while stack:
        x = stack[-1]
        open_parts = [y for y in x.args if y not in weight]
        if open_parts:
            stack += open_parts
            continue
        stack.pop()
        weight[x] = 1 + sum(weight[y] for y in x.args)
        depth[x] = 1 + max((depth[y] for y in x.args), default=0)
        if isinstance(x, (sp.Symbol, AppliedUndef, sp.MatrixExpr)) and not x.is_commutative:
            raise TypeError(f"{x} does not commute; the calculus is of numbers, give matrices by their entries")
        if any(x is endless for endless in (sp.zoo, sp.nan, sp.oo, -sp.oo)):
            raise ValueError(f"the formula contains {x}: something is divided by zero")
        if isinstance(x, Pow) and x.exp.is_negative and isinstance(x.base, (KroneckerDelta, Holds)):
            raise ValueError(f"something is divided by zero: {x.base} is zero for some of its indices")
        if isinstance(x, sp.Float):
            raise TypeError(f"the formula contains the float {x}; give numbers exactly, as Rational(1, 3) for a third")
        if isinstance(x, OUTSIDE):
            raise TypeError(f"the calculus knows no {type(x).__name__}: {x}")
    charge(5 * weight[e] + 2 * depth[e] ** 2, "reading the formula")
    if reserved := [s.name for s in letters_of(e) if RESERVED.fullmatch(s.name)]:
        raise ValueError(f"the letters {', '.join(reserved)} are those of normal forms; use others")


OUTSIDE = (sp.Product, sp.Integral, sp.Derivative, sp.Subs, sp.Piecewise, sp.Lambda, sp.Rel, BooleanFunction)
"""What is no expression of the calculus: operators that bind letters otherwise than a sum, and what is no number."""


class Term:
    """``coeff`` (free of indices) times the product of ``factors``, summed over ``dummies`` (index -> size)."""

    __slots__ = ("coeff", "dummies", "factors")

    def __init__(self, coeff: Expr, factors: Sequence[Expr], dummies: dict[Expr, Expr]) -> None:
        self.coeff, self.factors, self.dummies = coeff, list(factors), dict(dummies)


@functools.lru_cache(maxsize=200_000)
def key(e: sp.Basic, /) -> str:
    """A string that orders expressions, independently of the order in which SymPy keeps them."""
    if isinstance(e, Dummy):
        return f"{e.name}#{e.dummy_index}"
    if isinstance(e, sp.Float):
        return sp.srepr(e)
    if isinstance(e, sp.Symbol):
        return e.name if type(e) is sp.Symbol else f"{e.name}:{type(e).__name__}{getattr(e, 'number', '')}"
    if e.is_Number:
        return str(e)
    if isinstance(e, Tensor):
        return "/".join(map(str, (type(e).__name__, *e._hashable_content())))
    if isinstance(e, Elementwise):
        return f"{e.stem}^{e.order}({key(e.args[0])})"
    if isinstance(e, (Add, Mul)):
        return f"{type(e).__name__}({'|'.join(sorted(map(key, e.args)))})"
    return f"{type(e).__name__}({'|'.join(map(key, e.args))})"


Normaliser = Callable[[Expr], Expr]


def terms(e: Expr, /, opaque: Normaliser) -> list[Term]:
    """The terms of ``e``, whose bound indices must be fresh.

    ``opaque`` normalises what is not a sum or product (the argument of a function, say).
    """
    if isinstance(e, Add):
        return [t for x in e.args for t in terms(x, opaque)]
    if isinstance(e, Mul):
        return functools.reduce(_product, [terms(x, opaque) for x in e.args])
    if e.is_Number:
        return [Term(e, [], {})]
    if isinstance(e, Sum):
        inner = terms(e.function, opaque)
        for v, _, hi in e.limits:
            for t in inner:
                t.dummies[v] = hi
        return inner
    if isinstance(e, Pow) and e.exp.is_Integer and e.exp > 0:
        charge(int(e.exp), "a power")
        if e.base.is_Add or e.base.is_Mul or e.base.has(Sum):
            return functools.reduce(_product, itertools.repeat(terms(e.base, opaque), int(e.exp)))
        return [Term(sp.S.One, [opaque(e.base)] * int(e.exp), {})]
    if isinstance(e, Diff):
        return _derivatives(e, opaque)
    return [Term(sp.S.One, [opaque(e)], {})]


def _derivatives(e: Diff, opaque: Normaliser) -> list[Term]:
    """A named derivative is linear: what does not vary is taken out of it, and nothing is left of a constant."""
    out = []
    for t in terms(e.operand, opaque):
        constant = [f for f in t.factors if isinstance(f, (KroneckerDelta, Holds)) or _is_whole(f)]
        rest = [f for f in t.factors if f not in constant]
        if rest:
            derivative = opaque(e.func(e.op, Mul(*rest), *e.args[2:]))
            out.append(Term(t.coeff, [*constant, derivative], t.dummies))
    return out


def _is_whole(f: Expr) -> bool:
    """Whether a factor is a size or an index, a number that nothing varies."""
    return all(x.is_integer for x in letters_of(f)) and not f.has(Elementwise, AppliedUndef, Diff) and _is_width(f)


def _is_width(f: Expr) -> bool:
    return all(isinstance(x.base, Width) for x in f.atoms(sp.Indexed))


def _product(left: list[Term], right: list[Term]) -> list[Term]:
    longest = max((len(t.factors) for t in [*left, *right]), default=0)
    charge(len(left) * len(right) * (1 + longest // 8), "multiplying out")
    out: list[Term] = []
    plain: dict[frozenset, Term] = {}  # without sums, like terms are the same factors: powers of sums stay small
    for x in left:
        for other in right:
            clash = x.dummies.keys() & other.dummies.keys()  # the same sum twice: its square has two indices
            y = renamed(other) if clash else other
            t = Term(x.coeff * y.coeff, x.factors + y.factors, x.dummies | y.dummies)
            like = None if t.dummies else plain.setdefault(frozenset(Counter(t.factors).items()), t)
            if like is None or like is t:
                out.append(t)
            else:
                like.coeff += t.coeff
    return out


def renamed(t: Term, /) -> Term:
    """The same term with new bound indices."""
    new = {d: Dummy(d.name, integer=True) for d in t.dummies}
    sizes = {new[d]: size.xreplace(new) for d, size in t.dummies.items()}
    return Term(t.coeff, [f.xreplace(new) for f in t.factors], sizes)
