r"""From a derived formula to a program: every term becomes one ``einsum`` over a batch of patterns.

Nothing is typed again: the contraction pattern is read off the expression that was proved. Quantities that belong
to a pattern carry the batch axis ``n``; where the target does not, the patterns are summed.

Longer than one sitting: one translation, from term to line of code.
"""

from __future__ import annotations

import contextlib
import string
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sympy as sp
from sympy import Expr, Indexed

from .domains import slots
from .index import Diff, Elementwise, KroneckerDelta, Operator, Tensor, Width, layers_of, letters_of, slots_of
from .normal import flatten
from .ranges import sizes_of
from .terms import Term, key

__all__ = ["NoCodeError", "Program", "source"]

FUNCTIONS = (sp.exp, sp.log, sp.sin, sp.cos, sp.tan, sp.sinh, sp.cosh, sp.tanh)
"""The functions that every array library has under the name that SymPy gives them."""

BATCH = "n"
"""The letter of the batch axis in every einsum."""


class NoCodeError(TypeError):
    """The expression contains something that has no array counterpart."""


def source(e: Any, /, *free: Expr, batch: bool = False, sizes: Mapping[Expr, Expr] | None = None) -> str:
    """Python source of the array of ``e`` over the indices ``free``, with a batch axis in front if ``batch``.

    ``sizes`` are those of free indices that the formula itself says nothing of.

    >>> from .index import S, Tensor, index
    >>> i, j, N = *index("i j"), sp.Symbol("N", integer=True)
    >>> A, x = Tensor("A", shape=(N, N)), Tensor("x", shape=(N,), pattern=True)
    >>> source(S("j", N, lambda j: A[i, j] * x[j]), i, batch=True)
    "einsum('ij,nj->ni', A, x)"

    Errors: `NoCodeError` if something has no array counterpart.
    """
    require_names(sp.sympify(e))
    found = flatten(e)
    known = dict(sizes or {})  # a term that lacks an index is an array along it all the same
    for t in found.values():
        known |= sizes_of(t.factors, t.dummies)
    pieces = [_term_source(t, free, batch, known) for _, t in sorted(found.items(), key=_piece_order)]
    return " + ".join(pieces).replace("+ -", "- ") or "0"


FUNCTION_NAMES = ("einsum", "eye", "ones", "sqrt", *[f.__name__ for f in FUNCTIONS])
"""What a program has these names for."""


def require_names(e: Expr, known: dict[str, Any] | None = None, /) -> None:
    """Refuse a formula in which two quantities would have one name in a program; ``known`` are the names before.

    Errors: `NoCodeError`.
    """
    names: dict[str, Any] = {} if known is None else known
    name: str
    what: Any
    for x in sorted(e.atoms(Indexed, sp.Symbol, Diff, Elementwise), key=key):
        if isinstance(x, Indexed) and isinstance(x.base, Tensor):
            name, what = x.base.name_, x.base
        elif isinstance(x, Elementwise):
            name, what = f"{x.stem}{x.order}", type(x)
        elif isinstance(x, Diff) and isinstance(x.op, Operator) and isinstance(x.operand, Indexed):
            what = x.op, x.operand.base
            name = x.op.name + getattr(x.operand.base, "name_", "")
        elif isinstance(x, sp.Symbol) and not isinstance(x, (sp.Dummy, Operator)) and not x.is_integer:
            name, what = x.name, x
        else:
            continue
        if name in FUNCTION_NAMES or names.setdefault(name, what) != what:
            raise NoCodeError(f"two quantities of a program would have the name {name}")


def _require_whole(t: Term, free: tuple[Expr, ...]) -> None:
    """Refuse a sum over a part of a slot, a number in a slot, and an index that is a factor.

    Errors: `NoCodeError`.
    """
    for x, _, p, size in slots(t.factors):
        if not isinstance(p, sp.Symbol):
            raise NoCodeError(f"no array counterpart for the index {p} of {x}")
        if p in t.dummies and sp.expand(t.dummies[p] - size) != 0:
            raise NoCodeError(f"{x} is summed to {t.dummies[p]} only; its index runs to {size}")
    if indices := letters_of(t.coeff) & set(free):
        raise NoCodeError(f"no array counterpart for the index {min(map(str, indices))} as a factor")


