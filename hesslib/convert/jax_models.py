"""A model written in JAX; parameters of a multilayer perceptron as a `Network`: what they leave open is asked for.

Parameters alone tell neither the order of their layers nor what stands between them. Names that are numbered tell the
order, or shapes that fit one order only; a function is known by its values, not by its name. A module that can be
called, or ``apply``, is run beside the network; where there is neither, `Converted.said` says so.

Longer than one sitting: each kind of tree of parameters is recognised, or refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, permutations
from typing import Any, Literal

import numpy as np

from hesslib._arrays import to_numpy
from hesslib.convert.comparison import compare
from hesslib.convert.convention import LossConvention
from hesslib.convert.converted import Converted
from hesslib.convert.double_precision import in_double
from hesslib.convert.equinox_modules import is_known
from hesslib.convert.jax_chains import chain_of, chain_of_description
from hesslib.convert.known_functions import POINTS, name_of_values, same
from hesslib.convert.layers import Layer, assemble
from hesslib.convert.refusals import refusal
from hesslib.layers import Layer as OfChain
from hesslib.networks.activations import ACTIVATIONS, Activation
from hesslib.networks.losses import LOSSES

Layout = Literal["out_in", "in_out"]
Found = tuple[str, Any, Any, Any, Any, Any]  # place, layout if its name tells, weights, biases, positions of both
NAMES = {"sigmoid": "logistic", "swish": "silu"}  # functions of jax.nn that have another name here
KERNELS = {"kernel": "in_out", "weight": None, "w": None, "W": None}  # names of weights, and what they mean
BIASES = ("bias", "b")
MOST_ORDERS = 6  # layers whose order is looked for in their shapes
NOTHING_RUN = (
    "the parameters alone tell no function, and nothing was run: with apply=, a function of params and x that gives "
    "the outputs, model and network are compared"
)


def from_jax(
    params: Any,
    /,
    *,
    activation: Any = None,
    loss: str | LossConvention | None = None,
    layout: Layout | None = None,
    layers: Sequence[Any] | None = None,
    apply: Callable[[Any, Any], Any] | None = None,
    inputs: Any = None,
) -> Converted:
    r"""Return a model of JAX as a `Network` or a `Chain`, with its weights, order and loss.

    Parameters of a multilayer perceptron are a `Network`; with ``inputs=`` any model is a `Chain` of layers.

    Parameters
    ----------
    params
        A sequence of ``(W, b)`` (b may be None); a dictionary of Flax's kind, ``{"Dense_0": {"kernel": ..., "bias":
        ...}}``, inside ``{"params": ...}`` or not; or a module of Equinox's kind, whose ``layers`` have ``weight`` and
        ``bias``.
    activation
        A name of hesslib, a function such as ``jnp.tanh``, which is known by its values, an `Activation`, or a sequence
        with one for each hidden layer. An Equinox module brings its own. It is needed if there is a hidden layer.
    loss
        The name of a loss of hesslib (then E is the sum), or a `LossConvention` with its factor.
    layout
        "out_in" if the weights are (n_l, n_{l-1}) as here and in Equinox, "in_out" if they are (n_{l-1}, n_l) as for
        ``x @ W + b``. Without it the shapes decide, or the name ``kernel``; where they cannot, an error says so.
    layers
        The names of the layers of a dictionary, from inputs to outputs. Without it the numbers in the names decide
        (``Dense_2`` stands before ``Dense_10``), or shapes that fit in one order only; else an error asks for it.
        Or a sequence of layers of `hesslib.layers`, which describes a `Chain`: the arrays of `params`, in the order of
        its tree, are then the parameters of these layers in turn, dense weights turned round if `layout` is "in_out".
    apply
        A function of `params` and inputs (N, D) that gives the outputs (N, K), such as ``model.apply`` of Flax. It is
        run beside the network. A module that can be called for one pattern, as Equinox's, is run without it.
    inputs
        For a `Chain`: a batch of inputs of the shape that the model is used on, (N, ...). Their numbers do not matter.
        The model, or `apply`, is traced by JAX, and what it computes is taken: of Equinox's modules Linear, Conv1d and
        2d, LayerNorm, RMSNorm, MultiheadAttention (causal or not, or of one state to others), Embedding, AvgPool,
        MaxPool and AdaptiveAvgPool to size 1, Dropout in inference, mapped over positions or not, and whatever calls
        them, once or more, such as Sequential and MLP. What anybody else wrote, as Flax's modules, is known by its
        operations: sums, products and concatenations of states; products with parameters over any axes, and
        parameters that are added or multiplied; convolutions and pools, wherever the channels stand; rows of an
        embedding; reshape, transpose and mean; or by its values: every activation of hesslib, normalisation of layers
        or by the root of the mean square, and softmax attention, causal or not, of one state to itself or to others.
        `activation` and `layout` are not needed then, and must be left out, and so must `layers` that are names.

    The order of parameters is that of ``jax.flatten_util.ravel_pytree(params)``: for a dictionary that is alphabetical,
    so that a bias stands before its kernel and ``Dense_10`` before ``Dense_2``. With other leaves in the tree it is
    that of its floating arrays alone.

    Shapes: the `Converted` has `w`, (P,).
    Cost: a forward pass of 24 patterns in float64, of a `Chain` three of `inputs` and a gradient; memory: two copies of
    the parameters, one of them in float64, and their positions. Needs JAX.
    Errors: ValueError that names the layer, operation or argument, for everything that has no counterpart or is left
    open; and if model and network do not agree to rounding.

    >>> import numpy as np
    >>> here = from_jax([(np.ones((2, 3)), np.zeros(3)), (np.ones((3, 1)), np.zeros(1))], activation="tanh")
    >>> here.net
    Network((2, 3, 1), activation='tanh', loss='squared_error')
    >>> here.order.index[:4]  # their W is (in, out): the second entry goes to unit 2
    array([0, 2, 4, 1])

    Any function of parameters and inputs, as a chain:

    >>> import jax.numpy as jnp
    >>> params = {"V": np.ones((3, 1)), "W": np.ones((2, 3))}
    >>> here = from_jax(params, apply=lambda p, x: jnp.tanh(x @ p["W"]) @ p["V"], inputs=np.ones((1, 2)))
    >>> here.net.names, here.order.index[:3]
    (('dense.weight', 'dense#2.weight'), array([6, 7, 8]))
    """
    convention = LossConvention(f"E, {loss}", _name_loss(loss)) if isinstance(loss, str) else loss
    if layers is not None and not isinstance(layers, str) and any(isinstance(one, OfChain) for one in layers):
        return chain_of_description(params, layers, inputs, convention, apply, layout == "in_out")
    if inputs is not None:
        for name, given in (("activation", activation), ("layout", layout), ("layers", layers)):
            if given is not None:
                raise ValueError(f"{name} is {given!r}; with inputs= the model is traced, which shows it")
        return chain_of(params, inputs, convention, apply)
    _require_no_chain(params)
    found = list(_find(params))
    if not found:
        raise ValueError("params has no layers; it must be a sequence of (W, b), a dictionary or a module with layers")
    for place, _, W, *_ in found:
        if len(np.shape(W)) != 2:
            raise refusal(f"the weights of layer {place} have shape {np.shape(W)}; they must be a matrix")
    if isinstance(params, Mapping):
        found = _in_order(found, layers, layout)
    elif layers is not None:
        raise ValueError(f"layers is {layers!r}; it is for dictionaries, whose layers have names")
    common = _layout(found, layout)
    _require_all_used(params, found)
    hidden = _activations(params, activation, len(found) - 1)
    made = []
    for l, (place, _, weights, b, weights_at, b_at) in enumerate(found):
        W, W_at = (np.asarray(part).T if common == "in_out" else np.asarray(part) for part in (weights, weights_at))
        if b is not None and np.shape(b) != (len(W),):
            raise refusal(f"the biases of layer {place} have shape {np.shape(b)}; they must be ({len(W)},)")
        made.append(Layer(place, W, None if b is None else np.asarray(b), W_at, b_at, hidden[l - 1] if l else None))
    converted = assemble(made, convention)
    return replace(converted, said=_compare(params, converted, apply))


def _require_no_chain(params: Any) -> None:
    """Ask for inputs where a module has layers that no `Network` has."""
    import jax

    for path, module in jax.tree_util.tree_flatten_with_path(params, is_leaf=is_known)[0]:
        if is_known(module) and type(module).__name__ not in ("Linear", "Identity"):
            place = jax.tree_util.keystr(path).removeprefix(".") or "itself"
            raise ValueError(
                f"inputs is missing; layer {place} is {type(module).__name__}, and such a model needs a batch (N, ...) "
                "of inputs, of the shape it is used on"
            )


def _name_loss(loss: str) -> str:
    if loss not in LOSSES:
        raise ValueError(f"loss is {loss!r}; it must be a LossConvention or one of {', '.join(LOSSES)}")
    return loss


def _find(params: Any) -> Iterator[Found]:
    """The layers as they stand there, a dictionary's by the numbers in their names."""
    positions = _positions(params)
    if isinstance(params, Mapping):
        while "params" in params:
            if len(params) > 1:
                beside = ", ".join(str(key) for key in params if key != "params")
                raise refusal(f"params has {beside} beside params; a Network has parameters and nothing else")
            params, positions = params["params"], positions["params"]
        for name in sorted(params, key=_natural):
            layer, at = params[name], positions[name]
            weights = [key for key in KERNELS if key in layer] if isinstance(layer, Mapping) else []
            if len(weights) != 1 or set(layer) - {weights[0], *BIASES}:
                keys = sorted(layer) if isinstance(layer, Mapping) else type(layer).__name__
                raise refusal(f"layer {name} has {keys}; it must have a kernel and perhaps a bias")
            bias = next((key for key in BIASES if key in layer), None)
            key = weights[0]
            yield name, KERNELS[key], layer[key], layer.get(bias), at[key], at.get(bias)
    elif hasattr(params, "layers"):
        for l, (layer, at) in enumerate(zip(params.layers, positions.layers, strict=True)):
            if not hasattr(layer, "weight"):
                raise refusal(f"layer {l} is {type(layer).__name__}; it must have weight and bias")
            bias = getattr(layer, "bias", None)
            yield str(l), "out_in", layer.weight, bias, at.weight, None if bias is None else at.bias
    elif isinstance(params, Sequence):
        for l, (layer, at) in enumerate(zip(params, positions, strict=True)):
            if not isinstance(layer, tuple | list) or len(layer) != 2:
                raise refusal(f"layer {l} is {type(layer).__name__}; it must be a pair (W, b)")
            yield str(l), None, layer[0], layer[1], at[0], at[1]


