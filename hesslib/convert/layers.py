"""Layers from elsewhere, put together to a `Network` with its flat vector and the order they came in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hesslib.convert.convention import LossConvention
from hesslib.convert.converted import Converted
from hesslib.convert.order import ParameterOrder
from hesslib.convert.refusals import refusal
from hesslib.networks.activations import Activation
from hesslib.networks.network import Network


@dataclass(frozen=True, eq=False)
class Layer:
    """Weights (n_l, n_{l-1}) and biases (n_l,) or None, and the positions of each in their vector of parameters."""

    place: str
    weight: np.ndarray
    bias: np.ndarray | None
    weight_positions: np.ndarray
    bias_positions: np.ndarray | None
    activation_before: str | Activation | None


def assemble(layers: list[Layer], convention: LossConvention | None) -> Converted:
    """Raises ValueError if there is no layer, or if widths or dtypes do not fit, naming the layer."""
    if not layers:
        raise refusal("the model has no linear layer; it must have at least one")
    widths = [layers[0].weight.shape[1]]
    for layer in layers:
        rows, columns = layer.weight.shape
        if columns != widths[-1]:
            raise refusal(f"layer {layer.place} takes {columns} inputs; the layer before it gives {widths[-1]}")
        if layer.weight.dtype != layers[0].weight.dtype:
            raise refusal(f"layer {layer.place} is {layer.weight.dtype}, the first {layers[0].weight.dtype}")
        widths.append(rows)
    activation = [layer.activation_before or "identity" for layer in layers[1:]]
    net = Network(widths, activation=activation, loss=convention.loss if convention else "squared_error")
    biases = [np.zeros(len(a.weight), a.weight.dtype) if a.bias is None else a.bias for a in layers]
    w = net.ravel([layer.weight for layer in layers], biases)
    ours, theirs = [], []
    for l, layer in enumerate(layers, start=1):
        ours.append(np.arange(net.num_parameters)[net.weight_slice(l)])
        theirs.append(layer.weight_positions.reshape(-1))
        if layer.bias_positions is not None:
            ours.append(np.arange(net.num_parameters)[net.bias_slice(l)])
            theirs.append(layer.bias_positions.reshape(-1))
    index = np.concatenate(ours)[np.argsort(np.concatenate(theirs))]
    return Converted(net, w, ParameterOrder(index, net.num_parameters), convention)
