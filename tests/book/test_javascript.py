"""The functions behind the moving figures, run by node at random inputs, against the package and against NumPy."""

from __future__ import annotations

import functools
import json

import npm_packages
import numpy as np
import pytest
import sympy as sp
from scipy import special

import hesslib
from hesslib.book import moving
from hesslib.book.javascript import Function, Scalars, symbols_in
from hesslib.book.moving import evidence as evidence_figure
from hesslib.book.moving import groundwater as groundwater_figure
from hesslib.calculus.index import S, Tensor, elementwise, index

LIBRARY = "globalThis.JXG = require(process.argv[1] + '/distrib/jsxgraphcore.js');"
EPS = np.finfo(float).eps
CLOSE = {"rtol": 1e3 * EPS, "atol": 1e3 * EPS}  # a few hundred operations


def run(script, *calls):
    """What the functions return for each call, a name and arguments; the script returns them by their names."""
    program = f"{LIBRARY} globalThis.window = globalThis; {script}; const found = [];"
    program += "const at = (name, given) => found.push((globalThis.functions ?? window.movingFigures.it)[name](given));"
    program += "".join(f"at({json.dumps(name)}, {json.dumps(given)});" for name, given in calls)
    program += "console.log(JSON.stringify(found));"
    return json.loads(npm_packages.node("-e", program, "--", str(npm_packages.folder("jsxgraph"))))


@functools.cache
def script_of(name):
    return moving.figure(name).script()


def of_figure(name, *calls):
    return run(f"{script_of(name)} window.movingFigures.it = window.movingFigures[{json.dumps(name)}]", *calls)


def of_function(function, *given):
    return run(
        f"{function.source}; globalThis.functions = {{ {function.name} }}", *[(function.name, one) for one in given]
    )


# ------------------------------------------------------------------------------------------------ the compiler
def test_a_formula_with_sums_deltas_and_functions_is_what_numpy_says():
    N, M = sp.symbols("N M", integer=True)
    (j,) = (index("j"),)
    A, x, h = Tensor("A", shape=(M, N)), Tensor("x", shape=(N,)), elementwise("h")
    scalars = Scalars({N: 3, M: 2}, {"h": sp.tanh})
    unit = h(S("i", N, lambda i: A[j, i] * x[i]))
    results = [[scalars(unit, {j: row}), scalars(unit.fdiff().fdiff(), {j: row})] for row in (1, 2)]
    function = Function("units", {"A": scalars.array(A), "x": scalars.array(x)}, {}, {"rows": results})
    rng = np.random.default_rng(0)
    A_num, x_num = rng.normal(size=(2, 3)), rng.normal(size=3)
    (found,) = of_function(function, {"A": A_num.tolist(), "x": x_num.tolist()})
    z = np.tanh(A_num @ x_num)
    np.testing.assert_allclose(found["rows"], np.stack([z, -2 * z * (1 - z**2)], axis=1), **CLOSE)


def test_lines_come_in_the_order_in_which_they_are_needed_whatever_the_order_they_were_given_in():
    x, y, z = sp.symbols("x y z")
    (found,) = of_function(Function("f", {"x": x}, {z: y + 1, y: x**2}, {"z": z}), {"x": 3})
    assert found == {"z": 10}


def test_a_line_that_uses_itself_and_a_letter_of_which_nothing_is_known_are_refused():
    x, y, z = sp.symbols("x y z")
    with pytest.raises(ValueError, match="y is defined by itself"):
        _ = Function("f", {"x": x}, {y: z + x, z: y * x}, {"y": y}).source
    with pytest.raises(ValueError, match="y is not defined"):
        _ = Function("f", {"x": x}, {}, {"y": y}).source


def test_a_function_that_javascript_has_not_is_refused():
    x = sp.Symbol("x")
    with pytest.raises(NotImplementedError):
        _ = Function("f", {"x": x}, {}, {"y": sp.besselj(0, x)}).source


def test_an_entry_that_a_symmetric_array_holds_twice_is_one_argument():
    H = Scalars({}).array(Tensor("H", shape=(2, 2), symmetric=True))
    (found,) = of_function(Function("f", {"H": H}, {}, {"sum": sum(symbols_in(H))}), {"H": [[1, 2], [2, 5]]})
    assert found == {"sum": 10}


# ------------------------------------------------------------------------------------------------ networks
def drawn(widths, seed):
    """A random network: for hesslib, and as the arguments of a compiled function."""
    rng = np.random.default_rng(seed)
    net = hesslib.Network(widths)
    w, x, t = rng.normal(size=net.num_parameters), rng.normal(size=(1, widths[0])), rng.normal(size=(1, widths[-1]))
    return net, w, x, t, {**as_arguments(net, w), "x": x[0].tolist(), "t": t[0].tolist()}


