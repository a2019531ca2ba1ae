r"""A second decider, beside the normal form: both sides of an equality are evaluated, and the numbers compared.

In each of several *worlds* every size, width, layer number and free index is a small number (so that every coincidence of
sizes and of indices occurs), and every quantity has a random value in a large prime field (:mod:`.prime_field`). Sums are
added up term by term. What is not a rational function gets a value that depends on the values of its arguments only.
A named derivative of e is a difference quotient between two worlds: it is linear, the derivative of a number is 0, equal
operands have equal derivatives, and no other law is assumed.

A polynomial identity of degree d that is false at the sizes and indices of a world survives it with probability d / 2^60.
Where the two sides differ they are evaluated once more, with small real numbers and true functions: only numbers that
differ make the answer "different". A sum whose upper limit is below the lower is empty: it is 0.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import sympy as sp
from sympy import Add, Expr, Indexed, Integer, KroneckerDelta, Mul, Pow, Rational, Sum, Symbol
from sympy.core.function import AppliedUndef, Function

from .index import Diff, Elementwise, Operator, Tensor, Width, layers_of, slots_of
from .prime_field import NoRootError, NoValueError, Reals, Residues, UndecidableError, as_text, digest

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

    ``widths`` is the number of units of every layer, or 0 for widths that differ.
    """

    def __init__(self, numbers: Any, integers: dict[Expr, int], name: str, widths: int = 0) -> None:
        self.numbers, self.integers, self.name, self.widths = numbers, integers, name, widths
        self.drawn_widths: dict[tuple[str, tuple[int, ...]], int] = {}
        self.known_sizes: dict[int, dict[tuple[int, ...], tuple[int, ...]]] = {}
        self.known_sums: dict[Any, Any] = {}
        self.terms = 0

    def with_numbers(self, numbers: Any) -> World:
        """The same sizes, layer numbers and indices with other values of everything else."""
        world = World(numbers, self.integers, self.name, self.widths)
        world.drawn_widths, world.known_sizes = self.drawn_widths, self.known_sizes
        return world

    @functools.cached_property
    def exponents(self) -> World:
        """The same world, with the values that quantities have in exponents."""
        return self.with_numbers(self.numbers.exponents)

    def value(self, e: Expr) -> Any:
        """The value of a formula."""
        return program(e)(self, self.integers, ())

    def width(self, name: str, layer: tuple[int, ...]) -> int:
        """The number of units of a layer."""
        return self.drawn_widths.setdefault((name, layer), self.widths or 1 + digest(self.name, name, layer) % 4)

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
        step, parts = self.numbers.step(), [x]
        for size in range(1, len(along) + 1):
            for labels in itertools.combinations(along, size):
                parts.append(self.numbers.product([*[step] * size, self.derivative(key, labels)]))
        return self.numbers.sum(parts)

    def derivative(self, key: Label, labels: Sequence[Label]) -> Any:
        """The derivative of a quantity by labels, the innermost last: 1 or 0 by its own kind, else a value of its own.

        Partial derivatives commute where the first two entries of their labels are the same.
        """
        blocks = [sorted(block, key=repr) for _, block in itertools.groupby(labels, key=lambda label: label[:2])]
        if any(label[:3] == key[:3] for label in blocks[-1]):
            if key[0] == "entry" and key[1].endswith("True, False)"):
                raise UndecidableError("the derivative of a symmetric tensor by one of its entries")
            return self.numbers.number(int((key,) == tuple(labels)))
        return self.numbers.draw(("derivative", key, *itertools.chain(*blocks)))


