"""Which layer a module of Equinox's kind is, and which of its arrays are its parameters.

A module is known by the name of its class and by its fields; Equinox itself is not imported. Whether it computes what
Equinox's module of that name does is seen when model and chain are run beside each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hesslib import layers
from hesslib.convert.refusals import refusal
from hesslib.convert.windows import both_sides, numbers
from hesslib.layers import Layer

KNOWN = {
    "Linear": ("weight", "in_features", "out_features"),
    "Conv": ("weight", "kernel_size", "stride", "padding", "dilation", "groups"),
    "Conv1d": ("weight", "kernel_size", "stride", "padding", "dilation", "groups"),
    "Conv2d": ("weight", "kernel_size", "stride", "padding", "dilation", "groups"),
    "LayerNorm": ("shape", "eps", "weight", "bias"),
    "RMSNorm": ("shape", "eps", "weight", "bias"),
    "MultiheadAttention": ("query_proj", "key_proj", "value_proj", "output_proj", "num_heads"),
    "Embedding": ("weight", "num_embeddings", "embedding_size"),
    "AvgPool1d": ("kernel_size", "stride", "padding"),
    "AvgPool2d": ("kernel_size", "stride", "padding"),
    "MaxPool1d": ("kernel_size", "stride", "padding"),
    "MaxPool2d": ("kernel_size", "stride", "padding"),
    "AdaptiveAvgPool1d": ("target_shape",),
    "AdaptiveAvgPool2d": ("target_shape",),
    "Dropout": ("p", "inference"),
    "Identity": (),
}
"""The fields by which a class is known beside its name."""
OF_ROWS = ("Linear", "LayerNorm", "RMSNorm", "Embedding", "Identity", "Dropout")  # positions may be mapped over
NO_LAYER = (
    "BatchNorm", "Conv3d", "ConvTranspose", "ConvTranspose1d", "ConvTranspose2d", "GroupNorm", "GRUCell", "LSTMCell",
    "PReLU", "RotaryPositionalEmbedding", "Shared", "SpectralNorm", "StateIndex", "WeightNorm",
)  # fmt: skip
Made = tuple[Layer, list[Any]]  # a layer, and its parameters in the order in which they lie in `w`


def is_known(module: Any, /) -> bool:
    """Whether an object is a module that is read as a whole."""
    kind = type(module).__name__
    return kind in KNOWN and callable(module) and all(hasattr(module, field) for field in KNOWN[kind])


def is_refused(module: Any, /) -> bool:
    """Whether an object is a module of Equinox that has no counterpart."""
    return type(module).__name__ in NO_LAYER and type(module).__module__.startswith("equinox")


def layers_of(place: str, module: Any, shape: tuple[int, ...], causal: bool, /) -> list[Made]:
    """Return the layers that a known module is on states of a shape, without the patterns; none for the identity."""
    kind = type(module).__name__
    if kind == "Identity":
        return []
    if kind == "Dropout":
        if not module.inference and module.p > 0:
            raise refusal(f"layer {place} is Dropout(p={module.p}) in training mode; make it inference=True first")
        return []
    if kind == "Linear":
        if "scalar" in (module.in_features, module.out_features):
            raise refusal(f"layer {place} is a Linear of scalars; it must be of vectors")
        bias = module.bias is not None
        made: Layer = layers.Dense(module.in_features, module.out_features, bias=bias)
        return [(made, _given(module.weight, module.bias))]
    if kind == "Embedding":
        return [(layers.Embedding(module.num_embeddings, module.embedding_size), [module.weight])]
    if kind == "LayerNorm":
        both = {"scale": module.weight is not None, "shift": module.bias is not None}
        made = layers.LayerNorm(tuple(module.shape), eps=module.eps, **both)
        return [(made, _given(module.weight, module.bias))]
    if kind == "RMSNorm":
        made = layers.RMSNorm(tuple(module.shape), eps=module.eps, scale=module.weight is not None)
        shift: list[Made] = [(layers.Affine(tuple(module.shape), False, True), [module.bias])]
        return [(made, _given(module.weight)), *(shift if module.bias is not None else [])]
    if kind == "MultiheadAttention":
        return [_attention(place, module, causal)]
    if kind.startswith("Adaptive"):
        lengths = module.target_shape if isinstance(module.target_shape, tuple | list) else (module.target_shape,)
        if set(lengths) != {1}:
            raise refusal(f"layer {place} is {kind} with target_shape={tuple(lengths)}; it must be 1")
        return [(layers.AveragePool(tuple(shape[1:]) if len(shape) > 2 else shape[1]), [])]
    if kind.startswith("Conv"):
        return [_convolution(place, module, shape)]
    return [(_pool(place, module, shape), [])]


def _given(*parameters: Any) -> list[Any]:
    return [parameter for parameter in parameters if parameter is not None]


def _padding(place: str, module: Any, shape: tuple[int, ...], dilation: tuple[int, ...]) -> Any:
    """The padding of each axis, which must be the same before and after."""
    pairs = module.padding
    if isinstance(pairs, str):
        import jax

        reach = tuple(d * (k - 1) + 1 for k, d in zip(module.kernel_size, dilation, strict=True))
        pairs = jax.lax.padtype_to_pads(shape[1:], reach, module.stride, pairs)
    return both_sides(f"layer {place}", pairs)


def _convolution(place: str, module: Any, shape: tuple[int, ...]) -> Made:
    axes = len(module.kernel_size)
    if axes > 2:
        raise refusal(f"layer {place} is a convolution over {axes} axes; a Chain has them over one or two")
    if str(getattr(module, "padding_mode", "ZEROS")).upper() != "ZEROS":
        raise refusal(f"layer {place} has padding_mode={module.padding_mode!r}; its padding must be of zeros")
    each: Any = {name: numbers(getattr(module, name)) for name in ("stride", "dilation")}
    outputs, of_group = module.weight.shape[:2]
    made = layers.Convolution(
        of_group * module.groups, outputs, numbers(module.kernel_size), groups=module.groups,
        bias=module.bias is not None, padding=_padding(place, module, shape, module.dilation), **each,
    )  # fmt: skip
    return made, _given(module.weight, module.bias)


def _pool(place: str, module: Any, shape: tuple[int, ...]) -> Layer:
    kind = type(module).__name__
    if getattr(module, "use_ceil", False):
        raise refusal(f"layer {place} is {kind} with use_ceil=True; it must be False")
    padding = _padding(place, module, shape, tuple(1 for _ in module.kernel_size))
    made = layers.MaxPool if kind.startswith("Max") else layers.AveragePool
    return made(numbers(module.kernel_size), stride=numbers(module.stride), padding=padding)


def _attention(place: str, module: Any, causal: bool) -> Made:
    projections = [getattr(module, f"{name}_proj") for name in ("query", "key", "value", "output")]
    sizes = {length for one in projections for length in np.shape(one.weight)}
    if len(sizes) != 1:
        raise refusal(f"layer {place} is MultiheadAttention with the sizes {sorted(sizes)}; they must be one")
    dropout = module.dropout
    if not dropout.inference and dropout.p > 0:
        raise refusal(f"layer {place} has Dropout(p={dropout.p}) in training mode; make it inference=True first")
    biases = [one.bias for one in projections]
    if any(bias is None for bias in biases) and any(bias is not None for bias in biases):
        raise refusal(f"layer {place} is MultiheadAttention with some of its biases; a Chain has all four or none")
    made = layers.Attention(sizes.pop(), module.num_heads, causal=causal, bias=biases[0] is not None)
    weights = [one.weight for one in projections]
    return made, _given(*weights[:3], *biases[:3], weights[3], biases[3])
