"""Every layer of `hesslib.layers` once more, as plainly as JAX says it: the package never imports this.

A layer is known by its public options alone. Parameters are taken from one vector, in the order of PyTorch's modules;
convolutions, pools, norms and attention are those of `jax.lax` and `jax.nn`, or loops over positions.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from oracles import jax_activations

from hesslib import layers

ACTIVATIONS = jax_activations()


class Parameters:
    """A vector from which shapes are taken in turn."""

    def __init__(self, w: Any) -> None:
        self.w, self.at = w, 0

    def take(self, *shape: int) -> Any:
        size = math.prod(shape)
        part = self.w[self.at : self.at + size].reshape(shape)
        self.at += size
        return part

    def seen(self, z: Any, a: Any) -> Any:
        """Called with what goes into every matrix of weights, and what comes out; returns the latter."""
        del z
        return a


class Tapped(Parameters):
    """The same, which keeps what goes into every matrix, and adds something to what comes out."""

    def __init__(self, w: Any, added: Any) -> None:
        super().__init__(w)
        self.added, self.inputs, self.outputs = iter(added), [], []

    def seen(self, z: Any, a: Any) -> Any:
        self.inputs.append(z)
        self.outputs.append(a)
        return a + next(self.added)


def last_preactivations(chain: layers.Chain, w: Any, x: Any) -> Any:
    parameters = Parameters(with_copies(chain, w))
    a = through(chain.layers, parameters, x)
    assert parameters.at == len(parameters.w)
    return a


def with_copies(chain: layers.Chain, w: Any) -> Any:
    """The vector with a copy of a parameter wherever it is used, known by the names of a chain that shares nothing."""
    tied, own, at = dict(chain.tied), {}, 0
    every = layers.Chain(chain.layers).shapes
    for name, shape in every.items():
        if name not in tied:
            own[name] = w[at : at + math.prod(shape)]
            at += math.prod(shape)
    assert at == len(w)
    return jnp.concatenate([own[tied.get(name, name)] for name in every])


def through(every: Any, p: Parameters, z: Any) -> Any:
    for layer in every:
        z = apply(layer, p, z)
    return z


def apply(layer: Any, p: Parameters, z: Any) -> Any:
    match layer:
        case layers.Dense():
            W = p.take(layer.outputs, layer.inputs)
            return p.seen(z, z @ W.T + (p.take(layer.outputs) if layer.bias else 0))
        case layers.Activation():
            return ACTIVATIONS[layer.activation.name](z)
        case layers.Embedding():
            return p.seen(z, p.take(layer.vocabulary, layer.features)[z])
        case layers.Affine():
            shape = (*layer.features, *(1 for _ in z.shape[2:])) if layer.channels else layer.features
            z = z * p.take(*layer.features).reshape(shape) if layer.scale else z
            return z + p.take(*layer.features).reshape(shape) if layer.shift else z
        case layers.LayerNorm() | layers.RMSNorm():
            return normed(layer, p, z)
        case layers.BatchNorm():
            return batch_normed(layer, p, z)
        case layers.Attention():
            return attended(layer, p, z)
        case layers.Convolution():
            return convolved(layer, p, z)
        case layers.AveragePool():
            return pooled(layer, z, 0.0, jax.lax.add) / math.prod(layer.windows.size)
        case layers.MaxPool():
            return pooled(layer, z, -jnp.inf, first_of_equals)
        case layers.Residual():
            return z + through(layer.layers, p, z)
        case layers.Product():
            first, second = (through(branch, p, z) for branch in layer.branches)
            return first * second
        case layers.Concatenate():
            return jnp.concatenate([through(branch, p, z) for branch in layer.branches], axis=layer.axis)
        case layers.Sum():
            return sum(through(branch, p, z) for branch in layer.branches)
        case layers.Reshape():
            return z.reshape(len(z), *layer.shape)
        case layers.Flatten():
            return z.reshape(len(z), -1)
        case layers.Transpose():
            return z.transpose(0, *(axis + 1 for axis in layer.axes))
        case layers.Mean():
            return z.mean(axis=tuple(axis + 1 for axis in layer.axes))
        case layers.Graph():
            return of_graph(layer, p, z)
    raise AssertionError(f"no oracle for {layer}")


def of_graph(graph: Any, p: Parameters, z: Any) -> Any:
    states = [z]
    for _, layer, numbers in graph.nodes:
        taken = [states[number] for number in numbers]
        match layer:
            case layers.Add():
                states.append(sum(taken))
            case layers.Times():
                states.append(taken[0] * taken[1])
            case layers.Join():
                states.append(jnp.concatenate(taken, axis=layer.axis))
            case layers.CrossAttention():
                states.append(crossed(layer, *taken))
            case _:
                states.append(apply(layer, p, taken[0]))
    return states[-1]


def crossed(layer: Any, q: Any, k: Any, v: Any) -> Any:
    q, k, v = (jnp.stack(jnp.split(z, layer.heads, axis=-1)) for z in (q, k, v))
    scale = 1 / math.sqrt(q.shape[-1]) if layer.scale is None else layer.scale
    S = scale * jnp.einsum("hnqd,hnkd->hnqk", q, k)
    S = jnp.where(jnp.tri(S.shape[-1], dtype=bool), S, -jnp.inf) if layer.causal else S
    return jnp.concatenate(list(jnp.einsum("hnqk,hnkd->hnqd", jax.nn.softmax(S, axis=-1), v)), axis=-1)


def normed(layer: Any, p: Parameters, z: Any) -> Any:
    axes = tuple(range(-len(layer.features), 0))
    if isinstance(layer, layers.RMSNorm):
        eps = np.finfo(np.float64).eps if layer.eps is None else layer.eps
        z = z / jnp.sqrt((z**2).mean(axis=axes, keepdims=True) + eps)
    else:
        z = (z - z.mean(axis=axes, keepdims=True)) / jnp.sqrt(z.var(axis=axes, keepdims=True) + layer.eps)
    z = z * p.take(*layer.features) if layer.scale else z
    return z + p.take(*layer.features) if getattr(layer, "shift", False) else z


def batch_normed(layer: Any, p: Parameters, z: Any) -> Any:
    shape = (layer.features, *(1 for _ in z.shape[2:]))
    if layer.mean is None:
        axes = (0, *range(2, z.ndim))
        mean, variance = z.mean(axis=axes), z.var(axis=axes)
    else:
        mean, variance = jnp.asarray(layer.mean), jnp.asarray(layer.variance)
    z = (z - mean.reshape(shape)) / jnp.sqrt(variance.reshape(shape) + layer.eps)
    z = z * p.take(layer.features).reshape(shape) if layer.scale else z
    return z + p.take(layer.features).reshape(shape) if layer.shift else z


def attended(layer: Any, p: Parameters, z: Any) -> Any:
    d, heads = layer.features, layer.heads
    weights = [p.take(d, d) for _ in range(3)]
    biases = [p.take(d) if layer.bias else 0 for _ in range(3)]
    W, b = p.take(d, d), p.take(d) if layer.bias else 0
    qkv = [z @ W_i.T + b_i for W_i, b_i in zip(weights, biases, strict=True)]
    q, k, v = jnp.split(p.seen(z, jnp.concatenate(qkv, axis=-1)), 3, axis=-1)
    size, outputs = d // heads, []
    for h in range(heads):
        own = slice(h * size, (h + 1) * size)
        scores = jnp.einsum("nqd,nkd->nqk", q[..., own], k[..., own])
        scores = scores * (1 / math.sqrt(size) if layer.scale is None else layer.scale)
        if layer.causal:
            T = scores.shape[-1]
            scores = jnp.where(jnp.arange(T)[:, None] >= jnp.arange(T), scores, -jnp.inf)
        outputs.append(jax.nn.softmax(scores, axis=-1) @ v[..., own])
    o = jnp.concatenate(outputs, axis=-1)
    return p.seen(o, o @ W.T + b)


def convolved(layer: Any, p: Parameters, z: Any) -> Any:
    size = layer.windows.size
    W = p.take(layer.outputs, layer.inputs // layer.groups, *size)
    a = jax.lax.conv_general_dilated(
        z,
        W,
        window_strides=layer.windows.stride,
        padding=[(pad, pad) for pad in layer.windows.padding],
        rhs_dilation=layer.windows.dilation,
        feature_group_count=layer.groups,
    )
    a = a + p.take(layer.outputs).reshape(-1, *(1 for _ in size)) if layer.bias else a
    return p.seen(z, a) if layer.groups == 1 else a


def first_of_equals(found: Any, part: Any) -> Any:
    """The maximum; JAX's own divides the derivative among equals."""
    return jnp.where(part > found, part, found)


