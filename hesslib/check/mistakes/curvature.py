"""One matrix of curvature in the place of another: Hessian, Gauss-Newton, outer product, diagonals with neglect."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import hesslib
from hesslib.check.case import Case
from hesslib.check.hypothesis import Hypothesis


def other_matrices(case: Case) -> Iterator[Hypothesis]:
    """The Gauss-Newton matrix for the Hessian and the other way round, or the part of the Hessian that remains."""
    here = case.network
    if here is None or not case.of_second_order:
        return
    args = here.problem.net, here.w, here.x, here.t
    H, G = (here.theirs(f(*args), (True, True), scaled=True) for f in (hesslib.hessian, hesslib.gauss_newton))
    if case.quantity.name == "gauss_newton":
        yield Hypothesis("hessian-for-gauss-newton", "it is the whole Hessian, with the terms that contain delta", H)
    else:
        words = "the residual terms, those that contain delta, count half: one of two equal terms is lost"
        yield Hypothesis("half-a-term", words, case.of_matrix((H + G) / 2), scalable=False)
        words = "the Gauss-Newton term counts half, as if the square in the error were without its 2"
        yield Hypothesis("half-a-term", words, case.of_matrix(H - G / 2), scalable=False)
        words = "it is the Gauss-Newton matrix: the residual terms, those that contain delta, are missing"
        yield Hypothesis("gauss-newton-for-hessian", words, case.of_matrix(G))
    words = "it is the residual part alone: the Gauss-Newton term is missing"
    yield Hypothesis("residual-only", words, case.of_matrix(H - G))


def outer_products(case: Case) -> Iterator[Hypothesis]:
    """Outer products of gradients, of each pattern or of their sum."""
    here = case.network
    if here is None or not case.of_second_order:
        return
    net, w, x, t = here.problem.net, here.w, here.x, here.t
    g = hesslib.pattern_gradients(net, w, x, t)
    F = here.theirs(g.T @ g, (True, True), scaled=True)
    words = "it is the sum of outer products of the patterns' gradients (the empirical Fisher matrix)"
    yield Hypothesis("outer-product", words, case.of_matrix(F))
    if len(x) == 1:
        return
    total = g.sum(axis=0)
    words = "it is the outer product of the summed gradient: a product of means where the mean of products belongs"
    yield Hypothesis(
        "product-of-means", words, case.of_matrix(here.theirs(np.outer(total, total), (True, True), scaled=True))
    )
    J = hesslib.output_jacobian(net, w, x).mean(axis=0)
    M = net.loss.M(hesslib.forward(net, w, x).a[-1]).sum(axis=0)
    words = "it is made of the mean of the Jacobians: a product of means where the mean of products belongs"
    yield Hypothesis("product-of-means", words, case.of_matrix(here.theirs(J.T @ M @ J, (True, True), scaled=True)))


def neglect_of_mixed_derivatives(case: Case) -> Iterator[Hypothesis]:
    """The diagonal of Becker and LeCun."""
    here = case.network
    if here is None or case.quantity.name != "hessian_diagonal":
        return
    d = hesslib.becker_lecun_diagonal(here.problem.net, here.w, here.x, here.t)
    words = "mixed second derivatives with respect to the units are neglected, as in the diagonal of Becker and LeCun"
    yield Hypothesis("mixed-derivatives-neglected", words + " (PRML 5.81)", case.theirs(d))


MISTAKES = (other_matrices, outer_products, neglect_of_mixed_derivatives)
