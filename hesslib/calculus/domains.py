r"""The domain of a sum: which of its indices are fixed, which conditions say nothing new, what merely counts.

A term is summed over the whole points of a box, its dummies, cut by the indicators among its factors. Here deltas
are contracted, $\sum_{k=1}^NI_{ke}f_k=[1\le e\le N]f_e$, indicators that always hold are dropped, an index that two
inequalities fix is replaced, and $\sum_{q=1}^k1=k$ is counted. Nothing is dropped that is not shown to hold.

Longer than one sitting: bounds, conditions and counts of a sum are simplified in one loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sympy as sp
from sympy import Expr, Indexed, Symbol

from .index import KroneckerDelta, Tensor, layers_of, letters_of, slots_of
from .indicators import Holds
from .inequalities import linear, project
from .knowledge import known
from .terms import Term, key


# ------------------------------------------------------------------------------------------- what a term knows
def conditions(t: Term, /) -> list[Expr]:
    """The indicators of a term, as expressions that are not negative."""
    return [f.inside for f in t.factors if isinstance(f, Holds)]


def _free_deltas(t: Term) -> list[Expr]:
    """What the deltas of a term say, as inequalities."""
    gaps = [f.args[0] - f.args[1] for f in t.factors if isinstance(f, KroneckerDelta)]
    return [*gaps, *[-gap for gap in gaps]]


def _slots(t: Term) -> list[Expr]:
    """What the factors of a term say: a quantity is 0 where a free index without a range leaves its slot."""
    tops = known().tops
    facts: list[Expr] = []
    for f in t.factors:
        if isinstance(f, Indexed) and isinstance(f.base, Tensor):
            ends = [known().depths.get(f.base)] * f.base.layers + list(f.base.sizes(*layers_of(f)))
            for p, size in zip(f.indices, ends, strict=True):
                if size is not None and isinstance(p, Symbol) and p not in tops and p not in t.dummies:
                    facts += [p - 1, size - p]
    return facts


def proves(t: Term, e: Expr, /) -> bool:
    """Whether ``e >= 0`` wherever the term is not zero."""
    return known().proves(e, [*conditions(t), *_free_deltas(t), *_slots(t)], t.dummies)


def slots(factors: Iterable[Expr], /) -> Iterator[tuple[Indexed, int, Expr, Expr]]:
    """Every slot of the quantities in a product, those inside functions too: quantity, place, index, size."""
    for f in factors:
        for x in sorted(f.atoms(Indexed), key=key):
            if isinstance(x.base, Tensor):
                for place, (p, size) in enumerate(zip(slots_of(x), x.base.sizes(*layers_of(x)), strict=True)):
                    yield x, place, p, size


def in_range(t: Term, /) -> bool:
    """Whether every index of a term is known to stay in its slot."""
    facts = conditions(t)
    for _, _, p, size in slots(t.factors):
        if p.is_Integer or (isinstance(p, Symbol) and p not in t.dummies) or t.dummies.get(p) == size:
            continue
        if not all(known().proves(u, facts, t.dummies) for u in (p - 1, size - p)):
            return False
    return True


def substituted(t: Term, d: Expr, e: Expr, /) -> Term:
    """The term with the bound index ``d`` fixed at ``e``, which must be in its range: else an indicator says so."""
    sizes = dict(t.dummies)
    size = sizes.pop(d)
    out = Term(t.coeff, [f.xreplace({d: e}) for f in t.factors], {x: s.xreplace({d: e}) for x, s in sizes.items()})
    top = out.dummies[e] if e in out.dummies else known().tops.get(e)
    if top != size:
        out.factors += [Holds(u) for u in (e - 1, size - e) if not proves(out, u)]
    return out


def solved(u: Expr, d: Expr, /) -> Expr | None:
    """What ``d`` is if ``u`` is zero, where that is a whole number."""
    row = linear(u)
    c = dict(row[0]).get(d) if row else None
    if c not in (1, -1):
        return None
    rest = sp.expand(d - u * c)
    return None if d in letters_of(rest) else rest


# -------------------------------------------------------------------------------------------------- the steps
def _boxed(t: Term) -> Term:
    r"""Ranges that depend on other bound indices as indicators: $\sum_k\sum_{q\le k}$ is a square, cut."""
    sizes, factors = dict(t.dummies), list(t.factors)
    for d in list(sizes):
        first = sizes[d]
        while inner := _inner(sizes[d], sizes):
            largest = {x: sizes[x] if c > 0 else sp.S.One for x, c in inner}
            if any(d in letters_of(s) for s in largest.values()):
                break
            sizes[d] = sp.expand(sizes[d].xreplace(largest))
        if sizes[d] != first:
            factors.append(Holds(first - d))
    return Term(t.coeff, factors, sizes)


def _inner(size: Expr, sizes: dict[Expr, Expr]) -> list[tuple[Expr, int]]:
    """The bound indices that a range depends on, if it does so linearly, with their coefficients."""
    row = linear(size)
    slopes = dict(row[0]) if row else {}
    return [(x, slopes[x]) for x in sizes if x in slopes]


def _fixed(t: Term, f: Expr) -> Iterator[Term]:
    """The ways to contract a delta."""
    bound = letters_of(f) & t.dummies.keys()
    for d in [*[p for p in f.args if p in bound], *[d for d in t.dummies if d in bound - set(f.args)]]:
        other = f.args[f.args[0] == d]
        e = other if d in f.args and d not in letters_of(other) else solved(f.args[0] - f.args[1], d)
        if e is None or any(d in letters_of(t.dummies[x]) for x in letters_of(e) & t.dummies.keys()):
            continue
        yield substituted(Term(t.coeff, [g for g in t.factors if g is not f], t.dummies), d, e)


def contracted(t: Term, /) -> Term:
    """Every delta that fixes a bound index, carried out; where there is a choice, without a condition."""
    while True:
        for f in t.factors:
            if isinstance(f, KroneckerDelta):
                ways = list(_fixed(t, f)) if letters_of(f) & t.dummies.keys() else []
                if ways:
                    t = min(ways, key=lambda way: sum(isinstance(g, Holds) for g in way.factors))
                    break
        else:
            return t


def _forced(t: Term) -> Term | None:
    """The term with an index replaced that its range or its indicators fix; None if there is none."""
    for d, size in t.dummies.items():
        if size == 1:
            return substituted(t, d, sp.S.One)
    for u in conditions(t):
        if not letters_of(u) & t.dummies.keys() or not proves(t, -u):
            continue
        rest = Term(t.coeff, [f for f in t.factors if f != Holds(u)], t.dummies)
        for d in [d for d in t.dummies if d in letters_of(u)]:
            e = solved(u, d)
            if e is not None and not any(d in letters_of(t.dummies[x]) for x in letters_of(e) & t.dummies.keys()):
                return substituted(rest, d, e)
    return None


def _trimmed(t: Term) -> Term | None:
    """The term without the indicators that say nothing new; None if its conditions contradict each other."""
    kept: list[Expr] = []
    others = [f for f in t.factors if not isinstance(f, Holds)]
    waiting = sorted(set(conditions(t)), key=key)
    for u in waiting:
        rest = [*kept, *waiting[waiting.index(u) + 1 :]]
        here = Term(t.coeff, [*others, *map(Holds, rest)], t.dummies)
        if proves(here, -u - 1):
            return None
        if not proves(here, u):
            kept.append(u)
    if any(proves(t, -size) for size in t.dummies.values() if not size.is_positive):
        return None
    return Term(t.coeff, [*others, *map(Holds, kept)], t.dummies)


def _reboxed(t: Term) -> Term:
    """The smallest box around the domain, so that equal domains are written alike."""
    cut = {d for u in conditions(t) for d in letters_of(u) & t.dummies.keys()}
    plain = {d for d, size in t.dummies.items() if not letters_of(size) & t.dummies.keys()}
    if not cut & plain:
        return t
    rows = [*conditions(t), *[x for d in plain for x in (d - 1, t.dummies[d] - d)]]
    rows = known().about(sp.S.Zero, rows, {d: d for d in t.dummies})
    sizes, extra = dict(t.dummies), []
    for d in [d for d in t.dummies if d in cut & plain]:
        ends = [end for end in project(d, plain - {d}, rows) if not letters_of(end) & t.dummies.keys()]
        ends = sorted({sp.expand(end) for end in [*ends, t.dummies[d]]}, key=key)
        least = [e for e in ends if not any(_below(t, o, e) for o in ends if o != e)]
        if least:
            sizes[d] = least[0]
            extra += [Holds(e - d) for e in least[1:]]
    return Term(t.coeff, [*t.factors, *extra], sizes)


def _below(t: Term, end: Expr, other: Expr) -> bool:
    outer = known()
    return outer.proves(other - end, [u for u in conditions(t) if not letters_of(u) & t.dummies.keys()])


def _counted(t: Term) -> Term | None:
    r"""$\sum_{q=1}^kq^p$ carried out for an index of which only whole powers are summed; None if there is none."""
    for d, size in t.dummies.items():
        holding = [f for f in t.factors if d in letters_of(f)]
        if any(d in letters_of(s) for s in t.dummies.values()):
            continue
        if not all(f == d or isinstance(f, Holds) for f in holding):
            continue
        lows, highs = [sp.S.One], [size]
        for f in holding:
            if isinstance(f, Holds):
                e = solved(f.inside, d)
                if e is None:
                    break
                (lows if sp.expand(f.inside + e - d) == 0 else highs).append(e)
        else:
            rest = Term(
                t.coeff, [f for f in t.factors if f not in holding], {x: s for x, s in t.dummies.items() if x != d}
            )
            low, high = _one(rest, lows, -1), _one(rest, highs, 1)
            if low is None or high is None:
                continue
            power = sum(f == d for f in holding)
            total = _powers(power, high) - _powers(power, low - 1)
            if not proves(rest, high - low + 1) or not in_range(rest):
                rest.factors.append(Holds(high - low))
            rest.factors.append(sp.expand(total))
            return rest
    return None


def _one(t: Term, ends: list[Expr], sign: int) -> Expr | None:
    """The end that is reached first, where that is known."""
    return next((e for e in ends if all(e == o or proves(t, sign * (o - e)) for o in ends)), None)


def _powers(power: int, n: Expr) -> Expr:
    """The sum of k to the given power, k from 1 to n."""
    k = sp.Dummy("k", integer=True, positive=True)
    last = sp.Dummy("n", integer=True, positive=True)
    return (
        last.xreplace({last: n}) if power == 0 else sp.expand(sp.summation(k**power, (k, 1, last))).xreplace({last: n})
    )


def settle(t: Term, /) -> Term | None:
    """The term with its domain in order; None if it is zero."""
    if any(letters_of(size) & t.dummies.keys() for size in t.dummies.values()):
        t = _boxed(t)
    while True:
        t = contracted(t)
        if any(f == 0 for f in t.factors):
            return None
        t = Term(t.coeff, [f for f in t.factors if f != 1], t.dummies)
        if conditions(t) or any(not isinstance(size, (Symbol, sp.Indexed)) for size in t.dummies.values()):
            trimmed = _trimmed(t)
            if trimmed is None:
                return None
            t = trimmed
            forced = _forced(t)
            if forced is not None:
                t = forced
                continue
            trimmed = _trimmed(_reboxed(t))
            assert trimmed is not None
            t = trimmed
        counted = _counted(t)
        if counted is None:
            return t
        t = counted