def as_arguments(net, w, names=("w", "b")):
    W, b = net.layers(w)
    return {name: [None, *(v.tolist() for v in parts[1:])] for name, parts in zip(names, (W, b), strict=True)}


@pytest.mark.parametrize("seed", range(5))
def test_the_passes_of_the_network_whose_weights_are_moved(seed):
    net, w, x, t, given = drawn((2, 2, 1), seed)
    (found,) = of_figure("weights", ("passes", given))
    trace = hesslib.forward(net, w, x)
    signals = hesslib.deltas(net, w, trace, t)
    np.testing.assert_allclose(found["gradient"], hesslib.gradient(net, w, x, t), **CLOSE)
    np.testing.assert_allclose(found["E"], hesslib.error(net, w, x, t), **CLOSE)
    for y in (1, 2):
        np.testing.assert_allclose(found["delta"][y], signals[y][0], **CLOSE)
        np.testing.assert_allclose(found["a"][y], trace.a[y][0], **CLOSE)
    np.testing.assert_allclose(found["z"][1], trace.z[1][0], **CLOSE)


@pytest.mark.parametrize("seed", range(5))
def test_the_cells_add_up_to_the_hessian_and_the_part_of_the_loss_to_gauss_newton(seed):
    net, w, x, t, given = drawn((2, 2, 1), seed)
    (found,) = of_figure("cells", ("hessian", given))
    parts = np.array(found["parts"])
    np.testing.assert_allclose(parts.sum(-1), hesslib.hessian(net, w, x, t), **CLOSE)
    np.testing.assert_allclose(parts[..., 0], hesslib.gauss_newton(net, w, x, t), **CLOSE)


@pytest.mark.parametrize("seed", range(3))
def test_the_arrays_of_the_sweeps(seed):
    from hesslib.book.moving.sweeps import WIDTHS

    net, w, x, t, given = drawn(WIDTHS, seed)
    (found,) = of_figure("sweeps", ("sweeps", given))
    W, _ = net.layers(w)
    trace = hesslib.forward(net, w, x)
    signals = hesslib.deltas(net, w, trace, t)
    slope = [None, *(1 - np.tanh(a[0]) ** 2 for a in trace.a[1:3]), np.ones(1)]
    for below in (1, 2, 3):
        G = {below: np.eye(WIDTHS[below])}
        for above in range(below + 1, 4):
            G[above] = W[above] @ np.diag(slope[above - 1]) @ G[above - 1]
        B = {3: G[3]}
        for above in reversed(range(below, 3)):
            back = W[above + 1].T @ signals[above + 1][0]
            bend = -2 * trace.z[above][0] * slope[above]
            B[above] = np.diag(bend * back) @ G[above] + np.diag(slope[above]) @ W[above + 1].T @ B[above + 1]
        for above in range(below, 4):
            np.testing.assert_allclose(found["G"][above][below], G[above], **CLOSE)
            np.testing.assert_allclose(found["B"][above][below], B[above], **CLOSE)


@pytest.mark.parametrize("seed", range(5))
def test_the_product_with_a_direction(seed):
    net, w, x, t, given = drawn((2, 2, 1), seed)
    v = np.random.default_rng(100 + seed).normal(size=w.size)
    calls = ("product", {**given, **as_arguments(net, v, ("v", "u"))}), ("error", given)
    product, error = of_figure("direction", *calls)
    np.testing.assert_allclose(product["Hv"], hesslib.hessian_vector_product(net, w, x, t, v), **CLOSE)
    np.testing.assert_allclose(error["gradient"], hesslib.gradient(net, w, x, t), **CLOSE)


def test_the_quotients_and_the_best_step():
    net, w, x, t, given = drawn((2, 2, 1), 0)
    values = {"E_plus": 1.25, "E_minus": 0.5, "E_at": 0.75, "epsilon": 0.125}
    exact, quotients, best = of_figure(
        "quotients", ("exact", given), ("quotients", values), ("best_step", {"C": 3, "R": 2, "u": EPS, "p": 2, "q": 1})
    )
    np.testing.assert_allclose(exact["slope"], hesslib.gradient(net, w, x, t)[0], **CLOSE)
    np.testing.assert_allclose(exact["bend"], hesslib.hessian(net, w, x, t)[0, 0], **CLOSE)
    assert quotients == {"one_sided": 4.0, "central": 3.0, "second": 16.0}
    np.testing.assert_allclose(best["step"], (2 * 2 * EPS / 3) ** (1 / 3), **CLOSE)


def surface_arguments(w, x, t):
    return {"w": [None, [[w[0]]], [[w[1]]]], "b": [None, [0], [0]], "x": [x], "t": [t]}


