"""A stack of ``torch.nn`` modules as a `Network`: what is not understood, to the last hook, is refused by name.

A module is known by its class itself, not by the name of its class, and a parameter by itself, not by its place: the
positions in the vector are those of ``model.parameters()``, in whatever order they were registered. Every parameter
has to be used, once. At the end model and network are run on the same inputs.

Longer than one sitting: each kind of module is recognised, or refused by name.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hesslib.convert.comparison import compare, compare_losses
from hesslib.convert.convention import LossConvention, of_torch
from hesslib.convert.converted import Converted
from hesslib.convert.layers import Layer, assemble
from hesslib.convert.refusals import refusal
from hesslib.convert.torch_activations import ACTIVATIONS, name_of, require_plain
from hesslib.convert.torch_chains import chain_of, only_of_chains
from hesslib.networks.activations import Activation
from hesslib.networks.losses import LOSSES

NOTHING = ("Identity", "Flatten")  # modules that do nothing to a row of numbers
DROPOUTS = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")
OUTPUT = {"BCELoss": "Sigmoid", "NLLLoss": "LogSoftmax"}  # what must stand last for a loss that takes probabilities
HOOKS = {
    "_forward_hooks": "a forward hook",
    "_forward_pre_hooks": "a forward pre-hook",
    "_backward_hooks": "a backward hook",
    "_backward_pre_hooks": "a backward pre-hook",
}


def from_torch(
    model: Any,
    /,
    *,
    loss: Any = None,
    activations: Mapping[str, str | Activation] | None = None,
    inputs: Any = None,
) -> Converted:
    """Return a model of PyTorch as a `Network` or a `Chain`, with its weights, order and loss.

    A stack of ``torch.nn.Linear`` and activations is a `Network`, any other model a `Chain` of layers.

    Parameters
    ----------
    model
        A ``torch.nn.Sequential``, nested or not, is a `Network` if it has no other layers than these: Linear layers
        with or without biases; Tanh, Sigmoid, GELU (also its fit by a tanh), SiLU, ReLU, Identity, Softplus (beta 1;
        beyond its threshold PyTorch's is 2e-9 off); Dropout only in evaluation mode. An activation may stand in several
        places; a layer of weights may not.
    loss
        A loss module of PyTorch, such as ``torch.nn.MSELoss()``, or the name of a loss of hesslib (then E is the sum).
        BCELoss needs a last Sigmoid and NLLLoss a last LogSoftmax, which become part of the loss.
    activations
        What further classes of modules without parameters stand for: ``{"Sine": "sin"}``.

    inputs
        For a `Chain`: a batch of inputs of the shape that the model is used on, (N, ...). Their numbers do not matter.
        What torch.fx can trace is taken: Conv1d, Conv2d, LayerNorm, RMSNorm, BatchNorm1d and 2d (in training or
        evaluation, as they are), MultiheadAttention, of one state (causal or not) or of one to others, and
        TransformerEncoderLayer (batch first), Embedding, AvgPool,
        MaxPool and AdaptiveAvgPool to size 1, Flatten, the modules above, sums, products and concatenations of states,
        parameters that are added, flatten, mean, transpose and activations as functions. A module may be called in
        several places, and a parameter stand in several modules.

    The weights are copied to NumPy and keep their dtype. The order is that of ``model.parameters()``. Nothing of the
    model is changed: a copy is run.

    Shapes: the `Converted` has `w`, (P,).
    Cost: a forward pass of 24 patterns in float64; memory: two copies of the parameters, one of them in float64, and
    their positions. Needs PyTorch.
    Errors: ValueError that names the layer or the loss, for everything that is not supported: other layers, hooks,
    parameters that are left over, or shared by the layers of a `Network`, options that make another function; and if
    model and network do not agree to rounding.

    >>> import torch
    >>> there = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    >>> here = from_torch(there, loss=torch.nn.MSELoss())
    >>> here.net, here.loss.factor(10, 1)
    (Network((2, 3, 1), activation='tanh', loss='squared_error'), 0.2)
    """
    from torch import nn

    if not isinstance(model, nn.Module):
        raise ValueError(  # noqa: TRY004  (as for everything else that is not supported)
            f"model is a {type(model).__name__}; it must be a torch.nn.Module, a Sequential of layers"
        )
    convention = _convention(loss)
    modules = list(_modules("", model))
    _require_no_hooks(model)
    if inputs is not None or only_of_chains(model, activations or {}):
        _require_no_hooks(model)
        if type(loss).__name__ in OUTPUT:
            raise refusal(f"loss is {type(loss).__name__}; of a Chain it must be that of the last pre-activations")
        found = chain_of(model, inputs, convention, activations or {})
        if convention is not None and not isinstance(loss, str):
            _compare_loss(loss, convention, found, None, found.chain.output_shape(tuple(inputs.shape[1:]))[-1])
        return found
    last = OUTPUT.get(type(loss).__name__) if convention and not isinstance(loss, str) else None
    if last is not None:
        if not modules or type(modules[-1][1]) is not getattr(nn, last):
            raise refusal(f"loss is {type(loss).__name__}, which needs {last} as the last layer of the model")
        _require_rows(*modules[-1])
        modules.pop()
    layers = _layers(modules, model, activations or {})
    converted = assemble(layers, convention)
    _require_all_used(model, layers)
    said = compare(converted.network, converted.w, lambda x: _run(model, x), OUTPUT_FUNCTIONS[last])
    if convention is not None and not isinstance(loss, str):
        _compare_loss(loss, convention, converted, last, converted.network.widths[-1])
    return Converted(converted.net, converted.w, converted.order, convention, said)


def _layers(modules: list[tuple[str, Any]], model: Any, further: Mapping[str, str | Activation]) -> list[Layer]:
    """The layers of weights, each with the activation before it."""
    from torch import nn

    own = {getattr(nn, name) for name in ACTIVATIONS}
    nothing, dropouts = ({getattr(nn, name) for name in names} for names in (NOTHING, DROPOUTS))
    positions = _positions(model)
    layers: list[Layer] = []
    after: list[tuple[str, str | Activation]] = []  # activations after the last linear layer, with their place
    for place, module in modules:
        kind = type(module).__name__
        stands_for = further.get(kind, name_of(module) if type(module) in own else None)
        if type(module) is nn.Linear:
            if layers and not after:
                after.append((place, "identity"))
            layers.append(_layer(place, module, positions, after.pop()[1] if layers else None))
        elif type(module) in nothing and kind not in further:
            if kind == "Flatten" and (module.start_dim, module.end_dim) not in ((1, -1), (1, 1)):
                raise refusal(f"layer {place} is {module}; it must be Flatten(start_dim=1, end_dim=-1)")
        elif type(module) in dropouts:
            if module.training and module.p > 0:
                raise refusal(f"layer {place} is {kind}(p={module.p}) in training mode; call model.eval() first")
        elif stands_for is not None:
            require_plain(place, module)
            if not layers:
                raise refusal(f"layer {place} is {kind} before the first Linear; a Network starts with weights")
            if after:
                raise refusal(f"layer {place} is {kind} right after another activation; a Network has one a layer")
            after.append((place, stands_for))
        else:
            of_theirs = "" if type(module).__module__.startswith("torch.") else f" of {type(module).__module__}"
            raise refusal(
                f"layer {place} is {kind}{of_theirs}; it must be torch.nn's Linear, one of {', '.join(ACTIVATIONS)}, "
                "or named in activations="
            )
    if after:
        raise refusal(
            f"layer {after[0][0]} is an activation after the last Linear; a Network has linear outputs there (the "
            "output function belongs to the loss)"
        )
    return layers


def _layer(
    place: str, module: Any, positions: dict[int, tuple[int, str]], activation_before: str | Activation | None
) -> Layer:
    """The weights and biases of a Linear with their positions, each of which is taken out of the table."""
    parts: list[Any] = []
    for name, parameter in (("weight", module.weight), ("bias", module.bias)):
        if parameter is None:
            parts += [None, None]
            continue
        start, known_as = positions.get(id(parameter), (-1, ""))
        if start < 0:
            raise refusal(
                f"the {name} of layer {place} is no parameter of the model: it is computed from others, or held"
            )
        if known_as:
            raise refusal(f"the {name} of layer {place} is that of layer {known_as} as well; a Network shares nothing")
        positions[id(parameter)] = (start, place)
        values = _array(f"the {name} of layer {place}", parameter)
        parts += [values, start + np.arange(values.size).reshape(values.shape)]
    weight, weight_positions, bias, bias_positions = parts
    return Layer(place, weight, bias, weight_positions, bias_positions, activation_before)


def _convention(loss: Any) -> LossConvention | None:
    if loss is None:
        return None
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise ValueError(f"loss is {loss!r}; it must be a loss of torch.nn or one of {', '.join(LOSSES)}")
        return LossConvention(f"E, {loss}", loss)
    return of_torch(loss)


def _modules(place: str, module: Any) -> Iterator[tuple[str, Any]]:
    """The modules in the order in which they are called, one that is called twice twice, with their place."""
    from torch import nn

    kind = type(module)
    stack = isinstance(module, nn.Sequential) and kind.forward is nn.Sequential.forward
    if not stack or kind.__call__ is not nn.Module.__call__ or "forward" in vars(module):
        if "forward" in vars(module):
            raise refusal(f"layer {place or '0'} is {kind.__name__} with a forward of its own")
        yield place or "0", module
        return
    for name, child in module._modules.items():  # named_children leaves out what it has seen
        yield from _modules(f"{place}.{name}" if place else name, child)


def _positions(model: Any) -> dict[int, tuple[int, str]]:
    """Where each parameter lies in ``model.parameters()``, by its identity, and the layer that has taken it."""
    positions, start = {}, 0
    for parameter in model.parameters():
        positions[id(parameter)] = (start, "")
        start += parameter.numel()
    return positions


def _array(what: str, parameter: Any) -> np.ndarray:
    if not parameter.dtype.is_floating_point or str(parameter.dtype) == "torch.bfloat16":
        raise refusal(f"{what} has dtype {parameter.dtype}; it must be real floating (float32, float64)")
    try:
        values: np.ndarray = parameter.detach().cpu().numpy().copy()
    except (NotImplementedError, RuntimeError, TypeError) as reason:
        raise refusal(f"{what} has no values yet ({type(reason).__name__})") from reason
    return values


def _run(model: Any, x: np.ndarray) -> np.ndarray:
    """What a copy of the model gives, in double precision; a Softplus without its linear end."""
    import torch

    twin = copy.deepcopy(model).to("cpu", torch.float64)
    for module in twin.modules():
        if isinstance(module, torch.nn.Softplus):
            module.threshold = max(module.threshold, 40)
    with torch.no_grad():
        values: np.ndarray = twin(torch.from_numpy(x)).numpy()
    return values


def _log_softmax(a: np.ndarray) -> np.ndarray:
    shifted = a - np.max(a, axis=1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))


OUTPUT_FUNCTIONS = {
    None: lambda a: a,
    "Sigmoid": lambda a: np.exp(-np.logaddexp(0.0, -a)),
    "LogSoftmax": _log_softmax,
}


def _compare_loss(loss: Any, convention: LossConvention, converted: Converted, last: str | None, K: int) -> None:
    import torch

    def theirs(a: np.ndarray, t: np.ndarray) -> float:
        return float(loss(torch.from_numpy(OUTPUT_FUNCTIONS[last](a)), torch.from_numpy(t)))

    compare_losses(convention, converted.net, theirs, K)


def _require_all_used(model: Any, layers: list[Layer]) -> None:
    """Refuse parameters that no layer has taken: they would be missing without a word."""
    taken = {int(layer.weight_positions.reshape(-1)[0]) for layer in layers if layer.weight_positions.size}
    taken |= {int(layer.bias_positions[0]) for layer in layers if layer.bias_positions is not None}
    start = 0
    for name, parameter in model.named_parameters():
        if start not in taken and parameter.numel():
            raise refusal(f"the parameter {name} belongs to no layer that a Network has")
        start += parameter.numel()


def _require_no_hooks(model: Any) -> None:
    """Refuse hooks, of the model, its parts and its parameters: they may make another function or gradient of it."""
    for place, module in model.named_modules():
        for attribute, words in HOOKS.items():
            for hook in getattr(module, attribute).values():
                name = getattr(hook, "__name__", type(hook).__name__)
                where = f"layer {place}" if place else "the model"
                raise refusal(f"{where} ({type(module).__name__}) has {words}, {name}; remove it first")
    for name, parameter in model.named_parameters():
        if getattr(parameter, "_backward_hooks", None):
            raise refusal(f"the parameter {name} has a hook on its gradient; remove it first")


def _require_rows(place: str, module: Any) -> None:
    if getattr(module, "dim", -1) not in (None, -1, 1):
        raise refusal(f"layer {place} is {type(module).__name__}(dim={module.dim}); it must go over the outputs")
