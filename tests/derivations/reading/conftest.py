"""Every test derives on its own: what another one derived before it is not known to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hesslib.calculus.results import forgetting


@pytest.fixture(autouse=True)
def derived_apart() -> Iterator[None]:
    """Forget, after each test, what it has derived."""
    with forgetting():
        yield
