r"""The normal form of an index expression, and the decision whether two expressions are equal.

Two formulas are equal if and only if their normal forms are: bound indices are renamed canonically, deltas
contracted, symmetric tensors sorted, products multiplied out, rational summands split into partial fractions.
The decision is sound. It is complete for polynomial expressions in indexed quantities (fuzzed, not proved) and
for denominators that are linear in one of them; it knows no identities between functions.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence

import sympy as sp
from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Pow, Sum, Symbol

from .index import Diff, Elementwise, Tensor, freshen, layers_of, letters_of, slots_of
from .ranges import Ranges
from .rational import factored, split
from .terms import Term, admit, bounded, charge, contract, count_unused, key, terms

__all__ = ["difference", "equal", "normal_form"]

Flat = dict[tuple, Term]


# -------------------------------------------------------------------------------- canonical names of a product
def _unify(factors: Sequence[Expr]) -> list[Expr]:
    r"""With a free $I_{pq}$ in the product, write the first letter of each class everywhere else."""
    deltas = {f for f in factors if isinstance(f, KroneckerDelta)}
    if not deltas:
        return list(factors)
    leader: dict[Expr, Expr] = {}

    def find(p: Expr) -> Expr:
        while p in leader:
            p = leader[p]
        return p

    for d in deltas:
        p, *others = sorted({find(x) for x in d.args}, key=lambda x: (not x.is_Integer, key(x)))
        leader |= dict.fromkeys(others, p)
    rest = [f.xreplace({q: find(q) for q in leader}) for f in factors if f not in deltas]
    return rest + [KroneckerDelta(find(q), q) for q in sorted(leader, key=key)]


def _is_zero(factors: Sequence[Expr]) -> bool:
    """Whether the deltas of a product ask one index to be two numbers."""
    return any(f.is_zero for f in _unify(factors) if isinstance(f, KroneckerDelta) or f.is_Number)


def _sort_symmetric(f: Expr) -> Expr:
    """Order the slots of symmetric tensors."""
    hits = [x for x in f.atoms(Indexed) if isinstance(x.base, Tensor) and x.base.symmetric]
    return f.xreplace({x: x.base[layers_of(x) + tuple(sorted(slots_of(x), key=key))] for x in hits}) if hits else f


def _product_key(factors: Sequence[Expr]) -> tuple[str, ...]:
    """The factors, whatever their order; what is inside a function is put into normal form for its present letters."""
    return tuple(sorted(key(opaque(f)) for f in factors))


def _level(factors: Sequence[Expr]) -> int:
    """One more than the nesting level of the canonical names already bound inside the factors."""
    bound = [v.name for f in factors for s in f.atoms(Sum) for v, *_ in s.limits if v.name.startswith("_")]
    return max((int(name.split("_")[1]) + 1 for name in bound), default=0)


def components(factors: Sequence[Expr], dummies: dict) -> tuple[list[Expr], list[tuple[list[Expr], dict]]]:
    """Split a product into its part without bound indices and its independent sums."""
    groups: list[set] = []
    linked = [dummies.keys() & letters_of(f) for f in factors]
    linked += [dummies.keys() & letters_of(size) | {d} for d, size in dummies.items()]
    for together in linked:
        if together:
            groups = [g for g in groups if not g & together] + [together.union(*[g for g in groups if g & together])]
    order = {d: position for position, d in enumerate(dummies)}
    groups.sort(key=lambda g: min(order[d] for d in g))
    outer = [f for f in factors if not letters_of(f) & dummies.keys()]
    return outer, [
        ([f for f in factors if letters_of(f) & g], {d: dummies[d] for d in dummies if d in g}) for g in groups
    ]


def limits_of(dummies: dict, renaming: dict, /) -> list[tuple[Expr, Expr, Expr]]:
    """The limits of a sum, by name; an index whose size depends on another one stands inside that other one."""
    limits: list[tuple[Expr, Expr, Expr]] = []
    waiting = sorted(dummies, key=lambda d: renaming[d].name)
    while waiting:
        inner = next(d for d in waiting if not any(d in letters_of(dummies[other]) for other in waiting))
        waiting.remove(inner)
        limits.append((renaming[inner], sp.S.One, dummies[inner].xreplace(renaming)))
    return limits


Colours = dict[Expr, int]


def _refine(factors: Sequence[Expr], dummies: dict, colour: Colours) -> Colours:
    """Tell bound indices apart by what surrounds them, until that tells no more of them apart."""
    while len(set(colour.values())) < len(dummies):
        charge(5 * len(dummies) * (1 + len(factors)), "naming the indices of a sum")
        masks = {d: Symbol(f"_c{c}", integer=True) for d, c in colour.items()}
        views = {}
        for d, size in dummies.items():
            mine = masks | {d: Symbol("_me", integer=True)}
            around = _product_key([f.xreplace(mine) for f in factors if d in letters_of(f)])
            sized = sorted(key(s.xreplace(mine)) for s in dummies.values() if d in letters_of(s))
            views[d] = (colour[d], key(size.xreplace(masks)), around, tuple(sized))
        ranks = {view: rank for rank, view in enumerate(sorted(set(views.values())))}
        finer = {d: ranks[views[d]] for d in dummies}
        if len(ranks) == len(set(colour.values())):
            return finer
        colour = finer
    return colour


def _orders(factors: Sequence[Expr], dummies: dict, colour: Colours) -> Iterator[list[Expr]]:
    """The orders of the bound indices that nothing in the product decides between."""
    colour = _refine(factors, dummies, colour)
    ordered = sorted(dummies, key=lambda d: colour[d])
    cell = next((c for _, g in itertools.groupby(ordered, key=lambda d: colour[d]) if len(c := list(g)) > 1), None)
    if cell is None:
        yield ordered
        return
    seen: list[Expr] = []
    for d in cell:
        if any(_twins(factors, dummies, d, other) for other in seen):
            continue  # exchanging the two changes nothing: this branch would repeat that of the other
        seen.append(d)
        yield from _orders(factors, dummies, {e: 2 * c + (e in cell and e is not d) for e, c in colour.items()})


def _twins(factors: Sequence[Expr], dummies: dict, d: Expr, e: Expr) -> bool:
    """Whether a sum stays the same, term by term, when two of its indices are exchanged."""
    charge(5 * len(factors), "naming the indices of a sum")
    swap = {d: e, e: d}
    touched = [f for f in factors if letters_of(f) & swap.keys()]
    swapped = [f.xreplace(swap) for f in touched]
    if _product_key(touched) != _product_key(swapped):
        return False
    return Counter(dummies.values()) == Counter(size.xreplace(swap) for size in dummies.values())


def _canonical_sum(factors: Sequence[Expr], dummies: dict, level: int) -> tuple[tuple, dict]:
    """The smallest key over the renamings that are left open, and the renaming that has it."""
    best = None
    for order in _orders(factors, dummies, dict.fromkeys(dummies, 0)):
        charge(10 * (1 + len(factors)), "naming the indices of a sum")
        renaming = {d: Symbol(f"_{level}_{r}", integer=True) for r, d in enumerate(order)}
        candidate = (
            _product_key([f.xreplace(renaming) for f in factors]),
            tuple(key(dummies[d].xreplace(renaming)) for d in order),
        )
        if best is None or candidate < best[0]:
            best = (candidate, renaming)
    assert best is not None
    return best


def _canonical_key(t: Term) -> tuple:
    factors = _unify(t.factors)
    level = _level(factors)
    outer, sums = components(factors, t.dummies)
    return _product_key(outer), tuple(sorted(_canonical_sum(fs, ds, level)[0] for fs, ds in sums))


# --------------------------------------------------------------------------------------------- the normal form
def _is_scalar(f: Expr, dummies: dict) -> bool:
    """Free of indices: a plain number for the calculus, part of the coefficient."""
    indexed = [x for x in f.atoms(Indexed) if not isinstance(x.base, Tensor) or x.base.rank]
    return not indexed and not f.has(KroneckerDelta, Elementwise, Diff, Sum) and not letters_of(f) & dummies.keys()


def _collect_powers(t: Term) -> Term:
    """Let SymPy cancel x times 1/x, and move what is free of indices into the coefficient."""
    number, product = Mul(*[factored(f) for f in t.factors]).as_coeff_Mul()
    t = count_unused(Term(t.coeff * number, Mul.make_args(product), t.dummies))
    coeff, factors = t.coeff, []
    for f in t.factors:
        if _is_scalar(f, t.dummies):
            coeff *= f
        elif isinstance(f, Pow) and f.exp.is_Integer and f.exp > 0:
            factors += [f.base] * int(f.exp)
        else:
            factors.append(f)
    return Term(coeff, factors, t.dummies)


def flatten(e: Expr, /) -> Flat:
    """The terms of ``e`` in normal form, by canonical key, like terms collected.

    Errors: `RangeError`, `WorkLimitError`; ``TypeError``
    and ``ValueError`` for what has no normal form (see `admit`).
    """
    with bounded():
        return _flatten(_checked(e))


def _checked(e: Expr) -> Expr:
    """The formula with fresh letters, once it is known to be one: of numbers, finite, every index in its range."""
    e = sp.sympify(e)
    admit(e)
    e = freshen(e)
    ranges = Ranges()
    ranges.read(e)
    ranges.sizes()
    return e


def _flatten(e: Expr) -> Flat:
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
        contracted = contract(largest.pop(next(iter(largest))))
        if not largest:
            del waiting[max(waiting)]
        if contracted is None or _is_zero(contracted.factors):
            continue
        t = _collect_powers(contracted)
        parts = split(t)
        if parts is None and any(f.is_Add for f in t.factors):  # half powers that met
            parts = t.coeff * Mul(*t.factors)
        if parts is not None:
            for part in terms(parts, opaque):
                wait(Term(part.coeff, part.factors, part.dummies | t.dummies))
            continue
        k = _canonical_key(t)
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


@functools.lru_cache(maxsize=50_000)
def opaque(e: Expr, /) -> Expr:
    """An expression that is one factor (an atom, a function, a named derivative), normalised inside."""
    if isinstance(e, Indexed):
        return _sort_symmetric(e)
    if not e.args or isinstance(e, KroneckerDelta):
        return e
    if isinstance(e, Diff):
        return _sort_partials(Diff(_sort_symmetric(e.op), _normal_form(e.operand), e.held))
    return e.func(*[_normal_form(x) for x in e.args])


def _sort_partials(d: Diff) -> Diff:
    """Partial derivatives in one system of coordinates commute, so their order is a convention; others keep theirs."""
    inner = d.operand
    if isinstance(inner, Diff) and d.commutes_with(inner):
        first, second = sorted((d, inner), key=lambda x: key(x.op))
        return first.of(_sort_partials(second.of(inner.operand)))
    return d


def normal_form(e: Expr, /) -> Expr:
    """The normal form as an expression; equal expressions have the same one.

    Errors: `RangeError`, `WorkLimitError`; TypeError and ValueError for what has no normal form.

    >>> from .index import S, Tensor, index
    >>> x, i = Tensor("x", shape=(3,)), index("i")
    >>> normal_form(S("j", 3, lambda j: KroneckerDelta(i, j) * x[j]))
    x[i]
    """
    with bounded():
        return _normal_form(_checked(e))


def _normal_form(e: Expr) -> Expr:
    if not e.args or isinstance(e, (Indexed, KroneckerDelta)):
        return opaque(e)
    charge(20, "looking into a function")
    out = []
    for _, t in sorted(_flatten(freshen(e)).items(), key=lambda item: str(item[0])):
        factors = _unify(t.factors)
        level = _level(factors)
        outer, sums = components(factors, t.dummies)
        done = []
        for fs, ds in sums:
            renaming = _canonical_sum(fs, ds, level)[1]
            body = Mul(*[opaque(f.xreplace(renaming)) for f in fs])
            done.append(Sum(body, *limits_of(ds, renaming)))
        out.append(t.coeff * Mul(*[opaque(f) for f in outer], *done))
    return Add(*out)


def equal(x: Expr, y: Expr, /) -> bool:
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
        return not flatten(x - y)


def difference(x: Expr, y: Expr, /) -> tuple[list[Expr], list[Expr]]:
    """The terms of ``x`` that ``y`` lacks, and the terms of ``y`` that ``x`` lacks (a changed coefficient is both).

    >>> from .index import Tensor, index
    >>> x, y, i = Tensor("x", shape=(3,)), Tensor("y", shape=(3,)), index("i")
    >>> difference(x[i] + y[i], x[i] + 2 * y[i])
    ([y[i]], [2*y[i]])
    """
    with bounded():
        left, right = flatten(x), flatten(y)
        same = {k for k in left.keys() & right.keys() if _simplest(left[k].coeff - right[k].coeff) == 0}
        return (
            [build(t) for k, t in left.items() if k not in same],
            [build(t) for k, t in right.items() if k not in same],
        )


def build(t: Term, /, factors: Sequence[Expr] | None = None) -> Expr:
    """The expression of a term, each independent sum with what depends on it."""
    outer, sums = components(t.factors if factors is None else factors, t.dummies)
    return t.coeff * Mul(*outer, *[Sum(Mul(*fs), *limits_of(ds, {d: d for d in ds})) for fs, ds in sums])
