"""Activations: the table against SymPy, accuracy and stability, and a user's own."""

import functools
import pickle
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
import sympy
from cases import BENT

from hesslib import Activation, Network
from hesslib.networks.activations import ACTIVATIONS

a = sympy.Symbol("a", real=True)
DEFINITIONS = {
    "tanh": sympy.tanh(a),
    "logistic": 1 / (1 + sympy.exp(-a)),
    "softplus": sympy.log(1 + sympy.exp(a)),
    "sin": sympy.sin(a),
    "gelu": a * sympy.erfc(-a / sympy.sqrt(2)) / 2,
    "gelu_tanh": a / (1 + sympy.exp(-2 * sympy.sqrt(2 / sympy.pi) * (a + sympy.Rational(44715, 10**6) * a**3))),
    "silu": a / (1 + sympy.exp(-a)),
    "relu": sympy.Piecewise((a, a > 0), (0, True)),
    "identity": a,
}

# The namespace that makes the package's functions work on SymPy expressions.
SYMBOLIC = SimpleNamespace(
    __name__="symbolic",
    tanh=sympy.tanh,
    sin=sympy.sin,
    cos=sympy.cos,
    exp=sympy.exp,
    abs=sympy.Abs,
    erfc=sympy.erfc,
    logaddexp=lambda x, y: sympy.log(sympy.exp(x) + sympy.exp(y)),
    where=lambda condition, x, y: sympy.Piecewise((x, condition), (y, True)),
    zeros_like=lambda a: sympy.S.Zero,
    ones_like=lambda a: sympy.S.One,
)


def order_of(activation: Activation, order: int):
    """h, or its derivative of the given order."""
    return [activation, activation.first, activation.second, activation.third][order]


POINTS = [sympy.Rational(p, 7) for p in (-40, -23, -9, -2, -1, 1, 3, 10, 24, 41)]


def test_table_and_definitions_name_the_same_activations() -> None:
    assert set(ACTIVATIONS) == set(DEFINITIONS)
    assert all(activation.name == name for name, activation in ACTIVATIONS.items())


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_the_code_run_on_a_symbol_is_the_derivative_that_sympy_finds(name: str, order: int) -> None:
    difference = ACTIVATIONS[name].functions[order](SYMBOLIC, a) - DEFINITIONS[name].diff(a, order)
    # gelu's code contains 1/sqrt(2) as a float, its fit further ones, the others nothing but integers
    allowed = {"gelu": 1e-15, "gelu_tanh": 1e-14}.get(name, 1e-40)
    assert max(abs(sympy.N(difference.subs(a, point), 50)) for point in POINTS) < allowed


