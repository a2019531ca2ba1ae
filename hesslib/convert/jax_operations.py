"""Products with parameters, convolutions, embeddings and pools: layers that an operation of JAX shows by itself.

Each function gives the number of the state that a value is, or None if the operation is none of these.
"""

from __future__ import annotations

import math

import numpy as np

from hesslib import layers
from hesslib._arrays import to_numpy
from hesslib.convert.jax_values import Add, Another, Number, Value, evaluated, positions_of
from hesslib.convert.refusals import refusal
from hesslib.convert.windows import both_sides, numbers


def moved(number: int, order: tuple[int, ...], add: Add, /) -> int:
    """The state with its axes in another order, that of the patterns first."""
    if order[0] != 0:
        raise refusal("the model moves the axis of the patterns; it must stay the first")
    if order == tuple(range(len(order))):
        return number
    return add("transpose", layers.Transpose(tuple(axis - 1 for axis in order[1:])), (number,))


def product(
    value: Value, order: tuple[int, ...] | None, number: Number, add: Add, /, bias: np.ndarray | None = None
) -> int | None:
    """A product of a state with a parameter, summed over any of its axes: a dense layer, and changes of shape.

    ``order`` is that in which the axes of the product stand afterwards; ``bias`` what is added along the last of them.
    """
    if value.name != "dot_general":
        return None
    (contracted, batch), held = value.options["dimension_numbers"], [positions_of(one) for one in value.of]
    if any(map(len, batch)) or [P is None for P in held].count(True) != 1:
        return None
    side = next(i for i, P in enumerate(held) if P is None)
    state, P = value.of[side], held[1 - side]
    assert P is not None
    pairs = sorted(zip(contracted[side], contracted[1 - side], strict=True))
    summed, summed_of_P = (tuple(pair[i] for pair in pairs) for i in (0, 1))
    kept = tuple(axis for axis in range(len(state.shape)) if axis not in summed)
    kept_of_P = tuple(axis for axis in range(P.ndim) if axis not in summed_of_P)
    if 0 in summed or (len(kept) == 1 and not kept_of_P) or (bias is not None and (side, len(kept_of_P)) != (0, 1)):
        return None
    rows = tuple(state.shape[axis] for axis in kept[1:])
    outputs = tuple(P.shape[axis] for axis in kept_of_P)
    inputs = math.prod(state.shape[axis] for axis in summed)
    W = P.transpose(*kept_of_P, *summed_of_P).reshape(math.prod(outputs), inputs)
    at = moved(number(state), (*kept, *summed), add)
    if len(summed) != 1:
        at = add("reshape", layers.Reshape((*rows, inputs)), (at,))
    made = layers.Dense(inputs, math.prod(outputs), bias=bias is not None)
    at = add("dense", made, (at,), W, *([] if bias is None else [bias]))
    if len(outputs) != 1:
        at = add("reshape", layers.Reshape((*rows, *outputs)), (at,))
    ours = tuple(range(len(kept) + len(outputs)))
    theirs = ours if side == 0 else (*ours[len(kept) :], *ours[: len(kept)])
    return moved(at, theirs if order is None else tuple(theirs[axis] for axis in order), add)


def convolution(value: Value, number: Number, add: Add, /) -> int | None:
    """A convolution with a parameter, over one or two axes, wherever its channels stand."""
    if value.name != "conv_general_dilated" or (P := positions_of(value.of[1])) is None:
        return None
    options = value.options
    lhs, rhs, out = options["dimension_numbers"]
    axes = len(lhs) - 2
    if axes not in (1, 2):
        raise refusal(f"the model has a convolution over {axes} axes; a Chain has them over one or two")
    if set(options["lhs_dilation"]) != {1} or options["batch_group_count"] != 1:
        raise refusal("the model has a transposed convolution; a Chain has no layer for it")
    kernel = P.transpose(rhs)  # outputs, inputs of a group, window
    made = layers.Convolution(
        kernel.shape[1] * options["feature_group_count"], kernel.shape[0], numbers(kernel.shape[2:]),
        stride=numbers(options["window_strides"]), padding=both_sides("the model", options["padding"]),
        dilation=numbers(options["rhs_dilation"]), groups=options["feature_group_count"], bias=False,
    )  # fmt: skip
    at = add("conv", made, (moved(number(value.of[0]), tuple(lhs), add),), kernel)
    return moved(at, tuple(int(axis) for axis in np.argsort(out)), add)


def pool(value: Value, number: Number, add: Add, /) -> int | None:
    """The largest of every window, or the mean."""
    windows = value
    if value.name == "div" and value.of[1].constant is not None:
        windows = value.of[0]
    if windows.name != ("reduce_window_max" if windows is value else "reduce_window_sum"):
        return None
    options = windows.options
    size, strides, padding = options["window_dimensions"], options["window_strides"], options["padding"]
    if windows is not value and not np.all(value.of[1].constant == math.prod(size)):
        return None
    if {*options["base_dilation"], *options["window_dilation"]} != {1}:
        raise refusal("the model has a pool whose windows have gaps; a Chain has no layer for it")
    channels = next((axis for axis in (len(size) - 1, 1) if size[axis] == strides[axis] == 1), None)
    if size[0] != 1 or channels is None or len(size) not in (3, 4):
        raise refusal(
            f"the model has a pool with windows of shape {tuple(size)}; one axis must be that of the channels"
        )
    order = (0, channels, *(axis for axis in range(1, len(size)) if axis != channels))
    kind = layers.MaxPool if windows is value else layers.AveragePool
    made = kind(
        numbers([size[axis] for axis in order[2:]]), stride=numbers([strides[axis] for axis in order[2:]]),
        padding=both_sides("the model", [padding[axis] for axis in order[2:]]),
    )  # fmt: skip
    at = add("pool", made, (moved(number(windows.of[0]), order, add),))
    return moved(at, tuple(int(axis) for axis in np.argsort(order)), add)


def embedding(value: Value, tokens: Value, number: Number, add: Add, /) -> int | None:
    """The rows of a parameter that the inputs, integers, tell."""
    import jax.numpy as jnp

    if value.name != "gather" or (P := positions_of(value.of[0])) is None or P.ndim != 2:
        return None
    numbers = np.resize(np.arange(P.shape[0]), tokens.shape)
    try:
        rows = to_numpy(evaluated(value.of[1], {tokens: jnp.asarray(numbers)}, ()))
    except (Another, TypeError):
        return None
    dimensions = value.options["dimension_numbers"]
    whole = tuple(value.options["slice_sizes"]) == (1, P.shape[1]) and tuple(dimensions.start_index_map) == (0,)
    if (
        not whole
        or value.shape != (*tokens.shape, P.shape[1])
        or not np.array_equal(rows.reshape(numbers.shape), numbers)
    ):
        return None
    return add("embedding", layers.Embedding(*P.shape), (number(tokens),), P)
