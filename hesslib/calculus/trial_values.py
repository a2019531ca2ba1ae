"""Sizes, layer numbers and free indices to try a formula at: small numbers, so that every coincidence occurs."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence

from sympy import Basic, Expr, Indexed, Integer, Sum, Symbol

from .evaluation import World, definition_of, integer, title
from .index import Tensor, layers_of, slots_of
from .prime_field import Residues, UndecidableError, digest


class Letters:
    """The free letters of some formulas: which are sizes, which layer numbers, and in which slots the others stand.

    ``numbers`` are those that stand beside a size or an index, in a sum or as a power: near them a formula may change.
    """

    def __init__(self, formulas: Iterable[Expr]) -> None:
        self.sizes: dict[Expr, None] = {}
        self.layers: dict[Expr, None] = {}
        self.slots: dict[Expr, list[tuple[Tensor, tuple[Expr, ...], int]]] = {}
        self.others: dict[Expr, None] = {}
        self.numbers = {1}
        for e in formulas:
            self.read(e, frozenset())
        self.sizes = {s: None for s in self.sizes if s not in self.slots and s not in self.layers}
        known = {*self.slots, *self.layers, *self.sizes}
        self.others = {s: None for s in self.others if s not in known}

    def read(self, e: Basic, bound: frozenset[Expr]) -> None:
        """Collect what a formula, inside sums over ``bound`` letters, says of its free ones."""
        if isinstance(e, (Indexed, Symbol)) and (found := definition_of(e)) is not None:
            self.read(found[0], frozenset(found[1]))
        if isinstance(e, Sum):
            for letter, low, high in reversed(e.limits):
                self.size(low, bound)
                self.size(high, bound)
                bound |= {letter}
            self.read(e.function, bound)
        elif isinstance(e, Indexed):
            base = e.base
            layers, slots = (layers_of(e), slots_of(e)) if isinstance(base, Tensor) else ((), e.indices)
            for x in layers:
                self.layers |= dict.fromkeys(sorted(x.free_symbols - bound, key=str))
            for x in slots:
                self.count(x)
                self.others |= dict.fromkeys(sorted(x.free_symbols - bound, key=str))
            if isinstance(base, Tensor):
                for place, x in enumerate(slots):
                    if isinstance(x, Symbol) and x not in bound and not any(y.free_symbols & bound for y in layers):
                        self.slots.setdefault(x, []).append((base, layers, place))
                for size in base._sizes:
                    self.size(size, bound | set(base._slots))
        elif isinstance(e, Symbol):
            if e.is_integer and e not in bound:
                self.others[e] = None
        else:
            if any(isinstance(x, Symbol) and x.is_integer for x in e.args):
                self.count(e)
            for x in e.args:
                self.read(x, bound)

    def size(self, e: Expr, bound: frozenset[Expr] | set[Expr]) -> None:
        """Collect the letters of a size."""
        self.count(e)
        for x in e.atoms(Indexed):
            self.read(x, frozenset(bound))
        inside = set(bound).union(*[x.free_symbols for x in e.atoms(Indexed)])
        self.sizes |= dict.fromkeys(sorted((s for s in e.free_symbols - inside if isinstance(s, Symbol)), key=str))

    def count(self, e: Basic) -> None:
        """Collect the numbers that stand in ``e`` itself."""
        self.numbers |= {abs(int(x)) for x in (e, *e.args) if isinstance(x, Integer)}

    @property
    def free(self) -> list[Expr]:
        """The free indices."""
        return [*self.slots, *self.others]

    def end(self, s: Expr, world: World, otherwise: int) -> int:
        """How far a free index runs in a world."""
        ends = []
        for base, layers, place in self.slots.get(s, ()):
            with contextlib.suppress(UndecidableError):
                ends.append(world.sizes(base, tuple(integer(x)(world, world.integers) for x in layers))[place])
        return max(1, min(ends, default=otherwise))

    def candidates(self) -> list[int]:
        """The sizes to try: the smallest ones, and those about every number that stands beside one."""
        near = {n + step for n in self.numbers for step in (-1, 0, 1, 2)}
        return sorted(n for n in {1, 2, 3, 4} | near if n > 0)


def coincidences(count: int, /) -> list[tuple[int, ...]]:
    """The ways in which ``count`` letters may coincide, each letter with the number of its block: all, at first.

    Of more than four letters there are too many ways; all alike, all different, and those in which two are.

    >>> coincidences(3)
    [(0, 0, 0), (0, 1, 2), (0, 1, 1), (0, 1, 0), (0, 0, 1)]
    """
    if count <= MOST_LETTERS:
        ways: list[tuple[int, ...]] = [()]
        for _ in range(count):
            ways = [(*way, block) for way in ways for block in range(max(way, default=-1) + 2)]
    else:
        apart = tuple(range(count))
        pairs = [tuple(p if s == q else s for s in apart) for p, q in itertools.combinations(apart, 2)]
        ways = [(0,) * count, *pairs, apart]
    return [ways[0], *ways[:0:-1]]


MOST_LETTERS = 4


def worlds(letters: Letters, candidates: Sequence[int], count: int, name: str) -> Iterator[World]:
    """Worlds in which every size takes each candidate in turn, in an order of its own; in the first two all agree.

    The free indices coincide in every possible way in turn, as far as their ranges allow: a slip in an index may show
    only where all are different, and what holds of different indices only shows where two are one.
    """
    ways = coincidences(len(letters.free))
    for trial in range(count):
        together = candidates[trial % len(candidates)] if trial < 2 else 0

        def drawn(letter: Expr, among: Sequence[int], trial: int = trial) -> int:
            start, stride = digest(name, title(letter)), 1 + 2 * (digest(title(letter), name) % len(among))
            while math.gcd(stride, len(among)) > 1:
                stride += 1
            return among[(start + trial * stride) % len(among)]

        integers = {s: together or drawn(s, candidates) for s in letters.sizes}
        depth = 2 + digest(name, trial) % 3
        for s in letters.layers:
            integers[s] = depth + 1 if title(s)[0].isupper() else 1 + digest(name, trial, title(s)) % depth
        way = ways[max(trial - 1, 0) % len(ways)]
        narrowest = min(1 + max(way, default=0), 3)  # the widths are to leave room for different indices
        world = World(Residues(f"{name} {trial}"), integers, f"{name} {trial}", together, narrowest)
        last = candidates[-1] + 1  # of the other letters nothing says how far they run
        blocks: dict[int, list[Expr]] = {}
        for s, block in zip(letters.free, way, strict=True):
            blocks.setdefault(block, []).append(s)
        taken: set[int] = set()
        for alike in blocks.values():
            end = min(letters.end(s, world, last) for s in alike)
            chance = digest(name, trial, *map(title, alike))
            free = [unit for unit in range(1, end + 1) if unit not in taken] or range(1, end + 1)
            unit = free[-1] if chance % 5 == 0 else free[chance // 5 % len(free)]
            integers |= dict.fromkeys(alike, unit)
            taken.add(unit)
        yield world
