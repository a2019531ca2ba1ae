"""Automatic differentiation in JAX or PyTorch as a referee, in two orders of composition.

A library is imported when it is first used. The two orders go through different rules of the library: forward over
reverse pushes a tangent through the reverse pass, reverse over reverse differentiates it backward once more.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from hesslib._arrays import to_numpy
from hesslib.check.libraries import from_numpy
from hesslib.convert.double_precision import in_double

Mode = Literal["forward", "reverse"]
Function = Callable[[Any], Any]


class Autodiff(ABC):
    """Derivatives of a function of one flat array, NumPy in and NumPy out; `mode` is that of the outer pass."""

    name: str
    library: str

    def first(self, f: Function, x: np.ndarray, mode: Mode) -> np.ndarray:
        """Return df/dx, (*out, p)."""
        return self._run(self._jacobian(f, mode), x)

    def second(self, f: Function, x: np.ndarray, mode: Mode) -> np.ndarray:
        """Return the Hessian (p, p) of a scalar, or (*out, p, p)."""
        return self._run(self._twice(f, mode), x)

    def times(self, f: Function, x: np.ndarray, V: np.ndarray, mode: Mode) -> np.ndarray:
        """Return the Hessian of a scalar times the columns of V, (p, s)."""
        return self._run(lambda x: self._products(f, x, from_numpy(V.astype(x_dtype(x)), self.library), mode), x)

    def own_rules(self, f: Function, x: np.ndarray) -> tuple[str, ...]:
        """The names of derivative rules that the user wrote, where the library tells them; they are no referee."""
        return ()

    def _run(self, compute: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
        with in_double(self.library):
            return to_numpy(self._compile(compute, from_numpy(x, self.library))).astype(np.float64)

    def _compile(self, compute: Callable[[Any], Any], x: Any) -> Any:
        return compute(x)

    @abstractmethod
    def _jacobian(self, f: Function, mode: Mode) -> Function: ...

    @abstractmethod
    def _twice(self, f: Function, mode: Mode) -> Function: ...

    @abstractmethod
    def _products(self, f: Function, x: Any, V: Any, mode: Mode) -> Any: ...


def x_dtype(x: Any) -> str:
    """Return the name of a dtype, the same for every library."""
    return str(x.dtype).removeprefix("torch.")


class Jax(Autodiff):
    """JAX."""

    name, library = "JAX", "jax"

    def _compile(self, compute: Callable[[Any], Any], x: Any) -> Any:
        import jax

        try:
            return jax.jit(compute)(x)
        except TypeError:  # the function asks for values as it runs, which it has only outside jit
            return compute(x)

    def _jacobian(self, f: Function, mode: Mode) -> Function:
        import jax

        return jax.jacfwd(f) if mode == "forward" else jax.jacrev(f)

    def _twice(self, f: Function, mode: Mode) -> Function:
        return self._jacobian(self._jacobian(f, "reverse"), mode)

    def _products(self, f: Function, x: Any, V: Any, mode: Mode) -> Any:
        import jax

        g = jax.grad(f)
        if mode == "forward":
            return jax.vmap(lambda v: jax.jvp(g, (x,), (v,))[1], in_axes=1, out_axes=1)(V)
        return jax.vmap(lambda v: jax.grad(lambda x: g(x) @ v)(x), in_axes=1, out_axes=1)(V)


class Torch(Autodiff):
    """PyTorch: `torch.func` for forward passes, the plain tape, row by row, for reverse ones."""

    name, library = "PyTorch", "torch"

    def own_rules(self, f: Function, x: np.ndarray) -> tuple[str, ...]:
        import torch

        waiting: list[Any] = [f(from_numpy(x, self.library).requires_grad_()).grad_fn]
        seen: set[Any] = set()
        found: dict[str, None] = {}
        while waiting:
            node = waiting.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            if isinstance(node, torch.autograd.function.BackwardCFunction):
                found[type(node).__name__.removesuffix("Backward")] = None
            waiting += [before for before, _ in node.next_functions]
        return tuple(found)

    def _compile(self, compute: Callable[[Any], Any], x: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of its own parts, which forward mode loads when used
            return compute(x)

    def _jacobian(self, f: Function, mode: Mode) -> Function:
        import torch

        return torch.func.jacfwd(f) if mode == "forward" else _by_tape(f)

    def _twice(self, f: Function, mode: Mode) -> Function:
        import torch

        return torch.func.jacfwd(torch.func.jacrev(f)) if mode == "forward" else _by_tape(_by_tape(f))

    def _products(self, f: Function, x: Any, V: Any, mode: Mode) -> Any:
        import torch

        if mode == "forward":
            g = torch.func.grad(f)
            return torch.stack([torch.func.jvp(g, (x,), (v,))[1] for v in V.T], dim=1)
        leaf = x.clone().requires_grad_()
        slope = _row(f(leaf), leaf)
        return torch.stack([_row(slope @ v, leaf) for v in V.T], dim=1)


def _by_tape(f: Function) -> Function:
    """The Jacobian row by row: asks of f no more than that it can be differentiated."""

    def jacobian(x: Any) -> Any:
        import torch

        leaf = x if x.requires_grad else x.clone().requires_grad_()
        y = f(leaf)
        return torch.stack([_row(y_o, leaf) for y_o in y.reshape(-1)]).reshape(*y.shape, *x.shape)

    return jacobian


def _row(y: Any, x: Any) -> Any:
    import torch

    if not y.requires_grad:  # a constant
        return torch.zeros_like(x)
    return torch.autograd.grad(y, x, create_graph=True, materialize_grads=True)[0]


BACKENDS: dict[str, type[Autodiff]] = {"jax": Jax, "torch": Torch}


def backend_for(library: str, any_library: bool) -> Autodiff | None:
    """The library a function is written in; for one that runs in every library, the one in use, or else installed."""
    if library in BACKENDS:
        return BACKENDS[library]()
    if not any_library:
        return None
    # PyTorch first: it has nothing to compile before a function is differentiated the first time
    for name in sorted(("torch", "jax"), key=lambda name: name not in sys.modules):
        if importlib.util.find_spec(name) is not None:
            return BACKENDS[name]()
    return None
