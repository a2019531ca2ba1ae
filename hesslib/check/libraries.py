"""Arrays in and out of the library in which a function is written, without importing one that is not in use."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from array_api_compat import is_jax_array, is_torch_array

EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23}


def library_of(array: Any) -> str:
    """Return "jax", "torch" or "numpy"."""
    if is_jax_array(array):
        return "jax"
    return "torch" if is_torch_array(array) else "numpy"


def epsilon(array: Any) -> float:
    """The distance from 1 to the next number of the dtype of an array; that of float64 for anything else."""
    name = str(getattr(array, "dtype", "")).removeprefix("torch.")
    return EPS.get(name, 2.0**-52)


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


def from_numpy(array: np.ndarray, library: str) -> Any:
    """Return a NumPy array as one of the library, of the same dtype."""
    if library == "jax":
        import jax.numpy as jnp

        return jnp.asarray(array)
    if library == "torch":
        import torch

        return torch.from_numpy(np.array(array))
    return array
