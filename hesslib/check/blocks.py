"""The parts of a point that a report tells apart: the weights and biases of each layer, or plain ranges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hesslib._options import integer

RANGES = 8  # parts of a point that has no structure of its own


@dataclass(frozen=True)
class Blocks:
    """Names, and for each coordinate the number of the block it belongs to (-1: to none).

    >>> Blocks.of_sizes([("W1", 2), ("b1", 1)]).member
    array([0, 0, 1])
    """

    names: tuple[str, ...]
    member: np.ndarray

    @staticmethod
    def of_sizes(parts: Iterable[tuple[str, int]]) -> Blocks:
        """Blocks that lie one after the other.

        Errors: ValueError if the parts are not pairs of a name and a size.
        """
        try:
            pairs = [(str(name), integer(size)) for name, size in parts]
        except (TypeError, ValueError):
            pairs = []
        if not pairs or any(size is None or size < 0 for _, size in pairs):
            raise ValueError(f"blocks is {parts!r}; it must hold pairs of a name and a size, [('W1', 6), ('b1', 3)]")
        sizes = np.array([size for _, size in pairs])
        return Blocks(tuple(name for name, _ in pairs), np.repeat(np.arange(len(sizes)), sizes))

    @staticmethod
    def ranges(p: int) -> Blocks:
        """At most eight ranges of coordinates of about equal length.

        >>> Blocks.ranges(3).names
        ('[0]', '[1]', '[2]')
        """
        edges = np.linspace(0, p, min(p, RANGES) + 1).astype(int).tolist()
        return Blocks.of_sizes([(f"[{a}]" if b == a + 1 else f"[{a}:{b}]", b - a) for a, b in pairwise(edges)])

    def __len__(self) -> int:
        return len(self.names)

    def directions(self, each: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Random normal directions (p, s), each within one block, and the block of each."""
        columns, member = [], []
        for block in range(len(self)):
            inside = self.member == block
            for _ in range(each):
                v = np.zeros(len(self.member))
                v[inside] = rng.standard_normal(int(inside.sum()))
                columns.append(v)
                member.append(block)
        return np.stack(columns, axis=1), np.array(member)

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """At most `count` coordinates in ascending order, of every block its share and at least one."""
        share = min(1.0, count / len(self.member))
        chosen = []
        for block in range(len(self)):
            inside = np.flatnonzero(self.member == block)
            chosen.append(rng.choice(inside, size=max(1, int(share * len(inside))), replace=False))
        return np.sort(np.concatenate(chosen))
