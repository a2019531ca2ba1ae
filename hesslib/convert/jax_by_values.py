r"""Activations, normalisations and attention, however they are written: known by their values.

Nothing marks them in what JAX has traced. So the values from which something is computed are given random numbers, and
what comes out is compared with what the layer gives. Whoever wrote the model (Flax, Haiku, nnx, or a user) need not be
known, and a variant that is another function is not taken for the layer.

Longer than one sitting: three kinds of layers, each with what it is compared with.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Container, Iterator

import numpy as np

from hesslib import layers
from hesslib._arrays import to_numpy
from hesslib.convert.jax_values import ENDS, MOVING, Another, Found, Value, evaluated, features_of, positions_of
from hesslib.convert.known_functions import POINTS, name_of_values

MOST_BEFORE = 64  # operations that something known by its values may be made of
WALLS = ("layer", "dot_general", "conv_general_dilated", "concatenate", "stop_gradient", "scan", "while", "cond")
"""Operations that are no part of a normalisation."""
NEAR = 1e-9  # relative; a mean of squares less a square of the mean has lost some digits
SPREADS = (1.0, 0.03)
"""Of the numbers at which a normalisation is tried: where they are small, the number under its root shows."""


def before(value: Value, /, ends: Container[str] = ENDS) -> Iterator[Value]:
    """What a value is computed from, the latest first, as far as it may reach."""
    waiting, seen = [(-one.serial, one) for one in value.of], {value}
    heapq.heapify(waiting)
    for _ in range(MOST_BEFORE):
        if not waiting:
            return
        _, one = heapq.heappop(waiting)
        if one in seen or one.constant is not None or one.positions is not None:
            continue
        seen.add(one)
        yield one
        if one.name not in ends:
            for earlier in one.of:
                heapq.heappush(waiting, (-earlier.serial, earlier))


def activation(value: Value, /) -> tuple[str, Value] | None:
    """The activation that makes a value of one that is computed before, and that one."""
    for base in before(value):
        if base.shape == value.shape and (name := _function_between(base, value)):
            return name, base
    return None


def _function_between(base: Value, value: Value) -> str:
    """The name of the activation that makes one value of another, or nothing."""
    import jax.numpy as jnp

    size, found = math.prod(base.shape), []
    for start in range(0, len(POINTS), max(size, 1)):
        values = {base: jnp.asarray(np.resize(POINTS[start : start + size], base.shape))}
        try:
            found.append(to_numpy(evaluated(value, values)).reshape(-1))
        except Another:
            return ""
    return name_of_values(np.concatenate(found)[: len(POINTS)])


def normalisation(value: Value, /) -> Found | None:
    """The layer normalisation, or that by the root of the mean square, that makes a value of one before."""
    if len(value.shape) < 2:
        return None
    reached = list(before(value, WALLS))
    if not any(one.name == "reduce_sum" for one in reached):
        return None
    numbers = [one.constant for made in (value, *reached) for one in made.of if np.shape(one.constant) == ()]
    small = sorted({float(eps) for eps in numbers if eps is not None and 0 < eps < 1})
    for base in reversed([one for one in reached if one.shape == value.shape]):  # the earliest that it is a function of
        held = _parameters_between(base, value)
        if held is not None and len(held) <= 2 and (found := _normalised(base, value, held, small)):
            return found
    return None


def _parameters_between(base: Value, value: Value) -> list[Value] | None:
    """The parameters with which one value is made of another; None if something else is needed."""
    found: dict[Value, None] = {}
    waiting, seen = [value], {base}
    while waiting:
        one = waiting.pop()
        if one in seen or one.constant is not None:
            continue
        seen.add(one)
        if positions_of(one) is not None:
            found[one] = None
        elif one.operation is None or one.name in WALLS:
            return None
        else:
            waiting += one.of
    return list(found)


def _normalised(base: Value, value: Value, held: list[Value], small: list[float]) -> Found | None:
    import jax.numpy as jnp

    places: list[np.ndarray] = [np.asarray(positions_of(one)) for one in held]
    rng = np.random.default_rng(0)
    z = rng.standard_normal(base.shape) * np.resize(SPREADS, base.shape[0]).reshape(-1, *(1 for _ in base.shape[1:]))
    w = rng.standard_normal(1 + max((int(at.max()) for at in places), default=0))
    given = {base: jnp.asarray(z)} | {one: jnp.asarray(w[at]) for one, at in zip(held, places, strict=True)}
    y = to_numpy(evaluated(value, given, WALLS))
    for k in range(1, len(base.shape)):
        axes, shape = tuple(range(-k, 0)), base.shape[-k:]
        own = [features_of(at, value.shape) for at in places]
        if any(features != shape or channels for features, channels, _ in own):
            continue
        theta = [at for _, _, at in own]
        for eps, centred in itertools.product(small, (True, False)):
            d = z - z.mean(axes, keepdims=True) if centred else z
            normal = d / np.sqrt((d**2).mean(axes, keepdims=True) + eps)
            for scale, shift, at in _uses(theta):
                if not _near(
                    y, (w[scale] if scale is not None else 1.0) * normal + (w[shift] if shift is not None else 0)
                ):
                    continue
                if centred:
                    both = {"scale": scale is not None, "shift": shift is not None}
                    return "norm", layers.LayerNorm(shape, eps=eps, **both), [base], at
                if shift is None:
                    return "norm", layers.RMSNorm(shape, eps=eps, scale=scale is not None), [base], at
    return None


Role = np.ndarray | None


def _uses(theta: list[np.ndarray]) -> list[tuple[Role, Role, list[np.ndarray]]]:
    """What parameters may be: a factor, a shift, or one of each; and they in that order."""
    if not theta:
        return [(None, None, [])]
    if len(theta) == 1:
        return [(theta[0], None, theta), (None, theta[0], theta)]
    return [(one, other, [one, other]) for one, other in itertools.permutations(theta)]


def _near(y: np.ndarray, other: np.ndarray) -> bool:
    return y.shape == other.shape and bool(np.abs(y - other).max(initial=0) <= NEAR * np.abs(other).max(initial=0))


def attention(value: Value, /) -> tuple[layers.CrossAttention, list[Value], tuple[int, ...]] | None:
    """Softmax attention that ends in a value: the layer, its queries, keys and values, and the order of its axes.

    The states are (N, T, h, d), or (N, T, d) for one head; the order says which axes of theirs the value has.
    """
    if value.name != "dot_general" or not value.options["dimension_numbers"][1][0]:
        return None
    for weights, v in (value.of, value.of[::-1]):
        scores = next((one for one in _chain(weights) if one.name == "dot_general"), None)
        if scores is None or not scores.options["dimension_numbers"][1][0]:
            continue
        states = [_unmoved(one) for one in (*scores.of, v)]
        if any(one.constant is not None or positions_of(one) is not None for one in states):
            continue
        for q, k in (states[:2], states[1::-1]):
            found = _attended(value, q, k, states[2])
            if found is not None:
                return found
    return None


def _chain(value: Value) -> Iterator[Value]:
    """The value, and what it is made of, as far as the first products of matrices."""
    yield value
    yield from before(value, WALLS)


def _unmoved(value: Value) -> Value:
    """What a value is, moved and multiplied by a number."""
    while True:
        if value.name in MOVING and len(value.of) == 1:
            value = value.of[0]
        elif value.name in ("mul", "div") and [one.constant is not None for one in value.of].count(True) == 1:
            kept, factor = value.of if value.of[1].constant is not None else value.of[::-1]
            if np.size(factor.constant) != 1 or (value.name == "div" and kept is not value.of[0]):
                return value
            value = kept
        else:
            return value


def _attended(
    value: Value, q: Value, k: Value, v: Value
) -> tuple[layers.CrossAttention, list[Value], tuple[int, ...]] | None:
    import jax.numpy as jnp

    shapes = [one.shape for one in (q, k, v)]
    heads = shapes[0][2] if len(shapes[0]) == 4 else 1
    fit = {len(shape) for shape in shapes} in ({3}, {4}) and all(
        shape[0] == shapes[0][0] and (heads == 1 or shape[2] == heads) for shape in shapes
    )
    if not fit or shapes[0][-1] != shapes[1][-1] or shapes[1][1] != shapes[2][1]:
        return None
    rng = np.random.default_rng(0)
    given = {one: rng.standard_normal(one.shape) for one in (q, k, v)}
    try:
        y = to_numpy(evaluated(value, {one: jnp.asarray(z) for one, z in given.items()}, ()))
    except Another:
        return None
    as_state = [z.reshape(*z.shape[:2], -1) for z in (given[q], given[k], given[v])]
    out = (*shapes[0][:2], *shapes[2][2:])
    numbers = [one.constant for made in (value, *before(value, ())) for one in made.of if one.constant is not None]
    factors = {abs(float(c)) for c in numbers if np.size(c) == 1 and np.isfinite(c) and c}
    scales = [None, 1.0, *sorted(factors | {1 / c for c in factors})]
    for causal in (False, True) if shapes[0][1] == shapes[1][1] else (False,):
        for scale in scales:
            made = layers.CrossAttention(heads, scale, causal)
            o = made.forward(np.zeros(0), as_state)[0].reshape(out)
            for order in itertools.permutations(range(len(out))):
                if order[0] == 0 and _near(y, np.transpose(o, order)):
                    return made, [q, k, v], order
    return None
