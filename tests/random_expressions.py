"""Random index expressions, ways to rewrite and to spoil them, and their exact value: material for the fuzzer.

The value of an expression is found here by explicit loops over small numbers of indices, with nothing of the calculus
but the classes that its expressions are made of.
"""

import random
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import sympy as sp
from sympy import Add, Dummy, Expr, Indexed, Mul, Pow, Sum

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, same
from hesslib.calculus.index import Diff, Elementwise, KroneckerDelta, S, Tensor, elementwise, index
from hesslib.calculus.indicators import Holds

N, K = sp.symbols("N K", integer=True, positive=True)
SIZES = {N: 2, K: 3}
alpha = sp.Symbol("alpha", positive=True)
x, y, u = Tensor("x", shape=(N,)), Tensor("y", shape=(N,)), Tensor("u", shape=(K,))
A, B, C = Tensor("A", shape=(N, N)), Tensor("B", shape=(N, K)), Tensor("C", shape=(N, N), symmetric=True)
f = Tensor("f", shape=(N,))  # a function of x of which only derivatives' names are known
h = elementwise("h")
p, q = index("p q")  # the free index, and that of the variable x_q
by_x = Derivation(x[q], {x: same(q), f: NAMED, **dict.fromkeys([y, u, A, B, C, alpha], CONSTANT)})
LETTERS = ["i", "j", "k", "i'"]

Scope = dict[Expr, list[Expr]]  # size -> the indices of that size that are in sight


