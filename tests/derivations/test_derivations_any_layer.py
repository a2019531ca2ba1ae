"""A chain of layers of which only the derivatives are named."""

import pytest
import sympy as sp
from derived_chains import require_derived

from hesslib.calculus.derivation import Derivation, Through
from hesslib.calculus.index import Diff, RangeError, S, Tensor, index
from hesslib.calculus.normal import equal
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import any_layer as of
from hesslib.derivations.any_layer import B, G, J, K, Omega, P, Phi, Psi, R, delta, i, j, k, l, m, n, r, s, v, z

DERIVED = [
    of.signal,
    of.gradient,
    of.forward_base,
    of.forward_sweep,
    of.backward_base,
    of.backward_sweep,
    of.block,
    of.block_same_layer,
    of.gauss_newton,
    of.R_forward,
    of.R_backward,
    of.R_gradient,
    of.own_curvature,
]
DEFINED = [of.layer, of.second_derivatives, of.contracted, of.curvature_of_output]


@pytest.mark.parametrize("derivation", DERIVED)
def test_it_is_derived_and_typesets(derivation):
    require_derived(derivation())


@pytest.mark.parametrize("definition", DEFINED)
def test_what_is_named_is_a_definition(definition):
    found = definition()
    assert {f.established for f in (found if isinstance(found, tuple) else (found,))} == {"definition"}


def one(y, k):
    return Diff(R, z[y, k])


MISPRINTS = {
    "Jacobian of the wrong layer": (of.signal, lambda: S("k", n[l], lambda k: delta[l, k] * J[l - 1, k, i])),
    "signal of the wrong layer": (of.gradient, lambda: S("k", n[l], lambda k: delta[l - 1, k] * K[l, k, r])),
    "sweep from the wrong side": (of.forward_sweep, lambda: S("i", n[m - 1], lambda i: J[m, k, i] * G[m, l, i, j])),
    "bending lost": (of.backward_sweep, lambda: S("k", n[m], lambda k: J[m, k, i] * B[m, l, k, j])),
    "bending transposed": (
        of.backward_sweep,
        lambda: (
            S("k", n[m], lambda k: J[m, k, i] * B[m, l, k, j])
            + S("q", n[m - 1], lambda q: Phi[m, q, i] * G[m - 1, l, q, j])
        ),
    ),
    "mixed bending lost": (
        of.block,
        lambda: S("j", n[l], lambda j: S("k", n[m], lambda k: K[m, k, r] * B[m, l, k, j]) * K[l, j, s]),
    ),
    "mixed bending negative": (
        of.block,
        lambda: S(
            "j",
            n[l],
            lambda j: (
                (
                    S("k", n[m], lambda k: K[m, k, r] * B[m, l, k, j])
                    - S("i", n[m - 1], lambda i: Psi[m, r, i] * G[m - 1, l, i, j])
                )
                * K[l, j, s]
            ),
        ),
    ),
    "own bending lost": (
        of.block_same_layer,
        lambda: S("k", n[l], lambda k: S("j", n[l], lambda j: K[l, k, r] * B[l, l, k, j] * K[l, j, s])),
    ),
    "own bending twice": (
        of.block_same_layer,
        lambda: (
            2 * Omega[l, r, s] + S("k", n[l], lambda k: S("j", n[l], lambda j: K[l, k, r] * B[l, l, k, j] * K[l, j, s]))
        ),
    ),
    "parameters held fixed": (of.R_forward, lambda: S("i", n[l - 1], lambda i: J[l, k, i] * one(l - 1, i))),
    "direction lost on the way back": (
        lambda: of.R_backward()[1],
        lambda: (
            S("k", n[l], lambda k: J[l, k, i] * Diff(R, delta[l, k]))
            + S("q", n[l - 1], lambda q: Phi[l, i, q] * one(l - 1, q))
        ),
    ),
    "half of the mixed bending": (
        of.R_gradient,
        lambda: (
            S("k", n[l], lambda k: K[l, k, r] * Diff(R, delta[l, k]))
            + S("i", n[l - 1], lambda i: Psi[l, r, i] * one(l - 1, i)) / 2
            + S("s", P[l], lambda s: Omega[l, r, s] * v[l, s])
        ),
    ),
}


@pytest.mark.parametrize(("derivation", "misprint"), MISPRINTS.values(), ids=MISPRINTS.keys())
def test_a_misprint_is_refused(derivation, misprint):
    with pytest.raises((NotEqualError, RangeError)):
        derivation().stated(misprint())


def test_a_quantity_varies_by_all_the_ways_that_its_rule_names_and_in_its_own_layer_only():
    N = sp.Symbol("N", integer=True, positive=True)
    x, y, f = (Tensor(name, layers=1, shape=lambda _: (N,)) for name in "xyf")
    a, b, (c, d) = Tensor("A", shape=(N, N)), Tensor("B", shape=(N, N)), index("c d")
    ways = (Through(f[l, c], a[c, d], x[l, d], d, N), Through(f[l, c], b[c, d], y[l, d], d, N))
    D = Derivation(sp.Symbol("s"), {f: ways, x: lambda _, i: sp.S.One, y: lambda _, i: -sp.S.One})
    assert equal(D(f[l, c]), S("d", N, lambda d: a[c, d]) - S("d", N, lambda d: b[c, d]))
    assert D(f[l + 1, c]) == D.named(f[l + 1, c])
    with pytest.raises(ValueError, match="must be a function"):
        Derivation(sp.Symbol("s"), {f: (ways[0], "constant")})
