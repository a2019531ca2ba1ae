"""What is differentiated, and where, in every form that the referees need.

Longer than one sitting: each form in which a function may be given, and nothing besides.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hesslib._arrays import integers_like, namespace, to_numpy
from hesslib.check.blocks import Blocks
from hesslib.check.libraries import EPS, epsilon, from_numpy, library_of
from hesslib.check.state import Kept, find_modules
from hesslib.check.trees import Tree, tree_of
from hesslib.convert.double_precision import in_double
from hesslib.convert.problem import NetworkProblem
from hesslib.layers import Chain
from hesslib.networks.network import Network, error, forward

Others = Callable[[], Iterator[tuple[str, str, "Subject"]]]
REPRODUCED = 64  # roundings by which two values at one point may differ: sums in another order on other threads
FAILURES = (TypeError, ValueError, RuntimeError, AttributeError, NotImplementedError, IndexError, ArithmeticError)
"""What a function may raise when it is given an array it was not written for."""


@dataclass(eq=False)
class Subject:
    """A function at a point, the coordinates laid out in one vector (p,).

    `function` takes and gives arrays of `library`; `point` is float64, or float32 if the function takes nothing else.
    """

    function: Callable[[Any], Any]
    point: np.ndarray
    library: str
    blocks: Blocks
    eps: float  # of the coarsest dtype among the point and what the function gives
    shape: tuple[int, ...]  # of the point as it was given
    sizes: dict[str, float] = field(default_factory=dict)  # numbers by which a derivative may be off
    network: NetworkPoint | None = None
    random: str = ""  # what is said if f gives another value when it is called again
    calls: int = 0
    on_call: Callable[[], None] | None = None  # told of every call, for a progress bar
    compiled: Any = None  # by jax.jit; False where that failed
    noise: float = 0.0  # the relative accuracy of its values, where that is worse than their dtype
    tree: Tree | None = None  # the structure that the point has, if it is no array
    words: str = ""  # what is differentiated, where that is no plain function
    others: Others | None = None  # what may have been differentiated instead: a kind of mistake, its words, the subject

    @property
    def p(self) -> int:
        return len(self.point)

    def values(self, x: np.ndarray) -> np.ndarray:
        """The function from NumPy to NumPy."""
        self.calls += 1
        if self.on_call is not None:
            self.on_call()
        with in_double(self.library):
            return np.array(to_numpy(self._fastest(from_numpy(x, self.library))))  # copied: f may fill one buffer

    def _fastest(self, x: Any) -> Any:
        """The function compiled, if JAX can compile it."""
        if self.library != "jax" or self.compiled is False:
            return self.function(x)
        import jax

        try:
            self.compiled = self.compiled or jax.jit(self.function)
            return self.compiled(x)
        except TypeError:  # it asks for values as it runs
            self.compiled = False
            return self.function(x)

    def seconds(self) -> float:
        """How long one call takes, once everything is compiled; these calls are not counted."""
        counted, shortest = self.calls, math.inf
        for _ in range(3):
            start = time.perf_counter()
            self.values(self.point)
            shortest = min(shortest, time.perf_counter() - start)
        self.calls = counted
        return shortest


@dataclass(frozen=True, eq=False)
class NetworkPoint:
    """A network problem at a point, everything in float64 and in the order of hesslib: what closed forms work on."""

    problem: NetworkProblem
    w: np.ndarray
    x: np.ndarray
    t: np.ndarray | None
    factor: float
    index: np.ndarray  # index[k] is where coordinate k of the point lies in w

    def theirs(self, array: np.ndarray, parameter_axes: Sequence[bool], scaled: bool) -> np.ndarray:
        """Carry a derivative to the order and, if it is one of E, to the scale of the problem."""
        for axis, of_parameters in enumerate(parameter_axes):
            if of_parameters:
                array = np.take(array, self.index, axis=axis)
        return self.factor * array if scaled else array

    def ours(self, v: np.ndarray) -> np.ndarray:
        """A vector in the order of hesslib, zero at parameters that the problem does not have."""
        w = np.zeros(self.problem.net.num_parameters)
        w[self.index] = v
        return w


def of_function(
    f: Callable[[Any], Any], x: Any, blocks: Any, *, has_aux: bool = False, modules: list[Any] | None = None
) -> Subject:
    """A user's function at the point `x`, an array of any shape or a tree of arrays.

    `modules` are those of PyTorch whose state is kept, found by looking where they are not given. With `has_aux` f
    gives a pair, of which the first is differentiated.

    Raises ValueError if `f` cannot be called, or gives anything but finite numbers there.
    """
    if not callable(f):
        raise ValueError(f"f is a {type(f).__name__}; it must be a function of an array, or (net, x, t)")  # noqa: TRY004
    tree = x if isinstance(x, Tree) else tree_of(x)
    eps = epsilon(x) if tree is None else max(map(epsilon, tree.arrays))
    x = x if tree is None else tree.vector
    shape, library = _check_array(x).shape, library_of(x)
    kept = Kept(find_modules(f) if modules is None else modules)

    def given(v: Any) -> Any:
        with kept:
            value = f(v if tree is None else tree.unflatten(v))
        return _without_aux(value) if has_aux else value

    if library == "numpy" and library_of(given(_check_array(x).copy())) == "jax":
        library = "jax"  # functions of jax.numpy take NumPy arrays as well

    def flat(v: Any) -> Any:
        return given(_copy(v).reshape(shape))

    point = _check_array(x).reshape(-1)
    value, point = _first_value(flat, point, library, _check_array(x).dtype)
    numbers = _numbers(value)
    sizes = {"P": float(len(point))}
    random = _differs_when_called_again(numbers, lambda: flat(from_numpy(point, library)), library)
    if random and kept.noisy():
        random += f": {', '.join(dict.fromkeys(kept.noisy()))} in training mode, which model.eval() ends"
    eps = max(eps, epsilon(value))
    parts = tree.blocks if blocks is None and tree is not None else _blocks(blocks, len(point))
    return Subject(flat, point, library, parts, eps, shape, sizes, random=random, tree=tree)


def _without_aux(value: Any) -> Any:
    if not isinstance(value, tuple | list) or len(value) != 2:
        count = f" of {len(value)}" if isinstance(value, tuple | list) else ""
        raise ValueError(
            f"has_aux is True, and f gives a {type(value).__name__}{count}; it must give a pair: what is "
            "differentiated, and what comes with it"
        )
    return value[0]


def _numbers(value: Any) -> np.ndarray:
    """What a function gives as an array.

    Raises ValueError if that is no array of finite real numbers.
    """
    if isinstance(value, Mapping) or (isinstance(value, tuple) and not _fits_in_an_array(value)):
        hint = "; with has_aux=True the first is differentiated" if isinstance(value, tuple) and len(value) == 2 else ""
        kinds = ", ".join(type(part).__name__ for part in (value.values() if isinstance(value, Mapping) else value))
        raise ValueError(f"f gives a {type(value).__name__} of {kinds}; it must give a number, or one array{hint}")
    numbers = to_numpy(value)
    if not numbers.size:
        raise ValueError(f"f gives an array of shape {numbers.shape} at x; it must have an entry at least")
    if numbers.dtype.kind not in "biuf" or not np.isfinite(numbers).all():
        raise ValueError(f"f gives {numbers!r} at x; it must give finite real numbers")
    return numbers


def _fits_in_an_array(value: tuple[Any, ...]) -> bool:
    try:
        return to_numpy(value).dtype.kind in "biufc"
    except (ValueError, TypeError, RuntimeError):
        return False


def _differs_when_called_again(first: np.ndarray, again: Callable[[], Any], library: str) -> str:
    """What is said of a function that gives another value at the same point; empty for any other."""
    with in_double(library):
        second = np.array(to_numpy(again()))
    eps = EPS.get(str(first.dtype), 2.0**-52)
    apart = np.abs(first.astype(np.float64) - second.astype(np.float64))
    if not (apart > REPRODUCED * eps * np.max(np.abs(first), initial=0.0)).any():
        return ""
    place = np.unravel_index(int(np.argmax(apart)), apart.shape)
    return (
        f"f is random: called twice at the same x it gives {first[place]:.6g} and {second[place]:.6g}. Draw the random "
        "numbers once, outside of f, or set the seed inside it; for dropout check in evaluation mode"
    )


def _copy(v: Any) -> Any:
    """An array that f may change without changing the caller's."""
    library = library_of(v)
    return v if library == "jax" else v.clone() if library == "torch" else v.copy()


