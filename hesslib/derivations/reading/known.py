r"""What the book has derived for layers whose order no formula says: $G^{(m,l)}$, $B^{(m,l)}$, blocks of the Hessian.

They hold for m > l, or as each chain says. A left side is recognised whatever its letters are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import sympy as sp
from sympy import Expr, Symbol

from hesslib.calculus.results import forgetting
from hesslib.calculus.steps import Steps

from .. import deep_hessian as deep
from ..network import B, G, L, a, b, j, k, l, m, p, w


def _chains() -> list[tuple[Callable[[], Any], str]]:
    above, any_order = "layer $m$ above layer $l$", ""
    return [
        (deep.forward_response, above),
        (deep.output_response, any_order),
        (deep.backward_response, "layer $l$ not above layer $m$"),
        (deep.weight_weight, above),
        (lambda: deep.block(b[m, k], w[l, j, p]), above),
        (lambda: deep.block(w[m, k, p], b[l, j]), above),
        (lambda: deep.block(b[m, k], b[l, j]), above),
    ]


@functools.cache
def _known() -> tuple[tuple[Expr, Expr, str], ...]:
    found = []
    with forgetting():
        for derive, where in _chains():
            chain: Steps = derive()
            found.append((chain.lhs, chain.result, where))
    return tuple(found)


def known(lhs: Expr, /) -> Iterator[tuple[Expr, str, dict[Any, Any]]]:
    """What is known to equal ``lhs``, in its letters, where that holds, and the letters for m and l there."""
    named = lhs.replace(lambda q: isinstance(q, sp.Indexed) and q.base in (G, B), _named)
    for pattern, result, where in _known():
        plain = pattern.replace(lambda q: isinstance(q, sp.Indexed) and q.base in (G, B), _named)
        match = _matched(plain, named)
        if match is not None:
            yield result.xreplace(match), where, {letter: match[letter] for letter in (m, l) if letter in match}


def _named(q: Any) -> Expr:
    from hesslib.calculus.index import Diff

    from ..network import delta

    y, x, one, other = q.indices
    return Diff(a[x, other], (a if q.base == G else delta)[y, one])


def _matched(pattern: Expr, e: Expr) -> dict[Any, Any] | None:
    """The letters that make the pattern the formula, if one letter each does."""
    found: dict[Any, Any] = {}
    here, there = list(sp.preorder_traversal(pattern)), list(sp.preorder_traversal(e))
    if len(here) != len(there):
        return None
    for one, other in zip(here, there, strict=True):
        if one == L or other == L:  # the last layer is no letter that stands for others
            if one != other:
                return None
        elif isinstance(one, Symbol) and one.is_integer and isinstance(other, Symbol) and other.is_integer:
            if found.setdefault(one, other) != other:
                return None
        elif (not one.args and one != other) or one.func != other.func:
            return None
    return found if len(set(found.values())) == len(found) else None
