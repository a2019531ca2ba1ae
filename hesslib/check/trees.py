"""Points that are no single array: a dictionary, list or tuple of arrays, or an object that JAX knows as a tree.

The arrays are laid out in one vector, in the order of ``jax.flatten_util.ravel_pytree`` for arrays of JAX and of any
object that JAX knows, and in the order in which they stand there for all others, as ``named_parameters`` has them. Each
array is a block of the report, under its own name. Claimed results may be trees of the same form.

Longer than one sitting: each kind of tree, there and back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from array_api_compat import is_jax_array

from hesslib._arrays import to_numpy
from hesslib.check.blocks import Blocks
from hesslib.check.libraries import from_numpy, library_of


@dataclass(frozen=True, eq=False)
class Tree:
    """Arrays under their names, and the way from a vector to the structure they stand in.

    `rebuilt` makes the structure of new arrays; `parts` gives what a structure of the same form has in the place of
    each array, and raises ValueError for one of another form.
    """

    names: tuple[str, ...]
    arrays: tuple[Any, ...]
    rebuilt: Callable[[list[Any]], Any]
    parts: Callable[[Any], list[Any]]
    orders_differ: bool = False  # whether a vector of the user may be in another order

    @cached_property
    def shapes(self) -> list[tuple[int, ...]]:
        return [tuple(np.shape(array)) for array in self.arrays]

    @cached_property
    def sizes(self) -> list[int]:
        return [int(np.prod(shape, dtype=int)) for shape in self.shapes]

    @property
    def blocks(self) -> Blocks:
        """The arrays as blocks, but for those that are empty."""
        return Blocks.of_sizes([(name, size) for name, size in zip(self.names, self.sizes, strict=True) if size])

    @property
    def vector(self) -> Any:
        """All numbers in one vector, in the library of the arrays."""
        flat = np.concatenate([_numbers(name, a).reshape(-1) for name, a in zip(self.names, self.arrays, strict=True)])
        return from_numpy(flat, self.library)

    @property
    def library(self) -> str:
        """The one library of the arrays; NumPy's and plain numbers may stand beside those of another."""
        kinds = {library_of(array) for array in self.arrays} - {"numpy"}
        if len(kinds) > 1:
            raise ValueError(f"x has arrays of {' and '.join(sorted(kinds))}; they must come from one library")
        return kinds.pop() if kinds else "numpy"

    def unflatten(self, v: Any) -> Any:
        """The structure with the numbers of a vector."""
        ends = list(accumulate(self.sizes, initial=0))
        parts = [v[a:b].reshape(shape) for (a, b), shape in zip(pairwise(ends), self.shapes, strict=True)]
        if library_of(v) == "torch":
            parts = [part.to(getattr(a, "device", part.device)) for part, a in zip(parts, self.arrays, strict=True)]
        return self.rebuilt(parts)

    def has_form_of(self, other: Any) -> bool:
        """Whether something is a structure of the same form."""
        try:
            self.parts(other)
        except ValueError:
            return False
        return True

    def flatten(self, what: str, value: Any, axes: Sequence[bool], outputs: tuple[int, ...]) -> np.ndarray:
        """A derivative as one array: `axes` tells of each of its axes whether parameters have it, or the outputs.

        It may be a tree of the form of the point, a tree of such trees for second derivatives, or an array already.
        """
        if is_array(value):
            if self.orders_differ and any(axes):
                raise ValueError(
                    f"{what} is one array, and the keys of x stand in another order than JAX sorts them in; give it as "
                    "a dictionary with the keys of x"
                )
            return to_numpy(value)
        names, shapes = self.names, self.shapes
        lead = () if axes[0] else outputs
        rows = self.parts(value)
        if sum(axes) == 1:
            blocks = [
                _block(what, name, part, lead, shape).reshape(*((-1,) if lead else ()), size)
                for name, part, shape, size in zip(names, rows, shapes, self.sizes, strict=True)
            ]
            return np.concatenate(blocks, axis=-1)
        table = []
        for name, row, shape, size in zip(names, rows, shapes, self.sizes, strict=True):
            blocks = [
                _block(what, f"{name}, {other}", part, shape, other_shape).reshape(size, other_size)
                for other, part, other_shape, other_size in zip(names, self.parts(row), shapes, self.sizes, strict=True)
            ]
            table.append(np.concatenate(blocks, axis=1))
        return np.concatenate(table, axis=0)


