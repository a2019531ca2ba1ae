"""The exact diagonal, and the approximation of Becker and LeCun with its exact cases and a control."""

import numpy as np
import pytest
from cases import CASES, Case, close, over, reference

import hesslib


@over(CASES)
def test_exact_diagonal_is_that_of_the_loops(case: Case) -> None:
    diagonal = hesslib.hessian_diagonal(case.net, case.w, case.x, case.t)
    close(diagonal, np.diag(reference(case).hessians.sum(axis=0)), case.rounding)
    assert diagonal.dtype == case.dtype


@over(CASES)
def test_means_are_the_sums_over_n(case: Case) -> None:
    args = case.net, case.w, case.x, case.t
    for function in (hesslib.hessian_diagonal, hesslib.becker_lecun_diagonal):
        np.testing.assert_array_equal(function(*args, reduction="mean"), function(*args) / case.N)


def nothing_is_neglected(case: Case) -> bool:
    diagonal_M = case.widths[-1] == 1 or case.loss != "softmax_cross_entropy"
    return len(case.activations) == 0 or (diagonal_M and all(n == 1 for n in case.widths[2:-1]))


@over([case for case in CASES if nothing_is_neglected(case)])
def test_becker_lecun_is_exact_where_nothing_is_neglected(case: Case) -> None:
    approximate = hesslib.becker_lecun_diagonal(case.net, case.w, case.x, case.t)
    close(approximate, hesslib.hessian_diagonal(case.net, case.w, case.x, case.t), case.rounding)


@over([case for case in CASES if not nothing_is_neglected(case)])
def test_becker_lecun_differs_elsewhere_but_not_in_the_last_layer(case: Case) -> None:
    approximate = hesslib.becker_lecun_diagonal(case.net, case.w, case.x, case.t)
    exact = hesslib.hessian_diagonal(case.net, case.w, case.x, case.t)
    last = case.net.layer_slice(case.net.L)
    close(approximate[last], exact[last], case.rounding)
    assert np.max(np.abs(approximate - exact)) > 1e-4 * np.max(np.abs(exact))


def by_units(case: Case) -> np.ndarray:
    """(5.81) unit by unit, from the exact pre-activations and deltas."""
    net = case.net
    W, _ = net.layers(case.w)
    trace = hesslib.forward(net, case.w, case.x)
    delta = hesslib.deltas(net, case.w, trace, case.t)
    total = np.zeros(net.num_parameters)
    for n in range(case.N):
        b = [float(b_k) for b_k in np.diag(net.loss.M(trace.a[net.L][n : n + 1])[0])]
        for l in range(net.L, 0, -1):
            if l < net.L:
                h, a = net.activation[l - 1], trace.a[l][n]
                b = [
                    h.first(a)[j] ** 2 * sum(W[l + 1][k, j] ** 2 * b[k] for k in range(len(b)))
                    + h.second(a)[j] * sum(W[l + 1][k, j] * delta[l + 1][n, k] for k in range(len(b)))
                    for j in range(net.widths[l])
                ]
            z = trace.z[l - 1][n]
            total[net.weight_slice(l)] += [b_j * z_i**2 for b_j in b for z_i in z]
            total[net.bias_slice(l)] += b
    return total


@pytest.mark.parametrize("loss", ["squared_error", "binary_cross_entropy", "softmax_cross_entropy"])
def test_becker_lecun_is_the_recursion_of_prml_5_81(loss: str) -> None:
    case = Case((2, 3, 4, 3), ("tanh", "softplus"), loss, N=3)
    close(hesslib.becker_lecun_diagonal(case.net, case.w, case.x, case.t), by_units(case), case.rounding)
