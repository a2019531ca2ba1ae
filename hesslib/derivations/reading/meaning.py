r"""A tree as a formula of the calculus: sums get sizes, derivatives names, juxtaposed factors a product.

Longer than one sitting: one reader, whose cases call each other. What could be two things is refused with both.
"""

from __future__ import annotations

import functools
from typing import Any

import sympy as sp
from sympy import Dummy, Expr, Indexed, KroneckerDelta, Sum, Symbol

from hesslib.calculus.index import Diff, RangeError, Tensor, slots_of
from hesslib.calculus.indicators import Holds
from hesslib.calculus.latex import tex

from ..network import E
from .arrays import Array, diag, fits, sums, times, together, trace
from .conditions import indicator
from .dots import with_dots
from .grammar import Node
from .notation import WEIGHTS, W
from .patterns import at, labels
from .quantities import MAX_POWER, Quantities
from .scripts import Scripts, leaves, scripts_of, split
from .vocabulary import Vocabulary

NAMES = {
    "ln": sp.log, "log": sp.log, "exp": sp.exp, "sin": sp.sin, "cos": sp.cos, "tan": sp.tan, "tanh": sp.tanh,
    "sinh": sp.sinh, "cosh": sp.cosh,
}  # fmt: skip

OF_ARRAYS = {"diag": diag, "tr": trace, "Tr": trace, "trace": trace}

STARS = ("*", r"\ast")


def read(tree: Node, vocabulary: Vocabulary, text: str, /) -> Any:
    """The meaning of one side: a scalar of the calculus, or an `Array`.

    Errors: `ReadingError` for what has no meaning, or several.
    """
    return Meaning(vocabulary, text).expression(tree)


