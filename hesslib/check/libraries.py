"""Arrays in and out of the library in which a function is written, without importing one that is not in use."""

from __future__ import annotations

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


def from_numpy(array: np.ndarray, library: str) -> Any:
    """Return a NumPy array as one of the library, of the same dtype."""
    if library == "jax":
        import jax.numpy as jnp

        return jnp.asarray(array)
    if library == "torch":
        import torch

        return torch.from_numpy(np.array(array))
    return array
