"""Every test derives on its own: what another one derived before it is not known to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hesslib.calculus.results import forgetting
from hesslib.derivations.reading import judgement


@pytest.fixture(autouse=True)
def derived_apart() -> Iterator[None]:
    """Forget, after each test, what it has derived."""
    with forgetting():
        yield


@pytest.fixture
def no_slips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decide, and do not look for the slip that was made, which takes most of the time."""
    monkeypatch.setattr(judgement, "MAX_TRIES", 0)