def _positions(params: Any) -> Any:
    """The same tree with the position of every number in the place of the number."""
    import jax

    leaves, structure = jax.tree_util.tree_flatten_with_path(params)
    start, numbered = 0, []
    for path, leaf in leaves:
        if not hasattr(leaf, "shape"):
            if not callable(leaf):  # a function is carried along by a module
                raise refusal(f"params{jax.tree_util.keystr(path)} is a {type(leaf).__name__}; it must be an array")
            numbered.append(leaf)
            continue
        size = int(np.prod(leaf.shape, dtype=int))
        numbered.append(start + np.arange(size).reshape(leaf.shape))
        start += size
    return jax.tree_util.tree_unflatten(structure, numbered)


def _require_all_used(params: Any, found: list[Found]) -> None:
    """Refuse arrays that are in no layer: they would be missing without a word."""
    import jax

    taken = {int(at.reshape(-1)[0]) for *_, W_at, b_at in found for at in (W_at, b_at) if at is not None and at.size}
    for path, at in jax.tree_util.tree_flatten_with_path(_positions(params))[0]:
        if hasattr(at, "shape") and at.size and int(at.reshape(-1)[0]) not in taken:
            raise refusal(f"params{jax.tree_util.keystr(path)} belongs to no layer that a Network has")


