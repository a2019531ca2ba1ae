r"""The usual slips, each with what mends it: a formula is mended by trying, and the slip that was mended has a name.

Longer than one sitting: the catalogue of slips, a function each.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import sympy as sp
from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Pow, Sum, Symbol

from hesslib.calculus.index import Diff, Elementwise, RangeError, Tensor, Width, elementwise, layers_of, slots_of

from ..network import a, v, w, z
from .meaning import _sizes
from .network_form import constants_of
from .notation import N
from .patterns import plain_base
from .vocabulary import Vocabulary

Mended = tuple[str, Expr]
Said = Callable[[Expr], str]


def places(e: Expr, wanted: Callable[[Any], bool], /) -> Iterator[tuple[Expr, Callable[[Expr], Expr]]]:
    """Every part of a formula that is wanted, with the way to put something else in its place."""
    if wanted(e):
        yield e, lambda new: new
    if isinstance(e, (Indexed, KroneckerDelta)) or not e.args:
        return
    args = e.args[:1] if isinstance(e, Sum) else e.args[1:2] if isinstance(e, Diff) else e.args
    start = 1 if isinstance(e, Diff) else 0
    for number, part in enumerate(args, start):
        for x, put in places(part, wanted):

            def place(new: Expr, put: Any = put, number: int = number) -> Expr:
                return e.func(*e.args[:number], put(new), *e.args[number + 1 :])

            yield x, place


def _quantity(x: Any) -> bool:
    return isinstance(x, Indexed) and isinstance(x.base, Tensor) and not isinstance(x.base, Width)


def mended(left: Expr, right: Expr, words: Vocabulary, say: Said, /, *, misfit: bool = False) -> Iterator[Mended]:
    """What the right side might have meant, the likeliest first, with the slip that it then made.

    ``misfit`` says that an index would run over two ranges; a layer, a transpose or an index is the likeliest then.
    """
    kinds: list[Iterator[Mended]] = [
        transposes(right, words, say),
        signs(right, say),
        numbers(right, words, say),
        primes(right, say),
        lost_sums(left, right, words),
        lost_slopes(left, right, say),
        layers(left, right, say),
        powers(right, say),
        lost_factors(left, right, say),
        extra_factors(right, say),
        wrong_indices(left, right, words, say),
        extra_sums(left, right),
        exchanged(left, right, words),
    ]
    if _free(right) - _free(left):
        kinds.insert(0, kinds.pop(4))
    elif misfit:
        kinds = [kinds[0], kinds[6], kinds[12], kinds[10], *kinds[1:6], *kinds[7:10], kinds[11]]
    elif _slopes(left) != _slopes(right):
        kinds.insert(0, kinds.pop(5))
        kinds.insert(0, kinds.pop(4))
    for kind in kinds:
        yield from kind


def _slopes(e: Expr) -> set[tuple[str, int]]:
    """The elementwise functions of a formula."""
    return {(x.stem, x.order) for x in e.atoms(Elementwise)}


def transposes(e: Expr, words: Vocabulary, say: Said) -> Iterator[Mended]:
    """A weight whose two indices are the wrong way round."""

    def turned(x: Indexed) -> Expr:
        layer, to, source = x.indices
        told = words.layer_of_letter.get(str(source).lstrip("_").rstrip("'"))
        return Indexed(x.base, layer if told is None else told, source, to)

    found = list(places(e, lambda x: _quantity(x) and x.base in (w, v)))
    for x, put in found:
        yield f"transpose lost: {say(x)} where {say(turned(x))} is meant", put(turned(x))
    if len(found) > 1:
        yield "transposes lost", e.replace(lambda x: _quantity(x) and x.base in (w, v), turned)


def signs(e: Expr, say: Said) -> Iterator[Mended]:
    """A sign, of the whole or of a term."""
    yield "sign: the whole has the wrong one", -e
    for x, put in places(e, lambda x: isinstance(x, Add)):
        for term in x.args:
            yield f"sign: of the term {say(term)}", put(x - 2 * term)


def primes(e: Expr, say: Said) -> Iterator[Mended]:
    """A prime too few or too many."""
    for x, put in places(e, lambda x: isinstance(x, Elementwise)):
        for order in (x.order + 1, x.order - 1):
            if order >= 0:
                new = elementwise(x.stem, order)(*x.args)
                what = "prime lost" if order > x.order else "prime too many"
                yield f"{what}: {say(x)} where {say(new)} is meant", put(new)
    for x, put in places(e, lambda x: _quantity(x) and x.base == z):
        new = elementwise("h", 1)(Indexed(a, *x.indices))
        yield f"prime lost: {say(x)} where {say(new)} is meant", put(new)


def numbers(e: Expr, words: Vocabulary, say: Said) -> Iterator[Mended]:
    """A number, of the whole or of a term; among several patterns the number of them, too."""
    for number in (1 / N, N) if words.pattern else ():
        yield f"factor: a factor {say(number)} is missing", number * e
    for number in (sp.Integer(2), sp.Rational(1, 2), sp.Integer(-2), sp.Integer(3), sp.Rational(1, 3), sp.Integer(4)):
        yield f"factor: a factor {number} is missing", number * e
    for x, put in places(e, lambda x: isinstance(x, Add)):
        for term in x.args:
            for number in (sp.Integer(2), sp.Rational(1, 2)):
                yield f"factor: a term lacks the factor {number}", put(x + (number - 1) * term)


def lost_sums(left: Expr, right: Expr, words: Vocabulary) -> Iterator[Mended]:
    """A letter that is free on the right only, since its sum is lost."""
    free = _free(right) - _free(left)
    for letter in sorted(free, key=str):
        for x, put in places(right, functools.partial(_mentions, letter)):
            size = next(iter(sorted(_sizes(x, letter), key=str)), words.size_of_letter.get(letter.name.rstrip("'")))
            if size is not None:
                k = sp.Dummy(letter.name, integer=True)
                name = f"sum lost: over {letter}"
                yield name, put(Sum(x.xreplace({letter: k}), (k, 1, size)))


def _mentions(letter: Symbol, x: Any) -> bool:
    return letter in x.free_symbols and not isinstance(x, Symbol)


def lost_slopes(left: Expr, right: Expr, say: Said) -> Iterator[Mended]:
    """The slope of a unit, or its second derivative, as a factor."""
    units: dict[tuple[Expr, Expr], None] = {}
    for e in (left, right):
        for x in e.atoms(Indexed):
            if _quantity(x) and x.base.layers == 1:
                layer = x.indices[0]
                for slot, at in zip(slots_of(x), (layer, layer - 1), strict=False):
                    units.setdefault((sp.expand(at), slot), None)
    bound = {k for s in right.atoms(Sum) for k, *_ in s.limits}
    for order in (1, 2):
        for layer, unit in units:
            if layer == 0:
                continue
            slope = elementwise("h", order)(Indexed(a, layer, unit))
            name = f"slope lost: the factor {say(slope)}" if order == 1 else f"factor lost: {say(slope)}"
            if unit not in bound:
                yield name, right * slope
                for x, put in places(right, lambda x: isinstance(x, Add)):
                    for term in x.args:
                        yield name, put(x - term + term * slope)
            for x, put in places(right, lambda x: isinstance(x, Sum)):
                if any(unit == k for k, *_ in x.limits):
                    yield name, put(Sum(x.function * slope, *x.limits))


def layers(left: Expr, e: Expr, say: Said) -> Iterator[Mended]:
    """A layer number."""

    def moved(x: Indexed, by: Any) -> Expr:
        return Indexed(x.base, sp.expand(x.indices[0] + by), *x.indices[1:])

    told = {x.indices[0] for side in (left, e) for x in side.atoms(Indexed) if _quantity(x) and x.base.layers == 1}
    for x, put in places(e, lambda x: _quantity(x) and x.base.layers == 1):
        others = sorted((y for y in told if not (y - x.indices[0]).is_Integer), key=str)
        for new in [*[moved(x, by) for by in (1, -1)], *[moved(x, y - x.indices[0]) for y in others]]:
            if _has_layers(new):
                yield f"layer: {say(x)} where {say(new)} is meant", put(new)
    heads = sorted({x.base for x in e.atoms(Indexed) if _quantity(x) and x.base.layers == 1}, key=str)
    for by in (1, -1):
        for head in heads:
            new = e.replace(lambda x, head=head: _quantity(x) and x.base == head, lambda x, by=by: moved(x, by))
            if _has_layers(new):
                yield f"layer: that of {head}", new


def _has_layers(e: Expr) -> bool:
    """Whether there are all layers that are mentioned."""
    try:
        for x in e.atoms(Indexed):
            if _quantity(x) and x.base.layers:
                plain_base(x).require_between(*layers_of(x))
    except RangeError:
        return False
    return True


def lost_factors(left: Expr, right: Expr, say: Said) -> Iterator[Mended]:
    """A factor that the left side has."""
    atoms = [x for x in left.atoms(Indexed, Elementwise, KroneckerDelta) if x.free_symbols & _free(left)]
    atoms += constants_of(left)
    bound = {k for s in left.atoms(Sum) for k, *_ in s.limits}
    for x in sorted(atoms, key=str):
        if not x.free_symbols & bound:
            yield f"factor lost: {say(x)}", right * x
            for y, put in places(right, lambda y: isinstance(y, Add)):
                for term in y.args:
                    yield f"factor lost: {say(x)}", put(y - term + term * x)
    loose = sorted(_free(left), key=str)
    for p in loose:
        for q in loose:
            if str(q) == str(p) + "'":
                delta = KroneckerDelta(p, q)
                for y, put in places(right, lambda y: isinstance(y, Add)):
                    for term in y.args:
                        yield f"factor lost: {say(delta)}", put(y - term + term * delta)
    scope = {k: s for s in right.atoms(Sum) for k, *_ in s.limits}
    outside = sorted(left.atoms(Indexed), key=str)
    for s, put in places(right, lambda s: isinstance(s, Sum)):
        for k, *_ in s.limits:
            for x in outside:
                if _quantity(x):
                    for slot in slots_of(x):
                        if slot not in scope and slot not in _free(left):
                            new = x.xreplace({slot: k})
                            yield f"factor lost: {say(new)}", put(Sum(s.function * new, *s.limits))


def extra_factors(e: Expr, say: Said) -> Iterator[Mended]:
    """A factor that does not belong there."""
    for x, put in places(e, lambda x: isinstance(x, Mul)):
        for factor in x.args:
            if not isinstance(factor, Sum) and not factor.is_Number:
                yield f"factor too many: {say(factor)}", put(Mul(*[f for f in x.args if f != factor]))


def extra_terms(e: Expr, say: Said) -> Iterator[Mended]:
    """A term that does not belong there."""
    for x, put in places(e, lambda x: isinstance(x, Add)):
        for term in x.args:
            yield f"term too many: {say(term)}", put(x - term)


def powers(e: Expr, say: Said) -> Iterator[Mended]:
    """A square too few or too many."""
    for x, put in places(e, lambda x: isinstance(x, Pow) and x.exp.is_Integer and x.exp > 1):
        yield f"square too many: of {say(x.base)}", put(x.base)
    for x, put in places(e, lambda x: _quantity(x) or isinstance(x, Elementwise)):
        yield f"square lost: of {say(x)}", put(x**2)


def wrong_indices(left: Expr, right: Expr, words: Vocabulary, say: Said) -> Iterator[Mended]:
    """An index letter."""
    bound = {k for s in right.atoms(Sum) for k, *_ in s.limits}
    letters = sorted(_free(left) | _free(right) | bound, key=str)
    letters = [s for s in letters if str(s) not in ("l", "m", "L")]
    for x, put in places(right, lambda x: _quantity(x) or isinstance(x, KroneckerDelta)):
        first = x.base.layers if _quantity(x) else 0
        own = x.indices if _quantity(x) else x.args
        for number in range(first, len(own)):
            for letter in letters:
                if letter != own[number]:
                    at = [*own[:number], letter, *own[number + 1 :]]
                    if _quantity(x):
                        told = words.layer_of_letter.get(str(letter).lstrip("_").rstrip("'"))
                        if told is not None and number == first and first == 1:
                            at[0] = told
                    new = Indexed(x.base, *at) if _quantity(x) else KroneckerDelta(*at)
                    yield f"wrong index: {say(x)} where {say(new)} is meant", put(new)


def exchanged(left: Expr, right: Expr, words: Vocabulary) -> Iterator[Mended]:
    """Two letters, each of which stands where the other belongs."""

    def told(x: Any) -> Expr:
        layer = words.layer_of_letter.get(str(slots_of(x)[0]).lstrip("_").rstrip("'"))
        return x if layer is None else Indexed(x.base, layer, *x.indices[1:])

    for p, q in itertools.combinations(sorted(_free(left) & _free(right), key=str), 2):
        new = right.xreplace({p: q, q: p})
        new = new.replace(lambda x: _quantity(x) and x.base.layers == 1 and x.base.rank > 0, told)
        yield f"letters exchanged: {p} and {q}", new


def extra_sums(left: Expr, right: Expr) -> Iterator[Mended]:
    """A sum that does not belong there."""
    loose = sorted(_free(left) - _free(right), key=str) or sorted(_free(left), key=str)
    for x, put in places(right, lambda x: isinstance(x, Sum)):
        for k, *_ in x.limits:
            for letter in loose:
                rest = [limit for limit in x.limits if limit[0] != k]
                inner = x.function.xreplace({k: letter})
                yield f"sum too many: over {k}", put(Sum(inner, *rest) if rest else inner)


def resized(e: Expr, /) -> Expr:
    """The formula with each sum as long as what is summed says, where that is one length."""

    def again(s: Sum) -> Expr:
        limits = []
        for k, low, high in s.limits:
            sizes = _sizes(s.function, k)
            limits.append((k, low, next(iter(sizes)) if len(sizes) == 1 else high))
        return Sum(s.function, *limits)

    return e.replace(lambda x: isinstance(x, Sum), again) if e.has(Sum) else e


def cost(e: Expr, /) -> int:
    """About how much it is to look at a formula: its signs, each as often as it stands there, for each of its sums."""
    known: dict[Any, tuple[int, int]] = {}  # signs and sums
    for x in sp.postorder_traversal(e):
        if x not in known:
            parts = [known[y] for y in x.args]
            known[x] = 1 + sum(p for p, _ in parts), isinstance(x, Sum) + sum(q for _, q in parts)
    signs, sums = known[e]
    return signs * (1 + sums)


def _free(e: Expr) -> set[Symbol]:
    return {
        s for s in e.free_symbols if isinstance(s, Symbol) and s.is_integer and not isinstance(s, sp.Dummy)
    } - _SIZES


_SIZES = {Symbol(s, integer=True, positive=True) for s in ("l", "m", "L")}
