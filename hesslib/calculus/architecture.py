r"""An architecture: definitions in the order in which they are evaluated, and all that follows from them.

    Architecture({a: lambda y, j: ..., z: lambda y, j: z[y - 1, j] + h(a[y, j]), E: lambda: ...}, layers=(1, L))

What is defined is a layered quantity (one layer number, defined in each of ``layers`` from the one before), a tensor,
or a scalar; what a definition mentions and nothing defines is free: an input or a parameter. From this alone come the
rules of every derivative, the signals of the backward pass, explicit instances in exact arithmetic (`ExactInstance`)
and programs (`gradient_program`). A skip, shared weights or two branches are a matter of what the definitions mention.

Longer than one sitting: rules, instances and programs are read off the same definitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy import Add, Dummy, Expr, Indexed, Symbol

from .derivation import Derivation
from .index import Diff, Tensor, Width, delta_product, freshen, insert, layers_of, slots_of
from .let import definition_of, generic
from .provenance import Ground, report, silence
from .steps import Steps
from .tidy import tidy

__all__ = ["Architecture", "ByDefinitions", "order"]


def order(y: Any, x: Any, /) -> int | None:
    """The sign of y - x, or None where it is not decided by the symbols' assumptions.

    The depth is at least every layer number: L - l is taken as non-negative but not decided.

    >>> l, L = sp.symbols("l L", integer=True, positive=True)
    >>> order(l + 1, l), order(l, L)
    (1, None)
    """
    d = sp.expand(sp.sympify(y) - x)
    return 0 if d == 0 else 1 if d.is_positive else -1 if d.is_negative else None


class Architecture:
    """Quantities with their definitions, in the order of the forward pass.

    ``definitions`` maps a tensor or a symbol to a function of its layer number and indices; a quantity made by `Let`
    may be mapped to None, it has its definition. ``layers`` are the first and the last layer of the layered ones.

    Errors: ValueError for a layered quantity without ``layers``, and for one that is needed before it is there.

    >>> from .index import S
    >>> x, y = Tensor("x", shape=(3,), independent=True), Tensor("y", shape=(3,))
    >>> net = Architecture({y: lambda i: x[i] ** 2, Symbol("E"): lambda: S("i", 3, lambda i: y[i])})
    >>> net.by(x[1])(y[1])
    2*x[1]
    """

    def __init__(self, definitions: Mapping[Any, Any], /, *, layers: tuple[Any, Any] | None = None) -> None:
        self.definitions: dict[Any, Any] = {
            head: definition or definition_of(head) for head, definition in definitions.items()
        }
        self.layers = layers
        self.mentions = {head: self._mentioned(head) for head in self.definitions}
        self.free = tuple(
            dict.fromkeys(x for found in self.mentions.values() for x, _ in found if x not in self.definitions)
        )
        self.reach = self._longest()
        self._require_order()

    # ------------------------------------------------------------------------------------ what depends on what
    def body(self, x: Expr, /) -> Expr:
        """What a quantity stands for."""
        head = _head(x)
        definition = self.definitions[head]
        return insert(definition, x) if isinstance(x, Indexed) else freshen(definition())

    def _mentioned(self, head: Any) -> list[tuple[Any, Any]]:
        """The quantities in a definition: their layers, relative to its own if both are layered, else as they stand."""
        if _layered(head) and self.layers is None:
            raise ValueError(f"{_name(head)} has a layer number; layers must say which is the first and which the last")
        x = generic(head)
        with silence():
            body = self.body(x)
        found: dict[tuple[Any, Any], None] = {}
        for q in sorted(body.atoms(Indexed, Symbol), key=str):
            other = _head(q)
            if isinstance(q, Symbol) and (q.is_integer or (other not in self.definitions and not _variable(q))):
                continue
            if isinstance(other, Width):
                continue
            at = layers_of(q)[0] if _layered(other) else None
            if at is not None and _layered(head):
                at = sp.expand(at - layers_of(x)[0])
                if not at.is_Integer:
                    raise ValueError(f"{_name(head)} mentions {q}; its layer must be a fixed distance away")
            found.setdefault((other, at))
        return list(found)

    def _longest(self) -> dict[tuple[Any, Any], int]:
        """How many layers above, at most, a layered quantity reaches another: 0 is the same layer, -1 the one below."""
        reach: dict[tuple[Any, Any], int] = {}
        heads = [x for x in self.definitions if _layered(x)]
        for _ in range(len(heads) + 1):
            for head in heads:
                for other, at in self.mentions[head]:
                    if at is None:
                        continue
                    steps = {(other, int(at))} | {(q, int(at) + c) for (p, q), c in reach.items() if p == other}
                    for q, c in steps:
                        if q == head and c >= 0:
                            raise ValueError(f"{_name(head)} depends on itself in its own layer")
                        reach[head, q] = max(c, reach.get((head, q), c))
        return reach

    def _require_order(self) -> None:
        seen: set[Any] = set(self.free)
        for head, found in self.mentions.items():
            for other, at in found:
                earlier = at is not None and _layered(head) and at < 0
                if other not in seen and not earlier:
                    raise ValueError(f"{_name(head)} needs {_name(other)}, which is defined after it")
            seen.add(head)

    def depends(self, head: Any, other: Any, /) -> bool:
        """Whether ``head`` depends on ``other`` at all, through whatever lies between."""
        seen: set[Any] = set()
        waiting = [head]
        while waiting:
            for found, _ in self.mentions.get(waiting.pop(), ()):
                if found == other:
                    return True
                if found not in seen:
                    seen.add(found)
                    waiting.append(found)
        return False

    # --------------------------------------------------------------------------------------- rules of derivatives
    def by(self, op: Expr, /) -> Derivation:
        r"""$\partial/\partial\,$op: everything by its definition, through every layer that can be reached."""
        return ByDefinitions(op, self)

    def derivative(self, x: Expr, D: Derivation, /) -> Expr:
        """What becomes of a quantity under the derivation ``D``, which varies ``D.op``, by the definitions."""
        head, op, target = _head(x), D.op, _head(D.op)
        at: tuple[Expr, ...] = tuple(x.indices) if isinstance(x, Indexed) else ()
        if head == target:
            sign = order(at[0], layers_of(op)[0]) if _layered(head) else 0
            if sign == 0:
                return delta_product(slots_of(x), slots_of(op)) if at else sp.S.One
        elif not self.depends(head, target):
            sign = -1
        elif _layered(head) and _layered(target):
            sign = order(at[0] + self.reach[head, target], layers_of(op)[0])
        else:
            sign = 1
        if sign is None and head == target and head not in self.definitions:
            raise ValueError(f"whether layer {at[0]} is layer {layers_of(op)[0]} is not decided by the assumptions")
        if sign == -1 or not self._defined_at(x):
            return sp.S.Zero
        if sign is None and any(c != 0 for q, c in self.mentions[head] if q in self.definitions and _layered(q)):
            return D.named(x)  # one layer further is another layer number, and so on without end
        return D.raw(self.body(x))

    def _defined_at(self, x: Expr) -> bool:
        head = _head(x)
        if head not in self.definitions:
            return False
        if not _layered(head):
            return True
        assert self.layers is not None
        return order(layers_of(x)[0], self.layers[0]) != -1

    # ---------------------------------------------------------------------------------------- the backward pass
    def direct(self, user: Expr, x: Expr, /) -> Expr:
        """The derivative of what ``user`` stands for by ``x``, where it mentions it: all else is held fixed."""
        return _Partial(x)(self.body(user))

    def users(self, x: Expr, /) -> list[tuple[Expr, tuple[tuple[Dummy, Expr], ...]]]:
        """What mentions ``x``, and the indices, with their sizes, over which its entries are summed.

        Where it is not known that a layer above is there, it is taken to be, and that is reported as a condition.

        Errors: ValueError where it is not known whether a layer that is mentioned by its number is that of ``x``.
        """
        out = []
        for head, found in self.mentions.items():
            for at in [at for other, at in found if other == _head(x)]:
                layers: tuple[Expr, ...] = ()
                letters: list[tuple[Dummy, Expr]] = []
                if _layered(head):
                    assert self.layers is not None
                    if at is None:  # shared by all layers
                        t = Dummy("s", integer=True)
                        letters.append((t, self.layers[1]))
                        layers = (t,)
                    else:
                        layers = (sp.expand(layers_of(x)[0] - at),)
                        if order(layers[0], self.layers[1]) == 1:
                            continue
                        if order(layers[0], self.layers[1]) is None:
                            below = [sp.expand(self.layers[1] - layers_of(x)[0] - s) for s in range(-int(at))]
                            report(*[Ground("condition", gap) for gap in below])
                elif at is not None and order(at, layers_of(x)[0]) != 0:
                    self._require_below(at, layers_of(x)[0], _name(head))
                    continue
                sizes = head.sizes(*layers) if isinstance(head, Tensor) else ()
                slots = [Dummy(name, integer=True) for name in "krst"[: len(sizes)]]
                letters = list(zip(slots, sizes, strict=True)) + letters
                out.append((head[(*layers, *slots)] if isinstance(head, Tensor) else head, tuple(letters)))
        return out

    def _require_below(self, at: Expr, layer: Expr, user: str) -> None:
        """Refuse a layer that may be the one with number ``at``; the last one is left out, on this condition."""
        if order(at, layer) is not None:
            return
        if self.layers is None or at != self.layers[1]:
            raise ValueError(f"{user} mentions layer {at}, and whether that is layer {layer} is not decided")
        report(Ground("condition", sp.expand(at - layer)))

    def signal(self, x: Expr, error: Any, /) -> Steps:
        r"""$\partial E/\partial x$ from the signals of everything that mentions $x$: one step of the backward pass.

        In a layered network, ``x`` in a layer of which it isn't known that it's the last one is in an earlier one; the
        chain has that as a condition.

        Errors: ValueError where a layer that is mentioned by its number may be that of ``x``.
        """
        D = _Backward(x, error, self)
        s = Steps(Diff(x, error))
        s.then(D.through_users(), "chain rule", by=D)
        return s.then(tidy(s.result, (x,)), "contract")


# What follows from definitions is computed by these three, and is no rule that somebody gives.
class ByDefinitions(Derivation):
    r"""$\partial/\partial\,$op, everything by an architecture's definitions, or by the rules given besides.

    >>> x, y = Tensor("x", shape=(3,), independent=True), Tensor("y", shape=(3,))
    >>> ByDefinitions(x[1], Architecture({y: lambda i: x[i] ** 2}))(y[1])
    2*x[1]
    """

    def __init__(self, op: Any, architecture: Architecture, rules: Mapping[Any, Any] | None = None, /) -> None:
        super().__init__(op, rules)
        self.architecture = architecture

    def _without_rule(self, head: Any, e: Expr) -> Expr:
        if head not in self.architecture.free and head not in self.architecture.definitions:
            return super()._without_rule(head, e)
        found = self.architecture.derivative(e, self)
        self._varies(head, e, found)
        return found


class _Partial(Derivation):
    """The derivative by a quantity where it is mentioned: everything else is held fixed."""

    def _without_rule(self, head: Any, e: Expr) -> Expr:
        apart = head != _head(self.op) or (_layered(head) and order(layers_of(e)[0], layers_of(self.op)[0]) != 0)
        if apart:
            return sp.S.Zero
        return delta_product(slots_of(e), slots_of(self.op)) if isinstance(e, Indexed) else sp.S.One


class _Backward(Derivation):
    """The derivative of the error by a quantity, through everything that mentions it."""

    def __init__(self, x: Expr, error: Any, architecture: Architecture) -> None:
        super().__init__(x, {})
        self.error, self.architecture = error, architecture

    def through_users(self) -> Expr:
        """The chain rule: what mentions the variable, by what it hands on."""

        def one(user: Expr, letters: Any) -> Expr:
            slope = sp.S.One if user == self.error else Diff(user, self.error)
            term = self.architecture.direct(user, self.op) * slope
            return sp.Sum(term, *[(s, 1, size) for s, size in letters]) if letters else term

        return freshen(Add(*[one(*pair) for pair in self.architecture.users(self.op)]))

    def _without_rule(self, head: Any, e: Expr) -> Expr:
        return self.through_users() if head == self.error else super()._without_rule(head, e)


def _variable(q: Symbol) -> bool:
    """Whether a letter without indices is a quantity: integers are sizes, layer numbers and indices."""
    return not isinstance(q, Dummy) and not q.is_integer


def _head(x: Expr) -> Any:
    return x.base if isinstance(x, Indexed) else x


def _layered(head: Any) -> bool:
    return isinstance(head, Tensor) and head.layers == 1


def _name(head: Any) -> str:
    return getattr(head, "name_", str(head))
