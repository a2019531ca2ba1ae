r"""Whether a sum of terms is zero because of its denominators: $\sum_kx_k/\sum_qx_q=1$.

What two formulas differ by is brought to a common denominator and looked at again. Denominators that depend on bound
indices are met under the sum, where a double sum may be symmetrised first: $\sum_{ab}x_a/(x_a+x_b)=N^2/2$.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import sympy as sp
from sympy import Add, Dummy, Expr, Mul, Pow, Rational

from .denominators import may_vanish
from .index import letters_of
from .knowledge import known
from .terms import Term, charge

MOST_ROUNDS = 6
"""Denominators inside denominators are cleared this deep."""
MOST_ALIGNMENTS = 12
"""So many ways are tried to bring different sums under one sign."""

Build = Callable[[Term], Expr]
Flatten = Callable[[Expr], Sequence[Term]]


def is_zero_sum(found: Sequence[Term], build: Build, flatten: Flatten, rounds: int = MOST_ROUNDS) -> bool:
    """Whether the terms add up to zero; ``False`` if that is not shown."""
    if not found:
        return True
    if rounds == 0:
        return False
    charge(50 * len(found), "clearing denominators")
    common = _common(found)
    if common != 1:
        cleared = flatten(Add(*[build(t) * common for t in found]))
        return is_zero_sum(cleared, build, flatten, rounds - 1)
    for joined in itertools.islice(_under_one_sum(found, build), MOST_ALIGNMENTS):
        if is_zero_sum(flatten(joined), build, flatten, rounds - 1):
            return True
    return False


def _below(f: Expr) -> tuple[Expr, Expr] | None:
    """Base and exponent of a denominator; an exponential of a negative argument is one."""
    if isinstance(f, Pow) and f.exp.is_Rational and f.exp < 0:
        return f.base, -f.exp
    if isinstance(f, sp.exp) and f.args[0].could_extract_minus_sign():
        return sp.exp(-f.args[0]), sp.S.One
    return None


def _common(found: Sequence[Term]) -> Expr:
    """The least common denominator, as far as it does not depend on bound indices."""
    powers: dict[Expr, Expr] = {}
    for t in found:
        mine: dict[Expr, Expr] = {}
        for f in t.factors:
            below = _below(f)
            if below and not letters_of(below[0]) & t.dummies.keys() and may_vanish(below[0]) is None:
                mine[below[0]] = mine.get(below[0], sp.S.Zero) + below[1]
        for base, power in mine.items():
            powers[base] = max(power, powers.get(base, sp.S.Zero))
    return Mul(*[base**power for base, power in powers.items()])


def _under_one_sum(found: Sequence[Term], build: Build) -> Iterator[Expr]:
    """The summands of all terms under one sum over the indices of a denominator, symmetrised."""
    target: list[Expr] = []
    for t in found:
        for f in t.factors:
            below = _below(f)
            inside = [t.dummies[d] for d in t.dummies if below and d in letters_of(below[0])]
            target = max(target, inside, key=len)
    if not target or len(target) > 3:
        return
    letters = [Dummy("s", integer=True) for _ in target]
    known().tops.update(zip(letters, target, strict=True))
    orders = [
        order
        for order in itertools.permutations(range(len(target)))
        if all(target[place] == target[to] for place, to in enumerate(order))
    ]
    for choice in itertools.product(*[list(_places(t, target)) for t in found]):
        summands = []
        for t, places in zip(found, choice, strict=True):
            missing = Mul(*[1 / size for place, size in enumerate(target) if place not in places.values()])
            rest = {d: size for d, size in t.dummies.items() if d not in places}
            for order in orders:
                names = {d: letters[order[place]] for d, place in places.items()}
                share = Rational(1, len(orders)) * missing
                bare = Term(t.coeff * share, [f.xreplace(names) for f in t.factors], rest)
                summands.append(build(bare))
        yield Add(*summands)


def _places(t: Term, target: Sequence[Expr]) -> Iterator[dict[Expr, int]]:
    """The ways to identify bound indices of a term with those of the target, those of its denominators first."""
    below = [x[0] for f in t.factors if (x := _below(f))]
    if any(letters_of(size) & t.dummies.keys() for size in t.dummies.values()):
        yield {}
        return
    ranked = sorted(t.dummies, key=lambda d: not any(d in letters_of(b) for b in below))
    for count in range(min(len(target), len(ranked)), -1, -1):
        for chosen in itertools.combinations(ranked, count):
            for spots in itertools.combinations(range(len(target)), count):
                if all(t.dummies[d] == target[place] for d, place in zip(chosen, spots, strict=True)):
                    yield dict(zip(chosen, spots, strict=True))
