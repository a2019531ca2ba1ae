"""Execute the chapters on all cores, into the cache that the book is built from.

Jupyter Book executes one notebook at a time, and its cache compares the cells only: a chapter whose package has changed
would keep its old numbers. This module closes both gaps without an executor or a cache of its own: jupyter-cache runs
the notebooks (through nbclient, one kernel process each) and keeps the results, in a folder named after everything a
result depends on besides the cells (:func:`environment_key`).

It is a Sphinx extension, so that plain ``jupyter-book build .`` does the same as ``make book``, and a command, which
takes chapters by name or by path:

    python tools/execute_chapters.py [--again] [inverse chapters/*.md]
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sys
import sysconfig
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.utils import ensure_event_loop
from myst_nb.core.read import is_myst_markdown_notebook, myst_nb_reader_plugin
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jupyter_cache.base import JupyterCacheAbstract
    from nbformat import NotebookNode
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "hesslib"
TOOLS = ["_ext", "_static", "tools"]  # what shapes the pages besides their text
PAGES = {".md", ".ipynb"}  # what lies beside the chapters besides these is data that they may read
KEPT_CACHES = 4  # going back to an earlier state of the package costs nothing, and the disk does not fill
CELL_TIMEOUT = 1200  # seconds; one cell that takes longer hangs, also on a slow machine that is busy with other things
START_TIMEOUT = 300  # seconds; a kernel takes one, on a machine that has nothing else to do
ONE_THREAD = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], "1")
# Which variables choose how numbers are computed, by the first word of their names.
NUMERIC = {"OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB", "GOTO", "KMP", "NPY", "NUMPY", "SCIPY", "JAX", "XLA"}
NUMERIC |= {"TORCH", "ATEN"}
QUIET_KERNEL = ["--IPKernelApp.log_level=ERROR"]  # else each kernel prints an advice on encryption
ANSI_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Outcome:
    """One executed chapter: its notebook with outputs, the time it took, and what went wrong (``None``: nothing)."""

    chapter: Path
    notebook: NotebookNode
    seconds: float
    cached: bool
    error: str | None


def read_notebook(path: Path) -> NotebookNode:
    """The cells of a chapter, or of a notebook that was made from one."""
    if path.suffix == ".ipynb":
        return nbformat.read(path, as_version=4)
    return myst_nb_reader_plugin(str(path))


def kernel_environment(user: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of every kernel: that of the user, and one thread for each if the user has not said how many.

    One chapter per core leaves no core for a second thread: more would only blur what the chapters measure.
    """
    chosen = {name: value for name, value in ONE_THREAD.items() if not ONE_THREAD.keys() & user.keys()}
    return {**user, **chosen}


@functools.cache
def processor() -> str:
    """What the rounding depends on besides the releases: the instructions that NumPy found, and the BLAS kernels."""
    before = dict(os.environ)
    import numpy as np
    import scipy.linalg  # noqa: F401  (loads its own BLAS)
    from threadpoolctl import threadpool_info

    for name in os.environ.keys() - before.keys():  # threadpoolctl adds one; the kernels are to have the user's alone
        del os.environ[name]
    instructions = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    kernels = sorted({f"{library['prefix']} {library.get('architecture')}" for library in blas})
    return f"{platform.system()} {platform.machine()}: {' '.join(instructions)}; {', '.join(kernels)}"


