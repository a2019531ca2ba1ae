"""The run-time type checker of the tests: beartype, made to live with SymPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from beartype import beartype
from beartype.roar import BeartypeDecorHintPep604Exception

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T", bound="Callable[..., object] | type")


def checked(decorated: T) -> T:
    """Check every call of ``decorated`` against its annotations.

    SymPy's function classes (``KroneckerDelta``, every subclass of ``Function``) print themselves by their bare name,
    which beartype refuses in an annotation; a function annotated with one of them goes unchecked.
    """
    try:
        return beartype(decorated)
    except BeartypeDecorHintPep604Exception:
        return decorated
