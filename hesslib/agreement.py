r"""How well a computed value agrees with an oracle's, measured and judged.

.. math:: \text{agreement} = \frac{\max|\text{value}-\text{reference}|}{\max|\text{reference}|}

over all entries together. A :class:`Check` keeps that number beside the tolerance it was held to and the name of
the oracle. The ledger records checks; it never records a bare "passed".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

EPS = {
    "float16": 2.0**-10,
    "bfloat16": 2.0**-7,
    "float32": 2.0**-23,
    "float64": 2.0**-52,
    "complex64": 2.0**-23,
    "complex128": 2.0**-52,
}
"""Distance from 1 to the next number of each floating dtype, by the name that NumPy, JAX and PyTorch share."""

ROUNDINGS = 1024
"""Default tolerance in units of eps: what a chain of sums of about a thousand terms may lose by rounding.
Half precision has no room for that (1024 eps is 1), so the square root of eps caps it."""


@dataclass(frozen=True)
class Check:
    """One comparison with an oracle: it passed if ``agreement <= tolerance`` (NaN fails).

    A decision that is exact, such as equality of normal forms, has agreement 0 and tolerance 0. A check is true if and
    only if it passed, so that ``assert compare(...)`` has teeth.

    Shapes: three numbers and words, whatever was compared.
    Cost: none; `compare` does the work.
    Errors: ValueError if the oracle has no name, the agreement is negative, or the tolerance is negative or not finite.

    >>> Check("normal form", 0.0, 0.0).passed, bool(Check("JAX", float("nan"), 1e-12))
    (True, False)
    """

    oracle: str  # what the value was compared with
    agreement: float | int  # the relative distance in the maximum norm
    tolerance: float | int  # what it was held to

    def __post_init__(self) -> None:
        if not isinstance(self.oracle, str) or not self.oracle.strip():
            raise ValueError(f"oracle is {self.oracle!r}; it must name what the value was compared with")
        for name in ("agreement", "tolerance"):
            object.__setattr__(self, name, float(getattr(self, name)))  # NumPy scalars are not JSON
        if self.agreement < 0:
            raise ValueError(f"agreement is {self.agreement}; it must not be negative")
        if not (0 <= self.tolerance < math.inf):
            raise ValueError(f"tolerance is {self.tolerance}; it must be finite and not negative")

    @property
    def passed(self) -> bool:
        """Whether the agreement is at most the tolerance."""
        return self.agreement <= self.tolerance

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        words = as_words(self.agreement, self.tolerance)
        return f"{self.oracle}: {words}" + ("" if words == "exact" else f" (allowed {figure(self.tolerance)})")


def compare(
    oracle: str,
    value: Any,
    reference: Any,
    /,
    *,
    tolerance: float | int | None = None,
    scale: float | int | None = None,
) -> Check:
    r"""The relative distance $\max_i|v_i-r_i|/\max_i|r_i|$ of `value` from `reference`, as a `Check`.

    Where the reference is zero by nature (a residual, say) the quotient means nothing: give the `scale` to divide by,
    or only exact zeros pass. `tolerance` defaults to the smaller of 1024 eps and the root of eps of the coarser dtype
    (2.3e-13 if both are float64, 1.2e-4 if one is float32, 0 if both are integers). An oracle with an error of its own,
    such as finite differences, needs its own tolerance.

    Shapes: arrays of NumPy, JAX or PyTorch, numbers, or lists (nested as you like) of these; a list counts as one long
    vector. Shapes must be the same: nothing is broadcast.
    Cost: one pass over the entries; memory: a copy of them in double precision.
    Errors: ValueError for shapes or lists that differ, for nothing to compare and for a tolerance of 1 or more, which
    zero would pass; TypeError for entries that are not numbers.

    >>> print(compare("closed form", [1.0, 2.0], [1.0, 2.5]))
    closed form: 2.0e-01 (allowed 2.3e-13)
    """
    if tolerance is not None and not tolerance < 1:
        raise ValueError(f"tolerance is {tolerance}; it must be below 1, or a value of zero would pass")
    import numpy as np  # here: a chain of the calculus carries checks, and needs no NumPy

    worst, largest, eps, count = 0.0, 0.0, 0.0, 0
    for path, v, r in _pairs("", value, reference):
        (a, eps_a), (b, eps_b) = _numbers(f"value{path}", v), _numbers(f"reference{path}", r)
        eps = max(eps, eps_a, eps_b)
        if a.shape != b.shape:
            raise ValueError(f"value{path} has shape {a.shape}, reference{path} has {b.shape}; they must be equal")
        if a.size:
            count += a.size
            with np.errstate(invalid="ignore", over="ignore"):  # inf - inf is NaN, and NaN fails
                worst = np.maximum(worst, np.max(np.abs(a - b)))
                largest = np.maximum(largest, np.max(np.abs(b)))
    if not count:
        raise ValueError("value and reference hold no entries; there is nothing to compare")
    if scale is not None:
        if not (0 < scale < math.inf):
            raise ValueError(f"scale is {scale}; it must be positive and finite")
        largest = scale
    with np.errstate(invalid="ignore", over="ignore"):
        agreement = float(worst / np.maximum(largest, np.finfo(np.float64).tiny))
    return Check(oracle, agreement, min(ROUNDINGS * eps, math.sqrt(eps)) if tolerance is None else tolerance)


def as_words(agreement: float | int, tolerance: float | int, /) -> str:
    """An agreement in figures, or 'exact' where nothing but equality was allowed and it was found.

    >>> as_words(1.5e-13, 1e-12), as_words(0, 0)
    ('1.5e-13', 'exact')
    """
    return "exact" if agreement == tolerance == 0 else figure(agreement)


def figure(number: float | int, /) -> str:
    """Two digits of an agreement or a tolerance, and a plain 0 where it is exact.

    >>> figure(2.22e-16), figure(0.0)
    ('2.2e-16', '0')
    """
    return "0" if number == 0 else f"{number:.1e}"


def _pairs(path: str, value: Any, reference: Any) -> Iterator[tuple[str, Any, Any]]:
    """Walk two nested lists side by side, down to what NumPy understands as one array."""
    lists = _is_list_of_arrays(value), _is_list_of_arrays(reference)
    if not any(lists):
        yield path, value, reference
        return
    if not (isinstance(value, list | tuple) and isinstance(reference, list | tuple)):
        raise TypeError(f"value{path} and reference{path}: one is a list of arrays, the other a single array")
    if len(value) != len(reference):
        raise ValueError(f"value{path} has {len(value)} parts, reference{path} has {len(reference)}; must be equal")
    for index, (v, r) in enumerate(zip(value, reference, strict=True)):
        yield from _pairs(f"{path}[{index}]", v, r)


def _is_list_of_arrays(x: Any) -> bool:
    """Whether a list or tuple holds an array somewhere (a list of plain numbers is an array itself)."""
    if not isinstance(x, list | tuple):
        return False
    return any(getattr(item, "shape", ()) != () or _is_list_of_arrays(item) for item in x)


def _numbers(name: str, x: Any) -> tuple[Any, float]:
    """``x`` as a NumPy array fit for differences, and the eps of the dtype it came in (0: exact)."""
    import numpy as np

    if hasattr(x, "detach"):  # PyTorch: off the tape, off the device, and conjugation carried out
        x = x.detach().cpu().resolve_conj()
    dtype = str(getattr(x, "dtype", "")).rpartition(".")[2]
    if dtype in ("bfloat16", "float16") and hasattr(x, "resolve_conj"):
        x = x.float()  # NumPy has no bfloat16 of its own
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(f"{name} is a ragged list; it must be an array or a list of arrays") from None
    dtype = dtype or array.dtype.name
    if array.dtype.kind in "biu":
        return array.astype(np.float64), 0.0
    if dtype in EPS:
        # differences are taken in double precision at least; kind V is JAX's bfloat16 seen by NumPy
        return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64), EPS[dtype]
    if array.dtype.kind in "fc":  # long double
        return array, float(np.finfo(array.dtype).eps)
    raise TypeError(f"{name} holds {dtype}; it must hold numbers")
