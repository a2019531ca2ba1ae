"""Shared weights: the pattern of indices and its shift, gradients, the Hessian, and exact Kronecker products."""

import itertools

import numpy as np
import pytest

from hesslib.calculus.index import KroneckerDelta, RangeError, S
from hesslib.calculus.indicators import within
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import convolution as of
from hesslib.derivations.convolution import B, C, I, K, O, Pi, beta, c, c_, d, d_, delta, i, k, k_, padding, w, x, z

DERIVED = {
    "one axis": of.one_axis,
    "by weights": of.weight_gradient,
    "by biases": of.bias_gradient,
    "by inputs": of.signal,
    "mixed": of.mixed,
    "patches": of.through_patches,
    "hessian": of.hessian,
    "expand": of.own_positions,
    "reduce": of.summed_positions,
}
AXES = [(1, 1), (2, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize("derivation", DERIVED.values(), ids=DERIVED.keys())
def test_it_is_derived_and_typesets(derivation):
    assert derivation().established == "derived"
    assert derivation().latex()


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("derivation", [of.one_axis, of.weight_gradient_on_one_axis])
def test_pattern_and_shift_agree_for_every_stride_and_dilation(derivation, axis):
    assert derivation(*axis).established == "derived"


def test_the_signal_is_a_sum_over_the_index_that_a_shift_solves_for():
    for axis in AXES[:3]:
        assert of.signal_on_one_axis(*axis).established == "derived"
    with pytest.raises(ValueError, match="one of them must be 1"):
        of.signal_on_one_axis(2, 3)


def test_what_is_a_definition_says_so():
    assert {f().established for f in (of.layer, of.as_a_shift, of.definition_of_patches)} == {"definition"}


MISPRINTS = {
    "wrong channel": (
        of.weight_gradient,
        lambda: S("o", O, lambda o: S("i", I, lambda i: delta[c, o] * Pi[o, k, i] * z[d_, i])),
    ),
    "bias by one position": (of.bias_gradient, lambda: delta[c, 1]),
    "kernel not turned round": (
        of.signal_on_one_axis,
        lambda: S(
            "k",
            K,
            lambda k: (
                within(1, i + k - 1 - padding, O) * S("c", C, lambda c: delta[c, i + k - 1 - padding] * w[c, d, k])
            ),
        ),
    ),
    "padding with the wrong sign": (
        of.weight_gradient_on_one_axis,
        lambda: S("o", O, lambda o: within(1, o + k - 1 + padding, I) * delta[c, o] * z[d, o + k - 1 + padding]),
    ),
    "border forgotten": (
        of.weight_gradient_on_one_axis,
        lambda: S("o", O, lambda o: within(2, o + k - 1 - padding, I) * delta[c, o] * z[d, o + k - 1 - padding]),
    ),
    "channels mixed": (of.mixed, lambda: S("o", O, lambda o: delta[c, o] * Pi[o, k, i])),
    "patch of all channels": (of.through_patches, lambda: x[of.o, d, k]),
    "own position only": (
        of.hessian,
        lambda: S("o", O, lambda o: x[o, d, k] * B[c, o, c_, o] * x[o, d_, k_]),
    ),
    "expand, reduced": (
        of.own_positions,
        lambda: beta[c, c_] * S("o", O, lambda o: x[o, d, k]) * S("o", O, lambda o: x[o, d_, k_]),
    ),
    "reduce, expanded": (of.summed_positions, lambda: beta[c, c_] * S("o", O, lambda o: x[o, d, k] * x[o, d_, k_])),
    "units alone": (of.through_patches, lambda: KroneckerDelta(c, c_)),
}


@pytest.mark.parametrize(("derivation", "misprint"), MISPRINTS.values(), ids=MISPRINTS.keys())
def test_a_misprint_is_refused(derivation, misprint):
    with pytest.raises((NotEqualError, RangeError)):
        derivation().stated(misprint())


def test_the_program_has_the_derivatives_of_plain_loops():
    rng = np.random.default_rng(0)
    sizes = {"c": 2, "d": 3, "k": 2, "i": 5, "o": 3}
    pattern = np.zeros((sizes["o"], sizes["k"], sizes["i"]))
    for at, offset in itertools.product(range(sizes["o"]), range(sizes["k"])):
        if 0 <= 2 * at + offset - 1 < sizes["i"]:
            pattern[at, offset, 2 * at + offset - 1] = 1
    w, b, z = rng.standard_normal((2, 3, 2)), rng.standard_normal(2), rng.standard_normal((4, 3, 5))
    target = rng.standard_normal((4, 2, 3))

    def outputs(w, b, z):
        out = np.zeros((4, 2, 3))
        for n, to, at in itertools.product(range(4), range(2), range(3)):
            out[n, to, at] = b[to]
            for source, offset in itertools.product(range(3), range(2)):
                if 0 <= 2 * at + offset - 1 < 5:
                    out[n, to, at] += w[to, source, offset] * z[n, source, 2 * at + offset - 1]
        return out

    def curvature(a):
        return np.broadcast_to(np.eye(6).reshape(2, 3, 2, 3), (4, 2, 3, 2, 3))

    a, gw, gb, gz, _, H = of.program().function(np)(w, b, z, pattern, lambda a: a - target, curvature, 2, 3)
    np.testing.assert_allclose(a, outputs(w, b, z), rtol=1e-13)
    residual = a - target

    def slopes(shape, place):
        columns = []
        for entry in np.ndindex(shape):
            step = np.zeros(shape)
            step[entry] = 1.0
            moved = [w, b, z]
            moved[place] = moved[place] + step
            columns.append(outputs(*moved) - a)  # linear: exact but for rounding
        return np.array(columns)

    by_w, by_b, by_z = (slopes(v.shape, place) for place, v in enumerate((w, b, z)))
    np.testing.assert_allclose(gw.ravel(), np.einsum("pnco,nco->p", by_w, residual), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(gb, np.einsum("pnco,nco->p", by_b, residual), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(gz.ravel(), np.einsum("pnco,nco->p", by_z, residual), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(H.reshape(12, 12), np.einsum("pnco,qnco->pq", by_w, by_w), rtol=1e-10, atol=1e-10)


def test_a_convolution_without_options_goes_on_by_one_position():
    assert of.as_a_shift().rhs == of.as_a_shift(1, 1).rhs
    assert of.as_a_shift().rhs not in (of.as_a_shift(2, 1).rhs, of.as_a_shift(1, 2).rhs)
