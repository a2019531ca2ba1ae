"""Derivations of curvature, losses and programs: each proves its formula, typesets, and carries its record."""

import inspect

import numpy as np
import pytest
import sympy as sp

from hesslib import Network, forward, gauss_newton, hessian
from hesslib.book.source import listing
from hesslib.calculus import joint_display
from hesslib.calculus.einsum_program import NoCodeError, Program, source
from hesslib.calculus.index import Diff, KroneckerDelta, RangeError, S, Tensor, elementwise, index
from hesslib.calculus.latex import tex
from hesslib.calculus.macros import expand
from hesslib.calculus.matrix import MatrixFormula, diag, matrix, ones, outer
from hesslib.calculus.steps import Formula, NotEqualError, Steps, refuse, require_equal
from hesslib.derivations import deep_hessian as second_order
from hesslib.derivations import (
    diagonal,
    hessian_program,
    hessian_vector_product,
    losses,
    mirrored_passes,
    outer_products,
    piecewise_linear,
    two_layer_hessian,
    two_layer_program,
    two_layers,
)
from hesslib.derivations import inverse_updates as inverse
from hesslib.derivations import mixed_partials as commuting
from hesslib.derivations import r_operator as pearlmutter
from hesslib.derivations.exact_network import Instance
from hesslib.derivations.network import E, L, R, a, b, delta, i, j, k, l, m, n, p, w, z

MODULES = (
    commuting,
    diagonal,
    hessian_program,
    hessian_vector_product,
    inverse,
    mirrored_passes,
    outer_products,
    pearlmutter,
    piecewise_linear,
    second_order,
    two_layer_hessian,
    two_layer_program,
    two_layers,
)
DERIVATIONS = [
    pytest.param(function, id=f"{module.__name__.rpartition('.')[2]}.{name}")
    for module in MODULES
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__
    and not name.startswith("_")
    and all(q.default is not q.empty for q in inspect.signature(function).parameters.values())
]


def shown(result):
    """The formulas in what a derivation returns, one or several."""
    return [x for x in (result if isinstance(result, tuple) else (result,)) if hasattr(x, "latex")]


@pytest.mark.parametrize("derivation", DERIVATIONS)
def test_the_derivation_decides_its_links_and_typesets(derivation):
    for formula in shown(derivation()):
        assert formula.established in ("derived", "approximation", "definition", "assumption")
        assert formula.latex()
        assert all(check.passed for check in formula.checks)
        assert "text/markdown" in formula._repr_mimebundle_()


PLACES_ABOVE = [{m: y, l: x, k: 1, j: 2, p: 2, i: 1} for x in (1, 2) for y in range(x + 1, 4)]
PLACES_WITHIN = [{l: x, k: 1, j: 2, p: 2, i: 1} for x in (1, 2, 3)]
NETWORK = Instance((2, 2, 2, 2), seed=3)


@pytest.mark.parametrize(
    ("derivation", "places"),
    [
        (second_order.backpropagation, [{l: x, j: 1} for x in (1, 2)]),
        (second_order.forward_response, PLACES_ABOVE),
        (second_order.forward_response_base, PLACES_WITHIN),
        (second_order.output_response, PLACES_WITHIN),
        (second_order.backward_response, [{m: y, l: x, k: 1, j: 2} for x in (1, 2) for y in range(x, 3)]),
        (second_order.weight_weight, PLACES_ABOVE),
        (second_order.weight_weight_same_layer, PLACES_WITHIN),
        (lambda: second_order.block(b[m, k], w[l, j, i]), PLACES_ABOVE),
        (lambda: second_order.block(w[m, k, p], b[l, j]), PLACES_ABOVE),
        (lambda: second_order.block(b[m, k], b[l, j]), PLACES_ABOVE),
        (lambda: second_order.block(b[l, k], w[l, j, i]), PLACES_WITHIN),
        (lambda: second_order.R_forward()[0], [{l: x, j: 1} for x in (2, 3)]),
        (lambda: second_order.R_forward()[1], [{l: x, j: 1} for x in (1, 2)]),
        (lambda: second_order.R_backward()[0], [{k: 1}, {k: 2}]),
        (lambda: second_order.R_backward()[1], [{l: x, j: 1} for x in (1, 2)]),
        (lambda: second_order.R_gradient()[0], [{l: x, j: 1, i: 2} for x in (2, 3)]),
        (lambda: second_order.R_gradient()[1], PLACES_WITHIN),
    ],
)
def test_the_derived_formula_holds_on_an_explicit_network(derivation, places):
    formula = derivation()
    assert NETWORK.verify(formula, places).passed
    assert not NETWORK.agree(formula.lhs, 2 * formula.result + 1, places).passed


