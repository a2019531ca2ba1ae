"""Fractions of sums, fractions in fractions, symmetry under a fraction; and what may not stand below a line."""

import pytest
import sympy as sp
from sympy import Rational, exp, sqrt

from hesslib.calculus.decision import decide
from hesslib.calculus.denominators import MayVanishError, require_nonzero
from hesslib.calculus.derivation import CONSTANT, Derivation, same
from hesslib.calculus.index import KroneckerDelta, S, Tensor, elementwise, index
from hesslib.calculus.indicators import NoInverseError, at_most
from hesslib.calculus.normal import difference, equal, normal_form
from hesslib.calculus.provenance import collecting
from hesslib.calculus.rewriting import fact
from hesslib.calculus.steps import NotEqualError, UndecidedError, require_equal
from hesslib.calculus.tidy import tidy

I = KroneckerDelta
N = sp.Symbol("N", integer=True, positive=True)
alpha, beta = sp.symbols("alpha beta")
i, j, k, p = index("i j k p")
x, y, a = (Tensor(name, shape=(N,)) for name in "xya")
A, C = Tensor("A", shape=(N, N)), Tensor("C", shape=(N, N), symmetric=True)
h = elementwise("h")


def over(f, letter="k"):
    return S(letter, N, f)


def twice(f):
    return over(lambda k: over(lambda m: f(k, m), "m"))


def total(t=x):
    return over(lambda m: t[m], "m")


norm = over(lambda m: x[m] ** 2, "m")
Z = over(lambda m: exp(a[m]), "m")
quadratic = twice(lambda k, m: x[k] * A[k, m] * x[m])

EQUAL = {
    "a sum over itself": (over(lambda k: x[k]) / total(), 1),
    "softmax adds up to one": (over(lambda k: exp(a[k]) / Z), 1),
    "softmax, twice": (twice(lambda k, m: exp(a[k]) * exp(a[m]) / Z**2), 1),
    "responsibilities add up to one": (over(lambda k: alpha * x[k] * y[k] / over(lambda m: alpha * x[m] * y[m])), 1),
    "the root mean square of a normed vector": (over(lambda k: (x[k] / sqrt(norm / N)) ** 2), N),
    "a norm": (over(lambda k: x[k] ** 2) / sqrt(norm), sqrt(norm)),
    "a shift in a denominator": (total() / (alpha + total()) + alpha / (alpha + total()), 1),
    "Sherman and Morrison": (1 / (1 + quadratic), 1 - quadratic / (1 + quadratic)),
    "two factors": (1 / (x[i] * (x[i] + 1)), 1 / x[i] - 1 / (x[i] + 1)),
    "two quantities": (1 / (x[i] * (x[i] + y[i])), (1 / x[i] - 1 / (x[i] + y[i])) / y[i]),
    "a difference of squares": (1 / ((x[i] - y[i]) * (x[i] + y[i])), 1 / (x[i] ** 2 - y[i] ** 2)),
    "one multiple": (1 / ((x[i] + y[i]) * (x[i] + 2 * y[i])), (1 / (x[i] + y[i]) - 1 / (x[i] + 2 * y[i])) / y[i]),
    "two factors under a sum": (over(lambda k: 1 / (x[k] * (x[k] + 1))), over(lambda k: 1 / x[k] - 1 / (x[k] + 1))),
    "two quantities under a sum": (
        over(lambda k: 1 / (x[k] * (x[k] + y[k]))),
        over(lambda k: (1 / x[k] - 1 / (x[k] + y[k])) / y[k]),
    ),
    "a fraction in a fraction": (1 / (1 + 1 / x[i]), x[i] / (1 + x[i])),
    "a fraction in a fraction under a sum": (over(lambda k: 1 / (1 + 1 / x[k])), over(lambda k: x[k] / (1 + x[k]))),
    "three lines": (1 / (1 + 1 / (1 + 1 / x[i])), (1 + x[i]) / (1 + 2 * x[i])),
    "the logistic, from both sides": (1 / (1 + exp(-a[i])), exp(a[i]) / (1 + exp(a[i]))),
    "the logistic and its mirror image": (
        over(lambda k: 1 / (1 + exp(-a[k]))),
        N - over(lambda k: 1 / (1 + exp(a[k]))),
    ),
    "half of all pairs": (twice(lambda k, m: x[k] / (x[k] + x[m])), N**2 / 2),
    "a third of all triples": (
        over(lambda k: twice(lambda m, r: x[k] / (x[k] + x[m] + x[r]))),
        N**3 / 3,
    ),
    "antisymmetric": (twice(lambda k, m: (x[k] - x[m]) / (x[k] + x[m])), 0),
    "antisymmetric with symmetric weights": (twice(lambda k, m: C[k, m] * (x[k] - x[m]) / (1 + x[k] * x[m])), 0),
    "a row over its sum": (over(lambda k: over(lambda q: A[k, q] * x[k] / over(lambda r: A[k, r]))), total()),
    "two roots": (sqrt(total()) * sqrt(total(y)), sqrt(total(y)) * sqrt(total())),
    "a root, squared": (sqrt(total()) * sqrt(total()), total()),
    "scalars": (alpha / (alpha + beta) + beta / (alpha + beta), 1),
    "a triangle over its half": (
        over(lambda k: S("q", k, lambda q: C[k, q])) / (twice(lambda k, m: C[k, m]) + over(lambda k: C[k, k])),
        Rational(1, 2),
    ),
}

