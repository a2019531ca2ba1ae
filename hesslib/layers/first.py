"""First derivatives of a chain: gradients, of all patterns and of each, and the Jacobian of what the layers give."""

from __future__ import annotations

import math

from array_api_compat import array_namespace

from hesslib._arrays import Array, eye_like
from hesslib._chunks import map_over_patterns, refuse_what_cannot_fit, sum_over_patterns
from hesslib.layers.chain import Chain
from hesslib.layers.passes import Run, delta_of, joined, pull, run


def gradient(chain: Chain, w: Array, x: Array, t: Array, /) -> Array:
    """Return the gradient of the error, summed over the patterns of a checked batch."""

    def sums(x: Array, t: Array) -> tuple[Array]:
        return (_pulled(chain, w, x, t, "sum")[0, ...],)

    (total,) = over_patterns(chain, sums, 4, x, t)
    return total


def pattern_gradients(chain: Chain, w: Array, x: Array, t: Array, /) -> Array:
    """Return the gradient of each pattern of a checked batch, (N, P)."""
    refuse_coupled(chain, "pattern_gradients")
    refuse_what_cannot_fit("pattern_gradients", x.shape[0] * 2 * chain.num_parameters, w)
    return _pulled(chain, w, x, t, "patterns")[0, ...]


def _pulled(chain: Chain, w: Array, x: Array, t: Array, want: str) -> Array:
    program = chain.program
    here = run(program, w, x, order=1)
    g = delta_of(program, here.a, t)[None, ...]
    back = pull(program, here, g, wanted=program.with_parameters, want=want)  # type: ignore[arg-type]
    return joined(program, back.parameters, (1, x.shape[0]) if want == "patterns" else (1,), w)


def output_jacobian(chain: Chain, w: Array, x: Array, /) -> Array:
    """Return the derivatives of the last pre-activations at checked inputs, (N, ..., K, P)."""
    refuse_coupled(chain, "output_jacobian")
    out = chain.output_shape(tuple(x.shape[1:]))
    refuse_what_cannot_fit("output_jacobian", 2 * x.shape[0] * math.prod(out) * chain.num_parameters, w)

    def rows(x: Array) -> Array:
        found = jacobian_of(chain, run(chain.program, w, x, order=1))
        xp = array_namespace(found)
        return xp.reshape(xp.permute_dims(found, (1, 0, 2)), (x.shape[0], *out, chain.num_parameters))

    return map_over_patterns(rows, math.prod(out) * (numbers(chain, x) + 2 * chain.num_parameters), x)


def jacobian_of(chain: Chain, here: Run, /) -> Array:
    """Return the Jacobian of a run, (Q, N, P), for the Q outputs of a pattern."""
    program, a = chain.program, here.a
    back = pull(program, here, each_output(a), wanted=program.with_parameters, want="patterns")
    return joined(program, back.parameters, (math.prod(a.shape[1:]), a.shape[0]), a)


def each_output(a: Array, /) -> Array:
    """Return the unit directions of a state (N, ...), the same for every pattern: (Q, N, ...)."""
    size = math.prod(a.shape[1:])
    xp = array_namespace(a)
    return xp.broadcast_to(xp.reshape(eye_like(size, a), (size, 1, *a.shape[1:])), (size, *a.shape))


def numbers(chain: Chain, x: Array, /) -> int:
    """Return how many numbers the states of one pattern are."""
    return sum(math.prod(shape) for shape in chain.program.states(tuple(x.shape[1:])))


def over_patterns(chain, sums, directions: int, x: Array, *arrays: Array):  # type: ignore[no-untyped-def]
    """Sum over chunks of patterns; over all of them at once if a layer couples them."""
    if chain.program.couples:
        return sums(x, *arrays)
    return sum_over_patterns(sums, directions * numbers(chain, x), x, *arrays)


def refuse_coupled(chain: Chain, what: str, /) -> None:
    """Refuse a quantity of single patterns where patterns depend on each other."""
    if chain.program.couples:
        raise ValueError(
            f"net has layer {chain.program.couples}, a BatchNorm in training, which couples the patterns; {what} needs "
            "a function of each pattern by itself (give the BatchNorm its mean and variance)"
        )
