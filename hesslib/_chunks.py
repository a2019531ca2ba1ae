"""Bounded memory: sums over patterns taken chunk by chunk, and a refusal of what cannot fit before it is allocated."""

import os
import sys
from collections.abc import Callable

from array_api_compat import array_namespace, is_jax_array

from hesslib._arrays import Array, write, zeros_like

BUDGET = 2**22  # numbers that the temporary arrays of one chunk may hold: 32 MiB of float64

Sums = tuple[Array, ...]


def sum_over_patterns(f: Callable[..., Sums], per_pattern: int, *arrays: Array) -> Sums:
    """Return the sum of ``f(*rows)`` over chunks of rows of the arrays, where `f` holds `per_pattern` numbers for each.

    `f` returns a tuple of arrays, each of them a sum over the patterns it was given. Patterns that are spread over
    devices belong under ``jax.shard_map``: each device then has chunks of its own, where otherwise they would travel.
    """
    N = arrays[0].shape[0]
    size = max(BUDGET // per_pattern, 1)
    if size >= N:
        return f(*arrays)
    whole = N - N % size
    total = f(*(array[:size] for array in arrays))
    if is_jax_array(arrays[0]):  # one compiled loop: an unrolled one would take as long to compile as it has chunks
        chunks = tuple(array[size:whole].reshape(-1, size, *array.shape[1:]) for array in arrays)
        total, _ = sys.modules["jax"].lax.scan(lambda total, rows: (_added(total, f(*rows)), None), total, chunks)
        starts = range(whole, N, size)
    else:
        starts = range(size, N, size)
    for start in starts:
        total = _added(total, f(*(array[start : start + size] for array in arrays)))
    return total


def map_over_patterns(f: Callable[..., Array], per_pattern: int, *arrays: Array, budget: int = BUDGET) -> Array:
    """Return ``f(*rows)``, an array with the patterns first, put together from chunks of rows of the arrays.

    `f` holds `per_pattern` numbers for each pattern, and a chunk at most `budget`.
    """
    N = arrays[0].shape[0]
    size = max(budget // per_pattern, 1)
    if size >= N:
        return f(*arrays)
    size = -(-N // -(-N // size))  # chunks of one size, or nearly
    whole = N - N % size
    xp = array_namespace(*arrays)
    if is_jax_array(arrays[0]):  # one compiled loop, as above
        chunks = tuple(array[:whole].reshape(-1, size, *array.shape[1:]) for array in arrays)
        mapped = sys.modules["jax"].lax.map(lambda rows: f(*rows), chunks)
        parts = [mapped.reshape(whole, *mapped.shape[2:])]
        starts = range(whole, N, size)
        parts += [f(*(array[start:] for array in arrays)) for start in starts]
        return parts[0] if len(parts) == 1 else xp.concat(parts, axis=0)
    first = f(*(array[:size] for array in arrays))
    total = zeros_like((N, *first.shape[1:]), first)  # parts put together in the end would be there twice
    total = write(total, slice(0, size), first)
    del first
    for start in range(size, N, size):
        rows = slice(start, start + size)
        total = write(total, rows, f(*(array[rows] for array in arrays)))
    return total


def _added(total: Sums, part: Sums) -> Sums:
    if is_jax_array(part[0]):
        return tuple(a + b for a, b in zip(total, part, strict=True))
    for a, b in zip(total, part, strict=True):
        a[...] += b
    return total


def physical_memory() -> int | None:
    """Return the bytes of memory of this machine, where the system tells them."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def refuse_what_cannot_fit(what: str, numbers: int, like: Array) -> None:
    """Raise MemoryError if so many numbers of the dtype of `like` are more than this machine's memory."""
    needed, available = numbers * like.dtype.itemsize, physical_memory()
    if available is not None and needed > available:
        raise MemoryError(f"{what} needs {needed / 2**30:.3g} GiB; this machine has {available / 2**30:.3g} GiB")