def pooled(layer: Any, z: Any, start: float, of: Any) -> Any:
    """Window by window, in loops: `reduce_window` of JAX has no second derivative for every operation."""
    windows = layer.windows
    padding = [(0, 0), (0, 0), *((pad, pad) for pad in windows.padding)]
    z = jnp.pad(z, padding, constant_values=start)
    reach = [d * (k - 1) + 1 for k, d in zip(windows.size, windows.dilation, strict=True)]
    lengths = [(n - r) // s + 1 for n, r, s in zip(z.shape[2:], reach, windows.stride, strict=True)]
    found = None
    for place in np.ndindex(*windows.size):
        cut = tuple(
            slice(k * d, k * d + (n - 1) * s + 1, s)
            for k, d, n, s in zip(place, windows.dilation, lengths, windows.stride, strict=True)
        )
        part = z[(slice(None), slice(None), *cut)]
        found = part if found is None else of(found, part)
    return found


def outputs(chain: layers.Chain, a: Any) -> Any:
    return {
        "squared_error": lambda a: a,
        "binary_cross_entropy": jax.nn.sigmoid,
        "softmax_cross_entropy": lambda a: jax.nn.softmax(a, axis=-1),
    }[chain.loss.name](a)


def loss(chain: layers.Chain, a: Any, t: Any) -> Any:
    if chain.loss.name == "squared_error":
        return ((a - t) ** 2).sum() / 2
    if chain.loss.name == "binary_cross_entropy":
        return (jax.nn.softplus(a) - t * a).sum()
    t = jax.nn.one_hot(t, a.shape[-1]) if t.ndim < a.ndim else t
    return -(t * jax.nn.log_softmax(a, axis=-1)).sum()
