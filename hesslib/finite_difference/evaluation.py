"""Calling ``f`` at many points: counted, checked, and in other processes if asked."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from hesslib.finite_difference.estimate import Array

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

Function = Callable[[Array], Any]

_functions: dict[bytes, Function] = {}  # in a worker: unpickle f once, not once a batch


def _evaluate(pickled: bytes, points: list[Array]) -> list[Any]:
    if pickled not in _functions:
        _functions.clear()
        _functions[pickled] = pickle.loads(pickled)  # our own bytes, sent by the parent process
    f = _functions[pickled]
    return [np.array(f(x)) for x in points]  # a copy: f may fill one buffer again and again


class Evaluator:
    """``f``, called at batches of points; a context manager, because ``workers > 1`` holds processes.

    ``evaluate(points)`` returns the values as an array (len(points), size of the output), real ones in float64 and
    complex ones in complex128. The first call fixes the shape and the dtype of the output.
    """

    def __init__(self, f: Function, workers: int) -> None:
        if not callable(f):
            raise ValueError(  # noqa: TRY004  # bad input raises ValueError, throughout this package
                f"f is {f!r}; it must be a function of a one-dimensional array"
            )
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise ValueError(f"workers is {workers!r}; it must be a positive integer")
        self.f = f
        self.calls = 0
        self.shape: tuple[int, ...] = ()
        self.known = False  # whether f was called, and the shape is its
        self.eps = 0.0  # of the coarsest dtype that f returned
        self.pool: ProcessPoolExecutor | None = None
        self.workers = workers
        if workers > 1:
            self.pickled = _pickle(f, workers)
            import multiprocessing  # imported when used: it costs more than the rest of this package
            from concurrent.futures import ProcessPoolExecutor

            # spawn, not fork: forking a process with threads (BLAS, JAX) can hang, and only spawn exists everywhere
            self.pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)

    def __call__(self, points: Sequence[Array]) -> Array:
        if not points:
            return np.zeros((0, self.size))
        self.calls += len(points)
        if self.pool is None:
            return np.stack([self._check_value(self.f(x)) for x in points])  # copied before f is called again
        else:
            share = -(-len(points) // self.workers)
            batches = [list(points[k : k + share]) for k in range(0, len(points), share)]
            values = [v for batch in self.pool.map(_evaluate, [self.pickled] * len(batches), batches) for v in batch]
        return np.stack([self._check_value(v) for v in values])

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=int))

    def _check_value(self, value: Any) -> Array:
        y = np.asarray(value)
        if y.dtype.kind not in "buifc":
            raise ValueError(f"f returned {type(value).__name__} of dtype {y.dtype}; it must return numbers")
        if not self.known:
            self.shape, self.known = y.shape, True
        if y.shape != self.shape:
            raise ValueError(f"f returned shape {self.shape} first and {y.shape} later; its output must keep one shape")
        if y.dtype.kind in "fc":
            self.eps = max(self.eps, float(np.finfo(y.dtype).eps))
        return y.reshape(-1).astype(np.complex128 if y.dtype.kind == "c" else np.float64)


def _pickle(f: Function, workers: int) -> bytes:
    remedy = (
        f"workers={workers} sends f to other processes: define it at the top level of an imported module, "
        "or use workers=1"
    )
    main = sys.modules["__main__"]
    if getattr(f, "__module__", None) == "__main__" and not hasattr(main, "__file__"):
        raise ValueError(
            f"f is {f!r}, defined in an interactive session, which other processes cannot import; {remedy}"
        )
    try:
        return pickle.dumps(f)
    except (pickle.PicklingError, AttributeError, TypeError) as reason:
        raise ValueError(f"f is {f!r} and cannot be pickled ({reason}); {remedy}") from reason