class Writer:
    """Writes random expressions; the same seed writes the same ones."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def expression(self, depth: int = 4) -> Expr:
        """An expression in the free index p, which depends on x or f."""
        while True:
            e = self._write({N: [p], K: []}, depth)
            if {x, f} & {a.base for a in e.atoms(Indexed)}:
                return e

    def _atom(self, scope: Scope) -> Expr:
        near, far = scope[N], scope[K]
        kinds: list[Callable[[], Expr]] = [
            lambda: x[self.rng.choice(near)],
            lambda: x[self.rng.choice(near)],
            lambda: y[self.rng.choice(near)],
            lambda: f[self.rng.choice(near)],
            lambda: A[self.rng.choice(near), self.rng.choice(near)],
            lambda: C[self.rng.choice(near), self.rng.choice(near)],
            lambda: Diff(x[self.rng.choice(near)], f[self.rng.choice(near)]),
            lambda: 1 / (alpha + x[self.rng.choice(near)]),
        ]
        if far:
            kinds += [lambda: u[self.rng.choice(far)], lambda: B[self.rng.choice(near), self.rng.choice(far)]] * 2
        return self.rng.choice(kinds)()

    def _write(self, scope: Scope, depth: int) -> Expr:
        draw = self.rng.random()
        if depth == 0 or draw < 0.18:
            return self._atom(scope)

        def part():
            return self._write(scope, depth - 1)

        if draw < 0.42:
            return part() * part()
        if draw < 0.57:
            return part() + self.rng.choice([1, 2, -1, alpha]) * part()
        if draw < 0.67:
            return h(part())
        if draw < 0.72:
            return part() ** self.rng.choice([2, 2, 3])
        if draw < 0.77 and len(scope[N]) > 1:
            return KroneckerDelta(*self.rng.sample(scope[N], 2)) * part()
        size, letter = self.rng.choice([N, N, K]), self.rng.choice(LETTERS)
        if self.rng.random() < 0.5:
            return S(letter, size, lambda s: self._write({**scope, size: [*scope[size], s]}, depth - 1))
        s = sp.Symbol(letter, integer=True)  # a plain letter may shadow one in sight: legal
        inner = {n: [r for r in indices if r != s] for n, indices in scope.items()}
        return Sum(self._write({**inner, size: [*inner[size], s]}, depth - 1), (s, 1, size))

    # ------------------------------------------------------------------------------------------- equal expressions
    def scrambled(self, e: Expr) -> Expr:
        """The same expression with other bound letters, orders and distributions."""
        e = fresh(e)
        if isinstance(e, Sum):
            e = Sum(self.scrambled(e.function), *e.limits)
            return Add(*[Sum(t, *e.limits) for t in e.function.args]) if isinstance(e.function, Add) else e
        if isinstance(e, Mul):
            factors = list(e.args)
            self.rng.shuffle(factors)
            for place, factor in enumerate(factors):
                if isinstance(factor, Add):
                    others = factors[:place] + factors[place + 1 :]
                    return Add(*[self.scrambled(Mul(*others, t)) for t in factor.args])
            return Mul(*[self.scrambled(factor) for factor in factors])
        if isinstance(e, Pow) and e.exp == -1 and _is_alpha_plus_quantity(e.base) and self.rng.random() < 0.5:
            m = e.base - alpha
            return (1 - m * e) / alpha  # 1/(alpha + m) = (1 - m/(alpha + m)) / alpha
        if isinstance(e, Pow) and e.exp.is_Integer and e.exp > 1:
            return Mul(self.scrambled(e.base), self.scrambled(e.base ** (e.exp - 1)))
        if isinstance(e, Indexed):
            return self._detour(e)
        if e.args and not isinstance(e, (KroneckerDelta, Diff)):
            return e.func(*[self.scrambled(a) for a in e.args])
        return e

    def _detour(self, e: Indexed) -> Expr:
        """x_i as the sum over j of I_ij x_j, sometimes; the slots of a symmetric tensor in either order."""
        if e.base == C:
            e = C[e.indices[::-1]] if self.rng.random() < 0.5 else e
        if self.rng.random() < 0.9:
            return e
        (place, size) = self.rng.choice(list(enumerate(e.base.sizes())))
        old = e.indices[place]
        return S(
            "s",
            size,
            lambda s: KroneckerDelta(s, old) * e.base[(*e.indices[:place], s, *e.indices[place + 1 :])],
        )

    # ---------------------------------------------------------------------------------------- spoiled expressions
    def spoiled(self, e: Expr) -> Expr:
        """The expression with one slip: a coefficient, an index, a dropped factor, a prime."""
        nodes = [s for _, s in _paths(e) if isinstance(s, (Indexed, Mul, Add, Elementwise))]
        while nodes:
            node = self.rng.choice(nodes)
            slip = self._slip(node, e)
            if slip is not None:
                return self._replace_one(e, node, slip)
        return 2 * e

    def _slip(self, node: Expr, e: Expr) -> Expr | None:
        if isinstance(node, Elementwise):
            return node.fdiff()
        if isinstance(node, Mul):
            return Mul(*node.args[1:]) if self.rng.random() < 0.5 else 2 * node
        if isinstance(node, Add):
            return Add(*node.args[1:]) if self.rng.random() < 0.5 else Add(-node.args[0], *node.args[1:])
        if self.rng.random() < 0.3:
            return -node
        place = self.rng.randrange(node.base.rank)
        return (
            node.base[(*node.indices[:place], p, *node.indices[place + 1 :])] if node.base.sizes()[place] == N else None
        )

    def _replace_one(self, e: Expr, node: Expr, slip: Expr) -> Expr:
        """One occurrence of ``node`` replaced, chosen at random."""
        places = [path for path, s in _paths(e) if s == node]
        return _put(e, self.rng.choice(places), slip)


class WideWriter(Writer):
    """Writes smaller expressions of more kinds: triangular sums, numbers as indices, fractions, exponentials."""

    def _atom(self, scope: Scope) -> Expr:
        near = scope[N]
        draw = self.rng.random()
        if draw < 0.1:
            return self.rng.choice([N, K, sp.Integer(2), self.rng.choice(near)])
        if draw < 0.2:
            return 1 / (self.rng.choice([1, 2, alpha]) + x[self.rng.choice(near)] + self.rng.choice([0, 1]) * alpha)
        if draw < 0.25:
            return sp.exp(self.rng.choice([1, -1, 2]) * x[self.rng.choice(near)])
        if draw < 0.3:
            return Diff(self.rng.choice([x, x, y])[self.rng.choice(near)], f[self.rng.choice(near)])
        return super()._atom(scope)

    def _write(self, scope: Scope, depth: int) -> Expr:
        draw = self.rng.random()
        if depth and draw < 0.12 and len(scope[N]) > 1:  # a triangle
            top = self.rng.choice(scope[N])
            return S(self.rng.choice(LETTERS), top, lambda s: self._write({**scope, N: [*scope[N], s]}, depth - 1))
        if depth and draw < 0.17:
            return self._write(scope, depth - 1) / self._atom(scope)
        return super()._write(scope, depth)

    def wide(self) -> Expr:
        """An expression in the free index p."""
        while True:
            try:
                e = self._write({N: [p], K: []}, self.rng.choice([1, 2, 2, 3]))
            except ZeroDivisionError:
                continue
            if not e.has(sp.zoo, sp.nan) and (e.has(Indexed) or e.has(Sum)):
                return e


def _paths(e: Any, path: tuple[int, ...] = ()) -> list[tuple[tuple[int, ...], Any]]:
    found = [(path, e)]
    if isinstance(e, Diff):
        return found  # what a named derivative is by, and of, stays a plain quantity
    for place, a in enumerate(e.args if not isinstance(e, Indexed) else ()):
        found += _paths(a, (*path, place))
    return found


def _put(e: Any, path: tuple[int, ...], new: Expr) -> Any:
    if not path:
        return new
    place, *rest = path
    return e.func(*[_put(a, tuple(rest), new) if s == place else a for s, a in enumerate(e.args)])


def fresh(e: Expr) -> Expr:
    """The outermost sum with new letters."""
    if not isinstance(e, Sum):
        return e
    names: dict[Expr, Expr] = {}
    limits: list[tuple[Expr, Expr, Expr]] = []
    for v, low, high in reversed(e.limits):  # an outer letter may be the size of an inner sum
        size = high.xreplace(names)
        names[v] = Dummy("z", integer=True)
        limits.insert(0, (names[v], low, size))
    return Sum(e.function.xreplace(names), *limits)


def _is_alpha_plus_quantity(e: Expr) -> bool:
    return isinstance(e, Add) and isinstance(e - alpha, Indexed)


# ------------------------------------------------------------------------------------------------- exact values
@cache
def numbers(seed: int) -> "Numbers":
    """One of several instances; the same seed gives the same one."""
    return Numbers(seed)


class Numbers:
    """An instance: every quantity a rational number, h and f polynomials."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)

        def number() -> Fraction:
            return Fraction(rng.randint(1, 12), rng.randint(1, 5))

        self._h = [number() for _ in range(4)]
        self._quantity = cache(lambda name, *at: number())
        self._rng = rng
        self.alpha = number()
        self.variables = sp.symbols(f"x1:{SIZES[N] + 1}")
        self.at = {
            v: sp.Rational(*self.quantity(x, unit + 1).as_integer_ratio()) for unit, v in enumerate(self.variables)
        }
        monomials = [v**r * w**s for v in self.variables for w in self.variables for r, s in [(1, 0), (1, 1), (2, 1)]]
        self._f = [
            sum(sp.Rational(*number().as_integer_ratio()) * t for t in dict.fromkeys(monomials))
            for _ in range(SIZES[N])
        ]

    def quantity(self, tensor: Tensor, *at: int) -> Fraction:
        return self._quantity(tensor.name_, *(sorted(at) if tensor == C else at))

    def h(self, argument: Any, order: int) -> Any:
        out: Any = 0
        for power in range(len(self._h) - 1, order - 1, -1):
            out = out * argument + self._h[power] * int(sp.ff(power, order))
        return out

    @cache  # noqa: B019  the instance lives as long as its test
    def f(self, unit: int, by: tuple[int, ...]) -> Fraction:
        derived = self._f[unit - 1]
        for variable in by:
            derived = sp.diff(derived, self.variables[variable - 1])
        value = derived.xreplace(self.at)
        return Fraction(int(value.p), int(value.q))

    def value(self, e: Any, at: dict[Expr, int]) -> Fraction:
        """The number of ``e`` at the free indices ``at``."""
        if e.is_Rational:
            return Fraction(int(e.p), int(e.q))
        if e == alpha:
            return self.alpha
        if e in at or e in SIZES:
            return Fraction(at.get(e, SIZES.get(e)))
        if isinstance(e, Indexed):
            places = [int(at.get(s, s)) for s in e.indices]
            return self.f(places[0], ()) if e.base == f else self.quantity(e.base, *places)
        if isinstance(e, Diff):
            by = []
            while isinstance(e, Diff):
                by.append(int(at.get(e.op.indices[0], e.op.indices[0])))
                e = e.operand
            return self.f(int(at.get(e.indices[0], e.indices[0])), tuple(sorted(by)))
        if isinstance(e, Elementwise):
            return self.h(self.value(e.args[0], at), e.order)
        if isinstance(e, Holds):
            return Fraction(self.value(e.inside, at) >= 0)
        if isinstance(e, KroneckerDelta):
            return Fraction(len({at.get(s, s) for s in e.args}) == 1)
        if isinstance(e, Sum):
            *inner, (s, _, size) = e.limits
            body = Sum(e.function, *inner) if inner else e.function
            return sum((self.value(body, {**at, s: number}) for number in range(1, SIZES[size] + 1)), Fraction(0))
        if isinstance(e, Pow):
            return self.value(e.base, at) ** int(e.exp)
        parts = [self.value(a, at) for a in e.args]
        if isinstance(e, Add):
            return sum(parts, Fraction(0))
        assert isinstance(e, Mul), e
        out = Fraction(1)
        for part in parts:
            out *= part
        return out

    def explicit(self, e: Any, at: dict[Expr, int], unit: int) -> Expr:
        """``e`` with every sum written out: a plain expression in x_unit alone, which SymPy can differentiate."""
        if isinstance(e, Indexed) and e.base == x:
            place = int(at.get(e.indices[0], e.indices[0]))
            return self.variables[place - 1] if place == unit else self.at[self.variables[place - 1]]
        if isinstance(e, Indexed) and e.base == f:
            return self._of_one_variable(self._f[int(at.get(e.indices[0], e.indices[0])) - 1], unit)
        if isinstance(e, Diff):
            by = self.variables[int(at.get(e.op.indices[0], e.op.indices[0])) - 1]
            place = int(at.get(e.operand.indices[0], e.operand.indices[0]))
            return self._of_one_variable(sp.diff(self._f[place - 1], by), unit)
        if not {x, f} & e.atoms(Tensor):
            return sp.Rational(*self.value(e, at).as_integer_ratio())
        if isinstance(e, Elementwise):
            argument = self.explicit(e.args[0], at, unit)
            return Add(*[sp.Rational(*c.as_integer_ratio()) * argument**power for power, c in enumerate(self._h)])
        if isinstance(e, Sum):
            *inner, (s, _, size) = e.limits
            body = Sum(e.function, *inner) if inner else e.function
            return Add(*[self.explicit(body, {**at, s: number}, unit) for number in range(1, SIZES[size] + 1)])
        return e.func(*[self.explicit(a, at, unit) for a in e.args])

    def _of_one_variable(self, e: Expr, unit: int) -> Expr:
        return e.xreplace({v: number for v, number in self.at.items() if v != self.variables[unit - 1]})

    def derivative(self, e: Expr, at: dict[Expr, int], unit: int) -> Fraction:
        """SymPy's own derivative of the explicit expression by x_unit, as a number."""
        value = sp.diff(self.explicit(e, at, unit), self.variables[unit - 1]).xreplace(self.at)
        return Fraction(int(value.p), int(value.q))