def _piece_order(item: tuple[tuple, Term]) -> tuple[int, str]:
    """Long products first."""
    return (-len(item[1].factors), str(item[0]))


def _term_source(t: Term, free: tuple[Expr, ...], batch: bool, known: dict[Expr, Expr]) -> str:
    _require_whole(t, free)
    letters: dict[Expr, str] = {}

    def letter(s: Expr) -> str:
        if s not in letters:
            pool = s.name[0] + string.ascii_lowercase + string.ascii_uppercase
            letters[s] = next(c for c in pool if c in string.ascii_letters and c != BATCH and c not in letters.values())
        return letters[s]

    for s in free:
        letter(s)
    operands: list[str] = []
    subscripts: list[str] = []
    sizes = known | sizes_of(t.factors, t.dummies)
    for f in sorted(t.factors, key=_operand_order):
        name, axes, pattern = _operand(f, sizes)
        operands.append(name)
        subscripts.append((BATCH if pattern else "") + "".join(letter(s) for s in axes))
    seen = set("".join(subscripts))
    for s in free:
        if letters[s] not in seen:
            if s not in sizes:
                raise NoCodeError(f"the size of index {s} cannot be read off the formula")
            operands.append(f"ones({_plain(sizes[s])})")
            subscripts.append(letters[s])
    target = (BATCH if batch and BATCH in seen else "") + "".join(letters[s] for s in free)
    if not operands:
        return _plain(t.coeff)
    # A sum with a single free operand is that operand: the array itself reads better than an einsum that copies it.
    code = (
        operands[0] if subscripts == [target] else f"einsum('{','.join(subscripts)}->{target}', {', '.join(operands)})"
    )
    if t.coeff == 1:
        return code
    return f"-{code}" if t.coeff == -1 else f"{_factor(t.coeff)} * {code}"


def _operand_order(f: Expr) -> tuple[int, str]:
    return (1 if isinstance(f, Elementwise) else 0, key(f))


def _operand(f: Expr, sizes: dict[Expr, Expr]) -> tuple[str, tuple[Expr, ...], bool]:
    """Source, axes and whether there is a batch axis, of one factor."""
    if isinstance(f, Indexed) and isinstance(f.base, Tensor):
        return f.base.name_ + _layers(f), slots_of(f), f.base.pattern
    if isinstance(f, Diff) and isinstance(f.op, Operator) and isinstance(f.operand, Indexed):
        name, axes, pattern = _operand(f.operand, sizes)
        return f.op.name + name, axes, pattern
    if isinstance(f, KroneckerDelta):
        p, q = f.args
        size = sizes.get(p, sizes.get(q))
        if size is None:
            raise NoCodeError(f"the size of the delta {f} cannot be read off the formula")
        return f"eye({_plain(size)})", (p, q), False
    if isinstance(f, Elementwise):
        name, axes, pattern = _inside(f.args[0], sizes)
        return f"{f.stem}{f.order}({name})", axes, pattern
    if isinstance(f, sp.Pow) and f.exp.is_Rational:
        name, axes, pattern = _inside(f.base, sizes)
        return f"({name}) ** ({f.exp})", axes, pattern
    if isinstance(f, FUNCTIONS):
        name, axes, pattern = _inside(f.args[0], sizes)
        return f"{f.func.__name__}({name})", axes, pattern
    raise NoCodeError(f"no array counterpart for {type(f).__name__}: {f}")


def _inside(argument: Expr, sizes: dict[Expr, Expr]) -> tuple[str, tuple[Expr, ...], bool]:
    """The same of what a function is applied to, entry by entry."""
    if isinstance(argument, Indexed):
        return _operand(argument, sizes)
    axes = tuple(sorted((s for s in letters_of(argument) if s in sizes), key=key))
    pattern = any(isinstance(x.base, Tensor) and x.base.pattern for x in argument.atoms(Indexed))
    return source(argument, *axes, batch=pattern), axes, pattern


