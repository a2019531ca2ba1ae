r"""The size against which an error in an entry is measured: that of its block, or of its row and column.

For a vector it is the largest entry of the block. For a matrix it is $r_ic_j$, the smallest product of a number for
each row and each column with $|A_{ij}|\le r_ic_j$: for a Hessian that is the scale of the coordinates, $r_i=c_i$,
and where the diagonal is what is largest, $r_i=\sqrt{A_{ii}}$. An entry that is zero by cancellation is
measured by what cancelled elsewhere, and a block of small entries by itself, however large another is.
"""

from __future__ import annotations

import numpy as np

from hesslib.check.quantity import Quantity
from hesslib.check.views import View

SWEEPS = 12  # of the scaling of rows and columns, which converges like 2^-k in the logarithm
LARGEST = 600  # coordinates up to which each has a scale of its own, not its block


def sizes(array: np.ndarray, quantity: Quantity, view: View) -> np.ndarray:
    """The size of every entry of what the view shows: of the shape of the array."""
    groups = [
        view.members(axis, quantity.subject.blocks) if of_parameters else np.arange(array.shape[axis])
        for axis, of_parameters in enumerate(quantity.axes)
    ]
    A = np.abs(np.where(np.isfinite(array), array, 0.0))
    if array.ndim == 1:
        return _largest(A, groups[0])[groups[0]] if quantity.axes[0] else A
    rows, columns = (
        np.arange(n) if view.axes[axis] == "kept" and n <= LARGEST else groups[axis]
        for axis, n in enumerate(array.shape)
    )
    r, c = balance(_largest(_largest(A, rows).T, columns).T)
    return r[rows][:, None] * c[columns][None, :]


def balance(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers r, c with A <= r c and equality somewhere in every row and column that is not zero.

    >>> k = 1e8
    >>> r, c = balance(np.array([[1, k / 4], [k / 4, k**2]]))
    >>> np.round(r * c / [1, k**2], 2)
    array([1., 1.])
    """
    r, c = np.ones(A.shape[0]), np.ones(A.shape[1])
    for _ in range(SWEEPS):
        B = A / r[:, None] / c[None, :]
        up, left = np.sqrt(B.max(axis=1, initial=0.0)), np.sqrt(B.max(axis=0, initial=0.0))
        r, c = r * np.where(up > 0, up, 1.0), c * np.where(left > 0, left, 1.0)
    B = A / r[:, None] / c[None, :]
    r *= np.maximum(B.max(axis=1, initial=0.0), 0.0)
    return r, c * np.where(A.any(axis=0), 1.0, 0.0)


def _largest(A: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The largest entry of each group along the first axis: (groups, ...)."""
    found = np.zeros((int(groups.max(initial=-1)) + 1, *A.shape[1:]))
    np.maximum.at(found, groups, A)
    return found