def is_array(x: Any) -> bool:
    """Whether something is an array, a number, or a nested list of numbers."""
    if isinstance(x, Mapping):
        return False
    if isinstance(x, list | tuple):
        return all(map(_is_number, x))
    return hasattr(x, "shape") or hasattr(x, "__array__") or isinstance(x, bool | int | float | complex)


def _is_number(x: Any) -> bool:
    if isinstance(x, list | tuple):
        return all(map(_is_number, x))
    return isinstance(x, bool | int | float | complex | np.generic)


def tree_of(x: Any) -> Tree | None:
    """The tree that a point is; None for an array.

    Raises ValueError if it is neither.
    """
    if is_array(x):
        return None
    found = list(_walk(x, ""))
    jax = sys.modules.get("jax")
    foreign = [leaf for _, leaf in found if not is_array(leaf)]
    if jax is not None and (any(is_jax_array(leaf) for _, leaf in found) or any(map(_known_to_jax, foreign))):
        return _of_jax(x)
    if foreign or not found:
        kind = type(foreign[0]).__name__ if foreign else f"{type(x).__name__} without arrays"
        where = next((name for name, leaf in found if not is_array(leaf)), "")
        place = f"x[{where!r}]" if where else "x"
        raise ValueError(f"{place} is a {kind}; it must be an array, or a dictionary, list or tuple of arrays")
    names, arrays = zip(*found, strict=True)
    for name, array in found:
        _numbers(name, array)
    sorted_too = [name for name, _ in _walk(x, "", by_key=True)] == list(names)
    of_torch = any(library_of(array) == "torch" for array in arrays)

    def parts(other: Any) -> list[Any]:
        return list(_alongside(x, other, ""))

    return Tree(names, arrays, lambda new: _rebuilt(x, iter(new)), parts, not (sorted_too or of_torch))


def _numbers(name: str, array: Any) -> np.ndarray:
    numbers = to_numpy(array)
    if numbers.dtype.kind == "i" and isinstance(array, int):
        numbers = numbers.astype(np.float64)
    if numbers.dtype.kind != "f":
        raise ValueError(f"x[{name!r}] has dtype {numbers.dtype}; it must be real floating (float32, float64)")
    return numbers


