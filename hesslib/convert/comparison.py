r"""The last word on a conversion: model and network are run on the same random inputs, and must agree to rounding.

How far they may be apart is not a number that somebody chose: the roundings of the network are followed from layer to
layer beside its values, $e\leftarrow|h'(a)|\,e+\epsilon(|a|+|z|+1)$ through an activation and
$e\leftarrow|W|e+n\epsilon(|W||z|+|b|)$ through a layer of weights.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hesslib.convert.convention import LossConvention
from hesslib.convert.refusals import refusal
from hesslib.networks.model import Model
from hesslib.networks.network import Network, forward

PATTERNS = 24  # random inputs, of sizes from 1/16 to 128: what differs far from zero is seen as well
SAFETY = 16.0  # multiples of the roundings that are followed


def inputs(D: int) -> np.ndarray:
    """Random inputs (N, D), the same at every call."""
    sizes = 2.0 ** np.resize(np.arange(-4, 8), PATTERNS)
    return sizes[:, None] * np.random.default_rng(0).standard_normal((PATTERNS, D))


def roundings(net: Network, w: np.ndarray, x: np.ndarray, eps: float) -> np.ndarray:
    """What rounding may make of the last pre-activations, (N, K), to first order."""
    W, b = net.layers(w)
    trace = forward(net, w, x)
    error = np.zeros_like(x)
    for l in range(1, net.L + 1):
        size, z = np.abs(W[l]).T, trace.z[l - 1]
        error = error @ size + net.widths[l - 1] * eps * (np.abs(z) @ size + np.abs(b[l]))
        if l < net.L:
            h, a = net.activation[l - 1], trace.a[l]
            slope = np.max([np.abs(h.first(a + side * error)) for side in (-1, 0, 1)], axis=0)  # next to a kink, both
            error = slope * error + eps * (np.abs(a) + np.abs(trace.z[l]) + 1)
    return error


def compare(
    net: Network, w: np.ndarray, run: Callable[[np.ndarray], np.ndarray], output: Callable[[np.ndarray], np.ndarray]
) -> str:
    """Say how closely a model agrees with the network it was converted to; `run` is the model, in float64.

    `output` is what the model makes of the last pre-activations, where that is no part of the network.

    Raises ValueError if the model cannot be run or gives anything else than the network.
    """
    x = inputs(net.widths[0])
    try:
        theirs = np.asarray(run(x))
    except Exception as reason:
        line = (str(reason).strip().splitlines() or [""])[0][:160]
        raise refusal(
            f"the model cannot be run on inputs of shape {x.shape} ({type(reason).__name__}: {line}), so that nothing "
            "shows that the network is the same function"
        ) from reason
    w = w.astype(np.float64)
    a = forward(net, w, x).a[-1]
    if theirs.shape != a.shape:
        raise refusal(f"the model gives shape {theirs.shape} for inputs of shape {x.shape}; the network {a.shape}")
    eps = float(np.finfo(theirs.dtype if theirs.dtype.kind == "f" else np.float64).eps)
    ours, error = output(a), roundings(net, w, x, eps)
    # no output function adds more: the slopes of the logistic function and of the log of the softmax are below 1 and 2
    allowed = SAFETY * (error + np.max(error, axis=1, keepdims=True) + eps * (1 + np.abs(ours)))
    apart = np.abs(theirs.astype(np.float64) - ours)
    if not (apart <= allowed).all():
        n, k = np.unravel_index(int(np.argmax(np.where(np.isnan(apart), np.inf, apart / allowed))), apart.shape)
        raise refusal(
            f"the model is another function than the network {net!r}: on the same random inputs it gives "
            f"{float(theirs[n, k]):.6g} where the network gives {float(ours[n, k]):.6g}"
        )
    largest = float(np.max(apart / np.maximum(np.max(np.abs(ours), axis=1, keepdims=True), np.finfo(float).tiny)))
    return f"model and network were run on {PATTERNS} random inputs: they are {largest:.1e} apart at most, relative"


def compare_losses(
    convention: LossConvention, net: Model, theirs: Callable[[np.ndarray, np.ndarray], float], K: int
) -> None:
    """Refuse a loss that is not `convention.factor` times the error of the network, on random outputs and targets."""
    rng = np.random.default_rng(1)
    N = 7
    a = rng.standard_normal((N, K))
    t = {
        "squared_error": rng.standard_normal((N, K)),
        "binary_cross_entropy": rng.uniform(0.05, 0.95, (N, K)),
        "softmax_cross_entropy": rng.integers(0, K, N),
    }[net.loss.name]
    ours = convention.factor(N, K) * float(np.sum(net.loss.pattern_errors(a, net.loss.targets(t, a))))
    value = theirs(a, t)
    if not abs(value - ours) <= 1e-12 * (1 + abs(ours)):
        raise refusal(
            f"loss is {convention.theirs}, which gives {value:.6g} on random outputs where {convention} is {ours:.6g}"
        )
