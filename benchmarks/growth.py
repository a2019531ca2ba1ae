"""How time and peak memory of hesslib on NumPy grow with the patterns N, and with P by the width and by the depth.

Each quantity is computed along three lines of networks; the exponent is the slope of the upper half of the points on
logarithmic axes, where lower terms have faded. What theory says is beside it: the powers of the operation counts in the
docstrings. Peak memory is what NumPy allocates beyond the arguments, by tracemalloc, in a run of its own.
"""

import race  # noqa: F401 first: it sizes the thread pools

import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import hesslib
from hesslib import Network


def batch(net: Network, N: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    w = net.init(rng)
    t = rng.integers(0, net.widths[-1], N)
    return net, w, rng.standard_normal((N, net.widths[0])), t, rng.standard_normal(len(w))


QUANTITIES: dict[str, Callable[..., Any]] = {
    "gradient": lambda net, w, x, t, v: hesslib.gradient(net, w, x, t),
    "Hessian-vector product": hesslib.hessian_vector_product,
    "Gauss-Newton-vector product": hesslib.gauss_newton_vector_product,
    "exact diagonal": lambda net, w, x, t, v: hesslib.hessian_diagonal(net, w, x, t),
    "Gauss-Newton diagonal": lambda net, w, x, t, v: hesslib.gauss_newton_diagonal(net, w, x, t),
    "Hessian": lambda net, w, x, t, v: hesslib.hessian(net, w, x, t),
    "Gauss-Newton": lambda net, w, x, t, v: hesslib.gauss_newton(net, w, x, t),
    "input Laplacian": lambda net, w, x, t, v: hesslib.laplacian(net, w, x),
}
MATRICES = {"Hessian", "Gauss-Newton"}


def network(width: int, hidden: int) -> Network:
    return Network((8, *[width] * hidden, 3), loss="softmax_cross_entropy")


# what grows: the networks and the numbers of patterns, for vectors, for matrices, and where a pattern costs n^3
LINES: dict[str, dict[str, list[tuple[Network, int]]]] = {
    "N": {
        "vectors": [(network(32, 2), N) for N in (2000, 4000, 8000, 16000, 32000, 64000)],
        "matrices": [(network(16, 2), N) for N in (1000, 2000, 4000, 8000, 16000)],
    },
    "P, wider": {
        "vectors": [(network(n, 2), 256) for n in (128, 181, 256, 362, 512, 724, 1024)],
        "cubes": [(network(n, 2), 128) for n in (64, 91, 128, 181, 256, 362)],
        "matrices": [(network(n, 2), 256) for n in (16, 23, 32, 45, 64)],
    },
    "P, deeper": {
        "vectors": [(network(64, hidden), 256) for hidden in (2, 4, 8, 16, 32, 64)],
        "matrices": [(network(16, hidden), 128) for hidden in (2, 4, 8, 16)],
    },
}
TIME = {  # the largest power of N, of P with the width, of P with the depth
    "gradient": (1, 1, 1),
    "Hessian-vector product": (1, 1, 1),
    "Gauss-Newton-vector product": (1, 1, 1),
    "exact diagonal": (1, 1.5, 1),
    "Gauss-Newton diagonal": (1, 1, 1),
    "Hessian": (1, 2, 2),
    "Gauss-Newton": (1, 2, 2),
    "input Laplacian": (1, 1, 1),
}
MEMORY = {  # the same for the peak; None where the result and a chunk of patterns grow by different powers
    "gradient": (1, None, 1),
    "Hessian-vector product": (0, None, None),
    "Gauss-Newton-vector product": (0, None, None),
    "exact diagonal": (0, None, None),
    "Gauss-Newton diagonal": (0, None, None),
    "Hessian": (0, 2, 2),
    "Gauss-Newton": (0, 2, 2),
    "input Laplacian": (0, None, 1),
}


def measured(call: Callable[[], Any]) -> tuple[float, float]:
    """Milliseconds of CPU, the least of some runs, and MiB at the peak."""
    call()
    times = []
    for _ in range(5):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
        if sum(times) > 2:
            break
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return min(times) * 1e3, peak / 2**20


def slope(sizes: list[int], values: list[float]) -> float:
    half = len(sizes) // 2
    return float(np.polyfit(np.log(sizes[-half - 1 :]), np.log(values[-half - 1 :]), 1)[0])


def main() -> None:
    rows = []
    for k, (line, networks) in enumerate(LINES.items()):
        for name, compute in QUANTITIES.items():
            sizes, times, peaks = [], [], []
            kind = "matrices" if name in MATRICES else "cubes" if name == "exact diagonal" else "vectors"
            for net, N in networks.get(kind, networks["vectors"]):
                arguments = batch(net, N)
                milliseconds, mebibytes = measured(lambda a=arguments, f=compute: f(*a))
                sizes.append(N if line == "N" else net.num_parameters)
                times.append(milliseconds)
                peaks.append(mebibytes)
            row = {
                "quantity": name,
                "line": line,
                "sizes": sizes,
                "milliseconds": times,
                "mebibytes": peaks,
                "time_exponent": slope(sizes, times),
                "time_theory": TIME[name][k],
                "memory_exponent": slope(sizes, peaks),
                "memory_theory": MEMORY[name][k],
            }
            rows.append(row)
            print(
                f"{line}  {name:30} time {row['time_exponent']:5.2f} ({row['time_theory']})"
                f"   memory {row['memory_exponent']:5.2f} ({row['memory_theory']})",
                flush=True,
            )
    if "--json" in sys.argv:
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
