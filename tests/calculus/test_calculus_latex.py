"""Printing never captures: a bound letter is printed like no other letter of its place."""

import itertools

import pytest
import sympy as sp
from sympy import Dummy, Expr, Sum

from hesslib.calculus.comparison import compare
from hesslib.calculus.index import Diff, S, Tensor, elementwise, freshen, index, letters_of
from hesslib.calculus.latex import letters, tex
from hesslib.calculus.provenance import Ground
from hesslib.calculus.steps import Formula
from hesslib.derivations import evidence
from tests.random_expressions import N, Writer, p

x, A = Tensor("x", shape=(N,)), Tensor("A", shape=(N, N))
FREE = [p, *index("k i'"), Dummy("k", integer=True), Dummy("i", integer=True), Dummy("_j", integer=True)]
"""What the free letter of an expression may be: plain, primed, and new ones that are called like bound letters."""


def names_in_sight(e: Expr, around: tuple[str, ...]) -> None:
    """Every letter bound in ``e`` is a plain one, and called like none that is bound around it, or free."""
    if isinstance(e, Sum):
        for letter, *_ in e.limits:
            assert type(letter) is sp.Symbol
            assert letter.name not in around
            around = (*around, letter.name)
    for y in e.args:
        names_in_sight(y, around)


@pytest.mark.parametrize("free", FREE, ids=str)
def test_the_printed_letters_of_free_and_bound_indices_differ(free):
    for seed in range(25):
        e = Writer(seed).expression().xreplace({p: free})
        e += S("k", N, lambda k: A[free, k] * S("k", N, lambda q: A[k, q] * x[q]))
        shown = letters(e)
        (new,) = letters_of(shown) - letters_of(e) or {free}
        own = [s.name for s in letters_of(shown)]
        assert type(new) is sp.Symbol
        assert len(set(own)) == len(own)
        names_in_sight(shown, tuple(own))
        assert (
            compare(shown, freshen(e).xreplace({free: new})).word == "equal"
        )  # it is the same formula, in other letters


def test_a_plain_letter_that_is_bound_inside_of_another_sum_is_not_taken_for_its_letter():
    k = sp.Symbol("k", integer=True)
    inner = Sum(x[k] * A[p, k], (k, 1, N))
    assert tex(S("k", N, lambda q: x[q] * inner)) == (r"\sum_{k} x_{k} \, \sum_{k'} A_{pk'} \, x_{k'}")
    assert tex(inner.xreplace({p: Dummy("k", integer=True)})) == r"\sum_{k'} A_{kk'} \, x_{k'}"


def test_free_letters_that_are_called_alike_are_printed_apart():
    several = [sp.Symbol("k", integer=True), *[Dummy("k", integer=True) for _ in range(2)]]
    for order in itertools.permutations(several):
        assert tex(A[order[0], order[1]] * x[order[2]]).count("k'") >= 1
        assert {s.name for s in letters_of(letters(sp.Mul(*[x[s] for s in order])))} == {"k", "k'", "k''"}


def test_the_two_sides_of_a_ground_have_the_same_letters():
    k = Dummy("k", integer=True)
    rule = Ground("rule", x[k], S("k", N, lambda q: A[k, q] * x[q]))
    assert str(rule) == r"by the rule $x_{p} = \sum_{k} A_{pk} \, x_{k}$"


def test_factors_and_terms_stand_where_a_reader_looks_for_them():
    y, b = Tensor("y", shape=(N,)), Tensor("b", shape=(N,))
    h, small = elementwise("h"), sp.Symbol("s")
    assert tex(b[p] * (1 - y[p]) * y[p]) == r"y_{p} \, \left(1 - y_{p}\right) \, b_{p}"
    assert tex(h(x[p]) + small * h(x[p]).fdiff()).startswith("h(")
    one, two = sp.symbols("l a")
    assert tex(1 / one - 1 / (two + one)).startswith(r"\frac{1}{l}")
    assert tex(-one).startswith("-")


def test_the_printer_spells_out_what_the_book_abbreviates():
    N = sp.Symbol("N", integer=True, positive=True)
    x = Tensor("x", shape=(N,))
    r = index("r")
    h = elementwise("h")
    assert tex(Diff(x[r], Diff(x[r], sp.Symbol("E")))) == r"\frac{\partial^2 E}{\partial x_{r}^2}"
    assert tex(h(x[r]) ** 2) == r"\bigl(h(x_{r})\bigr)^{2}"
    assert tex(S("i", N, lambda i: x[i]), limits=True) == r"\sum_{i=1}^{N} x_{i}"
    assert tex(elementwise("h", 4)(x[r])) == r"h^{(4)}(x_{r})"


def test_a_sum_over_a_scalar_prints_as_one_fraction_and_over_terms_with_brackets():
    of = evidence
    x = Tensor("x", shape=(of.P,))
    assert Formula(of.beta, (of.N - of.gamma) / (2 * of.E_D)).latex() == r"\beta = \frac{N - \gamma}{2 \, {E_D}}"
    bracketed = Formula(of.beta, sp.Mul(sp.Rational(1, 2), x[of.i] + of.alpha, evaluate=False)).latex()
    assert bracketed == r"\beta = \frac{1}{2} \, \left(\alpha + x_{i}\right)"
