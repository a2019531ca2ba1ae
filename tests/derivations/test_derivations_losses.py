"""The losses and their outputs: signal and curvature, derived."""

import pytest
import sympy as sp

from hesslib.calculus.normal import equal
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import (
    losses,
)
from hesslib.derivations.exact_network import evaluate


@pytest.mark.parametrize("pair", losses.PAIRS, ids=lambda pair: pair.name)
def test_the_output_signal_is_the_residual_and_its_slope_the_curvature(pair):
    assert pair.delta().established == pair.M().established == "derived"
    with pytest.raises(NotEqualError, match="does not hold"):
        pair.delta().stated(losses.t[losses.q] - losses.y[losses.q])


A, T = sp.symbols("a1:4"), (sp.Rational(1, 2), sp.Rational(1, 3), sp.Rational(1, 6))
SHARE = sum(map(sp.exp, A))
OUTPUTS = {
    losses.squared_error: A,
    losses.binary_cross_entropy: [1 / (1 + sp.exp(-a)) for a in A],
    losses.softmax_cross_entropy: [sp.exp(a) / SHARE for a in A],
}
ERRORS = {
    losses.squared_error: lambda y, t: (y - t) ** 2 / 2,
    losses.binary_cross_entropy: lambda y, t: -t * sp.log(y) - (1 - t) * sp.log(1 - y),
    losses.softmax_cross_entropy: lambda y, t: -t * sp.log(y),
}
POINT = dict(zip(A, (0.3, -1.1, 0.7), strict=True))


def value_of(formula, y, at):
    arrays = {losses.y: y, losses.t: T}
    return evaluate(formula, lambda x, _: arrays[x.base][int(x.indices[0]) - 1], lambda size: 3, at)


@pytest.mark.parametrize("pair", losses.PAIRS, ids=lambda pair: pair.name)
def test_signal_and_curvature_are_what_sympy_finds_for_three_outputs(pair):
    y, delta, M = OUTPUTS[pair], pair.delta().result, pair.M().result
    error = sum(ERRORS[pair](one, t) for one, t in zip(y, T, strict=True))
    for row in range(3):
        signal = sp.diff(error, A[row])
        found = value_of(delta, y, {losses.q: row + 1})
        assert abs((signal - found).subs(POINT).evalf()) < 1e-13
        for column in range(3):
            entry = value_of(M, y, {losses.q: row + 1, losses.q_: column + 1})
            assert abs((sp.diff(signal, A[column]) - entry).subs(POINT).evalf()) < 1e-13


def test_without_targets_that_sum_to_one_the_signal_of_softmax_is_another():
    slope = losses.softmax_cross_entropy.derivative(losses.q)
    found = slope(losses.softmax_cross_entropy.error)
    assert not equal(found, losses.y[losses.q] - losses.t[losses.q])
    assert equal(losses.targets_sum_to_one(found), losses.y[losses.q] - losses.t[losses.q])
