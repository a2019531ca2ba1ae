"""Formulas of the book, and the usual slips made in them by chance: a fixed seed, so that every run makes the same."""

from __future__ import annotations

import random

import sympy as sp
from sympy import Add, Indexed, Mul, Sum

from hesslib.calculus.index import Diff, Elementwise, S, Tensor, Width, elementwise
from hesslib.calculus.latex import tex
from hesslib.calculus.macros import expand
from hesslib.derivations.network import E, L, R, a, b, delta, hp, hpp, i, j, j_, k, l, n, u, v, w, z
from hesslib.derivations.reading.slips import places


def up(unit, head=w, signal=delta):
    return S("k", n[l + 1], lambda k: head[l + 1, k, unit] * signal[l + 1, k])


FORMULAS = [
    (delta[l, j], hp(l, j) * up(j)),
    (Diff(w[l, j, i], E), delta[l, j] * z[l - 1, i]),
    (Diff(b[l, j], E), delta[l, j]),
    (a[l, j], S("i", n[l - 1], lambda i: w[l, j, i] * z[l - 1, i]) + b[l, j]),
    (Diff(a[l, j], a[l + 1, k]), hp(l, j) * w[l + 1, k, j]),
    (Diff(w[l, j, i], a[l + 1, k]), hp(l, j) * w[l + 1, k, j] * z[l - 1, i]),
    (
        Diff(a[l, j], a[l + 2, k]),
        hp(l, j) * S("q", n[l + 1], lambda q: hp(l + 1, q) * w[l + 2, k, q] * w[l + 1, q, j]),
    ),
    (
        Diff(R.op, a[l, j]),
        S("i", n[l - 1], lambda i: v[l, j, i] * z[l - 1, i])
        + S("i", n[l - 1], lambda i: w[l, j, i] * Diff(R.op, z[l - 1, i]))
        + u[l, j],
    ),
    (Diff(R.op, z[l, j]), hp(l, j) * Diff(R.op, a[l, j])),
    (
        Diff(R.op, delta[l, j]),
        hpp(l, j) * Diff(R.op, a[l, j]) * up(j)
        + hp(l, j) * up(j, v)
        + hp(l, j) * S("k", n[l + 1], lambda k: w[l + 1, k, j] * Diff(R.op, delta[l + 1, k])),
    ),
    (
        Diff(R.op, Diff(w[l, j, i], E)),
        Diff(R.op, delta[l, j]) * z[l - 1, i] + delta[l, j] * hp(l - 1, i) * Diff(R.op, a[l - 1, i]),
    ),
    (
        Diff(a[l, j_], delta[l, j]),
        hpp(l, j) * sp.KroneckerDelta(j, j_) * up(j)
        + hp(l, j) * S("k", n[l + 1], lambda k: w[l + 1, k, j] * Diff(a[l, j_], delta[l + 1, k])),
    ),
    (delta[l, j], S("k", n[L], lambda k: delta[L, k] * Diff(a[l, j], a[L, k]))),
    (
        delta[l, j],
        hp(l, j)
        * S(
            "k",
            n[l + 1],
            lambda k: hp(l + 1, k) * w[l + 1, k, j] * S("p", n[l + 2], lambda p: w[l + 2, p, k] * delta[l + 2, p]),
        ),
    ),
]

ELSEWHERE = [tuple(side.xreplace({l: at}) for side in pair) for at in (l + 1, l + 3) for pair in FORMULAS[:9]]
"""The same formulas in another layer."""


def _is(x, heads):
    return isinstance(x, Indexed) and x.base in heads


def slip(kind, lhs, rhs, draw):
    """The right side with one slip of this kind, or None where it can't be made."""

    def one(wanted):
        found = list(places(rhs, wanted))
        return draw.choice(found) if found else (None, None)

    if kind == "transpose":
        x, put = one(lambda x: _is(x, (w, v)))
        return x and put(Indexed(x.base, x.indices[0], x.indices[2], x.indices[1]))
    if kind == "prime":
        x, put = one(lambda x: isinstance(x, Elementwise))
        return x and put(elementwise("h", max(0, x.order + draw.choice([-1, 1])))(*x.args))
    if kind == "sum":
        x, put = one(lambda x: isinstance(x, Sum))
        if x is None:
            return None
        letter = x.limits[0][0]
        return put(x.function.xreplace({letter: sp.Symbol(letter.name.rstrip("'") + "''", integer=True)}))
    if kind == "sign":
        x, put = one(lambda x: isinstance(x, Add))
        if x is None:
            return -rhs
        term = draw.choice(x.args)
        return put(x - 2 * term)
    if kind == "factor":
        return draw.choice([2, sp.Rational(1, 2)]) * rhs
    if kind == "layer":
        x, put = one(
            lambda x: (
                isinstance(x, Indexed)
                and isinstance(x.base, Tensor)
                and x.base.layers == 1
                and not isinstance(x.base, Width)
            )
        )
        return x and put(Indexed(x.base, sp.expand(x.indices[0] + draw.choice([-1, 1])), *x.indices[1:]))
    if kind == "slope":
        x, put = one(lambda x: isinstance(x, Mul) and any(isinstance(f, Elementwise) for f in x.args))
        return x and put(x / next(f for f in x.args if isinstance(f, Elementwise)))
    if kind == "term":
        x, put = one(lambda x: isinstance(x, Add))
        return x and put(x - draw.choice(x.args))
    raise ValueError(kind)


KINDS = ("transpose", "prime", "sum", "sign", "factor", "layer", "slope", "term")


def mutants(count, seed=7):
    """``count`` formulas with a slip: the kind of slip, and the equation in LaTeX; no two are the same."""
    draw = random.Random(seed)
    seen = set()
    for _ in range(20 * count):
        if len(seen) == count:
            return
        lhs, rhs = draw.choice([*FORMULAS, *ELSEWHERE])
        kind = draw.choice(KINDS)
        wrong = slip(kind, lhs, rhs, draw)
        if wrong is None or wrong == rhs:
            continue
        text = expand(f"{tex(lhs)} = {tex(wrong)}")
        if text not in seen:
            seen.add(text)
            yield kind, text
