"""Softmax attention by blocks: derived, misprints refused, and compiled programs against derivatives by jets."""

import itertools

import numpy as np
import pytest

from hesslib.calculus.architecture import Architecture
from hesslib.calculus.exact_instance import ExactInstance
from hesslib.calculus.index import Diff, KroneckerDelta, RangeError, S
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import attention as of
from hesslib.derivations.attention import KEY, QUERY, VALUE, A, D, F, T, a, a_, b, b_, c, i, j, omega, t, u, u_

PAIRS = list(itertools.combinations_with_replacement((QUERY, KEY, VALUE), 2))
SCORES = [of.softmax_slope, of.score_signal, of.score_bending, of.score_value]


@pytest.mark.parametrize("derivation", SCORES)
def test_what_the_scores_do_is_derived(derivation):
    assert derivation().established == "derived"
    assert derivation().latex()


@pytest.mark.parametrize("parameter", [QUERY, KEY, VALUE], ids=["query", "key", "value"])
def test_gradient_and_slope_are_derived(parameter):
    assert of.gradient(parameter).established == "derived"
    assert of.slope_of_output(parameter).established == "derived"


@pytest.mark.parametrize(("first", "other"), PAIRS)
def test_the_second_derivatives_are_derived_with_softmax_and_without(first, other):
    assert of.functional(first, of.second(other)).established == "derived"
    assert of.without_softmax(first, of.second(other)).established == "derived"


def test_the_rest_is_named_or_derived():
    assert {f.established for f in (*of.definitions(), *of.names())} == {"definition"}
    assert {chain.established for chain in of.products()} == {"derived"}


def bent_only():
    return c**2 * S(
        "t",
        T,
        lambda t: S(
            "u",
            T,
            lambda u: S("w", T, lambda w: of.x[t, i] * of.k[u, a] * of.bend[t, u, w] * of.q[t, a_] * of.x[w, j]),
        ),
    )


MISPRINTS = {
    "rows coupled": (of.softmax_slope, lambda: of.P[t, u] * (KroneckerDelta(u, u_) - of.P[t, u_])),
    "mean not taken out": (of.score_signal, lambda: of.P[t, u] * of.rho[t, u]),
    "one outer product": (
        of.score_bending,
        lambda: KroneckerDelta(u, u_) * of.sigma[t, u] - of.sigma[t, u] * of.P[t, u_],
    ),
    "values apart": (of.score_value, lambda: of.P[t, u] * KroneckerDelta(u, u_) * omega[t, b]),
    "scale lost": (
        lambda: of.gradient(QUERY),
        lambda: S("t", T, lambda t: S("u", T, lambda u: of.back[t, u] * of.x[t, i] * of.k[u, a])),
    ),
    "key for query": (
        lambda: of.gradient(KEY),
        lambda: c * S("t", T, lambda t: S("u", T, lambda u: of.back[t, u] * of.x[u, i] * of.k[u, a])),
    ),
    "mean for covariance": (
        lambda: of.slope_of_output(QUERY),
        lambda: c * S("u", T, lambda u: of.weight[t, u] * of.x[t, i] * of.k[u, a] * of.v[u, b_]),
    ),
    "product of query and key lost": (lambda: of.functional(QUERY, of.second(KEY)), bent_only),
    "value block": (
        lambda: of.functional(VALUE, of.second(VALUE)),
        lambda: S("t", T, lambda t: of.x[t, i] * of.x[t, j] * omega[t, b] * omega[t, b_]),
    ),
    "linear scores bend": (
        lambda: of.without_softmax(QUERY, of.second(QUERY)),
        lambda: c**2 * S("t", T, lambda t: of.x[t, i] * of.x[t, j] * of.k[t, a] * of.k[t, a_]),
    ),
}


@pytest.mark.parametrize(("derivation", "misprint"), MISPRINTS.values(), ids=MISPRINTS.keys())
def test_a_misprint_is_refused(derivation, misprint):
    with pytest.raises((NotEqualError, RangeError)):
        derivation().stated(misprint())


def test_signal_and_bending_of_the_scores_hold_in_an_exact_instance():
    net = Architecture({of.Z: None, of.P: None, of.E: of._error})
    named = {
        of.rho: lambda t, u: S("b", F, lambda b: omega[t, b] * of.v[u, b]),
        of.sigma: lambda t, u: (
            of.P[t, u]
            * (
                S("b", F, lambda b: omega[t, b] * of.v[u, b])
                - S("r", T, lambda r: of.P[t, r] * S("b", F, lambda b: omega[t, b] * of.v[r, b]))
            )
        ),
    }
    instance = ExactInstance(net, {T: 3, D: 2, A: 2, F: 2}, named=named)
    first, second = of.score_signal(), of.score_bending()
    bent = KroneckerDelta(u, u_) * of.sigma[t, u] - of.sigma[t, u] * of.P[t, u_] - of.P[t, u] * of.sigma[t, u_]
    for place in ({t: 1, u: 1, u_: 1}, {t: 2, u: 3, u_: 1}, {t: 3, u: 2, u_: 3}):
        assert instance.number(first.lhs - first.result, place) == 0
        twice = Diff(of.s[t, u_], Diff(of.s[t, u], of.E))
        assert instance.number(twice - bent, place) == 0
        assert instance.number(twice + bent, place) != 0
    assert second.result == of.Phi[t, u, u_]


def test_the_program_has_the_derivatives_of_finite_differences():
    rng = np.random.default_rng(0)
    shapes = {"Q": (3, 2), "K": (3, 2), "V": (3, 2)}
    weights = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    x, mask, target = rng.standard_normal((2, 4, 3)), np.tril(np.ones((4, 4))), rng.standard_normal((2, 4, 2))

    def outputs(w):
        scores = (x @ w["Q"]) @ np.swapaxes(x @ w["K"], 1, 2) * 0.7
        weight = mask * np.exp(scores)
        return weight / weight.sum(2, keepdims=True) @ (x @ w["V"])

    program = of.program().function(np)

    def run(w, signal):
        return program(x, w["Q"], w["K"], w["V"], mask, 0.7, 2, 2, 4, signal)

    o, _, g, J, H = run(weights, lambda o: o - target)
    np.testing.assert_allclose(o, outputs(weights), rtol=1e-13)
    fixed = o - target
    for name, shape in shapes.items():
        for entry in np.ndindex(shape):
            moved = [{**weights, name: weights[name].copy()} for _ in range(2)]
            for w, step in zip(moved, (1e-5, -1e-5), strict=True):
                w[name][entry] += step
            up, down = (outputs(w) for w in moved)
            np.testing.assert_allclose(J[name][..., entry[0], entry[1]], (up - down) / 2e-5, atol=1e-8)
            np.testing.assert_allclose(g[name][entry], np.sum(fixed * (up - down)) / 2e-5, rtol=1e-6, atol=1e-8)
            ahead, behind = (run(w, lambda _: fixed)[2] for w in moved)
            for pair in of.BLOCKS:
                if pair[1] == name:
                    change = (ahead[pair[0]] - behind[pair[0]]) / 2e-5
                    np.testing.assert_allclose(H[pair][..., entry[0], entry[1]], change, atol=1e-7)
