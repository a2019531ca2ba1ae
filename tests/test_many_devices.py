"""More than one device: the numbers of one, and no more communication than one all-reduce of the result."""

from __future__ import annotations

import math
import re
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spread
from cases import close
from spread import CASE, SUMS, rows_of_hessian, summed, vector

import hesslib
from hesslib import _chunks

ARGUMENTS = (CASE.w, CASE.x, CASE.t, vector())
P = CASE.net.num_parameters
COLLECTIVE = re.compile(
    r"= (.*?) (all-reduce|all-gather|all-to-all|collective-permute|collective-broadcast|reduce-scatter)(?:-start)?\("
)
ARRAY = re.compile(r"f(32|64)\[([0-9,]*)\]")


def collectives(compiled: Any) -> list[tuple[str, int]]:
    """What the devices send each other in a compiled program: each operation with the bytes of its result."""
    found = []
    for shapes, operation in COLLECTIVE.findall(compiled.as_text()):
        arrays = [(int(bits) // 8, [int(n) for n in dims.split(",") if n]) for bits, dims in ARRAY.findall(shapes)]
        found.append((operation, sum(size * math.prod(dims) for size, dims in arrays)))
    return found


def mesh_of(*shape: int, names: tuple[str, ...] = ("patterns",), kind: str = "Auto") -> Any:
    import jax
    from jax.sharding import AxisType

    return jax.make_mesh(shape, names, axis_types=(getattr(AxisType, kind),) * len(shape))


def placed(mesh: Any, *arrays: np.ndarray) -> list[Any]:
    """The arrays with their rows spread over the patterns' axis of the mesh."""
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

    return [jax.device_put(array, NamedSharding(mesh, PartitionSpec("patterns"))) for array in arrays]


def rounding(name: str) -> float:
    """Relative to the largest entry, which in a product may be small by cancellation."""
    if not name.endswith("vector_product"):
        return CASE.rounding
    H = hesslib.hessian(CASE.net, CASE.w, CASE.x, CASE.t)
    return CASE.rounding * float(np.max(np.abs(H) @ np.abs(vector())) / np.max(np.abs(H @ vector()))) * P**0.5


@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
@pytest.mark.parametrize("in_chunks", [False, True], ids=["whole", "in chunks"])
@pytest.mark.parametrize("name", SUMS)
def test_sum_over_eight_devices_is_that_of_one_and_costs_one_all_reduce_of_the_result(
    name: str, in_chunks: bool, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = SUMS[name](*ARGUMENTS)
    if in_chunks:  # less than one pattern's numbers: each device takes its own one by one
        monkeypatch.setattr(_chunks, "BUDGET", 1)
    mesh = mesh_of(8, kind=kind)
    arguments = (CASE.w, *placed(mesh, CASE.x, CASE.t), vector())
    compiled = summed(SUMS[name], mesh).lower(*arguments).compile()
    assert collectives(compiled) == [("all-reduce", expected.nbytes)]
    found = compiled(*arguments)
    assert len(found.devices()) == 8
    close(found, expected, rounding(name))


def test_mean_is_the_mean_of_means_and_not_their_sum() -> None:
    import jax
    from jax.sharding import PartitionSpec as Spec

    def of_device(w: Any, x: Any, t: Any) -> Any:
        return jax.lax.pmean(hesslib.gradient(CASE.net, w, x, t, reduction="mean"), "patterns")

    mesh = mesh_of(8)
    mean = jax.shard_map(of_device, mesh=mesh, in_specs=(Spec(), Spec("patterns"), Spec("patterns")), out_specs=Spec())
    found = jax.jit(mean)(CASE.w, *placed(mesh, CASE.x, CASE.t))
    close(found, hesslib.gradient(CASE.net, CASE.w, CASE.x, CASE.t, reduction="mean"), CASE.rounding)


@pytest.mark.parametrize("name", SUMS)
def test_plain_sharded_arrays_are_not_gathered_while_a_batch_is_one_chunk(name: str) -> None:
    """What `jit` partitions by itself: terms of one entry may travel apart, patterns never travel."""
    import jax

    mesh = mesh_of(8)
    arguments = (CASE.w, *placed(mesh, CASE.x, CASE.t), vector())
    compiled = jax.jit(SUMS[name]).lower(*arguments).compile()
    sent = collectives(compiled)
    assert {operation for operation, _ in sent} == {"all-reduce"}
    assert sum(size for _, size in sent) <= 2 * SUMS[name](*ARGUMENTS).nbytes
    close(compiled(*arguments), SUMS[name](*ARGUMENTS), rounding(name))


def test_results_with_a_row_for_each_pattern_cost_no_communication() -> None:
    import jax
    from jax.sharding import PartitionSpec as Spec

    mesh = mesh_of(8)
    patterns = Spec("patterns")
    of_device = partial(hesslib.output_jacobian, CASE.net)
    jacobian = jax.jit(jax.shard_map(of_device, mesh=mesh, in_specs=(Spec(), patterns), out_specs=patterns))
    (x,) = placed(mesh, CASE.x)
    compiled = jacobian.lower(CASE.w, x).compile()
    assert collectives(compiled) == []
    close(compiled(CASE.w, x), hesslib.output_jacobian(CASE.net, CASE.w, CASE.x), CASE.rounding)


@pytest.mark.parametrize("shape", [(1, 8), (2, 4), (8, 1)], ids=str)
def test_rows_of_the_hessian_lie_where_they_were_computed(shape: tuple[int, int]) -> None:
    mesh = mesh_of(*shape, names=("patterns", "rows"))
    x, t = placed(mesh, CASE.x, CASE.t)
    compiled = rows_of_hessian(mesh).lower(CASE.w, x, t).compile()
    H = compiled(CASE.w, x, t)
    share = -(-P // shape[1])
    assert {shard.data.shape for shard in H.addressable_shards} == {(share, P)}
    assert collectives(compiled) == [("all-reduce", 8 * share * P)]  # among devices with the same rows, be it only one
    H = np.asarray(H)
    close(H[:P], hesslib.hessian(CASE.net, CASE.w, CASE.x, CASE.t), CASE.rounding)
    assert not H[P:].any()


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
def test_a_target_that_is_refused_is_named_wherever_it_lies(kind: str) -> None:
    x, t = placed(mesh_of(8, kind=kind), CASE.x, np.where(np.arange(CASE.N)[:, None] == CASE.N - 1, 3.0, CASE.t))
    with pytest.raises(ValueError, match=f"t has the value 3 in row {CASE.N - 1}; binary_cross_entropy"):
        hesslib.error(CASE.net, CASE.w, x, t)


@pytest.fixture(scope="module")
def of_two_processes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, np.ndarray]]:
    """What each of two processes with two devices found; they talk over the loopback interface."""
    folder = tmp_path_factory.mktemp("processes")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [sys.executable, str(Path(spread.__file__))]
    both = [
        subprocess.Popen(
            [*program, str(rank), str(port), str(folder)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for rank in range(2)
    ]
    try:
        said = [process.communicate(timeout=240)[0] for process in both]
    finally:
        for process in both:
            process.kill()
    assert [process.returncode for process in both] == [0, 0], "\n".join(said)
    return [dict(np.load(folder / f"{rank}.npz")) for rank in range(2)]


def test_two_processes_find_what_one_device_finds(of_two_processes: list[dict[str, np.ndarray]]) -> None:
    for found in of_two_processes:
        for name, f in SUMS.items():
            close(found[name], f(*ARGUMENTS), rounding(name))
        close(found["outside jit"], hesslib.error(*(CASE.net, *ARGUMENTS[:3])), CASE.rounding)
    for name in SUMS:
        np.testing.assert_array_equal(of_two_processes[0][name], of_two_processes[1][name])


def test_each_process_holds_half_of_the_rows_of_the_hessian(of_two_processes: list[dict[str, np.ndarray]]) -> None:
    parts = [{name: rows for name, rows in found.items() if name.startswith("rows")} for found in of_two_processes]
    assert [len(part) for part in parts] == [2, 2]
    by_start = {int(name.split()[-1]): rows for part in parts for name, rows in part.items()}
    H = np.concatenate([by_start[start] for start in sorted(by_start)])
    close(H[:P], hesslib.hessian(CASE.net, CASE.w, CASE.x, CASE.t), CASE.rounding)


def test_both_processes_refuse_a_target_that_one_of_them_holds(of_two_processes: list[dict[str, np.ndarray]]) -> None:
    for found in of_two_processes:
        assert f"t has the value 3 in row {CASE.N - 1}; binary_cross_entropy" in str(found["refused"])