def of_network(problem: NetworkProblem, w: Any, what: str, blocks: Any) -> Subject:
    """The error of a network, its pre-activations ("outputs") or these as a function of a shift of x ("inputs")."""
    net, order = problem.net, problem.order
    index = np.arange(net.num_parameters) if order is None else order.index
    eps = max(epsilon(w), epsilon(problem.x))
    point = _check_array(w).reshape(-1).astype(np.float64)
    if point.shape != index.shape:
        raise ValueError(f"w has shape {np.shape(w)}; it must be ({len(index)},)")
    x = to_numpy(problem.x)
    x = x if x.dtype.kind in "iu" else _check_array(x).astype(np.float64)  # tokens stay integers
    t = None if problem.t is None else _targets(to_numpy(problem.t))
    here = NetworkPoint(problem, np.zeros(0), x, t, problem.factor, index)
    here = NetworkPoint(problem, here.ours(point), x, t, problem.factor, index)
    back = np.full(net.num_parameters, len(index))
    back[index] = np.arange(len(index))

    def in_our_order(v: Any) -> Any:
        xp = namespace(v=v)
        padded = xp.concat([v, xp.zeros_like(v[:1])])  # zero for the biases that the problem does not have
        return xp.take(padded, integers_like(back, v), axis=0)

    def brought(array: np.ndarray | None, like: Any) -> Any:
        return from_numpy(np.asarray(array), library_of(like))

    if what == "error":
        error(net, here.w, x, t)  # refuses targets that do not fit, before anything is differentiated

        def function(v: Any) -> Any:
            return problem.factor * error(net, in_our_order(v), brought(x, v), brought(t, v))

    elif what == "outputs":

        def function(v: Any) -> Any:
            return forward(net, in_our_order(v), brought(x, v)).a[-1]

    else:
        point = np.zeros(math.prod(x.shape[1:]))

        def function(v: Any) -> Any:
            return forward(net, brought(here.w, v), brought(x, v) + v.reshape(x.shape[1:])).y

    N, P = x.shape[0], len(index)
    if isinstance(net, Network):
        K, L = net.widths[-1], net.L
    else:
        K, L = forward(net, here.w, x[:1]).a[-1].size, 1
    sizes = {"N": float(N), "K": float(K), "N K": float(N * K), "P": float(P), "L": float(L)}
    sizes = {"D": float(len(point)), "N": float(N)} if what == "inputs" else sizes
    parts = Blocks.ranges(len(point)) if what == "inputs" else _network_blocks(here)
    if blocks is not None:
        parts = _blocks(blocks, len(point))
    return Subject(function, point, "numpy", parts, eps, point.shape, sizes, here)


