"""Sizes, strides and paddings of windows, as a layer of hesslib takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hesslib.convert.refusals import refusal


def numbers(values: Sequence[Any], /) -> Any:
    """One number for one axis of positions, a pair for two."""
    return tuple(int(value) for value in values) if len(values) > 1 else int(values[0])


def both_sides(owner: str, pairs: Iterable[Sequence[int]], /) -> Any:
    """The padding of each axis, which must be the same before and after."""
    told = tuple(map(tuple, pairs))
    if any(before != after for before, after in told):
        raise refusal(f"{owner} has padding={told}; it must be the same before and after")
    return numbers([before for before, _ in told])
