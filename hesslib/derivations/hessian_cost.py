r"""How many multiplications the sums over patterns of an exact Hessian take, block by block.

A block of two different layers has one product for each pair of their parameters. In a block of one layer both factors,
$B^{(l,l)}$ and $\tilde z\tilde z^T$, are symmetric, and a triangle of each says everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from hesslib.calculus.equation import Equation, defined, proved

n, P, T = (sp.IndexedBase(letter) for letter in "nPT")
l, m, L, N = sp.symbols("l m L N", integer=True, positive=True)
C = sp.Symbol("C")


def triangle(size: Any) -> Any:
    """Entries on and below the diagonal of a symmetric matrix."""
    return size * (size + 1) / 2


def multiplications() -> tuple[Equation, Equation, Equation]:
    r"""$P_l$ parameters of a layer, $T_l$ products of its own block, and $C$ of all blocks and patterns."""
    pairs = sp.Sum(P[m] * sp.Sum(P[l], (l, 1, m - 1)), (m, 1, L))
    return (
        defined(P[l], n[l] * (n[l - 1] + 1)),
        defined(T[l], triangle(n[l]) * triangle(n[l - 1] + 1)),
        defined(C, N * (pairs + sp.Sum(T[l], (l, 1, L)))),
    )


def promised(widths: Sequence[int]) -> sp.Expr:
    """$C/N$ for a network of these widths."""
    of_layer, of_block, total = multiplications()
    value = (total.rhs / N).subs(L, len(widths) - 1).doit().doit()  # the inner sums after the outer
    for k in range(1, len(widths)):
        value = value.subs({P[k]: of_layer.rhs.subs(l, k), T[k]: of_block.rhs.subs(l, k)})
    return value.subs({n[k]: width for k, width in enumerate(widths)})


def spared() -> Equation:
    r"""What the triangles of both factors spare over the triangle of their product, for $a$ units with $b$ sources."""
    a, b = sp.symbols("a b", positive=True)
    return proved(triangle(a * b) - triangle(a) * triangle(b), a * b * (a - 1) * (b - 1) / 4, why="two triangles")