def test_an_instance_says_what_it_has_no_value_for():
    with pytest.raises(KeyError, match="has no value for"):
        NETWORK.number(Tensor("q", shape=(n[l],))[j], {l: 1, j: 1})
    with pytest.raises(ValueError, match="first and second derivatives"):
        NETWORK.number(Diff(a[l, j], Diff(a[l, j], Diff(a[l, j], E))), {l: 1, j: 1})
    with pytest.raises(ValueError, match="no index values"):
        NETWORK.agree(E, E, [])


@pytest.mark.parametrize("pair", losses.PAIRS, ids=lambda pair: pair.name)
def test_the_output_signal_is_the_residual_and_its_slope_the_curvature(pair):
    assert pair.delta().established == pair.M().established == "derived"
    with pytest.raises(NotEqualError, match="does not hold"):
        pair.delta().stated(losses.t[losses.q] - losses.y[losses.q])


def test_matrix_formulas_are_tied_to_their_entries():
    signal = second_order.backpropagation()
    W, above, here = matrix(w, l + 1, latex="W"), matrix(delta, l + 1), matrix(delta, l)
    slopes = matrix(a, l).map(elementwise("h", 1))
    formula = MatrixFormula(here, slopes * (W.T @ above), signal, j)
    assert r"\layT{W}{l+1}" in formula.latex()
    assert "text/html" in formula._repr_mimebundle_()
    with pytest.raises(RangeError, match="columns"):
        W @ above
    with pytest.raises(RangeError, match="equal shapes"):
        here + above
    with pytest.raises(RangeError, match="takes two"):
        _ = here.T
    with pytest.raises(NotEqualError):
        MatrixFormula(here, W.T @ above, signal, j)
    gradient = second_order.block(b[m, k], w[l, j, i])
    assert gradient.formula().latex()
    N = sp.Symbol("N", integer=True, positive=True)
    x = Tensor("x", shape=(N,))
    X = outer(matrix(x), matrix(x)) + diag(matrix(x)) - outer(ones(N), matrix(x))
    assert sp.simplify(X.entry(*index("i j")) - X.T.entry(*index("j i"))) == 0


def test_a_program_compiles_what_was_derived_and_says_what_it_cannot():
    N = sp.Symbol("N", integer=True, positive=True)
    A, x = Tensor("A", shape=(N, N)), Tensor("x", shape=(N,))
    h = elementwise("h")
    r, s = index("r s")
    assert source(x[r] * KroneckerDelta(r, s), r, s) == "einsum('r,rs->rs', x, eye(N))"
    assert source(h(S("q", N, lambda q: A[r, q] * x[q])), r) == "h0(einsum('ra,a->r', A, x))"
    assert source(-2 * x[r], r) == "-2 * x"
    assert source(sp.Integer(0)) == "0"
    with pytest.raises(NoCodeError, match="no array counterpart"):
        source(Diff(x[r], x[s]), r, s)
    program = Program("doubled", "x")
    program.line("return " + source(2 * x[r], r))
    assert program.function(np)(3.0) == 6.0


def test_steps_refuse_and_show_what_is_wrong():
    N = sp.Symbol("N", integer=True, positive=True)
    x = Tensor("x", shape=(N,))
    total = S("i", N, lambda i: x[i])
    steps = Steps(total).then(S("j", N, lambda j: x[j]), "renamed")
    assert refuse(total, total, 2 * total, "twice").checks[0].passed
    assert "lacks" in steps.refuses(2 * total, "twice").latex()
    with pytest.raises(AssertionError, match="accepted"):
        steps.refuses(total, "right")
    assert steps.neglect(x[index("k")], "one term").established == "approximation"
    with pytest.raises(ValueError, match="definition or an assumption"):
        Formula(total, total, established="derived")
    assert steps.formula(sp.Symbol("f")).lhs == sp.Symbol("f")


