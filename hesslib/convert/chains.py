"""Layers from elsewhere, put together to a `Chain` with its flat vector and the order they came in, and the last word.

The last word on a conversion is that model and chain give the same on random inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hesslib import layers
from hesslib.convert.convention import LossConvention
from hesslib.convert.converted import Converted
from hesslib.convert.order import ParameterOrder
from hesslib.convert.refusals import refusal
from hesslib.layers import Chain, Layer
from hesslib.networks.network import forward

ROUNDINGS = 2.0**20  # of the largest output: a model that is another function is farther away
TIMES = 3  # batches of random inputs of the shape of those that are given
FLOATING = ("float32", "float64")


@dataclass(frozen=True, eq=False)
class Part:
    """A layer, the states it takes, and where its parameters lie in their vector, each in its shape."""

    name: str
    layer: Layer
    inputs: tuple[int, ...]
    positions: list[np.ndarray] = field(default_factory=list)


def graph_of(parts: Sequence[Part], loss: str = "squared_error") -> Chain:
    """The layers as a chain."""
    return Chain([layers.Graph(tuple((part.name, part.layer, part.inputs) for part in parts))], loss=loss)


Named = Sequence[tuple[str, np.ndarray]]


def put_together(chain: Chain, placed: Named, theirs: Named, convention: LossConvention | None) -> Converted:
    """Return a chain with its vector and their order; a parameter that is placed twice is tied.

    `placed` are the positions of its parameters in their vector, in its order, with the names of the layers; `theirs`
    are their parameters with their names, in their order.

    Raises ValueError for a parameter that layers share in part or turned round, that none has, or of another dtype.
    """
    for name, values in theirs:
        if str(values.dtype) not in FLOATING or values.dtype != theirs[0][1].dtype:
            kinds = f"{values.dtype}, the first {theirs[0][1].dtype}"
            raise refusal(f"the parameter {name} has dtype {kinds}; they must be float32 or float64")
    whole = np.concatenate([np.zeros(0), *(values.reshape(-1) for _, values in theirs)])
    whole = whole.astype(theirs[0][1].dtype) if theirs else whole
    if len(placed) != len(chain.names):
        raise refusal(f"the model has {len(placed)} parameters in its layers, and the chain {len(chain.names)}")
    index, at = np.full(len(whole), -1), 0
    first: dict[bytes, str] = {}  # the name of what is at these positions
    tied: dict[str, str] = {}
    for (layer, where), name in zip(placed, chain.names, strict=True):
        flat = where.reshape(-1)
        if flat.size and flat.tobytes() in first and chain.shapes[first[flat.tobytes()]] == chain.shapes[name]:
            tied[name] = first[flat.tobytes()]
            continue
        if (index[flat] >= 0).any() or len(set(flat.tolist())) < len(flat):
            raise refusal(
                f"a parameter of layer {layer} is that of another layer in part, or turned round; a Chain shares whole "
                "parameters as they are"
            )
        first[flat.tobytes()] = name
        index[flat] = at + np.arange(len(flat))
        at += len(flat)
    start = 0
    for name, values in theirs:
        if (index[start : start + values.size] < 0).any():
            raise refusal(f"the parameter {name} belongs to no layer that a Chain has")
        start += values.size
    if tied:
        chain = Chain(chain.layers, loss=chain.loss, tied=tied)
    if at != chain.num_parameters:
        raise refusal(f"the model has {at} parameters, and the chain {chain.num_parameters}")
    w = np.empty_like(whole)
    w[index] = whole
    return Converted(chain, w, ParameterOrder(index, chain.num_parameters), convention)


Run = Callable[[np.ndarray, np.ndarray | None], tuple[np.ndarray, np.ndarray | None]]


def compare_chain(converted: Converted, run: Run, shape: tuple[int, ...], floating: bool) -> str:
    """Say how closely model and chain agree on random inputs of a shape.

    `run` takes inputs, and what to weight the outputs with; it gives the outputs, and, where it can, the gradient of
    their weighted sum in the order of the model. Without weights it need not.

    Raises ValueError if they do not agree.
    """
    chain, w = converted.chain, converted.w.astype(np.float64)
    rng, largest, also = np.random.default_rng(0), 0.0, ""
    embedding = chain.program.embedding
    if not floating and embedding is None:
        raise refusal("inputs is an array of integers; the model has no Embedding, it must be floating")
    for time in range(TIMES):
        x: Any = rng.standard_normal(shape)
        if not floating and embedding is not None:
            x = rng.integers(0, embedding.vocabulary, shape)
        ours = forward(chain, w, x).a[-1]
        weights = rng.standard_normal(ours.shape) if time == 0 else None
        theirs, gradient = run(x, weights)
        if theirs.shape != ours.shape:
            raise refusal(f"the model gives shape {theirs.shape} for inputs of shape {shape}; the chain {ours.shape}")
        largest = max(largest, _apart("on random inputs they", theirs, ours))
        if gradient is not None and weights is not None:
            found = chain.linearise(w, x).vjp(weights[None])[1][0]
            _apart("the gradients of their outputs", gradient, converted.order.from_hesslib(found))
            also = ", and so are gradients of their outputs"
    return f"model and chain were run on {TIMES} random batches: they are {largest:.1e} apart at most, relative{also}"


def _apart(what: str, theirs: np.ndarray, ours: np.ndarray) -> float:
    size = float(np.max(np.abs(ours), initial=0.0))
    apart = float(np.max(np.abs(theirs - ours), initial=0.0)) / max(size, 1e-300)
    if not apart <= ROUNDINGS * 2.0**-52:
        raise refusal(f"the model is another function than the chain: {what} are {apart:.1e} apart")
    return apart