@pytest.mark.parametrize("seed", range(3))
def test_the_surface_and_what_is_drawn_on_it(seed):
    rng = np.random.default_rng(seed)
    x, t, w = rng.normal(size=8), rng.normal(size=8), rng.normal(size=2)
    z = np.tanh(w[0] * x)
    e, J = w[1] * z - t, np.stack([w[1] * (1 - z**2) * x, z], axis=1)
    calls = [
        (name, surface_arguments(w, *one))
        for one in zip(x, t, strict=True)
        for name in ("pattern", "residual", "jacobian")
    ]
    arrays = {"J": J[:, None].tolist(), "M": [[[1.0]]] * 8, "delta": e[:, None].tolist()}
    *of_patterns, products = of_figure("ellipses", *calls, ("outer_products", arrays))
    net, flat = hesslib.Network((1, 1, 1)), np.array([w[0], 0, w[1], 0])
    whole = hesslib.hessian(net, flat, x[:, None], t[:, None])[np.ix_([0, 2], [0, 2])]
    np.testing.assert_allclose(sum(np.array(one["hessian"]) for one in of_patterns[::3]), whole, **CLOSE)
    np.testing.assert_allclose(sum(np.array(one["gradient"]) for one in of_patterns[::3]), J.T @ e, **CLOSE)
    np.testing.assert_allclose([one["e"] for one in of_patterns[1::3]], e, **CLOSE)
    np.testing.assert_allclose([one["J"] for one in of_patterns[2::3]], J, **CLOSE)
    np.testing.assert_allclose(products["gauss_newton"], J.T @ J, **CLOSE)
    np.testing.assert_allclose(products["of_gradients"], J.T @ np.diag(e**2) @ J, **CLOSE)
    mu = float(np.exp(rng.normal()))
    (damped,) = of_figure("damping", ("damped", {"J": J.tolist(), "e": e.tolist(), "mu": mu}))
    np.testing.assert_allclose((J.T @ J + mu * np.eye(2)) @ damped["step"], -J.T @ e, rtol=1e-11, atol=1e-11)


# ------------------------------------------------------------------------------------------------ the others
@pytest.mark.parametrize("seed", range(3))
def test_steepest_descent_updates_of_an_inverse_and_the_removal_of_a_weight(seed):
    rng = np.random.default_rng(seed)
    e, lam, eta, b, w = rng.normal(size=2), rng.uniform(1, 5, 2), rng.uniform(), rng.normal(size=2), rng.normal(size=2)
    root = rng.normal(size=(2, 2))
    H = root @ root.T + np.eye(2)
    X = np.linalg.inv(H)
    (descent,) = of_figure("step_size", ("descent", {"e": e.tolist(), "lambda": lam.tolist(), "eta": eta}))
    np.testing.assert_allclose(descent["after"], e - eta * lam * e, **CLOSE)
    np.testing.assert_allclose(descent["factors"], 1 - eta * lam, **CLOSE)
    (updated,) = of_figure("inverse", ("update", {"X": X.tolist(), "H": H.tolist(), "b": b.tolist()}))
    np.testing.assert_allclose(updated["H"], H + np.outer(b, b), **CLOSE)
    np.testing.assert_allclose(np.array(updated["X"]) @ updated["H"], np.eye(2), atol=1e-12)
    np.testing.assert_allclose(updated["sigma"], b @ X @ b, rtol=1e-12)
    (removal,) = of_figure("pruning", ("removal", {"H": H.tolist(), "w": w.tolist()}))
    for q in (0, 1):
        step = np.array(removal["step"][q])
        np.testing.assert_allclose(step[q], -w[q], rtol=1e-12)
        np.testing.assert_allclose((H @ step)[1 - q], 0, atol=1e-12)  # the other weight is where the error is least
        np.testing.assert_allclose(removal["surgeon"][q], step @ H @ step / 2, rtol=1e-12)
        np.testing.assert_allclose(removal["damage"][q], H[q, q] * w[q] ** 2 / 2, **CLOSE)


@pytest.mark.parametrize("seed", range(3))
def test_two_conjugate_steps_end_at_the_minimum(seed):
    rng = np.random.default_rng(seed)
    root, w = rng.normal(size=(2, 2)), rng.normal(size=2)
    H = root @ root.T + np.eye(2)
    q = -H @ w
    (first,) = of_figure("conjugate", ("line", {"H": H.tolist(), "g": (H @ w).tolist(), "d": q.tolist()}))
    w = w + first["alpha"] * q
    g = H @ w
    (found,) = of_figure("conjugate", ("direction", {"H": H.tolist(), "g": g.tolist(), "q": q.tolist()}))
    d = -g + found["beta"] * q
    np.testing.assert_allclose(d @ H @ q, 0, atol=1e-12)
    (second,) = of_figure("conjugate", ("line", {"H": H.tolist(), "g": g.tolist(), "d": d.tolist()}))
    np.testing.assert_allclose(w + second["alpha"] * d, 0, atol=1e-12)


