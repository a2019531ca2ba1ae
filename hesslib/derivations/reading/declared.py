"""A vocabulary as plain data, and back: what a page has to hand over, so that its formulas can be read elsewhere.

The letters of a `Notation` have a name and need none of this. A chapter has letters of its own, which exist only while
its cells run; here they become lists, words and numbers, as JSON has them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy import Add, Expr, Indexed, Integer, Mul, Pow, Rational, Symbol

from hesslib.calculus.index import Operator, Tensor, Width, elementwise
from hesslib.calculus.let import Let, definition_of

from .grammar import parse, require_bounds
from .meaning import read
from .scanner import scan
from .vocabulary import Vocabulary

__all__ = ["UnsayableError", "as_data", "from_data"]

ASSUMED = ("integer", "positive", "nonnegative", "real", "nonzero", "finite")
"""What the letters of a chapter may be declared to be."""
COMPOUND = {"Add": Add, "Mul": Mul, "Pow": Pow}


Definition = tuple[tuple[str, ...], str]
"""What a quantity stands for: the letters of its indices, and the LaTeX of it at those."""


class UnsayableError(ValueError):
    """A letter, or how far one of its indices runs, that has no form as data."""


def as_data(
    words: Vocabulary, definitions: Mapping[str, tuple[tuple[str, ...], str]] | None = None, /
) -> dict[str, Any]:
    r"""The letters as lists, words and numbers, sorted: the same from every run.

    ``definitions`` are what some of them stand for, in LaTeX, with the letters of the indices that it is written for.

    Errors: `UnsayableError` for a letter that has no such form.

    >>> as_data(Vocabulary.of(2 * Symbol("alpha")))["symbols"]
    {'\\alpha': ['symbol', 'alpha']}
    """
    found = {
        "tensors": {name: _tensor(tensor) for name, tensor in sorted(words.tensors.items())},
        "symbols": {name: _expression(e) for name, e in sorted(words.symbols.items())},
        "letters": {name: _expression(e) for name, e in sorted(words.letters.items())},
        "functions": sorted(words.functions),
        "operators": {name: operator.name for name, operator in sorted(words.operators.items())},
    }
    if definitions:
        found["defined"] = {name: [*letters, text] for name, (letters, text) in sorted(definitions.items())}
    return found


def from_data(data: Mapping[str, Any], /) -> Vocabulary:
    """The letters that the data declare.

    >>> words = Vocabulary.of(Tensor("x", shape=(3,))[1])
    >>> from_data(as_data(words)) == words
    True
    """
    tensors: dict[str, Any] = {name: _tensor_of(told) for name, told in data["tensors"].items()}
    symbols: dict[str, Any] = {name: _expression_of(told) for name, told in data["symbols"].items()}
    reader: list[Callable[[str], Expr]] = []  # which needs the letters

    def definition(letters: Sequence[str], text: str) -> Callable[..., Expr]:
        def of(*at: Expr) -> Expr:
            return reader[0](text).xreplace({Symbol(s, integer=True): x for s, x in zip(letters, at, strict=True)})

        return of

    for name, (*letters, text) in data.get("defined", {}).items():
        heads = tensors if name in tensors and letters else symbols
        heads[name] = Let(heads[name], definition(letters, text))
    words = Vocabulary(
        tensors=tensors,
        symbols=symbols,
        letters={name: _expression_of(told) for name, told in data["letters"].items()},
        functions={stem: elementwise(stem) for stem in data["functions"]},
        operators={name: Operator(told) for name, told in data["operators"].items()},
    )
    reader.append(lambda text: read_in(text, words))
    return words


def read_in(text: str, words: Vocabulary, /) -> Expr:
    """The formula that a text is in these letters.

    Errors: `ReadingError` if it is none.
    """
    tokens = scan(text, names=words.spellings)
    require_bounds(tokens, text)
    return sp.sympify(read(parse(tokens, text), words, text))


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {
        "kind": "width" if isinstance(tensor, Width) else "tensor",
        "name": tensor.name_,
        "latex": tensor.tex,
        "layers": tensor.layers,
        "sizes": [_expression(size) for size in tensor._sizes],
        "between": None if tensor.between is None else [_expression(e) for e in tensor.between],
        "is": [what for what in ("symmetric", "pattern", "independent") if getattr(tensor, what)],
    }


def _tensor_of(told: Mapping[str, Any]) -> Tensor:
    kind = Width if told["kind"] == "width" else Tensor
    sizes = tuple(_expression_of(size) for size in told["sizes"])
    return kind(
        told["name"],
        latex=told["latex"],
        layers=told["layers"],
        shape=lambda *_: sizes,  # the layer numbers in them have the letters that every tensor has for its own
        between=None if told["between"] is None else tuple(_expression_of(e) for e in told["between"]),
        **dict.fromkeys(told["is"], True),
    )


def _expression(e: Any) -> Any:
    if isinstance(e, Integer):
        return int(e)
    if isinstance(e, Rational):
        return ["ratio", int(e.p), int(e.q)]
    if isinstance(e, Symbol) and not isinstance(e, sp.Dummy):
        return ["symbol", e.name, *_declared(e)]
    if isinstance(e, Indexed) and isinstance(e.base, Width):
        return ["width", _tensor(e.base), *map(_expression, e.indices)]
    if type(e).__name__ in COMPOUND and e.func is COMPOUND[type(e).__name__]:
        return [type(e).__name__, *map(_expression, e.args)]
    raise UnsayableError(f"{e} has no form as data")


def _expression_of(told: Any) -> Expr:
    if isinstance(told, int):
        return Integer(told)
    kind, first, *rest = told
    if kind == "ratio":
        return Rational(first, *rest)
    if kind == "symbol":
        return Symbol(first, **dict.fromkeys(rest, True))
    if kind == "width":
        return _tensor_of(first)[tuple(map(_expression_of, rest))]
    return COMPOUND[kind](*map(_expression_of, (first, *rest)))


def _declared(e: Symbol) -> list[str]:
    """The fewest declarations that make this letter."""
    plain = Symbol(e.name, **e.assumptions0) if definition_of(e) is not None else e
    true = [name for name in ASSUMED if e.assumptions0.get(name)]
    for count in range(len(true) + 1):
        for chosen in itertools.combinations(true, count):
            if Symbol(e.name, **dict.fromkeys(chosen, True)) == plain:
                return list(chosen)
    raise UnsayableError(f"what is assumed of {e} has no form as data")
