r"""A letter with its scripts as a quantity: an entry of a tensor, an array, a scalar, a Kronecker delta.

Longer than one sitting: what a superscript is depends on the letter, and all kinds of letters are read here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp
from sympy import Expr, Indexed, KroneckerDelta, Symbol

from hesslib.calculus.index import Diff, RangeError, Tensor, Width

from ..network import E, a, b, u, v, w
from .arrays import Array, Identity
from .grammar import Node
from .labels import in_subscript, in_superscript
from .notation import WEIGHTS, U, W
from .patterns import at
from .place import ReadingError
from .scripts import Scripts, indices, number, scripts_of, split
from .signs import STYLES
from .vocabulary import Vocabulary

MAX_POWER = 12
"""The highest power, and the highest derivative of a function."""
CONSTANTS = {r"\pi": sp.pi}


class Quantities:
    """Letters as quantities, in one text; ``bound`` are the letters of the sums around."""

    def __init__(self, vocabulary: Vocabulary, text: str) -> None:
        self.vocabulary, self.text = vocabulary, text
        self.bound: dict[str, Expr] = {}
        self.conflicts: list[str] = []  # what has no meaning, though it is clear what was written
        self.one_output = False  # whether a target without an index is a number
        self.took_one_output = False
        self.any_number = False  # whether a pre-activation without indices is any number

    def fail(self, message: str, node: Node, *readings: str) -> ReadingError:
        return ReadingError(message, self.text, node.start, node.stop, readings=readings)

    def known(self, name: str) -> bool:
        """Whether the letter has a meaning in the notation."""
        return name in self.vocabulary.symbols or name in self.vocabulary.tensors

    def number(self, signs: list[Node]) -> Expr:
        return number(signs, self.vocabulary, self.fail, self.bound)

    def letter(self, factor: Node, *, vector: bool = False) -> Any:
        """The quantity that a letter with its scripts is; in ``vector`` a missing layer is the last one."""
        name, scripts = factor.parts[0].parts[0].value, scripts_of(factor, self.fail)
        words = self.vocabulary
        tensor = words.tensors.get(name)
        if name in words.symbols and not scripts.below:  # a number and, with indices, a quantity of the same letter
            tensor = None
        if isinstance(tensor, Width) and scripts.below:
            return self._powered(factor, tensor[self.number(scripts.below)], scripts.above)
        below = indices(scripts.below, words, self.fail, self.bound)
        if name == words.slope and tensor is not None and [n.rstrip("'") for n, _ in below] == [words.pattern]:
            return self._slope(factor, scripts, below[0][1])
        if words.pattern:
            below, scripts, label = self._label(factor, name, tensor, below, scripts)
            if label is not None:
                found = self._quantity(factor, name, tensor, scripts, below, vector)
                return found.map(lambda e: at(e, label)) if isinstance(found, Array) else at(found, label)
        return self._quantity(factor, name, tensor, scripts, below, vector)

    def _label(
        self, factor: Node, name: str, tensor: Tensor | None, below: list[tuple[str, Expr]], scripts: Scripts
    ) -> tuple[list[tuple[str, Expr]], Scripts, Expr | None]:
        """The scripts without the number of the pattern, and that number."""
        words = self.vocabulary
        bold = self.text.startswith(tuple(STYLES), factor.start)
        letter, typed = words.pattern, bool(words.layer_of_letter) or bold
        error = words.symbols.get(name) == E
        if not error and (tensor is None or not tensor.pattern):
            if name not in words.kronecker and any(n.rstrip("'") == letter for n, _ in below):
                raise self.fail(f"{letter} counts patterns here, and {name} belongs to none", factor)
            return below, scripts, None
        rank = 0 if error or tensor is None else tensor.rank
        below, label, why = in_subscript(below, letter, rank, typed)
        if why:
            raise self.fail(why, factor)
        plain = typed or error or (tensor is not None and not tensor.layers)
        above, told = in_superscript(scripts.above, letter, plain)
        if told is not None:
            if label is not None:
                raise self.fail("the number of the pattern is said twice", factor)
            (_, label), *_ = indices(told, words, self.fail, self.bound)
        return below, replace(scripts, above=above), label

    def _quantity(
        self,
        factor: Node,
        name: str,
        tensor: Tensor | None,
        scripts: Scripts,
        below: list[tuple[str, Expr]],
        vector: bool,
    ) -> Any:
        """What a letter is, with its indices, layers and powers."""
        words = self.vocabulary
        if name == words.hessian and words.hessian and not self.known(name):
            return self._hessian(factor, scripts, below)
        if name == words.jacobian and words.jacobian:
            return self._input_jacobian(factor, scripts, below)
        if name in words.kronecker and len(below) == 2 and (tensor is None or tensor.rank != 2):
            return self._kronecker(factor, name, scripts, below, tensor)
        if name == "I" and name in words.kronecker and not (below or scripts.primes or self.known(name)):
            return self._transposed(factor, Identity.times(sp.S.One), scripts.above)
        if tensor is not None:
            return self._entry(factor, name, tensor, scripts, below, vector)
        if scripts.primes:
            raise self.fail(f"{name} with a prime has no meaning in this notation", factor)
        plain = words.symbols.get(name, CONSTANTS.get(name))
        if plain is None and name in self.bound:
            plain = self.bound[name]
        if plain is None and (name in words.letters or name in words.layer_of_letter) and not below:
            plain = words.index(name)
        if below and plain is not None:  # a pattern's error, E_n; any other index is none of its letters
            names = [n for n, _ in below]
            if name in words.symbols and names == ["n"] and not words.symbols[name].is_integer:
                below = []
            else:
                raise self.fail(f"{name} has no index in this notation", factor)
        if plain is None:
            raise self.fail(f"{name} is no letter of this notation", factor.parts[0])
        return self._powered(factor, plain, scripts.above)

    def _hessian(self, factor: Node, scripts: Scripts, below: list[tuple[str, Expr]]) -> Any:
        """The Hessian of the error by all weights, or an entry of it."""
        found = Array(WEIGHTS, WEIGHTS, lambda i, j: Diff(W[i], Diff(W[j], E)))
        return self._of_matrix("Hessian", found, factor, scripts, below)

    def _input_jacobian(self, factor: Node, scripts: Scripts, below: list[tuple[str, Expr]]) -> Any:
        """The derivatives of the outputs by the inputs, a row for each output, or one of them."""
        _, y = self.vocabulary.outputs
        x = self.vocabulary.tensors[self.vocabulary.input]
        found = Array(y.sizes()[0], x.sizes()[0], lambda i, j: Diff(x[j], y[i]))
        return self._of_matrix("Jacobian", found, factor, scripts, below)

    def _of_matrix(self, name: str, found: Array, factor: Node, scripts: Scripts, below: list[tuple[str, Expr]]) -> Any:
        """The matrix, transposed if that is written, or with two indices an entry."""
        if scripts.primes or len(below) not in (0, 2):
            raise self.fail(f"the {name} has two indices", factor)
        if below:
            return self._powered(factor, found.entry(below[0][1], below[1][1]), scripts.above)
        return self._transposed(factor, found, scripts.above)

    def _slope(self, factor: Node, scripts: Scripts, number: Expr) -> Array:
        """The gradient of the only output at a pattern, by all weights."""
        self.took_one_output = True
        output = at(self.vocabulary.outputs[1][1], number)
        return self._transposed(factor, Array(WEIGHTS, None, lambda i, j: Diff(W[i], output)), scripts.above)

    def _transposed(self, factor: Node, found: Array, above: list[list[Node]]) -> Array:
        for signs in above:
            if not all(sign.kind == "TOP" or sign.value == "T" for sign in signs):
                raise self.fail("this superscript has no meaning here", factor)
            found = found.T
        return found

    def _kronecker(
        self, factor: Node, name: str, scripts: Scripts, below: list[tuple[str, Expr]], tensor: Tensor | None
    ) -> Expr:
        commas = len(split(scripts.below)) > 1
        if tensor is not None and tensor.rank == 1 and not commas and scripts.above:
            raise self.fail(f"{name} with two indices and a superscript is neither an error nor a delta", factor)
        return self._powered(factor, KroneckerDelta(below[0][1], below[1][1]), scripts.above)

    def _powered(self, factor: Node, base: Expr, above: list[list[Node]]) -> Expr:
        for signs in above:
            if any(sign.kind in ("STAR", "TOP") or sign.value == "T" for sign in signs):
                raise self.fail("this superscript is no power of a number", factor)
            exponent = self.number(signs)
            if exponent.is_number and abs(exponent) > MAX_POWER:
                raise self.fail(f"a power over {MAX_POWER} is not read", factor)
            base = base**exponent
        return base

    def _entry(
        self, factor: Node, name: str, tensor: Tensor, scripts: Scripts, below: list[tuple[str, Expr]], vector: bool
    ) -> Any:
        words = self.vocabulary
        layers, powers, turned = self._above(factor, tensor, scripts)
        written = bool(layers)
        if scripts.primes:
            raise self.fail(f"{name} is no function; a prime of it has no meaning", factor)
        if name.lstrip("\\") == "delta" and len(below) == 2 and tensor.rank == 1:
            raise self.fail(
                f"{name} with two indices",
                factor,
                f"a Kronecker delta, which is written {words.kronecker[0]} here",
                "an error signal, which has one index",
            )
        if self.any_number and tensor == a and scripts.bare:
            return Symbol(name.lstrip("\\"), real=True)
        if name in words.vectors and not layers and len(below) <= 1:
            whole = words.vectors[name]
            if below:
                return self._powered(factor, whole[below[0][1]], powers)
            return self._array(factor, name, whole, [], powers, turned)
        if self.one_output and tensor in words.outputs and not below and not turned:
            self.took_one_output = True
            return self._powered(factor, tensor[1], powers)
        if self.one_output and tensor == a and words.layer_of_letter and not (layers or below or turned or vector):
            self.took_one_output = True
            return self._powered(factor, tensor[words.last, 1], powers)
        if tensor.layers and not layers:
            told = words.layer_from([n for n, _ in below])
            if told is not None:
                layers = [told]
            elif tensor == b and len(below) == 1 and not words.layer_of_letter and words.last is not None:
                return self._powered(factor, U[below[0][1]], powers)  # one of all biases
            elif vector and words.last is not None:
                layers = [words.last] * tensor.layers
            else:
                raise self.fail(f"{name} needs a layer number here", factor, *self._layer_readings(name, below))
        if words.lifted and tensor in (w, b, v, u) and written:
            layers = [layer + 1 for layer in layers]
        if len(layers) != tensor.layers:
            raise self.fail(f"{name} takes {tensor.layers} layer number(s) and was given {len(layers)}", factor)
        if words.layer_of_letter and not tensor.layers:
            for letter, _ in below:
                if not letter.isdigit() and words.layer_from([letter]) is None:
                    units = ", ".join(words.layer_of_letter)
                    raise self.fail(f"which units {letter} counts is not said; units are {units} here", factor)
        if below and len(below) != tensor.rank:
            raise self.fail(f"{name} has {tensor.rank} index(es) here and was given {len(below)}", factor)
        try:
            if not below and tensor.rank:
                return self._array(factor, name, tensor, layers, powers, turned)
            slots = [x for _, x in below]
            if (name in words.turned) != turned and len(slots) == 2:
                slots.reverse()
            return self._powered(factor, self._indexed(factor, tensor, layers, slots), powers)
        except RangeError as why:
            raise self.fail(str(why), factor) from None

    def _indexed(self, factor: Node, tensor: Tensor, layers: list[Expr], slots: list[Expr]) -> Expr:
        """The entry; that there is no such layer is noted, and counts as wrong."""
        try:
            return tensor[(*layers, *slots)]
        except RangeError as why:
            self.conflicts.append(str(self.fail(str(why), factor)))
            return Indexed(tensor, *layers, *slots)

    def _layer_readings(self, name: str, below: list[tuple[str, Expr]]) -> list[str]:
        index = "".join(n for n, _ in below)
        sup = "(l)" if self.vocabulary.layers == "bracketed" else "l"
        return [f"{name}_{{{index}}}^{{{s}}}" for s in (sup, sup.replace("l", "L"))] if below else []

    def _above(self, factor: Node, tensor: Tensor, scripts: Scripts) -> tuple[list[Expr], list[list[Node]], bool]:
        """Layer numbers, powers, and whether the letter is transposed."""
        layers: list[Expr] = []
        powers: list[list[Node]] = []
        turned = False
        for written in scripts.above:
            signs = written
            while signs and (signs[-1].kind == "TOP" or signs[-1].value == "T" or signs[-1].kind in ("SUP", "RBRACE")):
                if signs[-1].kind == "RBRACE" and not any(s.kind == "TOP" or s.value == "T" for s in signs):
                    break
                turned = turned or signs[-1].kind == "TOP" or signs[-1].value == "T"
                signs = signs[:-1]
            while turned and signs and signs[-1].kind in ("LBRACE", "SUP"):
                signs = signs[:-1]
            if not signs:
                continue
            end = _closing(signs)
            if end is not None and 0 < end < len(signs) - 1:  # (l)2 is the square in layer l, (l)+1 is nothing
                if self.vocabulary.layers == "plain" or not tensor.layers or signs[end + 1].kind in ("PLUS", "MINUS"):
                    raise self.fail("what stands behind the bracket in this superscript has no meaning", factor)
                if signs[end + 1].kind == "LROUND":
                    what = "a second bracket in this superscript could be two things"
                    raise self.fail(what, factor, "a power", "the number of a pattern")
                if not layers:
                    layers, signs, end = [self.number(part) for part in split(signs[1:end])], signs[end + 1 :], None
            bracketed = end is not None and end == len(signs) - 1
            inside = signs[1:-1] if bracketed else signs
            letters = {s.value for s in inside if s.kind == "LETTER"}
            layer = tensor.layers and not layers
            if layer and (bracketed or self.vocabulary.layers == "plain" or letters & {"l", "L", "m"}):
                layers = [self.number(part) for part in split(inside)]
            elif bracketed and not tensor.layers:
                raise self.fail("this quantity has no layer number", factor)
            elif any(s.kind in ("STAR", "COMMA") for s in signs):
                raise self.fail("this superscript has no meaning here", factor)
            else:
                powers.append(signs)
        return layers, powers, turned

    def _array(
        self, factor: Node, name: str, tensor: Tensor, layers: list[Expr], powers: list[list[Node]], turned: bool
    ) -> Array:
        if powers:
            raise self.fail(
                "a power of a vector or matrix is not read; entry by entry it is a product with \\odot", factor
            )
        sizes = tensor.sizes(*layers)
        if len(sizes) > 2:
            raise self.fail(f"{name} has {len(sizes)} indices; matrix notation has two at most", factor)
        tensor.require_between(*layers)
        if len(sizes) == 1:
            found = Array(sizes[0], None, lambda i, j: tensor[(*layers, i)])
        elif name in self.vocabulary.turned:  # the matrix has its entries where their letter has its indices
            found = Array(sizes[1], sizes[0], lambda i, j: tensor[(*layers, j, i)])
        else:
            found = Array(sizes[0], sizes[1], lambda i, j: tensor[(*layers, i, j)])
        return found.T if turned else found


def _closing(signs: list[Node]) -> int | None:
    """Where the round bracket closes with which the signs begin; None if they begin with none."""
    depth = 0
    for place, sign in enumerate(signs):
        depth += (sign.kind == "LROUND") - (sign.kind == "RROUND")
        if depth == 0:
            return place or None
    return None
