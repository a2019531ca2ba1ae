r"""From an expression to a list of terms: coefficient times factors, summed over bound indices.

Here sums are pulled out, products are multiplied out, deltas are contracted, and index ranges are checked.
All of it is bounded: work beyond :data:`WORK_LIMIT` raises :class:`WorkLimitError` instead of running on.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from contextvars import ContextVar

import sympy as sp
from sympy import Add, Dummy, Expr, Indexed, KroneckerDelta, Mul, Pow, Sum

from .index import RangeError, Tensor, freshen, layers_of, slots_of

WORK_LIMIT = 60_000
"""How many elementary steps (products of terms, candidate renamings) one question may cost; some seconds at most."""

_spent: ContextVar[list[int] | None] = ContextVar("_spent", default=None)


class WorkLimitError(RuntimeError):
    """The normal form would take more work than :data:`WORK_LIMIT` allows."""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Count the work of everything inside as one question."""
    if _spent.get() is not None:
        yield
        return
    token = _spent.set([0])
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
        raise WorkLimitError(
            f"{what} would bring the work to {account[0]} steps; the limit is {WORK_LIMIT}. "
            "Split the formula into smaller steps, or name a part of it."
        )


class Term:
    """``coeff`` (free of indices) times the product of ``factors``, summed over ``dummies`` (index -> size)."""

    __slots__ = ("coeff", "dummies", "factors")

    def __init__(self, coeff: Expr, factors: Sequence[Expr], dummies: dict[Expr, Expr]) -> None:
        self.coeff, self.factors, self.dummies = coeff, list(factors), dict(dummies)


@functools.lru_cache(maxsize=200_000)
def key(e: Expr, /) -> str:
    """A string that orders expressions, independently of the order in which SymPy keeps them."""
    if isinstance(e, Dummy):
        return f"{e.name}#{e.dummy_index}"
    if isinstance(e, sp.Symbol) or e.is_Number:
        return str(e)
    if isinstance(e, Tensor):
        return e.name_ if not e.rank else f"{e.name_}/{e.layers}{e.rank}{e.tex}"
    if isinstance(e, (Add, Mul)):
        return f"{type(e).__name__}({'|'.join(sorted(map(key, e.args)))})"
    return f"{type(e).__name__}({'|'.join(map(key, e.args))})"


def terms(e: Expr, /, opaque) -> list[Term]:
    """The terms of ``e``; ``opaque`` normalises what is not a sum or product (the argument of a function, say)."""
    if isinstance(e, Add):
        return [t for x in e.args for t in terms(x, opaque)]
    if isinstance(e, Mul):
        return functools.reduce(_product, [terms(x, opaque) for x in e.args])
    if e.is_Number:
        return [Term(e, [], {})]
    if isinstance(e, Sum):
        e = freshen(e)
        inner = terms(e.function, opaque)
        for v, lo, hi in e.limits:
            if lo != 1:
                raise RangeError(f"the sum over {v} starts at {lo}; sums start at 1")
            for t in inner:
                t.dummies[v] = hi
        return inner
    if isinstance(e, Pow) and e.exp.is_Integer and e.exp > 0:
        if e.base.is_Add or e.base.is_Mul or e.base.has(Sum):
            return functools.reduce(_product, [terms(freshen(e.base), opaque) for _ in range(int(e.exp))])
        return [Term(sp.S.One, [opaque(e.base)] * int(e.exp), {})]
    return [Term(sp.S.One, [opaque(e)], {})]


def _product(left: list[Term], right: list[Term]) -> list[Term]:
    charge(len(left) * len(right), "multiplying out")
    out = []
    for x in left:
        for y in right:
            if set(x.dummies) & set(y.dummies):  # the same sum twice: its square has two indices
                new = {d: Dummy(d.name, integer=True) for d in y.dummies}
                y = Term(y.coeff, [f.xreplace(new) for f in y.factors], {new[d]: n for d, n in y.dummies.items()})
            out.append(Term(x.coeff * y.coeff, x.factors + y.factors, x.dummies | y.dummies))
    return out


def contract(t: Term, /) -> Term | None:
    r"""Carry out $\sum_k I_{kk'}f_k=f_{k'}$ and $\sum_k1=n$; ``None`` if the term is zero."""
    factors, dummies = list(t.factors), dict(t.dummies)
    position = 0
    while position < len(factors):
        f = factors[position]
        bound = next((p for p in f.args if p in dummies), None) if isinstance(f, KroneckerDelta) else None
        if bound is None:
            position += 1
            continue
        other = f.args[1] if bound is f.args[0] else f.args[0]
        del dummies[bound], factors[position]
        factors = [g.xreplace({bound: other}) for g in factors]
        position = 0
    factors = [f for f in factors if f != 1]
    if any(f == 0 for f in factors):
        return None
    for d in [d for d in dummies if not any(d in f.free_symbols for f in factors)]:
        factors.append(dummies.pop(d))
    return Term(t.coeff, factors, dummies)


# ------------------------------------------------------------------------------------------------- ranges
def sizes_of(factors: Sequence[Expr], dummies: dict[Expr, Expr], /, known: dict[Expr, Expr] | None = None) -> dict:
    """The size of every index in a product; :class:`RangeError` if one index is used with two sizes.

    ``known`` are sizes found in other terms of the same formula: a free index means one thing throughout.
    """
    found: dict[Expr, Expr] = dict(known or {}) | {d: sp.expand(s) for d, s in dummies.items()}
    origin: dict[Expr, Expr | str] = {d: "the sum" for d in dummies}

    def put(p: Expr, size: Expr, where: Expr | str) -> None:
        size = sp.expand(size)
        if p in found and found[p] != size:
            places = [(_show(found[p]), _show(origin.get(p, "the rest of the formula"))), (_show(size), _show(where))]
            raise RangeError(
                f"index {_show(p)} runs " + " but ".join(f"to {bound} in {place}" for bound, place in places),
                rf"{_show(p)}\le " + r"\text{, but }\le ".join(
                    rf"{bound}\text{{ in }}" + (place if "\\" in place or "_" in place else rf"\text{{{place}}}")
                    for bound, place in places
                ),
            )
        found.setdefault(p, size)
        origin.setdefault(p, where)

    for f in factors:
        for inner in f.atoms(Sum):
            for v, _, hi in inner.limits:
                put(v, hi, "the sum")
        for x in sorted(f.atoms(Indexed), key=key):
            if isinstance(x.base, Tensor):
                for p, size in zip(slots_of(x), x.base.sizes(*layers_of(x)), strict=True):
                    if isinstance(p, sp.Symbol):
                        put(p, size, x)
                    elif not p.is_Integer:
                        raise RangeError(f"{_show(x)}: an index is a letter or a number; found {p}")
    for _ in range(2):  # twice, since one delta may hand its size to the next
        for f in factors:
            for d in f.atoms(KroneckerDelta):
                p, q = d.args
                if p in found and not q.is_Integer:
                    put(q, found[p], d)
                elif q in found and not p.is_Integer:
                    put(p, found[q], d)
    return found


def _show(x: Expr | str) -> str:
    if isinstance(x, str):
        return x
    if isinstance(x, sp.Symbol):
        return x.name
    from .latex import tex  # the printer needs the terms, not the other way round

    return tex(x)
