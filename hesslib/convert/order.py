"""Another order of the parameters, and the way there and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import array_api_compat
import numpy as np

from hesslib._arrays import Array, integers_like


@dataclass(frozen=True, eq=False)
class ParameterOrder:
    """An order of somebody else: ``index[k]`` is where their k-th parameter lies in the flat `w`.

    It may leave parameters out, such as the biases of a layer that has none; `to_hesslib` needs them all.

    Shapes: `index` is (P',), and `w` (P,).
    Cost: one pass over the entries that are carried.
    Errors: ValueError if `index` is not a vector of different integers from 0 to P - 1.

    >>> import numpy as np
    >>> order = ParameterOrder(np.array([2, 0, 1]), 3)
    >>> order.from_hesslib(np.array([10.0, 20.0, 30.0]))
    array([30., 10., 20.])
    >>> order.to_hesslib(order.from_hesslib(np.array([10.0, 20.0, 30.0])))
    array([10., 20., 30.])
    """

    index: np.ndarray  # (P',) integers
    P: int  # the length of `w`

    def __post_init__(self) -> None:
        index = np.asarray(self.index)
        if index.ndim != 1 or index.dtype.kind not in "iu" or len(set(index.tolist())) < len(index):
            raise ValueError(f"index is {index!r}; it must be a vector of integers, each at most once")
        if len(index) and not (index.min() >= 0 and index.max() < self.P):
            raise ValueError(f"index runs from {index.min()} to {index.max()}; w has {self.P} entries")
        object.__setattr__(self, "index", index)

    @property
    def complete(self) -> bool:
        """Whether it has every parameter."""
        return len(self.index) == self.P

    @property
    def inverse(self) -> np.ndarray:
        """Where each entry of `w` lies in their vector; one past its end for those they do not have."""
        inverse = np.full(self.P, len(self.index))
        inverse[self.index] = np.arange(len(self.index))
        return inverse

    def from_hesslib(self, array: Array, /, *, axes: Sequence[int] | None = None) -> Array:
        """Carry a vector, a Hessian or a Jacobian to their order: along `axes`, or all axes of length P.

        Errors: ValueError if there is no such axis.
        """
        return self._take(array, self.index, self.P, axes)

    def to_hesslib(self, array: Array, /, *, axes: Sequence[int] | None = None) -> Array:
        """Carry a vector, a Hessian or a Jacobian from their order to that of `w`: along `axes`, or all of length P.

        Errors: ValueError if they lack a parameter, since there is nothing to put in its place, or if there is no such
        axis.
        """
        if not self.complete:
            missing = self.P - len(self.index)
            raise ValueError(
                f"this order lacks {missing} of {self.P} parameters (a layer without biases); nothing can stand for "
                "them: compare with from_hesslib instead"
            )
        return self._take(array, self.inverse, len(self.index), axes)

    def _take(self, array: Array, index: np.ndarray, length: int, axes: Sequence[int] | None) -> Array:
        axes = [axis for axis, n in enumerate(array.shape) if n == length] if axes is None else list(axes)
        if not axes or any(array.shape[axis] != length for axis in axes):
            raise ValueError(f"array has shape {tuple(array.shape)}; the axes of parameters must have length {length}")
        xp, positions = array_api_compat.array_namespace(array), integers_like(index, array)
        for axis in axes:
            array = xp.take(array, positions, axis=axis)
        return array