DIFFERENT = {
    "a sum over itself, counted": (over(lambda k: x[k]) / total(), N),
    "a sum of fractions": (over(lambda k: x[k] / y[k]), total() / total(y)),
    "all pairs": (twice(lambda k, m: x[k] / (x[k] + x[m])), N**2),
    "half of unequal pairs": (twice(lambda k, m: x[k] / (x[k] + 2 * x[m])), N**2 / 2),
    "weights that are not symmetric": (twice(lambda k, m: A[k, m] * (x[k] - x[m]) / (1 + x[k] * x[m])), 0),
    "the fraction of a sum": (1 / (x[i] + y[i]), 1 / x[i] + 1 / y[i]),
    "a fraction in a fraction": (over(lambda k: 1 / (1 + 1 / x[k])), N - over(lambda k: 1 / x[k])),
    "a delta beside a fraction": (I(i, j) + 1 / (x[i] - x[j]), 1 / (x[i] - x[j])),
    "other roots": (sqrt(total()) * sqrt(total(y)), total()),
    "a column over the sum of the row": (
        over(lambda k: over(lambda q: A[q, k] * x[k] / over(lambda r: A[k, r]))),
        total(),
    ),
    "softmax, to another power": (over(lambda k: exp(a[k]) / Z) ** 2, over(lambda k: (exp(a[k]) / Z) ** 2)),
}

ZERO_BELOW = {
    "a difference that meets a free index": lambda: over(lambda k: 1 / (x[k] - x[p])),
    "a difference that meets another index": lambda: twice(lambda k, m: 1 / (x[k] - x[m])),
    "a difference that meets a number": lambda: over(lambda k: 1 / (x[k] - x[1])),
    "a difference of a symmetric matrix": lambda: over(lambda k: 1 / (C[k, p] - C[p, k])),
    "three indices that meet": lambda: twice(lambda k, m: 1 / (A[k, m] - A[m, p])),
    "one less a delta": lambda: 1 / (1 - I(i, j)),
    "one less an indicator": lambda: 1 / (1 - at_most(i, j)),
    "a delta": lambda: x[i] / I(i, j),
    "the root of a delta": lambda: x[i] / sqrt(I(i, j)),
    "a delta inside a function": lambda: h(1 / (2 * I(i, j))),
    "an indicator": lambda: over(lambda k: x[k] / at_most(k, j)),
    "an index less one": lambda: over(lambda k: 1 / (k - 1)),
    "an index less another": lambda: over(lambda k: 1 / (k - j)),
    "a sum less itself": lambda: h(1 / (total() - over(lambda q: x[q], "q"))),
    "twice a sum less itself": lambda: h(2 / (total() - over(lambda q: x[q], "q"))),
}


@pytest.mark.parametrize("name", EQUAL)
def test_these_are_equal(name):
    left, right = (sp.sympify(side) for side in EQUAL[name])
    assert equal(left, right)
    assert equal(right, left)
    assert equal(tidy(left), left)
    assert equal(normal_form(right), right)


@pytest.mark.parametrize("name", DIFFERENT)
def test_these_are_not(name):
    left, right = (sp.sympify(side) for side in DIFFERENT[name])
    assert not equal(left, right)
    missing, extra = difference(left, right)
    assert missing or extra


@pytest.mark.parametrize("name", ZERO_BELOW)
def test_a_denominator_that_is_zero_somewhere_is_refused(name):
    with pytest.raises(ValueError, match="divided by zero"):
        equal(ZERO_BELOW[name](), sp.S.One)


def test_a_tidy_formula_divides_by_nothing_that_vanishes():
    e = over(lambda k: 1 / ((x[k] + y[p]) * (x[p] + y[p])))
    assert equal(tidy(e), e)
    below = [f.base for f in tidy(e).atoms(sp.Pow) if f.exp.is_negative]
    assert below
    assert not any(equal(b.xreplace(dict.fromkeys(b.free_symbols, p)), sp.S.Zero) for b in below if b.is_Add)