def test_the_evidence_of_the_bumps_is_the_density_of_the_data():
    from scipy.stats import multivariate_normal

    data = dict(moving.figure("evidence").data)
    x, t, beta, alpha = np.array(data["x"]), np.array(data["t"]), data["beta"], 0.3
    Phi = evidence_figure.design(x)
    (least,) = of_figure("evidence", ("minimum", {**data, "alpha": alpha}))
    e = np.array(data["at_points"]) @ least["u"] - t
    (sums,) = of_figure("evidence", ("sums", {"e": e.tolist(), "w": least["u"]}))
    (found,) = of_figure("evidence", ("evidence", {**data, **sums, "alpha": alpha}))
    A = beta * Phi.T @ Phi + alpha * np.eye(evidence_figure.CURVES)
    w = np.linalg.solve(A, beta * Phi.T @ t)
    np.testing.assert_allclose(sums["E_W"], w @ w / 2, rtol=1e-9)
    np.testing.assert_allclose(sums["E_D"], np.sum((Phi @ w - t) ** 2) / 2, rtol=1e-9)
    covariance = np.eye(len(t)) / beta + Phi @ Phi.T / alpha
    np.testing.assert_allclose(found["ln_evidence"], multivariate_normal(cov=covariance).logpdf(t), rtol=1e-9)
    gamma = evidence_figure.CURVES - alpha * np.trace(np.linalg.inv(A))
    np.testing.assert_allclose(found["gamma"], gamma, rtol=1e-9)
    np.testing.assert_allclose(found["alpha"], gamma / (w @ w), rtol=1e-9)


def test_the_pressure_in_the_aquifer():
    x, t = 0.7, 0.2
    half_line, strip, early = of_figure(
        "groundwater", ("half_line", {"x": x, "t": t}), ("strip", {"x": x, "t": t}), ("strip", {"x": 0, "t": 0.005})
    )
    root = np.sqrt(t)
    closed = x / 2 * special.erfc(x / (2 * root)) - root / np.sqrt(np.pi) * np.exp(-(x**2) / (4 * t))
    np.testing.assert_allclose(half_line["P"], closed, rtol=1e-12)
    np.testing.assert_allclose(half_line["slope"], special.erfc(x / (2 * root)) / 2, rtol=1e-12)
    m = np.arange(1, 400)
    waves = np.sum(np.cos(m * np.pi * x) * np.exp(-((m * np.pi) ** 2) * t) / (m * np.pi) ** 2)
    np.testing.assert_allclose(strip["P"], (1 / 6 - t - (1 - x) ** 2 / 2) / 2 + waves, rtol=1e-12)
    # early on the wall is not felt: the series is the half line's closed form
    np.testing.assert_allclose(early["P"], -np.sqrt(0.005 / np.pi), rtol=1e-12)
    assert groundwater_figure.WAVES >= 50


@pytest.mark.parametrize("seen", [np.tril(np.ones((3, 3))), np.ones((3, 3))], ids=["causal", "all positions"])
@pytest.mark.parametrize("scale", [0.1, 1.0, 2.0])
def test_the_blocks_of_attention_are_the_hessian_of_automatic_differentiation(scale, seen):
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    given = {name: np.array(values) for name, values in moving.figure("attention").data.items()}
    x, target = given["x"], given["target"]

    def outputs(w):
        Q, K, V = w.reshape(3, 2, 1)
        seen_scores = jnp.where(seen > 0, (x @ Q) @ (x @ K).T, -jnp.inf)
        return (jax.nn.softmax(seen_scores, axis=1) @ (x @ V))[:, 0]

    w = scale * np.concatenate([given[name].ravel() for name in "QKV"])
    numbers = {name: (scale * given[name]).tolist() for name in "QKV"} | {"mask": seen.tolist(), "c": 1}
    (found,) = of_figure("attention", ("layer", {"x": x.tolist(), "target": target.tolist(), **numbers}))
    J = jax.jacobian(outputs)(w)
    H = jax.hessian(lambda w: jnp.sum((outputs(w) - target[:, 0]) ** 2) / 2)(w)
    np.testing.assert_allclose(found["outputs"], outputs(w), rtol=1e-12)
    np.testing.assert_allclose(found["kept"], J.T @ J, atol=1e-12 * np.abs(H).max())
    np.testing.assert_allclose(np.add(found["kept"], found["left_out"]), H, atol=1e-12 * np.abs(H).max())
