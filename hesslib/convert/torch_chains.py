"""A model of PyTorch with convolutions, normalisations, attention, embeddings or branches as a `Chain` of layers.

The model is traced by ``torch.fx``, which shows what is called in which order; modules that are known are not looked
into. Each call becomes a layer, or is refused by name. The parameters are known by their identity, and each has to be
used; one that is used in several places is tied. At the end model and chain are run on the same random inputs.

Longer than one sitting: each kind of module and function is recognised, or refused by name.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hesslib import layers
from hesslib.convert.chains import Part, compare_chain, graph_of, put_together
from hesslib.convert.convention import LossConvention
from hesslib.convert.converted import Converted
from hesslib.convert.refusals import refusal
from hesslib.convert.torch_activations import ACTIVATIONS, FITTED, FUNCTIONS, name_of, require_plain
from hesslib.layers import Layer
from hesslib.networks.activations import Activation

KNOWN = (
    "Linear",
    "Conv1d",
    "Conv2d",
    "LayerNorm",
    "RMSNorm",
    "BatchNorm1d",
    "BatchNorm2d",
    "MultiheadAttention",
    "TransformerEncoderLayer",
    "Embedding",
    "AvgPool1d",
    "AvgPool2d",
    "MaxPool1d",
    "MaxPool2d",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "Flatten",
    "Identity",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    *ACTIVATIONS,
)
OF_CHAINS = KNOWN[1:15]  # modules that no Network has


def only_of_chains(model: Any, further: Mapping[str, str | Activation], /) -> str:
    """Say which module a `Network` has not and a `Chain` has; nothing, if there is none or `further` renames it."""
    from torch import nn

    kinds = tuple(getattr(nn, name) for name in OF_CHAINS if hasattr(nn, name) and name not in further)
    found = ((name, module) for name, module in model.named_modules() if type(module) in kinds)
    return next((f"layer {name or 'itself'} is {type(module).__name__}" for name, module in found), "")


def chain_of(
    model: Any, inputs: Any, convention: LossConvention | None, further: Mapping[str, str | Activation]
) -> Converted:
    """Return a model as a `Chain`, with its weights and order.

    Raises ValueError that names what is not understood, and if model and chain do not agree to rounding.
    """
    import torch

    if not isinstance(inputs, torch.Tensor) or inputs.ndim < 2:
        given = "missing" if inputs is None else f"a {type(inputs).__name__}"
        layer = only_of_chains(model, further)
        raise ValueError(
            f"inputs is {given}; {layer + ', and ' if layer else ''}such a model needs a batch (N, ...) of inputs, of "
            "the shape it is used on"
        )
    parts = _Reader(model, inputs, further).parts()
    chain = graph_of(parts, convention.loss if convention else "squared_error")
    theirs = [(name, parameter.detach().cpu().numpy()) for name, parameter in model.named_parameters()]
    placed = [(part.name, at) for part in parts for at in part.positions]
    converted = put_together(chain, placed, theirs, convention)
    twin = copy.deepcopy(model).to("cpu", torch.float64).requires_grad_(True)

    def run(x: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        try:
            y = twin(torch.from_numpy(x))
        except Exception as reason:
            line = (str(reason).strip().splitlines() or [""])[0][:160]
            raise refusal(f"the model fails on random inputs ({type(reason).__name__}: {line})") from reason
        if weights is None:
            return y.detach().numpy(), None
        parameters, total = list(twin.parameters()), (y * torch.from_numpy(weights)).sum()
        if not y.requires_grad:  # the model keeps its gradients to itself, under torch.no_grad()
            return y.detach().numpy(), np.zeros(sum(p.numel() for p in parameters))
        found = torch.autograd.grad(total, parameters, allow_unused=True)  # and some of them only here and there
        gradients = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]
        return y.detach().numpy(), np.concatenate([g.reshape(-1).numpy() for g in gradients])

    said = compare_chain(converted, run, tuple(inputs.shape), inputs.dtype.is_floating_point)
    return replace(converted, said=said)


class _Reader:
    """Reads the calls of a traced model one after the other."""

    def __init__(self, model: Any, inputs: Any, further: Mapping[str, str | Activation]) -> None:
        self.model, self.inputs, self.further = model, inputs, further
        self.found: list[Part] = []
        self.starts: dict[int, int] = {}  # where each parameter lies in the vector of the model, by its identity
        start = 0
        for parameter in model.parameters():
            self.starts[id(parameter)] = start
            start += parameter.numel()
        self.state: dict[Any, int] = {}  # the number of the state that a call gives
        self.attention: set[Any] = set()  # calls that give a pair, of which the first is the state

    def parts(self) -> list[Part]:
        """Return the layers with the positions of their parameters."""
        import torch
        from torch import fx

        known = tuple(getattr(torch.nn, name) for name in KNOWN if hasattr(torch.nn, name))
        further = self.further
        if type(self.model) in known:  # the tracer looks into what it is given
            self.model = torch.nn.Sequential(self.model)

        class Tracer(fx.Tracer):
            def is_leaf_module(self, module: Any, name: str) -> bool:
                return type(module) in known or type(module).__name__ in further

        try:
            traced = Tracer().trace(self.model)
        except Exception as reason:
            line = (str(reason).strip().splitlines() or [""])[0][:160]
            raise refusal(f"the model cannot be traced by torch.fx ({type(reason).__name__}: {line})") from reason
        last = None
        for node in traced.nodes:
            if node.op == "placeholder":
                if self.state and not node.users:
                    continue
                if self.state:
                    raise refusal(f"the model takes {node.name} beside its inputs; a Chain takes one array")
                self.state[node] = 0
            elif node.op == "output":
                last = self._number(node.args[0], "the outputs")
            elif node.op == "get_attr":
                continue  # a parameter or a buffer, read where it is used
            else:
                self._call(node)
        if last is None or last != len(self.found):
            raise refusal("the model gives something else than what its last layer computes")
        return self.found

    def _call(self, node: Any) -> None:
        if node.op == "call_module":
            module = self.model.get_submodule(node.target)
            self._module(str(node.target), module, node)
        elif node.op == "call_function" and node.target is operator.getitem:
            if node.args[0] not in self.attention or node.args[1] != 0:
                raise refusal(f"{node.name} takes a part of an array; a Chain has no layer for it")
            self.state[node] = self.state[node.args[0]]
        else:
            name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
            self._function(str(name).strip("_"), node)

    def _number(self, value: Any, where: str) -> int:
        if value not in self.state:
            raise refusal(f"{where} uses {value!r}, which is no state of the model")
        return self.state[value]

    def _add(self, node: Any, name: str, layer: Layer, inputs: tuple[int, ...], *parameters: Any) -> None:
        positions = [self._places(name, parameter) for parameter in parameters]
        if isinstance(layer, layers.Attention):  # query, key and value are one parameter of theirs
            split = [np.split(at, 3) if len(at) == 3 * layer.features else [at] for at in positions]
            positions = [at for every in split for at in every]
        self._put(name, layer, inputs, positions)
        self.state[node] = len(self.found)

    def _places(self, name: str, parameter: Any) -> np.ndarray:
        """The positions of a parameter of a layer."""
        if id(parameter) not in self.starts:
            raise refusal(f"a parameter of layer {name} is no parameter of the model")
        if not parameter.dtype.is_floating_point or str(parameter.dtype) == "torch.bfloat16":
            raise refusal(f"layer {name} has dtype {parameter.dtype}; it must be float32 or float64")
        return self.starts[id(parameter)] + np.arange(parameter.numel()).reshape(parameter.shape)

    def _put(self, name: str, layer: Layer, inputs: tuple[int, ...], positions: list[np.ndarray]) -> int:
        taken = {part.name for part in self.found}
        unique = name if name not in taken else f"{name}#{len(self.found)}"
        self.found.append(Part(unique, layer, inputs, positions))
        return len(self.found)

    def _module(self, place: str, module: Any, node: Any) -> None:
        kind = type(module).__name__
        if kind in self.further:
            require_plain(place, module)
            self._add(node, place, layers.Activation(self.further[kind]), (self._number(node.args[0], place),))
            return
        if kind == "MultiheadAttention":
            self._attention(place, module, node)
            return
        number = self._number(node.args[0], f"layer {place}")
        if kind == "Identity" or kind.startswith("Dropout"):
            if kind != "Identity" and module.training and module.p > 0:
                raise refusal(f"layer {place} is {kind}(p={module.p}) in training mode; call model.eval() first")
            self.state[node] = number
            return
        if kind == "TransformerEncoderLayer":
            self._encoder_layer(place, module, node, number)
            return
        made = _made(place, module, self._positions(number))
        self._add(node, place, made, (number,), *module.parameters())

    def _positions(self, number: int) -> tuple[int, ...]:
        """The shape of a state, without the patterns."""
        if number == 0:
            return tuple(self.inputs.shape[1:])
        return graph_of(self.found[:number]).output_shape(tuple(self.inputs.shape[1:]))

    def _attention(self, place: str, module: Any, node: Any) -> None:
        arguments = {**dict(zip(("query", "key", "value"), node.args, strict=False)), **node.kwargs}
        three = [arguments.get(name) for name in ("query", "key", "value")]
        causal = bool(arguments.get("is_causal", False))
        mask = arguments.get("attn_mask")
        if mask is not None:
            causal = _is_causal(place, self._value(mask))
        for option in ("key_padding_mask",):
            if arguments.get(option) is not None:
                raise refusal(f"layer {place} is MultiheadAttention with {option}; a Chain has no mask but the causal")
        numbers = [self._number(one, f"layer {place}") for one in three]
        made, parameters = _attention(place, module, causal)
        if len(set(numbers)) == 1:
            self._add(node, place, made, (numbers[0],), *parameters)
        else:
            positions = [self._places(place, parameter) for parameter in parameters]
            self._crossing(place, module, numbers, positions, causal)
            self.state[node] = len(self.found)
        self.attention.add(node)

    def _crossing(self, place: str, module: Any, numbers: list[int], positions: list[np.ndarray], causal: bool) -> None:
        """Attention of one state to others: three dense layers, the attention itself, and a dense layer."""
        d, bias = module.embed_dim, module.in_proj_bias is not None
        split, after = [np.split(at, 3) for at in positions[: 1 + bias]], positions[1 + bias :]
        made = [
            self._put(f"{place}.{name}", layers.Dense(d, d, bias=bias), (number,), [every[i] for every in split])
            for i, (name, number) in enumerate(zip(("query", "key", "value"), numbers, strict=True))
        ]
        attention = layers.CrossAttention(module.num_heads, None, causal)
        crossed = self._put(f"{place}.attention", attention, tuple(made), [])
        self._put(f"{place}.output", layers.Dense(d, d, bias=bias), (crossed,), after)

    def _value(self, node: Any) -> Any:
        if getattr(node, "op", "") != "get_attr":
            raise refusal(f"{node} is computed; it must be held by the model")
        found = self.model
        for part in str(node.target).split("."):
            found = getattr(found, part)
        return found

    def _encoder_layer(self, place: str, module: Any, node: Any, start: int) -> None:
        if len(node.args) > 1 or any(value is not None and value is not False for value in node.kwargs.values()):
            raise refusal(f"layer {place} is TransformerEncoderLayer with a mask; trace what it is made of")
        for name in ("dropout", "dropout1", "dropout2"):
            part = getattr(module, name)
            if part.training and part.p > 0:
                raise refusal(f"layer {place} has Dropout(p={part.p}) in training mode; call model.eval() first")
        activation = {"relu": "relu", "gelu": "gelu"}.get(getattr(module.activation, "__name__", ""))
        if activation is None:
            activation = name_of(module.activation)
        if activation is None:
            raise refusal(f"layer {place} has the activation {module.activation}; it must be relu or gelu")
        attention, parameters = _attention(f"{place}.self_attn", module.self_attn, False)

        def add(name: str, layer: Layer, inputs: tuple[int, ...], own: Any = ()) -> int:
            self._add(node, f"{place}.{name}", layer, inputs, *own)
            return self.state[node]

        def norm(name: str, at: int) -> int:
            part = getattr(module, name)
            return add(name, _made(f"{place}.{name}", part, ()), (at,), part.parameters())

        def feed(at: int) -> int:
            for name in ("linear1", "", "linear2"):
                part = getattr(module, name) if name else None
                made = layers.Activation(activation) if part is None else _made(f"{place}.{name}", part, ())
                at = add(name or "activation", made, (at,), part.parameters() if part is not None else ())
            return at

        if module.norm_first:
            inner = add("self_attn", attention, (norm("norm1", start),), parameters)
            first = add("add1", layers.Add(2), (start, inner))
            add("add2", layers.Add(2), (first, feed(norm("norm2", first))))
        else:
            inner = add("self_attn", attention, (start,), parameters)
            first = norm("norm1", add("add1", layers.Add(2), (start, inner)))
            norm("norm2", add("add2", layers.Add(2), (first, feed(first))))

    def _function(self, name: str, node: Any) -> None:
        place, args, options = node.name, node.args, node.kwargs
        if name in ("add", "iadd") and len(args) == 2:
            self._sum(node)
        elif name in ("mul", "imul") and len(args) == 2 and all(a in self.state for a in args if _is_node(a)):
            if not all(_is_node(a) for a in args):
                raise refusal(f"{place} multiplies by {args[1]!r}; a Chain has no constant factors")
            self._add(node, place, layers.Times(), tuple(self._number(a, place) for a in args))
        elif name == "cat":
            axis = options.get("dim", args[1] if len(args) > 1 else 0)
            if axis == 0:
                raise refusal(f"{place} puts patterns one after the other; it must join another axis")
            self._add(node, place, layers.Join(axis), tuple(self._number(a, place) for a in args[0]))
        elif name in FUNCTIONS:
            fitted = options.get("approximate", "none") == "tanh"
            made_of = layers.Activation(FITTED if fitted else FUNCTIONS[name])
            self._add(node, place, made_of, (self._number(args[0], place),))
        elif name == "flatten" and (args[1:] or (options.get("start_dim", 0),)) in ((1,), (1, -1)):
            self._add(node, place, layers.Flatten(), (self._number(args[0], place),))
        elif name == "mean" and (args[1:] or "dim" in options) and not options.get("keepdim", False):
            number = self._number(args[0], place)
            axes = args[1] if len(args) > 1 else options["dim"]
            self._add(node, place, layers.Mean(*self._axes(axes, number, place)), (number,))
        elif name == "transpose" and len(args) == 3:
            number = self._number(args[0], place)
            rank = len(self._positions(number))
            i, j = self._axes(args[1:], number, place)
            order = list(range(rank))
            order[i], order[j] = order[j], order[i]
            self._add(node, place, layers.Transpose(tuple(order)), (number,))
        elif name == "dropout" and not options.get("training", True):
            self.state[node] = self._number(args[0], place)
        else:
            raise refusal(f"{place} calls {name}{args[1:]!r}; a Chain has no layer for it")

    def _axes(self, axes: Any, number: int, place: str) -> tuple[int, ...]:
        rank = len(self._positions(number)) + 1
        found = tuple((axis + rank) % rank - 1 for axis in (axes if isinstance(axes, tuple | list) else (axes,)))
        if min(found) < 0:
            raise refusal(f"{place} goes over the patterns; it must leave the first axis as it is")
        return found

    def _sum(self, node: Any) -> None:
        place, held = node.name, [a for a in node.args if _is_node(a) and a.op == "get_attr"]
        states = [a for a in node.args if a in self.state]
        if len(held) == 1 and len(states) == 1:
            parameter, number = self._value(held[0]), self._number(states[0], place)
            shape = tuple(parameter.shape)
            shape = shape[1:] if len(shape) == len(self._positions(number)) + 1 and shape[0] == 1 else shape
            self._add(node, str(held[0].target), layers.Affine(shape, False, True), (number,), parameter)
        elif len(states) == 2:
            self._add(node, place, layers.Add(2), tuple(self._number(a, place) for a in states))
        else:
            raise refusal(f"{place} adds {node.args!r}; it must add two states of the model, or a parameter")


def _is_node(value: Any) -> bool:
    return hasattr(value, "op") and hasattr(value, "users")


def _made(place: str, module: Any, shape: tuple[int, ...]) -> Layer:
    """The layer that a module is."""
    kind = type(module).__name__
    if kind not in KNOWN or not type(module).__module__.startswith("torch."):
        raise refusal(f"layer {place} is {kind}; it must be one of {', '.join(KNOWN)}, or named in activations=")
    if (name := name_of(module)) is not None:
        require_plain(place, module)
        return layers.Activation(name)
    makers: dict[str, Callable[[], Layer]] = {
        "Linear": lambda: layers.Dense(module.in_features, module.out_features, bias=module.bias is not None),
        "Embedding": lambda: layers.Embedding(module.num_embeddings, module.embedding_dim),
        "LayerNorm": lambda: layers.LayerNorm(
            tuple(module.normalized_shape), eps=module.eps, scale=module.weight is not None,
            shift=module.bias is not None,
        ),
        "RMSNorm": lambda: layers.RMSNorm(
            tuple(module.normalized_shape), eps=module.eps, scale=module.weight is not None
        ),
        "Flatten": layers.Flatten,
    }  # fmt: skip
    if kind == "Embedding" and (module.padding_idx, module.max_norm, module.scale_grad_by_freq) != (None, None, False):
        raise refusal(f"layer {place} is {module}; it must be an Embedding without padding_idx and max_norm")
    if kind == "Flatten" and (module.start_dim, module.end_dim) != (1, -1):
        raise refusal(f"layer {place} is {module}; it must be Flatten(start_dim=1, end_dim=-1)")
    if kind in makers:
        return makers[kind]()
    if kind.startswith("Conv"):
        if module.padding_mode != "zeros" or isinstance(module.padding, str):
            raise refusal(f"layer {place} is {module}; its padding must be numbers, of zeros")
        size = module.kernel_size if len(module.kernel_size) == 2 else module.kernel_size[0]
        each = {name: _each(getattr(module, name), kind) for name in ("stride", "padding", "dilation")}
        return layers.Convolution(
            module.in_channels, module.out_channels, size, groups=module.groups, bias=module.bias is not None, **each
        )
    if kind.startswith("BatchNorm"):
        return _batch_norm(module)
    return _pool(place, module, kind, shape)


def _each(value: Any, kind: str) -> Any:
    axes = 2 if kind.endswith("2d") else 1
    numbers = tuple(value) if isinstance(value, tuple | list) else (value,) * axes
    return numbers if axes == 2 else numbers[0]


def _batch_norm(module: Any) -> Layer:
    given: dict[str, Any] = {}
    if not module.training and module.running_mean is not None:
        given = {"mean": module.running_mean.detach().double(), "variance": module.running_var.detach().double()}
    affine = module.weight is not None
    return layers.BatchNorm(module.num_features, eps=module.eps, scale=affine, shift=affine, **given)


def _pool(place: str, module: Any, kind: str, shape: tuple[int, ...]) -> Layer:
    if kind.startswith("Adaptive"):
        lengths = module.output_size if isinstance(module.output_size, tuple | list) else (module.output_size,)
        if set(lengths) != {1}:
            raise refusal(f"layer {place} is {module}; its output_size must be 1")
        size = shape[1:] if kind.endswith("2d") else shape[1]
        return layers.AveragePool(size)
    if module.ceil_mode:
        raise refusal(f"layer {place} is {module}; it must have ceil_mode=False")
    options: Any = {name: _each(getattr(module, name), kind) for name in ("stride", "padding")}
    size = _each(module.kernel_size, kind)
    if kind.startswith("Max"):
        if module.return_indices:
            raise refusal(f"layer {place} is {module}; it must have return_indices=False")
        return layers.MaxPool(size, dilation=_each(module.dilation, kind), **options)
    if not module.count_include_pad or getattr(module, "divisor_override", None):
        raise refusal(f"layer {place} is {module}; it must have count_include_pad=True and no divisor")
    return layers.AveragePool(size, **options)


def _attention(place: str, module: Any, causal: bool) -> tuple[Layer, list[Any]]:
    if not module.batch_first:
        raise refusal(f"layer {place} is MultiheadAttention(batch_first=False); it must have batch_first=True")
    if module.bias_k is not None or module.add_zero_attn or not module._qkv_same_embed_dim:
        raise refusal(f"layer {place} is MultiheadAttention with bias_k, add_zero_attn, kdim or vdim; a Chain has none")
    if module.training and module.dropout > 0:
        raise refusal(f"layer {place} has dropout={module.dropout} in training mode; call model.eval() first")
    bias = module.in_proj_bias is not None
    made = layers.Attention(module.embed_dim, module.num_heads, causal=causal, bias=bias)
    parameters = [module.in_proj_weight, module.in_proj_bias, module.out_proj.weight, module.out_proj.bias]
    return made, [parameter for parameter in parameters if parameter is not None]


def _is_causal(place: str, mask: Any) -> bool:
    values = mask.detach().cpu().numpy()
    T = values.shape[-1]
    hidden = values if values.dtype == bool else np.isneginf(values)
    others = np.zeros(1) if values.dtype == bool else values[~hidden]
    if hidden.shape != (T, T) or not np.array_equal(hidden, ~np.tri(T, dtype=bool)) or others.any():
        raise refusal(f"layer {place} has a mask that is not the causal one; a Chain has no other")
    return True
