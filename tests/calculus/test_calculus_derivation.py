"""Derivatives by rules."""

import pytest
import sympy as sp

from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, MissingRuleError, same
from hesslib.calculus.index import Diff, S, Tensor, Width, index
from hesslib.calculus.let import Let
from hesslib.calculus.normal import equal
from hesslib.derivations import evidence
from hesslib.derivations.evidence import alpha
from hesslib.derivations.exact_network import evaluate


def test_a_number_like_pi_is_a_constant_of_every_derivation():
    assert equal(evidence.by(alpha)(sp.pi * alpha), sp.pi)


N = sp.Symbol("N", integer=True, positive=True)
i, j = index("i j")
x, c, A = Tensor("x", shape=(N,)), Tensor("c", shape=(N,)), Tensor("A", shape=(N, N))
t, u = sp.symbols("t u", positive=True)
D = Derivation(t, {t: lambda: sp.S.One, u: CONSTANT})


@pytest.mark.parametrize(
    "e",
    [
        t**3 - 2 * t,
        sp.exp(-(t**2)) * sp.log(t + u),
        (t + u) / (t - 2 * u),
        t**u,
        u**t,
        t**t,
        sp.sqrt(1 + t) * sp.sin(t * u),
    ],
    ids=str,
)
def test_the_derivative_of_a_function_is_that_of_sympy(e):
    assert sp.simplify(D(e) - sp.diff(e, t)) == 0
    assert D(e) != 0


def test_the_derivative_of_a_sum_is_that_of_its_terms_written_out():
    by_x = Derivation(x[j], {x: same(j), c: CONSTANT, A: CONSTANT})
    e = S("i", N, lambda i: c[i] * x[i] ** 2 + S("k", N, lambda k: A[i, k] * sp.exp(x[i]) * x[k]))
    letters, numbers = sp.symbols("x1:4"), (2, -3, 5)
    matrix = sp.Matrix([[1, 2, 3], [4, -5, 6], [7, 8, 10]])

    def value(q, _):
        row, column = (*map(int, q.indices), 0)[:2]
        return {x: letters, c: numbers}[q.base][row - 1] if q.base != A else matrix[row - 1, column - 1]

    def written_out(e, at):
        return evaluate(e, value, lambda size: 3, at)

    whole = written_out(e, {})
    for place in (1, 2, 3):
        assert sp.expand(written_out(by_x(e), {j: place}) - sp.diff(whole, letters[place - 1])) == 0


def test_a_sum_over_a_layer_with_a_number_is_no_constant():
    size = Width("n", layers=1)
    unit = Tensor("u", shape=(size[2],))
    total = S("k", size[2], lambda k: unit[k])
    by = Derivation(t, {unit: NAMED})
    slope = S("k", size[2], lambda k: Diff(t, unit[k]))
    assert total.is_number  # says SymPy, since no letter is free in it
    assert equal(by(total**2), 2 * total * slope)
    assert equal(by(1 / total), -slope / total**2)
    assert by(2**total) != 0


def test_a_quantity_without_a_rule_is_never_taken_for_a_constant():
    with pytest.raises(MissingRuleError, match="has no rule for c"):
        Derivation(x[j], {x: same(j)})(c[i])


def test_a_derivative_may_be_named_and_worked_out_later():
    named = D.named(t**2)
    assert D.evaluate(3 * named + u) == 6 * t + u
    of_another = Derivation(t, {t: lambda: sp.S.One}, held="u")
    assert D.evaluate(of_another.named(t**2)) == of_another.named(t**2)
    left = Derivation(t, {u: NAMED, t: lambda: sp.S.One})
    assert left(u * t) == u + t * left.named(u)
    assert left.but({u: CONSTANT})(u * t) == u


REFUSED = {
    "a rule in words": (lambda: Derivation(t, {u: "fixed"}), "it must be a function of its indices"),
    "a size": (lambda: Derivation(Width("n", layers=1)[1], {}), "there is no derivative by a size"),
    "one entry of a symmetric tensor": (
        lambda: Derivation(Tensor("H", shape=(N, N), symmetric=True)[i, j], {}),
        "is symmetric, so an entry is no variable by itself",
    ),
    "the variable with another slope": (lambda: Derivation(t, {t: lambda: sp.Integer(2)}), "it is the variable itself"),
    "the variable held fixed": (lambda: Derivation(t, {t: CONSTANT}), "it is the variable itself"),
    "a sum up to the variable": (
        lambda: Derivation(N, {N: lambda: sp.S.One})(S("i", N, lambda i: c[i])),
        "there is no derivative by a size",
    ),
}


@pytest.mark.parametrize(("what", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_derivative_is_refused(what, message):
    with pytest.raises(ValueError, match=message):
        what()


def test_what_varies_by_its_definition_is_not_held_fixed_without_saying_so():
    y = Let(sp.Symbol("y"), lambda: t**2)
    with pytest.raises(ValueError, match="by its definition it varies with t"):
        Derivation(t, {t: lambda: sp.S.One, y: CONSTANT})(y)
    assert Derivation(t, {t: lambda: sp.S.One, y: CONSTANT}, held="y")(y * t) == y
    assert Derivation(t, {t: lambda: sp.S.One})(y) == 2 * t


def test_a_function_whose_derivative_is_no_formula_has_none():
    with pytest.raises(TypeError, match="no derivative of Abs is known that is a formula"):
        Derivation(t, {t: lambda: sp.S.One, u: CONSTANT})(sp.Abs(sp.sin(t)))


def test_a_width_depends_on_nothing_and_needs_no_rule():
    n, l = Width("n", layers=1), sp.Symbol("l", integer=True, positive=True)
    D = Derivation(t, {t: lambda: sp.S.One})
    assert D(n[l]) == D(n[2]) == 0
    assert D(t / n[l] ** 2) == 1 / n[l] ** 2
