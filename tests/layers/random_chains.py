"""The table of random chains: every layer, every loss, inputs of every kind, drawn from seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hesslib import layers
from hesslib.layers import Chain

SMOOTH = ("tanh", "logistic", "softplus", "sin", "gelu", "silu", "identity")
LOSSES = ("squared_error", "binary_cross_entropy", "softmax_cross_entropy")
KINDS = ("rows", "sequence", "tokens", "signal", "image")


@dataclass(frozen=True, eq=False)
class Drawn:
    """A chain at a point, with a batch."""

    seed: int
    kind: str
    chain: Chain
    w: np.ndarray
    x: np.ndarray
    t: np.ndarray

    def __str__(self) -> str:
        return f"{self.seed}-{self.kind}-{self.chain.loss.name}"


def drawn(seed: int) -> Drawn:
    """The chain of a seed."""
    if seed >= UNTIED:
        return tied(seed) if seed < CROSSING else crossing(seed)
    kind, loss = KINDS[seed % len(KINDS)], LOSSES[(seed // len(KINDS)) % len(LOSSES)]
    rng = np.random.default_rng(seed)
    N = int(rng.integers(2, 5))
    body, x, _outputs = {
        "rows": rows,
        "sequence": sequence,
        "tokens": tokens,
        "signal": signal,
        "image": image,
    }[kind](rng, N)
    return at_random(seed, kind, Chain(body, loss=loss), x, rng)


def at_random(seed: int, kind: str, chain: Chain, x: np.ndarray, rng: np.random.Generator) -> Drawn:
    """A chain with weights and targets."""
    loss, N = chain.loss.name, len(x)
    w = chain.init(rng) + 0.3 * rng.standard_normal(chain.num_parameters)
    shape = (N, *chain.output_shape(x.shape[1:]))
    if loss == "squared_error":
        t: Any = rng.standard_normal(shape)
    elif loss == "binary_cross_entropy":
        t = rng.uniform(size=shape)
    elif seed % 2:
        t = rng.integers(0, shape[-1], shape[:-1])
    else:
        t = rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    return Drawn(seed, kind, chain, w, x, t)


def activation(rng: np.random.Generator) -> layers.Activation:
    return layers.Activation(str(rng.choice(SMOOTH)))


def norm(rng: np.random.Generator, d: int) -> Any:
    bits = [bool(b) for b in rng.integers(0, 2, 2)]
    every = [
        layers.LayerNorm(d, eps=0.1, scale=bits[0], shift=bits[1]),
        layers.LayerNorm(d, eps=0.5),
        layers.RMSNorm(d, eps=0.2, scale=bits[0]),
        layers.Scale(d),
        layers.Scale(),
    ]
    return every[int(rng.integers(len(every)))]


def batch_norm(rng: np.random.Generator, channels: int) -> layers.BatchNorm:
    if rng.integers(0, 2):
        return layers.BatchNorm(channels, eps=0.3, scale=bool(rng.integers(0, 2)))
    mean, variance = rng.standard_normal(channels), rng.uniform(0.5, 2, channels)
    return layers.BatchNorm(channels, mean=mean, variance=variance, shift=bool(rng.integers(0, 2)))


def rows(rng: np.random.Generator, N: int) -> tuple[list[Any], np.ndarray, int]:
    D, H, K = (int(n) for n in rng.integers(2, 5, 3))
    hidden: list[Any] = [layers.Dense(D, H, bias=bool(rng.integers(0, 2))), activation(rng)]
    for _ in range(int(rng.integers(1, 3))):
        every = [
            layers.Residual(layers.Dense(H, H), activation(rng)),
            layers.Product(layers.Dense(H, H), (layers.Dense(H, H), layers.Activation("logistic"))),
            layers.Sum(layers.Dense(H, H), (activation(rng), layers.Dense(H, H, bias=False)), ()),
            layers.Residual(norm(rng, H), layers.Dense(H, H), activation(rng)),
            batch_norm(rng, H),
        ]
        hidden += [every[int(rng.integers(5))]]
    if rng.integers(0, 2):
        hidden.append(layers.Concatenate((), (layers.Dense(H, 2), activation(rng))))
        H += 2
    return [*hidden, layers.Dense(H, K)], rng.standard_normal((N, D)), K


def transformer(rng: np.random.Generator, d: int) -> list[Any]:
    """Layers from (T, d) to (T, d)."""
    heads = int(rng.choice([1, 2]))
    scale = None if rng.integers(0, 2) else 0.7
    attention = layers.Attention(d, heads, causal=bool(rng.integers(0, 2)), scale=scale, bias=bool(rng.integers(0, 2)))
    feed = layers.Residual(norm(rng, d), layers.Dense(d, 3), activation(rng), layers.Dense(3, d))
    if rng.integers(0, 2):
        return [layers.Residual(norm(rng, d), attention), feed]
    return [layers.Residual(attention), norm(rng, d), feed]


def head(rng: np.random.Generator, T: int, d: int, K: int) -> list[Any]:
    every: list[list[Any]] = [
        [layers.Dense(d, K)],
        [layers.Mean(0), layers.Dense(d, K)],
        [layers.Flatten(), layers.Dense(T * d, K)],
        [layers.Transpose((1, 0)), layers.Dense(T, K)],
        [layers.LayerNorm((T, d), eps=0.3), layers.Dense(d, K, bias=False)],
    ]
    return every[int(rng.integers(len(every)))]


def sequence(rng: np.random.Generator, N: int) -> tuple[list[Any], np.ndarray, int]:
    T, d, K = int(rng.integers(2, 4)), 2 * int(rng.integers(1, 3)), int(rng.integers(2, 4))
    start = [[], [layers.Position(T, d)], [layers.Dense(d, d)]][int(rng.integers(3))]
    return [*start, *transformer(rng, d), *head(rng, T, d, K)], rng.standard_normal((N, T, d)), K


def tokens(rng: np.random.Generator, N: int) -> tuple[list[Any], np.ndarray, int]:
    T, d, vocabulary = int(rng.integers(2, 4)), 2, int(rng.integers(3, 6))
    body = [layers.Embedding(vocabulary, d), layers.Position(T, d), *transformer(rng, d)]
    return [*body, *head(rng, T, d, vocabulary)], rng.integers(0, vocabulary, (N, T)), vocabulary


def convolution(rng: np.random.Generator, C: int, axes: int, *, narrow: bool = False) -> tuple[layers.Convolution, int]:
    groups = int(rng.choice([1, C])) if C > 1 else 1
    outputs = groups * int(rng.integers(1, 3))
    size: Any = int(rng.integers(1, 4)) if axes == 1 else tuple(int(k) for k in rng.integers(1, 4, 2))
    stride: Any = int(rng.integers(1, 3)) if axes == 1 else tuple(int(k) for k in rng.integers(1, 3, 2))
    padding, dilation = int(rng.integers(0, 3)), int(rng.integers(1, 3))
    if narrow:  # what is left of the positions is little
        stride, padding, dilation = 1, 1, 1
    options: Any = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return layers.Convolution(C, outputs, size, bias=bool(rng.integers(0, 2)), **options), outputs


def convolutional(rng: np.random.Generator, N: int, lengths: tuple[int, ...]) -> tuple[list[Any], np.ndarray, int]:
    C, K = int(rng.integers(1, 3)), int(rng.integers(2, 4))
    axes = len(lengths)
    first, between = convolution(rng, C, axes)
    body: list[Any] = [first, activation(rng)]
    if rng.integers(0, 2):
        body.insert(1, batch_norm(rng, between))
    pools = [
        layers.AveragePool(2, stride=1) if axes == 1 else layers.AveragePool((2, 1), stride=(1, 1), padding=(1, 0)),
        layers.MaxPool(2, stride=1, padding=1) if axes == 1 else layers.MaxPool((1, 2), stride=1, dilation=1),
    ]
    body.append(pools[int(rng.integers(2))])
    second, outputs = convolution(rng, between, axes, narrow=True)
    width = layers.Convolution(outputs, outputs, 3 if axes == 1 else (3, 1), padding=1 if axes == 1 else (1, 0))
    body += [second, layers.Residual(width, activation(rng))]
    x = rng.standard_normal((N, C, *lengths))
    if rng.integers(0, 2):
        body.append(layers.Mean(*range(1, axes + 1)))
        return [*body, layers.Dense(outputs, K)], x, K
    body.append(layers.Flatten())
    size = Chain(body).output_shape(x.shape[1:])[0]
    return [*body, layers.Dense(size, K)], x, K


def signal(rng: np.random.Generator, N: int) -> tuple[list[Any], np.ndarray, int]:
    return convolutional(rng, N, (7,))


def image(rng: np.random.Generator, N: int) -> tuple[list[Any], np.ndarray, int]:
    return convolutional(rng, N, (6, 8))


def tied(seed: int) -> Drawn:
    """A chain in which parameters are used in several places."""
    loss, rng = LOSSES[seed % 3], np.random.default_rng(seed)
    number = (seed - UNTIED) % 5
    of_rows, of_positions = rng.standard_normal((3, 3)), rng.standard_normal((2, 2, 4))
    both = ("weight", "bias")
    if number == 0:  # the vectors of the embedding are those of the outputs as well
        blocks = [layers.Residual(layers.LayerNorm(2, eps=0.1), layers.Dense(2, 2), activation(rng))]
        every = [layers.Embedding(4, 2), layers.Position(3, 2), *blocks, layers.Dense(2, 4, bias=bool(seed % 2))]
        return at_random(
            seed, "tokens", Chain(every, loss=loss, tied={"3.weight": "0.weight"}), rng.integers(0, 4, (3, 3)), rng
        )
    if number == 1:  # one layer again and again
        every = [layers.Dense(3, 3), activation(rng)] * 3 + [layers.Dense(3, 2)]
        names = {f"{i}.{name}": f"0.{name}" for i in (2, 4) for name in both}
        return at_random(seed, "rows", Chain(every, loss=loss, tied=names), of_rows, rng)
    if number == 2:  # twins, and a norm that they share
        branch = (layers.Dense(3, 4), layers.LayerNorm(4, eps=0.2), activation(rng))
        names = {"0.1.0.weight": "0.0.0.weight", "0.1.1.weight": "0.0.1.weight", "0.1.1.bias": "0.0.1.bias"}
        every = [layers.Product(branch, branch), layers.Dense(4, 2)]
        return at_random(seed, "rows", Chain(every, loss=loss, tied=names), of_rows, rng)
    if number == 3:  # one block of attention twice
        block = layers.Residual(layers.Attention(4, 2, causal=bool(seed % 2)), activation(rng))
        parts = [f"{kind}.{name}" for kind in ("query", "key", "value", "output") for name in both]
        names = {f"1.0.{part}": f"0.0.{part}" for part in parts}
        every = [block, block, layers.Dense(4, 2)]
        return at_random(seed, "sequence", Chain(every, loss=loss, tied=names), of_positions, rng)
    first = layers.Convolution(2, 2, 3, padding=1)  # a bias that stands before, and weights
    every = [first, layers.BatchNorm(2, eps=0.3), first, activation(rng), layers.Flatten(), layers.Dense(8, 2)]
    names = {"2.weight": "0.weight", "0.bias": "2.bias", "5.bias": "1.bias"}
    return at_random(seed, "signal", Chain(every, loss=loss, tied=names), rng.standard_normal((3, 2, 4)), rng)


def crossing(seed: int) -> Drawn:
    """Few positions that attend to many; or as many, each to those of the others that are not after it."""
    rng = np.random.default_rng(seed)
    scale, bias, causal = (None, 0.6)[seed % 2], bool(rng.integers(0, 2)), seed % 3 == 0
    few = [layers.Transpose((1, 0)), layers.Dense(4, 4 if causal else 2), layers.Transpose((1, 0))]
    nodes: list[Any] = [(f"few{i}", layer, (i,)) for i, layer in enumerate(few)]
    if seed % 2:  # keys without parameters, and values that are the inputs
        nodes += [("query", layers.Dense(3, 3, bias), (3,)), ("key", activation(rng), (0,))]
        nodes += [("attention", layers.CrossAttention(1, scale, causal), (4, 5, 0)), ("sum", layers.Add(2), (3, 6))]
    else:
        nodes += [("query", layers.Dense(3, 4, bias), (3,)), ("key", layers.Dense(3, 4, bias), (0,))]
        attention = layers.CrossAttention(2, scale, causal)
        nodes += [("value", layers.Dense(3, 6, bias), (0,)), ("attention", attention, (4, 5, 6))]
        nodes += [("output", layers.Dense(6, 3), (7,)), ("sum", layers.Add(2), (3, 8))]
    chain = Chain([layers.Graph(tuple(nodes)), activation(rng), layers.Dense(3, 2)], loss=LOSSES[seed % 3])
    return at_random(seed, "sequence", chain, rng.standard_normal((2, 4, 3)), rng)


UNTIED, CROSSING, SEEDS = 66, 81, range(87)
TABLE = [drawn(seed) for seed in SEEDS]
