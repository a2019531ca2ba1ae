r"""The normal form of an index expression, and the decision whether two expressions are equal.

Two formulas are equal if and only if their normal forms are: bound indices are renamed canonically, deltas
contracted, symmetric tensors sorted, products multiplied out, rational summands split into partial fractions.
The decision is sound. It is complete for polynomial expressions in indexed quantities (fuzzed, not proved) and
for denominators that are linear in one of them; it knows no identities between functions.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Sequence

import sympy as sp
from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Pow, Sum, Symbol

from .index import Diff, Elementwise, Operator, Tensor, freshen, layers_of, slots_of
from .rational import split
from .terms import Term, bounded, charge, contract, key, sizes_of, terms

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
        p, *others = sorted({find(x) for x in d.args}, key=key)
        leader |= {q: p for q in others}
    rest = [f.xreplace({q: find(q) for q in leader}) for f in factors if f not in deltas]
    return rest + [KroneckerDelta(find(q), q) for q in sorted(leader, key=key)]


def _sort_symmetric(f: Expr) -> Expr:
    """Order the slots of symmetric tensors."""
    hits = [x for x in f.atoms(Indexed) if isinstance(x.base, Tensor) and x.base.symmetric]
    return f.xreplace({x: x.base[layers_of(x) + tuple(sorted(slots_of(x), key=key))] for x in hits}) if hits else f


def _renormalise(f: Expr) -> Expr:
    """A factor after its indices were renamed: what is inside a function is put into normal form again."""
    return opaque(f) if f.has(Sum) else _sort_symmetric(f)


def _product_key(factors: Sequence[Expr]) -> tuple[str, ...]:
    return tuple(sorted(key(_renormalise(f)) for f in factors))


def _level(factors: Sequence[Expr]) -> int:
    """One more than the nesting level of the canonical names already bound inside the factors."""
    bound = [v.name for f in factors for s in f.atoms(Sum) for v, *_ in s.limits if v.name.startswith("_")]
    return max((int(name.split("_")[1]) + 1 for name in bound), default=0)


def components(factors: Sequence[Expr], dummies: dict) -> tuple[list[Expr], list[tuple[list[Expr], dict]]]:
    """Split a product into its part without bound indices and its independent sums."""
    groups: list[set] = []
    for d in dummies:
        linked = [g for g in groups if any(d in f.free_symbols and f.free_symbols & g for f in factors)]
        groups = [g for g in groups if g not in linked] + [{d}.union(*linked)]
    outer = [f for f in factors if not f.free_symbols & set(dummies)]
    return outer, [
        ([f for f in factors if f.free_symbols & g], {d: dummies[d] for d in dummies if d in g}) for g in groups
    ]


def _colours(factors: Sequence[Expr], dummies: dict) -> dict[Expr, str]:
    """Tell bound indices apart by what surrounds them, as far as that goes (colour refinement)."""
    colour = {d: key(n) for d, n in dummies.items()}
    for _ in range(2):
        ranks = {c: r for r, c in enumerate(sorted(set(colour.values())))}
        masks = {d: Symbol(f"_c{ranks[colour[d]]}") for d in dummies}
        colour = {d: str((ranks[colour[d]], _mask_key(factors, masks | {d: Symbol("_me")}, d))) for d in dummies}
    return colour


def _mask_key(factors: Sequence[Expr], masks: dict, d: Expr) -> tuple[str, ...]:
    return tuple(sorted(key(_sort_symmetric(f.xreplace(masks))) for f in factors if d in f.free_symbols))


def _canonical_sum(factors: Sequence[Expr], dummies: dict, level: int) -> tuple[tuple, dict]:
    """The smallest key over the renamings that colours leave open, and the renaming that has it."""
    colour = _colours(factors, dummies)
    ordered = sorted(dummies, key=lambda d: colour[d])
    groups = [list(g) for _, g in itertools.groupby(ordered, key=lambda d: colour[d])]
    charge(
        functools.reduce(operator.mul, [sp.factorial(len(g)) for g in groups]) * (1 + len(factors)),
        "naming the indices of a sum",
    )
    best = None
    for choice in itertools.product(*[itertools.permutations(g) for g in groups]):
        order = [d for g in choice for d in g]
        renaming = {d: Symbol(f"_{level}_{r}", integer=True) for r, d in enumerate(order)}
        candidate = (_product_key([f.xreplace(renaming) for f in factors]), tuple(key(dummies[d]) for d in order))
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
    return not indexed and not f.has(KroneckerDelta, Elementwise, Diff, Sum) and not f.free_symbols & set(dummies)


def _collect_powers(t: Term) -> Term:
    """Let SymPy cancel x times 1/x, and move what is free of indices into the coefficient."""
    number, product = Mul(*t.factors).as_coeff_Mul()
    coeff, factors = t.coeff * number, []
    for f in Mul.make_args(product):
        if f == 1:
            continue
        if _is_scalar(f, t.dummies):
            coeff *= f
        elif isinstance(f, Pow) and f.exp.is_Integer and f.exp > 0:
            factors += [f.base] * int(f.exp)
        else:
            factors.append(f)
    return Term(coeff, factors, t.dummies)


def flatten(e: Expr, /) -> Flat:
    """The terms of ``e`` in normal form, by canonical key, like terms collected.

    Errors: :class:`~hesslib.calculus.index.RangeError`, :class:`~hesslib.calculus.terms.WorkLimitError`.
    """
    with bounded():
        out: Flat = {}
        known: dict[Expr, Expr] = {}
        queue = terms(freshen(sp.sympify(e)), opaque)
        for t in queue:
            sizes = sizes_of(t.factors, t.dummies, known)
            known = {p: s for p, s in sizes.items() if not isinstance(p, sp.Dummy)}
        while queue:
            contracted = contract(queue.pop())
            if contracted is None:
                continue
            t = _collect_powers(contracted)
            parts = split(t)
            if parts is not None:
                charge(1, "splitting into partial fractions")
                queue += _resum(parts, t.dummies)
                continue
            k = _canonical_key(t)
            if k in out:
                out[k].coeff += t.coeff
            else:
                out[k] = t
        for t in out.values():
            if not t.coeff.is_Number:
                t.coeff = sp.cancel(sp.together(t.coeff))
        return {k: t for k, t in out.items() if t.coeff != 0}


def _resum(e: Expr, dummies: dict) -> list[Term]:
    """The terms of a rewritten summand, each with the bound indices of the term it came from, renamed apart."""
    out = []
    for t in terms(e, opaque):
        new = {d: sp.Dummy(d.name, integer=True) for d in dummies}
        out.append(Term(t.coeff, [f.xreplace(new) for f in t.factors], t.dummies | {new[d]: dummies[d] for d in new}))
    return out


@functools.lru_cache(maxsize=50_000)
def opaque(e: Expr, /) -> Expr:
    """An expression that is one factor (an atom, a function, a named derivative), normalised inside."""
    if not e.args or isinstance(e, (Indexed, KroneckerDelta)):
        return e
    if isinstance(e, Diff):
        return _sort_partials(Diff(e.op, normal_form(e.operand)))
    return e.func(*[normal_form(x) for x in e.args])


def _sort_partials(d: Diff) -> Diff:
    """Mixed partial derivatives commute, so their order is a convention (directional derivatives keep theirs)."""
    inner = d.operand
    if isinstance(inner, Diff) and not isinstance(d.op, Operator) and not isinstance(inner.op, Operator):
        first, second = sorted((d.op, inner.op), key=key)
        return Diff(first, Diff(second, inner.operand))
    return d


def normal_form(e: Expr, /) -> Expr:
    """The normal form as an expression; equal expressions have the same one."""
    e = sp.sympify(e)
    if not e.args or isinstance(e, (Indexed, KroneckerDelta)):
        return e
    out = []
    for _, t in sorted(flatten(e).items(), key=lambda item: str(item[0])):
        factors = _unify(t.factors)
        level = _level(factors)
        outer, sums = components(factors, t.dummies)
        done = []
        for fs, ds in sums:
            renaming = _canonical_sum(fs, ds, level)[1]
            limits = sorted(((renaming[d], sp.S.One, ds[d]) for d in ds), key=lambda limit: limit[0].name)
            done.append(Sum(Mul(*[_renormalise(f.xreplace(renaming)) for f in fs]), *limits))
        out.append(t.coeff * Mul(*[_renormalise(f) for f in outer], *done))
    return Add(*out)


def equal(x: Expr, y: Expr, /) -> bool:
    r"""Whether ``x`` and ``y`` are the same formula.

    >>> from .index import S, Tensor, index
    >>> j, k, N = *index("j k"), Symbol("N", integer=True)
    >>> lam, alpha = Tensor("lambda", shape=(N,)), Symbol("alpha")
    >>> equal(S("j", N, lambda j: 1 - alpha / (alpha + lam[j])), S("k", N, lambda k: lam[k] / (alpha + lam[k])))
    True
    """
    x, y = sp.sympify(x), sp.sympify(y)
    return not flatten(x - y)


def difference(x: Expr, y: Expr, /) -> tuple[list[Expr], list[Expr]]:
    """The terms of ``x`` that ``y`` lacks, and the terms of ``y`` that ``x`` lacks (a changed coefficient is both)."""
    left, right = flatten(x), flatten(y)
    same = {k for k in left.keys() & right.keys() if sp.cancel(left[k].coeff - right[k].coeff) == 0}
    return (
        [build(t) for k, t in left.items() if k not in same],
        [build(t) for k, t in right.items() if k not in same],
    )


def build(t: Term, /, factors: Sequence[Expr] | None = None) -> Expr:
    """The expression of a term, each independent sum with what depends on it."""
    outer, sums = components(t.factors if factors is None else factors, t.dummies)
    return t.coeff * Mul(
        *outer, *[Sum(Mul(*fs), *[(d, 1, ds[d]) for d in sorted(ds, key=lambda d: d.name)]) for fs, ds in sums]
    )
