r"""What is a sum over patterns is a sum over devices: $E_{dn}$ is the error of pattern $n$ of the $m$ on device $d$."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, index
from hesslib.calculus.steps import Formula, Steps

from .network import R

__all__ = ["all_patterns", "gradient", "mean_of_all", "means_added", "product", "row"]

p, m, P = sp.symbols("p m P", integer=True, positive=True)
"""Devices, patterns on each, parameters."""
d, n, r, s = index("d n r s")
E = sp.Symbol("E")
w = Tensor("w", shape=(P,))
part = Tensor("E", shape=(p, m))
g = Tensor("g", shape=(p, P))
r"""$g_d$, the share of the gradient that device $d$ computes."""
H = Tensor("H", shape=(P, P))

by_w = Derivation(w[r], {part: NAMED, p: CONSTANT, m: CONSTANT})
along_v = Derivation(R.op, {part: NAMED})


def of_shards(body: Callable[[Any, Any], Expr], /) -> Expr:
    """The sum over the devices and over the patterns of each."""
    return S("n", m, lambda n: S("d", p, lambda d: body(d, n)))


def _slopes() -> Expr:
    return of_shards(lambda d, n: Diff(w[r], part[d, n]))


def all_patterns() -> Formula:
    """The error of all patterns, a definition."""
    return Formula(E, of_shards(lambda d, n: part[d, n]))


def gradient() -> Steps:
    """The gradient is the sum of what the devices compute of their own patterns."""
    everything = all_patterns().rhs
    mine = {g: lambda d, r: S("n", m, lambda n: Diff(w[r], part[d, n]))}
    chain = Steps(Diff(w[r], E))
    chain.then(by_w.named(everything), "the sum", using={E: lambda: everything})
    chain.then(_slopes(), "linear", by=by_w)
    return chain.then(S("d", p, lambda d: g[d, r]), "name $g$", using=mine)


def product() -> Steps:
    """So is a product with the Hessian, since the R-operator is linear."""

    def insert(e: Expr) -> Expr:
        return e.replace(lambda f: f == Diff(w[r], E), lambda _: _slopes())

    chain = Steps(along_v.named(Diff(w[r], E)))
    chain.then(along_v.named(_slopes()), "the gradient", using=insert)
    return chain.then(of_shards(lambda d, n: Diff(R.op, Diff(w[r], part[d, n]))), "linear", by=along_v)


def mean_of_all() -> Steps:
    """The gradient of the mean over all patterns."""
    chain = Steps(by_w.named(all_patterns().rhs / (p * m)))
    return chain.then(_slopes() / (p * m), "linear", by=by_w)


def means_added() -> Expr:
    """What it is not: the devices' own means, added."""
    return _slopes() / m


def row() -> Steps:
    """A product of the Hessian with a unit vector is one of its columns, and so one of its rows."""
    return Steps(S("s'", P, lambda c: H[r, c] * KroneckerDelta(c, s))).then(H[r, s], "one term is left")
