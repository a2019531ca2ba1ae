"""Run every benchmark, on one core and on both, and write one table: ``make bench``.

Writes hesslib/data/benchmarks.json, which the book shows, and benchmarks/results.md. About a quarter of an hour, on a
machine that does nothing else: where something else ran before or meanwhile, the tables are printed and not stored.

    python benchmarks/run.py --short    the first case of every task, in about a minute, with the peers that are there

The short run is a glance at the ratios, which `.ci/run` prints; nothing is stored, and nothing fails for being slow.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
STORED = HERE.parent / "hesslib" / "data" / "benchmarks.json"
TABLE = HERE / "results.md"
TASKS = [
    "hessian",
    "diagonal",
    "gauss_newton",
    "gauss_newton_diagonal",
    "vector_products",
    "vector_products_kept",
    "layers",
    "layers_products",
    "input_derivatives",
    "levenberg_marquardt",
    "evidence",
]
LIBRARIES = [
    "numpy",
    "scipy",
    "jax",
    "torch",
    "backpack-for-pytorch",
    "curvlinops-for-pytorch",
    "folx",
    "jaxopt",
    "laplace-torch",
]


BUSY = 0.3  # processes that may run beside, in the mean over a minute, on a machine that is called idle


def others(own: int) -> float:
    """How many processes ran besides the benchmark's own, in the mean over the last minute; 0 where nobody tells."""
    return max(0.0, os.getloadavg()[0] - own) if hasattr(os, "getloadavg") else 0.0


def run(script: str, cores: int) -> list[Any]:
    """What the script measures, in a process of its own."""
    print(f"\n=== {script}, {cores} core{'s' * (cores > 1)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "table.json")
        command = [sys.executable, str(HERE / f"{script}.py"), "--json", str(file)]
        subprocess.run(command, env={**os.environ, "BENCH_CORES": str(cores)}, check=True)
        return json.loads(file.read_text(encoding="utf-8"))


def processor() -> str:
    """The name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "not installed"
    return found


def as_markdown(stored: dict[str, Any]) -> str:
    machine = stored["machine"]
    lines = [
        "# hesslib beside its peers",
        "",
        f"Measured on {stored['date']}: {machine['processor']}, {machine['system']}, {machine['cores']} cores. "
        + ", ".join(f"{name} {number}" for name, number in stored["versions"].items())
        + ".",
        "",
        "Milliseconds are medians: of CPU time on one core, of the wall clock on several. The ratio is the time of the "
        "best peer over that of the better hesslib. All float64; results agree before anything is timed.",
    ]
    for table in stored["tables"]:
        cores = table["outcomes"][0]["cores"]
        lines += [
            "",
            f"## {table['task']}, {cores} core{'s' * (cores > 1)}",
            "",
            f"Ratio {table['mean']:.2f} on average, wanted {table['target']:g}.",
        ]
        for outcome in table["outcomes"]:
            lines += [
                "",
                f"{outcome['case']}: ratio {outcome['ratio']:.2f}",
                "",
                "| | ms | differs by |",
                "|---|---|---|",
            ]
            for result in outcome["results"]:
                taken = result["failure"] or f"{result['milliseconds']:.3f}"
                difference = "" if result["difference"] is None else f"{result['difference']:.0e}"
                lines.append(f"| {result['contestant']} ({result['kind']}) | {taken} | {difference} |")
    lines += [
        "",
        "## Growth",
        "",
        "| quantity | with | exponent of time | theory | exponent of memory | theory |",
        "|---|---|---|---|---|---|",
    ]
    for row in stored["growth"]:
        theory = "" if row["memory_theory"] is None else f"{row['memory_theory']:g}"
        lines.append(
            f"| {row['quantity']} | {row['line']} | {row['time_exponent']:.2f} | {row['time_theory']:g} "
            f"| {row['memory_exponent']:.2f} | {theory} |"
        )
    return "\n".join(lines) + "\n"


def glance() -> None:
    """The first case of every task."""
    started = time.perf_counter()
    for task in TASKS:
        command = [sys.executable, str(HERE / f"{task}.py")]
        subprocess.run(command, env={**os.environ, "BENCH_CORES": "1", "BENCH_SHORT": "1"}, check=False)
    print(f"\n{time.perf_counter() - started:.0f} s; {others(1):.1f} other processes in the last minute")


def main() -> None:
    if "--short" in sys.argv[1:]:
        glance()
        return
    beside = others(0)
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    stored: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"processor": processor(), "system": platform.platform(), "cores": available},
        "versions": versions(),
        "tables": [table for cores in sorted({1, min(2, available)}) for task in TASKS for table in run(task, cores)],
        "growth": run("growth", 1),
    }
    beside = max(beside, others(min(2, available)))
    if beside > BUSY:
        print(as_markdown(stored))
        sys.exit(f"not stored: {beside:.1f} other processes ran; times of a busy machine are no measurement")
    STORED.parent.mkdir(exist_ok=True)
    STORED.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    TABLE.write_text(as_markdown(stored), encoding="utf-8")
    print(f"\nwrote {STORED} and {TABLE}")


if __name__ == "__main__":
    main()
