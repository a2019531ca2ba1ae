"""Gauss-Newton and the outer product of gradients: against the loops, and against each other."""

import numpy as np
import pytest
from cases import CASES, Case, close, gauss_newton_of_the_loops, over, reference

import hesslib


@over(CASES)
def test_gauss_newton_and_its_diagonal_are_those_of_the_loops(case: Case) -> None:
    args = case.net, case.w, case.x, case.t
    GN = gauss_newton_of_the_loops(case)
    close(hesslib.gauss_newton(*args), GN, case.rounding)
    close(hesslib.gauss_newton_diagonal(*args), np.diag(GN), case.rounding)


@over(CASES)
def test_gauss_newton_is_exactly_symmetric_and_semidefinite_to_rounding(case: Case) -> None:
    GN = hesslib.gauss_newton(case.net, case.w, case.x, case.t)
    np.testing.assert_array_equal(GN, GN.T)
    eigenvalues = np.linalg.eigvalsh(GN)
    assert eigenvalues[0] >= -case.rounding * len(GN) * eigenvalues[-1]


@over(CASES)
def test_pattern_gradients_are_those_of_the_loops_and_sum_to_the_gradient(case: Case) -> None:
    args = case.net, case.w, case.x, case.t
    g = hesslib.pattern_gradients(*args)
    close(g, reference(case).gradients, case.rounding)
    close(g.sum(axis=0), hesslib.gradient(*args), case.rounding)


@over(CASES)
def test_outer_product_is_that_of_the_pattern_gradients(case: Case) -> None:
    g = reference(case).gradients
    F = hesslib.outer_product(case.net, case.w, case.x, case.t)
    close(F, g.T @ g, 2 * case.rounding)
    np.testing.assert_array_equal(F, F.T)


@over(CASES)
def test_means_are_the_sums_over_n_and_dtypes_are_kept(case: Case) -> None:
    args = case.net, case.w, case.x, case.t
    for function in (hesslib.gauss_newton, hesslib.gauss_newton_diagonal, hesslib.outer_product):
        mean = function(*args, reduction="mean")
        close(mean * case.N, function(*args), case.rounding)
        assert mean.dtype == case.dtype


@over([case for case in CASES if case.loss != "squared_error" and case.dtype == "float64"])
def test_outer_product_averages_to_gauss_newton_over_targets_drawn_from_the_outputs(case: Case) -> None:
    """The expectation over the network's own targets is taken exactly: one output unit at a time."""
    net, w, x = case.net, case.w, case.x
    y = hesslib.outputs(net, w, x)
    J = hesslib.output_jacobian(net, w, x)
    if case.loss == "softmax_cross_entropy":
        delta = y[:, None, :] - np.eye(y.shape[1])  # the right output is c, with probability y_c
        expected = np.einsum("nc,nck,ncq->nkq", y, delta, delta)
    else:
        expected = np.einsum("nk,kq->nkq", y * (1 - y), np.eye(y.shape[1]))  # outputs are independent
    close(hesslib.gauss_newton(net, w, x, case.t), np.einsum("nkp,nkq,nqr->pr", J, expected, J), case.rounding)


def test_outer_product_is_not_gauss_newton() -> None:
    case = Case((2, 4, 3, 3), ("tanh", "tanh"), "squared_error")
    args = case.net, case.w, case.x, case.t
    GN, F = hesslib.gauss_newton(*args), hesslib.outer_product(*args)
    assert np.linalg.norm(GN - F) > 0.1 * np.linalg.norm(GN)


@pytest.mark.parametrize("loss", ["squared_error", "binary_cross_entropy", "softmax_cross_entropy"])
def test_hessian_is_gauss_newton_for_a_network_without_hidden_layers(loss: str) -> None:
    case = Case((3, 2), (), loss)
    args = case.net, case.w, case.x, case.t
    close(hesslib.hessian(*args), hesslib.gauss_newton(*args), case.rounding)


def test_hessian_is_gauss_newton_where_the_outputs_hit_the_targets() -> None:
    case = Case((2, 4, 3, 3), ("tanh", "sin"), "squared_error")
    args = case.net, case.w, case.x, hesslib.outputs(case.net, case.w, case.x)
    close(hesslib.hessian(*args), hesslib.gauss_newton(*args), case.rounding)
