"""Execute the chapters and the tests under other processors, threads, loads, Pythons and releases.

Rounding differs between BLAS kernels, NumPy's instructions and XLA's; speed between machines. What holds on one machine
only is found here, on this one machine, by choosing them:

    python tools/everywhere.py                                        everything; hours
    python tools/everywhere.py --settings Nehalem busy --parts numeric

It prints one table; the logs are below ``_build/everywhere``. The environments of other Pythons and of the oldest
releases are used where they exist; ``make everywhere`` makes them first.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "_build" / "everywhere"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

# An x86 kernel of OpenBLAS, the XLA instruction set beside it, and which of NumPy's own instructions it goes without.
KERNELS = {
    "Haswell": ("AVX2", re.compile(r"X86_V4|AVX512")),
    "Sandybridge": ("AVX", re.compile(r"X86_V[34]|AVX512|AVX2|FMA|F16C")),
    "Nehalem": ("SSE4_2", re.compile(r"X86_V[34]|AVX|FMA|F16C")),
}

EXACT = ("book", "calculus", "derivations")  # the folders of tests that compute no floating-point numbers, or few
PARTS = {
    "chapters": "every chapter",
    "tests": "every test but those of the chapters and the site",
    "numeric": "the tests that compare floating-point numbers",
    "package": "the package's own doctests and tests, without the tools and the book",
    "no-jax": "the tests that do not need JAX's float64",
}


@dataclass(frozen=True)
class Setting:
    """One machine to be: its variables, its Python, what else runs beside, and which parts make sense there."""

    name: str
    variables: dict[str, str] = field(default_factory=dict)
    python: Path = Path(sys.executable)
    busy: bool = False
    parts: tuple[str, ...] = ("chapters", "tests")


def oldest_releases() -> list[str]:
    """The lower bounds of hesslib's own dependencies, as requirements."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [f"{text.replace('>=', '==')}.*" for text in project["dependencies"]]


def found_instructions() -> list[str]:
    """The instruction sets beyond its baseline that NumPy dispatches to on this processor."""
    import numpy as np

    return list(np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))


def kernel_variables(kernel: str, found: Sequence[str]) -> dict[str, str]:
    """What makes OpenBLAS, NumPy and XLA compute as on a processor of this kind."""
    isa, without = KERNELS[kernel]
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_max_isa={isa}".strip()
    disabled = " ".join(name for name in found if without.match(name))
    return {"OPENBLAS_CORETYPE": kernel, "XLA_FLAGS": flags} | (
        {"NPY_DISABLE_CPU_FEATURES": disabled} if disabled else {}
    )


def kernels_here(found: Sequence[str], machine: str) -> list[str]:
    """The kernels that run on this processor, from the newest to the oldest."""
    if machine.lower() not in {"x86_64", "amd64"}:
        return []
    return [*KERNELS] if {"AVX2", "X86_V3"} & set(found) else ["Nehalem"]


def another_kernel() -> dict[str, str]:
    """The variables of the kernel that is farthest from the native one; none where the processor offers no choice."""
    found = found_instructions()
    kernels = kernels_here(found, platform.machine())
    return kernel_variables(kernels[-1], found) if len(kernels) > 1 else {}


