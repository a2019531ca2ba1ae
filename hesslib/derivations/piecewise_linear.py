r"""Piecewise linear units, $h''=0$: what is left of the second derivatives of a network."""

from __future__ import annotations

from sympy import Expr

from hesslib.calculus.rewriting import assuming
from hesslib.calculus.steps import Steps

from . import mixed_partials
from .network import B, hpp, k, m, q


def own_response() -> Steps:
    r"""$B^{(m,m)}$ is $B^{(m+1,m+1)}$ between slopes and weights: a congruence, and no term with $\delta$."""
    own = mixed_partials.own_response()
    recursion = mixed_partials.where(B, lambda y, x: y == x == m, lambda y, x, row, column: own.at({k: row, q: column}))
    chain = Steps(B[m, m, k, q]).then(own.result, "for any $h$", using=recursion)
    straight = assuming(hpp(m, k), 0, without_bending)
    return chain.then(without_bending(own.result), "$h''=0$", using=straight)


def without_bending(e: Expr, /) -> Expr:
    """Drop every term with a second derivative of h."""
    return e.replace(lambda f: getattr(f, "order", 0) == 2, lambda f: 0 * f.args[0])