class Meaning(Quantities):
    """The reader of one side; ``conflicts`` are letters that would run over two ranges."""

    def __init__(self, vocabulary: Vocabulary, text: str) -> None:
        super().__init__(vocabulary, text)
        self.refitted: list[str] = []  # the slips that were mended for a product to fit
        self.layout = "numerator"  # or denominator, or rows: where the entries of a derivative by a vector stand
        self.took_layout = False

    # ------------------------------------------------------------------------------------------- sums of terms
    def expression(self, node: Node) -> Any:
        if any(_is_dots(part) for part in node):
            return with_dots(self, node)
        total: Any = None
        sign = 1
        for part in node:
            if part.kind == "sign":
                sign = -1 if part.parts[0].kind == "MINUS" else 1
                continue
            value = self.term(list(part.parts), part)
            value = times(sp.Integer(sign), value) if sign < 0 else value
            total = value if total is None else self._try(node, together, total, value, lambda x, y: x + y, "a sum")
            sign = 1
        return total

    def _try(self, node: Node, f: Any, *args: Any) -> Any:
        try:
            return f(*args)
        except RangeError as why:
            raise self.fail(str(why), node) from None

    # ------------------------------------------------------------------------------------------------- products
    def term(self, pieces: list[Node], node: Node) -> Any:
        """A row of factors; entrywise products bind less than products side by side."""
        values: list[Any] = [None]  # the parts between entrywise products
        joined: list[Node] = []  # the signs between them
        place, slash = 0, False
        while place < len(pieces):
            piece = pieces[place].parts[0]
            if piece.kind == "operation":
                kind = piece.parts[0].kind
                if place == 0 or place == len(pieces) - 1 or pieces[place - 1].parts[0].kind == "operation":
                    raise self.fail(f"{piece.parts[0].value} needs a factor on both sides", piece)
                if kind == "OUTER":
                    raise self.fail("an outer or Kronecker product is not read; write x y^T", piece)
                if kind == "HAD" or piece.parts[0].value in STARS:
                    values.append(None)
                    joined.append(piece)
                slash = kind == "SLASH"
                place += 1
                continue
            value, place = self.factor(pieces, place)
            if slash:
                self._require_clear_slash(pieces, place, values[-1], value)
                value, slash = 1 / value, False
            before = values[-1]
            values[-1] = value if before is None else self._product(node, before, value, self._said(pieces[place - 1]))
        total = values[0]
        for value, sign in zip(values[1:], joined, strict=True):
            total = self._entrywise(node, total, value, sign)
        return total

    def _entrywise(self, node: Node, x: Any, y: Any, sign: Node) -> Any:
        """The product entry by entry, or with a star, which is a product of numbers or matrices as well.

        Of two columns of different sizes there is none: the outer product may be meant, and it counts as wrong.
        """
        arrays = isinstance(x, Array) and isinstance(y, Array)
        if sign.parts[0].value in STARS and not (arrays and x.shape == y.shape and not fits(x, y)):
            return self._try(node, times, x, y)
        try:
            return together(x, y, lambda x, y: x * y, "an entrywise product")
        except RangeError as why:
            if not arrays or x.columns is not None or y.columns is not None:
                raise self.fail(str(why), node) from None
            self.conflicts.append(str(self.fail(str(why), node)))
            self.refitted.append(f"outer product lost: x y^T where x {sign.parts[0].value} y is written")
            return times(x, y.T)

    def _product(self, node: Node, x: Any, y: Any, said: str) -> Any:
        """The product; where it fits only if one slip is mended, that is noted, and it counts as wrong."""
        try:
            return times(x, y)
        except RangeError as why:
            if x.columns is None and x.rows == y.rows and y.columns is not None:  # each row of y has its factor
                self.conflicts.append(str(self.fail(str(why), node)))
                self.refitted.append(rf"entrywise product lost: \odot before {said}")
                return Array(y.rows, y.columns, lambda i, j: x.entry(i, None) * y.entry(i, j))
            fitting = [(a, b) for a, b in ((x.T, y), (x, y.T)) if fits(a, b)]
            if len(fitting) != 1:
                column = x.shape == y.shape and x.columns is None
                readings = (r"x \odot y, entry by entry", "x^T y, a number", "x y^T, a matrix") if column else ()
                raise self.fail(str(why), node, *readings) from None
            self.conflicts.append(str(self.fail(str(why), node)))
            self.refitted.append(f"transpose lost: of {'the factor before ' if fitting[0][1] is y else ''}{said}")
            return times(*fitting[0])

    def _require_clear_slash(self, pieces: list[Node], place: int, above: Any, below: Any) -> None:
        if isinstance(below, Array):
            raise self.fail("there is no division by an array", pieces[place - 1])
        numbers = isinstance(above, Expr) and above.is_number and below.is_number
        if place < len(pieces) and pieces[place].parts[0].kind != "operation" and not numbers:
            over, rest = self._said(pieces[place - 1]), self._said(pieces[place])
            raise self.fail(
                "how far the denominator reaches is not clear",
                pieces[place - 1],
                rf"\frac{{...}}{{{over}}} {rest}",
                rf"\frac{{...}}{{{over} {rest}}}",
            )

    def _said(self, node: Node) -> str:
        return self.text[node.start : node.stop]

    def factor(self, pieces: list[Node], place: int) -> tuple[Any, int]:
        """The value of the factor at ``place``, with whatever it acts on, and where the row goes on."""
        factor = pieces[place].parts[0]
        atom = factor.parts[0]
        kind = atom.kind if atom.kind != "atom" else atom.parts[0].kind
        name = atom.parts[0].value if atom.parts else ""
        rest, node = pieces[place + 1 :], pieces[place]
        if kind == "SUM":
            return self.sum(factor, rest), len(pieces)
        if kind == "PROD":
            raise self.fail("a product over an index is not read", factor)
        if kind == "fraction":
            return self.fraction(factor, rest, len(pieces), place)
        if kind == "NABLA":
            value, used = self.gradient(factor, rest)
            return value, place + 1 + used
        if kind == "PARTIAL":
            raise self.fail(r"a derivative is written as a fraction, \frac{\partial E}{\partial w}", factor)
        if kind == "NAME":
            value, used = self.named_function(name, factor, rest)
            return value, place + 1 + used
        if kind == "LETTER" and rest and (argument := self._brackets(rest[0])) is not None:
            if name in self.vocabulary.operators or (name == "R" and r"\mathcal{R}" in self.vocabulary.operators):
                op = self.vocabulary.operators.get(name) or self.vocabulary.operators[r"\mathcal{R}"]
                if not scripts_of(factor, self.fail).bare:
                    raise self.fail(f"{name} has no index and no power of its own", factor)
                value = self._each(self.expression(argument), lambda x: Diff(op, x))
                return self.powered(rest[0].parts[0], value), place + 2
            if name in self.vocabulary.functions:
                value = self.function(name, factor, self.expression(argument))
                return self.powered(rest[0].parts[0], value), place + 2
            if not self._stands_for_itself(name, rest[0]):
                self._require_product(name, factor, argument, rest[0])
        if kind == "LETTER" and rest and self._stands_for_itself(name, rest[0]):
            return self._at_arguments(factor, rest[0]), place + 2
        if kind == "LETTER" and name in self.vocabulary.functions and name not in self.vocabulary.tensors:
            raise self.fail(f"{name} is a function; its argument stands in brackets", factor, f"{name}(a)")
        if kind == "LETTER" and name == "e" and not self.known("e") and [p.kind for p in factor.parts[1:]] == ["above"]:
            return sp.exp(self.script_expression(factor.parts[1])), place + 1
        return self.single(kind, factor, node), place + 1

    def single(self, kind: str, factor: Node, node: Node) -> Any:
        """A factor that acts on nothing that follows."""
        atom = factor.parts[0]
        if kind == "LETTER":
            return self.letter(factor)
        if kind == "NUMBER":
            if len(atom.parts[0].value) > 30:
                raise self.fail("a number with more than 30 digits is not read", atom)
            value: Any = sp.Rational(atom.parts[0].value)
        elif kind == "root":
            value = sp.sqrt(self._scalar(self.slot(atom.parts[1]), atom))
        elif kind in ("round", "square", "curly", "group"):
            inside = [part for part in atom if part.kind == "expression"]
            if len(inside) > 1:
                raise self.fail("a comma has no meaning between these brackets", atom)
            if kind == "group" and (bare := self._bare(inside[0])) is not None:
                return self.letter(Node("factor", "", [*bare.parts, *factor.parts[1:]], factor.start, factor.stop))
            value = self.expression(inside[0])
        elif kind == "indicator":
            value = indicator(self, atom)
        elif kind == "norm":
            return self.norm(factor)
        elif kind == "nothing":
            raise self.fail("nothing stands between these braces", atom)
        else:
            raise self.fail(f"{atom.value or kind} cannot stand alone", node)
        return self.powered(factor, value)

    def norm(self, factor: Node) -> Expr:
        """The square of a norm, the sum of the squares of all entries; of a number it is its square."""
        atom = factor.parts[0]
        scripts = scripts_of(factor, self.fail)
        squared = [[sign.value for sign in signs] for signs in scripts.above] == [["2"]]
        euclidean = [sign.value for sign in scripts.below] in ([], ["2"], ["F"])
        if not squared or not euclidean or scripts.primes:
            raise self.fail("of norms and absolute values only the square is read", factor)
        (inside,) = [part for part in atom if part.kind == "expression"]
        value = self.expression(inside)
        if not isinstance(value, Array):
            return value**2
        squares = value.map(lambda e: e**2)
        return sums(squares)

    def _bare(self, node: Node) -> Node | None:
        """The letter in braces that stand only around it, as in ``{w}^{(l)}``."""
        if len(node.parts) == 1 and len(node.parts[0].parts) == 1:
            factor = node.parts[0].parts[0].parts[0]
            if factor.kind == "factor" and factor.parts[0].kind == "atom" and factor.parts[0].parts[0].kind == "LETTER":
                return factor
        return None

    def powered(self, factor: Node, value: Any) -> Any:
        """A bracket or a number with its scripts: a power, a transpose, an entry of a matrix."""
        scripts = scripts_of(factor, self.fail)
        if scripts.primes:
            raise self.fail("a prime of this has no meaning", factor)
        for signs in scripts.above:
            if all(sign.kind == "TOP" or sign.value == "T" for sign in signs) and isinstance(value, Array):
                value = value.T
                continue
            if isinstance(value, Array):
                raise self.fail("a power of an array is not read", factor)
            value = self._powered(factor, value, [signs])
        if scripts.below:
            from .scripts import indices

            found = [x for _, x in indices(scripts.below, self.vocabulary, self.fail, self.bound)]
            if not isinstance(value, Array) or len(found) != (2 if value.columns is not None else 1):
                raise self.fail("these brackets hold nothing that takes such indices", factor)
            value = value.entry(found[0], found[1] if len(found) > 1 else None)
        return value

    def _brackets(self, piece: Node) -> Node | None:
        """The expression in the brackets that a piece is, if it is one expression in brackets."""
        factor = piece.parts[0]
        if factor.kind != "factor" or factor.parts[0].kind not in ("round", "square", "curly"):
            return None
        inside = [part for part in factor.parts[0] if part.kind == "expression"]
        return inside[0] if len(inside) == 1 else None

    def _require_product(self, name: str, factor: Node, argument: Node, piece: Node) -> None:
        """A letter before brackets is a product only where an argument of it would make no sense."""
        bare = self._bare(argument)
        alone = bare is not None and len(bare.parts) == 1 and len(piece.parts[0].parts) == 1
        scalar = name in self.vocabulary.symbols and len(argument.parts) == 1 and len(piece.parts[0].parts) == 1
        if piece.parts[0].parts[0].kind == "round" and (alone or scalar):
            told = self._said(factor), self._said(piece)
            raise self.fail(
                f"{told[0]} before brackets could be two things",
                piece,
                f"{told[0]} as a function of what stands in the brackets",
                rf"the product {told[0]} \cdot {told[1]}",
            )

    def _stands_for_itself(self, name: str, piece: Node) -> bool:
        r"""Whether brackets behind a quantity of a network name what it depends on, as in $E(\mathbf w)$.

        They do if all weights, which are no factor of anything, stand among what is in them.
        """
        words = self.vocabulary
        tensor = words.tensors.get(name)
        if not (words.symbols.get(name) == E or (tensor is not None and tensor.pattern)):
            return False
        factor = piece.parts[0]
        if factor.kind != "factor" or factor.parts[0].kind != "round" or len(factor.parts) > 1:
            return False
        arguments = [self._bare(part) for part in factor.parts[0] if part.kind == "expression"]
        letters = [argument.parts[0].parts[0].value if argument is not None else "" for argument in arguments]
        plain = [argument is not None and len(argument.parts) == 1 for argument in arguments]
        weights = [letter in words.parameters and bare for letter, bare in zip(letters, plain, strict=True)]
        inputs = [letter in words.inputs or letter == words.pattern for letter in letters]
        if letters == [words.pattern] and all(plain) and words.pattern in words.inputs:  # no vector is multiplied by it
            return True
        return any(weights) and all(one or other for one, other in zip(weights, inputs, strict=True))

    def _at_arguments(self, factor: Node, piece: Node) -> Any:
        """The quantity, at the pattern of the input that stands in the brackets behind it."""
        value = self.letter(factor)
        for part in piece.parts[0].parts[0]:
            argument = self._bare(part) if part.kind == "expression" else None
            if argument is None or argument.parts[0].parts[0].value in self.vocabulary.parameters:
                continue
            name = argument.parts[0].parts[0].value
            if name == self.vocabulary.pattern and len(argument.parts) == 1:
                numbers = {self.bound.get(name, self.vocabulary.index(name))}
            else:
                numbers = labels(_some(self.letter(argument)))
            for number in numbers:
                value = self._each(value, lambda e, number=number: at(e, number))
        return value

    def _scalar(self, value: Any, node: Node) -> Expr:
        if isinstance(value, Array):
            raise self.fail("a number is wanted here; this is an array", node)
        return value

    def _each(self, value: Any, f: Any) -> Any:
        return value.map(f) if isinstance(value, Array) else f(value)

    # ------------------------------------------------------------------------------------------------ functions
    def function(self, name: str, factor: Node, argument: Any) -> Any:
        """An elementwise function, with its primes, of its argument."""
        scripts = scripts_of(factor, self.fail)
        f = self.vocabulary.functions[name]
        order, powers = scripts.primes, []
        for signs in scripts.above:
            if signs and signs[0].kind == "LROUND":
                told = self.number(signs)
                if not (told.is_Integer and 0 <= told <= MAX_POWER):
                    raise self.fail(f"a derivative of order {told} is not read", factor)
                order += int(told)
            elif signs and all(s.kind == "PRIME" for s in signs):
                order += len(signs)
            elif signs:
                powers.append(signs)
        if order > MAX_POWER:
            raise self.fail(f"a derivative of order {order} is not read", factor)
        self._require_no_inverse(name, factor, powers)
        if scripts.below:
            raise self.fail(f"{name} has no index: one function serves all units", factor)

        def of(x: Expr) -> Expr:
            u = Dummy("u")
            return _slope(f, order, u).xreplace({u: x}) if order else f(x)

        return self._each(self._each(argument, of), lambda x: self._powered(factor, x, powers))

    def _require_no_inverse(self, name: str, factor: Node, powers: list[list[Node]]) -> None:
        """Refuse a negative power of a function's name, which means its inverse as often."""
        if any(sign.kind == "MINUS" for signs in powers for sign in signs):
            raise self.fail(
                f"a negative superscript of {name} could be two things", factor, f"the inverse of {name}", "one over it"
            )

    def named_function(self, name: str, factor: Node, rest: list[Node]) -> tuple[Any, int]:
        """A function with a name, of the bracket or the one factor that follows, and how many pieces that has."""
        if not rest or rest[0].parts[0].kind == "operation":
            raise self.fail(f"{name} needs an argument", factor)
        scripts = scripts_of(factor, self.fail)
        if scripts.below or (scripts.primes and name not in NAMES) or scripts.primes > MAX_POWER:
            raise self.fail(f"an index or a prime of {name} is not read", factor)
        self._require_no_inverse(name, factor, scripts.above)
        inside = self._brackets(rest[0])
        value, used = (self.expression(inside), 1) if inside is not None else self.factor(rest, 0)
        if inside is None and len(rest) > used and rest[used].parts[0].kind == "factor":
            first, second = self._said(rest[0]), self._said(rest[used])
            raise self.fail(
                f"how far {name} reaches is not clear",
                factor,
                rf"\{name}({first}) {second}",
                rf"\{name}({first} {second})",
            )
        if name in OF_ARRAYS:
            if not isinstance(value, Array):
                raise self.fail(f"{name} takes an array", factor)
            return self._try(factor, OF_ARRAYS[name], value), used
        if name not in NAMES:
            raise self.fail(f"{name} is not read", factor)
        u = Dummy("u")
        of_u = sp.diff(NAMES[name](u), u, scripts.primes)
        value = self._each(value, lambda x: of_u.xreplace({u: x}))
        for script in scripts.above:
            value = self._each(value, lambda x, script=script: self._powered(factor, x, [script]))
        return (self.powered(rest[0].parts[0], value) if inside is not None else value), used

    def script_expression(self, script: Node) -> Expr:
        """A superscript that is a formula of its own, the exponent of e."""
        from .grammar import parse
        from .scanner import scan

        signs = list(leaves(script.parts[1]))
        start, stop = signs[0].start, signs[-1].stop
        if signs[0].kind == "LBRACE":
            start, stop = signs[0].stop, signs[-1].start
        tokens = scan(" " * start + self.text[start:stop], names=self.vocabulary.spellings)
        return self._scalar(self.expression(parse(tokens, self.text)), script)

    # ----------------------------------------------------------------------------------------------------- sums
    def sum(self, factor: Node, rest: list[Node]) -> Any:
        r"""$\sum_k$ or $\sum_{k=1}^n$ of all that follows in its term."""
        scripts = scripts_of(factor, self.fail)
        if not rest or scripts.primes:
            raise self.fail("a sum of nothing", factor)
        if not scripts.below:
            raise self.fail("a sum needs its index, \\sum_k", factor)
        letters, given, from_zero = self._limits(factor, scripts.below, scripts.above)
        saved = dict(self.bound)
        letters_new = [(name, Dummy(name.rstrip("'"), integer=True)) for name in letters]
        self.bound.update(dict(letters_new))
        body = self.term(rest, factor)
        self.bound = saved
        self._require_known(factor, given)
        for name, k in letters_new:
            if from_zero and not _is_index_alone(_some(body), k):
                raise self.fail(f"sums start at 1; this one starts at 0, and {name} is more than an index", factor)
            if self.vocabulary.pattern and name.rstrip("'") == self.vocabulary.pattern:
                body = self._each(body, lambda e, k=k: self._of_pattern(e, k))
        for name, k in reversed(letters_new):
            body = self._each(body, lambda e, k=k, name=name: self._summed(e, k, given, name, factor))
        return body

    @staticmethod
    def _of_pattern(e: Expr, number: Expr) -> Expr:
        r"""What is summed, of that pattern: $\sum_n\delta_jz_i$ says so where nothing in it has a number of its own."""
        return at(e, number) if not labels(e) and not e.has(E) else e

    def _limits(self, factor: Node, below: list[Node], above: list[list[Node]]) -> tuple[list[str], Expr | None, bool]:
        """The letters of a sum, how far they run, and whether they are counted from 0."""
        below = [sign for sign in below if sign.value != r"\forall"]
        parts = split(below, "EQUALS")
        if len(parts) == 1 and any(s.kind in ("LESS", "IN") for s in below):
            cut = next(p for p, s in enumerate(below) if s.kind in ("LESS", "IN"))
            if below[cut].kind == "IN" or below[cut].value not in (r"\le", r"\leq"):
                raise self.fail(r"a sum with a condition is read only as \sum_{k \le n}", factor)
            return self._names(factor, below[:cut]), self.number(below[cut + 1 :]), False
        names = self._names(factor, parts[0])
        given = self.number(above[0]) if above and above[0] else None
        from_zero = False
        if len(parts) > 1:
            low = self.number(parts[1])
            if low == 0 and given is not None and given.as_coeff_Add()[0] == -1:
                low, given, from_zero = low + 1, given + 1, True  # from 0 to n - 1 are all n of them
            if low != 1:
                raise self.fail(f"sums start at 1; this one starts at {low}", factor)
        if given is not None and len(names) > 1:
            raise self.fail("one upper limit for several letters", factor)
        return names, given, from_zero

    def _require_known(self, factor: Node, end: Expr | None) -> None:
        """Refuse a sum up to a letter that neither the notation nor a sum around explains."""
        known = {*self.vocabulary.symbols.values(), *self.vocabulary.letters.values(), *self.bound.values()}
        for letter in sorted(end.free_symbols if end is not None else (), key=str):
            if isinstance(letter, Symbol) and letter not in known:
                raise self.fail(f"how large {letter} is is not said in this notation", factor)

    def _names(self, factor: Node, signs: list[Node]) -> list[str]:
        from .scripts import indices

        return [name for name, _ in indices(signs, self.vocabulary, self.fail, {})]

    def _summed(self, e: Expr, k: Any, size: Expr | None, name: str, factor: Node) -> Expr:
        if size is None:
            sizes = _sizes(e, k)
            if len(sizes) > 1:
                told = " and ".join(sorted(tex(s) for s in sizes))
                self.conflicts.append(str(self.fail(f"{name} would run over two ranges, {told}", factor)))
            size = next(iter(sorted(sizes, key=str)), None)
        if size is None:
            stem = name.rstrip("'").split("_")[0]
            size = self.vocabulary.size_of_letter.get(stem)
        if size is None:
            raise self.fail(f"how far {name} runs is not said, and it stands at nothing whose size is known", factor)
        return Sum(e, (k, 1, size))

    # ---------------------------------------------------------------------------------------------- derivatives
    def slot(self, node: Node) -> Any:
        """An argument of a fraction or a root."""
        inside = [part for part in node if part.kind == "expression"]
        if inside:
            return self.expression(inside[0])
        leaf = node.parts[0]
        atom = Node("atom", "", [leaf], leaf.start, leaf.stop)
        if leaf.kind == "NUMBER":
            if len(leaf.value) > 1:
                raise self.fail("which digits belong to the fraction is not clear", leaf)
            return sp.Integer(leaf.value)
        return self.letter(Node("factor", "", [atom], leaf.start, leaf.stop))

    def fraction(self, factor: Node, rest: list[Node], count: int, place: int) -> tuple[Any, int]:
        """A quotient, a named derivative, or a derivative of all that follows in its term."""
        atom = factor.parts[0]
        if self._is_derivative(atom):
            order, operand = self._above_line(atom.parts[1])
            by = self._below_line(atom.parts[2])
            if len(by) != order:
                raise self.fail(f"a derivative of order {order} by {len(by)} variable(s)", atom)
            if operand is None:
                if not rest or (rest[0].parts[0].kind == "operation" and len(rest) < 2):
                    raise self.fail("a derivative of nothing", atom)
                if rest[0].parts[0].kind == "operation":
                    rest = rest[1:]
                return self._derived(self.term(rest, factor), by, factor), count
            return self.powered(factor, self._derived(operand, by, factor)), place + 1
        above, below = self.slot(atom.parts[1]), self.slot(atom.parts[2])
        if isinstance(below, Array):
            raise self.fail("there is no division by an array", atom)
        if below == 0:
            raise self.fail("a division by zero", atom)
        return self.powered(factor, times(1 / below, above)), place + 1

    def _is_derivative(self, atom: Node) -> bool:
        first = [next(_leaves_of(part), None) for part in (atom.parts[1], atom.parts[2])]
        if all(leaf is not None and leaf.kind == "PARTIAL" for leaf in first):
            return True
        if any(leaf is not None and leaf.kind == "PARTIAL" for leaf in first):
            raise self.fail("one side of this fraction has a \\partial, the other has none", atom)
        return all(leaf is not None and leaf.value in ("d", "\\mathrm{d}") for leaf in first) and not (
            "d" in self.vocabulary.symbols or "d" in self.vocabulary.tensors
        )

    def _above_line(self, slot: Node) -> tuple[int, Any]:
        expression = next((part for part in slot if part.kind == "expression"), None)
        if expression is None:
            return 1, None
        if len(expression.parts) != 1:
            raise self.fail("a derivative of a sum needs brackets", slot)
        pieces = list(expression.parts[0].parts)
        order = self._order(pieces[0])
        return order, self.term(pieces[1:], slot) if len(pieces) > 1 else None

    def _order(self, piece: Node) -> int:
        scripts = scripts_of(piece.parts[0], self.fail)
        if scripts.below or scripts.primes or len(scripts.above) > 1:
            raise self.fail("above the line stands \\partial, with the order of the derivative", piece)
        order = self.number(scripts.above[0]) if scripts.above else sp.Integer(1)
        if not order.is_Integer or not 1 <= order <= 4:
            raise self.fail(f"a derivative of order {order} is not read", piece)
        return int(order)

    def _below_line(self, slot: Node) -> list[Any]:
        expression = next((part for part in slot if part.kind == "expression"), None)
        if expression is None or len(expression.parts) != 1:
            raise self.fail("below the line stands \\partial and a variable", slot)
        by: list[Any] = []
        pieces = list(expression.parts[0].parts)
        while pieces:
            head, *pieces = pieces
            leaf = next(_leaves_of(head), None)
            if (
                leaf is None
                or leaf.kind not in ("PARTIAL", "LETTER")
                or not pieces
                or (leaf.kind == "LETTER" and leaf.value != "d")
                or not scripts_of(head.parts[0], self.fail).bare
            ):
                raise self.fail("below the line stands \\partial and a variable", head)
            variable, *pieces = pieces
            value = self.single(_kind(variable.parts[0]), variable.parts[0], variable)
            power = 1
            if isinstance(value, sp.Pow) and value.exp.is_Integer:
                value, power = value.base, int(value.exp)
            by += [value] * power
        return by

    def _derived(self, operand: Any, by: list[Any], factor: Node) -> Any:
        for variable in reversed(by):
            if isinstance(operand, Array) and isinstance(variable, Array):
                operand = self._jacobian(operand, variable, factor)
            elif isinstance(variable, Array):
                operand = variable.map(functools.partial(_by_entry, operand))
                if self.layout == "rows" and variable.columns is None and len(by) == 1:
                    operand = operand.T
            else:
                if not isinstance(variable, (Indexed, Symbol)):
                    raise self.fail("one differentiates by a variable", factor)
                operand = self._each(operand, lambda e, x=variable: Diff(x, e))
        return operand

    def _jacobian(self, operand: Array, variable: Array, factor: Node) -> Array:
        r"""The derivatives of a vector by a vector; a transpose, $\partial x^T$, says which has the rows."""
        columns = [x.rows is not None and x.columns is None for x in (operand, variable)]
        rows = [x.rows is None and x.columns is not None for x in (operand, variable)]
        if columns[0] and rows[1]:
            return Array(
                operand.rows, variable.columns, lambda i, j: Diff(variable.entry(None, j), operand.entry(i, None))
            )
        if rows[0] and columns[1]:
            return Array(
                variable.rows, operand.columns, lambda i, j: Diff(variable.entry(i, None), operand.entry(None, j))
            )
        if not all(columns):
            raise self.fail("a derivative of an array by an array is written with indices", factor)
        self.took_layout = True
        found = Array(operand.rows, variable.rows, lambda i, j: Diff(variable.entry(j, None), operand.entry(i, None)))
        return found.T if self.layout == "denominator" else found

    def gradient(self, factor: Node, rest: list[Node]) -> tuple[Any, int]:
        r"""$\nabla_xE$, the array of derivatives by the entries of x, and how many of the factors that follow it is of.

        Without x the derivatives are by all weights; of a vector they are a matrix, $\nabla\nabla E$ the Hessian. It is
        of the next factor, and of the numbers before that: $\nabla\frac12\lVert w\rVert^2$.
        """
        scripts = scripts_of(factor, self.fail)
        if [[sign.value for sign in signs] for signs in scripts.above] == [["2"]]:
            raise self.fail(
                "a square of the gradient could be two things",
                factor,
                r"\nabla\nabla, the matrix of second derivatives",
                r"their trace, the Laplacian",
            )
        if not rest or scripts.above or scripts.primes or rest[0].parts[0].kind != "factor":
            raise self.fail("the gradient of what?", factor)
        bare = self._without_transpose(rest[0]) if self.one_output else None
        operand, used = self.factor([bare, *rest[1:]] if bare is not None else rest, 0)
        operand, used = self._reached(operand, rest, used)
        found = self._gradient_of(operand, factor, scripts)
        return (found.T if bare is not None and isinstance(found, Array) else found), used

    def _reached(self, operand: Any, rest: list[Node], used: int) -> tuple[Any, int]:
        r"""What a gradient is of: the factors up to the first that is no number, and an inner product whole.

        $\nabla_aE\,z^T$ is the gradient of E times a row, since of a product with entries there would be none; of two
        numbers side by side it can't be told, and that is refused.
        """
        while used < len(rest):
            times_sign = rest[used].parts[0].kind == "operation"
            if times_sign and (used + 1 == len(rest) or rest[used].parts[0].parts[0].kind != "TIMES"):
                break
            first = next(_leaves_of(rest[used + times_sign]), None)
            if rest[used + times_sign].parts[0].kind != "factor" or (first is not None and first.kind == "NABLA"):
                break
            value, after = self.factor(rest, used + times_sign)
            if isinstance(operand, Array):
                if operand.rows is not None or not isinstance(value, Array) or not fits(operand, value):
                    break
            elif _varies(operand):
                if not isinstance(value, Array) and _varies(value):
                    one, other = (self._said(rest[place]) for place in (used - 1, used + times_sign))
                    what = "how far the gradient reaches is not clear"
                    raise self.fail(what, rest[used - 1], rf"\nabla({one} {other})", rf"(\nabla {one}) {other}")
                break
            operand, used = times(operand, value), after
        return operand, used

    def _without_transpose(self, piece: Node) -> Node | None:
        r"""The letter without its transpose, where that is one of a number: $\nabla y_n^T$ is $(\nabla y_n)^T$."""
        factor = piece.parts[0]
        if factor.parts[0].kind != "atom" or factor.parts[0].parts[0].kind != "LETTER":
            return None
        above = [script for script in factor.parts[1:] if script.kind == "above"]
        signs = {id(script): list(_leaves_of(script.parts[1])) for script in above}
        turned = [s for s in above if [x.kind == "TOP" or x.value == "T" for x in signs[id(s)]] == [True]]
        if not turned:
            return None
        rest = [part for part in factor.parts if all(part is not s for s in turned)]
        return Node(piece.kind, "", [Node("factor", "", rest, factor.start, factor.stop)], piece.start, piece.stop)

    def _gradient_of(self, operand: Any, factor: Node, scripts: Scripts) -> Any:
        if not scripts.below:
            if not self.vocabulary.vectors:
                raise self.fail(r"the gradient by which variable? \nabla_w E says it", factor)
            variable = Array(WEIGHTS, None, lambda i, j: W[i])
        else:
            from .grammar import parse
            from .scanner import scan

            start, stop = scripts.below[0].start, scripts.below[-1].stop
            tokens = scan(" " * start + self.text[start:stop], names=self.vocabulary.spellings)
            tree = parse(tokens, self.text)
            variable = self.letter(tree.parts[0].parts[0].parts[0], vector=True)
        if isinstance(operand, Array) and operand.columns is None and isinstance(variable, Array):
            column, by = operand, variable
            return Array(by.rows, column.rows, lambda i, j: Diff(by.entry(i, None), column.entry(j, None)))
        found = self._derived(operand, [variable], factor)
        return found.T if self.layout == "rows" and isinstance(found, Array) and found.rows is None else found


