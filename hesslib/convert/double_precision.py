"""JAX in double precision, for as long as a model is run beside what it was converted to, or is checked."""

from __future__ import annotations

import contextlib
from typing import Any


def in_double(library: str) -> contextlib.AbstractContextManager[Any]:
    """JAX in double precision for as long as this lasts; nothing for other libraries."""
    if library != "jax":
        return contextlib.nullcontext()
    import jax

    if hasattr(jax, "enable_x64"):
        switch: contextlib.AbstractContextManager[Any] = jax.enable_x64(True)
        return switch
    import jax.experimental as before  # where it was before JAX 0.8

    older: contextlib.AbstractContextManager[Any] = getattr(before, "enable_x64")()  # noqa: B009
    return older
