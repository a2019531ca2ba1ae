"""Models of JAX that are no stack of dense layers: chains with the same outputs and the same derivatives."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from equinox_kind import Module, key, nn
from jax.flatten_util import ravel_pytree

import hesslib
from hesslib import layers
from hesslib.convert import from_jax

RELATIVE = 1e-10
RNG = np.random.default_rng(0)


class Language(Module):
    """A causal language model of one attention block, with positions that are learned."""

    tokens: Any
    places: Any
    norm: Any
    attention: Any
    root: Any
    feed: Any
    head: Any

    def __init__(self) -> None:
        self.tokens, self.places = nn.Embedding(5, 4, key=key(1)), jax.random.normal(key(2), (3, 4))
        self.norm, self.attention = nn.LayerNorm(4), nn.MultiheadAttention(2, 4, key=key(3))
        self.root, self.feed = nn.RMSNorm(4, eps=0.1), nn.Linear(4, 4, key=key(4))
        self.head = nn.Linear(4, 5, use_bias=False, key=key(5))

    def __call__(self, x: Any) -> Any:
        z = jax.vmap(self.tokens)(x) + self.places
        q = jax.vmap(self.norm)(z)
        z = z + self.attention(q, q, q, mask=jnp.tril(jnp.ones((3, 3), bool)))
        a = jax.vmap(self.feed)(jax.vmap(self.root)(z))
        return jax.vmap(self.head)(z + jax.nn.gelu(a, approximate=False))


class Tied(Module):
    """The vectors of the embedding give the outputs as well, and one layer is called twice."""

    tokens: Any
    again: Any
    bias: Any

    def __init__(self) -> None:
        self.tokens, self.again = nn.Embedding(5, 4, key=key(1)), nn.Linear(4, 4, key=key(2))
        self.bias = jnp.linspace(-1, 1, 5)

    def __call__(self, x: Any) -> Any:
        z = jnp.tanh(jax.vmap(self.again)(jax.vmap(self.tokens)(x)))
        return jax.vmap(self.again)(z) @ self.tokens.weight.T + self.bias


class Crossing(Module):
    """Two positions that attend to all four."""

    few: Any
    attention: Any

    def __init__(self) -> None:
        self.few, self.attention = nn.Linear(4, 2, key=key(1)), nn.MultiheadAttention(2, 4, key=key(2))

    def __call__(self, x: Any) -> Any:
        q = jax.vmap(self.few, in_axes=1, out_axes=1)(x)
        return q + self.attention(q, x, jnp.tanh(x))


class Gated(Module):
    """A product and a concatenation of branches, an activation written out, a factor of each unit."""

    a: Any
    b: Any
    scale: Any
    c: Any

    def __init__(self) -> None:
        self.a, self.b = nn.Linear(3, 4, key=key(1)), nn.Linear(3, 4, key=key(2))
        self.scale, self.c = jnp.linspace(1, 2, 4), nn.Linear(7, 2, key=key(3))

    def __call__(self, x: Any) -> Any:
        b = self.b(x)
        z = self.scale * (self.a(x) * (b * jax.nn.sigmoid(b)))
        return self.c(jnp.concatenate([x, z**2]))


class Mixer(Module):
    """A layer over the positions and one over the features, and the mean over the positions."""

    across: Any
    within: Any
    attention: Any

    def __init__(self) -> None:
        self.across, self.within = nn.Linear(3, 3, key=key(1)), nn.Linear(4, 4, key=key(2))
        every = {f"use_{name}_bias": True for name in ("query", "key", "value", "output")}
        self.attention = nn.MultiheadAttention(1, 4, key=key(3), **every)

    def __call__(self, x: Any) -> Any:
        z = x + jnp.tanh(jax.vmap(self.across, in_axes=1, out_axes=1)(x))
        z = z + jax.nn.softplus(jax.vmap(self.within)(z))
        return jnp.mean(self.attention(z, z, z), axis=0)


def signal() -> Any:
    first = nn.Conv1d(2, 3, 3, stride=2, dilation=2, padding=1, key=key(1))
    tail = nn.Lambda(jnp.ravel), nn.Linear(6, 2, key=key(2))
    return nn.Sequential([first, nn.Lambda(jax.nn.relu), nn.MaxPool1d(2, 2), nn.Dropout(0.5, inference=True), *tail])


def image() -> Any:
    first = nn.Conv2d(1, 4, (3, 2), padding=(1, 0), use_bias=False, key=key(1))
    second = nn.Conv2d(4, 4, 3, groups=2, padding="SAME", key=key(2))
    pools = nn.AvgPool2d(2, 2), nn.AdaptiveAvgPool2d(1)
    tail = nn.Lambda(jnp.ravel), nn.Identity(), nn.Linear(4, 2, key=key(3))
    return nn.Sequential([first, nn.Lambda(jnp.tanh), pools[0], second, nn.MaxPool2d((1, 2)), pools[1], *tail])


MODELS: dict[str, tuple[Callable[[], Any], tuple[int, ...], str]] = {
    "language model": (Language, (2, 3), "softmax_cross_entropy"),
    "tied": (Tied, (2, 3), "softmax_cross_entropy"),
    "crossing": (Crossing, (2, 4, 4), "squared_error"),
    "gates": (Gated, (4, 3), "binary_cross_entropy"),
    "mixer": (Mixer, (3, 3, 4), "squared_error"),
    "signal": (signal, (4, 2, 11), "binary_cross_entropy"),
    "image": (image, (3, 1, 6, 6), "softmax_cross_entropy"),
}


def inputs_of(name: str, shape: tuple[int, ...]) -> Any:
    return RNG.integers(0, 5, shape) if name in ("language model", "tied") else RNG.standard_normal(shape)


def in_double(model: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.astype(float) if hasattr(leaf, "dtype") else leaf, model)


def flat(model: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The floating arrays of a model in one vector, and the way back."""
    leaves, structure = jax.tree.flatten(model)
    vector, back = ravel_pytree([leaf for leaf in leaves if hasattr(leaf, "dtype")])

    def model_of(w: Any) -> Any:
        given = iter(back(w))
        return jax.tree.unflatten(structure, [next(given) if hasattr(leaf, "dtype") else leaf for leaf in leaves])

    return vector, model_of


