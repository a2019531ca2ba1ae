r"""The normal form of an index expression, and the decision whether two expressions are equal.

Two formulas are equal if and only if their normal forms are: bound indices are renamed canonically, deltas
contracted, symmetric tensors sorted, products multiplied out, rational summands split into partial fractions.
The decision is sound. It is complete for polynomial expressions in indexed quantities (fuzzed, not proved) and
for denominators that are linear in one of them; it knows no identities between functions.

Longer than one sitting: the normal form is one algorithm, and its steps have no meaning apart.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import Any

import sympy as sp
from sympy import Add, Expr, Indexed, Mul, Pow, Sum, Symbol

from .canonical import Names, identified, is_zero, level_of, limits_of, parted, unify
from .common_denominator import is_zero_sum
from .denominators import require_nonzero
from .domains import settle
from .index import Diff, Elementwise, KroneckerDelta, Tensor, apart, freshen, layers_of, letters_of, slots_of
from .indicators import Holds
from .knowledge import Known, knowing, known, learn
from .ranges import Ranges
from .rational import factored, split
from .shifts import straightened
from .split_sums import cut
from .terms import Term, WorkLimitError, admit, allowance, bounded, charge, key, terms

__all__ = ["difference", "equal", "normal_form"]

Flat = dict[tuple, Term]

CLOSE_LOOK = 8_000
"""The work that may be spent on a difference that the normal form leaves."""

_closely: ContextVar[bool] = ContextVar("_closely", default=False)
"""Whether sums over cut domains are taken apart, which decides more and displays less."""


def _sort_symmetric(f: Expr) -> Expr:
    """Order the slots of symmetric tensors."""
    hits = [x for x in f.atoms(Indexed) if isinstance(x.base, Tensor) and x.base.symmetric]
    return f.xreplace({x: x.base[layers_of(x) + tuple(sorted(slots_of(x), key=key))] for x in hits}) if hits else f


# --------------------------------------------------------------------------------------------- the normal form
def _is_scalar(f: Expr, dummies: dict) -> bool:
    """Free of indices: a plain number for the calculus, part of the coefficient."""
    indexed = [x for x in f.atoms(Indexed) if not isinstance(x.base, Tensor) or x.base.rank]
    kinds = (KroneckerDelta, Holds, Elementwise, Diff, Sum)
    return not indexed and not f.has(*kinds) and not letters_of(f) & dummies.keys()


def _collect_powers(t: Term) -> Term | None:
    """Let SymPy cancel x times 1/x, and move what is free of indices into the coefficient."""
    number, product = Mul(*[factored(f) for f in t.factors]).as_coeff_Mul()
    if number == 0:
        return None
    settled = settle(Term(t.coeff * number, Mul.make_args(product), t.dummies))
    if settled is None:
        return None
    t = settled
    coeff, factors = t.coeff, []
    for f in t.factors:
        if _is_scalar(f, t.dummies):
            coeff *= f
        elif isinstance(f, Pow) and f.exp.is_Integer and f.exp > 0:
            factors += [f.base] * int(f.exp)
        else:
            factors.append(f)
    return Term(coeff, factors, t.dummies)


def flatten(e: Expr, /, given: Iterable[Any] = ()) -> Flat:
    """The terms of ``e`` in normal form, by canonical key, like terms collected.

    ``given`` are formulas from which the ranges of free indices are known, too.

    Errors: `RangeError`, `WorkLimitError`; ``TypeError``
    and ``ValueError`` for what has no normal form (see `admit`).
    """
    with bounded():
        e, what = _checked(e, given)
        with knowing(what):
            return _flatten(e)


def _checked(e: Expr, given: Iterable[Any] = ()) -> tuple[Expr, Known]:
    """The formula with fresh letters, once it is known to be one, and what it says of its letters.

    It is one of numbers, finite, every index in its range.
    """
    e = sp.sympify(e)
    admit(e)
    e = freshen(e)
    ranges = Ranges()
    for one in apart(e, *map(sp.sympify, given)):
        ranges.read(one)
    return e, ranges.settle()


def _flatten(e: Expr) -> Flat:
    learn(e)
    return _collect(terms(e, opaque))


def _collect(found: list[Term]) -> Flat:
    """Contract every term, split it where it is rational, and add up like terms."""
    out: Flat = {}
    # What is split gets smaller. The largest terms go first, so that terms which meet on the way are split only once.
    waiting: dict[int, dict[tuple, Term]] = {}

    def wait(t: Term) -> None:
        size = sum(abs(int(f.exp)) if isinstance(f, Pow) and f.exp.is_Integer else 1 for f in t.factors)
        names = (frozenset(Counter(t.factors).items()), frozenset(t.dummies.items()))
        like = waiting.setdefault(size, {}).setdefault(names, t)
        if like is not t:
            like.coeff += t.coeff

    for t in found:
        wait(t)
    while waiting:
        charge(10, "collecting terms")
        largest = waiting[max(waiting)]
        t = largest.pop(next(iter(largest)))
        settled = settle(t)
        if not largest:
            del waiting[max(waiting)]
        if settled is None or is_zero(settled.factors):
            continue
        if (moved := straightened(settled)) is not None:
            wait(moved)
            continue
        collected = _collect_powers(settled)
        if collected is None:
            continue
        t = collected
        pieces = cut(t, names) if _closely.get() else None
        if pieces is not None:
            for piece in pieces:
                wait(piece)
            continue
        parts = split(t)
        if parts is None and any(isinstance(f, (Add, Sum)) for f in t.factors):  # half powers that met
            parts = t.coeff * Mul(*t.factors)
        if parts is not None:
            for part in terms(parts, opaque):
                wait(Term(part.coeff, part.factors, part.dummies | t.dummies))
            continue
        if letters_of(t.coeff) and any(isinstance(f, KroneckerDelta) for f in t.factors):  # i I_ij is j I_ij
            free = [f for f in t.factors if not letters_of(f) & t.dummies.keys()]
            t.coeff = functools.reduce(Expr.xreplace, identified(free)[0], t.coeff)
        k = names.key(t)
        if k in out:
            out[k].coeff += t.coeff
        else:
            out[k] = t
    for t in out.values():
        t.coeff = _simplest(t.coeff)
    return {k: t for k, t in out.items() if t.coeff != 0}


def _simplest(coeff: Expr) -> Expr:
    """A coefficient as one reduced fraction, so that it is zero exactly if it looks so."""
    if coeff.is_Number:
        return coeff
    summands = Add.make_args(coeff)
    bottoms = {f for s in summands for f in Mul.make_args(s) if isinstance(f, Pow) and f.exp.is_Integer and f.exp < 0}
    size = math.prod(len(Add.make_args(f.base)) ** min(-int(f.exp), 20) for f in bottoms)
    charge(10 * size * len(summands), "bringing a coefficient to one denominator")
    return sp.cancel(sp.together(coeff))


def opaque(e: Expr, /) -> Expr:
    """An expression that is one factor (an atom, a function, a named derivative), normalised inside."""
    if isinstance(e, Indexed):
        return _sort_symmetric(e)
    if not e.args or isinstance(e, (KroneckerDelta, Holds)):
        return e
    inside = known().about(Add(*letters_of(e)))
    return _opaque(e, frozenset(inside), _closely.get())


@functools.lru_cache(maxsize=50_000)
def _opaque(e: Expr, _: frozenset, __: bool) -> Expr:
    """The factor for the ranges that its letters have, which are here for the memory only."""
    if isinstance(e, Diff):
        return _sort_partials(e.func(_sort_symmetric(e.op), _normal_form(e.operand), *e.args[2:]))
    if isinstance(e, Pow) and e.exp.is_number and e.exp.is_negative:
        base = _normal_form(e.base)
        require_nonzero(base)
        return Pow(base, e.exp)
    return e.func(*[_normal_form(x) for x in e.args])


names = Names(opaque)


def _sort_partials(d: Diff) -> Diff:
    """Partial derivatives in one system of coordinates commute, so their order is a convention; others keep theirs."""
    inner = d.operand
    if isinstance(inner, Diff) and d.commutes_with(inner):
        first, second = sorted((d, inner), key=lambda x: key(x.op))
        return first.of(_sort_partials(second.of(inner.operand)))
    return d


def normal_form(e: Expr, /, given: Iterable[Any] = ()) -> Expr:
    """The normal form as an expression; equal expressions have the same one.

    Errors: `RangeError`, `WorkLimitError`; TypeError and ValueError for what has no normal form.

    >>> from .index import S, Tensor, index
    >>> x, i = Tensor("x", shape=(3,)), index("i")
    >>> normal_form(S("j", 3, lambda j: KroneckerDelta(i, j) * x[j]))
    x[i]
    """
    with bounded():
        e, what = _checked(e, given)
        with knowing(what):
            return _normal_form(e)


def _normal_form(e: Expr) -> Expr:
    if not e.args or isinstance(e, (Indexed, KroneckerDelta)):
        return opaque(e)
    charge(20, "looking into a function")
    out = []
    for _, t in sorted(_flatten(freshen(e)).items(), key=lambda item: str(item[0])):
        factors = unify(t.factors)
        level = level_of(factors)
        outer, sums = parted(factors, t.dummies)
        done = []
        for fs, ds in sums:
            renaming = names.of_sum(fs, ds, level)[1]
            body = Mul(*[opaque(f.xreplace(renaming)) for f in fs])
            done.append(Sum(body, *limits_of(ds, renaming)))
        out.append(t.coeff * Mul(*[opaque(f) for f in outer], *done))
    return Add(*out)


def equal(x: Expr, y: Expr, /, given: Iterable[Any] = ()) -> bool:
    r"""Whether ``x`` and ``y`` are the same formula.

    >>> from .index import S, Tensor, index
    >>> j, k, N = *index("j k"), Symbol("N", integer=True)
    >>> lam, alpha = Tensor("lambda", shape=(N,)), Symbol("alpha")
    >>> equal(S("j", N, lambda j: 1 - alpha / (alpha + lam[j])), S("k", N, lambda k: lam[k] / (alpha + lam[k])))
    True
    """
    with bounded():
        x, y = sp.sympify(x), sp.sympify(y)
        for side in (x, y):
            admit(side)
        gap, what = _checked(x - y, (x, y, *given))
        with knowing(what):
            return not _flatten(gap) or (_is_special(gap) and _vanishes(gap))


def _is_special(e: Expr) -> bool:
    """Whether a formula has cut or counted ranges, computed indices, or denominators, which a closer look is for."""
    plain = (Symbol, Indexed)
    return (
        e.has(Holds, sp.exp)
        or any(not (f.exp.is_Integer and f.exp > 0) for f in e.atoms(Pow))
        or any(not isinstance(size, plain) or size in known().tops for s in e.atoms(Sum) for *_, size in s.limits)
        or any(not isinstance(p, Symbol) and not p.is_Integer for x in e.atoms(Indexed) for p in x.indices)
    )


def _vanishes(e: Expr) -> bool:
    """Whether an expression is zero, by comparison of domains and of denominators; ``False`` if that is not shown."""
    token = _closely.set(True)
    try:
        with allowance(CLOSE_LOOK):
            found = _flatten(freshen(e))
            return is_zero_sum(list(found.values()), build, lambda x: list(_flatten(freshen(x)).values()))
    except WorkLimitError:
        return False
    finally:
        _closely.reset(token)


def difference(x: Expr, y: Expr, /, given: Iterable[Any] = ()) -> tuple[list[Expr], list[Expr]]:
    """The terms of ``x`` that ``y`` lacks, and the terms of ``y`` that ``x`` lacks (a changed coefficient is both).

    >>> from .index import Tensor, index
    >>> x, y, i = Tensor("x", shape=(3,)), Tensor("y", shape=(3,)), index("i")
    >>> difference(x[i] + y[i], x[i] + 2 * y[i])
    ([y[i]], [2*y[i]])
    """
    with bounded():
        both = (x, y, *given)
        left, right = flatten(x, both), flatten(y, both)
        same = {k for k in left.keys() & right.keys() if _simplest(left[k].coeff - right[k].coeff) == 0}
        return (
            [build(t) for k, t in left.items() if k not in same],
            [build(t) for k, t in right.items() if k not in same],
        )


def build(t: Term, /, factors: Sequence[Expr] | None = None) -> Expr:
    """The expression of a term, each independent sum with what depends on it."""
    outer, sums = parted(t.factors if factors is None else factors, t.dummies)
    return t.coeff * Mul(*outer, *[Sum(Mul(*fs), *limits_of(ds, {d: d for d in ds})) for fs, ds in sums])
