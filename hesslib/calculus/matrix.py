r"""Matrix notation, tied to the index form it abbreviates.

A `Matrix` knows how it prints and what its entries are. A matrix formula is accepted only if its entries
are those of a formula already derived, so a transpose cannot be lost on the way from indices to matrices.
Vectors are columns: one index.

Longer than one sitting: what a matrix prints and what its entries are belong together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from .decision import combined, decided
from .display import Displayed
from .index import KroneckerDelta, RangeError, S, Tensor, letters_of
from .latex import tex
from .steps import Formula, Steps, require_equal

__all__ = ["Matrix", "MatrixFormula", "diag", "matrix", "ones", "outer"]

_NAME = re.compile(
    r"(\\nabla(_\{?[a-zA-Z]\}?)? ?)?"  # the gradient of a quantity is named so
    r"(\\[a-zA-Z]+\{|\{|\\(dot|ddot|bar|hat|tilde|vec) )*(\\?[a-zA-Z]+)\}*'*"
)
"""A letter, with its style and marks: what prints as more than that could say something else than its entries."""

ATOM, PRODUCT, SUM = 2, 1, 0  # how tightly a LaTeX string binds


class Matrix:
    """An array of rank 1 or 2: its sizes, its entries as a function of indices, and its LaTeX.

    Errors: `RangeError` where sizes do not fit.

    >>> A, x = matrix(Tensor("A", shape=(3, 3))), matrix(Tensor("x", shape=(3,)))
    >>> (A @ x).latex, (A @ x).sizes
    ('A x', (3,))
    """

    def __init__(
        self,
        sizes: tuple[Expr, ...],
        entry: Callable[..., Expr],
        latex: str,
        binds: int = ATOM,
        *,
        transposed: str | None = None,
    ) -> None:
        self.sizes, self.entry, self.latex, self.binds = tuple(sizes), entry, latex, binds
        self.transposed = transposed or rf"\left({latex}\right)\tran"

    def _inside(self, binds: int) -> str:
        return self.latex if self.binds >= binds else rf"\left({self.latex}\right)"

    @property
    def T(self) -> Matrix:
        """The transpose."""
        if len(self.sizes) != 2:
            raise RangeError(f"{self.latex} has {len(self.sizes)} index; a transpose takes two")
        back = self._inside(ATOM)  # the transpose binds tightly however loosely the matrix does
        return Matrix(self.sizes[::-1], lambda i, j: self.entry(j, i), self.transposed, transposed=back)

    def __matmul__(self, other: Matrix) -> Matrix:
        """The product: last index of the left with the first of the right; of two vectors, $x^Ty$."""
        inner = self.sizes[-1]
        if len(self.sizes) == 1 and len(other.sizes) == 2:
            raise RangeError(f"{self.latex} is a column; its product with {other.latex} needs a transpose, A.T @ x")
        if sp.expand(inner - other.sizes[0]) != 0:
            raise RangeError(f"{self.latex} has {tex(inner)} columns, but {other.latex} has {tex(other.sizes[0])} rows")
        left = len(self.sizes) - 1

        def entry(*indices: Expr) -> Expr:
            return S("s", inner, lambda s: self.entry(*indices[:left], s) * other.entry(s, *indices[left:]))

        latex = f"{self._inside(PRODUCT) if left else self.transposed} {other._inside(PRODUCT)}"
        return Matrix((*self.sizes[:-1], *other.sizes[1:]), entry, latex, PRODUCT)

    def _same_shape(self, other: Matrix, what: str) -> None:
        if len(self.sizes) != len(other.sizes) or any(
            sp.expand(s - t) != 0 for s, t in zip(self.sizes, other.sizes, strict=True)
        ):
            raise RangeError(f"{what} takes equal shapes; {self.latex} and {other.latex} differ")

    def __mul__(self, other: Matrix) -> Matrix:
        """The entrywise (Hadamard) product."""
        self._same_shape(other, "an entrywise product")
        latex = rf"{self._inside(ATOM)} \had {other._inside(ATOM)}"
        return Matrix(self.sizes, lambda *at: self.entry(*at) * other.entry(*at), latex, SUM)

    def __add__(self, other: Matrix) -> Matrix:
        self._same_shape(other, "a sum")
        latex = f"{self.latex} + {other._inside(PRODUCT)}"
        return Matrix(self.sizes, lambda *at: self.entry(*at) + other.entry(*at), latex, SUM)

    def __sub__(self, other: Matrix) -> Matrix:
        self._same_shape(other, "a difference")
        latex = f"{self.latex} - {other._inside(PRODUCT)}"
        return Matrix(self.sizes, lambda *at: self.entry(*at) - other.entry(*at), latex, SUM)

    def map(self, f: Any, /) -> Matrix:
        """An elementwise function applied to every entry; ``f`` is a class made by ``elementwise``."""
        primes = "'" * f.order
        return Matrix(self.sizes, lambda *at: f(self.entry(*at)), rf"{f.stem}{primes}({self.latex})", ATOM)


def matrix(t: Tensor, /, *layers: Any, latex: str | None = None) -> Matrix:
    """A tensor, at the given layer numbers, as a vector or matrix; ``latex`` renames it (W for w).

    >>> matrix(Tensor("w", shape=(3, 2)), latex="W").sizes
    (3, 2)
    """
    name = latex or t.tex
    if not _NAME.fullmatch(name):
        raise ValueError(f"latex is {name!r}; it must be the name of one quantity, a letter with its style and marks")
    if not layers:
        return Matrix(t.sizes(), lambda *at: t[at], name, transposed=rf"{name}\tran")
    numbers = ",".join(tex(sp.sympify(y)).replace(" ", "") for y in layers)
    return Matrix(
        t.sizes(*layers),
        lambda *at: t[(*layers, *at)],
        rf"\lay{{{name}}}{{{numbers}}}",
        transposed=rf"\layT{{{name}}}{{{numbers}}}",
    )


def outer(x: Matrix, y: Matrix, /) -> Matrix:
    """The outer product of two vectors, x y^T.

    >>> x = matrix(Tensor("x", shape=(3,)))
    >>> outer(x, x).entry(1, 2)
    x[1]*x[2]
    """
    (rows,), (columns,) = x.sizes, y.sizes
    return Matrix((rows, columns), lambda i, j: x.entry(i) * y.entry(j), f"{x._inside(ATOM)} {y.transposed}", PRODUCT)


def ones(size: Any, /) -> Matrix:
    """The vector of ones.

    >>> ones(3).entry(1)
    1
    """
    return Matrix((sp.sympify(size),), lambda _: sp.S.One, r"\mathbf{1}")


def diag(v: Matrix, /) -> Matrix:
    """The diagonal matrix of a vector.

    >>> d = diag(matrix(Tensor("x", shape=(3,))))
    >>> d.entry(1, 1), d.entry(1, 2)
    (x[1], 0)
    """
    (size,) = v.sizes
    return Matrix(
        (size, size), lambda i, j: v.entry(i) * KroneckerDelta(i, j), rf"\operatorname{{diag}}\left({v.latex}\right)"
    )


class MatrixFormula(Displayed):
    """``lhs = rhs`` in matrix notation, proved entry by entry against a derived index formula.

    ``at`` are the index letters of ``derived``, in the order of the slots of ``lhs``.

    Errors: `NotEqualError` if the entries are not those of the derived formula, `RangeError` where sizes do not fit,
    ValueError if ``at`` are not different letters.

    >>> from .index import index
    >>> A, x, y, i = Tensor("A", shape=(3, 3)), Tensor("x", shape=(3,)), Tensor("y", shape=(3,)), index("i")
    >>> by_indices = Formula(y[i], S("j", 3, lambda j: A[i, j] * x[j]))
    >>> MatrixFormula(matrix(y), matrix(A) @ matrix(x), by_indices, i).latex()
    'y = A x'
    """

    SEALED = frozenset({"lhs", "rhs", "established", "relation", "checks", "grounds", "uses"})

    def __init__(self, lhs: Matrix, rhs: Matrix, /, derived: Steps | Formula, *at: Expr) -> None:
        lhs._same_shape(rhs, "an equation")
        if len(at) != len(lhs.sizes) or len(set(at)) < len(at) or not all(_is_letter(s, derived.lhs) for s in at):
            raise ValueError(
                f"at is {at}; it must hold {len(lhs.sizes)} different index letter(s) of the derived formula, "
                "as one entry does not prove them all"
            )
        result = derived.result if isinstance(derived, Steps) else derived.rhs
        left, right = lhs.entry(*at), rhs.entry(*at)
        around = (derived.lhs, left, result, right)
        links = [require_equal(derived.lhs, left, "the left-hand side in matrix notation", around=around)]
        links += [require_equal(result, right, "the formula in matrix notation", around=around)]
        self.lhs, self.rhs = lhs, rhs
        self.established = derived.established
        self.relation = r"\simeq" if self.established == "approximation" else "="
        self.checks = combined([*derived.checks, *decided(links)])
        self.grounds, self.uses = derived.grounds, derived.uses

    def latex(self) -> str:
        return f"{self.lhs.latex} {self.relation} {self.rhs.latex}"


def _is_letter(s: Any, lhs: Expr) -> bool:
    """An index letter that the left-hand side leaves free: what is proved of it is proved of every index."""
    return isinstance(s, sp.Symbol) and bool(s.is_integer) and s in letters_of(lhs)
