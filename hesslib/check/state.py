"""Functions that use modules of PyTorch change them as they run: here every call finds them as they were.

A BatchNorm in training mode counts its batches, a spectral norm turns its vectors, dropout draws from the random
numbers that the user's own program goes on with. Each call starts from the state before the check, and leaves it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType, TracebackType
from typing import Any

DEPTH = 4  # how far modules are looked for from a function: what it closes over, and what that has
MANY = 200  # objects of a container that are looked at


class Kept:
    """A context in which modules may change and after which they are as before; random numbers have a stream apart."""

    def __init__(self, modules: list[Any]) -> None:
        self.parts = [part for module in modules for part in module.modules()]
        self.torch = sys.modules.get("torch")
        parameters = [p for part in self.parts for p in part.parameters(recurse=False)]
        self.devices = sorted({p.device for p in parameters if p.device.type == "cuda"}, key=str)
        self.grads = [(p, p.grad) for p in parameters]
        written = [b for part in self.parts for b in part.buffers(recurse=False)]
        written += [grad for _, grad in self.grads if grad is not None]
        self.saved = [(tensor, tensor.detach().clone()) for tensor in written]
        self.stream: Any = None

    def __enter__(self) -> Kept:
        if self.parts:
            self.before = [(part, dict(vars(part)), dict(part._buffers)) for part in self.parts]
            self.outside = self._random()
            if self.stream is not None:
                self._set_random(self.stream)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.parts:
            return
        self.stream = self._random()
        self._set_random(self.outside)
        for part, attributes, buffers in self.before:
            vars(part).clear()
            vars(part).update(attributes)
            part._buffers.update(buffers)
        for p, grad in self.grads:
            if p.grad is not grad:
                p.grad = grad
        for tensor, value in self.saved:
            if not self._same(tensor, value):  # kernels write without counting it
                tensor.data.copy_(value)

    def _same(self, one: Any, other: Any) -> bool:
        """Whether two tensors are equal; sparse ones, as gradients of embeddings may be, are compared whole."""
        torch = self.torch
        assert torch is not None
        if one.layout != torch.strided:
            one, other = one.to_dense(), other.to_dense()
        return bool(torch.equal(one, other))

    def _random(self) -> list[Any]:
        torch = self.torch
        assert torch is not None
        return [torch.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in self.devices)]

    def _set_random(self, states: list[Any]) -> None:
        torch = self.torch
        assert torch is not None
        torch.set_rng_state(states[0])
        for device, state in zip(self.devices, states[1:], strict=True):
            torch.cuda.set_rng_state(state, device)

    def noisy(self) -> list[str]:
        """The modules that draw random numbers, in words."""
        return [
            f"{type(part).__name__}(p={part.p:g})"
            for part in self.parts
            if "Dropout" in type(part).__name__ and part.training and getattr(part, "p", 0)
        ]


def find_modules(f: Any) -> list[Any]:
    """The modules of PyTorch that a function can get at: its closure, the globals it names, its object, their parts."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "nn"):
        return []
    found: dict[int, Any] = {}
    seen: set[int] = set()
    waiting = [(f, 0)]
    while waiting:
        thing, depth = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, torch.nn.Module):
            found[id(thing)] = thing
        elif depth < DEPTH:
            waiting += [(each, depth + 1) for each in _walk(thing)]
    return list(found.values())


def _walk(thing: Any) -> Iterator[Any]:
    if isinstance(thing, FunctionType):
        for cell in thing.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:  # not yet filled
                continue
        yield from thing.__defaults__ or ()
        yield from (thing.__kwdefaults__ or {}).values()
        names = set(_names(thing.__code__))
        yield from (value for name, value in list(thing.__globals__.items()) if name in names)
    elif isinstance(thing, MethodType):
        yield from (thing.__self__, thing.__func__)
    elif isinstance(thing, functools.partial):
        yield from (thing.func, *thing.args, *thing.keywords.values())
    elif isinstance(thing, list | tuple):
        yield from thing[:MANY]
    elif isinstance(thing, dict):
        yield from list(thing.values())[:MANY]
    elif hasattr(thing, "__dict__") and not isinstance(thing, type) and not hasattr(thing, "__spec__"):
        yield from list(vars(thing).values())[:MANY]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