# -------------------------------------------------------------------------------- formulas as programs: integers
@functools.lru_cache(maxsize=1 << 14)
def integer(e: Expr) -> Callable[[World, At], int]:
    """What evaluates a size, a layer number or an index."""
    if isinstance(e, Integer):
        number = int(e)
        return lambda world, at: number
    if isinstance(e, Symbol):
        return lambda world, at: at[e] if e in at else _unknown(e)
    if isinstance(e, Indexed) and isinstance(e.base, Width):
        name, layers = title(e.base), [integer(x) for x in e.indices]
        return lambda world, at: world.width(name, tuple([x(world, at) for x in layers]))
    combined = {Add: sum, Mul: math.prod, sp.Max: max, sp.Min: min}.get(e.func)
    if combined is not None:
        parts = [integer(x) for x in e.args]
        return lambda world, at: combined([x(world, at) for x in parts])
    if isinstance(e, Pow) and isinstance(e.exp, Integer) and e.exp > 0:
        base, exponent = integer(e.base), int(e.exp)
        return lambda world, at: base(world, at) ** exponent
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
        return "entry", name, there, tuple(sorted(where)) if base.symmetric else where

    return label


# ----------------------------------------------------------------------------------- formulas as programs: values
Program = Callable[[World, At, tuple[Label, ...]], Any]


@functools.lru_cache(maxsize=1 << 14)
def program(e: Expr) -> Program:
    """What evaluates a formula in a world, at its letters, moved along the variables of the derivatives around it."""
    if isinstance(e, Mul):
        return product(e)
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
        return lambda world, at, moved: (
            world.numbers.number(at[e]) if e in at else world.moved(key, moved, positive)
        )
    if isinstance(e, KroneckerDelta):
        p, q = map(integer, e.args)
        return lambda world, at, moved: world.numbers.number(int(p(world, at) == q(world, at)))
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


def product(e: Mul) -> Program:
    """Deltas come first: where one is 0, what they multiply may have no value."""
    deltas = [tuple(map(integer, x.args)) for x in e.args if isinstance(x, KroneckerDelta)]
    factors = [program(x) for x in e.args if not isinstance(x, KroneckerDelta)]

    def evaluate(world: World, at: At, moved: tuple[Label, ...]) -> Any:
        for p, q in deltas:
            if p(world, at) != q(world, at):
                return world.numbers.number(0)
        return world.numbers.product([x(world, at, moved) for x in factors])

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
    """A named derivative: a difference quotient between the world that is moved along its variable and the one that is not."""
    operand = program(e.operand)
    if isinstance(e.op, Indexed):
        by = entry(e.op)
    else:
        key = "operator" if isinstance(e.op, Operator) else "symbol", type(e.op).__name__, title(e.op)

        def by(world: World, at: At) -> Label:
            if e.op in at:
                raise NoValueError(f"{e.op} is a size or an index, and no variable")
            return key

    def evaluate(world: World, at: At, moved: tuple[Label, ...]) -> Any:
        numbers, there = world.numbers, (*moved, by(world, at))
        rise = numbers.sum([operand(world, at, there), -operand(world, at, moved)])
        return numbers.product([rise, numbers.inverse(numbers.step())])

    return evaluate