def _network_blocks(here: NetworkPoint) -> Blocks:
    net = here.problem.net
    sizes = []
    if isinstance(net, Chain):
        sizes = [(name, where.stop - where.start) for name, where in net.slices.items()]
    for l in range(1, net.L + 1) if isinstance(net, Network) else ():
        sizes += [(f"W{l}", net.widths[l] * net.widths[l - 1]), (f"b{l}", net.widths[l])]
    member = Blocks.of_sizes(sizes).member[here.index]
    present = np.unique(member)
    names = tuple(sizes[block][0] for block in present)
    return Blocks(names, np.searchsorted(present, member))


def _blocks(blocks: Any, p: int) -> Blocks:
    if blocks is None:
        return Blocks.ranges(p)
    made = blocks if isinstance(blocks, Blocks) else Blocks.of_sizes(blocks)
    if len(made.member) != p:
        raise ValueError(f"blocks have {len(made.member)} coordinates in all; x has {p}")
    return made


def _check_array(x: Any) -> np.ndarray:
    array = to_numpy(x)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    if array.dtype.kind != "f":
        raise ValueError(f"x has dtype {array.dtype}; it must be real floating (float32, float64)")
    if array.size == 0 or not np.isfinite(array).all():
        raise ValueError("x must have at least one entry, and every entry must be finite")
    return array


def _first_value(
    flat: Callable[[Any], Any], point: np.ndarray, library: str, given: np.dtype[Any]
) -> tuple[Any, np.ndarray]:
    """The value at the point in double precision, or in the dtype that was given if the function takes only that."""
    with in_double(library):
        try:
            return flat(from_numpy(point.astype(np.float64), library)), point.astype(np.float64)
        except FAILURES:
            if given == np.float64:
                raise
            return flat(from_numpy(point, library)), point


def _targets(t: np.ndarray) -> np.ndarray:
    """Targets in double precision; probabilities of single precision sum to one again."""
    if t.dtype.kind != "f" or t.dtype == np.float64:
        return t
    precise = t.astype(np.float64)
    if t.ndim == 2 and (precise >= 0).all():
        total = precise.sum(axis=1, keepdims=True)
        if np.allclose(total, 1, rtol=8 * t.shape[1] * EPS["float32"], atol=0):
            return precise / total
    return precise


def norm(v: np.ndarray) -> float:
    """The length of a vector."""
    return math.sqrt(float(v @ v))
