"""Random sums over cut domains against explicit loops: every form keeps the value, and no slip is accepted."""

import random
from fractions import Fraction

import pytest
import sympy as sp
from sympy import Add, Indexed, Mul, Pow, Sum

from hesslib.calculus.index import Elementwise, KroneckerDelta, S, Tensor, elementwise, index
from hesslib.calculus.indicators import Holds
from hesslib.calculus.normal import equal, normal_form
from hesslib.calculus.terms import WorkLimitError
from hesslib.calculus.tidy import tidy

N = sp.Symbol("N", integer=True, positive=True)
x, y, A = Tensor("x", shape=(N,)), Tensor("y", shape=(N,)), Tensor("A", shape=(N, N))
h = elementwise("h")
j = index("j")
SIZES = (1, 2, 3, 4)


class Writer:
    """Writes random sums in the free index j."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def expression(self):
        return x[j] * self.rng.choice([0, 1]) + Add(
            *[self.sum([j], self.rng.randint(1, 3)) for _ in range(self.rng.randint(1, 2))]
        )

    def sum(self, scope, depth):
        if depth == 0:
            return self.product(scope)
        last = self.rng.choice([N, N, N - 1, scope[-1], scope[-1], scope[-1] - 1])
        inner = S(self.rng.choice("kqr"), last, lambda s: self.sum([*scope, s], depth - 1))
        return h(inner + x[j]) if self.rng.random() < 0.12 else inner

    def product(self, scope):
        return Mul(*[self.factor(scope) for _ in range(self.rng.randint(1, 4))])

    def factor(self, scope):
        p, q = self.rng.choice(scope), self.rng.choice(scope)
        draw = self.rng.random()
        if draw < 0.3:
            return self.rng.choice([x, y])[p]
        if draw < 0.45:
            return A[p, q]
        if draw < 0.6:
            return KroneckerDelta(p, self.rng.choice([q, q + 1, q - 1, sp.Integer(2), N, N - 1, 2 * q]))
        if draw < 0.8:
            return Holds(p - self.rng.choice([q, q + 1, q - 2, sp.Integer(2), N - 1, 2 * q]))
        if draw < 0.9:
            step = self.rng.choice([1, -1])
            return Holds(N - p - 1 if step == 1 else p - 2) * x[p + step]
        return self.rng.choice([p, 1 + x[p], 1 / (1 + p), p + q])

    def spoiled(self, e):
        """The expression with one thing changed."""
        places = [f for f in sp.preorder_traversal(e) if isinstance(f, (Holds, Indexed, KroneckerDelta, Sum))]
        f = self.rng.choice(places)
        if isinstance(f, Holds):
            new = self.rng.choice([sp.S.One, Holds(f.inside + 1), Holds(-f.inside)])
        elif isinstance(f, KroneckerDelta):
            new = self.rng.choice([sp.S.One, 2 * f])
        elif isinstance(f, Indexed):
            new = 2 * f
        else:
            (s, _, top), *rest = f.limits
            new = Sum(f.function, (s, 1, self.rng.choice([N, N - 1, top - 1])), *rest)
        return e.xreplace({f: new})


def value(e, at):
    """The number of an expression; a quantity is never asked for outside its range but times zero."""
    if e.is_Rational:
        return Fraction(int(e.p), int(e.q))
    if isinstance(e, sp.Symbol):
        return Fraction(at[e])
    if isinstance(e, Indexed):
        place = tuple(int(value(p, at)) for p in e.indices)
        if not all(1 <= p <= at[N] for p in place):
            raise LookupError(f"{e} at {place}")
        return Fraction(random.Random(f"{e.base.name_}{place}").randint(1, 60), 7)
    if isinstance(e, Holds):
        return Fraction(value(e.inside, at) >= 0)
    if isinstance(e, KroneckerDelta):
        return Fraction(value(e.args[0], at) == value(e.args[1], at))
    if isinstance(e, Elementwise):
        return 3 + value(e.args[0], at) ** 2
    if isinstance(e, Sum):
        *inner, (s, _, top) = e.limits
        body = Sum(e.function, *inner) if inner else e.function
        return sum((value(body, {**at, s: unit}) for unit in range(1, int(value(top, at)) + 1)), Fraction(0))
    if isinstance(e, Pow):
        return value(e.base, at) ** int(e.exp)
    if isinstance(e, Mul):
        guards = [f for f in e.args if isinstance(f, (Holds, KroneckerDelta))]
        if any(value(f, at) == 0 for f in guards):
            return Fraction(0)
        out = Fraction(1)
        for f in e.args:
            out *= value(f, at)
        return out
    return sum((value(f, at) for f in e.args), Fraction(0))


def values(e):
    return [value(e, {N: size, j: unit}) for size in SIZES for unit in range(1, size + 1)]


@pytest.mark.parametrize("seed", [3, 4, 5, 100, 101, 102])  # each but the last has found a fault
def test_random_domains(seed, as_installed):
    writer = Writer(seed)
    refused = accepted = 0
    for number in range(10):
        e = writer.expression()
        story = f"seed {seed}, expression {number}: {e}"
        here = values(e)
        told = (e, x[j])
        try:
            assert values(tidy(e, told)) == here, f"tidy changed the value; {story}"
            assert values(normal_form(e, told)) == here, f"the normal form changed the value; {story}"
            slip = writer.spoiled(e)
            if equal(e, slip, (x[j],)):
                accepted += 1
                assert values(slip) == here, f"accepted: {slip}; {story}"
            else:
                refused += 1
        except (WorkLimitError, ValueError):  # too much work, or a slip that leaves a slot
            continue
    assert refused + accepted >= 6