OUTSIDE = {
    "a product": sp.Product(x[k], (k, 1, N)),
    "an integral": sp.Integral(alpha, alpha),
    "an integral with limits": x[i] * sp.Integral(alpha, (alpha, 0, 1)),
    "a derivative of SymPy": sp.Derivative(sp.Function("f")(alpha), alpha),
    "cases": sp.Piecewise((alpha, alpha > 0), (0, True)),
    "a substitution": sp.Subs(sp.Function("f")(alpha).diff(alpha), alpha, beta),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_is_outside_is_refused_in_one_sentence(name):
    for entrance in (normal_form, tidy, lambda e: equal(e, alpha), lambda e: equal(h(e), alpha)):
        with pytest.raises(TypeError, match="the calculus knows no") as refusal:
            entrance(OUTSIDE[name])
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "f",
    [
        sp.sign(x[i]),
        sp.floor(x[i]),
        sp.conjugate(x[i]),
        sp.Max(x[i], y[i]),
        sp.Function("f")(x[i], y[i]),
        sp.Abs(x[i]) * x[i],
        sp.Product(x[k], (k, 1, N)),
    ],
    ids=str,
)
def test_what_has_no_derivative_here_is_refused_in_one_sentence(f):
    D = Derivation(x[j], {x: same(j), y: CONSTANT, alpha: CONSTANT})
    for entrance in (D, D.raw, lambda e: D.evaluate(D.named(e))):
        with pytest.raises(TypeError) as refusal:
            entrance(f)
        assert "\n" not in str(refusal.value)
        assert "as_coeff_Mul" not in str(refusal.value)


@pytest.mark.parametrize(
    "e", [1.5 * x[i], x[i] ** 0.5, h(sp.Float("1e-20") * alpha), over(lambda k: x[k]) + 1e-20 * x[j]]
)
def test_floats_are_refused(e):
    for entrance in (normal_form, tidy, lambda e: equal(e, x[i])):
        with pytest.raises(TypeError, match="float"):
            entrance(e)


def test_a_denominator_of_which_nothing_is_known_is_undecided_unless_numbers_tell():
    k = sp.Symbol("k", integer=True)  # no slot and no sum says from where it runs: it may be 0
    one, other = 2 / k, (1 + 1 / k) ** 2 - 1 - k**-2
    assert decide(one, other).word == "undecided"
    assert "may be divided by zero" in decide(one, other).reason
    assert decide(1 / k, 2 / k).word == "different"
    with pytest.raises(UndecidedError, match="may be divided by zero"):
        require_equal(one, other)
    with pytest.raises(NotEqualError, match="at k = "):
        require_equal(1 / k, 2 / k)


def test_what_may_vanish_is_told_from_what_does():
    with pytest.raises(MayVanishError, match="not shown to be different from zero"):
        require_nonzero(i - j)


@pytest.mark.parametrize("of", [lambda k: I(k, j), lambda k: at_most(k, j)], ids=["a delta", "an indicator"])
def test_what_is_zero_for_some_indices_has_no_inverse_not_even_one_that_cancels(of):
    for fraction in (
        lambda k: of(k) / of(k),
        lambda k: x[k] / of(k),
        lambda k: of(k) ** -2,
        lambda k: x[k] / (x[k] * of(k)),
        lambda k: of(k) ** (-N),
    ):
        with pytest.raises(NoInverseError, match="is zero for some of its indices"):
            over(fraction)
    assert over(lambda k: of(k) ** 2 * x[k]) == over(lambda k: of(k) * x[k]) or equal(
        over(lambda k: of(k) ** 2 * x[k]), over(lambda k: of(k) * x[k])
    )


def test_a_fact_is_used_inside_of_functions_and_below_the_line_and_said_only_if_used():
    H, X = Tensor("H", shape=(N, N)), Tensor("X", shape=(N, N))
    inverse = fact(S("j", N, lambda j: H[i, j] * X[j, k]), I(i, k), i, k)

    def product(r):
        return over(lambda p: over(lambda q: H[r, p] * X[p, q] * x[q], "q"), "p")

    assert equal(inverse(h(product(i))), h(x[i]))
    assert equal(inverse(over(lambda r: h(h(product(r))) / (1 + product(r)))), over(lambda r: h(h(x[r])) / (1 + x[r])))
    assert equal(inverse(sqrt(alpha + product(i))), sqrt(alpha + x[i]))
    with collecting() as used:
        inverse(h(product(i)))
    assert [g.kind for g in used] == ["fact"]
    with collecting() as used:
        inverse(h(over(lambda p: H[i, p] * x[p])) / (1 + x[i]))
    assert not list(used)
