r"""Products of the Hessian of a chain, and of its Gauss-Newton part, with vectors."""

from __future__ import annotations

from collections.abc import Callable

from array_api_compat import array_namespace

from hesslib._arrays import Array
from hesslib.layers.chain import Chain
from hesslib.layers.first import over_patterns
from hesslib.layers.passes import Both, M_times, both, joined, pull, push, split_parameters
from hesslib.networks.network import Reduction, check_vectors, reduce_patterns

Product = Callable[[Chain, Both, Array], Array]


def hessian_product(chain: Chain, p: Both, v: Array, /) -> Array:
    r"""Return the rows $v^TH$ for rows `v`, from passes that are at hand."""
    program = chain.program
    dtheta = split_parameters(program, v)
    dz = push(program, p.here, None, dtheta)
    g = None if dz[-1] is None else M_times(program, p.here.a, dz[-1])
    wanted = program.with_parameters
    back = pull(program, p.here, g, wanted=wanted, delta=p.delta, dz=dz, dtheta=dtheta)
    return joined(program, back.parameters, (v.shape[0],), v)


def gauss_newton_product(chain: Chain, p: Both, v: Array, /) -> Array:
    r"""Return the rows $v^T\sum_nB_n^TM_nB_n$ for rows `v`."""
    program = chain.program
    da = push(program, p.here, None, split_parameters(program, v))[-1]
    g = None if da is None else M_times(program, p.here.a, da)
    back = pull(program, p.here, g, wanted=program.with_parameters)
    return joined(program, back.parameters, (v.shape[0],), v)


def vector_product(
    chain: Chain, w: Array, x: Array, t: Array, v: Array, reduction: Reduction, product: Product, /
) -> Array:
    """Return a product with one vector (P,), or with the columns of (P, V)."""
    w, x, t = chain.check_batch(w, x, t)
    rows = check_vectors(chain, w, v)

    def sums(x: Array, t: Array) -> tuple[Array]:
        return (product(chain, both(chain.program, w, x, t), rows),)

    (total,) = over_patterns(chain, sums, 3 * rows.shape[0] + 4, x, t)
    total = reduce_patterns(total, reduction, x.shape[0])
    return total[0, ...] if v.ndim == 1 else array_namespace(total).permute_dims(total, (1, 0))
