"""Fixtures that several test modules share."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import execute_chapters
import pytest
from filelock import FileLock
from jaxtyping import config
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from jupyter_cache.base import JupyterCacheAbstract

ROOT = Path(__file__).resolve().parent.parent
AT_THE_START = dict(os.environ)  # PyTorch adds variables once it is imported, which the book's kernels do not have

OF_THE_TESTS = {
    "JAX_ENABLE_X64": "1",  # before anything imports JAX
    "JAX_NUM_CPU_DEVICES": "8",  # arrays are spread over them where a test asks for it
}
for name, value in OF_THE_TESTS.items():
    os.environ.setdefault(name, value)


CHECKED = 12
"""Annotations and coverage are looked after in every so many-th case of a test; the former cost up to ten times it."""


DERIVING = {ROOT / "tests" / "calculus", ROOT / "tests" / "derivations"}
PURE = {ROOT / "tests" / "calculus", ROOT / "tests" / "derivations" / "reading"}

IN_THE_ROOT = ("index", "search", "genindex", "404")
"""The pages of the built book that lie in no folder."""


class ByFileAndPage(LoadFileScheduling):
    """The tests of a file share a worker, but those of the built book only that share a page, or the downloads.

    Done here since the mark of pytest-xdist for groups (3.8) is lost on its way under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if not file.endswith("test_site.py"):
            return file
        if "downloads" in test:
            return f"{file} downloads"
        pages = [part for part in re.split(r"[\[\]-]", test)[1:] if "/" in part or part in IN_THE_ROOT]
        return " ".join([file, *pages[:1]])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFileAndPage | None:
    return ByFileAndPage(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Check the annotations in the first case of each test and in some of the others; the rest run as installed.

    Cases of one test go through the same code with other numbers, so that a wrong shape shows in the first of them. In
    the engine and in the reader of formulas, all of them pure Python, coverage is measured in these cases alone, since
    it doubles their time; what none of them reaches is called uncovered.
    """
    cases: Counter[tuple[Path, str]] = Counter()
    for item in items:
        if isinstance(item, pytest.Function):
            test = item.path, item.originalname
            if cases[test] % CHECKED:
                if PURE & {*item.path.parents}:
                    item.add_marker("no_cover")
                if "as_installed" not in item.fixturenames:
                    item.fixturenames.append("as_installed")
            cases[test] += 1


@pytest.fixture(autouse=True)
def derived_apart(request) -> Iterator[None]:
    """What one test of the engine derives is not known to the next one."""
    if DERIVING & {*request.path.parents}:
        from hesslib.calculus.results import forgetting  # not sooner: jaxtyping checks what is imported after it

        with forgetting():
            yield
    else:
        yield


@pytest.fixture
def as_installed() -> Iterator[None]:
    """Switch the checks of the annotations off: a user does not have them, and meets the package's own messages."""
    before = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", before)


@pytest.fixture(scope="session")
def kernels() -> dict[str, str]:
    """The environment of the chapters' kernels in the book, to which nothing of the tests' own belongs."""
    environment = execute_chapters.kernel_environment(AT_THE_START)
    return {name: value for name, value in environment.items() if name not in OF_THE_TESTS}


@pytest.fixture(scope="session")
def cache(kernels) -> JupyterCacheAbstract:
    """The cache of the book itself: a chapter that ``make book`` executed is not executed again, nor the other way."""
    return execute_chapters.open_cache(execute_chapters.cache_path(ROOT / "_build", kernels))


@pytest.fixture(scope="session")
def built(kernels, tmp_path_factory, worker_id) -> tuple[bool, str]:
    """Whether the book builds without a warning, and what the build said. It takes seconds when nothing has changed.

    The first worker that needs the book builds it, the others wait for it.
    """
    own = tmp_path_factory.getbasetemp()
    said = (own if worker_id == "master" else own.parent) / "built.json"
    with FileLock(said.with_suffix(".lock")):
        if not said.is_file():
            said.write_text(json.dumps(build(kernels)), encoding="utf-8")
    succeeded, log = json.loads(said.read_text(encoding="utf-8"))
    return succeeded, log


def build(environment: dict[str, str]) -> tuple[bool, str]:
    """Build the book: whether it succeeded without a warning, and what was said."""
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(ROOT)]
    command += ["-W", "-n", "--keep-going"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    log = execute_chapters.ANSI_COLOUR.sub("", f"{done.stdout[-4000:]}\n{done.stderr[-8000:]}")
    return done.returncode == 0, log


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the Chromium of the system is. Without one the tests of pages are skipped, and say so; in CI they fail."""
    found = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
    if found is None:
        reason = "Chromium is not installed; on Debian or Ubuntu: apt-get install chromium"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"{reason} (CI does not skip)", pytrace=False)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def site(built) -> Path:
    """The built book."""
    if not built[0]:
        pytest.skip("the book does not build; test_the_book_builds_without_a_warning says why")
    return ROOT / "_build" / "html"
