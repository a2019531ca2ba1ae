"""Proved formulas as functions in JavaScript: at numbers for sizes, every entry of every array is a scalar.

`Scalars` writes a formula of the index calculus out for given sizes, sum by sum, with a symbol for each entry. A
`Function` is what is computed from arguments through such lines; its source is made by SymPy's printer, with what
several lines share computed once. The pictures that move in the book are driven by these functions alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from sympy import Expr, Indexed, Integer, Symbol

from hesslib.calculus.index import Diff, Elementwise, Operator, Tensor
from hesslib.derivations.exact_network import evaluate

SPECIAL = {"erfc": "JXG.Math.erfc"}
"""Functions that JavaScript lacks and the library of the figures has."""


@dataclass(frozen=True)
class Scalars:
    """Formulas at numbers for sizes.

    ``sizes`` gives a number for a letter, and for a `Width` one number for each layer; ``functions`` gives for the name
    of an elementwise function the function of SymPy that it stands for; ``means`` gives for a tensor or a letter what
    it stands for, as a function of its indices. Whatever else there is becomes a symbol.

    Errors: KeyError for a size that is not given, or an elementwise function.

    >>> from hesslib.calculus.index import S, Tensor, index
    >>> N, j = sp.Symbol("N", integer=True), index("j")
    >>> A, x = Tensor("A", shape=(N, N)), Tensor("x", shape=(N,))
    >>> Scalars({N: 2})(S("i", N, lambda i: A[j, i] * x[i]), {j: 1})
    A_1_1*x_1 + A_1_2*x_2
    """

    sizes: Mapping[Any, Any]
    functions: Mapping[str, Callable[..., Expr]] = field(default_factory=dict)
    means: Mapping[Any, Callable[..., Expr]] = field(default_factory=dict)

    def __call__(self, formula: Any, at: Mapping[Any, int] | None = None, /) -> Expr:
        """The formula at numbers for its free indices and layer numbers."""
        letters = {s: size for s, size in self.sizes.items() if isinstance(s, Symbol)}
        place = {**letters, **(at or {})}
        return evaluate(formula, lambda x, _: self._value(x), self._size, place)

    def _size(self, e: Any) -> int:
        widths = {x: Integer(self.sizes[x.base][int(x.indices[0])]) for x in e.atoms(Indexed)}
        return int(e.xreplace(widths).xreplace({s: sp.sympify(n) for s, n in self.sizes.items() if s.is_Symbol}))

    def _value(self, x: Any) -> Expr:
        if isinstance(x, Elementwise):
            return _slope(self.functions[x.stem], x.order).xreplace({U: self(x.args[0])})
        head = x.base if isinstance(x, Indexed) else x
        if head in self.means:
            return self(self.means[head](*(x.indices if isinstance(x, Indexed) else ())))
        if isinstance(x, Indexed) and x.base.symmetric:
            return symbol(x.base[(*x.indices[: x.base.layers], *sorted(x.indices[x.base.layers :]))])
        return symbol(x)

    def array(self, head: Tensor, *layers: int) -> Any:
        """The symbols of all entries of a tensor, as lists within lists."""

        def within(sizes: Sequence[int], done: tuple[int, ...]) -> Any:
            if not sizes:
                return self._value(head[(*layers, *done)])
            return [within(sizes[1:], (*done, place)) for place in range(1, sizes[0] + 1)]

        return within([self._size(sp.sympify(size)) for size in head.sizes(*layers)], ())


U = sp.Dummy("u")
"""What a unit receives."""


@functools.lru_cache(maxsize=64)
def _slope(function: Callable[..., Expr], order: int) -> Expr:
    """The derivative of a function of one number, at `U`; once for all units."""
    return sp.diff(function(U), U, order)


def symbol(x: Expr, /) -> Symbol:
    r"""The name of a scalar in a program: letters, digits and lines.

    >>> symbol(Tensor("w", shape=(3, 2))[1, 2]), symbol(Symbol("{E_D}"))
    (w_1_2, E_D)
    """
    if isinstance(x, Diff) and isinstance(x.op, Operator):  # the derivative along a direction
        return Symbol(f"{x.op.name}_{symbol(x.operand).name}", real=True)
    text = "_".join([x.base.name_, *map(str, x.indices)]) if isinstance(x, Indexed) else x.name
    return Symbol(re.sub(r"\W+", "_", text.strip("{}\\")), real=True)


def symbols_in(nested: Any, /) -> list[Any]:
    """The entries of lists within lists, in order; places that are not used are None and are left out."""
    if isinstance(nested, list | tuple):
        return [x for part in nested for x in symbols_in(part)]
    return [] if nested is None else [nested]


@dataclass(frozen=True)
class Function:
    """What is computed from ``arguments`` through ``lines``: ``results``, as lists within lists, by their names.

    An argument is a symbol or lists of symbols; None is a place that is not used. A line gives a symbol its value, and
    may use the symbols of other lines, whatever their order.

    Errors: ValueError for a symbol that is neither an argument nor a line, or for lines that go round in a circle;
    NotImplementedError for a function that JavaScript has not.

    >>> x, y = sp.symbols("x y")
    >>> print(Function("f", {"x": x}, {y: x**2 + 1}, {"both": [y, sp.tanh(y)]}).source)
    function f({x}) {
      const y = Math.pow(x, 2) + 1;
      return {both: [y, Math.tanh(y)]};
    }
    """

    name: str
    arguments: Mapping[str, Any]
    lines: Mapping[Symbol, Any]
    results: Mapping[str, Any]

    @property
    def source(self) -> str:
        """The function in JavaScript."""
        values, shared = self._shared()
        ordered = self._ordered(values, shared)
        constants = [f"  const {s} = {_printed(values[s])};" for s in ordered]
        remaining = iter(shared)
        results = [f"{name}: {_nested(nested, lambda _: _printed(next(remaining)))}" for name, nested in self._results]
        head = f"function {self.name}({{{', '.join(self._pattern())}}}) {{"
        return "\n".join([head, *constants, f"  return {{{', '.join(results)}}};", "}"])

    @property
    def _results(self) -> list[tuple[str, Any]]:
        return list(self.results.items())

    def _pattern(self) -> list[str]:
        """The arguments as JavaScript takes them apart; an entry that a symmetric array holds twice is taken once."""
        taken: set[Symbol] = set()

        def once(s: Symbol) -> str:
            seen = s in taken
            taken.add(s)
            return "" if seen else str(s)

        parts = {name: _nested(nested, once) for name, nested in self.arguments.items()}
        return [name if part == name else f"{name}: {part}" for name, part in parts.items()]

    def _shared(self) -> tuple[dict[Symbol, Expr], list[Expr]]:
        """Every line, and what several of them share; then the results, flat."""
        flat = [sp.sympify(x) for _, nested in self._results for x in symbols_in(nested)]
        wanted = [sp.sympify(e) for e in self.lines.values()] + flat
        found, reduced = sp.cse(wanted, symbols=(Symbol(f"shared_{k}") for k in range(10**6)))
        count = len(self.lines)
        return dict(found) | dict(zip(self.lines, reduced[:count], strict=True)), reduced[count:]

    def _ordered(self, values: Mapping[Symbol, Expr], results: Sequence[Expr]) -> list[Symbol]:
        """The lines that the results need, each after those that it uses."""
        known = set(symbols_in(list(self.arguments.values())))
        order: list[Symbol] = []

        def visit(s: Symbol, above: tuple[Symbol, ...]) -> None:
            if s in known:
                return
            if s not in values or s in above:
                raise ValueError(f"{self.name}: {s} is {'defined by itself' if s in above else 'not defined'}")
            for other in sorted(values[s].free_symbols, key=str):
                visit(other, (*above, s))
            known.add(s)
            order.append(s)

        for e in results:
            for s in sorted(e.free_symbols, key=str):
                visit(s, ())
        return order


def _nested(nested: Any, show: Callable[[Any], str]) -> str:
    if isinstance(nested, list | tuple):
        return f"[{', '.join(_nested(x, show) for x in nested)}]"
    return "" if nested is None else show(nested)


def _printed(e: Expr) -> str:
    return sp.jscode(e, user_functions=SPECIAL)