def environment_key(data: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Hash of what the outputs depend on besides the cells.

    These are Python and the installed releases; the package, with its styles and data; what lies beside the chapters,
    in the folder ``data``; the processor; and the variables of the kernels' environment that choose how numbers are
    computed.
    """
    digest = hashlib.sha256(f"{platform.python_version()}\0{processor()}\0".encode())
    kernels = kernel_environment() if environment is None else environment
    digest.update(repr(sorted(item for item in kernels.items() if item[0].split("_")[0] in NUMERIC)).encode())
    # where pip installs, whatever modules have added to the path of this process since (setuptools adds its own copies)
    installed = [sysconfig.get_path(kind) for kind in ("purelib", "platlib")]
    releases = {found.name.lower(): found.version for found in importlib.metadata.distributions(path=installed)}
    releases.pop(PACKAGE, None)  # its sources follow
    digest.update(repr(sorted(releases.items())).encode())
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{PACKAGE} is not installed in {sys.prefix}; run: pip install -e .")
    for folder in map(Path, spec.submodule_search_locations):
        digest.update(_digest((file for file in folder.rglob("*") if "__pycache__" not in file.parts), folder).encode())
    if data is not None:
        digest.update(_digest((file for file in data.rglob("*") if file.suffix not in PAGES), data).encode())
    return digest.hexdigest()[:16]


def _digest(files: Iterable[Path], folder: Path) -> str:
    """Hash of names below ``folder`` and contents."""
    digest = hashlib.sha256()
    for file in sorted(file for file in files if file.is_file() and not file.name.startswith(".")):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def cache_path(build: Path, environment: Mapping[str, str] | None = None) -> Path:
    """The folder of the cache for this environment of the kernels, inside the book's build folder."""
    return build / ".jupyter_cache" / environment_key(build.parent / "chapters", environment)


def open_cache(path: Path) -> JupyterCacheAbstract:
    """Open the cache at ``path``; create it in one atomic step, since several processes may come at once."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=path.parent))
        get_cache(fresh).db.dispose()  # writes the tables
        try:
            fresh.rename(path)
        except OSError:  # another process was first
            shutil.rmtree(fresh)
        newest_first = sorted(path.parent.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
        for old in newest_first[KEPT_CACHES:]:
            shutil.rmtree(old, ignore_errors=True)
    return get_cache(path)


def describe_failure(chapter: Path, notebook: NotebookNode, error: BaseException) -> str:
    """Chapter, line, cell and error of a failed execution, then the traceback without colours."""
    if isinstance(error, NoSuchKernel):
        return (
            f"{chapter}:1: its header asks for the kernel {error.name!r}, which is not installed in {sys.prefix}\n"
            "Write `name: python3` under `kernelspec` there; that kernel comes with the package ipykernel:"
            f" {sys.executable} -m pip install ipykernel"
        )
    started = [number for number, cell in enumerate(notebook.cells) if "execution" in cell.metadata]
    failing = started[-1] if started else 0  # the kernel never came up
    line = notebook.metadata.get("source_map", {failing: 1})[failing]  # only a chapter has lines to name
    name, value = getattr(error, "ename", type(error).__name__), getattr(error, "evalue", None)
    headline = f"{chapter}:{line}: cell {failing + 1} failed: {name}" + (f": {value}" if value else "")
    return f"{headline}\n{ANSI_COLOUR.sub('', str(error)).rstrip()}"


def execute(chapter: Path, timeout: int, environment: Mapping[str, str]) -> Outcome:
    """Execute one chapter in a kernel of its own, in the chapter's folder; what a cell does is told, never raised."""
    notebook = read_notebook(chapter)
    start = time.perf_counter()
    failure: BaseException | None = None
    try:
        NotebookClient(
            notebook,
            resources={"metadata": {"path": str(chapter.parent)}},
            timeout=timeout,
            record_timing=True,  # marks the cells that were started; a dead kernel tells no more
            startup_timeout=START_TIMEOUT,
            extra_arguments=QUIET_KERNEL,
        ).execute(env=dict(environment))
    except (CellExecutionError, CellTimeoutError, NoSuchKernel, RuntimeError) as error:
        failure = error  # RuntimeError: a kernel that died, or never came up
    finally:
        ensure_event_loop().close()  # nbclient leaves open the loop that it made for this thread
    seconds = time.perf_counter() - start
    message = None if failure is None else describe_failure(chapter, notebook, failure)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times are no part of what is stored
    return Outcome(chapter, notebook, seconds, cached=False, error=message)


def look_up(chapter: Path, cache: JupyterCacheAbstract) -> Outcome | None:
    """The stored outcome of exactly these cells in exactly this environment, if there is one."""
    notebook = read_notebook(chapter)
    try:
        record = cache.match_cache_notebook(notebook)
    except KeyError:
        return None
    _, merged = cache.merge_match_into_notebook(notebook)
    return Outcome(chapter, merged, record.data["execution_seconds"], cached=True, error=None)


def announce(line: str) -> None:
    """Print a line whole, also when several threads print at once, and at once, also into a file."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def cores() -> int:
    """How many this process may use; macOS and Windows tell only how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def execute_all(
    chapters: Iterable[Path],
    cache: JupyterCacheAbstract,
    *,
    timeout: int = CELL_TIMEOUT,
    report: Callable[[str], object] = announce,
    environment: Mapping[str, str] | None = None,
    again: bool = False,
) -> list[Outcome]:
    """Look every chapter up in the cache, execute the rest on all cores, and store what succeeded.

    The cache is that of :func:`cache_path` for the same ``environment`` of the kernels, which is not that of this
    process and does not change it. ``again`` looks nothing up. Only this process writes to the cache, so its database
    is never contended from within one run.
    """
    kernels = kernel_environment() if environment is None else environment
    found = {chapter: None if again else look_up(chapter, cache) for chapter in chapters}
    missing = [chapter for chapter, outcome in found.items() if outcome is None]
    start = time.perf_counter()

    def start_one(chapter: Path) -> Outcome:
        report(f"executing  {_short(chapter)}")
        return execute(chapter, timeout, kernels)

    with ThreadPoolExecutor(cores()) as pool:
        for done in as_completed([pool.submit(start_one, chapter) for chapter in missing]):
            outcome = found[done.result().chapter] = done.result()
            report(
                f"{'executed ' if outcome.error is None else 'FAILED   '}  {_short(outcome.chapter)}"
                f"  {outcome.seconds:.1f} s"
            )
            if outcome.error is None:
                cache.cache_notebook_bundle(
                    CacheBundleIn(outcome.notebook, str(outcome.chapter), data={"execution_seconds": outcome.seconds}),
                    check_validity=False,  # its rule, consecutive counts, rejects cells tagged raises-exception
                    overwrite=True,
                )
    report(
        f"chapters: {len(found) - len(missing)} from the cache, {len(missing)} executed"
        f" in {time.perf_counter() - start:.1f} s on {cores()} cores"
    )
    return [outcome for outcome in found.values() if outcome is not None]


def _short(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def is_notebook(path: Path) -> bool:
    """Whether the page is a MyST notebook with something to execute."""
    text = path.read_text(encoding="utf-8")
    return is_myst_markdown_notebook(text) and "{code-cell}" in text


def chapters_of(root: Path) -> list[Path]:
    """Every notebook of the book below ``root``: the landing page and the chapters."""
    pages = [root / "index.md", *sorted((root / "chapters").rglob("*.md"))]
    return [page for page in pages if page.exists() and is_notebook(page)]


# The Sphinx extension


def point_to_cache(app: Sphinx, config: Config) -> None:
    """Name the cache after the environment; when that name or the book's tools change, Sphinx reads every page anew."""
    config.nb_execution_cache_path = str(cache_path(Path(app.outdir).resolve().parent))
    root = Path(app.srcdir)
    files = [file for folder in TOOLS for file in (root / folder).rglob("*") if file.suffix != ".pyc"]
    config.book_tools = _digest(files, root)


def execute_before_reading(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Fill the cache in parallel, so that reading the pages one by one finds every result there."""
    from sphinx.errors import ExtensionError  # the command line needs no Sphinx
    from sphinx.util import logging

    pages = [Path(env.doc2path(name)) for name in sorted(docnames)]
    outcomes = execute_all(
        [page for page in pages if page.suffix == ".md" and is_notebook(page)],
        open_cache(Path(app.config.nb_execution_cache_path)),
        timeout=app.config.nb_execution_timeout,
        report=logging.getLogger(__name__).info,
    )
    if failures := [outcome.error for outcome in outcomes if outcome.error is not None]:
        raise ExtensionError("\n\n".join([f"{len(failures)} chapter(s) failed", *failures]), modname="execute_chapters")


def remove_stale_pages(app: Sphinx, exception: Exception | None) -> None:
    """Delete what earlier builds wrote for pages that are gone; Sphinx would leave them in the book.

    Where a page has moved, its old address leads to the new one: that was written by now, and stays.
    """
    sources = Path(app.outdir, "_sources")
    if exception is not None or app.env is None:
        return
    for source in [path for path in sources.rglob("*") if path.is_file()]:
        name = source.relative_to(sources).with_suffix("").as_posix()
        if name not in app.env.found_docs:
            source.unlink()
            if name not in getattr(app.config, "redirects", {}):
                Path(app.outdir, f"{name}.html").unlink(missing_ok=True)


def forget_faulty_build(app: Sphinx, exception: Exception | None) -> None:
    """After a warning, make the next build read every page again; else the warning would not come back."""
    if exception is not None or app._warncount:
        Path(app.doctreedir, "environment.pickle").unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_config_value("book_tools", "", "env")
    app.connect("config-inited", point_to_cache)
    app.connect("env-before-read-docs", execute_before_reading)
    app.connect("build-finished", remove_stale_pages)
    app.connect("build-finished", forget_faulty_build)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def named(name: str, root: Path = ROOT) -> Path:
    """The chapter of this path, or of this name, in whatever folder of the book it lies."""
    if Path(name).is_file():
        return Path(name).resolve()
    chapters = {chapter.stem: chapter for chapter in chapters_of(root)}
    if Path(name).stem not in chapters:
        raise SystemExit(f"no chapter is called {name!r}; there are: {', '.join(sorted(chapters))}")
    return chapters[Path(name).stem]


def main(arguments: list[str]) -> int:
    """Execute the named chapters, or all; the exit status is 1 if one failed."""
    parser = argparse.ArgumentParser(description="Execute chapters into the cache of the book.")
    parser.add_argument("chapters", nargs="*", help="by name or by path; all, if none is named")
    parser.add_argument("--again", action="store_true", help="also those whose results are stored")
    parser.add_argument("--cache", type=Path, help="a folder to store results in, instead of that of the book")
    chosen = parser.parse_args(arguments)
    chapters = list(map(named, chosen.chapters)) or chapters_of(ROOT)
    path = chosen.cache.resolve() / environment_key(ROOT / "chapters") if chosen.cache else cache_path(ROOT / "_build")
    outcomes = execute_all(chapters, open_cache(path), again=chosen.again)
    for outcome in outcomes:
        if outcome.error is not None:
            print(f"\n{outcome.error}", file=sys.stderr)
        elif chosen.again and not chosen.cache:
            outcome.chapter.touch()  # the next build of the book reads the page again, with its new results
    return int(any(outcome.error is not None for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
