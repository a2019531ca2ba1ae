r"""The example that runs through the book: two inputs, two hidden units, one output, and one pattern.

>>> example = WorkedExample()
>>> example.network.widths, example.w.size
((2, 2, 1), 9)
"""

from __future__ import annotations

import numpy as np

from hesslib import Network

__all__ = ["WorkedExample"]


class WorkedExample:
    """Weights, pattern and target with few digits."""

    network = Network((2, 2, 1))
    W1 = np.array([[0.5, -1.0], [1.0, 0.6]])
    b1 = np.array([0.2, -0.4])
    W2 = np.array([[1.5, -0.8]])
    b2 = np.array([0.3])
    x = np.array([1.0, 0.5])
    t = np.array([1.0])

    @property
    def w(self) -> np.ndarray:
        """All weights and biases in the flat order."""
        return np.concatenate([self.W1.ravel(), self.b1, self.W2.ravel(), self.b2])