# ------------------------------------------------------------------------------------------------ sizes and indices
class Letters:
    """The free letters of some formulas: which are sizes, which layer numbers, and in which slots the others stand.

    ``numbers`` are those that stand beside a size or an index, in a sum of them or as a power: there a formula may change.
    """

    def __init__(self, formulas: Iterable[Expr]) -> None:
        self.sizes: dict[Expr, None] = {}
        self.layers: dict[Expr, None] = {}
        self.slots: dict[Expr, list[tuple[Tensor, tuple[Expr, ...], int]]] = {}
        self.others: dict[Expr, None] = {}
        self.numbers = {1}
        for e in formulas:
            self.read(e, frozenset())
        self.sizes = {s: None for s in self.sizes if s not in self.slots and s not in self.layers}
        self.others = {s: None for s in self.others if s not in self.slots and s not in self.layers and s not in self.sizes}

    def read(self, e: Expr, bound: frozenset[Expr]) -> None:
        if isinstance(e, Sum):
            for letter, low, high in reversed(e.limits):
                self.size(low, bound)
                self.size(high, bound)
                bound |= {letter}
            self.read(e.function, bound)
        elif isinstance(e, Indexed):
            base = e.base
            layers, slots = (layers_of(e), slots_of(e)) if isinstance(base, Tensor) else ((), e.indices)
            for x in layers:
                self.layers |= dict.fromkeys(sorted(x.free_symbols - bound, key=str))
            for x in slots:
                self.count(x)
                self.others |= dict.fromkeys(sorted(x.free_symbols - bound, key=str))
            if isinstance(base, Tensor):
                for place, x in enumerate(slots):
                    if isinstance(x, Symbol) and x not in bound and not any(y.free_symbols & bound for y in layers):
                        self.slots.setdefault(x, []).append((base, layers, place))
                for size in base._sizes:
                    self.size(size, bound | set(base._slots))
        elif isinstance(e, Symbol):
            if e.is_integer and e not in bound:
                self.others[e] = None
        else:
            if any(isinstance(x, Symbol) and x.is_integer for x in e.args):
                self.count(e)
            for x in e.args:
                self.read(x, bound)

    def size(self, e: Expr, bound: frozenset[Expr] | set[Expr]) -> None:
        self.count(e)
        for x in e.atoms(Indexed):
            self.read(x, frozenset(bound))
        inside = {s for x in e.atoms(Indexed) for s in x.free_symbols}
        self.sizes |= dict.fromkeys(sorted((s for s in e.free_symbols - bound - inside if isinstance(s, Symbol)), key=str))

    def count(self, e: Expr) -> None:
        self.numbers |= {abs(int(x)) for x in (e, *e.args) if isinstance(x, Integer)}

    def candidates(self) -> list[int]:
        """The sizes to try: the smallest ones, and those about every number that stands beside one."""
        near = {n + step for n in self.numbers for step in (-1, 0, 1, 2)}
        return sorted(n for n in {1, 2, 3, 4} | near if n > 0)


def worlds(letters: Letters, candidates: Sequence[int], count: int, name: str) -> Iterator[World]:
    """Worlds in which every size takes every candidate in turn, in an order of its own; all are equal in the first ones."""
    for trial in range(count):
        together = candidates[trial % len(candidates)] if trial < 2 else 0

        def drawn(letter: Expr, among: Sequence[int], trial: int = trial) -> int:
            start, stride = digest(name, title(letter)), 1 + 2 * (digest(title(letter), name) % len(among))
            while math.gcd(stride, len(among)) > 1:
                stride += 1
            return among[(start + trial * stride) % len(among)]

        integers = {s: together or drawn(s, candidates) for s in letters.sizes}
        depth = 2 + digest(name, trial) % 3
        for s in letters.layers:
            integers[s] = depth + 1 if title(s)[0].isupper() else 1 + digest(name, trial, title(s)) % depth
        world = World(Residues(f"{name} {trial}"), integers, f"{name} {trial}", together)
        common = digest(name, trial, "index")
        for s, slots in letters.slots.items():
            ends = []
            for base, layers, place in slots:
                with contextlib.suppress(UndecidableError):
                    ends.append(world.sizes(base, tuple(integer(x)(world, integers) for x in layers))[place])
            end = max(1, min(ends, default=4))
            integers[s] = 1 + (common if trial % 3 == 0 else digest(name, trial, title(s))) % end
            if trial % 3 == 1 and trial > 2:
                integers[s] = end
        for s in letters.others:  # nothing says how far they run
            integers[s] = drawn(s, [*candidates, candidates[-1] + 1])
        yield world


# ---------------------------------------------------------------------------------------------------- the decision
@dataclass(frozen=True)
class Counterexample:
    """Numbers at which two formulas differ: sizes and indices by name, the values of a few quantities, and both sides."""

    integers: dict[str, int]
    values: dict[str, str]
    left: str
    right: str

    def __str__(self) -> str:
        at = ", ".join(f"{name} = {value}" for name, value in (self.integers | self.values).items())
        return (f"at {at}: " if at else "") + f"{self.left} against {self.right}"


@dataclass(frozen=True)
class Answer:
    """``word`` is "equal", "different" (at the ``counterexample``), "undecided" or "undefined" (for the ``reason``)."""

    word: str
    reason: str = ""
    counterexample: Counterexample | None = None


WORLDS = 9
ROOTS = 300
"""In how many worlds to look for one in which every radicand has a root."""
MOST_VALUES = 6
"""How many quantities a counterexample lists."""


