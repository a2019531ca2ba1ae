"""Fixtures that several test modules share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import execute_chapters
import pytest
from jaxtyping import config

if TYPE_CHECKING:
    from jupyter_cache.base import JupyterCacheAbstract

ROOT = Path(__file__).resolve().parent.parent

os.environ["JAX_ENABLE_X64"] = "1"  # before anything imports JAX


@pytest.fixture
def as_installed() -> Iterator[None]:
    """Switch the checks of the annotations off: a user does not have them, and meets the package's own messages."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def cache() -> JupyterCacheAbstract:
    """The cache of the book itself: a chapter that ``make book`` executed is not executed again, nor the other way."""
    return execute_chapters.open_cache(execute_chapters.cache_path(ROOT / "_build"))


@pytest.fixture(scope="session")
def site() -> Path:
    """The built book. Building takes seconds when nothing has changed, and fails on the first warning."""
    command = [sys.executable, "-m", "jupyter_book", "build", str(ROOT), "-W", "-n", "--keep-going"]
    command[1:3] = ["-c", "from jupyter_book.cli.main import main; main()"]
    built = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})
    if built.returncode != 0:
        pytest.fail(f"the book does not build:\n{built.stdout[-4000:]}\n{built.stderr[-8000:]}", pytrace=False)
    return ROOT / "_build" / "html"
