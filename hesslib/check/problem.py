"""From what is given to a check, a function or a network with its data, to the subject that referees work on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hesslib._arrays import to_numpy
from hesslib.check.libraries import from_numpy, library_of
from hesslib.check.subject import Subject, of_function, of_network
from hesslib.convert.problem import NetworkProblem
from hesslib.networks.network import Network, forward

Function = Callable[[Any], Any]
Problem = Function | tuple[Any, ...] | NetworkProblem


def words(f: Any, subject: Subject) -> str:
    """What is differentiated, in words."""
    here = subject.network
    if here is None:
        return getattr(f, "__name__", "f") if callable(f) else "(model, loss)"
    scale = f"{here.factor:.6g} times the sum" if here.factor != 1 else "the sum"
    return (
        f"{here.problem.net!r}, {scale} over {len(here.x)} patterns" if here.t is not None else f"{here.problem.net!r}"
    )


def subject_of(f: Any, x: Any, what: str, reduction: str, blocks: Any) -> Subject:
    """A function at `x`, or the error of a network ("error") or its pre-activations ("outputs") as functions of `w`."""
    if isinstance(f, NetworkProblem):
        problem = f
    elif isinstance(f, tuple):
        if len(f) not in (2, 3) or not isinstance(f[0], Network):
            raise ValueError("f is a tuple; it must be (net, x, t) with a Network first")
        problem = NetworkProblem(f[0], f[1], f[2] if len(f) == 3 else None)
    else:
        return of_function(f, x, blocks)
    if what == "error" and problem.t is None:
        raise ValueError("f has no targets; it must be (net, x, t)")
    if reduction not in ("sum", "mean"):
        raise ValueError(f"reduction is {reduction!r}; it must be 'sum' or 'mean'")
    if reduction == "mean":
        factor = problem.factor / problem.x.shape[0]
        problem = NetworkProblem(problem.net, problem.x, problem.t, factor, problem.order, problem.names)
    return of_network(problem, x, what, blocks)


def subject_of_inputs(f: Any, x: Any, blocks: Any) -> Subject:
    """A function of points, or the outputs of ``(net, w)``, as a function of one shift of all points."""
    if isinstance(f, tuple):
        if len(f) != 2 or not isinstance(f[0], Network):
            raise ValueError("f is a tuple; it must be (net, w) with a Network first")
        net, w = f
        return of_network(NetworkProblem(net, x, None), w, "inputs", blocks)
    if not callable(f):
        raise ValueError(f"f is a {type(f).__name__}; it must be a function of an array, or (net, w)")  # noqa: TRY004
    return _of_shift(f, x, blocks)


def _of_shift(f: Function, x: Any, blocks: Any) -> Subject:
    """The function of one shift of all points."""
    points = to_numpy(x)
    if points.ndim not in (1, 2):
        raise ValueError(f"x has shape {points.shape}; it must be (D,) or (N, D)")
    library, D = library_of(x), points.shape[-1]
    dtype = points.dtype if points.dtype.kind == "f" else np.dtype(np.float64)

    def shifted(r: Any) -> Any:
        own = library_of(r)
        return f(from_numpy(points.astype(str(r.dtype).removeprefix("torch.")), own) + r)

    zero = from_numpy(np.zeros(D, dtype), library)
    subject = of_function(shifted, zero, blocks)
    subject.sizes = {"D": float(D)}
    return subject


def scalar(subject: Subject) -> tuple[int, ...]:
    """The shape () of a number; a function that gives one number in an array gives it bare from now on."""
    shape = subject.values(subject.point).shape
    if int(np.prod(shape, dtype=int)) != 1:
        raise ValueError(f"f gives shape {shape}; it must give a number")
    if shape:
        function = subject.function
        subject.function = lambda x: function(x).reshape(())
    return ()


def loss_of_shift(subject: Subject) -> Function:
    """The errors of the patterns as a function of one shift (K,) of all their pre-activations."""
    here = subject.network
    assert here is not None
    if here.t is None:
        raise ValueError("f has no targets; it must be (net, x, t)")
    net, factor = here.problem.net, here.factor
    a = forward(net, here.w, here.x).a[-1]
    t = net.loss.targets(here.t, a)

    def loss(r: Any) -> Any:
        library = library_of(r)
        return factor * net.loss.pattern_errors(from_numpy(a, library) + r, from_numpy(t, library))

    return loss
