"""What JAX computes, as it was traced: every value with the operation and the values that it comes from."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from hesslib._arrays import to_numpy
from hesslib.layers import Layer

MOVING = ("broadcast_in_dim", "reshape", "transpose", "squeeze", "expand_dims", "concatenate", "slice", "copy", "rev")
"""Operations that only move the numbers of a parameter."""
ENDS = ("layer", "dot_general", "reshape", "transpose", "concatenate", "reduce_sum", "stop_gradient")
"""Operations that are no part of an activation."""
SERIAL = count()


@dataclass(eq=False)
class Value:
    """Something that is computed: by an operation from other values; or a parameter, the inputs, a constant."""

    shape: tuple[int, ...]
    operation: Any = None
    options: dict[str, Any] = field(default_factory=dict)
    of: list[Any] = field(default_factory=list)
    positions: np.ndarray | None = None  # of a parameter
    constant: Any = None
    uses: int = 0
    serial: int = field(default_factory=lambda: next(SERIAL))

    @property
    def name(self) -> str:
        """What the operation is called."""
        return "" if self.operation is None else str(self.operation.name)


Number = Callable[[Value], int]
"""The number of the state that a value is; the layers that make it are added first."""
Add = Callable[..., int]
"""Adds a layer of a name to the states of these numbers, with the positions of its parameters; the number it makes."""
Found = tuple[str, Layer, list[Value], list[np.ndarray]]
"""A name, a layer, what it is of, and the positions of its parameters."""


class Another(Exception):
    """A value depends on something else."""


def constant(value: Any, /) -> Value:
    """A constant, as a value."""
    return Value(np.shape(value), constant=value)


def folded(value: Value, /) -> Value:
    """The value as a constant, if it is one."""
    if (value.of and any(one.constant is None for one in value.of)) or value.name == "layer":
        return value
    return constant(value.operation.bind(*(one.constant for one in value.of), **value.options))


def positions_of(value: Value, /) -> np.ndarray | None:
    """The positions of the parameters that a value is, moved as they are; None if it is something else."""
    if value.positions is not None or value.name not in MOVING:
        return value.positions
    of = [positions_of(one) for one in value.of]
    if any(one is None for one in of):
        return None
    return to_numpy(value.operation.bind(*(np.asarray(one) for one in of), **value.options))


def features_of(positions: np.ndarray, shape: tuple[int, ...], /) -> tuple[tuple[int, ...], bool, np.ndarray]:
    """The axes over which parameters are different, whether these are channels, and the parameters there."""
    P = np.broadcast_to(positions, shape)[0]
    for k in range(P.ndim + 1):
        own = P[(0,) * (P.ndim - k)]
        if (own == P).all():
            return own.shape, False, own
        channels = P[(slice(None), *(0,) * (P.ndim - 1))]
        if k == 0 and (channels.reshape(-1, *(1 for _ in P.shape[1:])) == P).all() and P.ndim > 1:
            return channels.shape, True, channels
    raise AssertionError("all axes are axes of features")


def evaluated(value: Value, values: dict[Value, Any], /, ends: Container[str] = ENDS) -> Any:
    """The value where some values are given, and all that comes of them is computed anew.

    Errors: `Another` if it depends on something else, or on an operation of ``ends``.
    """
    if value not in values:
        if value.constant is not None:
            return value.constant
        if value.operation is None or value.name in ends:
            raise Another
        values[value] = value.operation.bind(*(evaluated(one, values, ends) for one in value.of), **value.options)
    return values[value]
