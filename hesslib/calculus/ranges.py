r"""How far each index runs, and the refusal of a formula in which an index could leave its range.

Every sum says how far its index runs, and every slot of a tensor how far what fills it may run. An index that is free
runs as far as the slots it fills, which must agree. Two indices joined by a delta run over ranges of which one holds
the other: $I_{jk}$ with $j\le n_l$ and $k\le n_{l+1}$ is a slip, not a matrix. Sizes are positive whole numbers.

Longer than one sitting: how far an index runs is gathered from every kind of expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy as sp
from sympy import Expr, Indexed, Mul, Sum

from .index import KroneckerDelta, RangeError, Tensor, apart, freshen, layers_of, letters_of, slots_of
from .indicators import Holds
from .inequalities import linear
from .knowledge import Known

Use = tuple[Expr, Expr, tuple[Expr, ...], Expr]
"""What fills a slot, the size of the slot, what holds there (indicators and ranges of sums), and the quantity."""


class Ranges:
    """The ranges of all indices of a formula whose bound indices are all different (see ``freshen``)."""

    def __init__(self) -> None:
        self.known = Known()
        self._ends: set[Expr] = set()
        self._free: dict[Expr, tuple[Expr, Expr]] = {}
        self._uses: list[Use] = []
        self._layers: dict[Tensor, set[Expr]] = {}
        self._deltas: list[KroneckerDelta] = []
        self._twin: dict[Expr, Expr] = {}

    @property
    def filling(self) -> set[Expr]:
        """The free indices that fill a slot."""
        return set(self._free)

    # ------------------------------------------------------------------------------------------------- reading
    def read(self, e: Expr, /) -> None:
        """Collect what every sum, slot and delta in ``e`` says."""
        self._visit(e, ())

    def bind(self, v: Expr, size: Expr, /) -> None:
        """Index ``v`` runs from 1 to ``size``."""
        row = linear(size)
        if row is None and not all(a.is_integer is not False for a in size.atoms(sp.Symbol)):
            raise RangeError(f"the sum over {v.name} runs to {_show(size)}, which need not be a whole number")
        if any(c.is_Rational and not c.is_Integer for c in sp.expand(size).as_coefficients_dict().values()):
            raise RangeError(f"the sum over {v.name} runs to {_show(size)}, which need not be a whole number")
        self.known.tops[v] = size
        if isinstance(size, sp.Symbol):
            self._ends.add(size)

    def _visit(self, e: Expr, guards: tuple[Expr, ...]) -> None:
        if not e.args or isinstance(e, Holds):
            return
        if isinstance(e, Sum):
            for v, lo, hi in reversed(e.limits):
                if lo != 1:
                    raise RangeError(f"the sum over {v.name} starts at {lo}; sums start at 1")
                self.bind(v, hi)
                guards += (v - 1, hi - v)
            self._visit(e.function, guards)
            return
        if isinstance(e, Mul):
            guards += tuple(x.inside for x in e.args if isinstance(x, Holds))
        if isinstance(e, Indexed):
            if isinstance(e.base, Tensor):
                self._layers.setdefault(e.base, set()).update(layers_of(e))
                for p, size in zip(slots_of(e), e.base.sizes(*layers_of(e)), strict=True):
                    if isinstance(size, sp.Symbol):
                        self.known.sizes.add(size)
                    self._uses.append((p, size, guards, e))
            return
        if isinstance(e, KroneckerDelta):
            self._deltas.append(e)
            return
        for x in e.args:
            self._visit(x, guards)

    # ------------------------------------------------------------------------------------------------ deciding
    def settle(self) -> Known:
        """What is known of all letters; :class:`~hesslib.calculus.index.RangeError` where an index leaves its range."""
        bound = dict(self.known.tops)
        later = []
        for use in self._uses:
            p, size, _, where = use
            if linear(p) is None or not all(x.is_integer is not False for x in letters_of(p)):
                raise RangeError(f"{_show(where)}: an index is a letter or a whole number; found {p}")
            if not isinstance(p, sp.Symbol) or p in bound or p in self.known.sizes:
                later.append(use)
                continue
            known, first = self._free.setdefault(p, (size, where))
            if known != size:
                raise _clash(p, known, first, size, where)
            self.known.tops[p] = size
        self._bound_layers()
        self.known.sizes |= self._ends - self.known.tops.keys()  # the last value of a range is a size, or an index
        for p, size, guards, where in sorted(later, key=lambda use: bool(self.known.indices(use[0]))):
            self._decide(p, size, guards, where)
        for d in self._deltas:
            self._join(d)
        self._compare(bound)
        return self.known

    def _bound_layers(self) -> None:
        """Where a sum runs over all layers of a quantity, its other layer numbers are among them."""
        for quantity, layers in self._layers.items():
            last = {top for y in layers if (top := self.known.tops.get(y)) is not None}
            if len(last) == 1:
                (self.known.depths[quantity],) = last
                others = [y for y in layers if isinstance(y, sp.Symbol) and y.is_positive and y not in last]
                self.known.tops |= dict.fromkeys(others, *last)

    def _decide(self, p: Expr, size: Expr, guards: tuple[Expr, ...], where: Expr) -> None:
        """Whether what fills a slot stays in it."""
        top = self.known.tops.get(p)
        if top is not None and top == size:
            return
        if not self.known.indices(p):  # a number, or the last one of a range: to speak of it is to say that it exists
            below = self.known.proves(-p) or self.known.proves(p - size - 1)
            if below or (p.is_Integer and p < 1):
                raise RangeError(f"{_show(where)}: index {_show(p)} is outside 1, ..., {_show(size)}")
            if not self.known.indices(size):
                self.known.presupposed |= {u for u in (p - 1, size - p) if not u.is_Integer}
            return
        if self.known.proves(p - 1, guards) and self.known.proves(size - p, guards):
            return
        if top is not None:
            raise _clash(p, top, "the sum", size, where)
        raise RangeError(
            f"{_show(where)}: the index {_show(p)} is not shown to stay within 1, ..., {_show(size)}",
            rf"{_show(p)}\text{{ may leave }}1,\dots,{_show(size)}\text{{ in }}{_show(where)}",
        )

    def _first(self, p: Expr) -> Expr:
        while p in self._twin:
            p = self._twin[p]
        return p

    def _join(self, d: KroneckerDelta) -> None:
        for p in d.args:
            if linear(p) is None:
                raise RangeError(f"{_show(d)}: an index is a letter or a whole number; found {p}")
        p, q = sorted(d.args, key=lambda s: s.is_Integer)
        if q.is_Integer:  # a number is in many ranges: it joins none of them
            top = self.known.tops.get(p)
            if top is not None and (q < 1 or (top.is_Integer and q > top)):
                raise RangeError(f"{_show(d)}: index {q} is outside 1, ..., {_show(top)}")
        elif isinstance(p, sp.Symbol) and isinstance(q, sp.Symbol) and not {p, q} & self.known.sizes:
            first, second = self._first(p), self._first(q)
            if first != second:
                self._twin[second] = first

    def _compare(self, bound: Mapping[Expr, Expr]) -> None:
        """Of two ranges that deltas join, one must hold the other."""
        groups: dict[Expr, list[Expr]] = {}
        for p, top in self.known.tops.items():
            if letters_of(top) & bound.keys():
                continue  # the side of a triangle is no range of its own
            if self._first(p) != p or p in self._twin.values():
                groups.setdefault(self._first(p), []).append(p)
        for letters in groups.values():
            for position, q in enumerate(letters):
                for p in letters[:position]:
                    small, large = self.known.tops[p], self.known.tops[q]
                    gap = large - small
                    if small != large and not self.known.proves(gap) and not self.known.proves(-gap):
                        where = ["the sum" if x in bound else self._free[x][1] for x in (p, q)]
                        raise _clash(q, small, where[0], large, where[1], p)

    def sizes(self) -> dict[Expr, Expr]:
        """How far each index runs, those included of which only a delta tells it."""
        tops = self.settle().tops
        joined = {self._first(p): top for p, top in tops.items()}
        return {p: tops.get(p, joined.get(self._first(p))) for p in {*tops, *self._twin} if self._first(p) in joined}


def sizes_of(factors: Iterable[Expr], dummies: Mapping[Expr, Expr], /) -> dict[Expr, Expr]:
    """The size of every index in a product summed over ``dummies`` (index -> size)."""
    ranges = Ranges()
    for d, size in dummies.items():
        ranges.bind(d, size)
    ranges.read(freshen(Mul(*factors, evaluate=False)))
    return ranges.sizes()


def _ranges_of(*formulas: Expr) -> Ranges:
    found = Ranges()
    for e in formulas:
        found.read(e)
    return found


def agree_on_ranges(first: Expr, passed: Iterable[Expr], last: Expr, /) -> None:
    """Refuse the last member of a chain whose indices run differently in a member before it.

    Errors: `RangeError`, too, if only a member in between tells how far a free index of the two ends runs.
    """
    first, *between, last = apart(first, *passed, last)
    whole = _ranges_of(first, *between, last)
    known = whole.settle()
    told = _ranges_of(first, last).settle() if between else known
    letters = {*letters_of(first), *letters_of(last)}
    for p in sorted(letters & whole.filling - told.tops.keys(), key=str):
        raise RangeError(
            f"index {p.name} runs to {_show(known.tops[p])} in a member of the chain in between, but neither "
            f"{_show(first)} nor {_show(last)} says so"
        )
    if any(letters_of(u) <= letters and not told.proves(u) for u in known.presupposed):
        raise RangeError(f"a member of the chain in between speaks of an entry that may not exist in {_show(last)}")


def _clash(
    p: Expr, known: Expr, first: Expr | str, size: Expr, where: Expr | str, other: Expr | None = None
) -> Exception:
    joined = "" if other is None else f" (a delta joins it with {other.name})"
    return RangeError(
        f"index {p.name}{joined} runs to {_show(known)} in {_show(first)} but to {_show(size)} in {_show(where)}",
        rf"{p.name}\le {_show(known)}\text{{ in }}{_place(first)}"
        rf"\text{{, but }}{p.name}\le {_show(size)}\text{{ in }}{_place(where)}",
    )


def _place(x: Expr | str) -> str:
    return rf"\text{{{x}}}" if isinstance(x, str) else _show(x)


def _show(x: Expr | str) -> str:
    if isinstance(x, str):
        return x
    from .latex import tex  # the printer needs the terms, not the other way round

    return tex(x)