def _natural(name: str) -> list[Any]:
    """Dense_2 before Dense_10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(name))]


def _in_order(found: list[Found], layers: Sequence[str] | None, layout: Layout | None) -> list[Found]:
    """The layers of a dictionary from inputs to outputs: as told, by numbers, or in the one order that fits."""
    by_name = {layer[0]: layer for layer in found}
    if layers is not None:
        if isinstance(layers, str) or sorted(layers) != sorted(by_name):
            raise ValueError(f"layers is {layers!r}; it must have each of {', '.join(sorted(by_name))} once")
        return [by_name[name] for name in layers]
    parts = [re.fullmatch(r"(.*?)_?(\d*)", str(layer[0])) for layer in found]
    stems, numbers = {part[1] for part in parts if part}, [part[2] for part in parts if part]
    if len(found) == 1 or (len(stems) == 1 and len(set(numbers)) == len(found)):
        return found  # numbered, perhaps but for the first
    orders = []
    if len(found) <= MOST_ORDERS:
        orders = [list(order) for order in permutations(found) if _fitting(list(order), layout)]
    if len(orders) == 1:
        return orders[0]
    names = ", ".join(by_name)
    fit = "fit more than one" if orders or len(found) > MOST_ORDERS else "fit none"
    raise refusal(f"the names {names} tell no order of the layers, and their shapes {fit}; say layers=(...)")


def _fitting(found: list[Found], layout: Layout | None) -> list[str]:
    """The layouts in which weights and biases fit one another."""
    told = {layout} if layout else {known for _, known, *_ in found if known}
    fitting = []
    for each in told or ("out_in", "in_out"):
        ends = [np.shape(W)[::-1] if each == "out_in" else np.shape(W) for _, _, W, *_ in found]  # (inputs, outputs)
        chained = all(a[1] == b[0] for a, b in pairwise(ends))
        biased = all(b is None or np.shape(b) == (end[1],) for (_, _, _, b, *_), end in zip(found, ends, strict=True))
        if chained and biased:
            fitting.append(each)
    return fitting


def _layout(found: list[Found], layout: Layout | None) -> str:
    """One layout for all layers: as told, or as the shapes have it."""
    if layout not in (None, "out_in", "in_out"):
        raise ValueError(f"layout is {layout!r}; it must be 'out_in' or 'in_out'")
    told = {layout} if layout else {known for _, known, *_ in found if known}
    if len(told) == 1:
        return str(told.pop())
    fitting = _fitting(found, None)
    if not fitting:
        listed = ", ".join(f"{place}: {np.shape(W)}" for place, _, W, *_ in found)
        raise refusal(f"the weights do not fit one another in either layout ({listed})")
    if len(fitting) == 2:
        raise refusal("every matrix of weights fits both ways round; say layout='out_in' or layout='in_out'")
    return fitting[0]


def _activations(params: Any, activation: Any, hidden: int) -> list[str | Activation]:
    own = getattr(params, "activation", None)
    final = getattr(params, "final_activation", None)
    if final is not None and _known_name(final) != "identity":
        raise refusal(
            f"the final_activation of the model is {_name(final)}; a Network has linear outputs (the output function "
            "belongs to the loss)"
        )
    if own is None and activation is None:
        if hidden:
            raise refusal("activation is missing; the parameters do not tell it")
        return []
    if own is None:
        return _each(activation, hidden)
    theirs = _each(own, hidden)
    for l, (one, other) in enumerate(zip(theirs, _each(activation, hidden) if activation else theirs, strict=True)):
        if not _alike(one, other):
            raise refusal(f"activation is {_name(other)} for hidden layer {l + 1}; the model's own is {_name(one)}")
    return theirs


def _each(activation: Any, hidden: int) -> list[str | Activation]:
    if isinstance(activation, Sequence) and not isinstance(activation, str):
        if len(activation) != hidden:
            raise ValueError(f"activation has {len(activation)} entries; the network has {hidden} hidden layers")
        return [_activation(one) for one in activation]
    return [_activation(activation)] * hidden


def _activation(one: str | Activation | Callable[..., Any]) -> str | Activation:
    """A name or an `Activation` as it is; a function by its values."""
    if isinstance(one, Activation):
        return one
    name = NAMES.get(one, one) if isinstance(one, str) else _known_name(one)
    if name not in ACTIVATIONS:
        raise refusal(f"activation is {_name(one)}; it must be an Activation or one of {', '.join(ACTIVATIONS)}")
    return name


def _known_name(h: Any) -> str:
    """The name of the activation that has the values of a function; empty if none has."""
    if not callable(h):
        return ""
    try:
        values = _values(h)
    except Exception:  # noqa: BLE001  (whatever it raises, it is none of those)
        return ""
    return name_of_values(values)


def _values(h: Callable[[Any], Any]) -> np.ndarray:
    import jax.numpy as jnp

    with in_double("jax"):
        return to_numpy(h(jnp.asarray(POINTS))).astype(np.float64)


def _alike(one: str | Activation, other: str | Activation) -> bool:
    a, b = (ACTIVATIONS[h] if isinstance(h, str) else h for h in (one, other))
    return same(a(POINTS), b(POINTS))


def _name(h: Any) -> str:
    if isinstance(h, str | Activation):
        return h if isinstance(h, str) else h.name
    inner = getattr(h, "func", getattr(h, "fn", h))  # functools.partial, Equinox's Lambda
    return getattr(inner, "__name__", type(inner).__name__)


def _compare(params: Any, converted: Converted, apply: Callable[[Any, Any], Any] | None) -> str:
    """Run the model beside the network, if there is one that can be run."""
    if apply is None and not callable(params):
        return NOTHING_RUN

    def run(x: np.ndarray) -> np.ndarray:
        import jax
        import jax.numpy as jnp

        with in_double("jax"):
            precise = jax.tree_util.tree_map(
                lambda leaf: jnp.asarray(np.asarray(leaf), jnp.float64) if hasattr(leaf, "shape") else leaf, params
            )
            outputs = jax.vmap(precise)(jnp.asarray(x)) if apply is None else apply(precise, jnp.asarray(x))
            return to_numpy(outputs)

    return compare(converted.network, converted.w, run, lambda a: a)
