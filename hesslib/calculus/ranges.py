r"""How far each index runs, and the refusal of a formula in which one index would run over two ranges.

Every slot of a tensor, every sum and every delta says something about the range of an index. Two indices joined by a
delta have one range: $I_{jk}$ with $j\le n_l$ and $k\le n_{l+1}$ is a slip, not a matrix.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy as sp
from sympy import Expr, Indexed, KroneckerDelta, Sum

from .index import RangeError, Tensor, freshen, layers_of, slots_of


class Ranges:
    """The sizes of all indices of a formula whose bound indices are all different (see ``freshen``)."""

    def __init__(self) -> None:
        self._uses: dict[Expr, list[tuple[Expr, Expr | str]]] = {}
        self._twin: dict[Expr, Expr] = {}
        self._numbers: list[tuple[Expr, Expr]] = []

    def _first(self, p: Expr) -> Expr:
        while p in self._twin:
            p = self._twin[p]
        return p

    def use(self, p: Expr, size: Expr, where: Expr | str, /) -> None:
        """Index ``p`` fills a slot of the given size."""
        if isinstance(p, sp.Symbol):
            self._uses.setdefault(p, []).append((sp.expand(size), where))
        elif not p.is_Integer:
            raise RangeError(f"{_show(where)}: an index is a letter or a number; found {p}")
        elif p < 1 or (size.is_Integer and p > size):
            raise RangeError(f"{_show(where)}: index {p} is outside 1, ..., {_show(size)}")

    def read(self, e: Expr, /) -> None:
        """Collect what every sum, slot and delta in ``e`` says."""
        for x in sp.preorder_traversal(e):
            if isinstance(x, Sum):
                for v, lo, hi in x.limits:
                    if lo != 1:
                        raise RangeError(f"the sum over {v.name} starts at {lo}; sums start at 1")
                    self.use(v, hi, "the sum")
            elif isinstance(x, Indexed) and isinstance(x.base, Tensor):
                for p, size in zip(slots_of(x), x.base.sizes(*layers_of(x)), strict=True):
                    self.use(p, size, x)
            elif isinstance(x, KroneckerDelta):
                self._join(x)

    def _join(self, d: KroneckerDelta) -> None:
        for p in d.args:
            if not isinstance(p, sp.Symbol) and not p.is_Integer:
                raise RangeError(f"{_show(d)}: an index is a letter or a number; found {p}")
        p, q = sorted(d.args, key=lambda s: s.is_Integer)
        if q.is_Integer:  # a number is in many ranges: it joins none of them
            self._numbers.append((p, q))
        elif (first := self._first(p)) != (second := self._first(q)):
            self._twin[second] = first

    def sizes(self) -> dict[Expr, Expr]:
        """The size of every index; :class:`~hesslib.calculus.index.RangeError` if one index has two."""
        found: dict[Expr, tuple[Expr, Expr, Expr | str]] = {}
        for p, uses in self._uses.items():
            for size, where in uses:
                letter, known, origin = found.setdefault(self._first(p), (p, size, where))
                if known != size:
                    joined = "" if letter == p else f" (a delta joins it with {letter.name})"
                    raise RangeError(
                        f"index {p.name}{joined} runs to {_show(known)} in {_show(origin)} but to {_show(size)} "
                        f"in {_show(where)}",
                        rf"{p.name}\le {_show(known)}\text{{ in }}{_place(origin)}"
                        rf"\text{{, but }}{p.name}\le {_show(size)}\text{{ in }}{_place(where)}",
                    )
        sizes = {p: found[self._first(p)][1] for p in {*self._uses, *self._twin} if self._first(p) in found}
        for p, number in self._numbers:
            if p in sizes:
                self.use(number, sizes[p], KroneckerDelta(p, number))
        return sizes


def sizes_of(factors: Iterable[Expr], dummies: Mapping[Expr, Expr], /) -> dict[Expr, Expr]:
    """The size of every index in a product summed over ``dummies`` (index -> size)."""
    ranges = Ranges()
    for d, size in dummies.items():
        ranges.use(d, size, "the sum")
    for f in factors:
        ranges.read(freshen(f))
    return ranges.sizes()


def _place(x: Expr | str) -> str:
    return rf"\text{{{x}}}" if isinstance(x, str) else _show(x)


def _show(x: Expr | str) -> str:
    if isinstance(x, str):
        return x
    from .latex import tex  # the printer needs the terms, not the other way round

    return tex(x)