def error(loss: str, a: Any, t: Any) -> Any:
    if loss == "squared_error":
        return ((a - t) ** 2).sum() / 2
    if loss == "binary_cross_entropy":
        return (jax.nn.softplus(a) - t * a).sum()
    return -jnp.take_along_axis(jax.nn.log_softmax(a), t[..., None], axis=-1).sum()


def close(found: np.ndarray, right: Any) -> None:
    right = np.asarray(right)
    assert found.shape == right.shape
    assert np.abs(found - right).max() <= RELATIVE * np.abs(right).max()


@pytest.mark.parametrize("name", MODELS)
def test_a_model_becomes_a_chain_with_the_derivatives_of_jax_in_the_order_of_its_tree(name: str) -> None:
    made, shape, loss = MODELS[name]
    model, x = in_double(made()), inputs_of(name, shape)
    here = from_jax(model, loss=loss, inputs=x)
    assert here.said.startswith("model and chain were run on 3 random batches")
    assert here.said.endswith("and so are gradients of their outputs")
    w, model_of = flat(model)
    close(here.point, w)
    y = jax.vmap(model)(x)
    close(np.asarray(here.chain.linearise(here.w, x).outputs), y)
    t = y.argmax(axis=-1) if loss == "softmax_cross_entropy" else np.random.default_rng(1).uniform(size=y.shape)

    def E(w: Any) -> Any:
        return error(loss, jax.vmap(model_of(w))(x), jnp.asarray(t))

    problem = here.on(x, np.asarray(t))
    close(here.order.from_hesslib(hesslib.gradient(here.net, here.w, problem.x, problem.t)), jax.grad(E)(w))
    H = jax.jit(jax.jacrev(jax.grad(E)))(w)
    close(here.order.from_hesslib(hesslib.hessian(here.net, here.w, problem.x, problem.t)), H)


