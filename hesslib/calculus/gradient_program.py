r"""The forward and the backward pass of an architecture as a program, read off its definitions.

The backward pass goes through the definitions in reverse. Each one, at its place, passes its signal on to everything it
mentions: that is the chain rule term by term, so that a skip, a shared weight or a branch is one more term added to a
signal. Every line is an einsum of a derived expression.
"""

from __future__ import annotations

import itertools
from typing import Any

import sympy as sp
from sympy import Expr, Indexed, Symbol

from .architecture import Architecture, _layered, _name
from .einsum_program import NoCodeError, Program
from .index import Elementwise, Tensor, Width, layers_of

__all__ = ["gradient_program", "signal_of"]


def signal_of(head: Any, /) -> Any:
    """The tensor or symbol of the signal of ``head``: what the error's derivative by it is called in a program.

    >>> signal_of(Tensor("w", layers=1, shape=lambda l: (3, 2))).sizes(1)
    (3, 2)
    """
    if isinstance(head, Symbol):
        return Symbol(f"{head.name}_bar")
    return Tensor(
        f"{head.name_}_bar",
        latex=rf"\bar{{{head.tex}}}",
        layers=head.layers,
        shape=head.sizes,
        pattern=head.pattern,
    )


def gradient_program(net: Architecture, error: Any, /, *wanted: Any, layer: Symbol | None = None) -> Program:
    r"""The program of $E$ and of its derivatives by ``wanted``: free quantities, or any others.

    Its arguments are the sizes, the free quantities (of what is layered, a list whose entry 0 is not used), the layers
    below the first, and the elementwise functions with their derivatives: ``h0``, ``h1``. It returns the error and the
    derivatives, in the order of ``wanted``.

    Errors: `NoCodeError` for what has no array counterpart, and for a quantity that depends on one pattern, is not
    declared to belong to one, and is no term of what mentions it: a program would take its sum over all patterns.

    >>> from .index import S, elementwise
    >>> x, y = Tensor("x", shape=(3,), independent=True), Tensor("y", shape=(3,))
    >>> h, E = elementwise("h"), Symbol("E")
    >>> net = Architecture({y: lambda i: h(x[i]), E: lambda: S("i", 3, lambda i: y[i] ** 2)})
    >>> print(gradient_program(net, E, x).source)
    def gradient(x, h0, h1):
        y = h0(x)
        E = einsum('i,i->', y, y)
        y_bar = 0
        x_bar = 0
        y_bar = y_bar + 2 * y
        x_bar = x_bar + einsum('a,a->a', y_bar, h1(x))
        return E, x_bar
    """
    layer = layer or Symbol("l", integer=True, positive=True)
    _require_patterns(net, error)
    signals = {head: signal_of(head) for head in (*net.definitions, *net.free) if head != error}
    program = Program("gradient", ", ".join([*_sizes(net), *_inputs(net), *_functions(net)]))
    depth = None if net.layers is None else net.layers[1]
    for head in net.definitions:
        if _layered(head):
            base = f"[{head.name_}_0]" if head in _from_below(net) else "[None]"
            program.line(f"{head.name_} = {base} + [None] * {depth}")
    groups = [list(g) for _, g in itertools.groupby(net.definitions, key=_layered)]
    for group in groups:
        with program.loop_if(_layered(group[0]), layer, net.layers):
            for head in group:
                x = _generic(head, layer)
                program.assign(x, net.body(x))
    for head in signals:
        zero = f"[0] * ({depth} + 1)" if _layered(head) else "0"
        program.line(f"{_name(signals[head])} = {zero}")
    for group in reversed(groups):
        with program.loop_if(_layered(group[0]), layer, net.layers, down=True):
            for head in reversed(group):
                _pass_on(net, program, head, error, signals, layer)
    program.line(f"return {', '.join([_name(error), *[_name(signals[head]) for head in wanted]])}")
    return program


def _of_pattern(e: Expr) -> bool:
    return any(isinstance(x.base, Tensor) and x.base.pattern for x in e.atoms(Indexed))


def _require_patterns(net: Architecture, error: Any) -> None:
    """Refuse what has a value for each pattern, and in a program would be their sum, unless it is only added."""
    layer = Symbol("l", integer=True)
    for head in net.definitions:
        if head == error or getattr(head, "pattern", False) or not _of_pattern(net.body(_generic(head, layer))):
            continue
        for user, found in net.mentions.items():
            for other, at in found:
                if other != head:
                    continue
                x = _generic(user, layer)
                y = _generic(head, sp.expand(layer + at) if _layered(user) and at is not None else at, "_")
                slope = net.direct(x, y)
                if _of_pattern(slope) or slope.has(head):
                    raise NoCodeError(
                        f"{_name(head)} depends on a pattern and {_name(user)} does more than add it; write it out "
                        "there, or declare it with pattern=True, as a Tensor"
                    )


def _pass_on(
    net: Architecture, program: Program, head: Any, error: Any, signals: dict[Any, Any], layer: Symbol
) -> None:
    """Add the signal of ``head`` to those of everything that its definition mentions."""
    x = _generic(head, layer)
    own = sp.S.One if head == error else _renamed(x, signals[head])
    for other, at in net.mentions[head]:
        y = _generic(other, sp.expand(layer + at) if _layered(head) and at is not None else at, "_")
        slope = own * net.direct(x, y)
        letters = x.indices[len(layers_of(x)) :] if isinstance(x, Indexed) else ()
        sizes = head.sizes(*layers_of(x)) if letters else ()
        summed = sp.Sum(slope, *[(s, 1, size) for s, size in zip(letters, sizes, strict=True)]) if letters else slope
        program.assign(_renamed(y, signals[other]), summed, add=True)


def _generic(head: Any, layer: Any, mark: str = "") -> Expr:
    """The quantity at ``layer`` and at index letters of its own."""
    if not isinstance(head, Tensor):
        return head
    slots = [Symbol(f"{letter}{mark}", integer=True) for letter in "abcdef"[: head.rank]]
    return head[(*([layer] if _layered(head) else []), *slots)]


def _renamed(x: Expr, signal: Any) -> Expr:
    return signal[x.indices] if isinstance(x, Indexed) else signal


def _from_below(net: Architecture) -> list[Any]:
    """The defined quantities of which the layer below the first is an input."""
    return [
        q
        for q in net.definitions
        if any(other == q and at not in (None, 0) for f in net.mentions.values() for other, at in f)
    ]


def _sizes(net: Architecture) -> list[str]:
    """The letters of sizes: of tensors, and of layers."""
    found: set[Symbol] = set() if net.layers is None else set(sp.sympify(net.layers[1]).free_symbols)
    widths: set[str] = set()
    for head in (*net.definitions, *net.free):
        if isinstance(head, Tensor):
            layer = [Symbol("_l", integer=True)] * head.layers
            for size in head.sizes(*layer):
                widths |= {x.base.name_ for x in size.atoms(Indexed) if isinstance(x.base, Width)}
                found |= {s for s in size.atoms(Symbol) if s not in layer}
    return sorted(s.name for s in found if s.is_integer and s.name not in ("_l", *widths)) + sorted(widths)


def _inputs(net: Architecture) -> list[str]:
    return [_name(head) for head in net.free] + [f"{head.name_}_0" for head in _from_below(net)]


def _functions(net: Architecture) -> list[str]:
    stems = {
        f.stem: 0
        for head in net.definitions
        for f in net.body(_generic(head, Symbol("l", integer=True))).atoms(Elementwise)
    }
    return [f"{stem}{order}" for stem in sorted(stems) for order in (0, 1)]
