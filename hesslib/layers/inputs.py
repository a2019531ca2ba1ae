r"""Derivatives of the outputs $y$ of a chain by its inputs.

The second derivatives of the last pre-activations are products with unit directions of the inputs, contracted with the
derivative of one output at a time: the patterns are repeated, once for each output.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from hesslib._arrays import Array, eye_like, integers_like
from hesslib._chunks import map_over_patterns, refuse_what_cannot_fit
from hesslib._options import input_numbers
from hesslib.layers.chain import Chain
from hesslib.layers.first import each_output, numbers, refuse_coupled
from hesslib.layers.linearised import Linearised
from hesslib.layers.passes import push, rows, run


def input_jacobian(chain: Chain, w: Array, x: Array, inputs: Sequence[int] | None, /) -> Array:
    """Return the derivatives of the outputs, (N, ..., K, D)."""

    def of(x: Array, directions: Array) -> Array:
        here = run(chain.program, w, x, order=1)
        da = push(chain.program, here, directions, [None] * len(chain.program.steps))[-1]
        dy = _rates(chain, here.a, da)
        return array_namespace(x).permute_dims(dy, (*range(1, dy.ndim), 0))

    return _by_chunks("input_jacobian", chain, w, x, inputs, of, 1)


def input_hessian(chain: Chain, w: Array, x: Array, inputs: Sequence[int] | None, /) -> Array:
    """Return the second derivatives of the outputs, (N, ..., K, D, D), exactly symmetric."""

    def of(x: Array, directions: Array) -> Array:
        found = _second(chain, w, x, directions, _numbers_of(x, inputs))
        xp = array_namespace(found)
        return (found + xp.permute_dims(found, (*range(found.ndim - 2), found.ndim - 1, found.ndim - 2))) / 2

    return _by_chunks("input_hessian", chain, w, x, inputs, of, 2)


def input_hessian_diagonal(chain: Chain, w: Array, x: Array, inputs: Sequence[int] | None, /) -> Array:
    """Return the second derivatives by each input alone, (N, ..., K, D)."""

    def of(x: Array, directions: Array) -> Array:
        found = _second(chain, w, x, directions, _numbers_of(x, inputs))
        return array_namespace(found).linalg.diagonal(found)

    return _by_chunks("input_hessian_diagonal", chain, w, x, inputs, of, 1)


def laplacian(chain: Chain, w: Array, x: Array, inputs: Sequence[int] | None, /) -> Array:
    """Return the sum of the unmixed second derivatives, (N, ..., K)."""
    found = input_hessian_diagonal(chain, w, x, inputs)
    return array_namespace(found).sum(found, axis=-1)


def _rates(chain: Chain, a: Array, *da: Array) -> Array:
    """The derivative of the outputs along one or two directions of the last pre-activations, (V, N, ..., K)."""
    xp = array_namespace(a)
    dy = chain.loss.output_derivative(rows(a), *(rows(d, d.ndim - a.ndim) for d in da))
    return xp.reshape(dy, (*dy.shape[:-2], *a.shape))


def _second(chain: Chain, w: Array, x: Array, directions: Array, numbers_of: np.ndarray) -> Array:
    """The second derivatives along all pairs of directions, (N, ..., K, D, D)."""
    xp, program = array_namespace(x), chain.program
    nothing = [None] * len(program.steps)
    here = run(program, w, x, order=1)
    a, (N, D) = here.a, (x.shape[0], directions.shape[0])
    da = push(program, here, directions, nothing)[-1]
    assert da is not None
    Q = math.prod(a.shape[1:])
    of_output = xp.permute_dims(_rates(chain, a, da[:, None, ...], da[None, ...]), (*range(2, a.ndim + 2), 0, 1))
    delta = xp.reshape(_rates(chain, a, each_output(a)), (Q * N, *a.shape[1:]))  # dy/da is symmetric
    repeated = xp.reshape(xp.broadcast_to(x[None, ...], (Q, *x.shape)), (Q * N, *x.shape[1:]))
    along = xp.reshape(
        xp.broadcast_to(directions[:, None, ...], (D, Q, *directions.shape[1:])), (D, Q * N, *x.shape[1:])
    )
    hx, _ = Linearised(program, run(program, w, repeated)).second(delta, along, None)
    assert hx is not None
    picked = xp.take(xp.reshape(hx, (D, Q, N, -1)), integers_like(numbers_of, x), axis=3)
    of_layers = xp.reshape(xp.permute_dims(picked, (2, 1, 0, 3)), (*a.shape, D, D))
    return of_output + of_layers


def _numbers_of(x: Array, inputs: Any) -> np.ndarray:
    """The inputs that are asked for, counted row by row without the axis of the patterns."""
    return np.array(input_numbers(inputs, math.prod(x.shape[1:])))


def _by_chunks(
    what: str,
    chain: Chain,
    w: Array,
    x: Array,
    inputs: Sequence[int] | None,
    of: Callable[[Array, Array], Array],
    axes: int,
) -> Array:
    """Return ``of(x, directions)`` for all patterns, a chunk of them at a time."""
    w, x = chain.check_inputs(w, x)
    refuse_coupled(chain, what)
    if chain.program.embedding is not None:
        raise ValueError(f"net starts with an Embedding, whose inputs are integers; {what} needs numbers")
    chosen = _numbers_of(x, inputs)
    size, D, K = math.prod(x.shape[1:]), len(chosen), math.prod(chain.output_shape(tuple(x.shape[1:])))
    refuse_what_cannot_fit(what, x.shape[0] * K * D**axes, w)
    xp = array_namespace(x)
    units = xp.reshape(xp.take(eye_like(size, x), integers_like(chosen, x), axis=0), (D, 1, *x.shape[1:]))

    def rows_of(x: Array) -> Array:
        return of(x, xp.broadcast_to(units, (D, *x.shape)))

    return map_over_patterns(rows_of, D * max(K, 1) * 3 * numbers(chain, x), x)
