r"""Canonical names for the bound indices of a product, so that equal products are written alike.

Indices are told apart by what surrounds them; where that leaves a choice, the smallest of the keys is taken. Free
deltas are used: with $I_{pq}$ in a product, one letter stands for both.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import sympy as sp
from sympy import Expr, Sum, Symbol

from .domains import in_range, solved
from .index import KroneckerDelta, letters_of
from .terms import Normaliser, Term, charge, key

Colours = dict[Expr, int]


def identified(factors: Iterable[Expr]) -> tuple[list[dict[Expr, Expr]], list[Expr]]:
    r"""What the free deltas of a product allow to write: for $I_{pq}$, the first letter of each class everywhere.

    The replacements, one after the other, and the deltas that are left.
    """
    deltas = {f for f in factors if isinstance(f, KroneckerDelta)}
    leader: dict[Expr, Expr] = {}

    def find(p: Expr) -> Expr:
        while p in leader:
            p = leader[p]
        return p

    shifted = {d for d in deltas if not all(isinstance(p, Symbol) or p.is_Integer for p in d.args)}
    for plain in deltas - shifted:
        p, *others = sorted({find(x) for x in plain.args}, key=lambda x: (not x.is_Integer, key(x)))
        leader |= dict.fromkeys(others, p)
    replacements = [{q: find(q) for q in leader}]
    left = [KroneckerDelta(find(q), q) for q in sorted(leader, key=key)]
    for delta in sorted(shifted, key=key):  # for I_{p,q+1}, q + 1 is written for p
        d = functools.reduce(Expr.xreplace, replacements, delta)
        gap = d.args[0] - d.args[1] if isinstance(d, KroneckerDelta) else sp.S.Zero
        ways = [(p, e) for p in sorted(letters_of(gap), key=key, reverse=True) if (e := solved(gap, p)) is not None]
        if ways:
            replacements.append(dict(ways[:1]))
        left.append(KroneckerDelta(*ways[0]) if ways else d)
    return replacements, left


def unify(factors: Sequence[Expr]) -> list[Expr]:
    """The product with its free deltas used on all other factors."""
    if not any(isinstance(f, KroneckerDelta) for f in factors):
        return list(factors)
    replacements, left = identified(factors)
    rest = [functools.reduce(Expr.xreplace, replacements, f) for f in factors if not isinstance(f, KroneckerDelta)]
    return [f for f in (*rest, *left) if f != 1]


def is_zero(factors: Sequence[Expr]) -> bool:
    """Whether the deltas of a product ask one index to be two numbers."""
    return any(f.is_zero for f in unify(factors) if isinstance(f, KroneckerDelta) or f.is_Number)


def level_of(factors: Sequence[Expr]) -> int:
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


def parted(factors: Sequence[Expr], dummies: dict, /) -> tuple[list[Expr], list[tuple[list[Expr], dict]]]:
    """The parts of a product for display: all under one sum where only that keeps an index in its slot."""
    outer, sums = components(factors, dummies)
    if not sums or in_range(Term(sp.S.One, outer, {})):
        return outer, sums
    return [], [(list(factors), dummies)]


def limits_of(dummies: dict, renaming: dict, /) -> list[tuple[Expr, Expr, Expr]]:
    """The limits of a sum, by name; an index whose size depends on another one stands inside that other one."""
    limits: list[tuple[Expr, Expr, Expr]] = []
    waiting = sorted(dummies, key=lambda d: renaming[d].name)
    while waiting:
        inner = next(d for d in waiting if not any(d in letters_of(dummies[other]) for other in waiting))
        waiting.remove(inner)
        limits.append((renaming[inner], sp.S.One, dummies[inner].xreplace(renaming)))
    return limits


class Names:
    """The names of bound indices, given what puts the inside of a function into normal form."""

    def __init__(self, inside: Normaliser, /) -> None:
        self.inside = inside

    def product_key(self, factors: Sequence[Expr]) -> tuple[str, ...]:
        """The factors, whatever their order, with the inside of functions in normal form for its present letters."""
        return tuple(sorted(key(self.inside(f)) for f in factors))

    def refine(self, factors: Sequence[Expr], dummies: dict, colour: Colours) -> Colours:
        """Tell bound indices apart by what surrounds them, until that tells no more of them apart."""
        while len(set(colour.values())) < len(dummies):
            charge(5 * len(dummies) * (1 + len(factors)), "naming the indices of a sum")
            masks = {d: Symbol(f"_c{c}", integer=True) for d, c in colour.items()}
            views = {}
            for d, size in dummies.items():
                mine = masks | {d: Symbol("_me", integer=True)}
                around = self.product_key([f.xreplace(mine) for f in factors if d in letters_of(f)])
                sized = sorted(key(s.xreplace(mine)) for s in dummies.values() if d in letters_of(s))
                views[d] = (colour[d], key(size.xreplace(masks)), around, tuple(sized))
            ranks = {view: rank for rank, view in enumerate(sorted(set(views.values())))}
            finer = {d: ranks[views[d]] for d in dummies}
            if len(ranks) == len(set(colour.values())):
                return finer
            colour = finer
        return colour

    def orders(self, factors: Sequence[Expr], dummies: dict, colour: Colours) -> Iterator[list[Expr]]:
        """The orders of the bound indices that nothing in the product decides between."""
        colour = self.refine(factors, dummies, colour)
        ordered = sorted(dummies, key=lambda d: colour[d])
        cell = next((c for _, g in itertools.groupby(ordered, key=lambda d: colour[d]) if len(c := list(g)) > 1), None)
        if cell is None:
            yield ordered
            return
        seen: list[Expr] = []
        for d in cell:
            if any(self.twins(factors, dummies, d, other) for other in seen):
                continue  # exchanging the two changes nothing: this branch would repeat that of the other
            seen.append(d)
            yield from self.orders(factors, dummies, {e: 2 * c + (e in cell and e is not d) for e, c in colour.items()})

    def twins(self, factors: Sequence[Expr], dummies: dict, d: Expr, e: Expr) -> bool:
        """Whether a sum stays the same, term by term, when two of its indices are exchanged."""
        charge(5 * len(factors), "naming the indices of a sum")
        swap = {d: e, e: d}
        touched = [f for f in factors if letters_of(f) & swap.keys()]
        swapped = [f.xreplace(swap) for f in touched]
        if self.product_key(touched) != self.product_key(swapped):
            return False
        return Counter(dummies.values()) == Counter(size.xreplace(swap) for size in dummies.values())

    def of_sum(self, factors: Sequence[Expr], dummies: dict, level: int) -> tuple[tuple, dict]:
        """The smallest key over the renamings that are left open, and the renaming that has it."""
        best = None
        for order in self.orders(factors, dummies, dict.fromkeys(dummies, 0)):
            charge(10 * (1 + len(factors)), "naming the indices of a sum")
            renaming = {d: Symbol(f"_{level}_{r}", integer=True) for r, d in enumerate(order)}
            candidate = (
                self.product_key([f.xreplace(renaming) for f in factors]),
                tuple(key(dummies[d].xreplace(renaming)) for d in order),
            )
            if best is None or candidate < best[0]:
                best = (candidate, renaming)
        assert best is not None
        return best

    def key(self, t: Term) -> tuple:
        factors = unify(t.factors)
        level = level_of(factors)
        outer, sums = components(factors, t.dummies)
        return self.product_key(outer), tuple(sorted(self.of_sum(fs, ds, level)[0] for fs, ds in sums))
