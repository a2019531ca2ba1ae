"""Modules of Equinox, or, where it is not installed, of its kind: the same fields and functions, in a few lines."""

from __future__ import annotations

import importlib
import importlib.util
import math
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def key(seed: int = 0) -> Any:
    """A key of random numbers."""
    return jax.random.key(seed)


class _Module:
    """An object that JAX knows: what is no array, function or module is no leaf."""

    def __init_subclass__(cls) -> None:
        def leaf(value: Any) -> bool:
            if isinstance(value, tuple | list):
                return any(map(leaf, value))
            return not isinstance(value, int | float | str)

        def flatten(one: Any) -> Any:
            names = [name for name, value in vars(one).items() if leaf(value)]
            rest = tuple((name, value) for name, value in vars(one).items() if name not in names)
            return [(jax.tree_util.GetAttrKey(name), getattr(one, name)) for name in names], (tuple(names), rest)

        def unflatten(aux: Any, children: Any) -> Any:
            names, rest = aux
            one = object.__new__(cls)
            vars(one).update(zip(names, children, strict=True))
            vars(one).update(rest)
            return one

        jax.tree_util.register_pytree_with_keys(cls, flatten, unflatten)


class _Linear(_Module):
    def __init__(self, in_features: int, out_features: int, use_bias: bool = True, *, key: Any) -> None:
        self.weight = jax.random.normal(key, (out_features, in_features))
        self.bias = jax.random.normal(key, (out_features,)) if use_bias else None
        self.in_features, self.out_features = in_features, out_features

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        del key
        return self.weight @ x + (0 if self.bias is None else self.bias)


def _each(value: Any, axes: int) -> Any:
    return (value,) * axes if isinstance(value, int) else tuple(value)


def _pairs(value: Any, axes: int) -> Any:
    return value if isinstance(value, str) else tuple((pad, pad) for pad in _each(value, axes))


