"""The worked example against the package, against the derived formulas, and as its reader computes it."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import sympy as sp

import hesslib
from hesslib.book.javascript import symbols_in
from hesslib.book.moving.network import Passes
from hesslib.book.worked_example import GIVEN, LINES, NAME, WorkedExample, rounded

EXAMPLE = WorkedExample()
VALUES = EXAMPLE.values
CASE = EXAMPLE.network, EXAMPLE.w, EXAMPLE.x, EXAMPLE.t
CLOSE = {"rtol": 1e-13, "atol": 1e-14}


def entry(matrix, one, other):
    return matrix[EXAMPLE.place(one), EXAMPLE.place(other)]


def test_the_passes_and_the_gradient_are_those_of_the_package():
    trace = hesslib.forward(*CASE[:3])
    signals = hesslib.deltas(EXAMPLE.network, EXAMPLE.w, trace, EXAMPLE.t)
    np.testing.assert_allclose([VALUES["a1"], VALUES["a2"]], trace.a[1][0], **CLOSE)
    np.testing.assert_allclose([VALUES["z1"], VALUES["z2"]], trace.z[1][0], **CLOSE)
    np.testing.assert_allclose([VALUES["d1"], VALUES["d2"]], signals[1][0], **CLOSE)
    np.testing.assert_allclose(VALUES["E"], hesslib.error(*CASE), **CLOSE)
    np.testing.assert_allclose(EXAMPLE.vector("g_"), hesslib.gradient(*CASE), **CLOSE)
    np.testing.assert_allclose(VALUES["dot_E"], VALUES["g_w11"], **CLOSE)


def test_the_second_derivatives_are_those_of_the_package():
    H, GN = hesslib.hessian(*CASE), hesslib.gauss_newton(*CASE)
    pairs = [
        ("w11", "w11"),
        ("w11", "v1"),
        ("w11", "w21"),
        ("v1", "v1"),
        ("w12", "w12"),
        ("w21", "w21"),
        ("w22", "w22"),
    ]
    for one, other in pairs:
        np.testing.assert_allclose(VALUES[f"h_{one}_{other}"], entry(H, one, other), **CLOSE)
    np.testing.assert_allclose(np.outer(EXAMPLE.vector("j_"), EXAMPLE.vector("j_")), GN, **CLOSE)
    np.testing.assert_allclose(VALUES["gn_w11_w11"], entry(GN, "w11", "w11"), **CLOSE)
    np.testing.assert_allclose(VALUES["gn_w11_v1"], entry(GN, "w11", "v1"), **CLOSE)
    np.testing.assert_allclose(VALUES["op_w11_w11"], hesslib.gradient(*CASE)[0] ** 2, **CLOSE)
    v = np.zeros(9)
    v[[EXAMPLE.place("w11"), EXAMPLE.place("v1")]] = 1
    product = hesslib.hessian_vector_product(*CASE, v)
    np.testing.assert_allclose(VALUES["Hv_w11"], product[EXAMPLE.place("w11")], **CLOSE)
    np.testing.assert_allclose(VALUES["Hv_v1"], product[EXAMPLE.place("v1")], **CLOSE)


def test_the_passes_are_the_derived_formulas_at_these_numbers():
    net = Passes((2, 2, 1))
    flat = dict(zip(net.flat_weights(), EXAMPLE.w, strict=True))
    named = net.arguments()
    numbers = flat | dict(zip(symbols_in([named["x"], named["t"]]), (*EXAMPLE.x[0], *EXAMPLE.t[0]), strict=True))

    def value(e):
        e = sp.sympify(e)
        while e.free_symbols - set(numbers):
            e = e.xreplace(net.lines)
        return float(e.xreplace(numbers))

    np.testing.assert_allclose([value(e) for e in net.gradient()], EXAMPLE.vector("g_"), **CLOSE)
    for (one, other), name in (
        (((1, 1, 1), (1, 1, 1)), "h_w11_w11"),
        (((1, 1, 1), (2, 1, 1)), "h_w11_v1"),
        (((1, 1, 1), (1, 2, 1)), "h_w11_w21"),
    ):
        np.testing.assert_allclose(value(net.weights_hessian(one, other)), VALUES[name], **CLOSE)
    np.testing.assert_allclose(value(net.bend(1, 1, 1, 1)), VALUES["B11"], **CLOSE)
    np.testing.assert_allclose(value(net.bend(1, 1, 1, 2)), VALUES["B12"], **CLOSE)
    np.testing.assert_allclose(value(net.response(2, 1, 1, 1)), VALUES["G1"], **CLOSE)


def test_inverse_step_evidence_and_removal_are_those_of_dense_algebra():
    j = EXAMPLE.vector("j_")
    X = np.linalg.inv(VALUES["alpha"] * np.eye(9) + np.outer(j, j))
    for one, other in (("w11", "w11"), ("w11", "v1"), ("v2", "v2"), ("v1", "v2")):
        np.testing.assert_allclose(VALUES[f"X_{one}_{other}"], entry(X, one, other), **CLOSE)
    step = -np.linalg.solve(np.outer(j, j) + VALUES["mu"] * np.eye(9), j * VALUES["d"])
    np.testing.assert_allclose(VALUES["p_w11"], step[EXAMPLE.place("w11")], **CLOSE)
    np.testing.assert_allclose(VALUES["p_v1"], step[EXAMPLE.place("v1")], **CLOSE)
    A = VALUES["beta"] * np.outer(j, j) + VALUES["alpha"] * np.eye(9)
    np.testing.assert_allclose(VALUES["gamma"], 9 - VALUES["alpha"] * np.trace(np.linalg.inv(A)), rtol=1e-12)
    np.testing.assert_allclose(VALUES["new_alpha"], VALUES["gamma"] / (EXAMPLE.w @ EXAMPLE.w), **CLOSE)
    q = EXAMPLE.place("v2")
    change = -EXAMPLE.w[q] * X[:, q] / X[q, q]
    np.testing.assert_allclose(VALUES["moved"], change[EXAMPLE.place("v1")], **CLOSE)
    np.testing.assert_allclose(VALUES["saliency"], change @ np.linalg.inv(X) @ change / 2, rtol=1e-12)
    np.testing.assert_allclose(VALUES["damage"], np.linalg.inv(X)[q, q] * EXAMPLE.w[q] ** 2 / 2, rtol=1e-12)


def test_a_newton_step_along_one_weight_and_the_network_without_its_tanh():
    np.testing.assert_allclose(VALUES["newton"], -hesslib.gradient(*CASE)[0] / hesslib.hessian(*CASE)[0, 0], **CLOSE)
    W, _ = EXAMPLE.network.layers(EXAMPLE.w)
    np.testing.assert_allclose([VALUES["W1"], VALUES["W2"]], (W[2] @ W[1])[0], **CLOSE)


def test_two_directions_of_conjugate_gradients_are_conjugate_and_lead_to_the_minimum():
    A = np.array([[VALUES["A11"], VALUES["A12"]], [VALUES["A12"], VALUES["A22"]]])
    at = [EXAMPLE.place("w11"), EXAMPLE.place("v1")]
    np.testing.assert_allclose(A, hesslib.hessian(*CASE)[np.ix_(at, at)] + VALUES["mu"] * np.eye(2), **CLOSE)
    g, e = np.array([VALUES["g_w11"], VALUES["g_v1"]]), np.array([VALUES["e1"], VALUES["e2"]])
    np.testing.assert_allclose(e @ A @ g, 0, atol=1e-14)
    np.testing.assert_allclose(g @ [VALUES["r1"], VALUES["r2"]], 0, atol=1e-14)
    first = -VALUES["length"] * g
    r = g + A @ first
    second = -(e @ r) / (e @ A @ e) * e
    np.testing.assert_allclose(first + second, -np.linalg.solve(A, g), rtol=1e-12)


def test_derivatives_by_the_input_and_differences_are_those_of_the_package():
    def output(x):
        return hesslib.outputs(EXAMPLE.network, EXAMPLE.w, np.array([[x[0], VALUES["x2"]]]))[0, 0]

    slope = hesslib.finite_difference.gradient(output, [VALUES["x1"]])
    bend = hesslib.finite_difference.hessian(output, [VALUES["x1"]])
    assert abs(slope.value[0] - VALUES["y_x"]) <= slope.error[0] + 1e-12
    assert abs(bend.value[0, 0] - VALUES["y_xx"]) <= bend.error[0, 0] + 1e-12
    shift = VALUES["step"] * np.eye(9)[0]
    plus, minus = (hesslib.error(EXAMPLE.network, EXAMPLE.w + s * shift, EXAMPLE.x, EXAMPLE.t) for s in (1, -1))
    np.testing.assert_allclose([VALUES["E_plus"], VALUES["E_minus"]], [plus, minus], **CLOSE)
    E, step = hesslib.error(*CASE), VALUES["step"]
    np.testing.assert_allclose(VALUES["one_sided"], (plus - E) / step, rtol=1e-12)
    np.testing.assert_allclose(VALUES["central"], (plus - minus) / (2 * step), rtol=1e-12)
    np.testing.assert_allclose(VALUES["second"], (plus - 2 * E + minus) / step**2, rtol=1e-10)


@pytest.mark.parametrize("name", LINES)
def test_a_reader_who_computes_with_the_numbers_shown_gets_the_number_shown(name):
    differ = list(LINES)[list(LINES).index("A11") : list(LINES).index("e2") + 1]
    example = WorkedExample(5) if name in differ else EXAMPLE  # its page shows five digits
    shown = {letter: float(example.shown(letter).replace("−", "-")) for letter in VALUES}
    by_reader = EXAMPLE.evaluate(LINES[name], shown)
    assert math.isclose(by_reader, shown[name], rel_tol=0.006), example.text(name)


@pytest.mark.parametrize("name", LINES)
def test_a_line_uses_what_stands_above_it(name):
    above = {*GIVEN, *list(LINES)[: list(LINES).index(name)]}
    assert set(NAME.findall(LINES[name])) <= above | {"tanh"}


def test_the_text_of_a_line_is_its_arithmetic():
    text = EXAMPLE.text("h_w11_w11_bend")
    assert text == "1²·(−0.379)·1.5·(−0.977) ≈ 0.556"
    assert re.fullmatch(r"0\.5·1 \+ \(−1\)·0\.5 \+ 0\.2 = 0\.2", EXAMPLE.text("a1"))
    assert rounded(-12345.6) == "−12346"
