"""The engine for the page: Python for the browser, SymPy and hesslib, compiled, imported and kept as memory.

Three steps, each by the node and the Pyodide that `npm_packages` fetches: the sources are collected, compiled by the
Python that will run them, and imported once; what the memory of that interpreter holds is what a page begins with. So
nothing is imported in the page, and SymPy travels as that part of it which is used; modules that are imported only when
something rare is asked come in an archive beside it.

A page that is opened as a file may load scripts and nothing else. Everything is text in scripts therefore, compressed
and in base 64; `parts` says which. The result is kept below ``_build`` by a key of all it is made of.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import shutil
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import npm_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAMS = HERE / "engine"

PACKAGES = ("sympy", "mpmath", "lark")
OWN = ("__init__.py", "agreement.py", "calculus/*.py", "derivations/*.py", "derivations/reading/*.py")
LEFT_OUT = {"tests", "benchmarks", "__pyinstaller", "tools"}
"""Folders of packages that only their authors need."""
UNUSED = {
    "sympy": "abc categories codegen crypto diffgeom holonomic interactive liealgebras parsing physics plotting "
    "sandbox stats testing unify vector",
    "sympy.printing": "pretty",
    "sympy.utilities": "mathml _compilation",
}
"""Rooms of the packages that no formula leads to; what SymPy itself imports of them is in the memory all the same."""

SCRIPTS = {
    "runtime.js": ["loader", "module", "lock", "library", "rest"],
    "machine.js": ["machine"],
    "memory.js": ["memory"],
}
"""The scripts of the engine, and the parts that each of them brings."""

QUESTIONS = [
    {"text": r"\delta_j = \sum_k w_{jk} \delta_k", "notation": "prml"},
    {"text": r"\delta_j^{(l)} = h'(a_j^{(l)}) \sum_k w_{kj}^{(l+1)} \delta_k^{(l+1)}", "notation": "book"},
    {"text": r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)", "notation": "nielsen"},
    {"text": r"\delta_k = y_k - t_k", "notation": "prml"},
    {"text": r"G^{(m,l)}_{kj} = \sum_i h'(a_i^{(m-1)}) w_{ki}^{(m)} G_{ij}^{(m-1,l)}", "notation": "book"},
    {"text": r"z_j^{(l)} = a_j^{(l)} / 2 z_j^{(l)}", "notation": "book"},
]
"""What is asked before the memory is kept, so that the first answer in a page is as quick as the later ones."""


def sources() -> Iterator[tuple[str, Path]]:
    """What is compiled: the name of each module's file in the archive, and where it is."""
    for package in PACKAGES:
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        home = Path(spec.origin).parent
        for path in sorted(home.rglob("*.py")):
            if not LEFT_OUT & set(path.relative_to(home).parts):
                yield path.relative_to(home.parent).as_posix(), path
    for pattern in OWN:
        for path in sorted((ROOT / "hesslib").glob(pattern)):
            yield path.relative_to(ROOT).as_posix(), path


def key() -> str:
    """What changes when the bundle does."""
    found = hashlib.sha256(json.dumps([npm_packages.declared()["pyodide"], QUESTIONS, UNUSED]).encode())
    for name, path in [*sources(), *((path.name, path) for path in [Path(__file__), *sorted(PROGRAMS.iterdir())])]:
        found.update(f"\0{name}\0".encode() + path.read_bytes())
    return found.hexdigest()[:20]


def bundle(cache: Path) -> Path:
    """The folder with the scripts, made if it is not there."""
    target = cache / f"engine-{key()}"
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            work = Path(temporary)
            _make(work / "scripts", work)
            for old in cache.glob("engine-*"):
                shutil.rmtree(old, ignore_errors=True)
            (work / "scripts").rename(target)
    return target


def _make(scripts: Path, work: Path) -> None:
    pyodide = npm_packages.folder("pyodide")
    with zipfile.ZipFile(work / "sources.zip", "w") as archive:
        for name, path in sources():
            archive.write(path, name)
    names = ["sources.zip", "compiled.zip", "questions.json", "memory", "imported.json"]
    from_, compiled, questions, memory, imported = (str(work / name) for name in names)
    npm_packages.node(str(PROGRAMS / "compile.mjs"), str(pyodide), from_, compiled)
    Path(questions).write_text(json.dumps(QUESTIONS), encoding="utf-8")
    driver = str(PROGRAMS / "driver.py")
    npm_packages.node(str(PROGRAMS / "snapshot.mjs"), str(pyodide), compiled, driver, questions, memory, imported)
    there = set(json.loads(Path(imported).read_text(encoding="utf-8")))
    parts: dict[str, Path | bytes] = {
        "loader": pyodide / "pyodide.mjs",
        "module": pyodide / "pyodide.asm.mjs",
        "lock": pyodide / "pyodide-lock.json",
        "library": pyodide / "python_stdlib.zip",
        "rest": _remaining(Path(compiled), there),
        "machine": pyodide / "pyodide.asm.wasm",
        "memory": Path(memory),
    }
    (scripts / "live").mkdir(parents=True)
    for name, keys in SCRIPTS.items():
        lines = [f"(self.LIVE_PARTS ??= {{}}).{key} = {_text(parts[key])};" for key in keys]
        (scripts / "live" / name).write_text("\n".join(lines) + "\n", encoding="ascii")


def _remaining(compiled: Path, imported: set[str]) -> bytes:
    """The modules that are not imported yet and might be."""
    held = io.BytesIO()
    with zipfile.ZipFile(compiled) as archive, zipfile.ZipFile(held, "w") as rest:
        for entry in archive.infolist():
            module = entry.filename.removesuffix(".pyc").replace("/", ".").removesuffix(".__init__")
            if module not in imported and not _is_unused(module):
                rest.writestr(zipfile.ZipInfo(entry.filename), archive.read(entry), zipfile.ZIP_DEFLATED, 9)
    return held.getvalue()


def _is_unused(module: str) -> bool:
    rooms = [f"{package}.{room}." for package, names in UNUSED.items() for room in names.split(" ")]
    return any(f"{module}.".startswith(room) for room in rooms)


def _text(what: Path | bytes) -> str:
    """The compressed bytes, as a string of JavaScript."""
    packed = gzip.compress(what if isinstance(what, bytes) else what.read_bytes(), 9, mtime=0)
    return json.dumps(base64.b64encode(packed).decode("ascii"))