def any_clock(seed: str) -> dict[str, str]:
    """What makes every time that is measured a random one, so that no assertion can rest on it."""
    return {"ANY_CLOCK": seed, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tools" / "any_clock")))}


def settings() -> dict[str, Setting]:
    """Every setting that this machine can be put into, by name."""
    found = found_instructions()
    pythons = [ready.parent for ready in sorted(ROOT.glob(".venv-3.*/ready"))]
    oldest = [ready.parent for ready in ROOT.glob(".venv-oldest/ready")]
    chosen = [
        Setting("native"),
        *(Setting(kernel, kernel_variables(kernel, found)) for kernel in kernels_here(found, platform.machine())),
        *(Setting(f"threads-{count}", dict.fromkeys(THREADS, count), parts=("chapters", "numeric")) for count in "12"),
        Setting("busy", busy=True),
        *(Setting(f"any-clock-{seed}", any_clock(seed), parts=("chapters",)) for seed in "12"),
        *(Setting(folder.name.replace(".venv-", "Python-"), python=python_of(folder)) for folder in pythons),
        *(Setting("oldest", python=python_of(folder), parts=("package",)) for folder in oldest),
        Setting("float32-in-JAX", {"JAX_ENABLE_X64": "0"}, parts=("chapters", "no-jax")),
    ]
    return {setting.name: setting for setting in chosen}


def python_of(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def needs_jax(test: Path) -> bool:
    """Whether the file names JAX, or the oracles that are made of it."""
    return re.search(r"\b(jax|oracles|cases|check)\b", test.read_text(encoding="utf-8")) is not None


def arguments_of(part: str) -> list[str]:
    """What pytest is told to run a part."""
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    beside = {"test_chapters.py", "test_site.py", "test_live.py"}
    if part == "tests":
        return ["hesslib", *(str(test) for test in tests if test.name not in beside)]
    folders = {test: test.relative_to(ROOT / "tests").parts[0] for test in tests}
    numeric = [test for test in tests if folders[test] not in EXACT and test.name != "test_environment.py"]
    doctests = ["hesslib", "--ignore=hesslib/calculus", "--ignore=hesslib/derivations"]
    if part == "numeric":
        return [*doctests, *map(str, numeric)]
    if part == "package":
        package = [test for test in tests if folders[test] != "book" and test.name != "test_environment.py"]
        return ["hesslib", *map(str, package)]
    return [str(test) for test in tests if test.name not in beside and not needs_jax(test)]


@contextmanager
def all_cores_busy(wanted: bool) -> Iterator[list[subprocess.Popen]]:
    """As many processes beside as there are cores, which do nothing but compute, until the block is left."""
    count = (os.cpu_count() or 1) if wanted else 0
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield others
    finally:
        for other in others:
            other.kill()
            other.wait()


def run_chapters(setting: Setting, environment: dict[str, str], log: Path) -> tuple[str, list[str]]:
    """Execute every chapter; how many ran and which failed."""
    cache = LOGS / setting.name / "cache"
    command = [str(setting.python), str(ROOT / "tools" / "execute_chapters.py"), "--again", "--cache", str(cache)]
    with log.open("w", encoding="utf-8") as file:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False)
    said = log.read_text(encoding="utf-8")
    failed = re.findall(r"^FAILED +(\S+)", said, re.MULTILINE)
    ran = len(re.findall(r"^executed +\S+", said, re.MULTILINE))
    if done.returncode and not failed:
        return "did not run", [f"see {log}"]
    return f"{ran} ran" + (f", {len(failed)} FAILED" if failed else ""), failed


def run_tests(setting: Setting, part: str, environment: dict[str, str], log: Path) -> tuple[str, list[str]]:
    """Run one part of the tests; how many passed and which failed."""
    report = log.with_suffix(".xml")
    report.unlink(missing_ok=True)
    command = [
        str(setting.python),
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not site",
        f"--junitxml={report}",
    ]
    with log.open("w", encoding="utf-8") as file:
        subprocess.run(
            [*command, *arguments_of(part)],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return read_report(report) if report.exists() else ("did not run", [f"see {log}"])


def read_report(report: Path) -> tuple[str, list[str]]:
    """Sum up a report of pytest."""
    cases = list(ET.parse(report).getroot().iter("testcase"))
    failed = [
        f"{case.get('classname', '')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    skipped = sum(case.find("skipped") is not None for case in cases)
    said = [f"{len(cases) - len(failed) - skipped} passed"]
    said += [f"{skipped} skipped"] if skipped else []
    said += [f"{len(failed)} FAILED"] if failed else []
    return ", ".join(said) if cases else "did not run", failed if cases else [f"see {report}"]


def main(arguments: list[str]) -> int:
    """Run what is chosen, print the table, then what failed; the exit status is 1 if anything did."""
    known = settings()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--settings", nargs="+", choices=[*known, "another"], help="all of them, if none is named")
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="instead of those that each setting has")
    parser.add_argument("--list", action="store_true", help="name the settings and their parts, and stop")
    parser.add_argument("--oldest", action="store_true", help="name the oldest releases that hesslib allows, and stop")
    chosen = parser.parse_args(arguments)
    if chosen.oldest:
        print(*oldest_releases())
        return 0
    if chosen.list:
        for setting in known.values():
            print(f"{setting.name:16} {', '.join(setting.parts):20} {setting.variables or ''}")
        return 0
    wanted = [known[name] for name in chosen.settings or known if name != "another"]
    if chosen.settings and "another" in chosen.settings:
        wanted.append(Setting("another", another_kernel()))
        if not wanted[-1].variables:
            print(f"another: {platform.machine()} has no second kernel here; the native one runs again", flush=True)
    rows, failures = [], []
    for setting in wanted:
        folder = LOGS / setting.name
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **setting.variables}
        if setting.name != "native":
            environment.setdefault("JAXTYPING_DISABLE", "1")  # shapes and types are the same on every machine
        for part in chosen.parts or setting.parts:
            print(f"{setting.name}: {PARTS[part]} ...", flush=True)
            start = time.perf_counter()
            with all_cores_busy(setting.busy):
                if part == "chapters":
                    said, failed = run_chapters(setting, environment, folder / "chapters.log")
                else:
                    said, failed = run_tests(setting, part, environment, folder / f"{part}.log")
            rows.append((setting.name, part, said, f"{time.perf_counter() - start:.0f}"))
            failures += [f"{setting.name}: {name}" for name in failed]
            print(f"{setting.name}: {said}", flush=True)
    print("\n" + table([("setting", "part", "outcome", "seconds"), *rows]))
    print("\n".join(["", *failures]) if failures else "\nthe same everywhere")
    return int(bool(failures))


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """The rows in aligned columns, the first one as their heads."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
