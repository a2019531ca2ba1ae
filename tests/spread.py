"""Sums over patterns, and the rows of the Hessian, over many devices: with JAX's own means, as the book shows them.

As a program, ``spread.py RANK PORT FOLDER``, it is one of two processes with two devices each, which compute together
what `test_many_devices` computes on one device.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from cases import Case

import hesslib

CASE = Case((3, 5, 4, 2), ("tanh", "gelu"), "binary_cross_entropy", N=64)
WITHOUT_VECTOR = {
    "error": hesslib.error,
    "gradient": hesslib.gradient,
    "hessian_diagonal": hesslib.hessian_diagonal,
}
WITH_VECTOR = {
    "hessian_vector_product": hesslib.hessian_vector_product,
    "gauss_newton_vector_product": hesslib.gauss_newton_vector_product,
}
SUMS = {
    **{name: lambda w, x, t, _, f=f: f(CASE.net, w, x, t) for name, f in WITHOUT_VECTOR.items()},
    **{name: lambda w, x, t, v, f=f: f(CASE.net, w, x, t, v) for name, f in WITH_VECTOR.items()},
}


def summed(f: Callable[..., Any], mesh: Any) -> Callable[..., Any]:
    """Each device sums over its own patterns, then one all-reduce."""
    import jax
    from jax.sharding import PartitionSpec as Spec

    def of_device(w: Any, x: Any, t: Any, v: Any) -> Any:
        return jax.lax.psum(f(w, x, t, v), "patterns")

    patterns = Spec("patterns")
    return jax.jit(jax.shard_map(of_device, mesh=mesh, in_specs=(Spec(), patterns, patterns, Spec()), out_specs=Spec()))


def rows_of_hessian(mesh: Any) -> Callable[..., Any]:
    """Each device multiplies H with its share of the unit vectors; rows of zeros fill the last share up."""
    import jax
    import jax.numpy as jnp
    from jax.sharding import PartitionSpec as Spec

    P = CASE.net.num_parameters
    share = -(-P // mesh.shape["rows"])

    def of_device(w: Any, x: Any, t: Any) -> Any:
        numbers = jax.lax.axis_index("rows") * share + jnp.arange(share)
        units = (jnp.arange(P)[:, None] == numbers).astype(w.dtype)
        return jax.lax.psum(hesslib.hessian_vector_product(CASE.net, w, x, t, units), "patterns").T

    patterns = Spec("patterns")
    return jax.jit(jax.shard_map(of_device, mesh=mesh, in_specs=(Spec(), patterns, patterns), out_specs=Spec("rows")))


def vector() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(CASE.net.num_parameters)


def main(rank: int, port: int, folder: str) -> None:
    import jax
    from jax.sharding import AxisType, NamedSharding
    from jax.sharding import PartitionSpec as Spec

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_num_cpu_devices", 2)
    jax.distributed.initialize(f"127.0.0.1:{port}", num_processes=2, process_id=rank, initialization_timeout=60)
    assert (len(jax.local_devices()), len(jax.devices())) == (2, 4)
    mesh = jax.make_mesh((4,), ("patterns",), axis_types=(AxisType.Auto,))

    def halves(array: np.ndarray) -> Any:
        """Only this process's half of the rows is ever here."""
        mine = array[rank * CASE.N // 2 : (rank + 1) * CASE.N // 2]
        return jax.make_array_from_process_local_data(NamedSharding(mesh, Spec("patterns")), mine)

    x, t = halves(CASE.x), halves(CASE.t)
    assert not x.is_fully_addressable
    found = {name: np.asarray(summed(f, mesh)(CASE.w, x, t, vector())) for name, f in SUMS.items()}
    found["outside jit"] = np.asarray(hesslib.error(CASE.net, CASE.w, x, t))  # where targets are looked at
    try:
        hesslib.error(CASE.net, CASE.w, x, halves(np.where(np.arange(CASE.N)[:, None] == CASE.N - 1, 3.0, CASE.t)))
    except ValueError as refused:
        found["refused"] = np.asarray(str(refused))
    grid = jax.make_mesh((1, 4), ("patterns", "rows"), axis_types=(AxisType.Auto,) * 2)
    H = rows_of_hessian(grid)(CASE.w, CASE.x, CASE.t)
    for shard in H.addressable_shards:
        found[f"rows from {shard.index[0].start or 0}"] = np.asarray(shard.data)
    np.savez(f"{folder}/{rank}.npz", **found)
    jax.distributed.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