def compare(x: Expr, y: Expr, /, *around: Expr, name: str = "") -> Answer:
    """Whether two formulas have the same value, in every world that is tried.

    ``around`` are formulas of the same letters, such as the other members of a chain: they may say how far a letter runs.
    ``name`` is the seed.

    >>> from .index import S, Tensor
    >>> N = Symbol("N", integer=True)
    >>> x = Tensor("x", shape=(N,))
    >>> square, squares = S("k", N, lambda k: x[k]) ** 2, S("k", N, lambda k: x[k] ** 2)
    >>> compare(square, squares).word, compare(square, x[1] * S("k", N, lambda k: x[k])).word
    ('different', 'different')
    >>> compare(1 / (x[1] * (1 + x[1])), 1 / x[1] - 1 / (1 + x[1])).word
    'equal'
    """
    x, y = sp.sympify(x), sp.sympify(y)
    try:
        return _compare(x, y, around, name)
    except UndecidableError as reason:
        return Answer("undecided", str(reason))


def _compare(x: Expr, y: Expr, around: Iterable[Expr], name: str) -> Answer:
    letters, neighbours = Letters([x, y]), Letters(around)
    for s in [*letters.slots, *letters.others]:
        if s in neighbours.slots:
            letters.slots.setdefault(s, []).extend(neighbours.slots[s])
            letters.others.pop(s, None)
    candidates = letters.candidates()
    wanted = max(WORLDS, len(candidates))
    same, differing, why = 0, [], "no numbers were tried"
    for world in worlds(letters, candidates, 4 * wanted, name):
        try:
            here = world
            for attempt in range(ROOTS):
                try:
                    equal_here = here.value(x) == here.value(y)
                    break
                except NoRootError:
                    here = world.with_numbers(Residues(f"{world.name} {attempt}"))
            else:
                why = "no world was found in which all its roots exist"
                continue
        except NoValueError as no_value:
            why = f"it has no value: {no_value}"
            continue
        except OverflowError:
            why = "it has too many terms"
            continue
        if not equal_here:
            differing.append(world)
            if (found := counterexample(x, y, world)) is not None:
                return Answer("different", counterexample=found)
        else:
            same += 1
        if same + len(differing) >= wanted:
            break
    if differing:
        return Answer("undecided", "they differ if its functions are any functions, but at no real numbers that were tried")
    if same < (wanted + 1) // 2:
        return Answer("undefined" if why.startswith("it has no value") else "undecided", why)
    return Answer("equal")


def counterexample(x: Expr, y: Expr, world: World) -> Counterexample | None:
    """Real numbers at which the sides differ, with the sizes and indices of ``world``; None if none are found."""
    tolerance = mpmath.mpf(10) ** (-8 if x.has(Diff) or y.has(Diff) else -60)  # difference quotients are not exact
    with mpmath.workdps(Reals.DIGITS):
        for attempt in range(10):
            there = world.with_numbers(Reals(f"{world.name} {attempt}", positive=attempt % 2 == 1))
            try:
                left, right = there.value(x), there.value(y)
            except (NoValueError, OverflowError):
                continue
            if abs(left - right) > tolerance * max(1, abs(left), abs(right)):
                drawn = there.numbers.drawn
                values = {named(key): str(drawn[key]) for key in drawn} if len(drawn) <= MOST_VALUES else {}
                integers = {str(s): n for s, n in world.integers.items()}
                integers |= {f"{base}[{', '.join(map(str, at))}]": n for (base, at), n in world.drawn_widths.items()}
                return Counterexample(integers, values, as_text(left), as_text(right))
    return None


def named(key: tuple[Any, ...]) -> str:
    """The name of a quantity in words."""
    kind, *rest = key
    if kind == "entry":
        base, layers, slots = rest
        return f"{base if isinstance(base, str) else base[0]}[{', '.join(map(str, (*layers, *slots)))}]"
    if kind == "derivative":
        return f"d {named(rest[0])} by {', '.join(named(label) for label in rest[1:])}"
    if kind == "coefficient":
        return f"coefficient {rest[-1]} of {rest[0]}"
    return str(rest[-1])
