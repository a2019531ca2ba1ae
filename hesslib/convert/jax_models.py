"""Parameters of a multilayer perceptron written in JAX as a `Network`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from hesslib.convert.convention import LossConvention
from hesslib.convert.converted import Converted
from hesslib.convert.layers import Layer, assembled
from hesslib.networks.activations import ACTIVATIONS, Activation
from hesslib.networks.losses import LOSSES

Layout = Literal["out_in", "in_out"]
NAMES = {"sigmoid": "logistic", "swish": "silu"}  # functions of jax.nn that have another name here
KERNELS = {"kernel": "in_out", "weight": "out_in", "w": "in_out", "W": None}  # names of weights and what they mean
BIASES = ("bias", "b")


def from_jax(
    params: Any,
    /,
    *,
    activation: Any = None,
    loss: str | LossConvention | None = None,
    layout: Layout | None = None,
) -> Converted:
    r"""Return the parameters of a multilayer perceptron in JAX as a `Network` with its weights, order and loss.

    Parameters
    ----------
    params
        A sequence of ``(W, b)`` (b may be None); a dictionary of Flax's kind, ``{"Dense_0": {"kernel": ..., "bias":
        ...}}``, inside ``{"params": ...}`` or not; or a module of Equinox's kind, whose ``layers`` have ``weight`` and
        ``bias``.
    activation
        A name of hesslib, a function such as ``jnp.tanh``, an `Activation`, or a sequence with one for each hidden
        layer. An Equinox module brings its own. It is needed if there is a hidden layer.
    loss
        The name of a loss of hesslib (then E is the sum), or a `LossConvention` with its factor.
    layout
        "out_in" if the weights are (n_l, n_{l-1}) as here and in Equinox, "in_out" if they are (n_{l-1}, n_l) as for
        ``x @ W + b``. Without it the shapes decide, or the name ``kernel``; where they cannot, an error says so.

    The order of parameters is that of ``jax.flatten_util.ravel_pytree(params)``: for a dictionary that is alphabetical,
    so that a bias stands before its kernel and ``Dense_10`` before ``Dense_2``.

    Shapes: the `Converted` has `w`, (P,).
    Cost: one copy of the parameters, and one of their positions. Needs JAX.
    Errors: ValueError that names the layer or the argument, for everything that has no counterpart or is left open.

    >>> import numpy as np
    >>> here = from_jax([(np.ones((2, 3)), np.zeros(3)), (np.ones((3, 1)), np.zeros(1))], activation="tanh")
    >>> here.net
    Network((2, 3, 1), activation='tanh', loss='squared_error')
    >>> here.order.index[:4]  # their W is (in, out): the second entry goes to unit 2
    array([0, 2, 4, 1])
    """
    found = list(_found(params))
    if not found:
        raise ValueError("params has no layers; it must be a sequence of (W, b), a dictionary or a module with layers")
    layouts = [layout or known or None for _, known, *_ in found]
    shapes = [np.shape(W) for _, _, W, *_ in found]
    for (place, *_), shape in zip(found, shapes, strict=True):
        if len(shape) != 2:
            raise ValueError(f"the weights of layer {place} have shape {shape}; they must be a matrix")
    common = _layout(found, shapes, layouts)
    hidden = _activations(params, activation, len(found) - 1)
    layers = []
    for l, (place, _, weights, b, weights_at, b_at) in enumerate(found):
        W, W_at = (np.asarray(part).T if common == "in_out" else np.asarray(part) for part in (weights, weights_at))
        if b is not None and np.shape(b) != (len(W),):
            raise ValueError(f"the biases of layer {place} have shape {np.shape(b)}; they must be ({len(W)},)")
        layers.append(Layer(place, W, None if b is None else np.asarray(b), W_at, b_at, hidden[l - 1] if l else None))
    return assembled(layers, LossConvention(f"E, {loss}", _known_loss(loss)) if isinstance(loss, str) else loss)


def _known_loss(loss: str) -> str:
    if loss not in LOSSES:
        raise ValueError(f"loss is {loss!r}; it must be a LossConvention or one of {', '.join(LOSSES)}")
    return loss


def _found(params: Any) -> Iterator[tuple[str, str | None, Any, Any, Any, Any]]:
    """Place, layout if its name tells, weights, biases, and the positions of both."""
    positions = _positions(params)
    if isinstance(params, Mapping):
        while set(params) == {"params"}:
            params, positions = params["params"], positions["params"]
        for name in sorted(params, key=_natural):
            layer, at = params[name], positions[name]
            weights = [key for key in KERNELS if key in layer] if isinstance(layer, Mapping) else []
            if len(weights) != 1 or set(layer) - {weights[0], *BIASES}:
                keys = sorted(layer) if isinstance(layer, Mapping) else type(layer).__name__
                raise ValueError(f"layer {name} has {keys}; it must have a kernel and perhaps a bias")
            bias = next((key for key in BIASES if key in layer), None)
            key = weights[0]
            yield name, KERNELS[key], layer[key], layer.get(bias), at[key], at.get(bias)
    elif hasattr(params, "layers"):
        for l, (layer, at) in enumerate(zip(params.layers, positions.layers, strict=True)):
            if not hasattr(layer, "weight"):
                raise ValueError(f"layer {l} is {type(layer).__name__}; it must have weight and bias")
            bias = getattr(layer, "bias", None)
            yield str(l), "out_in", layer.weight, bias, at.weight, None if bias is None else at.bias
    elif isinstance(params, Sequence):
        for l, (layer, at) in enumerate(zip(params, positions, strict=True)):
            if not isinstance(layer, tuple | list) or len(layer) != 2:
                raise ValueError(f"layer {l} is {type(layer).__name__}; it must be a pair (W, b)")
            yield str(l), None, layer[0], layer[1], at[0], at[1]


def _positions(params: Any) -> Any:
    """The same tree with the position of every number in the place of the number."""
    import jax

    leaves, structure = jax.tree_util.tree_flatten(params)
    start, numbered = 0, []
    for leaf in leaves:
        if not hasattr(leaf, "shape"):  # a function that a module carries along
            numbered.append(leaf)
            continue
        size = int(np.prod(leaf.shape, dtype=int))
        numbered.append(start + np.arange(size).reshape(leaf.shape))
        start += size
    return jax.tree_util.tree_unflatten(structure, numbered)


def _natural(name: str) -> list[Any]:
    """Dense_2 before Dense_10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _layout(found: list[Any], shapes: list[Any], layouts: list[str | None]) -> str:
    """One layout for all layers: as told, or as the shapes have it."""
    told = {layout for layout in layouts if layout}
    if len(told) == 1:
        return told.pop()
    fitting = []
    for layout in ("out_in", "in_out"):
        ends = [shape[::-1] if layout == "out_in" else shape for shape in shapes]  # (inputs, outputs)
        chained = all(a[1] == b[0] for a, b in pairwise(ends))
        biased = all(b is None or np.shape(b) == (end[1],) for (_, _, _, b, *_), end in zip(found, ends, strict=True))
        if chained and biased:
            fitting.append(layout)
    if not fitting:
        listed = ", ".join(f"{place}: {shape}" for (place, *_), shape in zip(found, shapes, strict=True))
        raise ValueError(f"the weights do not fit one another in either layout ({listed})")
    if len(fitting) == 2:
        raise ValueError("every matrix of weights fits both ways round; say layout='out_in' or layout='in_out'")
    return fitting[0]


def _activations(params: Any, activation: Any, hidden: int) -> list[str | Activation]:
    if activation is None:
        activation = getattr(params, "activation", None)
    if activation is None:
        if hidden:
            raise ValueError("activation is missing; the parameters do not tell it")
        return []
    if isinstance(activation, Sequence) and not isinstance(activation, str):
        if len(activation) != hidden:
            raise ValueError(f"activation has {len(activation)} entries; the network has {hidden} hidden layers")
        return [_activation(one) for one in activation]
    return [_activation(activation)] * hidden


def _activation(one: str | Activation | Callable[..., Any]) -> str | Activation:
    if isinstance(one, Activation):
        return one
    name = one if isinstance(one, str) else getattr(one, "__name__", getattr(one, "fn", one).__class__.__name__)
    name = NAMES.get(name, name)
    if name == "gelu" and not isinstance(one, str):
        raise ValueError(
            "activation is jax.nn.gelu, which is the tanh fit unless approximate=False: say activation='gelu' if it is "
            "the exact one"
        )
    if name not in ACTIVATIONS:
        raise ValueError(f"activation is {name}; it must be an Activation or one of {', '.join(ACTIVATIONS)}")
    return name
