"""The same chain of layers, weights and batch for NumPy, JAX and PyTorch: a Transformer block and a convolutional net.

The models of JAX and PyTorch are written as one writes them there, all heads of attention at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch.nn import functional as F

from hesslib import Chain, layers


class Parameters:
    """A vector from which shapes are taken in turn."""

    def __init__(self, w: Any) -> None:
        self.w, self.at = w, 0

    def take(self, *shape: int) -> Any:
        size = math.prod(shape)
        self.at += size
        return self.w[self.at - size : self.at].reshape(shape)


def _normed(lib: Any, z: Any) -> Any:
    u = z - z.mean(-1)[..., None]
    return u / lib.sqrt((u**2).mean(-1)[..., None] + 1e-5)


class Case:
    """A chain with weights and a batch, and its error for the peers, from the outputs that each case writes anew."""

    chain: Chain
    x: np.ndarray
    t: np.ndarray
    outputs: Callable[[Any, Any, Any], Any]

    @cached_property
    def w(self) -> np.ndarray:
        rng = np.random.default_rng(0)
        return self.chain.init(rng) + 0.1 * rng.standard_normal(self.chain.num_parameters)

    @cached_property
    def jax_error(self) -> Callable[[Any], Any]:
        x, t = jnp.asarray(self.x), jnp.asarray(self.t)

        def error(w: Any) -> Any:
            logs = jax.nn.log_softmax(self.outputs(w, x, jnp), axis=-1)
            return -jnp.take_along_axis(logs, t[..., None], axis=-1).sum()

        return error

    @cached_property
    def torch_error(self) -> Callable[[Any], Any]:
        x, t = torch.as_tensor(self.x), torch.as_tensor(self.t)

        def error(w: Any) -> Any:
            logs = torch.log_softmax(self.outputs(w, x, torch), dim=-1)
            return -torch.gather(logs, -1, t[..., None]).sum()

        return error


@dataclass(frozen=True)
class Transformer(Case):
    """A causal language model of one block, and its next tokens."""

    d: int
    feed: int
    vocabulary: int
    heads: int = 2
    T: int = 8
    N: int = 16

    def __str__(self) -> str:
        return f"Transformer block, P = {self.chain.num_parameters}, {self.T} tokens, N = {self.N}"

    @cached_property
    def chain(self) -> Chain:
        d = self.d
        return Chain(
            [
                layers.Embedding(self.vocabulary, d),
                layers.Position(self.T, d),
                layers.Residual(layers.LayerNorm(d), layers.Attention(d, self.heads, causal=True)),
                layers.Residual(
                    layers.LayerNorm(d),
                    layers.Dense(d, self.feed),
                    layers.Activation("gelu"),
                    layers.Dense(self.feed, d),
                ),
                layers.LayerNorm(d),
                layers.Dense(d, self.vocabulary),
            ],
            loss="softmax_cross_entropy",
        )

    @cached_property
    def x(self) -> np.ndarray:
        return np.random.default_rng(1).integers(0, self.vocabulary, (self.N, self.T))

    @cached_property
    def t(self) -> np.ndarray:
        return np.random.default_rng(2).integers(0, self.vocabulary, (self.N, self.T))

    def outputs(self, w: Any, x: Any, lib: Any) -> Any:
        """The last pre-activations, in JAX or PyTorch."""
        p, d, h = Parameters(w), self.d, self.heads
        norm: Callable[[Any, Any, Any], Any] = lambda z, g, b: _normed(lib, z) * g + b  # noqa: E731
        z = p.take(self.vocabulary, d)[x] + p.take(self.T, d)
        u = norm(z, p.take(d), p.take(d))
        qkv = u @ p.take(3 * d, d).T + p.take(3 * d)
        q, k, v = (qkv[..., i * d : (i + 1) * d].reshape(len(x), self.T, h, d // h) for i in range(3))
        S = lib.einsum("nqhd,nkhd->nhqk", q, k) / math.sqrt(d // h)
        S = lib.where(lib.tril(lib.ones((self.T, self.T))) > 0, S, -math.inf)
        A = jax.nn.softmax(S, axis=-1) if lib is jnp else torch.softmax(S, dim=-1)
        o = lib.einsum("nhqk,nkhd->nqhd", A, v).reshape(len(x), self.T, d)
        z = z + o @ p.take(d, d).T + p.take(d)
        u = norm(z, p.take(d), p.take(d))
        a = u @ p.take(self.feed, d).T + p.take(self.feed)
        a = jax.nn.gelu(a, approximate=False) if lib is jnp else F.gelu(a)
        z = z + a @ p.take(d, self.feed).T + p.take(d)
        z = norm(z, p.take(d), p.take(d))
        return z @ p.take(self.vocabulary, d).T + p.take(self.vocabulary)


@dataclass(frozen=True)
class Convolutional(Case):
    """Two convolutions with means of 2 by 2 after them, and a dense layer."""

    first: int = 6
    second: int = 12
    N: int = 32

    def __str__(self) -> str:
        return f"convolutional net, P = {self.chain.num_parameters}, 8 by 8 pixels, N = {self.N}"

    @cached_property
    def chain(self) -> Chain:
        return Chain(
            [
                layers.Convolution(1, self.first, (3, 3), padding=1),
                layers.Activation("tanh"),
                layers.AveragePool((2, 2)),
                layers.Convolution(self.first, self.second, (3, 3), padding=1),
                layers.Activation("tanh"),
                layers.AveragePool((2, 2)),
                layers.Flatten(),
                layers.Dense(4 * self.second, 10),
            ],
            loss="softmax_cross_entropy",
        )

    @cached_property
    def x(self) -> np.ndarray:
        return np.random.default_rng(1).standard_normal((self.N, 1, 8, 8))

    @cached_property
    def t(self) -> np.ndarray:
        return np.random.default_rng(2).integers(0, 10, self.N)

    def outputs(self, w: Any, x: Any, lib: Any) -> Any:
        """The last pre-activations, in JAX or PyTorch."""
        p, z = Parameters(w), x
        for before, after in ((1, self.first), (self.first, self.second)):
            W, b = p.take(after, before, 3, 3), p.take(after)
            if lib is jnp:
                z = jax.lax.conv_general_dilated(z, W, (1, 1), [(1, 1), (1, 1)]) + b[:, None, None]
            else:
                z = F.conv2d(z, W, b, padding=1)
            z = lib.tanh(z)
            n, c, rows, columns = z.shape
            z = z.reshape(n, c, rows // 2, 2, columns // 2, 2).mean((3, 5))
        z = z.reshape(len(x), -1)
        return z @ p.take(10, 4 * self.second).T + p.take(10)


CASES = [Transformer(12, 24, 16), Transformer(20, 48, 24), Convolutional()]
