r"""An atom that carries its definition: the softmax normaliser $Z=\sum_me^{a_m}$, a mean, a layer's whole input.

A `Let` prints, contracts and cancels as the one letter that it is, $Z\,Z^{-1}=1$. Whoever asks for its derivative, or
for its value, gets what follows from the definition: there is no rule to be written, hence none to be written wrongly.

Longer than one sitting: an atom and everything that looks through it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Add, Basic, Dummy, Expr, Indexed, Mul, Symbol

from .canonical import components
from .index import RangeError, Tensor, freshen, insert, letters_of
from .normal import build, equal, flatten
from .provenance import Ground, report, silence
from .terms import Term, key
from .tidy import tidy

__all__ = ["Let", "fold", "recursive", "unfold_lets"]

_numbers = itertools.count(1)


class Defined(Tensor):
    """A tensor with a definition; made by `Let`."""

    definition: Callable[..., Any]
    number: int

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.number)


class DefinedSymbol(Symbol):
    """A scalar with a definition; made by `Let`."""

    __slots__ = ("definition", "number")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in DefinedSymbol.__slots__ and hasattr(self, name):
            raise AttributeError(f"the {name} of {self} stays as it is; define another quantity")
        super().__setattr__(name, value)

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.number)


def Let(head: Any, definition: Callable[..., Any], /) -> Any:
    r"""The quantity ``head``, from now on with its definition, a function of its layer numbers and indices.

    The definition may mention the quantity itself, and others that are not yet defined, as a recurrence does: it is
    looked into only when asked for. Two ``Let`` of the same letter are two different quantities.

    Errors: TypeError if ``head`` is no tensor or symbol, or has a definition; ValueError if it is an independent
    variable.

    >>> from .derivation import Derivation, same
    >>> from .index import S, index
    >>> k, q, K = *index("k q"), Symbol("K", integer=True)
    >>> a = Tensor("a", shape=(K,), independent=True)
    >>> Z = Let(Symbol("Z", positive=True), lambda: S("m", K, lambda m: sp.exp(a[m])))
    >>> Derivation(a[q], {a: same(q)})(sp.log(Z))
    exp(a[q])/Z
    """
    if definition_of(head) is not None:
        raise TypeError(f"{_name(head)} has a definition; a quantity has one only")
    if not callable(definition) or isinstance(definition, Expr):
        raise TypeError(f"the definition of {_name(head)} is a function of its indices: Let(x, lambda i: 2 * y[i])")
    if isinstance(head, Tensor):
        if head.independent:
            raise ValueError(f"{_name(head)} is declared independent; what is defined depends on something")
        defined = Defined(
            head.name_,
            latex=head.tex,
            layers=head.layers,
            shape=head.sizes,
            symmetric=head.symmetric,
            pattern=head.pattern,
            between=head.between,
        )
    elif type(head) is Symbol:
        defined = Symbol.__xnew__(DefinedSymbol, head.name, **head.assumptions0)
    else:
        raise TypeError(f"{head} is a {type(head).__name__}; a definition is that of a tensor or a symbol")
    defined.definition, defined.number = definition, next(_numbers)
    return defined


def definition_of(head: Any, /) -> Callable[..., Any] | None:
    """The definition of a tensor or symbol, None if it has none."""
    return getattr(head, "definition", None) if isinstance(head, (Defined, DefinedSymbol)) else None


def lets_of(using: Any, /) -> list[Any]:
    """The quantities with a definition that ``using`` is, if it is one or several of them.

    Errors: TypeError for several things of which one has none.
    """
    several = list(using) if isinstance(using, (list, tuple)) else [using]
    if all(definition_of(x) is not None for x in several):
        return several
    if isinstance(using, (list, tuple)):
        raise TypeError("using is a list; it must hold quantities that have a definition, made by Let")
    return []


def _name(head: Any) -> str:
    return getattr(head, "name_", str(head))


def meaning(x: Expr, /) -> Expr:
    """What a defined quantity stands for, its own bound indices fresh."""
    head = x.base if isinstance(x, Indexed) else x
    definition = definition_of(head)
    if definition is None:
        raise TypeError(f"{_name(head)} has no definition")
    try:
        found = insert(definition, x) if isinstance(x, Indexed) else freshen(definition())
    except RangeError as why:
        raise RangeError(f"{x} has no definition there: {why}") from None
    report(Ground("definition", x, found, about=("definition", head)))
    return found


def heads_of(e: Expr, /) -> set[Any]:
    """The defined quantities that occur in ``e``."""
    found = {x.base for x in e.atoms(Indexed) if isinstance(x.base, Defined)}
    return found | e.atoms(DefinedSymbol)


def belongs_to_a_pattern(head: Any, /) -> bool:
    """Whether a quantity is, by its definition or those that this mentions, made of quantities of one pattern.

    >>> x = Tensor("x", shape=(3,), pattern=True)
    >>> belongs_to_a_pattern(Let(Symbol("s"), lambda: x[1])), belongs_to_a_pattern(Let(Symbol("t"), lambda: sp.pi))
    (True, False)
    """
    seen: set[Any] = {head}
    waiting = [head]
    while waiting:
        with silence():
            body = meaning(generic(waiting.pop()))
        if any(isinstance(x.base, Tensor) and x.base.pattern for x in body.atoms(Indexed)):
            return True
        new = heads_of(body) - seen
        seen |= new
        waiting += new
    return False


def generic(head: Any, /) -> Expr:
    """The quantity at letters that stand for nothing else."""
    if not isinstance(head, Tensor):
        return head
    layers = [Dummy(f"l{s}", integer=True) for s in range(head.layers)]
    return head[(*layers, *[Dummy(f"i{s}", integer=True) for s in range(head.rank)])]


def recursive(head: Any, /) -> bool:
    """Whether the definition leads back to the quantity itself, in another layer.

    >>> x = Let(Symbol("x"), lambda: 2 * y)
    >>> y = Let(Symbol("y"), lambda: x + 1)
    >>> recursive(x), recursive(Let(Symbol("z"), lambda: sp.pi))
    (True, False)
    """
    seen: set[Any] = set()
    waiting = [head]
    while waiting:
        with silence():
            found = heads_of(meaning(generic(waiting.pop())))
        if head in found:
            return True
        waiting += found - seen
        seen |= found
    return False


def unfold_lets(e: Any, /, *heads: Any) -> Expr:
    """Every defined quantity replaced by what it stands for, until none is left; a recurrence is left as it is.

    With ``heads``, only those are, and each once.

    >>> x = Symbol("x")
    >>> y = Let(Symbol("y"), lambda: x + 1)
    >>> unfold_lets(Let(Symbol("z"), lambda: y**2))
    (x + 1)**2
    """
    e = freshen(e)
    once = set(heads)
    while True:
        wanted = once or {head for head in heads_of(e) if not recursive(head)}
        if not wanted & heads_of(e):
            return e
        e = _replaced(e, wanted)
        if once:
            return e


def _replaced(e: Basic, heads: set[Any]) -> Basic:
    if isinstance(e, Indexed):
        return meaning(e) if e.base in heads else e
    if e in heads:
        return meaning(e)
    return e.func(*[_replaced(x, heads) for x in e.args]) if e.args else e


def fold(head: Any, /) -> Callable[[Expr], Expr]:
    r"""The rewriting of $\sum_me^{a_m}$ as $Z$: wherever the definition of ``head`` stands, at any indices.

    Errors: ValueError for a definition that is no single sum.

    >>> from .index import S, index
    >>> k, K = index("k"), Symbol("K", integer=True)
    >>> a = Tensor("a", shape=(K,))
    >>> Z = Let(Symbol("Z", positive=True), lambda: S("m", K, lambda m: sp.exp(a[m])))
    >>> fold(Z)(S("k", K, lambda k: sp.exp(a[k]) / Z))
    1
    """
    place = generic(head)
    with silence():
        found = list(flatten(meaning(place)).values())
    if len(found) != 1 or components(found[0].factors, found[0].dummies)[0] or len(_sums(found[0])) != 1:
        raise ValueError(f"the definition of {_name(head)} is no single sum; unfold it instead")
    (whole,) = _sums(found[0])
    letters = list(place.indices) if isinstance(place, Indexed) else []

    def folded(x: Expr) -> Expr | None:
        choices = sorted((s for s in letters_of(x) if s.is_integer), key=key)
        for values in itertools.product(choices, repeat=len(letters)):
            at = dict(zip(letters, values, strict=True))
            if equal(whole.xreplace(at), x):
                name = place.xreplace(at)
                meaning(name)  # which reports it
                return name / found[0].coeff
        return None

    def rewrite(e: Expr) -> Expr:
        out = []
        for t in flatten(e).values():
            outer, sums = components(t.factors, t.dummies)
            parts = [build(Term(sp.S.One, factors, dummies)) for factors, dummies in sums]
            out.append(t.coeff * Mul(*outer, *[folded(x) or x for x in parts]))
        return tidy(Add(*out))

    def apply(e: Expr) -> Expr:
        found = rewrite(sp.sympify(e))
        report(rewriting=rewrite)
        return found

    return apply


def _sums(t: Term) -> list[Expr]:
    return [build(Term(sp.S.One, factors, dummies)) for factors, dummies in components(t.factors, t.dummies)[1]]