@pytest.mark.parametrize("name", DEFINITIONS)
def test_derivatives_in_turn_are_those_that_sympy_finds(name: str) -> None:
    functions = ACTIVATIONS[name].functions
    in_turn = ACTIVATIONS[name].in_turn or (lambda xp, a: (function(xp, a) for function in functions))
    allowed = 1e-14 if name.startswith("gelu") else 1e-40
    for order, h in enumerate(in_turn(SYMBOLIC, a)):
        difference = h - DEFINITIONS[name].diff(a, order)
        assert max(abs(sympy.N(difference.subs(a, point), 50)) for point in POINTS) < allowed


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*DEFINITIONS, "bent"])
def test_derivatives_in_turn_are_the_derivatives_one_by_one(name: str, dtype: str) -> None:
    activation = BENT if name == "bent" else ACTIVATIONS[name]
    points = np.concatenate([np.linspace(-30, 30, 81), [-1e4, 1e4]]).astype(dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        together = activation.derivatives(points, 3)
    for order, values in enumerate(together):
        expected = order_of(activation, order)(points)
        assert values.dtype == dtype
        assert np.all(np.abs(values - expected) <= 16 * np.finfo(dtype).eps * (1 + np.abs(points)))
    assert [len(activation.derivatives(points, order)) for order in range(4)] == [1, 2, 3, 4]


def exact(name: str, order: int, points: np.ndarray) -> np.ndarray:
    """The derivative, rounded from more digits than cancel: SymPy turns erfc(-x) into 2 - erfc(x)."""
    f = sympy.lambdify(a, DEFINITIONS[name].diff(a, order), "mpmath")
    with mpmath.workdps(300 if name == "gelu" else 40):
        return np.array([float(f(mpmath.mpf(float(point)))) for point in points])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_values_are_exact_to_rounding(name: str, order: int, dtype: str) -> None:
    points = np.linspace(-30, 30, 81).astype(dtype)
    actual = order_of(ACTIVATIONS[name], order)(points)
    assert actual.dtype == dtype
    # a few roundings of quantities of the size of 1 and of a
    allowed = 8 * np.finfo(dtype).eps * (1 + np.abs(points))
    assert np.all(np.abs(actual - exact(name, order, points)) <= allowed)


@pytest.mark.parametrize(
    ("name", "order"), [("logistic", 0), ("logistic", 1), ("softplus", 0), ("silu", 0), ("gelu", 0), ("gelu_tanh", 0)]
)
def test_small_values_keep_their_digits(name: str, order: int) -> None:
    points = np.linspace(-20 if name == "gelu_tanh" else -35, -1, 69)  # before the value is below the smallest number
    actual = [ACTIVATIONS[name], ACTIVATIONS[name].first][order](points)
    # a relative error of eps in a means this much in h
    conditioning = {"gelu": points**2, "gelu_tanh": 4 * np.abs(points) ** 3}.get(name, np.abs(points))
    np.testing.assert_array_less(
        np.abs(actual / exact(name, order, points) - 1), np.finfo(float).eps * (8 + 2 * conditioning)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_nothing_overflows_at_large_arguments(name: str, order: int, dtype: str) -> None:
    points = np.array([-1e4, 1e4], dtype=dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        actual = order_of(ACTIVATIONS[name], order)(points)
    np.testing.assert_allclose(actual, exact(name, order, points), rtol=1e4 * np.finfo(dtype).eps, atol=1e-30)


def test_the_fitted_gelu_is_the_fit_that_is_printed_with_a_tanh() -> None:
    printed = a / 2 * (1 + sympy.tanh(sympy.sqrt(2 / sympy.pi) * (a + sympy.Rational("0.044715") * a**3)))
    assert max(abs(sympy.N((printed - DEFINITIONS["gelu_tanh"]).subs(a, x), 40)) for x in POINTS) < 1e-35


def test_derivatives_at_the_kink_of_relu_are_zero_by_choice() -> None:
    relu, zero = ACTIVATIONS["relu"], np.zeros(1)
    np.testing.assert_array_equal([relu(zero), relu.first(zero), relu.second(zero)], np.zeros((3, 1)))


WIDE = np.concatenate(
    [np.geomspace(1e-300, 1e-3, 12), np.linspace(0.01, 3, 60), np.linspace(3.1, 40, 40), [90.0, 340.0]]
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(set(DEFINITIONS) - {"relu", "identity"}))
@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("in_turn", [False, True])
def test_every_derivative_keeps_its_digits_at_every_argument(name, order, dtype, in_turn) -> None:
    tiny, eps = float(np.finfo(dtype).tiny), float(np.finfo(dtype).eps)
    points = np.concatenate([-WIDE, WIDE]).astype(dtype)
    points = points[np.abs(points) > tiny]
    activation = ACTIVATIONS[name]
    actual = activation.derivatives(points, 3)[order] if in_turn else order_of(activation, order)(points)
    value, slope = exact_in_many_digits(name, order, points), exact_in_many_digits(name, order + 1, points)
    # what the rounding of the argument makes of it, and a few roundings of its own
    allowed = eps * (16 * np.abs(value) + 4 * np.abs(points.astype(float) * slope)) + 4 * tiny
    wrong = np.abs(actual.astype(float) - value) > allowed
    assert not wrong.any(), (points[wrong], actual[wrong], value[wrong])


@functools.cache
def many_digits(name: str, order: int):
    return sympy.lambdify(a, DEFINITIONS[name].diff(a, order), "mpmath")


def exact_in_many_digits(name: str, order: int, points: np.ndarray) -> np.ndarray:
    with mpmath.workdps(700):
        return np.array([float(many_digits(name, order)(mpmath.mpf(float(point)))) for point in points])


EXPRESSIONS = {
    "cube": a**3,
    "constant": sympy.Integer(2),
    "softsign": a / (1 + sympy.Abs(a)),
    "leaky": sympy.Piecewise((a, a > 0), (a / 10, True)),
    "between": sympy.Piecewise((a, (a > -1) & (a < 1)), (0, (a > 3) | (a < -3)), (sympy.sin(a), True)),
    "relu6": sympy.Min(sympy.Max(a, 0), 6),
    "gaussian": sympy.exp(-(a**2) / 2) / sympy.sqrt(2 * sympy.pi),
    "root": (1 + a**2) ** sympy.Rational(-3, 2),
    "mish": a * sympy.tanh(sympy.log(1 + sympy.exp(a))),
    "line": -a - 1,
    "arc": 2 * sympy.atan(a) / sympy.pi,
    "odd": sympy.sign(a) * sympy.sqrt(sympy.Abs(a)),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
@pytest.mark.parametrize("library", ["numpy", "jax", "torch"])
def test_expression_becomes_a_function_of_arrays_with_its_derivatives(name: str, library: str) -> None:
    points = np.array([-3.5, -1.5, 0.3, 2.25, 7.0], dtype=np.float32)
    array = pytest.importorskip("jax.numpy" if library == "jax" else library).asarray(points)
    activation = Activation.from_expression(name, EXPRESSIONS[name], a)
    for order, f in enumerate(order_of(activation, order) for order in range(4)):
        derivative = EXPRESSIONS[name].diff(a, order)
        expected = [float(derivative.subs(a, sympy.Float(float(point)))) for point in points]
        actual = f(array)
        assert (type(actual), actual.dtype) == (type(array), array.dtype)
        np.testing.assert_allclose(np.asarray(actual), expected, rtol=32 * np.finfo(np.float32).eps, atol=1e-6)


def test_equal_expressions_are_equal_activations_whatever_the_symbol_is_called() -> None:
    b = sympy.Symbol("b")
    one, other = Activation.from_expression("h", a**2, a), Activation.from_expression("h", b**2, b)
    assert one == other
    assert hash(one) == hash(other)
    assert one != Activation.from_expression("h", a**3, a)
    assert pickle.loads(pickle.dumps(one)) == one
    assert Network((2, 3, 1), activation=one) == Network((2, 3, 1), activation=[other])


def test_repr_names_the_activation() -> None:
    assert repr(BENT) == "Activation(name='bent')"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (a * sympy.Symbol("c"), "expression contains c; it must contain no symbol but a"),
        (sympy.I * a, "it must be real for real a"),
        (sympy.gamma(a), r"expression contains gamma\(a\); gamma has no counterpart in the array API"),
        (sympy.Function("f")(a), r"f has no counterpart"),
    ],
)
def test_expression_that_cannot_be_an_activation_is_refused(expression: sympy.Expr, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Activation.from_expression("bad", expression, a)


def test_piecewise_that_leaves_a_gap_is_nan_there() -> None:
    half = Activation.from_expression("half", sympy.Piecewise((a, a > 0)), a)
    np.testing.assert_array_equal(half(np.array([-1.0, 1.0])), [np.nan, 1.0])
