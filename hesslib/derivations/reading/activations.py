r"""What a formula that writes the activation function out takes it for: $\delta_j=z_j(1-z_j)\sum_kw_{kj}\delta_k$."""

from __future__ import annotations

import math
from collections.abc import Callable

import sympy as sp
from sympy import Expr, Indexed

from hesslib.calculus.index import Elementwise, freshen, slots_of

from ..network import a, z
from .patterns import labelled

ACTIVATIONS: dict[str, tuple[Callable[[Expr], Expr], Callable[[Expr], Expr]]] = {
    "the activation function is the logistic sigmoid": (lambda x: 1 / (1 + sp.exp(-x)), lambda y: y * (1 - y)),
    "the activation function is tanh": (sp.tanh, lambda y: 1 - y**2),
}
"""What it may be, in words, with the function, and its slope by its value."""


def may_be_written_out(one: Expr, other: Expr, /) -> bool:
    """Whether a side has a function with a name, or values of units in the layer where the other has slopes."""
    if any(e.has(sp.exp, sp.tanh) for e in (one, other)):
        return True
    for there, here in ((one, other), (other, one)):
        slopes = {x.args[0].indices[0] for x in there.atoms(Elementwise) if x.order and value_of(x.args[0]) is not None}
        if slopes & {x.indices[0] for x in here.atoms(Indexed) if x.base in (z, labelled(z))}:
            return True
    return False


def value_of(x: Expr, /) -> Expr | None:
    """What a unit sends that receives ``x``, by the name that it has."""
    if isinstance(x, Indexed) and x.base in (a, labelled(a)):
        return (z if x.base == a else labelled(z))[(x.indices[0], *slots_of(x))]
    return None


def written_out(e: Expr, kind: str, received: Callable[[Indexed], Expr] | None, /) -> Expr:
    """The formula where the activation function is this one.

    ``received`` spells out what a unit receives; with it the value of a unit is spelled out too, as one needs to where
    a function has its own name.
    """
    function, slope = ACTIVATIONS[kind]
    y = sp.Dummy("y")

    def value(f: Elementwise) -> Expr:
        found: Expr = y
        for _ in range(f.order):
            found = sp.expand(sp.diff(found, y) * slope(y))
        sent = value_of(f.args[0])
        return found.xreplace({y: function(f.args[0]) if sent is None else sent})

    e = freshen(e).replace(lambda x: isinstance(x, Elementwise) and x.stem == "h", value)
    if received is None:
        return e
    return freshen(_spelled_out(e, lambda x: function(received(x))))


def _spelled_out(e: Expr, value: Callable[[Indexed], Expr]) -> Expr:
    """The values of units spelled out, except where a function is taken that has its own name."""
    if isinstance(e, Indexed):
        return value(e) if e.base in (z, labelled(z)) and e.indices[0] != 0 else e
    if not e.args or isinstance(e, (sp.exp, sp.tanh)):
        return e
    return e.func(*[_spelled_out(x, value) for x in e.args])


def same_by_exponentials(one: Expr, other: Expr, /) -> bool:
    """Whether two formulas are one rational function of an exponential of the only quantity in them.

    >>> x = sp.Symbol("x", real=True)
    >>> same_by_exponentials(sp.tanh(x), 1 - 2 / (1 + sp.exp(2 * x)))
    True
    """
    gap, entries = one - other, (one - other).atoms(Indexed)
    letters = entries or gap.free_symbols
    if gap == 0 or len(letters) != 1:
        return bool(gap == 0)
    x = sp.Dummy("x", real=True)
    gap = gap.xreplace({next(iter(letters)): x}).rewrite(sp.exp, deep=True)
    if not gap.has(sp.exp):
        return bool(gap == 0)
    slopes = {f: f.args[0] / x for f in gap.atoms(sp.exp)}
    if not all(slope.is_Rational for slope in slopes.values()):
        return False
    step, t = math.lcm(*[int(slope.q) for slope in slopes.values()]), sp.Dummy("t", positive=True)
    gap = gap.xreplace({f: t ** (slope * step) for f, slope in slopes.items()})
    return bool(gap.free_symbols <= {t} and gap.is_rational_function(t) and sp.cancel(sp.together(gap)) == 0)
