r"""Tensors with typed slots, elementwise functions, and sums whose bound indices cannot be captured.

An index runs from 1 to a size, and every slot of a tensor knows its size: $w^{(l)}_{ji}$ has the slots
$j\le n_l$ and $i\le n_{l-1}$. That is what makes $\sum_k I_{kk'}f_k=f_{k'}$ true without conditions.

Longer than one sitting: tensors, their slots and the sums over them define each other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import sympy as sp
from sympy import Dummy, Expr, Indexed, IndexedBase, Symbol
from sympy.core.function import Function, FunctionClass

from .indicators import NoInverseError

__all__ = [
    "Diff",
    "KroneckerDelta",
    "Operator",
    "RangeError",
    "S",
    "Tensor",
    "Width",
    "elementwise",
    "freshen",
    "index",
    "of_all_patterns",
    "specialise",
    "with_pattern",
]


class RangeError(ValueError):
    """An index is used in two slots of different size, or a tensor with the wrong number of slots.

    ``latex`` says it for a display, where there is something to show.
    """

    def __init__(self, message: str, latex: str = r"\text{an index would run over two ranges}") -> None:
        super().__init__(message)
        self.latex = latex


class Tensor(IndexedBase):
    r"""An indexed quantity whose slots have declared sizes.

    ``Tensor("w", layers=1, shape=lambda l: (n[l], n[l - 1]))`` is $w^{(l)}_{ji}$: first ``layers`` layer
    numbers (printed as a superscript, compiled to list access), then one slot per entry of ``shape``.

    ``symmetric`` declares the slots interchangeable. ``pattern`` says that the quantity belongs to one
    pattern of a batch, so that compiled code gives it a leading batch axis. ``between`` are the first and the last
    layer that have the quantity. ``independent`` declares its entries variables that depend on nothing: partial
    derivatives by independent variables commute, and each of them holds all the others fixed.

    Errors: `RangeError` if a symmetric tensor has slots of different sizes, or one is given another number of indices,
    or a layer number that is not ``between``.

    >>> n, (l, j) = Width("n", layers=1), index("l j")
    >>> a = Tensor("a", layers=1, shape=lambda l: (n[l],))
    >>> a[l, j], a.sizes(l)
    (a[l, j], (n[l],))
    """

    is_number = False  # else SymPy, who finds no letters in it, takes x_1 for a number, and its derivative is 0

    def __new__(
        cls,
        name: str,
        *,
        latex: str | None = None,
        layers: int = 0,
        shape: tuple[Any, ...] | Callable[..., tuple[Any, ...]] = (),
        symmetric: bool = False,
        pattern: bool = False,
        independent: bool = False,
        between: tuple[Any, Any] | None = None,
    ) -> Tensor:
        tensor = IndexedBase.__new__(cls, Symbol(name))
        slots = tuple(Symbol(f"_layer{s}", integer=True) for s in range(layers))
        sizes = tuple(sp.sympify(s) for s in (shape(*slots) if callable(shape) else shape))
        if symmetric and len(set(sizes)) > 1:
            raise RangeError(f"{name} is declared symmetric; its slots have the sizes {sizes} and must be alike")
        tensor.name_, tensor.tex, tensor.layers = name, latex or name, layers
        tensor.symmetric, tensor.pattern, tensor.independent = symmetric, pattern, independent
        tensor.between = None if between is None else (sp.sympify(between[0]), sp.sympify(between[1]))
        tensor._slots, tensor._sizes, tensor._sizes_at = slots, sizes, {}
        tensor._args = ()  # a leaf: no substitution reaches inside
        return tensor

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _DECLARED and name in vars(self):
            raise AttributeError(f"{name} of {self.name_} stays as it was declared; declare another tensor")
        super().__setattr__(name, value)

    def _hashable_content(self) -> tuple[Any, ...]:
        return (
            self.name_,
            self.tex,
            self.layers,
            sp.Tuple(*self._sizes),
            self.symmetric,
            self.pattern,
            self.independent,
            sp.Tuple(*(self.between or ())),  # None is not ordered, and SymPy orders these
        )

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        raise TypeError("tensors are not pickled; build them where they are used")

    @property
    def free_symbols(self) -> set[Any]:
        return set()

    @property
    def rank(self) -> int:
        """How many indices follow the layer numbers."""
        return len(self._sizes)

    def sizes(self, *layers: Any) -> tuple[Expr, ...]:
        """The size of each slot, at the given layer numbers."""
        if (found := self._sizes_at.get(layers)) is None:
            at = dict(zip(self._slots, layers, strict=True))
            found = self._sizes_at[layers] = tuple(sp.expand(s.xreplace(at)) for s in self._sizes)
        return found

    def __getitem__(self, indices: Any, **kw: Any) -> Indexed:
        indices = tuple(indices) if isinstance(indices, Iterable) else (indices,)
        if len(indices) != self.layers + self.rank:
            raise RangeError(
                f"{self.name_} was given {len(indices)} indices; it takes {self.layers} layer number(s) "
                f"and {self.rank} index(es)"
            )
        layers = [sp.expand(x) for x in indices[: self.layers]]
        self.require_between(*layers)
        return Indexed(self, *layers, *indices[self.layers :])

    def require_between(self, *layers: Any) -> None:
        """Refuse layer numbers of which it is known that no such layer has the quantity."""
        if self.between is None:
            return
        first, last = self.between
        for y in layers:
            if (sp.expand(y) - first).is_negative or sp.expand(y - last).is_positive:
                raise RangeError(f"{self.name_} has the layers {first}, ..., {last}; it has no layer {y}")

    def _sympystr(self, printer: Any, *args: Any) -> str:
        return self.name_

    _sympyrepr = _sympystr


_DECLARED = {"name_", "tex", "layers", "symmetric", "pattern", "independent", "between"}
_DECLARED |= {"_slots", "_sizes", "definition", "number"}
"""What a tensor is, once it is declared: formulas that were decided rest on it."""


class Width(Tensor):
    """The number of units of a layer, a size: printed with a subscript, n_l.

    >>> Width("n", layers=1, shape=())[Symbol("l")]
    n[l]
    """


def layers_of(x: Indexed, /) -> tuple[Expr, ...]:
    """The layer numbers of an indexed quantity."""
    return x.indices[: x.base.layers]


def slots_of(x: Indexed, /) -> tuple[Expr, ...]:
    """The indices of an indexed quantity that follow its layer numbers."""
    return x.indices[x.base.layers :]


def require_layers(e: Expr, /) -> None:
    """Refuse a formula with a quantity in a layer that has none of it."""
    for x in e.atoms(Indexed):
        if isinstance(x.base, Tensor):
            x.base.require_between(*layers_of(x))


class Elementwise(Function):
    """A function of one variable applied entry by entry; its derivative is the next prime."""

    nargs = 1
    stem = "h"
    order = 0

    def fdiff(self, argindex: int = 1) -> Expr:
        return elementwise(self.stem, self.order + 1)(self.args[0])


@functools.cache
def elementwise(stem: str, order: int = 0) -> Any:
    """The class of the order-th derivative of the elementwise function ``stem``.

    >>> h = elementwise("h")
    >>> h(Symbol("x")).fdiff()
    h'(x)
    """
    return FunctionClass(stem + "'" * order, (Elementwise,), {"stem": stem, "order": order})


def specialise(e: Any, stem: str, function: Callable[[Expr], Expr], /) -> Expr:
    """Replace an elementwise function and its derivatives by a given one.

    >>> h = elementwise("h")
    >>> x = Symbol("x")
    >>> specialise(h(x).fdiff(), "h", lambda u: u**3)
    3*x**2
    """
    u = Dummy("u")

    def value(f: Elementwise) -> Expr:
        return sp.diff(function(u), u, f.order).xreplace({u: f.args[0]}) if f.stem == stem else f

    return sp.sympify(e).replace(lambda x: isinstance(x, Elementwise), value)


class Diff(Expr):
    r"""A derivative that is named but not worked out: ``Diff(a[j], E)`` is $\partial E/\partial a_j$.

    The operator is what one differentiates by: an indexed quantity, a symbol (a scalar variable), or an
    `Operator` for a directional derivative such as Pearlmutter's $\mathcal R\{\cdot\}$. What is held fixed is that
    which the rules of the `Derivation` by it hold fixed; where a formula has two derivatives by the same variable that
    hold different things fixed, ``held`` tells them apart: ``Diff(x[i], E, "y")`` is $(\partial E/\partial x_i)_y$.

    >>> x, j = Tensor("x", shape=(3,)), index("j")
    >>> Diff(x[j], Symbol("E")).operand
    E
    """

    is_commutative = True

    def __new__(cls, op: Any, e: Any, held: Any = None) -> Diff:
        args = [sp.sympify(op), sp.sympify(e)]
        if held is not None:
            args.append(held if isinstance(held, Symbol) else Symbol(str(held)))
        return Expr.__new__(cls, *args)

    op = property(lambda self: self.args[0])
    operand = property(lambda self: self.args[1])
    held = property(lambda self: self.args[2] if len(self.args) > 2 else None)

    def of(self, e: Any, /) -> Diff:
        """The same derivative of something else."""
        return Diff(self.op, e, self.held)

    def commutes_with(self, other: Diff, /) -> bool:
        """Whether the two are known to be partial derivatives in one system of coordinates.

        They are if both variables are entries of one tensor (in one layer), if both are declared ``independent``, or if
        it was said of both what they hold fixed, in the same words.
        """
        if isinstance(self.op, Operator) or isinstance(other.op, Operator) or self.held != other.held:
            return self == other
        if self.held is not None or self.op == other.op:
            return True
        if not (_is_entry(self.op) and _is_entry(other.op)):
            return False
        x, y = self.op, other.op
        return (x.base, layers_of(x)) == (y.base, layers_of(y)) or (x.base.independent and y.base.independent)


def _is_entry(x: Expr) -> bool:
    return isinstance(x, Indexed) and isinstance(x.base, Tensor)


class Operator(Symbol):
    """The name of a directional derivative.

    >>> R = Operator("R")
    >>> Diff(R, Symbol("E")).op
    R
    """


def index(names: str, /) -> Any:
    """Index letters: ``j, k = index("j k")``; primes are allowed (``index("k'")``).

    >>> index("j k'")
    (j, k')
    """
    letters = tuple(Symbol(s, integer=True) for s in names.split())
    return letters if len(letters) > 1 else letters[0]


def S(name: Any, size: Any, body: Callable[[Expr], Any], /) -> Expr:
    r"""The sum $\sum_{name=1}^{size}$ of ``body(index)``.

    ``body`` is a function, so that the bound index exists, and is new, before the body does: whatever letters
    the body already contains, none can be captured.

    Errors: TypeError if the body is not a function.

    >>> x = Tensor("x", shape=(3,))
    >>> S("j", 3, lambda j: x[j] ** 2)
    Sum(x[_j]**2, (_j, 1, 3))
    """
    if not callable(body) or isinstance(body, Expr):
        raise TypeError("the body of a sum is a function of its index: S('k', n[l], lambda k: x[k])")
    k = Dummy(str(name), integer=True)
    return sp.Sum(with_own_deltas(sp.sympify(body(k))), (k, 1, size))


class KroneckerDelta(sp.KroneckerDelta):
    """SymPy's delta, which is 0 for some of its indices, and has no inverse.

    SymPy itself gives a delta an inverse, and cancels: it takes I/I for 1, before anything of the calculus sees the
    fraction. What holds a delta of SymPy's is read as if it held this one.

    >>> i, j = index("i j")
    >>> KroneckerDelta(i, j) ** 2, KroneckerDelta(i, i)
    (KroneckerDelta(i, j), 1)
    """

    def _eval_power(self, expt: Expr) -> Expr | None:
        """0 and 1 are their own positive powers; a delta that is 0 has no other."""
        if expt.is_negative:
            raise NoInverseError(f"something is divided by zero: {self} is zero for some of its indices")
        return self if expt.is_positive else None


def with_own_deltas(e: Expr, /) -> Expr:
    """The formula with SymPy's deltas in it made ours.

    >>> i, j = index("i j")
    >>> with_own_deltas(sp.KroneckerDelta(i, j)) == KroneckerDelta(i, j)
    True
    """
    foreign = {d for d in e.atoms(sp.KroneckerDelta) if type(d) is sp.KroneckerDelta}
    return e.xreplace({d: KroneckerDelta(*d.args) for d in foreign}) if foreign else e


def delta_product(indices: Iterable[Any], others: Iterable[Any], /) -> Expr:
    """The product of Kronecker deltas of two lists of indices, pair by pair."""
    return sp.Mul(*[KroneckerDelta(p, q) for p, q in zip(indices, others, strict=True)])


def freshen(e: Any, /) -> Expr:
    """The same expression with every bound index replaced by a new one.

    >>> x = Tensor("x", shape=(3,))
    >>> e = S("j", 3, lambda j: x[j])
    >>> freshen(e) == e, freshen(e)
    (False, Sum(x[_j], (_j, 1, 3)))
    """
    return _renamed(with_own_deltas(sp.sympify(e)), {})


def _renamed(e: Expr, names: dict[Any, Any]) -> Expr:
    """``e`` with its free letters renamed by ``names`` and its bound ones made new, in one pass from the outside in."""
    if not has_sum(e):
        return e.xreplace(names) if names and not letters_of(e).isdisjoint(names) else e
    if not isinstance(e, sp.Sum):
        return e.func(*[_renamed(x, names) for x in e.args])
    limits: list[tuple[Expr, ...]] = []
    for v, low, high in reversed(e.limits):  # the innermost comes first, and shadows the others
        size = _renamed(high, names)  # before its own letter is renamed
        names = {**names, v: Dummy(v.name, integer=True)}
        limits.insert(0, (names[v], low, size))
    return sp.Sum(_renamed(e.function, names), *limits)


@functools.lru_cache(maxsize=1 << 16)
def has_sum(e: Any, /) -> bool:
    """Whether a sum occurs in ``e``: kept, since each part of a formula asks all below it."""
    return isinstance(e, sp.Sum) or any(map(has_sum, e.args))


@functools.lru_cache(maxsize=1 << 16)
def bound_letters(e: Any, /) -> tuple[Any, ...]:
    """The letters of all sums in ``e``, each as often as it is bound."""
    own = tuple(letter for letter, *_ in e.limits) if isinstance(e, sp.Sum) else ()
    return sum(map(bound_letters, e.args), own) if has_sum(e) else ()


def apart(*formulas: Expr) -> list[Expr]:
    """The formulas with bound indices that occur nowhere else in any of them; those that have them stay as they are.

    >>> k, x = index("k"), Tensor("x", shape=(3,))
    >>> apart(x[k], sp.Sum(x[k], (k, 1, 3)))
    [x[k], Sum(x[_k], (_k, 1, 3))]
    """
    taken = set().union(*map(letters_of, formulas))
    found = []
    for e in map(with_own_deltas, formulas):
        letters = bound_letters(e)
        meets = len(set(letters)) < len(letters) or not taken.isdisjoint(letters)
        found.append(freshen(e) if meets else e)
        taken |= set(bound_letters(found[-1]))
    return found


def signature(e: Any, /) -> str:
    """A string that two formulas have in common that differ in the names of bound indices and in order only.

    >>> x = Tensor("x", shape=(3,))
    >>> signature(S("j", 3, lambda j: x[j])) == signature(S("k", 3, lambda k: x[k]))
    True
    """
    return _signature(sp.sympify(e), {})


def _signature(e: Any, bound: dict[Any, str]) -> str:
    if not e.args:
        return bound.get(e) or _leaf(e)
    if isinstance(e, sp.Sum):
        told = []
        for v, low, high in reversed(e.limits):
            told.append(f"{_signature(low, bound)}:{_signature(high, bound)}")
            bound = {**bound, v: f"?{len(bound)}"}
        return f"Sum({_signature(e.function, bound)},{','.join(told)})"
    parts = [_signature(x, bound) for x in e.args]
    if isinstance(e, (sp.Add, sp.Mul, sp.KroneckerDelta)):
        parts.sort()
    return f"{type(e).__name__}({','.join(parts)})"


@functools.lru_cache(maxsize=1 << 14)
def _leaf(e: Any) -> str:
    if isinstance(e, Tensor):
        return repr((type(e).__name__, *e._hashable_content()))
    if isinstance(e, Symbol):
        return repr((type(e).__name__, *map(str, e._hashable_content())))
    return sp.srepr(e)


@functools.lru_cache(maxsize=1 << 16)
def letters_of(e: Any, /) -> frozenset[Any]:
    """The letters that occur free in ``e``: SymPy's ``free_symbols``, kept, since each sum asks all below it."""
    if not e.args:
        return frozenset(e.free_symbols)
    if not isinstance(e, sp.Sum):
        return frozenset().union(*map(letters_of, e.args))
    free = letters_of(e.function)
    for letter, low, high in e.limits:
        free = (free - {letter}) | letters_of(low) | letters_of(high)
    return free


def insert(function: Callable[..., Any], x: Indexed, /) -> Expr:
    """``function`` of the layer numbers and indices of ``x``.

    The function sees new letters for the indices, so a letter that it binds itself cannot capture one of ``x``.
    """
    slots = slots_of(x)
    new = [Dummy(str(s), integer=True) for s in slots]
    return freshen(function(*layers_of(x), *new)).xreplace(dict(zip(new, slots, strict=True)))


def with_pattern(e: Any, number: Any, count: Any, /) -> Expr:
    r"""The formula of one pattern as the formula of pattern ``number`` out of ``count``.

    Every quantity that belongs to a pattern gets the pattern number as its first slot:
    $\delta^{(l)}_j$ becomes $\delta^{(l)}_{nj}$.

    >>> delta, (j, n, N) = Tensor("delta", shape=(3,), pattern=True), index("j n N")
    >>> with_pattern(delta[j] ** 2, n, N)
    delta[n, j]**2
    """
    e = freshen(e)
    hits = [x for x in e.atoms(Indexed) if isinstance(x.base, Tensor) and x.base.pattern]
    return e.xreplace({x: of_all_patterns(x.base, count)[(*layers_of(x), number, *slots_of(x))] for x in hits})


@functools.cache
def of_all_patterns(t: Tensor, count: Any, /) -> Tensor:
    """The tensor of all patterns: a first slot for the pattern number.

    >>> of_all_patterns(Tensor("delta", shape=(3,), pattern=True), Symbol("N")).sizes()
    (N, 3)
    """
    sizes = t.sizes
    return Tensor(t.name_, latex=t.tex, layers=t.layers, shape=lambda *layers: (count, *sizes(*layers)))