class _Conv(_Module):
    axes = 1

    def __init__(
        self, inputs: int, outputs: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
        groups: int = 1, use_bias: bool = True, padding_mode: str = "ZEROS", *, key: Any,
    ) -> None:  # fmt: skip
        self.kernel_size = _each(kernel_size, self.axes)
        self.weight = jax.random.normal(key, (outputs, inputs // groups, *self.kernel_size)) / 2
        self.bias = jax.random.normal(key, (outputs, *(1 for _ in range(self.axes)))) if use_bias else None
        self.stride, self.dilation = _each(stride, self.axes), _each(dilation, self.axes)
        self.padding, self.groups, self.padding_mode = _pairs(padding, self.axes), groups, padding_mode

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        del key
        options: Any = {"rhs_dilation": self.dilation, "feature_group_count": self.groups}
        found = jax.lax.conv_general_dilated(x[None], self.weight, self.stride, self.padding, **options)[0]
        return found + (0 if self.bias is None else self.bias)


class _Conv1d(_Conv):
    axes = 1


class _Conv2d(_Conv):
    axes = 2


class _LayerNorm(_Module):
    centred = True

    def __init__(self, shape: Any, eps: float = 1e-5, use_weight: bool = True, use_bias: bool = True) -> None:
        self.shape, self.eps = _each(shape, 1), eps
        self.weight = jnp.linspace(1.0, 2.0, math.prod(self.shape)).reshape(self.shape) if use_weight else None
        self.bias = jnp.linspace(-1.0, 0.0, math.prod(self.shape)).reshape(self.shape) if use_bias else None

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        del key
        x = x - x.mean() if self.centred else x
        x = x / jnp.sqrt((x**2).mean() + self.eps)
        x = x if self.weight is None else x * self.weight
        return x if self.bias is None else x + self.bias


class _RMSNorm(_LayerNorm):
    centred = False


class _Embedding(_Module):
    def __init__(self, num_embeddings: int, embedding_size: int, *, key: Any) -> None:
        self.weight = jax.random.normal(key, (num_embeddings, embedding_size))
        self.num_embeddings, self.embedding_size = num_embeddings, embedding_size

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        del key
        return self.weight[x]


class _Dropout(_Module):
    def __init__(self, p: float = 0.5, inference: bool = False) -> None:
        self.p, self.inference = p, inference

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        del key
        return x


class _Identity(_Module):
    def __call__(self, x: Any, *, key: Any = None) -> Any:
        del key
        return x


class _MultiheadAttention(_Module):
    def __init__(self, num_heads: int, query_size: int, *, key: Any, dropout_p: float = 0.0, **biases: bool) -> None:
        for number, name in enumerate(("query", "key", "value", "output")):
            bias, own = biases.get(f"use_{name}_bias", False), jax.random.fold_in(key, number)
            setattr(self, f"{name}_proj", _Linear(query_size, query_size, use_bias=bias, key=own))
        self.dropout, self.num_heads = _Dropout(dropout_p), num_heads

    def __call__(self, query: Any, key_: Any, value: Any, mask: Any = None, *, key: Any = None) -> Any:
        del key
        q, k, v = (
            jax.vmap(getattr(self, f"{name}_proj"))(z).reshape(len(z), self.num_heads, -1)
            for name, z in (("query", query), ("key", key_), ("value", value))
        )
        scores = jnp.einsum("qhd,khd->hqk", q, k) / math.sqrt(q.shape[-1])
        scores = scores if mask is None else jnp.where(mask, scores, -jnp.inf)
        found = jnp.einsum("hqk,khd->qhd", jax.nn.softmax(scores, axis=-1), v)
        return jax.vmap(self.output_proj)(found.reshape(len(query), -1))  # type: ignore[attr-defined]


class _Pool(_Module):
    axes = 1
    largest = False

    def __init__(self, kernel_size: Any, stride: Any = 1, padding: Any = 0, use_ceil: bool = False) -> None:
        self.kernel_size, self.stride = _each(kernel_size, self.axes), _each(stride, self.axes)
        self.padding, self.use_ceil = _pairs(padding, self.axes), use_ceil

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        del key
        of, start = (jax.lax.max, -np.inf) if self.largest else (jax.lax.add, 0.0)
        windows = (1, *self.kernel_size), (1, *self.stride), ((0, 0), *self.padding)
        found = jax.lax.reduce_window(x, start, of, *windows)
        return found if self.largest else found / math.prod(self.kernel_size)


class _AvgPool1d(_Pool):
    pass


class _AvgPool2d(_Pool):
    axes = 2


class _MaxPool1d(_Pool):
    largest = True


class _MaxPool2d(_Pool):
    axes, largest = 2, True


class _AdaptiveAvgPool2d(_Module):
    def __init__(self, target_shape: Any) -> None:
        self.target_shape = target_shape

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        del key
        return x.mean(axis=(1, 2), keepdims=True)


class _Sequential(_Module):
    def __init__(self, layers: Any) -> None:
        self.layers = tuple(layers)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        for layer in self.layers:
            x = layer(x, key=key)
        return x


class _Lambda(_Module):
    def __init__(self, fn: Any) -> None:
        self.fn = fn

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        del key
        return self.fn(x)


class _PReLU(_Module):
    def __init__(self) -> None:
        self.negative_slope = jnp.asarray(0.25)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        del key
        return jnp.where(x >= 0, x, self.negative_slope * x)


if importlib.util.find_spec("equinox"):
    INSTALLED = True
    nn: Any = importlib.import_module("equinox.nn")
    Module: Any = importlib.import_module("equinox").Module
else:
    INSTALLED = False
    Module = _Module
    nn = SimpleNamespace()
    for _kind in list(vars().values()):
        if isinstance(_kind, type) and issubclass(_kind, _Module) and _kind is not _Module:
            _kind.__name__ = _kind.__name__.removeprefix("_")
            setattr(nn, _kind.__name__, _kind)
    nn.PReLU.__module__ = "equinox.nn"
