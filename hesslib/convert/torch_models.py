"""A stack of ``torch.nn`` modules as a `Network`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hesslib.convert.convention import LossConvention, of_torch
from hesslib.convert.converted import Converted
from hesslib.convert.layers import Layer, assembled
from hesslib.networks.activations import Activation
from hesslib.networks.losses import LOSSES

ACTIVATIONS = {
    "Tanh": "tanh",
    "Sigmoid": "logistic",
    "Softplus": "softplus",
    "GELU": "gelu",
    "SiLU": "silu",
    "ReLU": "relu",
    "Identity": "identity",
}
NOTHING = ("Identity", "Flatten")  # modules that do nothing to a row of numbers
OUTPUT = {"BCELoss": "Sigmoid", "NLLLoss": "LogSoftmax"}  # what must stand last for a loss that takes probabilities


def from_torch(
    model: Any, /, *, loss: Any = None, activations: Mapping[str, str | Activation] | None = None
) -> Converted:
    """Return a stack of ``torch.nn.Linear`` and activations as a `Network` with its weights, order and loss.

    Parameters
    ----------
    model
        A ``torch.nn.Sequential``, nested or not. Linear layers with or without biases; Tanh, Sigmoid, GELU (exact),
        SiLU, ReLU, Identity, Softplus (beta 1; beyond its threshold PyTorch's is 2e-9 off); Dropout only in evaluation
        mode.
    loss
        A loss module of PyTorch, such as ``torch.nn.MSELoss()``, or the name of a loss of hesslib (then E is the sum).
        BCELoss needs a last Sigmoid and NLLLoss a last LogSoftmax, which become part of the loss.
    activations
        What further classes of modules stand for: ``{"Sine": "sin"}``.

    The weights are copied to NumPy and keep their dtype.

    Shapes: the `Converted` has `w`, (P,).
    Cost: one copy of the parameters, and one of their positions. Needs PyTorch.
    Errors: ValueError that names the layer or the loss, for everything that is not supported.

    >>> import torch
    >>> there = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    >>> here = from_torch(there, loss=torch.nn.MSELoss())
    >>> here.net, here.loss.factor(10, 1)
    (Network((2, 3, 1), activation='tanh', loss='squared_error'), 0.2)
    """
    convention = _convention(loss)
    table = {**ACTIVATIONS, **(activations or {})}
    layers: list[Layer] = []
    after: list[tuple[str, str | Activation]] = []  # activations after the last linear layer, with their place
    modules = list(_modules("", model))
    last = OUTPUT.get(type(loss).__name__)
    if last is not None:
        if not modules or type(modules[-1][1]).__name__ != last:
            raise ValueError(f"loss is {type(loss).__name__}, which needs {last} as the last layer of the model")
        _require_rows(*modules[-1])
        modules.pop()
    position = 0
    for place, module in modules:
        kind = type(module).__name__
        if kind == "Linear":
            weight, bias = _array(module.weight), None if module.bias is None else _array(module.bias)
            if layers and not after:
                after.append((place, "identity"))
            layers.append(
                Layer(
                    place,
                    weight,
                    bias,
                    position + np.arange(weight.size).reshape(weight.shape),
                    None if bias is None else position + weight.size + np.arange(bias.size),
                    activation_before=after.pop()[1] if layers else None,
                )
            )
            position += weight.size + (0 if bias is None else bias.size)
        elif kind in NOTHING and kind not in (activations or {}):
            continue
        elif kind.startswith("Dropout"):
            if module.training and module.p > 0:
                raise ValueError(f"layer {place} is Dropout(p={module.p}) in training mode; call model.eval() first")
        elif kind in table:
            _require_plain(place, module)
            if not layers:
                raise ValueError(f"layer {place} is {kind} before the first Linear; a Network starts with weights")
            if after:
                raise ValueError(f"layer {place} is {kind} right after another activation; a Network has one a layer")
            after.append((place, table[kind]))
        else:
            raise ValueError(
                f"layer {place} is {kind}; it must be Linear, one of {', '.join(ACTIVATIONS)}, or named in activations="
            )
    if after:
        raise ValueError(
            f"layer {after[0][0]} is an activation after the last Linear; a Network has linear outputs there (the "
            "output function belongs to the loss)"
        )
    return assembled(layers, convention)


def _convention(loss: Any) -> LossConvention | None:
    if loss is None:
        return None
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise ValueError(f"loss is {loss!r}; it must be a loss of torch.nn or one of {', '.join(LOSSES)}")
        return LossConvention(f"E, {loss}", loss)
    return of_torch(loss)


def _modules(place: str, module: Any) -> Iterator[tuple[str, Any]]:
    """The modules in the order in which they are called, with their place in the stack."""
    if type(module).__name__ != "Sequential":
        yield place or "0", module
        return
    for name, child in module.named_children():
        yield from _modules(f"{place}.{name}" if place else name, child)


def _array(parameter: Any) -> np.ndarray:
    return parameter.detach().cpu().numpy().copy()


def _require_plain(place: str, module: Any) -> None:
    """Refuse an option that makes another function of a known one."""
    kind = type(module).__name__
    for option, plain in (("approximate", "none"), ("beta", 1), ("negative_slope", None)):
        value = getattr(module, option, plain)
        if value != plain:
            raise ValueError(f"layer {place} is {kind}({option}={value!r}); it must have {option}={plain!r}")


def _require_rows(place: str, module: Any) -> None:
    if getattr(module, "dim", -1) not in (None, -1, 1):
        raise ValueError(f"layer {place} is {type(module).__name__}(dim={module.dim}); it must go over the outputs")