def test_the_printer_spells_out_what_the_book_abbreviates():
    N = sp.Symbol("N", integer=True, positive=True)
    x = Tensor("x", shape=(N,))
    r = index("r")
    h = elementwise("h")
    assert tex(Diff(x[r], Diff(x[r], sp.Symbol("E")))) == r"\frac{\partial^2 E}{\partial x_{r}^2}"
    assert tex(h(x[r]) ** 2) == r"\bigl(h(x_{r})\bigr)^{2}"
    assert tex(S("i", N, lambda i: x[i]), limits=True) == r"\sum_{i=1}^{N} x_{i}"
    assert tex(elementwise("h", 4)(x[r])) == r"h^{(4)}(x_{r})"
    assert expand(r"a\tran b") == r"a^{\mathsf T} b"
    for wrong in (r"\pd{E}", r"\pd{E}{w"):
        with pytest.raises(ValueError, match="brace"):
            expand(wrong)


def test_a_listing_is_the_source_itself():
    def square(x):
        """The square."""
        return x * x

    assert str(listing(square)) == "def square(x):\n    return x * x"
    assert '"""The square."""' in str(listing(square, docstrings=True))
    assert listing("y = 1")._repr_markdown_() == "```python\ny = 1\n```"
    assert repr(z)
    assert repr(L)


def test_two_layers_have_the_slopes_of_their_output():
    slopes = {
        w[2, k, j]: "z[1, j]",
        w[1, j, i]: "h'(a[1, j])*w[2, k, j]*x[i]",
        b[2, k]: "1",
        b[1, j]: "h'(a[1, j])*w[2, k, j]",
    }
    for parameter, slope in slopes.items():
        assert str(two_layers.wrt(parameter)(two_layers.definition_of_a(2, k))) == slope


def test_formulas_shown_together_keep_their_records():
    signal, response = second_order.backpropagation(), second_order.forward_response()
    both = joint_display.Together(signal, response)
    assert both.latex()
    assert both.established == "derived"
    assert both.checks


def test_a_term_is_dropped_from_a_copy_of_the_chain():
    whole = outer_products.regression()
    rows = [*whole.rows]
    dropped = outer_products.gauss_newton_of(whole)
    assert dropped.established == "approximation"
    assert whole.established == "derived"
    assert whole.rows == rows


def test_the_gauss_newton_matrix_is_the_hessian_of_a_linear_network_and_not_the_outer_product():
    linear, dropped = outer_products.linearised(), outer_products.gauss_newton_of(outer_products.general())
    assert linear.established == "derived"
    require_equal(linear.result, dropped.result)
    r, s = outer_products.r, outer_products.s
    refused = refuse(outer_products.H_GN[r, s], linear.result, outer_products.outer_product().result, "not the same")
    assert r"H^{\mathrm{GN}}_{rs} &\neq" in refused.latex()


def test_the_programs_of_the_hessian_give_the_hessian_and_a_slip_in_them_is_seen():
    rng = np.random.default_rng(0)
    net = Network((2, 3, 3, 2), loss="softmax_cross_entropy")
    case = (net, net.init(rng), rng.standard_normal((4, 2)), rng.dirichlet(np.ones(2), 4))
    v, H = rng.standard_normal(net.num_parameters), hessian(*case)
    at_any_depth = hessian_program.run(hessian_program.program().function(np), *case)
    np.testing.assert_allclose(at_any_depth, H, atol=1e-13 * np.abs(H).max())
    right = hessian_vector_product.program().function(np)
    slipped = hessian_vector_product.program({"Rdelta at the top": R.named(a[L, k])}).function(np)
    np.testing.assert_allclose(hessian_vector_product.run(right, *case, v), H @ v, atol=1e-12 * np.abs(H @ v).max())
    assert np.abs(hessian_vector_product.run(slipped, *case, v) - H @ v).max() > 1e-3 * np.abs(H @ v).max()
    two = Network((2, 3, 2))
    w, t = two.init(rng), rng.standard_normal((4, 2))
    compiled = two_layer_program.program().function(np)
    whole, without = (
        two_layer_program.run(compiled, two, w, forward(two, w, case[2]), t, slope=slope) for slope in (True, False)
    )
    H = hessian(two, w, case[2], t)
    np.testing.assert_allclose(whole, H, atol=1e-13 * np.abs(H).max())
    np.testing.assert_allclose(without, gauss_newton(two, w, case[2], t), atol=1e-13 * np.abs(H).max())


def test_without_bending_nothing_is_left_of_the_signals():
    assert piecewise_linear.own_response().established == "derived"
    assert r"\delta" not in tex(piecewise_linear.own_response().result)
