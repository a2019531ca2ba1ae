r"""A formula printed in the reader's own letters."""

from __future__ import annotations

import re
from typing import Any

import sympy as sp
from sympy import Expr, Indexed, KroneckerDelta

from hesslib.calculus.index import Diff, Elementwise, Operator, Tensor, Width, layers_of, slots_of
from hesslib.calculus.latex import IndexPrinter, letters, with_letters
from hesslib.calculus.macros import expand

from ..network import E, L, a, b, delta, u, v, w, z
from .network_form import C, g
from .notation import N, Notation, t, t2, x, y, y2
from .patterns import E_OF, at, is_labelled, plain_base


class NotationPrinter(IndexPrinter):
    """LaTeX of index expressions, in the letters of a notation."""

    def __init__(self, notation: Notation, *, two: bool = False) -> None:
        super().__init__()
        self.notation, self.two = notation, two
        words = notation.vocabulary(two=two)
        self.words = words
        self.names = {tensor: letter for letter, tensor in reversed(list(words.tensors.items()))}
        self.names |= {w: notation.weight, z: notation.activation, a: notation.pre_activation, delta: notation.signal}
        self.names |= {b: notation.bias, u: notation.bias_direction, v: notation.direction}
        for inputs, targets, outputs in ((x, t, y),):
            self.names |= {inputs: notation.input, targets: notation.target, outputs: notation.output}
        self.names |= {t2: notation.target, y2: notation.output}

    def _print_Indexed(self, e: Indexed, exp: Any = None) -> str:
        if not isinstance(e.base, Tensor) or isinstance(e.base, Width):
            return super()._print_Indexed(e)
        layers, slots = layers_of(e), list(slots_of(e))
        if e.base == E_OF:
            return rf"{self.notation.error}_{{{self._letters(slots)}}}"
        if is_labelled(e):
            return self._of_pattern(Indexed(plain_base(e), *layers, *slots[1:]), slots[0])  # there may be no such layer
        if e.base == C:
            return self._print(Diff(a[layers[0], slots[0]], Diff(a[layers[0], slots[1]], E)))
        if e.base == g:
            return self._print(Diff(z[layers[0], slots[0]], E))
        if self.two and e.base == z and layers == (0,):
            return rf"{self.notation.input}_{{{self._letters(slots)}}}"
        name = str(self.names.get(e.base, e.base.tex))
        if name in self.words.turned and len(slots) == 2:
            slots.reverse()
        below = rf"_{{{self._letters(slots)}}}" if slots else ""
        if not layers or self._told(e):
            return name + below
        if self.notation.weight_layer == "from" and e.base in (w, b, u, v):
            layers = tuple(sp.expand(k - 1) for k in layers)
        numbers = ",".join(self._print(k).replace(" ", "") for k in layers)
        return (
            rf"{name}{below}^{{({numbers})}}"
            if self.notation.layers == "bracketed"
            else rf"{name}{below}^{{{numbers}}}"
        )

    def _of_pattern(self, e: Indexed, number: Expr) -> str:
        """A quantity of a certain pattern, whose number is its first index."""
        layers, slots = layers_of(e), slots_of(e)
        if e.base == C:
            one, other = (at(a[layers[0], slot], number) for slot in slots)
            return self._print(Diff(one, Diff(other, E_OF[number])))
        if e.base == g:
            return self._print(Diff(at(z[layers[0], slots[0]], number), E_OF[number]))
        printed = self._print(e)
        return printed.replace("_{", rf"_{{{self._letters([number])}", 1)

    def _told(self, e: Indexed) -> bool:
        """Whether the first index letter says the layer."""
        name = getattr(slots_of(e)[0], "name", "").rstrip("'") if slots_of(e) else ""
        told = self.words.layer_of_letter.get(name)
        return told is not None and len(layers_of(e)) == 1 and sp.expand(told - layers_of(e)[0]) == 0

    def _print_Elementwise(self, e: Elementwise, exp: Any = None) -> str:
        printed = super()._print_Elementwise(e, exp)
        return (
            self.notation.function
            + (" " if self.notation.function[-1].isalpha() and printed[1:2].isalpha() else "")
            + (printed[len(e.stem) :])
        )

    def _print_Symbol(self, e: Any, style: str = "plain") -> str:
        if e == N:
            return self.notation.patterns
        if e == L:
            return self.notation.depth
        return self.notation.error if e == E else super()._print_Symbol(e, style)

    def _print_KroneckerDelta(self, e: KroneckerDelta, exp: Any = None) -> str:
        inside = self._letters(sorted(e.args, key=lambda p: (len(str(p)), str(p))))
        return rf"{self.notation.kronecker or 'I'}_{{{inside}}}"

    def _print_Operator(self, e: Operator) -> str:
        return rf"\mathcal{{{e.name}}}"


def written(e: Expr, notation: Notation, *, two: bool = False) -> str:
    """The formula in the letters of the notation, without macros of this book."""
    (e,) = with_letters(sp.sympify(e))
    printed = expand(NotationPrinter(notation, two=two).doprint(letters(e)))
    return re.sub(r"\s+", " ", printed)