def crossed(model: Any, x: Any) -> Any:
    """Attention of one state to another, with a mask."""
    return jax.vmap(lambda z: model(z, jnp.tanh(z), z, mask=jnp.tri(3, dtype=bool)))(x)


def attention_of(*, causal: bool) -> Any:
    """A model of one attention layer, whose mask is given by its user."""
    mask = np.tri(3, dtype=bool) if causal else np.tri(3, k=-1, dtype=bool) | (np.arange(3) == 0)
    attention = in_double(nn.MultiheadAttention(2, 4, key=key()))
    return attention, lambda model, x: jax.vmap(lambda z: model(z, z, z, mask=jnp.asarray(mask)))(x)


def normalised(p: Any, x: Any, axes: tuple[int, ...] = (-1,)) -> Any:
    """Layer normalisation with the mean square less the square of the mean, and the factors first."""
    mean = x.mean(axes, keepdims=True)
    variance = jnp.maximum(0.0, (x**2).mean(axes, keepdims=True) - mean**2)
    return (x - mean) * (jax.lax.rsqrt(variance + 1e-5) * p["g"]) + p["b"]


def rooted(p: Any, x: Any) -> Any:
    return x * (jax.lax.rsqrt((x**2).mean(-1, keepdims=True) + 1e-6) * p["g"])


HEADS = {name: RNG.standard_normal((4, 2, 2)) for name in ("q", "k", "v")} | {"out": RNG.standard_normal((2, 2, 4))}


def attended(p: Any, x: Any) -> Any:
    """Causal attention of two heads, the factor of the scores at the queries."""
    q, k, v = (jnp.einsum("ntd,dhe->nthe", x, p[name]) for name in ("q", "k", "v"))
    S = jnp.einsum("nqhe,nkhe->nhqk", q / jnp.sqrt(2.0), k)
    S = jnp.where(jnp.tri(x.shape[1], dtype=bool), S, jnp.finfo(S.dtype).min)
    return jnp.einsum("nqhe,hed->nqd", jnp.einsum("nhqk,nkhe->nqhe", jax.nn.softmax(S), v), p["out"])


