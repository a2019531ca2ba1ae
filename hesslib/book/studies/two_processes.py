"""A program that two processes run, each with its own half of the patterns: *Beyond one machine* starts them.

python -m hesslib.book.studies.two_processes RANK PORT FOLDER
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as Spec

import hesslib


def product_of_half(rank: int, port: str, folder: str) -> None:
    """Compute Hv of all patterns with another process; this half, and the result, are files of the folder."""
    jax.config.update("jax_num_cpu_devices", 2)
    jax.config.update("jax_enable_x64", True)
    jax.distributed.initialize(f"127.0.0.1:{port}", num_processes=2, process_id=rank, initialization_timeout=60)
    mesh = jax.make_mesh((4,), ("patterns",), axis_types=(AxisType.Auto,))

    net = hesslib.Network((3, 8, 6, 2))
    rows = np.load(f"{folder}/half {rank}.npz")  # the other half stays away
    over_patterns = NamedSharding(mesh, Spec("patterns"))
    x, t = (jax.make_array_from_process_local_data(over_patterns, rows[name]) for name in ("x", "t"))

    @jax.jit
    @partial(
        jax.shard_map,
        mesh=mesh,
        in_specs=(Spec(), Spec("patterns"), Spec("patterns"), Spec()),
        out_specs=Spec(),
    )
    def product(w: Any, x: Any, t: Any, v: Any) -> Any:
        Hv = hesslib.hessian_vector_product(net, w, x, t, v)
        return jax.lax.psum(Hv, "patterns")

    Hv = product(rows["w"], x, t, rows["v"])
    np.savez(f"{folder}/found {rank}.npz", Hv=Hv, devices=len(jax.devices()))
    jax.distributed.shutdown()


if __name__ == "__main__":
    product_of_half(int(sys.argv[1]), *sys.argv[2:])
