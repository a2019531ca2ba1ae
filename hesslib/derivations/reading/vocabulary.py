r"""Which letter means what: quantities with indices, scalars, functions, and how a layer number is written.

A vocabulary is all that the reader knows. It is declared, by a `Notation`, or made of the formulas whose letters are
to be read; what is not in it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from sympy import Expr, Indexed, Symbol

from hesslib.calculus.index import Diff, Elementwise, Operator, Tensor, elementwise
from hesslib.calculus.latex import tex

__all__ = ["Vocabulary"]

_ONE_SIGN = re.compile(r"[A-Za-z]|\\[A-Za-z]+")


@dataclass(frozen=True)
class Vocabulary:
    """The letters of a notation.

    ``layers`` says how a layer number is written: "bracketed", $w^{(l)}$, or "plain", $w^l$.

    >>> x = Tensor("x", shape=(3,))
    >>> Vocabulary.of(x[1]).tensors
    {'x': x}
    """

    tensors: Mapping[str, Tensor] = field(default_factory=dict)  # with indices, by their spelling
    symbols: Mapping[str, Expr] = field(default_factory=dict)  # without
    functions: Mapping[str, Any] = field(default_factory=dict)  # of one variable, entry by entry
    operators: Mapping[str, Any] = field(default_factory=dict)  # directional derivatives
    kronecker: tuple[str, ...] = ("I",)  # the letters of the Kronecker delta
    turned: frozenset[str] = frozenset()  # letters whose two indices are written in the other order
    layers: str = "bracketed"
    layer_of_letter: Mapping[str, Expr] = field(default_factory=dict)  # where an index letter tells the layer
    size_of_letter: Mapping[str, Expr] = field(default_factory=dict)  # how far a letter runs, where nothing else says
    letters: Mapping[str, Symbol] = field(default_factory=dict)  # index letters that are more than a letter
    last: Expr | None = None  # the layer of a vector that is written without one
    lifted: bool = False  # whether a weight has the number of the layer below
    in_scripts: Mapping[str, Expr] = field(default_factory=dict)  # what a letter is in scripts, if it is another there
    pattern: str = ""  # the letter that counts patterns, where a display is about them
    vectors: Mapping[str, Tensor] = field(default_factory=dict)  # all weights as one vector, and a direction
    input: str = ""  # the letter of the inputs
    jacobian: str = ""  # the matrix of the derivatives of the outputs by the inputs
    hessian: str = ""  # the matrix of the second derivatives by that vector
    slope: str = ""  # with the number of a pattern: the gradient of the only output
    parameters: frozenset[str] = frozenset()  # letters for all weights and all biases
    inputs: frozenset[str] = frozenset()  # letters for what the network is given, targets among it
    outputs: tuple[Tensor, ...] = ()  # targets and outputs, which are numbers where there is one output

    @property
    def spellings(self) -> list[str]:
        """The names that are more than one sign."""
        names = [*self.tensors, *self.symbols, *self.operators]
        return [name for name in names if not _ONE_SIGN.fullmatch(name)]

    def index(self, name: str) -> Expr:
        """The index letter of this name."""
        found = self.letters.get(name) or self.symbols.get(name)
        return found if found is not None and found.is_integer else Symbol(name, integer=True)

    def layer_from(self, names: Sequence[str]) -> Expr | None:
        """The layer that index letters tell, if they do."""
        stems = [name.rstrip("'").split("_")[0] for name in names]
        return self.layer_of_letter.get(stems[0]) if stems else None

    @classmethod
    def of(cls, *formulas: Any, **more: Any) -> Vocabulary:
        """The letters of formulas that are there already."""
        tensors: dict[str, Tensor] = {}
        symbols: dict[str, Expr] = {}
        functions: dict[str, Any] = {}
        operators: dict[str, Any] = {}
        letters: dict[str, Symbol] = {}
        for e in map(sp.sympify, formulas):
            for x in e.atoms(Indexed):
                if isinstance(x.base, Tensor):
                    tensors.setdefault(x.base.tex, x.base)
            for x in sp.preorder_traversal(e):
                if isinstance(x, Elementwise):
                    functions.setdefault(x.stem, elementwise(x.stem))
                if isinstance(x, Operator):
                    operators.setdefault(rf"\mathcal{{{x.name}}}", x)
                if isinstance(x, Diff) and isinstance(x.held, Symbol):
                    symbols.setdefault(tex(x.held), x.held)
            for s in sorted(e.free_symbols | e.atoms(Symbol), key=str):
                if isinstance(s, Symbol) and not isinstance(s, (sp.Dummy, Operator, Tensor)):
                    (letters if s.is_integer else symbols).setdefault(tex(s), s)
        symbols = {**letters, **symbols}
        given: dict[str, Any] = {"tensors": tensors, "symbols": symbols, "functions": functions, "operators": operators}
        return cls(**{**given, "letters": letters, **more})