def _layers(x: Indexed) -> str:
    return "".join(f"[{_plain(y)}]" for y in layers_of(x))


def _plain(e: Expr) -> str:
    """A size, layer number or scalar as Python source: n_l is n[l]."""
    widths = [x for x in e.atoms(Indexed) if isinstance(x.base, Width)]
    names: dict[Expr, Expr] = {x: sp.Symbol(x.base.name_ + _layers(x)) for x in widths}
    numbers = {x: sp.Symbol(repr(float(x))) for x in e.atoms(sp.NumberSymbol)}  # E and pi are names of quantities
    if unknown := [f for f in e.atoms(sp.core.function.Application) if not isinstance(f, FUNCTIONS)]:
        raise NoCodeError(f"no array counterpart for {type(unknown[0]).__name__}: {unknown[0]}")
    return str(e.xreplace(names | numbers))


def _factor(e: Expr) -> str:
    return f"({_plain(e)})" if e.is_Add or not e.is_Integer else _plain(e)


class Program:
    """A function assembled from derived formulas, line by line; ``print(program.source)`` shows it.

    >>> from hesslib.derivations.network import L, a, definitions, j, l, z
    >>> forward = Program("forward", "L, w, b, z, a, h0")
    >>> with forward.loop(l, 1, L):
    ...     forward.assign(a[l, j], definitions[a](l, j))
    ...     forward.assign(z[l, j], definitions[z](l, j))
    >>> print(forward.source)
    def forward(L, w, b, z, a, h0):
        for l in range(1, L + 1):
            a[l] = einsum('ji,ni->nj', w[l], z[l - 1]) + b[l]
            z[l] = h0(a[l])
    """

    def __init__(self, name: str, arguments: str, /) -> None:
        self.name = name
        self._lines = [f"def {name}({arguments}):"]
        self._indent = 1
        self._names: dict[str, Any] = {}

    def line(self, text: str, /) -> None:
        """A line of plain Python: a base case, a return."""
        self._lines.append("    " * self._indent + text)

    @contextlib.contextmanager
    def loop(self, layer: Expr, first: Any, last: Any, /, *, down: bool = False) -> Iterator[None]:
        """A loop over layers, both ends included."""
        first, last = sp.sympify(first), sp.sympify(last)
        bounds = f"{first}, {last - 1}, -1" if down else f"{first}, {last + 1}"
        self.line(f"for {layer} in range({bounds}):")
        self._indent += 1
        yield
        self._indent -= 1

    @contextlib.contextmanager
    def loop_if(
        self, layered: bool, layer: Expr, ends: tuple[Any, Any] | None, /, *, down: bool = False
    ) -> Iterator[None]:
        """A loop over all layers, or none for what has no layers."""
        if not layered or ends is None:
            yield
            return
        first, last = ends[::-1] if down else ends
        with self.loop(layer, first, last, down=down):
            yield

    def assign(self, target: Expr, e: Any, /, *, add: bool = False) -> None:
        """``target`` becomes the array of ``e``, for each pattern if it belongs to a pattern, else summed over them.

        With ``add``, it is added to what ``target`` is.
        """
        for side in (target, sp.sympify(e)):
            require_names(side, self._names)
        name, axes, pattern = (target.name, (), False) if isinstance(target, sp.Symbol) else _operand(target, {})
        sizes = (
            dict(zip(axes, target.base.sizes(*layers_of(target)), strict=True)) if isinstance(target, Indexed) else {}
        )
        self.line(f"{name} = {f'{name} + ' if add else ''}{source(e, *axes, batch=pattern, sizes=sizes)}")

    @property
    def source(self) -> str:
        """The Python source of the function."""
        return "\n".join(self._lines)

    def function(self, xp: Any, /) -> Callable[..., Any]:
        """The function itself, with ``einsum``, ``eye``, ``ones`` and the elementary functions of ``xp``."""
        namespace = {name: getattr(xp, name) for name in FUNCTION_NAMES}
        exec(compile(self.source, f"<derived {self.name}>", "exec"), namespace)  # source is built above, from formulas
        return namespace[self.name]