def _block(what: str, name: str, part: Any, lead: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    if part is None:
        raise ValueError(f"{what} has nothing at {name}; it must have an array of shape {(*lead, *shape)}")
    array = to_numpy(part)
    if array.shape != (*lead, *shape):
        raise ValueError(f"{what} has shape {array.shape} at {name}; it must be {(*lead, *shape)}")
    return array


def _children(x: Any, by_key: bool = False) -> list[tuple[Any, Any]] | None:
    """The keys and values of a plain container; None for anything else."""
    if isinstance(x, Mapping):
        return sorted(x.items(), key=lambda item: str(item[0])) if by_key else list(x.items())
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return list(zip(x._fields, x, strict=True))
    return list(enumerate(x)) if isinstance(x, list | tuple) else None


def _join(place: str, key: Any) -> str:
    return f"{place}.{key}" if place else str(key)


def _walk(x: Any, place: str, by_key: bool = False) -> Iterator[tuple[str, Any]]:
    """Every leaf with its name; None is no leaf."""
    children = _children(x, by_key)
    if children is None:
        if x is not None:
            yield place, x
        return
    for key, child in children:
        yield from _walk(child, _join(place, key), by_key)


def _rebuilt(x: Any, new: Iterator[Any]) -> Any:
    """The same containers with new leaves."""
    children = _children(x)
    if children is None:
        return None if x is None else next(new)
    made = [(key, _rebuilt(child, new)) for key, child in children]
    if isinstance(x, Mapping):
        kind: Any = type(x)
        return kind(made)
    values = [value for _, value in made]
    return type(x)(*values) if hasattr(x, "_fields") else type(x)(values)


def _alongside(x: Any, other: Any, place: str) -> Iterator[Any]:
    """What another structure has in the places of the leaves of this one."""
    children = _children(x)
    if children is None:
        if x is not None:
            yield other
        return
    if isinstance(x, Mapping):
        if not isinstance(other, Mapping) or set(other) != set(x):
            keys = ", ".join(map(str, x))
            raise ValueError(f"claimed has {_describe(other)} in the place of a dictionary of {keys}")
        for key, child in children:
            yield from _alongside(child, other[key], _join(place, key))
        return
    if not isinstance(other, list | tuple) or len(other) != len(children):
        raise ValueError(f"claimed has {_describe(other)} in the place of {len(children)} arrays")
    for (key, child), beside in zip(children, other, strict=True):
        yield from _alongside(child, beside, _join(place, key))


def _describe(other: Any) -> str:
    if isinstance(other, Mapping):
        return f"a dictionary of {', '.join(map(str, other))}"
    if isinstance(other, list | tuple):
        return f"a {type(other).__name__} of {len(other)}"
    return f"a {type(other).__name__}"


def _known_to_jax(x: Any) -> bool:
    jax = sys.modules["jax"]
    return not jax.tree_util.all_leaves([x])


def _of_jax(x: Any) -> Tree:
    """A tree as JAX flattens it; what is no array of floating numbers in it is held as it is."""
    jax = sys.modules["jax"]
    leaves, structure = jax.tree_util.tree_flatten_with_path(x)
    free = [(hasattr(leaf, "shape") and _is_floating(leaf)) or isinstance(leaf, float) for _, leaf in leaves]
    if not any(free):
        raise ValueError(f"x is a {type(x).__name__} without arrays of floating numbers; it must have at least one")

    def rebuilt(new: list[Any]) -> Any:
        arrays = iter(new)
        both = zip(leaves, free, strict=True)
        return jax.tree_util.tree_unflatten(structure, [next(arrays) if one else leaf for (_, leaf), one in both])

    def parts(other: Any) -> list[Any]:
        found = dict(_paths(other))
        if structure == jax.tree_util.tree_structure(other):
            return [beside for beside, one in zip(jax.tree_util.tree_leaves(other), free, strict=True) if one]
        try:
            beside = structure.flatten_up_to(other)
        except (ValueError, TypeError):
            # a gradient of Equinox's kind has None where there is nothing to differentiate
            beside = [found.get(_path(path)) for path, _ in leaves]
            if not found or set(found) - {_path(path) for path, _ in leaves}:
                raise ValueError(f"claimed is {_describe(other)} of another form than x") from None
        return [part for part, one in zip(beside, free, strict=True) if one]

    names = tuple(_path(path) for (path, _), one in zip(leaves, free, strict=True) if one)
    return Tree(names, tuple(leaf for (_, leaf), one in zip(leaves, free, strict=True) if one), rebuilt, parts)


def _is_floating(leaf: Any) -> bool:
    return str(leaf.dtype).removeprefix("torch.").startswith(("float", "bfloat"))


def _paths(tree: Any) -> list[tuple[str, Any]]:
    return [(_path(path), leaf) for path, leaf in sys.modules["jax"].tree_util.tree_flatten_with_path(tree)[0]]


def _path(path: Any) -> str:
    """layers.0.weight, of the keys on the way."""
    keys = [getattr(key, attribute) for key in path for attribute in ("key", "idx", "name") if hasattr(key, attribute)]
    return ".".join(map(str, keys)) or "x"
