"""From what is given to a check, a function or a network with its data, to the subject that referees work on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hesslib._arrays import to_numpy
from hesslib.check.libraries import from_numpy, library_of
from hesslib.check.modules import is_module, problem_of, subject_of_module
from hesslib.check.subject import Subject, of_function, of_network
from hesslib.check.trees import is_array
from hesslib.convert.problem import NetworkProblem
from hesslib.networks.model import Model
from hesslib.networks.network import forward

Function = Callable[[Any], Any]
FunctionOrModel = Function | tuple[Any, ...] | NetworkProblem


def words(f: Any, subject: Subject) -> str:
    """What is differentiated, in words."""
    here = subject.network
    if subject.words:
        return subject.words
    if here is None:
        return getattr(f, "__name__", "f") if callable(f) else "(model, loss)"
    scale = f"{here.factor:.6g} times the sum" if here.factor != 1 else "the sum"
    return (
        f"{here.problem.net!r}, {scale} over {len(here.x)} patterns" if here.t is not None else f"{here.problem.net!r}"
    )


def subject_of(
    f: Any,
    x: Any,
    what: str,
    reduction: str,
    blocks: Any,
    *,
    loss: Any = None,
    batch: Any = None,
    has_aux: bool = False,
) -> Subject:
    """A function at `x`; the error of a network ("error") or its pre-activations ("outputs") as functions of `w`.

    Or the loss of a model of PyTorch ("error") or what it gives ("outputs") as a function of its parameters.
    """
    if reduction not in ("sum", "mean"):
        raise ValueError(f"reduction is {reduction!r}; it must be 'sum' or 'mean'")
    if is_module(f) and (batch is not None or loss is not None):
        if reduction != "sum" or has_aux:
            option = "has_aux is True" if has_aux else f"reduction is {reduction!r}"
            raise ValueError(f"{option}; a model has the reduction of its loss, which gives a number")
        if x is not None:
            raise ValueError("x is given beside a model; a model brings its own point, its parameters")
        problem = problem_of(f, loss, batch)
        return subject_of_module(problem, what, blocks)
    if batch is not None or loss is not None:
        name = "batch" if batch is not None else "loss"
        raise ValueError(
            f"{name} is given, and f is a {type(f).__name__}; it is for a torch.nn.Module. Let f be a function of the "
            "parameters alone: lambda params: loss(model(params, x), t)"
        )
    if x is None:
        raise ValueError("x is missing; it must be the point at which f is differentiated")
    if isinstance(f, NetworkProblem):
        network = f
    elif isinstance(f, tuple):
        if len(f) not in (2, 3) or not isinstance(f[0], Model):
            raise ValueError("f is a tuple; it must be (net, x, t) with a Network or a Chain first")
        network = NetworkProblem(f[0], f[1], f[2] if len(f) == 3 else None)
    else:
        if reduction != "sum":
            raise ValueError("reduction is 'mean'; it is for (net, x, t): a function has its own")
        return of_function(f, x, blocks, has_aux=has_aux)
    if has_aux:
        raise ValueError("has_aux is True; it is for functions, and a network gives no pair")
    if what == "error" and network.t is None:
        raise ValueError("f has no targets; it must be (net, x, t)")
    if reduction == "mean":
        factor = network.factor / network.x.shape[0]
        network = NetworkProblem(network.net, network.x, network.t, factor, network.order, network.names)
    return of_network(network, x, what, blocks)


def subject_of_inputs(f: Any, x: Any, blocks: Any) -> Subject:
    """A function of points, or the outputs of ``(net, w)``, as a function of one shift of all points."""
    if isinstance(f, tuple):
        if len(f) != 2 or not isinstance(f[0], Model):
            raise ValueError("f is a tuple; it must be (net, w) with a Network or a Chain first")
        net, w = f
        return of_network(NetworkProblem(net, x, None), w, "inputs", blocks)
    if not callable(f):
        raise ValueError(f"f is a {type(f).__name__}; it must be a function of an array, or (net, w)")  # noqa: TRY004
    if not is_array(x):
        raise ValueError(f"x is a {type(x).__name__}; it must be an array of points, (D,) or (N, D)")
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
        hint = "; for a pair (value, aux) say has_aux=True" if shape == (2,) else ""
        raise ValueError(f"f gives shape {shape}; it must give a number{hint}")
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
