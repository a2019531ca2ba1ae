r"""The Hessian of a chain as a matrix, layer by layer.

For the parameters of two layers, $m$ not before $l$, with $a^{(l)}$ what layer $l$ gives and
$A^{(l)}=\partial a^{(l)}/\partial\theta^{(l)}$,

$$\frac{\partial^2E}{\partial\theta^{(m)}\partial\theta^{(l)}}
=\sum_n\frac{\partial^2E}{\partial\theta^{(m)}\partial a^{(l)}_n}A^{(l)}_n.$$

A sweep forward and backward for every unit of $a^{(l)}$, the same unit of every pattern at once, gives the first factor
for all layers $m$; the second is the structure of the layer, whose transposed product with the Jacobian is at hand.
Where a layer has fewer parameters than units, or a layer after it couples the patterns, its parameters are the
directions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from array_api_compat import array_namespace, is_jax_array

from hesslib._arrays import Array, eye_like, write, zeros_like
from hesslib._chunks import refuse_what_cannot_fit, sum_over_patterns
from hesslib.layers.chain import Chain
from hesslib.layers.first import each_output, numbers
from hesslib.layers.passes import Both, M_times, both, pull, push

EAGER = 8  # so many times larger chunks where nothing is compiled


def matrix(
    chain: Chain,
    w: Array,
    x: Array,
    t: Array,
    /,
    *,
    what: str = "hessian",
    gauss_newton: bool = True,
    residual: bool = True,
) -> Array:
    r"""Return $H$ of a checked batch, or the part with $M$, or that with $\delta$; exactly symmetric."""
    size = chain.program.length
    refuse_what_cannot_fit(what, 3 * size**2, w)
    steps = chain.program.with_parameters
    pairs = [(m, l) for l in steps for m in steps if m >= l]

    def sums(x: Array, t: Array) -> tuple[Array, ...]:
        p = both(chain.program, w, x, t)
        return tuple(block for l in steps for block in _column(chain, p, l, gauss_newton, residual))

    blocks = list(_summed(chain, sums, x, t))
    H = zeros_like((size, size), w)
    for (m, l), block in zip(pairs, blocks, strict=True):
        rows, columns = chain.program.steps[m].where, chain.program.steps[l].where
        H = write(H, (rows, columns), (block + _turned(block)) / 2 if m == l else block)
        if m > l:
            H = write(H, (columns, rows), _turned(block))
    if not chain.program.tied:
        return H
    H = chain.program.gather(_turned(chain.program.gather(H)))
    return (H + _turned(H)) / 2


def diagonal(chain: Chain, w: Array, x: Array, t: Array, /, *, residual: bool = True) -> Array:
    r"""Return the diagonal of $H$ of a checked batch, or of its part with $M$, from the blocks of single layers."""
    if chain.program.tied:  # blocks of different layers have a part in it
        return array_namespace(w).linalg.diagonal(matrix(chain, w, x, t, residual=residual))
    steps = chain.program.with_parameters

    def sums(x: Array, t: Array) -> tuple[Array]:
        p, xp = both(chain.program, w, x, t), array_namespace(w)
        blocks = [next(_column(chain, p, l, True, residual, only=True)) for l in steps]
        return (xp.concat([xp.linalg.diagonal(block) for block in blocks]),)

    (total,) = _summed(chain, sums, x, t)
    return total


def _summed(chain: Chain, sums, x: Array, t: Array):  # type: ignore[no-untyped-def]
    if chain.program.couples:
        return sums(x, t)
    program, held = chain.program, 2 * numbers(chain, x)
    states = program.states(tuple(x.shape[1:]))
    widest = max(
        _directions(chain, l, math.prod(states[l + 1])) * (held + program.length - program.steps[l].where.start)
        for l in program.with_parameters
    )
    # JAX compiles one chunk, and the smaller the quicker; elsewhere every operation has a price of its own
    return sum_over_patterns(sums, widest if is_jax_array(x) else max(widest // EAGER, 1), x, t)


def _directions(chain: Chain, l: int, units: int) -> int:
    return min(units, chain.program.steps[l].layer.num_parameters)


def _column(
    chain: Chain, p: Both, l: int, gauss_newton: bool, residual: bool, *, only: bool = False
) -> Iterator[Array]:
    """Yield the blocks (m, l) for all layers m with parameters from l on, (P_m, P_l); the first alone if `only`."""
    program, here = chain.program, p.here
    layer = program.steps[l].layer
    wanted = (l,) if only else tuple(m for m in program.with_parameters if m >= l)
    units = math.prod(here.states[l + 1].shape[1:])
    coupled = any(step.layer.couples for step in program.steps[l + 1 :])
    by_units = units < layer.num_parameters and not coupled
    dtheta: list[Array | None] = [None] * len(program.steps)
    at = None
    if by_units:
        at = {l + 1: each_output(here.states[l + 1])}
    else:
        dtheta[l] = eye_like(layer.num_parameters, here.a)
    dz = push(program, here, None, dtheta, at=at)
    g = M_times(program, here.a, dz[-1]) if gauss_newton and dz[-1] is not None else None
    bent = {"delta": p.delta, "dz": dz, "dtheta": dtheta} if residual else {}
    back = pull(program, here, g, wanted=wanted, want="patterns" if by_units else "sum", **bent)  # type: ignore[arg-type]
    xp = array_namespace(here.a)
    for m in wanted:
        found, P_m = back.parameters[m], program.steps[m].layer.num_parameters
        if found is None:
            yield zeros_like((P_m, layer.num_parameters), here.a)
        elif by_units:
            g_l = xp.reshape(xp.permute_dims(found, (2, 1, 0)), (P_m, *here.states[l + 1].shape))
            yield layer.vjp_parameters(here.kept[l], g_l)
        else:
            yield _turned(found)


def _turned(block: Array) -> Array:
    return array_namespace(block).permute_dims(block, (1, 0))