def _some(value: Any) -> Expr:
    """A number as it is, of an array any entry."""
    i, j = (Dummy(s, integer=True) for s in "ij")
    return value.entry(i, j) if isinstance(value, Array) else value


def _is_index_alone(e: Expr, k: Any) -> bool:
    """Whether a letter counts entries and does nothing else, so that it does not matter from where it counts."""

    def placed(x: Any) -> bool:
        return (isinstance(x, Indexed) and k in slots_of(x)) or (isinstance(x, KroneckerDelta) and k in x.args)

    rest = e.replace(placed, lambda x: x.func(*[Dummy() if y == k else y for y in x.args]))
    return not rest.has(k)


def _is_dots(part: Node) -> bool:
    return part.kind == "term" and next(_leaves_of(part), part).kind == "DOTS"


def _by_entry(e: Expr, x: Expr) -> Expr:
    return Diff(x, e)


def _slope(f: Any, order: int, u: Any) -> Expr:
    value = f(u)
    for _ in range(order):
        value = value.fdiff() if hasattr(value, "fdiff") else sp.diff(value, u)
    return value


def _varies(e: Expr) -> bool:
    """Whether a number may depend on the weights."""
    return bool(e.atoms(Indexed, Diff)) or e.has(E)


def _leaves_of(node: Node) -> Any:
    if not node.parts:
        if node.kind not in ("LBRACE", "RBRACE"):
            yield node
        return
    for part in node.parts:
        yield from _leaves_of(part)


def _kind(factor: Node) -> str:
    atom = factor.parts[0]
    return atom.kind if atom.kind != "atom" else atom.parts[0].kind


def _sizes(e: Expr, k: Any, asked: frozenset[Any] = frozenset()) -> set[Expr]:
    """The sizes of the slots at which a letter stands; it runs as far as another one that a delta makes it."""
    found: set[Expr] = set()
    for x in e.atoms(Indexed):
        if isinstance(x.base, Tensor):
            sizes = x.base.sizes(*x.indices[: x.base.layers])
            found |= {size for slot, size in zip(slots_of(x), sizes, strict=True) if slot == k}
    if found:
        return found
    for x in e.atoms(KroneckerDelta):
        if k in x.args:
            other = x.args[0] if x.args[1] == k else x.args[1]
            if other not in asked | {k} and not isinstance(other, Holds):
                found |= _sizes(e, other, asked | {k})
    return found