def filtered(p: Any, x: Any) -> Any:
    a = jax.lax.conv_general_dilated(x, p["kernel"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    z = jax.lax.reduce_window(jnp.tanh(a + p["bias"]), 0.0, jax.lax.add, (1, 2, 1, 1), (1, 1, 2, 1), "VALID") / 2
    return jax.lax.reduce_window(z, -jnp.inf, jax.lax.max, (1, 1, 2, 1), (1, 1, 2, 1), "VALID").reshape(len(x), -1)


PARAMS: Any = {
    "W": RNG.standard_normal((3, 4)), "b": RNG.standard_normal(4), "V": RNG.standard_normal((2, 4)),
    "g": RNG.standard_normal((1, 4)), "c": np.array(2.0), "n": np.arange(3),
}  # fmt: skip
FUNCTIONS: dict[str, tuple[Any, Callable[[Any, Any], Any], tuple[int, ...], tuple[str, ...]]] = {
    "written out": (
        PARAMS,
        lambda p, x: p["c"] * (jnp.tanh(x @ p["W"] + p["b"]) * p["g"]) @ p["V"].T,
        (3, 3),
        ("Dense", "Activation", "Affine", "Affine", "Dense"),
    ),
    "over positions": (
        PARAMS,
        lambda p, x: jnp.mean(jax.nn.silu(x @ p["W"] + p["b"] + p["g"]) + p["c"], axis=(1,)) @ p["V"].T,
        (3, 5, 3),
        ("Dense", "Affine", "Activation", "Affine", "Mean", "Dense"),
    ),
    "channels": (
        {"g": PARAMS["b"], "W": PARAMS["W"]},
        lambda p, x: ((x * p["g"][:, None]).transpose(0, 2, 1) @ p["W"].T).reshape(len(x), -1),
        (3, 4, 2),
        ("Affine", "Transpose", "Dense", "Flatten"),
    ),
    "causal attention": (*attention_of(causal=True), (2, 3, 4), ("Attention",)),
    "causal attention to another state": (
        attention_of(causal=True)[0],
        crossed,
        (2, 3, 4),
        ("Dense", "Activation", "Dense", "Dense", "CrossAttention", "Dense"),
    ),
    "layer normalisation": ({"g": PARAMS["b"], "b": PARAMS["g"][0]}, normalised, (3, 4), ("LayerNorm",)),
    "of two axes, without parameters": (
        {"W": PARAMS["b"]},
        lambda p, x: p["W"] * normalised({"g": 1.0, "b": 0.0}, x, axes=(1, 2)),
        (3, 2, 4),
        ("LayerNorm", "Affine"),
    ),
    "root of the mean square": (
        {"g": PARAMS["b"], "b": PARAMS["b"]},
        lambda p, x: rooted(p, x) + p["b"],
        (3, 2, 4),
        ("RMSNorm", "Affine"),
    ),
    "attention written out": (
        HEADS,
        attended,
        (2, 3, 4),
        (*("Dense", "Reshape", "Reshape") * 3, "CrossAttention", "Reshape", "Reshape", "Dense"),
    ),
    "parameters first": (
        {"V": PARAMS["V"]},
        lambda p, x: jax.lax.dot_general(p["V"], x, (((1,), (1,)), ((), ()))).T,
        (3, 4),
        ("Dense",),
    ),
    "tokens": ({"table": RNG.standard_normal((5, 4))}, lambda p, x: p["table"][x], (2, 3), ("Embedding",)),
    "images, channels last": (
        {"kernel": RNG.standard_normal((3, 3, 2, 4)), "bias": PARAMS["b"]},
        filtered,
        (2, 5, 7, 2),
        (
            "Transpose",
            "Convolution",
            "Transpose",
            "Affine",
            "Activation",
            "Transpose",
            "AveragePool",
            "Transpose",
            "Transpose",
            "MaxPool",
            "Transpose",
            "Flatten",
        ),
    ),
    "a signal, in groups": (
        {"kernel": RNG.standard_normal((4, 1, 3))},
        lambda p, x: jax.lax.conv_general_dilated(
            x, p["kernel"], (2,), [(2, 2)], rhs_dilation=(2,), feature_group_count=2
        ),
        (2, 2, 9),
        ("Convolution",),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_parameters_and_inputs_is_read_as_the_layers_that_it_is(name: str) -> None:
    params, apply, shape, kinds = FUNCTIONS[name]
    x = RNG.integers(0, 5, shape) if name == "tokens" else RNG.standard_normal(shape)
    here = from_jax(params, apply=apply, inputs=x)
    (graph,) = here.chain.layers
    assert isinstance(graph, layers.Graph)
    assert tuple(type(layer).__name__ for _, layer, _ in graph.nodes) == kinds
    close(np.asarray(here.chain.linearise(here.w, x).outputs), apply(params, x))
    arrays = [leaf for leaf in jax.tree.leaves(params) if hasattr(leaf, "dtype") and leaf.dtype != int]
    close(here.point, np.concatenate([np.ravel(leaf) for leaf in arrays]))


DESCRIBED = [layers.Dense(3, 4), layers.Activation("relu"), layers.RMSNorm(4, eps=0.1), layers.Dense(4, 2, bias=False)]


@pytest.mark.parametrize("layout", ["in_out", "out_in"])
def test_arrays_are_the_parameters_of_layers_that_are_described(layout: Any) -> None:
    turned: Any = (lambda W: W) if layout == "in_out" else (lambda W: W.T)
    V = PARAMS["V"]
    params = [(turned(PARAMS["W"]), PARAMS["b"]), {"scale": PARAMS["g"]}, turned(V.T)]

    def apply(p: Any, x: Any) -> Any:
        z = jax.nn.relu(x @ turned(p[0][0]) + p[0][1])
        return z / jnp.sqrt((z**2).mean(-1, keepdims=True) + 0.1) * p[1]["scale"] @ turned(p[2])

    x = RNG.standard_normal((5, 3))
    here = from_jax(params, layers=DESCRIBED, layout=layout, apply=apply, inputs=x)
    assert here.said.endswith("and so are gradients of their outputs")
    close(np.asarray(here.chain.linearise(here.w, x).outputs), apply(params, x))
    close(here.point, ravel_pytree(params)[0])
    assert "nothing was run" in from_jax(params, layers=DESCRIBED, layout=layout).said


@pytest.mark.parametrize("scale", [1.0, 1e-12])
def test_another_function_is_refused_however_small_its_outputs_are(scale: float) -> None:
    described = [layers.Dense(3, 4, bias=False), layers.Dense(4, 2, bias=False)]
    params, x = [PARAMS["W"], scale * PARAMS["V"].T], RNG.standard_normal((5, 3))
    for factor, right in ((1.0, True), (1 + 1e-9, False)):

        def apply(p: Any, x: Any, factor: float = factor) -> Any:
            return factor * (x @ p[0] @ p[1])

        if right:
            from_jax(params, layers=described, layout="in_out", apply=apply, inputs=x)
            continue
        with pytest.raises(ValueError, match="another function than the chain: on random inputs they are 1"):
            from_jax(params, layers=described, layout="in_out", apply=apply, inputs=x)


def test_single_precision_stays() -> None:
    model = jax.tree.map(
        lambda a: a.astype(jnp.float32) if hasattr(a, "dtype") else a, nn.Sequential([nn.LayerNorm(3)])
    )
    assert from_jax(model, inputs=np.zeros((2, 3), np.float32)).w.dtype == np.float32


class Odd(Module):
    """A model of one linear layer, and something that is done with it."""

    a: Any
    run: Any

    def __init__(self, run: Any) -> None:
        self.a, self.run = nn.Linear(3, 3, key=key()), run

    def __call__(self, x: Any) -> Any:
        return self.run(self.a, x)


@jax.custom_jvp
def slow(x: Any) -> Any:
    return x + 0.0


slow.defjvp(lambda x, dx: (x[0], 2 * dx[0]))


def after(fn: Any, *more: Any) -> Callable[[], Any]:
    return lambda: nn.Sequential([nn.Linear(3, 3, key=key()), nn.Lambda(fn), *more])


def one(module: Any) -> Callable[[], Any]:
    return lambda: nn.Sequential([module()])


REFUSED: dict[str, tuple[Callable[[], Any], tuple[int, ...], str]] = {
    "a module": (one(nn.PReLU), (2, 3), "layer layers[0] is PReLU; a Chain has no layer for it"),
    "dropout": (one(lambda: nn.Dropout(0.5)), (2, 3), "layer layers[0] is Dropout(p=0.5) in training mode"),
    "turned round": (lambda: Odd(lambda a, x: a(x) @ a.weight), (2, 3), "in part, or turned round; a Chain shares"),
    "by itself": (lambda: Odd(lambda a, x: a(x) @ (2 * a.weight)), (2, 3), "the model calls dot_general"),
    "a function": (after(jnp.exp), (2, 3), "the model calls exp on arrays of shape (2, 3)"),
    "a factor": (after(lambda x: 2 * x), (2, 3), "the model calls mul with a constant"),
    "no gradient": (after(jax.lax.stop_gradient), (2, 3), "the model calls stop_gradient"),
    "another gradient": (after(slow), (2, 3), "another function than the chain: the gradients of their outputs are"),
    "branching": (after(lambda x: x if x.sum() > 0 else -x), (2, 3), "the model cannot be traced by JAX"),
    "padding": (
        one(lambda: nn.Conv1d(1, 1, 3, padding=1, padding_mode="CIRCULAR", key=key())), (2, 1, 5), "must be of zeros"
    ),
    "one side": (one(lambda: nn.Conv1d(1, 1, 2, padding="SAME", key=key())), (2, 1, 5), "the same before and after"),
    "ceil": (one(lambda: nn.AvgPool1d(2, 2, use_ceil=True)), (2, 1, 4), "use_ceil=True; it must be False"),
    "patterns": (after(lambda x: x - jax.lax.pmean(x, "n")), (2, 3), "cannot be traced"),
    "other shape": (after(jnp.cumsum), (2, 3), "the model calls cumsum"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_understood_is_refused_by_name(name: str) -> None:
    made, shape, words = REFUSED[name]
    with pytest.raises(ValueError, match=re.escape(words)):
        from_jax(in_double(made()), inputs=np.zeros(shape))


ATTENTION, MASKED = attention_of(causal=False)
KERNEL = RNG.standard_normal((1, 1, 2))


def unscaled(p: Any, x: Any) -> Any:
    """Attention whose shares are not those of a softmax."""
    q, k, v = (jnp.einsum("ntd,dhe->nthe", x, p[name]) for name in ("q", "k", "v"))
    return jnp.einsum("nhqk,nkhe->nqhe", jax.nn.sigmoid(jnp.einsum("nqhe,nkhe->nhqk", q, k)), v)


def by_deviation(g: Any, x: Any) -> Any:
    """A normalisation with the small number beside the root."""
    return g * (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + 1e-5)


def upwards(w: Any, x: Any) -> Any:
    return jax.lax.conv_general_dilated(x, w, (1,), [(1, 1)], lhs_dilation=(2,))


def one_sided(w: Any, x: Any) -> Any:
    return jax.lax.conv_general_dilated(x, w, (1,), "SAME")


CALLS: list[tuple[Callable[[], Any], str]] = [
    (lambda: from_jax(nn.Sequential([nn.LayerNorm(3)])), "inputs is missing; layer layers[0] is LayerNorm"),
    (lambda: from_jax(PARAMS, inputs=np.zeros((2, 3))), "apply is missing"),
    (lambda: from_jax(PARAMS, inputs=np.zeros(3), apply=lambda p, x: x), "inputs has shape (3,); it must be a batch"),
    (lambda: from_jax(PARAMS, inputs=np.zeros((2, 3)), activation="tanh"), "activation is 'tanh'; with inputs="),
    (lambda: from_jax(PARAMS, inputs=np.zeros((2, 3)), apply=lambda p, x: x @ p["W"] + p["b"]), "the parameter ['V']"),
    (lambda: from_jax(ATTENTION, inputs=np.zeros((2, 3, 4)), apply=MASKED), "a mask that is not the causal one"),
    (lambda: from_jax(HEADS, inputs=np.zeros((2, 3, 4)), apply=unscaled), "the model calls dot_general on arrays"),
    (lambda: from_jax(PARAMS["b"], inputs=np.zeros((2, 4)), apply=by_deviation), "which is no layer of a Chain"),
    (lambda: from_jax(KERNEL, inputs=np.zeros((2, 1, 5)), apply=upwards), "the model has a transposed convolution"),
    (lambda: from_jax(KERNEL, inputs=np.zeros((2, 1, 5)), apply=one_sided), "must be the same before and after"),
    (lambda: from_jax([PARAMS["W"]], layers=DESCRIBED), "params has 1 arrays; the layers take 4: 0.weight (4, 3)"),
    (
        lambda: from_jax([PARAMS["W"], PARAMS["b"], PARAMS["b"], PARAMS["V"]], layers=DESCRIBED),
        "params[0] has shape (3, 4); 0.weight of the layers is (4, 3)",
    ),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_what_is_missing_or_contradicts_is_asked_for(number: int) -> None:
    call, words = CALLS[number]
    with pytest.raises(ValueError, match=re.escape(words)):
        call()
