"""Where a result is wrong: in which blocks, and by how much in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hesslib.check.case import Case
from hesslib.check.quantity import Quantity
from hesslib.check.reference import ratio
from hesslib.check.verdict import Judgement

MOST = 3  # blocks that are listed by name


@dataclass(frozen=True, eq=False)
class Location:
    """The wrong blocks in words, whether they are a part of the whole, and a mask of the entries in them."""

    words: str
    is_part: bool
    mask: np.ndarray


@dataclass(frozen=True)
class BlockError:
    """The largest difference in a block of parameters, or in a pair of blocks.

    >>> BlockError(("W1", "b2"), 0.5, 1e9).names
    ('W1', 'b2')
    """

    names: tuple[str, ...]  # of the blocks, one for each axis of the result that parameters have
    error: float  # relative to the size of the entries there
    excess: float  # in units of what is allowed


def block_errors(quantity: Quantity, judgement: Judgement) -> tuple[BlockError, ...]:
    """The errors by block: in the order of the blocks, the last axis running fastest."""
    excess = judgement.excess
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.abs(judgement.claimed - judgement.reference.value)
        difference = ratio(difference, np.where(judgement.size > 0, judgement.size, judgement.scale))
    found = []
    for names, inside in _blocks(quantity, judgement):
        part, units = difference[inside], excess[inside]
        if part.size:
            found.append(BlockError(names, float(np.max(part)), float(np.max(units))))
    return tuple(found)


def locate(case: Case) -> Location:
    """The smallest set of blocks that holds every wrong entry."""
    wrong = ~(case.judgement.excess <= 1)
    mask = np.zeros(wrong.shape, dtype=bool)
    names, total = [], 0
    for block, inside in _blocks(case.quantity, case.judgement):
        part = np.zeros(wrong.shape, dtype=bool)
        part[inside] = True
        if not part.any():
            continue
        total += 1
        if (wrong & part).any():
            names.append(block)
            mask |= part
    count = int(wrong.sum())
    if count == 1 and wrong.size > 1:
        place = ", ".join(map(str, np.argwhere(wrong)[0].tolist()))
        return Location(f"entry [{place}]", case.judgement.reference.view.full, wrong)
    is_part = 0 < len(names) < total
    return Location(_words(names, is_part, count, wrong.size), is_part, mask)


def _blocks(quantity: Quantity, judgement: Judgement) -> list[tuple[tuple[str, ...], tuple[np.ndarray, ...]]]:
    """The name of each block and an index of its entries in the view."""
    blocks, view = quantity.subject.blocks, judgement.reference.view
    found: list[tuple[tuple[str, ...], tuple[np.ndarray, ...]]] = [((), ())]
    for axis, of_parameters in enumerate(quantity.axes):
        if of_parameters:
            members = view.members(axis, blocks)
            parts = [(name, np.flatnonzero(members == b)) for b, name in enumerate(blocks.names)]
        else:
            m = quantity.shape[axis]
            parts = [(f"output {o + 1}", np.array([o])) for o in range(m)] if m <= 12 else [("outputs", np.arange(m))]
        found = [((*names, name), (*index, positions)) for names, index in found for name, positions in parts]
    return [(names, np.ix_(*index)) for names, index in found]


def _words(names: list[tuple[str, ...]], is_part: bool, count: int, size: int) -> str:
    if not is_part:
        return "all blocks" if count == size else f"{count} of {size} entries, spread over all blocks"
    if len(names[0]) == 2:
        common = set(names[0]).intersection(*map(set, names[1:]))
        if len(names) > 1 and common:
            sides = [
                side
                for side, of_side in zip(("rows", "columns"), zip(*names, strict=True), strict=True)
                if len(set(of_side)) == 1
            ]
            return f"the {sides[0] if sides else 'rows and columns'} of {_readable(min(common))}"
    shown = [" x ".join(dict.fromkeys(map(_readable, name))) for name in names[:MOST]]
    more = f" and {len(names) - MOST} more blocks" if len(names) > MOST else ""
    return ", ".join(shown) + more


def _readable(name: str) -> str:
    """W2 is layer 2's weights."""
    if name[:1] in "Wb" and name[1:].isdigit():
        return f"layer {name[1:]}'s {'weights' if name[0] == 'W' else 'biases'}"
    return name
