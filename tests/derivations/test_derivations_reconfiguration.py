"""The derivations of stochastic reconfiguration: decided, and true of an explicit wave function."""

import inspect

import pytest
import sympy as sp

from hesslib.calculus.derivation import unfold
from hesslib.calculus.index import S
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import reconfiguration as derived
from hesslib.derivations.exact_network import evaluate
from hesslib.derivations.reconfiguration import F_of, O, P, S_of, X, k, l, p, real

DERIVATIONS = [
    pytest.param(function, id=name)
    for name, function in inspect.getmembers(derived, inspect.isfunction)
    if function.__module__ == derived.__name__
    and not name.startswith("_")
    and all(q.default is not q.empty for q in inspect.signature(function).parameters.values())
]


@pytest.mark.parametrize("derivation", DERIVATIONS)
def test_the_derivation_decides_its_links_and_typesets(derivation):
    result = derivation()
    for formula in result if isinstance(result, tuple) else (result,):
        if hasattr(formula, "latex"):
            assert formula.established in ("derived", "definition")
            assert formula.latex()
            assert all(check.passed for check in formula.checks)


# An explicit real wave function: three states, two parameters, in exact arithmetic; SymPy differentiates.
w = sp.symbols("w1 w2")
AMPLITUDES = [1 + w[0] + w[1], 2 + w[0] * w[1], 3 + w[0] ** 2 - w[1]]
HAM = sp.Matrix([[1, -2, 0], [-2, sp.Rational(1, 2), -1], [0, -1, 3]])
PLACE = {w[0]: sp.Rational(1, 3), w[1]: sp.Rational(1, 2)}
Z = sum(x**2 for x in AMPLITUDES)
ENERGY = sum(AMPLITUDES[r] * HAM[r, c] * AMPLITUDES[c] for r in range(3) for c in range(3)) / Z
HERE = [x.subs(PLACE) for x in AMPLITUDES]
TABLES = {
    p: [x**2 / sum(y**2 for y in HERE) for x in HERE],
    O: [[(sp.diff(x, y) / x).subs(PLACE) for y in w] for x in AMPLITUDES],
    derived.eps: [sum(HAM[r, c] * HERE[c] for c in range(3)) / HERE[r] for r in range(3)],
}


def entry(x, _):
    """The value of a tensor of the derivations in this instance."""
    found = TABLES[x.base]
    for number in x.indices:
        found = found[int(number) - 1]
    return found


def value(formula, **at):
    letters = {"k": k, "l": l}
    opened = real(unfold(formula, derived.means))
    return evaluate(opened, entry, {X: 3, P: 2}.get, {letters[name]: number for name, number in at.items()})


@pytest.mark.parametrize("number", [1, 2])
def test_the_gradient_of_the_energy_is_twice_the_force(number):
    slope = sp.diff(ENERGY, w[number - 1]).subs(PLACE)
    assert value(derived.gradient().result, k=number) == slope
    assert value(F_of(k), k=number) != slope


def test_the_metric_is_a_quarter_of_the_curvature_of_the_divergence():
    divergence = -sum(t * sp.log(x**2 / Z) for t, x in zip(TABLES[p], AMPLITUDES, strict=True))
    for r in (1, 2):
        for c in (1, 2):
            curvature = sp.diff(divergence, w[r - 1], w[c - 1]).subs(PLACE)
            assert 4 * value(S_of(k, l), k=r, l=c) == curvature


def test_wrong_variants_are_refused():
    with pytest.raises(NotEqualError):
        derived.gradient().stated(real(F_of(k)))  # the factor 2
    with pytest.raises(NotEqualError):
        derived.conjugate_slope().stated(S("s", X, lambda s: p[s] * O[s, k] * derived.eps[s]))  # means not subtracted
    with pytest.raises(NotEqualError):
        derived.normal_equations().stated(
            S("l", P, lambda l: derived.metric[k, l] * derived.d[l]) - derived.gamma * derived.force[k]
        )  # the sign
    with pytest.raises(NotEqualError):
        derived.fisher().stated(2 * real(S_of(k, l)))
