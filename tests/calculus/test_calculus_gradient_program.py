"""A program of forward and backward pass, against gradients written by hand."""

import numpy as np
import pytest
import sympy as sp

from hesslib.calculus.architecture import Architecture
from hesslib.calculus.einsum_program import NoCodeError
from hesslib.calculus.gradient_program import gradient_program, signal_of
from hesslib.calculus.index import S, Tensor, Width, elementwise

N, M, L = sp.symbols("N M L", integer=True, positive=True)
h, E = elementwise("h"), sp.Symbol("E")
A, x, y = Tensor("A", shape=(N, M)), Tensor("x", shape=(M,)), Tensor("y", shape=(N,))
RNG = np.random.default_rng(1)


def squares(u):
    return u**2


def doubled(u):
    return 2 * u


def test_the_gradient_of_one_layer_with_a_skip_is_that_written_by_hand():
    net = Architecture(
        {
            y: lambda i: h(S("j", M, lambda j: A[i, j] * x[j])),
            E: lambda: S("i", N, lambda i: y[i] ** 2) + S("j", M, lambda j: x[j]),
        }
    )
    function = gradient_program(net, E, A, x).function(np)
    a, v = RNG.standard_normal((2, 3)), RNG.standard_normal(3)
    error, by_A, by_x = function(A=a, x=v, h0=squares, h1=doubled, M=3, N=2)
    signal = 2 * squares(a @ v) * doubled(a @ v)
    assert np.isclose(error, np.sum(squares(a @ v) ** 2) + v.sum(), rtol=1e-14)
    np.testing.assert_allclose(by_A, np.outer(signal, v), rtol=1e-13)
    np.testing.assert_allclose(by_x, a.T @ signal + 1, rtol=1e-13)


def test_the_gradient_of_layers_is_carried_from_the_last_to_the_first():
    z, w = Tensor("z", layers=1, shape=lambda l: ()), Tensor("w", layers=1, shape=lambda l: ())
    layer = sp.Symbol("l", integer=True, positive=True)
    net = Architecture({z: lambda l: w[l] * z[l - 1], E: lambda: z[L] ** 2}, layers=(1, L))
    program = gradient_program(net, E, w, layer=layer)
    weights = [None, 2.0, -3.0, 5.0]
    error, by_w = program.function(np)(L=3, w=weights, z_0=0.5)
    assert error == (0.5 * 2 * -3 * 5) ** 2
    np.testing.assert_allclose(by_w[1:], [2 * error / weight for weight in weights[1:]], rtol=1e-14)


def test_a_signal_has_the_shape_of_what_it_belongs_to():
    n = Width("n", layers=1)
    w = Tensor("w", latex=r"\omega", layers=1, shape=lambda l: (n[l], n[l - 1]), pattern=True)
    signal = signal_of(w)
    assert (signal.name_, signal.tex, signal.layers, signal.pattern) == ("w_bar", r"\bar{\omega}", 1, True)
    assert signal.sizes(2) == (n[2], n[1])
    assert signal_of(sp.Symbol("s")) == sp.Symbol("s_bar")


def test_a_number_of_each_pattern_that_is_not_only_added_is_refused():
    t, v, s = Tensor("t", shape=(M,), pattern=True), Tensor("v", shape=(M,)), sp.Symbol("s")
    dot = {s: lambda: S("j", M, lambda j: t[j] * v[j])}
    with pytest.raises(NoCodeError, match="s depends on a pattern and E does more than add it"):
        gradient_program(Architecture({**dot, E: lambda: s**2}), E, v)
    assert gradient_program(Architecture({**dot, E: lambda: 3 * s}), E, v).source
