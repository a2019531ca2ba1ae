r"""The value of a formula in a world: every size a number, every quantity a number, every sum added up term by term.

An empty sum is 0, and so is one whose upper limit is below the lower. What is no rational function has a value that
depends on the values of its arguments only. A named derivative of e is a difference quotient between two worlds,

    D e = (e(moved) - e) / epsilon,

which is linear; the derivative of a number is 0, equal operands have equal derivatives, and no other law is assumed.

Longer than one sitting: one function for each kind of expression, and nothing besides.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy import Add, Expr, Indexed, Integer, Mul, Pow, Rational, Sum, Symbol
from sympy.core.function import AppliedUndef, Function

from .index import Diff, Elementwise, Operator, Tensor, Width, layers_of, slots_of
from .prime_field import NoValueError, UndecidableError, digest

TERMS = 20_000
"""How many terms of sums are added up in one world, at most."""

Label = tuple[Any, ...]
At = Mapping[Expr, int]
"""What the letters are: sizes, layer numbers, free and bound indices."""


@functools.lru_cache(maxsize=1 << 14)
def title(x: Any) -> str:
    """A name that tells a letter or a tensor from all others, as a string."""
    if isinstance(x, Tensor):
        return repr(x._hashable_content())
    return f"{x}#{x.dummy_index}" if isinstance(x, sp.Dummy) else str(x)


class World:
    """Numbers for everything: ``integers`` for sizes, layer numbers and free indices, ``numbers`` for the rest.

    ``widths`` is the number of units of every layer, or 0 for widths that differ: from ``narrowest`` to 4.
    """

    def __init__(self, numbers: Any, integers: dict[Expr, int], name: str, widths: int = 0, narrowest: int = 1) -> None:
        self.numbers, self.integers, self.name = numbers, integers, name
        self.widths, self.narrowest = widths, narrowest
        self.drawn_widths: dict[tuple[int, tuple[int, ...]], tuple[Width, int]] = {}
        self.known_sizes: dict[int, dict[tuple[int, ...], tuple[int, ...]]] = {}
        self.known_sums: dict[Any, Any] = {}
        self.terms = 0

    def with_numbers(self, numbers: Any) -> World:
        """The same sizes, layer numbers and indices with other values of everything else."""
        world = World(numbers, self.integers, self.name, self.widths, self.narrowest)
        world.drawn_widths, world.known_sizes = self.drawn_widths, self.known_sizes
        return world

    @functools.cached_property
    def exponents(self) -> World:
        """The same world, with the values that quantities have in exponents."""
        return self.with_numbers(self.numbers.exponents)

    def value(self, e: Expr) -> Any:
        """The value of a formula."""
        return program(e)(self, self.integers, ())

    def width(self, base: Width, layer: tuple[int, ...]) -> int:
        """The number of units of a layer."""
        which = id(base), layer
        if which not in self.drawn_widths:
            drawn = self.narrowest + digest(self.name, title(base), layer) % (5 - self.narrowest)
            self.drawn_widths[which] = base, self.widths or drawn
        return self.drawn_widths[which][1]

    def sizes(self, base: Tensor, layers: tuple[int, ...]) -> tuple[int, ...]:
        """How far each slot of a tensor runs."""
        known = self.known_sizes.setdefault(id(base), {})
        if layers not in known:
            at = {**self.integers, **dict(zip(base._slots, layers, strict=True))}
            known[layers] = tuple(integer(size)(self, at) for size in base._sizes)
        return known[layers]

    def moved(self, key: Label, along: tuple[Label, ...], positive: bool = False) -> Any:
        r"""The value of a quantity: $x+\sum_T\epsilon^{|T|}x_T$, where $x_T$ is its derivative by the labels T."""
        x = self.numbers.draw(key, positive=positive)
        if not along:
            return x
        step = self.numbers.step()
        some = itertools.chain(*[itertools.combinations(along, size) for size in range(1, len(along) + 1)])
        rises = [self.numbers.product([*[step] * len(labels), self.derivative(key, labels)]) for labels in some]
        return self.numbers.sum([x, *rises])

    def derivative(self, key: Label, labels: Sequence[Label]) -> Any:
        """The derivative of a quantity by labels, the innermost last: 1 or 0 by its own kind, else a value of its own.

        Partial derivatives of one system of coordinates commute; others do not.
        """
        blocks = [sorted(block, key=repr) for _, block in itertools.groupby(labels, key=lambda label: label[0])]
        if any(which[:3] == key[:3] for _, which in blocks[-1]):
            if key[0] == "symmetric":
                raise UndecidableError("the derivative of a symmetric tensor by one of its entries")
            return self.numbers.number(int(len(labels) == 1 and labels[0][1] == key))
        return self.numbers.draw(("derivative", key, *itertools.chain(*blocks)))


# -------------------------------------------------------------------------------- formulas as programs: integers
COMBINED: dict[Any, Callable[[list[int]], int]] = {Add: sum, Mul: math.prod, sp.Max: max, sp.Min: min}


@functools.lru_cache(maxsize=1 << 14)
def integer(e: Expr) -> Callable[[World, At], int]:
    """What evaluates a size, a layer number or an index."""
    if isinstance(e, Integer):
        number = int(e)
        return lambda world, at: number
    if isinstance(e, Symbol):
        return lambda world, at: at[e] if e in at else _unknown(e)
    if isinstance(e, Indexed) and isinstance(e.base, Width):
        base, layers = e.base, [integer(x) for x in e.indices]
        return lambda world, at: world.width(base, tuple([x(world, at) for x in layers]))
    if e.func in COMBINED:
        combined, parts = COMBINED[e.func], [integer(x) for x in e.args]
        return lambda world, at: combined([x(world, at) for x in parts])
    if isinstance(e, Pow) and isinstance(e.exp, Integer) and e.exp > 0:
        below, exponent = integer(e.base), int(e.exp)
        return lambda world, at: below(world, at) ** exponent
    return _unknown(e)


def _unknown(e: Expr) -> Any:
    raise UndecidableError(f"{e} as a size or an index")


@functools.lru_cache(maxsize=1 << 14)
def entry(x: Indexed) -> Callable[[World, At], Label]:
    """Which entry of which tensor ``x`` is: name, layer numbers, indices (sorted, if the tensor is symmetric)."""
    base, name = x.base, title(x.base)
    if not isinstance(base, Tensor):
        indices = [integer(s) for s in x.indices]
        return lambda world, at: ("entry", name, (), tuple([s(world, at) for s in indices]))
    layers, slots = [integer(s) for s in layers_of(x)], [integer(s) for s in slots_of(x)]

    def label(world: World, at: At) -> Label:
        there, where = tuple([s(world, at) for s in layers]), tuple([s(world, at) for s in slots])
        for s, size in zip(where, world.sizes(base, there), strict=True):
            if s < 1 or s > size:
                raise NoValueError(f"{base.name_} has no entry {', '.join(map(str, where))}")
        if base.symmetric:
            return "symmetric", name, there, tuple(sorted(where))
        return "entry", name, there, where

    return label


# ----------------------------------------------------------------------------------- formulas as programs: values
Program = Callable[[World, At, tuple[Label, ...]], Any]


@functools.lru_cache(maxsize=1 << 14)
def program(e: Expr) -> Program:
    """What evaluates a formula in a world, at its letters, moved along the variables of the derivatives around it."""
    if isinstance(e, Mul):
        return product(e)
    if isinstance(e, (Indexed, Symbol)) and (found := definition_of(e)) is not None:
        return defined(e, *found)
    if isinstance(e, Indexed):
        if isinstance(e.base, Width):
            width = integer(e)
            return lambda world, at, moved: world.numbers.number(width(world, at))
        which = entry(e)
        return lambda world, at, moved: world.moved(which(world, at), moved)
    if isinstance(e, Add):
        terms = [program(x) for x in e.args]
        return lambda world, at, moved: world.numbers.sum([x(world, at, moved) for x in terms])
    if isinstance(e, (Rational, sp.Float)):
        top, bottom = map(int, Rational(e).as_numer_denom())  # a float is the binary fraction that it is
        return lambda world, at, moved: world.numbers.number(top, bottom)
    if isinstance(e, Symbol):
        key, positive = ("symbol", type(e).__name__, title(e)), bool(e.is_positive)
        return lambda world, at, moved: world.numbers.number(at[e]) if e in at else world.moved(key, moved, positive)
    if is_condition(e):
        holds = condition(e)
        return lambda world, at, moved: world.numbers.number(int(holds(world, at)))
    if isinstance(e, Sum):
        return summation(e)
    if isinstance(e, (Pow, sp.exp)):
        return power(*((sp.E, e.args[0]) if isinstance(e, sp.exp) else e.args))
    if isinstance(e, (Elementwise, AppliedUndef)):
        name, order = (e.stem, e.order) if isinstance(e, Elementwise) else (e.func.__name__, 0)
        of = [program(x) for x in e.args]
        return lambda world, at, moved: world.numbers.unknown(name, order, [x(world, at, moved) for x in of])
    if isinstance(e, Function):
        name, of = type(e).__name__, [program(x) for x in e.args]
        return lambda world, at, moved: world.numbers.function(name, [x(world, at, moved) for x in of])
    if isinstance(e, Diff):
        return quotient(e)
    if e.is_NumberSymbol:
        name = "E" if e is sp.E else str(e)
        return lambda world, at, moved: world.numbers.constant(name)
    raise UndecidableError(f"a value of {type(e).__name__}")


def is_condition(e: Expr) -> bool:
    """Whether ``e`` is 1 or 0 according to a condition on indices: a Kronecker delta, or the indicator of a range."""
    return isinstance(e, sp.KroneckerDelta) or type(e).__name__ == "Holds"


def condition(e: Expr) -> Callable[[World, At], bool]:
    """What tells whether a Kronecker delta, or the indicator [u >= 0], is 1."""
    if isinstance(e, sp.KroneckerDelta):
        p, q = map(integer, e.args)
        return lambda world, at: p(world, at) == q(world, at)
    (u,) = map(integer, e.args)
    return lambda world, at: u(world, at) >= 0


def product(e: Mul) -> Program:
    """Conditions come first: where one does not hold, what it multiplies may have no value."""
    conditions = [condition(x) for x in e.args if is_condition(x)]
    factors = [program(x) for x in e.args if not is_condition(x)]

    def evaluate(world: World, at: At, moved: tuple[Label, ...]) -> Any:
        for holds in conditions:
            if not holds(world, at):
                return world.numbers.number(0)
        return world.numbers.product([x(world, at, moved) for x in factors])

    return evaluate


def definition_of(e: Expr) -> tuple[Expr, list[Expr]] | None:
    """What a defined quantity stands for, and its indices there; None for what has no definition or is of a layer.

    The quantities of layers are defined one by another; what they stand for is inserted where it is used.
    """
    head = e.base if isinstance(e, Indexed) else e
    meaning = getattr(head, "definition", None)
    if meaning is None or (isinstance(head, Tensor) and head.layers):
        return None
    letters: list[Expr] = [sp.Dummy(str(s), integer=True) for s in (e.indices if isinstance(e, Indexed) else ())]
    return sp.sympify(meaning(*letters)), letters


def defined(e: Expr, body: Expr, letters: list[Expr]) -> Program:
    """The value of a defined quantity is that of its definition."""
    value, where = program(body), [integer(s) for s in (e.indices if isinstance(e, Indexed) else ())]

    def evaluate(world: World, at: At, moved: tuple[Label, ...]) -> Any:
        places = [s(world, at) for s in where]
        here = (evaluate, moved, *places)
        if here not in world.known_sums:
            world.known_sums[here] = value(world, {**world.integers, **dict(zip(letters, places, strict=True))}, moved)
        return world.known_sums[here]

    return evaluate


def summation(e: Sum) -> Program:
    """A sum, added up term by term, once for every value of the letters that are free in it."""
    letter, low, high = e.limits[-1]
    first, last = integer(low), integer(high)
    term = program(Sum(e.function, *e.limits[:-1]) if e.limits[1:] else e.function)
    free = tuple(s for s in e.free_symbols if isinstance(s, Symbol))

    def evaluate(world: World, at: At, moved: tuple[Label, ...]) -> Any:
        here = (evaluate, moved, *[at.get(s) for s in free])
        if here not in world.known_sums:
            run = range(first(world, at), last(world, at) + 1)
            world.terms += len(run)
            if world.terms > TERMS:
                raise OverflowError
            inside = dict(at)
            values = []
            for inside[letter] in run:
                values.append(term(world, inside, moved))
            world.known_sums[here] = world.numbers.sum(values)
        return world.known_sums[here]

    return evaluate


def power(base: Expr, exponent: Expr) -> Program:
    """A power, whose exponent lives in the field of exponents."""
    x = program(base)
    if isinstance(exponent, Integer):
        n = int(exponent)
        return lambda world, at, moved: world.numbers.integer_power(x(world, at, moved), n)
    y, of_zero = program(exponent), bool(exponent.is_Number and exponent.is_positive)

    def evaluate(world: World, at: At, moved: tuple[Label, ...]) -> Any:
        below = x(world, at, moved)
        return below if of_zero and below == 0 else world.numbers.power(below, y(world.exponents, at, moved))

    return evaluate


def quotient(e: Diff) -> Program:
    """A named derivative: a difference quotient, between the world moved along its variable and the one that is not."""
    operand, held = program(e.operand), getattr(e, "held", None)
    if isinstance(e.op, Indexed):
        which, free = entry(e.op), getattr(e.op.base, "independent", False)
    else:
        which, free = _scalar(e.op), False

    def evaluate(world: World, at: At, moved: tuple[Label, ...]) -> Any:
        numbers, by = world.numbers, which(world, at)
        system = ("held", title(held)) if held is not None else "independent" if free else by[:3]
        rise = numbers.sum([operand(world, at, (*moved, (system, by))), -operand(world, at, moved)])
        return numbers.product([rise, numbers.inverse(numbers.step())])

    return evaluate


def _scalar(op: Expr) -> Callable[[World, At], Label]:
    key = "operator" if isinstance(op, Operator) else "symbol", type(op).__name__, title(op)

    def label(_: World, at: At) -> Label:
        if op in at:
            raise NoValueError(f"{op} is a size or an index, and no variable")
        return key

    return label
