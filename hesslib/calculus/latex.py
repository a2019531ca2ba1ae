r"""How index expressions print: like the book, with the macros of :mod:`hesslib.calculus.macros`.

Bound indices get readable letters, primed when taken; factors and terms come in a fixed order: numbers, scalars,
$h''$ before $h'$, tensors in the order of `FACTOR_ORDER`, deltas, sums last.

Longer than one sitting: one method for each kind of expression, and nothing besides.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

import sympy as sp
from sympy import Add, Expr, Indexed, Integer, Mul, Pow, Sum, Symbol
from sympy.printing.latex import LatexPrinter

from .index import Diff, Elementwise, KroneckerDelta, Operator, Tensor, Width, freshen, layers_of, letters_of, slots_of
from .indicators import Holds

__all__ = ["tex", "with_letters"]

FACTOR_ORDER = ["A", "V", "H", "h", "v", "u", "w", "W", "delta", "M", "G", "B", "x", "z", "t", "y"]
"""The order of tensors within a product; others follow alphabetically."""


class IndexPrinter(LatexPrinter):
    """LaTeX of index expressions."""

    def __init__(self, *, limits: bool = False) -> None:
        super().__init__({"ln_notation": True})
        self.limits = limits

    def _letters(self, indices: Any) -> str:
        parts = [self._print(i) for i in indices]
        plain = all(isinstance(i, Symbol) or (isinstance(i, Integer) and 0 <= i <= 9) for i in indices)
        return ("" if plain else ",").join(parts)

    def _print_Symbol(self, e: Symbol, style: str = "plain") -> str:
        stem = e.name.rstrip("'")
        if stem == e.name:
            return super()._print_Symbol(e)
        return super()._print_Symbol(Symbol(stem)) + e.name[len(stem) :]

    _print_Dummy = _print_Symbol

    def _print_Operator(self, e: Operator) -> str:
        return rf"\mathcal{{{e.name}}}"

    def _print_Indexed(self, e: Indexed, exp: Any = None) -> str:
        if not isinstance(e.base, Tensor):
            return super()._print_Indexed(e)
        layers, slots = layers_of(e), slots_of(e)
        numbers = ",".join(self._print(x).replace(" ", "") for x in layers)
        if isinstance(e.base, Width):
            return rf"{e.base.tex}_{{{numbers}}}"
        s = rf"\lay{{{e.base.tex}}}{{{numbers}}}" if layers else e.base.tex
        return s + (rf"_{{{self._letters(slots)}}}" if slots else "")

    def _print_Tensor(self, e: Tensor) -> str:
        return e.tex

    def _print_KroneckerDelta(self, e: KroneckerDelta, exp: Any = None) -> str:
        return rf"\kron{{{self._letters(sorted(e.args, key=lambda p: (len(str(p)), str(p))))}}}"

    def _print_Holds(self, e: Holds, exp: Any = None) -> str:
        parts = e.inside.as_coefficients_dict()
        above = sp.Add(*[c * x for x, c in parts.items() if c > 0])
        below = sp.expand(above - e.inside)
        if below.is_Add and below.as_coefficients_dict()[sp.S.One] == 1:
            return rf"[{self._print(below - 1)} < {self._print(above)}]"
        return rf"[{self._print(below)} \le {self._print(above)}]"

    def _between(self, low: Holds, high: Holds) -> str | None:
        """Two indicators as one, where they are the ends of one range."""
        up, down = low.inside.as_coefficients_dict(), high.inside.as_coefficients_dict()
        middle = sp.Add(*[c * x for x, c in up.items() if x != 1 and down.get(x) == -c])
        least = sp.expand(middle - low.inside)
        if middle == 0 or not least.is_Integer:
            return None
        shift = 0 if middle.is_Symbol else 1 - least
        parts = [least + shift, middle + shift, sp.expand(high.inside + middle + shift)]
        return "[" + r" \le ".join(self._print(x) for x in parts) + "]"

    def _print_Elementwise(self, e: Elementwise, exp: Any = None) -> str:
        primes = "'" * e.order if e.order < 4 else rf"^{{({e.order})}}"
        s = rf"{e.stem}{primes}({self._print(e.args[0])})"
        return s if exp is None else rf"{e.stem}{primes}{self._exponent(exp, bool(primes))}({self._print(e.args[0])})"

    @staticmethod
    def _exponent(exp: Any, primed: bool) -> str:
        return rf"{{}}^{{{exp}}}" if primed else rf"^{{{exp}}}"

    def _print_Function(self, e: Any, exp: Any = None) -> str:
        return self._print_Elementwise(e, exp) if isinstance(e, Elementwise) else super()._print_Function(e, exp)

    def _print_Diff(self, e: Diff) -> str:
        if e.held is not None:
            inner, names = e.operand, {e.held}
            while isinstance(inner, Diff):  # one bracket for derivatives that all hold the same fixed
                names.add(inner.held)
                inner = inner.operand
            if len(names) == 1:
                whole = self._print(Diff(e.op, _without_held(e.operand)))
            else:
                whole = rf"\pd{{}}{{{self._print(e.op)}}}\left({self._print(e.operand)}\right)"
            return rf"\left({whole}\right)_{{{self._print(e.held)}}}"
        op, x = e.args
        if isinstance(op, Operator):
            name = self._print(op)
            return rf"\Rop{{{self._print(x)}}}" if op.name == "R" else rf"{name}\{{{self._print(x)}\}}"
        if isinstance(x, Diff) and not isinstance(x.op, Operator) and x.held is None:
            if x.op == op:
                return rf"\frac{{\partial^2 {self._print(x.operand)}}}{{\partial {self._square(op)}}}"
            return rf"\pdd{{{self._print(x.operand)}}}{{{self._print(op)}}}{{{self._print(x.op)}}}"
        if not isinstance(x, (Symbol, Indexed, Diff, Elementwise)):
            return rf"\pd{{}}{{{self._print(op)}}}\left({self._print(x)}\right)"
        return rf"\pd{{{self._print(x)}}}{{{self._print(op)}}}"

    def _square(self, x: Expr) -> str:
        s = self._print(x)
        return rf"\bigl({s}\bigr)^2" if isinstance(x, Indexed) and layers_of(x) else s + "^2"

    def _print_Sum(self, e: Sum) -> str:
        dependent = any(v in hi.free_symbols for v, _, _ in e.limits for _, _, hi in e.limits)
        signs = [
            rf"\sum_{{{v}=1}}^{{{self._print(hi)}}}"
            if self.limits
            else rf"\sum_{{{self._print(v)}{self._end(v, hi, e.function)}}}"
            for v, _, hi in (reversed(e.limits) if dependent else e.limits)  # the outer one comes last
        ]
        body = self._print(e.function)
        return " ".join(signs) + " " + (rf"\left({body}\right)" if isinstance(e.function, Add) else body)

    def _end(self, v: Expr, size: Expr, body: Expr) -> str:
        """How far a sum runs, unless that is a size, which is understood where the letter fills a slot of that size."""
        understood = size.is_Integer or isinstance(size, Indexed)
        understood = understood or (isinstance(size, Symbol) and (size.is_positive or size.name[0].isupper()))
        ends = [end for x in body.atoms(Indexed) for s, end in _filled(x) if s == v]
        joined = not size.is_Integer and any(x.has(v) for x in body.atoms(Indexed, KroneckerDelta))
        understood = understood and (size in ends if ends else joined)
        return "" if understood else rf" \le {self._print(size)}"

    def _print_Pow(self, e: Pow) -> str:
        base, exponent = e.args
        if exponent.is_Rational and exponent < 0:
            return rf"\frac{{1}}{{{self._print(1 / e)}}}"
        letter = isinstance(base, (Indexed, Diff, Elementwise, KroneckerDelta))  # all of these may have a superscript
        if letter and exponent.is_Rational and exponent != sp.S.Half:
            s = self._print(base)
            plain = isinstance(base, Indexed) and not layers_of(base)
            power = self._print(exponent) if exponent.is_Integer else f"{exponent.p}/{exponent.q}"
            return rf"{s}^{{{power}}}" if plain else rf"\bigl({s}\bigr)^{{{power}}}"
        return super()._print_Pow(e)

    # ------------------------------------------------------------------------------- products and sums of terms
    @staticmethod
    def _rank(f: Expr) -> tuple:
        b = f.base if isinstance(f, Pow) else f
        if b.is_Number:
            return (0, 0, "")
        if isinstance(b, Symbol) or (isinstance(b, Indexed) and isinstance(b.base, Width)):
            return (1, 0, str(b))
        if isinstance(b, Elementwise):
            return (3, -b.order, str(b))
        if isinstance(b, Indexed):
            name = getattr(b.base, "name_", str(b.base))
            return (4, FACTOR_ORDER.index(name) if name in FACTOR_ORDER else 99, str(b))
        kinds: list[tuple[Any, int]] = [(Add, 5), (Diff, 6), (Holds, 2), (KroneckerDelta, 7), (Sum, 8)]
        return next(((rank, 0, str(b)) for kind, rank in kinds if isinstance(b, kind)), (5, 0, str(b)))

    def _print_Mul(self, e: Mul) -> str:
        if not isinstance(e, Mul):
            return super()._print_Mul(e)
        tops = [f for f in e.args if not (isinstance(f, Pow) and f.exp.could_extract_minus_sign())]
        bottoms = [f**-1 for f in e.args if f not in tops]
        number = next((f for f in tops if f.is_Number), sp.S.One)
        sign = "-" if number < 0 else ""
        number = abs(number)
        if number.is_Rational and not number.is_Integer:
            bottoms.append(Integer(number.q))
            number = Integer(number.p)
        tops = [f for f in tops if not f.is_Number] + ([number] if number != 1 else [])
        top = self._factors(tops)
        if not bottoms:
            return sign + top
        only_scalar_bottom = all(not f.has(Indexed, Elementwise) for f in bottoms)
        if only_scalar_bottom and any(f.has(Sum, Indexed, Elementwise, Diff) for f in tops):
            front = [f for f in tops if f.is_Number or isinstance(f, Symbol)]
            back = [f for f in tops if f not in front]
            behind = self._factors(back)
            if len(back) == 1 and back[0].is_Add:
                behind = rf"\left({behind}\right)"
            return sign + rf"\frac{{{self._factors(front)}}}{{{self._factors(bottoms)}}}" + r" \, " + behind
        return sign + rf"\frac{{{top}}}{{{self._factors(bottoms)}}}"

    def _factors(self, factors: list[Expr]) -> str:
        if not factors:
            return "1"
        ordered = sorted(factors, key=self._rank)
        for complement in [f for f in ordered if isinstance(f, Add) and 1 - f in ordered]:  # y (1 - y)
            ordered.remove(complement)
            ordered.insert(ordered.index(1 - complement) + 1, complement)
        out = []
        ranges = [f for f in ordered if isinstance(f, Holds)]
        for low, high in itertools.permutations(ranges, 2):
            if low in ordered and high in ordered and (both := self._between(low, high)) is not None:
                ordered = [f for f in ordered if f not in (low, high)]
                out.append(both)
        for position, f in enumerate(ordered):
            s = self._print(f)
            last = position == len(ordered) - 1
            if (isinstance(f, Add) and len(ordered) > 1) or (isinstance(f, Sum) and not last):
                s = rf"\left({s}\right)"
            out.append(s)
        return r" \, ".join(out)

    def terms(self, e: Add) -> list[str]:
        """The terms of a sum in the order of the book, each with its sign if that is a minus."""

        def rank(t: Expr) -> tuple:
            primes = max((f.order for f in t.atoms(Elementwise)), default=0)
            sums = len(t.atoms(Sum))
            bare = isinstance(t, Elementwise)  # the value of a function, before what corrects it
            return (t.could_extract_minus_sign(), sums == 0, sums, not bare, -primes, str(t))

        return [self._print(t) for t in sorted(e.args, key=rank)]

    def _as_ordered_terms(self, expr: Expr, order: Any = None) -> list[Expr]:
        """The order of SymPy, but for a sum that would begin with a minus: then its first term without one leads."""
        terms = super()._as_ordered_terms(expr, order=order)
        first = next((place for place, t in enumerate(terms) if not t.could_extract_minus_sign()), 0)
        return [terms[first], *terms[:first], *terms[first + 1 :]]

    def _print_Add(self, e: Add, order: Any = None) -> str:
        if not e.has(Indexed, Diff, Elementwise):
            return super()._print_Add(e, order)
        first, *rest = self.terms(e)
        return first + "".join(f" {_signed(t)}" for t in rest)


def _without_held(x: Expr) -> Expr:
    """Derivatives within each other without the name of what they hold fixed, which the outermost one says."""
    return Diff(x.op, _without_held(x.operand)) if isinstance(x, Diff) else x


def _filled(x: Indexed) -> list[tuple[Expr, Expr]]:
    """What fills each slot of a quantity, and the size of the slot; of a layer, what fills it has no size here."""
    if not isinstance(x.base, Tensor):
        return []
    layers = layers_of(x)
    return list(zip(slots_of(x), x.base.sizes(*layers), strict=True))


def _signed(term: str) -> str:
    """A term that follows others, with its sign."""
    return f"- {term[1:].lstrip()}" if term.startswith("-") else f"+ {term}"


def letters(e: Expr, /) -> Expr:
    """Give bound indices readable names: their own, primed when already taken; no two letters of a place print alike.

    A dummy that is free keeps its name, primed if another free letter has it.
    """
    if any(not isinstance(v, sp.Dummy) for s in e.atoms(Sum) for v, *_ in s.limits):
        e = freshen(e)  # a plain letter, bound inside of another sum, could be taken for one of that sum
    free = sorted(letters_of(e), key=lambda s: (isinstance(s, sp.Dummy), getattr(s, "dummy_index", 0)))
    taken, own = set[str](), {}
    for s in free:
        if isinstance(s, sp.Dummy):
            own[s] = Symbol(_unused(s.name, taken), **s.assumptions0)
        taken.add(own.get(s, s).name)

    def visit(x: sp.Basic, taken: set[str], renaming: dict[Any, Any]) -> sp.Basic:
        if isinstance(x, Sum):
            taken, renaming = set(taken), dict(renaming)
            limits: list[tuple[Any, Any, Any]] = []
            for v, _, _ in x.limits:
                renaming[v] = Symbol(_unused(v.name, taken), integer=True)
                taken.add(renaming[v].name)
            limits = [(renaming[v], low.xreplace(renaming), high.xreplace(renaming)) for v, low, high in x.limits]
            return Sum(visit(x.function, taken, renaming), *limits)
        if not x.has(Sum):
            return x.xreplace(renaming)
        parts = [visit(y, taken, renaming) for y in x.args]
        return x.func(*parts, evaluate=False) if isinstance(x, (Add, Mul, Pow)) else x.func(*parts)

    return visit(e, taken, own)


def _unused(name: str, taken: set[str]) -> str:
    """The name of a letter, primed until nothing else has it."""
    name = "s" if name.startswith("_") else name.rstrip("'")
    while name in taken:
        name += "'"
    return name


SPARE = "pqrstuv"
"""The letters that free dummies get, in the order in which they appear."""


def with_letters(*sides: Any) -> tuple[Any, ...]:
    """Formulas that belong together, in which every free dummy has a letter that none of them uses.

    >>> with_letters(sp.Symbol("p") + sp.Dummy("_k", integer=True))
    (p + q,)
    """
    formulas = [e for e in sides if isinstance(e, sp.Basic)]
    free = set().union(*[e.free_symbols for e in formulas])
    dummies = {s for s in free if isinstance(s, sp.Dummy)}
    order = dict.fromkeys(s for e in formulas for s in sp.preorder_traversal(e) if s in dummies)
    taken = {s.name for s in free if isinstance(s, Symbol) and s not in dummies}
    spare = (letter + "'" * primes for primes in itertools.count() for letter in SPARE)
    unused = (name for name in spare if name not in taken)
    named = {s: Symbol(name, **s.assumptions0) for s, name in zip(order, unused, strict=False)}
    return tuple(e.xreplace(named) if isinstance(e, sp.Basic) else e for e in sides)


def tex(e: Any, /, *, limits: bool = False) -> str:
    r"""LaTeX of an expression (with the book's macros; ``limits`` writes $\sum_{k=1}^{n_l}$ in full).

    >>> from .index import S, Tensor, Width, index
    >>> n, (l, j) = Width("n", layers=1), index("l j")
    >>> w = Tensor("w", layers=1, shape=lambda l: (n[l], n[l - 1]))
    >>> tex(S("i", n[l - 1], lambda i: w[l, j, i]))
    '\\sum_{i} \\lay{w}{l}_{ji}'
    """
    return IndexPrinter(limits=limits).doprint(letters(sp.sympify(e)))


WIDE = 46
"""From about this many printed symbols on, a sum of terms is broken; a line then fits a page, and nearly a phone."""

_INVISIBLE = re.compile(r"\\[a-zA-Z]+|[{}^_\\, ]")


def lines(e: Any, /) -> list[str]:
    """The LaTeX of an expression, one line, or one line for each term of a sum that is too wide for one."""
    e = sp.sympify(e)
    whole = tex(e)
    if not (isinstance(e, Add) and e.has(Indexed, Diff, Elementwise) and len(_INVISIBLE.sub("", whole)) > WIDE):
        return [whole]
    first, *rest = IndexPrinter().terms(letters(e))
    return [first, *map(_signed, rest)]
