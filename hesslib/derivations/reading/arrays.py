r"""Matrix notation: an array is its sizes and its entries, a vector has one column or, transposed, one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy import Expr, KroneckerDelta

from hesslib.calculus.index import RangeError, S
from hesslib.calculus.latex import tex


@dataclass(frozen=True)
class Array:
    """A vector or a matrix: how many rows and columns (None for one only), and its entries."""

    rows: Expr | None
    columns: Expr | None
    entry: Callable[[Any, Any], Expr]

    @property
    def T(self) -> Array:
        """The transpose."""
        return Array(self.columns, self.rows, lambda i, j: self.entry(j, i))

    @property
    def shape(self) -> tuple[Expr | None, Expr | None]:
        return (self.rows, self.columns)

    def map(self, f: Callable[[Expr], Expr], /) -> Array:
        """A function of every entry."""
        return Array(self.rows, self.columns, lambda i, j: f(self.entry(i, j)))


UNSAID = sp.Dummy("n", integer=True, positive=True)
"""The size of an identity matrix: that of what it stands beside."""


@dataclass(frozen=True)
class Identity(Array):
    """A multiple of the identity matrix, as large as what it is added to or multiplied by."""

    factor: Expr = sp.S.One

    @classmethod
    def times(cls, factor: Expr, /) -> Identity:
        """So many times the identity matrix."""
        return cls(UNSAID, UNSAID, lambda i, j: factor * KroneckerDelta(i, j), factor)

    @property
    def T(self) -> Array:
        return self

    def map(self, f: Callable[[Expr], Expr], /) -> Array:
        raise RangeError("how large the identity matrix is is not said here")

    def of_size(self, size: Expr, /) -> Array:
        """The matrix with so many rows."""
        return Array(size, size, self.entry)


def said(shape: tuple[Expr | None, Expr | None], /) -> str:
    """The shape in words."""
    rows, columns = ("1" if size is None else "n" if size == UNSAID else tex(size) for size in shape)
    return f"{rows} by {columns}"


def together(x: Any, y: Any, f: Callable[[Expr, Expr], Expr], what: str, /) -> Any:
    """Two scalars or two arrays of one shape, entry by entry."""
    if not isinstance(x, Array) and not isinstance(y, Array):
        return f(x, y)
    if not isinstance(x, Array) or not isinstance(y, Array):
        array = x if isinstance(x, Array) else y
        raise RangeError(f"{what} takes equal shapes; a number and an array of {said(array.shape)} differ")
    if isinstance(x, Identity) and isinstance(y, Identity):
        return Identity.times(f(x.factor, y.factor))
    x, y = sized(x, y), sized(y, x)
    unsized = isinstance(x, Identity) or isinstance(y, Identity)  # beside what is not square
    if unsized or not _fits(x.rows, y.rows) or not _fits(x.columns, y.columns):
        raise RangeError(f"{what} takes equal shapes; {said(x.shape)} and {said(y.shape)} differ")
    return Array(x.rows, x.columns, lambda i, j: f(x.entry(i, j), y.entry(i, j)))


def times(x: Any, y: Any, /) -> Any:
    """The product: of numbers, of a number and an array, of two matrices."""
    if not isinstance(x, Array) or not isinstance(y, Array):
        if isinstance(x, Array):
            x, y = y, x
        if not isinstance(y, Array):
            return x * y
        if isinstance(y, Identity):
            return Identity.times(x * y.factor)
        return Array(y.rows, y.columns, lambda i, j: x * y.entry(i, j))
    if not _fits(x.columns, y.rows):
        raise RangeError(
            f"a product of {said(x.shape)} with {said(y.shape)} does not fit: a transpose is lost, or an order"
        )
    for one, other in ((x, y), (y, x)):
        if isinstance(one, Identity):
            return times(one.factor, other)
    inner = x.columns

    def entry(i: Any, j: Any) -> Expr:
        if inner is None:
            return x.entry(i, None) * y.entry(None, j)
        return S("s", inner, lambda s: x.entry(i, s) * y.entry(s, j))

    if x.rows is None and y.columns is None:
        return entry(None, None)
    return Array(x.rows, y.columns, entry)


def fits(x: Array, y: Array, /) -> bool:
    """Whether the product of the two has a meaning."""
    return _fits(x.columns, y.rows)


def diag(x: Array, /) -> Array:
    """The diagonal matrix of a vector."""
    if x.columns is not None or x.rows is None:
        raise RangeError(f"diag takes a vector; this is {said(x.shape)}")
    return Array(x.rows, x.rows, lambda i, j: x.entry(i, None) * KroneckerDelta(i, j))


def trace(x: Array, /) -> Expr:
    """The trace of a square matrix."""
    if isinstance(x, Identity):
        raise RangeError("how large the identity matrix is is not said here")
    if x.rows is None or not _fits(x.rows, x.columns):
        raise RangeError(f"a trace takes a square matrix; this is {said(x.shape)}")
    return S("s", x.rows, lambda s: x.entry(s, s))


def sums(x: Array, /) -> Expr:
    """The sum of all entries."""
    rows, columns = x.rows, x.columns

    def row(i: Any) -> Expr:
        return x.entry(i, None) if columns is None else S("t", columns, lambda j: x.entry(i, j))

    return row(None) if rows is None else S("s", rows, row)


def sized(x: Any, y: Any, /) -> Any:
    """The first one; an identity matrix beside a square one with the size of that."""
    square = isinstance(y, Array) and y.rows is not None and _fits(y.rows, y.columns)
    return x.of_size(y.rows) if isinstance(x, Identity) and square else x


def _fits(one: Expr | None, other: Expr | None) -> bool:
    if (one is None) != (other is None):
        return False
    return one is None or UNSAID in (one, other) or sp.expand(one - other) == 0
