"""Mistakes about a matrix of second derivatives, whatever the function is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hesslib.check.case import Case
from hesslib.check.hypothesis import Hypothesis

DETECTABLE = 1e-6  # a penalty smaller than this, relative to the largest entry, is not told from noise


def parts_of_the_matrix(case: Case) -> Iterator[Hypothesis]:
    """Only a part of the matrix, or a part of it twice."""
    A = of_second_derivatives(case)
    if A is None or case.quantity.name == "hessian_diagonal":
        return
    D, lower = np.diag(np.diagonal(A)), np.tril(A)
    member = case.subject.blocks.member
    layers = _layers(case)
    yield Hypothesis("diagonal-only", "the diagonal alone: every mixed derivative is missing", case.of_matrix(D))
    yield Hypothesis("one-triangle", "the lower triangle alone is filled", case.of_matrix(lower))
    yield Hypothesis("one-triangle", "the upper triangle alone is filled", case.of_matrix(lower.T))
    words = "the diagonal is counted twice, as in T + T' for a triangle T that contains it"
    yield Hypothesis("diagonal-doubled", words, case.of_matrix(A + D))
    words = "the mixed derivatives are halved, as in (T + T')/2 for a triangle T that contains the diagonal"
    yield Hypothesis("mixed-halved", words, case.of_matrix((A + D) / 2))
    within = layers[:, None] == layers[None, :]
    if len(set(layers.tolist())) < len(layers):
        words = "the diagonal blocks of layers alone: what couples layers is missing"
        yield Hypothesis("blocks-only", words, case.of_matrix(A * within))
    if case.subject.network is not None:
        within = member[:, None] == member[None, :]
        words = "the diagonal blocks of weights and of biases alone: what couples them is missing"
        yield Hypothesis("blocks-only", words, case.of_matrix(A * within))


def symmetric_part(case: Case) -> Iterator[Hypothesis]:
    """The symmetric part of a square Jacobian."""
    J = case.right
    if case.quantity.name == "jacobian" and J is not None and J.shape[0] == J.shape[1]:
        yield Hypothesis("symmetric-part", "it is the symmetric part (J + J')/2 of the Jacobian", (J + J.T) / 2)


def row_sums(case: Case) -> Iterator[Hypothesis]:
    """What differentiating the sum of the gradient's entries gives."""
    if case.quantity.name == "hessian_diagonal" and case.hessian is not None:
        words = "it is the sum of each row of the Hessian, H 1: the derivative of the sum of the gradient's entries"
        yield Hypothesis("row-sums", words, case.hessian.sum(axis=1))


def inverses(case: Case) -> Iterator[Hypothesis]:
    """The inverse, or the diagonal of the inverse, in the place of the matrix; or the reciprocal of a diagonal."""
    A = of_second_derivatives(case)
    if A is None or A.shape[0] == 1:
        return
    error = float(np.max(case.judgement.reference.error, initial=0.0))
    if np.linalg.cond(A) < 1e12:
        inverse = np.linalg.inv(A)
        norm = float(np.max(np.abs(inverse).sum(axis=1)))
        grown = error * norm * norm  # |H^-1 E H^-1| in the maximum norm
        if grown > 0.01 * np.max(np.abs(inverse)):  # nearly singular: any claim would be within that
            return
        d = np.diagonal(inverse).copy()
        if case.quantity.name != "hessian_diagonal":
            yield Hypothesis("inverse", "it is the inverse", case.of_matrix(inverse), extra=grown)
        else:
            yield Hypothesis("inverse", "it is the diagonal of the inverse", d, extra=grown)
            if (d != 0).all():
                words = "it is the reciprocal of the diagonal of the inverse, 1/(H^-1)_ii, not H_ii"
                yield Hypothesis("inverse", words, 1 / d, extra=_of_reciprocals(grown, d))
    if case.quantity.name == "hessian_diagonal" and (np.diagonal(A) != 0).all():
        d = np.diagonal(A).copy()
        words = "it is the reciprocal of the diagonal, 1/H_ii"
        yield Hypothesis("inverse", words, 1 / d, extra=_of_reciprocals(error, d))


def _of_reciprocals(error: float, d: np.ndarray) -> float:
    """The error of 1/d, from that of d, whose square may leave the range of floats."""
    smallest = float(np.min(np.abs(d)))
    return error / smallest / smallest


def negative_curvature(case: Case) -> Iterator[Hypothesis]:
    """Negative eigenvalues reflected or cut off."""
    A = of_second_derivatives(case)
    if A is None or not np.isfinite(A).all():
        return
    eigenvalues, V = np.linalg.eigh(A)
    for words, kept in (
        ("negative eigenvalues are replaced by their absolute values", np.abs(eigenvalues)),
        ("negative eigenvalues are replaced by zero", np.maximum(eigenvalues, 0)),
    ):
        yield Hypothesis("negative-curvature-removed", words, case.of_matrix((V * kept) @ V.T))


def penalty(case: Case) -> Iterator[Hypothesis]:
    """A multiple of the identity, or of the point in a gradient, too much: weight decay or damping."""
    A, x = case.judgement, case.subject.point.astype(np.float64)
    if case.quantity.name == "gradient":
        direction, name = x, "alpha w"
    elif case.quantity.name in ("hessian", "gauss_newton"):
        direction, name = np.eye(case.subject.p), "alpha I"
    elif case.quantity.name == "hessian_diagonal":
        direction, name = np.ones(case.subject.p), "alpha"
    elif case.quantity.name == "hessian_vector_product" and case.quantity.v is not None:
        direction, name = case.quantity.v, "alpha v"
    else:
        return
    seen = A.reference.view.of(direction)
    if seen.size < 3 or not seen.any():
        return
    alpha = float(np.sum((A.claimed - A.reference.value) * seen) / np.sum(seen * seen))
    if abs(alpha) * np.max(np.abs(seen)) <= DETECTABLE * A.scale:
        return
    words = f"{name} is added, with alpha = {alpha:.6g}: the derivative of a penalty on the parameters, or damping"
    yield Hypothesis("penalty", words, undone=case.claimed - alpha * direction, scalable=False, free=1)


def outer_product_of_the_gradient(case: Case) -> Iterator[Hypothesis]:
    """The gradient times itself in the place of second derivatives."""
    if case.of_second_order and case.gradient is not None and case.subject.network is None:
        g = case.gradient
        words = "it is the gradient times itself, g g', not second derivatives"
        yield Hypothesis("outer-product", words, case.of_matrix(np.outer(g, g)))


def of_second_derivatives(case: Case) -> np.ndarray | None:
    """The matrix of second derivatives that was asked for, itself or its diagonal or its product."""
    if case.quantity.name == "gauss_newton":
        return case.right
    return case.hessian if case.of_second_order else None


def _layers(case: Case) -> np.ndarray:
    """The layer, or the block, of each coordinate."""
    here = case.subject.network
    if here is None:
        return case.subject.blocks.member
    net = here.problem.net
    layer = np.zeros(net.num_parameters, dtype=int)
    for l in range(1, net.L + 1):
        layer[net.layer_slice(l)] = l
    return layer[here.index]


MISTAKES = (
    parts_of_the_matrix,
    symmetric_part,
    row_sums,
    inverses,
    negative_curvature,
    penalty,
    outer_product_of_the_gradient,
)
