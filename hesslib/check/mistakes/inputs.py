"""Mistakes about derivatives with respect to inputs: the Laplacian."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hesslib import finite_difference as fd
from hesslib.check.case import Case
from hesslib.check.hypothesis import Hypothesis
from hesslib.check.subject import FAILURES

MOST = 32  # coordinates up to which the whole Hessian is looked at


def laplacian(case: Case) -> Iterator[Hypothesis]:
    """Sums of other entries of the Hessian than the diagonal, and the squared gradient."""
    subject = case.subject
    if case.quantity.name != "laplacian" or not 1 < subject.p <= MOST:
        return
    try:
        H = fd.hessian(subject.values, subject.point).value
        J = fd.jacobian(subject.values, subject.point).value
        if case.tool is not None:
            H = case.tool.second(subject.function, subject.point, "forward")
            J = case.tool.first(subject.function, subject.point, "forward")
    except FAILURES:
        return
    H, J = H.reshape(-1, subject.p, subject.p), J.reshape(-1, subject.p)
    words = "every entry of the Hessian is summed, not its diagonal: the gradient's entries were summed too early"
    yield Hypothesis("row-sums", words, H.sum(axis=(1, 2)))
    yield Hypothesis("squared-gradient", "it is the squared length of the gradient", (J**2).sum(axis=1))
    diagonal = np.diagonal(H, axis1=1, axis2=2)
    for i in range(subject.p):
        words = f"the second derivative with respect to coordinate [{i}] is left out"
        yield Hypothesis("coordinate-left-out", words, diagonal.sum(axis=1) - diagonal[:, i], scalable=False)
        if subject.p > 2:
            words = f"it is the second derivative with respect to coordinate [{i}] alone"
            yield Hypothesis("coordinate-left-out", words, diagonal[:, i], scalable=False)


MISTAKES = (laplacian,)
