"""A fixture for test suites: checks that fail the test with the whole report.

It is not loaded by itself, so that it costs nothing where it is not used. In ``conftest.py``::

    pytest_plugins = ["hesslib.check.pytest_plugin"]

and then::

    def test_my_gradient(derivative):
        derivative.gradient(f, x, my_gradient)
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from hesslib import check
from hesslib.check.report import Report


class Derivative:
    """The functions of `hesslib.check`, each of which raises `DerivativeError` unless the result is right.

    ``derivative.gradient(f, x, claimed, **options)`` and so on; they return the report, and write no progress.
    """

    def __getattr__(self, name: str) -> Callable[..., Report]:
        if name not in check.checks.__all__:
            raise AttributeError(f"{name} is not a check; it must be one of {', '.join(check.checks.__all__)}")
        function: Callable[..., Report] = getattr(check, name)

        @functools.wraps(function)
        def required(*args: Any, **options: Any) -> Report:
            return function(*args, **{"progress": False, **options}).raise_for_error()

        return required


@pytest.fixture(scope="session")
def derivative() -> Derivative:
    """Checks of derivatives that fail the test with a report that names the mistake."""
    return Derivative()
