r"""Facts about sums, used as rewriting rules: $\sum_jH_{ij}X_{jk}=I_{ik}$, $\sum_kt_k=1$.

A normal form knows nothing of what a tensor *is*. A fact says it, once, with its letters; the rule then finds every
place in a formula where the left side occurs, whatever the letters are there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sympy as sp
from sympy import Expr, Indexed, Integer
from sympy.core.function import Function

from .index import Diff, KroneckerDelta, freshen, layers_of, letters_of, slots_of
from .normal import build, flatten
from .provenance import Ground, report
from .terms import Term
from .tidy import tidy

__all__ = ["assuming", "fact"]

MOST_USES = 100
"""A rule that still applies after so many uses brings back its own left side."""

Letters = dict[Expr, Expr]


def fact(left: Expr, right: Expr, /, *free: Expr) -> Callable[[Expr], Expr]:
    r"""The rule that rewrites ``left`` as ``right``, at any values of the letters ``free``.

    ``left`` is one product of tensors, summed over indices that occur in it alone; layer numbers must be those of the
    formula it is applied to. The result of the rule is contracted and collected. It is applied inside of functions, and
    below a fraction line, too.

    >>> from .index import S, Tensor, index
    >>> i, j, k, N = *index("i j k"), sp.Symbol("N", integer=True)
    >>> H, X = Tensor("H", shape=(N, N)), Tensor("X", shape=(N, N))
    >>> x = Tensor("x", shape=(N,))
    >>> inverse = fact(S("j", N, lambda j: H[i, j] * X[j, k]), KroneckerDelta(i, k), i, k)
    >>> inverse(S("p", N, lambda p: S("q", N, lambda q: H[i, p] * X[p, q] * x[q])))
    x[i]

    Errors: ``ValueError`` if ``left`` is not one product with coefficient 1; ``RuntimeError`` if the rule never ends.
    """
    (pattern,) = flatten(left).values() if len(flatten(left)) == 1 else (None,)
    if pattern is None or pattern.coeff != 1 or not all(isinstance(f, Indexed) for f in pattern.factors):
        raise ValueError(f"left is {left}; it must be one product of tensors, with coefficient 1")

    says = Ground("fact", left, sp.sympify(right))

    def applied(e: Expr, uses: list[int]) -> Expr:
        e = _inside(e, lambda x: applied(x, uses))
        for _ in range(MOST_USES):
            found = list(flatten(e).values())
            rewritten = [_once(t, pattern, right, free) for t in found]
            if not any(x is not None for x in rewritten):
                return e
            uses.append(sum(x is not None for x in rewritten))
            e = sp.Add(*[build(t) if x is None else x for t, x in zip(found, rewritten, strict=True)])
        raise RuntimeError(f"the rule {left} -> {right} still applies after {MOST_USES} uses")

    def apply(e: Expr) -> Expr:
        uses: list[int] = []
        found = applied(sp.sympify(e), uses)
        report(*[says] if uses else [], rewriting=apply)
        return tidy(found)

    return apply


def _inside(e: Expr, rule: Callable[[Expr], Expr]) -> Expr:
    """The formula with the arguments of its functions, and what stands below fraction lines, rewritten by a rule."""
    if not e.args or isinstance(e, (Indexed, Diff, KroneckerDelta)):
        return e
    is_inner = isinstance(e, Function) or (isinstance(e, sp.Pow) and not (e.exp.is_Integer and e.exp > 0))
    return e.func(*[rule(x) if is_inner and x.has(Indexed) else _inside(x, rule) for x in e.args])


def assuming(left: Any, right: Any, function: Callable[[Expr], Any], /) -> Callable[[Expr], Expr]:
    r"""A rewriting function with the equation that it takes for granted: a fact that the reader is told.

    ``left`` may be a sentence, where the fact is no equation between two formulas; then ``right`` is None. Without the
    declaration, what the function takes for granted is found out and recorded all the same, and the result is
    *conditional*.

    >>> x = sp.Symbol("x")
    >>> assuming(x, 0, lambda e: e.subs(x, 0))(x + 1)
    1
    """
    says = Ground(
        "fact", left if isinstance(left, str) else sp.sympify(left), right if right is None else sp.sympify(right)
    )

    def apply(e: Expr) -> Expr:
        found = sp.sympify(function(e))
        if found != e:
            report(says, rewriting=function)
        return found

    return apply


def _once(t: Term, pattern: Term, right: Expr, free: Sequence[Expr]) -> Expr | None:
    """The term with the left side replaced at one place; None where it does not occur."""
    for places, letters in _matches(t.factors, pattern.factors, {*free, *pattern.dummies}):
        rest = [f for place, f in enumerate(t.factors) if place not in places]
        summed = [letters[d] for d in pattern.dummies]
        gone = set(summed)
        outside = set().union(*[letters_of(f) for f in rest], *[letters_of(letters[s]) for s in free if s in letters])
        sizes_fit = all(
            d in t.dummies and sp.expand(t.dummies[d] - size.xreplace(letters)) == 0
            for d, size in zip(summed, pattern.dummies.values(), strict=True)
        )
        if len(gone) == len(summed) and sizes_fit and not gone & outside:
            left = {d: size for d, size in t.dummies.items() if d not in gone}
            body = sp.Mul(t.coeff, *rest, freshen(right).xreplace(letters))
            return sp.Sum(body, *[(d, 1, size) for d, size in left.items()]) if left else body
    return None


def _matches(
    factors: Sequence[Expr],
    wanted: Sequence[Expr],
    wild: set[Expr],
    taken: tuple[int, ...] = (),
    known: Letters | None = None,
) -> Iterator[tuple[tuple[int, ...], Letters]]:
    """The choices of factors, one for each wanted one, and what the letters of the pattern are there."""
    if not wanted:
        yield taken, known or {}
        return
    first, *others = wanted
    for place, f in enumerate(factors):
        if place in taken or not isinstance(f, Indexed) or f.base != first.base or layers_of(f) != layers_of(first):
            continue
        slots = slots_of(f)
        for order in itertools.permutations(slots) if f.base.symmetric else (slots,):
            letters = _agree(slots_of(first), order, wild, known or {})
            if letters is not None:
                yield from _matches(factors, others, wild, (*taken, place), letters)


def _agree(wanted: Sequence[Expr], found: Sequence[Expr], wild: set[Expr], known: Letters) -> Letters | None:
    letters = dict(known)
    for p, q in zip(wanted, found, strict=True):
        if isinstance(p, Integer) or p not in wild:
            if p != q:
                return None
        elif letters.setdefault(p, q) != q:
            return None
    return letters
